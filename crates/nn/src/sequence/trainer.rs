//! Training of sequence networks on batches of windows.

#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use crate::kernels::{Panels, Processor, WIDTH, ZERO};
use crate::sequence::Architecture;
use crate::sequence::adamw::{AdamWState, AdamWStep};
use crate::sequence::forward_context::ForwardContext;
use crate::sequence::gru::Gru;
use crate::sequence::layout::{Layout, TickBlock};
use crate::sequence::loss::{Loss, Losses};
use crate::sequence::net::SequenceNet;
use crate::sequence::parameters::{NamedTensor, Parameter, TensorIndex, save};
use crate::sequence::products::{ProductSource, gradients};
use crate::sequence::rng::{Site, StepRng, add_noise, draw_dropout};
use crate::sequence::tcn::Tcn;
use crate::sequence::vector_ops::scale_in_place;
use serde::{Deserialize, Serialize};

/// The hyperparameters of a training, apart from the step sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HyperParams {
    /// Seed of the initial weights and of all draws.
    pub seed: u64,
    /// Probability of dropping an input.
    pub input_dropout: f32,
    /// Probability of dropping a unit after the recurrence, or before each convolution.
    pub hidden_dropout: f32,
    /// Standard deviation of the noise added to the inputs before dropout; 0 adds none.
    pub noise: f32,
    /// Frames at the beginning of each window that carry no loss, as the network lacks the ticks before.
    pub lead: usize,
    /// Largest norm of the gradient of all parameters together.
    pub clip: f32,
    /// AdamW's decay of the mean and of the mean square.
    pub betas: [f32; 2],
    /// AdamW's pull of the weights (not the biases) towards zero, as a part of lr.
    pub decay: f32,
    /// Decay of the moving average of the weights, which begins with the initial weights.
    pub average: f32,
}

impl HyperParams {
    /// The standard hyperparameters of a network.
    pub fn new(architecture: &Architecture, seed: u64) -> Self {
        let hidden_dropout = if matches!(architecture, Architecture::Gru { .. }) { 0.35 } else { 0.175 };
        Self {
            seed,
            input_dropout: 0.35,
            hidden_dropout,
            noise: 0.0,
            lead: 16,
            clip: 1.0,
            betas: [0.9, 0.99],
            decay: 0.05,
            average: 0.98,
        }
    }

    fn check(&self) -> Result<()> {
        let part = |x: f32| (0.0..1.0).contains(&x);
        let shares = [self.input_dropout, self.hidden_dropout, self.betas[0], self.betas[1], self.average];
        let sizes = [self.noise, self.decay];
        let good = shares.into_iter().all(part) && sizes.iter().all(|x| x.is_finite() && *x >= 0.0);
        if good && self.clip > 0.0 {
            Ok(())
        } else {
            Err(Error::Invalid(format!("these hyperparameters are out of range: {self:?}")))
        }
    }
}

/// A batch of windows of sequences.
#[derive(Clone, Copy, Debug)]
pub struct WindowBatch<'a> {
    /// Number of windows.
    pub windows: usize,
    /// Ticks of each.
    pub frames: usize,
    /// `[windows, frames, inputs]`
    pub inputs: &'a [f32],
    /// `[windows, frames, outputs]`
    pub targets: &'a [f32],
    /// `[windows, frames]`: true where the frame is in the loss, provided that it lies beyond the lead.
    pub counted: &'a [bool],
}

/// A network with the matrices of its passes.
enum TrainedNetwork {
    Gru(Box<Gru>),
    Tcn(Box<Tcn>),
}

impl TrainedNetwork {
    fn new(processor: Processor, architecture: &Architecture) -> Self {
        match architecture {
            Architecture::Gru { projection, hidden, .. } => {
                Self::Gru(Box::new(Gru::new(processor, *projection, *hidden)))
            }
            Architecture::Tcn { channels, dilations, causal, .. } => {
                Self::Tcn(Box::new(Tcn::new(processor, *channels, dilations, *causal)))
            }
        }
    }

    fn layout(&self, windows: usize, frames: usize) -> Layout {
        match self {
            Self::Gru(_) => Gru::layout(windows, frames),
            Self::Tcn(tcn) => tcn.layout(windows, frames),
        }
    }

    fn forward(&mut self, pass: &ForwardContext, weights: &[Panels], x: &Panels, out: &mut Panels) {
        match self {
            Self::Gru(gru) => gru.forward(pass, weights, x, out),
            Self::Tcn(tcn) => tcn.forward(pass, weights, x, out),
        }
    }

    fn backward(&mut self, pass: &ForwardContext, weights: &[Panels], delta: &Panels) {
        match self {
            Self::Gru(gru) => gru.backward(pass, weights, delta),
            Self::Tcn(tcn) => tcn.backward(pass, weights, delta),
        }
    }

