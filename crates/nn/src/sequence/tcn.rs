//! The convolutional network: dropout → linear → ReLU → residual blocks → linear.
//!
//! After Bai, Kolter and Koltun 2018 (*An Empirical Evaluation of Generic Convolutional and Recurrent
//! Networks for Sequence Modeling*, section 3), with one convolution a block and the nonlinearity inside the
//! branch: y ← y + ReLU(b + Σₖ W_k · dropout(y) at tap k). The three taps lie `dilation` ticks apart: −2d,
//! −d, 0 (causal) or −d, 0, d (centred). Ticks outside the sequence are zero before every convolution.

use crate::activation::Activation::Relu;
use crate::kernels::{Panels, Processor, ZERO, activate};
use crate::sequence::forward_context::ForwardContext;
use crate::sequence::layout::{Layout, TickBlock};
use crate::sequence::parameters::Parameter;
use crate::sequence::products::{ProductSource, ProductTerm, multiply, row_of, transpose_parts};
use crate::sequence::rng::{Site, draw_dropout};
use crate::sequence::vector_ops::{Add, GateProduct, scale, scale_in_place};

/// Taps of a convolution.
pub const TAPS: usize = 3;

// Positions in the list of parameters, the first two and those of block i.
pub const STEM: usize = 0;
pub const STEM_BIAS: usize = 1;

/// Position of the weights of block `i`; its biases follow, and after the last block the output layer.
pub fn block_index(i: usize) -> usize {
    2 + 2 * i
}

/// The parameters; the parts of a block are its taps, the earliest first.
pub fn parameters(inputs: usize, channels: usize, blocks: usize, outputs: usize) -> Vec<Parameter> {
    let stem = Parameter::layer("stem", &[inputs, channels], &[channels], inputs);
    let output = Parameter::layer("output", &[channels, outputs], &[outputs], channels);
    let block = |i| {
        let weights = [TAPS, channels, channels];
        Parameter::layer(&format!("block.{i}"), &weights, &[channels], TAPS * channels)
    };
    stem.into_iter().chain((0..blocks).flat_map(block)).chain(output).collect()
}

/// The matrices of a pass, one row for each frame: `[rows, channels]`.
pub struct Tcn {
    processor: Processor,
    dilations: Vec<usize>,
    causal: bool,
    /// Layout of the last training step.
    layout: Option<Layout>,
    /// ReLU of the first layer; then the gradient with respect to its sums.
    stem: Panels,
    /// y, the sum of stem and blocks so far.
    sum: Panels,
    /// Gradient with respect to y.
    gradient: Panels,
    blocks: Vec<Residual>,
    /// Gradient with respect to the input of a convolution.
    input_gradient: Panels,
    /// Transposed weights of each block and of the output layer.
    transposed: Vec<Panels>,
}

/// One block.
struct Residual {
    /// Factors of the dropout of y.
    factors: Panels,
    /// y after dropout.
    dropped: Panels,
    /// ReLU of the convolution; then the gradient with respect to its sums.
    branch: Panels,
}

impl Tcn {
    /// A network with parameters of those sizes, without rows.
    pub fn new(processor: Processor, channels: usize, dilations: &[usize], causal: bool) -> Self {
        let matrix = || Panels::zeros(0, channels);
        let block = |_| Residual { factors: matrix(), dropped: matrix(), branch: matrix() };
        Self {
            processor,
            dilations: dilations.to_vec(),
            causal,
            layout: None,
            stem: matrix(),
            sum: matrix(),
            gradient: matrix(),
            blocks: (0..dilations.len()).map(block).collect(),
            input_gradient: matrix(),
            transposed: vec![Panels::zeros(0, 0); dilations.len() + 1],
        }
    }

    /// The order of rows for a batch of windows.
    pub fn layout(&self, windows: usize, frames: usize) -> Layout {
        let widest = self.dilations.iter().max().unwrap_or(&0);
        let margin = if self.causal { 2 * widest } else { *widest };
        Layout { windows, frames, together: 1, margin }
    }

