//! Grains on time: short pieces of each block, many at once, none far from its cause.

use crate::frames::{FrameSynth, Setting, exact_hop};
use crate::overlap_add::OverlapAdd;
use crate::tick_rng::TickRng;
use crate::units::TickGrid;
use crate::window::{Form, Window};
use serde::{Deserialize, Serialize};

/// Samples of the shortest grain; anything shorter is a click without a pitch. Children shorter than this are left out.
const SHORTEST_GRAIN: usize = 8;
/// Samples left free at each edge of the allowed time, for the rounding of ticks and grains to whole samples.
const ROUNDING: f64 = 2.0;
/// Pitches that the block of one tick is read at, at most: each costs one interpolation of the block, after which every
/// grain is a plain product. The next tick has other ones.
const MOST_VOICES: u64 = 64;
/// One unit of a reading position, which counts samples in 32.32 fixed point: sums of steps stay exact.
const ONE: u64 = 1 << 32;

/// Settings of [`Granular`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GranularConfig {
    /// Length of a grain in milliseconds, 1 to 2000. Shortened where it would sound beyond `spread_ticks`.
    pub size_ms: f32,
    /// Grains (without children) a tick, 0.01 to 65 536; fractions are kept over several ticks.
    pub density: f32,
    /// Ticks over which the middles of grains are spread, around the middle of their tick, 0 to 64. Whole numbers from 1
    /// on leave no comb at the tick rate. At most 2 × `spread_ticks`.
    pub jitter: f32,
    /// Shape of every grain.
    pub envelope: Window,
    /// Speed of reading, 1/16 to 16: 2 is an octave up.
    pub pitch: f32,
    /// Semitones, 0 to 48, by which the pitch of each grain is moved up or down at random.
    pub pitch_spread: f32,
    /// Further grains after each grain, 0 to 20: child i has 1 / (i + 1) of its amplitude.
    pub children: u32,
    /// Length of each child relative to its predecessor, 0.1 to 1.
    pub child_shrink: f32,
    /// Ticks before and after its own tick within which a grain sounds, 0.5 to 64.
    pub spread_ticks: f32,
    /// How far density, size, jitter and spread of pitch follow what a brain says of each tick, 0 to 1, see
    /// [`Manner`](crate::granular::GrainModulation): for [`Cloud`](crate::granular::Cloud) alone, since blocks come without it.
    #[serde(rename = "drive")]
    pub mod_depth: f32,
    /// Seed of all places and pitches.
    pub seed: u64,
}

impl Default for GranularConfig {
    fn default() -> Self {
        Self {
            size_ms: 40.0,
            density: 8.0,
            jitter: 1.0,
            envelope: Window::Hann,
            pitch: 1.0,
            pitch_spread: 0.0,
            children: 0,
            child_shrink: 0.5,
            spread_ticks: 1.0,
            mod_depth: 1.0,
            seed: 0,
        }
    }
}

impl GranularConfig {
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let setting = |name, value: f32, low, high| Setting::new(name, f64::from(value), low, high);
        vec![
            setting("size_ms", self.size_ms, 1.0, 2000.0),
            setting("density", self.density, 0.01, 65_536.0),
            setting("jitter", self.jitter, 0.0, 64.0),
            setting("pitch", self.pitch, 1.0 / 16.0, 16.0),
            setting("pitch_spread", self.pitch_spread, 0.0, 48.0),
            Setting::new("children", f64::from(self.children), 0.0, 20.0),
            setting("child_shrink", self.child_shrink, 0.1, 1.0),
            setting("spread_ticks", self.spread_ticks, 0.5, 64.0),
            setting("drive", self.mod_depth, 0.0, 1.0),
        ]
    }

    fn clamped(&self) -> Self {
        let allowed: Vec<f64> = self.settings().iter().map(Setting::clamped).collect();
        let [size_ms, density, jitter, pitch, pitch_spread, children, child_shrink, spread_ticks, mod_depth] =
            allowed[..]
        else {
            unreachable!("there are nine settings");
        };
        Self {
            size_ms: size_ms as f32,
            density: density as f32,
            jitter: jitter.min(2.0 * spread_ticks) as f32,
            envelope: self.envelope,
            pitch: pitch as f32,
            pitch_spread: pitch_spread as f32,
            children: children as u32,
            child_shrink: child_shrink as f32,
            spread_ticks: spread_ticks as f32,
            mod_depth: mod_depth as f32,
            seed: self.seed,
        }
    }
}

