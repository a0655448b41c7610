//! Odd files: each goes through prepare and render, or gets its one clear error.

mod support;

use Fate::{Goes, Refused};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use support::{ffmpeg, kinophone, packets, refuse, shared, small_film, succeed};

/// What must come of each file under `shared/data/edge`: pictures in the shard and whether it has sound, or
/// part of the error's text.
enum Fate {
    Goes { sound: bool },
    Refused(&'static str),
}

const TABLE: &[(&str, Fate)] = &[
    ("VP9-tractor_noaudio.webm", Goes { sound: false }),
    ("ae_SAR-2by3.mp4", Goes { sound: true }),
    ("ae_h264-png.mkv", Goes { sound: true }),
    ("ae_man.mp4", Goes { sound: true }),
    ("ae_mov_text.mp4", Goes { sound: true }),
    ("ae_test_yuv422p.mp4", Goes { sound: true }),
    ("ae_testsrc-hevc.mp4", Goes { sound: true }),
    ("ae_testsrc_with_attachment.mkv", Goes { sound: true }),
    ("bbb_51ch_25fps.mp4", Goes { sound: true }),
    ("bear-vp9-opus.webm", Goes { sound: true }),
    ("bitmap_1x1_yuv444_1fps_noaudio.mp4", Goes { sound: false }),
    ("cursed-vfr_noaudio.mp4", Goes { sound: false }),
    ("fire2_vfr_rot180_mono.mp4", Goes { sound: true }),
    ("multiple-aac-tracks_novideo.mp4", Refused("picture")),
    ("nasa_13013_2video_2audio.mp4", Goes { sound: true }),
    ("no-initial-keyframe.ts", Goes { sound: true }),
    ("no_duration_vp9_opus.webm", Goes { sound: true }),
    ("os_test1_ac3_0.7s.mp4", Goes { sound: true }),
    ("rotate-buck-bunny_51.mp4", Goes { sound: true }),
    ("tc_av1_video.mkv", Goes { sound: false }),
    ("tc_h264_10bits.mp4", Goes { sound: false }),
    ("tc_h265_10bits.mp4", Goes { sound: false }),
    ("transparent_vp9.webm", Goes { sound: true }),
];

/// A brain that has learned next to nothing, next to nothing being enough to render with.
fn tiny_brain(home: &Path) -> PathBuf {
    let (film, brain) = (home.join("tiny.mp4"), home.join("tiny.brain"));
    small_film(&film, 3);
    succeed(
        home,
        &[
            OsStr::new("train"),
            film.as_os_str(),
            OsStr::new("-o"),
            brain.as_os_str(),
            OsStr::new("--layers"),
            OsStr::new("50"),
            OsStr::new("--epochs"),
            OsStr::new("1"),
            OsStr::new("--quiet"),
        ],
    );
    brain
}

/// When the packets of a stream begin, in seconds, ascending.
fn begins(path: &Path, stream: &str) -> Vec<f64> {
    let mut times: Vec<f64> = packets(path, stream).into_iter().map(|(begin, _)| begin).collect();
    times.sort_by(f64::total_cmp);
    times
}

#[test]
fn every_odd_film_is_prepared_and_rendered_or_refused() {
    let Some(shared) = shared() else { return };
    let home = tempfile::tempdir().unwrap();
    let brain = tiny_brain(home.path());
    let folder = shared.join("data/edge");
    let mut table: BTreeMap<&str, &Fate> = TABLE.iter().map(|(name, fate)| (*name, fate)).collect();
    for entry in fs::read_dir(&folder).unwrap().map(|e| e.unwrap()) {
        let name = entry.file_name().into_string().unwrap();
        let fate = table.remove(name.as_str()).unwrap_or_else(|| panic!("{name} is not in the table"));
        let film = entry.path();
        let corpus = home.path().join(format!("corpus-{name}"));
        let out = home.path().join(format!("{name}.mkv"));
        let prepare = [
            OsStr::new("prepare"),
            film.as_os_str(),
            OsStr::new("-o"),
            corpus.as_os_str(),
            OsStr::new("--json"),
            OsStr::new("--quiet"),
        ];
        let render = [
            OsStr::new("render"),
            brain.as_os_str(),
            film.as_os_str(),
            OsStr::new("-o"),
            out.as_os_str(),
            OsStr::new("--quiet"),
        ];
        match fate {
            Refused(why) => {
                assert!(refuse(home.path(), &prepare[..4]).contains(why), "{name}");
                assert!(refuse(home.path(), &render).contains(why), "{name}");
                assert!(!out.exists() && shards(&corpus).is_empty(), "{name} left something behind");
            }
            Goes { sound } => {
                succeed(home.path(), &prepare);
                let shard = shards(&corpus).pop().unwrap_or_else(|| panic!("{name} has no shard"));
                let facts = kinophone::dataset::Shard::open(&shard).unwrap();
                assert!(facts.pictures() > 0, "{name}");
                assert_eq!(facts.sound().is_some(), *sound, "{name}");
                succeed(home.path(), &render);
                check_rendition(&name, &out);
            }
        }
    }
    assert!(table.is_empty(), "missing: {:?}", table.keys());
}

/// The sound begins and ends with the picture, to within a frame. How long the last picture stands is the
/// container's to say; where pictures come at different intervals, it is somewhere between the shortest and
/// the longest.
fn check_rendition(name: &str, out: &Path) {
    let times = begins(out, "0:v:0");
    let sound = begins(out, "0:a:0");
    let intervals: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let shortest = intervals.iter().copied().reduce(f64::min).unwrap_or(0.0);
    let longest = intervals.iter().copied().reduce(f64::max).unwrap_or(1.0);
    // One AAC frame at 22 050 Hz is 46 ms; packets say when a frame begins.
    let slack = 0.05 + shortest.min(0.05);
    assert!(
        (times[0] - sound[0]).abs() < slack,
        "{name}: picture from {}, sound from {}",
        times[0],
        sound[0]
    );
    let (last, end) = (times[times.len() - 1], sound[sound.len() - 1]);
    assert!(
        (last + shortest - slack..last + longest + slack).contains(&end),
        "{name}: picture to {last}, sound to {end}"
    );
}

fn shards(corpus: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(corpus) else { return Vec::new() };
    entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "safetensors")).collect()
}

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
    check_rendition("cut.mkv", &out);
}

#[cfg(unix)]
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
