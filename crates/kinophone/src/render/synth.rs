//! Synths of a render, and requests for one.

use kinophone_dsp::concat::MosaicConfig;
use kinophone_dsp::frames::FrameSynthConfig;
use kinophone_dsp::spectral::{BandMatcherConfig, SpectralConfig};
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
fn lossy<S: Serializer>(path: &Option<PathBuf>, to: S) -> std::result::Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(to)
}

impl ResolvedSynth {
    /// Band powers made audible, with the usual settings.
    pub fn spectral(seed: u64) -> Self {
        Self::Spectral { config: SpectralConfig { seed, ..SpectralConfig::default() }, lender: None }
    }

    /// True if recorded sound is filtered after it was put together.
    pub(crate) fn is_filtered(&self) -> bool {
        matches!(self, Self::Mosaic { shape, .. } if !shape.is_off())
    }

    /// True if its sound is made of recordings.
    pub(crate) fn plays_recordings(&self) -> bool {
        matches!(self, Self::Mosaic { .. } | Self::Blocks(_))
    }
}
