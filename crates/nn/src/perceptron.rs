//! The fast twin of [`net`](crate::gpu) for the CPU: forward pass, gradients and step rule of a perceptron.
//!
//! It computes what the reference computes (tests compare the two) in fewer passes: weights live in cache-sized
//! panels that are never repacked, bias and nonlinearity are applied to a block of sums while it is in the
//! first-level cache, the gradient with respect to the picture is never formed, and the gradient of the weights
//! exists only as one tile of 48 × 48 at a time, which the step rule consumes at once. Results do not depend on the
//! number of threads (see [`kernel`]).

#[cfg(test)]
mod tests;

use crate::activation::Activation;
use crate::backend::TrainBackend;
use crate::error::Result;
use crate::kernels::{
    OptimizerStep, Panels, Processor, Row, WIDTH, ZERO, activate, backward, for_tiles, forward,
    gradient_tile, slope,
};
use crate::layer::Layer;
use crate::optimizer::Optimizer;
use crate::tensors::Tensors;
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
    /// All zeros.
    pub fn zeros(inputs: usize, outputs: usize) -> Self {
        Self { weights: Panels::zeros(inputs, outputs), biases: Panels::zeros(1, outputs) }
    }

    /// Takes the numbers of `layer`.
    pub fn new(layer: &Layer) -> Self {
        Self {
            weights: Panels::from_rows(layer.inputs, layer.outputs, &layer.weights),
            biases: Panels::from_rows(1, layer.outputs, &layer.biases),
        }
    }

    /// The numbers row by row.
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

/// What a pass through a perceptron needs besides the weights; kept between calls so that nothing is allocated.
pub struct Workspace {
    /// The input, then the output of every layer: `[batch, features]`.
    activations: Vec<Panels>,
}

impl Perceptron {
    /// From layers that fit each other.
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

    /// Predicts for `pictures` (`[batch, inputs]`, row by row) into `out` (`[batch, outputs]`). A row's result
    /// depends on that row alone.
    pub fn predict(&self, workspace: &mut Workspace, pictures: &[f32], out: &mut [f32]) {
        self.pass(workspace, pictures);
        copy_out(workspace.output(), out);
    }

    fn pass(&self, workspace: &mut Workspace, pictures: &[f32]) {
        copy_in(pictures, &mut workspace.activations[0]);
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

/// Takes a batch of any size, row by row, into panels.
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

/// Gives back a batch row by row.
pub fn copy_out(from: &Panels, values: &mut [f32]) {
    values.par_chunks_mut(from.columns()).enumerate().for_each(|(r, row)| {
        for (p, part) in row.chunks_mut(WIDTH).enumerate() {
            part.copy_from_slice(&from.panel(p)[r][..part.len()]);
        }
    });
}

/// A perceptron that learns: mean squared error, Adam or Nesterov.
pub struct PerceptronTrainer {
    net: Perceptron,
    optimizer: Optimizer,
    /// m of [`OptimizerStep`], and v under Adam; one entry a layer.
    first: Vec<Dense>,
    second: Vec<Dense>,
    /// Steps done.
    steps: u64,
    workspace: Workspace,
    /// Gradient of the loss with respect to the output of each layer, before the nonlinearity: `[batch, outputs]`.
    deltas: Vec<Panels>,
    turned: Panels,
}

impl PerceptronTrainer {
    /// Begins with `layers`.
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
            turned: Panels::zeros(0, 0),
            net,
        }
    }

    /// Sum of squared errors of the pass just made; leaves 2 (y − t) / (batch · outputs) in the last delta.
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

    /// Propagates the last delta back and changes all layers, the last one first.
    fn learn(&mut self, step: OptimizerStep) {
        let processor = self.net.processor;
        for l in (0..self.net.layers.len()).rev() {
            let inputs = &self.workspace.activations[l];
            let (before, after) = self.deltas.split_at_mut(l);
            let delta = &after[0];
            if let Some(previous) = before.last_mut() {
                let (weights, activation) = (&self.net.layers[l].weights, self.net.activation);
                backward(processor, delta, weights, &mut self.turned, previous, |p, first, rows| {
                    slope(processor, activation, &inputs.panel(p)[first..][..rows.len()], rows);
                });
            }
            let second = self.second.get_mut(l);
            change(processor, step, &mut self.net.layers[l], &mut self.first[l], second, inputs, delta);
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

/// `delta` = scale · (y − t), padded with zeros; gives the sum of (y − t)².
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

/// One step of one layer, tile by tile: the gradient `inputsᵀ · delta` is consumed while it is in the cache.
fn change(
    processor: Processor,
    step: OptimizerStep,
    layer: &mut Dense,
    first: &mut Dense,
    second: Option<&mut Dense>,
    inputs: &Panels,
    delta: &Panels,
) {
    let gradient = |p: usize, q: usize, rows: usize| {
        let mut sums = [ZERO; WIDTH];
        gradient_tile(processor, inputs, delta, p, q, &mut sums[..rows]);
        sums
    };
    let biases =
        |q: usize| delta.panel(q).iter().fold(ZERO, |sum, row| std::array::from_fn(|i| sum[i] + row[i]));
    match second {
        Some(second) => {
            let matrices = [&mut layer.weights, &mut first.weights, &mut second.weights];
            for_tiles(matrices, inputs.rows(), |q, p, [w, m, v]| {
                step.apply(processor, w, &gradient(p, q, w.len())[..], m, v)
            });
            let matrices = [&mut layer.biases, &mut first.biases, &mut second.biases];
            for_tiles(matrices, inputs.rows(), |q, _, [w, m, v]| {
                step.apply(processor, w, &[biases(q)], m, v)
            });
        }
        None => {
            let matrices = [&mut layer.weights, &mut first.weights];
            for_tiles(matrices, inputs.rows(), |q, p, [w, m]| {
                step.apply(processor, w, &gradient(p, q, w.len())[..], m, &mut [])
            });
            let matrices = [&mut layer.biases, &mut first.biases];
            for_tiles(matrices, inputs.rows(), |q, _, [w, m]| {
                step.apply(processor, w, &[biases(q)], m, &mut [])
            });
        }
    }
}

impl TrainBackend for PerceptronTrainer {
    fn step(&mut self, pictures: &[f32], targets: &[f32], lr: f32) -> Result<f64> {
        self.net.pass(&mut self.workspace, pictures);
        let error = self.compare(targets) / targets.len() as f64;
        let step = self.next_step(lr);
        self.learn(step);
        Ok(error)
    }

    fn squared_error(&mut self, pictures: &[f32], targets: &[f32]) -> Result<f64> {
        self.net.pass(&mut self.workspace, pictures);
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