    fn sources<'a>(&'a self, x: &'a Panels, delta: &'a Panels) -> Vec<ProductSource<'a>> {
        match self {
            Self::Gru(gru) => gru.sources(x, delta),
            Self::Tcn(tcn) => tcn.sources(x, delta),
        }
    }
}

/// A network in training. The same seed, batches and step sizes give the same bits on one kind of processor,
/// whatever the number of threads.
pub struct SequenceTrainer {
    architecture: Architecture,
    hyper: HyperParams,
    losses: Losses,
    processor: Processor,
    parameters: Vec<Parameter>,
    weights: Vec<Panels>,
    average: Vec<Panels>,
    moments: [Vec<Panels>; 2],
    /// Steps done.
    steps: u64,
    network: TrainedNetwork,
    gradients: Vec<Panels>,
    /// Inputs with noise and dropout: `[rows, inputs]`.
    x: Panels,
    /// Outputs, then the gradient with respect to them: `[rows, outputs]`.
    out: Panels,
}

/// Results of back-propagation besides the gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
struct StepResult {
    loss: f64,
    /// Norm of the gradient.
    norm: f64,
}

impl SequenceTrainer {
    /// Begins with random weights. There is one loss for each output.
    pub fn new(architecture: &Architecture, losses: &[Loss], hyper: &HyperParams) -> Result<Self> {
        Self::on(Processor::detect(), architecture, losses, hyper)
    }

    fn on(
        processor: Processor,
        architecture: &Architecture,
        losses: &[Loss],
        hyper: &HyperParams,
    ) -> Result<Self> {
        architecture.check()?;
        hyper.check()?;
        if losses.len() != architecture.outputs() {
            return Err(Error::Invalid("there must be one loss for each output".to_owned()));
        }
        let parameters = architecture.parameters();
        let zeros = || parameters.iter().map(Parameter::zeros).collect::<Vec<_>>();
        let weights = architecture.initial(hyper.seed);
        Ok(Self {
            losses: Losses::new(processor, losses)?,
            average: weights.clone(),
            weights,
            moments: [zeros(), zeros()],
            gradients: zeros(),
            steps: 0,
            network: TrainedNetwork::new(processor, architecture),
            x: Panels::zeros(0, architecture.inputs()),
            out: Panels::zeros(0, architecture.outputs()),
            architecture: architecture.clone(),
            hyper: hyper.clone(),
            parameters,
            processor,
        })
    }

    /// Steps done, those before a restart included.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Makes one step; returns the loss before it, with dropout. A batch without a counted frame has the loss
    /// 0 and changes no weight, but counts as a step. When the loss or its gradient is not finite, the step
    /// fails and changes nothing.
    pub fn step(&mut self, batch: &WindowBatch, lr: f32) -> Result<f64> {
        let Some(StepResult { loss, norm }) = self.propagate(batch)? else {
            self.steps += 1;
            return Ok(0.0);
        };
        if !(loss.is_finite() && norm.is_finite()) {
            return Err(Error::Diverged);
        }
        self.steps += 1;
        self.update(norm, lr);
        Ok(loss)
    }

    /// Computes loss and gradients of all parameters; `None` if no frame is counted.
    fn propagate(&mut self, batch: &WindowBatch) -> Result<Option<StepResult>> {
        self.check(batch)?;
        let frames = batch.frames.max(1);
        let beyond_lead = |(i, counted): (usize, &bool)| *counted && i % frames >= self.hyper.lead;
        let counted: Vec<bool> = batch.counted.iter().enumerate().map(beyond_lead).collect();
        let count = counted.iter().filter(|&&c| c).count();
        if count == 0 {
            return Ok(None);
        }
        let layout = self.network.layout(batch.windows, batch.frames);
        let rng = StepRng { seed: self.hyper.seed, step: self.steps };
        let pass = ForwardContext { layout, rng, dropout: self.hyper.hidden_dropout };
        self.take_inputs(&pass, batch.inputs);
        self.network.forward(&pass, &self.weights, &self.x, &mut self.out);
        let loss = self.losses.compare(&layout, &mut self.out, batch.targets, &counted, count);
        self.network.backward(&pass, &self.weights, &self.out);
        let sources = self.network.sources(&self.x, &self.out);
        let norm = gradients(self.processor, &layout, &sources, &mut self.gradients).sqrt();
        Ok(Some(StepResult { loss, norm }))
    }

    fn check(&self, batch: &WindowBatch) -> Result<()> {
        let places = batch.windows * batch.frames;
        let sizes = [batch.inputs.len(), batch.targets.len(), batch.counted.len()];
        if sizes == [places * self.architecture.inputs(), places * self.architecture.outputs(), places] {
            Ok(())
        } else {
            Err(Error::Invalid("the batch does not have the sizes of the network".to_owned()))
        }
    }

