//! Recorded sound to choose from: units by their place among the others.

use crate::sound_library::{LibraryUnit, SoundLibrary};
use kinophone_dsp::concat::UnitSound;
use kinophone_dsp::units::SampleRate;
use std::ops::Range;

/// What is softer than this, in dB, is a pause.
const PAUSE_DB: f32 = -60.0;
/// A pitch counts from this confidence on.
pub(crate) const SURE: f32 = 0.5;
/// Seconds of a source beyond which it counts no more than others.
const LONG: f64 = 20.0;
/// What comes before an attack and after the place that a library names, where it is looked for: 5 and 40 ms.
const ATTACK: (f64, f64) = (0.005, 0.04);
/// An attack is where sound first reaches this share of the peak that follows.
const REACHED: f32 = 0.2;

/// Sounds to play with.
pub(crate) trait TextureSounds: Sync {
    /// All units, source by source, in the order of time.
    fn units(&self) -> &[LibraryUnit];
    /// Rate of all of them.
    fn rate(&self) -> SampleRate;
    /// 1 or 2.
    fn channels(&self) -> u32;
    /// Interleaved samples of a source, from frame `first` on; silence beyond its ends.
    fn read(&self, source: usize, first: i64, out: &mut [f32]);
}

impl TextureSounds for SoundLibrary {
    fn units(&self) -> &[LibraryUnit] {
        SoundLibrary::units(self)
    }

    fn rate(&self) -> SampleRate {
        SoundLibrary::rate(self)
    }

    fn channels(&self) -> u32 {
        SoundLibrary::channels(self)
    }

    fn read(&self, source: usize, first: i64, out: &mut [f32]) {
        SoundLibrary::read(self, source, first, out);
    }
}

/// Sounds, read unit by unit.
pub(crate) struct UnitReader<'a>(pub(crate) &'a dyn TextureSounds);

impl UnitSound for UnitReader<'_> {
    fn channels(&self) -> usize {
        self.0.channels().max(1) as usize
    }

    fn read(&self, unit: u32, offset: i64, out: &mut [f32]) {
        match self.0.units().get(unit as usize) {
            Some(unit) => self.0.read(unit.source as usize, unit.first + offset, out),
            None => out.fill(0.0),
        }
    }
}

/// Where a unit stands among those of its group, each from 0 to 1; `None` of what is a pause.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Ranks {
    pub(crate) brightness: f32,
    pub(crate) noise: f32,
    pub(crate) loudness: f32,
    pub(crate) onset: f32,
    /// Of those that have one.
    pub(crate) pitch: Option<f32>,
}

/// All that may be played, in groups of sources, from dark to bright.
pub(crate) struct TextureMaterial<'a> {
    pub(crate) sounds: &'a dyn TextureSounds,
    ranks: Vec<Option<Ranks>>,
    sources: Vec<Range<usize>>,
    /// Sources of each group.
    pub(crate) groups: Vec<Vec<u32>>,
}

impl<'a> TextureMaterial<'a> {
    /// In as many groups as are wanted, as far as there are sources that sound; none if nothing does.
    pub(crate) fn new(sounds: &'a dyn TextureSounds, groups: usize) -> Self {
        let units = sounds.units();
        let count = units.iter().map(|unit| unit.source as usize + 1).max().unwrap_or(0);
        let sources: Vec<Range<usize>> = (0..count)
            .map(|source| {
                let at = |source: usize| units.partition_point(|unit| (unit.source as usize) < source);
                at(source)..at(source + 1)
            })
            .collect();
        let mut this = Self { sounds, ranks: vec![None; units.len()], sources, groups: Vec::new() };
        this.groups = this.grouped(groups);
        for group in this.groups.clone() {
            this.rank(&group);
        }
        this
    }

    /// Sources by the tone of what sounds in them, cut into groups of about the same length.
    fn grouped(&self, groups: usize) -> Vec<Vec<u32>> {
        let mut toned: Vec<(u32, f64, f64)> = (0..self.sources.len() as u32)
            .filter_map(|source| {
                let (mut frames, mut tone) = (0.0, 0.0);
                for unit in self.units_of(source).filter(|unit| sounds(unit)) {
                    frames += f64::from(unit.frames);
                    tone += f64::from(unit.frames) * f64::from(unit.centroid_hz.max(1.0)).log2();
                }
                (frames > 0.0).then(|| (source, tone / frames, self.weight(frames)))
            })
            .collect();
        toned.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        let groups = groups.min(toned.len());
        let all: f64 = toned.iter().map(|(_, _, weight)| weight).sum();
        let mut result: Vec<Vec<u32>> = vec![Vec::new(); groups];
        let (mut group, mut sum) = (0, 0.0);
        for (k, (source, _, weight)) in toned.iter().enumerate() {
            // The next group begins where this one has its share, and in time for each to have a source.
            let full = sum + weight / 2.0 > all * (group + 1) as f64 / groups as f64;
            let late = toned.len() - k < groups - group;
            if group + 1 < groups && !result[group].is_empty() && (full || late) {
                group += 1;
            }
            sum += weight;
            result[group].push(*source);
        }
        result
    }