    fn allocate(&mut self, layout: Layout) {
        // Other windows of as many rows have their margins elsewhere.
        if self.layout != Some(layout) {
            self.layout = Some(layout);
            let rows = layout.rows();
            let blocks = self.blocks.iter_mut().flat_map(|b| [&mut b.factors, &mut b.dropped, &mut b.branch]);
            let rest = [&mut self.stem, &mut self.sum, &mut self.gradient, &mut self.input_gradient];
            for matrix in blocks.chain(rest) {
                *matrix = Panels::zeros(rows, matrix.columns());
            }
        }
    }

    /// Shift of each tap of a block, in ticks.
    fn shifts(&self, block: usize) -> [isize; TAPS] {
        let dilation = self.dilations[block] as isize;
        let middle = if self.causal { -dilation } else { 0 };
        [middle - dilation, middle, middle + dilation]
    }

    /// Forward pass of a training step: outputs with dropout.
    pub fn forward(&mut self, pass: &ForwardContext, weights: &[Panels], x: &Panels, out: &mut Panels) {
        self.allocate(pass.layout);
        self.begin(pass, weights, x);
        for i in 0..self.blocks.len() {
            self.drop(pass, i);
            self.convolve(pass, weights, i);
        }
        let output = block_index(self.blocks.len());
        let bias = row_of(&weights[output + 1], 0);
        pass.layout.for_blocks([out], |TickBlock { span, parts: [mut sums] }| {
            let term = ProductTerm { x: &self.sum, shift: 0, weights: &weights[output], part: 0 };
            multiply(self.processor, &[term], Some(&bias), &span, &mut sums);
        });
    }

    fn begin(&mut self, pass: &ForwardContext, weights: &[Panels], x: &Panels) {
        let processor = self.processor;
        let bias = row_of(&weights[STEM_BIAS], 0);
        pass.layout.for_blocks(
            [&mut self.stem, &mut self.sum],
            |TickBlock { span, parts: [mut stem, sum] }| {
                let term = ProductTerm { x, shift: 0, weights: &weights[STEM], part: 0 };
                multiply(processor, &[term], Some(&bias), &span, &mut stem);
                for (stem, sum) in stem.into_iter().zip(sum) {
                    activate(processor, Relu, stem);
                    sum.copy_from_slice(stem);
                }
            },
        );
    }

    fn drop(&mut self, pass: &ForwardContext, i: usize) {
        let (processor, sum) = (self.processor, &self.sum);
        let Residual { factors, dropped, .. } = &mut self.blocks[i];
        pass.layout.for_blocks([factors, dropped], |TickBlock { span, parts: [factors, dropped] }| {
            let mut rng = pass.rng.stream(Site::Hidden(i as u8), span.index);
            for (p, (factors, dropped)) in factors.into_iter().zip(dropped).enumerate() {
                draw_dropout(&mut rng, pass.dropout, factors);
                scale(processor, &sum.panel(p)[span.row..], factors, dropped);
            }
        });
    }

    fn convolve(&mut self, pass: &ForwardContext, weights: &[Panels], i: usize) {
        let (processor, shifts) = (self.processor, self.shifts(i));
        let bias = row_of(&weights[block_index(i) + 1], 0);
        let Residual { dropped, branch, .. } = &mut self.blocks[i];
        let terms: [_; TAPS] = std::array::from_fn(|part| ProductTerm {
            x: &*dropped,
            shift: shifts[part],
            weights: &weights[block_index(i)],
            part,
        });
        pass.layout.for_blocks([branch, &mut self.sum], |TickBlock { span, parts: [mut branch, sum] }| {
            multiply(processor, &terms, Some(&bias), &span, &mut branch);
            for (branch, sum) in branch.into_iter().zip(sum) {
                activate(processor, Relu, branch);
                processor.vectorise(Add { from: branch.as_flattened(), to: sum.as_flattened_mut() });
            }
        });
    }

