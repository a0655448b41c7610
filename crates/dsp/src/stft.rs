//! Spectra: short-time Fourier transform and its inverse, power spectra, columns for pictures of sound,
//! spectra of pictures.
//!
//! Transforms are unscaled forwards: X\[k\] = Σ w\[n\] x\[n\] e^(−2πikn/N), k = 0..=N/2. Frame m of an
//! [`Stft`] is centred on sample m · hop, with silence assumed outside of the signal, so that a frame's place
//! in time needs no correction.

use crate::window::{Form, Window};
use realfft::num_complex::{Complex32, Complex64};
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Short-time Fourier transform of real signals and its inverse.
///
/// ```
/// use kinophone_dsp::stft::Stft;
/// use kinophone_dsp::window::Window;
///
/// let signal: Vec<f32> = (0..4000).map(|n| (0.1 * n as f32).sin()).collect();
/// let mut stft = Stft::new(1024, 256, Window::Hann)?;
/// let spectrogram = stft.forward(&signal);
/// assert_eq!(spectrogram.bins, 513);
/// let again = stft.inverse(&spectrogram, signal.len());
/// assert!(signal.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-5));
/// # Ok::<(), kinophone_dsp::stft::BadFrame>(())
/// ```
pub struct Stft {
    hop: usize,
    window: Vec<f32>,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    frame: Vec<f32>,
    scratch: Vec<Complex32>,
}

/// Two-dimensional Fourier transform of square pictures.
#[derive(Clone)]
pub struct PictureSpectrum {
    side: usize,
    forward: Arc<dyn RealToComplex<f32>>,
    line: Vec<f32>,
    rows: Vec<Complex32>,
    parts: [Vec<Complex32>; 2],
    scratch: Vec<Complex32>,
}

impl PictureSpectrum {
    /// A transform of `side × side` pixels; `side` is even.
    pub fn new(side: usize) -> Self {
        let forward = RealFftPlanner::new().plan_fft_forward(side);
        let half = || vec![Complex32::default(); side / 2 + 1];
        Self {
            side,
            line: vec![0.0; side],
            rows: vec![Complex32::default(); side * (side / 2 + 1)],
            parts: [half(), half()],
            scratch: vec![Complex32::default(); forward.get_scratch_len()],
            forward,
        }
    }

    /// Writes log(1 + |F|) of `picture` (row by row) to `out`, `[side, side / 2 + 1]`: row v holds the
    /// vertical frequencies 0, 1 … side / 2, −side / 2 + 1 … −1, column u the horizontal frequency u.
    pub fn log_magnitude(&mut self, picture: &[f32], out: &mut [f32]) {
        let (side, half) = (self.side, self.side / 2 + 1);
        for (row, out) in picture.chunks_exact(side).zip(self.rows.chunks_exact_mut(half)) {
            self.line.copy_from_slice(row);
            transform(&*self.forward, &mut self.line, out, &mut self.scratch);
        }
        for u in 0..half {
            // A column is complex: F = F(re) + i F(im), each of which is symmetric.
            for (part, take) in self.parts.iter_mut().zip([|c: Complex32| c.re, |c: Complex32| c.im]) {
                for (x, row) in self.line.iter_mut().zip(self.rows.chunks_exact(half)) {
                    *x = take(row[u]);
                }
                transform(&*self.forward, &mut self.line, part, &mut self.scratch);
            }
            for v in 0..side {
                let k = v.min(side - v);
                let [re, im] =
                    self.parts.each_ref().map(|part| if v < half { part[k] } else { part[k].conj() });
                out[v * half + u] = (re + Complex32::i() * im).norm().ln_1p();
            }
        }
    }
}

pub(crate) fn transform(
    forward: &dyn RealToComplex<f32>,
    line: &mut [f32],
    out: &mut [Complex32],
    scratch: &mut [Complex32],
) {
    forward.process_with_scratch(line, out, scratch).expect("lengths are those of the plan");
}

/// The frames of a short-time Fourier transform.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrogram {
    /// Bins a frame: size / 2 + 1.
    pub bins: usize,
    /// Frame after frame, `frames × bins`.
    pub data: Vec<Complex32>,
}

/// Sizes of frame and hop that make no invertible transform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a transform of {size} samples at a hop of {hop} can't be inverted: size must be even, hop at most half of it"
)]
pub struct BadFrame {
    size: usize,
    hop: usize,
}

