//! Grains of recorded sound: each tick has its chosen unit, and its grains are taken around there.

use crate::concat::{Clip, EnvelopeFit, MosaicConfig, SelectedUnit, UnitDescriptors, UnitSound};
use crate::frames::{Family, GranularConfig, read_at, speed};
use crate::granular::modulation::GrainModulation;
use crate::level::{self, LevelMatcher};
use crate::loudness::amplitude;
use crate::overlap_add::OverlapAdd;
use crate::tick_rng::TickRng;
use crate::units::TickGrid;
use std::collections::VecDeque;
use std::sync::Arc;

/// Samples that reading at a pitch needs besides those that it passes.
const MARGIN: usize = 4;
/// How much of the power may be made up for that a tick loses as its grains cancel each other: 15 dB.
const MOST_MAKE_UP: f64 = 31.6;

/// Granular synthesis out of chosen units, tick by tick, at the rate and with the channels of their sound.
///
/// Grains have the times, sizes, pitches and children of [`Granular`](crate::frames::Granular). The middle of what a grain reads lies
/// uniformly within its tick's unit, independently of when the grain sounds; a grain may reach over the unit into what naturally
/// continues it or comes before, and is moved so that it crosses no break between units. Where a stretch is
/// shorter than a grain, the rest of the grain is silent. All grains of a tick have its gain towards the wanted loudness and
/// its gate, as [`Mosaic`](crate::concat::Mosaic) has them.
///
/// Density, size and spread follow a [`GrainModulation`] from tick to tick, as far as [`GranularConfig::drive`] says; at 0 they are
/// constant. The grains of a tick have the power of its unit in any manner: their gain is that of their own density and size.
///
/// Grains of one tone at random times cancel each other at one moment and double at another: their sum would swell and fade by
/// many dB, and no longer follow the wanted loudness. So every tick is brought to the sum of its grains' powers, by
/// at most `MOST_MAKE_UP`.
///
/// Sample 0 of the output is the first sample of tick 0, and after [`Cloud::finish`] there are exactly `start_sample(ticks)`
/// frames. How the calls of `push` and `fill` alternate does not change the output. Memory is that of a grain, of the ticks
/// that it spans, and of what is ready and was not taken.
pub struct Cloud<S> {
    grid: TickGrid,
    units: Arc<UnitDescriptors>,
    sound: S,
    channels: usize,
    /// Grains as the settings are, and the most samples by which any may sound before its tick.
    family: Arc<Family>,
    lead: i64,
    /// Grains so far beyond those that the density says.
    more: f64,
    mosaic: MosaicConfig,
    /// Interleaved frames around a unit, one channel of them, and that at the grain's pitch.
    source: Vec<f32>,
    line: Vec<f32>,
    voice: Vec<f32>,
    level: LevelMatcher,
    tick: i64,
    /// Ticks that were delivered.
    delivered: i64,
    /// The sum of the grains, and that of their squares.
    raw: OverlapAdd,
    power: OverlapAdd,
    out: OverlapAdd,
    /// Where it is to be said what is played.
    trace: Option<Trace>,
}

/// Grains that were mixed but not brought to their level yet, and those that were.
#[derive(Default)]
struct Trace {
    waiting: VecDeque<Grain>,
    cuts: Vec<Clip>,
}

/// A grain on its way.
struct Grain {
    /// Without its envelope.
    cut: Clip,
    outline: EnvelopeFit,
    family: Arc<Family>,
    member: usize,
    gain: f32,
    /// Frames of it in which there is sound of its stretch.
    there: usize,
}

impl<S: UnitSound> Cloud<S> {
    /// `grid` has the rate of the output and of `sound`, and the tick of the units. Of `mosaic` the gain and the gate count.
    /// Settings outside of their ranges are moved to the nearest allowed value.
    pub fn new(
        grid: TickGrid,
        units: Arc<UnitDescriptors>,
        sound: S,
        config: &GranularConfig,
        mosaic: &MosaicConfig,
    ) -> Self {
        let channels = sound.channels().max(1);
        let family = Family::new(grid, config);
        let longest = GrainModulation::longest(family.config().drive).applied(family.config());
        Self {
            lead: family.lead().max(Family::new(grid, &longest).lead()),
            family: Arc::new(family),
            more: 0.0,
            mosaic: mosaic.clamped(),
            source: Vec::new(),
            line: Vec::new(),
            voice: Vec::new(),
            level: LevelMatcher::new(grid, channels),
            tick: 0,
            delivered: 0,
            raw: OverlapAdd::default(),
            power: OverlapAdd::default(),
            out: OverlapAdd::default(),
            trace: None,
            grid,
            units,
            sound,
            channels,
        }
    }

