//! The renderer that plays recorded sound: every tick of the film finds its unit in the sound that the brain learned from, or
//! in a library.

use crate::Result;
use crate::concat::{ConcatEngine, EngineOptions, Target, UnitDatabase};
use crate::model::{
    DESCRIPTOR, EMBEDDING, Ensemble, EnsembleStream, Follow, InferenceOptions, OUTPUTS, UNIT,
};
use crate::render::spectral::batch_of;
use crate::soundtrack::{MixStage, PlayedClips, RenderTrace, Renderer, ticks_until};
use kinophone_dsp::granular::GrainModulation;
use kinophone_dsp::units::MediaTime;
use std::collections::VecDeque;

/// The share from which on motion leads a tick's attacks, too.
const LED: f32 = 0.5;

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
    /// True if all attacks are shaped as they are predicted, and not only where motion leads.
    knows_attacks: bool,
    /// End of the last picture.
    shown: MediaTime,
    rows: Vec<f32>,
    /// Embeddings of the pictures of coming ticks.
    embeddings: VecDeque<f32>,
    /// Shares by which ticks follow what moves, where a trace is kept.
    shares: Option<Vec<f32>>,
}

impl<'a> MosaicRenderer<'a> {
    pub(crate) fn new(
        brain: &'a Ensemble,
        database: &'a UnitDatabase<'a>,
        options: EngineOptions<'_>,
        follow: Follow,
        knows_attacks: bool,
    ) -> Result<Self> {
        let (size, live) = (brain.config().size as usize, options.lookahead.is_live());
        let inference = InferenceOptions { live, batch: batch_of(live), follow };
        let shares = options.keep_jumps.then(Vec::new);
        Ok(Self {
            predictions: EnsembleStream::new(brain, size, brain.features().colour(), 0, inference)
                .with_embeddings(),
            engine: ConcatEngine::new(database, options)?,
            knows_attacks,
            shown: MediaTime::ZERO,
            rows: Vec::new(),
            embeddings: VecDeque::new(),
            shares,
            brain,
            database,
        })
    }

    /// Hands the predictions to the engine.
    fn request(&mut self) -> Result<()> {
        self.embeddings.extend(self.predictions.embeddings());
        for (row, led) in self.rows.chunks_exact(OUTPUTS).zip(self.predictions.shares()) {
            let target = target(self.brain, self.database, row, self.embeddings.drain(..EMBEDDING));
            // Where neither the brain knows when something begins nor the motion says so, attacks are left to the units.
            let rise = if self.knows_attacks || led.onsets >= LED { target.rise } else { f32::NAN };
            self.engine.push(Target { rise, ..target })?;
            if let Some(shares) = &mut self.shares {
                shares.push(led.loudness);
            }
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
    let (scaler, weight) = (brain.controls(), brain.config().picture);
    let frame = scaler.frame_among(row, database.scaler);
    let mut descriptor = [0.0; UNIT];
    descriptor[..DESCRIPTOR].copy_from_slice(&frame.descriptor);
    descriptor[DESCRIPTOR..].iter_mut().zip(embedding).for_each(|(w, p)| *w = weight * p);
    Target {
        descriptor: database.weighted(&descriptor),
        loudness_db: frame.loudness_db,
        silence: frame.silence,
        gate_loud_only: false,
        bands: frame.bands,
        rise: frame.rise,
        grains: GrainModulation::for_tick(frame.onset, frame.loudness_db - scaler.mean_loudness_db()),
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

    fn followed(&self) -> Option<f64> {
        self.predictions.followed()
    }

    fn latency(&self) -> f64 {
        self.engine.latency()
    }

    fn take_trace(&mut self) -> Option<RenderTrace> {
        let shares = self.shares.take()?;
        let tick = self.brain.config().grid.tick.as_f64();
        let jumps = self.engine.take_jumps();
        let jumps = jumps.map(|ticks| ticks.iter().map(|number| *number as f64 / tick).collect());
        let led = self.predictions.followed().is_some();
        Some(RenderTrace { shares: if led { shares } else { Vec::new() }, jumps })
    }

    fn take_played(&mut self) -> Option<PlayedClips> {
        Some(self.engine.take_played())
    }
}
