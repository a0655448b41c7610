//! Following what moves: controls for films that look unlike those that a brain knows.
//!
//! Networks learn how *their* film sounds; in another one they answer with what is least wrong on average, and often with the
//! opposite of what is seen. Where a film looks unfamiliar ([`Familiarity`]), its motion leads instead: the more moves, for this
//! film ([`FilmScale`]), the louder; where something begins to move, there is an attack; and the tone is the one that the brain's
//! own sound has at that loudness ([`SoundHabits`]). In films that look familiar, the same takes over as much as validation showed the
//! networks to know nothing ([`Trust`]). Trials with figures are in docs/experiments.md.

pub(crate) mod familiarity;
pub(crate) mod film_scale;
pub(crate) mod habits;
mod motion_level;
pub(crate) mod trust;

use crate::model::controls::{ControlScaler, OUTPUTS};
use crate::model::features::{GENERAL, thumbnail_of};
use crate::model::follow::familiarity::Familiarity;
use crate::model::follow::film_scale::{FilmScale, MotionTick};
use crate::model::follow::habits::SoundHabits;
use crate::model::follow::trust::Trust;
use std::collections::VecDeque;

/// Share of the controls that follow what moves in the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Follow {
    /// As much as the film looks unfamiliar, tick by tick.
    #[default]
    Auto,
    /// This share, 0 to 1: 0 is the brain alone.
    Share(f32),
}

/// The share of attacks that comes from motion where all of the loudness does: with more of it the attacks of the brain's own
/// sound lose their form.
const ONSET_SHARE: f32 = 0.5;
/// Share of the networks' certainty of silence that motion takes away.
const SOUNDING_SHARE: f32 = 0.5;
/// Networks that know nothing of a film contradict one another. What they say of the loudness is added to what moves, so many times
/// and by how far they agree: by the size of their mean beside the root of their mean square. So hands that leave the piano still
/// silence another piano.
const KEPT: f32 = 2.25;
/// Ticks over which that loudness is averaged.
const SAID_TICKS: f32 = 8.0;
/// Least deviation of the loudness that motion leads, in dB: sound that hardly changes would not be heard to follow.
const MIN_DEVIATION_DB: f32 = 4.0;
/// Ticks to either side within which familiar pictures count: ten seconds. Live, twice as many before.
const NEARBY: usize = 300;
/// Ticks that tell something, from which on they tell it for certain: two seconds.
const CERTAIN_TICKS: f32 = 60.0;
/// The film is familiar where this share of the pictures nearby is: a scene goes on in pictures that were not learned.
const FAMILIAR_SHARE: f32 = 0.25;

/// What a brain knows of its films besides its members.
#[derive(Clone, Copy)]
pub(crate) struct FollowedBrain<'a> {
    pub(crate) scaler: &'a ControlScaler,
    /// Numbers a tick of its visual features.
    pub(crate) width: usize,
    /// Descriptors of the units of its sound, `[units, 114]`; none where it carries no sound.
    pub(crate) descriptors: &'a [f32],
    /// Thumbnails of its pictures, `[n, 64]`; none in older files.
    pub(crate) landmarks: &'a [f32],
    /// Trust in its networks.
    pub(crate) trust: Trust,
}

/// Shares, 0 to 1, by which the controls of a tick follow what moves.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct FollowedShares {
    /// Share of the loudness.
    pub(crate) loudness: f32,
    /// Share of the onsets.
    pub(crate) onsets: f32,
}

/// What leads a stream of ticks besides its members.
pub(crate) struct Follower<'a> {
    follow: Follow,
    scaler: &'a ControlScaler,
    width: usize,
    trust: Trust,
    habits: SoundHabits,
    familiarity: Option<Familiarity>,
    scale: FilmScale,
    /// Familiarity of the ticks nearby, as far as they tell any, of which the first is `first`.
    nearby: VecDeque<Option<f32>>,
    first: usize,
    answered: usize,
    followed: f64,
    /// Loudness as the networks say it, averaged.
    said: f32,
    /// The mean square of what each says, averaged.
    said_square: f32,
    /// Strangeness of pictures of which nothing is known yet.
    unknown: f32,
}

