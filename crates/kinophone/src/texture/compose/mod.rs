//! Composition of a texture: grains in the density that the mapping asks for, and a hit for every onset.

mod clip;
mod envelope;
mod grain;
mod hit;
mod request;
mod unit_choice;

pub(crate) use clip::{ClipCause, ComposedClip, Hit, ShotSpan};
pub(crate) use unit_choice::chance;

use crate::texture::compose::clip::ComposedGrain;
use crate::texture::compose::request::DrivenCurves;
use crate::texture::mapping::Mapping;
use crate::texture::material::TextureMaterial;
use crate::visual::FrameState;
use std::collections::VecDeque;

/// Seconds that a hit begins to fade in before its attack.
const HIT_LEAD_SECONDS: f64 = 0.003;
/// No sound is made louder than by this, in dB.
const MAX_GAIN_DB: f32 = 30.0;

/// Decides on clips, shot after shot, step after step. Clips come out in the order in which they begin.
pub(crate) struct TextureComposer<'a> {
    material: &'a TextureMaterial<'a>,
    mapping: &'a Mapping,
    curves: DrivenCurves,
    hz: i64,
    seed: u64,
    /// The frame in which each unit was played last.
    last_played: Vec<i64>,
    grains: VecDeque<ComposedGrain>,
    /// Grains that left, while others that overlap them are here.
    past: VecDeque<ComposedGrain>,
    /// The share of the next grain that is due, and the share from which on it begins.
    due: (f64, f64),
    /// Choices so far.
    choices: u64,
    now: i64,
    /// Frames of the soundtrack.
    length: i64,
}

impl<'a> TextureComposer<'a> {
    pub(crate) fn new(
        material: &'a TextureMaterial<'a>,
        mapping: &'a Mapping,
        frames: &FrameState,
        length: i64,
        seed: u64,
    ) -> Self {
        Self {
            curves: DrivenCurves::new(mapping, frames),
            hz: i64::from(material.sounds.rate().hz()),
            last_played: vec![i64::MIN / 2; material.sounds.units().len()],
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

    /// Decides on what begins from here to frame `until`, which lies within `span`. `hits` are those of this time.
    pub(crate) fn step(&mut self, span: &ShotSpan, until: i64, hits: &[Hit]) {
        for hit in hits {
            self.add_hit(span, *hit);
        }
        let anew = self.mapping.cuts.change && self.now == span.begin;
        if let Some(density) = self.density(self.now).filter(|density| *density > 0.0) {
            if anew {
                self.due = (1.0, 1.0);
            }
            self.add_grains(span, density, until);
        }
        self.now = until;
        self.complete(until);
    }

    /// Completes all grains after the last step.
    pub(crate) fn finish(&mut self) {
        self.complete(i64::MAX);
    }

    /// The next clip that is decided, with all that begin before it.
    pub(crate) fn take(&mut self) -> Option<ComposedClip> {
        let composed = self.grains.front_mut()?.composed.take()?;
        self.past.extend(self.grains.pop_front());
        Some(composed)
    }

    /// The frame before which nothing more will begin.
    pub(crate) fn known(&self) -> i64 {
        let before = self.frames(HIT_LEAD_SECONDS);
        self.grains.front().map_or(self.now - before, |grain| grain.start.min(self.now - before))
    }

    /// The frame by which everything that begins in a span has ended.
    fn last(&self, span: &ShotSpan) -> i64 {
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

    /// Grains a second.
    fn density(&self, frame: i64) -> Option<f64> {
        self.curves.density(self.mapping, self.micros(frame)).map(f64::from)
    }

    fn loudness_db(&self, frame: i64) -> f32 {
        self.mapping.loudness.at(self.curves.loudness(self.micros(frame)))
    }

    /// Inserts a grain by its beginning.
    fn insert(&mut self, grain: ComposedGrain) {
        let place = self.grains.partition_point(|other| other.start <= grain.start);
        self.grains.insert(place, grain);
    }

    /// Makes clips of the grains that end before `until`, and forgets those that none of the others overlaps.
    fn complete(&mut self, until: i64) {
        for k in 0..self.grains.len() {
            if self.grains[k].composed.is_none() && self.grains[k].end <= until {
                let composed = self.clip_of(&self.grains[k]);
                self.grains[k].composed = Some(composed);
            }
        }
        let first = self.grains.front().map_or(until, |grain| grain.start);
        self.past.retain(|grain| grain.end > first);
    }
}
