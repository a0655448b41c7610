//! Properties of every synth: length, latency, independence of the pieces, sound on time, level, no comb.

use crate::frames::raw::Raw;
use crate::frames::*;
use crate::metrics::comb_prominence;
use crate::tick_rng::TickRng;
use crate::units::SampleRate;
use crate::window::Window;

fn grid(tick: &str, rate: u32) -> TickGrid {
    TickGrid { tick: tick.parse().unwrap(), rate: SampleRate::new(rate).unwrap() }
}

fn all() -> Vec<(&'static str, FrameSynthConfig)> {
    let granular = |config| FrameSynthConfig::Granular(config);
    let plain = GranularConfig::default();
    vec![
        ("raw", FrameSynthConfig::Raw),
        ("windowed", FrameSynthConfig::Windowed(WindowedConfig::default())),
        ("windowed, one take", FrameSynthConfig::Windowed(WindowedConfig { takes: 1, ..Default::default() })),
        ("granular", granular(plain.clone())),
        ("granular, sparse", granular(GranularConfig { density: 0.7, ..plain.clone() })),
        ("granular, dense", granular(GranularConfig { density: 64.0, size_ms: 15.0, ..plain.clone() })),
        ("granular, pitched", granular(GranularConfig { pitch: 0.8, pitch_spread: 5.0, ..plain.clone() })),
        (
            "granular, children",
            granular(GranularConfig { children: 4, child_shrink: 0.8, size_ms: 60.0, ..plain.clone() }),
        ),
        (
            "granular, many children",
            granular(GranularConfig { children: 20, size_ms: 100.0, ..plain.clone() }),
        ),
        ("granular, huge", granular(GranularConfig { size_ms: 900.0, envelope: Window::Bartlett, ..plain })),
        ("granular-2015", FrameSynthConfig::Granular2015(Granular2015Config::default())),
    ]
}

/// All that `synth` plays of `blocks`.
fn played<'a>(synth: &mut dyn FrameSynth, blocks: impl IntoIterator<Item = &'a [f32]>) -> Vec<f32> {
    blocks.into_iter().for_each(|block| synth.push(block));
    synth.finish();
    let mut out = vec![0.0; synth.ready()];
    assert_eq!(synth.fill(&mut out), out.len());
    out
}

fn noise_block(len: usize, seed: u64) -> Vec<f32> {
    let mut rng = TickRng::new(seed, 1 << 40);
    (0..len).map(|_| rng.between(-0.5, 0.5) as f32).collect()
}

fn noise_blocks(grid: TickGrid, hops: usize, ticks: usize) -> Vec<Vec<f32>> {
    (0..ticks).map(|i| noise_block(hops * grid.block_len(), i as u64 + 100)).collect()
}

fn power(x: &[f32]) -> f64 {
    x.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / x.len() as f64
}

fn power_db(x: &[f32]) -> f64 {
    10.0 * power(x).log10()
}

#[test]
fn raw_is_its_definition() {
    for (tick, rate) in [("30", 22_050), ("29.97", 44_100), ("24000/1001", 22_050)] {
        let g = grid(tick, rate);
        let blocks = noise_blocks(g, 1, 50);
        let expected: Vec<f32> = (0..50).flat_map(|i| blocks[i as usize][..g.span(i)].to_vec()).collect();
        assert_eq!(played(&mut Raw::new(g, 1), blocks.iter().map(|b| &b[..])), expected);
        let half = g.block_len() / 2;
        let blocks = noise_blocks(g, 2, 50);
        let expected: Vec<f32> =
            (0..50).flat_map(|i| blocks[i as usize][half..half + g.span(i)].to_vec()).collect();
        assert_eq!(played(&mut Raw::new(g, 2), blocks.iter().map(|b| &b[..])), expected);
    }
}

