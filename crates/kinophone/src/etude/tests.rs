use crate::Kind;
use crate::etude::*;
use crate::storage::Overwrite;
use kinophone_dsp::units::{FrameRate, MediaTime, SampleRate};
use std::f64::consts::{PI, TAU};

fn shapes(seed: u64) -> Etude {
    Etude::new(EtudeConfig { width: 64, height: 48, ..EtudeConfig::shapes(20, seed) }).unwrap()
}

fn alone(shape: EtudeShape, frame: u64, frames: u64, (x, y, to_y): (f32, f32, f32)) -> Etude {
    let mut etude = shapes(0);
    let rate = etude.config.rate;
    let (start, end) = (rate.time_of(frame as i64), rate.time_of((frame + frames) as i64));
    let pitch_hz = sound::pitch_hz(shape, rate, x, y);
    etude.events = vec![EtudeEvent { shape, frame, frames, start, end, pitch_hz, x, y, to_y, look: 5 }];
    etude
}

fn luma(picture: &[u8]) -> f64 {
    picture.iter().map(|&p| f64::from(p)).sum::<f64>() / picture.len() as f64
}

/// Amplitude of the harmonic `n` of one frame's sound, by the definition of the Fourier transform.
fn harmonic(sound: &[f32], n: usize) -> f64 {
    let len = sound.len() as f64;
    let (mut re, mut im) = (0.0, 0.0);
    for (i, &s) in sound.iter().enumerate() {
        let turn = TAU * n as f64 * i as f64 / len;
        re += f64::from(s) * turn.cos();
        im += f64::from(s) * turn.sin();
    }
    2.0 * re.hypot(im) / len
}

#[test]
fn flashes_and_beeps_begin_and_end_on_the_same_sample_at_every_rate() {
    for rate in ["24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001"] {
        for hz in [22_050, 44_100, 48_000] {
            let config = EtudeConfig {
                composition: Composition::Flashes { every: 20, frames: 2, irregular: true },
                sound_rate: SampleRate::new(hz).unwrap(),
                width: 16,
                height: 16,
                ..EtudeConfig::flashes(8, rate.parse().unwrap(), 3)
            };
            let etude = Etude::new(config).unwrap();
            let sound = etude.sound();
            assert_eq!(sound.len() as u64, etude.samples());
            assert!(etude.events.len() > 5);
            for (k, picture) in etude.pictures().enumerate() {
                let white = picture.iter().all(|&p| p == 255);
                assert!(white || picture.iter().all(|&p| p == 0));
                let span = etude.grid().start_sample(k as i64)..etude.grid().start_sample(k as i64 + 1);
                let of_frame = &sound[span.start as usize..span.end as usize];
                assert_eq!(white, of_frame.iter().any(|&s| s != 0.0), "frame {k} at {rate}");
                assert_eq!(white, of_frame[0] != 0.0, "the first sample of frame {k} at {rate}, {hz} Hz");
            }
        }
    }
}

#[test]
fn flashes_never_touch() {
    for (every, frames) in [(3, 1), (4, 1), (6, 2), (9, 3), (31, 10)] {
        let composition = Composition::Flashes { every, frames, irregular: true };
        let etude = Etude::new(EtudeConfig { composition, ..EtudeConfig::shapes(60, 2) }).unwrap();
        assert!(etude.events.windows(2).all(|w| w[0].end_frame() < w[1].frame), "{frames} of {every}");
    }
}

#[test]
fn an_irregular_pulse_fits_itself_at_no_other_lag() {
    let config = EtudeConfig::flashes(120, FrameRate::new(30, 1).unwrap(), 1);
    let etude = Etude::new(config).unwrap();
    let frames: Vec<u64> = etude.events.iter().map(|e| e.frame).collect();
    assert!((110..=120).contains(&frames.len()));
    for lag in 1..90 {
        let same = frames.iter().filter(|&f| frames.contains(&(f + lag))).count();
        assert!(same * 3 < frames.len(), "lag {lag} fits {same} of {}", frames.len());
    }
}

