//! Flash and beep: pictures and sound keep their times through every container.

use crate::media::tests::*;
use crate::media::{SoundCodec, encode};
use kinophone_dsp::units::{FrameRate, MediaTime};

const RATE: u32 = 48_000;
/// The flash is this picture; it is in the second second at every rate.
const FLASH: i64 = 31;

/// A chirp of 20 ms under a Hann window, beginning at `start` seconds: its correlation has one sharp peak.
fn chirp(start: f64, at: f64) -> f64 {
    let t = at - start;
    if !(0.0..0.02).contains(&t) {
        return 0.0;
    }
    let (pi, window) = (std::f64::consts::PI, (std::f64::consts::PI * t / 0.02).sin().powi(2));
    0.8 * window * (2.0 * pi * (500.0 + 40_000.0 * t) * t).sin()
}

/// Makes a film with one white picture and a chirp that begins with it, the whole sound then moved by
/// `offset_ms`.
pub(super) fn flash_and_beep(
    folder: &Path,
    extension: &str,
    rate: &str,
    offset_ms: i64,
    more: &str,
) -> (PathBuf, MediaTime) {
    let frame_rate: FrameRate = rate.parse().unwrap();
    let flash = frame_rate.time_of(FLASH);
    let film = folder.join(format!("film{}{offset_ms}.{extension}", rate.replace('/', "-")));
    let video = format!("color=black:s=96x64:r={rate}:d=2.6,drawbox=c=white:t=fill:enable='eq(n,{FLASH})'");
    let at = format!("(t-{:.6})", flash.as_secs_f64());
    let sound = format!(
        "aevalsrc=if(between({at}\\,0\\,0.02)\\,0.8*sin(2*PI*(500+40000*{at})*{at})*pow(sin(PI*{at}/0.02)\\,2)\\,0):s={RATE}:d=2.6"
    );
    let (picture_codec, sound_codec, codec) = match extension {
        "webm" => ("libvpx-vp9 -deadline realtime -cpu-used 8 -threads 1", "libopus", SoundCodec::Opus),
        "avi" => ("mpeg4 -bf 0", "pcm_s16le", SoundCodec::Pcm),
        "mov" => ("mpeg4 -bf 2", "pcm_s16le", SoundCodec::Pcm),
        _ => ("libx264 -preset veryfast", "aac", SoundCodec::Aac),
    };
    let offset = MediaTime(1000 * offset_ms) + encode::early_opus(ffmpeg(), codec, extension);
    make(
        &format!(
            "-f lavfi -i {video} -itsoffset {} -f lavfi -i {sound} {more} -pix_fmt yuv420p -c:v {picture_codec} -c:a {sound_codec} {{}}",
            crate::media::arguments::seconds(offset)
        ),
        &[&film],
    );
    (film, flash)
}

/// Beginning of the chirp in seconds, found by correlation within 30 ms around `expected`.
fn beep_time(sound: &[f32], expected: f64) -> f64 {
    let template: Vec<f64> = (0..RATE / 50).map(|i| chirp(0.0, f64::from(i) / f64::from(RATE))).collect();
    let centre = (expected * f64::from(RATE)).round() as i64;
    let likeness = |start: i64| -> f64 {
        let sample = |i: usize| sound.get((start + i as i64) as usize).map_or(0.0, |&s| f64::from(s));
        template.iter().enumerate().map(|(i, t)| t * sample(i)).sum()
    };
    let best = (centre - 1440..centre + 1440).max_by(|&a, &b| likeness(a).total_cmp(&likeness(b))).unwrap();
    assert!(likeness(best) > 0.5 * template.iter().map(|t| t * t).sum::<f64>(), "no beep near {expected} s");
    best as f64 / f64::from(RATE)
}

fn flash_time(pictures: &[Picture]) -> f64 {
    let bright: Vec<_> = pictures.iter().filter(|p| p.pixels[0] > 128).collect();
    assert_eq!(bright.len(), 1, "one flash");
    bright[0].time.as_secs_f64()
}

/// The truth: the beep begins `offset` after the flash.
pub(super) fn check(film: &Path, offset_ms: i64) {
    let (pictures, _) = decode(film, &grey(8)).unwrap();
    let expected = flash_time(&pictures) + offset_ms as f64 / 1000.0;
    let error_ms = 1000.0 * (beep_time(&sound_of(film, RATE), expected) - expected);
    assert!(error_ms.abs() < 1.5, "{}: sound is {error_ms:.2} ms off", film.display());
}

/// Containers and rates, with the sound moved by up to half a second either way.
#[test]
fn flashes_and_beeps_keep_their_distance_in_every_container() {
    let folder = tempfile::tempdir().unwrap();
    let films = [
        ("mp4", "24000/1001", 0),
        ("mp4", "25", 500),
        ("mp4", "60", -500),
        ("mkv", "24000/1001", 100),
        ("mkv", "30", -250),
        ("mkv", "50", 500),
        ("mov", "30", 0),
        ("mov", "50", -100),
        ("webm", "25", 0),
        ("webm", "60", 250),
        ("webm", "30", -500),
    ];
    for (extension, rate, offset_ms) in films {
        let (film, _) = flash_and_beep(folder.path(), extension, rate, offset_ms, "");
        check(&film, offset_ms);
    }
}

/// AVI has no start times: an offset is lost when the film is made, so only films without one can be right.
#[test]
fn flashes_and_beeps_keep_their_distance_in_avi() {
    let folder = tempfile::tempdir().unwrap();
    for rate in ["24000/1001", "60"] {
        let (film, flash) = flash_and_beep(folder.path(), "avi", rate, 0, "");
        check(&film, 0);
        let (pictures, _) = decode(&film, &grey(8)).unwrap();
        assert!((flash_time(&pictures) - flash.as_secs_f64()).abs() < 2e-6);
    }
}

/// An irregular film: two pictures of three are missing in its first half.
#[test]
fn variable_rates_keep_their_times() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = format!("-vf select='gt(n\\,45)+not(mod(n+2\\,3))' {}", uneven());
    for extension in ["mp4", "mkv"] {
        let (film, _) = flash_and_beep(folder.path(), extension, "30", 250, &pattern);
        check(&film, 250);
        let (pictures, _) = decode(&film, &grey(8)).unwrap();
        let intervals: Vec<i64> =
            pictures.windows(2).map(|w| (w[1].time.0 - w[0].time.0 + 5000) / 33_333).collect();
        assert!(intervals.contains(&3) && intervals.contains(&1), "{intervals:?}");
    }
}

/// A film cut out of another without re-encoding begins between key frames; MP4 hides the lead-in with an
/// edit list.
#[test]
fn a_film_cut_between_key_frames_is_aligned() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, _) = flash_and_beep(folder.path(), "mp4", "25", 100, "");
    let cut = folder.path().join("cut.mp4");
    make("-ss 0.52 -i {} -c copy {}", &[&whole, &cut]);
    check(&cut, 100);
}