    /// Back-propagation from `delta`, the gradient with respect to the outputs. The sum y stays, for the
    /// gradient of the output layer.
    pub fn backward(&mut self, pass: &ForwardContext, weights: &[Panels], delta: &Panels) {
        let count = self.blocks.len();
        for i in 0..=count {
            let parts = if i < count { TAPS } else { 1 };
            transpose_parts(&weights[block_index(i)], parts, &mut self.transposed[i]);
        }
        let processor = self.processor;
        let output = &self.transposed[count];
        pass.layout.for_blocks([&mut self.gradient], |TickBlock { span, parts: [mut sums] }| {
            let term = ProductTerm { x: delta, shift: 0, weights: output, part: 0 };
            multiply(processor, &[term], Some(&vec![&ZERO; sums.len()]), &span, &mut sums);
        });
        for i in (0..count).rev() {
            self.rectify_back(pass, i);
            self.convolve_back(pass, i);
        }
        let gradient = &self.gradient;
        pass.layout.for_blocks([&mut self.stem], |TickBlock { span, parts: [stem] }| {
            for (p, stem) in stem.into_iter().enumerate() {
                let gradients = gradient.panel(p)[span.row..].as_flattened();
                processor.vectorise(GateProduct { gradients, outputs: stem.as_flattened_mut() });
            }
        });
    }

    /// Replaces the branch by the gradient with respect to its sums.
    fn rectify_back(&mut self, pass: &ForwardContext, i: usize) {
        let (processor, gradient) = (self.processor, &self.gradient);
        pass.layout.for_blocks([&mut self.blocks[i].branch], |TickBlock { span, parts: [branch] }| {
            for (p, branch) in branch.into_iter().enumerate() {
                let gradients = gradient.panel(p)[span.row..].as_flattened();
                processor.vectorise(GateProduct { gradients, outputs: branch.as_flattened_mut() });
            }
        });
    }

    /// Adds the gradient that comes through the branch to that with respect to y.
    fn convolve_back(&mut self, pass: &ForwardContext, i: usize) {
        let (processor, shifts) = (self.processor, self.shifts(i));
        let Residual { factors, branch, .. } = &self.blocks[i];
        // The gradient of a tap goes the other way.
        let terms: [_; TAPS] = std::array::from_fn(|part| ProductTerm {
            x: branch,
            shift: -shifts[part],
            weights: &self.transposed[i],
            part,
        });
        let matrices = [&mut self.input_gradient, &mut self.gradient];
        pass.layout.for_blocks(matrices, |TickBlock { span, parts: [mut input_gradient, gradient] }| {
            multiply(processor, &terms, Some(&vec![&ZERO; input_gradient.len()]), &span, &mut input_gradient);
            for (p, (input_gradient, gradient)) in input_gradient.into_iter().zip(gradient).enumerate() {
                scale_in_place(processor, &factors.panel(p)[span.row..], input_gradient);
                processor
                    .vectorise(Add { from: input_gradient.as_flattened(), to: gradient.as_flattened_mut() });
            }
        });
    }

    /// The factors of the gradients of all parameters, after [`Tcn::backward`].
    pub fn sources<'a>(&'a self, x: &'a Panels, delta: &'a Panels) -> Vec<ProductSource<'a>> {
        let mut sources =
            vec![ProductSource::Products(vec![(x, 0, &self.stem)]), ProductSource::Sums(vec![&self.stem])];
        for (i, block) in self.blocks.iter().enumerate() {
            let taps = self.shifts(i).map(|shift| (&block.dropped, shift, &block.branch));
            sources
                .extend([ProductSource::Products(taps.to_vec()), ProductSource::Sums(vec![&block.branch])]);
        }
        sources
            .extend([ProductSource::Products(vec![(&self.sum, 0, delta)]), ProductSource::Sums(vec![delta])]);
        sources
    }
}

#[cfg(test)]
impl Tcn {
    /// Factors of the dropout of the last training step.
    pub fn factors(&self) -> Vec<&Panels> {
        self.blocks.iter().map(|block| &block.factors).collect()
    }
}
