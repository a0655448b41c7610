//! TODO module docs

use crate::dataset::HoldOut;
use crate::model::features::config::FeatureConfig;
use serde::{Deserialize, Serialize};

/// How an ensemble is trained.
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
    /// What it looks for in pictures.
    pub see: FeatureConfig,
    /// Kinds of members.
    pub members: Vec<MemberKind>,
    /// In how many other ways the same film is looked at.
    pub variations: u32,
    /// Whether members for live use are trained, too.
    pub live: bool,
    /// Whether the brain carries its training sound.
    pub keep_sound: bool,
    /// What was held out, for the record.
    pub hold_out: HoldOut,
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
    /// A recollection of what sounded when it looked alike.
    Memory,
}

impl MemberKind {
    /// Whether it knows more of a film than what was there before.
    pub(crate) fn looks_ahead(self) -> bool {
        matches!(self, Self::Gru | Self::Tcn)
    }

    /// What the answers of its kind weigh beside those of the others, all networks being one kind. Measured over five folds and
    /// three seeds (docs/experiments.md): networks know when, the memory how loud; from a fifth to a third of memory little
    /// changes.
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
            see: FeatureConfig::default(),
            members: vec![MemberKind::Gru, MemberKind::Tcn, MemberKind::Memory],
            variations: 0,
            live: true,
            keep_sound: true,
            hold_out: HoldOut::Every5th,
        }
    }
}
