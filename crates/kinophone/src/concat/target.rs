//! TODO module docs

use crate::concat::shot_sources::AllowedSources;
use kinophone_dsp::granular::GrainModulation;
use kinophone_dsp::metrics::BANDS;
use std::ops::Range;

/// What is wanted of a tick.
pub(crate) struct Target {
    /// Where the stock is searched, weighed as it is: `[dims]`.
    pub(crate) target: Box<[f32]>,
    pub(crate) loudness_db: f32,
    /// Probability of silence, and whether it closes only what can't be brought down to the wanted loudness.
    pub(crate) silence: f32,
    pub(crate) soft: bool,
    /// log10 of the bands' powers, and how much they rise over the tick before.
    pub(crate) bands: [f32; BANDS],
    pub(crate) rise: f32,
    /// Where the next attack is to begin, in frames of the stock after the beginning of the tick, where that is known to the frame:
    /// from half a tick before it on.
    pub(crate) attack: Option<i64>,
    /// Which pitch is to be heard, in Hz, where that is sure.
    pub(crate) hz: Option<f32>,
    /// How grains are strewn.
    pub(crate) manner: GrainModulation,
}

/// A tick that is not decided in all layers.
pub(crate) struct PendingTick {
    pub(crate) wanted: Target,
    /// The recordings that may sound.
    pub(crate) allowed: AllowedSources,
    /// What the layers before play.
    pub(crate) taken: Vec<Range<u32>>,
    /// The powers of what they play.
    pub(crate) there: [f32; BANDS],
}
