//! Members that answer together, what leads them in unfamiliar films, and the rule of silence.

use crate::model::controls::{ControlScaler, OUTPUTS};
use crate::model::follow::{FollowedShares, Follower};
use crate::model::member::{MemberConfig, MemberStream, Predictor};
use std::collections::VecDeque;

/// A picture whose brightness deviates by less than this (1.5 of 255) shows nothing, and is silent …
pub(crate) const NOTHING: f32 = 0.006;

/// … and from here on (5 of 255) it shows something.
pub(crate) const SOMETHING: f32 = 0.02;

/// Blankness of a picture of some contrast, 0 to 1: where it is 1, there is silence by rule.
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
    scaler: &'a ControlScaler,
    /// Share of silence, 0..1, of the ticks that wait for answers.
    silences: VecDeque<f32>,
    members: Vec<MemberStream<'a>>,
    follower: Option<Follower<'a>>,
    /// The shares of each answered tick that were led, where somebody asks.
    pub(crate) shares: Option<Vec<FollowedShares>>,
    pub(crate) received: u64,
    answered: u64,
}

impl<'a> MemberStreams<'a> {
    /// Streams of members that are given rows of `width` numbers.
    pub(crate) fn new(
        members: impl Iterator<Item = (&'a MemberConfig, &'a Predictor)>,
        width: usize,
        scaler: &'a ControlScaler,
    ) -> Self {
        let (configs, predictors): (Vec<_>, Vec<_>) = members.unzip();
        let shares = MemberConfig::shares(&configs);
        let parts = configs.into_iter().zip(predictors).zip(shares);
        let members =
            parts.map(|((config, predictor), share)| MemberStream::new(config, predictor, share)).collect();
        Self {
            width,
            scaler,
            silences: VecDeque::new(),
            members,
            follower: None,
            shares: None,
            received: 0,
            answered: 0,
        }
    }

    /// Before the first tick: gives the members' answers so many ticks earlier, or later where that is below 0.
    pub(crate) fn advanced(mut self, ticks: i32) -> Self {
        self.members = self.members.into_iter().map(|member| member.advanced(ticks)).collect();
        self
    }

    /// Before the first tick: lets a follower lead.
    pub(crate) fn led_by(mut self, follower: Option<Follower<'a>>) -> Self {
        self.follower = follower;
        self
    }

    /// The follower.
    pub(crate) fn follower(&self) -> Option<&Follower<'a>> {
        self.follower.as_ref()
    }

    /// Takes the visual features of the next ticks, and adds the ticks that all members have answered to `rows`.
    pub(crate) fn push(&mut self, visual: &[f32], rows: &mut Vec<f32>) {
        if visual.is_empty() {
            return;
        }
        self.members.iter_mut().for_each(|member| member.push(visual, self.width));
        self.follower.iter_mut().for_each(|follower| follower.push(visual));
        for visual in visual.chunks_exact(self.width) {
            self.silences.push_back(blankness(visual[self.width - 1]));
            self.received += 1;
        }
        self.answer(rows);
    }

    /// After the last tick.
    pub(crate) fn finish(&mut self, rows: &mut Vec<f32>) {
        self.members.iter_mut().for_each(MemberStream::finish);
        self.follower.iter_mut().for_each(Follower::finish);
        self.answer(rows);
    }

    fn answer(&mut self, rows: &mut Vec<f32>) {
        let ready = self.members.iter().map(MemberStream::answered).min().unwrap_or(0);
        let ready = self.follower.iter().map(Follower::ready).fold(ready, usize::min);
        let ready = (ready as u64).min(self.received - self.answered);
        for _ in 0..ready {
            let mut row = [0.0; OUTPUTS];
            let square = self.members.iter().map(MemberStream::squared_loudness).sum();
            self.members.iter_mut().for_each(|member| member.add(&mut row));
            let led = self.follower.as_mut().map(|follower| follower.lead(&mut row, square));
            let led = led.unwrap_or_default();
            self.shares.iter_mut().for_each(|shares| shares.push(led));
            self.scaler.fade_to_silence(&mut row, self.silences.pop_front().unwrap_or(0.0));
            rows.extend(row);
        }
        self.answered += ready;
    }
}
