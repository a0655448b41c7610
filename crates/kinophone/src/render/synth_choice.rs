//! The synth that suits a brain, and refusals of those that do not.

use crate::brain::Brain;
use crate::classic::ClassicConfig;
use crate::concat::SelectionConfig;
use crate::media::Ffmpeg;
use crate::model::{Ensemble, Follow};
use crate::render::phase_source;
use crate::render::plan::RenderPlan;
use crate::render::synth::{ResolvedSynth, SynthRequest};
use crate::task::Task;
use crate::{Result, storage};
use kinophone_dsp::concat::MosaicConfig;
use kinophone_dsp::frames::{FrameFormat, FrameSynthConfig, WindowedConfig};
use kinophone_dsp::spectral::BandMatcherConfig;
use kinophone_dsp::units::SampleRate;

/// Shaping of attacks that motion leads: with more of it the loudness of long sounds suffers (docs/experiments.md).
const LED_ATTACK: f32 = 0.5;

impl ResolvedSynth {
    /// The sound that lends its phases, if one does, at `rate`.
    pub(crate) fn phase_source(
        &self,
        ffmpeg: &Ffmpeg,
        rate: SampleRate,
        plan: &RenderPlan,
        task: Task<'_>,
    ) -> Result<Option<Vec<f32>>> {
        let Self::Spectral { lender: Some(file), .. } = self else { return Ok(None) };
        storage::check_distinct(&plan.output.file, &[file])?;
        phase_source::read(ffmpeg, file, rate, task).map(Some)
    }

    /// The requested synth, where it suits the brain, or the one that suits it best.
    pub(crate) fn of(brain: &Brain, plan: &RenderPlan) -> Result<Self> {
        match brain {
            Brain::Classic(_) if plan.lookahead.is_live() => {
                plan.refuse("needs no other networks to play live", "leave --live out")
            }
            Brain::Classic(_) if plan.follow != Follow::Auto => plan.refuse(
                "says its sound itself, so there is nothing to follow what moves",
                "leave --follow out, or train without --preset",
            ),
            Brain::Classic(brain) => Self::of_classic(brain.config(), plan),
            Brain::Ensemble(brain) => Self::of_ensemble(brain, plan),
        }
    }

    fn of_ensemble(brain: &Ensemble, plan: &RenderPlan) -> Result<Self> {
        if plan.lookahead.is_live() && !brain.config().plays(true) {
            return plan.refuse(
                "has no networks for live use",
                "leave --live out, or train it again without --no-live",
            );
        }
        match &plan.synth {
            SynthRequest::Usual if brain.training_audio().is_none() && plan.sounds.is_none() => {
                Ok(Self::spectral(plan.seed))
            }
            SynthRequest::Usual => Ok(Self::mosaic(brain, plan, None, None)),
            SynthRequest::Mosaic { tone, attack } => Ok(Self::mosaic(brain, plan, *tone, *attack)),
            SynthRequest::Exactly(Self::Blocks(synth)) if !matches!(synth, FrameSynthConfig::Granular(_)) => {
                plan.refuse(
                    "says no samples, so there is nothing for this synth to join",
                    "choose --synth mosaic, granular or spectral, or train with --preset classic",
                )
            }
            SynthRequest::Exactly(synth) if plan.sounds.is_some() && !synth.plays_recordings() => plan
                .refuse(
                    "draws sound by itself with this synth, so there is nothing for other sounds to do",
                    "choose --synth mosaic or granular, or leave --sounds out",
                ),
            SynthRequest::Exactly(synth) => Ok(synth.clone()),
        }
    }

    /// As the brain was found to play it best. Foreign sounds are never the true ones, so they are always filtered; as they rise
    /// in their own ways, bringing all of them to the wanted attacks would cost the loudness: three quarters of the way are enough
    /// (docs/experiments.md).
    fn mosaic(brain: &Ensemble, plan: &RenderPlan, tone: Option<f32>, attack: Option<f32>) -> Self {
        let own = &brain.config().shape;
        let foreign = plan.sounds.is_some() && own.is_off();
        let mut usual = if foreign { BandMatcherConfig::default() } else { own.clone() };
        if plan.sounds.is_some() {
            usual.attack *= 0.75;
        }
        // A brain that does not know when something begins is told by the motion, where that leads.
        if plan.follow != Follow::Share(0.0) && !usual.is_off() {
            usual.attack = usual.attack.max(LED_ATTACK);
        }
        let shape = BandMatcherConfig {
            tone: tone.unwrap_or(usual.tone),
            attack: attack.unwrap_or(usual.attack),
            ..usual
        };
        Self::Mosaic { config: mosaic_of(brain, &plan.selection), shape }
    }

    fn of_classic(brain: &ClassicConfig, plan: &RenderPlan) -> Result<Self> {
        if plan.sounds.is_some() {
            return plan.refuse(
                "says its sound itself, so there is nothing for other sounds to do",
                "leave --sounds out, or train without --preset",
            );
        }
        match (brain.format, &plan.synth) {
            (FrameFormat::Stft, SynthRequest::Usual) => Ok(Self::spectral(plan.seed).fitted(brain)),
            (FrameFormat::Stft, SynthRequest::Exactly(spectral @ Self::Spectral { .. })) => {
                Ok(spectral.clone().fitted(brain))
            }
            (FrameFormat::Stft, _) => plan.refuse(
                "says magnitudes, which this synth can't play",
                "choose --synth spectral, or train with --say stft-phase",
            ),
            (_, SynthRequest::Usual) => {
                let config = WindowedConfig { seed: plan.seed, ..WindowedConfig::default() };
                Ok(Self::Blocks(FrameSynthConfig::Windowed(config)))
            }
            (_, SynthRequest::Exactly(Self::Blocks(synth))) => Ok(Self::Blocks(synth.clone())),
            (_, _) => plan.refuse(
                "says blocks of samples and does not describe sound",
                "choose another --synth, or train without --preset or with --say stft",
            ),
        }
    }

    /// With the frames of a brain that says magnitudes, four of which overlap.
    fn fitted(mut self, brain: &ClassicConfig) -> Self {
        if let Self::Spectral { config, .. } = &mut self {
            let size = brain.format.samples(brain.grid, brain.hops) as u32;
            (config.transform, config.hop) = (size, size / 4);
        }
        self
    }
}

/// Settings of unit selection for a brain.
pub(crate) fn mosaic_of(brain: &Ensemble, selection: &SelectionConfig) -> MosaicConfig {
    let config = MosaicConfig { jump_price: brain.config().jump, ..MosaicConfig::default() };
    selection.applied(config, brain.config().grid.tick)
}
