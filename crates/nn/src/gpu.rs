//! Training of a perceptron on a GPU by way of burn: the same network, loss and step rules as
//! [`perceptron`](crate::perceptron), written with burn's own modules.
//!
//! Forward pass: x₀ = input; xₗ₊₁ = f(xₗ Wₗ + bₗ) for hidden layers; the last layer has no f. Loss: mean
//! squared error over all outputs of the batch. Inputs come centred.

use crate::activation::Activation;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::optimizer::Optimizer;
use crate::tensors::Tensors;
use crate::train_backend::TrainBackend;
use burn::module::{Module, Param, ParamId};
use burn::nn::Linear;
use burn::nn::loss::{MseLoss, Reduction};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{Bytes, DeviceType, Tensor, TensorData};

/// The configuration of a network besides its layers.
#[derive(Clone, Debug)]
pub struct BurnNetConfig {
    /// The nonlinearity of the hidden layers.
    pub activation: Activation,
}

/// A perceptron.
#[derive(Module, Debug)]
pub struct BurnNet {
    layers: Vec<Linear>,
    #[module(skip)]
    activation: Activation,
}

impl BurnNetConfig {
    /// Builds the network with those weights on a device.
    pub fn init(&self, layers: &[Layer], device: &burn::tensor::Device) -> BurnNet {
        let layers = layers.iter().enumerate().map(|(i, layer)| linear(i, layer, device)).collect();
        BurnNet { layers, activation: self.activation }
    }
}

/// A layer whose parameters are numbered by their position, so that an optimizer's saved state finds them
/// again.
fn linear(i: usize, layer: &Layer, device: &burn::tensor::Device) -> Linear {
    let weight = TensorData::new(layer.weights.clone(), [layer.inputs, layer.outputs]);
    let bias = TensorData::new(layer.biases.clone(), [layer.outputs]);
    let id = |k| ParamId::from(2 * i as u64 + k);
    Linear {
        weight: Param::initialized(id(1), Tensor::from_data(weight, device).require_grad()),
        bias: Some(Param::initialized(id(2), Tensor::from_data(bias, device).require_grad())),
    }
}

impl BurnNet {
    /// The outputs for a batch of inputs.
    pub fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        let mut x = inputs; // [batch, inputs]
        for (l, layer) in self.layers.iter().enumerate() {
            x = layer.forward(x); // [batch, outputs of layer l]
            if l + 1 < self.layers.len() {
                x = match self.activation {
                    Activation::Relu => relu(x),
                    Activation::Sigmoid => sigmoid(x),
                };
            }
        }
        x // [batch, outputs]
    }

    fn to_layers(&self) -> Vec<Layer> {
        let floats = |data: TensorData| data.try_into_vec_as::<f32>().expect("parameters are floats");
        let layer = |linear: &Linear| {
            let weight = linear.weight.val();
            let [inputs, outputs] = weight.dims();
            let biases =
                linear.bias.as_ref().map_or_else(|| vec![0.0; outputs], |b| floats(b.val().into_data()));
            Layer { inputs, outputs, weights: floats(weight.into_data()), biases }
        };
        self.layers.iter().map(layer).collect()
    }
}

/// A perceptron in training with burn's automatic differentiation and optimizers.
pub struct BurnPerceptron {
    net: BurnNet,
    config: BurnNetConfig,
    optimizer: ModuleOptimizer,
    device: burn::tensor::Device,
}

impl BurnPerceptron {
    /// Begins the training with `layers` on `device`.
    pub fn new(
        layers: &[Layer],
        activation: Activation,
        optimizer: Optimizer,
        device: burn::tensor::Device,
    ) -> Self {
        let device = device.autodiff();
        let config = BurnNetConfig { activation };
        Self { net: config.init(layers, &device), config, optimizer: module_optimizer(optimizer), device }
    }

    fn tensor(&self, numbers: &[f32], columns: usize) -> Tensor<2> {
        let data = TensorData::new(numbers.to_vec(), [numbers.len() / columns, columns]);
        Tensor::from_data(data, &self.device)
    }

