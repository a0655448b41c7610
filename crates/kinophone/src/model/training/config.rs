//! Settings of an ensemble's training.

use crate::dataset::{HeldOutFilm, HoldOut};
use crate::model::features::config::FeatureConfig;
use serde::{Deserialize, Serialize};

/// Ticks at the beginning of a window whose errors do not count, since a network has no memory yet.
pub(super) const WARM_UP_TICKS: usize = 16;

/// Settings of a training; part of the brain's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnsembleTraining {
    /// Steps for each member.
    pub steps: u32,
    /// Ready after about so many minutes, with fewer steps where there is no time for all of them: what comes of it then depends
    /// on how fast the machine is.
    #[serde(default)]
    pub minutes: Option<f32>,
    /// Largest step size.
    pub lr: f32,
    /// Seed of everything random.
    pub seed: u64,
    /// Visual features that it extracts.
    #[serde(rename = "see")]
    pub features: FeatureConfig,
    /// Kinds of members.
    pub members: Vec<MemberKind>,
    /// Number of augmented versions of each film.
    pub variations: u32,
    /// True if members for live use are trained, too.
    pub live: bool,
    /// True if the brain carries its training sound.
    pub keep_sound: bool,
    /// Blocks that were held out, for the record.
    pub hold_out: HoldOut,
    /// Films of which nothing was learned, and on which it was judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_out_films: Vec<HeldOutFilm>,
}

/// A kind of member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberKind {
    /// A recurrent network: gated recurrent units.
    Gru,
    /// A network that is convolutional over time.
    Tcn,
    /// A network without a memory.
    Mlp,
    /// Nearest neighbours: the sound of ticks whose pictures looked alike.
    Memory,
}

impl MemberKind {
    /// True if members of its kind use ticks later than the one they answer for.
    pub(crate) fn looks_ahead(self) -> bool {
        matches!(self, Self::Gru | Self::Tcn)
    }

    /// Weight of its kind's answers beside those of the others, all networks being one kind. Measured over five folds and
    /// three seeds (docs/experiments.md): networks know when, nearest neighbours how loud; from a fifth to a third of the latter
    /// little changes.
    pub(crate) fn weight(self) -> f32 {
        match self {
            Self::Gru | Self::Tcn | Self::Mlp => 0.7,
            Self::Memory => 0.3,
        }
    }
}

impl Default for EnsembleTraining {
    fn default() -> Self {
        Self {
            steps: 250,
            minutes: None,
            lr: 2e-3,
            seed: 1,
            features: FeatureConfig::default(),
            members: vec![MemberKind::Gru, MemberKind::Tcn, MemberKind::Memory],
            variations: 0,
            live: true,
            keep_sound: true,
            hold_out: HoldOut::Every5th,
            held_out_films: Vec::new(),
        }
    }
}
