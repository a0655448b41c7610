//! Phases that do not depend on the magnitudes.

use crate::spectral::phase::CausalPhase;
use crate::spectral::phase::rtpghi::turns;
use crate::stft::{BadFrame, Stft};
use crate::tick_rng::TickRng;
use crate::window::Window;
use realfft::num_complex::Complex32;
use std::f32::consts::TAU;

/// Every bin's phase advances by its centre frequency, 2πak/M a frame, and by a random step. Cheap; without
/// jitter every sound repeats after `size` samples, with full jitter successive frames have nothing to do
/// with each other.
pub struct RandomWalk {
    seed: u64,
    /// Greatest random step, in turns.
    reach: f64,
    frame: u64,
    advance: Vec<f32>,
    phase: Vec<f32>,
}

impl RandomWalk {
    /// Phases of frames of `size` samples at `hop`. Random steps are uniform within ±`jitter` half turns (0
    /// to 1).
    pub fn new(size: usize, hop: usize, jitter: f32, seed: u64) -> Self {
        let reach = 0.5 * f64::from(jitter.clamp(0.0, 1.0));
        let advance = turns(size, hop);
        Self { seed, reach, frame: 0, phase: vec![0.0; advance.len()], advance }
    }
}

impl CausalPhase for RandomWalk {
    fn next(&mut self, magnitudes: &[f32], spectrum: &mut [Complex32]) {
        let mut rng = TickRng::new(self.seed, self.frame);
        let reach = if self.frame == 0 { 0.5 } else { self.reach };
        self.frame += 1;
        for (k, (phase, advance)) in self.phase.iter_mut().zip(&self.advance).enumerate() {
            let step = rng.between(-reach, reach) as f32 * TAU;
            *phase = (*phase + advance + step).rem_euclid(TAU);
            let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
            spectrum[k] = Complex32::from_polar(magnitudes[k], *phase) * sign;
        }
    }

    fn reset(&mut self) {
        self.frame = 0;
        self.phase.fill(0.0);
    }
}

/// The phases of another sound, frame m from the frame centred on its sample m · hop; the sound is read as a
/// loop.
pub struct BorrowedPhase {
    stft: Stft,
    sound: Vec<f32>,
    /// Sample of the sound in the middle of the next frame.
    centre: usize,
}

impl BorrowedPhase {
    /// Phases of `sound`, which has the rate of the output, with frames of `size` samples at `hop` under
    /// `window`.
    pub fn new(sound: Vec<f32>, size: usize, hop: usize, window: Window) -> Result<Self, BadFrame> {
        Ok(Self { stft: Stft::new(size, hop, window)?, sound, centre: 0 })
    }
}

impl CausalPhase for BorrowedPhase {
    fn next(&mut self, magnitudes: &[f32], spectrum: &mut [Complex32]) {
        let (size, length) = (self.stft.size(), self.sound.len());
        if length == 0 {
            spectrum.iter_mut().zip(magnitudes).for_each(|(x, m)| *x = Complex32::new(*m, 0.0));
            return;
        }
        let first = self.centre + length - size / 2 % length;
        let (stft, sound) = (&mut self.stft, &self.sound);
        stft.analyse((0..size).map(|n| sound[(first + n) % length]), spectrum);
        self.centre = (self.centre + stft.hop()) % length;
        for (x, magnitude) in spectrum.iter_mut().zip(magnitudes) {
            *x = with_magnitude(*x, *magnitude);
        }
    }

    fn reset(&mut self) {
        self.centre = 0;
    }
}

/// The number with the phase of `x` and the given magnitude; phase 0 where x is 0.
pub(crate) fn with_magnitude(x: Complex32, magnitude: f32) -> Complex32 {
    let norm = x.norm();
    if norm > f32::MIN_POSITIVE { x * (magnitude / norm) } else { Complex32::new(magnitude, 0.0) }
}
