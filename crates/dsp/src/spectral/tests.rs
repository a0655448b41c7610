//! Properties of the spectral synth: bands, loudness, silence, length, latency, no buzz, the same samples
//! again.

use crate::frames::{FrameCodec, FrameFormat};
use crate::metrics::{BANDS, comb_prominence, frame_loudness, log_mel};
use crate::spectral::*;
use crate::stft::PowerSpectrum;
use crate::tick_rng::TickRng;
use crate::units::SampleRate;
use crate::window::Form;

const CAUSAL: [Phase; 3] = [Phase::Rtpghi, Phase::RandomWalk, Phase::Borrowed];

fn grid(tick: &str) -> TickGrid {
    TickGrid { tick: tick.parse().unwrap(), rate: SampleRate::new(22_050).unwrap() }
}

fn with(phase: Phase) -> SpectralConfig {
    SpectralConfig { phase, ..Default::default() }
}

/// A falling spectrum with two hills.
fn hills() -> [f32; BANDS] {
    std::array::from_fn(|b| {
        let hill = |at: f32, width: f32| (-((b as f32 - at) / width).powi(2)).exp();
        1.0 - 0.02 * b as f32 + 1.5 * hill(15.0, 5.0) + hill(42.0, 6.0)
    })
}

type SpectralTick = ([f32; BANDS], f32, f32);

fn played(synth: &mut SpectralSynth, ticks: &[SpectralTick]) -> Vec<f32> {
    for (bands, loudness_db, silence) in ticks {
        synth.push(SpectralFrame { bands, loudness_db: *loudness_db, silence: *silence });
    }
    synth.finish();
    let mut out = vec![0.0; synth.ready()];
    assert_eq!(synth.fill(&mut out), out.len());
    out
}

/// Spectra, loudness and gate that wander.
fn wandering(ticks: usize) -> Vec<SpectralTick> {
    let mut rng = TickRng::new(8, 8);
    let mut of = |low, high| rng.between(low, high) as f32;
    (0..ticks)
        .map(|_| {
            let (tilt, loudness, silence) = (of(-0.05, 0.02), of(-50.0, -10.0), of(0.0, 0.8));
            (std::array::from_fn(|b| tilt * b as f32), loudness, silence)
        })
        .collect()
}

fn mean_bands(sound: &[f32], fps: f64, ticks: usize) -> [f64; BANDS] {
    let rows = &log_mel(sound, fps, ticks)[10..ticks - 10];
    std::array::from_fn(|b| {
        (rows.iter().map(|row| 10f64.powf(row[b])).sum::<f64>() / rows.len() as f64).log10()
    })
}

#[test]
fn bands_come_out_as_they_went_in() {
    for phase in [Phase::Rtpghi, Phase::RandomWalk, Phase::Borrowed, Phase::GriffinLim] {
        let ticks = 900;
        let sound = played(
            &mut SpectralSynth::new(grid("30"), &with(phase), None),
            &vec![(hills(), -20.0, 0.0); ticks],
        );
        let got = mean_bands(&sound, 30.0, ticks);
        let errors: Vec<f64> = (0..BANDS).map(|b| 10.0 * (got[b] - f64::from(hills()[b]))).collect();
        // The loudness decides about the level, so only the shape is compared.
        let level = errors.iter().sum::<f64>() / BANDS as f64;
        let worst = errors.iter().map(|e| (e - level).abs()).fold(0.0, f64::max);
        let mean = errors.iter().map(|e| (e - level).abs()).sum::<f64>() / BANDS as f64;
        println!("{phase:?}: worst band {worst:.2} dB, mean {mean:.2} dB");
        assert!(worst < 1.0, "{phase:?}: {worst} dB {errors:.2?}");
    }
}

#[test]
fn loudness_comes_out_as_it_went_in() {
    for tick in ["30", "24000/1001"] {
        let g = grid(tick);
        for phase in CAUSAL {
            let ticks =
                wandering(300).into_iter().map(|(b, l, _)| (b, l, 0.0)).collect::<Vec<SpectralTick>>();
            let sound = played(&mut SpectralSynth::new(g, &with(phase), None), &ticks);
            let mut worst: f64 = 0.0;
            for (i, (_, wanted, _)) in (0..).zip(&ticks) {
                let span = &sound[g.start_sample(i) as usize..g.start_sample(i + 1) as usize];
                let power = span.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / span.len() as f64;
                worst = worst.max((10.0 * power.log10() - f64::from(*wanted)).abs());
            }
            println!("{tick} {phase:?}: worst tick {worst:.4} dB");
            assert!(worst < 0.5, "{tick} {phase:?}: {worst} dB");
        }
    }
}

#[test]
fn the_gate_closes() {
    let g = grid("30");
    for (silence, taken) in [(0.0, 0.0), (0.5, 0.0), (0.75, 20.0), (1.0, 40.0), (7.0, 40.0)] {
        let config = SpectralConfig { gate_db: 40.0, ..Default::default() };
        let sound = played(&mut SpectralSynth::new(g, &config, None), &vec![(hills(), -20.0, silence); 60]);
        let loudness = frame_loudness(&sound, 22_050, 30.0, 60);
        assert!(loudness.iter().all(|l| (l + 20.0 + taken).abs() < 0.1), "{silence}: {loudness:.2?}");
    }
}

