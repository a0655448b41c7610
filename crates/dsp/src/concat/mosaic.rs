//! Continuous sound from selected units.

use crate::concat::clip::Clip;
use crate::concat::clip_recorder::{ClipRecorder, RunEnd};
use crate::concat::crossfade::Crossfade;
use crate::concat::played_tick::{PlayedRun, PlayedTick};
use crate::concat::run_reader::{RunReader, source_begin, source_end};
use crate::concat::units::UnitDescriptors;
use crate::concat::{MosaicConfig, SelectedUnit, UnitSound, to_amplitude};
use crate::overlap_add::OverlapAdd;
use crate::units::TickGrid;
use std::f32::consts::PI;
use std::sync::Arc;

/// Milliseconds in which the gate opens. It is open when the tick begins, so that an attack there is whole.
const OPENING_MS: f32 = 5.0;
/// Milliseconds in which the gate closes, from the beginning of the tick.
const CLOSING_MS: f32 = 15.0;

/// Milliseconds between the end of a fade and the attack that it makes room for.
const ATTACK_MARGIN_MS: i64 = 1;

/// Makes continuous sound of selected units, tick by tick.
///
/// While units continue one another, the source is copied as it is. At a jump there is a fade around the
/// border of the ticks, with the new source moved by a few milliseconds to where it fits (see
/// `crossfade.rs`); it stays moved until the next jump. Sound that comes with an attack
/// ([`UnitPlayback::attack`]) is moved so that its attack comes in time, and the fade is over before that. A
/// source is never read over a break between units: frames that a fade or a shift needs beyond it are the
/// sound before it, backwards.
///
/// Gain: each tick has the gain from its unit's loudness to its own, within ±`max_gain_db`; 0 dB where that
/// is no number. At a border within a run the gain is the mean in dB of the ticks on both sides, from border
/// to border its amplitude is a straight line, so every sample depends on three ticks and nothing steps.
/// Across a jump nothing is smoothed, because it is between units of different loudness: each source keeps
/// its own gain through the fade.
///
/// Gate: a probability of silence g closes by `gate_db` × g⁶ (at ½ hardly anything), with slopes of a raised
/// cosine that open within 5 ms before the tick and close within 15 ms from its beginning, at most half a
/// tick each.
///
/// Sample 0 of the output is the first sample of tick 0, and after [`Mosaic::finish`] there are exactly
/// `start_sample(ticks)` frames. The alternation of `push` and `fill` does not change the output. Memory is
/// that of the units, and of the samples that are ready and were not taken.
pub struct Mosaic<S> {
    grid: TickGrid,
    units: Arc<UnitDescriptors>,
    sound: S,
    channels: usize,
    config: MosaicConfig,
    opening: Vec<f32>,
    closing: Vec<f32>,
    crossfade: Crossfade,
    /// The tick that was pushed last: it can be played when its successor is known.
    present: Option<PlayedTick>,
    ticks: i64,
    /// The samples of one tick.
    block: Vec<f32>,
    reader: RunReader,
    mix: OverlapAdd,
    /// Present where clips are recorded.
    recorder: Option<ClipRecorder>,
}

/// The way in which a unit is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitPlayback {
    /// The attack with which the sound begins, if it begins with a jump.
    pub attack: Option<AttackTarget>,
    /// Reading speed, ½ to 2: 2 is an octave higher.
    pub speed: f64,
}

impl Default for UnitPlayback {
    /// As it was recorded.
    fn default() -> Self {
        Self { attack: None, speed: 1.0 }
    }
}

/// The time of an attack in the source and in the output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttackTarget {
    /// The frame in which it shall begin, counted from the beginning of the tick: before it where negative.
    pub at: i64,
    /// The frame in which it begins in the source, counted from the beginning of the unit.
    pub source: i64,
}

impl AttackTarget {
    /// Frames by which a source that is read at `speed` is read later so that the attack comes in time.
    fn shift(&self, speed: f64) -> i64 {
        self.source - (self.at as f64 * speed).round() as i64
    }
}

