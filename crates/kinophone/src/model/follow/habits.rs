//! Habits of a brain's sound: the tone that goes with a loudness.

use crate::model::controls::{ControlScaler, OUTPUTS};
use crate::model::descriptor::{DescriptorLayout, UNIT};
use kinophone_dsp::metrics::BANDS;

/// Change of each band, in its deviations, with a change of the loudness by its deviation: the lines of least squares through the
/// training sound. Where the brain carries none, all bands change alike.
pub(crate) struct SoundHabits {
    slopes: [f32; BANDS],
}

impl SoundHabits {
    /// Habits in the descriptors of a brain's units, `[units, 114]`.
    pub(crate) fn of(descriptors: &[f32]) -> Self {
        if descriptors.is_empty() {
            return Self { slopes: [1.0; BANDS] };
        }
        let layout = DescriptorLayout::SOUND_AND_PICTURE;
        let units = descriptors.chunks_exact(UNIT);
        // Descriptors have bands by an eighth and loudness by half.
        Self::fit(units.map(|unit| (&unit[layout.tone.clone()], 0.125 / 0.5 * unit[layout.loudness.start])))
    }

    /// Habits in the bands and the loudness of ticks, in deviations or in equal shares of them.
    pub(crate) fn fit<'a>(ticks: impl Iterator<Item = (&'a [f32], f32)>) -> Self {
        let (mut sums, mut mean, mut square, mut count) = ([[0.0f64; 2]; BANDS], 0.0, 0.0, 0.0);
        for (bands, loudness) in ticks {
            let loudness = f64::from(loudness);
            (mean, square, count) = (mean + loudness, square + loudness * loudness, count + 1.0);
            for ([sum, product], x) in sums.iter_mut().zip(bands) {
                *sum += f64::from(*x);
                *product += f64::from(*x) * loudness;
            }
        }
        let count = f64::max(count, 1.0);
        mean /= count;
        let variance = (square / count - mean * mean).max(1e-9);
        let slope = |[sum, product]: [f64; 2]| {
            let covariance = product / count - sum / count * mean;
            (covariance / variance).clamp(0.0, 1.5) as f32
        };
        Self { slopes: sums.map(slope) }
    }

    /// The change of each band with that of the loudness.
    pub(crate) fn slopes(&self) -> &[f32; BANDS] {
        &self.slopes
    }

    /// Draws the bands of controls towards the tone that goes with their loudness, by a share.
    pub(crate) fn draw_tone(&self, row: &mut [f32; OUTPUTS], share: f32) {
        let loudness = ControlScaler::scaled_loudness(row);
        row.iter_mut().zip(self.slopes).for_each(|(band, slope)| *band += share * (slope * loudness - *band));
    }

    /// Changes the bands of controls as the loudness changes.
    pub(crate) fn change_loudness(&self, row: &mut [f32; OUTPUTS], by: f32) {
        row.iter_mut().zip(self.slopes).for_each(|(band, slope)| *band += slope * by);
    }
}
