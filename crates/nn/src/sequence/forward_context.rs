//! Facts of a pass in training that both kinds of network are told.

use crate::sequence::layout::Layout;
use crate::sequence::rng::StepRng;

/// The context of a pass through a network in training.
pub struct ForwardContext {
    /// Layout of the rows.
    pub layout: Layout,
    /// Draws of this step.
    pub rng: StepRng,
    /// Probability of dropping a hidden unit.
    pub dropout: f32,
}
