//! From band powers to a smooth density of power, and to the outline of a frame.

use crate::mel::MelBank;
use crate::mel_centers::{MelPosition, REACH_HZ};
use crate::metrics::{BANDS, LOWEST_HZ, RATE, TRANSFORM};
use crate::units::SampleRate;

/// Steps of the correction below. The error of a smooth spectrum shrinks to a third or less with each.
const CORRECTIONS: usize = 6;
/// How far, in nepers of power, the corrections may carry a band from its plain mean density.
const REACH: f64 = 6.0;
/// Band powers are taken within 10^±this.
const EXTENT: f32 = 12.0;
/// log10 of a band that is missing or no number: where `log_mel` is cut off.
const MISSING: f32 = -5.0;
/// ln of the power of a bin without any: small enough to be nothing, large enough to be interpolated.
pub(crate) const NO_POWER: f32 = -170.0;

/// The bank of [`log_mel`](crate::metrics::log_mel), turned round.
///
/// The logarithm of the density is interpolated linearly, on the mel scale, between the tops of the bands, and flat
/// beyond the first and the last. (The pseudo-inverse of the bank is worse: where neighbours differ by 20 dB it is
/// negative, and a non-negative one has corners that sound.) Each band's value there is first its power over the area of
/// its triangle, then corrected by the ratio between the power that was asked for and what the bank measures of the
/// interpolated density, the multiplicative step of Richardson (1972) and Lucy (1974) on the logarithm.
pub(crate) struct Envelope {
    bank: MelBank,
    area: [f64; BANDS],
    /// Where the bins lie; those outside of the bank have no place and no power.
    analysis: Vec<Option<MelPosition>>,
    synthesis: Vec<Option<MelPosition>>,
    power: Vec<f64>,
}

impl Envelope {
    /// For frames of `size` samples at `rate`.
    pub(crate) fn new(rate: SampleRate, size: usize) -> Self {
        let own = SampleRate::new(RATE).expect("a constant within the range");
        let bank = MelBank::new(own, TRANSFORM, BANDS, LOWEST_HZ, f64::from(RATE) / 2.0);
        let power = vec![1.0; TRANSFORM / 2 + 1];
        let mut area = [0.0; BANDS];
        area.iter_mut().zip(bank.apply(&power)).for_each(|(a, sum)| *a = sum);
        Self { area, analysis: places(own, TRANSFORM, 0.0), synthesis: places(rate, size, 1.0), power, bank }
    }

    /// ln of the power a bin (of the bank's transform) at the top of every band, from log10 of the bands' powers.
    fn density(&mut self, bands: &[f32]) -> [f64; BANDS] {
        let mut wanted = [0.0; BANDS];
        for (b, w) in wanted.iter_mut().enumerate() {
            let band = bands.get(b).copied().filter(|x| !x.is_nan()).unwrap_or(MISSING);
            *w = f64::from(band.clamp(-EXTENT, EXTENT)) * std::f64::consts::LN_10;
        }
        let plain: [f64; BANDS] = std::array::from_fn(|b| wanted[b] - self.area[b].ln());
        let mut density = plain;
        for _ in 0..CORRECTIONS {
            for (power, place) in self.power.iter_mut().zip(&self.analysis) {
                *power = place.map_or(0.0, |place| place.on(&density).exp());
            }
            for ((b, value), got) in density.iter_mut().enumerate().zip(self.bank.apply(&self.power)) {
                *value = (*value + wanted[b] - got.ln()).clamp(plain[b] - REACH, plain[b] + REACH);
            }
        }
        density
    }

    /// ln of the power in every bin of a frame with the bands' powers.
    pub(crate) fn outline(&mut self, bands: &[f32], out: &mut [f32]) {
        let density = self.density(bands);
        for (power, place) in out.iter_mut().zip(&self.synthesis) {
            *power = place.map_or(NO_POWER, |place| place.on(&density) as f32);
        }
    }
}

/// The places of all bins. Bins up to `beyond` bins outside of the bank count as at its edge.
fn places(rate: SampleRate, size: usize, beyond: f64) -> Vec<Option<MelPosition>> {
    let (low, high) = REACH_HZ;
    let bin_hz = f64::from(rate.hz()) / size as f64;
    let place = |k: usize| {
        let hz = k as f64 * bin_hz;
        // A frame's window carries power across the edge, out of the outermost band; a bin beyond makes up for it.
        let is_inside = k > 0 && hz > low - beyond * bin_hz && hz < high + beyond * bin_hz;
        is_inside.then(|| MelPosition::of(hz))
    };
    (0..=size / 2).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_measured_again_are_the_bands() {
        let own = SampleRate::new(RATE).unwrap();
        let mut envelope = Envelope::new(own, TRANSFORM);
        let curves = [
            ("flat", (|_| 0.0) as fn(f32) -> f32),
            ("pink", |b| 2.0 - b * 0.05),
            ("hills", |b| {
                3.0 * (-((b - 12.0) / 4.0).powi(2)).exp() + 2.0 * (-((b - 40.0) / 6.0).powi(2)).exp()
            }),
            ("waves", |b| (b * 0.5).sin()),
            ("quiet", |_| -5.0),
        ];
        for (name, curve) in curves {
            let bands: Vec<f32> = (0..BANDS).map(|b| curve(b as f32)).collect();
            let mut outline = vec![0.0; TRANSFORM / 2 + 1];
            envelope.outline(&bands, &mut outline);
            let power: Vec<f64> = outline.iter().map(|p| f64::from(*p).exp()).collect();
            let worst = envelope
                .bank
                .apply(&power)
                .zip(&bands)
                .map(|(p, b)| 10.0 * (p.log10() - f64::from(*b)).abs())
                .fold(0.0, f64::max);
            println!("{name}: {worst:.3} dB");
            assert!(worst < 0.1, "{name}: {worst} dB");
        }
    }
}
