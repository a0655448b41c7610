//! TODO module docs

mod encoder;
mod format;
mod mixdown;
mod original;
pub(crate) mod output;
mod renderer;

pub(crate) use format::no_picture;
pub(crate) use mixdown::MixStage;
pub use output::OutputOptions;
pub(crate) use output::{OpenOutput, OutputRequest, PlayedClips, ReservedOutput, SoundtrackMeta};
pub(crate) use renderer::Renderer;
