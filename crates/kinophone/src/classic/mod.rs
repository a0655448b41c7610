//! The method of 2015, all of it: one network from a picture to a block of samples or a spectrum.
//!
//! Rows of pictures and targets ([`DatasetRows`]), training with optional pretraining by restricted Boltzmann machines
//! ([`train`]), checkpoints, the brain and its scores, import of networks that were saved in 2015 ([`import()`]), and playing
//! ([`ClassicRenderer`]). Newer brains are [`Ensemble`](crate::model::Ensemble)s.

mod batches;
mod brain;
mod checkpoint;
mod config;
mod import;
mod rbm;
mod renderer;
mod rows;
mod silence;
pub(crate) mod trainer;
mod verdict;

pub use brain::ClassicBrain;
pub use config::{ClassicConfig, ClassicTraining, Imported, PRESETS, Pretrain, RunFiles, preset};
pub use import::nonlinearity::Nonlinearity;
pub use import::{ImportOptions, import};
pub use renderer::ClassicRenderer;
pub use rows::{DatasetRows, RowOptions, RowSplit, Rows};
pub use trainer::{ClassicTrained, train};
