//! The recurrent network: dropout → linear → ReLU → gated recurrent unit → dropout → linear.
//!
//! The unit is that of Cho et al. 2014 (*Learning Phrase Representations using RNN Encoder–Decoder*,
//! equations 5–8) with the reset gate applied after the recurrent product, as cuDNN and PyTorch have it:
//!
//! - r = σ(W_ir x + W_hr h + b_r), z = σ(W_iz x + W_hz h + b_z),
//! - n = tanh(W_in x + b_in + r ∘ (W_hn h + b_hn)),
//! - h′ = (1 − z) ∘ n + z ∘ h.
//!
//! PyTorch's two biases of r, and of z, are one here: only their sum matters.

use crate::activation::Activation::Relu;
use crate::kernels::{Panels, Processor, Row, ZERO, activate, slope};
use crate::sequence::forward_context::ForwardContext;
use crate::sequence::gates::{GateSlopes, Gates};
use crate::sequence::layout::{Layout, TickBlock};
use crate::sequence::parameters::Parameter;
use crate::sequence::products::{
    ProductSource, ProductTerm, add_products, multiply, part, row_of, transpose_parts,
};
use crate::sequence::rng::{Site, draw_dropout};
use crate::sequence::vector_ops::{Add, scale, scale_in_place};

/// Windows that go through the recurrence side by side: the kernel's eight rows.
const GROUP_WINDOWS: usize = 8;

// Positions in the list of parameters.
const PROJECTION: usize = 0;
const PROJECTION_BIAS: usize = 1;
const INPUT: usize = 2;
const INPUT_BIAS: usize = 3;
const HIDDEN: usize = 4;
const HIDDEN_BIAS: usize = 5;
const OUTPUT: usize = 6;
const OUTPUT_BIAS: usize = 7;

/// The parameters; the three parts are r, z and n.
pub fn parameters(inputs: usize, projection: usize, hidden: usize, outputs: usize) -> Vec<Parameter> {
    [
        Parameter::layer("projection", &[inputs, projection], &[projection], inputs),
        Parameter::layer("gru.input", &[3, projection, hidden], &[3, hidden], hidden),
        // Only the recurrent bias of n is separate.
        Parameter::layer("gru.hidden", &[3, hidden, hidden], &[hidden], hidden),
        Parameter::layer("output", &[hidden, outputs], &[outputs], hidden),
    ]
    .concat()
}

/// The matrices of a pass, one row for each frame: `[rows, units]`.
pub struct Gru {
    processor: Processor,
    /// Layout of the last training step.
    layout: Option<Layout>,
    /// ReLU of the projection.
    projected: Panels,
    /// Gradient with respect to the sums of the projection.
    projected_gradient: Panels,
    /// r, z, n and W_hn h + b_hn; then the gradients with respect to their sums.
    gates: [Panels; 4],
    /// h. The margin before each group holds the state to begin with.
    states: Panels,
    /// Factors of the dropout of h.
    factors: Panels,
    /// h after dropout.
    dropped: Panels,
    /// Gradient with respect to h.
    gradient: Panels,
    /// Transposed weights.
    transposed: [Panels; 3],
}

impl Gru {
    /// A network with parameters of those sizes, without rows.
    pub fn new(processor: Processor, projection: usize, hidden: usize) -> Self {
        let matrix = || Panels::zeros(0, hidden);
        Self {
            processor,
            layout: None,
            projected: Panels::zeros(0, projection),
            projected_gradient: Panels::zeros(0, projection),
            gates: std::array::from_fn(|_| matrix()),
            states: matrix(),
            factors: matrix(),
            dropped: matrix(),
            gradient: matrix(),
            transposed: std::array::from_fn(|_| Panels::zeros(0, 0)),
        }
    }

    /// The order of rows for a batch of windows.
    pub fn layout(windows: usize, frames: usize) -> Layout {
        Layout { windows, frames, together: GROUP_WINDOWS, margin: 1 }
    }

    /// Allocates the matrices of prediction (`rows` of the layout), with a state of zeros.
    pub fn allocate(&mut self, rows: usize) {
        let Self { projected, gates, states, .. } = self;
        for matrix in gates.iter_mut().chain([projected, states]) {
            *matrix = Panels::zeros(rows, matrix.columns());
        }
    }

    fn allocate_for_training(&mut self, layout: Layout) {
        // Other windows of as many rows have their margins elsewhere.
        if self.layout != Some(layout) {
            self.layout = Some(layout);
            let rows = layout.rows();
            self.allocate(rows);
            let Self { projected_gradient, factors, dropped, gradient, .. } = self;
            for matrix in [projected_gradient, factors, dropped, gradient] {
                *matrix = Panels::zeros(rows, matrix.columns());
            }
        }
    }

