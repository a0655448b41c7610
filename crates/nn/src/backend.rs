//! Training of a perceptron on a CPU or a GPU.

use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::optimizer::Optimizer;
use crate::perceptron::PerceptronTrainer;
use crate::tensors::Tensors;
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

    /// Checks that this program can train on the device.
    ///
    /// # Errors
    ///
    /// [`Error::Device`] where the backend is not compiled in, or no such device is found.
    pub fn check(self) -> Result<()> {
        match self {
            Self::Cpu => Ok(()),
            #[cfg(any(feature = "wgpu", feature = "cuda"))]
            other => crate::gpu::device(other).map(drop),
            #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
            other => Err(other.not_built()),
        }
    }

    pub(crate) fn not_built(self) -> Error {
        let name = self.name();
        Error::Device(format!(
            "this program was built without the device '{name}' (build it with 'cargo build --release --features {name}')"
        ))
    }
}

/// Begins the training of a perceptron with `layers` on `device`.
///
/// # Errors
///
/// See [`Device::check`].
pub fn train_backend(
    device: Device,
    layers: &[Layer],
    activation: Activation,
    optimizer: Optimizer,
) -> Result<Box<dyn TrainBackend>> {
    match device {
        Device::Cpu => Ok(Box::new(PerceptronTrainer::new(layers, activation, optimizer))),
        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        other => {
            let device = crate::gpu::device(other)?;
            Ok(Box::new(crate::gpu::BurnPerceptron::new(layers, activation, optimizer, device)))
        }
        #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
        other => Err(other.not_built()),
    }
}

/// A network in training, on any device.
pub trait TrainBackend {
    /// Makes one step of the optimizer on a batch, row by row; returns the mean squared error before the
    /// step.
    fn step(&mut self, inputs: &[f32], targets: &[f32], lr: f32) -> Result<f64>;
    /// The sum of the squared errors on a batch.
    fn squared_error(&mut self, inputs: &[f32], targets: &[f32]) -> Result<f64>;
    /// The weights.
    fn layers(&self) -> Vec<Layer>;
    /// Stores the weights and the optimizer's state.
    fn save(&self, into: &mut Tensors) -> Result<()>;
    /// Restores the state that [`TrainBackend::save`] stored.
    fn restore(&mut self, from: &Tensors) -> Result<()>;
}
