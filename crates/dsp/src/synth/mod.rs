//! From what a brain says, tick by tick, to sound.

/// A machine that turns the blocks which a brain says, one a tick, into a continuous mono signal.
///
/// Sample 0 of the output is the first sample of tick 0: a synth removes its own delay, so block `i` sounds around
/// `TickGrid::start_sample(i)`. `fill` never allocates, locks or logs.
pub trait Synth: Send {
    /// Takes the block of the next tick.
    fn push(&mut self, block: &[f32]);
    /// Tells that no block follows: what is still held back becomes ready. The whole output then has exactly
    /// `start_sample(blocks pushed)` samples.
    fn finish(&mut self);
    /// How many samples [`Synth::fill`] can deliver now.
    fn ready(&self) -> usize;
    /// Delivers the next `out.len()` samples or as many as are ready; returns how many it wrote.
    fn fill(&mut self, out: &mut [f32]) -> usize;
    /// How many samples beyond the end of a tick must be waited for before all of that tick's samples are ready.
    fn latency(&self) -> usize;
    /// Back to the state before the first push.
    fn reset(&mut self);
}