impl<S: UnitSound> Mosaic<S> {
    /// `grid` has the rate of the output and of `sound`, and the tick of the units. Settings outside of their
    /// ranges are moved to the nearest allowed value; [`MosaicConfig::check`] names them.
    pub fn new(grid: TickGrid, units: Arc<UnitDescriptors>, sound: S, config: &MosaicConfig) -> Self {
        let config = config.clamped();
        // No tick is shorter than the first: its start is rounded down.
        let shortest = grid.span(0).max(1);
        let frames =
            |ms: f32, most: usize| ((f64::from(ms) * f64::from(grid.rate.hz()) / 1000.0) as usize).min(most);
        let channels = sound.channels().max(1);
        let fade = frames(config.fade_ms, shortest).max(1);
        Self {
            crossfade: Crossfade::new(fade, frames(config.shift_ms, shortest / 2), channels),
            opening: raised_cosine(frames(OPENING_MS, shortest / 2)),
            closing: raised_cosine(frames(CLOSING_MS, shortest / 2)),
            config,
            present: None,
            ticks: 0,
            block: Vec::with_capacity(grid.block_len() * channels),
            reader: RunReader::default(),
            mix: OverlapAdd::default(),
            recorder: None,
            grid,
            units,
            sound,
            channels,
        }
    }

    /// Records every run as a [`Clip`] from now on, complete when its last fade is over; sound that is
    /// mirrored where a source ends is a clip of its own. To be called before the first push.
    pub fn with_clips(mut self) -> Self {
        self.recorder = Some(ClipRecorder::default());
        self
    }

    /// Takes the unit of the next tick. A unit that does not exist sounds as the reader decides.
    pub fn push(&mut self, selected: SelectedUnit) {
        self.push_as(selected, &UnitPlayback::default());
    }

    /// Takes the unit of the next tick, with an attack or a reading speed.
    ///
    /// Where the unit is a jump, the new sound is moved so that its attack comes in time, to the frame, and
    /// the fade is over a millisecond before that, as far as the tick before has room for it. Where it is
    /// none, nothing is moved. An attack that would move the sound by more than a tick counts as none.
    ///
    /// At a reading speed other than 1, sound that continues goes on at that speed until it is half a tick
    /// from its place; then it is spliced to where it belongs, so that pitch changes and time does not (as in
    /// S. Roucos and A. Wilgus, "High quality time-scale modification for speech", ICASSP 1985). A change of
    /// speed needs a splice, too.
    pub fn push_as(&mut self, selected: SelectedUnit, playback: &UnitPlayback) {
        let speed = if playback.speed.is_nan() { 1.0 } else { playback.speed.clamp(0.5, 2.0) };
        let within_a_tick = |a: &AttackTarget| a.shift(speed).unsigned_abs() <= self.grid.span(0) as u64;
        let attack = playback.attack.filter(within_a_tick);
        let mut tick = self.new_tick(&selected, attack, speed);
        if let Some(before) = self.present {
            tick.gate_before = before.gate;
            let continues = self.units.continues(before.unit, tick.unit);
            if continues && self.keeps_up(&before.run, tick.number, speed) {
                tick.run = before.run;
                tick.gain_from_db = (before.gain_db + tick.gain_db) / 2.0;
                self.play(&before, tick.gain_from_db);
            } else {
                // Sound that is spliced to its own place has no attack there.
                let attack = attack.filter(|_| !continues);
                tick.run.shift = attack.map_or(0, |_| tick.run.shift);
                tick.outgoing_gain_db = Some(before.gain_db);
                self.play(&before, before.gain_db);
                tick.run.shift += self.jump(&before, &tick, attack);
                self.record_begin(&tick.run);
            }
            self.gate_and_deliver(&before, tick.gate);
            if tick.run.tick == tick.number {
                let end = self.end_of(&before);
                if let Some(recorder) = &mut self.recorder {
                    recorder.end_run(end);
                }
            }
        } else {
            self.record_begin(&tick.run);
        }
        self.present = Some(tick);
        self.ticks += 1;
    }