#[test]
fn length_latency_and_pieces() {
    for (tick, rate) in [("30", 22_050), ("29.97", 44_100)] {
        let g = grid(tick, rate);
        for (name, config) in all() {
            for hops in [1, 2] {
                let blocks = noise_blocks(g, hops, 90);
                let mut synth = config.build(g, hops);
                let whole = played(&mut *synth, blocks.iter().map(|b| &b[..]));
                assert_eq!(whole.len() as i64, g.start_sample(90), "{name}");

                synth.reset();
                let mut rng = TickRng::new(4, 4);
                let (mut out, mut pieces) = ([0.0; 4000], Vec::new());
                for (i, block) in (0..).zip(&blocks) {
                    synth.push(block);
                    let made = pieces.len() + synth.ready();
                    assert!(made as i64 >= g.start_sample(i + 1) - synth.latency() as i64, "{name} at {i}");
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
                assert!(pieces == whole, "{name}: the pieces differ from the whole");
            }
        }
    }
}

#[test]
fn the_seed_decides() {
    let g = grid("30", 22_050);
    let blocks = noise_blocks(g, 1, 20);
    let with = |seed| {
        [
            FrameSynthConfig::Windowed(WindowedConfig { seed, ..Default::default() }),
            FrameSynthConfig::Granular(GranularConfig { seed, ..Default::default() }),
            FrameSynthConfig::Granular2015(Granular2015Config { seed }),
        ]
        .map(|config| played(&mut *config.build(g, 1), blocks.iter().map(|b| &b[..])))
    };
    assert!(with(1) == with(1));
    assert!(with(1).iter().zip(&with(2)).all(|(a, b)| a != b));
}

/// First and last sample that is not silent, where only the block of `tick` is not.
fn extent(config: &FrameSynthConfig, g: TickGrid, hops: usize, tick: usize, ticks: usize) -> (i64, i64) {
    let silence = vec![0.0; hops * g.block_len()];
    let loud = vec![0.5; hops * g.block_len()];
    let blocks = (0..ticks).map(|i| if i == tick { &loud[..] } else { &silence[..] });
    let y = played(&mut *config.build(g, hops), blocks);
    let first = y.iter().position(|v| *v != 0.0).expect("the block sounds");
    (first as i64, y.iter().rposition(|v| *v != 0.0).unwrap() as i64)
}

#[test]
fn nothing_sounds_far_from_its_cause() {
    for (tick, rate) in [("30", 22_050), ("29.97", 44_100), ("60", 22_050)] {
        let g = grid(tick, rate);
        let half = g.block_len() as i64 / 2 + 1;
        for (name, config) in
            all().into_iter().filter(|(_, c)| !matches!(c, FrameSynthConfig::Granular2015(_)))
        {
            for hops in [1, 2] {
                for i in [10i64, 17] {
                    let (first, last) = extent(&config, g, hops, i as usize, 30);
                    let (from, to) = match &config {
                        FrameSynthConfig::Raw => (g.start_sample(i), g.start_sample(i + 1)),
                        FrameSynthConfig::Windowed(_) => {
                            let start = block_start(g, hops, i);
                            (start - half, start + (hops * g.block_len()) as i64 + half)
                        }
                        _ => (g.start_sample(i - 1), g.start_sample(i + 2)),
                    };
                    assert!(
                        first >= from && last < to,
                        "{name}, {hops} hops: {first}..={last} beyond {from}..{to}"
                    );
                }
            }
        }
    }
    // Asked for, grains sound further away: to the whole of what was asked, and not beyond.
    let g = grid("30", 22_050);
    let wide = GranularConfig {
        jitter: 5.0,
        spread_ticks: 3.0,
        size_ms: 60.0,
        density: 200.0,
        ..Default::default()
    };
    let (first, last) = extent(&FrameSynthConfig::Granular(wide), g, 1, 10, 30);
    assert!(first >= g.start_sample(7) && last < g.start_sample(14));
    assert!(first < g.start_sample(8) && last > g.start_sample(13));
}

#[test]
fn the_synthesis_of_2015_smears_over_43_ticks() {
    let g = grid("30", 22_050);
    let extents: Vec<_> = (0..40)
        .map(|seed| extent(&FrameSynthConfig::Granular2015(Granular2015Config { seed }), g, 1, 10, 80))
        .collect();
    // The block is read as the second half of its predecessor's grains, too: hence one tick more on each
    // side.
    assert!(
        extents.iter().all(|(first, last)| *first >= g.start_sample(8) && *last < g.start_sample(10 + 43))
    );
    assert!(extents.iter().any(|(_, last)| *last > g.start_sample(10 + 22)));
}

/// Twenty seconds of one and the same block, and of a block that slowly becomes another.
fn still_and_slow(config: &FrameSynthConfig, g: TickGrid, hops: usize) -> [Vec<f32>; 2] {
    let ticks = (20.0 * g.tick.as_f64()) as usize;
    let [a, b] = [5, 6].map(|seed| noise_block(hops * g.block_len(), seed));
    let between = |i: usize| {
        let t = i as f32 / ticks as f32 * std::f32::consts::FRAC_PI_2;
        a.iter().zip(&b).map(|(x, y)| x * t.cos() + y * t.sin()).collect::<Vec<f32>>()
    };
    let slow: Vec<Vec<f32>> = (0..ticks).map(between).collect();
    [
        played(&mut *config.build(g, hops), std::iter::repeat_n(&a[..], ticks)),
        played(&mut *config.build(g, hops), slow.iter().map(|block| &block[..])),
    ]
}

#[test]
fn a_still_picture_buzzes_raw_and_nowhere_else() {
    for (tick, rate) in [("30", 22_050), ("29.97", 44_100)] {
        let g = grid(tick, rate);
        for (name, config) in all() {
            for hops in [1, 2] {
                for sound in still_and_slow(&config, g, hops) {
                    let comb = comb_prominence(&sound, rate, g.tick.as_f64()).unwrap();
                    let as_it_should =
                        if config == FrameSynthConfig::Raw { comb >= 25.0 } else { comb <= 6.0 };
                    assert!(as_it_should, "{name}, {hops} hops: {comb:.1} dB");
                }
            }
        }
    }
}

#[test]
fn without_jitter_the_buzz_comes_back() {
    let g = grid("30", 22_050);
    let config = FrameSynthConfig::Windowed(WindowedConfig { jitter: 0.0, ..Default::default() });
    for hops in [1, 2] {
        let [still, _] = still_and_slow(&config, g, hops);
        let comb = comb_prominence(&still, 22_050, 30.0).unwrap();
        assert!(comb >= 40.0, "{hops} hops: {comb:.1} dB");
    }
}

#[test]
fn the_level_is_that_of_the_blocks() {
    for (tick, rate) in [("30", 22_050), ("29.97", 44_100)] {
        let g = grid(tick, rate);
        for (name, config) in all() {
            for hops in [1, 2] {
                let blocks = noise_blocks(g, hops, 400);
                let blocks = blocks.iter().map(|b| &b[..]);
                let raw = played(&mut Raw::new(g, hops), blocks.clone());
                let difference = power_db(&played(&mut *config.build(g, hops), blocks)) - power_db(&raw);
                // One take of a block of one hop leaves gaps, which nothing may fill.
                let least = if name.contains("one take") && hops == 1 { -3.0 } else { -1.0 };
                assert!((least..=0.5).contains(&difference), "{name}, {hops} hops: {difference:.2} dB");
            }
        }
    }
}

#[test]
fn plain_overlap_add_gives_a_steady_wave_back() {
    // Blocks of two hops cut from one wave, no jitter: the sum of windows divided by the root of the sum of
    // their squares swings between 1 and √2, so the wave comes back in phase and within that range.
    let g = grid("30", 22_050);
    let wave = |n: i64| (n as f32 * 0.1).sin();
    let blocks: Vec<Vec<f32>> =
        (0..40).map(|i| (0..1470).map(|k| wave(block_start(g, 2, i) + k)).collect()).collect();
    let config = FrameSynthConfig::Windowed(WindowedConfig { jitter: 0.0, ..Default::default() });
    let y = played(&mut *config.build(g, 2), blocks.iter().map(|b| &b[..]));
    for (n, y) in (0i64..).zip(&y).skip(1000).take(27_000) {
        let x = wave(n);
        assert!(y * x >= 0.0 && y.abs() >= x.abs() - 1e-4 && y.abs() <= 1.4143 * x.abs() + 1e-4);
    }
}

#[test]
fn pitch_moves_tones() {
    let g = grid("30", 22_050);
    let tone: Vec<f32> =
        (0..1470).map(|k| (k as f32 * std::f32::consts::TAU * 600.0 / 22_050.0).sin()).collect();
    for (pitch, expected) in [(1.0, 600.0), (2.0, 1200.0), (0.5, 300.0), (1.5, 900.0)] {
        let config = FrameSynthConfig::Granular(GranularConfig { pitch, ..Default::default() });
        let y = played(&mut *config.build(g, 2), std::iter::repeat_n(&tone[..], 150));
        let size = 1 << 16;
        let mut spectrum = crate::stft::PowerSpectrum::new(size, Window::Hann, crate::window::Form::Periodic);
        let power = spectrum.of(&y, 20_000);
        // The grains' randomness broadens the tone, so its place is the mean frequency.
        let (sum, weighted) = power
            .iter()
            .enumerate()
            .fold((0.0, 0.0), |(s, w), (k, p)| (s + p, w + p * k as f64 * 22_050.0 / size as f64));
        assert!((weighted / sum / expected - 1.0).abs() < 0.02, "{pitch}: {}", weighted / sum);
    }
}

#[test]
fn settings_out_of_range_are_named_and_clamped() {
    let g = grid("30", 22_050);
    let mad = GranularConfig {
        size_ms: f32::NAN,
        density: 1e30,
        jitter: -1.0,
        pitch: 1e9,
        pitch_spread: f32::INFINITY,
        children: 1000,
        child_shrink: 0.0,
        spread_ticks: 0.0,
        ..Default::default()
    };
    let mad = GranularConfig { density: 3.0, ..mad };
    assert_eq!(FrameSynthConfig::Granular(mad.clone()).check().unwrap_err().name, "size_ms");
    let error =
        FrameSynthConfig::Windowed(WindowedConfig { jitter: 2.0, ..Default::default() }).check().unwrap_err();
    assert_eq!(error.to_string(), "jitter must lie between 0 and 1, not at 2");
    assert!(all().iter().all(|(_, config)| config.check().is_ok()));
    for mut synth in [
        FrameSynthConfig::Granular(mad).build(g, 2),
        FrameSynthConfig::Windowed(WindowedConfig { jitter: f32::NAN, takes: 9999, ..Default::default() })
            .build(g, 0),
    ] {
        let y = played(&mut *synth, [&[][..], &[0.5; 3], &[0.5; 9999]]);
        assert!(y.len() == 3 * 735 && y.iter().all(|v| v.is_finite()));
    }
    // A tick of very few samples leaves no room for a grain, but nothing breaks.
    let coarse = grid("1000", 1000);
    for (_, config) in all() {
        let y = played(&mut *config.build(coarse, 1), std::iter::repeat_n(&[0.5][..], 100));
        assert!(y.len() == 100 && y.iter().all(|v| v.is_finite()));
    }
}

#[test]
fn every_configuration_is_data() {
    for (_, config) in all() {
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<FrameSynthConfig>(&text).unwrap(), config, "{text}");
    }
    let short: FrameSynthConfig =
        serde_json::from_str(r#"{"name":"granular","envelope":"tukey:0.3"}"#).unwrap();
    let expected = GranularConfig { envelope: Window::Tukey { taper: 0.3 }, ..Default::default() };
    assert_eq!(short, FrameSynthConfig::Granular(expected));
    assert_eq!(serde_json::from_str::<FrameSynthConfig>(r#"{"name":"granular-2015"}"#).unwrap(), all()[10].1);
}
