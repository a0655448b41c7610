//! Prediction of a sequence piece by piece. Sums have the same order however the sequence is divided, so
//! pieces give the bits of the whole.

use crate::activation::Activation::Relu;
use crate::kernels::{Panels, Processor, Row, WIDTH, ZERO, activate};
use crate::sequence::Architecture;
use crate::sequence::gru::Gru;
use crate::sequence::layout::{Layout, TickBlock};
use crate::sequence::products::{ProductTerm, multiply, row_of};
use crate::sequence::tcn::{STEM, STEM_BIAS, TAPS, block_index};
use crate::sequence::vector_ops::Add;
use std::sync::Arc;

/// Ticks that are worked on at a time.
pub const CHUNK: usize = 256;

/// The prediction of a sequence that comes tick by tick. Outputs are late by [`Architecture::delay`] ticks.
pub struct SequenceStream {
    architecture: Architecture,
    weights: Arc<Vec<Panels>>,
    /// `[rows, inputs]`
    x: Panels,
    /// `[rows, outputs]`
    out: Panels,
    state: StreamState,
}

/// The state of a stream between ticks.
enum StreamState {
    Gru(Box<Gru>),
    Tcn(Convolutions),
}

impl SequenceStream {
    /// A stream at the beginning of a sequence.
    pub(crate) fn new(architecture: Architecture, weights: Arc<Vec<Panels>>) -> Self {
        let processor = Processor::detect();
        let (state, rows) = match &architecture {
            Architecture::Gru { projection, hidden, .. } => {
                let rows = Gru::layout(1, CHUNK).rows();
                let mut gru = Gru::new(processor, *projection, *hidden);
                gru.allocate(rows);
                (StreamState::Gru(Box::new(gru)), rows)
            }
            Architecture::Tcn { channels, dilations, causal, .. } => {
                let rows = CHUNK + architecture.delay();
                (StreamState::Tcn(Convolutions::new(processor, *channels, dilations, *causal, rows)), rows)
            }
        };
        let (x, out) =
            (Panels::zeros(rows, architecture.inputs()), Panels::zeros(rows, architecture.outputs()));
        Self { architecture, weights, x, out, state }
    }

    /// Takes one tick (`[inputs]`) and writes the tick that lies [`Architecture::delay`] before it to `out`
    /// (`[outputs]`), if there is one; returns true if it did.
    pub fn push(&mut self, tick: &[f32], out: &mut [f32]) -> bool {
        assert_eq!(tick.len(), self.architecture.inputs(), "one tick at a time");
        self.push_all(tick, out) == 1
    }

    /// Takes some ticks (`[ticks, inputs]`), writes those that are done to the beginning of `out` (`[up to
    /// ticks, outputs]`), and returns their number.
    pub fn push_all(&mut self, ticks: &[f32], out: &mut [f32]) -> usize {
        let outputs = self.architecture.outputs();
        let mut done = 0;
        for ticks in ticks.chunks(CHUNK * self.architecture.inputs()) {
            done += self.push_chunk(ticks, &mut out[done * outputs..]);
        }
        done
    }

    fn push_chunk(&mut self, ticks: &[f32], out: &mut [f32]) -> usize {
        let count = ticks.len() / self.architecture.inputs();
        match &mut self.state {
            StreamState::Gru(gru) => {
                let layout = Gru::layout(1, count);
                // The first row of the layout is the margin.
                copy_in(ticks, &mut self.x, 1);
                gru.run(&self.weights, &layout, &self.x);
                gru.output(&self.weights, &layout, &mut self.out);
                gru.carry_state(&layout);
                copy_out(&self.out, 1, count, out);
                count
            }
            StreamState::Tcn(tcn) => {
                copy_in(ticks, &mut self.x, 0);
                tcn.begin(&self.weights, &self.x, count);
                let done = tcn.run(&self.weights, count, false, &mut self.out);
                copy_out(&self.out, 0, done, out);
                done
            }
        }
    }

    /// Ends the sequence: writes the last ticks, at most [`Architecture::delay`], to the beginning of `out`
    /// and returns their number. The next tick begins a new sequence.
    pub fn finish(&mut self, out: &mut [f32]) -> usize {
        match &mut self.state {
            StreamState::Gru(gru) => {
                gru.reset_state();
                0
            }
            StreamState::Tcn(tcn) => {
                let done = tcn.run(&self.weights, 0, true, &mut self.out);
                copy_out(&self.out, 0, done, out);
                tcn.reset();
                done
            }
        }
    }
}

/// The blocks of a convolutional network, each of which keeps the ticks that its taps still need.
struct Convolutions {
    processor: Processor,
    causal: bool,
    /// Inputs and outputs of the blocks: `[rows, channels]`.
    flow: Panels,
    blocks: Vec<BlockHistory>,
}

/// The ticks that one block has taken and still needs.
struct BlockHistory {
    dilation: usize,
    /// Rows in use of `rows`, oldest first: while nothing was taken, the zeros before the sequence.
    filled: usize,
    rows: Panels,
}

impl Convolutions {
    fn new(processor: Processor, channels: usize, dilations: &[usize], causal: bool, rows: usize) -> Self {
        let past = |&dilation: &usize| BlockHistory {
            dilation,
            filled: 0,
            rows: Panels::zeros(2 * dilation + rows, channels),
        };
        let blocks = dilations.iter().map(past).collect();
        let mut new = Self { processor, causal, flow: Panels::zeros(rows, channels), blocks };
        new.reset();
        new
    }

