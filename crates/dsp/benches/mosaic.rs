//! Speed of the selection of units for a ten-minute film, and of the sound and the filter of the selected
//! units, on one core.
//!
//! The film has 18 000 ticks of 114 numbers and is made of its own sound less every fifth ten-second block:
//! 14 400 units. The column of items shows seconds of film a second, in multiples of real time.
//!
//! Then two minutes of a film are selected from libraries of 100 000 and 1 000 000 units like those of real
//! sound: 64 bands of a few slow processes and noise, loudness, onsets. The targets have half of their
//! variance. Beside it the same by brute force; and at the end the times of single ticks live.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use kinophone_dsp::concat::{Mosaic, MosaicConfig, SelectedUnit, UnitDescriptors, UnitSelector, UnitSound};
use kinophone_dsp::metrics::BANDS;
use kinophone_dsp::neighbors::Points;
use kinophone_dsp::spectral::{BandMatcher, BandMatcherConfig, BandTarget};
use kinophone_dsp::units::{FrameRate, SampleRate, TickGrid};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

const DIMS: usize = 114;
const TICKS: usize = 18_000;
const TICKS_A_SECOND: usize = 30;
const BLOCK: usize = 300;

/// Numbers of a unit of a library.
const SOUND: usize = BANDS + 2;

fn main() {
    divan::main();
    if std::env::args().skip(1).all(|argument| argument == "--bench") {
        for (way, delay) in [("4 ticks later", 4), ("at once", 0)] {
            let mut ticks = live_ticks(100_000, delay);
            ticks.sort_by(f64::total_cmp);
            let at = |share: f64| ticks[((ticks.len() - 1) as f64 * share) as usize];
            let [half, most, all] = [0.5, 0.99, 1.0].map(at);
            println!(
                "a tick of 100000 units, selected {way}: p50 {half:.3} ms, p99 {most:.3} ms, at most {all:.3} ms"
            );
        }
    }
}

/// Two minutes from a library.
#[divan::bench(args = [100_000, 1_000_000], sample_count = 3, sample_size = 1)]
fn exact_selection_from_a_library(bencher: Bencher<'_, '_>, count: usize) {
    let library = Library::of(count);
    bencher.counter(ItemsCount::new(library.targets.len() / SOUND / TICKS_A_SECOND)).bench_local(|| {
        let mut selector = UnitSelector::exact(Arc::clone(&library.units), &MosaicConfig::default());
        let mut selected = Vec::new();
        black_box(&library.targets)
            .chunks_exact(SOUND)
            .for_each(|target| selector.push(target, &mut selected));
        selector.finish(&mut selected);
        selected
    });
}

/// Two seconds from a library, every unit visited in every tick: distances alone, without the paths.
#[divan::bench(args = [100_000, 1_000_000], sample_count = 3, sample_size = 1)]
fn distances_from_all_of_a_library(bencher: Bencher<'_, '_>, count: usize) {
    let points = Points::new(SOUND, count, &Library::of(count).rows);
    let targets = &Library::of(count).targets[..2 * TICKS_A_SECOND * SOUND];
    let mut out = vec![0.0; 6 * points.padded()];
    bencher.counter(ItemsCount::new(2usize)).bench_local(|| {
        black_box(targets).chunks(6 * SOUND).for_each(|rows| points.squared_distances(rows, &mut out));
    });
}

/// The time of every tick of a minute, in milliseconds.
fn live_ticks(count: usize, delay: usize) -> Vec<f64> {
    let library = Library::of(count);
    let mut selector = UnitSelector::lookahead(Arc::clone(&library.units), &MosaicConfig::default(), delay);
    let mut selected = Vec::new();
    let ticks = library.targets.chunks_exact(SOUND).take(60 * TICKS_A_SECOND);
    let push = |target: &[f32]| {
        let start = Instant::now();
        selector.push(target, &mut selected);
        start.elapsed().as_secs_f64() * 1e3
    };
    ticks.map(push).collect()
}

