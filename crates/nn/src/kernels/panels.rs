//! Matrices in panels: the memory layout of weights, activations and gradients.

use bytemuck::{Pod, Zeroable};

/// Columns of a panel. 48 numbers are three registers of AVX-512, six of AVX2 and twelve of NEON, so one
/// layout serves every processor, and three registers by eight rows fill the 32 registers of AVX-512 without
/// spilling.
pub const WIDTH: usize = 48;

/// One row of a panel.
pub type Row = [f32; WIDTH];

/// A zero row.
pub const ZERO: Row = [0.0; WIDTH];

/// A cache line; storage is made of these so that every row begins on one (a row is exactly three lines).
#[repr(C, align(64))]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Line([f32; 16]);

/// A matrix of `rows` × `columns`, stored panel by panel: panel p holds columns 48 p … 48 p + 47 of all rows,
/// one row of 48 numbers after another. The last panel is padded with columns that stay zero or are never
/// read.
///
/// The same layout is right for everything that a perceptron multiplies: weights stream through the cache in
/// order, a block of 8 × 48 activations is one contiguous piece, and a gradient tile lies like the weights
/// that it changes.
#[derive(Clone)]
pub struct Panels {
    lines: Vec<Line>,
    rows: usize,
    columns: usize,
}

impl Panels {
    /// A matrix of zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        let mut new = Self { lines: Vec::new(), rows: 0, columns };
        new.set_rows(rows);
        new
    }

    /// A matrix of row-major numbers, `values.len() == rows * columns`.
    pub fn from_rows(rows: usize, columns: usize, values: &[f32]) -> Self {
        let mut new = Self::zeros(rows, columns);
        new.copy_from_rows(values);
        new
    }

    /// Changes the number of rows; the contents are unspecified afterwards (nothing is reallocated for fewer
    /// rows).
    pub fn set_rows(&mut self, rows: usize) {
        self.reshape(rows, self.columns);
    }

    /// Changes the size; the contents are unspecified afterwards.
    pub fn reshape(&mut self, rows: usize, columns: usize) {
        (self.rows, self.columns) = (rows, columns);
        let lines = rows * self.panels() * (WIDTH / 16);
        self.lines.resize(lines, Line::zeroed());
    }

    /// Rows of the matrix.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of the matrix, padding not counted.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Number of panels.
    pub fn panels(&self) -> usize {
        self.columns.div_ceil(WIDTH)
    }

    /// Columns of panel `p` that are not padding.
    pub fn width_of(&self, p: usize) -> usize {
        WIDTH.min(self.columns - p * WIDTH)
    }

    /// Rows of all panels, panel after panel.
    pub fn all(&self) -> &[Row] {
        bytemuck::cast_slice(&self.lines)
    }

    /// Rows of all panels, panel after panel; a parallel loop divides it into chunks of [`Panels::rows`].
    pub fn all_mut(&mut self) -> &mut [Row] {
        bytemuck::cast_slice_mut(&mut self.lines)
    }

    /// The rows of panel `p`.
    pub fn panel(&self, p: usize) -> &[Row] {
        &self.all()[p * self.rows..][..self.rows]
    }

    /// Writes the matrix row by row into `values`.
    pub fn copy_to_rows(&self, values: &mut [f32]) {
        for (r, row) in values.chunks_exact_mut(self.columns).enumerate() {
            for (p, part) in row.chunks_mut(WIDTH).enumerate() {
                part.copy_from_slice(&self.panel(p)[r][..part.len()]);
            }
        }
    }

    /// The matrix row by row.
    pub fn to_rows(&self) -> Vec<f32> {
        let mut values = vec![0.0; self.rows * self.columns];
        self.copy_to_rows(&mut values);
        values
    }

    /// Copies the matrix from row-major numbers; padding becomes zero.
    pub fn copy_from_rows(&mut self, values: &[f32]) {
        let (rows, columns) = (self.rows, self.columns);
        for (p, panel) in self.all_mut().chunks_exact_mut(rows.max(1)).enumerate() {
            let width = WIDTH.min(columns - p * WIDTH);
            for (row, from) in panel.iter_mut().zip(values.chunks_exact(columns)) {
                row[..width].copy_from_slice(&from[p * WIDTH..][..width]);
                row[width..].fill(0.0);
            }
        }
    }
}

/// Transposes one block, `to[c][r] = from[r][c]`; columns of `to` beyond `from.len()` become zero.
pub fn transpose(from: &[Row], to: &mut [Row]) {
    for (c, row) in to.iter_mut().enumerate() {
        for (x, source) in row.iter_mut().zip(from) {
            *x = source[c];
        }
        row[from.len()..].fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_the_way_into_panels_and_back() {
        for (rows, columns) in [(1, 1), (3, 47), (5, 48), (7, 49), (2, 735)] {
            let values: Vec<f32> = (0..rows * columns).map(|i| i as f32 + 1.0).collect();
            let panels = Panels::from_rows(rows, columns, &values);
            assert_eq!(panels.to_rows(), values);
            let last = columns.div_ceil(WIDTH) - 1;
            assert!(panels.panel(last).iter().all(|r| r[panels.width_of(last)..].iter().all(|&x| x == 0.0)));
            assert_eq!(panels.all().as_ptr() as usize % 64, 0);
        }
    }

    #[test]
    fn transposed_blocks_are_padded_with_zeros() {
        let from: Vec<Row> = (0..5).map(|r| std::array::from_fn(|c| (r * 100 + c) as f32)).collect();
        let mut to = [[9.0; WIDTH]; 7];
        transpose(&from, &mut to);
        assert_eq!(to[6][4], 406.0);
        assert_eq!(to[6][5], 0.0);
    }
}
