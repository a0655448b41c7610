//! The linear algebra that principal components need: products of tall matrices, orthonormal bases and small symmetric
//! eigenproblems.
//!
//! Results do not depend on the number of threads.

use crate::kernels::{Panels, Processor, WIDTH, for_tiles, forward, gradient_tile};

/// A column whose length falls below this share in the first pass of [`orthonormalize`] depends on those before it.
const DEPENDENT: f64 = 1e-6;
/// Sweeps of [`symmetric_eigen`] at most; ten are enough for a few hundred rows.
const MAX_SWEEPS: usize = 60;

/// a · b, for a `[n, m]` and b `[m, k]`.
pub fn product(a: &Panels, b: &Panels) -> Panels {
    let mut out = Panels::zeros(a.rows(), b.columns());
    let zeros = Panels::zeros(1, b.columns());
    forward(Processor::detect(), a, b, &zeros, &mut out, |_| {});
    out
}

/// aᵀ · b, for a `[n, m]` and b `[n, k]`.
pub fn transposed_product(a: &Panels, b: &Panels) -> Panels {
    let mut out = Panels::zeros(a.columns(), b.columns());
    let processor = Processor::detect();
    for_tiles([&mut out], a.rows(), |q, p, [tile]| gradient_tile(processor, a, b, p, q, tile));
    out
}

/// Replaces the columns by an orthonormal basis of the space that they span. Columns that depend on those before them become
/// zero.
///
/// Modified Gram-Schmidt, twice, which is enough to make the basis orthogonal to working precision (Giraud, Langou and
/// Rozložník, "The loss of orthogonality in the Gram-Schmidt orthogonalization process", Computers & Mathematics with
/// Applications 50, 2005).
pub fn orthonormalize(matrix: &mut Panels) {
    let (rows, count) = (matrix.rows(), matrix.columns());
    let mut columns: Vec<Vec<f64>> = (0..count).map(|k| column(matrix, k)).collect();
    for k in 0..count {
        let (before, rest) = columns.split_at_mut(k);
        let current = &mut rest[0];
        let start = dot(current, current).sqrt();
        for _ in 0..2 {
            for other in &*before {
                let along = dot(other, current);
                current.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
            }
        }
        let length = dot(current, current).sqrt();
        let scale = if length > DEPENDENT * start { 1.0 / length } else { 0.0 };
        current.iter_mut().for_each(|x| *x *= scale);
    }
    let values: Vec<f32> = (0..rows * count).map(|i| columns[i % count][i / count] as f32).collect();
    matrix.copy_from_rows(&values);
}

/// Column `k`, in double precision.
pub fn column(matrix: &Panels, k: usize) -> Vec<f64> {
    matrix.panel(k / WIDTH).iter().map(|row| f64::from(row[k % WIDTH])).collect()
}

/// The sum of the products of corresponding numbers.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Eigenvalues in descending order, and the eigenvectors of unit length in the same order, of a symmetric matrix of `n` rows.
/// `None` where a number is not finite.
///
/// The cyclic Jacobi method (Golub and Van Loan, *Matrix Computations*, 4th edition, section 8.5.5).
pub fn symmetric_eigen(mut a: Vec<f64>, n: usize) -> Option<(Vec<f64>, Vec<Vec<f64>>)> {
    if a.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let mut vectors = vec![0.0; n * n]; // row k: eigenvector k
    (0..n).for_each(|i| vectors[i * n + i] = 1.0);
    let norm = dot(&a, &a);
    for _ in 0..MAX_SWEEPS {
        let off: f64 = (0..n * n).filter(|i| i / n != i % n).map(|i| a[i] * a[i]).sum();
        if off <= norm * f64::EPSILON * f64::EPSILON {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, &mut vectors, n, p, q);
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[j * n + j].total_cmp(&a[i * n + i]));
    let values = order.iter().map(|&i| a[i * n + i]).collect();
    Some((values, order.iter().map(|&i| vectors[i * n..][..n].to_vec()).collect()))
}