    /// From now on every grain, and every child of one, is said as a [`Clip`], when it has got its level. To be called before the
    /// first push.
    pub fn with_cuts(mut self) -> Self {
        self.trace = Some(Trace::default());
        self
    }

    /// Appends the grains that were completed since the last call.
    pub fn take_cuts(&mut self, cuts: &mut Vec<Clip>) {
        if let Some(trace) = &mut self.trace {
            cuts.append(&mut trace.cuts);
        }
    }

    /// Takes the choice for the next tick, and how its grains are to be strewn. A unit that does not exist sounds as the reader
    /// decides.
    pub fn push(&mut self, choice: SelectedUnit, manner: &GrainModulation) {
        let gain = amplitude(f64::from(choice.gain_db(&self.units, &self.mosaic))) as f32;
        let gain = gain * choice.gate_amplitude(&self.mosaic);
        let family = self.strewn(manner);
        let mut draw = TickRng::new(family.config().seed, self.tick as u64);
        for _ in 0..self.grains(&family) {
            let onset = family.onset(self.grid, self.tick, &mut draw);
            let pitch = family.pitch(&mut draw);
            for member in 0..family.members() {
                let envelope = family.envelope(member);
                let length = envelope.len();
                let (first, there) = self.take(choice.unit, draw.unit(), pitch, length);
                let at = onset + family.offset(member);
                self.add(at, envelope, gain);
                if let Some(trace) = &mut self.trace {
                    let cut = Clip {
                        at,
                        frames: length as i64,
                        ticks: self.tick..self.tick + 1,
                        unit: choice.unit,
                        // Reading begins with the second frame, so that there is one before it.
                        offset: first + 1,
                        speed: speed(pitch),
                        pan: 0.0,
                        envelope: Vec::new(),
                    };
                    let there = (there.saturating_sub(1) as f64 / cut.speed).ceil() as usize;
                    let (outline, family) = (EnvelopeFit::default(), family.clone());
                    trace.waiting.push_back(Grain { cut, outline, family, member, gain, there });
                }
            }
        }
        self.tick += 1;
        let complete = self.grid.start_sample(self.tick) - self.lead;
        while self.grid.start_sample(self.delivered + 2) <= complete {
            self.deliver();
        }
    }

    /// Tells that no choice follows: all samples become ready.
    pub fn finish(&mut self) {
        while self.delivered < self.tick {
            self.deliver();
        }
        if let Some(trace) = &mut self.trace {
            trace.hand_over(i64::MAX);
        }
    }

    /// Channels of the interleaved output: those of the sound.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// How many samples (frames × channels) [`Cloud::fill`] can deliver now.
    pub fn ready(&self) -> usize {
        self.out.ready()
    }

    /// Delivers the next `out.len()` interleaved samples or as many as are ready; returns how many it wrote. Allocates
    /// nothing.
    pub fn fill(&mut self, out: &mut [f32]) -> usize {
        self.out.fill(out)
    }

    /// How many frames beyond the end of a tick must be waited for before all of that tick's samples are ready: one tick more
    /// than a grain may sound before its own, since the gain at its end depends on what follows.
    pub fn latency(&self) -> usize {
        self.lead as usize + self.grid.block_len()
    }

    /// The grains of a tick, as far as they follow `manner`. They are as loud together as they would be in any other.
    fn strewn(&self, manner: &GrainModulation) -> Arc<Family> {
        let config = self.family.config();
        match manner.driven(config.drive) {
            manner if manner == GrainModulation::default() => self.family.clone(),
            manner => Arc::new(Family::new(self.grid, &manner.applied(config))),
        }
    }

    /// How many of them begin with the present tick; fractions are kept for the ticks that follow.
    fn grains(&mut self, family: &Family) -> u64 {
        let before = self.family.due(self.tick, self.more);
        self.more += f64::from(family.config().density) - f64::from(self.family.config().density);
        self.family.due(self.tick + 1, self.more).saturating_sub(before)
    }

