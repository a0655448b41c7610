//! Positions of frequencies among the centres of the mel bands of [`log_mel`](crate::metrics::log_mel).

use crate::mel::mel;
use crate::metrics::{BANDS, LOWEST_HZ, RATE};

/// The lowest frequency of the first band and the highest of the last, in Hz.
pub(crate) const RANGE_HZ: (f64, f64) = (LOWEST_HZ, RATE as f64 / 2.0);

/// A position between the centres of two bands, on the mel scale; below the first and above the last one it
/// is theirs.
#[derive(Clone, Copy)]
pub(crate) struct MelPosition {
    below: usize,
    part: f64,
}

impl MelPosition {
    /// The position of `hz`.
    pub(crate) fn of(hz: f64) -> Self {
        let (low, high) = RANGE_HZ;
        let part = (mel(hz) - mel(low)) / (mel(high) - mel(low));
        let position = (part * (BANDS + 1) as f64 - 1.0).clamp(0.0, (BANDS - 1) as f64);
        let below = (position as usize).min(BANDS - 2);
        Self { below, part: position - below as f64 }
    }

    /// The value there of a curve that is a straight line from centre to centre.
    pub(crate) fn interpolate(self, curve: &[f64; BANDS]) -> f64 {
        let from = curve[self.below];
        from + (curve[self.below + 1] - from) * self.part
    }
}
