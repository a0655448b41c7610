//! The codec of frames: between sound and the row of numbers that a classic brain predicts for one picture.
//!
//! | format | numbers a tick | of |
//! |---|---|---|
//! | [`FrameFormat::Pcm`] | samples | a block: the samples from [`block_start`] on, as many as the brain's hops hold |
//! | [`FrameFormat::Stft`] | magnitudes | a frame: about as many samples in the middle of the tick, under a Hann window |
//! | [`FrameFormat::StftPhase`] | magnitudes, then phases | the block, under no window |
//!
//! All are scaled so that a row of a sound's samples or magnitudes has the mean square of that sound: with B
//! bins of a transform of N samples under a window w, bin k is |X\[k\]| √(c B / (N Σ w²)), where c is 2 for
//! bins that stand for their mirror images, too, and 1 for the others (Parseval). So errors and levels of all
//! three can be compared.

use crate::frames::frame_synth::block_start;
use crate::units::TickGrid;
use crate::window::{Form, Window};
use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Samples of the shortest and the longest frame of [`FrameFormat::Stft`].
const STFT_SIZES: [usize; 2] = [128, 8192];
/// Number in a row for half a turn of phase. Pictures hardly determine phases; were their errors larger than
/// this, those of the magnitudes would drown in them.
const HALF_TURN: f32 = 0.1;

/// Meaning of the numbers of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrameFormat {
    /// Samples.
    #[default]
    Pcm,
    /// Magnitudes of a frame; its phases are made when it is played.
    Stft,
    /// Magnitudes and phases of a block, which is played like samples.
    StftPhase,
}

impl FrameFormat {
    /// Numbers a tick for `hops` hops, at most `usize::MAX`.
    pub fn numbers(self, grid: TickGrid, hops: usize) -> usize {
        let samples = self.samples(grid, hops);
        match self {
            Self::Pcm => samples,
            Self::Stft => samples / 2 + 1,
            Self::StftPhase => (samples / 2 + 1).saturating_mul(2),
        }
    }

    /// Samples that a row describes: a block of `hops` hops, or (of [`FrameFormat::Stft`]) a frame of the
    /// next power of two, 128 to 8192, as transforms of 2015 had it: 1024 at 22 050 Hz and 30 ticks a second.
    pub fn samples(self, grid: TickGrid, hops: usize) -> usize {
        let block = grid.block_len().saturating_mul(hops);
        match self {
            Self::Stft => {
                block.checked_next_power_of_two().unwrap_or(usize::MAX).clamp(STFT_SIZES[0], STFT_SIZES[1])
            }
            Self::Pcm | Self::StftPhase => block,
        }
    }

    /// Position in the film's sound of the first of those samples, for tick `tick`.
    pub fn first_sample(self, grid: TickGrid, hops: usize, tick: i64) -> i64 {
        match self {
            Self::Stft => {
                let middle = grid.start_sample(tick) + grid.span(tick) as i64 / 2;
                middle - self.samples(grid, hops) as i64 / 2
            }
            Self::Pcm | Self::StftPhase => block_start(grid, hops, tick),
        }
    }
}

/// Encodes sound as rows of numbers and decodes them. A clone shares its tables.
#[derive(Clone)]
pub struct FrameCodec {
    format: FrameFormat,
    grid: TickGrid,
    hops: usize,
    transform: Option<Transform>,
}

