//! From what a brain says, tick by tick, to sound.
//!
//! | synth | sound of a tick lies within | delay | at a still picture |
//! |---|---|---|---|
//! | [`Raw`] | its span | none | buzzes at the tick rate |
//! | [`Windowed`] | its block and half a tick on each side | half a tick (two hops: one tick) | noise without a comb |
//! | [`Granular`] | one tick on each side, unless asked otherwise | half a grain | noise without a comb |
//! | [`Granular2015`] | one tick before to about 43 ticks after | two ticks | noise without a comb |
//! | [`SpectralSynth`] (bands, not blocks) | its span and half a frame on each side | half a frame and 2½ ticks | noise without a comb |
//!
//! Why a still picture buzzes: a brain that sees the same picture says the same block, and whatever is repeated at the
//! tick rate is a line spectrum at its harmonics, however smoothly the blocks are joined. If each copy is moved by a
//! random time whose distribution is uniform over a whole number of ticks, its expected spectrum at every harmonic k is
//! multiplied by the mean of e^(−2πi k u) over u in 0..1, which is zero: the lines vanish and their power becomes noise
//! of the same colour. (The characteristic function of jitter, as in F. J. Beutler and O. A. Z. Leneman, "The spectral
//! analysis of impulse processes", Information and Control 12, 1968.) All randomness comes from the seed and the number
//! of the tick.
//!
//! [`mosaic`] and [`Cloud`] are no such synths: they take no blocks but chosen pieces of the training sound, to be joined or to
//! be taken apart into grains, strewn in a [`GrainModulation`]. [`BandMatcher`] filters what was joined. [`ClipPlayer`] plays [`Clip`]s, whoever made them.

mod codec;
mod granular;
mod granular2015;
mod raw;
#[cfg(test)]
mod tests;
mod windowed;

pub use codec::{FrameCodec, FrameFormat};
pub(crate) use granular::{Family, read_at, read_from, speed};
pub use granular::{Granular, GranularConfig};
pub use granular2015::Granular2015Config;
pub use windowed::WindowedConfig;

use crate::frames::granular2015::Granular2015;
use crate::frames::raw::Raw;
use crate::frames::windowed::Windowed;
use crate::units::TickGrid;
use serde::{Deserialize, Serialize};

/// A machine that turns the blocks which a brain says, one a tick, into a continuous mono signal.
///
/// Sample 0 of the output is the first sample of tick 0: a synth removes its own delay, so block `i` sounds around
/// `TickGrid::start_sample(i)`. `fill` never allocates, locks or logs. How the calls of `push` and `fill` alternate does
/// not change the output.
pub trait FrameSynth: Send {
    /// Takes the block of the next tick. Samples that are missing count as silence, samples too many are ignored.
    fn push(&mut self, block: &[f32]);
    /// Tells that no block follows: what is still held back becomes ready. The whole output then has exactly
    /// `start_sample(blocks pushed)` samples.
    fn finish(&mut self);
    /// How many samples [`FrameSynth::fill`] can deliver now.
    fn ready(&self) -> usize;
    /// Delivers the next `out.len()` samples or as many as are ready; returns how many it wrote.
    fn fill(&mut self, out: &mut [f32]) -> usize;
    /// How many samples beyond the end of a tick must be waited for before all of that tick's samples are ready.
    fn latency(&self) -> usize;
    /// Back to the state before the first push.
    fn reset(&mut self);
}

/// Which synth, with everything that makes it up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum FrameSynthConfig {
    /// Blocks end to end.
    Raw,
    /// Overlap-add at jittered times.
    Windowed(WindowedConfig),
    /// Grains on time.
    Granular(GranularConfig),
    /// The granular scheme of 2015.
    #[serde(rename = "granular-2015")]
    Granular2015(Granular2015Config),
}

impl Default for FrameSynthConfig {
    fn default() -> Self {
        Self::Windowed(WindowedConfig::default())
    }
}

impl FrameSynthConfig {
    /// The synth for a brain that says `hops` hops a tick (1 or 2). Settings outside of their ranges are moved to the
    /// nearest allowed value; [`FrameSynthConfig::check`] names them.
    pub fn build(&self, grid: TickGrid, hops: usize) -> Box<dyn FrameSynth> {
        match self {
            Self::Raw => Box::new(Raw::new(grid, hops)),
            Self::Windowed(config) => Box::new(Windowed::new(grid, hops, config)),
            Self::Granular(config) => Box::new(Granular::new(grid, hops, config)),
            Self::Granular2015(config) => Box::new(Granular2015::new(grid, hops, config)),
        }
    }

    /// Whether every setting lies within its range.
    pub fn check(&self) -> Result<(), OutOfRange> {
        let settings = match self {
            Self::Windowed(config) => config.settings(),
            Self::Granular(config) => config.settings(),
            Self::Raw | Self::Granular2015(_) => Vec::new(),
        };
        settings.iter().try_for_each(Setting::check)
    }
}

/// A setting beyond what a synth can do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{name} must lie between {low} and {high}, not at {value}")]
pub struct OutOfRange {
    /// The setting, as its field is called.
    pub name: &'static str,
    /// What was asked for.
    pub value: f64,
    /// Least allowed value.
    pub low: f64,
    /// Greatest allowed value.
    pub high: f64,
}

/// A number with its range, to be checked or clamped.
pub(crate) struct Setting(OutOfRange);

impl Setting {
    pub(crate) fn new(name: &'static str, value: f64, low: f64, high: f64) -> Self {
        Self(OutOfRange { name, value, low, high })
    }

    pub(crate) fn check(&self) -> Result<(), OutOfRange> {
        if (self.0.low..=self.0.high).contains(&self.0.value) { Ok(()) } else { Err(self.0.clone()) }
    }

    /// The nearest allowed value; the least one for what is no number.
    pub(crate) fn clamped(&self) -> f64 {
        if self.0.value.is_nan() { self.0.low } else { self.0.value.clamp(self.0.low, self.0.high) }
    }
}

/// The place on the film's sound of the first sample of tick `i`'s block: with one hop the tick's own first sample; with
/// two hops half a block earlier (rounded down to whole samples of the half), so that the block of `2 × block_len`
/// samples is centred on the tick. Training targets must be cut at the same place.
pub fn block_start(grid: TickGrid, hops: usize, i: i64) -> i64 {
    grid.start_sample(i) - lead_of_block(grid, hops)
}

/// Samples of a block before its tick begins.
fn lead_of_block(grid: TickGrid, hops: usize) -> i64 {
    (hops.saturating_sub(1) * grid.block_len() / 2) as i64
}

/// The exact length of a tick in samples, which need not be whole.
fn exact_hop(grid: TickGrid) -> f64 {
    f64::from(grid.rate.hz()) / grid.tick.as_f64()
}
