//! The shared films: every edge case decodes or gives its one clear error, and both ways of probing agree.

use crate::Kind;
use crate::media::tests::*;
use crate::media::{FilmFacts, SoundTo};

type Edge = (&'static str, Result<usize, Kind>, Option<(u32, u32)>);

/// Results for each file of the shared edge cases: number of pictures, and rate and channels of the first
/// sound.
const EDGE: &[Edge] = &[
    ("VP9-tractor_noaudio.webm", Ok(248), None),
    ("ae_SAR-2by3.mp4", Ok(60), Some((44_100, 2))),
    // One of its 60 pictures has a time before its predecessor's.
    ("ae_h264-png.mkv", Ok(59), Some((44_100, 2))),
    ("ae_man.mp4", Ok(732), Some((44_100, 2))),
    ("ae_mov_text.mp4", Ok(40), Some((44_100, 2))),
    ("ae_test_yuv422p.mp4", Ok(60), Some((44_100, 2))),
    ("ae_testsrc-hevc.mp4", Ok(60), Some((44_100, 2))),
    ("ae_testsrc_with_attachment.mkv", Ok(60), Some((44_100, 2))),
    ("bbb_51ch_25fps.mp4", Ok(132), Some((48_000, 2))),
    ("bear-vp9-opus.webm", Ok(82), Some((48_000, 2))),
    ("bitmap_1x1_yuv444_1fps_noaudio.mp4", Ok(5), None),
    ("cursed-vfr_noaudio.mp4", Ok(63), None),
    ("fire2_vfr_rot180_mono.mp4", Ok(25), Some((48_000, 1))),
    ("multiple-aac-tracks_novideo.mp4", Err(Kind::NoPicture), None),
    ("nasa_13013_2video_2audio.mp4", Ok(390), Some((8_000, 2))),
    ("no-initial-keyframe.ts", Ok(15), Some((44_100, 2))),
    ("no_duration_vp9_opus.webm", Ok(74), Some((48_000, 2))),
    ("os_test1_ac3_0.7s.mp4", Ok(21), Some((44_100, 2))),
    ("rotate-buck-bunny_51.mp4", Ok(45), Some((48_000, 2))),
    ("tc_av1_video.mkv", Ok(125), None),
    ("tc_h264_10bits.mp4", Ok(30), None),
    ("tc_h265_10bits.mp4", Ok(30), None),
    ("transparent_vp9.webm", Ok(150), Some((48_000, 2))),
];

#[test]
fn every_edge_case_decodes_or_says_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let films = films_in("edge");
    for film in &films {
        let name = film.file_name().unwrap().to_string_lossy();
        let (_, pictures, sound) =
            EDGE.iter().find(|(n, ..)| *n == name).unwrap_or_else(|| panic!("{name} is not in the table"));
        let to = sound.map(|_| SoundTo { track: 0, file: folder.path().join("sound") });
        let result = decode(film, &Decode { sound: to, ..grey(64) });
        assert_eq!(
            result.as_ref().map(|(p, _)| p.len()).map_err(|e| e.kind()),
            *pictures,
            "{name}: {result:?}"
        );
        let Ok((pictures, decoded)) = result else { continue };
        assert_eq!(decoded.sound.map(|(rate, channels, _)| (rate.hz(), channels)), *sound, "{name}");
        assert_eq!(decoded.pictures, pictures.len() as u64);
        assert!(pictures.windows(2).all(|w| w[0].time < w[1].time), "{name}");
        let facts = ffmpeg().probe(film).unwrap();
        assert_eq!(pictures[0].time, facts.picture.unwrap().start, "{name}");
        // Containers count at worst milliseconds.
        let claimed = facts.duration.filter(|_| sound.is_none()).unwrap_or(decoded.end);
        assert!((decoded.end.0 - claimed.0).abs() <= 1000, "{name} ends at {} not {claimed}", decoded.end);
    }
    assert!(films.is_empty() || films.len() == EDGE.len());
}

