//! From chosen units to continuous sound.

use crate::concat::clip::Clip;
use crate::concat::crossfade::Crossfade;
use crate::concat::traceback::{End, Traceback};
use crate::concat::units::UnitDescriptors;
use crate::concat::{MosaicConfig, SelectedUnit, UnitSound, to_amplitude};
use crate::frames::read_from;
use crate::overlap_add::OverlapAdd;
use crate::units::TickGrid;
use std::f32::consts::PI;
use std::sync::Arc;

/// Milliseconds in which the gate opens. It is open when the tick begins, so that an attack there is whole.
const OPENING_MS: f32 = 5.0;
/// Milliseconds in which the gate closes, from the beginning of the tick.
const CLOSING_MS: f32 = 15.0;

/// Milliseconds between the end of a fade and the attack that it makes room for.
const CLEAR_MS: i64 = 1;

/// Makes continuous sound of chosen units, tick by tick.
///
/// While units continue one another, the source is copied as it is. At a jump there is a fade around the border of the
/// ticks, with the new source moved by a few milliseconds to where it fits (`splice.rs` says how); it stays moved until
/// the next jump. Sound that comes with an attack ([`UnitPlayback::attack`]) is moved so that its attack comes in time, and the
/// fade is over before that. A source is never read over a break between units: what a fade or a shift needs beyond it is the sound
/// before it, backwards.
///
/// Gain: each tick wants its loudness less its unit's, within ±`most_gain_db`; 0 dB where that is no number. At a border
/// within a run the gain is the mean in dB of the ticks on both sides, from border to border its amplitude is a straight
/// line, so every sample depends on three ticks and nothing steps. Across a jump nothing is smoothed, because it is between
/// units of different loudness: each source keeps its own gain through the fade.
///
/// Gate: a probability of silence g closes by `gate_db` × g⁶ (at ½ hardly anything), with slopes of a raised cosine that
/// open within 5 ms before the tick and close within 15 ms from its beginning, at most half a tick each.
///
/// Sample 0 of the output is the first sample of tick 0, and after [`Mosaic::finish`] there are exactly
/// `start_sample(ticks)` frames. How the calls of `push` and `fill` alternate does not change the output. Memory is that of
/// the units, and of what is ready and was not taken.
pub struct Mosaic<S> {
    grid: TickGrid,
    units: Arc<UnitDescriptors>,
    sound: S,
    channels: usize,
    config: MosaicConfig,
    opening: Vec<f32>,
    closing: Vec<f32>,
    splice: Crossfade,
    /// The tick that was pushed last: it can be played when its successor is known.
    present: Option<PlayedTick>,
    ticks: i64,
    /// The samples of one tick.
    block: Vec<f32>,
    tape: RunReader,
    mix: OverlapAdd,
    /// Where it is to be said what is played.
    trace: Option<Traceback>,
}

/// A tick that was chosen but not played.
#[derive(Clone, Copy)]
struct PlayedTick {
    number: i64,
    unit: u32,
    run: PlayedRun,
    gain_db: f32,
    /// Gain at its first border.
    gain_from_db: f32,
    /// If it began with a jump: the gain of the sound that fades out.
    left_gain_db: Option<f32>,
    /// Amplitude of the gate, and of that of the tick before.
    gate: f32,
    gate_before: f32,
}

/// How a choice is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UnitPlayback {
    /// With which attack the sound begins, if the choice is a jump.
    pub attack: Option<AttackTarget>,
    /// Speed of reading, ½ to 2: 2 is an octave higher.
    pub speed: f64,
}

impl Default for UnitPlayback {
    /// As it was recorded.
    fn default() -> Self {
        Self { attack: None, speed: 1.0 }
    }
}

/// Where the attack of a new sound is, and is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttackTarget {
    /// The frame in which it is to begin, counted from the beginning of the tick: before it where negative.
    pub at: i64,
    /// The frame in which it begins in the source, counted from the beginning of the unit.
    pub source: i64,
}

/// Units before and after a run's that may be read, in part, for fades and shifts.
const REACH: u32 = 4;

/// A stretch of units that continue one another.
#[derive(Clone, Copy)]
struct PlayedRun {
    /// Its first unit, and the tick of the output in which it began.
    unit: u32,
    tick: i64,
    /// Frames by which the source is read later than the units' borders say.
    shift: i64,
    speed: f64,
}

impl PlayedRun {
    /// The place that sounds `frames` after the beginning of the run, in frames after the beginning of its unit.
    fn place(&self, frames: i64) -> f64 {
        self.shift as f64 + frames as f64 * self.speed
    }
}

