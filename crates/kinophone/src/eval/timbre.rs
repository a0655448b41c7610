//! The distance of timbre over time: a Fréchet distance between the short courses of the spectrum of two sounds.
//!
//! A soundtrack need not sound at each moment as the original does to sound like it. As the Fréchet audio distance does (Kilgour,
//! Zuluaga, Roblek and Sharifi, "Fréchet Audio Distance: A Reference-Free Metric for Evaluating Music Enhancement Algorithms",
//! Interspeech 2019, section 3), the sets of all patches of either sound are compared as Gaussian distributions, here without a
//! trained network: a patch of log-mel power is projected on the lowest components of its two-dimensional cosine transform, which
//! describe the outline of the spectrum and its course.

use kinophone_dsp::metrics::BANDS;
use kinophone_nn::linalg::{dot, symmetric_eigen};
use std::f64::consts::PI;
use std::ops::Range;

/// Spectra of a patch.
const PATCH: usize = 16;
/// Frames of the fine analysis from one spectrum of a patch to the next: a patch lasts half a second.
const STRIDE: usize = 3;
/// Frames of the fine analysis from one patch to the next.
const HOP: usize = 12;
/// Components of the spectrum's outline, …
const OUTLINE: usize = 8;
/// … and of its course.
const COURSE: usize = 3;
/// Numbers of a projected patch.
const SIZE: usize = OUTLINE * COURSE;
/// Fewest patches from which a distribution is estimated.
const MIN_PATCHES: usize = 2 * SIZE;

/// A Gaussian distribution of patches.
#[derive(Clone, Debug)]
pub(crate) struct PatchStatistics {
    mean: Vec<f64>,
    /// `[SIZE, SIZE]`
    covariance: Vec<f64>,
}

impl PatchStatistics {
    /// Statistics of the patches within `runs` of frames of `log_mel`; `None` where there are too few.
    pub(crate) fn of(log_mel: &[[f64; BANDS]], runs: &[Range<usize>]) -> Option<Self> {
        let basis = (cosines(BANDS, OUTLINE), cosines(PATCH, COURSE));
        let patches: Vec<Vec<f64>> =
            starts(log_mel.len(), runs).map(|first| projected(log_mel, first, &basis)).collect();
        (patches.len() >= MIN_PATCHES).then(|| Self::of_rows(&patches))
    }

    fn of_rows(rows: &[Vec<f64>]) -> Self {
        let (size, n) = (rows[0].len(), rows.len() as f64);
        let mean: Vec<f64> = (0..size).map(|k| rows.iter().map(|row| row[k]).sum::<f64>() / n).collect();
        let entry = |i: usize, j: usize| {
            let products = rows.iter().map(|row| (row[i] - mean[i]) * (row[j] - mean[j]));
            products.sum::<f64>() / (n - 1.0)
        };
        let covariance = (0..size * size).map(|k| entry(k / size, k % size)).collect();
        Self { mean, covariance }
    }

    /// The Fréchet distance of two distributions in dB, after the overall levels are made equal: the root of
    /// |μ₁ − μ₂|² + Tr(Σ₁ + Σ₂ − 2 (Σ₁Σ₂)^½) (Dowson and Landau, "The Fréchet distance between multivariate normal
    /// distributions", Journal of Multivariate Analysis 12, 1982, equation 4). A difference of d dB in all bands of a patch, for
    /// which no other component makes up, counts d. `None` where a number is not finite.
    pub(crate) fn distance_db(&self, other: &Self) -> Option<f64> {
        // The first component is the mean power of a patch.
        let means = self.mean.iter().zip(&other.mean).skip(1).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        let spread = spread_distance(&self.covariance, &other.covariance, self.mean.len())?;
        Some((means + spread).max(0.0).sqrt())
    }
}

/// Tr(A + B − 2 (A B)^½) of covariances of `n` rows, by way of the symmetric A^½ B A^½, which has the same eigenvalues as A B.
fn spread_distance(a: &[f64], b: &[f64], n: usize) -> Option<f64> {
    let root = square_root(a, n)?;
    let (eigenvalues, _) = symmetric_eigen(product(&product(&root, b, n), &root, n), n)?;
    let trace = |matrix: &[f64]| (0..n).map(|i| matrix[i * n + i]).sum::<f64>();
    let common: f64 = eigenvalues.iter().map(|value| value.max(0.0).sqrt()).sum();
    Some(trace(a) + trace(b) - 2.0 * common)
}

/// The square root of a symmetric matrix without negative eigenvalues; those that rounding made are taken for 0.
fn square_root(a: &[f64], n: usize) -> Option<Vec<f64>> {
    let (values, vectors) = symmetric_eigen(a.to_vec(), n)?;
    let entry = |i: usize, j: usize| {
        values.iter().zip(&vectors).map(|(value, v)| value.max(0.0).sqrt() * v[i] * v[j]).sum()
    };
    Some((0..n * n).map(|k| entry(k / n, k % n)).collect())
}