impl<'a> Follower<'a> {
    /// `None` where nothing is to be followed, or a brain can't tell how much of it. `live`: nothing is known of what comes.
    pub(crate) fn new(known: FollowedBrain<'a>, follow: Follow, live: bool) -> Option<Self> {
        let familiarity = if follow == Follow::Auto {
            Some(Familiarity::of(known.landmarks, known.scaler.is_certain())?)
        } else {
            None
        };
        (follow != Follow::Share(0.0)).then(|| Self {
            follow,
            scaler: known.scaler,
            width: known.width,
            trust: known.trust,
            habits: SoundHabits::of(known.descriptors),
            familiarity,
            scale: FilmScale::new(live),
            nearby: VecDeque::new(),
            first: 0,
            answered: 0,
            followed: 0.0,
            said: 0.0,
            said_square: 0.0,
            unknown: if live && !known.scaler.is_certain() { 1.0 } else { 0.0 },
        })
    }

    /// Takes the visual features of the next ticks, rows of the usual width.
    pub(crate) fn push(&mut self, visual: &[f32]) {
        for row in visual.chunks_exact(self.width) {
            let general = &row[self.width - GENERAL..];
            self.scale.push(general);
            if let Some(familiarity) = &mut self.familiarity {
                self.nearby.push_back(familiarity.familiarity(thumbnail_of(general)));
            }
        }
    }

    /// After the last tick.
    pub(crate) fn finish(&mut self) {
        self.scale.finish();
    }

    /// Ticks whose motion is known by now, of those that were not led.
    pub(crate) fn ready(&self) -> usize {
        self.scale.ready()
    }

    /// Leads the controls of the next tick, of whose loudness members gave answers of a mean `square`; returns the shares by which it
    /// did.
    pub(crate) fn lead(&mut self, row: &mut [f32; OUTPUTS], square: f32) -> FollowedShares {
        self.said += (ControlScaler::scaled_loudness(row) - self.said) / SAID_TICKS;
        self.said_square += (square - self.said_square) / SAID_TICKS;
        let Some(motion) = self.scale.next() else { return FollowedShares::default() };
        let shares = self.shares();
        self.answered += 1;
        self.followed += f64::from(shares.loudness);
        if self.follow == Follow::Auto && self.trust.tone < 1.0 {
            self.habits.draw_tone(row, 1.0 - self.trust.tone);
        }
        if shares != FollowedShares::default() {
            self.blend(row, motion, shares);
        }
        shares
    }

    /// The shares of the next tick: all where the film looks unfamiliar, and elsewhere as much as the networks are not to be trusted.
    fn shares(&mut self) -> FollowedShares {
        let known = match self.follow {
            Follow::Share(share) => return FollowedShares { loudness: share, onsets: share },
            Follow::Auto => 1.0 - self.strangeness(),
        };
        FollowedShares {
            loudness: 1.0 - known * self.trust.loudness,
            onsets: 1.0 - known * self.trust.onsets,
        }
    }

    /// Strangeness of the pictures around the next tick, 0 to 1.
    fn strangeness(&mut self) -> f32 {
        let (before, after) = if self.scale.is_live() { (2 * NEARBY, 0) } else { (NEARBY, NEARBY) };
        let gone = self.answered.saturating_sub(before) - self.first;
        self.nearby.drain(..gone);
        self.first += gone;
        let near = self.nearby.iter().take(self.answered - self.first + after + 1).flatten();
        let (familiar, count) = near.fold((0.0, 0), |(sum, count), x| (sum + x, count + 1));
        // A few pictures say as little as none. What a camera sees is rarely a brain's own film.
        let certain = (count as f32 / CERTAIN_TICKS).min(1.0);
        let strange = (1.0 - familiar / count.max(1) as f32 / FAMILIAR_SHARE).max(0.0);
        certain * strange + (1.0 - certain) * self.unknown
    }

    fn blend(&mut self, row: &mut [f32; OUTPUTS], motion: MotionTick, shares: FollowedShares) {
        let before = ControlScaler::scaled_loudness(row);
        let agreement = (self.said.abs() / self.said_square.sqrt().max(f32::MIN_POSITIVE)).min(1.0);
        let widening = (MIN_DEVIATION_DB / self.scaler.loudness_deviation_db()).max(1.0);
        // Live, fewer networks answer, and they take more that is foreign for silence.
        let kept = if self.scale.is_live() { 0.0 } else { KEPT * self.trust.loudness };
        // What networks say under a camera that passes over a still scene, they say of the camera.
        let led = widening * motion.loudness + kept * motion.things * agreement * self.said;
        let loudness = before + shares.loudness * (led - before);
        self.habits.change_loudness(row, loudness - before);
        let sounding = SOUNDING_SHARE * shares.loudness;
        self.scaler.lead(row, (loudness, sounding), (motion.onset, ONSET_SHARE * shares.onsets));
    }

    /// Mean share of the ticks that were led.
    pub(crate) fn followed(&self) -> f64 {
        self.followed / self.answered.max(1) as f64
    }
}
