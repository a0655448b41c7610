//! The three products of a fully connected layer, in blocks for the cache and the threads.
//!
//! The assignment of blocks to threads is random; the result is not, see `processor.rs`.

use crate::kernels::panels::{Panels, Row, WIDTH, ZERO, transpose};
use crate::kernels::processor::Processor;
use rayon::prelude::*;

/// Rows of a batch that one block holds: a block of activations, one of weights and the sums fit the
/// first-level cache.
const BLOCK_ROWS: usize = 64;
/// From this batch on, activations outgrow the second-level cache, and a block covers three panels of outputs
/// for each time that it fetches them.
const LARGE_BATCH: usize = 256;
/// Panels of inputs that are summed up before sums leave the registers.
const PANELS_IN_REGISTERS: usize = 3;
/// Rows of a batch that a block of the backward product holds, in panels of the transposed gradient.
const TRANSPOSED_BLOCK_ROWS: usize = 2 * WIDTH;
/// Rows of a batch by which weight gradients are summed up at a time.
const GRADIENT_ROWS: usize = 2 * WIDTH;
/// Tiles of 48 × 48 weights that one parallel piece changes.
const TILES_A_PIECE: usize = 8;

/// The forward product, y = `finish`(x · w + b). Shapes: x `[batch, in]`, w `[in, out]`, b `[1, out]`, y
/// `[batch, out]`.
pub fn forward(
    processor: Processor,
    x: &Panels,
    w: &Panels,
    b: &Panels,
    y: &mut Panels,
    finish: impl Fn(&mut [Row]) + Sync,
) {
    let batch = x.rows();
    if batch == 0 {
        return;
    }
    y.set_rows(batch);
    let block = batch.div_ceil(batch.div_ceil(BLOCK_ROWS)).next_multiple_of(8);
    let together = panels_together(batch);
    blocks(y.all_mut(), batch, block, together).into_par_iter().for_each(
        |ProductBlock { panel, row, mut sums }| {
            for (q, sums) in (panel..).zip(&mut sums) {
                sums.fill(b.panel(q)[0]);
            }
            for p in (0..x.panels()).step_by(PANELS_IN_REGISTERS) {
                for (q, sums) in (panel..).zip(&mut sums) {
                    let pair = |p: usize| (&x.panel(p)[row..], chunk(w.panel(q), p));
                    let pairs: [_; PANELS_IN_REGISTERS] =
                        std::array::from_fn(|i| pair((p + i).min(x.panels() - 1)));
                    let count = (x.panels() - p).min(PANELS_IN_REGISTERS);
                    processor.by_rows(&pairs[..count], sums, w.width_of(q));
                }
            }
            sums.into_iter().for_each(&finish);
        },
    );
}

/// The `p`-th 48 rows of a panel, fewer at its end.
fn chunk(panel: &[Row], p: usize) -> &[Row] {
    let rows = &panel[p * WIDTH..];
    &rows[..rows.len().min(WIDTH)]
}

/// Rows of a batch in a few neighbouring panels: the work of one thread.
struct ProductBlock<'a> {
    /// Number of the first panel.
    panel: usize,
    /// Number of the first row.
    row: usize,
    /// The rows, panel by panel.
    sums: Vec<&'a mut [Row]>,
}

/// Divides panels of `batch` rows into blocks of `rows` rows and `together` panels.
fn blocks(panels: &mut [Row], batch: usize, rows: usize, together: usize) -> Vec<ProductBlock<'_>> {
    let group = |(g, panels)| {
        let panels: &mut [Row] = panels;
        let mut parts: Vec<_> = panels.chunks_mut(batch).map(|panel| panel.chunks_mut(rows)).collect();
        (0..batch.div_ceil(rows)).map(move |i| {
            let sums = parts.iter_mut().filter_map(Iterator::next).collect();
            ProductBlock { panel: g * together, row: i * rows, sums }
        })
    };
    panels.chunks_mut(batch * together).enumerate().flat_map(group).collect()
}

