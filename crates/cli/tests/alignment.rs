//! Flash and beep: whatever the frame rate, the container and the offset of the sound, a corpus holds picture
//! and sound where they belong, from the first second to the last.

mod support;

use kinophone::dataset::{PrepareOptions, Shard, prepare};
use kinophone::etude::{Etude, EtudeConfig};
use kinophone::media::Ffmpeg;
use kinophone::task::{Cancel, Quiet, Task};
use kinophone_dsp::units::FrameRate;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use support::ffmpeg;

/// Half a tick of the default brain is 16.7 ms. We ask for far less, so that a slip of one AAC frame (21 ms)
/// or of one block of samples can't hide.
const TOLERANCE_MS: f64 = 4.0;

/// ffmpeg before version 6 writes Opus into WebM 6.5 ms early, into the film itself; that much is added for
/// such films.
const OPUS_MS: f64 = 6.6;

struct Lab {
    home: tempfile::TempDir,
    tool: Ffmpeg,
}

impl Lab {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), tool: Ffmpeg::locate(None).unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Draws a flash-and-beep film of that length and rate, to copy the picture from, and `sound.f32` beside
    /// it: the same sound without any codec's delay.
    fn draw(&self, name: &str, seconds: u32, rate: &str) -> (PathBuf, Etude) {
        let rate: FrameRate = rate.parse().unwrap();
        let etude = Etude::new(EtudeConfig::flashes(seconds, rate, 7)).unwrap();
        let film = self.path(name);
        etude.write(&self.tool, &film, Task { watcher: &Quiet, cancel: &Cancel::default() }).unwrap();
        let sound: Vec<u8> = etude.sound().iter().flat_map(|x| x.to_le_bytes()).collect();
        std::fs::write(self.path("sound.f32"), sound).unwrap();
        (film, etude)
    }

    fn shard(&self, film: &Path) -> Shard {
        let options = PrepareOptions { require_sound: true, ..PrepareOptions::default() };
        let task = Task { watcher: &Quiet, cancel: &Cancel::default() };
        let made = prepare(&self.tool, &[film.to_owned()], &self.path("corpus"), &options, task).unwrap();
        Shard::open(&made[0].shard).unwrap()
    }
}

/// Times in ms at which pictures turn white.
fn flashes(shard: &Shard) -> Vec<f64> {
    let bright = |k: usize| {
        shard.picture(k).iter().map(|&p| u64::from(p)).sum::<u64>() / shard.picture(k).len() as u64 > 128
    };
    (0..shard.pictures())
        .filter(|&k| bright(k) && (k == 0 || !bright(k - 1)))
        .map(|k| shard.time(k).as_secs_f64() * 1e3)
        .collect()
}

/// Times in ms at which the sound sets in: where it first rises to half of its highest level.
fn beeps(shard: &Shard) -> Vec<f64> {
    let sound = shard.sound().unwrap();
    let samples = sound.samples;
    let half = samples.iter().map(|x| x.unsigned_abs()).max().unwrap() / 2;
    let rate = f64::from(sound.rate.hz());
    let quiet = (0.005 * rate) as usize;
    let mut silent_for = quiet;
    let mut found = Vec::new();
    for (n, frame) in samples.chunks_exact(sound.channels as usize).enumerate() {
        let loud = frame.iter().any(|&x| x.unsigned_abs() > half);
        if loud && silent_for >= quiet {
            found.push(n as f64 / rate * 1e3);
        }
        silent_for = if loud { 0 } else { silent_for + 1 };
    }
    found
}

/// Every flash has a beep `offset` ms after it, to within the tolerance.
fn check(name: &str, shard: &Shard, offset: f64, at_least: usize) {
    let (flashes, beeps) = (flashes(shard), beeps(shard));
    assert!(flashes.len() >= at_least, "{name}: only {} flashes", flashes.len());
    let end = shard.end().as_secs_f64() * 1e3;
    let tolerance = TOLERANCE_MS + if name.contains("webm") { OPUS_MS } else { 0.0 };
    for flash in flashes.iter().filter(|&&f| f + offset > 30.0 && f + offset < end - 60.0) {
        let nearest =
            beeps.iter().map(|b| b - flash - offset).min_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap();
        assert!(nearest.abs() < tolerance, "{name}: flash at {flash:.1} ms, its beep {nearest:+.1} ms off");
    }
}