#[test]
fn silence_is_silence_and_nonsense_too() {
    for phase in CAUSAL {
        for (loudness, silence) in
            [(-70.0, 0.0), (f32::NEG_INFINITY, 0.0), (f32::NAN, 0.0), (-20.0, f32::NAN)]
        {
            let sound = played(
                &mut SpectralSynth::new(grid("30"), &with(phase), None),
                &vec![(hills(), loudness, silence); 40],
            );
            assert!(sound.iter().all(|x| *x == 0.0));
        }
        let mut ticks = vec![(hills(), -15.0, 0.0); 90];
        ticks[30..60].iter_mut().for_each(|t| t.1 = -90.0);
        let sound = played(&mut SpectralSynth::new(grid("30"), &with(phase), None), &ticks);
        assert!(sound[30 * 735..60 * 735].iter().all(|x| *x == 0.0));
        let mad =
            [[f32::NAN; BANDS], [f32::INFINITY; BANDS], [-1e30; BANDS]].map(|bands| (bands, -20.0, 0.0));
        let sound = played(&mut SpectralSynth::new(grid("30"), &with(phase), None), &mad.repeat(10));
        assert!(sound.iter().all(|x| x.is_finite()));
    }
    let mut synth = SpectralSynth::new(grid("30"), &SpectralConfig::default(), None);
    synth.push(SpectralFrame { bands: &[], loudness_db: 1e30, silence: -1.0 });
    synth.finish();
    assert_eq!(synth.ready(), 735);
    synth.reset();
    synth.finish();
    assert_eq!(synth.ready(), 0);
}

#[test]
fn length_latency_and_pieces() {
    let phases = [Phase::Rtpghi, Phase::RandomWalk, Phase::Borrowed, Phase::GriffinLim];
    for (tick, rate) in [("30", 22_050), ("24000/1001", 22_050), ("29.97", 44_100), ("5", 22_050)] {
        let g = TickGrid { tick: tick.parse().unwrap(), rate: SampleRate::new(rate).unwrap() };
        for phase in phases {
            let seconds = if phase == Phase::GriffinLim { 13.0 } else { 3.0 };
            let config = SpectralConfig { iterations: 2, ..with(phase) };
            let ticks = wandering((seconds * g.tick.as_f64()) as usize);
            let mut synth = SpectralSynth::new(g, &config, None);
            let whole = played(&mut synth, &ticks);
            assert_eq!(whole.len() as i64, g.start_sample(ticks.len() as i64));
            synth.reset();
            let mut rng = TickRng::new(4, 4);
            let (mut out, mut pieces) = ([0.0; 4000], Vec::new());
            for (i, (bands, loudness_db, silence)) in (0..).zip(&ticks) {
                synth.push(SpectralFrame { bands, loudness_db: *loudness_db, silence: *silence });
                let made = (pieces.len() + synth.ready()) as i64;
                let due = g.start_sample(i + 1) - synth.latency() as i64;
                assert!(made >= due, "{tick} {phase:?}: {made} of {due} at {i}");
                while rng.unit() < 0.6 {
                    let n = synth.fill(&mut out[..rng.whole(0, 1500) as usize]);
                    pieces.extend_from_slice(&out[..n]);
                }
            }
            synth.finish();
            while synth.ready() > 0 {
                let n = synth.fill(&mut out);
                pieces.extend_from_slice(&out[..n]);
            }
            assert!(pieces == whole, "{tick} {phase:?}: the pieces differ from the whole");
        }
    }
}

/// A sine's frames, tick by tick, become the sine again: at its pitch, at its level, whatever makes the
/// phases.
#[test]
fn the_magnitudes_of_a_sine_sound_at_its_pitch_and_level() {
    let (g, hz) = (grid("30"), 612.0);
    let mut codec = FrameCodec::new(FrameFormat::Stft, g, 1);
    let sine: Vec<f32> = (0..95 * 735)
        .map(|n| 0.3 * (std::f64::consts::TAU * hz * f64::from(n) / 22_050.0).sin() as f32)
        .collect();
    // A random walk keeps to the middles of bins, 21.5 Hz apart.
    for (phase, near) in [(Phase::Rtpghi, 2.0), (Phase::RandomWalk, 11.0), (Phase::GriffinLim, 2.0)] {
        let config = SpectralConfig { texture: 0.0, jitter: 0.1, ..with(phase) };
        let mut synth = SpectralSynth::new(g, &config, None);
        for tick in 0..90 {
            let from = (codec.first_sample(tick).max(0)) as usize;
            let mut row = vec![0.0; codec.numbers()];
            codec.encode(&sine[from..from + codec.samples()], &mut row);
            let loudness = codec.magnitudes(&mut row);
            synth.push_magnitudes(&row, loudness);
        }
        synth.finish();
        let mut sound = vec![0.0; synth.ready()];
        assert_eq!(synth.fill(&mut sound), 90 * 735);
        let loudness = frame_loudness(&sound, 22_050, 30.0, 90);
        assert!(loudness.iter().all(|l| (l + 13.47).abs() < 0.3), "{phase:?}: {loudness:.2?}");
        let mut spectrum = PowerSpectrum::new(16_384, Window::Hann, Form::Periodic);
        let power = spectrum.of(&sound, 20_000);
        let top = (0..power.len()).max_by(|a, b| power[*a].total_cmp(&power[*b])).unwrap();
        let found = top as f64 * 22_050.0 / 16_384.0;
        let share = power[top - 40..top + 41].iter().sum::<f64>() / power.iter().sum::<f64>();
        println!("{phase:?}: {found:.1} Hz, {share:.4} of the power within 54 Hz");
        assert!((found - hz).abs() < near && share > 0.95, "{phase:?}: {found} Hz, {share}");
    }
    // No magnitudes, no sound.
    let mut synth = SpectralSynth::new(g, &SpectralConfig::default(), None);
    for _ in 0..9 {
        synth.push_magnitudes(&[], f32::NEG_INFINITY);
    }
    synth.finish();
    let mut sound = vec![1.0; synth.ready()];
    synth.fill(&mut sound);
    assert!(sound.len() == 9 * 735 && sound.iter().all(|x| *x == 0.0));
}

