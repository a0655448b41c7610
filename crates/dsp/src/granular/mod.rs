//! Granular synthesis of recorded sound: clouds of grains around selected units, and their modulation from
//! tick to tick.

mod cloud;
mod grain_recorder;
mod modulation;

pub use cloud::Cloud;
pub use modulation::GrainModulation;