    /// Computes the states h for inputs x.
    pub fn run(&mut self, weights: &[Panels], layout: &Layout, x: &Panels) {
        self.sum_inputs(weights, layout, x);
        let processor = self.processor;
        let bias = row_of(&weights[HIDDEN_BIAS], 0);
        let [r, z, n, u] = &mut self.gates;
        layout.for_groups([r, z, n, u, &mut self.states], |group| {
            recur(processor, &weights[HIDDEN], &bias, group);
        });
    }

    /// Computes the sums that do not depend on the state, for all frames at once.
    fn sum_inputs(&mut self, weights: &[Panels], layout: &Layout, x: &Panels) {
        let processor = self.processor;
        let bias = row_of(&weights[PROJECTION_BIAS], 0);
        layout.for_blocks([&mut self.projected], |TickBlock { span, parts: [mut sums] }| {
            let term = ProductTerm { x, shift: 0, weights: &weights[PROJECTION], part: 0 };
            multiply(processor, &[term], Some(&bias), &span, &mut sums);
            sums.into_iter().for_each(|rows| activate(processor, Relu, rows));
        });
        let x = &self.projected;
        let biases: [_; 3] = std::array::from_fn(|gate| row_of(&weights[INPUT_BIAS], gate));
        let [r, z, n, _] = &mut self.gates;
        layout.for_blocks([r, z, n], |TickBlock { span, mut parts }| {
            for (part, (sums, bias)) in parts.iter_mut().zip(&biases).enumerate() {
                let term = ProductTerm { x, shift: 0, weights: &weights[INPUT], part };
                multiply(processor, &[term], Some(bias), &span, sums);
            }
        });
    }

    /// Computes the outputs from the states, without dropout.
    pub fn output(&self, weights: &[Panels], layout: &Layout, out: &mut Panels) {
        let bias = row_of(&weights[OUTPUT_BIAS], 0);
        layout.for_blocks([out], |TickBlock { span, parts: [mut sums] }| {
            let term = ProductTerm { x: &self.states, shift: 0, weights: &weights[OUTPUT], part: 0 };
            multiply(self.processor, &[term], Some(&bias), &span, &mut sums);
        });
    }

    /// Carries the last state of a single sequence over to the next frames.
    pub fn carry_state(&mut self, layout: &Layout) {
        let (rows, last) = (self.states.rows(), layout.frames);
        for panel in self.states.all_mut().chunks_mut(rows) {
            panel[0] = panel[last];
        }
    }

    /// Sets the state of a single sequence to zero.
    pub fn reset_state(&mut self) {
        let rows = self.states.rows();
        for panel in self.states.all_mut().chunks_mut(rows) {
            panel[0] = ZERO;
        }
    }

    /// Forward pass of a training step: outputs with dropout.
    pub fn forward(&mut self, pass: &ForwardContext, weights: &[Panels], x: &Panels, out: &mut Panels) {
        self.allocate_for_training(pass.layout);
        self.run(weights, &pass.layout, x);
        let (processor, states) = (self.processor, &self.states);
        let bias = row_of(&weights[OUTPUT_BIAS], 0);
        let matrices = [&mut self.factors, &mut self.dropped, out];
        pass.layout.for_blocks(matrices, |TickBlock { span, parts: [factors, mut dropped, mut sums] }| {
            let mut rng = pass.rng.stream(Site::Hidden(0), span.index);
            for (p, (factors, dropped)) in factors.into_iter().zip(&mut dropped).enumerate() {
                draw_dropout(&mut rng, pass.dropout, factors);
                scale(processor, &states.panel(p)[span.row..], factors, dropped);
            }
            for (q, sums) in sums.iter_mut().enumerate() {
                sums.fill(*bias[q]);
                let chunks = part(&weights[OUTPUT], q, 0, states.columns());
                let pairs = dropped.iter().map(|rows| &**rows).zip(chunks);
                add_products(processor, pairs, sums, weights[OUTPUT].width_of(q));
            }
        });
    }

    /// Back-propagation through time from `delta`, the gradient with respect to the outputs.
    pub fn backward(&mut self, pass: &ForwardContext, weights: &[Panels], delta: &Panels) {
        let parts = [(OUTPUT, 1), (HIDDEN, 3), (INPUT, 3)];
        for (transposed, (which, parts)) in self.transposed.iter_mut().zip(parts) {
            transpose_parts(&weights[which], parts, transposed);
        }
        let (processor, layout) = (self.processor, &pass.layout);
        let [output, hidden, input] = &self.transposed;
        let factors = &self.factors;
        layout.for_blocks([&mut self.gradient], |TickBlock { span, parts: [mut sums] }| {
            let term = ProductTerm { x: delta, shift: 0, weights: output, part: 0 };
            multiply(processor, &[term], Some(&vec![&ZERO; sums.len()]), &span, &mut sums);
            for (p, sums) in sums.into_iter().enumerate() {
                scale_in_place(processor, &factors.panel(p)[span.row..], sums);
            }
        });
        let (states, [r, z, n, u]) = (&self.states, &mut self.gates);
        layout.for_groups([r, z, n, u, &mut self.gradient], |group| {
            recur_back(processor, hidden, states, group);
        });
        let (gates, projected) = (&self.gates, &self.projected);
        layout.for_blocks([&mut self.projected_gradient], |TickBlock { span, parts: [mut sums] }| {
            let terms: [_; 3] =
                std::array::from_fn(|part| ProductTerm { x: &gates[part], shift: 0, weights: input, part });
            multiply(processor, &terms, Some(&vec![&ZERO; sums.len()]), &span, &mut sums);
            for (p, sums) in sums.into_iter().enumerate() {
                slope(processor, Relu, &projected.panel(p)[span.row..][..span.rows], sums);
            }
        });
    }