#[test]
fn a_still_picture_does_not_buzz() {
    let mut rng = TickRng::new(1, 1);
    let white: Vec<f32> = (0..30 * 22_050).map(|_| rng.between(-0.3, 0.3) as f32).collect();
    let of_noise = comb_prominence(&white, 22_050, 30.0).unwrap();
    for phase in [Phase::Rtpghi, Phase::RandomWalk, Phase::GriffinLim] {
        let sound = played(
            &mut SpectralSynth::new(grid("30"), &with(phase), None),
            &vec![(hills(), -20.0, 0.0); 900],
        );
        let comb = comb_prominence(&sound, 22_050, 30.0).unwrap();
        println!("{phase:?}: comb {comb:.2} dB, white noise {of_noise:.2} dB");
        assert!(comb < of_noise + 3.0, "{phase:?}: {comb} dB");
    }
}

#[test]
fn an_onset_is_on_time() {
    let mut ticks = vec![(hills(), -80.0, 0.0); 60];
    ticks[30..].iter_mut().for_each(|t| t.1 = -15.0);
    let sound = played(&mut SpectralSynth::new(grid("30"), &SpectralConfig::default(), None), &ticks);
    let first = sound.iter().position(|x| x.abs() > 0.02).unwrap();
    assert!((30 * 735..30 * 735 + 300).contains(&first), "{first}");
    // No click: no step beyond what the sound itself does.
    let step = |range: std::ops::Range<usize>| {
        sound[range].windows(2).map(|p| (p[1] - p[0]).abs()).fold(0.0, f32::max)
    };
    assert!(step(30 * 735 - 5..30 * 735 + 60) < 0.5 * step(32 * 735..50 * 735));
}

#[test]
fn the_same_seed_gives_the_same_samples() {
    let ticks = wandering(40);
    for phase in CAUSAL {
        let of = |seed| {
            played(&mut SpectralSynth::new(grid("30"), &SpectralConfig { seed, ..with(phase) }, None), &ticks)
        };
        assert!(of(1) == of(1));
        assert!(of(1) != of(2));
    }
}

#[test]
fn memory_does_not_grow() {
    let mut synth = SpectralSynth::new(grid("30"), &SpectralConfig::default(), None);
    let mut out = [0.0; 2000];
    for _ in 0..3000 {
        synth.push(SpectralFrame { bands: &hills(), loudness_db: -20.0, silence: 0.0 });
        while synth.fill(&mut out) > 0 {}
        assert!(synth.targets.len() < 8 && synth.ready() == 0);
    }
}

#[test]
fn settings_are_checked_and_clamped() {
    assert_eq!(SpectralConfig::default().check(), Ok(()));
    let mad = SpectralConfig {
        transform: 1,
        hop: 9999,
        texture: f32::NAN,
        jitter: 7.0,
        iterations: 0,
        gate_from: 1.0,
        gate_db: -1.0,
        ..Default::default()
    };
    assert_eq!(mad.check().unwrap_err().name, "transform");
    let wide = SpectralConfig { hop: 600, ..Default::default() };
    assert_eq!(wide.check().unwrap_err().name, "hop");
    for config in [mad, wide, SpectralConfig { transform: 501, hop: 100, ..Default::default() }] {
        let sound = played(&mut SpectralSynth::new(grid("30"), &config, None), &wandering(20));
        assert!(sound.len() == 20 * 735 && sound.iter().all(|x| x.is_finite()));
    }
    let text = serde_json::to_string(&SpectralConfig::default()).unwrap();
    assert_eq!(serde_json::from_str::<SpectralConfig>(&text).unwrap(), SpectralConfig::default());
    assert_eq!(serde_json::from_str::<SpectralConfig>("{}").unwrap(), SpectralConfig::default());
    assert!(serde_json::from_str::<SpectralConfig>(r#"{"sead": 3}"#).is_err());
}
