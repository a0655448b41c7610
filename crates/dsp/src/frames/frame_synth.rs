//! Common ground of all synths of this module: their interface, and the place of a block on the tick grid.

use crate::units::TickGrid;

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

/// The position in the film's sound of the first sample of tick `i`'s block: with one hop the tick's own
/// first sample; with two hops half a block earlier (rounded down to whole samples of the half), so that the
/// block of `2 × block_len` samples is centred on the tick. Training targets must be taken from the same
/// position.
pub fn block_start(grid: TickGrid, hops: usize, i: i64) -> i64 {
    grid.start_sample(i) - lead_of_block(grid, hops)
}

/// Samples of a block before its tick begins.
pub(crate) fn lead_of_block(grid: TickGrid, hops: usize) -> i64 {
    (hops.saturating_sub(1) * grid.block_len() / 2) as i64
}

/// The exact length of a tick in samples, which need not be whole.
pub(crate) fn exact_hop(grid: TickGrid) -> f64 {
    f64::from(grid.rate.hz()) / grid.tick.as_f64()
}
