//! The nonlinearities of theanets.

use serde::{Deserialize, Serialize};

/// The nonlinearity of hidden layers, as theanets names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nonlinearity {
    /// 1 / (1 + e^-x)
    Logistic,
    /// max(0, x)
    Relu,
    /// (e^x − e^-x) / (e^x + e^-x)
    Tanh,
    /// x
    Linear,
}

impl Nonlinearity {
    /// Its name in theanets.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Logistic => "logistic",
            Self::Relu => "relu",
            Self::Tanh => "tanh",
            Self::Linear => "linear",
        }
    }
}
