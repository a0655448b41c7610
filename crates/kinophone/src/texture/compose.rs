//! What sounds when: grains in the density that is wanted, and a hit for every onset.

use crate::texture::curves::Curve;
use crate::texture::mapping::{ChoiceMapping, Mapping, OnsetMapping};
use crate::texture::material::{Ranks, TextureMaterial};
use crate::visual::FrameState;
use kinophone_dsp::concat::Clip;
use kinophone_dsp::loudness::amplitude;
use std::collections::VecDeque;
use std::f32::consts::FRAC_PI_2;

/// Seconds that a hit begins to fade in before its attack, and that it ends before the next attack of its recording.
const BEFORE: f64 = 0.003;
const UNTIL: f64 = 0.01;
/// The shortest thing that sounds, in seconds.
const SHORTEST: f64 = 0.03;
/// The longest, however willingly it goes on.
const LONGEST: f64 = 12.0;
/// How much softer a hit is at its end, in dB.
const DIES_DB: f32 = 36.0;
/// Seconds over which a hit's loudness is measured, and for which it is held.
const HEARD: f64 = 0.1;
/// Seconds from one level of a grain's envelope to the next.
const BLOCK: f64 = 0.02;
/// Blocks to either side over which a recording's own level is averaged.
const AROUND: usize = 2;
/// Points of a fade; between them are straight lines.
const FADE: i64 = 8;
/// No sound is made louder than by this, in dB.
const MOST_GAIN_DB: f32 = 30.0;
/// No hit has a higher peak: room for what sounds beside it.
const MOST_PEAK: f32 = 0.8;
/// Grains at the same time at most.
const MOST: usize = 64;
/// What it costs, in squared distance of ranks: to be used again at once, to be too short, to be an attack where none is
/// wanted, to have no pitch; and how far willingness to go on and chance reach.
const AGAIN: f32 = 1.0;
const SHORT: f32 = 0.3;
const ATTACKED: f32 = 0.15;
const UNPITCHED: f32 = 0.08;
const GOES_ON: f32 = 0.4;
const CHANCE: f32 = 0.25;

/// Why something sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HitReason {
    /// The density asked for a grain.
    Grain,
    /// An event of the picture.
    Onset,
}

/// Something that sounds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Made {
    pub(crate) cut: Clip,
    /// Mean level of the recording there, in dB, before the envelope.
    pub(crate) loudness_db: f32,
    pub(crate) why: HitReason,
}

/// An event at its frame of the soundtrack, 0 to 1 strong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hit {
    pub(crate) at: i64,
    pub(crate) strength: f32,
}

/// A shot in frames of the soundtrack, and what it plays with.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) begin: i64,
    pub(crate) end: i64,
    pub(crate) sources: Vec<u32>,
}

/// A film's measures, as a mapping has them.
struct Driven {
    loudness: Curve,
    density: Option<Curve>,
    brightness: Option<Curve>,
    noise: Option<Curve>,
    register: Option<Curve>,
    pan: Option<Curve>,
}

/// Decides what sounds, span after span, step after step. Cuts come out in the order in which they begin.
pub(crate) struct TextureComposer<'a> {
    material: &'a TextureMaterial<'a>,
    mapping: &'a Mapping,
    driven: Driven,
    hz: i64,
    seed: u64,
    /// When each unit began last.
    used: Vec<i64>,
    grains: VecDeque<ComposedGrain>,
    /// Grains that left, while others that they met are here.
    past: VecDeque<ComposedGrain>,
    /// How much of the next grain is due, and when it is.
    due: (f64, f64),
    /// Choices so far.
    choices: u64,
    now: i64,
    /// Of the whole.
    length: i64,
}

/// Something that sounds, or will.
#[derive(Clone)]
struct ComposedGrain {
    unit: u32,
    source: u32,
    /// Frame of the source that sounds first.
    place: i64,
    start: i64,
    end: i64,
    attack: i64,
    release: i64,
    speed: f64,
    pan: f32,
    made: Option<Made>,
    hit: bool,
}