    /// Copies the inputs with noise and dropout.
    fn take_inputs(&mut self, pass: &ForwardContext, values: &[f32]) {
        for matrix in [&mut self.x, &mut self.out] {
            if matrix.rows() != pass.layout.rows() {
                *matrix = Panels::zeros(pass.layout.rows(), matrix.columns());
            }
        }
        let (processor, hyper, frames) = (self.processor, &self.hyper, pass.layout.frames);
        let inputs = self.architecture.inputs();
        pass.layout.for_blocks([&mut self.x], |TickBlock { span, parts: [panels] }| {
            let mut noise = pass.rng.stream(Site::Noise, span.index);
            let mut dropout = pass.rng.stream(Site::Input, span.index);
            let mut factors = vec![ZERO; span.rows];
            for (p, rows) in panels.into_iter().enumerate() {
                let width = WIDTH.min(inputs - p * WIDTH);
                for (row, (window, frame)) in rows.iter_mut().zip(span.places()) {
                    let first = (window * frames + frame) * inputs + p * WIDTH;
                    row[..width].copy_from_slice(&values[first..first + width]);
                    if hyper.noise > 0.0 {
                        add_noise(&mut noise, hyper.noise, &mut row[..width]);
                    }
                }
                if hyper.input_dropout > 0.0 {
                    draw_dropout(&mut dropout, hyper.input_dropout, &mut factors);
                    scale_in_place(processor, &factors, rows);
                }
            }
        });
    }

    fn update(&mut self, norm: f64, lr: f32) {
        let hyper = &self.hyper;
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let left = hyper.betas.map(|beta| 1.0 - f64::from(beta).powi(steps));
        let step = AdamWStep {
            // The guard is that of PyTorch's `clip_grad_norm_`.
            clip: (f64::from(hyper.clip) / (norm + 1e-6)).min(1.0) as f32,
            betas: hyper.betas,
            size: (f64::from(lr) / left[0]) as f32,
            spread: (1.0 / left[1].sqrt()) as f32,
            shrink: (1.0 - f64::from(lr) * f64::from(hyper.decay)) as f32,
            follow: (1.0 - f64::from(hyper.average)) as f32,
        };
        let decays: Vec<bool> = self.parameters.iter().map(|p| p.decays).collect();
        let state =
            AdamWState { weights: &mut self.weights, average: &mut self.average, moments: &mut self.moments };
        step.apply(self.processor, &self.gradients, &decays, state);
    }

    /// The network with the averaged weights.
    pub fn net(&self) -> SequenceNet {
        SequenceNet::from_parts(self.architecture.clone(), self.average.clone())
    }

    /// The state that a later run needs to continue: weights, their average, both moments, and the number of
    /// steps as two numbers of base 2²⁴.
    pub fn save(&self) -> Vec<NamedTensor> {
        let [first, second] = &self.moments;
        let groups = [&self.weights, &self.average, first, second];
        let mut tensors: Vec<NamedTensor> = PREFIXES
            .iter()
            .zip(groups)
            .flat_map(|(prefix, matrices)| save(prefix, &self.parameters, matrices))
            .collect();
        let values = vec![(self.steps % BASE) as f32, (self.steps / BASE) as f32];
        tensors.push(NamedTensor { name: STEPS.to_owned(), shape: vec![2], values });
        tensors
    }

    /// Restores the state of [`SequenceTrainer::save`] into a trainer of the same architecture; changes
    /// nothing if it does not fit. The hyperparameters are not stored: give the same ones.
    pub fn restore(&mut self, tensors: &[NamedTensor]) -> Result<()> {
        let stored = TensorIndex::new(tensors);
        let [weights, average, first, second] =
            PREFIXES.map(|prefix| stored.matrices(prefix, &self.parameters));
        let (weights, average, moments) = (weights?, average?, [first?, second?]);
        let steps = match stored.values(STEPS, &[2])? {
            [low, high] if [*low, *high].iter().all(|x| (0.0..BASE as f32).contains(x)) => {
                *low as u64 + BASE * *high as u64
            }
            _ => return Err(Error::Damaged(format!("has an impossible '{STEPS}'"))),
        };
        (self.weights, self.average, self.moments, self.steps) = (weights, average, moments, steps);
        Ok(())
    }
}

/// Prefixes of the stored matrices.
const PREFIXES: [&str; 4] = ["weights", "average", "first", "second"];
/// Name of the stored number of steps.
const STEPS: &str = "steps";
/// Whole numbers below this are exact in single precision.
const BASE: u64 = 1 << 24;
