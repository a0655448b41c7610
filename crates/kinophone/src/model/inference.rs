//! Inference: pictures in, an ensemble's controls out, tick by tick.

use crate::model::ensemble::Ensemble;
use crate::model::features::VisualFeatures;
use crate::model::features::config::EMBEDDING;
use crate::model::features::stream::FeatureStream;
use crate::model::member_streams::MemberStreams;
use kinophone_dsp::units::MediaTime;

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