    /// Back to the beginning of a sequence.
    fn reset(&mut self) {
        for block in &mut self.blocks {
            block.filled = block.dilation * if self.causal { 2 } else { 1 };
            block.rows.all_mut().fill(ZERO);
        }
    }

    /// Runs the first layer, for `count` rows of x.
    fn begin(&mut self, weights: &[Panels], x: &Panels, count: usize) {
        let (processor, bias) = (self.processor, row_of(&weights[STEM_BIAS], 0));
        rows_of(count).for_blocks([&mut self.flow], |TickBlock { span, parts: [mut sums] }| {
            let term = ProductTerm { x, shift: 0, weights: &weights[STEM], part: 0 };
            multiply(processor, &[term], Some(&bias), &span, &mut sums);
            sums.into_iter().for_each(|rows| activate(processor, Relu, rows));
        });
    }

    /// Runs blocks and last layer for `count` rows of the flow, and at the `end` for the zeros after the
    /// sequence; returns the number of rows of `out`.
    fn run(&mut self, weights: &[Panels], count: usize, end: bool, out: &mut Panels) -> usize {
        let mut count = count;
        for (i, block) in self.blocks.iter_mut().enumerate() {
            block.take(&self.flow, count, end && !self.causal);
            let place = block_index(i);
            let (weights, biases) = (&weights[place], &weights[place + 1]);
            count = block.convolve(self.processor, self.causal, weights, biases, &mut self.flow);
        }
        let output = block_index(self.blocks.len());
        let (processor, bias) = (self.processor, row_of(&weights[output + 1], 0));
        rows_of(count).for_blocks([out], |TickBlock { span, parts: [mut sums] }| {
            let term = ProductTerm { x: &self.flow, shift: 0, weights: &weights[output], part: 0 };
            multiply(processor, &[term], Some(&bias), &span, &mut sums);
        });
        count
    }
}

impl BlockHistory {
    /// Takes the first `count` rows of the flow, and at the `end` the zeros after the sequence.
    fn take(&mut self, flow: &Panels, count: usize, end: bool) {
        let height = self.rows.rows();
        let zeros = if end { self.dilation } else { 0 };
        for (p, panel) in self.rows.all_mut().chunks_mut(height).enumerate() {
            let free = &mut panel[self.filled..];
            free[..count].copy_from_slice(&flow.panel(p)[..count]);
            free[count..count + zeros].fill(ZERO);
        }
        self.filled += count + zeros;
    }

    /// Writes all rows that have their taps to the flow, returns their number, and drops rows that no later
    /// one needs.
    fn convolve(
        &mut self,
        processor: Processor,
        causal: bool,
        weights: &Panels,
        biases: &Panels,
        flow: &mut Panels,
    ) -> usize {
        let count = self.filled.saturating_sub(2 * self.dilation);
        let (rows, dilation) = (&self.rows, self.dilation);
        // The tap that a row is added to: its own tick.
        let own = if causal { 2 * dilation } else { dilation };
        let terms: [_; TAPS] = std::array::from_fn(|part| ProductTerm {
            x: rows,
            shift: (part * dilation) as isize,
            weights,
            part,
        });
        let bias = row_of(biases, 0);
        rows_of(count).for_blocks([flow], |TickBlock { span, parts: [mut sums] }| {
            multiply(processor, &terms, Some(&bias), &span, &mut sums);
            for (p, sums) in sums.into_iter().enumerate() {
                activate(processor, Relu, sums);
                let from = rows.panel(p)[span.row + own..][..span.rows].as_flattened();
                processor.vectorise(Add { from, to: sums.as_flattened_mut() });
            }
        });
        self.drop_rows(count);
        count
    }

    fn drop_rows(&mut self, count: usize) {
        let (height, filled) = (self.rows.rows(), self.filled);
        for panel in self.rows.all_mut().chunks_mut(height) {
            panel.copy_within(count..filled, 0);
        }
        self.filled -= count;
    }
}

/// The layout of a single sequence without margins.
fn rows_of(count: usize) -> Layout {
    Layout { windows: 1, frames: count, together: 1, margin: 0 }
}

/// Copies whole rows of numbers into the rows of `to` from `first` on.
fn copy_in(values: &[f32], to: &mut Panels, first: usize) {
    let (height, columns) = (to.rows(), to.columns());
    for (p, panel) in to.all_mut().chunks_mut(height).enumerate() {
        let width = WIDTH.min(columns - p * WIDTH);
        for (row, from) in panel[first..].iter_mut().zip(values.chunks_exact(columns)) {
            row[..width].copy_from_slice(&from[p * WIDTH..][..width]);
        }
    }
}

/// Copies `count` rows of `from`, from `first` on, row by row.
fn copy_out(from: &Panels, first: usize, count: usize, values: &mut [f32]) {
    let columns = from.columns();
    for (r, values) in values[..count * columns].chunks_exact_mut(columns).enumerate() {
        for (p, part) in values.chunks_mut(WIDTH).enumerate() {
            let row: &Row = &from.panel(p)[first + r];
            part.copy_from_slice(&row[..part.len()]);
        }
    }
}