    /// The factors of the gradients of all parameters, after [`Gru::backward`].
    pub fn sources<'a>(&'a self, x: &'a Panels, delta: &'a Panels) -> Vec<ProductSource<'a>> {
        let (a, h, [r, z, n, u]) = (&self.projected, &self.states, &self.gates);
        let da = &self.projected_gradient;
        vec![
            ProductSource::Products(vec![(x, 0, da)]),
            ProductSource::Sums(vec![da]),
            ProductSource::Products([r, z, n].map(|y| (a, 0, y)).to_vec()),
            ProductSource::Sums(vec![r, z, n]),
            ProductSource::Products([r, z, u].map(|y| (h, -1, y)).to_vec()),
            ProductSource::Sums(vec![u]),
            ProductSource::Products(vec![(&self.dropped, 0, delta)]),
            ProductSource::Sums(vec![delta]),
        ]
    }
}

#[cfg(test)]
impl Gru {
    /// Factors of the dropout of the last training step.
    pub fn factors(&self) -> Vec<&Panels> {
        vec![&self.factors]
    }
}

/// Runs the recurrence of one group, from the sums of the inputs. Parts: r, z, n, W_hn h + b_hn, h.
fn recur(processor: Processor, weights: &Panels, bias: &[&Row], group: TickBlock<'_, 5>) {
    let TickBlock { span, parts: [mut r, mut z, mut n, mut u, mut h] } = group;
    let units = weights.columns();
    for first in (span.stride..span.rows).step_by(span.stride) {
        let (now, before) = (first..first + span.stride, first - span.stride..first);
        for q in 0..h.len() {
            u[q][now.clone()].fill(*bias[q]);
            for (gate, sums) in [&mut r[q], &mut z[q], &mut u[q]].into_iter().enumerate() {
                let states = h.iter().map(|panel| &panel[before.clone()]);
                let pairs = states.zip(part(weights, q, gate, units));
                add_products(processor, pairs, &mut sums[now.clone()], weights.width_of(q));
            }
        }
        for q in 0..h.len() {
            let (past, present) = h[q].split_at_mut(first);
            let gates = Gates {
                reset: &mut r[q][now.clone()],
                update: &mut z[q][now.clone()],
                candidate: &mut n[q][now.clone()],
                recurrent: &u[q][now.clone()],
            };
            gates.pass(processor, &past[before.clone()], &mut present[..span.stride]);
        }
    }
}

/// Runs the recurrence of one group backwards. `weights` are transposed; parts as for [`recur`], but the last
/// is the gradient with respect to h from the outputs, to which that from the frame after is added.
fn recur_back(processor: Processor, weights: &Panels, states: &Panels, group: TickBlock<'_, 5>) {
    let TickBlock { span, parts: [mut r, mut z, mut n, mut u, mut gradient] } = group;
    let units = weights.columns();
    for first in (span.stride..span.rows).step_by(span.stride).rev() {
        let (now, before) = (first..first + span.stride, first - span.stride..first);
        for q in 0..gradient.len() {
            let slopes = GateSlopes {
                reset: r[q][now.clone()].as_flattened_mut(),
                update: z[q][now.clone()].as_flattened_mut(),
                candidate: n[q][now.clone()].as_flattened_mut(),
                recurrent: u[q][now.clone()].as_flattened_mut(),
                before: states.panel(q)[span.row..][before.clone()].as_flattened(),
                gradient: gradient[q][now.clone()].as_flattened_mut(),
            };
            processor.vectorise(slopes);
        }
        // The state before frame 0 is given, not learned.
        if first == span.stride {
            break;
        }
        for (q, gradient) in gradient.iter_mut().enumerate() {
            let (earlier, later) = gradient.split_at_mut(first);
            let sums = &mut earlier[before.clone()];
            processor
                .vectorise(Add { from: later[..span.stride].as_flattened(), to: sums.as_flattened_mut() });
            let gates = [&r, &z, &u].into_iter().enumerate();
            let pairs = gates.flat_map(|(gate, panels)| {
                let rows = panels.iter().map(|panel| &panel[now.clone()]);
                rows.zip(part(weights, q, gate, units))
            });
            add_products(processor, pairs, sums, weights.width_of(q));
        }
    }
}