    /// Brings the first tick that was not delivered yet to its power, now that the one after it has sounded, too.
    fn deliver(&mut self) {
        let tick = self.delivered;
        let (first, length) = self.place(tick);
        let target = self.target(tick);
        let following = (tick + 1 < self.tick).then(|| {
            let target = self.target(tick + 1);
            let (first, length) = self.place(tick + 1);
            level::gain(self.raw.at(first, length).1, target)
        });
        let (_, sound) = self.raw.at(first, length);
        let gain = self.level.settle(sound, target, following);
        if let Some(trace) = &mut self.trace {
            let span = self.grid.start_sample(tick)..self.grid.start_sample(tick + 1);
            let channels = self.channels;
            let level = |frame: usize| gain(frame * channels) as f32;
            trace.level(span, level);
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

    /// The samples of a tick: the first, and how many.
    fn place(&self, tick: i64) -> (i64, usize) {
        let channels = self.channels as i64;
        (self.grid.start_sample(tick) * channels, self.grid.span(tick) * self.channels)
    }

    /// The mean square that a tick should have.
    fn target(&mut self, tick: i64) -> f64 {
        let (first, length) = self.place(tick);
        let mean = |sum: f64| sum / length.max(1) as f64;
        let wanted = mean(self.power.at(first, length).1.iter().map(|p| f64::from(*p)).sum());
        let there = mean(self.raw.at(first, length).1.iter().map(|x| f64::from(*x).powi(2)).sum());
        wanted.min(MOST_MAKE_UP * there)
    }

    /// Reads the source of a grain of `length` samples whose middle lies at `place` (0 to 1) of `unit`. Returns where it begins, in
    /// frames from the beginning of the unit, and how many frames there are.
    fn take(&mut self, unit: u32, place: f64, pitch: f64, length: usize) -> (i64, usize) {
        let frames = (length as f64 * pitch).ceil() as usize + MARGIN;
        let middle = (place * self.grid.span(0) as f64) as i64;
        let (low, high) = self.stretch(unit, frames);
        let first = (middle - frames as i64 / 2).min(high - frames as i64).max(low);
        let there = ((high - first).max(0) as usize).min(frames);
        self.source.clear();
        self.source.resize(frames * self.channels, 0.0);
        self.sound.read(unit, first, &mut self.source[..there * self.channels]);
        self.voice.resize(length * self.channels, 0.0);
        for (channel, voice) in self.voice.chunks_exact_mut(length).enumerate() {
            self.line.clear();
            self.line.extend(self.source.iter().skip(channel).step_by(self.channels));
            read_at(pitch, &self.line, voice);
        }
        (first, there)
    }

    /// From where to where, in frames from the beginning of `unit`, sound may be read, as far as `frames` to either side.
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

    /// Mixes the voice that was read, from frame `first` of the output on.
    fn add(&mut self, first: i64, envelope: &[f32], gain: f32) {
        let channels = self.channels;
        let (place, length) = (first * channels as i64, envelope.len() * channels);
        let (skip, sum) = self.raw.at(place, length);
        let (_, power) = self.power.at(place, length);
        let begin = skip / channels;
        let frames = sum.chunks_exact_mut(channels).zip(power.chunks_exact_mut(channels));
        for (k, ((sum, power), e)) in frames.zip(&envelope[begin..]).enumerate() {
            for ((y, p), voice) in sum.iter_mut().zip(power).zip(self.voice.chunks_exact(envelope.len())) {
                let x = voice[begin + k] * e * gain;
                *y += x;
                *p += x * x;
            }
        }
    }
}

impl Trace {
    /// The frames `span` of the output get these gains.
    fn level(&mut self, span: std::ops::Range<i64>, level: impl Fn(usize) -> f32) {
        let levels: Vec<f32> = (0..(span.end - span.start) as usize).map(level).collect();
        for grain in &mut self.waiting {
            let at = grain.cut.at;
            let end = (at + grain.there.min(grain.cut.frames as usize) as i64).min(span.end);
            let envelope = grain.family.envelope(grain.member);
            for n in at.max(span.start)..end {
                let t = (n - at) as usize;
                let amplitude = envelope[t] * grain.gain * levels[(n - span.start) as usize];
                grain.outline.push(t as i32, amplitude);
            }
        }
        self.hand_over(span.end);
    }

    /// Hands over the grains that end before frame `end` of the output.
    fn hand_over(&mut self, end: i64) {
        while self.waiting.front().is_some_and(|grain| grain.cut.at + grain.cut.frames <= end) {
            let Some(Grain { cut, outline, .. }) = self.waiting.pop_front() else { return };
            let envelope = outline.finish();
            if !envelope.is_empty() {
                self.cuts.push(Clip { envelope, ..cut });
            }
        }
    }
}

/// Whether the unit `step` after `unit` is naturally followed by the next one.
fn follows(units: &UnitDescriptors, unit: u32, step: i64) -> bool {
    let at = |step: i64| u32::try_from(i64::from(unit) + step);
    matches!((at(step), at(step + 1)), (Ok(one), Ok(next)) if units.continues(one, next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::comb_prominence;
    use crate::units::SampleRate;

    /// A film of which each unit belongs to a stretch of ten; in every stretch only its own sound may be heard.
    struct Film<F> {
        channels: usize,
        sample: F,
    }

    const RATE: u32 = 22_050;
    const HOP: i64 = 735;
    const STRETCH: u32 = 10;

    impl<F: Fn(i64, usize) -> f32 + Send> UnitSound for Film<F> {
        fn channels(&self) -> usize {
            self.channels
        }

        fn read(&self, unit: u32, offset: i64, out: &mut [f32]) {
            let first = i64::from(unit) * HOP + offset;
            let last = first + (out.len() / self.channels) as i64 - 1;
            let stretch = |n: i64| n.div_euclid(HOP * i64::from(STRETCH));
            let own = i64::from(unit / STRETCH);
            assert!(stretch(first) == own && stretch(last) == own, "{unit}: {offset} crosses a break");
            for (n, frame) in (first..).zip(out.chunks_exact_mut(self.channels)) {
                frame.iter_mut().enumerate().for_each(|(c, y)| *y = (self.sample)(n, c));
            }
        }
    }

    /// White noise in −0.5..0.5 that can be had at any place.
    fn noise(n: i64) -> f32 {
        let x = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    }

    fn cloud<F: Fn(i64, usize) -> f32 + Send>(
        config: &GranularConfig,
        channels: usize,
        sample: F,
    ) -> Cloud<Film<F>> {
        let grid = TickGrid { tick: "30".parse().unwrap(), rate: SampleRate::new(RATE).unwrap() };
        let continued: Vec<bool> = (1..=100).map(|unit| unit % STRETCH != 0).collect();
        let units = UnitDescriptors::new(0, &[], &[-20.0; 100], &continued).unwrap();
        Cloud::new(grid, Arc::new(units), Film { channels, sample }, config, &MosaicConfig::default())
    }

    fn played<S: UnitSound>(cloud: Cloud<S>, choices: impl IntoIterator<Item = SelectedUnit>) -> Vec<f32> {
        strewn(cloud, choices.into_iter().map(|choice| (choice, GrainModulation::default())))
    }

    fn strewn<S: UnitSound>(
        mut cloud: Cloud<S>,
        ticks: impl IntoIterator<Item = (SelectedUnit, GrainModulation)>,
    ) -> Vec<f32> {
        ticks.into_iter().for_each(|(choice, manner)| cloud.push(choice, &manner));
        cloud.finish();
        let mut out = vec![0.0; cloud.ready()];
        assert_eq!(cloud.fill(&mut out), out.len());
        out
    }

    fn choice(unit: u32, loudness_db: f32, gate: f32) -> SelectedUnit {
        SelectedUnit { unit, loudness_db, gate }
    }

    /// Attack, calm, and in between.
    const MANNERS: [GrainModulation; 5] = [
        GrainModulation { density: 1.0, size: 1.0, spread: 1.0 },
        GrainModulation { density: 4.0, size: 0.25, spread: 0.0 },
        GrainModulation { density: 0.25, size: 2.0, spread: 1.0 },
        GrainModulation { density: 2.5, size: 0.6, spread: 0.3 },
        GrainModulation { density: 0.5, size: 0.8, spread: 0.7 },
    ];

    /// One manner after another, each for three ticks.
    fn varied(tick: u32) -> GrainModulation {
        MANNERS[(tick / 3) as usize % MANNERS.len()]
    }

    fn driven(config: GranularConfig) -> GranularConfig {
        GranularConfig { drive: 1.0, ..config }
    }

    fn db(sound: &[f32]) -> f64 {
        let power = sound.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / sound.len() as f64;
        10.0 * power.log10()
    }

    #[test]
    fn grains_have_the_level_that_is_wanted_and_leave_no_comb() {
        let config = GranularConfig::default();
        let sources: Vec<f32> = (0..100 * HOP).map(noise).collect();
        let comb_of_noise = comb_prominence(&sources, RATE, 30.0).unwrap();
        // Of one and the same unit, first and last of stretches included, and of many.
        for unit in [None, Some(30), Some(39), Some(44)] {
            for wanted in [-20.0, -26.0, -60.0] {
                let choices = (0..600u32).map(|i| choice(unit.unwrap_or(i * 7 % 100), wanted, 0.0));
                let sound = played(cloud(&config, 1, |n, _| noise(n)), choices);
                assert_eq!(sound.len() as i64, 600 * HOP);
                // No gain beyond 12 dB.
                let expected = db(&sources) + f64::from((wanted + 20.0).max(-12.0));
                let level = db(&sound[(2 * HOP) as usize..]);
                assert!(
                    (level - expected).abs() < 0.7,
                    "{unit:?} at {wanted}: {level:.2}, not {expected:.2} dB"
                );
                let comb = comb_prominence(&sound, RATE, 30.0).unwrap();
                assert!(comb < comb_of_noise + 3.0, "{unit:?}: comb {comb:.1}, of noise {comb_of_noise:.1}");
            }
        }
    }

    /// All ticks of a manner together, whether it lasts or others come before and after it.
    #[test]
    fn grains_have_the_level_that_is_wanted_in_any_manner() {
        let config = driven(GranularConfig::default());
        let sources: Vec<f32> = (0..100 * HOP).map(noise).collect();
        let choices = || (0..1500u32).map(|i| choice(i * 7 % 100, -23.0, 0.0));
        let expected = db(&sources) - 3.0;
        for manner in MANNERS {
            let ticks = choices().map(|choice| (choice, manner));
            let sound = strewn(cloud(&config, 1, |n, _| noise(n)), ticks);
            let level = db(&sound[(2 * HOP) as usize..]);
            assert!((level - expected).abs() < 0.3, "{manner:?}: {level:.2}, not {expected:.2} dB");
        }
        let ticks = choices().zip((0..).map(varied));
        let sound = strewn(cloud(&config, 1, |n, _| noise(n)), ticks);
        let all = db(&sound[(2 * HOP) as usize..]);
        assert!((all - expected).abs() < 0.3, "{all:.2}, not {expected:.2} dB");
        for manner in MANNERS {
            // The middle one of three, whose neighbours are like it.
            let ticks = (0..1500).filter(|tick| varied(*tick) == manner && tick % 3 == 1);
            let own: Vec<f32> =
                ticks.flat_map(|t| &sound[t as usize * HOP as usize..][..HOP as usize]).copied().collect();
            let level = db(&own);
            assert!((level - expected).abs() < 0.5, "{manner:?}: {level:.2}, not {expected:.2} dB");
        }
    }

    #[test]
    fn density_size_and_spread_follow_the_manner_as_far_as_they_are_driven() {
        let ticks = 400;
        for manner in MANNERS {
            for drive in [0.0f32, 0.5, 1.0] {
                let config =
                    GranularConfig { drive, density: 3.3, size_ms: 20.0, ..GranularConfig::default() };
                let mut cloud = cloud(&config, 1, |n, _| noise(n)).with_cuts();
                (0..ticks).for_each(|i| cloud.push(choice(i % 10, -20.0, 0.0), &manner));
                cloud.finish();
                let mut cuts = Vec::new();
                cloud.take_cuts(&mut cuts);
                let density = 3.3 * f64::from(manner.density.powf(drive)) * f64::from(ticks);
                assert!(
                    (cuts.len() as f64 - density).abs() < 1.01,
                    "{manner:?}: {} of {density}",
                    cuts.len()
                );
                let size = 0.02 * f64::from(RATE) * f64::from(manner.size.powf(drive));
                assert!(cuts.iter().all(|cut| (cut.frames as f64 - size).abs() < 1.01), "{manner:?}: {size}");
                // From the middle of its tick, in ticks.
                let off = |cut: &Clip| ((cut.at as f64 + size / 2.0) / HOP as f64).rem_euclid(1.0) - 0.5;
                let furthest = cuts.iter().map(|cut| off(cut).abs()).fold(0.0, f64::max);
                let jitter = 1.0 - drive * (1.0 - manner.spread);
                assert!(
                    (furthest - f64::from(jitter) / 2.0).abs() < 0.02,
                    "{manner:?}: {furthest} at {drive}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_driven_sounds_alike_in_any_manner() {
        let off = GranularConfig { drive: 0.0, pitch_spread: 2.0, ..GranularConfig::default() };
        let choices = || (0..90).map(|i| choice(i * 13 % 100, -25.0, 0.1));
        let of = |config: &GranularConfig, manner: fn(u32) -> GrainModulation| {
            strewn(cloud(config, 2, |n, c| noise(n + 7 * c as i64)), choices().zip((0..).map(manner)))
        };
        let plain = of(&off, |_| GrainModulation::default());
        assert_eq!(of(&off, varied), plain);
        assert_eq!(of(&driven(off.clone()), |_| GrainModulation::default()), plain);
        assert_ne!(of(&driven(off.clone()), varied), plain);
        let latency = |config: &GranularConfig| cloud(config, 1, |n, _| noise(n)).latency();
        // Half of the 40 ms by which the longest grains are longer, or as much as lets them end in time.
        assert_eq!(latency(&off), 443 + HOP as usize);
        assert!((latency(&off) + 280..latency(&off) + 300).contains(&latency(&driven(off.clone()))));
    }

    /// Tones whose grains meet in any phase.
    #[test]
    fn a_tone_does_not_swell_and_fade() {
        let tone = |n: i64, _| (std::f64::consts::TAU * 300.0 * n as f64 / f64::from(RATE)).sin() as f32;
        let sound =
            played(cloud(&GranularConfig::default(), 1, tone), (0..600).map(|i| choice(i % 10, -20.0, 0.0)));
        let levels: Vec<f64> = sound[2 * HOP as usize..].chunks_exact(HOP as usize).map(db).collect();
        let close = levels.iter().filter(|db| (*db + 3.0).abs() < 1.5).count();
        assert!(
            close * 100 >= 97 * levels.len(),
            "{close} of {} ticks at their level: {levels:.1?}",
            levels.len()
        );
    }

    #[test]
    fn nothing_sounds_further_than_a_tick_from_its_cause_and_a_gate_closes() {
        let only = |i: u32| choice(35, -20.0, if i == 20 { 0.0 } else { 1.0 });
        let sound = played(cloud(&GranularConfig::default(), 1, |n, _| noise(n)), (0..40).map(only));
        let at = |tick: i64| &sound[(tick * HOP) as usize..][..HOP as usize];
        assert!(db(at(20)) > -17.0, "{}", db(at(20)));
        for tick in (1..19).chain(22..39) {
            assert!(db(at(tick)) < -65.0, "tick {tick} sounds at {}", db(at(tick)));
        }
    }

    #[test]
    fn channels_stay_apart_and_pitch_is_heard() {
        let sine = |n: i64, c: usize| {
            let hz = if c == 0 { 441.0 } else { 1764.0 };
            (std::f64::consts::TAU * hz * n as f64 / f64::from(RATE)).sin() as f32
        };
        for pitch in [1.0, 0.5] {
            let config = GranularConfig { pitch, children: 2, ..GranularConfig::default() };
            let sound = played(cloud(&config, 2, sine), (0..90).map(|i| choice(i % 10, -20.0, 0.0)));
            for (channel, hz) in [(0, 441.0), (1, 1764.0)] {
                let one: Vec<f32> = sound.iter().skip(channel).step_by(2).copied().collect();
                let power = |hz: f64| {
                    let (mut re, mut im) = (0.0, 0.0);
                    for (n, x) in one.iter().enumerate() {
                        let (s, c) = (std::f64::consts::TAU * hz * n as f64 / f64::from(RATE)).sin_cos();
                        (re, im) = (re + f64::from(*x) * c, im + f64::from(*x) * s);
                    }
                    re * re + im * im
                };
                // Grains widen a line by 25 Hz and more, so it is looked for in some bins.
                let near = |hz: f64| (-20..=20).map(|k| power(hz + f64::from(k))).sum::<f64>();
                let (own, other) = (near(hz * f64::from(pitch)), near((2205.0 - hz) * f64::from(pitch)));
                assert!(own > 100.0 * other, "channel {channel} at {pitch}: {own:.1} and {other:.1}");
            }
        }
    }

    /// What is said of grains sounds like them.
    #[test]
    fn cuts_say_what_was_played() {
        let wild = GranularConfig {
            pitch: 0.8,
            pitch_spread: 5.0,
            children: 2,
            density: 3.0,
            ..GranularConfig::default()
        };
        // Long ones begin long before their tick.
        let long = GranularConfig { size_ms: 400.0, jitter: 4.0, spread_ticks: 8.0, ..wild.clone() };
        let constant = |config| (config, [GrainModulation::default(); 5]);
        let changing = |config| (driven(config), MANNERS);
        for ((config, manners), channels) in [
            (constant(GranularConfig::default()), 1),
            (constant(wild.clone()), 1),
            (constant(wild.clone()), 2),
            (changing(GranularConfig::default()), 1),
            (changing(wild), 2),
            (changing(long), 1),
        ] {
            let tone = |n: i64, c: usize| (0.05 * n as f64 * (c + 1) as f64).sin() as f32;
            let choices: Vec<SelectedUnit> =
                (0..300).map(|i| choice(i * 7 % 100, -20.0 - (i % 30) as f32, 0.0)).collect();
            let mut cloud = cloud(&config, channels, tone).with_cuts();
            let mut cuts = Vec::new();
            for (i, choice) in choices.into_iter().enumerate() {
                cloud.push(choice, &manners[i % manners.len()]);
                cloud.take_cuts(&mut cuts);
                let ticks = 3 + 2 * config.spread_ticks as usize;
                assert!(cloud.trace.as_ref().unwrap().waiting.len() < 30 * ticks);
            }
            cloud.finish();
            cloud.take_cuts(&mut cuts);
            let mut y = vec![0.0; cloud.ready()];
            cloud.fill(&mut y);
            /// The same without breaks: interpolation looks one sample further than it needs.
            struct Open<F>(usize, F);
            impl<F: Fn(i64, usize) -> f32 + Send> UnitSound for Open<F> {
                fn channels(&self) -> usize {
                    self.0
                }
                fn read(&self, unit: u32, offset: i64, out: &mut [f32]) {
                    let first = i64::from(unit) * HOP + offset;
                    for (n, frame) in (first..).zip(out.chunks_exact_mut(self.0)) {
                        frame.iter_mut().enumerate().for_each(|(c, y)| *y = (self.1)(n, c));
                    }
                }
            }
            let again = crate::concat::replayed(&cuts, &Open(channels, tone), y.len());
            let error: Vec<f32> = y.iter().zip(&again).map(|(a, b)| a - b).collect();
            let off = db(&error) - db(&y);
            println!("{channels} channels: {off:.1} dB, {} cuts", cuts.len());
            assert!(off < -50.0, "{off:.1} dB");
        }
    }

    #[test]
    fn how_it_is_taken_changes_nothing_and_the_seed_does() {
        let of = |seed, pieces: bool| {
            let config = GranularConfig {
                seed,
                pitch_spread: 3.0,
                size_ms: 2000.0,
                spread_ticks: 20.0,
                drive: 0.7,
                ..GranularConfig::default()
            };
            let mut cloud = cloud(&config, 2, |n, c| noise(n + 7 * c as i64));
            let (mut out, mut all) = ([0.0; 1000], Vec::new());
            for i in 0..60 {
                cloud.push(choice(i * 13 % 100, -25.0, 0.1), &varied(i));
                while pieces && cloud.ready() > 0 {
                    let n = cloud.fill(&mut out);
                    all.extend_from_slice(&out[..n]);
                }
            }
            cloud.finish();
            while cloud.ready() > 0 {
                let n = cloud.fill(&mut out);
                all.extend_from_slice(&out[..n]);
            }
            all
        };
        assert!(of(1, true) == of(1, false) && of(1, true) != of(2, true));
        assert_eq!(of(1, true).len() as i64, 2 * 60 * HOP);
    }

    #[test]
    fn what_does_not_exist_or_is_no_number_makes_finite_sound() {
        let config = GranularConfig { density: f32::NAN, pitch: f32::INFINITY, ..GranularConfig::default() };
        let mut cloud = cloud(&config, 1, |_, _| 0.1);
        for unit in [0, 99] {
            let manner = GrainModulation { density: f32::NAN, size: f32::INFINITY, spread: f32::NAN };
            cloud.push(choice(unit, f32::NAN, f32::NAN), &manner);
        }
        cloud.finish();
        let mut out = vec![0.0; cloud.ready()];
        cloud.fill(&mut out);
        assert!(out.len() as i64 == 2 * HOP && out.iter().all(|x| x.is_finite()));
    }
}