/// Content of each container: the picture copied where it fits, sound as is customary.
fn codecs(container: &str) -> &'static [&'static str] {
    match container {
        "webm" => {
            &["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "400k", "-c:a", "libopus"]
        }
        "avi" => &["-c:v", "mpeg4", "-q:v", "3", "-c:a", "pcm_s16le"],
        "mov" => &["-c:v", "copy", "-c:a", "pcm_s16le"],
        _ => &["-c:v", "copy", "-c:a", "aac"],
    }
}

/// Puts the pictures of a film and the sound beside it, shifted by `offset_ms`, into another container.
fn remux(film: &Path, out: &Path, offset_ms: i32) {
    let offset = format!("{}", f64::from(offset_ms) / 1e3);
    let sound = film.with_file_name("sound.f32");
    let mut args = vec![OsStr::new("-i"), film.as_os_str(), OsStr::new("-itsoffset"), OsStr::new(&offset)];
    args.extend(["-f", "f32le", "-ar", "48000", "-ac", "1", "-i"].map(OsStr::new));
    args.push(sound.as_os_str());
    args.extend(["-map", "0:v", "-map", "1:a", "-fps_mode", "passthrough"].map(OsStr::new));
    args.extend(codecs(out.extension().unwrap().to_str().unwrap()).iter().map(OsStr::new));
    args.push(out.as_os_str());
    ffmpeg(&args);
}

const RATES: [&str; 7] = ["23.976", "24", "25", "29.97", "30", "50", "60"];

#[test]
fn every_rate_in_every_container() {
    let lab = Lab::new();
    for rate in RATES {
        let (film, _) = lab.draw(&format!("{rate}.mp4"), 6, rate);
        for container in ["mp4", "mkv", "mov", "webm", "avi"] {
            let out = lab.path(&format!("{rate}-0.{container}"));
            remux(&film, &out, 0);
            check(&format!("{rate} fps, {container}"), &lab.shard(&out), 0.0, 4);
        }
    }
}

#[test]
fn sound_that_begins_early_or_late() {
    let lab = Lab::new();
    let (film, _) = lab.draw("film.mp4", 6, "25");
    for container in ["mp4", "mkv", "mov", "webm"] {
        for offset in [-500, -100, 37, 500] {
            let out = lab.path(&format!("{offset}.{container}"));
            remux(&film, &out, offset);
            check(&format!("{offset} ms in {container}"), &lab.shard(&out), f64::from(offset), 4);
        }
    }
}

/// An expression of ffmpeg that is true for those frames, balanced, since ffmpeg limits how deep its sums may
/// nest.
fn any_of(frames: &[u64]) -> String {
    match frames {
        [only] => format!("eq(n,{only})"),
        _ => {
            let (left, right) = frames.split_at(frames.len() / 2);
            format!("({}+{})", any_of(left), any_of(right))
        }
    }
}

#[test]
fn variable_frame_rates() {
    let lab = Lab::new();
    let (film, etude) = lab.draw("film.mp4", 12, "30");
    let kept = etude.variable_frames(6, 3);
    assert!(kept.len() < etude.frames() as usize * 3 / 4, "hardly variable");
    let select = format!("select='{}'", any_of(&kept));
    let sound = lab.path("sound.f32");
    for container in ["mp4", "mkv", "mov", "webm"] {
        let out = lab.path(&format!("variable.{container}"));
        let mut args = vec![OsStr::new("-i"), film.as_os_str()];
        args.extend(["-f", "f32le", "-ar", "48000", "-ac", "1", "-i"].map(OsStr::new));
        args.extend([
            sound.as_os_str(),
            OsStr::new("-vf"),
            OsStr::new(&select),
            OsStr::new("-fps_mode"),
            OsStr::new("vfr"),
        ]);
        // A picture that is filtered can't be copied.
        args.extend(codecs(container).iter().map(|&c| OsStr::new(if c == "copy" { "libx264" } else { c })));
        args.push(out.as_os_str());
        ffmpeg(&args);
        let shard = lab.shard(&out);
        let gaps: Vec<i64> = (1..shard.pictures()).map(|k| shard.time(k).0 - shard.time(k - 1).0).collect();
        assert!(
            gaps.iter().max().unwrap() > &(2 * gaps.iter().min().unwrap()),
            "{container} is not variable"
        );
        check(&format!("variable rate in {container}"), &shard, 0.0, 8);
    }
}

#[test]
fn half_an_hour_does_not_drift() {
    let lab = Lab::new();
    let (film, etude) = lab.draw("long.mp4", 1800, "29.97");
    let shard = lab.shard(&film);
    assert_eq!(shard.pictures() as u64, etude.frames());
    check("half an hour", &shard, 0.0, 1700);
}
