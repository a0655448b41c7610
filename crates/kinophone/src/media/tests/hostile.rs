//! Inputs that mean no good, and programs that are no good ffmpeg.

use crate::Kind;
use crate::media::tests::*;

fn kind_of(film: &Path) -> Kind {
    ffmpeg().probe(film).unwrap_err().kind()
}

#[test]
fn what_is_no_film_is_refused_by_kind() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    assert_eq!(kind_of(&folder.path().join("missing.mp4")), Kind::NotFound);
    assert_eq!(kind_of(folder.path()), Kind::WrongKind);
    assert_eq!(kind_of(&file("empty.mp4", b"")), Kind::Empty);
    assert_eq!(kind_of(&file("text.mp4", b"Dear diary, today I watched a film.\n")), Kind::WrongKind);
    assert_eq!(kind_of(&file("text.txt", b"Dear diary, today I watched a film.\n")), Kind::WrongKind);
    assert_eq!(
        kind_of(&file("noise.mp4", &(0..20_000_u32).map(|i| ((i * i) >> 5) as u8).collect::<Vec<_>>())),
        Kind::WrongKind
    );
    assert_eq!(kind_of(&file("titles.srt", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n")), Kind::WrongKind);
    let still = folder.path().join("still.png");
    make("-f lavfi -i color=red:s=16x16 -frames:v 1 {}", &[&still]);
    assert_eq!(kind_of(&still), Kind::WrongKind);
}

#[test]
fn playlists_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.mkv");
    make("-f lavfi -i color=red:s=16x16:d=1 -c:v mpeg4 {}", &[&secret]);
    let url = format!("file://{}", secret.display());
    let lists = [
        ("list.m3u8", format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n")),
        (
            "list.mp4",
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n", secret.display()),
        ),
        ("list.ffconcat", "ffconcat version 1.0\nfile secret.mkv\n".to_owned()),
        ("concat.mkv", "ffconcat version 1.0\nfile secret.mkv\n".to_owned()),
        (
            "list.sdp",
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n".to_owned(),
        ),
        (
            "list.mpd",
            format!(
                "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" profiles=\"urn:mpeg:dash:profile:isoff-main:2011\" type=\"static\"><Period><AdaptationSet><Representation><BaseURL>{url}</BaseURL></Representation></AdaptationSet></Period></MPD>"
            ),
        ),
    ];
    for (name, content) in lists {
        let list = folder.path().join(name);
        std::fs::write(&list, content).unwrap();
        for tool in [ffmpeg().clone(), ffmpeg().clone().without_ffprobe()] {
            let error = tool.probe(&list).unwrap_err();
            assert_eq!(error.kind(), Kind::WrongKind, "{name}: {error}");
            assert!(
                error.to_string().contains("list of other files") || error.to_string().contains("text"),
                "{error}"
            );
        }
    }
}

/// Names that a careless command line would take for options, protocols or patterns.
#[test]
fn odd_names_are_only_names() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("plain.mkv");
    make("-f lavfi -i color=red:s=16x16:r=25:d=0.2 -f lavfi -i sine=d=0.2 -c:v mpeg4 {}", &[&film]);
    let mut names: Vec<std::ffi::OsString> = [
        "-y.mkv",
        "two words.mkv",
        "it's \"so\".mkv",
        "http:x.mkv",
        "concat:a|b.mkv",
        "p%03d.mkv",
        "[a]*?{b}.mkv",
        "a\nb.mkv",
        "film",
    ]
    .map(Into::into)
    .to_vec();
    #[cfg(target_os = "linux")]
    names.push(std::os::unix::ffi::OsStringExt::from_vec(b"not-\xff-utf8.mkv".to_vec()));
    for name in names {
        let odd = folder.path().join(name);
        std::fs::copy(&film, &odd).unwrap();
        let (pictures, _) = decode(&odd, &grey(4)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(pictures.len(), 5);
        assert!(!sound_of(&odd, 8000).is_empty());
    }
}

#[cfg(unix)]
#[test]
fn devices_and_pipes_are_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("pipe.mp4");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let link = folder.path().join("link.mp4");
    std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
    for path in [fifo.as_path(), link.as_path(), Path::new("/dev/zero"), Path::new("/dev/tty")] {
        assert_eq!(kind_of(path), Kind::WrongKind, "{}", path.display());
    }
}

/// A program made of shell lines. A shell writes it, so that no other test's child can hold it open for
/// writing.
#[cfg(unix)]
fn script(folder: &Path, name: &str, lines: &str) -> PathBuf {
    let path = folder.join(name);
    let write = "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$2\" && chmod +x \"$2\"";
    assert!(Command::new("sh").args(["-c", write, "sh", lines]).arg(&path).status().unwrap().success());
    path
}

#[cfg(unix)]
#[test]
fn programs_that_are_no_ffmpeg_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let locate =
        |name: &str, lines: &str| Ffmpeg::locate(Some(&script(folder.path(), name, lines))).unwrap_err();
    for (name, lines, word) in [
        ("old", "echo ffmpeg version 4.3.9 Copyright; exit 0", "4.4 or newer"),
        ("fails", "exit 1", "no working ffmpeg"),
        ("crashes", "kill -SEGV $$", "no working ffmpeg"),
        ("other", "echo I am something else", "not the ffmpeg"),
    ] {
        let error = locate(name, lines);
        assert_eq!(error.kind(), Kind::Tool, "{name}: {error}");
        assert!(error.to_string().contains(word) && error.advice().is_some(), "{name}: {error}");
    }
    assert_eq!(Ffmpeg::locate(Some(&folder.path().join("absent"))).unwrap_err().kind(), Kind::Tool);
    assert_eq!(Ffmpeg::locate(Some(folder.path())).unwrap_err().kind(), Kind::Tool);
    let sleeper = script(folder.path(), "sleeps", "sleep 600");
    let error = crate::media::locate::examine(sleeper, std::time::Duration::from_millis(300)).unwrap_err();
    assert_eq!(error.kind(), Kind::Stalled);
}

