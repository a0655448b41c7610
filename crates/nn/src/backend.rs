//! Training of a perceptron on a CPU or a GPU.

pub use crate::device::Device;
pub use crate::train_backend::TrainBackend;

use crate::activation::Activation;
use crate::error::Result;
use crate::layer::Layer;
use crate::optimizer::Optimizer;
use crate::perceptron::PerceptronTrainer;

impl Device {
    /// Checks that this program can train on the device.
    ///
    /// # Errors
    ///
    /// [`Error::Device`](crate::Error::Device) where the backend is not compiled in, or no such device is found.
    pub fn check(self) -> Result<()> {
        match self {
            Self::Cpu => Ok(()),
            #[cfg(any(feature = "wgpu", feature = "cuda"))]
            other => crate::gpu::device(other).map(drop),
            #[cfg(not(any(feature = "wgpu", feature = "cuda")))]
            other => Err(other.not_built()),
        }
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
