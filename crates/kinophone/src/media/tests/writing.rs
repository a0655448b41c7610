//! Results: the picture is the source's bit for bit, the sound begins with it, and failures are clear.

use crate::Kind;
use crate::media::encode::Encoder;
use crate::media::tests::*;
use crate::media::{DrawnFilm, Encode, SoundCodec};
use crate::task::{Cancel, Quiet, Task};
use kinophone_dsp::units::{FrameRate, MediaTime};

const RATE: u32 = 48_000;
const CLICKS: [usize; 3] = [4800, 30_000, 70_001];

/// Two seconds of silence with three clicks.
fn clicks() -> Vec<f32> {
    let mut sound = vec![0.0; 2 * RATE as usize];
    CLICKS.iter().for_each(|&at| sound[at] = 0.9);
    sound
}

fn plan(film: Option<&Path>, output: &Path, codec: SoundCodec) -> Encode {
    Encode {
        output: output.to_owned(),
        extension: output.extension().unwrap().to_string_lossy().into_owned(),
        codec,
        rate: SampleRate::new(RATE).unwrap(),
        channels: 1,
        picture: film.map(|f| (f.to_owned(), ffmpeg().probe(f).unwrap().picture.unwrap())),
        tags: vec![("comment".into(), "made by a test; it's = \"quoted\"".into())],
        room: None,
    }
}

fn write(plan: &Encode, sound: &[f32]) -> crate::Result<()> {
    let mut encoder = ffmpeg().encode(plan)?;
    sound.chunks(735).try_for_each(|block| encoder.write(block))?;
    encoder.finish()
}

/// MD5 of a film's picture packets, decoded neither here nor there.
fn picture_hash(film: &Path, stream: usize) -> Vec<u8> {
    make(&format!("-i {{}} -map 0:{stream} -c copy -bsf:v null -f hash -hash md5 -"), &[film])
}

/// The distance of each click from its place, in samples, on the clock of the first picture.
fn click_errors(film: &Path) -> [f64; 3] {
    let start = ffmpeg().probe(film).unwrap().picture.map_or(MediaTime::ZERO, |p| p.start);
    click_errors_in(&sound_of(film, RATE), start)
}

fn click_errors_in(sound: &[f32], start: MediaTime) -> [f64; 3] {
    let start = start.as_secs_f64() * f64::from(RATE);
    CLICKS.map(|at| {
        let near = at - 2400..at + 2400;
        let loudest = near.max_by(|&a, &b| sound[a].abs().total_cmp(&sound[b].abs())).unwrap();
        loudest as f64 - at as f64 - start
    })
}

/// Containers in and out, wherever the picture's codec fits both.
#[test]
fn the_picture_is_copied_bit_for_bit_and_the_sound_begins_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let sources = [
        ("in.mp4", "libx264 -preset veryfast", ["mp4", "mkv", "mov"].as_slice()),
        ("in.mkv", "mpeg4 -bf 2", &["mp4", "mkv", "mov"]),
        ("in.mov", "mpeg4", &["mp4", "mkv", "mov", "avi"]),
        ("in.webm", "libvpx-vp9 -deadline realtime -cpu-used 8", &["mp4", "mkv", "webm"]),
        ("in.avi", "mpeg4 -bf 0", &["mp4", "mkv", "mov", "avi"]),
    ];
    for (name, codec, fitting) in sources {
        let film = folder.path().join(name);
        make(
            &format!(
                "-f lavfi -i testsrc=s=96x64:r=25:d=2 -f lavfi -i sine=d=2 -pix_fmt yuv420p -c:v {codec} {{}}"
            ),
            &[&film],
        );
        let plan = plan(Some(&film), &film, SoundCodec::Aac);
        let hash = picture_hash(&film, 0);
        for extension in ["mp4", "mkv", "mov", "webm", "avi"] {
            let output = folder.path().join(format!("out.{extension}"));
            let plan = Encode {
                output: output.clone(),
                extension: extension.to_owned(),
                codec: SoundCodec::default_for(extension).unwrap(),
                ..plan.clone()
            };
            let written = write(&plan, &clicks());
            assert_eq!(written.is_ok(), fitting.contains(&extension), "{name} to {extension}: {written:?}");
            if let Err(error) = written {
                assert_eq!(error.kind(), Kind::Invalid, "{name} to {extension}: {error}");
                assert!(error.advice().unwrap().contains("mkv"));
                continue;
            }
            let picture = ffmpeg().probe(&output).unwrap().picture.unwrap();
            assert_eq!(hash, picture_hash(&output, picture.stream), "{name} to {extension}");
            check_sound(&sound_of(&output, RATE), picture.start, extension, name);
        }
    }
}

