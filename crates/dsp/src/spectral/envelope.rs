//! Spectral envelopes: a smooth density of power from the powers of bands.

use crate::mel::MelBank;
use crate::mel_centers::{MelPosition, RANGE_HZ};
use crate::metrics::{BANDS, LOWEST_HZ, RATE, TRANSFORM};
use crate::units::SampleRate;

/// Steps of the correction of a density. The error of a smooth spectrum shrinks to a third or less with each.
const CORRECTION_STEPS: usize = 6;
/// Greatest correction of a band's mean density, in nepers of power.
const MAX_CORRECTION: f64 = 6.0;
/// Greatest absolute log10 of a band's power.
const MAX_LOG_POWER: f32 = 12.0;
/// log10 of the power of a band that is missing or no number: where `log_mel` is cut off.
const MISSING_LOG_POWER: f32 = -5.0;
/// ln of the power of a bin without any: small enough to be nothing, large enough to be interpolated.
pub(crate) const NO_POWER: f32 = -170.0;

/// The inverse of the bank of [`log_mel`](crate::metrics::log_mel).
///
/// The logarithm of the density is interpolated linearly, on the mel scale, between the centres of the bands,
/// and flat beyond the first and the last. (The pseudo-inverse of the bank is worse: where neighbours differ
/// by 20 dB it is negative, and a non-negative one has corners that sound.) Each band's value there is first
/// its power over the area of its triangle, then corrected by the ratio between the power that was asked for
/// and what the bank measures of the interpolated density, the multiplicative step of Richardson (1972) and
/// Lucy (1974) on the logarithm.
pub(crate) struct Envelope {
    bank: MelBank,
    area: [f64; BANDS],
    /// Positions of the bins; those outside of the bank have none, and no power.
    analysis: Vec<Option<MelPosition>>,
    synthesis: Vec<Option<MelPosition>>,
    power: Vec<f64>,
}

impl Envelope {
    /// The envelope of frames of `size` samples at `rate`.
    pub(crate) fn new(rate: SampleRate, size: usize) -> Self {
        let own = SampleRate::new(RATE).expect("a constant within the range");
        let bank = MelBank::new(own, TRANSFORM, BANDS, LOWEST_HZ, f64::from(RATE) / 2.0);
        let power = vec![1.0; TRANSFORM / 2 + 1];
        let mut area = [0.0; BANDS];
        area.iter_mut().zip(bank.apply(&power)).for_each(|(a, sum)| *a = sum);
        Self {
            area,
            analysis: positions(own, TRANSFORM, 0.0),
            synthesis: positions(rate, size, 1.0),
            power,
            bank,
        }
    }

    /// ln of the power a bin (of the bank's transform) at the centre of every band, from log10 of the bands'
    /// powers.
    fn density(&mut self, bands: &[f32]) -> [f64; BANDS] {
        let mut target = [0.0; BANDS];
        for (b, w) in target.iter_mut().enumerate() {
            let band = bands.get(b).copied().filter(|x| !x.is_nan()).unwrap_or(MISSING_LOG_POWER);
            *w = f64::from(band.clamp(-MAX_LOG_POWER, MAX_LOG_POWER)) * std::f64::consts::LN_10;
        }
        let plain: [f64; BANDS] = std::array::from_fn(|b| target[b] - self.area[b].ln());
        let mut density = plain;
        for _ in 0..CORRECTION_STEPS {
            for (power, position) in self.power.iter_mut().zip(&self.analysis) {
                *power = position.map_or(0.0, |position| position.interpolate(&density).exp());
            }
            for ((b, value), got) in density.iter_mut().enumerate().zip(self.bank.apply(&self.power)) {
                *value = (*value + target[b] - got.ln())
                    .clamp(plain[b] - MAX_CORRECTION, plain[b] + MAX_CORRECTION);
            }
        }
        density
    }

    /// Writes ln of the power in every bin of a frame with the bands' powers to `out`.
    pub(crate) fn log_power(&mut self, bands: &[f32], out: &mut [f32]) {
        let density = self.density(bands);
        for (power, position) in out.iter_mut().zip(&self.synthesis) {
            *power = position.map_or(NO_POWER, |position| position.interpolate(&density) as f32);
        }
    }
}

/// The positions of all bins. Bins up to `beyond` bins outside of the bank count as at its edge.
fn positions(rate: SampleRate, size: usize, beyond: f64) -> Vec<Option<MelPosition>> {
    let (low, high) = RANGE_HZ;
    let bin_hz = f64::from(rate.hz()) / size as f64;
    let position = |k: usize| {
        let hz = k as f64 * bin_hz;
        // A frame's window carries power across the edge, out of the outermost band; a bin beyond makes up
        // for it.
        let is_inside = k > 0 && hz > low - beyond * bin_hz && hz < high + beyond * bin_hz;
        is_inside.then(|| MelPosition::of(hz))
    };
    (0..=size / 2).map(position).collect()
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
            let mut log_power = vec![0.0; TRANSFORM / 2 + 1];
            envelope.log_power(&bands, &mut log_power);
            let power: Vec<f64> = log_power.iter().map(|p| f64::from(*p).exp()).collect();
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