/// The backward product, x = `finish`(y · wᵀ); padding is zero before `finish`. Shapes as for [`forward`];
/// `transposed` is scratch. `finish` gets the panel of x and the first row of the block besides the block.
pub fn backward(
    processor: Processor,
    y: &Panels,
    w: &Panels,
    transposed: &mut Panels,
    x: &mut Panels,
    finish: impl Fn(usize, usize, &mut [Row]) + Sync,
) {
    let batch = y.rows();
    if batch == 0 {
        return;
    }
    transpose_panels(y, transposed);
    let transposed = &*transposed;
    x.set_rows(batch);
    let inputs = x.columns();
    x.all_mut().par_chunks_mut(batch).enumerate().for_each(|(p, panel)| {
        let features = WIDTH.min(inputs - p * WIDTH);
        panel.par_chunks_mut(TRANSPOSED_BLOCK_ROWS).enumerate().for_each(|(i, block)| {
            for (k, rows) in block.chunks_mut(WIDTH).enumerate() {
                let mut sums = [ZERO; WIDTH];
                let gradients = transposed.panel(i * (TRANSPOSED_BLOCK_ROWS / WIDTH) + k);
                for q in (0..w.panels()).step_by(PANELS_IN_REGISTERS) {
                    let pair = |q: usize| (&w.panel(q)[p * WIDTH..], chunk(gradients, q));
                    let pairs: [_; PANELS_IN_REGISTERS] =
                        std::array::from_fn(|i| pair((q + i).min(w.panels() - 1)));
                    let count = (w.panels() - q).min(PANELS_IN_REGISTERS);
                    processor.by_rows(&pairs[..count], &mut sums[..features], rows.len());
                }
                transpose(&sums[..features], rows);
            }
            finish(p, i * TRANSPOSED_BLOCK_ROWS, block);
        });
    });
}

/// Sets `transposed` = yᵀ, so that the backward product can run along the batch. Shapes: y `[batch, out]`,
/// transposed `[out, batch]`.
fn transpose_panels(y: &Panels, transposed: &mut Panels) {
    transposed.reshape(y.columns(), y.rows());
    transposed.all_mut().par_chunks_mut(y.columns()).enumerate().for_each(|(i, panel)| {
        panel.par_chunks_mut(WIDTH).enumerate().for_each(|(q, block)| {
            let rows = &y.panel(q)[i * WIDTH..];
            transpose(&rows[..rows.len().min(WIDTH)], block);
        });
    });
}

/// Adds one tile of xᵀ · y to `sums`: rows 48 p … of panel q. Shapes: x `[batch, in]`, y `[batch, out]`, the
/// whole product `[in, out]`.
pub fn gradient_tile(processor: Processor, x: &Panels, y: &Panels, p: usize, q: usize, sums: &mut [Row]) {
    let (x, y) = (x.panel(p), y.panel(q));
    for (x, y) in x.chunks(GRADIENT_ROWS).zip(y.chunks(GRADIENT_ROWS)) {
        processor.by_columns(x, 0, y, sums);
    }
}

/// Calls `change` for every tile of up to 48 × 48 numbers in parallel, with the panel, the tile's number
/// within it, and the tile's rows in each of the `matrices` (which have one shape). For a large `batch` the
/// tiles of neighbouring panels follow one another, so that the inputs that their gradients share are fetched
/// once.
pub fn for_tiles<const N: usize>(
    matrices: [&mut Panels; N],
    batch: usize,
    change: impl Fn(usize, usize, [&mut [Row]; N]) + Sync,
) {
    let rows = matrices[0].rows();
    let together = panels_together(batch);
    let pieces = |panel| split(panel, TILES_A_PIECE * WIDTH).into_iter();
    let mut panels: Vec<_> = split(matrices.map(Panels::all_mut), rows).into_iter().map(pieces).collect();
    let group = |(g, panels)| {
        let panels: &mut [std::vec::IntoIter<_>] = panels;
        (0..rows.div_ceil(TILES_A_PIECE * WIDTH)).map(move |i| {
            let count: Vec<_> = panels.iter_mut().filter_map(Iterator::next).collect();
            (g * together, i * TILES_A_PIECE, count)
        })
    };
    let work: Vec<_> = panels.chunks_mut(together).enumerate().flat_map(group).collect();
    work.into_par_iter().for_each(|(q, p, pieces)| {
        let mut tiles: Vec<_> = pieces.into_iter().map(|piece| split(piece, WIDTH).into_iter()).collect();
        for p in p..p + TILES_A_PIECE {
            for (q, tiles) in (q..).zip(&mut tiles) {
                tiles.next().into_iter().for_each(|tile| change(q, p, tile));
            }
        }
    });
}

/// Panels of outputs that a thread works on at a time.
fn panels_together(batch: usize) -> usize {
    if batch >= LARGE_BATCH { 3 } else { 1 }
}

/// Divides all slices (of one length) into chunks of `rows`, and puts the chunks with the same number
/// together.
fn split<const N: usize>(slices: [&mut [Row]; N], rows: usize) -> Vec<[&mut [Row]; N]> {
    let mut chunks = slices.map(|slice| slice.chunks_mut(rows));
    std::iter::from_fn(|| {
        let mut next = chunks.each_mut().map(|c| c.next());
        next[0].is_some().then(|| next.each_mut().map(|c| c.take().unwrap_or_default()))
    })
    .collect()
}