/// Sample-exact where the container counts samples; Matroska counts milliseconds (half of one is 24 samples).
fn check_sound(sound: &[f32], start: MediaTime, extension: &str, name: &str) {
    let most = if matches!(extension, "mkv" | "webm") { 25.0 } else { 1.0 };
    let errors = click_errors_in(sound, start);
    assert!(errors.iter().all(|e| e.abs() <= most), "{name} to {extension}: {errors:?}");
    let surplus = sound.len() as i64 - 2 * i64::from(RATE);
    // AAC comes in blocks of 1024 after 1024 of priming, Opus in blocks of 960.
    assert!((-48..=2048).contains(&surplus), "{name} to {extension}: {surplus}");
}

#[test]
fn lossless_sound_is_exact_to_the_sample() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("in.mp4");
    make("-f lavfi -i testsrc=s=96x64:r=25:d=2 -pix_fmt yuv420p -c:v libx264 -preset veryfast {}", &[&film]);
    for (name, codec, picture) in [
        ("a.wav", SoundCodec::Pcm, false),
        ("a.flac", SoundCodec::Flac, false),
        ("a.mkv", SoundCodec::Flac, true),
        ("a.mov", SoundCodec::Pcm, true),
    ] {
        let output = folder.path().join(name);
        write(&plan(picture.then_some(film.as_path()), &output, codec), &clicks()).unwrap();
        let facts = ffmpeg().probe(&output).unwrap();
        let start = facts.picture.map_or(0.0, |p| p.start.as_secs_f64());
        let sound = sound_of(&output, RATE);
        let lead = (start * f64::from(RATE)).round() as usize;
        let worst = clicks().iter().zip(&sound[lead..]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst <= 1.0 / 32_768.0, "{name}: {worst}");
        assert_eq!(sound.len() - lead, clicks().len(), "{name}");
        assert!(facts.tags.iter().any(|(_, v)| v.contains("it's = \"quoted\"")), "{name}: {:?}", facts.tags);
    }
}

