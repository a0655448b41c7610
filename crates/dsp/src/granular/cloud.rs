//! Granular synthesis of recorded sound: the grains of each tick are taken from around its selected unit.

#[cfg(test)]
mod tests;

use crate::concat::{Clip, MosaicConfig, SelectedUnit, UnitDescriptors, UnitSound};
use crate::frames::{GrainFamily, GranularConfig, read_at, speed};
use crate::granular::grain_recorder::{GrainRecorder, RecordedGrain};
use crate::granular::modulation::GrainModulation;
use crate::level::{self, LevelMatcher};
use crate::loudness::amplitude;
use crate::overlap_add::OverlapAdd;
use crate::tick_rng::TickRng;
use crate::units::TickGrid;
use std::sync::Arc;

/// Samples that interpolation needs besides those that it passes.
const INTERPOLATION_MARGIN: usize = 4;
/// Greatest factor of power that makes up for grains of a tick that cancel each other: 15 dB.
const MAX_MAKE_UP: f64 = 31.6;

/// Granular synthesis of selected units, tick by tick, at the rate and with the channels of their sound.
///
/// Grains have the times, sizes, pitches and children of [`Granular`](crate::frames::Granular). The middle of
/// the stretch that a grain reads lies uniformly within its tick's unit, independently of when the grain
/// sounds; a grain may reach over the unit into the sound that naturally continues it or comes before, and is
/// moved so that it crosses no break between units. Where a stretch is shorter than a grain, the rest of the
/// grain is silent. All grains of a tick have its gain towards its loudness and its gate, as
/// [`Mosaic`](crate::concat::Mosaic) has them.
///
/// Density, size and spread follow a [`GrainModulation`] from tick to tick, by the share
/// [`GranularConfig::mod_depth`]; at 0 they are constant. The grains of a tick have the power of its unit
/// under any modulation: their gain is that of their own density and size.
///
/// Grains of one tone at random times cancel each other at one moment and double at another: their sum would
/// swell and fade by many dB, and no longer follow the loudness of the ticks. So every tick is brought to the
/// sum of its grains' powers, by at most `MAX_MAKE_UP`.
///
/// Sample 0 of the output is the first sample of tick 0, and after [`Cloud::finish`] there are exactly
/// `start_sample(ticks)` frames. The alternation of `push` and `fill` does not change the output. Memory is
/// that of a grain, of the ticks that it spans, and of the samples that are ready and were not taken.
pub struct Cloud<S> {
    grid: TickGrid,
    units: Arc<UnitDescriptors>,
    sound: S,
    channels: usize,
    /// Grains as the settings are, and the greatest number of samples by which any may sound before its tick.
    family: Arc<GrainFamily>,
    lead: i64,
    /// Grains so far beyond those that the density gives.
    surplus: f64,
    mosaic: MosaicConfig,
    /// Interleaved frames around a unit, one channel of them, and that at the grain's pitch.
    source: Vec<f32>,
    one_channel: Vec<f32>,
    pitched: Vec<f32>,
    level: LevelMatcher,
    tick: i64,
    /// Ticks that were delivered.
    delivered: i64,
    /// The sum of the grains, and that of their squares.
    raw: OverlapAdd,
    power: OverlapAdd,
    out: OverlapAdd,
    /// Present where clips are recorded.
    recorder: Option<GrainRecorder>,
}

impl<S: UnitSound> Cloud<S> {
    /// `grid` has the rate of the output and of `sound`, and the tick of the units. Only the gain and the
    /// gate of `mosaic` count. Settings outside of their ranges are moved to the nearest allowed value.
    pub fn new(
        grid: TickGrid,
        units: Arc<UnitDescriptors>,
        sound: S,
        config: &GranularConfig,
        mosaic: &MosaicConfig,
    ) -> Self {
        let channels = sound.channels().max(1);
        let family = GrainFamily::new(grid, config);
        let longest = GrainModulation::longest(family.config().mod_depth).applied(family.config());
        Self {
            lead: family.lead().max(GrainFamily::new(grid, &longest).lead()),
            family: Arc::new(family),
            surplus: 0.0,
            mosaic: mosaic.clamped(),
            source: Vec::new(),
            one_channel: Vec::new(),
            pitched: Vec::new(),
            level: LevelMatcher::new(grid, channels),
            tick: 0,
            delivered: 0,
            raw: OverlapAdd::default(),
            power: OverlapAdd::default(),
            out: OverlapAdd::default(),
            recorder: None,
            grid,
            units,
            sound,
            channels,
        }
    }

