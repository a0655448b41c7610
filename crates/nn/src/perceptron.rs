//! Perceptrons on the CPU: forward pass, gradients and step rule.
//!
//! The numbers are those of the textbook (tests compare them with plain loops in double precision) in fewer
//! passes: weights live in cache-sized panels that are never repacked, bias and nonlinearity are applied to a
//! block of sums while it is in the first-level cache, the gradient with respect to the input is never
//! formed, and the gradient of the weights exists only as one tile of 48 × 48 at a time, which the step rule
//! consumes at once. Results do not depend on the number of threads (see [`kernels`](crate::kernels)).
//!
//! ```
//! use kinophone_nn::activation::Activation;
//! use kinophone_nn::backend::TrainBackend;
//! use kinophone_nn::layer;
//! use kinophone_nn::optimizer::Optimizer;
//! use kinophone_nn::perceptron::{Perceptron, PerceptronTrainer};
//!
//! let layers = layer::initial(&[2, 16, 1], Activation::Relu, &[0.5], [1; 32]);
//! let mut trainer = PerceptronTrainer::new(&layers, Activation::Relu, Optimizer::Adam);
//! let (inputs, targets) = ([-1.0, -1.0, -1.0, 1.0, 1.0, -1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 0.0]);
//! let first = trainer.step(&inputs, &targets, 1e-2)?;
//! let last = (0..500).map(|_| trainer.step(&inputs, &targets, 1e-2)).last().expect("steps")?;
//! assert!(last < 0.1 * first);
//!
//! let net = Perceptron::new(&trainer.layers(), Activation::Relu);
//! let mut predicted = [0.0; 4];
//! net.predict(&mut net.workspace(), &inputs, &mut predicted);
//! # Ok::<(), kinophone_nn::Error>(())
//! ```

#[cfg(test)]
mod tests;

use crate::activation::Activation;
use crate::error::Result;
use crate::kernels::{
    OptimizerStep, Panels, Processor, Row, WIDTH, ZERO, activate, backward, for_tiles, forward,
    gradient_tile, slope,
};
use crate::layer::Layer;
use crate::optimizer::Optimizer;
use crate::tensors::Tensors;
use crate::train_backend::TrainBackend;
use rayon::prelude::*;

/// A fully connected layer in panels.
#[derive(Clone)]
pub struct Dense {
    /// `[inputs, outputs]`
    pub weights: Panels,
    /// `[1, outputs]`
    pub biases: Panels,
}

impl Dense {
    /// A layer of zeros.
    pub fn zeros(inputs: usize, outputs: usize) -> Self {
        Self { weights: Panels::zeros(inputs, outputs), biases: Panels::zeros(1, outputs) }
    }

    /// A layer with the numbers of `layer`.
    pub fn new(layer: &Layer) -> Self {
        Self {
            weights: Panels::from_rows(layer.inputs, layer.outputs, &layer.weights),
            biases: Panels::from_rows(1, layer.outputs, &layer.biases),
        }
    }

    /// The layer row by row.
    pub fn layer(&self) -> Layer {
        let (inputs, outputs) = (self.weights.rows(), self.weights.columns());
        Layer { inputs, outputs, weights: self.weights.to_rows(), biases: self.biases.to_rows() }
    }

    fn like(&self) -> Self {
        Self::zeros(self.weights.rows(), self.weights.columns())
    }
}

/// A perceptron that predicts.
#[derive(Clone)]
pub struct Perceptron {
    layers: Vec<Dense>,
    activation: Activation,
    processor: Processor,
}

/// Memory of a pass through a perceptron; kept between calls so that nothing is allocated.
pub struct Workspace {
    /// The input, then the output of every layer: `[batch, features]`.
    activations: Vec<Panels>,
}

impl Perceptron {
    /// A perceptron of layers that fit each other.
    pub fn new(layers: &[Layer], activation: Activation) -> Self {
        let layers = layers.iter().map(Dense::new).collect();
        Self { layers, activation, processor: Processor::detect() }
    }

    /// The layers.
    pub fn layers(&self) -> &[Dense] {
        &self.layers
    }

    /// An empty workspace.
    pub fn workspace(&self) -> Workspace {
        let inputs = Panels::zeros(0, self.layers[0].weights.rows());
        let outputs = self.layers.iter().map(|l| Panels::zeros(0, l.weights.columns()));
        Workspace { activations: std::iter::once(inputs).chain(outputs).collect() }
    }

    /// Predicts for `inputs` (`[batch, inputs]`, row by row) into `out` (`[batch, outputs]`). A row's result
    /// depends on that row alone.
    pub fn predict(&self, workspace: &mut Workspace, inputs: &[f32], out: &mut [f32]) {
        self.pass(workspace, inputs);
        copy_out(workspace.output(), out);
    }

