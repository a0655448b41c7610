use crate::metrics as measure;
use crate::metrics::RATE;
use crate::spectral::band_matcher::*;
use crate::tick_rng::TickRng;
use crate::units::{FrameRate, SampleRate};
use proptest::prelude::*;

fn grid(rate: u32) -> TickGrid {
    TickGrid { tick: FrameRate::new(30, 1).unwrap(), rate: SampleRate::new(rate).unwrap() }
}

fn noise(samples: usize, gain: f64) -> Vec<f32> {
    let mut draw = TickRng::new(7, 0);
    (0..samples).map(|_| (gain * draw.between(-1.0, 1.0)) as f32).collect()
}

/// An aim that finds everything as it should be.
fn content(level: f32) -> BandTarget {
    BandTarget { there: [level; BANDS], wanted: [level; BANDS], rise: f32::NAN }
}

fn shaped(
    grid: TickGrid,
    channels: usize,
    config: &BandMatcherConfig,
    aims: &[BandTarget],
    sound: &[f32],
) -> Vec<f32> {
    let mut shaper = BandMatcher::new(grid, channels, config);
    aims.iter().for_each(|aim| shaper.push(aim));
    shaper.add(sound);
    shaper.finish();
    let mut out = vec![0.0; shaper.ready()];
    shaper.fill(&mut out);
    out
}

/// log10 band powers and rises of mono sound at 22 050 Hz, tick by tick.
fn measured(sound: &[f32], ticks: usize) -> (Vec<[f64; BANDS]>, Vec<f64>) {
    let bands = measure::log_mel(sound, 30.0, ticks);
    let rises = measure::onset_strength(&bands);
    (bands, rises)
}

fn as_aims(bands: &[[f64; BANDS]], wanted: impl Fn(usize) -> ([f32; BANDS], f32)) -> Vec<BandTarget> {
    let aim = |(t, bands): (usize, &[f64; BANDS])| {
        let (wanted, rise) = wanted(t);
        BandTarget { there: bands.map(|x| x as f32), wanted, rise }
    };
    bands.iter().enumerate().map(aim).collect()
}

#[test]
fn what_is_as_wanted_stays_as_it_is() {
    for (rate, channels) in [(8_000, 1), (22_050, 1), (44_100, 2), (48_000, 2), (192_000, 1)] {
        let grid = grid(rate);
        let frames = grid.start_sample(9);
        let sound = noise(frames as usize * channels, 0.5);
        let out = shaped(grid, channels, &BandMatcherConfig::default(), &vec![content(1.0); 9], &sound);
        assert_eq!(out.len(), sound.len());
        let worst = out.iter().zip(&sound).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-6, "{rate} Hz: {worst}");
    }
}

#[test]
fn a_tone_goes_its_share_of_the_way_and_no_further_than_allowed() {
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
    let aims = as_aims(&bands, |t| (std::array::from_fn(|b| bands[t][b] as f32 + change(b)), f32::NAN));
    for (tone, most_db) in [(1.0, 12.0), (0.5, 12.0), (1.0, 3.0), (0.0, 12.0)] {
        let config = BandMatcherConfig { tone, attack: 0.0, most_db };
        let out = shaped(grid(RATE), 1, &config, &aims, &sound);
        let (now, _) = measured(&out, 60);
        for b in [8, 15, 25, 35, 45, 60] {
            let mean = |bands: &[[f64; BANDS]]| bands[5..55].iter().map(|row| row[b]).sum::<f64>() / 50.0;
            let moved = 10.0 * (mean(&now) - mean(&bands));
            let expected = f64::from((10.0 * tone * change(b)).clamp(-most_db, most_db));
            assert!(
                (moved - expected).abs() < 0.3,
                "{tone} {most_db} band {b}: {moved:.2} not {expected:.2} dB"
            );
        }
    }
}