#[test]
fn picture_and_sound_are_exactly_nothing_where_nothing_happens() {
    let etude = shapes(1);
    let mut blank = 0;
    for frame in 0..etude.frames() {
        let happens = etude.events.iter().any(|e| e.frame <= frame && frame < e.end_frame());
        assert_eq!(happens, etude.picture(frame).iter().any(|&p| p > 20), "picture {frame}");
        assert_eq!(happens, etude.sound_of(frame).iter().any(|&s| s != 0.0), "sound {frame}");
        blank += u64::from(!happens);
    }
    assert!(blank * 3 > etude.frames(), "only {blank} blank frames of {}", etude.frames());
}

#[test]
fn every_event_is_heard_from_its_first_frame_on_and_at_its_place_in_the_picture() {
    let etude = shapes(2);
    for event in &etude.events {
        let before = etude.sound_of(event.frame - 1);
        let power = |s: &[f32]| s.iter().map(|&s| f64::from(s * s)).sum::<f64>();
        assert!(power(&etude.sound_of(event.frame)) > 2.0 * power(&before), "{event:?}");
        let picture = etude.picture(event.frame);
        let column = |of: f32| ((of * 64.0) as usize).min(63);
        let row = (f64::from(event.y) * 48.0) as usize;
        let lit = |c: usize| picture[(row * 64 + c) * 3 + 2] >= 100;
        // Strokes leave gaps between each other; somewhere within their width one is hit.
        let half = if event.shape == EtudeShape::Scratch { 0.12 } else { 0.0 };
        assert!((column(event.x - half)..=column(event.x + half)).any(lit), "{event:?}");
    }
}

#[test]
fn a_seed_decides_everything_and_another_seed_gives_another_etude() {
    assert_eq!(shapes(7), shapes(7));
    assert_eq!((shapes(7).sound(), shapes(7).picture(100)), (shapes(7).sound(), shapes(7).picture(100)));
    assert_ne!(shapes(7).events, shapes(8).events);
    for seed in 0..5 {
        let counts = [EtudeShape::Line, EtudeShape::Disc, EtudeShape::Scratch]
            .map(|shape| shapes(seed).events.iter().filter(|e| e.shape == shape).count());
        assert!(counts.iter().all(|&n| n >= 2), "seed {seed}: {counts:?}");
    }
}

#[test]
fn sound_of_a_picture_is_the_same_wherever_it_comes() {
    for (shape, place) in [
        (EtudeShape::Line, (0.5, 0.8, 0.3)),
        (EtudeShape::Disc, (0.3, 0.4, 0.4)),
        (EtudeShape::Scratch, (0.7, 0.5, 0.5)),
    ] {
        let (early, late) = (alone(shape, 10, 9, place), alone(shape, 407, 9, place));
        for j in 0..9 {
            assert_eq!(early.picture(10 + j), late.picture(407 + j));
            assert_eq!(early.sound_of(10 + j), late.sound_of(407 + j), "{shape:?} {j}");
        }
    }
}

#[test]
fn pitch_follows_the_height_of_a_line_and_the_place_of_a_disc() {
    // At 30 pictures a second the steps are harmonics 8 … 20 of the frame rate, and discs are harmonics 6 …
    // 15.
    for (y, n) in [(0.95, 8), (0.55, 12), (0.45, 14), (0.05, 20)] {
        let line = alone(EtudeShape::Line, 3, 20, (0.5, y, y));
        assert_eq!(line.events[0].pitch_hz, Some(30.0 * n as f32));
        assert!((harmonic(&line.sound_of(5), n) - 0.11).abs() < 1e-6);
        assert!(harmonic(&line.sound_of(5), n - 1) < 1e-6);
    }
    for (x, n) in [(0.15, 6), (0.5, 10), (0.85, 15)] {
        let disc = alone(EtudeShape::Disc, 3, 15, (x, 0.5, 0.5));
        assert_eq!(disc.events[0].pitch_hz, Some(30.0 * n as f32));
        let strongest = (1..100)
            .max_by(|&a, &b| harmonic(&disc.sound_of(4), a).total_cmp(&harmonic(&disc.sound_of(4), b)));
        assert_eq!(strongest, Some(n));
    }
}