/// An ffmpeg that probes well (ffprobe is the true one) and then misbehaves.
#[cfg(unix)]
#[test]
fn a_misbehaving_ffmpeg_gives_one_error_and_never_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mkv");
    make("-f lavfi -i color=red:s=64x64:r=25:d=4 -f lavfi -i sine=d=4 -c:v mpeg4 {}", &[&film]);
    let fake = |name: &str, lines: &str| {
        let program = script(folder.path(), name, lines);
        Ffmpeg { program, ..ffmpeg().clone() }.with_stall_limit(std::time::Duration::from_secs(3))
    };
    let real = ffmpeg().program().display();
    let cases = [
        ("dies", "echo 'something is wrong' >&2; exit 3".to_owned(), Kind::Tool),
        ("crashes", "kill -SEGV $$".to_owned(), Kind::Tool),
        ("hangs", "sleep 600".to_owned(), Kind::Stalled),
        ("says-nothing", "exit 0".to_owned(), Kind::NoPicture),
        ("babbles", "yes".to_owned(), Kind::Tool),
        ("hangs-midway", format!("'{real}' \"$@\" | head -c 200000; sleep 600"), Kind::Stalled),
        ("crashes-midway", format!("'{real}' \"$@\" | head -c 200000; kill -SEGV $$"), Kind::Tool),
    ];
    let run = |(name, lines, kind): (&str, String, Kind)| {
        let fake = fake(name, &lines);
        let outcome = fake.decode(&film, &grey(64)).and_then(|mut stream| {
            stream.by_ref().collect::<crate::Result<Vec<_>>>()?;
            stream.finish()
        });
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert_eq!(error.place(), Some(film.as_path()), "{name}: {error}");
        // Packets are counted until they end.
        if name != "babbles" {
            let error = fake.open(&film).unwrap().picture_end(&crate::task::Cancel::default()).unwrap_err();
            // One that ends by itself may have met damage: here that leaves no picture.
            let kind = if name == "dies" { Kind::NoPicture } else { kind };
            assert_eq!((error.kind(), error.place()), (kind, Some(film.as_path())), "{name}: {error}");
        }
    };
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| run(case));
        }
    });
}

/// Dropping a stream in the middle ends its process: this test would hang or leave a process behind
/// otherwise.
#[test]
fn a_dropped_stream_ends_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mkv");
    make("-f lavfi -i testsrc=s=64x64:r=25:d=20 -c:v mpeg4 {}", &[&film]);
    let mut stream = ffmpeg().decode(&film, &grey(64)).unwrap();
    assert!(stream.next().unwrap().is_ok());
    drop(stream);
}