impl ComposedGrain {
    /// Equal power: the squares of a fade in and a fade out add up to 1.
    fn fade(&self, at: i64) -> f32 {
        let part = |since: i64, length: i64| {
            let x = since as f32 / length.max(1) as f32;
            (x.clamp(0.0, 1.0) * FRAC_PI_2).sin()
        };
        part(at - self.start, self.attack) * part(self.end - at, self.release)
    }

    fn length(&self) -> i64 {
        self.end - self.start
    }
}

/// What is wanted of a unit.
struct GrainRequest {
    brightness: Option<f32>,
    noise: Option<f32>,
    register: Option<f32>,
    loudness: f32,
    speed: f64,
    pan: f32,
}

impl GrainRequest {
    /// How far a unit is from that.
    fn cost(&self, ranks: &Ranks) -> f32 {
        let off = |wanted: Option<f32>, is: f32| wanted.map_or(0.0, |wanted| (wanted - is).powi(2));
        let register = match (self.register, ranks.pitch) {
            (Some(_), None) => UNPITCHED,
            (wanted, pitch) => off(wanted, pitch.unwrap_or(0.0)),
        };
        off(self.brightness, ranks.brightness)
            + 0.7 * off(self.noise, ranks.noise)
            + register
            + 0.2 * off(Some(self.loudness), ranks.loudness)
    }
}

impl<'a> TextureComposer<'a> {
    pub(crate) fn new(
        material: &'a TextureMaterial<'a>,
        mapping: &'a Mapping,
        seen: &FrameState,
        length: i64,
        seed: u64,
    ) -> Self {
        let curve = |line| Curve::of(seen, line);
        Self {
            driven: Driven {
                loudness: curve(mapping.loudness.line()),
                density: mapping.density.as_ref().map(|m| curve(m.line())),
                brightness: mapping.brightness.as_ref().map(|m| curve(m.line())),
                noise: mapping.noise.as_ref().map(|m| curve(m.line())),
                register: mapping.register.as_ref().map(|m| curve(m.line())),
                pan: mapping.pan.as_ref().map(|m| curve(m.line())),
            },
            hz: i64::from(material.sounds.rate().hz()),
            used: vec![i64::MIN / 2; material.sounds.units().len()],
            grains: VecDeque::new(),
            past: VecDeque::new(),
            due: (1.0, 1.0),
            choices: 0,
            now: 0,
            length,
            material,
            mapping,
            seed,
        }
    }

    /// Decides what begins from here to frame `until`, which lies within `span`. `hits` are those of this time.
    pub(crate) fn step(&mut self, span: &Span, until: i64, hits: &[Hit]) {
        for hit in hits {
            self.hit(span, *hit);
        }
        let anew = self.mapping.cuts.change && self.now == span.begin;
        if let Some(density) = self.density(self.now).filter(|density| *density > 0.0) {
            if anew {
                self.due = (1.0, 1.0);
            }
            let (from, frames) = (self.now, until - self.now);
            let mut due = self.due.0;
            let each = density * frames as f64 / self.hz as f64;
            let mut at = 0.0;
            while due + (1.0 - at) * each >= self.due.1 {
                at += ((self.due.1 - due) / each).max(0.0);
                self.grain(span, from + ((at * frames as f64) as i64).min(frames - 1));
                // Grains on a grid would hum.
                self.due.1 = 0.6 + 0.8 * f64::from(self.chance(u64::MAX));
                due = 0.0;
            }
            self.due.0 = due + (1.0 - at) * each;
        }
        self.now = until;
        self.complete(until);
    }

    /// After the last step: everything comes to its end.
    pub(crate) fn finish(&mut self) {
        self.complete(i64::MAX);
    }

    /// The next cut that is decided, with all that begin before it.
    pub(crate) fn take(&mut self) -> Option<Made> {
        let made = self.grains.front_mut()?.made.take()?;
        self.past.extend(self.grains.pop_front());
        Some(made)
    }