struct Library {
    rows: Vec<f32>,
    units: Arc<UnitDescriptors>,
    targets: Vec<f32>,
}

impl Library {
    /// One of the two sizes; made once.
    fn of(count: usize) -> &'static Self {
        static LIBRARIES: [OnceLock<Library>; 2] = [const { OnceLock::new() }; 2];
        LIBRARIES[usize::from(count > 100_000)].get_or_init(|| Self::new(count))
    }

    fn new(count: usize) -> Self {
        /// Ticks of a recording.
        const LENGTH: usize = 300;
        let mut noise = noise();
        let rows = sounds(&mut noise, count, LENGTH, 0.09);
        let continued: Vec<bool> = (0..count).map(|unit| (unit + 1) % LENGTH != 0).collect();
        let units = UnitDescriptors::new(SOUND, &rows, &vec![-20.0; count], &continued).expect("units");
        let sound = sounds(&mut noise, 120 * TICKS_A_SECOND, 100, 0.02);
        Self { rows, units: Arc::new(units), targets: predicted(&sound) }
    }
}

/// The prediction of a network for such sound: a mean over a third of a second, with half of the variance.
fn predicted(sound: &[f32]) -> Vec<f32> {
    let rows: Vec<&[f32]> = sound.chunks_exact(SOUND).collect();
    let mut predicted: Vec<f32> = (0..rows.len())
        .flat_map(|tick| {
            let around = &rows[tick.saturating_sub(5)..(tick + 6).min(rows.len())];
            (0..SOUND).map(|i| around.iter().map(|row| row[i]).sum::<f32>() / around.len() as f32)
        })
        .collect();
    for i in 0..SOUND {
        let power = |rows: &[f32]| rows[i..].iter().step_by(SOUND).map(|x| x * x).sum::<f32>();
        let gain = (0.5 * power(sound) / power(&predicted)).sqrt();
        predicted[i..].iter_mut().step_by(SOUND).for_each(|x| *x *= gain);
    }
    predicted
}

/// Sounds of `length` ticks each: level, slope and two more shapes of the spectrum go slowly from somewhere
/// to somewhere, and every now and then something is struck.
fn sounds(noise: &mut impl FnMut() -> f32, count: usize, length: usize, rough: f32) -> Vec<f32> {
    const PACE: [f32; 4] = [0.97, 0.98, 0.95, 0.9];
    const SIZE: [f32; 4] = [0.8, 0.5, 0.25, 0.2];
    let (mut at, mut struck) = ([0.0f32; 4], 0.0f32);
    let mut rows = Vec::with_capacity(count * SOUND);
    for tick in 0..count {
        for (x, pace) in at.iter_mut().zip(PACE) {
            let step = 1.7 * noise();
            *x = if tick % length == 0 { step } else { pace * *x + (1.0 - pace * pace).sqrt() * step };
        }
        struck = if noise() > 0.8 { 3.5 * noise().abs() } else { 0.4 * struck };
        for band in 0..BANDS {
            let x = band as f32 / BANDS as f32 * std::f32::consts::PI;
            let shapes = [1.0, x.cos(), (2.0 * x).cos(), (3.0 * x).cos()];
            let sum: f32 = (0..4).map(|i| SIZE[i] * shapes[i] * at[i]).sum();
            rows.push(0.125 * (sum + 0.1 * struck) + rough * noise());
        }
        rows.push(0.45 * at[0] + 0.1 * struck + rough * noise());
        rows.push(struck - 0.5 + rough * noise());
    }
    rows
}

/// The best path.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn exact_selection_of_ten_minutes(bencher: Bencher<'_, '_>) {
    let (film, units) = film();
    bencher.counter(ItemsCount::new(TICKS / TICKS_A_SECOND)).bench_local(|| {
        let mut selector = UnitSelector::exact(Arc::clone(&units), &MosaicConfig::default());
        let mut selected = Vec::new();
        black_box(&film).chunks_exact(DIMS).for_each(|target| selector.push(target, &mut selected));
        selector.finish(&mut selected);
        selected
    });
}

