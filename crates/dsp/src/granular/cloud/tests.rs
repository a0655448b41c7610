//! Level, times and pitches of grains, and the clips that record them.

use crate::concat::{MosaicConfig, SelectedUnit, UnitDescriptors, UnitSound};
use crate::granular::cloud::*;
use crate::metrics::comb_prominence;
use crate::units::SampleRate;
use crate::units::TickGrid;

/// A film in stretches of ten units; only the sound of its own stretch may be read for a unit.
struct StretchFilm<F> {
    channels: usize,
    sample: F,
}

const RATE: u32 = 22_050;
const HOP: i64 = 735;
const STRETCH: u32 = 10;

impl<F: Fn(i64, usize) -> f32 + Send> UnitSound for StretchFilm<F> {
    fn channels(&self) -> usize {
        self.channels
    }

    fn read(&self, unit: u32, offset: i64, out: &mut [f32]) {
        let first = i64::from(unit) * HOP + offset;
        let last = first + (out.len() / self.channels) as i64 - 1;
        let stretch = |n: i64| n.div_euclid(HOP * i64::from(STRETCH));
        let own = i64::from(unit / STRETCH);
        assert!(stretch(first) == own && stretch(last) == own, "{unit}: {offset} crosses a break");
        for (n, frame) in (first..).zip(out.chunks_exact_mut(self.channels)) {
            frame.iter_mut().enumerate().for_each(|(c, y)| *y = (self.sample)(n, c));
        }
    }
}

/// White noise in −0.5..0.5 that can be had at any place.
fn noise(n: i64) -> f32 {
    let x = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x ^ (x >> 31)) >> 40) as f32 / (1u64 << 24) as f32 - 0.5
}

fn cloud<F: Fn(i64, usize) -> f32 + Send>(
    config: &GranularConfig,
    channels: usize,
    sample: F,
) -> Cloud<StretchFilm<F>> {
    let grid = TickGrid { tick: "30".parse().unwrap(), rate: SampleRate::new(RATE).unwrap() };
    let continued: Vec<bool> = (1..=100).map(|unit| unit % STRETCH != 0).collect();
    let units = UnitDescriptors::new(0, &[], &[-20.0; 100], &continued).unwrap();
    Cloud::new(grid, Arc::new(units), StretchFilm { channels, sample }, config, &MosaicConfig::default())
}

fn played<S: UnitSound>(cloud: Cloud<S>, selection: impl IntoIterator<Item = SelectedUnit>) -> Vec<f32> {
    played_with(cloud, selection.into_iter().map(|selected| (selected, GrainModulation::default())))
}

fn played_with<S: UnitSound>(
    mut cloud: Cloud<S>,
    ticks: impl IntoIterator<Item = (SelectedUnit, GrainModulation)>,
) -> Vec<f32> {
    ticks.into_iter().for_each(|(selected, modulation)| cloud.push(selected, &modulation));
    cloud.finish();
    let mut out = vec![0.0; cloud.ready()];
    assert_eq!(cloud.fill(&mut out), out.len());
    out
}

fn unit_at(unit: u32, loudness_db: f32, gate: f32) -> SelectedUnit {
    SelectedUnit { unit, loudness_db, gate }
}

/// Attack, calm, and in between.
const MODULATIONS: [GrainModulation; 5] = [
    GrainModulation { density: 1.0, size: 1.0, spread: 1.0 },
    GrainModulation { density: 4.0, size: 0.25, spread: 0.0 },
    GrainModulation { density: 0.25, size: 2.0, spread: 1.0 },
    GrainModulation { density: 2.5, size: 0.6, spread: 0.3 },
    GrainModulation { density: 0.5, size: 0.8, spread: 0.7 },
];

/// One modulation after another, each for three ticks.
fn varied(tick: u32) -> GrainModulation {
    MODULATIONS[(tick / 3) as usize % MODULATIONS.len()]
}

fn at_full_depth(config: GranularConfig) -> GranularConfig {
    GranularConfig { mod_depth: 1.0, ..config }
}

fn db(sound: &[f32]) -> f64 {
    let power = sound.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / sound.len() as f64;
    10.0 * power.log10()
}

