//! The sound that is to be found for a tick.

use kinophone_dsp::granular::GrainModulation;
use kinophone_dsp::metrics::BANDS;
use std::ops::Range;
use std::sync::Arc;

/// A mark for each recording that may sound in a tick; `None`: all may.
pub(crate) type AllowedSources = Option<Arc<[bool]>>;

/// Description of the sound that a tick should have.
pub(crate) struct Target {
    /// The point in the weighted descriptor space for which the nearest units are searched: `[dims]`.
    pub(crate) descriptor: Box<[f32]>,
    pub(crate) loudness_db: f32,
    /// Probability of silence, 0 to 1.
    pub(crate) silence: f32,
    /// True if the probability of silence closes only units that cannot be brought down to the loudness.
    pub(crate) gate_loud_only: bool,
    /// log10 of the bands' powers, and how much they rise over the tick before.
    pub(crate) bands: [f32; BANDS],
    pub(crate) rise: f32,
    /// Where the next attack should begin, in frames of the database after the beginning of the tick, where that is known to
    /// the frame: from half a tick before it on.
    pub(crate) attack: Option<i64>,
    /// Pitch in Hz, where it is certain.
    pub(crate) hz: Option<f32>,
    /// Parameters of the tick's grains.
    pub(crate) grains: GrainModulation,
}

/// A tick that is not decided in all layers.
pub(crate) struct PendingTick {
    pub(crate) target: Target,
    /// The recordings that may sound.
    pub(crate) allowed: AllowedSources,
    /// Units that the layers before play, with their neighbours.
    pub(crate) taken: Vec<Range<u32>>,
    /// log10 of the powers of what those layers play.
    pub(crate) bands: [f32; BANDS],
}
