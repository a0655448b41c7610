//! TODO module docs

mod engine;
mod lookahead;
mod onset_pitch_track;
mod recorder;
mod selection_config;
mod selection_worker;
pub(crate) mod shot_sources;
mod target;
mod unit_database;
mod unit_rendering;

pub(crate) use engine::ConcatEngine;
pub(crate) use lookahead::Lookahead;
pub(crate) use onset_pitch_track::{OnsetPitchTrack, PITCH, PitchSegment};
pub use selection_config::SelectionConfig;
pub(crate) use target::Target;
pub(crate) use unit_database::{LibraryUnits, UnitDatabase};
pub(crate) use unit_rendering::UnitRendering;
