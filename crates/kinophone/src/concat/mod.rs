//! Concatenative synthesis: for every tick of a soundtrack a unit of recorded sound is selected and played.
//!
//! A `Target` describes the sound of a tick. The `ConcatEngine` finds the units nearest to a succession of targets in a
//! `UnitDatabase`, layer by layer, and joins them or takes them apart into grains (`UnitRendering`). What was selected
//! (`SelectedTick`) goes with the sound to the `ScoreRecorder`.

mod engine;
mod layer;
mod library_units;
mod lookahead;
mod onset_pitch_track;
mod recorder;
mod selection_config;
mod selection_worker;
mod shot_sources;
mod target;
#[cfg(test)]
mod tests;
mod unit_database;
mod unit_rendering;

pub(crate) use engine::{ConcatEngine, EngineOptions};
pub(crate) use library_units::LibraryUnits;
pub use lookahead::Lookahead;
pub(crate) use onset_pitch_track::{OnsetPitchTrack, PITCH, PitchSegment};
pub(crate) use recorder::{ScoreRecorder, SelectedTick};
pub use selection_config::SelectionConfig;
pub(crate) use shot_sources::{ShotSourceSelector, shot_ticks};
pub(crate) use target::{AllowedSources, PendingTick, Target};
pub(crate) use unit_database::UnitDatabase;
pub(crate) use unit_rendering::UnitRendering;
