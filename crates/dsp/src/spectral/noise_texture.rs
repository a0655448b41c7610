//! The roughness of natural spectra: the magnitudes of a noise.

use crate::stft::Stft;
use crate::tick_rng::TickRng;
use realfft::num_complex::Complex32;

/// Separates the noise's random numbers from those of phases under the same seed.
const NOISE_KEY: u64 = 0x6e6f_6973_6500_0000;

/// Magnitudes of the frames of an endless white noise, which make smooth ones rough in the way that frames of
/// one and the same sound are: neighbours in time and frequency belong together.
pub(crate) struct NoiseTexture {
    amount: f32,
    seed: u64,
    hop: usize,
    frame: u64,
    noise: Vec<f32>,
}

impl NoiseTexture {
    /// `amount` 0 leaves magnitudes as they are, 1 multiplies them with the noise's, in between with a power
    /// of it.
    pub(crate) fn new(size: usize, hop: usize, amount: f32, seed: u64) -> Self {
        Self { amount, seed: seed ^ NOISE_KEY, hop, frame: 0, noise: vec![0.0; size] }
    }

    /// Makes the magnitudes of the next frame rough; their expected squares stay at `amount` 0 and 1.
    /// `spectrum` is used up.
    pub(crate) fn roughen(&mut self, stft: &mut Stft, spectrum: &mut [Complex32], magnitudes: &mut [f32]) {
        if self.amount == 0.0 {
            return;
        }
        let mut rng = TickRng::new(self.seed, self.frame);
        let size = self.noise.len();
        let keep = if self.frame == 0 { 0 } else { size - self.hop };
        self.noise.copy_within(size - keep.., 0);
        self.noise[keep..].iter_mut().for_each(|x| *x = white(&mut rng));
        self.frame += 1;
        stft.analyse(self.noise.iter().copied(), spectrum);
        let power: f32 = stft.window().iter().map(|w| w * w).sum();
        for (magnitude, x) in magnitudes.iter_mut().zip(spectrum) {
            let rough = x.norm_sqr() / power;
            *magnitude *= if self.amount == 1.0 { rough.sqrt() } else { rough.powf(0.5 * self.amount) };
        }
    }

    /// Back to the first frame.
    pub(crate) fn reset(&mut self) {
        self.frame = 0;
    }
}

/// `samples` samples of a white noise of mean square 1, of the same seed but not the same as the texture's.
pub(crate) fn noise(seed: u64, samples: usize) -> Vec<f32> {
    let mut rng = TickRng::new(seed ^ NOISE_KEY, u64::MAX);
    (0..samples).map(|_| white(&mut rng)).collect()
}

fn white(rng: &mut TickRng) -> f32 {
    let peak = 3f64.sqrt();
    rng.between(-peak, peak) as f32
}
