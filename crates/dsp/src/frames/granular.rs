//! Granular synthesis on time: short pieces of each block, many at once, none far from its tick.

use crate::frames::family::GrainFamily;
use crate::frames::frame_synth::FrameSynth;
use crate::frames::granular_config::GranularConfig;
use crate::overlap_add::OverlapAdd;
use crate::tick_rng::TickRng;
use crate::units::TickGrid;

/// Greatest number of pitches at which the block of one tick is read: each costs one interpolation of the
/// block, after which every grain is a plain product. The next tick has other ones.
const MAX_PITCHES: u64 = 64;
/// One unit of a reading position, which counts samples in 32.32 fixed point: sums of steps stay exact.
const ONE: u64 = 1 << 32;

/// Grains of each block, at random times around its tick.
///
/// The middle of a grain lies uniformly within `jitter` ticks about the middle of its tick, and it reads from
/// a random place of its block, drawn independently; with a whole `jitter` the tick rate and its harmonics
/// are therefore absent from the expected spectrum (see [`frames`](crate::frames)). No sound of a tick lies
/// further than `spread_ticks` from it. A block shorter than a grain is read forth and back, so that a grain
/// never holds the sound of another tick and never jumps. Children follow their grain, each beginning half
/// its predecessor's length later at a place of its own. With `pitch_spread`, each tick draws up to 64
/// pitches and its grains take turns with them.
///
/// Grains are as good as uncorrelated, so powers add: with d grains a tick of H samples, envelope e, and
/// amplitudes a, the gain is √(H / (d Σ a² Σ e²)), which keeps the power of the blocks. Where grains are so
/// sparse that gaps remain, the gain is that of one grain at a time.
pub struct Granular {
    grid: TickGrid,
    family: GrainFamily,
    block_len: usize,
    /// One sample, the block, and its continuation forth and back.
    source: Vec<f32>,
    pitched: Vec<PitchedBlock>,
    tick: i64,
    mix: OverlapAdd,
}

/// The block of a tick at one pitch.
#[derive(Default)]
struct PitchedBlock {
    samples: Vec<f32>,
    /// Number of samples at which a grain may begin to read.
    starts: usize,
}

impl Granular {
    /// A synth for blocks of `hops` hops (1 or 2).
    pub fn new(grid: TickGrid, hops: usize, config: &GranularConfig) -> Self {
        let family = GrainFamily::new(grid, config);
        let block_len = hops.max(1) * grid.block_len();
        Self {
            grid,
            block_len,
            source: vec![0.0; block_len + family.longest_read() + 4],
            pitched: Vec::new(),
            tick: 0,
            mix: OverlapAdd::default(),
            family,
        }
    }

    /// Lays the block out for reading: index 1 is its first sample; what lies beyond its end is the block
    /// read backwards, then forwards again, and so on.
    fn lay_out(&mut self, block: &[f32]) {
        let (n, given) = (self.block_len, block.len().min(self.block_len));
        self.source[1..=given].copy_from_slice(&block[..given]);
        self.source[given + 1..=n].fill(0.0);
        self.source[0] = self.source[1];
        for k in n + 1..self.source.len() {
            let back = (k - 1) % (2 * n);
            self.source[k] = self.source[1 + back.min(2 * n - 1 - back)];
        }
    }

    /// Reads the block at the pitches of this tick.
    fn read_pitches(&mut self, rng: &mut TickRng, grains: u64) {
        let pitches = if self.family.is_spread() { grains.min(MAX_PITCHES) } else { 1 };
        self.pitched.resize_with(pitches as usize, PitchedBlock::default);
        let (grain, block_len) = (self.family.envelope(0).len(), self.block_len as f64);
        for block in &mut self.pitched {
            let pitch = self.family.pitch(rng);
            let room = block_len - grain as f64 * pitch;
            block.starts = ((if room >= 1.0 { room } else { block_len }) / pitch).max(1.0) as usize;
            block.samples.resize(block.starts + grain, 0.0);
            read_at(pitch, &self.source, &mut block.samples);
        }
    }

    /// Mixes grain number `grain` of the current tick with its children.
    fn mix_grain(&mut self, rng: &mut TickRng, grain: u64) {
        let onset = self.family.onset(self.grid, self.tick, rng);
        let block = &self.pitched[(grain % self.pitched.len() as u64) as usize];
        for member in 0..self.family.members() {
            let start = (rng.unit() * block.starts as f64) as usize;
            let first = onset + self.family.offset(member);
            self.mix.add(first, &block.samples[start..], self.family.envelope(member));
        }
    }
}

impl FrameSynth for Granular {
    fn push(&mut self, block: &[f32]) {
        self.lay_out(block);
        let mut rng = TickRng::new(self.family.config().seed, self.tick as u64);
        let grains = self.family.grains(self.tick);
        self.read_pitches(&mut rng, grains);
        for grain in 0..grains {
            self.mix_grain(&mut rng, grain);
        }
        self.tick += 1;
        self.mix.complete(self.grid.start_sample(self.tick) - self.family.lead());
    }

    fn finish(&mut self) {
        self.mix.complete(self.grid.start_sample(self.tick));
    }

    fn ready(&self) -> usize {
        self.mix.ready()
    }

    fn fill(&mut self, out: &mut [f32]) -> usize {
        self.mix.fill(out)
    }

    fn latency(&self) -> usize {
        self.family.lead() as usize
    }

    fn reset(&mut self) {
        self.tick = 0;
        self.mix.reset();
    }
}

/// The speed at which [`read_at`] reads, which is rounded to its steps.
pub(crate) fn speed(pitch: f64) -> f64 {
    step(pitch) as f64 / ONE as f64
}

fn step(pitch: f64) -> u64 {
    (pitch * ONE as f64) as u64
}

/// Reads `source` at a pitch, from its sample 1 on, with cubic interpolation after Catmull and Rom ("A class
/// of local interpolating splines", 1974).
pub(crate) fn read_at(pitch: f64, source: &[f32], out: &mut [f32]) {
    read_from(0.0, pitch, source, out);
}

/// Reads from `phase` samples, 0 to 1, behind the source's sample 1.
pub(crate) fn read_from(phase: f64, pitch: f64, source: &[f32], out: &mut [f32]) {
    let (phase, step) = ((phase * ONE as f64) as u64, step(pitch));
    if step == ONE && phase == 0 {
        out.copy_from_slice(&source[1..=out.len()]);
        return;
    }
    for (k, y) in (0u64..).zip(out) {
        let position = phase + k * step;
        let around = source.get((position >> 32) as usize..).and_then(|rest| rest.first_chunk());
        let [a, b, c, d] = *around.unwrap_or(&[0.0; 4]);
        let t = (position as u32) as f32 * (1.0 / ONE as f32);
        let slope = 0.5 * (c - a);
        *y = b + t * (slope + t * (a - 2.5 * b + 2.0 * c - 0.5 * d + t * (1.5 * (b - c) + 0.5 * (d - a))));
    }
}
