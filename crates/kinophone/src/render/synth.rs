//! The synth of a render: what is asked for, and what suits the brain.

use crate::brain::Brain;
use crate::classic::ClassicConfig;
use crate::concat::SelectionConfig;
use crate::media::Ffmpeg;
use crate::model::Ensemble;
use crate::render::phase_source;
use crate::render::plan::RenderPlan;
use crate::task::Task;
use crate::{Result, storage};
use kinophone_dsp::concat::MosaicConfig;
use kinophone_dsp::frames::{FrameFormat, FrameSynthConfig, WindowedConfig};
use kinophone_dsp::spectral::{BandMatcherConfig, SpectralConfig};
use kinophone_dsp::units::SampleRate;
use serde::{Serialize, Serializer};
use std::path::PathBuf;

/// A request for a synth.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SynthRequest {
    /// The one that suits the brain.
    #[default]
    Usual,
    /// A mosaic, with the settings that were measured as the brain's best where none are named.
    Mosaic {
        /// See [`BandMatcherConfig::tone`].
        tone: Option<f32>,
        /// See [`BandMatcherConfig::attack`].
        attack: Option<f32>,
    },
    /// This one, refused where it does not suit the brain.
    Exactly(ResolvedSynth),
}

/// A synth that makes sound of a brain's predictions.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum ResolvedSynth {
    /// The training sound, tick by tick: for ensembles that carry it.
    Mosaic {
        /// Selection and crossfades.
        #[serde(flatten)]
        config: MosaicConfig,
        /// The filter after them.
        shape: BandMatcherConfig,
    },
    /// Band powers made audible: for ensembles. Magnitudes, too: for brains of 2015 that predict them, whose frames have their
    /// own sizes.
    Spectral {
        /// Its settings.
        #[serde(flatten)]
        config: SpectralConfig,
        /// The sound or film that lends its phases under [`Phase::Borrowed`](kinophone_dsp::spectral::Phase::Borrowed): up to five
        /// minutes of it, without its silent parts, as a loop. Without one a white noise lends them.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "lossy")]
        lender: Option<PathBuf>,
    },
    /// Blocks of samples through a synth, which has a name of its own: for brains of 2015. Grains are taken out of the training
    /// sound, too: for ensembles that carry it.
    #[serde(untagged)]
    Blocks(FrameSynthConfig),
}

/// Writes a path as text, whatever bytes it is made of.
fn lossy<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(to)
}

impl ResolvedSynth {
    /// Band powers made audible, with the usual settings.
    pub fn spectral(seed: u64) -> Self {
        Self::Spectral { config: SpectralConfig { seed, ..SpectralConfig::default() }, lender: None }
    }

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
            Brain::Classic(brain) => Self::of_classic(brain.config(), plan),
            Brain::Ensemble(brain) => Self::of_ensemble(brain, plan),
        }
    }

    /// True if recorded sound is filtered after it was put together.
    pub(crate) fn is_filtered(&self) -> bool {
        matches!(self, Self::Mosaic { shape, .. } if !shape.is_off())
    }

    /// True if its sound is made of recordings.
    pub(crate) fn plays_recordings(&self) -> bool {
        matches!(self, Self::Mosaic { .. } | Self::Blocks(_))
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
