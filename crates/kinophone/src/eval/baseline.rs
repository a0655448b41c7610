//! Baseline soundtracks that a brain should surpass.

use crate::brain::Brain;
use crate::eval::sound::{CHUNK_FRAMES, measure_rate};
use kinophone_dsp::resample::Resampler;
use kinophone_dsp::stft::{PowerSpectrum, Spectrogram, Stft};
use kinophone_dsp::window::{Form, Window};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use realfft::num_complex::Complex32;
use std::f32::consts::TAU;
use std::ops::Range;

/// Samples of a transform at the rate of measurement: 93 ms.
const TRANSFORM_SIZE: usize = 2048;
const HOP: usize = TRANSFORM_SIZE / 2;
/// Seconds after which the noise repeats, inaudibly, so that memory does not grow.
const NOISE_PERIOD_SECS: usize = 60;
/// Ticks of the training sound that are read at a time.
const CHUNK_TICKS: usize = 512;

/// The evaluated parts of a sound, shifted against their pictures by half of their total length; the rest
/// stays.
pub(crate) fn rolled(sound: &[f32], parts: &[Range<usize>]) -> Vec<f32> {
    let inside = |range: &Range<usize>| range.start.min(sound.len())..range.end.min(sound.len());
    let places: Vec<usize> = parts.iter().flat_map(inside).collect();
    let mut rolled = sound.to_vec();
    let half = places.len() / 2;
    for (k, place) in places.iter().enumerate() {
        rolled[*place] = sound[places[(k + half) % places.len()]];
    }
    rolled
}

/// Mean spectrum and level of a sound: power of every bin of a transform, and mean square of a sample.
pub(crate) struct MeanSound {
    powers: Vec<f64>,
    square: f64,
}

/// The mean of the sound that the brain was trained on where it carries it, else of `fallback`, mono at the
/// rate of measurement.
pub(crate) fn mean_sound(brain: &Brain, fallback: &[f32]) -> MeanSound {
    let Brain::Ensemble(ensemble) = brain else { return MeanSound::of(fallback) };
    let Some((material, _)) = ensemble.training_audio() else { return MeanSound::of(fallback) };
    let (channels, grid) = (material.config().channels as usize, material.grid());
    let units = material.config().units();
    let mut resampler = Resampler::new(grid.rate, measure_rate());
    let (mut sound, mut sums, mut block) = (Vec::new(), MeanSoundSums::new(), Vec::new());
    for first in (0..units).step_by(CHUNK_TICKS) {
        let mut mixed = Vec::new();
        for unit in first..units.min(first + CHUNK_TICKS) {
            block.resize(grid.block_len() * channels, 0.0);
            material.read(unit, 0, &mut block);
            mixed.extend(
                block.chunks_exact(channels).map(|f| f.iter().sum::<f32>() / (channels as f32).sqrt()),
            );
        }
        resampler.push(&mixed, &mut sound);
        sums.add(&mut sound);
    }
    resampler.finish(&mut sound);
    sums.add(&mut sound);
    sums.finish()
}

impl MeanSound {
    fn of(sound: &[f32]) -> Self {
        let mut sums = MeanSoundSums::new();
        for part in sound.chunks(CHUNK_FRAMES) {
            sums.add(&mut part.to_vec());
        }
        sums.finish()
    }
}

/// Sums of spectra and squares.
struct MeanSoundSums {
    spectrum: PowerSpectrum,
    powers: Vec<f64>,
    squares: f64,
    samples: usize,
}

impl MeanSoundSums {
    fn new() -> Self {
        let spectrum = PowerSpectrum::new(TRANSFORM_SIZE, Window::Hann, Form::Periodic);
        Self { spectrum, powers: vec![0.0; TRANSFORM_SIZE / 2 + 1], squares: 0.0, samples: 0 }
    }

    /// Adds a part of a sound and empties it; frames do not reach from one part into the next.
    fn add(&mut self, sound: &mut Vec<f32>) {
        for first in (0..sound.len()).step_by(HOP) {
            let powers = self.spectrum.of(sound, first as i64);
            self.powers.iter_mut().zip(powers).for_each(|(sum, power)| *sum += power);
        }
        self.squares += sound.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        self.samples += sound.len();
        sound.clear();
    }

    fn finish(self) -> MeanSound {
        MeanSound { powers: self.powers, square: self.squares / self.samples.max(1) as f64 }
    }
}

/// Noise with that spectrum and level: every frame of a transform has the mean's amplitudes and random
/// phases.
pub(crate) fn noise(mean: &MeanSound, samples: usize) -> Vec<f32> {
    let period = samples.min(NOISE_PERIOD_SECS * measure_rate().hz() as usize);
    let mut stft = Stft::new(TRANSFORM_SIZE, HOP, Window::Hann).expect("constants that fit");
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let amplitudes: Vec<f32> = mean.powers.iter().map(|power| power.sqrt() as f32).collect();
    let frames = stft.frames(period);
    let data = (0..frames)
        .flat_map(|_| &amplitudes)
        .map(|amplitude| Complex32::from_polar(*amplitude, TAU * random.random::<f32>()))
        .collect();
    let mut sound = stft.inverse(&Spectrogram { bins: stft.bins(), data }, period);
    let square = sound.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / period.max(1) as f64;
    let gain = if square > 0.0 { (mean.square / square).sqrt() as f32 } else { 0.0 };
    sound.iter_mut().for_each(|x| *x *= gain);
    (0..samples).map(|n| sound[n % period]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluated_parts_are_shifted_and_the_rest_stays() {
        let sound: Vec<f32> = (0..10).map(|n| n as f32).collect();
        assert_eq!(rolled(&sound, &[1..3, 6..8]), [0.0, 6.0, 7.0, 3.0, 4.0, 5.0, 1.0, 2.0, 8.0, 9.0]);
        assert_eq!(rolled(&sound, &[0..4, 4..10])[..3], [5.0, 6.0, 7.0]);
        assert_eq!(rolled(&sound, &[]), sound);
    }

    #[test]
    fn noise_has_the_mean_spectrum_and_level() {
        let rate = measure_rate().hz() as f32;
        let sound: Vec<f32> =
            (0..5 * rate as usize).map(|n| 0.1 * (TAU * 1000.0 * n as f32 / rate).sin()).collect();
        let noise = noise(&MeanSound::of(&sound), 3 * rate as usize);
        let level = noise.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / noise.len() as f64;
        assert!((10.0 * (level / 0.005).log10()).abs() < 0.01, "{level}");
        let spectrum = MeanSound::of(&noise);
        let bin = |hz: f32| (hz * TRANSFORM_SIZE as f32 / rate).round() as usize;
        let near: f64 = spectrum.powers[bin(950.0)..=bin(1050.0)].iter().sum();
        assert!(near / spectrum.powers.iter().sum::<f64>() > 0.99);
        // It is not a tone: its phase is not that of the next second.
        let second = rate as usize;
        let (a, b) = (&noise[..second], &noise[second..2 * second]);
        let product: f64 = a.iter().zip(b).map(|(x, y)| f64::from(x * y)).sum();
        assert!(product.abs() / (level * second as f64) < 0.9);
    }
}