    /// The frame before which nothing more will begin.
    pub(crate) fn known(&self) -> i64 {
        let before = self.frames(BEFORE);
        self.grains.front().map_or(self.now - before, |grain| grain.start.min(self.now - before))
    }

    /// Where everything that begins in a span has ended.
    fn last(&self, span: &Span) -> i64 {
        if self.mapping.cuts.change { span.end } else { self.length }
    }

    fn frames(&self, seconds: f64) -> i64 {
        (seconds * self.hz as f64).round() as i64
    }

    fn millis(&self, millis: f32) -> i64 {
        self.frames(f64::from(millis) / 1000.0)
    }

    fn micros(&self, frame: i64) -> i64 {
        (i128::from(frame) * 1_000_000 / i128::from(self.hz)) as i64
    }

    /// 0 to 1, for something in the choice under way.
    fn chance(&self, of: u64) -> f32 {
        chance(self.seed, self.choices, of)
    }

    fn density(&self, frame: i64) -> Option<f64> {
        let (curve, mapped) = self.driven.density.as_ref().zip(self.mapping.density.as_ref())?;
        let x = curve.at(self.micros(frame));
        Some(f64::from(mapped.low + (mapped.high - mapped.low) * x))
    }

    fn loudness_db(&self, frame: i64) -> f32 {
        let mapped = &self.mapping.loudness;
        mapped.low_db + (mapped.high_db - mapped.low_db) * self.driven.loudness.at(self.micros(frame))
    }

    fn wanted(&self, frame: i64) -> GrainRequest {
        let (micros, mapping) = (self.micros(frame), self.mapping);
        let chosen = |curve: &Option<Curve>, mapped: &Option<ChoiceMapping>| {
            let (curve, mapped) = curve.as_ref().zip(mapped.as_ref())?;
            Some(mapped.low + (mapped.high - mapped.low) * curve.at(micros))
        };
        let height = self.driven.register.as_ref().zip(mapping.register.as_ref());
        let height = height.map(|(curve, mapped)| (curve.at(micros), mapped));
        GrainRequest {
            brightness: chosen(&self.driven.brightness, &mapping.brightness),
            noise: chosen(&self.driven.noise, &mapping.noise),
            register: height.map(|(x, mapped)| mapped.low + (mapped.high - mapped.low) * x),
            loudness: self.driven.loudness.at(micros),
            speed: height.map_or(1.0, |(x, mapped)| {
                let semitones = ((2.0 * x - 1.0) * mapped.transpose).round();
                2f64.powf(f64::from(semitones) / 12.0)
            }),
            pan: self
                .driven
                .pan
                .as_ref()
                .zip(mapping.pan.as_ref())
                .map_or(0.0, |(curve, mapped)| mapped.low + (mapped.high - mapped.low) * curve.at(micros)),
        }
    }

    /// The best unit among a span's sources for something that begins at `frame`; `more` adds to the cost of each.
    fn choose(
        &mut self,
        span: &Span,
        frame: i64,
        wanted: &GrainRequest,
        more: impl Fn(usize, &Ranks) -> f32,
    ) -> Option<(usize, f32)> {
        self.choices += 1;
        let grain = &self.mapping.grain;
        let repeat = self.frames(f64::from(grain.repeat_s));
        let mut best: Option<(usize, f32)> = None;
        for unit in span.sources.iter().flat_map(|source| self.material.numbers(*source)) {
            let Some(ranks) = self.material.ranks(unit) else { continue };
            let age = frame - self.used[unit];
            let again = if age < repeat { AGAIN * (1.0 - age as f32 / repeat as f32) } else { 0.0 };
            let chance =
                if grain.chance > 0.0 { grain.chance * CHANCE * self.chance(unit as u64) } else { 0.0 };
            let cost = wanted.cost(ranks) + again + chance + more(unit, ranks);
            if best.is_none_or(|(_, least)| cost < least) {
                best = Some((unit, cost));
            }
        }
        best
    }

