use crate::Kind;
use crate::dataset::SoundDescriber;
use crate::dataset::{Shard, ShardWriter, SoundTrack, SyntheticFilm};
use crate::sound_library::SegmentBy;
use crate::sound_library::analysis::*;
use crate::sound_library::segmentation::LEAD_SECS;
use crate::storage::Overwrite;
use crate::task::{Cancel, Quiet};
use kinophone_dsp::units::{MediaTime, SampleRate};
use std::f64::consts::TAU;

fn describe(hz: u32, channels: u32, sound: &[i16], segmentation: Segmentation) -> SoundAnalysis {
    let task = Task { watcher: &Quiet, cancel: &Cancel::default() };
    let rate = SampleRate::new(hz).unwrap();
    let sound = ShardSound { rate, channels, samples: sound, exponent: 0, opposed: false };
    SoundAnalysis::of(sound, segmentation, task).unwrap()
}

fn by(by: SegmentBy) -> Segmentation {
    Segmentation { by, ..Segmentation::default() }
}

/// Strokes of `tone` Hz that die away, at the given samples.
fn strokes(hz: u32, seconds: f64, tone: f64, places: &[usize]) -> Vec<i16> {
    let mut sound = vec![0.0f64; (seconds * f64::from(hz)) as usize];
    for at in places {
        for (k, x) in sound[*at..].iter_mut().enumerate().take(hz as usize / 4) {
            let t = k as f64 / f64::from(hz);
            *x += 0.5 * (-18.0 * t).exp() * (TAU * tone * t).cos();
        }
    }
    sound.iter().map(|x| (x * 32767.0).round() as i16).collect()
}

#[test]
fn strokes_become_units_with_their_attack_to_the_sample() {
    for hz in [22_050, 44_100, 48_000] {
        let second = hz as usize;
        // One on each side of where a minute ends, and one close to it.
        let places = [second, 2 * second + 77, 59 * second + second / 2, 60 * second + 5, 61 * second];
        let described = describe(hz, 1, &strokes(hz, 63.0, 880.0, &places), by(SegmentBy::Onsets));
        let attacks: Vec<usize> =
            described.units.iter().map(|u| u.first as usize + u.attack.unwrap() as usize).collect();
        assert_eq!(attacks, places, "{hz}");
        for unit in &described.units {
            let cents = 1200.0 * (f64::from(unit.pitch_hz) / 880.0).log2();
            assert!(cents.abs() < 10.0 && unit.confidence > 0.8, "{hz}: {unit:?}");
            assert!((unit.centroid_hz - 880.0).abs() < 150.0 && unit.flatness < 0.1, "{hz}: {unit:?}");
            assert!(unit.onset > 0.2, "{unit:?}");
            let lead = f64::from(unit.attack.unwrap()) / f64::from(hz);
            assert!(lead <= LEAD_SECS && unit.frames as usize <= second / 2, "{hz}: {unit:?}");
        }
    }
}

#[test]
fn units_cover_what_sounds_and_nothing_else() {
    let hz = 44_100usize;
    // A second of tone after a second of silence, in stereo, then silence; its end is soft, since a sudden one is a click.
    let tone = |i: usize| {
        let end = (2 * hz - i.min(2 * hz)) as f64 / (hz / 20) as f64;
        9000.0 * end.min(1.0) * (TAU * 440.0 * i as f64 / hz as f64).sin()
    };
    let sound: Vec<i16> = (0..3 * hz)
        .map(|i| if i >= hz { tone(i) } else { 0.0 })
        .flat_map(|x| [x as i16, (x / 2.0) as i16])
        .collect();
    for (cutting, expected) in [
        (by(SegmentBy::Onsets), 1),
        (Segmentation { by: SegmentBy::Grains, grain_ms: 100 }, 10),
        (Segmentation { by: SegmentBy::Both, grain_ms: 100 }, 10),
        (Segmentation { by: SegmentBy::Both, grain_ms: 600 }, 1),
    ] {
        let units = describe(44_100, 2, &sound, cutting).units;
        assert_eq!(units.len(), expected, "{cutting:?}");
        let mut end = units[0].first;
        assert!((end - hz as i64).abs() <= 2, "{end}");
        for unit in &units {
            assert_eq!(unit.first, end, "{cutting:?}");
            end += i64::from(unit.frames);
            // The mean of both channels: 0.75 × 9000, less where the pause after it belongs to it.
            let exact = 20.0 * (0.75 * 9000.0 / 32768.0f64).log10() - 3.01;
            let last = unit == units.last().unwrap();
            assert!((f64::from(unit.loudness_db) - exact).abs() < if last { 4.0 } else { 0.1 }, "{unit:?}");
        }
        assert!((end - 2 * hz as i64).abs() < hz as i64 / 20, "{end}");
        assert!(units[1..].iter().all(|unit| unit.attack.is_none() && unit.onset == 0.0));
    }
    assert!(describe(44_100, 2, &vec![0; 2 * hz], Segmentation::default()).units.is_empty());
    assert!(describe(44_100, 1, &[], Segmentation::default()).units.is_empty());
}

