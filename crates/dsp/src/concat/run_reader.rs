//! Reading of runs of units at their speed, mirrored at the ends of their sources.

use crate::concat::UnitSound;
use crate::concat::played_tick::{PlayedRun, PlayedTick};
use crate::concat::units::UnitDescriptors;
use crate::frames::read_from;
use crate::units::TickGrid;

/// Units before and after a run that are checked for the end of its source: fades and shifts reach no
/// further.
const MAX_UNITS_BEYOND_RUN: u32 = 4;

/// Reads the sources of runs at their speed.
#[derive(Default)]
pub(crate) struct RunReader {
    /// Interleaved frames of the source, one channel of them, and that at its speed.
    source: Vec<f32>,
    one_channel: Vec<f32>,
    at_speed: Vec<f32>,
}

impl RunReader {
    /// Reads the source of a tick's run from frame `first` of the output on, which may lie a little outside
    /// of the tick.
    pub(crate) fn read(
        &mut self,
        (sound, units, grid): (&impl UnitSound, &UnitDescriptors, TickGrid),
        tick: &PlayedTick,
        first: i64,
        interleaved: &mut [f32],
    ) {
        let (run, channels) = (tick.run, sound.channels().max(1));
        let after = first - grid.start_sample(run.tick);
        let low = source_begin(units, grid, &run).unwrap_or(i64::MIN);
        let high = source_end(units, grid, tick).unwrap_or(i64::MAX);
        if run.speed == 1.0 {
            return read_mirrored(sound, run.unit, (low, high), after + run.shift, interleaved);
        }
        let frames = interleaved.len() / channels;
        let position = run.position(after);
        // One frame before the first, and three after the last, are what interpolation needs.
        self.source.resize(((frames as f64 * run.speed).ceil() as usize + 4) * channels, 0.0);
        read_mirrored(sound, run.unit, (low, high), position.floor() as i64 - 1, &mut self.source);
        self.at_speed.resize(frames, 0.0);
        for channel in 0..channels {
            self.one_channel.clear();
            self.one_channel.extend(self.source.iter().skip(channel).step_by(channels));
            read_from(position - position.floor(), run.speed, &self.one_channel, &mut self.at_speed);
            interleaved
                .iter_mut()
                .skip(channel)
                .step_by(channels)
                .zip(&self.at_speed)
                .for_each(|(y, x)| *y = *x);
        }
    }
}

/// Reads from frame `from` after the beginning of a unit on: the sound between `low` and `high`, and beyond
/// them the sound on the other side, backwards.
fn read_mirrored(
    sound: &impl UnitSound,
    unit: u32,
    (low, high): (i64, i64),
    from: i64,
    interleaved: &mut [f32],
) {
    let channels = sound.channels().max(1);
    let to = from + (interleaved.len() / channels) as i64;
    let begin = low.clamp(from, to);
    let end = high.clamp(begin, to);
    let (early, rest) = interleaved.split_at_mut((begin - from) as usize * channels);
    let (inner, late) = rest.split_at_mut((end - begin) as usize * channels);
    if !inner.is_empty() {
        sound.read(unit, begin, inner);
    }
    if !early.is_empty() {
        sound.read(unit, 2 * low - begin, early);
        reverse_frames(early, channels);
    }
    if !late.is_empty() {
        sound.read(unit, 2 * high - to, late);
        reverse_frames(late, channels);
    }
}

/// The beginning of a run's source, in frames after the beginning of its first unit, if that is near.
pub(crate) fn source_begin(units: &UnitDescriptors, grid: TickGrid, run: &PlayedRun) -> Option<i64> {
    let before = (0..MAX_UNITS_BEYOND_RUN).find(|k| !units.follows_another(run.unit.saturating_sub(*k)))?;
    // Where spans differ, so many units may have one frame more than as many ticks from 0 on, never one less.
    Some(-grid.start_sample(i64::from(before)))
}

/// The end of the source of a tick's run, in frames after the beginning of the run's first unit, if that is
/// near.
pub(crate) fn source_end(units: &UnitDescriptors, grid: TickGrid, tick: &PlayedTick) -> Option<i64> {
    let mut after = (1..=MAX_UNITS_BEYOND_RUN).map(|k| tick.unit.saturating_add(k));
    let next = after.find(|next| !units.follows_another(*next))?;
    // A run that went on at its speed may end with a unit that is not its own.
    Some(grid.start_sample(i64::from(next) - i64::from(tick.run.unit)))
}

fn reverse_frames(interleaved: &mut [f32], channels: usize) {
    interleaved.reverse();
    interleaved.chunks_exact_mut(channels).for_each(<[f32]>::reverse);
}
