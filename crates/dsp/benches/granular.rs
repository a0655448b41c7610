//! Grains that the granular synth mixes at once in real time on one core.
//!
//! Each row renders one second of sound (30 ticks at 22 050 Hz) in which the named number of grains sounds at
//! any moment. The row is in real time where its time is below one second; the column of items shows grains
//! at once that would be in real time: they are what a row does, over its time.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use kinophone_dsp::frames::{FrameSynthConfig, GranularConfig};
use kinophone_dsp::units::{FrameRate, SampleRate, TickGrid};

const AT_ONCE: [usize; 3] = [1024, 4096, 16_384];
const RATE: u32 = 22_050;
const SIZE_MS: f32 = 40.0;

fn main() {
    divan::main();
}

/// Grains that are read as they are.
#[divan::bench(args = AT_ONCE, sample_count = 10)]
fn straight(bencher: Bencher<'_, '_>, at_once: usize) {
    one_second(bencher, at_once, 0.0);
}

/// Grains at many pitches.
#[divan::bench(args = AT_ONCE, sample_count = 10)]
fn pitched(bencher: Bencher<'_, '_>, at_once: usize) {
    one_second(bencher, at_once, 7.0);
}

fn one_second(bencher: Bencher<'_, '_>, at_once: usize, pitch_spread: f32) {
    let tick = FrameRate::new(30, 1).expect("a rate");
    let grid = TickGrid { tick, rate: SampleRate::new(RATE).expect("a rate") };
    let grains_a_second = at_once as f32 / (SIZE_MS / 1000.0);
    let density = grains_a_second / 30.0;
    let config = GranularConfig { size_ms: SIZE_MS, density, pitch_spread, ..Default::default() };
    let mut synth = FrameSynthConfig::Granular(config).build(grid, 1);
    let block: Vec<f32> = (0..grid.block_len()).map(|n| (n as f32 * 0.3).sin()).collect();
    let mut out = vec![0.0; grid.block_len()];
    bencher.counter(ItemsCount::new(at_once)).bench_local(|| {
        for _ in 0..30 {
            synth.push(black_box(&block));
            while synth.ready() > 0 {
                synth.fill(black_box(&mut out));
            }
        }
    });
}
