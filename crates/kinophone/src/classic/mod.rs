//! TODO module docs

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
pub use config::{
    ClassicConfig, ClassicTrained, ClassicTraining, Imported, PRESETS, Pretrain, RowSplit, Rows, RunFiles,
    preset,
};
pub use import::import;
pub use import::{ImportOptions, Nonlinearity};
pub use renderer::ClassicRenderer;
pub use rows::{DatasetRows, RowOptions};
pub use trainer::train;