    fn weight(&self, frames: f64) -> f64 {
        (frames / f64::from(self.sounds.rate().hz())).min(LONG)
    }

    fn rank(&mut self, group: &[u32]) {
        let own: Vec<usize> = group
            .iter()
            .flat_map(|source| self.sources[*source as usize].clone())
            .filter(|k| sounds(&self.sounds.units()[*k]))
            .collect();
        own.iter().for_each(|k| self.ranks[*k] = Some(Ranks::default()));
        let units = self.sounds.units();
        let mut by = |value: &dyn Fn(&LibraryUnit) -> f32, set: &dyn Fn(&mut Ranks, f32), own: &[usize]| {
            let mut order = own.to_vec();
            order.sort_by(|a, b| value(&units[*a]).total_cmp(&value(&units[*b])).then(a.cmp(b)));
            let most = order.len().saturating_sub(1).max(1) as f32;
            let mut rank = 0.0;
            for (place, k) in order.iter().enumerate() {
                // Equals have one rank.
                if place > 0 && value(&units[*k]) != value(&units[order[place - 1]]) {
                    rank = place as f32 / most;
                }
                if let Some(ranks) = &mut self.ranks[*k] {
                    set(ranks, rank);
                }
            }
        };
        by(&|unit| unit.centroid_hz, &|ranks, x| ranks.brightness = x, &own);
        by(&|unit| unit.flatness, &|ranks, x| ranks.noise = x, &own);
        by(&|unit| unit.loudness_db, &|ranks, x| ranks.loudness = x, &own);
        by(&|unit| unit.onset, &|ranks, x| ranks.onset = x, &own);
        let pitched: Vec<usize> = own
            .iter()
            .copied()
            .filter(|k| units[*k].pitch_hz > 0.0 && units[*k].confidence >= SURE)
            .collect();
        by(&|unit| unit.pitch_hz, &|ranks, x| ranks.pitch = Some(x), &pitched);
    }

    fn units_of(&self, source: u32) -> impl Iterator<Item = &LibraryUnit> {
        self.sounds.units()[self.sources[source as usize].clone()].iter()
    }

    /// Numbers of a source's units.
    pub(crate) fn numbers(&self, source: u32) -> Range<usize> {
        self.sources[source as usize].clone()
    }

    /// Where a unit stands; `None` of a pause.
    pub(crate) fn ranks(&self, unit: usize) -> Option<&Ranks> {
        self.ranks[unit].as_ref()
    }

    /// The frame at which a source ends.
    pub(crate) fn end(&self, source: u32) -> i64 {
        self.units_of(source).last().map_or(0, |unit| unit.first + i64::from(unit.frames))
    }

    /// How much of a source there is to play with, in seconds, up to a limit.
    pub(crate) fn plenty(&self, source: u32) -> f64 {
        self.weight(
            self.units_of(source).filter(|unit| sounds(unit)).map(|unit| f64::from(unit.frames)).sum(),
        )
    }

    /// The unit that is on at a frame of a source.
    pub(crate) fn at(&self, source: u32, frame: i64) -> Option<usize> {
        let range = self.numbers(source);
        let units = &self.sounds.units()[range.clone()];
        let k = units.partition_point(|unit| unit.first <= frame).checked_sub(1)?;
        (frame < units[k].first + i64::from(units[k].frames)).then_some(range.start + k)
    }

    /// Mean squares of a stretch of a source, `frames` frames each, and the largest magnitude in it.
    pub(crate) fn powers(&self, source: u32, first: i64, frames: usize, count: usize) -> (Vec<f64>, f32) {
        let channels = self.sounds.channels().max(1) as usize;
        let (mut block, mut peak) = (vec![0.0; frames * channels], 0.0f32);
        let power = |k: usize| {
            self.sounds.read(source as usize, first + (k * frames) as i64, &mut block);
            peak = block.iter().fold(peak, |peak, x| peak.max(x.abs()));
            block.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / block.len().max(1) as f64
        };
        ((0..count).map(power).collect(), peak)
    }

    /// The frame of its source in which a unit's attack begins, to the sample.
    pub(crate) fn attack(&self, unit: usize) -> i64 {
        let unit = &self.sounds.units()[unit];
        let frames = |seconds: f64| (seconds * f64::from(self.sounds.rate().hz())) as i64;
        let channels = self.sounds.channels().max(1) as usize;
        let named = unit.first + i64::from(unit.attack);
        let from = named - frames(ATTACK.0);
        let mut around = vec![0.0f32; (frames(ATTACK.0) + frames(ATTACK.1)) as usize * channels];
        self.sounds.read(unit.source as usize, from, &mut around);
        let magnitude = |frame: &[f32]| frame.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let peak = magnitude(&around);
        let first =
            around.chunks_exact(channels).position(|frame| peak > 0.0 && magnitude(frame) >= REACHED * peak);
        first.map_or(named, |k| from + k as i64)
    }
}

fn sounds(unit: &LibraryUnit) -> bool {
    unit.loudness_db > PAUSE_DB && unit.frames > 0
}
