//! Products of sequences with weights that come in parts (the gates of a recurrent unit, the taps of a
//! convolution), and their gradients.
//!
//! Every number is one chain of fused multiply-adds in a fixed order (see [`crate::kernels`]), parts in their
//! order and inputs ascending: the result of a frame does not depend on the batch, on the division into
//! blocks or on the threads.

use crate::kernels::{Elementwise, Panels, Processor, Row, WIDTH, ZERO, transpose};
use crate::sequence::layout::{Layout, TickSpan, in_parallel};
use rayon::prelude::*;

/// Pairs of panels that are multiplied at a time: their weights stay in the first-level cache for all rows of
/// a block.
const PAIRS_AT_A_TIME: usize = 3;
/// Rows by which gradients of weights are summed up at a time, for the same reason.
const GRADIENT_ROWS: usize = 64;

/// x shifted by some frames, times a part of the weights.
#[derive(Clone, Copy)]
pub struct ProductTerm<'a> {
    /// `[rows, inputs]`
    pub x: &'a Panels,
    /// Frames by which x is read later (negative: earlier).
    pub shift: isize,
    /// `[parts · inputs, outputs]`
    pub weights: &'a Panels,
    /// Number of the part.
    pub part: usize,
}

/// Computes `sums = bias + Σ x · w` over the terms, for one span; `sums` has the rows of each panel of the
/// outputs. Without a bias the products are added to what is there.
pub fn multiply(
    processor: Processor,
    terms: &[ProductTerm],
    bias: Option<&[&Row]>,
    span: &TickSpan,
    sums: &mut [&mut [Row]],
) {
    for (q, sums) in sums.iter_mut().enumerate() {
        if let Some(bias) = bias {
            sums.fill(*bias[q]);
        }
        let pairs = terms.iter().flat_map(|term| {
            let row = span.shifted(term.shift);
            let weights = part(term.weights, q, term.part, term.x.columns());
            weights.enumerate().map(move |(p, weights)| (&term.x.panel(p)[row..], weights))
        });
        let width = terms.first().map_or(0, |term| term.weights.width_of(q));
        add_products(processor, pairs, sums, width);
    }
}

/// The `r`-th row of each panel: biases for [`multiply`].
pub fn row_of(matrix: &Panels, r: usize) -> Vec<&Row> {
    (0..matrix.panels()).map(|q| &matrix.panel(q)[r]).collect()
}

/// Panel `q` of part `part` of weights in chunks that fit the panels of `inputs` inputs.
pub fn part(weights: &Panels, q: usize, part: usize, inputs: usize) -> impl Iterator<Item = &[Row]> {
    weights.panel(q)[part * inputs..][..inputs].chunks(WIDTH)
}

/// Adds the products of pairs (rows, weights) to `sums`, whose first `width` columns count.
pub fn add_products<'a>(
    processor: Processor,
    pairs: impl Iterator<Item = (&'a [Row], &'a [Row])>,
    sums: &mut [Row],
    width: usize,
) {
    let mut waiting = [(&[][..], &[][..]); PAIRS_AT_A_TIME];
    let mut count = 0;
    for pair in pairs {
        waiting[count] = pair;
        count += 1;
        if count == PAIRS_AT_A_TIME {
            processor.by_rows(&waiting, sums, width);
            count = 0;
        }
    }
    processor.by_rows(&waiting[..count], sums, width);
}

/// Transposes each part: `[parts · inputs, outputs]` to `[parts · outputs, inputs]`.
pub fn transpose_parts(weights: &Panels, parts: usize, transposed: &mut Panels) {
    let (inputs, outputs) = (weights.rows() / parts, weights.columns());
    transposed.reshape(parts * outputs, inputs);
    transposed.all_mut().par_chunks_mut(parts * outputs).enumerate().for_each(|(p, panel)| {
        for (i, rows) in panel.chunks_mut(outputs).enumerate() {
            for (q, rows) in rows.chunks_mut(WIDTH).enumerate() {
                let block = part(weights, q, i, inputs).nth(p).expect("as many chunks as panels");
                transpose(block, rows);
            }
        }
    });
}