#[test]
fn a_sweeping_line_passes_every_step_between_its_ends() {
    let line = alone(EtudeShape::Line, 0, 48, (0.5, 0.95, 0.05));
    let mut steps: Vec<usize> = (0..40)
        .map(|k| {
            let sound = line.sound_of(k);
            (4..30).max_by(|&a, &b| harmonic(&sound, a).total_cmp(&harmonic(&sound, b))).unwrap()
        })
        .collect();
    steps.dedup();
    assert_eq!(steps, [8, 9, 10, 12, 14, 16, 18, 20]);
}

#[test]
fn nothing_clips_and_nothing_ends_or_passes_a_frame_with_a_click() {
    for (seed, rate) in [(1, "30"), (2, "24000/1001"), (3, "60"), (4, "50")] {
        let config = EtudeConfig { rate: rate.parse().unwrap(), ..EtudeConfig::shapes(30, seed) };
        let etude = Etude::new(config).unwrap();
        let sound = etude.sound();
        assert!(sound.iter().all(|s| s.abs() < 0.9));
        for event in &etude.events {
            let end = etude.grid().start_sample(event.end_frame() as i64) as usize;
            let step = (sound[end] - sound[end - 1]).abs();
            let last = etude.events_on(event.end_frame()).is_empty();
            assert!(!last || step < 0.012, "{:?} at {rate} ends with a step of {step}", event.shape);
            // Within a line or a disc, no step at a frame's border is steeper than its tones are anywhere
            // (0.1 a sample).
            let borders = event.frame + 1..event.end_frame();
            if matches!(event.shape, EtudeShape::Line | EtudeShape::Disc) {
                for k in borders.filter(|k| etude.events.iter().all(|e| e.frame != *k)) {
                    let at = etude.grid().start_sample(k as i64) as usize;
                    assert!(
                        (sound[at] - sound[at - 1]).abs() < 0.15,
                        "{:?} frame {k} at {rate}",
                        event.shape
                    );
                }
            }
        }
    }
}

#[test]
fn edges_are_soft_and_areas_are_true() {
    let mut etude = alone(EtudeShape::Disc, 0, 15, (0.5, 0.5, 0.5));
    etude.config.width = 320;
    etude.config.height = 240;
    for j in [3, 7, 11] {
        let light = 1.0 - j as f64 / 15.0;
        let radius = 0.2 * 240.0 * (0.2 + 0.8 * light);
        let blue: f64 = etude.picture(j).iter().skip(2).step_by(3).map(|&p| f64::from(p) / 255.0).sum();
        let expected = PI * radius * radius * (0.35 + 0.65 * light);
        assert!((blue / expected - 1.0).abs() < 0.005, "frame {j}: {blue} for {expected}");
    }
    let tones = |picture: Vec<u8>| picture.iter().collect::<std::collections::HashSet<_>>().len();
    assert!(tones(etude.picture(3)) > 50);
}

#[test]
fn a_disc_fades_in_picture_and_sound_together_and_a_line_gives_way_to_it() {
    let disc = alone(EtudeShape::Disc, 0, 15, (0.5, 0.5, 0.5));
    let power = |e: &Etude, k| e.sound_of(k).iter().map(|s| s * s).sum::<f32>();
    for k in 1..14 {
        assert!(luma(&disc.picture(k + 1)) < luma(&disc.picture(k)));
        assert!(power(&disc, k + 1) < power(&disc, k));
    }
    let mut both = alone(EtudeShape::Line, 0, 45, (0.5, 0.9, 0.6));
    both.events.push(EtudeEvent { frame: 10, ..disc.events[0].clone() });
    assert_eq!((both.picture(10), both.sound_of(10)), (disc.picture(0), disc.sound_of(0)));
    let line = alone(EtudeShape::Line, 0, 45, (0.5, 0.9, 0.6));
    assert_eq!((both.picture(26), both.sound_of(26)), (line.picture(26), line.sound_of(26)));
    assert!(power(&both, 22) > 0.3 * power(&line, 22));
}