/// The rotation in the plane of `p` and `q` that makes a_pq zero.
fn rotate(a: &mut [f64], vectors: &mut [f64], n: usize, p: usize, q: usize) {
    let apq = a[p * n + q];
    if apq == 0.0 {
        return;
    }
    let tau = (a[q * n + q] - a[p * n + p]) / (2.0 * apq);
    let t = if tau >= 0.0 { 1.0 / (tau + tau.hypot(1.0)) } else { 1.0 / (tau - tau.hypot(1.0)) };
    let c = 1.0 / t.hypot(1.0);
    let s = t * c;
    let turn = |x: &mut [f64], i: usize, j: usize| (x[i], x[j]) = (c * x[i] - s * x[j], s * x[i] + c * x[j]);
    for k in 0..n {
        turn(a, k * n + p, k * n + q);
    }
    for k in 0..n {
        turn(a, p * n + k, q * n + k);
        turn(vectors, p * n + k, q * n + k);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn random(rows: usize, columns: usize, seed: u64) -> (Panels, Vec<f32>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values: Vec<f32> = (0..rows * columns).map(|_| rng.random_range(-1.0..1.0)).collect();
        (Panels::from_rows(rows, columns, &values), values)
    }

    #[test]
    fn products_equal_plain_sums() {
        let ((a, x), (b, y), (c, z)) = (random(130, 70, 1), random(70, 50, 2), random(130, 50, 3));
        let at = |v: &[f32], columns: usize, i: usize, j: usize| f64::from(v[i * columns + j]);
        for (i, row) in product(&a, &b).to_rows().chunks_exact(50).enumerate() {
            for (j, found) in row.iter().enumerate() {
                let plain: f64 = (0..70).map(|k| at(&x, 70, i, k) * at(&y, 50, k, j)).sum();
                assert!((f64::from(*found) - plain).abs() < 1e-5);
            }
        }
        for (i, row) in transposed_product(&a, &c).to_rows().chunks_exact(50).enumerate() {
            for (j, found) in row.iter().enumerate() {
                let plain: f64 = (0..130).map(|k| at(&x, 70, k, i) * at(&z, 50, k, j)).sum();
                assert!((f64::from(*found) - plain).abs() < 2e-5);
            }
        }
    }

    #[test]
    fn a_basis_is_orthonormal_and_spans_what_it_came_from() {
        let (mut matrix, values) = random(200, 60, 4);
        // The last column depends on the first two.
        let mut rows = values;
        rows.chunks_exact_mut(60).for_each(|row| row[59] = row[0] - 2.0 * row[1]);
        matrix.copy_from_rows(&rows);
        let before: Vec<Vec<f64>> = (0..60).map(|k| column(&matrix, k)).collect();
        orthonormalize(&mut matrix);
        let basis: Vec<Vec<f64>> = (0..60).map(|k| column(&matrix, k)).collect();
        for (i, a) in basis.iter().enumerate() {
            for (j, b) in basis.iter().enumerate() {
                let expected = if i == j && i < 59 { 1.0 } else { 0.0 };
                assert!((dot(a, b) - expected).abs() < 1e-6, "{i} {j}: {}", dot(a, b));
            }
        }
        for old in &before {
            let inside: f64 = basis.iter().map(|b| dot(b, old).powi(2)).sum();
            assert!((inside / dot(old, old) - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn eigenvectors_take_the_matrix_apart() {
        let n = 76;
        let (_, values) = random(n, n, 5);
        let at = |i: usize, j: usize| f64::from(values[i * n + j]) + f64::from(values[j * n + i]);
        let a: Vec<f64> = (0..n * n).map(|i| at(i / n, i % n)).collect();
        let (eigenvalues, vectors) = symmetric_eigen(a.clone(), n).unwrap();
        assert!(eigenvalues.is_sorted_by(|x, y| x >= y));
        let trace: f64 = (0..n).map(|i| a[i * n + i]).sum();
        assert!((eigenvalues.iter().sum::<f64>() - trace).abs() < 1e-10);
        for (value, vector) in eigenvalues.iter().zip(&vectors) {
            assert!((dot(vector, vector) - 1.0).abs() < 1e-12);
            for (row, x) in a.chunks_exact(n).zip(vector) {
                assert!((dot(row, vector) - value * x).abs() < 1e-11, "{value}");
            }
        }
        // 2 and 3 coupled by √2 have the eigenvalues 4 and 1.
        let two = symmetric_eigen(vec![2.0, 2f64.sqrt(), 2f64.sqrt(), 3.0], 2).unwrap().0;
        assert!((two[0] - 4.0).abs() < 1e-14 && (two[1] - 1.0).abs() < 1e-14);
        assert!(symmetric_eigen(vec![f64::NAN], 1).is_none());
    }
}