/// The product of two matrices of `n` rows; the second one is symmetric.
fn product(a: &[f64], b: &[f64], n: usize) -> Vec<f64> {
    (0..n * n).map(|k| dot(&a[k / n * n..][..n], &b[k % n * n..][..n])).collect()
}

/// The frames with which patches begin that lie within one run.
fn starts(frames: usize, runs: &[Range<usize>]) -> impl Iterator<Item = usize> {
    let within = move |run: &Range<usize>| {
        let last = run.end.min(frames).saturating_sub((PATCH - 1) * STRIDE);
        (run.start..last).step_by(HOP)
    };
    runs.iter().flat_map(within)
}

/// The first `count` components of the orthonormal cosine transform (type II) of `n` numbers, row by row.
fn cosines(n: usize, count: usize) -> Vec<Vec<f64>> {
    let entry = |k: usize, i: usize| {
        let scale = if k == 0 { 1.0 } else { 2.0 };
        (scale / n as f64).sqrt() * (PI * k as f64 * (i as f64 + 0.5) / n as f64).cos()
    };
    (0..count).map(|k| (0..n).map(|i| entry(k, i)).collect()).collect()
}

/// The components of the patch that begins with a frame, the mean power first, in dB: scaled so that the sum of squares of all
/// components there are would be the mean square of a patch.
fn projected(
    log_mel: &[[f64; BANDS]],
    first: usize,
    (outline, course): &(Vec<Vec<f64>>, Vec<Vec<f64>>),
) -> Vec<f64> {
    let scale = 10.0 / ((BANDS * PATCH) as f64).sqrt();
    let outlines: Vec<Vec<f64>> = (0..PATCH)
        .map(|t| outline.iter().map(|wave| dot(wave, &log_mel[first + t * STRIDE])).collect())
        .collect();
    let component = |u: usize, v: usize| {
        scale * outlines.iter().zip(&course[v]).map(|(outline, wave)| outline[u] * wave).sum::<f64>()
    };
    (0..SIZE).map(|k| component(k % OUTLINE, k / OUTLINE)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Σ (√a − √b)² where the axes are the same.
    #[test]
    fn the_distance_of_gaussians_with_common_axes_has_a_closed_form() {
        let gaussian = |mean: [f64; 3], variances: [f64; 3]| {
            let mut covariance = vec![0.0; 9];
            variances.iter().enumerate().for_each(|(i, v)| covariance[i * 4] = *v);
            PatchStatistics { mean: mean.to_vec(), covariance }
        };
        let a = gaussian([7.0, 1.0, 2.0], [1.0, 4.0, 0.0]);
        let b = gaussian([0.0, 4.0, 6.0], [9.0, 4.0, 1.0]);
        // The first mean, the level, does not count.
        assert!((a.distance_db(&b).unwrap() - (25.0f64 + 4.0 + 1.0).sqrt()).abs() < 1e-9);
        assert!(a.distance_db(&a).unwrap() < 1e-6);
    }

    /// Of matrices that do not commute; from numpy: trace(A) + trace(B) - 2 * sqrt(linalg.eigvals(A @ B)).sum().
    #[test]
    fn the_distance_of_spreads_is_that_of_numpy() {
        let a = [4.0, 1.0, 0.5, 1.0, 3.0, -0.5, 0.5, -0.5, 2.0];
        let b = [1.0, -0.4, 0.2, -0.4, 2.0, 0.3, 0.2, 0.3, 5.0];
        let got = spread_distance(&a, &b, 3).unwrap();
        assert!((got - 2.322_107_848_722_728_5).abs() < 1e-9, "{got}");
    }

    #[test]
    fn components_are_those_of_the_whole_transform() {
        let basis = (cosines(BANDS, OUTLINE), cosines(PATCH, COURSE));
        // One component alone: the second of the outline, falling over the course.
        let wave = |b: usize, t: usize| {
            let t = t as f64 / STRIDE as f64 + 0.5;
            (PI * 2.0 * (b as f64 + 0.5) / BANDS as f64).cos() * (PI * t / PATCH as f64).cos()
        };
        let frame = |t: usize| std::array::from_fn(|b| 2.0 + wave(b, t));
        let log_mel: Vec<[f64; BANDS]> = (0..PATCH * STRIDE).map(frame).collect();
        let got = projected(&log_mel, 0, &basis);
        // 20 dB everywhere; a product of two cosines has a mean square of 1/4.
        assert!((got[0] - 20.0).abs() < 1e-9 && (got[OUTLINE + 2] - 5.0).abs() < 1e-9, "{got:?}");
        let rest = got.iter().enumerate().filter(|(k, _)| ![0, OUTLINE + 2].contains(k));
        assert!(rest.map(|(_, x)| x.abs()).fold(0.0, f64::max) < 1e-9);
    }

    #[test]
    fn patches_lie_within_runs() {
        assert_eq!(starts(200, &[0..60, 100..300]).collect::<Vec<_>>()[..3], [0, 12, 100]);
        let run = std::slice::from_ref;
        assert_eq!(starts(200, run(&(100..300))).last(), Some(148));
        assert!(PatchStatistics::of(&[[0.0; BANDS]; 600], run(&(0..600))).is_none());
    }
}