impl<S: UnitSound> Mosaic<S> {
    /// `grid` has the rate of the output and of `sound`, and the tick of the units. Settings outside of their ranges are
    /// moved to the nearest allowed value; [`MosaicConfig::check`] names them.
    pub fn new(grid: TickGrid, units: Arc<UnitDescriptors>, sound: S, config: &MosaicConfig) -> Self {
        let config = config.clamped();
        // No tick is shorter than the first: its start is rounded down.
        let shortest = grid.span(0).max(1);
        let frames =
            |ms: f32, most: usize| ((f64::from(ms) * f64::from(grid.rate.hz()) / 1000.0) as usize).min(most);
        let channels = sound.channels().max(1);
        let fade = frames(config.fade_ms, shortest).max(1);
        Self {
            splice: Crossfade::new(fade, frames(config.shift_ms, shortest / 2), channels),
            opening: raised_cosine(frames(OPENING_MS, shortest / 2)),
            closing: raised_cosine(frames(CLOSING_MS, shortest / 2)),
            config,
            present: None,
            ticks: 0,
            block: Vec::with_capacity(grid.block_len() * channels),
            tape: RunReader::default(),
            mix: OverlapAdd::default(),
            trace: None,
            grid,
            units,
            sound,
            channels,
        }
    }

    /// From now on every run is said as a [`Clip`], when it is over with its last fade; so is, as a tail of its own, what sounds
    /// backwards where a source ends. To be called before the first push.
    pub fn with_cuts(mut self) -> Self {
        self.trace = Some(Traceback::default());
        self
    }

    /// Appends the pieces that were completed since the last call, in order.
    pub fn take_cuts(&mut self, cuts: &mut Vec<Clip>) {
        if let Some(trace) = &mut self.trace {
            cuts.append(&mut trace.cuts);
        }
    }

    /// Channels of the interleaved output: those of the sound.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Takes the choice for the next tick. A unit that does not exist sounds as the reader decides.
    pub fn push(&mut self, choice: SelectedUnit) {
        self.push_as(choice, &UnitPlayback::default());
    }

    /// The same, read in a way of its own.
    ///
    /// Where the choice is a jump, the new sound is moved so that its attack comes when it is to come, to the frame, and the fade is
    /// over a millisecond before that, as far as the tick before has room for it. Where it is none, nothing is moved. An attack that
    /// would move the sound by more than a tick counts as none.
    ///
    /// Read at a speed of its own, what continues goes on at that speed until it is half a tick from its place; then it is spliced to
    /// where it belongs, so that pitch changes and time does not (as in S. Roucos and A. Wilgus, "High quality time-scale
    /// modification for speech", ICASSP 1985). Another speed needs a splice, too.
    pub fn push_as(&mut self, choice: SelectedUnit, reading: &UnitPlayback) {
        let speed = if reading.speed.is_nan() { 1.0 } else { reading.speed.clamp(0.5, 2.0) };
        let moved = |a: &AttackTarget| a.source - (a.at as f64 * speed).round() as i64;
        let attack = reading.attack.filter(|a| moved(a).unsigned_abs() <= self.grid.span(0) as u64);
        let gain_db = choice.gain_db(&self.units, &self.config);
        let gate = choice.gate_amplitude(&self.config);
        let number = self.ticks;
        let fresh =
            PlayedRun { unit: choice.unit, tick: number, shift: attack.map_or(0, |a| moved(&a)), speed };
        let mut tick = PlayedTick {
            number,
            unit: choice.unit,
            run: fresh,
            gain_db,
            gain_from_db: gain_db,
            left_gain_db: None,
            gate,
            gate_before: gate,
        };
        if let Some(before) = self.present {
            tick.gate_before = before.gate;
            if self.units.continues(before.unit, choice.unit) && self.keeps_up(&before.run, number, speed) {
                tick.run = before.run;
                tick.gain_from_db = (before.gain_db + gain_db) / 2.0;
                self.play(&before, tick.gain_from_db);
            } else {
                // What is spliced to its own place has no attack there.
                let attack = attack.filter(|_| !self.units.continues(before.unit, choice.unit));
                tick.run.shift = attack.map_or(0, |_| tick.run.shift);
                tick.left_gain_db = Some(before.gain_db);
                self.play(&before, before.gain_db);
                tick.run.shift += self.jump(&before, &tick, attack);
                self.announce(&tick.run);
            }
            self.close_and_deliver(&before, gate);
            if tick.run.tick == number {
                let end = self.end_of(&before);
                if let Some(trace) = &mut self.trace {
                    trace.turn(end);
                }
            }
        } else {
            self.announce(&tick.run);
        }
        self.present = Some(tick);
        self.ticks += 1;
    }