#[test]
fn grains_have_their_level_and_leave_no_comb() {
    let config = GranularConfig::default();
    let sources: Vec<f32> = (0..100 * HOP).map(noise).collect();
    let comb_of_noise = comb_prominence(&sources, RATE, 30.0).unwrap();
    // Of one and the same unit, first and last of stretches included, and of many.
    for unit in [None, Some(30), Some(39), Some(44)] {
        for loudness_db in [-20.0, -26.0, -60.0] {
            let selection = (0..600u32).map(|i| unit_at(unit.unwrap_or(i * 7 % 100), loudness_db, 0.0));
            let sound = played(cloud(&config, 1, |n, _| noise(n)), selection);
            assert_eq!(sound.len() as i64, 600 * HOP);
            // No gain beyond 12 dB.
            let expected = db(&sources) + f64::from((loudness_db + 20.0).max(-12.0));
            let level = db(&sound[(2 * HOP) as usize..]);
            assert!(
                (level - expected).abs() < 0.7,
                "{unit:?} at {loudness_db}: {level:.2}, not {expected:.2} dB"
            );
            let comb = comb_prominence(&sound, RATE, 30.0).unwrap();
            assert!(comb < comb_of_noise + 3.0, "{unit:?}: comb {comb:.1}, of noise {comb_of_noise:.1}");
        }
    }
}

/// All ticks of a modulation together, whether it lasts or others come before and after it.
#[test]
fn grains_have_their_level_under_any_modulation() {
    let config = at_full_depth(GranularConfig::default());
    let sources: Vec<f32> = (0..100 * HOP).map(noise).collect();
    let selection = || (0..1500u32).map(|i| unit_at(i * 7 % 100, -23.0, 0.0));
    let expected = db(&sources) - 3.0;
    for modulation in MODULATIONS {
        let ticks = selection().map(|selected| (selected, modulation));
        let sound = played_with(cloud(&config, 1, |n, _| noise(n)), ticks);
        let level = db(&sound[(2 * HOP) as usize..]);
        assert!((level - expected).abs() < 0.3, "{modulation:?}: {level:.2}, not {expected:.2} dB");
    }
    let ticks = selection().zip((0..).map(varied));
    let sound = played_with(cloud(&config, 1, |n, _| noise(n)), ticks);
    let all = db(&sound[(2 * HOP) as usize..]);
    assert!((all - expected).abs() < 0.3, "{all:.2}, not {expected:.2} dB");
    for modulation in MODULATIONS {
        // The middle one of three, whose neighbours are like it.
        let ticks = (0..1500).filter(|tick| varied(*tick) == modulation && tick % 3 == 1);
        let own: Vec<f32> =
            ticks.flat_map(|t| &sound[t as usize * HOP as usize..][..HOP as usize]).copied().collect();
        let level = db(&own);
        assert!((level - expected).abs() < 0.5, "{modulation:?}: {level:.2}, not {expected:.2} dB");
    }
}

#[test]
fn density_size_and_spread_follow_the_modulation_by_its_depth() {
    let ticks = 400;
    for modulation in MODULATIONS {
        for depth in [0.0f32, 0.5, 1.0] {
            let config =
                GranularConfig { mod_depth: depth, density: 3.3, size_ms: 20.0, ..GranularConfig::default() };
            let mut cloud = cloud(&config, 1, |n, _| noise(n)).with_clips();
            (0..ticks).for_each(|i| cloud.push(unit_at(i % 10, -20.0, 0.0), &modulation));
            cloud.finish();
            let mut clips = Vec::new();
            cloud.take_clips(&mut clips);
            let density = 3.3 * f64::from(modulation.density.powf(depth)) * f64::from(ticks);
            assert!(
                (clips.len() as f64 - density).abs() < 1.01,
                "{modulation:?}: {} of {density}",
                clips.len()
            );
            let size = 0.02 * f64::from(RATE) * f64::from(modulation.size.powf(depth));
            assert!(
                clips.iter().all(|clip| (clip.frames as f64 - size).abs() < 1.01),
                "{modulation:?}: {size}"
            );
            // From the middle of its tick, in ticks.
            let off = |clip: &Clip| ((clip.at as f64 + size / 2.0) / HOP as f64).rem_euclid(1.0) - 0.5;
            let furthest = clips.iter().map(|clip| off(clip).abs()).fold(0.0, f64::max);
            let jitter = 1.0 - depth * (1.0 - modulation.spread);
            assert!(
                (furthest - f64::from(jitter) / 2.0).abs() < 0.02,
                "{modulation:?}: {furthest} at {depth}"
            );
        }
    }
}