    fn pass(&self, workspace: &mut Workspace, inputs: &[f32]) {
        copy_in(inputs, &mut workspace.activations[0]);
        let last = self.layers.len() - 1;
        for (l, layer) in self.layers.iter().enumerate() {
            let (before, after) = workspace.activations.split_at_mut(l + 1);
            forward(self.processor, &before[l], &layer.weights, &layer.biases, &mut after[0], |rows| {
                if l < last {
                    activate(self.processor, self.activation, rows);
                }
            });
        }
    }
}

impl Workspace {
    fn output(&self) -> &Panels {
        &self.activations[self.activations.len() - 1]
    }
}

/// Copies a batch of any size, row by row, into panels.
pub fn copy_in(values: &[f32], into: &mut Panels) {
    let columns = into.columns();
    let batch = values.len() / columns;
    into.set_rows(batch);
    if batch == 0 {
        return;
    }
    into.all_mut().par_chunks_mut(batch).enumerate().for_each(|(p, panel)| {
        let width = WIDTH.min(columns - p * WIDTH);
        for (row, from) in panel.iter_mut().zip(values.chunks_exact(columns)) {
            row[..width].copy_from_slice(&from[p * WIDTH..][..width]);
            row[width..].fill(0.0);
        }
    });
}

/// Copies a batch from panels, row by row.
pub fn copy_out(from: &Panels, values: &mut [f32]) {
    values.par_chunks_mut(from.columns()).enumerate().for_each(|(r, row)| {
        for (p, part) in row.chunks_mut(WIDTH).enumerate() {
            part.copy_from_slice(&from.panel(p)[r][..part.len()]);
        }
    });
}

/// A perceptron in training: mean squared error, Adam or Nesterov.
pub struct PerceptronTrainer {
    net: Perceptron,
    optimizer: Optimizer,
    /// m of [`OptimizerStep`], and v under Adam; one entry for each layer.
    first: Vec<Dense>,
    second: Vec<Dense>,
    /// Steps done.
    steps: u64,
    workspace: Workspace,
    /// Gradient of the loss with respect to the output of each layer, before the nonlinearity: `[batch,
    /// outputs]`.
    deltas: Vec<Panels>,
    transposed: Panels,
}

impl PerceptronTrainer {
    /// Begins the training with `layers`.
    pub fn new(layers: &[Layer], activation: Activation, optimizer: Optimizer) -> Self {
        let net = Perceptron::new(layers, activation);
        let zeros = || net.layers.iter().map(Dense::like).collect::<Vec<_>>();
        let second = if optimizer == Optimizer::Adam { zeros() } else { Vec::new() };
        Self {
            first: zeros(),
            second,
            optimizer,
            steps: 0,
            workspace: net.workspace(),
            deltas: net.layers.iter().map(|l| Panels::zeros(0, l.weights.columns())).collect(),
            transposed: Panels::zeros(0, 0),
            net,
        }
    }

    /// Returns the sum of squared errors of the pass just made; leaves 2 (y − t) / (batch · outputs) in the
    /// last delta.
    fn compare(&mut self, targets: &[f32]) -> f64 {
        let y = self.workspace.output();
        let (batch, outputs) = (y.rows(), y.columns());
        let scale = 2.0 / (batch * outputs) as f32;
        let delta = self.deltas.last_mut().expect("a network has layers");
        delta.set_rows(batch);
        let sums: Vec<f64> = delta
            .all_mut()
            .par_chunks_mut(batch.max(1))
            .enumerate()
            .map(|(q, panel)| {
                let width = y.width_of(q);
                let rows = panel.iter_mut().zip(y.panel(q)).zip(targets.chunks_exact(outputs));
                rows.map(|((d, y), t)| difference(&y[..width], &t[q * WIDTH..][..width], scale, d))
                    .sum::<f64>()
            })
            .collect();
        sums.iter().sum()
    }

    /// Propagates the last delta back and updates all layers, the last one first.
    fn update(&mut self, step: OptimizerStep) {
        let processor = self.net.processor;
        for l in (0..self.net.layers.len()).rev() {
            let inputs = &self.workspace.activations[l];
            let (before, after) = self.deltas.split_at_mut(l);
            let delta = &after[0];
            if let Some(previous) = before.last_mut() {
                let (weights, activation) = (&self.net.layers[l].weights, self.net.activation);
                backward(processor, delta, weights, &mut self.transposed, previous, |p, first, rows| {
                    slope(processor, activation, &inputs.panel(p)[first..][..rows.len()], rows);
                });
            }
            let second = self.second.get_mut(l);
            let state = LayerState { layer: &mut self.net.layers[l], first: &mut self.first[l], second };
            state.update(processor, step, inputs, delta);
        }
    }

