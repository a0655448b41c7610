use crate::dataset::Corpus;
use crate::dataset::shard::header::MAX_SIZE;
use crate::dataset::shard::write::{ShardWriter, SoundTrack};
use crate::dataset::shard::*;
use crate::dataset::synthetic::SyntheticFilm;
use crate::storage::Overwrite;
use crate::task::Cancel;
use kinophone_dsp::units::SampleRate;
use proptest::prelude::*;
use std::io::{Seek, SeekFrom, Write};
use std::process::Command;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Three pictures with irregular times, and stereo sound.
fn small(size: u32, colour: bool) -> SyntheticFilm {
    SyntheticFilm {
        size,
        colour,
        times: vec![0, 41_708, 99_999],
        end: 133_333,
        level: |k| [1, 127, 255][k],
        rate: 44_100,
        channels: 2,
        sound: Some(vec![0, -1, 32_767, -32_768, 5, 6]),
        ..SyntheticFilm::plain("small", 1.0)
    }
}

#[test]
fn what_was_written_is_read_at_any_size_and_alignment() {
    let folder = folder();
    for (size, colour) in [(1, false), (2, false), (3, false), (3, true), (5, true), (64, false)] {
        let film = small(size, colour);
        let shard = film.open(folder.path());
        shard.verify().unwrap();
        assert_eq!((shard.size(), shard.colour(), shard.pictures()), (size, colour, 3));
        assert_eq!(shard.source(), &film.source());
        assert_eq!(shard.end(), MediaTime(133_333));
        for k in 0..3 {
            assert_eq!(shard.time(k), MediaTime(film.times[k]));
            assert!(shard.picture(k).iter().all(|p| *p == (film.level)(k)));
            assert_eq!(shard.picture(k).len(), (size * size) as usize * if colour { 3 } else { 1 });
        }
        let sound = shard.sound().unwrap();
        assert_eq!((sound.rate.hz(), sound.channels, sound.samples), (44_100, 2, &film.sound.unwrap()[..]));
        shard.release();
        assert_eq!(shard.picture(2)[0], 255);
    }
}

#[test]
fn a_picture_is_on_the_screen_from_its_time_to_the_next() {
    let shard = small(2, false).open(folder().path());
    for (time, picture) in
        [(-5, 0), (0, 0), (41_707, 0), (41_708, 1), (99_998, 1), (99_999, 2), (9_999_999, 2)]
    {
        assert_eq!(shard.picture_at(MediaTime(time)), picture, "{time}");
    }
}