#[test]
fn without_depth_any_modulation_sounds_alike() {
    let off = GranularConfig { mod_depth: 0.0, pitch_spread: 2.0, ..GranularConfig::default() };
    let selection = || (0..90).map(|i| unit_at(i * 13 % 100, -25.0, 0.1));
    let of = |config: &GranularConfig, modulation: fn(u32) -> GrainModulation| {
        played_with(cloud(config, 2, |n, c| noise(n + 7 * c as i64)), selection().zip((0..).map(modulation)))
    };
    let plain = of(&off, |_| GrainModulation::default());
    assert_eq!(of(&off, varied), plain);
    assert_eq!(of(&at_full_depth(off.clone()), |_| GrainModulation::default()), plain);
    assert_ne!(of(&at_full_depth(off.clone()), varied), plain);
    let latency = |config: &GranularConfig| cloud(config, 1, |n, _| noise(n)).latency();
    // Half of the 40 ms by which the longest grains are longer, or as much as lets them end in time.
    assert_eq!(latency(&off), 443 + HOP as usize);
    assert!((latency(&off) + 280..latency(&off) + 300).contains(&latency(&at_full_depth(off.clone()))));
}

/// Tones whose grains meet in any phase.
#[test]
fn a_tone_does_not_swell_and_fade() {
    let tone = |n: i64, _| (std::f64::consts::TAU * 300.0 * n as f64 / f64::from(RATE)).sin() as f32;
    let sound =
        played(cloud(&GranularConfig::default(), 1, tone), (0..600).map(|i| unit_at(i % 10, -20.0, 0.0)));
    let levels: Vec<f64> = sound[2 * HOP as usize..].chunks_exact(HOP as usize).map(db).collect();
    let close = levels.iter().filter(|db| (*db + 3.0).abs() < 1.5).count();
    assert!(
        close * 100 >= 97 * levels.len(),
        "{close} of {} ticks at their level: {levels:.1?}",
        levels.len()
    );
}

#[test]
fn grains_stay_within_a_tick_of_their_own_and_a_gate_closes() {
    let only = |i: u32| unit_at(35, -20.0, if i == 20 { 0.0 } else { 1.0 });
    let sound = played(cloud(&GranularConfig::default(), 1, |n, _| noise(n)), (0..40).map(only));
    let at = |tick: i64| &sound[(tick * HOP) as usize..][..HOP as usize];
    assert!(db(at(20)) > -17.0, "{}", db(at(20)));
    for tick in (1..19).chain(22..39) {
        assert!(db(at(tick)) < -65.0, "tick {tick} sounds at {}", db(at(tick)));
    }
}

#[test]
fn channels_stay_apart_and_pitch_moves_tones() {
    let sine = |n: i64, c: usize| {
        let hz = if c == 0 { 441.0 } else { 1764.0 };
        (std::f64::consts::TAU * hz * n as f64 / f64::from(RATE)).sin() as f32
    };
    for pitch in [1.0, 0.5] {
        let config = GranularConfig { pitch, children: 2, ..GranularConfig::default() };
        let sound = played(cloud(&config, 2, sine), (0..90).map(|i| unit_at(i % 10, -20.0, 0.0)));
        for (channel, hz) in [(0, 441.0), (1, 1764.0)] {
            let one: Vec<f32> = sound.iter().skip(channel).step_by(2).copied().collect();
            let power = |hz: f64| {
                let (mut re, mut im) = (0.0, 0.0);
                for (n, x) in one.iter().enumerate() {
                    let (s, c) = (std::f64::consts::TAU * hz * n as f64 / f64::from(RATE)).sin_cos();
                    (re, im) = (re + f64::from(*x) * c, im + f64::from(*x) * s);
                }
                re * re + im * im
            };
            // Grains widen a line by 25 Hz and more, so it is looked for in some bins.
            let near = |hz: f64| (-20..=20).map(|k| power(hz + f64::from(k))).sum::<f64>();
            let (own, other) = (near(hz * f64::from(pitch)), near((2205.0 - hz) * f64::from(pitch)));
            assert!(own > 100.0 * other, "channel {channel} at {pitch}: {own:.1} and {other:.1}");
        }
    }
}