/// Grains of each block, at random times around its tick.
///
/// The middle of a grain lies uniformly within `jitter` ticks about the middle of its tick, and it reads from a random
/// place of its block, drawn independently; with a whole `jitter` the tick rate and its harmonics are therefore absent
/// from the expected spectrum (see the module above). No sound of a tick lies further than `spread_ticks` from it. A
/// block shorter than a grain is read forth and back, so that a grain never holds the sound of another tick and never
/// jumps. Children follow their grain, each beginning half its predecessor's length later at a place of its own. With
/// `pitch_spread`, each tick draws up to 64 pitches and its grains take turns with them.
///
/// Grains are as good as uncorrelated, so powers add: with d grains a tick of H samples, envelope e, and amplitudes a, the
/// gain is √(H / (d Σ a² Σ e²)), which keeps the power of the blocks. Where grains are so sparse that gaps remain, the gain
/// is that of one grain at a time.
pub struct Granular {
    grid: TickGrid,
    family: Family,
    block_len: usize,
    /// One sample, the block, and its continuation forth and back.
    material: Vec<f32>,
    voices: Vec<Voice>,
    tick: i64,
    mix: OverlapAdd,
}

/// When grains sound, and how: what all granular synths have in common.
pub(crate) struct Family {
    config: GranularConfig,
    hop: f64,
    shapes: Vec<Shape>,
    lead: i64,
}

/// A grain or one of its children.
struct Shape {
    /// Samples after the first grain's beginning.
    offset: i64,
    /// Its envelope, times its amplitude, times the gain of the synth.
    envelope: Vec<f32>,
}

/// The block of a tick at one pitch.
#[derive(Default)]
struct Voice {
    samples: Vec<f32>,
    /// Samples at which a grain may begin to read.
    places: usize,
}

impl Family {
    /// Settings outside of their ranges are moved to the nearest allowed value.
    pub(crate) fn new(grid: TickGrid, config: &GranularConfig) -> Self {
        let config = config.clamped();
        let hop = exact_hop(grid);
        let lengths = family_lengths(grid, &config);
        let lead = (f64::from(config.jitter) - 1.0) * hop / 2.0 + lengths[0] as f64 / 2.0 + ROUNDING;
        Self { shapes: shapes(&lengths, &config, hop), hop, lead: lead.ceil().max(0.0) as i64, config }
    }

    /// The settings, within their ranges.
    pub(crate) fn config(&self) -> &GranularConfig {
        &self.config
    }

    /// Samples by which a grain may sound before its tick.
    pub(crate) fn lead(&self) -> i64 {
        self.lead
    }

    /// A grain and its children.
    pub(crate) fn members(&self) -> usize {
        self.shapes.len()
    }

    /// The envelope of a member, times its amplitude, times the gain of the synth. The first one is the longest.
    pub(crate) fn envelope(&self, member: usize) -> &[f32] {
        &self.shapes[member].envelope
    }

    /// Samples from the grain's beginning to a member's.
    pub(crate) fn offset(&self, member: usize) -> i64 {
        self.shapes[member].offset
    }

    /// How many grains begin with a tick.
    fn grains(&self, tick: i64) -> u64 {
        self.due(tick + 1, 0.0) - self.due(tick, 0.0)
    }