impl Stft {
    /// A transform of `size` samples a frame (even), one frame every `hop` samples (at most half of `size`),
    /// under the periodic form of `window`.
    pub fn new(size: usize, hop: usize, window: Window) -> Result<Self, BadFrame> {
        if size < 2 || size % 2 == 1 || hop == 0 || hop > size / 2 {
            return Err(BadFrame { size, hop });
        }
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let scratch = vec![Complex32::default(); forward.get_scratch_len().max(inverse.get_scratch_len())];
        let window = window.coefficients(size, Form::Periodic);
        Ok(Self { hop, window, forward, inverse, frame: vec![0.0; size], scratch })
    }

    /// Number of frames that cover `samples`: one is centred on every multiple of the hop from 0 to beyond
    /// the last sample.
    pub fn frames(&self, samples: usize) -> usize {
        samples.div_ceil(self.hop) + 1
    }

    /// Samples a frame.
    pub fn size(&self) -> usize {
        self.window.len()
    }

    /// Samples from frame to frame.
    pub fn hop(&self) -> usize {
        self.hop
    }

    /// Bins a frame: size / 2 + 1.
    pub fn bins(&self) -> usize {
        self.window.len() / 2 + 1
    }

    /// The window of every frame.
    pub(crate) fn window(&self) -> &[f32] {
        &self.window
    }

    /// The window over N and over the sum of the squares of all windows that meet at a sample: y = Σ
    /// w·IDFT(X) / Σ w², as in [`Stft::inverse`], where no end is near.
    pub(crate) fn overlap_window(&self) -> Vec<f32> {
        let meeting =
            |n: usize| self.window.iter().skip(n % self.hop).step_by(self.hop).map(|w| w * w).sum::<f32>();
        self.window.iter().enumerate().map(|(n, w)| w / (meeting(n) * self.window.len() as f32)).collect()
    }

    /// The spectrum of the single frame of `size` samples in `samples`, without an allocation.
    pub(crate) fn analyse(&mut self, samples: impl Iterator<Item = f32>, spectrum: &mut [Complex32]) {
        self.frame.iter_mut().zip(samples).for_each(|(to, from)| *to = from);
        self.analyse_frame(spectrum);
    }

    /// N times the samples of one frame, not windowed; `spectrum` is used up. No allocation.
    pub(crate) fn synthesise(&mut self, spectrum: &mut [Complex32]) -> &[f32] {
        self.synthesise_frame(spectrum);
        &self.frame
    }

    fn analyse_frame(&mut self, spectrum: &mut [Complex32]) {
        self.frame.iter_mut().zip(&self.window).for_each(|(x, w)| *x *= w);
        self.forward
            .process_with_scratch(&mut self.frame, spectrum, &mut self.scratch)
            .expect("all lengths come from the plan");
    }

    fn synthesise_frame(&mut self, spectrum: &mut [Complex32]) {
        // The first and the last bin of a real signal are real; the transform refuses anything else.
        spectrum[0].im = 0.0;
        spectrum[self.window.len() / 2].im = 0.0;
        self.inverse
            .process_with_scratch(spectrum, &mut self.frame, &mut self.scratch)
            .expect("all lengths come from the plan");
    }

    /// All frames of `signal`.
    pub fn forward(&mut self, signal: &[f32]) -> Spectrogram {
        let (size, bins, frames) = (self.window.len(), self.window.len() / 2 + 1, self.frames(signal.len()));
        let mut data = vec![Complex32::default(); frames * bins];
        for (m, spectrum) in data.chunks_exact_mut(bins).enumerate() {
            copy_from(signal, (m * self.hop) as i64 - (size / 2) as i64, &mut self.frame);
            self.analyse_frame(spectrum);
        }
        Spectrogram { bins, data }
    }

    /// The signal of `samples` samples whose transform is nearest to `spectrogram` (exactly the original
    /// where it came from [`Stft::forward`]): y = Σ w·IDFT(X) / Σ w², Griffin and Lim, "Signal estimation
    /// from modified short-time Fourier transform", IEEE Trans. ASSP 32 (1984), equation 6. Missing frames
    /// count as silence.
    pub fn inverse(&mut self, spectrogram: &Spectrogram, samples: usize) -> Vec<f32> {
        let size = self.window.len();
        let (mut sum, mut weight) = (vec![0.0f32; samples], vec![0.0f32; samples]);
        let mut spectrum = self.forward.make_output_vec();
        for m in 0..self.frames(samples) {
            spectrum.fill(Complex32::default());
            if let Some(given) = spectrogram.data.get(m * spectrogram.bins..(m + 1) * spectrogram.bins) {
                spectrum.iter_mut().zip(given).for_each(|(to, from)| *to = *from);
            }
            self.synthesise_frame(&mut spectrum);
            let first = (m * self.hop) as i64 - (size / 2) as i64;
            let skip = (-first).max(0) as usize;
            let from = (first.max(0) as usize).min(samples);
            for (k, (y, e)) in (skip..size).zip(sum[from..].iter_mut().zip(&mut weight[from..])) {
                *y += self.frame[k] * self.window[k] / size as f32;
                *e += self.window[k] * self.window[k];
            }
        }
        sum.iter().zip(&weight).map(|(y, e)| if *e > 1e-9 { y / e } else { 0.0 }).collect()
    }
}

