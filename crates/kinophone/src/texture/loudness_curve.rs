//! The loudness of a texture as it is played.

use crate::texture::curves::CURVE_RATE;
use kinophone_dsp::units::SampleRate;

/// The softest loudness, in dB.
const FLOOR_DB: f32 = -70.0;

/// Measures the loudness of sound as it comes, mixed down to one channel.
pub(crate) struct LoudnessCurve {
    hz: u64,
    channels: usize,
    frames: u64,
    /// Sum of squares and number of samples of every thirtieth of a second.
    sums: Vec<(f64, u32)>,
}

impl LoudnessCurve {
    pub(crate) fn new(rate: SampleRate, channels: usize) -> Self {
        Self { hz: u64::from(rate.hz()), channels, frames: 0, sums: Vec::new() }
    }

    /// Takes interleaved samples.
    pub(crate) fn take(&mut self, sound: &[f32]) {
        for frame in sound.chunks_exact(self.channels) {
            let tick = (self.frames * u64::from(CURVE_RATE) / self.hz) as usize;
            if self.sums.len() <= tick {
                self.sums.resize(tick + 1, (0.0, 0));
            }
            let mono = frame.iter().sum::<f32>() / self.channels as f32;
            self.sums[tick].0 += f64::from(mono).powi(2);
            self.sums[tick].1 += 1;
            self.frames += 1;
        }
    }

    /// The loudness of the first `ticks` thirtieths of a second, in dB.
    pub(crate) fn values(&self, ticks: usize) -> Vec<f32> {
        let db = |(sum, samples): &(f64, u32)| {
            (10.0 * (sum / f64::from((*samples).max(1))).max(1e-12).log10() as f32).max(FLOOR_DB)
        };
        let mut curve: Vec<f32> = self.sums.iter().take(ticks).map(db).collect();
        curve.resize(ticks, FLOOR_DB);
        curve
    }
}