    /// How many grains begin with the first ticks, `more` of them than the density says.
    pub(crate) fn due(&self, ticks: i64, more: f64) -> u64 {
        (ticks as f64 * f64::from(self.config.density) + more).floor() as u64
    }

    /// Where a grain of a tick begins.
    pub(crate) fn onset(&self, grid: TickGrid, tick: i64, draw: &mut TickRng) -> i64 {
        let (from, to) = (grid.start_sample(tick), grid.start_sample(tick + 1));
        let middle =
            (from + to) as f64 / 2.0 + draw.between(-0.5, 0.5) * f64::from(self.config.jitter) * self.hop;
        (middle - self.shapes[0].envelope.len() as f64 / 2.0).round() as i64
    }

    /// Whether pitches differ.
    fn is_spread(&self) -> bool {
        self.config.pitch_spread > 0.0
    }

    /// The speed at which a grain is read.
    pub(crate) fn pitch(&self, draw: &mut TickRng) -> f64 {
        let spread = if self.is_spread() {
            draw.between(-1.0, 1.0) * f64::from(self.config.pitch_spread)
        } else {
            0.0
        };
        f64::from(self.config.pitch) * 2f64.powf(spread / 12.0)
    }

    /// The most samples that a grain reads.
    fn longest_read(&self) -> usize {
        let highest = f64::from(self.config.pitch) * 2f64.powf(f64::from(self.config.pitch_spread) / 12.0);
        (self.shapes[0].envelope.len() as f64 * highest).ceil() as usize
    }
}

impl Granular {
    /// For blocks of `hops` hops (1 or 2).
    pub fn new(grid: TickGrid, hops: usize, config: &GranularConfig) -> Self {
        let family = Family::new(grid, config);
        let block_len = hops.max(1) * grid.block_len();
        Self {
            grid,
            block_len,
            material: vec![0.0; block_len + family.longest_read() + 4],
            voices: Vec::new(),
            tick: 0,
            mix: OverlapAdd::default(),
            family,
        }
    }

    /// Lays the block out for reading: index 1 is its first sample; what lies beyond its end is the block read
    /// backwards, then forwards again, and so on.
    fn lay_out(&mut self, block: &[f32]) {
        let (n, given) = (self.block_len, block.len().min(self.block_len));
        self.material[1..=given].copy_from_slice(&block[..given]);
        self.material[given + 1..=n].fill(0.0);
        self.material[0] = self.material[1];
        for k in n + 1..self.material.len() {
            let back = (k - 1) % (2 * n);
            self.material[k] = self.material[1 + back.min(2 * n - 1 - back)];
        }
    }

    /// Reads the block at the pitches of this tick.
    fn read_voices(&mut self, draw: &mut TickRng, grains: u64) {
        let voices = if self.family.is_spread() { grains.min(MOST_VOICES) } else { 1 };
        self.voices.resize_with(voices as usize, Voice::default);
        let (grain, block) = (self.family.envelope(0).len(), self.block_len as f64);
        for voice in &mut self.voices {
            let pitch = self.family.pitch(draw);
            let room = block - grain as f64 * pitch;
            voice.places = ((if room >= 1.0 { room } else { block }) / pitch).max(1.0) as usize;
            voice.samples.resize(voice.places + grain, 0.0);
            read_at(pitch, &self.material, &mut voice.samples);
        }
    }

    /// Mixes grain number `grain` of the current tick with its children.
    fn mix_grain(&mut self, draw: &mut TickRng, grain: u64) {
        let onset = self.family.onset(self.grid, self.tick, draw);
        let voice = &self.voices[(grain % self.voices.len() as u64) as usize];
        for member in 0..self.family.members() {
            let place = (draw.unit() * voice.places as f64) as usize;
            let first = onset + self.family.offset(member);
            self.mix.add(first, &voice.samples[place..], self.family.envelope(member));
        }
    }
}

