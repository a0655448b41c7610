//! The perceptron in the learning library's own modules: the readable reference of what [`fast`](super::fast)
//! computes, and the one that learns on other devices than the CPU.
//!
//! Forward pass: x₀ = picture; xₗ₊₁ = f(xₗ Wₗ + bₗ) for hidden layers; the last layer has no f. Loss: mean squared
//! error over all outputs of the batch. Pictures come centred (see [`batches`](super::batches)).

use super::layer::Layer;
use super::tensors::Tensors;
use super::trainer::Engine;
use super::{Activation, Optimizer};
use crate::{Error, Kind, Result};
use burn::module::{Module, Param, ParamId};
use burn::nn::Linear;
use burn::nn::loss::{MseLoss, Reduction};
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::{Bytes, Device, Tensor, TensorData};

/// Layer sizes and nonlinearity: all that is needed to build the network on a device.
#[derive(Clone, Debug)]
pub struct NetConfig {
    /// Of the hidden layers.
    pub activation: Activation,
}

/// A perceptron.
#[derive(Module, Debug)]
pub struct Net {
    layers: Vec<Linear>,
    #[module(skip)]
    activation: Activation,
}

impl NetConfig {
    /// The network with those numbers in its layers.
    pub fn init(&self, layers: &[Layer], device: &Device) -> Net {
        let layers = layers.iter().enumerate().map(|(i, layer)| linear(i, layer, device)).collect();
        Net { layers, activation: self.activation }
    }
}

/// Parameters are numbered by their place, so that an optimizer's saved state finds them again.
fn linear(i: usize, layer: &Layer, device: &Device) -> Linear {
    let weight = TensorData::new(layer.weights.clone(), [layer.inputs, layer.outputs]);
    let bias = TensorData::new(layer.biases.clone(), [layer.outputs]);
    let id = |k| ParamId::from(2 * i as u64 + k);
    Linear {
        weight: Param::initialized(id(1), Tensor::from_data(weight, device).require_grad()),
        bias: Some(Param::initialized(id(2), Tensor::from_data(bias, device).require_grad())),
    }
}

impl Net {
    /// Predicts.
    pub fn forward(&self, pictures: Tensor<2>) -> Tensor<2> {
        let mut x = pictures; // [batch, inputs]
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

/// A network that learns with the library's automatic differentiation and optimizers.
pub struct Reference {
    net: Net,
    config: NetConfig,
    optimizer: ModuleOptimizer,
    device: Device,
}

impl Reference {
    /// Begins with `layers` on `device`.
    pub fn new(layers: &[Layer], activation: Activation, optimizer: Optimizer, device: Device) -> Self {
        let device = device.autodiff();
        let config = NetConfig { activation };
        Self { net: config.init(layers, &device), config, optimizer: module_optimizer(optimizer), device }
    }

    fn tensor(&self, numbers: &[f32], columns: usize) -> Tensor<2> {
        let data = TensorData::new(numbers.to_vec(), [numbers.len() / columns, columns]);
        Tensor::from_data(data, &self.device)
    }

    fn loss(&self, pictures: &[f32], targets: &[f32]) -> Tensor<1> {
        let (inputs, outputs) = self.sizes();
        let said = self.net.forward(self.tensor(pictures, inputs)); // [batch, outputs]
        MseLoss::new().forward(said, self.tensor(targets, outputs), Reduction::Mean) // [1]
    }

    fn sizes(&self) -> (usize, usize) {
        let size = |l: usize, axis: usize| self.net.layers[l].weight.val().dims()[axis];
        (size(0, 0), size(self.net.layers.len() - 1, 1))
    }
}

/// The library's optimizers with the constants of [`Optimizer`]; its momentum would dampen by 0.1 and not look ahead.
fn module_optimizer(optimizer: Optimizer) -> ModuleOptimizer {
    match optimizer {
        Optimizer::Adam => AdamConfig::new().with_epsilon(super::fast::EPSILON).init(),
        Optimizer::Nesterov { momentum } => {
            let momentum = MomentumConfig::new()
                .with_momentum(f64::from(momentum))
                .with_dampening(0.0)
                .with_nesterov(true);
            SgdConfig::new().with_momentum(Some(momentum)).init()
        }
    }
}

impl Engine for Reference {
    fn step(&mut self, pictures: &[f32], targets: &[f32], lr: f32) -> Result<f64> {
        let loss = self.loss(pictures, targets);
        let gradients = GradientsParams::from_grads(loss.backward(), &self.net);
        self.net = self.optimizer.step(f64::from(lr), self.net.clone(), gradients);
        scalar(loss)
    }

    fn squared_error(&mut self, pictures: &[f32], targets: &[f32]) -> Result<f64> {
        Ok(scalar(self.loss(pictures, targets))? * targets.len() as f64)
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
        self.optimizer = self.optimizer.clone().from_bytes(state).map_err(|e| {
            foreign("the optimizer's state could not be read", e).help("start the training anew")
        })?;
        Ok(())
    }
}

fn scalar(tensor: Tensor<1>) -> Result<f64> {
    let data = tensor.try_into_data().map_err(|e| foreign("the device failed", e))?;
    let values = data.try_into_vec_as::<f32>().map_err(|e| foreign("the device failed", e))?;
    Ok(values.first().map_or(f64::NAN, |&x| f64::from(x)))
}

fn foreign(what: &str, cause: impl std::fmt::Debug) -> Error {
    Error::new(Kind::Io, format!("{what}: {cause:?}"))
}

/// The device of that name, for [`Reference`].
pub fn device(name: &str) -> Result<Device> {
    match name {
        "wgpu" => wgpu(),
        "cuda" => cuda(),
        other => Err(Error::new(Kind::Invalid, format!("there is no device '{other}'"))
            .help("choose cpu, wgpu (Vulkan, Metal, DirectX) or cuda")),
    }
}

#[cfg(feature = "wgpu")]
fn wgpu() -> Result<Device> {
    first("wgpu", burn::tensor::DeviceType::Wgpu)
}

#[cfg(not(feature = "wgpu"))]
fn wgpu() -> Result<Device> {
    Err(not_built("wgpu"))
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<Device> {
    first("cuda", burn::tensor::DeviceType::Cuda)
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Result<Device> {
    Err(not_built("cuda"))
}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn first(name: &str, kind: burn::tensor::DeviceType) -> Result<Device> {
    Device::enumerate(kind).into_vec().into_iter().next().ok_or_else(|| {
        Error::new(Kind::Invalid, format!("no {name} device was found on this machine"))
            .help("check the driver, or train on the CPU with --device cpu")
    })
}

#[cfg(not(all(feature = "wgpu", feature = "cuda")))]
fn not_built(name: &str) -> Error {
    Error::new(Kind::Invalid, format!("this program was built without the device '{name}'"))
        .help(format!("build it with 'cargo build --release --features {name}', or train with --device cpu"))
}
