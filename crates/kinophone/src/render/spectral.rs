//! Pictures in, sound out, by way of band powers: the brain's description of sound made audible as it is.

use crate::model::{ControlFrame, Ensemble, EnsembleStream, OUTPUTS};
use crate::render::plan::RenderPlan;
use crate::soundtrack::{MixStage, Renderer};
use crate::{Error, Kind, Result};
use kinophone_dsp::spectral::{SpectralConfig, SpectralFrame, SpectralSynth};
use kinophone_dsp::units::MediaTime;

/// Pictures that are looked at together where nobody waits.
const BATCH: usize = 32;

/// Plays an ensemble's description of sound, tick by tick.
pub(crate) struct SpectralRenderer<'a> {
    brain: &'a Ensemble,
    player: EnsembleStream<'a>,
    synth: SpectralSynth,
    /// End of the last picture.
    shown: MediaTime,
    rows: Vec<f32>,
    sound: Vec<f32>,
    taken: usize,
}

impl<'a> SpectralRenderer<'a> {
    /// `lent` is the sound that lends its phases, at the brain's rate, where one does.
    pub(crate) fn new(
        brain: &'a Ensemble,
        plan: &RenderPlan,
        config: &SpectralConfig,
        lent: Option<Vec<f32>>,
    ) -> Result<Self> {
        let unusable = |e: &dyn std::fmt::Display| {
            Error::new(Kind::Invalid, format!("can't be played by the spectral synth: {e}")).at(&plan.brain)
        };
        config.check().map_err(|e| unusable(&e))?;
        let size = brain.config().size as usize;
        let batch = if plan.live { 1 } else { BATCH };
        Ok(Self {
            player: EnsembleStream::new(brain, size, brain.features().colour(), 0, plan.live, batch),
            synth: SpectralSynth::new(brain.config().grid, config, lent),
            shown: MediaTime::ZERO,
            rows: Vec::new(),
            sound: Vec::new(),
            taken: 0,
            brain,
        })
    }

    fn play(&mut self, sketch: &mut MixStage<'_>) -> Result<()> {
        for row in self.rows.chunks_exact(OUTPUTS) {
            let ControlFrame { bands, loudness_db, silence, .. } = self.brain.controls().frame(row);
            self.synth.push(SpectralFrame { bands: &bands, loudness_db, silence });
        }
        self.rows.clear();
        self.deliver(usize::MAX, sketch)
    }

    /// Hands over what is ready, up to `most` samples of the whole.
    fn deliver(&mut self, most: usize, sketch: &mut MixStage<'_>) -> Result<()> {
        self.sound.resize(self.synth.ready(), 0.0);
        self.synth.fill(&mut self.sound);
        let there = self.sound.len().min(most.saturating_sub(self.taken));
        self.taken += there;
        sketch.add(&self.sound[..there])
    }
}

impl Renderer for SpectralRenderer<'_> {
    fn show(&mut self, pixels: &[u8], until: MediaTime, sketch: &mut MixStage<'_>) -> Result<()> {
        self.player.show(pixels, self.shown, until, &mut self.rows);
        self.shown = until;
        self.play(sketch)
    }

    fn end(&mut self, length: MediaTime, sketch: &mut MixStage<'_>) -> Result<()> {
        let grid = self.brain.config().grid;
        self.player.finish(crate::render::ticks_until(grid.tick, length), &mut self.rows);
        self.play(sketch)?;
        self.synth.finish();
        let whole = grid.rate.sample_at(length).max(0) as usize;
        self.deliver(whole, sketch)?;
        sketch.add(&vec![0.0; whole.saturating_sub(self.taken)])
    }

    fn ticks(&self) -> u64 {
        self.player.ticks()
    }

    fn latency(&self) -> f64 {
        self.synth.latency() as f64 / f64::from(self.brain.config().grid.rate.hz())
    }
}
