//! Habits of a brain's sound: the tone that goes with a loudness.

use crate::model::controls::OUTPUTS;
use crate::model::descriptor::{DescriptorLayout, UNIT};
use kinophone_dsp::metrics::BANDS;

/// Change of each band, in its deviations, with a change of the loudness by its deviation: the lines of least squares through the
/// training sound. Where the brain carries none, all bands change alike.
pub(crate) struct SoundHabits {
    slopes: [f32; BANDS],
}

impl SoundHabits {
    /// Of the descriptors of a brain's units, `[units, 114]`.
    pub(crate) fn of(descriptors: &[f32]) -> Self {
        if descriptors.is_empty() {
            return Self { slopes: [1.0; BANDS] };
        }
        let layout = DescriptorLayout::SOUND_AND_PICTURE;
        let (mut sums, mut mean, mut square, mut count) = ([[0.0f64; 2]; BANDS], 0.0, 0.0, 0.0);
        for unit in descriptors.chunks_exact(UNIT) {
            let loudness = f64::from(unit[layout.loudness.start]);
            (mean, square, count) = (mean + loudness, square + loudness * loudness, count + 1.0);
            for ([sum, product], x) in sums.iter_mut().zip(&unit[layout.tone.clone()]) {
                *sum += f64::from(*x);
                *product += f64::from(*x) * loudness;
            }
        }
        mean /= f64::max(count, 1.0);
        let variance = (square / f64::max(count, 1.0) - mean * mean).max(1e-9);
        // Descriptors have bands by an eighth and loudness by half.
        let slope = |[sum, product]: [f64; 2]| {
            let covariance = product / f64::max(count, 1.0) - sum / f64::max(count, 1.0) * mean;
            (covariance / variance * 8.0 * 0.5).clamp(0.0, 1.5) as f32
        };
        Self { slopes: sums.map(slope) }
    }

    /// Changes the bands of controls as the loudness changes.
    pub(crate) fn change_loudness(&self, row: &mut [f32; OUTPUTS], by: f32) {
        row.iter_mut().zip(self.slopes).for_each(|(band, slope)| *band += slope * by);
    }
}
