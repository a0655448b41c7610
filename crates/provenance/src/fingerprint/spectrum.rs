//! Power of sound in bands of a third of a semitone, frame after frame.

use kinophone::dsp::window::{Form, Window};
use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Samples a second of all sound that is fingerprinted.
pub const SOUND_RATE: u32 = 16_000;
/// Samples from frame to frame: 16 ms.
pub const HOP: usize = 256;
/// Samples of a frame: 128 ms.
const SIZE: usize = 2048;
/// Bands an octave.
pub(super) const PER_OCTAVE: f32 = 36.0;
/// Bands, from 200 Hz to 5.6 kHz: what speakers, telephones and codecs at low rates keep.
pub(super) const BANDS: usize = 174;
const LOWEST_HZ: f64 = 200.0;
const BIN_HZ: f64 = SOUND_RATE as f64 / SIZE as f64;
/// Bins that are of use: up to one beyond the highest band.
const BINS: usize = 728;
/// Samples that are taken at a time.
const PIECE: usize = 4096;
/// Louder samples, and those that are no numbers, are errors of a decoder and count as silence.
const MAX_SAMPLE: f32 = 16.0;

/// One frame of the spectrum.
pub(super) struct Frame<'a> {
    /// |X|² of the bins from 0 Hz in steps of 7.8125 Hz.
    pub(super) power: &'a [f32],
    /// The greatest power in each band.
    pub(super) bands: &'a [f32],
}

/// Short-time spectrum of mono sound at [`SOUND_RATE`], in constant memory. Frame m is centred on sample m ·
/// [`HOP`].
pub(super) struct BandSpectrum {
    window: Vec<f32>,
    transform: Arc<dyn RealToComplex<f32>>,
    pending: Vec<f32>,
    frame: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
    power: Vec<f32>,
    bands: Vec<f32>,
    /// First and last bin of each band; one where a band lies between two bins.
    ranges: Vec<(usize, usize)>,
}

impl BandSpectrum {
    pub(super) fn new() -> Self {
        let transform = RealFftPlanner::new().plan_fft_forward(SIZE);
        Self {
            window: Window::Hann.coefficients(SIZE, Form::Periodic),
            pending: vec![0.0; SIZE / 2],
            frame: vec![0.0; SIZE],
            spectrum: transform.make_output_vec(),
            scratch: transform.make_scratch_vec(),
            power: vec![0.0; BINS],
            bands: vec![0.0; BANDS],
            ranges: (0..BANDS).map(bins_of).collect(),
            transform,
        }
    }

    /// Takes the next samples, and hands out the frames that are complete.
    pub(super) fn push(&mut self, samples: &[f32], mut each: impl FnMut(Frame<'_>)) {
        for piece in samples.chunks(PIECE) {
            let sane = |x: &f32| if x.abs() <= MAX_SAMPLE { *x } else { 0.0 };
            self.pending.extend(piece.iter().map(sane));
            let mut first = 0;
            while first + SIZE <= self.pending.len() {
                self.analyse(first);
                each(Frame { power: &self.power, bands: &self.bands });
                first += HOP;
            }
            self.pending.drain(..first);
        }
    }

    /// Hands out the frames that are centred on the last samples.
    pub(super) fn finish(&mut self, each: impl FnMut(Frame<'_>)) {
        self.push(&[0.0; SIZE / 2], each);
    }

    fn analyse(&mut self, first: usize) {
        let samples = &self.pending[first..first + SIZE];
        for ((x, sample), w) in self.frame.iter_mut().zip(samples).zip(&self.window) {
            *x = sample * w;
        }
        self.transform
            .process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch)
            .expect("all lengths come from the plan");
        for (power, x) in self.power.iter_mut().zip(&self.spectrum) {
            *power = x.norm_sqr();
        }
        for (band, &(first, last)) in self.bands.iter_mut().zip(&self.ranges) {
            *band = self.power[first..=last].iter().fold(0.0, |most, p| if *p > most { *p } else { most });
        }
    }
}

/// The place in bands, above the lowest, of a frequency in bins.
pub(super) fn band_of(bin: f32) -> f32 {
    PER_OCTAVE * (bin * (BIN_HZ / LOWEST_HZ) as f32).max(f32::MIN_POSITIVE).log2()
}

fn bins_of(band: usize) -> (usize, usize) {
    let centre = LOWEST_HZ / BIN_HZ * (band as f64 / f64::from(PER_OCTAVE)).exp2();
    let half = (0.5 / f64::from(PER_OCTAVE)).exp2();
    let (first, last) = ((centre / half).ceil() as usize, (centre * half).floor() as usize);
    if first <= last { (first, last) } else { (centre.round() as usize, centre.round() as usize) }
}

/// The bins of a band.
pub(super) fn bins(band: usize) -> std::ops::RangeInclusive<usize> {
    let (first, last) = bins_of(band);
    first..=last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_is_loudest_in_its_band_and_frames_are_centred() {
        for hz in [210.0f64, 440.0, 1000.0, 3333.0, 5500.0] {
            let turn = std::f64::consts::TAU * hz / f64::from(SOUND_RATE);
            let sound: Vec<f32> = (0..32_000).map(|n| (turn * n as f64).sin() as f32).collect();
            let (mut frames, mut found) = (0, 0.0);
            let mut spectrum = BandSpectrum::new();
            let mut look = |frame: Frame<'_>| {
                if frames == 60 {
                    let loudest = (0..BANDS).max_by(|a, b| frame.bands[*a].total_cmp(&frame.bands[*b]));
                    found = loudest.unwrap() as f32;
                }
                frames += 1;
            };
            sound.chunks(777).for_each(|piece| spectrum.push(piece, &mut look));
            spectrum.finish(&mut look);
            assert_eq!(frames, 32_000 / HOP + 1);
            let wanted = band_of((hz / BIN_HZ) as f32);
            // Below 400 Hz several bands share a bin.
            assert!((found - wanted).abs() <= if hz < 400.0 { 1.5 } else { 0.6 }, "{hz}: {found}, {wanted}");
        }
    }

    #[test]
    fn every_band_has_bins_that_exist() {
        assert!((0..BANDS).all(|band| bins(band).end() + 1 < BINS));
        assert!((band_of((LOWEST_HZ / BIN_HZ) as f32)).abs() < 1e-4);
    }
}