/// The factors of the gradient of one parameter.
pub enum ProductSource<'a> {
    /// Weights: for each part xᵀ · y, with x (`[rows, inputs]`) read some frames later and y (`[rows,
    /// outputs]`) the gradient of the loss with respect to the product.
    Products(Vec<(&'a Panels, isize, &'a Panels)>),
    /// Biases: for each row of them the sum of the rows of y.
    Sums(Vec<&'a Panels>),
}

/// Computes all gradients into `gradients`, which have the shapes of the parameters, and returns the sum of
/// their squares. Tiles of 48 × 48 are divided among the threads; each sums up all frames in order.
pub fn gradients(
    processor: Processor,
    layout: &Layout,
    sources: &[ProductSource],
    gradients: &mut [Panels],
) -> f64 {
    let spans: Vec<TickSpan> = layout.pieces(GRADIENT_ROWS).collect();
    let tiles = sources.iter().zip(gradients).flat_map(|(source, gradient)| tiles(source, gradient));
    let squares = in_parallel(tiles.collect(), |mut tile: Tile| {
        tile.sum(processor, &spans);
        let mut squares = ZERO;
        processor.vectorise(AddSquares { rows: tile.rows, squares: &mut squares });
        squares.iter().map(|&x| f64::from(x)).sum::<f64>()
    });
    squares.iter().sum()
}

/// Up to 48 × 48 numbers of a gradient.
struct Tile<'a> {
    /// One panel of x, and its shift; `None` for biases.
    x: Option<(&'a [Row], isize)>,
    /// One panel.
    y: &'a [Row],
    rows: &'a mut [Row],
}

fn tiles<'a>(source: &ProductSource<'a>, gradient: &'a mut Panels) -> Vec<Tile<'a>> {
    let rows = gradient.rows();
    let panels = gradient.all_mut().chunks_mut(rows).enumerate();
    match source {
        ProductSource::Products(parts) => panels
            .flat_map(|(q, panel)| {
                let parts = panel.chunks_mut(rows / parts.len()).zip(parts.iter().copied());
                parts.flat_map(move |(rows, (x, shift, y))| {
                    let tile = move |(p, rows)| Tile { x: Some((x.panel(p), shift)), y: y.panel(q), rows };
                    rows.chunks_mut(WIDTH).enumerate().map(tile)
                })
            })
            .collect(),
        ProductSource::Sums(parts) => panels
            .flat_map(|(q, panel)| {
                let rows = panel.chunks_mut(1).zip(parts.iter().copied());
                rows.map(move |(rows, y)| Tile { x: None, y: y.panel(q), rows })
            })
            .collect(),
    }
}

impl Tile<'_> {
    fn sum(&mut self, processor: Processor, spans: &[TickSpan]) {
        self.rows.fill(ZERO);
        for span in spans {
            let y = &self.y[span.row..][..span.rows];
            match self.x {
                Some((x, shift)) => processor.by_columns(&x[span.shifted(shift)..], 0, y, self.rows),
                None => processor.vectorise(AddRows { rows: y, sum: &mut self.rows[0] }),
            }
        }
    }
}

/// sum += Σ rows
struct AddRows<'a> {
    rows: &'a [Row],
    sum: &'a mut Row,
}

impl Elementwise for AddRows<'_> {
    #[inline(always)]
    fn run(self) {
        for row in self.rows {
            for (sum, x) in self.sum.iter_mut().zip(row) {
                *sum += x;
            }
        }
    }
}

/// squares += Σ rows²
struct AddSquares<'a> {
    rows: &'a [Row],
    squares: &'a mut Row,
}

impl Elementwise for AddSquares<'_> {
    #[inline(always)]
    fn run(self) {
        for row in self.rows {
            for (sum, x) in self.squares.iter_mut().zip(row) {
                *sum += x * x;
            }
        }
    }
}