#[test]
fn facts_of_a_film_with_everything_twice() {
    let Some(shared) = shared() else { return };
    let nasa = ffmpeg().probe(&shared.join("data/edge/nasa_13013_2video_2audio.mp4")).unwrap();
    let picture = nasa.picture.unwrap();
    assert_eq!(
        (picture.stream, picture.width, picture.height, picture.codec.as_str()),
        (3, 480, 270, "h264")
    );
    let sounds: Vec<_> =
        nasa.sounds.iter().map(|s| (s.stream, s.rate.hz(), s.channels, s.language.as_deref())).collect();
    assert_eq!(sounds, [(1, 8_000, 2, Some("eng")), (4, 16_000, 2, Some("eng"))]);
    assert!(nasa.tags.contains(&("encoder".into(), "Lavf58.76.100".into())));
    let phone = ffmpeg().probe(&shared.join("data/edge/rotate-buck-bunny_51.mp4")).unwrap();
    assert_eq!((phone.picture.as_ref().unwrap().rotation, phone.picture.unwrap().start.0), (90, 83_333));
    // Sound with a cover image, in Ogg, whose streams carry its tags.
    let song = ffmpeg().probe(&shared.join("data/grains/Kevin_MacLeod_-_Vibe_Ace.ogg")).unwrap();
    assert!(song.picture.is_none() && song.sounds.len() == 1);
    assert!(
        ffmpeg().ffprobe.is_none() || song.tags.iter().any(|(k, v)| k == "ARTIST" && v == "Kevin MacLeod")
    );
}

#[test]
fn probing_without_ffprobe_finds_the_same() {
    // Versions count differently (subtitles in the duration), so only a pair from one place is compared.
    if ffmpeg().ffprobe.as_ref().is_none_or(|ffprobe| ffprobe.parent() != ffmpeg().program().parent()) {
        return;
    }
    let alone = Ffmpeg { ffprobe: None, ..ffmpeg().clone() };
    for film in films_in("edge").into_iter().chain(films_in("films")) {
        let (mut with, mut without) = (ffmpeg().probe(&film).unwrap(), alone.probe(&film).unwrap());
        assert!(
            with.tags.iter().zip(&without.tags).all(|(a, b)| a.0 == b.0 && a.1.trim() == b.1.trim()),
            "{film:?}"
        );
        level(&mut with);
        level(&mut without);
        assert_eq!(with, without, "{}", film.display());
    }
}

/// Takes away what ffmpeg rounds when it prints for people: hundredths of seconds, rates to two decimals.
fn level(facts: &mut FilmFacts) {
    facts.tags.clear();
    facts.duration = facts.duration.map(|d| kinophone_dsp::units::MediaTime((d.0 + 5_000) / 10_000));
    if let Some(picture) = &mut facts.picture {
        let rough = picture.rate.map(|r| (r.as_f64() * 100.0).round() as u32);
        picture.rate = rough.and_then(|r| kinophone_dsp::units::FrameRate::new(r, 100).ok());
    }
    // A start that lies before the first sound (an encoder's delay) is not in the packets.
    for sound in &mut facts.sounds {
        sound.start = kinophone_dsp::units::MediaTime(sound.start.0 / 30_000);
    }
}

#[test]
fn a_truncated_film_gives_what_it_has_and_says_so() {
    let Some(shared) = shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let bunny = shared.join("data/edge/bbb_51ch_25fps.mp4");
    let [film, cut] = ["film.mp4", "cut.mp4"].map(|name| folder.path().join(name));
    make("-i {} -c copy -movflags +faststart {}", &[&bunny, &film]);
    for film in [film, shared.join("data/edge/VP9-tractor_noaudio.webm")] {
        let whole = std::fs::read(&film).unwrap();
        std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
        let (pictures, decoded) = decode(&cut, &grey(32)).unwrap();
        assert!(pictures.len() >= 40 && !decoded.complaints.is_empty(), "{decoded:?}");
        assert!(decoded.end.0 - pictures.last().unwrap().time.0 <= 40_000, "{decoded:?}");
    }
    // Cut before its index: nothing can be read, and that is said.
    let whole = std::fs::read(&bunny).unwrap();
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    let error = ffmpeg().probe(&cut).unwrap_err();
    assert!(error.kind() == Kind::WrongKind && error.to_string().contains("moov atom not found"), "{error}");
}
