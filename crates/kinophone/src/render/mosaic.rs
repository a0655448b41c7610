//! Pictures in, sound out, by way of recorded sound: the film's ticks find theirs in what the brain learned from, or in a library.

use crate::Result;
use crate::concat::{ConcatEngine, Lookahead, Target, UnitDatabase, UnitRendering};
use crate::model::{DESCRIPTOR, EMBEDDING, Ensemble, EnsembleStream, OUTPUTS, UNIT};
use crate::render::plan::RenderPlan;
use crate::soundtrack::{MixStage, PlayedClips, Renderer};
use kinophone_dsp::concat::MosaicConfig;
use kinophone_dsp::granular::GrainModulation;
use kinophone_dsp::units::MediaTime;
use std::collections::VecDeque;

/// Pictures that are looked at together where nobody waits.
const BATCH: usize = 32;

/// Plays recorded sound to a succession of pictures.
///
/// What the brain says of a tick is kept until its unit in the best way through the material is decided, usually a few seconds
/// later; then it is played. Live, each tick is chosen when a few further ones are known ([`RenderPlan::delay`]).
pub(crate) struct MosaicRenderer<'a> {
    brain: &'a Ensemble,
    stock: &'a UnitDatabase<'a>,
    player: EnsembleStream<'a>,
    weaver: ConcatEngine<'a>,
    /// End of the last picture.
    shown: MediaTime,
    rows: Vec<f32>,
    /// What the pictures of coming ticks look like.
    portraits: VecDeque<f32>,
}

impl<'a> MosaicRenderer<'a> {
    /// The chosen ticks are joined and filtered, or taken apart into grains; each shot with one recording alone where it is known with
    /// which ticks shots begin.
    pub(crate) fn new(
        brain: &'a Ensemble,
        stock: &'a UnitDatabase<'a>,
        plan: &RenderPlan,
        config: &MosaicConfig,
        then: &UnitRendering<'_>,
        cuts: Option<Vec<u64>>,
    ) -> Self {
        let when = if plan.live { Lookahead::After(plan.delay) } else { Lookahead::Exactly };
        let usual_db = brain.controls().usual_loudness_db();
        let keep = !plan.output.scores.is_empty();
        let size = brain.config().size as usize;
        let batch = if plan.live { 1 } else { BATCH };
        Self {
            player: EnsembleStream::new(brain, size, brain.features().colour(), 0, plan.live, batch)
                .with_embeddings(),
            weaver: ConcatEngine::new(stock, config, then, when, usual_db, plan.choice.layers, keep)
                .by_shot(cuts),
            shown: MediaTime::ZERO,
            rows: Vec::new(),
            portraits: VecDeque::new(),
            brain,
            stock,
        }
    }

    /// Has what the brain said played.
    fn weave(&mut self) {
        let (scaler, weight) = (self.brain.controls(), self.brain.config().picture);
        self.portraits.extend(self.player.embeddings());
        let mut target = [0.0; UNIT];
        for row in self.rows.chunks_exact(OUTPUTS) {
            let frame = scaler.frame_among(row, self.stock.voice);
            target[..DESCRIPTOR].copy_from_slice(&frame.descriptor);
            let embedding = self.portraits.drain(..EMBEDDING);
            target[DESCRIPTOR..].iter_mut().zip(embedding).for_each(|(w, p)| *w = weight * p);
            let louder = frame.loudness_db - scaler.usual_loudness_db();
            self.weaver.push(Target {
                target: self.stock.weighed(&target),
                loudness_db: frame.loudness_db,
                silence: frame.silence,
                soft: false,
                bands: frame.bands,
                rise: frame.rise,
                manner: GrainModulation::for_tick(frame.onset, louder),
                // A brain knows no more than the tick, and no pitches.
                attack: None,
                hz: None,
            });
        }
        self.rows.clear();
    }
}

impl Renderer for MosaicRenderer<'_> {
    fn show(&mut self, pixels: &[u8], until: MediaTime, sketch: &mut MixStage<'_>) -> Result<()> {
        self.player.show(pixels, self.shown, until, &mut self.rows);
        self.shown = until;
        self.weave();
        self.weaver.play(sketch)
    }

    fn end(&mut self, length: MediaTime, sketch: &mut MixStage<'_>) -> Result<()> {
        let ticks = crate::render::ticks_until(self.brain.config().grid.tick, length);
        self.player.finish(ticks, &mut self.rows);
        self.weave();
        self.weaver.finish(length, sketch)
    }

    fn ticks(&self) -> u64 {
        self.player.ticks()
    }

    fn played(&mut self) -> Option<PlayedClips> {
        Some(self.weaver.played())
    }

    fn latency(&self) -> f64 {
        self.weaver.latency()
    }
}