    /// Declares that no unit follows: the last tick becomes ready.
    pub fn finish(&mut self) {
        if let Some(last) = self.present.take() {
            self.play(&last, last.gain_db);
            self.gate_and_deliver(&last, last.gate);
            let end = self.end_of(&last);
            if let Some(recorder) = &mut self.recorder {
                recorder.finish(end);
            }
        }
    }

    /// Channels of the interleaved output: those of the sound.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Number of samples (frames × channels) that [`Mosaic::fill`] can deliver now.
    pub fn ready(&self) -> usize {
        self.mix.ready()
    }

    /// Delivers the next `out.len()` interleaved samples or as many as are ready; returns how many it wrote.
    /// Allocates nothing.
    pub fn fill(&mut self, out: &mut [f32]) -> usize {
        self.mix.fill(out)
    }

    /// Appends the clips that were completed since the last call, in order.
    pub fn take_clips(&mut self, clips: &mut Vec<Clip>) {
        if let Some(recorder) = &mut self.recorder {
            clips.append(&mut recorder.clips);
        }
    }

    /// Frames beyond the end of a tick that must be waited for before all of that tick's samples are ready:
    /// one tick, since its end depends on the tick that follows.
    pub fn latency(&self) -> usize {
        self.grid.block_len()
    }

    /// Back to the state before the first push.
    pub fn reset(&mut self) {
        self.present = None;
        self.ticks = 0;
        self.mix.reset();
        if let Some(recorder) = &mut self.recorder {
            *recorder = ClipRecorder::default();
        }
    }

    /// The next tick, as if it began a run of its own.
    fn new_tick(&self, selected: &SelectedUnit, attack: Option<AttackTarget>, speed: f64) -> PlayedTick {
        let gain_db = selected.gain_db(&self.units, &self.config);
        let gate = selected.gate_amplitude(&self.config);
        let shift = attack.map_or(0, |a| a.shift(speed));
        PlayedTick {
            number: self.ticks,
            unit: selected.unit,
            run: PlayedRun { unit: selected.unit, tick: self.ticks, shift, speed },
            gain_db,
            gain_from_db: gain_db,
            outgoing_gain_db: None,
            gate,
            gate_before: gate,
        }
    }

    /// Returns true if a run is still near its place in a tick, and is read at the speed that is asked for.
    fn keeps_up(&self, run: &PlayedRun, tick: i64, speed: f64) -> bool {
        let frames = self.grid.start_sample(tick) - self.grid.start_sample(run.tick);
        let ahead = frames as f64 * (speed - 1.0);
        run.speed == speed && ahead.abs() <= self.grid.span(0) as f64 / 2.0
    }

    /// Records that a run begins.
    fn record_begin(&mut self, run: &PlayedRun) {
        if let Some(recorder) = &mut self.recorder {
            let begin = source_begin(&self.units, self.grid, run);
            let place = (run.tick, self.grid.start_sample(run.tick));
            recorder.begin_run(run.unit, place, (run.shift, run.speed), begin);
        }
    }

    /// The end of a tick's run, if it ends with that tick.
    fn end_of(&self, tick: &PlayedTick) -> RunEnd {
        let next = tick.number + 1;
        let source_end = source_end(&self.units, self.grid, tick);
        RunEnd { tick: next, at: self.grid.start_sample(next), source_end }
    }

    /// Puts the sound of a tick with its gain into the block, faded in where it began with a jump.
    fn play(&mut self, tick: &PlayedTick, gain_to_db: f32) {
        let (first, frames) = (self.grid.start_sample(tick.number), self.grid.span(tick.number));
        self.block.resize(frames * self.channels, 0.0);
        self.reader.read((&self.sound, &self.units, self.grid), tick, first, &mut self.block);
        let (from, to) = (to_amplitude(tick.gain_from_db), to_amplitude(gain_to_db));
        let step = (to - from) / frames.max(1) as f32;
        for (i, frame) in self.block.chunks_exact_mut(self.channels).enumerate() {
            let gain = from + step * i as f32;
            frame.iter_mut().for_each(|y| *y *= gain);
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.begin_tick((0..frames).map(|i| from + step * i as f32));
        }
        if let Some(outgoing) = tick.outgoing_gain_db {
            self.crossfade.fade_in(&mut self.block, to_amplitude(outgoing));
            if let Some(recorder) = &mut self.recorder {
                recorder.fade_in(&self.crossfade, to_amplitude(outgoing));
            }
        }
    }