    /// Tells that no choice follows: the last tick becomes ready.
    pub fn finish(&mut self) {
        if let Some(last) = self.present.take() {
            self.play(&last, last.gain_db);
            self.close_and_deliver(&last, last.gate);
            let end = self.end_of(&last);
            if let Some(trace) = &mut self.trace {
                trace.finish(end);
            }
        }
    }

    /// How many samples (frames × channels) [`Mosaic::fill`] can deliver now.
    pub fn ready(&self) -> usize {
        self.mix.ready()
    }

    /// Delivers the next `out.len()` interleaved samples or as many as are ready; returns how many it wrote. Allocates
    /// nothing.
    pub fn fill(&mut self, out: &mut [f32]) -> usize {
        self.mix.fill(out)
    }

    /// How many frames beyond the end of a tick must be waited for before all of that tick's samples are ready: one tick,
    /// since its end depends on what follows.
    pub fn latency(&self) -> usize {
        self.grid.block_len()
    }

    /// Back to the state before the first push.
    pub fn reset(&mut self) {
        self.present = None;
        self.ticks = 0;
        self.mix.reset();
        if let Some(trace) = &mut self.trace {
            *trace = Traceback::default();
        }
    }

    /// Whether a run that is read at its speed is still near its place in a tick, and that speed the one that is wanted.
    fn keeps_up(&self, run: &PlayedRun, tick: i64, speed: f64) -> bool {
        let frames = self.grid.start_sample(tick) - self.grid.start_sample(run.tick);
        let ahead = frames as f64 * (speed - 1.0);
        run.speed == speed && ahead.abs() <= self.grid.span(0) as f64 / 2.0
    }

    /// Says that a run begins.
    fn announce(&mut self, run: &PlayedRun) {
        if let Some(trace) = &mut self.trace {
            let low = source_begin(&self.units, self.grid, run);
            trace.announce(
                run.unit,
                (run.tick, self.grid.start_sample(run.tick)),
                (run.shift, run.speed),
                low,
            );
        }
    }

    /// The end of a tick's run, if it ends with that tick.
    fn end_of(&self, tick: &PlayedTick) -> End {
        let next = tick.number + 1;
        End { tick: next, at: self.grid.start_sample(next), frames: source_end(&self.units, self.grid, tick) }
    }

    /// Puts the sound of a tick with its gain into the block, faded in where it began with a jump.
    fn play(&mut self, tick: &PlayedTick, gain_to_db: f32) {
        let (first, frames) = (self.grid.start_sample(tick.number), self.grid.span(tick.number));
        self.block.resize(frames * self.channels, 0.0);
        self.tape.read(&self.sound, &self.units, self.grid, tick, first, &mut self.block);
        let (from, to) = (to_amplitude(tick.gain_from_db), to_amplitude(gain_to_db));
        let step = (to - from) / frames.max(1) as f32;
        for (i, frame) in self.block.chunks_exact_mut(self.channels).enumerate() {
            let gain = from + step * i as f32;
            frame.iter_mut().for_each(|y| *y *= gain);
        }
        if let Some(trace) = &mut self.trace {
            trace.play((0..frames).map(|i| from + step * i as f32));
        }
        if let Some(left) = tick.left_gain_db {
            self.splice.arrive(&mut self.block, to_amplitude(left));
            if let Some(trace) = &mut self.trace {
                trace.arrive(&self.splice, to_amplitude(left));
            }
        }
    }

    /// Prepares the fade from one tick's run to the next tick's, makes its first part at the end of the block, and returns
    /// by how much more the new run is shifted.
    fn jump(&mut self, from: &PlayedTick, to: &PlayedTick, attack: Option<AttackTarget>) -> i64 {
        let Self { splice, sound, units, grid, channels, block, trace, tape, .. } = self;
        let frames = block.len() / *channels;
        // The fade with which the tick began is over before this one begins.
        let faded_in = from.left_gain_db.map_or(0, |_| splice.after());
        let clear = (i64::from(grid.rate.hz()) * CLEAR_MS) / 1000;
        match attack {
            Some(attack) => splice.ahead_of(attack.at - clear, frames.saturating_sub(faded_in)),
            None => splice.around_the_border(),
        }
        let first = grid.start_sample(to.number) - splice.before() as i64;
        tape.read(sound, units, *grid, from, first, &mut splice.outgoing);
        tape.read(sound, units, *grid, to, first - splice.reach() as i64, &mut splice.incoming);
        let mut moved = splice.align();
        if to.run.speed != 1.0 {
            // By whole frames of the source, as it will be read from now on.
            moved = (moved as f64 * to.run.speed).round() as i64;
            let run = PlayedRun { shift: to.run.shift + moved, ..to.run };
            let from = first - splice.reach() as i64 - splice.moved();
            tape.read(sound, units, *grid, &PlayedTick { run, ..*to }, from, &mut splice.incoming);
        }
        let start = frames.saturating_sub(splice.before());
        splice.leave(&mut block[start * *channels..], to_amplitude(to.gain_db));
        if let Some(trace) = trace {
            trace.leave(splice, to_amplitude(to.gain_db));
        }
        moved
    }