    /// Records every grain, and every child of one, as a [`Clip`] from now on, complete when it has its
    /// level. To be called before the first push.
    pub fn with_clips(mut self) -> Self {
        self.recorder = Some(GrainRecorder::default());
        self
    }

    /// Takes the unit of the next tick, and the modulation of its grains. A unit that does not exist sounds
    /// as the reader decides.
    pub fn push(&mut self, selected: SelectedUnit, modulation: &GrainModulation) {
        let gain = amplitude(f64::from(selected.gain_db(&self.units, &self.mosaic))) as f32;
        let gain = gain * selected.gate_amplitude(&self.mosaic);
        let family = self.modulated(modulation);
        let mut rng = TickRng::new(family.config().seed, self.tick as u64);
        for _ in 0..self.grains(&family) {
            let onset = family.onset(self.grid, self.tick, &mut rng);
            let pitch = family.pitch(&mut rng);
            for member in 0..family.members() {
                let envelope = family.envelope(member);
                let (first, source_frames) = self.read(selected.unit, rng.unit(), pitch, envelope.len());
                let at = onset + family.offset(member);
                self.add(at, envelope, gain);
                if let Some(recorder) = &mut self.recorder {
                    // Reading begins with the second frame, so that there is one before it.
                    let clip = Clip {
                        at,
                        frames: envelope.len() as i64,
                        ticks: self.tick..self.tick + 1,
                        unit: selected.unit,
                        offset: first + 1,
                        speed: speed(pitch),
                        pan: 0.0,
                        envelope: Vec::new(),
                    };
                    let grain = RecordedGrain::new(clip, (&family, member), gain, source_frames);
                    recorder.waiting.push_back(grain);
                }
            }
        }
        self.tick += 1;
        let complete = self.grid.start_sample(self.tick) - self.lead;
        while self.grid.start_sample(self.delivered + 2) <= complete {
            self.deliver();
        }
    }

    /// Declares that no unit follows: all samples become ready.
    pub fn finish(&mut self) {
        while self.delivered < self.tick {
            self.deliver();
        }
        if let Some(recorder) = &mut self.recorder {
            recorder.complete(i64::MAX);
        }
    }

    /// Appends the clips of the grains that were completed since the last call.
    pub fn take_clips(&mut self, clips: &mut Vec<Clip>) {
        if let Some(recorder) = &mut self.recorder {
            clips.append(&mut recorder.clips);
        }
    }

    /// Channels of the interleaved output: those of the sound.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Number of samples (frames × channels) that [`Cloud::fill`] can deliver now.
    pub fn ready(&self) -> usize {
        self.out.ready()
    }

    /// Delivers the next `out.len()` interleaved samples or as many as are ready; returns how many it wrote.
    /// Allocates nothing.
    pub fn fill(&mut self, out: &mut [f32]) -> usize {
        self.out.fill(out)
    }

    /// Frames beyond the end of a tick that must be waited for before all of that tick's samples are ready:
    /// one tick more than a grain may sound before its own, since the gain at its end depends on the tick
    /// that follows.
    pub fn latency(&self) -> usize {
        self.lead as usize + self.grid.block_len()
    }

    /// The grains of a tick under a modulation. They are as loud together as they would be under any other.
    fn modulated(&self, modulation: &GrainModulation) -> Arc<GrainFamily> {
        let config = self.family.config();
        match modulation.scaled(config.mod_depth) {
            modulation if modulation == GrainModulation::default() => self.family.clone(),
            modulation => Arc::new(GrainFamily::new(self.grid, &modulation.applied(config))),
        }
    }

    /// Number of grains that begin with the present tick; fractions are kept for the ticks that follow.
    fn grains(&mut self, family: &GrainFamily) -> u64 {
        let before = self.family.due(self.tick, self.surplus);
        self.surplus += f64::from(family.config().density) - f64::from(self.family.config().density);
        self.family.due(self.tick + 1, self.surplus).saturating_sub(before)
    }

