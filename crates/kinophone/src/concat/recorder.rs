//! Record of the clips that a layer plays: for scores and credits.

use crate::concat::UnitDatabase;
use crate::model::DescriptorLayout;
use crate::score::{ClipEvent, SelectionReason};
use crate::soundtrack::PlayedClips;
use kinophone_dsp::concat::Clip;
use std::collections::VecDeque;
use std::ops::Range;

/// Ticks that are kept for their grains: none sounds further from its own tick.
const MAX_GRAIN_TICKS: usize = 256;

/// Facts about the unit that was selected for a tick.
#[derive(Clone, Copy)]
pub(crate) struct SelectedTick {
    pub(crate) tick: i64,
    /// Parts of the distance between target and unit, where a score needs them.
    pub(crate) cost: Option<SelectionCost>,
    /// True if the unit does not continue that of the tick before.
    pub(crate) jumped: bool,
    /// Mean square that the tick's sound should have.
    pub(crate) power: f64,
}

/// Squared distances between a target and a unit in tone, loudness, onset, picture and pitch.
#[derive(Clone, Copy, Default)]
pub(crate) struct SelectionCost([f32; 5]);

/// Joins what was selected, tick by tick, to the clips that it became.
pub(crate) struct ScoreRecorder {
    /// True if clips are grains, many a tick, instead of runs of ticks.
    grains: bool,
    /// True if clips are kept for a score, and not only tallied for credits.
    keep: bool,
    layer: u32,
    /// The frame with which the soundtrack begins.
    begin: i64,
    /// Ticks whose clips may still come.
    ticks: VecDeque<SelectedTick>,
}

impl SelectionCost {
    /// The distances between two weighted descriptors.
    pub(crate) fn between(layout: &DescriptorLayout, target: &[f32], unit: &[f32]) -> Self {
        let squared = |range: Range<usize>| {
            // The sum of nothing is −0, which would be written so.
            0.0 + target[range.clone()].iter().zip(&unit[range]).map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
        };
        Self(layout.ranges().map(squared))
    }

    fn reason(self, jump: bool) -> SelectionReason {
        let short = |x: f32| (x * 1e4).round() / 1e4;
        let distance: f32 = self.0.iter().sum();
        let [tone, loudness, onset, picture, pitch] =
            self.0.map(|part| short(part / distance.max(f32::MIN_POSITIVE)));
        SelectionReason { distance: short(distance), jump, tone, loudness, onset, picture, pitch }
    }
}

impl ScoreRecorder {
    pub(crate) fn new(grains: bool, keep: bool, layer: u32, begin: i64) -> Self {
        Self { grains, keep, layer, begin, ticks: VecDeque::new() }
    }

    /// True if selected ticks need their cost.
    pub(crate) fn keeps_clips(&self) -> bool {
        self.keep
    }

    /// Takes the next tick.
    pub(crate) fn push(&mut self, selected: SelectedTick) {
        self.ticks.push_back(selected);
    }

    /// Takes the clips that were completed, in order, and adds them to `played`.
    pub(crate) fn take(
        &mut self,
        clips: &mut Vec<Clip>,
        database: &UnitDatabase<'_>,
        played: &mut PlayedClips,
    ) {
        let grid = database.sound.grid();
        for mut clip in clips.drain(..) {
            let Some((source, tick)) = database.sound.place(clip.unit as usize) else { continue };
            let (loudness_db, why) = if self.grains {
                (database.units.loudness_db(clip.unit), self.reason_of_grain(&clip))
            } else {
                self.end_run(&clip)
            };
            let place = grid.start_sample(tick) + clip.offset;
            clip.at -= self.begin;
            let mut event = ClipEvent::of(&clip, source, place, grid.rate, loudness_db, why);
            event.layer = self.layer;
            played.add(event, self.keep);
        }
        if self.grains {
            let done = self.ticks.len().saturating_sub(MAX_GRAIN_TICKS);
            self.ticks.drain(..done);
        }
    }

    fn reason_of_grain(&self, clip: &Clip) -> Option<SelectionReason> {
        let first = self.ticks.front()?.tick;
        let tick = self.ticks.get(usize::try_from(clip.ticks.start - first).ok()?)?;
        tick.cost.map(|cost| cost.reason(tick.jumped))
    }

    /// The mean power of the source under a run, in dB, and why the run was selected. Its ticks are forgotten.
    fn end_run(&mut self, clip: &Clip) -> (f32, Option<SelectionReason>) {
        let (mut power, mut count, mut jumped, mut sums) = (0.0, 0.0, false, [0.0; 5]);
        while let Some(tick) = self.ticks.pop_front_if(|tick| tick.tick < clip.ticks.end) {
            jumped |= count == 0.0 && tick.jumped;
            count += 1.0;
            power += tick.power;
            let SelectionCost(parts) = tick.cost.unwrap_or_default();
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += part);
        }
        if count == 0.0 {
            return (-120.0, None);
        }
        let level = 10.0 * (power / count).max(1e-12).log10();
        // The envelope's own power is added again by `ClipEvent::of`.
        let envelope = 10.0 * clip.power().max(1e-12).log10();
        let why = self.keep.then(|| SelectionCost(sums.map(|sum| sum / count as f32)).reason(jumped));
        ((level - envelope) as f32, why)
    }
}
