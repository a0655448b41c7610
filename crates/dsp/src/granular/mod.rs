//! TODO module docs

mod cloud;
mod modulation;

pub use cloud::Cloud;
pub use modulation::GrainModulation;
