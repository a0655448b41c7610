//! Shares and limits of the correction, attacks, memory, and the alternation of calls.

use crate::metrics::{self, RATE};
use crate::spectral::band_matcher::*;
use crate::tick_rng::TickRng;
use crate::units::{FrameRate, SampleRate};
use proptest::prelude::*;

fn grid(rate: u32) -> TickGrid {
    TickGrid { tick: FrameRate::new(30, 1).unwrap(), rate: SampleRate::new(rate).unwrap() }
}

fn noise(samples: usize, gain: f64) -> Vec<f32> {
    let mut rng = TickRng::new(7, 0);
    (0..samples).map(|_| (gain * rng.between(-1.0, 1.0)) as f32).collect()
}

/// A target that the sound meets already.
fn met(level: f32) -> BandTarget {
    BandTarget { there: [level; BANDS], wanted: [level; BANDS], rise: f32::NAN }
}

fn filtered(
    grid: TickGrid,
    channels: usize,
    config: &BandMatcherConfig,
    targets: &[BandTarget],
    sound: &[f32],
) -> Vec<f32> {
    let mut filter = BandMatcher::new(grid, channels, config);
    targets.iter().for_each(|target| filter.push(target));
    filter.add(sound);
    filter.finish();
    let mut out = vec![0.0; filter.ready()];
    filter.fill(&mut out);
    out
}

/// log10 band powers and rises of mono sound at 22 050 Hz, tick by tick.
fn measured(sound: &[f32], ticks: usize) -> (Vec<[f64; BANDS]>, Vec<f64>) {
    let bands = metrics::log_mel(sound, 30.0, ticks);
    let rises = metrics::onset_strength(&bands);
    (bands, rises)
}

fn as_targets(bands: &[[f64; BANDS]], wanted: impl Fn(usize) -> ([f32; BANDS], f32)) -> Vec<BandTarget> {
    let target = |(t, bands): (usize, &[f64; BANDS])| {
        let (wanted, rise) = wanted(t);
        BandTarget { there: bands.map(|x| x as f32), wanted, rise }
    };
    bands.iter().enumerate().map(target).collect()
}

#[test]
fn sound_that_meets_its_target_stays_as_it_is() {
    for (rate, channels) in [(8_000, 1), (22_050, 1), (44_100, 2), (48_000, 2), (192_000, 1)] {
        let grid = grid(rate);
        let frames = grid.start_sample(9);
        let sound = noise(frames as usize * channels, 0.5);
        let out = filtered(grid, channels, &BandMatcherConfig::default(), &vec![met(1.0); 9], &sound);
        assert_eq!(out.len(), sound.len());
        let worst = out.iter().zip(&sound).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-6, "{rate} Hz: {worst}");
    }
}

#[test]
fn the_spectrum_is_corrected_by_its_share_and_within_limits() {
    let sound = noise(60 * 735, 0.3);
    let (bands, _) = measured(&sound, 60);
    // 6 dB less below band 20, 9 dB more from 40 on.
    let change = |b: usize| {
        if b < 20 {
            -0.6
        } else if b >= 40 {
            0.9
        } else {
            0.0
        }
    };
    let targets = as_targets(&bands, |t| (std::array::from_fn(|b| bands[t][b] as f32 + change(b)), f32::NAN));
    for (tone, max_db) in [(1.0, 12.0), (0.5, 12.0), (1.0, 3.0), (0.0, 12.0)] {
        let config = BandMatcherConfig { tone, attack: 0.0, max_db };
        let out = filtered(grid(RATE), 1, &config, &targets, &sound);
        let (now, _) = measured(&out, 60);
        for b in [8, 15, 25, 35, 45, 60] {
            let mean = |bands: &[[f64; BANDS]]| bands[5..55].iter().map(|row| row[b]).sum::<f64>() / 50.0;
            let moved = 10.0 * (mean(&now) - mean(&bands));
            let expected = f64::from((10.0 * tone * change(b)).clamp(-max_db, max_db));
            assert!(
                (moved - expected).abs() < 0.3,
                "{tone} {max_db} band {b}: {moved:.2} not {expected:.2} dB"
            );
        }
    }
}

