//! The default brain: an ensemble that predicts from moving pictures which sound to select.
//!
//! Pictures become visual features ([`FeatureConfig`]), a few members (small recurrent and convolutional networks, nearest
//! neighbours) predict controls from them tick by tick ([`EnsembleStream`]), and [`ControlScaler`] gives these their physical units.
//! [`train`] makes an [`Ensemble`], which is kept in one file.

pub(crate) mod controls;
mod descriptor;
mod ensemble;
mod features;
mod follow;
mod inference;
mod knn;
mod member;
mod member_streams;
pub(crate) mod training;
mod training_audio;

pub use controls::{ControlFrame, ControlScaler, DescriptorMatching, OUTPUTS};
pub use descriptor::{DESCRIPTOR, DescriptorLayout, UNIT};
pub use ensemble::{Ensemble, EnsembleConfig, UnitFeatures};
pub use features::config::{EMBEDDING, FeatureConfig, RegionMode};
pub use features::crop::Region;
pub use follow::Follow;
pub use follow::trust::Trust;
pub use inference::{EnsembleStream, InferenceOptions};
pub use member::{MemberConfig, PredictorConfig};
pub use training::config::{EnsembleTraining, MemberKind};
pub use training::learning_curve::LearningCurve;
pub use training::train;
pub use training_audio::TrainingAudio;

use crate::dataset::DatasetOptions;
use kinophone_dsp::metrics::RATE;
use kinophone_dsp::units::{FrameRate, SampleRate, TickGrid};

/// The grid of a brain unless another tick is asked for: 30 ticks a second of sound at 22 050 Hz.
pub fn default_grid() -> TickGrid {
    let tick = FrameRate::new(30, 1).expect("a constant within the range");
    TickGrid { tick, rate: SampleRate::new(RATE).expect("a constant within the range") }
}

impl EnsembleTraining {
    /// Settings of the dataset that an ensemble learns from. It takes pictures of any size out of the shards.
    pub fn dataset_options(&self, grid: TickGrid) -> DatasetOptions {
        DatasetOptions {
            grid,
            samples: grid.block_len(),
            size: 1,
            colour: self.features.colour,
            hold_out: self.hold_out,
            held_out_films: self.held_out_films.clone(),
            validation: false,
            seed: self.seed,
        }
    }
}
