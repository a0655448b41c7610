//! Inference: pictures in, an ensemble's controls out, tick by tick.

use crate::model::controls::{ControlScaler, OUTPUTS};
use crate::model::ensemble::Ensemble;
use crate::model::features::VisualFeatures;
use crate::model::features::config::EMBEDDING;
use crate::model::features::stream::FeatureStream;
use crate::model::member::{MemberConfig, MemberStream, Predictor};
use kinophone_dsp::units::MediaTime;
use std::collections::VecDeque;

/// Runs an ensemble over a succession of pictures: the mean of its members' answers, `[ticks, 69]`.
///
/// The members for films answer up to half a second late; those for live use at once. Pictures may come in batches; the
/// answers do not depend on it.
pub struct EnsembleStream<'a> {
    feature_stream: FeatureStream<'a>,
    member_streams: MemberStreams<'a>,
    features: &'a VisualFeatures,
    visual: Vec<f32>,
    /// Kept where they are asked for.
    embeddings: Option<Vec<f32>>,
}

impl<'a> EnsembleStream<'a> {
    /// Before the first picture (of `side` pixels); the first tick is number `first`. `live` chooses the members that know
    /// only the past. `batch` pictures are processed together.
    pub fn new(brain: &'a Ensemble, side: usize, colour: bool, first: i64, live: bool, batch: usize) -> Self {
        let config = brain.config();
        let members =
            config.members.iter().zip(&brain.members).filter(|(member, _)| member.usage.includes(live));
        Self {
            feature_stream: FeatureStream::new(&brain.features, side, colour, config.grid.tick, first, batch),
            member_streams: MemberStreams::new(members, brain.features.width(), brain.controls()),
            features: &brain.features,
            visual: Vec::new(),
            embeddings: None,
        }
    }

    /// Before the first picture: keeps embeddings of pictures for [`EnsembleStream::embeddings`].
    pub fn with_embeddings(mut self) -> Self {
        self.embeddings = Some(Vec::new());
        self
    }

    /// Embeddings of the next ticks' pictures (`VisualFeatures::embedding`), `[ticks, 48]`: of as many ticks as came since
    /// the last call, which may be ahead of the answers.
    pub fn embeddings(&mut self) -> impl Iterator<Item = f32> + '_ {
        self.embeddings.iter_mut().flat_map(|embeddings| embeddings.drain(..))
    }

    fn push(&mut self, rows: &mut Vec<f32>) {
        self.member_streams.push(&self.visual, rows);
        if let Some(embeddings) = &mut self.embeddings {
            let mut embedding = [0.0; EMBEDDING];
            for visual in self.visual.chunks_exact(self.features.width()) {
                self.features.embedding(visual, &mut embedding);
                embeddings.extend(embedding);
            }
        }
        self.visual.clear();
    }

    /// Ticks that were answered so far.
    pub fn ticks(&self) -> u64 {
        self.member_streams.answered
    }

    /// Takes a picture that is shown from `begin` until `end`, and adds the answers that there are by now to `rows`.
    pub fn show(&mut self, pixels: &[u8], begin: MediaTime, end: MediaTime, rows: &mut Vec<f32>) {
        self.feature_stream.show(pixels, begin, end, &mut self.visual);
        self.push(rows);
    }

    /// After the last picture: adds the rest, up to tick number `until`, exclusive.
    pub fn finish(&mut self, until: i64, rows: &mut Vec<f32>) {
        self.feature_stream.finish(until, &mut self.visual);
        self.push(rows);
        self.member_streams.finish(rows);
    }
}

/// A picture whose brightness deviates by less than this (1.5 of 255) shows nothing, and is silent …
const NOTHING: f32 = 0.006;
/// … and from here on (5 of 255) it shows something.
const SOMETHING: f32 = 0.02;

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
    received: u64,
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
        Self { width, scaler, silences: VecDeque::new(), members, received: 0, answered: 0 }
    }

    /// Takes the visual features of the next ticks, and adds the ticks that all members have answered to `rows`.
    pub(crate) fn push(&mut self, visual: &[f32], rows: &mut Vec<f32>) {
        if visual.is_empty() {
            return;
        }
        self.members.iter_mut().for_each(|member| member.push(visual, self.width));
        for visual in visual.chunks_exact(self.width) {
            self.silences.push_back(blankness(visual[self.width - 1]));
            self.received += 1;
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
        let ready = (ready as u64).min(self.received - self.answered);
        for _ in 0..ready {
            let mut row = [0.0; OUTPUTS];
            self.members.iter_mut().for_each(|member| member.add(&mut row));
            self.scaler.fade_to_silence(&mut row, self.silences.pop_front().unwrap_or(0.0));
            rows.extend(row);
        }
        self.answered += ready;
    }
}
