//! The renderer that makes predicted band powers audible as they are.

use crate::model::controls::ControlFrame;
use crate::model::{Ensemble, EnsembleStream, InferenceOptions, OUTPUTS};
use crate::render::plan::RenderPlan;
use crate::soundtrack::{MixStage, RenderTrace, Renderer, ticks_until};
use crate::{Error, Kind, Result};
use kinophone_dsp::spectral::{SpectralConfig, SpectralFrame, SpectralSynth};
use kinophone_dsp::units::MediaTime;

/// Pictures that are analysed together where nobody waits.
const FILM_BATCH: usize = 32;

/// Plays an ensemble's predictions by a spectral synth, tick by tick.
pub(crate) struct SpectralRenderer<'a> {
    brain: &'a Ensemble,
    predictions: EnsembleStream<'a>,
    synth: SpectralSynth,
    /// End of the last picture.
    shown: MediaTime,
    rows: Vec<f32>,
    sound: Vec<f32>,
    /// Samples handed over so far.
    delivered: usize,
    /// Shares by which ticks follow what moves, where a trace is kept.
    shares: Option<Vec<f32>>,
}

/// Pictures that an ensemble analyses together.
pub(crate) fn batch_of(live: bool) -> usize {
    if live { 1 } else { FILM_BATCH }
}

impl<'a> SpectralRenderer<'a> {
    /// `phases` is the sound that lends its phases, at the brain's rate, where one does.
    pub(crate) fn new(
        brain: &'a Ensemble,
        plan: &RenderPlan,
        config: &SpectralConfig,
        phases: Option<Vec<f32>>,
    ) -> Result<Self> {
        let unusable = |e: &dyn std::fmt::Display| {
            Error::new(Kind::Invalid, format!("can't be played by the spectral synth: {e}")).at(&plan.brain)
        };
        config.check().map_err(|e| unusable(&e))?;
        let (size, live) = (brain.config().size as usize, plan.lookahead.is_live());
        let inference = InferenceOptions { live, batch: batch_of(live), follow: plan.follow };
        let predictions = EnsembleStream::new(brain, size, brain.features().colour(), 0, inference);
        Ok(Self {
            predictions: if plan.trace { predictions.with_shares() } else { predictions },
            shares: plan.trace.then(Vec::new),
            synth: SpectralSynth::new(brain.config().grid, config, phases),
            shown: MediaTime::ZERO,
            rows: Vec::new(),
            sound: Vec::new(),
            delivered: 0,
            brain,
        })
    }

    /// Hands the predictions to the synth, and its sound over.
    fn synthesize(&mut self, out: &mut MixStage<'_>) -> Result<()> {
        for row in self.rows.chunks_exact(OUTPUTS) {
            let ControlFrame { bands, loudness_db, silence, .. } = self.brain.controls().frame(row);
            self.synth.push(SpectralFrame { bands: &bands, loudness_db, silence });
        }
        self.rows.clear();
        if let Some(shares) = &mut self.shares {
            shares.extend(self.predictions.shares().map(|led| led.loudness));
        }
        self.deliver_until(usize::MAX, out)
    }

    /// Hands over what is ready, up to sample `end` of the whole.
    fn deliver_until(&mut self, end: usize, out: &mut MixStage<'_>) -> Result<()> {
        self.sound.resize(self.synth.ready(), 0.0);
        self.synth.fill(&mut self.sound);
        let samples = self.sound.len().min(end.saturating_sub(self.delivered));
        self.delivered += samples;
        out.add(&self.sound[..samples])
    }
}

impl Renderer for SpectralRenderer<'_> {
    fn push(&mut self, picture: &[u8], until: MediaTime, out: &mut MixStage<'_>) -> Result<()> {
        self.predictions.show(picture, self.shown, until, &mut self.rows);
        self.shown = until;
        self.synthesize(out)
    }

    fn finish(&mut self, length: MediaTime, out: &mut MixStage<'_>) -> Result<()> {
        let grid = self.brain.config().grid;
        self.predictions.finish(ticks_until(grid.tick, length), &mut self.rows);
        self.synthesize(out)?;
        self.synth.finish();
        let samples = grid.rate.sample_at(length).max(0) as usize;
        self.deliver_until(samples, out)?;
        out.add(&vec![0.0; samples.saturating_sub(self.delivered)])
    }

    fn ticks(&self) -> u64 {
        self.predictions.ticks()
    }

    fn followed(&self) -> Option<f64> {
        self.predictions.followed()
    }

    fn take_trace(&mut self) -> Option<RenderTrace> {
        let shares = self.shares.take()?;
        let led = self.predictions.followed().is_some();
        Some(RenderTrace { shares: if led { shares } else { Vec::new() }, jumps: None })
    }

    fn latency(&self) -> f64 {
        self.synth.latency() as f64 / f64::from(self.brain.config().grid.rate.hz())
    }
}
