//! Flash and beep: whatever the frame rate, the container and the offset of the sound, a corpus holds picture and sound
//! where they belong, from the first second to the last.

mod support;

use kinophone::corpus::{PrepareOptions, Shard, prepare};
use kinophone::dsp::units::FrameRate;
use kinophone::etude::{Etude, EtudeConfig};
use kinophone::media::Ffmpeg;
use kinophone::task::{Cancel, Quiet, Task};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use support::ffmpeg;

/// Half a tick of the default brain, and what we ask for: an eighth of it, so that a slip of one AAC frame (21 ms) or of one
/// sample block can't hide.
const TOLERANCE_MS: f64 = 4.0;

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

    /// Draws a flash-and-beep film of that length and rate, lossless enough to be cut and copied from.
    fn draw(&self, name: &str, seconds: u32, rate: &str) -> (PathBuf, Etude) {
        let rate: FrameRate = rate.parse().unwrap();
        let etude = Etude::new(EtudeConfig::flashes(seconds, rate, 7)).unwrap();
        let film = self.path(name);
        etude.write(&self.tool, &film, Task { watcher: &Quiet, cancel: &Cancel::default() }).unwrap();
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

/// Times in ms at which the sound sets in.
fn beeps(shard: &Shard) -> Vec<f64> {
    let (rate, channels, samples) = shard.sound().unwrap();
    let rate = f64::from(rate.hz());
    let quiet = (0.005 * rate) as usize;
    let mut silent_for = quiet;
    let mut found = Vec::new();
    for (n, frame) in samples.chunks_exact(channels as usize).enumerate() {
        // Lossy codecs ring softly before an onset; the beep itself is far louder.
        let loud = frame.iter().any(|&x| x.unsigned_abs() > 3000);
        if loud && silent_for >= quiet {
            found.push(n as f64 / rate * 1e3);
        }
        silent_for = if loud { 0 } else { silent_for + 1 };
    }
    found
}

/// Every flash has a beep `offset` ms after it, to within the tolerance; returns the worst and the drift from first to last.
fn check(name: &str, shard: &Shard, offset: f64, at_least: usize) {
    let (flashes, beeps) = (flashes(shard), beeps(shard));
    assert!(flashes.len() >= at_least, "{name}: only {} flashes", flashes.len());
    let end = shard.end().as_secs_f64() * 1e3;
    for flash in flashes.iter().filter(|&&f| f + offset > 30.0 && f + offset < end - 60.0) {
        let nearest =
            beeps.iter().map(|b| b - flash - offset).min_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap();
        assert!(
            nearest.abs() < TOLERANCE_MS,
            "{name}: flash at {flash:.1} ms, its beep {nearest:+.1} ms off"
        );
    }
}

/// Puts the pictures of a film and its sound, shifted by `offset_ms`, into another container.
fn remux(film: &Path, out: &Path, offset_ms: i32) {
    let offset = format!("{}", f64::from(offset_ms) / 1e3);
    let codecs: &[&str] = match out.extension().unwrap().to_str().unwrap() {
        "webm" => {
            &["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "400k", "-c:a", "libopus"]
        }
        "avi" => &["-c:v", "mpeg4", "-q:v", "3", "-c:a", "pcm_s16le"],
        "mov" => &["-c:v", "copy", "-c:a", "pcm_s16le"],
        _ => &["-c:v", "copy", "-c:a", "aac"],
    };
    let film = film.as_os_str();
    let mut args =
        vec![OsStr::new("-i"), film, OsStr::new("-itsoffset"), OsStr::new(&offset), OsStr::new("-i"), film];
    args.extend(["-map", "0:v", "-map", "1:a", "-fps_mode", "passthrough"].map(OsStr::new));
    args.extend(codecs.iter().map(OsStr::new));
    args.push(out.as_os_str());
    ffmpeg(&args);
}

const RATES: [&str; 7] = ["23.976", "24", "25", "29.97", "30", "50", "60"];

#[test]
fn every_rate_in_every_container() {
    let lab = Lab::new();
    for rate in RATES {
        let (film, _) = lab.draw(&format!("{rate}.mkv"), 6, rate);
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
    let (film, _) = lab.draw("film.mkv", 6, "25");
    for container in ["mp4", "mkv", "mov", "webm"] {
        for offset in [-500, -100, 37, 500] {
            let out = lab.path(&format!("{offset}.{container}"));
            remux(&film, &out, offset);
            check(&format!("{offset} ms in {container}"), &lab.shard(&out), f64::from(offset), 4);
        }
    }
}

#[test]
fn variable_frame_rates() {
    let lab = Lab::new();
    let (film, etude) = lab.draw("film.mkv", 12, "30");
    let kept = etude.variable_frames(6, 3);
    assert!(kept.len() < etude.frames() as usize * 3 / 4, "hardly variable");
    let select =
        format!("select='{}'", kept.iter().map(|k| format!("eq(n,{k})")).collect::<Vec<_>>().join("+"));
    for container in ["mp4", "mkv", "mov", "webm"] {
        let out = lab.path(&format!("variable.{container}"));
        let video: &[&str] = if container == "webm" {
            &["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "400k", "-c:a", "libopus"]
        } else {
            &["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"]
        };
        let mut args = vec![
            OsStr::new("-i"),
            film.as_os_str(),
            OsStr::new("-vf"),
            OsStr::new(&select),
            OsStr::new("-fps_mode"),
            OsStr::new("vfr"),
        ];
        args.extend(video.iter().map(OsStr::new));
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
