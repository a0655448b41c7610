//! The choice of a unit for a grain or a hit.

use crate::texture::compose::request::GrainRequest;
use crate::texture::compose::{ShotSpan, TextureComposer};
use crate::texture::material::Ranks;

/// Cost of a unit that was played just now, in squared distance of ranks.
const REPEAT_COST: f32 = 1.0;
/// Cost that chance adds at most.
const CHANCE_COST: f32 = 0.25;

impl TextureComposer<'_> {
    /// The sound that is asked for in a frame.
    pub(crate) fn request(&self, frame: i64) -> GrainRequest {
        self.curves.request(self.mapping, self.micros(frame))
    }

    /// The best unit among a span's sources for something that begins at `frame`, and its cost; `more` adds to the cost of each.
    pub(crate) fn choose(
        &mut self,
        span: &ShotSpan,
        frame: i64,
        request: &GrainRequest,
        more: impl Fn(usize, &Ranks) -> f32,
    ) -> Option<(usize, f32)> {
        self.choices += 1;
        let grain = &self.mapping.grain;
        let repeat = self.frames(f64::from(grain.repeat_s));
        let mut best: Option<(usize, f32)> = None;
        for unit in span.sources.iter().flat_map(|source| self.material.numbers(*source)) {
            let Some(ranks) = self.material.ranks(unit) else { continue };
            let age = frame - self.last_played[unit];
            let again = if age < repeat { REPEAT_COST * (1.0 - age as f32 / repeat as f32) } else { 0.0 };
            let chance =
                if grain.chance > 0.0 { grain.chance * CHANCE_COST * self.draw(unit as u64) } else { 0.0 };
            let cost = request.cost(ranks) + again + chance + more(unit, ranks);
            if best.is_none_or(|(_, least)| cost < least) {
                best = Some((unit, cost));
            }
        }
        best
    }

    /// Marks the units of a stretch of a source as played at `frame`.
    pub(crate) fn mark_played(&mut self, source: u32, place: i64, frames: i64, frame: i64) {
        let units = self.material.sounds.units();
        for unit in self.material.numbers(source) {
            let first = units[unit].first;
            if first < place + frames && first + i64::from(units[unit].frames) > place {
                self.last_played[unit] = frame;
            }
        }
    }

    /// A random number from 0 to 1 for an item of the present choice.
    pub(crate) fn draw(&self, item: u64) -> f32 {
        chance(self.seed, self.choices, item)
    }
}

/// A random number from 0 to 1 that depends on these numbers alone: SplitMix64 (G. Steele, D. Lea and C. Flood, "Fast splittable
/// pseudorandom number generators", 2014).
pub(crate) fn chance(seed: u64, turn: u64, item: u64) -> f32 {
    let mut x = seed ^ turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ item.wrapping_mul(0xD1B5_4A32_D192_ED03);
    x = (x ^ x >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((x ^ x >> 31) >> 40) as f32 / (1u64 << 24) as f32
}