    /// Applies the gate to the block and hands it on. `next` is the gate of the tick that follows.
    fn close_and_deliver(&mut self, tick: &PlayedTick, next: f32) {
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
            if let Some(trace) = &mut self.trace {
                trace.gate(i, first + i as i64, gate);
            }
        }
        if let Some(trace) = &mut self.trace {
            trace.close();
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

/// Reads sources at their speed.
#[derive(Default)]
struct RunReader {
    /// Interleaved frames of the source, one channel of them, and that at its speed.
    source: Vec<f32>,
    line: Vec<f32>,
    voice: Vec<f32>,
}

impl RunReader {
    /// Reads the source of a tick's run from frame `first` of the output on, which may lie a little outside of the tick.
    fn read(
        &mut self,
        sound: &impl UnitSound,
        units: &UnitDescriptors,
        grid: TickGrid,
        tick: &PlayedTick,
        first: i64,
        interleaved: &mut [f32],
    ) {
        let (run, channels) = (tick.run, sound.channels().max(1));
        let after = first - grid.start_sample(run.tick);
        let low = source_begin(units, grid, &run).unwrap_or(i64::MIN);
        let high = source_end(units, grid, tick).unwrap_or(i64::MAX);
        if run.speed == 1.0 {
            return read_between(sound, run.unit, (low, high), after + run.shift, interleaved);
        }
        let frames = interleaved.len() / channels;
        let place = run.place(after);
        // One frame before the first, and three after the last, are what interpolation needs.
        self.source.resize(((frames as f64 * run.speed).ceil() as usize + 4) * channels, 0.0);
        read_between(sound, run.unit, (low, high), place.floor() as i64 - 1, &mut self.source);
        self.voice.resize(frames, 0.0);
        for channel in 0..channels {
            self.line.clear();
            self.line.extend(self.source.iter().skip(channel).step_by(channels));
            read_from(place - place.floor(), run.speed, &self.line, &mut self.voice);
            interleaved
                .iter_mut()
                .skip(channel)
                .step_by(channels)
                .zip(&self.voice)
                .for_each(|(y, x)| *y = *x);
        }
    }
}

/// Reads from frame `from` after the beginning of a unit on what lies between `low` and `high`, and beyond them what lies on the other side,
/// backwards.
fn read_between(
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

/// Where the source of a run begins, in frames after the beginning of its first unit, if that is near.
fn source_begin(units: &UnitDescriptors, grid: TickGrid, run: &PlayedRun) -> Option<i64> {
    let before = (0..REACH).find(|k| !units.follows_another(run.unit.saturating_sub(*k)))?;
    // Where spans differ, so many units may have one frame more than as many ticks from 0 on, never one less.
    Some(-grid.start_sample(i64::from(before)))
}

/// Where the source of a tick's run ends, in frames after the beginning of the run's first unit, if that is near.
fn source_end(units: &UnitDescriptors, grid: TickGrid, tick: &PlayedTick) -> Option<i64> {
    let next = (1..=REACH).map(|k| tick.unit.saturating_add(k)).find(|next| !units.follows_another(*next))?;
    // A run that went on at its speed may end with a unit that is not its own.
    Some(grid.start_sample(i64::from(next) - i64::from(tick.run.unit)))
}

fn reverse_frames(interleaved: &mut [f32], channels: usize) {
    interleaved.reverse();
    interleaved.chunks_exact_mut(channels).for_each(<[f32]>::reverse);
}

/// From 0 to 1, both just outside.
fn raised_cosine(frames: usize) -> Vec<f32> {
    (0..frames).map(|i| 0.5 - 0.5 * ((i as f32 + 0.5) / frames as f32 * PI).cos()).collect()
}