#[test]
fn noise_is_flat_and_has_no_pitch() {
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 18) as i16 - 8192
    };
    let sound: Vec<i16> = (0..44_100).map(|_| noise()).collect();
    for unit in describe(44_100, 1, &sound, Segmentation::default()).units {
        assert!(unit.flatness > 0.4 && unit.confidence < 0.5, "{unit:?}");
        assert!((unit.centroid_hz - 5500.0).abs() < 700.0, "{unit:?}");
    }
}

#[test]
fn ticks_are_those_of_the_whole_wherever_a_part_ends() {
    let hz = 22_050;
    let places: Vec<usize> = (0..122).map(|k| k * hz as usize + 31 * k).collect();
    let sound = strokes(hz, 125.0, 300.0, &places);
    let floats: Vec<f32> = sound.iter().map(|s| f32::from(*s) / 32768.0).collect();
    let whole = AudioFeatures::analyze(analysis_grid(), 0, 125 * 30, |start, out| {
        for (k, x) in out.iter_mut().enumerate() {
            let place = usize::try_from(start + k as i64).ok();
            *x = place.and_then(|place| floats.get(place)).copied().unwrap_or(0.0);
        }
    });
    assert!(describe(hz, 1, &sound, Segmentation::default()).features == whole);
}

#[test]
fn a_shard_keeps_what_was_said() {
    let described =
        describe(22_050, 1, &strokes(22_050, 3.0, 500.0, &[7000, 30_000]), Segmentation::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let bytes = vec![0u8; 2 * 3 * 22_050];
    let write = |numbers| {
        let shard =
            ShardWriter::create(&path, Overwrite::Replace, 1, false, SyntheticFilm::plain("x", 1.0).source())
                .unwrap();
        let rate = SampleRate::new(22_050).unwrap();
        let mut data = &bytes[..];
        let track = SoundTrack::new(rate, 1, 3 * 22_050, &mut data);
        shard
            .finish_with(
                MediaTime::from_secs(3),
                Some(track),
                Some((Segmentation::default().parameters(), numbers)),
            )
            .unwrap();
        Shard::open(&path).unwrap()
    };
    let shard = write(described.to_tables());
    shard.verify().unwrap();
    assert_eq!(shard.sound_parameters(), Some(&Segmentation::default().parameters()));
    assert_eq!(SoundAnalysis::of_shard(&shard).unwrap(), Some(described.clone()));
    assert_eq!(shard.sound().unwrap().samples.len(), 3 * 22_050);
    // What can't be true is no description.
    for change in [
        |u: &mut AnalyzedUnit| u.first = -1,
        |u: &mut AnalyzedUnit| u.first = 3 * 22_050,
        |u: &mut AnalyzedUnit| u.frames = u32::MAX,
        |u: &mut AnalyzedUnit| u.attack = Some(u.frames),
        |u: &mut AnalyzedUnit| u.pitch_hz = f32::NAN,
    ] {
        let mut wrong = described.clone();
        change(&mut wrong.units[0]);
        assert_eq!(SoundAnalysis::of_shard(&write(wrong.to_tables())).unwrap_err().kind(), Kind::Damaged);
    }
}