#[derive(Clone)]
struct Transform {
    window: Arc<[f32]>,
    /// Factor of |X| in every bin.
    scale: Arc<[f32]>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    frame: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl FrameCodec {
    /// A codec of blocks of `hops` hops (1 or 2) on `grid`.
    pub fn new(format: FrameFormat, grid: TickGrid, hops: usize) -> Self {
        let size = format.samples(grid, hops).max(1);
        let transform = match format {
            FrameFormat::Pcm => None,
            FrameFormat::Stft => Some(Transform::new(Window::Hann.coefficients(size, Form::Periodic))),
            FrameFormat::StftPhase => Some(Transform::new(vec![1.0; size])),
        };
        Self { format, grid, hops, transform }
    }

    /// The format of rows.
    pub fn format(&self) -> FrameFormat {
        self.format
    }

    /// Numbers in a row.
    pub fn numbers(&self) -> usize {
        self.format.numbers(self.grid, self.hops)
    }

    /// Samples that a row describes.
    pub fn samples(&self) -> usize {
        self.format.samples(self.grid, self.hops)
    }

    /// Position in the film's sound of the first of them.
    pub fn first_sample(&self, tick: i64) -> i64 {
        self.format.first_sample(self.grid, self.hops, tick)
    }

    /// Writes the row of a sound of [`FrameCodec::samples`] samples to `row`, `[numbers]`.
    pub fn encode(&mut self, sound: &[f32], row: &mut [f32]) {
        let Some(transform) = &mut self.transform else { return row.copy_from_slice(sound) };
        transform.analyse(sound);
        let bins = transform.scale.len();
        let spectrum = transform.spectrum.iter();
        for ((number, x), scale) in row.iter_mut().zip(spectrum.clone()).zip(&*transform.scale) {
            *number = x.norm() * scale;
        }
        for (number, x) in row.iter_mut().skip(bins).zip(spectrum) {
            *number = HALF_TURN * x.arg() / std::f32::consts::PI;
        }
    }

    /// Writes the block of a row of samples, or of magnitudes and phases, to `block`, `[samples]`. Magnitudes
    /// alone have none, and give silence.
    pub fn decode(&mut self, row: &[f32], block: &mut [f32]) {
        match (&mut self.transform, self.format) {
            (Some(transform), FrameFormat::StftPhase) => transform.synthesise(row, block),
            (None, _) => block.copy_from_slice(row),
            (Some(_), _) => block.fill(0.0),
        }
    }

    /// Turns a row of magnitudes into the |X| of its frame, in place, and returns its level in dB of its mean
    /// square. Numbers below 0, which are no magnitudes, count as 0.
    pub fn magnitudes(&self, row: &mut [f32]) -> f32 {
        row.iter_mut().for_each(|number| *number = number.max(0.0));
        let mean = row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / row.len().max(1) as f64;
        if let Some(transform) = &self.transform {
            row.iter_mut().zip(&*transform.scale).for_each(|(number, scale)| *number /= scale);
        }
        (10.0 * mean.log10()) as f32
    }
}

impl Transform {
    fn new(window: Vec<f32>) -> Self {
        let size = window.len();
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let power: f32 = window.iter().map(|w| w * w).sum();
        let bins = size / 2 + 1;
        let scale = |k: usize| {
            let twice = if k == 0 || 2 * k == size { 1.0 } else { 2.0 };
            (twice * bins as f32 / (size as f32 * power)).sqrt()
        };
        Self {
            scale: (0..bins).map(scale).collect(),
            window: window.into(),
            frame: forward.make_input_vec(),
            spectrum: forward.make_output_vec(),
            scratch: vec![Complex32::default(); forward.get_scratch_len().max(inverse.get_scratch_len())],
            forward,
            inverse,
        }
    }

    fn analyse(&mut self, sound: &[f32]) {
        for ((x, sample), w) in self.frame.iter_mut().zip(sound).zip(&*self.window) {
            *x = sample * w;
        }
        self.forward
            .process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch)
            .expect("all lengths come from the plan");
    }