/// Copies from `signal`, beginning at `first` (which may lie outside), silence where the signal has no
/// samples.
fn copy_from(signal: &[f32], first: i64, out: &mut [f32]) {
    for (k, y) in out.iter_mut().enumerate() {
        *y = usize::try_from(first + k as i64).ok().and_then(|n| signal.get(n)).copied().unwrap_or(0.0);
    }
}

/// Power spectra of single frames in double precision, for metrics and pictures.
pub struct PowerSpectrum {
    window: Vec<f64>,
    transform: Arc<dyn RealToComplex<f64>>,
    frame: Vec<f64>,
    spectrum: Vec<Complex64>,
    scratch: Vec<Complex64>,
    power: Vec<f64>,
}

impl PowerSpectrum {
    /// Spectra of frames of `size` samples (at least 1) under `window`.
    pub fn new(size: usize, window: Window, form: Form) -> Self {
        let transform = RealFftPlanner::new().plan_fft_forward(size.max(1));
        Self {
            window: window.coefficients_f64(size.max(1), form),
            frame: transform.make_input_vec(),
            spectrum: transform.make_output_vec(),
            scratch: transform.make_scratch_vec(),
            power: vec![0.0; size.max(1) / 2 + 1],
            transform,
        }
    }

    /// The powers |X\[k\]|² for k = 0..=size/2 of the frame whose first sample is `first`, silence outside of
    /// the signal.
    pub fn of(&mut self, signal: &[f32], first: i64) -> &[f64] {
        for (k, (x, w)) in self.frame.iter_mut().zip(&self.window).enumerate() {
            let sample = usize::try_from(first + k as i64).ok().and_then(|n| signal.get(n));
            *x = sample.map_or(0.0, |s| f64::from(*s) * w);
        }
        self.transform
            .process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch)
            .expect("all lengths come from the plan");
        self.power.iter_mut().zip(&self.spectrum).for_each(|(p, x)| *p = x.norm_sqr());
        &self.power
    }

    /// The power |X|² of a full-scale sine in the middle of a bin: (Σ w / 2)².
    pub fn full_scale(&self) -> f64 {
        (self.window.iter().sum::<f64>() / 2.0).powi(2)
    }
}