    fn loss(&self, inputs: &[f32], targets: &[f32]) -> Tensor<1> {
        let (columns, outputs) = self.sizes();
        let predicted = self.net.forward(self.tensor(inputs, columns)); // [batch, outputs]
        MseLoss::new().forward(predicted, self.tensor(targets, outputs), Reduction::Mean) // [1]
    }

    fn sizes(&self) -> (usize, usize) {
        let size = |l: usize, axis: usize| self.net.layers[l].weight.val().dims()[axis];
        (size(0, 0), size(self.net.layers.len() - 1, 1))
    }
}

/// burn's optimizers with the constants of [`Optimizer`]; its default momentum dampens by 0.1 and does not
/// look ahead.
fn module_optimizer(optimizer: Optimizer) -> ModuleOptimizer {
    match optimizer {
        Optimizer::Adam => AdamConfig::new().with_epsilon(crate::kernels::EPSILON).init(),
        Optimizer::Nesterov { momentum } => {
            let momentum = MomentumConfig::new()
                .with_momentum(f64::from(momentum))
                .with_dampening(0.0)
                .with_nesterov(true);
            SgdConfig::new().with_momentum(Some(momentum)).init()
        }
    }
}

impl TrainBackend for BurnPerceptron {
    fn step(&mut self, inputs: &[f32], targets: &[f32], lr: f32) -> Result<f64> {
        let loss = self.loss(inputs, targets);
        let gradients = GradientsParams::from_grads(loss.backward(), &self.net);
        self.net = self.optimizer.step(f64::from(lr), self.net.clone(), gradients);
        scalar(loss)
    }

    fn squared_error(&mut self, inputs: &[f32], targets: &[f32]) -> Result<f64> {
        Ok(scalar(self.loss(inputs, targets))? * targets.len() as f64)
    }

    fn layers(&self) -> Vec<Layer> {
        self.net.to_layers()
    }

    fn save(&self, into: &mut Tensors) -> Result<()> {
        into.put_layers("layers", &self.layers());
        let state = self
            .optimizer
            .into_bytes()
            .map_err(|e| foreign("the optimizer's state could not be saved", e))?;
        into.put_bytes("optimizer", state.to_vec());
        Ok(())
    }

    fn restore(&mut self, from: &Tensors) -> Result<()> {
        let shapes: Vec<_> = self.layers().iter().map(|l| (l.inputs, l.outputs)).collect();
        self.net = self.config.init(&from.layers("layers", &shapes)?, &self.device);
        let state = Bytes::from_bytes_vec(from.bytes("optimizer")?.to_vec());
        self.optimizer =
            self.optimizer.clone().from_bytes(state).map_err(|e| {
                foreign("the optimizer's state could not be read; start the training anew", e)
            })?;
        Ok(())
    }
}

fn scalar(tensor: Tensor<1>) -> Result<f64> {
    let data = tensor.try_into_data().map_err(|e| foreign("the device failed", e))?;
    let values = data.try_into_vec_as::<f32>().map_err(|e| foreign("the device failed", e))?;
    Ok(values.first().map_or(f64::NAN, |&x| f64::from(x)))
}

fn foreign(context: &str, cause: impl std::fmt::Debug) -> Error {
    Error::Device(format!("{context}: {cause:?}"))
}

/// The first device of a kind.
pub fn device(device: Device) -> Result<burn::tensor::Device> {
    match device {
        #[cfg(feature = "wgpu")]
        Device::Wgpu => first(device, DeviceType::Wgpu),
        #[cfg(feature = "cuda")]
        Device::Cuda => first(device, DeviceType::Cuda),
        other => Err(other.not_built()),
    }
}

fn first(device: Device, kind: DeviceType) -> Result<burn::tensor::Device> {
    let missing = || Error::Device(format!("no {} device was found on this machine", device.name()));
    burn::tensor::Device::enumerate(kind).into_vec().into_iter().next().ok_or_else(missing)
}
