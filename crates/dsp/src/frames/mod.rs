//! Synths that play one block of samples a tick, and the codec of those blocks.
//!
//! | synth | sound of a tick lies within | delay | at a still picture |
//! |---|---|---|---|
//! | [`Raw`](FrameSynthConfig::Raw) | its span | none | buzzes at the tick rate |
//! | [`Windowed`](FrameSynthConfig::Windowed) | its block and half a tick on each side | half a tick (two hops: one tick) | noise without a comb |
//! | [`Granular`] | one tick on each side, unless asked otherwise | half a grain | noise without a comb |
//! | [`Granular2015`](FrameSynthConfig::Granular2015) | one tick before to about 43 ticks after | two ticks | noise without a comb |
//! | [`SpectralSynth`](crate::spectral::SpectralSynth) (bands, not blocks) | its span and half a frame on each side | half a frame and 2½ ticks | noise without a comb |
//!
//! Why a still picture buzzes: a brain predicts the same block for the same picture, and a block repeated at
//! the tick rate is a line spectrum at its harmonics, however smoothly the blocks are joined. If each copy is
//! moved by a random time whose distribution is uniform over a whole number of ticks, its expected spectrum
//! at every harmonic k is multiplied by the mean of e^(−2πi k u) over u in 0..1, which is zero: the lines
//! vanish and their power becomes noise of the same colour. (The characteristic function of jitter, as in F.
//! J. Beutler and O. A. Z. Leneman, "The spectral analysis of impulse processes", Information and Control 12,
//! 1968.) All randomness comes from the seed and the number of the tick.
//!
//! Synths that play recorded sound instead of blocks are in [`concat`](crate::concat) and
//! [`granular`](crate::granular).

mod codec;
mod family;
mod frame_synth;
mod granular;
mod granular2015;
mod granular_config;
mod raw;
#[cfg(test)]
mod tests;
mod windowed;

pub use codec::{FrameCodec, FrameFormat};
pub(crate) use family::GrainFamily;
pub use frame_synth::{FrameSynth, block_start};
pub use granular::Granular;
pub(crate) use granular::{read_at, read_from, speed};
pub use granular_config::GranularConfig;
pub use granular2015::Granular2015Config;
pub use windowed::WindowedConfig;

pub use crate::setting::OutOfRange;

use crate::frames::granular2015::Granular2015;
use crate::frames::raw::Raw;
use crate::frames::windowed::Windowed;
use crate::setting::Setting;
use crate::units::TickGrid;
use serde::{Deserialize, Serialize};

/// A synth with all its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum FrameSynthConfig {
    /// Blocks end to end.
    Raw,
    /// Overlap-add at jittered times.
    Windowed(WindowedConfig),
    /// Grains on time.
    Granular(GranularConfig),
    /// The granular synthesis of 2015.
    #[serde(rename = "granular-2015")]
    Granular2015(Granular2015Config),
}

impl Default for FrameSynthConfig {
    fn default() -> Self {
        Self::Windowed(WindowedConfig::default())
    }
}

impl FrameSynthConfig {
    /// Builds the synth for blocks of `hops` hops (1 or 2). Settings outside of their ranges are moved to the
    /// nearest allowed value; [`FrameSynthConfig::check`] names them.
    pub fn build(&self, grid: TickGrid, hops: usize) -> Box<dyn FrameSynth> {
        match self {
            Self::Raw => Box::new(Raw::new(grid, hops)),
            Self::Windowed(config) => Box::new(Windowed::new(grid, hops, config)),
            Self::Granular(config) => Box::new(Granular::new(grid, hops, config)),
            Self::Granular2015(config) => Box::new(Granular2015::new(grid, hops, config)),
        }
    }

    /// Checks that every setting lies within its range.
    pub fn check(&self) -> Result<(), OutOfRange> {
        let settings = match self {
            Self::Windowed(config) => config.settings(),
            Self::Granular(config) => config.settings(),
            Self::Raw | Self::Granular2015(_) => Vec::new(),
        };
        settings.iter().try_for_each(Setting::check)
    }
}
