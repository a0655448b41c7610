//! Pitch detection, with a confidence.
//!
//! By the normalised square difference of P. McLeod and G. Wyvill, "A smarter way to find pitch", ICMC 2005:
//! for every lag τ n(τ) = 2 Σ x_j x_{j+τ} / Σ (x_j² + x_{j+τ}²), which is 1 where the frame repeats itself
//! exactly. The pitch is the first of its peaks between zero crossings that comes near the highest one, so
//! that neither a harmonic nor twice the period wins.

use crate::units::SampleRate;
use realfft::num_complex::Complex64;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// The lowest and the highest pitch that can be found, in Hz.
const LOWEST_HZ: f64 = 50.0;
const HIGHEST_HZ: f64 = 4200.0;
/// Share of the highest peak from which on a peak counts (McLeod and Wyvill, section 5: 0.8 to 1).
const PEAK_SHARE: f64 = 0.9;
/// Mean square below which nothing has a pitch: −80 dB.
const SILENCE_POWER: f64 = 1e-8;

/// A fundamental frequency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pitch {
    /// In Hz; 0 where there is none.
    pub hz: f64,
    /// Self-similarity of the frame at that period, 0 to 1: above 0.9 for a tone, about 0.3 for noise.
    pub confidence: f64,
}

/// Finds the pitch of frames of one length.
pub struct PitchFinder {
    rate: SampleRate,
    size: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    /// The frame, followed by as many zeros; then its autocorrelation.
    frame: Vec<f64>,
    spectrum: Vec<Complex64>,
    scratch: Vec<Complex64>,
    similarity: Vec<f64>,
}