/// Ten seconds, every tick selected as many ticks later.
#[divan::bench(args = [0, 15, 150], sample_count = 5, sample_size = 1)]
fn live_selection_of_ten_seconds(bencher: Bencher<'_, '_>, delay: usize) {
    let (film, units) = film();
    bencher.counter(ItemsCount::new(10usize)).bench_local(|| {
        let mut selector = UnitSelector::lookahead(Arc::clone(&units), &MosaicConfig::default(), delay);
        let mut selected = Vec::new();
        for target in black_box(&film).chunks_exact(DIMS).take(10 * TICKS_A_SECOND) {
            selector.push(target, &mut selected);
        }
        selector.finish(&mut selected);
        selected
    });
}

/// A minute of sound that jumps every so many ticks.
#[divan::bench(args = [1, 10, 1000], consts = [1, 2], sample_count = 10, sample_size = 1)]
fn sound_of_a_minute_at_48000_hz<const CHANNELS: usize>(bencher: Bencher<'_, '_>, ticks_a_run: usize) {
    const SECONDS: usize = 60;
    let tick = FrameRate::new(TICKS_A_SECOND as u32, 1).expect("a rate");
    let grid = TickGrid { tick, rate: SampleRate::new(48_000).expect("a rate") };
    let units = 2000;
    let units_of_sound =
        UnitDescriptors::new(0, &[], &vec![-20.0; units], &vec![true; units]).expect("units");
    let frames = units * grid.block_len();
    let mut noise = noise();
    let sound = Sound {
        channels: CHANNELS,
        frames_a_unit: grid.block_len(),
        samples: (0..frames * CHANNELS).map(|_| noise()).collect(),
    };
    let mut mosaic = Mosaic::new(grid, Arc::new(units_of_sound), sound, &MosaicConfig::default());
    let mut out = vec![0.0; grid.block_len() * CHANNELS];
    bencher.counter(ItemsCount::new(SECONDS)).bench_local(|| {
        mosaic.reset();
        for i in 0..SECONDS * TICKS_A_SECOND {
            let start = i / ticks_a_run * 761 % (units - ticks_a_run);
            let unit = (start + i % ticks_a_run) as u32;
            mosaic.push(SelectedUnit { unit, loudness_db: -18.0, gate: 0.2 });
            while mosaic.ready() > 0 {
                mosaic.fill(black_box(&mut out));
            }
        }
    });
}

/// A minute, every tick with other gains; all of it comes at once, as where a selection is decided late.
#[divan::bench(consts = [1, 2], sample_count = 10, sample_size = 1)]
fn filter_of_a_minute_at_48000_hz<const CHANNELS: usize>(bencher: Bencher<'_, '_>) {
    const SECONDS: usize = 60;
    let tick = FrameRate::new(TICKS_A_SECOND as u32, 1).expect("a rate");
    let grid = TickGrid { tick, rate: SampleRate::new(48_000).expect("a rate") };
    let mut noise = noise();
    let sound: Vec<f32> = (0..SECONDS * 48_000 * CHANNELS).map(|_| noise()).collect();
    let mut bands = || std::array::from_fn::<f32, BANDS, _>(|_| noise());
    let targets: Vec<BandTarget> =
        (0..TICKS_A_SECOND).map(|_| BandTarget { there: bands(), wanted: bands(), rise: 9.0 }).collect();
    let mut out = vec![0.0; sound.len()];
    bencher.counter(ItemsCount::new(SECONDS)).bench_local(|| {
        let mut filter = BandMatcher::new(grid, CHANNELS, &BandMatcherConfig::default());
        for _ in 0..SECONDS {
            targets.iter().for_each(|target| filter.push(target));
        }
        filter.add(black_box(&sound));
        filter.fill(black_box(&mut out));
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
fn film() -> (Vec<f32>, Arc<UnitDescriptors>) {
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
    let units =
        UnitDescriptors::new(DIMS, &descriptors, &vec![-20.0; trained.len()], &continued).expect("units");
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