#[test]
fn the_truth_scores_full_and_what_departs_from_it_does_not() {
    let etude = shapes(4);
    let rate = etude.config.sound_rate;
    let truth = etude.sound();
    let judge = |sound: &[f32]| score(&etude.events, sound, rate);
    let shifted = |ms: i64| {
        let by = rate.sample_at(MediaTime(1000 * ms));
        let at = |i: i64| truth.get((i - by) as usize).copied().unwrap_or(0.0);
        judge(&(0..truth.len() as i64).map(at).collect::<Vec<_>>())
    };
    let full = judge(&truth);
    assert_eq!((full.hits, full.invented, full.level_off_db), (full.events, 0, -120.0));
    assert!(full.events > 10 && (-25.0..-12.0).contains(&full.level_on_db));
    for ms in [-28, -15, 15, 28] {
        assert!(shifted(ms).hit_rate() >= 0.95, "{ms} ms: {:?}", shifted(ms));
    }
    for ms in [-90, -45, 45, 90] {
        assert!(shifted(ms).hit_rate() <= 0.15, "{ms} ms: {:?}", shifted(ms));
    }
    assert_eq!(judge(&vec![0.0; truth.len()]).hits, 0);
    let softer: Vec<f32> = truth.iter().map(|s| s * 0.1).collect();
    assert_eq!(judge(&softer).hits, full.hits);
    assert!((judge(&softer).level_on_db - full.level_on_db + 20.0).abs() < 0.01);
}

#[test]
fn sound_where_nothing_happens_is_measured_and_counted() {
    let etude = shapes(4);
    let truth = etude.sound();
    let hum: Vec<f32> =
        truth.iter().enumerate().map(|(i, s)| s + 0.02 * (TAU * i as f64 * 0.01).sin() as f32).collect();
    let judged = score(&etude.events, &hum, etude.config.sound_rate);
    assert!((judged.level_off_db + 36.99).abs() < 0.1, "{judged:?}");
    // Two beeps in the half second before the first event, more than 100 ms away from it.
    let mut beeps = truth.clone();
    for from in [1000, 6000] {
        for (i, s) in beeps[from..from + 1000].iter_mut().enumerate() {
            *s = 0.3 * (TAU * i as f64 * 0.05).sin() as f32;
        }
    }
    assert_eq!(score(&etude.events, &beeps, etude.config.sound_rate).invented, 2);
    assert_eq!(score(&[], &[], etude.config.sound_rate).hit_rate(), 1.0);
}

#[test]
fn a_variable_rate_keeps_every_change_of_the_picture() {
    let etude = Etude::new(EtudeConfig::flashes(20, FrameRate::new(60, 1).unwrap(), 5)).unwrap();
    let kept = etude.variable_frames(6, 9);
    assert_eq!(kept[0], 0);
    assert!(kept.windows(2).all(|w| w[0] < w[1] && w[1] - w[0] <= 6));
    assert!((kept.len() as u64) < etude.frames() / 2);
    for event in &etude.events {
        assert!(kept.contains(&event.frame) && kept.contains(&event.end_frame()));
    }
}

#[test]
fn truth_survives_json() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.json");
    let etude = shapes(3);
    etude.write_truth(&path, Overwrite::Refuse).unwrap();
    let read: Etude = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(read, etude);
    assert_eq!(etude.write_truth(&path, Overwrite::Refuse).unwrap_err().kind(), Kind::Exists);
}

#[test]
fn impossible_etudes_are_refused() {
    let good = EtudeConfig::shapes(5, 1);
    let flashes = |every, frames| Composition::Flashes { every, frames, irregular: false };
    for bad in [
        EtudeConfig { width: 63, ..good.clone() },
        EtudeConfig { height: 0, ..good.clone() },
        EtudeConfig { height: 10_000, ..good.clone() },
        EtudeConfig { length: MediaTime::ZERO, ..good.clone() },
        EtudeConfig { sound_rate: SampleRate::new(4000).unwrap(), ..good.clone() },
        EtudeConfig { composition: flashes(10, 0), ..good.clone() },
        EtudeConfig { composition: flashes(5, 2), ..good.clone() },
    ] {
        assert_eq!(Etude::new(bad).unwrap_err().kind(), Kind::Invalid);
    }
    for rate in ["1/10", "0.5", "1000"] {
        let odd = EtudeConfig { rate: rate.parse().unwrap(), width: 16, height: 16, ..good.clone() };
        if let Ok(etude) = Etude::new(odd) {
            assert_eq!(etude.sound().len() as u64, etude.samples(), "{rate}");
            assert_eq!(etude.pictures().count() as u64, etude.frames());
        }
    }
}
