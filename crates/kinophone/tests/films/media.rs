//! Decoding: every edge case decodes or gives its one clear error, and all ways of probing agree.

use crate::footage::{find, needs};
use crate::tool::{decode, ffmpeg, grey, make};
use kinophone::Kind;
use kinophone::dsp::units::{FrameRate, MediaTime};
use kinophone::media::{AudioTracks, FilmFacts};
use libtest_mimic::Trial;
use std::path::Path;
use std::process::Command;

const NASA: &str = "edge/nasa_13013_2video_2audio.mp4";
const PHONE: &str = "edge/rotate-buck-bunny_51.mp4";
const FIRE: &str = "edge/fire2_vfr_rot180_mono.mp4";
const SONG: &str = "grains/Kevin_MacLeod_-_Vibe_Ace.ogg";
const BUNNY: &str = "edge/bbb_51ch_25fps.mp4";
const MUTE: &str = "edge/VP9-tractor_noaudio.webm";
/// Films of usual length, which are probed beside the edge cases.
const FILMS: [&str; 9] = [
    "big-buck-bunny.mp4",
    "crystal.mp4",
    "frog.mp4",
    "piano-bach.mp4",
    "piano-furelise.mp4",
    "popeye_sinbad_T00-1.mkv",
    "popeye_sinbad_T01-2.mkv",
    "popeye_sinbad_T02-3.mkv",
    "popeye_sinbad_T03-4.mkv",
];
/// The large edge cases teach nothing more of their times, and take seconds.
const LARGE: u64 = 600_000;

type Edge = (&'static str, Result<usize, Kind>, Option<(u32, u32)>);

/// What becomes of each file of the edge cases: how many pictures, and rate and channels of the first sound.
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

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![
        needs(&["edge"], "media::every_edge_case_is_in_the_table", all_are_known),
        needs(&[NASA, PHONE, SONG], "media::facts_of_a_film_with_everything_twice", facts_of_a_film),
        needs(&[BUNNY, MUTE], "media::a_truncated_film_gives_what_it_has_and_says_so", a_truncated_film),
        needs(&[FIRE, PHONE], "media::rotation_is_applied", rotation_is_applied),
    ];
    for edge in EDGE {
        let path = format!("edge/{}", edge.0);
        trials.push(test("decoding", &path, |path| check_edge(path, edge)));
        if !find(&path).metadata().is_ok_and(|facts| facts.len() >= LARGE) {
            trials.push(test("times", &path, check_times));
        }
        trials.push(test("probing", &path, check_probing));
    }
    trials.extend(FILMS.map(|name| test("probing", &format!("films/{name}"), check_probing)));
    trials
}

fn test(what: &str, path: &str, check: impl FnOnce(&Path) + Send + 'static) -> Trial {
    let place = find(path);
    needs(&[path], format!("media::{what}::{path}"), move || check(&place))
}

fn all_are_known() {
    for entry in std::fs::read_dir(find("edge")).unwrap().map(|entry| entry.unwrap()) {
        assert!(EDGE.iter().any(|(name, ..)| entry.file_name() == *name), "{:?} is not", entry.file_name());
    }
}

fn check_edge(film: &Path, (name, pictures, sound): &Edge) {
    let result = decode(film, &grey(64));
    assert_eq!(result.as_ref().map(|(p, _)| p.len()).map_err(|e| e.kind()), *pictures, "{name}: {result:?}");
    let Ok((pictures, decoded)) = result else { return };
    let format = AudioTracks::Default.format(film, &ffmpeg().probe(film).unwrap());
    assert_eq!(format.ok().map(|(rate, channels)| (rate.hz(), channels)), *sound);
    assert_eq!(decoded.pictures, pictures.len() as u64);
    assert!(pictures.windows(2).all(|w| w[0].time < w[1].time));
    let facts = ffmpeg().probe(film).unwrap();
    assert_eq!(pictures[0].time, facts.picture.unwrap().start);
    // Containers count at worst milliseconds.
    let claimed = facts.duration.filter(|_| sound.is_none()).unwrap_or(decoded.end);
    assert!((decoded.end.0 - claimed.0).abs() <= 1000, "it ends at {} not {claimed}", decoded.end);
}

