//! Inference: pictures in, an ensemble's controls out, tick by tick.

use crate::model::ensemble::Ensemble;
use crate::model::features::VisualFeatures;
use crate::model::features::config::EMBEDDING;
use crate::model::features::stream::FeatureStream;
use crate::model::follow::{Follow, FollowedBrain, FollowedShares, Follower};
use crate::model::member_streams::MemberStreams;
use kinophone_dsp::units::MediaTime;

/// The way an ensemble is run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct InferenceOptions {
    /// Chooses the members that know only the past.
    pub live: bool,
    /// Pictures that are processed together, at least one.
    pub batch: usize,
    /// Share of the controls that follow what moves.
    pub follow: Follow,
}

/// Runs an ensemble over a succession of pictures: the mean of its members' answers, `[ticks, 69]`.
///
/// The members for films answer up to half a second late, and what follows the motion of a film a minute late, since the film's
/// scale has to be known; those for live use at once. Pictures may come in batches; the
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
    /// Before the first picture (of `side` pixels); the first tick is number `first`.
    pub fn new(
        brain: &'a Ensemble,
        side: usize,
        colour: bool,
        first: i64,
        options: InferenceOptions,
    ) -> Self {
        let (config, InferenceOptions { live, batch, follow }) = (brain.config(), options);
        let members =
            config.members.iter().zip(&brain.members).filter(|(member, _)| member.usage.includes(live));
        let known = FollowedBrain {
            scaler: brain.controls(),
            width: brain.features.width(),
            descriptors: brain.training_audio().map_or(&[], |(_, units)| &units.descriptors),
            landmarks: brain.landmarks(),
            trust: config.trust,
        };
        let follower = Follower::new(known, follow, live);
        let stream = FeatureStream::new(&brain.features, side, colour, config.grid.tick, first, batch);
        Self {
            feature_stream: if follower.is_some() { stream.with_changes() } else { stream },
            member_streams: MemberStreams::new(members, brain.features.width(), brain.controls())
                .advanced(if live { 0 } else { config.lag })
                .led_by(follower),
            features: &brain.features,
            visual: Vec::new(),
            embeddings: None,
        }
    }

    /// Before the first picture: keeps embeddings of pictures for [`EnsembleStream::embeddings`], and what
    /// `EnsembleStream::shares` gives.
    pub fn with_embeddings(mut self) -> Self {
        self.embeddings = Some(Vec::new());
        self.with_shares()
    }

    /// Before the first picture: keeps what `EnsembleStream::shares` gives.
    pub fn with_shares(mut self) -> Self {
        self.member_streams.shares = Some(Vec::new());
        self
    }

    /// Shares, 0 to 1, by which the ticks that were answered since the last call follow what moves.
    pub(crate) fn shares(&mut self) -> impl Iterator<Item = FollowedShares> + '_ {
        self.member_streams.shares.iter_mut().flat_map(|shares| shares.drain(..))
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

    /// Mean share of the controls that followed what moves, 0 to 1, over all ticks that were answered so far; `None` where nothing was to be
    /// followed, or it is not known how much of it.
    pub fn followed(&self) -> Option<f64> {
        self.member_streams.follower().map(Follower::followed)
    }

    /// Ticks whose pictures came so far, most of which are answered.
    pub fn ticks(&self) -> u64 {
        self.member_streams.received
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