    /// Something begins at `frame`, or what sounds goes on.
    fn grain(&mut self, span: &Span, frame: i64) {
        let mapped = &self.mapping.grain;
        let size = self.millis(mapped.size_ms);
        let wanted = self.wanted(frame + (size / 2).min(self.frames(0.3)));
        let (material, units) = (self.material, self.material.sounds.units());
        let left = |unit: usize| material.end(units[unit].source) - units[unit].first;
        let found = self.choose(span, frame, &wanted, |unit, ranks| {
            let there = (left(unit) as f64 / wanted.speed) as f32 / size as f32;
            ATTACKED * ranks.onset.powi(2) + SHORT * (1.0 - there).max(0.0)
        });
        let Some((unit, cost)) = found else { return };
        if mapped.follow > 0.0 && self.goes_on(span, frame, size, cost + GOES_ON * mapped.follow, &wanted) {
            return;
        }
        if self.grains.len() >= MOST {
            return;
        }
        let (change, fade) = (self.mapping.cuts.change, self.millis(self.mapping.cuts.fade_ms));
        let source = units[unit].source;
        let there = (left(unit) as f64 / wanted.speed) as i64;
        let (end, last) = (frame + size.min(there), self.last(span));
        let cut = end > last;
        let end = end.min(last);
        if end - frame < self.frames(SHORTEST) {
            return;
        }
        let (attack, release) = (self.millis(mapped.attack_ms), self.millis(mapped.release_ms));
        let (attack, release) = proportioned(attack, release, end - frame);
        self.add(ComposedGrain {
            unit: unit as u32,
            source,
            place: units[unit].first,
            start: frame,
            end,
            attack: if change && frame == span.begin { fade.min(attack) } else { attack },
            release: if cut { fade.min(release) } else { release },
            speed: wanted.speed,
            pan: wanted.pan,
            made: None,
            hit: false,
        });
        self.mark(source, units[unit].first, (size as f64 * wanted.speed) as i64, frame);
    }

    /// Lets the grain that ends next go on instead, if where it gets costs no more than `most`.
    fn goes_on(&mut self, span: &Span, frame: i64, size: i64, most: f32, wanted: &GrainRequest) -> bool {
        let material = self.material;
        let last = self.last(span);
        let (longest, fade) = (self.frames(LONGEST), self.millis(self.mapping.cuts.fade_ms));
        let release = self.millis(self.mapping.grain.release_ms);
        let open = |grain: &&mut ComposedGrain| {
            !grain.hit && grain.made.is_none() && grain.end > frame && 3 * (frame - grain.start) >= size
        };
        let Some(grain) = self.grains.iter_mut().filter(open).min_by_key(|grain| grain.end) else {
            return false;
        };
        if !span.sources.contains(&grain.source) || grain.speed != wanted.speed {
            return false;
        }
        let place = grain.place + ((frame - grain.start) as f64 * grain.speed) as i64;
        let there = ((material.end(grain.source) - grain.place) as f64 / grain.speed) as i64;
        let end = (frame + size).min(grain.start + there).min(grain.start + longest);
        let cut = end > last;
        let end = end.min(last);
        let fits = material.at(grain.source, place).and_then(|unit| material.ranks(unit));
        let cost = fits.map(|ranks| wanted.cost(ranks));
        if end - grain.end < size / 8 || cost.is_none_or(|cost| cost > most) {
            return false;
        }
        grain.end = end;
        grain.release = if cut { fade } else { release.min(grain.length() / 2) };
        let (source, frames) = (grain.source, (size as f64 * grain.speed) as i64);
        self.mark(source, place, frames, frame);
        true
    }

    /// Remembers that a stretch of a source was played.
    fn mark(&mut self, source: u32, place: i64, frames: i64, frame: i64) {
        let units = self.material.sounds.units();
        for unit in self.material.numbers(source) {
            let first = units[unit].first;
            if first < place + frames && first + i64::from(units[unit].frames) > place {
                self.used[unit] = frame;
            }
        }
    }

