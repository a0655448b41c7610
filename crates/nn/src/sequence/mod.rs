//! Networks for sequences: the outputs of a tick depend on the features of the ticks up to it, or around it.
//!
//! Two kinds, both from `[ticks, inputs]` to `[ticks, outputs]`: a gated recurrent unit
//! ([`Architecture::Gru`]) and a temporal convolutional network ([`Architecture::Tcn`]). A
//! [`SequenceTrainer`] trains one on windows of sequences; its [`SequenceNet`] predicts whole sequences in
//! bounded memory, or tick by tick through a [`SequenceStream`], with the same bits either way.

mod adamw;
mod forward_context;
mod gates;
mod gru;
mod layout;
mod loss;
mod net;
mod parameters;
mod products;
mod rng;
mod stream;
mod tcn;
mod trainer;
mod vector_ops;

pub use loss::{Loss, LossKind};
pub use net::SequenceNet;
pub use parameters::NamedTensor;
pub use stream::SequenceStream;
pub use trainer::{HyperParams, SequenceTrainer, WindowBatch};

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Ticks of the future that a convolutional network looks at, at most: a network holds back as many of its outputs.
const MAX_REACH: usize = 1 << 12;

/// Kind and sizes of a network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Architecture {
    /// Linear layer, ReLU, gated recurrent unit (Cho et al. 2014), linear layer. It depends only on the past.
    Gru {
        /// Features of a tick.
        inputs: usize,
        /// Rectified units before the recurrent ones.
        projection: usize,
        /// Recurrent units.
        hidden: usize,
        /// Outputs of a tick.
        outputs: usize,
    },
    /// Linear layer, ReLU, residual blocks of dilated convolutions over time with three taps (after Bai,
    /// Kolter and Koltun 2018), linear layer. Without blocks it is a perceptron of one tick alone.
    Tcn {
        /// Features of a tick.
        inputs: usize,
        /// Channels of every block.
        channels: usize,
        /// Ticks between the taps of each block: 1, 2, 4, 8 cover 31 ticks.
        dilations: Vec<usize>,
        /// Taps in the past only (live), or around the tick (offline).
        causal: bool,
        /// Outputs of a tick.
        outputs: usize,
    },
}

impl Architecture {
    /// The recurrent network of the standard size: 128 rectified units, 128 recurrent ones.
    pub fn gru(inputs: usize, outputs: usize) -> Self {
        Self::Gru { inputs, projection: 128, hidden: 128, outputs }
    }

    /// The convolutional network of the standard size: 96 channels, dilations 1, 2, 4, 8.
    pub fn tcn(inputs: usize, outputs: usize, causal: bool) -> Self {
        Self::Tcn { inputs, channels: 96, dilations: vec![1, 2, 4, 8], causal, outputs }
    }

    /// The convolutional network without convolutions: a perceptron of one hidden layer, 256 units.
    pub fn mlp(inputs: usize, outputs: usize) -> Self {
        Self::Tcn { inputs, channels: 256, dilations: Vec::new(), causal: true, outputs }
    }

    /// Features of a tick.
    pub fn inputs(&self) -> usize {
        match self {
            Self::Gru { inputs, .. } | Self::Tcn { inputs, .. } => *inputs,
        }
    }

    /// Outputs of a tick.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Gru { outputs, .. } | Self::Tcn { outputs, .. } => *outputs,
        }
    }

    /// Ticks of the future on which an output depends, by which a [`SequenceStream`] is late.
    pub fn delay(&self) -> usize {
        match self {
            Self::Tcn { dilations, causal: false, .. } => dilations.iter().sum(),
            _ => 0,
        }
    }

    /// Checks that a network can have these sizes.
    pub fn check(&self) -> Result<()> {
        let sizes = match self {
            Self::Gru { inputs, projection, hidden, outputs } => {
                vec![*inputs, *projection, *hidden, *outputs]
            }
            Self::Tcn { inputs, channels, dilations, outputs, .. } => {
                [&[*inputs, *channels, *outputs], &dilations[..]].concat()
            }
        };
        let reach: usize = match self {
            Self::Tcn { dilations, .. } => dilations.iter().fold(0, |sum, ticks| sum.saturating_add(*ticks)),
            Self::Gru { .. } => 0,
        };
        // The bounds keep products of sizes far from overflow, and memory small, when a damaged file names them.
        if sizes.iter().all(|size| (1..=1 << 16).contains(size))
            && (3..64).contains(&sizes.len())
            && reach <= MAX_REACH
        {
            Ok(())
        } else {
            Err(Error::Invalid(format!("there is no network of the shape {self:?}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_looks_too_far_is_refused() {
        let shape =
            |dilations| Architecture::Tcn { inputs: 1, channels: 1, dilations, causal: false, outputs: 1 };
        assert!(shape(vec![1, 2, 4, 8]).check().is_ok());
        assert!(shape(vec![1 << 16; 50]).check().is_err());
        assert!(shape(vec![usize::MAX, 2]).check().is_err());
    }
}
