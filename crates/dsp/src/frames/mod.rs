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
mod granular;
mod granular2015;
mod raw;
#[cfg(test)]
mod tests;
mod windowed;

pub use codec::{FrameCodec, FrameFormat};
pub(crate) use family::GrainFamily;
pub use granular::{Granular, GranularConfig};
pub(crate) use granular::{read_at, read_from, speed};
pub use granular2015::Granular2015Config;
pub use windowed::WindowedConfig;

use crate::frames::granular2015::Granular2015;
use crate::frames::raw::Raw;
use crate::frames::windowed::Windowed;
use crate::units::TickGrid;
use serde::{Deserialize, Serialize};

/// A synth that turns blocks of samples, one a tick, into a continuous mono signal.
///
/// Sample 0 of the output is the first sample of tick 0: a synth removes its own delay, so block `i` sounds
/// around `TickGrid::start_sample(i)`. `fill` never allocates, locks or logs. The alternation of `push` and
/// `fill` does not change the output.
///
/// ```
/// use kinophone_dsp::frames::FrameSynthConfig;
/// use kinophone_dsp::units::{SampleRate, TickGrid};
///
/// let grid = TickGrid { tick: "30".parse()?, rate: SampleRate::new(22_050)? };
/// let mut synth = FrameSynthConfig::default().build(grid, 1);
/// for _ in 0..30 {
///     synth.push(&vec![0.1; grid.block_len()]);
/// }
/// synth.finish();
/// let mut sound = vec![0.0; synth.ready()];
/// synth.fill(&mut sound);
/// assert_eq!(sound.len(), 22_050);
/// # Ok::<(), kinophone_dsp::units::UnitError>(())
/// ```
pub trait FrameSynth: Send {
    /// Takes the block of the next tick. Samples that are missing count as silence, samples too many are
    /// ignored.
    fn push(&mut self, block: &[f32]);
    /// Declares that no block follows: samples that are still held back become ready. The whole output then
    /// has exactly `start_sample(blocks pushed)` samples.
    fn finish(&mut self);
    /// Number of samples that [`FrameSynth::fill`] can deliver now.
    fn ready(&self) -> usize;
    /// Delivers the next `out.len()` samples or as many as are ready; returns how many it wrote.
    fn fill(&mut self, out: &mut [f32]) -> usize;
    /// Samples beyond the end of a tick that must be waited for before all of that tick's samples are ready.
    fn latency(&self) -> usize;
    /// Back to the state before the first push.
    fn reset(&mut self);
}

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

/// A setting outside of its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{name} must lie between {low} and {high}, not at {value}")]
pub struct OutOfRange {
    /// Name of the setting, as it is written in files.
    pub name: &'static str,
    /// The value that was asked for.
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

    /// The nearest allowed value; the least one for NaN.
    pub(crate) fn clamped(&self) -> f64 {
        if self.0.value.is_nan() { self.0.low } else { self.0.value.clamp(self.0.low, self.0.high) }
    }
}

/// The position in the film's sound of the first sample of tick `i`'s block: with one hop the tick's own
/// first sample; with two hops half a block earlier (rounded down to whole samples of the half), so that the
/// block of `2 × block_len` samples is centred on the tick. Training targets must be taken from the same
/// position.
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