    fn add(&mut self, grain: ComposedGrain) {
        let place = self.grains.partition_point(|other| other.start <= grain.start);
        self.grains.insert(place, grain);
    }

    /// The attack of a unit, on its sample.
    fn hit(&mut self, span: &Span, hit: Hit) {
        let Some(mapped) = self.mapping.onsets.clone() else { return };
        let wanted = self.wanted(hit.at);
        let attacked = |_: usize, ranks: &Ranks| (1.0 - ranks.onset).powi(2);
        let Some((unit, _)) = self.choose(span, hit.at, &wanted, attacked) else { return };
        let attack = self.material.attack(unit);
        let Some(made) = self.strike(span, unit, attack, hit, &mapped, &wanted) else { return };
        let last = made.cut.envelope.last().map_or(0, |(t, _)| i64::from(*t));
        let source = self.material.sounds.units()[unit].source;
        self.add(ComposedGrain {
            unit: unit as u32,
            source,
            place: attack,
            start: hit.at - self.frames(BEFORE),
            end: hit.at + last,
            attack: 1,
            release: 1,
            speed: wanted.speed,
            pan: wanted.pan,
            made: Some(made),
            hit: true,
        });
        self.mark(source, attack, (last as f64 * wanted.speed) as i64, hit.at);
    }

    fn strike(
        &self,
        span: &Span,
        unit: usize,
        attack: i64,
        hit: Hit,
        mapped: &OnsetMapping,
        wanted: &GrainRequest,
    ) -> Option<Made> {
        let (units, material) = (self.material.sounds.units(), self.material);
        let source = units[unit].source;
        // Until the recording ends, or something else begins in it.
        let clear = attack + self.frames(0.05);
        let next = material.numbers(source).filter(|k| *k > unit).find(|k| {
            let place = units[*k].first + i64::from(units[*k].attack);
            place > clear && units[*k].onset >= 0.5 * units[unit].onset && units[*k].onset > 0.0
        });
        let next = next.map(|k| material.attack(k) - self.frames(UNTIL));
        let end = next.unwrap_or(material.end(source)).min(material.end(source));
        let there = ((end - attack) as f64 / wanted.speed) as i64;
        let mut length = self.millis(mapped.size_ms).min(there);
        let mut release = (length / 4).clamp(1, self.frames(0.15));
        if hit.at + length > self.last(span) {
            length = self.last(span) - hit.at;
            release = self.millis(self.mapping.cuts.fade_ms).min(length);
        }
        if length < 2 {
            return None;
        }
        let heard = self.frames(HEARD).min(length);
        let (powers, _) = material.powers(source, attack, (heard as f64 * wanted.speed) as usize, 1);
        let block = self.frames(BLOCK).max(1);
        let (_, peak) =
            material.powers(source, attack, block as usize, (there.min(length) / block + 1) as usize);
        let level_db = 10.0 * powers[0].max(1e-12).log10() as f32;
        if peak <= 0.0 {
            return None;
        }
        let want_db = mapped.low_db + (mapped.high_db - mapped.low_db) * hit.strength;
        let gain =
            (amplitude(f64::from((want_db - level_db).min(MOST_GAIN_DB))) as f32).min(MOST_PEAK / peak);
        let (before, end) = (self.frames(BEFORE) as i32, length as i32);
        let mut envelope = vec![(-before, 0.0), (-1, gain)];
        // What was struck dies away, whatever the recording does: straight in dB, in as many pieces as a fade.
        let held = heard.min(length - release).max(0);
        let whole = (self.millis(mapped.size_ms) - held).max(1) as f32;
        for k in 0..=FADE {
            let t = (length - release - held).max(0) * k / FADE;
            let fallen = amplitude(f64::from(-DIES_DB * t as f32 / whole)) as f32;
            envelope.push(((held + t) as i32, gain * fallen));
        }
        envelope.push((end, 0.0));
        envelope.dedup_by_key(|(t, _)| *t);
        let cut = Clip {
            at: hit.at,
            frames: length,
            unit: unit as u32,
            offset: attack - units[unit].first,
            speed: wanted.speed,
            pan: wanted.pan,
            envelope,
        };
        Some(Made { cut, loudness_db: level_db, why: HitReason::Onset })
    }