    /// x\[n\] = Re IDFT of the bins of `row`, magnitudes first. A negative magnitude is one in the opposite
    /// phase.
    fn synthesise(&mut self, row: &[f32], block: &mut [f32]) {
        let (size, bins) = (self.frame.len(), self.scale.len());
        let (magnitudes, phases) = row.split_at(bins.min(row.len()));
        for (((x, m), p), scale) in self.spectrum.iter_mut().zip(magnitudes).zip(phases).zip(&*self.scale) {
            *x = Complex32::from_polar(m / scale, p / HALF_TURN * std::f32::consts::PI) / size as f32;
        }
        // The first bin of a real signal is real, and so is the last one of an even number of samples.
        self.spectrum[0].im = 0.0;
        if size % 2 == 0 {
            self.spectrum[size / 2].im = 0.0;
        }
        self.inverse
            .process_with_scratch(&mut self.spectrum, &mut self.frame, &mut self.scratch)
            .expect("all lengths come from the plan");
        block.copy_from_slice(&self.frame);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tick_rng::TickRng;
    use crate::units::SampleRate;

    fn grid(tick: &str) -> TickGrid {
        TickGrid { tick: tick.parse().unwrap(), rate: SampleRate::new(22_050).unwrap() }
    }

    fn noise(samples: usize) -> Vec<f32> {
        let mut rng = TickRng::new(5, 5);
        (0..samples).map(|_| rng.between(-0.5, 0.5) as f32).collect()
    }

    fn row(codec: &mut FrameCodec, sound: &[f32]) -> Vec<f32> {
        let mut row = vec![0.0; codec.numbers()];
        codec.encode(sound, &mut row);
        row
    }

    fn mean_square(x: &[f32]) -> f64 {
        x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / x.len() as f64
    }

    #[test]
    fn rows_have_the_sizes_and_places_of_2015() {
        let g = grid("30");
        let all = [FrameFormat::Pcm, FrameFormat::Stft, FrameFormat::StftPhase].map(|format| {
            [1, 2].map(|hops| {
                (format.numbers(g, hops), format.samples(g, hops), format.first_sample(g, hops, 2))
            })
        });
        assert_eq!(all[0], [(735, 735, 1470), (1470, 1470, 1470 - 367)]);
        assert_eq!(all[1], [(513, 1024, 1470 + 367 - 512), (1025, 2048, 1470 + 367 - 1024)]);
        assert_eq!(all[2], [(736, 735, 1470), (1472, 1470, 1470 - 367)]);
        assert_eq!(FrameFormat::Stft.samples(grid("1"), 1), 8192);
        assert!(
            FrameFormat::Pcm.numbers(g, usize::MAX) == usize::MAX
                && FrameFormat::Stft.numbers(g, usize::MAX) == 4097
        );
    }

    #[test]
    fn magnitudes_and_phases_are_the_block() {
        // Odd, even, and 24000/1001.
        for (tick, hops) in [("30", 1), ("30", 2), ("24000/1001", 1)] {
            let mut codec = FrameCodec::new(FrameFormat::StftPhase, grid(tick), hops);
            let sound = noise(codec.samples());
            let row = row(&mut codec, &sound);
            let bins = codec.samples() / 2 + 1;
            assert!((mean_square(&row[..bins]) / mean_square(&sound) - 1.0).abs() < 1e-5, "{tick}");
            let widest = row[bins..].iter().fold(0.0f32, |a, x| a.max(x.abs()));
            assert!((0.09..=0.100_001).contains(&widest), "{widest}");
            let mut block = vec![0.0; sound.len()];
            codec.decode(&row, &mut block);
            let error = block.iter().zip(&sound).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(error < 1e-5, "{tick}, {hops} hops: {error}");
        }
    }

    #[test]
    fn magnitudes_of_a_sine_have_its_frequency_and_level() {
        let mut codec = FrameCodec::new(FrameFormat::Stft, grid("30"), 1);
        let sine: Vec<f32> =
            (0..1024).map(|n| 0.4 * (std::f32::consts::TAU * 50.0 * n as f32 / 1024.0).sin()).collect();
        let mut row = row(&mut codec, &sine);
        let top = (0..513).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap();
        assert_eq!(top, 50);
        let db = codec.magnitudes(&mut row);
        assert!((db - 10.0 * 0.08f32.log10()).abs() < 0.01, "{db} dB");
        // Σ w / 2 of the amplitude.
        assert!((row[50] - 0.4 * 256.0).abs() < 0.1, "{}", row[50]);
        let mut below = vec![-1.0; 513];
        assert_eq!((codec.magnitudes(&mut below), below.iter().sum::<f32>()), (f32::NEG_INFINITY, 0.0));
    }

    #[test]
    fn samples_stay_as_they_are() {
        let mut codec = FrameCodec::new(FrameFormat::Pcm, grid("30"), 1);
        let sound = noise(735);
        let encoded = row(&mut codec, &sound);
        let mut block = vec![0.0; 735];
        codec.decode(&encoded, &mut block);
        assert!(encoded == sound && block == sound);
    }
}
