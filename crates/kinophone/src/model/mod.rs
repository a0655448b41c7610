//! Brains: the network that turns a picture into what is to sound, how it learns, and the file it lives in. The only
//! module that names the machine-learning framework.

mod controls;
mod descriptor;
mod ensemble;
mod features;
mod inference;
mod knn;
mod member;
pub(crate) mod training;
mod training_audio;

pub use controls::{ControlScaler, DescriptorMatching, OUTPUTS};
pub use descriptor::{DESCRIPTOR, DescriptorLayout, UNIT};
pub use ensemble::{Ensemble, EnsembleConfig, UnitFeatures};
pub use features::config::{FeatureConfig, PORTRAIT, RegionMode};
pub use features::crop::Region;
pub use inference::EnsembleStream;
pub use member::{MemberConfig, PredictorConfig};
pub use training::config::{EnsembleTraining, MemberKind};
pub use training::learning_curve::LearningCurve;
pub use training::train;
pub use training_audio::TrainingAudio;

use crate::dataset::{Corpus, PairOptions, Shard};
use kinophone_dsp::frames::FrameFormat;
use kinophone_dsp::units::TickGrid;

/// Side of the pictures in an ensemble's pairs, of which it uses the sound and the split alone.
const PAIRED_SIZE: u32 = 64;

impl EnsembleTraining {
    /// The pairs that an ensemble learns from; its eye takes the pictures themselves out of the shards.
    pub fn pairs(&self, grid: TickGrid, corpus: &Corpus) -> PairOptions {
        PairOptions {
            grid,
            hops: 1,
            say: FrameFormat::Pcm,
            size: corpus.shards.iter().map(Shard::size).min().unwrap_or(PAIRED_SIZE).min(PAIRED_SIZE),
            colour: self.see.colour,
            hold_out: self.hold_out,
            validation: false,
            silence_secs: 0.0,
            seed: self.seed,
        }
    }
}