/// Picture of a signal's spectrum: `columns` columns of size / 2 + 1 levels each, low frequencies first, in
/// dB relative to a full-scale sine, at least `floor_db`.
///
/// Column c covers the c-th part of the signal; its power is the mean over up to eight Hann frames spread
/// over that part, so that a long film needs no more work than a short one with as many columns.
pub fn power_columns(signal: &[f32], size: usize, columns: usize, floor_db: f32) -> Vec<f32> {
    const MAX_FRAMES: usize = 8;
    let mut spectrum = PowerSpectrum::new(size, Window::Hann, Form::Periodic);
    let full_scale = spectrum.full_scale();
    let mut picture = Vec::with_capacity(columns * (size / 2 + 1));
    for c in 0..columns {
        let (from, to) = (c * signal.len() / columns, (c + 1) * signal.len() / columns);
        let frames = ((to - from) / (size / 2).max(1)).clamp(1, MAX_FRAMES);
        let mut mean = vec![0.0; size / 2 + 1];
        for f in 0..frames {
            let centre = from + (2 * f + 1) * (to - from) / (2 * frames);
            let power = spectrum.of(signal, centre as i64 - (size / 2) as i64);
            mean.iter_mut().zip(power).for_each(|(m, p)| *m += p / frames as f64);
        }
        picture
            .extend(mean.iter().map(|p| (10.0 * (p / full_scale).log10()).max(f64::from(floor_db)) as f32));
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mel::{MelBank, mel};
    use crate::tick_rng::TickRng;
    use crate::units::SampleRate;
    use std::f64::consts::PI;

    fn noise(n: usize) -> Vec<f32> {
        let mut rng = TickRng::new(7, 0);
        (0..n).map(|_| rng.between(-1.0, 1.0) as f32).collect()
    }

    #[test]
    fn forward_and_inverse_give_the_signal_back() {
        for (size, hop, window) in [
            (1024, 256, Window::Hann),
            (2048, 735, Window::Hann),
            (512, 256, Window::Bartlett),
            (600, 200, Window::Gaussian { sigma: 0.2 }),
        ] {
            let x = noise(5000);
            let mut stft = Stft::new(size, hop, window).unwrap();
            let spectrogram = stft.forward(&x);
            let y = stft.inverse(&spectrogram, x.len());
            let worst = x.iter().zip(&y).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 2e-6, "{size}/{hop}: {worst}");
        }
    }

    #[test]
    fn a_frame_is_the_discrete_fourier_transform_by_definition() {
        let (size, hop) = (96, 32);
        let x = noise(300);
        let s = Stft::new(size, hop, Window::Hann).unwrap().forward(&x);
        for m in [0usize, 4, 9] {
            for k in [0usize, 1, 17, 48] {
                let mut sum = Complex64::default();
                for n in 0..size {
                    let at = (m * hop + n) as i64 - 48;
                    let sample = if (0..300).contains(&at) { f64::from(x[at as usize]) } else { 0.0 };
                    let w = 0.5 - 0.5 * (2.0 * PI * n as f64 / size as f64).cos();
                    sum += Complex64::from_polar(w * sample, -2.0 * PI * (k * n) as f64 / size as f64);
                }
                let got = s.data[m * s.bins + k];
                assert!(
                    (f64::from(got.re) - sum.re).abs() < 2e-5 && (f64::from(got.im) - sum.im).abs() < 2e-5
                );
            }
        }
    }

    #[test]
    fn frames_that_can_not_be_inverted_are_refused() {
        for (size, hop) in [(0, 1), (1, 1), (33, 8), (64, 0), (64, 33)] {
            assert!(Stft::new(size, hop, Window::Hann).is_err());
        }
    }

    #[test]
    fn power_agrees_with_parseval() {
        let x = noise(2048);
        let mut spectrum = PowerSpectrum::new(2048, Window::Tukey { taper: 0.0 }, Form::Periodic);
        let power = spectrum.of(&x, 0);
        let both_sides = power[0] + power[1024] + 2.0 * power[1..1024].iter().sum::<f64>();
        let energy: f64 = x.iter().map(|v| f64::from(*v).powi(2)).sum();
        assert!((both_sides / 2048.0 / energy - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_sine_lies_in_its_mel_band_and_its_row_at_its_level() {
        let rate = SampleRate::new(22_050).unwrap();
        let x: Vec<f32> =
            (0..22_050).map(|n| (0.5 * (2.0 * PI * 1033.59375 * n as f64 / 22_050.0).sin()) as f32).collect();
        let bank = MelBank::new(rate, 2048, 64, 30.0, 11_025.0);
        let mut spectrum = PowerSpectrum::new(2048, Window::Hann, Form::Symmetric);
        let bands: Vec<f64> = bank.apply(spectrum.of(&x, 4000)).collect();
        let loudest = (0..64).max_by(|a, b| bands[*a].total_cmp(&bands[*b])).unwrap();
        let width = (mel(11_025.0) - mel(30.0)) / 65.0;
        let expected = ((mel(1033.6) - mel(30.0)) / width - 1.0).round() as usize;
        assert_eq!(loudest, expected);

        let picture = power_columns(&x, 2048, 10, -120.0);
        assert_eq!(picture.len(), 10 * 1025);
        let column = &picture[5 * 1025..6 * 1025];
        // 1033.59375 Hz is the middle of bin 96.
        assert!((column[96] + 6.0206).abs() < 0.01, "{}", column[96]);
        assert!(column[500] < -100.0);
        assert!(power_columns(&[], 2048, 3, -90.0).iter().all(|db| *db == -90.0));
    }

    #[test]
    fn a_pictures_spectrum_is_that_of_the_definition() {
        const SIDE: usize = 8;
        let picture: Vec<f32> = (0..SIDE * SIDE).map(|i| ((i * 37 % 29) as f32 * 0.3).sin()).collect();
        let mut out = vec![0.0; SIDE * (SIDE / 2 + 1)];
        PictureSpectrum::new(SIDE).log_magnitude(&picture, &mut out);
        for v in 0..SIDE {
            for u in 0..=SIDE / 2 {
                let sum: Complex64 = (0..SIDE * SIDE)
                    .map(|i| {
                        let turn = (u * (i % SIDE) + v * (i / SIDE)) as f64 / SIDE as f64;
                        Complex64::from_polar(f64::from(picture[i]), -std::f64::consts::TAU * turn)
                    })
                    .sum();
                let found = f64::from(out[v * (SIDE / 2 + 1) + u]);
                assert!((found - sum.norm().ln_1p()).abs() < 1e-5, "{u} {v}: {found}");
            }
        }
    }
}
