//! The networks with memory on films whose truth is known: sound in time, at its pitch, in its channels.

mod support;

use kinophone::etude::{Etude, EtudeConfig, EtudeShape, score};
use kinophone::media::Ffmpeg;
use kinophone::task::{Cancel, Quiet, Task};
use kinophone_dsp::metrics::correlation;
use kinophone_dsp::stft::PowerSpectrum;
use kinophone_dsp::units::SampleRate;
use kinophone_dsp::window::{Form, Window};
use std::ffi::OsStr;
use std::path::Path;
use support::{decode_sound, ffmpeg, succeed};

/// A brain with what every test of it needs, made once.
fn brain(home: &Path, film: &Path, more: &[&str]) -> serde_json::Value {
    let brain = home.join("a.brain");
    let words = ["train", film.to_str().unwrap(), "-o", brain.to_str().unwrap(), "--quiet", "--json"];
    serde_json::from_slice(&succeed(home, &[&words, more].concat()).stdout).unwrap()
}

fn render(home: &Path, film: &Path, out: &Path, more: &[&str]) {
    let brain = home.join("a.brain");
    let words =
        ["render", brain.to_str().unwrap(), film.to_str().unwrap(), "-o", out.to_str().unwrap(), "--quiet"];
    succeed(home, &[&words, more].concat());
}

/// Mean level in dB below full scale.
fn level(sound: &[f32]) -> f64 {
    let power = sound.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / sound.len() as f64;
    10.0 * power.max(1e-12).log10()
}

/// The strongest frequency of `sound` between 200 and 700 Hz, in Hz: the fundamental of a line.
fn pitch(sound: &[f32], rate: f64) -> f64 {
    let n = 4096;
    let mut spectrum = PowerSpectrum::new(n, Window::Hann, Form::Periodic);
    let mut padded = vec![0.0; n];
    let start = (n - sound.len().min(n)) / 2;
    padded[start..start + sound.len().min(n)].copy_from_slice(&sound[..sound.len().min(n)]);
    let power = spectrum.of(&padded, 0);
    let bin = |hz: f64| (hz * n as f64 / rate) as usize;
    let best = (bin(200.0)..bin(700.0)).max_by(|a, b| power[*a].total_cmp(&power[*b])).unwrap();
    best as f64 * rate / n as f64
}

/// Films whose truth is known: one to learn from, and others to play to.
#[test]
fn an_etudes_shapes_sound_on_time_and_at_their_pitch() {
    let home = tempfile::tempdir().unwrap();
    let ffmpeg = Ffmpeg::locate(None).unwrap();
    let cancel = Cancel::default();
    let draw = |seconds, seed| {
        let film = home.path().join(format!("{seed}.mp4"));
        let etude = Etude::new(EtudeConfig::shapes(seconds, seed)).unwrap();
        etude.write(&ffmpeg, &film, Task { watcher: &Quiet, cancel: &cancel }).unwrap();
        (etude, film)
    };
    let (_, lesson) = draw(180, 11);
    let said = brain(home.path(), &lesson, &[]);
    println!("{}", said["verdict"]);
    let others: Vec<_> = [12, 22, 32, 42].into_iter().map(|seed| draw(90, seed)).collect();

    let rate = SampleRate::new(22_050).unwrap();
    for more in [&[][..], &["--live"]] {
        let (mut hits, mut events, mut pitches) = (0, 0, Vec::new());
        for (etude, film) in &others {
            let out = home.path().join("out.wav");
            render(home.path(), film, &out, &[more, &["--loudness", "off", "--force"]].concat());
            let (truth, sound) = (etude.sound(), decode_sound(&out, 22_050));
            let score = score(&etude.events, &sound, rate);
            println!("{more:?}: {score:?}");
            assert_eq!(score.invented, 0, "{more:?}: {score:?}");
            hits += score.hits;
            events += score.events;

            // Frames with nothing but a line, whose height says its pitch.
            let alone = |frame: u64| {
                let mut on = etude.events.iter().filter(|e| e.frame <= frame && frame < e.end_frame());
                on.next().is_some_and(|e| e.shape == EtudeShape::Line) && on.next().is_none()
            };
            let frames = (1..etude.frames() - 1).filter(|frame| (frame - 1..=frame + 1).all(alone));
            pitches.extend(frames.map(|frame| {
                let at = frame as usize * 735;
                let part = |sound: &[f32]| pitch(&sound[at - 735..at + 2 * 735], 22_050.0).ln();
                (part(&truth), part(&sound))
            }));
        }
        let (a, b): (Vec<f64>, Vec<f64>) = pitches.into_iter().unzip();
        let r = correlation(&a, &b);
        println!("{more:?}: {hits} of {events} on time, pitch follows with {r:.3} over {} frames", a.len());
        assert!(hits as f64 >= 0.99 * events as f64, "{more:?}: {hits} of {events}");
        assert!(r >= 0.9, "pitch follows with {r}");
    }
}

/// Left and right stay themselves, at their rate, from the first to the last moment.
#[test]
fn a_mosaic_has_the_channels_of_its_sound() {
    let home = tempfile::tempdir().unwrap();
    let (film, out) = (home.path().join("film.mkv"), home.path().join("out.wav"));
    let words = "-f lavfi -i testsrc=size=160x120:rate=25 -f lavfi -i aevalsrc=0.3*sin(2*PI*441*t)|0.3*sin(2*PI*662*t):s=48000 -t 24 -c:a flac";
    let words: Vec<&OsStr> = words.split(' ').map(OsStr::new).collect();
    ffmpeg(&[&words[..], &[film.as_os_str()]].concat());
    brain(home.path(), &film, &["--steps", "20", "--no-live", "--hold-out", "none"]);
    render(home.path(), &film, &out, &["--loudness", "off"]);
    for (channel, hz) in [("c0", 441.0), ("c1", 662.0)] {
        let (pan, one) = (format!("pan=mono|c0={channel}"), home.path().join("one.wav"));
        let words = ["-y", "-i", out.to_str().unwrap(), "-af", &pan, one.to_str().unwrap()].map(OsStr::new);
        ffmpeg(&words);
        let sound = decode_sound(&one, 48_000);
        assert!(sound.len().abs_diff(24 * 48_000) < 4_800, "{}", sound.len());
        for (i, part) in sound[..23 * 48_000].chunks_exact(4_800).enumerate() {
            let (found, level) = (pitch(part, 48_000.0), level(part));
            assert!((found - hz).abs() < 20.0, "{channel} sounds at {found} Hz after {i} tenths of a second");
            assert!(
                (level + 13.5).abs() < 3.0,
                "{channel} sounds at {level} dB after {i} tenths of a second"
            );
        }
    }
}