#[test]
fn a_silent_film_has_no_sound_and_an_empty_one_no_shard() {
    let folder = folder();
    let film = SyntheticFilm { sound: None, ..small(2, false) };
    let shard = film.open(folder.path());
    assert!(shard.verify().is_ok() && shard.sound().is_none());

    let path = folder.path().join("empty.safetensors");
    let writer = ShardWriter::create(&path, Overwrite::Refuse, 4, false, film.source()).unwrap();
    assert_eq!(writer.finish(MediaTime::ZERO, None).unwrap_err().kind(), Kind::NoPicture);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn sound_alone_is_a_shard() {
    let folder = folder();
    let film = SyntheticFilm { times: Vec::new(), ..small(1, false) };
    let shard = film.open(folder.path());
    shard.verify().unwrap();
    assert_eq!((shard.pictures(), shard.end()), (0, MediaTime(133_333)));
    let sound = shard.sound().unwrap();
    assert_eq!((sound.rate.hz(), sound.channels, Some(sound.samples)), (44_100, 2, film.sound.as_deref()));
}

#[test]
fn the_writer_refuses_what_would_make_a_wrong_shard() {
    let folder = folder();
    let path = folder.path().join("a.safetensors");
    let source = small(2, false).source();
    let create = |size| ShardWriter::create(&path, Overwrite::Refuse, size, false, source.clone());
    for size in [0, MAX_SIZE + 1] {
        assert_eq!(create(size).err().unwrap().kind(), Kind::Invalid);
    }
    let mut writer = create(2).unwrap();
    writer.push(MediaTime(10), &[0; 4]).unwrap();
    assert_eq!(writer.push(MediaTime(10), &[0; 4]).unwrap_err().kind(), Kind::Invalid, "the same time");
    assert_eq!(writer.push(MediaTime(20), &[0; 5]).unwrap_err().kind(), Kind::Invalid, "another size");
    let mut data = &[0u8; 6][..];
    let rate = SampleRate::new(8000).unwrap();
    let sound = SoundTrack::new(rate, 2, 2, &mut data);
    assert_eq!(writer.finish(MediaTime(20), Some(sound)).unwrap_err().kind(), Kind::Invalid, "short sound");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Neither opening nor comparing the checksum may accept it, and both must name the file and give advice.
fn assert_refused(path: &Path, what: &str) {
    let error = Shard::open(path).and_then(|s| s.verify()).expect_err(what);
    assert_eq!((error.kind(), error.place()), (Kind::Damaged, Some(path)), "{what}");
    assert!(error.advice().is_some_and(|a| a.contains("--skip-damaged")), "{what}");
}

#[test]
fn a_file_cut_or_grown_anywhere_is_damaged() {
    let folder = folder();
    let path = small(3, false).write(folder.path());
    let whole = std::fs::read(&path).unwrap();
    let data = header_range(&whole).unwrap().end;
    assert_eq!(data % 4096, 0);
    // Length, header, 27 bytes of pictures, 5 of padding, 24 of times, 12 of sound.
    assert_eq!(whole.len(), data + 27 + 5 + 24 + 12);
    let borders = [0, 8, 9, 200, data, data + 9, data + 27, data + 32, data + 56, whole.len()];
    for cut in borders.iter().flat_map(|b| [b.saturating_sub(1), *b]).filter(|cut| *cut < whole.len()) {
        std::fs::write(&path, &whole[..cut]).unwrap();
        assert_refused(&path, &format!("cut to {cut} bytes"));
    }
    std::fs::write(&path, [&whole[..], &[0]].concat()).unwrap();
    assert_refused(&path, "one byte more");
}

#[test]
fn no_flipped_bit_is_accepted() {
    let folder = folder();
    let path = small(3, true).write(folder.path());
    let whole = std::fs::read(&path).unwrap();
    // In place: a file that is cut and written anew goes to the disk each time.
    let mut file = std::fs::File::options().write(true).open(&path).unwrap();
    let mut put = |at: usize, byte: u8| {
        file.seek(SeekFrom::Start(at as u64)).unwrap();
        file.write_all(&[byte]).unwrap();
    };
    for (at, byte) in whole.iter().enumerate() {
        put(at, byte ^ (1 << (at % 8)));
        assert_refused(&path, &format!("byte {at}"));
        put(at, *byte);
    }
    Shard::open(&path).and_then(|s| s.verify()).unwrap();
}

/// Replaces a part of the header's JSON, keeping the header's length.
fn with_header(whole: &[u8], from: &str, to: &str) -> Vec<u8> {
    let data = header_range(whole).unwrap().end;
    let text = String::from_utf8(whole[LENGTH..data].to_vec()).unwrap();
    assert!(text.contains(from), "{from} in {text}");
    let mut header = text.replace(from, to).trim_end().to_owned().into_bytes();
    header.resize(data - LENGTH, b' ');
    [&whole[..LENGTH], &header, &whole[data..]].concat()
}

#[test]
fn lies_in_the_header_are_refused_without_a_panic() {
    let folder = folder();
    let path = small(2, false).write(folder.path());
    let whole = std::fs::read(&path).unwrap();
    let huge = u64::MAX.to_string();
    for (from, to) in [
        ("[3,2,2,1]", format!("[{huge},2,2,1]")),
        ("[3,2,2,1]", "[0,2,2,1]".to_owned()),
        ("[3,2,2,1]", "[1,4,3,1]".to_owned()),
        ("[3,2,2,1]", "[3,2,2,2]".to_owned()),
        ("[3,2,2,1]", "[12]".to_owned()),
        ("[3,2,2,1]", format!("[3,{huge},{huge},3]")),
        ("[3,2,2,1]", "[40,1024,1024,3]".to_owned()),
        ("[0,12]", format!("[0,{huge}]")),
        ("[0,12]", "[12,0]".to_owned()),
        ("\"U8\"", "\"I8\"".to_owned()),
        ("\"I64\"", "\"F64\"".to_owned()),
        ("[3,2]", format!("[{huge},2]")),
        ("[3,2]", "[2,3]".to_owned()),
        ("[3,2]", "[6,1]".to_owned()),
        ("\"sound\"", "\"noise\"".to_owned()),
        (r#"\"sound_rate\":44100"#, r#"\"sound_rate\":0"#.to_owned()),
        (r#"\"sound_rate\":44100"#, r#"\"sound_rate\":null"#.to_owned()),
        (r#"\"end_us\":133333"#, format!(r#"\"end_us\":{}"#, i64::MAX)),
        (r#"\"end_us\":133333"#, format!(r#"\"end_us\":{}"#, i64::MIN + 1)),
        (r#"\"end_us\":133333"#, r#"\"end_us\":99998"#.to_owned()),
        (r#"\"version\":2"#, r#"\"version\":3"#.to_owned()),
        (r#"\"sound_exponent\":0"#, r#"\"sound_exponent\":25"#.to_owned()),
        (r#"\"sound_exponent\":0"#, r#"\"sound_exponent\":-128"#.to_owned()),
        ("__metadata__", "metadata".to_owned()),
        ("kinophone", "other".to_owned()),
    ] {
        std::fs::write(&path, with_header(&whole, from, &to)).unwrap();
        assert_refused(&path, &format!("{from} as {to}"));
    }
    let mut bytes = whole.clone();
    bytes[..LENGTH].copy_from_slice(&u64::MAX.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    assert_refused(&path, "a header longer than everything");
}

#[test]
fn times_must_increase_even_under_a_right_header() {
    let folder = folder();
    let path = small(2, false).write(folder.path());
    let mut bytes = std::fs::read(&path).unwrap();
    let times = header_range(&bytes).unwrap().end + 12 + 4;
    for (k, time) in [(1, 0), (2, 133_334), (0, i64::MIN), (2, i64::MAX)] {
        let before = bytes.clone();
        bytes[times + 8 * k..][..8].copy_from_slice(&i64::to_le_bytes(time));
        std::fs::write(&path, &bytes).unwrap();
        let error = Shard::open(&path).expect_err("an impossible time");
        assert!(error.to_string().contains("impossible time"), "{error}");
        bytes = before;
    }
}

#[test]
fn no_mutation_panics_or_is_accepted() {
    let folder = folder();
    let path = small(3, false).write(folder.path());
    let whole = std::fs::read(&path).unwrap();
    let edit = (any::<prop::sample::Index>(), any::<u8>(), 0..3u8);
    proptest!(|(edits in prop::collection::vec(edit, 1..6))| {
        let mut bytes = whole.clone();
        for (at, byte, edit) in edits {
            let at = at.index(bytes.len());
            match edit {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, byte),
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        let accepted = Shard::open(&path).and_then(|s| s.verify()).is_ok();
        prop_assert_eq!(accepted, bytes == whole);
    });
}

#[test]
fn what_is_no_file_or_no_shard_is_said_so() {
    let folder = folder();
    let text = folder.path().join("text.safetensors");
    for content in ["", "hello", "a text that is somewhat longer than the length and no shard at all"] {
        std::fs::write(&text, content).unwrap();
        assert_refused(&text, content);
    }
    assert_eq!(Shard::open(folder.path()).unwrap_err().kind(), Kind::WrongKind);
    assert_eq!(Shard::open(&folder.path().join("none")).unwrap_err().kind(), Kind::NotFound);
}

#[test]
fn a_corpus_names_its_damaged_shard_or_leaves_it_out() {
    let folder = folder();
    assert_eq!(Corpus::open(folder.path(), false, &Cancel::default()).unwrap_err().kind(), Kind::Empty);
    let good = small(2, false).write(folder.path());
    let bad = folder.path().join("bad.safetensors");
    let mut bytes = std::fs::read(&good).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&bad, bytes).unwrap();
    for ignored in ["._small.safetensors", "notes.txt", ".kinophone-x.part"] {
        std::fs::write(folder.path().join(ignored), "x").unwrap();
    }
    let error = Corpus::open(folder.path(), false, &Cancel::default()).unwrap_err();
    assert_eq!((error.kind(), error.place()), (Kind::Damaged, Some(bad.as_path())));
    let (corpus, damaged) = Corpus::open(folder.path(), true, &Cancel::default()).unwrap();
    assert_eq!((corpus.sources().len(), damaged), (1, vec![bad]));
    std::fs::remove_file(good).unwrap();
    assert_eq!(Corpus::open(folder.path(), true, &Cancel::default()).unwrap_err().kind(), Kind::Empty);
    assert_eq!(
        Corpus::open(&folder.path().join("none"), true, &Cancel::default()).unwrap_err().kind(),
        Kind::NotFound
    );
    assert_eq!(
        Corpus::open(&folder.path().join("notes.txt"), true, &Cancel::default()).unwrap_err().kind(),
        Kind::WrongKind
    );
}

#[test]
fn the_stock_rust_package_reads_a_shard() {
    let folder = folder();
    let bytes = std::fs::read(small(3, false).write(folder.path())).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.tensor("pictures").unwrap().shape(), [3, 3, 3, 1]);
    assert_eq!(tensors.tensor("times_us").unwrap().dtype(), safetensors::Dtype::I64);
    assert_eq!(tensors.tensor("sound").unwrap().data()[2..4], [255, 255]);
}

/// Reads a shard as `docs` and the module's description show it, and prints what a test can compare.
const PYTHON: &str = r#"
import json, sys
from safetensors import safe_open
from safetensors.numpy import load_file
tensors = load_file(sys.argv[1])
note = json.loads(safe_open(sys.argv[1], "numpy").metadata()["kinophone"])
print(tensors["pictures"].shape, tensors["pictures"].dtype, tensors["pictures"].sum(dtype="int64"))
print(tensors["times_us"].tolist(), tensors["sound"].tolist(), tensors["sound"].dtype)
print(note["version"], note["end_us"], note["sound_rate"], note["source"]["licence"], ascii(note["source"]["author"]))
"#;

#[test]
fn python_reads_a_shard_with_the_stock_package() {
    let python = |arguments: &[&std::ffi::OsStr]| Command::new("python3").args(arguments).output();
    let present =
        python(&["-c".as_ref(), "import numpy, safetensors".as_ref()]).is_ok_and(|o| o.status.success());
    if !present {
        assert!(std::env::var_os("CI").is_none(), "CI must have python3 with numpy and safetensors");
        println!("skipped: python3 with numpy and safetensors is not installed");
        return;
    }
    let folder = folder();
    let path = small(3, false).write(folder.path());
    let output = python(&["-c".as_ref(), PYTHON.as_ref(), path.as_os_str()]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let expected = "(3, 3, 3, 1) uint8 3447\n\
        [0, 41708, 99999] [[0, -1], [32767, -32768], [5, 6]] int16\n\
        2 133333 44100 CC0-1.0 '\\xc4rger \"quoted\" \\\\ \\u540d'\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout).replace('\r', ""), expected);
}

/// The earliest time that a file can name has no positive counterpart.
#[test]
fn an_impossible_end_is_damage() {
    let folder = folder();
    let path = small(2, false).write(folder.path());
    let text = std::fs::read(&path).unwrap();
    let header = String::from_utf8(text[LENGTH..header_range(&text).unwrap().end].to_vec()).unwrap();
    let edited = header.trim_end().replace("\\\"end_us\\\":133333", "\\\"end_us\\\":-9223372036854775808");
    assert!(edited.len() > header.trim_end().len() && edited.len() <= header.len());
    let edited = format!("{edited:<width$}", width = header.len());
    std::fs::write(&path, [&text[..LENGTH], edited.as_bytes(), &text[LENGTH + header.len()..]].concat())
        .unwrap();
    assert_refused(&path, "the end");
}
