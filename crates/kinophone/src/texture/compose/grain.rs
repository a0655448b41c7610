//! Grains: those that begin, and those that go on.

use crate::sound_library::LibraryUnit;
use crate::texture::compose::clip::ComposedGrain;
use crate::texture::compose::request::GrainRequest;
use crate::texture::compose::{ShotSpan, TextureComposer};

/// The shortest grain, in seconds.
const MIN_GRAIN_SECONDS: f64 = 0.03;

/// The longest grain, however willingly it goes on, in seconds.
const MAX_GRAIN_SECONDS: f64 = 12.0;

/// Grains at the same time at most.
const MAX_GRAINS: usize = 64;

/// Cost of a unit that is too short, in squared distance of ranks.
const SHORT_COST: f32 = 0.3;
/// Cost of a strong attack in a grain.
const ATTACK_COST: f32 = 0.15;
/// Cost of a grain that goes on beyond that of the best one that could begin, at most.
const GO_ON_COST: f32 = 0.4;
/// Seconds into a grain at which its request is taken, at most.
const MAX_REQUEST_SECONDS: f64 = 0.3;

impl TextureComposer<'_> {
    /// Adds the grains that are due from here to frame `until`.
    pub(crate) fn add_grains(&mut self, span: &ShotSpan, density: f64, until: i64) {
        let (from, frames) = (self.now, until - self.now);
        let mut due = self.due.0;
        let each = density * frames as f64 / self.hz as f64;
        let mut at = 0.0;
        while due + (1.0 - at) * each >= self.due.1 {
            at += ((self.due.1 - due) / each).max(0.0);
            self.add_grain(span, from + ((at * frames as f64) as i64).min(frames - 1));
            // Grains on a grid would hum.
            self.due.1 = 0.6 + 0.8 * f64::from(self.draw(u64::MAX));
            due = 0.0;
        }
        self.due.0 = due + (1.0 - at) * each;
    }

    /// Begins a grain at `frame`, or lets one go on.
    fn add_grain(&mut self, span: &ShotSpan, frame: i64) {
        let section = &self.mapping.grain;
        let size = self.millis(section.size_ms);
        let request = self.request(frame + (size / 2).min(self.frames(MAX_REQUEST_SECONDS)));
        let (material, units) = (self.material, self.material.sounds.units());
        let left = |unit: usize| material.end(units[unit].source) - units[unit].first;
        let found = self.choose(span, frame, &request, |unit, ranks| {
            let share = (left(unit) as f64 / request.speed) as f32 / size as f32;
            ATTACK_COST * ranks.onset.powi(2) + SHORT_COST * (1.0 - share).max(0.0)
        });
        let Some((unit, cost)) = found else { return };
        let most = cost + GO_ON_COST * section.follow;
        if section.follow > 0.0 && self.go_on(span, frame, (size, most), &request) {
            return;
        }
        let frames = size.min((left(unit) as f64 / request.speed) as i64);
        if self.grains.len() < MAX_GRAINS
            && let Some(grain) = self.new_grain(span, unit, (frame, frames), &request)
        {
            self.insert(grain);
            let source = units[unit].source;
            self.mark_played(source, units[unit].first, (size as f64 * request.speed) as i64, frame);
        }
    }

    /// A grain of `frames` frames from `frame` on, cut off where its span ends; `None` if that leaves too little.
    fn new_grain(
        &self,
        span: &ShotSpan,
        unit: usize,
        (frame, frames): (i64, i64),
        request: &GrainRequest,
    ) -> Option<ComposedGrain> {
        let section = &self.mapping.grain;
        let (change, fade) = (self.mapping.cuts.change, self.millis(self.mapping.cuts.fade_ms));
        let (end, last) = (frame + frames, self.last(span));
        let cut = end > last;
        let end = end.min(last);
        if end - frame < self.frames(MIN_GRAIN_SECONDS) {
            return None;
        }
        let (attack, release) = (self.millis(section.attack_ms), self.millis(section.release_ms));
        let (attack, release) = proportioned(attack, release, end - frame);
        let LibraryUnit { source, first, .. } = self.material.sounds.units()[unit];
        Some(ComposedGrain {
            unit: unit as u32,
            source,
            place: first,
            start: frame,
            end,
            attack: if change && frame == span.begin { fade.min(attack) } else { attack },
            release: if cut { fade.min(release) } else { release },
            speed: request.speed,
            pan: request.pan,
            composed: None,
            hit: false,
        })
    }

    /// Lets the grain that ends next go on for `size` frames, if its continuation costs no more than `most`.
    fn go_on(
        &mut self,
        span: &ShotSpan,
        frame: i64,
        (size, most): (i64, f32),
        request: &GrainRequest,
    ) -> bool {
        let material = self.material;
        let last = self.last(span);
        let (longest, fade) = (self.frames(MAX_GRAIN_SECONDS), self.millis(self.mapping.cuts.fade_ms));
        let release = self.millis(self.mapping.grain.release_ms);
        let open = |grain: &&mut ComposedGrain| {
            !grain.hit && grain.composed.is_none() && grain.end > frame && 3 * (frame - grain.start) >= size
        };
        let Some(grain) = self.grains.iter_mut().filter(open).min_by_key(|grain| grain.end) else {
            return false;
        };
        if !span.sources.contains(&grain.source) || grain.speed != request.speed {
            return false;
        }
        let place = grain.place + ((frame - grain.start) as f64 * grain.speed) as i64;
        let there = ((material.end(grain.source) - grain.place) as f64 / grain.speed) as i64;
        let end = (frame + size).min(grain.start + there).min(grain.start + longest);
        let cut = end > last;
        let end = end.min(last);
        let ranks = material.at(grain.source, place).and_then(|unit| material.ranks(unit));
        let cost = ranks.map(|ranks| request.cost(ranks));
        if end - grain.end < size / 8 || cost.is_none_or(|cost| cost > most) {
            return false;
        }
        grain.end = end;
        grain.release = if cut { fade } else { release.min(grain.length() / 2) };
        let (source, frames) = (grain.source, (size as f64 * grain.speed) as i64);
        self.mark_played(source, place, frames, frame);
        true
    }
}

/// Fades that fit a length.
fn proportioned(attack: i64, release: i64, length: i64) -> (i64, i64) {
    let whole = attack + release;
    if whole <= length { (attack, release) } else { (attack * length / whole, release * length / whole) }
}