/// Times against ffprobe's list of frames.
fn check_times(film: &Path) {
    let Some(ffprobe) = ffmpeg().ffprobe() else { return };
    let Ok((pictures, _)) = decode(film, &grey(16)) else { return };
    let stream = ffmpeg().probe(film).unwrap().picture.unwrap().stream.to_string();
    let ask = |what: &[&str]| {
        let output =
            Command::new(ffprobe).args(["-v", "quiet", "-of", "csv=p=0"]).args(what).arg(film).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let start: f64 = ask(&["-show_entries", "format=start_time"]).trim().parse().unwrap();
    let listed = ask(&["-select_streams", &stream, "-show_entries", "frame=pts_time"]);
    let mut truth: Vec<f64> = Vec::new();
    for time in listed.lines().filter_map(|line| line.trim().trim_end_matches(',').parse().ok()) {
        // One film lists a picture with a time before its predecessor's; such a picture is left out.
        if truth.last().is_none_or(|&last| time > last) {
            truth.push(time);
        }
    }
    assert_eq!(pictures.len(), truth.len());
    for (picture, truth) in pictures.iter().zip(truth) {
        assert!((picture.time.as_secs_f64() - (truth - start)).abs() < 2.1e-6, "at {truth}");
    }
}

/// Facts that ffprobe says against those that ffmpeg prints.
fn check_probing(film: &Path) {
    // Versions count differently (subtitles in the duration), so only a pair from one place is compared.
    if ffmpeg().ffprobe().is_none_or(|ffprobe| ffprobe.parent() != ffmpeg().program().parent()) {
        return;
    }
    let alone = ffmpeg().clone().without_ffprobe();
    let (mut with, mut without) = (ffmpeg().probe(film).unwrap(), alone.probe(film).unwrap());
    assert!(with.tags.iter().zip(&without.tags).all(|(a, b)| a.0 == b.0 && a.1.trim() == b.1.trim()));
    level(&mut with);
    level(&mut without);
    assert_eq!(with, without);
}

/// Takes away what ffmpeg rounds when it prints for people: hundredths of seconds, rates to two decimals.
fn level(facts: &mut FilmFacts) {
    facts.tags.clear();
    facts.duration = facts.duration.map(|d| MediaTime((d.0 + 5_000) / 10_000));
    if let Some(picture) = &mut facts.picture {
        let rough = picture.rate.map(|r| (r.as_f64() * 100.0).round() as u32);
        picture.rate = rough.and_then(|r| FrameRate::new(r, 100).ok());
    }
    // A start that lies before the first sound (an encoder's delay) is not in the packets.
    for sound in &mut facts.sounds {
        sound.start = MediaTime(sound.start.0 / 30_000);
    }
}

fn facts_of_a_film() {
    let nasa = ffmpeg().probe(&find(NASA)).unwrap();
    let picture = nasa.picture.unwrap();
    assert_eq!(
        (picture.stream, picture.width, picture.height, picture.codec.as_str()),
        (3, 480, 270, "h264")
    );
    let sounds: Vec<_> =
        nasa.sounds.iter().map(|s| (s.stream, s.rate.hz(), s.channels, s.language.as_deref())).collect();
    assert_eq!(sounds, [(1, 8_000, 2, Some("eng")), (4, 16_000, 2, Some("eng"))]);
    assert!(nasa.tags.contains(&("encoder".into(), "Lavf58.76.100".into())));
    let phone = ffmpeg().probe(&find(PHONE)).unwrap();
    assert_eq!((phone.picture.as_ref().unwrap().rotation, phone.picture.unwrap().start.0), (90, 83_333));
    // Sound with a cover image, in Ogg, whose streams carry its tags.
    let song = ffmpeg().probe(&find(SONG)).unwrap();
    assert!(song.picture.is_none() && song.sounds.len() == 1);
    assert!(
        ffmpeg().ffprobe().is_none() || song.tags.iter().any(|(k, v)| k == "ARTIST" && v == "Kevin MacLeod")
    );
}

fn a_truncated_film() {
    let folder = tempfile::tempdir().unwrap();
    let bunny = find(BUNNY);
    let [film, cut] = ["film.mp4", "cut.mp4"].map(|name| folder.path().join(name));
    make("-i {} -c copy -movflags +faststart {}", &[&bunny, &film]);
    for film in [film, find(MUTE)] {
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

/// Phone films say by how much to turn them. The reference is the last picture unturned, turned by hand.
fn rotation_is_applied() {
    for (name, turn) in [(FIRE, 180), (PHONE, 90)] {
        let film = find(name);
        let unturned = "-noautorotate -skip_loop_filter all -i {} -an -vf scale=16:16:flags=area:out_range=full,format=gray";
        let stored = make(&format!("{unturned} -f rawvideo -"), &[&film]);
        let stored = stored.as_chunks::<256>().0.last().unwrap();
        let at = |row: usize, column: usize| match turn {
            180 => stored[(15 - row) * 16 + 15 - column],
            _ => stored[(15 - column) * 16 + row],
        };
        let truth: Vec<u8> = (0..256).map(|i| at(i / 16, i % 16)).collect();
        let (pictures, _) = decode(&film, &grey(16)).unwrap();
        let turned = &pictures.last().unwrap().pixels;
        let furthest = |from: &[u8]| turned.iter().zip(from).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        // 1080 lines do not divide evenly by 16, and the two ways round differently at the borders of areas.
        assert!(
            furthest(&truth) <= 10 && furthest(stored) > 50,
            "{name}: {} {}",
            furthest(&truth),
            furthest(stored)
        );
    }
}
