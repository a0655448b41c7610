//! The stream of pictures between ffmpeg and us, where a film or a program strains it.

use crate::media::nut;
use crate::media::tests::*;

/// NUT leaves out the first bytes of packets that begin like MPEG's startcodes; they must come back.
#[test]
fn pictures_that_begin_like_startcodes_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mkv");
    let pattern = "geq=if(eq(Y\\,0)*lte(X\\,3)\\,eq(X\\,2)+182*eq(X\\,3)*mod(N\\,2)\\,77)";
    make(&format!("-f lavfi -i nullsrc=s=16x16:r=25:d=0.2,format=gray,{pattern} -c:v ffv1 {{}}"), &[&film]);
    let (pictures, _) = decode(&film, &grey(16)).unwrap();
    assert_eq!(pictures.len(), 5);
    for (n, picture) in pictures.iter().enumerate() {
        assert_eq!(picture.pixels[..4], [0, 0, 1, if n % 2 == 1 { 182 } else { 0 }], "picture {n}");
        assert!(picture.pixels[4..].iter().all(|&p| p == 77));
    }
}

/// A pause of an hour does not fit into the low bits of a time that NUT usually writes.
#[test]
fn a_long_pause_between_pictures_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.mkv");
    let pause = "setpts='(N+90000*gte(N\\,5))/(25*TB)'";
    make(&format!("-f lavfi -i testsrc=s=16x16:r=25:d=0.4,{pause} {} -c:v ffv1 {{}}", uneven()), &[&film]);
    let (pictures, _) = decode(&film, &grey(16)).unwrap();
    let times: Vec<i64> = pictures.iter().map(|p| p.time.0 / 1000).collect();
    let hour = 3_600_000;
    assert_eq!(times, [0, 40, 80, 120, 160, hour + 200, hour + 240, hour + 280, hour + 320, hour + 360]);
}

/// Damaged streams end in an error or early, never in a panic or a flood.
#[test]
fn a_damaged_stream_is_an_error() {
    let whole = make("-f lavfi -i testsrc=s=16x16:r=25:d=0.4,format=gray -c:v rawvideo -f nut -", &[]);
    let read = |bytes: &[u8]| {
        let (mut reader, mut packet, mut packets) = (nut::NutReader::new(bytes), Vec::new(), 0);
        while let Ok(Some(_)) = reader.next(&mut packet) {
            packets += 1;
        }
        packets
    };
    assert_eq!(read(&whole), 10);
    let mut state = 1_u32;
    for _ in 0..20_000 {
        let mut damaged = whole.clone();
        for _ in 0..3 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Most of the damage into the headers, where it hurts.
            let at = (state >> 8) as usize % if state & 1 == 0 { 700 } else { damaged.len() };
            damaged[at] = state as u8 ^ (state >> 24) as u8;
        }
        assert!(read(&damaged) <= damaged.len());
    }
}

/// The text that ffmpeg prints for people is long then, and the streams come last.
#[test]
fn chapters_hide_no_stream_and_give_no_title_without_ffprobe() {
    let folder = tempfile::tempdir().unwrap();
    let (film, list) = (folder.path().join("a.mkv"), folder.path().join("list"));
    let chapter =
        |n: u32| format!("[CHAPTER]\nTIMEBASE=1/1000\nSTART={n}\nEND={}\ntitle=chapter {n}\n", n + 1);
    std::fs::write(
        &list,
        format!(";FFMETADATA1\nartist=somebody\n{}", (0..200).map(chapter).collect::<String>()),
    )
    .unwrap();
    make("-f lavfi -i testsrc=s=64x48:r=25:d=1 -i {} -map_metadata 1 -c:v mpeg4 {}", &[&list, &film]);
    let [with, without] =
        [ffmpeg().clone(), ffmpeg().clone().without_ffprobe()].map(|f| f.probe(&film).unwrap());
    assert_eq!(without.picture.map(|p| p.codec), with.picture.map(|p| p.codec));
    let tag = |name: &str| {
        without.tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, text)| &**text)
    };
    assert_eq!((tag("artist"), tag("title")), (Some("somebody"), None));
}

/// With and without ffprobe: chapters, subtitles and attached credentials of a film are noticed.
#[test]
fn parts_beside_the_picture_and_the_sound_are_counted() {
    use crate::media::probe;
    let folder = tempfile::tempdir().unwrap();
    let (words, text, manifest, film) = (
        folder.path().join("s.srt"),
        folder.path().join("about.txt"),
        folder.path().join("m.c2pa"),
        folder.path().join("full.mkv"),
    );
    std::fs::write(&words, "1\n00:00:00,000 --> 00:00:01,000\nHello\n").unwrap();
    std::fs::write(&text, ";FFMETADATA1\ntitle=T\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=1\ntitle=One\n")
        .unwrap();
    std::fs::write(&manifest, "manifest").unwrap();
    make(
        "-f lavfi -i testsrc2=s=64x48:d=1 -i {} -i {} -map 0 -map 1 -map_metadata 2 -map_chapters 2 -attach {} \
         -metadata:s:t mimetype=application/c2pa -c:v mpeg4 -c:s srt {}",
        &[&words, &text, &manifest, &film],
    );
    for ffmpeg in [ffmpeg().clone(), ffmpeg().clone().without_ffprobe()] {
        let seen = probe::examine(&ffmpeg, &film).unwrap();
        let parts = &seen.parts;
        let counts = (parts.chapters, parts.subtitles, parts.covers, parts.attachments);
        assert_eq!((counts, seen.credentials), ((1, 1, 0, 1), true), "{:?}", ffmpeg.ffprobe());
    }
}