/// The clips of grains sound like them.
#[test]
fn clips_replay_the_grains() {
    let wild = GranularConfig {
        pitch: 0.8,
        pitch_spread: 5.0,
        children: 2,
        density: 3.0,
        ..GranularConfig::default()
    };
    // Long ones begin long before their tick.
    let long = GranularConfig { size_ms: 400.0, jitter: 4.0, spread_ticks: 8.0, ..wild.clone() };
    let constant = |config| (config, [GrainModulation::default(); 5]);
    let changing = |config| (at_full_depth(config), MODULATIONS);
    for ((config, modulations), channels) in [
        (constant(GranularConfig::default()), 1),
        (constant(wild.clone()), 1),
        (constant(wild.clone()), 2),
        (changing(GranularConfig::default()), 1),
        (changing(wild), 2),
        (changing(long), 1),
    ] {
        let tone = |n: i64, c: usize| (0.05 * n as f64 * (c + 1) as f64).sin() as f32;
        let selection: Vec<SelectedUnit> =
            (0..300).map(|i| unit_at(i * 7 % 100, -20.0 - (i % 30) as f32, 0.0)).collect();
        let mut cloud = cloud(&config, channels, tone).with_clips();
        let mut clips = Vec::new();
        for (i, selected) in selection.into_iter().enumerate() {
            cloud.push(selected, &modulations[i % modulations.len()]);
            cloud.take_clips(&mut clips);
            let ticks = 3 + 2 * config.spread_ticks as usize;
            assert!(cloud.recorder.as_ref().unwrap().waiting.len() < 30 * ticks);
        }
        cloud.finish();
        cloud.take_clips(&mut clips);
        let mut y = vec![0.0; cloud.ready()];
        cloud.fill(&mut y);
        /// The same without breaks: interpolation looks one sample further than it needs.
        struct Unbroken<F>(usize, F);
        impl<F: Fn(i64, usize) -> f32 + Send> UnitSound for Unbroken<F> {
            fn channels(&self) -> usize {
                self.0
            }
            fn read(&self, unit: u32, offset: i64, out: &mut [f32]) {
                let first = i64::from(unit) * HOP + offset;
                for (n, frame) in (first..).zip(out.chunks_exact_mut(self.0)) {
                    frame.iter_mut().enumerate().for_each(|(c, y)| *y = (self.1)(n, c));
                }
            }
        }
        let again = crate::concat::replayed(&clips, &Unbroken(channels, tone), y.len());
        let error: Vec<f32> = y.iter().zip(&again).map(|(a, b)| a - b).collect();
        let off = db(&error) - db(&y);
        println!("{channels} channels: {off:.1} dB, {} clips", clips.len());
        assert!(off < -50.0, "{off:.1} dB");
    }
}

#[test]
fn the_alternation_of_calls_changes_nothing_and_the_seed_does() {
    let of = |seed, pieces: bool| {
        let config = GranularConfig {
            seed,
            pitch_spread: 3.0,
            size_ms: 2000.0,
            spread_ticks: 20.0,
            mod_depth: 0.7,
            ..GranularConfig::default()
        };
        let mut cloud = cloud(&config, 2, |n, c| noise(n + 7 * c as i64));
        let (mut out, mut all) = ([0.0; 1000], Vec::new());
        for i in 0..60 {
            cloud.push(unit_at(i * 13 % 100, -25.0, 0.1), &varied(i));
            while pieces && cloud.ready() > 0 {
                let n = cloud.fill(&mut out);
                all.extend_from_slice(&out[..n]);
            }
        }
        cloud.finish();
        while cloud.ready() > 0 {
            let n = cloud.fill(&mut out);
            all.extend_from_slice(&out[..n]);
        }
        all
    };
    assert!(of(1, true) == of(1, false) && of(1, true) != of(2, true));
    assert_eq!(of(1, true).len() as i64, 2 * 60 * HOP);
}

#[test]
fn units_and_numbers_that_do_not_exist_make_finite_sound() {
    let config = GranularConfig { density: f32::NAN, pitch: f32::INFINITY, ..GranularConfig::default() };
    let mut cloud = cloud(&config, 1, |_, _| 0.1);
    for unit in [0, 99] {
        let modulation = GrainModulation { density: f32::NAN, size: f32::INFINITY, spread: f32::NAN };
        cloud.push(unit_at(unit, f32::NAN, f32::NAN), &modulation);
    }
    cloud.finish();
    let mut out = vec![0.0; cloud.ready()];
    cloud.fill(&mut out);
    assert!(out.len() as i64 == 2 * HOP && out.iter().all(|x| x.is_finite()));
}
