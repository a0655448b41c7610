//! How long the choice of units for a ten-minute film takes, and how fast the chosen units become sound and are filtered, on one
//! core.
//!
//! The film has 18 000 ticks of 114 numbers and is made of its own sound less every fifth ten-second block: 14 400
//! units. The column of items says seconds of film a second: how many times faster than real time it is.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use kinophone_dsp::measure::BANDS;
use kinophone_dsp::synth::mosaic::{Choice, Chooser, Mosaic, MosaicConfig, UnitSound, Units};
use kinophone_dsp::synth::{Aim, ShapeConfig, Shaper};
use kinophone_dsp::units::{FrameRate, SampleRate, TickGrid};
use std::sync::Arc;

const DIMS: usize = 114;
const TICKS: usize = 18_000;
const TICKS_A_SECOND: usize = 30;
const BLOCK: usize = 300;

fn main() {
    divan::main();
}

/// The best path.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn exact_choice_of_ten_minutes(bencher: Bencher<'_, '_>) {
    let (film, units) = film();
    bencher.counter(ItemsCount::new(TICKS / TICKS_A_SECOND)).bench_local(|| {
        let mut chooser = Chooser::exact(Arc::clone(&units), &MosaicConfig::default());
        let mut chosen = Vec::new();
        black_box(&film).chunks_exact(DIMS).for_each(|target| chooser.push(target, &mut chosen));
        chooser.finish(&mut chosen);
        chosen
    });
}

/// Ten seconds, every tick chosen as many ticks later.
#[divan::bench(args = [0, 15, 150], sample_count = 5, sample_size = 1)]
fn live_choice_of_ten_seconds(bencher: Bencher<'_, '_>, delay: usize) {
    let (film, units) = film();
    bencher.counter(ItemsCount::new(10usize)).bench_local(|| {
        let mut chooser = Chooser::lookahead(Arc::clone(&units), &MosaicConfig::default(), delay);
        let mut chosen = Vec::new();
        for target in black_box(&film).chunks_exact(DIMS).take(10 * TICKS_A_SECOND) {
            chooser.push(target, &mut chosen);
        }
        chooser.finish(&mut chosen);
        chosen
    });
}

/// A minute of sound that jumps every so many ticks.
#[divan::bench(args = [1, 10, 1000], consts = [1, 2], sample_count = 10, sample_size = 1)]
fn sound_of_a_minute_at_48000_hz<const CHANNELS: usize>(bencher: Bencher<'_, '_>, ticks_a_run: usize) {
    const SECONDS: usize = 60;
    let tick = FrameRate::new(TICKS_A_SECOND as u32, 1).expect("a rate");
    let grid = TickGrid { tick, rate: SampleRate::new(48_000).expect("a rate") };
    let units = 2000;
    let known = Units::new(0, &[], &vec![-20.0; units], &vec![true; units]).expect("units");
    let frames = units * grid.block_len();
    let mut noise = noise();
    let sound = Sound {
        channels: CHANNELS,
        frames_a_unit: grid.block_len(),
        samples: (0..frames * CHANNELS).map(|_| noise()).collect(),
    };
    let mut mosaic = Mosaic::new(grid, Arc::new(known), sound, &MosaicConfig::default());
    let mut out = vec![0.0; grid.block_len() * CHANNELS];
    bencher.counter(ItemsCount::new(SECONDS)).bench_local(|| {
        mosaic.reset();
        for i in 0..SECONDS * TICKS_A_SECOND {
            let start = i / ticks_a_run * 761 % (units - ticks_a_run);
            let unit = (start + i % ticks_a_run) as u32;
            mosaic.push(Choice { unit, loudness_db: -18.0, gate: 0.2 });
            while mosaic.ready() > 0 {
                mosaic.fill(black_box(&mut out));
            }
        }
    });
}

/// A minute, every tick another way; all of it comes at once, as where a choice is decided late.
#[divan::bench(consts = [1, 2], sample_count = 10, sample_size = 1)]
fn filter_of_a_minute_at_48000_hz<const CHANNELS: usize>(bencher: Bencher<'_, '_>) {
    const SECONDS: usize = 60;
    let tick = FrameRate::new(TICKS_A_SECOND as u32, 1).expect("a rate");
    let grid = TickGrid { tick, rate: SampleRate::new(48_000).expect("a rate") };
    let mut noise = noise();
    let sound: Vec<f32> = (0..SECONDS * 48_000 * CHANNELS).map(|_| noise()).collect();
    let mut bands = || std::array::from_fn::<f32, BANDS, _>(|_| noise());
    let aims: Vec<Aim> =
        (0..TICKS_A_SECOND).map(|_| Aim { there: bands(), wanted: bands(), rise: 9.0 }).collect();
    let mut out = vec![0.0; sound.len()];
    bencher.counter(ItemsCount::new(SECONDS)).bench_local(|| {
        let mut shaper = Shaper::new(grid, CHANNELS, &ShapeConfig::default());
        for _ in 0..SECONDS {
            aims.iter().for_each(|aim| shaper.push(aim));
        }
        shaper.add(black_box(&sound));
        shaper.fill(black_box(&mut out));
    });
}

struct Sound {
    channels: usize,
    frames_a_unit: usize,
    samples: Vec<f32>,
}

impl UnitSound for Sound {
    fn channels(&self) -> usize {
        self.channels
    }

    fn read(&self, unit: u32, offset: i64, out: &mut [f32]) {
        let first = (unit as i64 * self.frames_a_unit as i64 + offset).max(0) as usize * self.channels;
        out.fill(0.0);
        let there = self.samples.get(first..).unwrap_or(&[]);
        out.iter_mut().zip(there).for_each(|(y, x)| *y = *x);
    }
}

/// Targets of a film, a slow walk with noise, and the units of its training part.
fn film() -> (Vec<f32>, Arc<Units>) {
    let mut noise = noise();
    let mut row = [0.0f32; DIMS];
    let mut film = Vec::with_capacity(TICKS * DIMS);
    for _ in 0..TICKS {
        row.iter_mut().for_each(|x| *x = 0.95 * *x + 0.1 * noise());
        film.extend(row.map(|x| x + 0.02 * noise()));
    }
    let trained: Vec<usize> = (0..TICKS).filter(|i| i / BLOCK % 5 != 4).collect();
    let descriptors: Vec<f32> =
        trained.iter().flat_map(|i| film[i * DIMS..(i + 1) * DIMS].to_vec()).collect();
    let continued: Vec<bool> = trained.iter().map(|i| (i + 1) / BLOCK % 5 != 4).collect();
    let units = Units::new(DIMS, &descriptors, &vec![-20.0; trained.len()], &continued).expect("units");
    (film, Arc::new(units))
}

/// Numbers in −1..1 from a linear congruence.
fn noise() -> impl FnMut() -> f32 {
    let mut state = 1u64;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}
