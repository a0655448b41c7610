//! The granular synthesis of 2015, with its smear.

use crate::frames::frame_synth::{FrameSynth, exact_hop, lead_of_block};
use crate::overlap_add::OverlapAdd;
use crate::tick_rng::TickRng;
use crate::units::TickGrid;
use crate::window::{Form, Window};
use serde::{Deserialize, Serialize};

/// Greatest number of grains of a block, and of children of a grain. At least one of each.
const MAX_GRAINS: u32 = 20;
/// Ticks before its block at which a grain begins at the earliest, and after it at the latest.
const MIN_ONSET_TICKS: f64 = -1.0;
const MAX_ONSET_TICKS: f64 = 20.0;
/// Blocks that a grain reads.
const GRAIN_BLOCKS: i64 = 2;

/// Settings of `Granular2015`, the granular synthesis of 2015.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Granular2015Config {
    /// Seed of everything random.
    pub seed: u64,
}

/// The scheme that A. Hindle rendered with Csound in "Deep Learning Bitmaps to PCM" (2015), from its
/// published facts: from the raw sound, for each block 1 to 20 grains that begin at random between one block
/// before and 20 blocks after it, each with 1 to 20 children of shrinking length and amplitude 1 / (i + 1),
/// all under a Bartlett envelope.
///
/// Details that the facts leave open are chosen such that an event smears over the 1.4 s that they state: a
/// grain is two blocks of the raw sound long, from its block on; child i of n has 1 − i / (n + 1) of its
/// length, begins at a random moment of its predecessor (a fixed one would be an echo with a pitch of its
/// own) and reads the same place. The latest grain then ends at most 20 + 2 (1 + 10) = 42 ticks after its
/// block began, 1.4 s at 30 Hz. The level is that of the blocks, on average. The historic dependence on the
/// length of the file is left out.
pub struct Granular2015 {
    grid: TickGrid,
    hops: usize,
    hop: f64,
    seed: u64,
    /// For each number of children less one, the envelopes of a grain and its children, times amplitude and
    /// gain.
    families: Vec<Vec<Vec<f32>>>,
    /// Raw sound of the last two ticks, which the grains of the earlier one read: `GRAIN_BLOCKS` × block
    /// length.
    raw: Vec<f32>,
    /// Ticks pushed.
    tick: i64,
    mix: OverlapAdd,
}

impl Granular2015 {
    /// A synth for blocks of `hops` hops (1 or 2).
    pub fn new(grid: TickGrid, hops: usize, config: &Granular2015Config) -> Self {
        let hop = exact_hop(grid);
        let grain_len = GRAIN_BLOCKS as usize * grid.block_len();
        Self {
            grid,
            hops: hops.max(1),
            hop,
            seed: config.seed,
            families: families(grain_len, hop),
            raw: vec![0.0; grain_len],
            tick: 0,
            mix: OverlapAdd::default(),
        }
    }

    /// Mixes all grains of tick `i`, whose raw sound and that of the next tick lie in `raw`.
    fn mix_tick(&mut self, i: i64) {
        let mut rng = TickRng::new(self.seed, i as u64);
        for _ in 0..rng.whole(1, MAX_GRAINS) {
            let late = rng.between(MIN_ONSET_TICKS, MAX_ONSET_TICKS) * self.hop;
            let mut onset = self.grid.start_sample(i) + late.round() as i64;
            let children = rng.whole(1, MAX_GRAINS) as usize;
            for envelope in &self.families[children - 1] {
                self.mix.add(onset, &self.raw, envelope);
                onset += rng.between(0.0, envelope.len() as f64) as i64;
            }
        }
    }

    /// The position before which no tick from `i` on can sound.
    fn earliest(&self, i: i64) -> i64 {
        self.grid.start_sample(i) + (MIN_ONSET_TICKS * self.hop).floor() as i64
    }
}

impl FrameSynth for Granular2015 {
    fn push(&mut self, block: &[f32]) {
        let lead = lead_of_block(self.grid, self.hops) as usize;
        let (span, before) = (self.grid.span(self.tick), self.grid.span(self.tick - 1));
        let on_tick = block.get(lead..).unwrap_or(&[]);
        let given = span.min(on_tick.len());
        self.raw[before..before + given].copy_from_slice(&on_tick[..given]);
        self.raw[before + given..].fill(0.0);
        if self.tick > 0 {
            self.mix_tick(self.tick - 1);
        }
        self.raw.copy_within(before..before + span, 0);
        self.raw[span..].fill(0.0);
        self.mix.complete(self.earliest(self.tick));
        self.tick += 1;
    }

    fn finish(&mut self) {
        if self.tick > 0 {
            self.mix_tick(self.tick - 1);
        }
        self.mix.complete(self.grid.start_sample(self.tick));
    }

    fn ready(&self) -> usize {
        self.mix.ready()
    }

    fn fill(&mut self, out: &mut [f32]) -> usize {
        self.mix.fill(out)
    }

    fn latency(&self) -> usize {
        self.grid.block_len() + (-MIN_ONSET_TICKS * self.hop).ceil() as usize
    }

    fn reset(&mut self) {
        self.tick = 0;
        self.raw.fill(0.0);
        self.mix.reset();
    }
}

/// The envelopes of all families, scaled such that the expected power is that of the blocks.
fn families(grain_len: usize, hop: f64) -> Vec<Vec<Vec<f32>>> {
    let member = |child: u32, children: u32| {
        let length = grain_len * (children + 1 - child) as usize / (children + 1) as usize;
        let envelope = Window::Bartlett.coefficients_f64(length, Form::Symmetric);
        envelope.into_iter().map(|e| e / f64::from(child + 1)).collect::<Vec<f64>>()
    };
    let family = |children: u32| (0..=children).map(|child| member(child, children)).collect::<Vec<_>>();
    let families: Vec<Vec<Vec<f64>>> = (1..=MAX_GRAINS).map(family).collect();
    let energy: f64 = families.iter().flatten().flatten().map(|e| e * e).sum();
    let grains = f64::from(1 + MAX_GRAINS) / 2.0;
    let gain = (hop / (grains * energy / f64::from(MAX_GRAINS))).sqrt();
    let scaled = |envelope: &Vec<f64>| envelope.iter().map(|e| (e * gain) as f32).collect();
    families.iter().map(|family| family.iter().map(scaled).collect()).collect()
}
