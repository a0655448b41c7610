//! The interface of a training on any device.

use crate::error::Result;
use crate::layer::Layer;
use crate::tensors::Tensors;

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