/// Noise that jumps up by 6 dB in tick 20 without a target there, and stays as it is in tick 40, where the
/// target is an attack.
#[test]
fn attacks_follow_their_target() {
    let loud = |n: usize| if n / 735 >= 20 { 2.0 } else { 1.0 };
    let sound: Vec<f32> = noise(60 * 735, 0.1).iter().enumerate().map(|(n, x)| x * loud(n)).collect();
    let (bands, before) = measured(&sound, 60);
    let usual = before[25..38].iter().sum::<f64>() / 13.0;
    let wanted = |t: usize| if t == 40 { 5.0 * usual } else { usual };
    let targets = as_targets(&bands, |t| (bands[t].map(|x| x as f32), wanted(t) as f32));
    let config = BandMatcherConfig { tone: 0.0, attack: 1.0, max_db: 24.0 };
    let (_, after) = measured(&filtered(grid(RATE), 1, &config, &targets, &sound), 60);
    let strongest =
        |rises: &[f64], ticks: std::ops::Range<usize>| rises[ticks].iter().copied().fold(0.0, f64::max);
    // The filter moves from the middle of a tick to that of the next, and a jump is where they meet: half of
    // it is left.
    let (jump, rest) = (strongest(&before, 19..22) - usual, strongest(&after, 19..22) - usual);
    assert!(jump > 3.0 * usual && rest < 0.5 * jump, "{rest} of {jump}");
    let found = (30..50).max_by(|a, b| after[*a].total_cmp(&after[*b])).unwrap();
    assert!(
        (39..=41).contains(&found) && after[found] > 2.5 * usual,
        "{found}: {:?} {usual}",
        &after[37..44]
    );
    assert!(strongest(&before, 30..50) < 2.0 * usual);
    // The accent dies away: ten ticks later the level is what it was.
    let level = |sound: &[f32], t: usize| metrics::frame_loudness(sound, RATE, 30.0, 60)[t];
    let out = filtered(grid(RATE), 1, &config, &targets, &sound);
    let accent = level(&out, 40) - level(&sound, 40);
    assert!(accent > 2.0, "{accent} dB");
    assert!((level(&out, 50) - level(&sound, 50)).abs() < 1.5);
}

#[test]
fn silence_stays_silent_and_nonsense_does_no_harm() {
    let odd =
        BandTarget { there: [f32::NAN; BANDS], wanted: [f32::INFINITY; BANDS], rise: f32::NEG_INFINITY };
    let quiet = BandTarget { there: [-5.0; BANDS], wanted: [2.0; BANDS], rise: 300.0 };
    let targets = [odd.clone(), quiet.clone(), odd, quiet];
    let config = BandMatcherConfig { tone: -3.0, attack: 7.0, max_db: 1e9 };
    let out = filtered(grid(RATE), 1, &config, &targets, &vec![0.0; 4 * 735]);
    assert!(out.len() == 4 * 735 && out.iter().all(|x| *x == 0.0));
    let out = filtered(grid(RATE), 1, &config, &targets, &vec![0.5; 4 * 735]);
    assert!(out.iter().all(|x| x.abs() < 0.5 * 16.0 * 1.1));
}

#[test]
fn without_targets_sound_stays_as_it_is() {
    assert!(filtered(grid(RATE), 2, &BandMatcherConfig::default(), &[], &[]).is_empty());
    let out = filtered(grid(RATE), 1, &BandMatcherConfig::default(), &[], &[0.25; 100]);
    assert!(out.len() == 100 && out.iter().all(|x| (x - 0.25).abs() < 1e-6));
}

#[test]
fn memory_does_not_grow_with_the_length() {
    let mut filter = BandMatcher::new(grid(RATE), 1, &BandMatcherConfig::default());
    let mut out = vec![0.0; 4096];
    for _ in 0..3000 {
        filter.push(&met(0.0));
        filter.add(&[0.1; 735]);
        let waiting = filter.ready();
        assert!(waiting < 2000 && filter.gains.len() < 4 && filter.sound.len() < 4000);
        filter.fill(&mut out);
    }
    assert!(filter.mix.held() < 20_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_alternation_of_calls_does_not_matter(parts in prop::collection::vec((0usize..4, 0usize..2500), 1..30), seed in 0u64..1000) {
        let grid = grid(RATE);
        let ticks: usize = parts.iter().map(|(ticks, _)| ticks).sum();
        let samples: usize = parts.iter().map(|(_, samples)| samples).sum();
        let mut rng = TickRng::new(seed, 1);
        let targets: Vec<BandTarget> = (0..ticks)
            .map(|_| BandTarget {
                there: [0.0; BANDS],
                wanted: std::array::from_fn(|_| rng.between(-1.0, 1.0) as f32),
                rise: rng.between(0.0, 60.0) as f32,
            })
            .collect();
        let sound = noise(samples, 0.5);
        let mut filter = BandMatcher::new(grid, 1, &BandMatcherConfig::default());
        let (mut out, mut tick, mut sample) = (Vec::new(), 0, 0);
        let mut take = |filter: &mut BandMatcher| {
            let mut ready = vec![0.0; filter.ready()];
            filter.fill(&mut ready);
            out.extend(ready);
        };
        for (more_ticks, more) in parts {
            targets[tick..tick + more_ticks].iter().for_each(|target| filter.push(target));
            filter.add(&sound[sample..sample + more]);
            (tick, sample) = (tick + more_ticks, sample + more);
            take(&mut filter);
        }
        filter.finish();
        take(&mut filter);
        prop_assert_eq!(out, filtered(grid, 1, &BandMatcherConfig::default(), &targets, &sound));
    }
}