#[test]
fn impossible_plans_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("in.webm");
    make(
        "-f lavfi -i testsrc=s=96x64:r=25:d=0.2 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 {}",
        &[&film],
    );
    for (output, codec, advice) in [
        ("a.avi", SoundCodec::Pcm, "mp4, m4v, mkv, webm"),
        ("a.webm", SoundCodec::Aac, "mp4, m4v, mov, mkv"),
        ("a.mp3", SoundCodec::Aac, "webm, avi, wav, flac"),
        ("a.wav", SoundCodec::Pcm, "mkv"),
    ] {
        let output = folder.path().join(output);
        let error = ffmpeg().encode(&plan(Some(&film), &output, codec)).err().unwrap();
        assert_eq!(error.kind(), Kind::Invalid, "{error}");
        assert!(error.advice().unwrap().contains(advice), "{error}: {:?}", error.advice());
        assert!(!output.exists());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_called_by_its_name() {
    let mut full = plan(None, Path::new("/dev/full.wav"), SoundCodec::Pcm);
    full.output = "/dev/full".into();
    let noise: Vec<f32> = (0..RATE * 20).map(|i| (i as f32).sin()).collect();
    assert_eq!(write(&full, &noise).unwrap_err().kind(), Kind::DiskFull);
}

#[test]
fn an_output_that_cannot_be_written_is_an_error_not_a_hang() {
    let missing = plan(None, Path::new("/nowhere/at/all/a.wav"), SoundCodec::Pcm);
    let error = write(&missing, &clicks()).unwrap_err();
    assert!(error.to_string().contains("No such file"), "{error}");
}

fn draw(output: &Path, rate: &str) -> crate::Result<()> {
    let film = DrawnFilm {
        output: output.to_owned(),
        width: 64,
        height: 48,
        rate: rate.parse().unwrap(),
        sound_rate: SampleRate::new(RATE).unwrap(),
    };
    // One white picture, at the first click's time or as near as the rate allows.
    let flash = FrameRate::ticks_in(film.rate, film.sound_rate.time_of(CLICKS[1] as i64)) as usize;
    let length = film.rate.ticks_in(film.sound_rate.time_of(2 * i64::from(RATE)));
    let mut pictures = (0..length as usize).map(|k| vec![if k == flash { 255 } else { 0 }; 64 * 48 * 3]);
    ffmpeg().draw(&film, &mut pictures, &clicks(), Task { watcher: &Quiet, cancel: &Cancel::default() })
}

#[test]
fn drawn_films_are_exact_and_repeatable() {
    let folder = tempfile::tempdir().unwrap();
    for (extension, rate) in
        [("mp4", "24000/1001"), ("mkv", "25"), ("mov", "30"), ("webm", "50"), ("avi", "30000/1001")]
    {
        let film = folder.path().join(format!("a.{extension}"));
        draw(&film, rate).unwrap();
        let again = folder.path().join(format!("b.{extension}"));
        draw(&again, rate).unwrap();
        assert!(
            std::fs::read(&film).unwrap() == std::fs::read(&again).unwrap(),
            "{extension} differs from itself"
        );
        let rate: FrameRate = rate.parse().unwrap();
        let (pictures, _) = decode(&film, &grey(8)).unwrap();
        assert_eq!(pictures.len() as u64, rate.ticks_in(MediaTime::from_secs(2)), "{extension}");
        let start = pictures[0].time;
        for (k, picture) in (0..).zip(&pictures) {
            assert!(
                (picture.time - start - rate.time_of(k)).0.abs() <= 1001,
                "{extension} picture {k} at {}",
                picture.time
            );
        }
        let bright: Vec<_> = pictures.iter().filter(|p| p.pixels[0] > 250).collect();
        assert_eq!(bright.len(), 1, "{extension}");
        let most = if matches!(extension, "mkv" | "webm") { 40.0 } else { 1.0 };
        assert!(
            click_errors(&film).iter().all(|e| e.abs() <= most),
            "{extension}: {:?}",
            click_errors(&film)
        );
        let left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.iter().all(|n| !n.to_string_lossy().starts_with('.')), "{left:?}");
    }
    assert_eq!(draw(&folder.path().join("a.wav"), "25").unwrap_err().kind(), Kind::Invalid);
}

#[test]
fn a_cancelled_drawing_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let film = DrawnFilm {
        output: folder.path().join("a.mp4"),
        width: 64,
        height: 48,
        rate: FrameRate::new(25, 1).unwrap(),
        sound_rate: SampleRate::new(RATE).unwrap(),
    };
    let cancel = Cancel::default();
    let mut endless = std::iter::repeat_with(|| {
        cancel.cancel();
        vec![0; 64 * 48 * 3]
    });
    let error =
        ffmpeg().draw(&film, &mut endless, &clicks(), Task { watcher: &Quiet, cancel: &cancel }).unwrap_err();
    assert_eq!(error.kind(), Kind::Interrupted);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// An encoder is dropped without `finish` when a job is interrupted.
#[test]
fn a_dropped_encoder_ends_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let mut encoder: Encoder =
        ffmpeg().encode(&plan(None, &folder.path().join("a.wav"), SoundCodec::Pcm)).unwrap();
    encoder.write(&clicks()).unwrap();
    drop(encoder);
}
