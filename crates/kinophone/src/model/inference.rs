//! An ensemble at work: pictures in, what it says out, tick by tick.

use crate::model::controls::{ControlScaler, OUTPUTS};
use crate::model::ensemble::Ensemble;
use crate::model::features::VisualFeatures;
use crate::model::features::config::PORTRAIT;
use crate::model::features::stream::FeatureStream;
use crate::model::member::{MemberConfig, MemberStream, Predictor};
use kinophone_dsp::units::MediaTime;
use std::collections::VecDeque;

/// Plays an ensemble to a succession of pictures: the mean of what its members say, `[ticks, 69]`.
///
/// The members for films answer up to half a second late; those for live use at once. Pictures may come in batches; what
/// is said does not depend on it.
pub struct EnsembleStream<'a> {
    gaze: FeatureStream<'a>,
    choir: MemberStreams<'a>,
    eye: &'a VisualFeatures,
    seen: Vec<f32>,
    /// Kept where they are asked for.
    portraits: Option<Vec<f32>>,
}

impl<'a> EnsembleStream<'a> {
    /// Before the first picture (of `side` pixels); the first tick is number `first`. `live` chooses the members that know
    /// only the past. `batch` pictures are looked at together.
    pub fn new(brain: &'a Ensemble, side: usize, colour: bool, first: i64, live: bool, batch: usize) -> Self {
        let config = brain.config();
        let members =
            config.members.iter().zip(&brain.members).filter(|(member, _)| member.plays.plays(live));
        Self {
            gaze: FeatureStream::new(&brain.eye, side, colour, config.grid.tick, first, batch),
            choir: MemberStreams::new(members, brain.eye.width(), brain.voice()),
            eye: &brain.eye,
            seen: Vec::new(),
            portraits: None,
        }
    }

    /// Before the first picture: keeps what pictures look like, for [`EnsembleStream::portraits`].
    pub fn with_portraits(mut self) -> Self {
        self.portraits = Some(Vec::new());
        self
    }

    /// What the pictures of the next ticks look like ([`VisualFeatures::portrait`]), `[ticks, 48]`: of as many ticks as were seen since
    /// this was last asked, which may be ahead of the answers.
    pub fn portraits(&mut self) -> impl Iterator<Item = f32> + '_ {
        self.portraits.iter_mut().flat_map(|portraits| portraits.drain(..))
    }

    fn hear(&mut self, rows: &mut Vec<f32>) {
        self.choir.hear(&self.seen, rows);
        if let Some(portraits) = &mut self.portraits {
            let mut portrait = [0.0; PORTRAIT];
            for seen in self.seen.chunks_exact(self.eye.width()) {
                self.eye.portrait(seen, &mut portrait);
                portraits.extend(portrait);
            }
        }
        self.seen.clear();
    }

    /// Ticks that were answered so far.
    pub fn ticks(&self) -> u64 {
        self.choir.said
    }

    /// Shows a picture from `begin` until `end`, and adds what is said by now to `rows`.
    pub fn show(&mut self, pixels: &[u8], begin: MediaTime, end: MediaTime, rows: &mut Vec<f32>) {
        self.gaze.show(pixels, begin, end, &mut self.seen);
        self.hear(rows);
    }

    /// After the last picture: adds the rest, up to tick number `until`, exclusive.
    pub fn finish(&mut self, until: i64, rows: &mut Vec<f32>) {
        self.gaze.finish(until, &mut self.seen);
        self.hear(rows);
        self.choir.finish(rows);
    }
}

/// A picture whose brightness deviates by less than this (1.5 of 255) shows nothing, and is silent …
const NOTHING: f32 = 0.006;
/// … and from here on (5 of 255) it shows something.
const SOMETHING: f32 = 0.02;

/// How little a picture of some contrast shows, 0 to 1: where it is 1, there is silence by rule.
pub(crate) fn blankness(contrast: f32) -> f32 {
    ((SOMETHING - contrast) / (SOMETHING - NOTHING)).clamp(0.0, 1.0)
}

/// Members that answer together.
///
/// Where a picture shows nothing, be it black, white or between, the answer is silence whatever they say. This is a rule and
/// not an example to learn from, since networks that are shown blank pictures with silence learn that whatever looks
/// unlike their film is silent, and keep quiet in other films (see docs/experiments.md).
pub(crate) struct MemberStreams<'a> {
    width: usize,
    voice: &'a ControlScaler,
    /// How silent the ticks are that wait for answers, 0..1.
    silent: VecDeque<f32>,
    members: Vec<MemberStream<'a>>,
    asked: u64,
    said: u64,
}

impl<'a> MemberStreams<'a> {
    /// Of members that see rows of `width` numbers.
    pub(crate) fn new(
        members: impl Iterator<Item = (&'a MemberConfig, &'a Predictor)>,
        width: usize,
        voice: &'a ControlScaler,
    ) -> Self {
        let (configs, minds): (Vec<_>, Vec<_>) = members.unzip();
        let shares = MemberConfig::shares(&configs);
        let parts = configs.into_iter().zip(minds).zip(shares);
        let members = parts.map(|((config, mind), share)| MemberStream::new(config, mind, share)).collect();
        Self { width, voice, silent: VecDeque::new(), members, asked: 0, said: 0 }
    }

    /// Takes what the eye saw in the next ticks, and adds what all members have answered to `rows`.
    pub(crate) fn hear(&mut self, seen: &[f32], rows: &mut Vec<f32>) {
        if seen.is_empty() {
            return;
        }
        self.members.iter_mut().for_each(|member| member.hear(seen, self.width));
        for seen in seen.chunks_exact(self.width) {
            self.silent.push_back(blankness(seen[self.width - 1]));
            self.asked += 1;
        }
        self.answer(rows);
    }

    /// After the last tick.
    pub(crate) fn finish(&mut self, rows: &mut Vec<f32>) {
        self.members.iter_mut().for_each(MemberStream::finish);
        self.answer(rows);
    }

    fn answer(&mut self, rows: &mut Vec<f32>) {
        let ready = self.members.iter().map(MemberStream::answered).min().unwrap_or(0);
        let ready = (ready as u64).min(self.asked - self.said);
        for _ in 0..ready {
            let mut row = [0.0; OUTPUTS];
            self.members.iter_mut().for_each(|member| member.add(&mut row));
            self.voice.hush(&mut row, self.silent.pop_front().unwrap_or(0.0));
            rows.extend(row);
        }
        self.said += ready;
    }
}
