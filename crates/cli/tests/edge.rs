//! Odd files: each goes through prepare and render, or gets its one clear error.

mod support;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use std::process::Output;
use support::{Home, check_rendition, ffmpeg, kinophone, refuse, shards, small_film, succeed, tiny_brain};

#[test]
fn what_is_no_film_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let brain = tiny_brain(folder);
    small_film(&folder.join("inner.mp4"), 1);
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write("empty.mp4", "");
    write("text.mp4", "This is no film.\n");
    write("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\ninner.mp4\n#EXT-X-ENDLIST\n");
    write("list.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\ninner.mp4\n#EXT-X-ENDLIST\n");
    write("list.ffconcat", "ffconcat version 1.0\nfile inner.mp4\n");
    write(
        "session.sdp",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    );
    ffmpeg(&[
        OsStr::new("-f"),
        OsStr::new("lavfi"),
        OsStr::new("-i"),
        OsStr::new("sine"),
        OsStr::new("-t"),
        OsStr::new("1"),
        folder.join("tone.wav").as_os_str(),
    ]);
    fs::create_dir(folder.join("folder.mp4")).unwrap();
    for name in [
        "missing.mp4",
        "empty.mp4",
        "text.mp4",
        "list.m3u8",
        "list.mp4",
        "list.ffconcat",
        "session.sdp",
        "tone.wav",
        "folder.mp4",
    ] {
        let film = folder.join(name);
        let out = folder.join("out.mp4");
        let said = refuse(
            folder,
            &[OsStr::new("render"), brain.as_os_str(), film.as_os_str(), OsStr::new("-o"), out.as_os_str()],
        );
        assert!(said.contains(name), "the error does not name {name}: {said}");
        let corpus = folder.join("corpus");
        refuse(folder, &[OsStr::new("prepare"), film.as_os_str(), OsStr::new("-o"), corpus.as_os_str()]);
        assert!(!out.exists() && shards(&corpus).is_empty(), "{name} left something behind");
    }
}

#[test]
fn silent_films_are_played_to_but_not_learned_from() {
    let home = tempfile::tempdir().unwrap();
    let film = home.path().join("silent.mp4");
    ffmpeg(&[
        OsStr::new("-f"),
        OsStr::new("lavfi"),
        OsStr::new("-i"),
        OsStr::new("testsrc2=size=64x64:rate=24"),
        OsStr::new("-t"),
        OsStr::new("2"),
        film.as_os_str(),
    ]);
    let said = refuse(
        home.path(),
        &[OsStr::new("train"), film.as_os_str(), OsStr::new("-o"), home.path().join("b").as_os_str()],
    );
    assert!(said.contains("no sound"), "{said}");
}

#[test]
fn a_truncated_film_gives_what_decodes_and_says_so() {
    let home = tempfile::tempdir().unwrap();
    let brain = tiny_brain(home.path());
    let (whole, cut) = (home.path().join("whole.mkv"), home.path().join("cut.mkv"));
    small_film(&whole, 10);
    let bytes = fs::read(&whole).unwrap();
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let out = home.path().join("out.mkv");
    let args = [
        OsStr::new("render"),
        brain.as_os_str(),
        cut.as_os_str(),
        OsStr::new("-o"),
        out.as_os_str(),
        OsStr::new("--json"),
    ];
    let output = succeed(home.path(), &args);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let seconds = said["seconds"].as_f64().unwrap();
    assert!((2.0..8.0).contains(&seconds), "{seconds} s of a film cut in half");
    check_rendition(&out);
}