    /// Makes cuts of the grains that end before `until`, and forgets those that none of the others meets.
    fn complete(&mut self, until: i64) {
        for k in 0..self.grains.len() {
            if self.grains[k].made.is_none() && self.grains[k].end <= until {
                let made = self.make(&self.grains[k]);
                self.grains[k].made = Some(made);
            }
        }
        let first = self.grains.front().map_or(until, |grain| grain.start);
        self.past.retain(|grain| grain.end > first);
    }

    /// A grain under its envelope: fades, the loudness that is wanted, and what evens its own.
    fn make(&self, grain: &ComposedGrain) -> Made {
        let (length, even) = (grain.length(), self.mapping.loudness.even);
        let block = self.frames(BLOCK).max(1);
        let theirs = ((block as f64 * grain.speed) as usize).max(1);
        let (powers, _) =
            self.material.powers(grain.source, grain.place, theirs, (length / block + 1) as usize);
        let db = |power: f64| 10.0 * power.max(1e-12).log10() as f32;
        let mean = db(powers.iter().sum::<f64>() / powers.len() as f64);
        let near = |k: usize| {
            let part =
                &powers[k.saturating_sub(AROUND).min(powers.len() - 1)..(k + AROUND + 1).min(powers.len())];
            mean + even * (db(part.iter().sum::<f64>() / part.len().max(1) as f64) - mean)
        };
        let mut times: Vec<i64> = (0..=length / block).map(|k| k * block).collect();
        times.extend((0..=FADE).map(|k| k * grain.attack / FADE));
        times.extend((0..=FADE).map(|k| length - k * grain.release / FADE));
        times.retain(|t| (0..=length).contains(t));
        times.sort_unstable();
        times.dedup();
        let met: Vec<&ComposedGrain> = self
            .past
            .iter()
            .chain(&self.grains)
            .filter(|other| !other.hit && other.start < grain.end && other.end > grain.start)
            .collect();
        let point = |t: i64| {
            let at = grain.start + t;
            // Grains add in power; where there is but one, its fades are heard.
            let together = met.iter().map(|other| other.fade(at).powi(2)).sum::<f32>().max(1.0);
            let k = (t / block) as usize;
            let gain = (self.loudness_db(at) - near(k)).min(MOST_GAIN_DB);
            let e = grain.fade(at) * amplitude(f64::from(gain)) as f32 / together.sqrt();
            (t as i32, e)
        };
        let envelope: Vec<(i32, f32)> = times.into_iter().map(point).collect();
        let first = self.material.sounds.units()[grain.unit as usize].first;
        let cut = Clip {
            at: grain.start,
            frames: length,
            unit: grain.unit,
            offset: grain.place - first,
            speed: grain.speed,
            pan: grain.pan,
            envelope,
        };
        Made { cut, loudness_db: mean, why: HitReason::Grain }
    }
}

/// Fades that fit a length.
fn proportioned(attack: i64, release: i64, length: i64) -> (i64, i64) {
    let whole = attack + release;
    if whole <= length { (attack, release) } else { (attack * length / whole, release * length / whole) }
}

/// A number between 0 and 1 that depends on nothing else: SplitMix64 (G. Steele, D. Lea and C. Flood, "Fast splittable
/// pseudorandom number generators", 2014).
pub(crate) fn chance(seed: u64, turn: u64, of: u64) -> f32 {
    let mut x = seed ^ turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ of.wrapping_mul(0xD1B5_4A32_D192_ED03);
    x = (x ^ x >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((x ^ x >> 31) >> 40) as f32 / (1u64 << 24) as f32
}
