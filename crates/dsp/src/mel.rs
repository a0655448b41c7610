//! The mel filter bank.

use crate::units::SampleRate;

/// Triangular bands of equal width on the mel scale, 2595 log10(1 + f / 700) (D. O'Shaughnessy, "Speech
/// Communication", 1987, as in HTK), each with a peak of 1, not normalised by area.
#[derive(Clone, Debug)]
pub struct MelBank {
    bands: Vec<Band>,
}

#[derive(Clone, Debug)]
struct Band {
    first_bin: usize,
    weights: Vec<f64>,
}

impl MelBank {
    /// `bands` bands between `low_hz` and `high_hz` over the bins of a transform of `size` samples.
    pub fn new(rate: SampleRate, size: usize, bands: usize, low_hz: f64, high_hz: f64) -> Self {
        let (low, high) = (mel(low_hz), mel(high_hz));
        let edge = |b: usize| hertz(low + (high - low) * b as f64 / (bands + 1) as f64);
        let bin_hz = f64::from(rate.hz()) / size as f64;
        let band = |b: usize| triangle([edge(b), edge(b + 1), edge(b + 2)], bin_hz, size / 2 + 1);
        Self { bands: (0..bands).map(band).collect() }
    }

    /// The power in every band, from a power spectrum of size / 2 + 1 bins.
    pub fn apply<'a>(&'a self, power: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        self.bands.iter().map(|band| {
            let bins = power.get(band.first_bin..).unwrap_or(&[]);
            band.weights.iter().zip(bins).map(|(w, p)| w * p).sum()
        })
    }

    /// Number of bands.
    pub fn len(&self) -> usize {
        self.bands.len()
    }

    /// Returns true if there are no bands.
    pub fn is_empty(&self) -> bool {
        self.bands.is_empty()
    }
}

fn triangle([from, peak, to]: [f64; 3], bin_hz: f64, bins: usize) -> Band {
    let weight = |k: usize| {
        let f = k as f64 * bin_hz;
        ((f - from) / (peak - from)).min((to - f) / (to - peak)).max(0.0)
    };
    let first_bin = ((from / bin_hz).ceil().max(0.0) as usize).min(bins);
    let end = ((to / bin_hz).floor() as usize + 1).clamp(first_bin, bins);
    Band { first_bin, weights: (first_bin..end).map(weight).collect() }
}

pub(crate) fn mel(hz: f64) -> f64 {
    2595.0 * (1.0 + hz / 700.0).log10()
}

fn hertz(mel: f64) -> f64 {
    700.0 * (10f64.powf(mel / 2595.0) - 1.0)
}
