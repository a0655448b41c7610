//! Blocks end to end: the sound of 2015, with its buzz.

use crate::frames::frame_synth::{FrameSynth, lead_of_block};
use crate::overlap_add::OverlapAdd;
use crate::units::TickGrid;

/// The first span(i) samples of each block i, end to end. In a block of two hops, which begins half a tick
/// before its tick, they are the span(i) samples that lie on the tick.
///
/// The only synth without delay, and the definition that the others are measured against. Every block border
/// is a discontinuity, and a still picture repeats one block: both sound as a buzz at the tick rate and its
/// harmonics.
pub struct Raw {
    grid: TickGrid,
    lead: usize,
    tick: i64,
    mix: OverlapAdd,
}

impl Raw {
    /// A synth for blocks of `hops` hops.
    pub fn new(grid: TickGrid, hops: usize) -> Self {
        Self { grid, lead: lead_of_block(grid, hops) as usize, tick: 0, mix: OverlapAdd::default() }
    }
}

impl FrameSynth for Raw {
    fn push(&mut self, block: &[f32]) {
        let (_, out) = self.mix.at(self.grid.start_sample(self.tick), self.grid.span(self.tick));
        let on_tick = block.get(self.lead..).unwrap_or(&[]);
        out.iter_mut().zip(on_tick).for_each(|(y, x)| *y = *x);
        self.tick += 1;
        self.mix.complete(self.grid.start_sample(self.tick));
    }

    fn finish(&mut self) {}

    fn ready(&self) -> usize {
        self.mix.ready()
    }

    fn fill(&mut self, out: &mut [f32]) -> usize {
        self.mix.fill(out)
    }

    fn latency(&self) -> usize {
        0
    }

    fn reset(&mut self) {
        self.tick = 0;
        self.mix.reset();
    }
}
