//! Devices that a perceptron trains on.

use crate::error::Error;
use serde::{Deserialize, Serialize};

/// The hardware that a perceptron trains on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The kernels of this crate.
    #[default]
    Cpu,
    /// burn on Vulkan, Metal or DirectX; needs the feature `wgpu`.
    Wgpu,
    /// burn on CUDA; needs the feature `cuda`.
    Cuda,
}

impl Device {
    /// The name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        }
    }

    /// The error of a program without that backend.
    pub(crate) fn not_built(self) -> Error {
        let name = self.name();
        Error::Device(format!(
            "this program was built without the device '{name}' (build it with 'cargo build --release --features {name}')"
        ))
    }
}