    /// Brings the first tick that was not delivered yet to its power, now that the one after it has sounded,
    /// too.
    fn deliver(&mut self) {
        let tick = self.delivered;
        let (first, length) = self.span(tick);
        let target = self.target(tick);
        let following = (tick + 1 < self.tick).then(|| {
            let target = self.target(tick + 1);
            let (first, length) = self.span(tick + 1);
            level::gain(self.raw.at(first, length).1, target)
        });
        let (_, sound) = self.raw.at(first, length);
        let gain = self.level.gains(sound, target, following);
        if let Some(recorder) = &mut self.recorder {
            let span = self.grid.start_sample(tick)..self.grid.start_sample(tick + 1);
            let channels = self.channels;
            recorder.level(span, |frame: usize| gain(frame * channels) as f32);
        }
        for (n, x) in sound.iter_mut().enumerate() {
            *x = (f64::from(*x) * gain(n)) as f32;
        }
        self.out.at(first, length).1.copy_from_slice(sound);
        let end = first + length as i64;
        self.out.complete(end);
        for used in [&mut self.raw, &mut self.power] {
            used.complete(end);
            used.drop_ready();
        }
        self.delivered += 1;
    }

    /// The first sample of a tick, and the number of its samples.
    fn span(&self, tick: i64) -> (i64, usize) {
        let channels = self.channels as i64;
        (self.grid.start_sample(tick) * channels, self.grid.span(tick) * self.channels)
    }

    /// The mean square that a tick shall have.
    fn target(&mut self, tick: i64) -> f64 {
        let (first, length) = self.span(tick);
        let mean = |sum: f64| sum / length.max(1) as f64;
        let of_grains = mean(self.power.at(first, length).1.iter().map(|p| f64::from(*p)).sum());
        let of_sum = mean(self.raw.at(first, length).1.iter().map(|x| f64::from(*x).powi(2)).sum());
        of_grains.min(MAX_MAKE_UP * of_sum)
    }

    /// Reads the source of a grain of `length` samples whose middle lies at `position` (0 to 1) of `unit`.
    /// Returns its first frame, counted from the beginning of the unit, and the number of frames that lie
    /// within the source.
    fn read(&mut self, unit: u32, position: f64, pitch: f64, length: usize) -> (i64, usize) {
        let frames = (length as f64 * pitch).ceil() as usize + INTERPOLATION_MARGIN;
        let middle = (position * self.grid.span(0) as f64) as i64;
        let (low, high) = self.stretch(unit, frames);
        let first = (middle - frames as i64 / 2).min(high - frames as i64).max(low);
        let source_frames = ((high - first).max(0) as usize).min(frames);
        self.source.clear();
        self.source.resize(frames * self.channels, 0.0);
        self.sound.read(unit, first, &mut self.source[..source_frames * self.channels]);
        self.pitched.resize(length * self.channels, 0.0);
        for (channel, out) in self.pitched.chunks_exact_mut(length).enumerate() {
            self.one_channel.clear();
            self.one_channel.extend(self.source.iter().skip(channel).step_by(self.channels));
            read_at(pitch, &self.one_channel, out);
        }
        (first, source_frames)
    }

    /// The frames around a unit that may be read, counted from its beginning, as far as `frames` to either
    /// side.
    fn stretch(&self, unit: u32, frames: usize) -> (i64, i64) {
        let reach = |units: i64| self.grid.start_sample(units);
        let (mut before, mut after) = (0, 1);
        while reach(before) < frames as i64 && follows(&self.units, unit, -before - 1) {
            before += 1;
        }
        while reach(after) < frames as i64 + reach(1) && follows(&self.units, unit, after - 1) {
            after += 1;
        }
        (-reach(before), reach(after))
    }

    /// Mixes the grain that was read, from frame `first` of the output on.
    fn add(&mut self, first: i64, envelope: &[f32], gain: f32) {
        let channels = self.channels;
        let (first, length) = (first * channels as i64, envelope.len() * channels);
        let (skip, sum) = self.raw.at(first, length);
        let (_, power) = self.power.at(first, length);
        let begin = skip / channels;
        let frames = sum.chunks_exact_mut(channels).zip(power.chunks_exact_mut(channels));
        for (k, ((sum, power), e)) in frames.zip(&envelope[begin..]).enumerate() {
            for ((y, p), grain) in sum.iter_mut().zip(power).zip(self.pitched.chunks_exact(envelope.len())) {
                let x = grain[begin + k] * e * gain;
                *y += x;
                *p += x * x;
            }
        }
    }
}

/// Returns true if the unit `step` after `unit` is naturally followed by the next one.
fn follows(units: &UnitDescriptors, unit: u32, step: i64) -> bool {
    let at = |step: i64| u32::try_from(i64::from(unit) + step);
    matches!((at(step), at(step + 1)), (Ok(one), Ok(next)) if units.continues(one, next))
}