#[cfg(unix)]
/// Nothing is decoded where a film was prepared before, so its shard has to know.
#[test]
fn damage_is_said_again_of_a_film_that_was_prepared_before() {
    let home = Home::new();
    let whole = home.at("whole.mkv");
    ffmpeg(&home.words(
        "-f lavfi -i testsrc2=size=128x96:rate=25 -f lavfi -i anoisesrc=a=0.3:r=48000:seed=1 -t 4 -c:v libx264 -preset ultrafast -c:a flac @whole.mkv",
    ));
    let mut bytes = fs::read(whole).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 400].fill(0);
    fs::write(home.at("film.mkv"), bytes).unwrap();
    let first = home.succeed("prepare @film.mkv -o @corpus");
    let said = |output: &Output| {
        let text = String::from_utf8(output.stderr.clone()).unwrap();
        let lines = text.lines().filter(|line| line.contains("film.mkv is not as it should be"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let warnings = said(&first);
    assert!(!warnings.is_empty() && warnings.len() <= 2, "{warnings:?}");
    assert_eq!(said(&home.succeed("prepare @film.mkv -o @corpus")), warnings);
    // Decoded again, its reader and its decoder may complain in the other order.
    let counts = |lines: &[String]| {
        let others = |line: &String| line.rsplit_once(" (and ").map(|(_, others)| others.to_owned());
        lines.iter().map(others).collect::<Vec<_>>()
    };
    let train = || said(&home.succeed("train @film.mkv -o @brain --layers 20 --epochs 1 --force"));
    let trained = train();
    assert_eq!(train(), trained);
    assert_eq!(counts(&trained), counts(&warnings), "{trained:?}");
    // Of the pictures alone, where they are all that is used.
    let render = said(&home.succeed("render @brain @film.mkv -o @out.wav"));
    assert_eq!(counts(&render), counts(&warnings[..1]), "{render:?}");
    let cut = home.succeed("sounds @film.mkv -o @lib");
    assert_eq!(said(&home.succeed("sounds @film.mkv -o @lib")), said(&cut));
}

#[test]
fn one_wrong_bit_of_lossless_sound_is_said() {
    let home = Home::new();
    ffmpeg(&home.words("-f lavfi -i anoisesrc=a=0.3:r=48000:seed=1:d=3 @whole.flac"));
    let mut bytes = fs::read(home.at("whole.flac")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    fs::write(home.at("bit.flac"), bytes).unwrap();
    let said =
        |name: &str| String::from_utf8(home.succeed(&format!("sounds @{name} -o @lib")).stderr).unwrap();
    assert!(said("bit.flac").contains("bit.flac is not as it should be"));
    let of_whole = said("whole.flac");
    assert!(!of_whole.contains("not as it should be"), "{of_whole}");
}

#[test]
fn recordings_that_are_not_whole_or_not_all_used_say_so() {
    let home = Home::new();
    let noise = "-f lavfi -i anoisesrc=a=0.3:r=48000:seed=1:d=5";
    ffmpeg(&home.words(&format!("{noise} @whole.flac")));
    ffmpeg(&home.words(&format!("{noise} @whole.mp3")));
    let bytes = fs::read(home.at("whole.flac")).unwrap();
    let (begin, end) = (bytes.len() / 2, bytes.len() * 6 / 10);
    fs::write(home.at("hole.flac"), [&bytes[..begin], &bytes[end..]].concat()).unwrap();
    fs::write(home.at("twice.flac"), bytes.repeat(2)).unwrap();
    let bytes = fs::read(home.at("whole.mp3")).unwrap();
    fs::write(home.at("cut.mp3"), &bytes[..bytes.len() * 55 / 100]).unwrap();
    ffmpeg(&home.words(
        "-f lavfi -i aevalsrc=if(eq(n\\,30000)\\,1e6\\,0.5*sin(600*t)):s=48000:d=2 -c:a pcm_f32le @wild.wav",
    ));
    let said =
        |name: &str| String::from_utf8(home.succeed(&format!("sounds @{name} -o @lib")).stderr).unwrap();
    for (name, what) in [
        ("hole.flac", "is not as it should be"),
        ("twice.flac", "is not as it should be"),
        ("cut.mp3", "it claims to end at 0:00:05"),
        ("wild.wav", "its loudest sample lies at +120 dBFS"),
    ] {
        assert!(said(name).contains(what), "{name}: {}", said(name));
    }
    for name in ["whole.flac", "whole.mp3"] {
        assert!(!said(name).contains("warning"), "{name}: {}", said(name));
    }
    // The same recording under two names is one.
    fs::copy(home.at("whole.mp3"), home.at("again.mp3")).unwrap();
    let told = home.succeed("sounds @whole.mp3 @again.mp3 -o @one");
    assert!(String::from_utf8(told.stdout).unwrap().contains("5 s from 1 source\n"));
}

/// A player stops where the first part ends, and so does ffmpeg, without a word.
#[test]
fn recordings_that_were_joined_where_nobody_reads_on_say_so() {
    let home = Home::new();
    let film = "-f lavfi -i testsrc2=s=160x120:r=25:d=1 -f lavfi -i sine=d=1 -shortest";
    for name in
        ["film.mp4", "film.mov", "film.avi", "film.flv -ar 44100", "film.wmv", "film.wav", "film.aiff"]
    {
        let (name, options) = name.split_once(' ').unwrap_or((name, ""));
        ffmpeg(&home.words(format!("{film} {options} -y @{name}").replace("  ", " ").trim()));
        let sound_alone = name.ends_with("wav") || name.ends_with("aiff");
        let command = if sound_alone { "sounds" } else { "prepare" };
        let said = |file: &str| {
            let output = home.succeed(&format!("{command} @{file} -o @of-{file}"));
            String::from_utf8(output.stderr).unwrap()
        };
        let joined = "another recording was joined to its end";
        assert!(!said(name).contains(joined), "{name}: {}", said(name));
        let twice = format!("twice-{name}");
        fs::write(home.at(&twice), fs::read(home.at(name)).unwrap().repeat(2)).unwrap();
        assert!(said(&twice).contains(joined), "{name}: {}", said(&twice));
    }
}

/// A shell's limit on the size of files ends a process by a signal, unless that is taken.
#[test]
fn a_file_that_may_not_grow_is_an_error_like_any_other() {
    let home = Home::new();
    small_film(&home.at("film.mp4"), 20);
    let mut command = std::process::Command::new("bash");
    command.args(["-c", "ulimit -f 100; exec \"$0\" \"$@\""]).arg(env!("CARGO_BIN_EXE_kinophone"));
    let output = command.args(home.words("prepare @film.mp4 -o @corpus")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("File too large"), "{:?} {said}", output.status);
    let left = fs::read_dir(home.at("corpus")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "files are left");
}

/// ffmpeg makes of a track whose description is cut off one of which nothing is known.
#[test]
fn a_film_that_ends_within_the_description_of_its_tracks_is_refused() {
    let home = Home::new();
    small_film(&home.at("whole.mp4"), 2);
    let bytes = fs::read(home.at("whole.mp4")).unwrap();
    let at = bytes.windows(4).position(|name| name == b"moov").unwrap();
    for part in 1..10 {
        fs::write(home.at("film.mp4"), &bytes[..at + (bytes.len() - at) * part / 10]).unwrap();
        let said = home.refuse("prepare @film.mp4 -o @corpus");
        assert!(said.contains("is cut off within the description of its tracks"), "{part}: {said}");
    }
}

#[test]
fn names_are_only_names() {
    use std::os::unix::ffi::OsStringExt;
    let home = tempfile::tempdir().unwrap();
    let brain = tiny_brain(home.path());
    let names: [&[u8]; 7] = [
        b"-i.mp4",
        b"with space.mp4",
        b"quote'\".mp4",
        b"http:x.mp4",
        b"concat:a|b.mp4",
        b"%03d.mp4",
        b"\xff\xfe.mp4",
    ];
    for name in names {
        let name = OsString::from_vec(name.to_vec());
        small_film(&home.path().join("plain.mp4"), 1);
        fs::rename(home.path().join("plain.mp4"), home.path().join(&name)).unwrap();
        let out = OsString::from_vec([b"out ", name.clone().into_vec().as_slice()].concat());
        let output = kinophone(home.path())
            .current_dir(home.path())
            .args([
                OsStr::new("render"),
                OsStr::new("--quiet"),
                OsStr::new("-o"),
                &out,
                OsStr::new("--"),
                brain.as_os_str(),
                &name,
            ])
            .output()
            .unwrap();
        assert!(output.status.success(), "{name:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(home.path().join(&out).exists(), "{name:?}");
    }
}

#[test]
fn outputs_that_must_not_be_written_are_refused_before_any_work() {
    let home = tempfile::tempdir().unwrap();
    let brain = tiny_brain(home.path());
    let film = home.path().join("film.mp4");
    small_film(&film, 1);
    let before = fs::read(&film).unwrap();
    let render = |out: &Path, more: &[&str]| {
        let mut args = vec![
            OsString::from("render"),
            brain.clone().into(),
            film.clone().into(),
            "-o".into(),
            out.into(),
        ];
        args.extend(more.iter().map(OsString::from));
        args
    };
    refuse(home.path(), &render(&film, &["--force"]));
    assert!(fs::read(&film).unwrap() == before, "the source was touched");
    let taken = home.path().join("taken.mp4");
    fs::write(&taken, "mine").unwrap();
    assert!(refuse(home.path(), &render(&taken, &[])).contains("--force"));
    assert_eq!(fs::read(&taken).unwrap(), b"mine");
    succeed(home.path(), &render(&taken, &["--force"]));
    refuse(home.path(), &render(&home.path().join("no/such/folder.mp4"), &[]));
    refuse(home.path(), &render(&home.path().join("odd.xyz"), &[]));
    refuse(home.path(), &render(home.path(), &["--force"]));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let brain = tiny_brain(home.path());
    let film = home.path().join("film.mp4");
    small_film(&film, 10);
    // A two-megabyte disk of its own, where the system lets us mount one.
    let disk = home.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=400k", "tmpfs"])
        .arg(&disk)
        .status();
    if !mount.is_ok_and(|s| s.success()) {
        eprintln!("left out: mounting a small disk is not allowed here");
        return;
    }
    let out = disk.join("out.mp4");
    let output = kinophone(home.path())
        .args([OsStr::new("render"), brain.as_os_str(), film.as_os_str(), OsStr::new("-o"), out.as_os_str()])
        .output()
        .unwrap();
    let left = fs::read_dir(&disk).unwrap().count();
    std::process::Command::new("umount").arg(&disk).status().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("disk is full"), "{said}");
    assert_eq!(left, 0, "something half-written was left");
}