impl PitchFinder {
    /// A finder for frames of `size` samples; the period of the lowest pitch is at most half a frame.
    pub fn new(rate: SampleRate, size: usize) -> Self {
        let size = size.max(4);
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(2 * size), planner.plan_fft_inverse(2 * size));
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Self {
            rate,
            size,
            frame: vec![0.0; 2 * size],
            spectrum: forward.make_output_vec(),
            scratch: vec![Complex64::default(); scratch],
            similarity: vec![0.0; size / 2 + 1],
            forward,
            inverse,
        }
    }

    /// The pitch of the frame whose first sample is `first`; silence outside of the signal.
    pub fn of(&mut self, signal: &[f32], first: i64) -> Pitch {
        for (k, x) in self.frame[..self.size].iter_mut().enumerate() {
            let sample = usize::try_from(first + k as i64).ok();
            *x = sample.and_then(|n| signal.get(n)).map_or(0.0, |s| f64::from(*s));
        }
        let energy: f64 = self.frame[..self.size].iter().map(|x| x * x).sum();
        if energy.is_nan() || energy <= SILENCE_POWER * self.size as f64 {
            return Pitch::default();
        }
        self.compute_similarity(energy);
        let rate = f64::from(self.rate.hz());
        let shortest = ((rate / HIGHEST_HZ) as usize).max(2);
        let longest = ((rate / LOWEST_HZ) as usize).min(self.size / 2 - 1);
        let peaks = self.peaks(longest);
        let highest = peaks.iter().map(|(_, height)| *height).fold(0.0, f64::max);
        let first =
            peaks.iter().find(|(lag, height)| *height >= PEAK_SHARE * highest && *lag >= shortest as f64);
        first.map_or(Pitch::default(), |(lag, height)| Pitch {
            hz: rate / lag,
            confidence: height.clamp(0.0, 1.0),
        })
    }

    /// n(τ) for τ up to half a frame.
    fn compute_similarity(&mut self, energy: f64) {
        let size = self.size;
        // Both ends of Σ x_j² + x_{j+τ}², taken off as τ grows.
        let mut both = 2.0 * energy;
        self.similarity[0] = 1.0;
        let sums: Vec<f64> = (1..self.similarity.len())
            .map(|lag| {
                both -= self.frame[lag - 1].powi(2) + self.frame[size - lag].powi(2);
                both
            })
            .collect();
        self.frame[size..].fill(0.0);
        let planned = "all lengths come from the plan";
        let Self { forward, inverse, frame, spectrum, scratch, similarity, .. } = self;
        forward.process_with_scratch(frame, spectrum, scratch).expect(planned);
        spectrum.iter_mut().for_each(|x| *x = Complex64::new(x.norm_sqr(), 0.0));
        inverse.process_with_scratch(spectrum, frame, scratch).expect(planned);
        for ((n, correlation), sum) in similarity[1..].iter_mut().zip(&frame[1..]).zip(sums) {
            let correlation = correlation / (2 * size) as f64;
            *n = if sum > f64::MIN_POSITIVE { 2.0 * correlation / sum } else { 0.0 };
        }
    }

    /// The highest point between each rise above zero and the next fall below it, interpolated by a parabola:
    /// lag and height.
    fn peaks(&self, longest: usize) -> Vec<(f64, f64)> {
        let n = &self.similarity[..=longest];
        let mut peaks = Vec::new();
        // The peak at lag 0 is no period.
        let mut lag = n.iter().position(|x| *x < 0.0).unwrap_or(n.len());
        while lag < n.len() {
            let Some(rise) = n[lag..].iter().position(|x| *x > 0.0).map(|k| lag + k) else { break };
            let fall = n[rise..].iter().position(|x| *x < 0.0).map_or(n.len(), |k| rise + k);
            let peak = (rise..fall).fold(rise, |best, k| if n[k] > n[best] { k } else { best });
            // A rise that is cut off at the longest lag has no peak.
            if peak + 1 < n.len() {
                let (before, here, after) = (n[peak - 1], n[peak], n[peak + 1]);
                let bend = before - 2.0 * here + after;
                let shift = if bend < 0.0 { 0.5 * (before - after) / bend } else { 0.0 };
                peaks.push((peak as f64 + shift, here - 0.25 * (before - after) * shift));
            }
            lag = fall;
        }
        peaks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const SIZE: usize = 2048;

    fn rate() -> SampleRate {
        SampleRate::new(22_050).unwrap()
    }

    fn pitch(wave: impl Fn(f64) -> f64) -> Pitch {
        let signal: Vec<f32> = (0..SIZE).map(|i| wave(i as f64 / 22_050.0) as f32).collect();
        PitchFinder::new(rate(), SIZE).of(&signal, 0)
    }

    #[test]
    fn tones_have_their_pitch_within_some_cents() {
        for hz in [55.0, 110.0, 261.63, 440.0, 1000.0, 3520.0] {
            let sine = pitch(|t| 0.3 * (TAU * hz * t).sin());
            // Harmonics above a weak fundamental: the period is what counts.
            let rich = pitch(|t| {
                (1..=6).map(|k| 0.1 * f64::from(k).sqrt() * (TAU * hz * f64::from(k) * t).sin()).sum()
            });
            for found in if hz < 1500.0 { vec![sine, rich] } else { vec![sine] } {
                let cents = 1200.0 * (found.hz / hz).log2();
                // A period of six samples is known less well.
                let within = if hz < 1500.0 { 3.0 } else { 6.0 };
                assert!(cents.abs() < within && found.confidence > 0.95, "{hz}: {found:?}, {cents} cents");
            }
        }
    }

    #[test]
    fn noise_and_silence_have_none() {
        let mut state = 1u32;
        let noise: Vec<f32> = (0..SIZE)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect();
        let mut finder = PitchFinder::new(rate(), SIZE);
        assert!(finder.of(&noise, 0).confidence < 0.4, "{:?}", finder.of(&noise, 0));
        assert_eq!(finder.of(&[0.0; SIZE], 0), Pitch::default());
        assert_eq!(finder.of(&noise, 10 * SIZE as i64), Pitch::default());
        assert_eq!(finder.of(&[f32::NAN; SIZE], 0), Pitch::default());
    }

    #[test]
    fn a_constant_has_no_pitch() {
        assert_eq!(pitch(|_| 0.5), Pitch::default());
    }
}
