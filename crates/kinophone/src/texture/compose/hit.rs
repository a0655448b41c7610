//! Hits: attacks of recordings on the sample of their event.

use crate::sound_library::LibraryUnit;
use crate::texture::compose::clip::ComposedGrain;
use crate::texture::compose::{
    ClipCause, ComposedClip, HIT_LEAD_SECONDS, Hit, MAX_GAIN_DB, ShotSpan, TextureComposer,
};
use crate::texture::mapping::OnsetMapping;
use crate::texture::material::Ranks;
use kinophone_dsp::concat::Clip;
use kinophone_dsp::loudness::amplitude;

/// Seconds that a hit ends before the next attack of its recording.
const TAIL_SECONDS: f64 = 0.01;
/// Seconds after an attack in which another one belongs to it.
const ONE_ATTACK_SECONDS: f64 = 0.05;
/// The longest fade out, in seconds.
const MAX_RELEASE_SECONDS: f64 = 0.15;
/// Decay of a hit until its end, in dB.
const DECAY_DB: f32 = 36.0;
/// Seconds over which a hit's loudness is measured, and for which it is held.
const HELD_SECONDS: f64 = 0.1;
/// Seconds over which a hit's peak is searched at once.
const PEAK_BLOCK_SECONDS: f64 = 0.02;
/// The highest peak of a hit: room for what sounds beside it.
const MAX_PEAK: f32 = 0.8;
/// Points of a decay; between them are straight lines.
const DECAY_POINTS: i64 = 8;

/// An attack of a recording, ready to be played.
struct Strike {
    unit: usize,
    /// Frame of the source in which the attack begins.
    attack: i64,
    /// Frames of the source until it ends, or something else begins in it.
    clear: i64,
    speed: f64,
    pan: f32,
}

impl TextureComposer<'_> {
    /// Adds the attack of the best unit.
    pub(crate) fn add_hit(&mut self, span: &ShotSpan, hit: Hit) {
        let mapping = self.mapping;
        let Some(section) = &mapping.onsets else { return };
        let request = self.request(hit.at);
        let attacked = |_: usize, ranks: &Ranks| (1.0 - ranks.onset).powi(2);
        let Some((unit, _)) = self.choose(span, hit.at, &request, attacked) else { return };
        let (speed, pan) = (request.speed, request.pan);
        let attack = self.material.attack(unit);
        let strike = Strike { unit, attack, clear: self.clear_frames(unit, attack), speed, pan };
        let Some(composed) = self.strike(span, hit, &strike, section) else { return };
        let last = composed.clip.envelope.last().map_or(0, |(t, _)| i64::from(*t));
        let source = self.material.sounds.units()[unit].source;
        self.insert(ComposedGrain {
            unit: unit as u32,
            source,
            place: attack,
            start: hit.at - self.frames(HIT_LEAD_SECONDS),
            end: hit.at + last,
            attack: 1,
            release: 1,
            speed,
            pan,
            composed: Some(composed),
            hit: true,
        });
        self.mark_played(source, attack, (last as f64 * speed) as i64, hit.at);
    }

    /// Frames from an attack until the recording ends, or something else begins in it.
    fn clear_frames(&self, unit: usize, attack: i64) -> i64 {
        let (units, material) = (self.material.sounds.units(), self.material);
        let LibraryUnit { source, onset, .. } = units[unit];
        let clear = attack + self.frames(ONE_ATTACK_SECONDS);
        let next = material.numbers(source).filter(|k| *k > unit).find(|k| {
            let place = units[*k].first + i64::from(units[*k].attack);
            place > clear && units[*k].onset >= 0.5 * onset && units[*k].onset > 0.0
        });
        let next = next.map(|k| material.attack(k) - self.frames(TAIL_SECONDS));
        next.unwrap_or(material.end(source)).min(material.end(source)) - attack
    }

    /// The clip of a hit; `None` if nothing sounds there.
    fn strike(
        &self,
        span: &ShotSpan,
        hit: Hit,
        strike: &Strike,
        section: &OnsetMapping,
    ) -> Option<ComposedClip> {
        let &Strike { unit, attack, speed, pan, .. } = strike;
        let (length, release) = self.extent_of_hit(span, hit, strike, section);
        if length < 2 {
            return None;
        }
        let (level_db, peak) = self.level_of_hit(strike, length)?;
        let gain_db = (section.level_db(hit.strength) - level_db).min(MAX_GAIN_DB);
        let gain = (amplitude(f64::from(gain_db)) as f32).min(MAX_PEAK / peak);
        let clip = Clip {
            at: hit.at,
            frames: length,
            ticks: 0..0,
            unit: unit as u32,
            offset: attack - self.material.sounds.units()[unit].first,
            speed,
            pan,
            envelope: self.envelope_of_hit(gain, (length, release), self.millis(section.size_ms)),
        };
        Some(ComposedClip { clip, loudness_db: level_db, cause: ClipCause::Onset })
    }

    /// Frames of a hit, and of its fade out.
    fn extent_of_hit(
        &self,
        span: &ShotSpan,
        hit: Hit,
        strike: &Strike,
        section: &OnsetMapping,
    ) -> (i64, i64) {
        let length = self.millis(section.size_ms).min((strike.clear as f64 / strike.speed) as i64);
        let last = self.last(span);
        if hit.at + length > last {
            let length = last - hit.at;
            return (length, self.millis(self.mapping.cuts.fade_ms).min(length));
        }
        (length, (length / 4).clamp(1, self.frames(MAX_RELEASE_SECONDS)))
    }

    /// The level of the recording over the first tenth of a second, in dB, and its peak; `None` in silence.
    fn level_of_hit(&self, strike: &Strike, length: i64) -> Option<(f32, f32)> {
        let &Strike { unit, attack, clear, speed, .. } = strike;
        let source = self.material.sounds.units()[unit].source;
        let held = self.frames(HELD_SECONDS).min(length);
        let (powers, _) = self.material.powers(source, attack, (held as f64 * speed) as usize, 1);
        let block = self.frames(PEAK_BLOCK_SECONDS).max(1);
        let blocks = ((clear as f64 / speed) as i64).min(length) / block + 1;
        let (_, peak) = self.material.powers(source, attack, block as usize, blocks as usize);
        let level_db = 10.0 * powers[0].max(1e-12).log10() as f32;
        (peak > 0.0).then_some((level_db, peak))
    }

    /// The envelope of a hit. What was struck decays, whatever the recording does: straight in dB, over `size` frames.
    fn envelope_of_hit(&self, gain: f32, (length, release): (i64, i64), size: i64) -> Vec<(i32, f32)> {
        let held = self.frames(HELD_SECONDS).min(length);
        let held = held.min(length - release).max(0);
        let mut envelope = vec![(-(self.frames(HIT_LEAD_SECONDS) as i32), 0.0), (-1, gain)];
        let whole = (size - held).max(1) as f32;
        for k in 0..=DECAY_POINTS {
            let t = (length - release - held).max(0) * k / DECAY_POINTS;
            let fallen = amplitude(f64::from(-DECAY_DB * t as f32 / whole)) as f32;
            envelope.push(((held + t) as i32, gain * fallen));
        }
        envelope.push((length as i32, 0.0));
        envelope.dedup_by_key(|(t, _)| *t);
        envelope
    }
}
