//! Step rules of a perceptron's training.

use serde::{Deserialize, Serialize};

/// A step rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "name")]
pub enum Optimizer {
    /// Adam (Kingma and Ba 2015), betas 0.9 and 0.999.
    Adam,
    /// Nesterov's momentum.
    Nesterov {
        /// μ, such as 0.9.
        momentum: f32,
    },
}