/// Noise that jumps up by 6 dB in tick 20 though nobody wants an attack there, and stays as it is in tick 40 though one is wanted.
#[test]
fn attacks_follow_what_is_wanted() {
    let loud = |n: usize| if n / 735 >= 20 { 2.0 } else { 1.0 };
    let sound: Vec<f32> = noise(60 * 735, 0.1).iter().enumerate().map(|(n, x)| x * loud(n)).collect();
    let (bands, before) = measured(&sound, 60);
    let usual = before[25..38].iter().sum::<f64>() / 13.0;
    let wanted = |t: usize| if t == 40 { 5.0 * usual } else { usual };
    let aims = as_aims(&bands, |t| (bands[t].map(|x| x as f32), wanted(t) as f32));
    let config = BandMatcherConfig { tone: 0.0, attack: 1.0, most_db: 24.0 };
    let (_, after) = measured(&shaped(grid(RATE), 1, &config, &aims, &sound), 60);
    let strongest =
        |rises: &[f64], ticks: std::ops::Range<usize>| rises[ticks].iter().copied().fold(0.0, f64::max);
    // The filter moves from the middle of a tick to that of the next, and a jump is where they meet: half of it is left.
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
    let level = |sound: &[f32], t: usize| measure::frame_loudness(sound, RATE, 30.0, 60)[t];
    let out = shaped(grid(RATE), 1, &config, &aims, &sound);
    let accent = level(&out, 40) - level(&sound, 40);
    assert!(accent > 2.0, "{accent} dB");
    assert!((level(&out, 50) - level(&sound, 50)).abs() < 1.5);
}

#[test]
fn silence_stays_silent_and_nonsense_does_no_harm() {
    let odd =
        BandTarget { there: [f32::NAN; BANDS], wanted: [f32::INFINITY; BANDS], rise: f32::NEG_INFINITY };
    let quiet = BandTarget { there: [-5.0; BANDS], wanted: [2.0; BANDS], rise: 300.0 };
    let aims = [odd.clone(), quiet.clone(), odd, quiet];
    let config = BandMatcherConfig { tone: -3.0, attack: 7.0, most_db: 1e9 };
    let out = shaped(grid(RATE), 1, &config, &aims, &vec![0.0; 4 * 735]);
    assert!(out.len() == 4 * 735 && out.iter().all(|x| *x == 0.0));
    let out = shaped(grid(RATE), 1, &config, &aims, &vec![0.5; 4 * 735]);
    assert!(out.iter().all(|x| x.abs() < 0.5 * 16.0 * 1.1));
}

#[test]
fn nothing_becomes_nothing() {
    assert!(shaped(grid(RATE), 2, &BandMatcherConfig::default(), &[], &[]).is_empty());
    let out = shaped(grid(RATE), 1, &BandMatcherConfig::default(), &[], &[0.25; 100]);
    assert!(out.len() == 100 && out.iter().all(|x| (x - 0.25).abs() < 1e-6));
}

#[test]
fn memory_does_not_grow_with_the_length() {
    let mut shaper = BandMatcher::new(grid(RATE), 1, &BandMatcherConfig::default());
    let mut out = vec![0.0; 4096];
    for _ in 0..3000 {
        shaper.push(&content(0.0));
        shaper.add(&[0.1; 735]);
        let waiting = shaper.ready();
        assert!(waiting < 2000 && shaper.gains.len() < 4 && shaper.sound.len() < 4000);
        shaper.fill(&mut out);
    }
    assert!(shaper.mix.held() < 20_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn how_calls_alternate_does_not_matter(parts in prop::collection::vec((0usize..4, 0usize..2500), 1..30), seed in 0u64..1000) {
        let grid = grid(RATE);
        let ticks: usize = parts.iter().map(|(ticks, _)| ticks).sum();
        let samples: usize = parts.iter().map(|(_, samples)| samples).sum();
        let mut draw = TickRng::new(seed, 1);
        let aims: Vec<BandTarget> = (0..ticks)
            .map(|_| BandTarget {
                there: [0.0; BANDS],
                wanted: std::array::from_fn(|_| draw.between(-1.0, 1.0) as f32),
                rise: draw.between(0.0, 60.0) as f32,
            })
            .collect();
        let sound = noise(samples, 0.5);
        let mut shaper = BandMatcher::new(grid, 1, &BandMatcherConfig::default());
        let (mut out, mut tick, mut sample) = (Vec::new(), 0, 0);
        let mut take = |shaper: &mut BandMatcher| {
            let mut ready = vec![0.0; shaper.ready()];
            shaper.fill(&mut ready);
            out.extend(ready);
        };
        for (more_ticks, more) in parts {
            aims[tick..tick + more_ticks].iter().for_each(|aim| shaper.push(aim));
            shaper.add(&sound[sample..sample + more]);
            (tick, sample) = (tick + more_ticks, sample + more);
            take(&mut shaper);
        }
        shaper.finish();
        take(&mut shaper);
        prop_assert_eq!(out, shaped(grid, 1, &BandMatcherConfig::default(), &aims, &sound));
    }
}
