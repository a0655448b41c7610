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

use crate::dataset::DatasetOptions;
use kinophone_dsp::units::TickGrid;

impl EnsembleTraining {
    /// Settings of the dataset that an ensemble learns from. It takes pictures of any size out of the shards.
    pub fn dataset_options(&self, grid: TickGrid) -> DatasetOptions {
        DatasetOptions {
            grid,
            samples: grid.block_len(),
            size: 1,
            colour: self.see.colour,
            hold_out: self.hold_out,
            validation: false,
            seed: self.seed,
        }
    }
}
