//! Times, envelopes and pitches of grains and their children: the common part of all granular synths.

use crate::frames::frame_synth::exact_hop;
use crate::frames::granular_config::GranularConfig;
use crate::tick_rng::TickRng;
use crate::units::TickGrid;
use crate::window::Form;

/// Samples of the shortest grain; anything shorter is a click without a pitch. Children shorter than this are
/// left out.
const SHORTEST_GRAIN: usize = 8;
/// Samples left free at each edge of the allowed time, for the rounding of ticks and grains to whole samples.
const ROUNDING: f64 = 2.0;

/// A grain and its children, with their times and pitches.
pub(crate) struct GrainFamily {
    config: GranularConfig,
    hop: f64,
    members: Vec<FamilyMember>,
    lead: i64,
}

/// A grain or one of its children.
struct FamilyMember {
    /// Samples after the first grain's beginning.
    offset: i64,
    /// Its envelope, times its amplitude, times the gain of the synth.
    envelope: Vec<f32>,
}

impl GrainFamily {
    /// The grains of these settings. Those outside of their ranges are moved to the nearest allowed value.
    pub(crate) fn new(grid: TickGrid, config: &GranularConfig) -> Self {
        let config = config.clamped();
        let hop = exact_hop(grid);
        let lengths = member_lengths(grid, &config);
        let lead = (f64::from(config.jitter) - 1.0) * hop / 2.0 + lengths[0] as f64 / 2.0 + ROUNDING;
        Self { members: members(&lengths, &config, hop), hop, lead: lead.ceil().max(0.0) as i64, config }
    }

    /// The settings, within their ranges.
    pub(crate) fn config(&self) -> &GranularConfig {
        &self.config
    }

    /// Samples by which a grain may sound before its tick.
    pub(crate) fn lead(&self) -> i64 {
        self.lead
    }

    /// Number of members: a grain and its children.
    pub(crate) fn members(&self) -> usize {
        self.members.len()
    }

    /// The envelope of a member, times its amplitude, times the gain of the synth. The first one is the
    /// longest.
    pub(crate) fn envelope(&self, member: usize) -> &[f32] {
        &self.members[member].envelope
    }

    /// Samples from the grain's beginning to a member's.
    pub(crate) fn offset(&self, member: usize) -> i64 {
        self.members[member].offset
    }

    /// Number of grains that begin with a tick.
    pub(crate) fn grains(&self, tick: i64) -> u64 {
        self.due(tick + 1, 0.0) - self.due(tick, 0.0)
    }

    /// Number of grains that begin within the first ticks, with `surplus` grains more than the density gives.
    pub(crate) fn due(&self, ticks: i64, surplus: f64) -> u64 {
        (ticks as f64 * f64::from(self.config.density) + surplus).floor() as u64
    }

    /// First sample of a grain of a tick.
    pub(crate) fn onset(&self, grid: TickGrid, tick: i64, rng: &mut TickRng) -> i64 {
        let (from, to) = (grid.start_sample(tick), grid.start_sample(tick + 1));
        let middle =
            (from + to) as f64 / 2.0 + rng.between(-0.5, 0.5) * f64::from(self.config.jitter) * self.hop;
        (middle - self.members[0].envelope.len() as f64 / 2.0).round() as i64
    }

    /// Returns true if pitches differ.
    pub(crate) fn is_spread(&self) -> bool {
        self.config.pitch_spread > 0.0
    }

    /// The reading speed of a grain.
    pub(crate) fn pitch(&self, rng: &mut TickRng) -> f64 {
        let spread =
            if self.is_spread() { rng.between(-1.0, 1.0) * f64::from(self.config.pitch_spread) } else { 0.0 };
        f64::from(self.config.pitch) * 2f64.powf(spread / 12.0)
    }

    /// Greatest number of samples that a grain reads.
    pub(crate) fn longest_read(&self) -> usize {
        let highest = f64::from(self.config.pitch) * 2f64.powf(f64::from(self.config.pitch_spread) / 12.0);
        (self.members[0].envelope.len() as f64 * highest).ceil() as usize
    }
}

/// Lengths in samples of a grain and its children: as set, or as long as lets the latest of them end in time.
fn member_lengths(grid: TickGrid, config: &GranularConfig) -> Vec<usize> {
    let length = f64::from(config.size_ms) * f64::from(grid.rate.hz()) / 1000.0;
    let relative: Vec<f64> =
        (0..=config.children as i32).map(|i| f64::from(config.child_shrink).powi(i)).collect();
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
    let length = length.min(remains / (family - 0.5));
    let first = (length as usize).max(SHORTEST_GRAIN);
    let children = relative[1..].iter().map(|r| (r * length) as usize);
    std::iter::once(first).chain(children.take_while(|length| *length >= SHORTEST_GRAIN)).collect()
}

/// The members of those lengths, with envelopes that give the power of the blocks.
fn members(lengths: &[usize], config: &GranularConfig, hop: f64) -> Vec<FamilyMember> {
    let amplitude = |child: usize| 1.0 / (child as f64 + 1.0);
    let envelope = |length: usize| config.envelope.coefficients_f64(length, Form::Symmetric);
    let energy = |(child, length): (usize, &usize)| {
        amplitude(child).powi(2) * envelope(*length).iter().map(|e| e * e).sum::<f64>()
    };
    let power = f64::from(config.density) / hop * lengths.iter().enumerate().map(energy).sum::<f64>();
    let alone = energy((0, &lengths[0])) / lengths[0] as f64;
    let gain = power.max(alone).max(1e-9).sqrt().recip();
    let mut offset = 0;
    let member = |(child, length): (usize, &usize)| {
        let scale = gain * amplitude(child);
        let member =
            FamilyMember { offset, envelope: envelope(*length).iter().map(|e| (e * scale) as f32).collect() };
        offset += *length as i64 / 2;
        member
    };
    lengths.iter().enumerate().map(member).collect()
}