impl FrameSynth for Granular {
    fn push(&mut self, block: &[f32]) {
        self.lay_out(block);
        let mut draw = TickRng::new(self.family.config().seed, self.tick as u64);
        let grains = self.family.grains(self.tick);
        self.read_voices(&mut draw, grains);
        for grain in 0..grains {
            self.mix_grain(&mut draw, grain);
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

/// Reads `material` at a pitch, from its sample 1 on, with cubic interpolation after Catmull and Rom ("A class of local
/// interpolating splines", 1974).
pub(crate) fn read_at(pitch: f64, material: &[f32], out: &mut [f32]) {
    read_from(0.0, pitch, material, out);
}

/// The same from `phase` samples, 0 to 1, behind the material's sample 1.
pub(crate) fn read_from(phase: f64, pitch: f64, material: &[f32], out: &mut [f32]) {
    let (phase, step) = ((phase * ONE as f64) as u64, step(pitch));
    if step == ONE && phase == 0 {
        out.copy_from_slice(&material[1..=out.len()]);
        return;
    }
    for (k, y) in (0u64..).zip(out) {
        let position = phase + k * step;
        let around = material.get((position >> 32) as usize..).and_then(|rest| rest.first_chunk());
        let [a, b, c, d] = *around.unwrap_or(&[0.0; 4]);
        let t = (position as u32) as f32 * (1.0 / ONE as f32);
        let slope = 0.5 * (c - a);
        *y = b + t * (slope + t * (a - 2.5 * b + 2.0 * c - 0.5 * d + t * (1.5 * (b - c) + 0.5 * (d - a))));
    }
}

/// Lengths in samples of a grain and its children: as asked, or as long as lets the latest of them end in time.
fn family_lengths(grid: TickGrid, config: &GranularConfig) -> Vec<usize> {
    let asked = f64::from(config.size_ms) * f64::from(grid.rate.hz()) / 1000.0;
    let members = 0..=config.children as i32;
    let relative: Vec<f64> = members.map(|i| f64::from(config.child_shrink).powi(i)).collect();
    // With every member beginning halfway through the one before, the family is this many first grains long.
    let mut begin = 0.0;
    let ends = relative.iter().map(|length| {
        let end = begin + length;
        begin += length / 2.0;
        end
    });
    let family = ends.fold(1.0, f64::max);
    // From the middle of the first grain there remain half a tick and `spread_ticks`, less half the jitter.
    let remains =
        (0.5 + f64::from(config.spread_ticks) - f64::from(config.jitter) / 2.0) * exact_hop(grid) - ROUNDING;
    let length = asked.min(remains / (family - 0.5));
    let first = (length as usize).max(SHORTEST_GRAIN);
    let children = relative[1..].iter().map(|r| (r * length) as usize);
    std::iter::once(first).chain(children.take_while(|length| *length >= SHORTEST_GRAIN)).collect()
}

fn shapes(lengths: &[usize], config: &GranularConfig, hop: f64) -> Vec<Shape> {
    let amplitude = |child: usize| 1.0 / (child as f64 + 1.0);
    let envelope = |length: usize| config.envelope.coefficients_f64(length, Form::Symmetric);
    let energy = |(child, length): (usize, &usize)| {
        amplitude(child).powi(2) * envelope(*length).iter().map(|e| e * e).sum::<f64>()
    };
    let power = f64::from(config.density) / hop * lengths.iter().enumerate().map(energy).sum::<f64>();
    let alone = energy((0, &lengths[0])) / lengths[0] as f64;
    let gain = power.max(alone).max(1e-9).sqrt().recip();
    let mut offset = 0;
    let shape = |(child, length): (usize, &usize)| {
        let scale = gain * amplitude(child);
        let shape =
            Shape { offset, envelope: envelope(*length).iter().map(|e| (e * scale) as f32).collect() };
        offset += *length as i64 / 2;
        shape
    };
    lengths.iter().enumerate().map(shape).collect()
}