    /// Prepares the fade from one tick's run to the next tick's, makes its first part at the end of the
    /// block, and returns by how much more the new run is shifted.
    fn jump(&mut self, from: &PlayedTick, to: &PlayedTick, attack: Option<AttackTarget>) -> i64 {
        let Self { crossfade, sound, units, grid, channels, block, recorder, reader, .. } = self;
        let source = (&*sound, &**units, *grid);
        let frames = block.len() / *channels;
        // The fade with which the tick began is over before this one begins.
        let faded_in = from.outgoing_gain_db.map_or(0, |_| crossfade.after());
        let margin = (i64::from(grid.rate.hz()) * ATTACK_MARGIN_MS) / 1000;
        match attack {
            Some(attack) => {
                crossfade.begin_before_attack(attack.at - margin, frames.saturating_sub(faded_in));
            }
            None => crossfade.begin_centered(),
        }
        let first = grid.start_sample(to.number) - crossfade.before() as i64;
        reader.read(source, from, first, &mut crossfade.outgoing);
        reader.read(source, to, first - crossfade.reach() as i64, &mut crossfade.incoming);
        let mut shift = crossfade.align();
        if to.run.speed != 1.0 {
            // By whole frames of the source, as it will be read from now on.
            shift = (shift as f64 * to.run.speed).round() as i64;
            let run = PlayedRun { shift: to.run.shift + shift, ..to.run };
            let from = first - crossfade.reach() as i64 - crossfade.shift();
            reader.read(source, &PlayedTick { run, ..*to }, from, &mut crossfade.incoming);
        }
        let start = frames.saturating_sub(crossfade.before());
        crossfade.fade_out(&mut block[start * *channels..], to_amplitude(to.gain_db));
        if let Some(recorder) = recorder {
            recorder.fade_out(crossfade, to_amplitude(to.gain_db));
        }
        shift
    }

    /// Applies the gate to the block and delivers it. `next` is the gate of the tick that follows.
    fn gate_and_deliver(&mut self, tick: &PlayedTick, next: f32) {
        let channels = self.channels;
        let frames = self.block.len() / channels;
        // Going up is done before the border, going down after it.
        let falls = (tick.gate_before - tick.gate).max(0.0);
        let rises = (next - tick.gate).max(0.0);
        let rise_from = frames.saturating_sub(self.opening.len());
        let first = self.grid.start_sample(tick.number);
        for (i, frame) in self.block.chunks_exact_mut(channels).enumerate() {
            let still_to_fall = self.closing.get(i).map_or(0.0, |done| falls * (1.0 - done));
            let risen = if i < rise_from { 0.0 } else { rises * self.opening[i - rise_from] };
            let gate = tick.gate + still_to_fall + risen;
            frame.iter_mut().for_each(|y| *y *= gate);
            if let Some(recorder) = &mut self.recorder {
                recorder.gate(i, first + i as i64, gate);
            }
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.end_tick();
        }
        let first = first * channels as i64;
        self.mix.at(first, self.block.len()).1.copy_from_slice(&self.block);
        self.mix.complete(first + self.block.len() as i64);
    }

    /// Samples held for the output.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.mix.held() + self.block.capacity()
    }
}

/// From 0 to 1, both just outside.
fn raised_cosine(frames: usize) -> Vec<f32> {
    (0..frames).map(|i| 0.5 - 0.5 * ((i as f32 + 0.5) / frames as f32 * PI).cos()).collect()
}