    fn next_step(&mut self, lr: f32) -> OptimizerStep {
        self.steps += 1;
        match self.optimizer {
            Optimizer::Adam => OptimizerStep::adam(lr, self.steps),
            Optimizer::Nesterov { momentum } => OptimizerStep::Nesterov { size: lr, momentum },
        }
    }
}

/// Sets `delta` = scale · (y − t), padded with zeros; returns the sum of (y − t)².
fn difference(y: &[f32], t: &[f32], scale: f32, delta: &mut Row) -> f64 {
    *delta = ZERO;
    let mut sum = 0.0f32;
    for ((d, y), t) in delta.iter_mut().zip(y).zip(t) {
        let error = y - t;
        sum += error * error;
        *d = scale * error;
    }
    f64::from(sum)
}

/// A layer with the moments of its parameters; `second` is absent under Nesterov's rule.
struct LayerState<'a> {
    layer: &'a mut Dense,
    first: &'a mut Dense,
    second: Option<&'a mut Dense>,
}

impl LayerState<'_> {
    /// Makes one step, tile by tile: the gradient `inputsᵀ · delta` is consumed while it is in the cache.
    fn update(self, processor: Processor, step: OptimizerStep, inputs: &Panels, delta: &Panels) {
        let gradient = |p: usize, q: usize, rows: usize| {
            let mut sums = [ZERO; WIDTH];
            gradient_tile(processor, inputs, delta, p, q, &mut sums[..rows]);
            sums
        };
        let biases =
            |q: usize| delta.panel(q).iter().fold(ZERO, |sum, row| std::array::from_fn(|i| sum[i] + row[i]));
        match self.second {
            Some(second) => {
                let matrices = [&mut self.layer.weights, &mut self.first.weights, &mut second.weights];
                for_tiles(matrices, inputs.rows(), |q, p, [w, m, v]| {
                    step.apply(processor, w, &gradient(p, q, w.len())[..], m, v)
                });
                let matrices = [&mut self.layer.biases, &mut self.first.biases, &mut second.biases];
                for_tiles(matrices, inputs.rows(), |q, _, [w, m, v]| {
                    step.apply(processor, w, &[biases(q)], m, v)
                });
            }
            None => {
                let matrices = [&mut self.layer.weights, &mut self.first.weights];
                for_tiles(matrices, inputs.rows(), |q, p, [w, m]| {
                    step.apply(processor, w, &gradient(p, q, w.len())[..], m, &mut [])
                });
                let matrices = [&mut self.layer.biases, &mut self.first.biases];
                for_tiles(matrices, inputs.rows(), |q, _, [w, m]| {
                    step.apply(processor, w, &[biases(q)], m, &mut [])
                });
            }
        }
    }
}

impl TrainBackend for PerceptronTrainer {
    fn step(&mut self, inputs: &[f32], targets: &[f32], lr: f32) -> Result<f64> {
        self.net.pass(&mut self.workspace, inputs);
        let error = self.compare(targets) / targets.len() as f64;
        let step = self.next_step(lr);
        self.update(step);
        Ok(error)
    }

    fn squared_error(&mut self, inputs: &[f32], targets: &[f32]) -> Result<f64> {
        self.net.pass(&mut self.workspace, inputs);
        Ok(self.compare(targets))
    }

    fn layers(&self) -> Vec<Layer> {
        self.net.layers.iter().map(Dense::layer).collect()
    }

    fn save(&self, into: &mut Tensors) -> Result<()> {
        into.put_layers("layers", &self.layers());
        into.put_layers("first", &self.first.iter().map(Dense::layer).collect::<Vec<_>>());
        into.put_layers("second", &self.second.iter().map(Dense::layer).collect::<Vec<_>>());
        into.put_number("steps", self.steps);
        Ok(())
    }

    fn restore(&mut self, from: &Tensors) -> Result<()> {
        let shapes: Vec<_> =
            self.net.layers.iter().map(|l| (l.weights.rows(), l.weights.columns())).collect();
        self.net.layers = from.layers("layers", &shapes)?.iter().map(Dense::new).collect();
        self.first = from.layers("first", &shapes)?.iter().map(Dense::new).collect();
        let shapes = &shapes[..self.second.len()];
        self.second = from.layers("second", shapes)?.iter().map(Dense::new).collect();
        self.steps = from.number("steps")?;
        Ok(())
    }
}
