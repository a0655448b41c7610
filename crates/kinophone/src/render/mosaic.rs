//! The renderer that plays recorded sound: every tick of the film finds its unit in the sound that the brain learned from, or
//! in a library.

use crate::Result;
use crate::concat::{ConcatEngine, EngineOptions, Target, UnitDatabase};
use crate::model::{DESCRIPTOR, Ensemble, EnsembleStream, OUTPUTS, PORTRAIT, UNIT};
use crate::render::spectral::batch_of;
use crate::soundtrack::{MixStage, PlayedClips, Renderer, ticks_until};
use kinophone_dsp::granular::GrainModulation;
use kinophone_dsp::metrics::BANDS;
use kinophone_dsp::units::MediaTime;
use std::collections::VecDeque;

/// Plays recorded sound to a succession of pictures.
///
/// The prediction for a tick is kept until its unit in the best path through the database is decided, usually a few seconds
/// later; then it is played. Live, each tick is decided when a few further ones are known
/// ([`Lookahead`](crate::concat::Lookahead)).
pub(crate) struct MosaicRenderer<'a> {
    brain: &'a Ensemble,
    database: &'a UnitDatabase<'a>,
    predictions: EnsembleStream<'a>,
    engine: ConcatEngine<'a>,
    /// End of the last picture.
    shown: MediaTime,
    rows: Vec<f32>,
    /// Embeddings of the pictures of coming ticks.
    embeddings: VecDeque<f32>,
}

impl<'a> MosaicRenderer<'a> {
    pub(crate) fn new(
        brain: &'a Ensemble,
        database: &'a UnitDatabase<'a>,
        options: EngineOptions<'_>,
    ) -> Result<Self> {
        let (size, live) = (brain.config().size as usize, options.lookahead.is_live());
        let batch = batch_of(live);
        Ok(Self {
            predictions: EnsembleStream::new(brain, size, brain.eye().colour(), 0, live, batch)
                .with_portraits(),
            engine: ConcatEngine::new(database, options)?,
            shown: MediaTime::ZERO,
            rows: Vec::new(),
            embeddings: VecDeque::new(),
            brain,
            database,
        })
    }

    /// Hands the predictions to the engine.
    fn request(&mut self) -> Result<()> {
        self.embeddings.extend(self.predictions.portraits());
        for row in self.rows.chunks_exact(OUTPUTS) {
            let target = target(self.brain, self.database, row, self.embeddings.drain(..PORTRAIT));
            self.engine.push(target)?;
        }
        self.rows.clear();
        Ok(())
    }
}

/// The target of a tick, of its prediction and the embedding of its picture.
fn target(
    brain: &Ensemble,
    database: &UnitDatabase<'_>,
    row: &[f32],
    embedding: impl Iterator<Item = f32>,
) -> Target {
    let (own, theirs, weight) = (brain.voice(), database.scaler, brain.config().picture);
    let (mut sounding, mut descriptor, mut bands) = ([0.0; OUTPUTS], [0.0; UNIT], [0.0; BANDS]);
    own.sounding(row, &mut sounding);
    own.wanted(&sounding, &mut descriptor[..DESCRIPTOR]);
    descriptor[DESCRIPTOR..].iter_mut().zip(embedding).for_each(|(w, p)| *w = weight * p);
    let loudness_db = own.loudness_db(&sounding);
    theirs.bands(&sounding, &mut bands);
    // At the level of the prediction, not the one that is usual among other sounds.
    let level = (loudness_db - theirs.loudness_db(&sounding)) / 10.0;
    bands.iter_mut().for_each(|power| *power += level);
    let onset = own.onset(&sounding);
    Target {
        descriptor: database.weighted(&descriptor),
        loudness_db,
        silence: own.silence(row),
        gate_loud_only: false,
        bands,
        rise: own.rise(onset),
        grains: GrainModulation::said(onset, loudness_db - own.usual_loudness_db()),
        // A brain predicts nothing finer than a tick, and no pitches.
        attack: None,
        hz: None,
    }
}

impl Renderer for MosaicRenderer<'_> {
    fn push(&mut self, picture: &[u8], until: MediaTime, out: &mut MixStage<'_>) -> Result<()> {
        self.predictions.show(picture, self.shown, until, &mut self.rows);
        self.shown = until;
        self.request()?;
        self.engine.deliver(out)
    }

    fn finish(&mut self, length: MediaTime, out: &mut MixStage<'_>) -> Result<()> {
        let ticks = ticks_until(self.brain.config().grid.tick, length);
        self.predictions.finish(ticks, &mut self.rows);
        self.request()?;
        self.engine.finish(length, out)
    }

    fn ticks(&self) -> u64 {
        self.predictions.ticks()
    }

    fn latency(&self) -> f64 {
        self.engine.latency()
    }

    fn take_played(&mut self) -> Option<PlayedClips> {
        Some(self.engine.take_played())
    }
}
