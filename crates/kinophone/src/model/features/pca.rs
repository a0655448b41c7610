//! Principal components: the few directions in which pictures differ most.

use kinophone_nn::kernels::Panels;
use kinophone_nn::layer::Layer;
use kinophone_nn::linalg::{column, dot, orthonormalize, product, symmetric_eigen, transposed_product};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Directions that are followed beyond those that are wanted, so that the wanted ones come out exact.
const SPARE: usize = 12;
/// Power iterations.
const ITERATIONS: usize = 4;
/// A component whose deviation is below this share of the first one's is noise and is given the weight zero.
const MIN_DEVIATION_RATIO: f64 = 1e-4;

/// The projection of rows onto their first `count` principal components, each scaled to deviation 1 over the `rows` (of
/// `inputs` numbers each), as a linear layer. Components that do not exist (too few rows, rows alike) give 0.
///
/// Randomised subspace iteration: Halko, Martinsson and Tropp, "Finding structure with randomness", SIAM Review 53
/// (2011), algorithm 4.4 and section 5.1. A component's sign is chosen so that its largest weight is positive.
pub fn components(rows: &[f32], inputs: usize, count: usize, seed: u64) -> Layer {
    let n = rows.len() / inputs;
    let mut layer =
        Layer { inputs, outputs: count, weights: vec![0.0; inputs * count], biases: vec![0.0; count] };
    let wanted = (count + SPARE).min(n).min(inputs);
    if wanted == 0 {
        return layer;
    }
    let mean = mean_row(rows, inputs);
    let centred: Vec<f32> = rows.iter().zip(mean.iter().cycle()).map(|(x, mean)| x - mean).collect();
    let centred = Panels::from_rows(n, inputs, &centred);
    let Some((directions, variances)) = subspace(&centred, wanted, seed) else { return layer };
    let first = variances.first().copied().unwrap_or(0.0).sqrt();
    for (k, variance) in variances.iter().enumerate().take(count) {
        let deviation = variance.max(0.0).sqrt();
        if deviation <= MIN_DEVIATION_RATIO * first || deviation == 0.0 {
            break;
        }
        let direction = &directions[k];
        let largest = direction.iter().fold(0.0f32, |m, &x| if x.abs() > m.abs() { x } else { m });
        let scale = largest.signum() / deviation as f32;
        let mut bias = 0.0f64;
        for c in 0..inputs {
            let weight = direction[c] * scale;
            layer.weights[c * count + k] = weight;
            bias -= f64::from(weight) * f64::from(mean[c]);
        }
        layer.biases[k] = bias as f32;
    }
    layer
}

fn mean_row(rows: &[f32], inputs: usize) -> Vec<f32> {
    let mut sums = vec![0.0f64; inputs];
    for row in rows.chunks_exact(inputs) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    let n = (rows.len() / inputs).max(1) as f64;
    sums.into_iter().map(|sum| (sum / n) as f32).collect()
}

/// The `wanted` leading directions (of unit length, most important first) of the rows of `a`, and the variance of the rows
/// along each. `None` where the numbers are not finite.
fn subspace(a: &Panels, wanted: usize, seed: u64) -> Option<(Vec<Vec<f32>>, Vec<f64>)> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let start: Vec<f32> = (0..a.columns() * wanted).map(|_| StandardNormal.sample(&mut rng)).collect();
    let mut basis = product(a, &Panels::from_rows(a.columns(), wanted, &start));
    orthonormalize(&mut basis);
    for _ in 0..ITERATIONS {
        let mut back = transposed_product(a, &basis);
        orthonormalize(&mut back);
        basis = product(a, &back);
        orthonormalize(&mut basis);
    }
    let small = transposed_product(a, &basis); // [inputs, wanted]
    let columns: Vec<Vec<f64>> = (0..wanted).map(|k| column(&small, k)).collect();
    let gram = (0..wanted * wanted).map(|i| dot(&columns[i / wanted], &columns[i % wanted])).collect();
    let (values, vectors) = symmetric_eigen(gram, wanted)?;
    let direction = |(value, vector): (&f64, &Vec<f64>)| {
        let root = value.max(f64::MIN_POSITIVE).sqrt();
        let component =
            |c: usize| columns.iter().zip(vector).map(|(column, v)| column[c] * v).sum::<f64>() / root;
        (0..a.columns()).map(|c| component(c) as f32).collect()
    };
    let directions = values.iter().zip(&vectors).map(direction).collect();
    Some((directions, values.iter().map(|value| value / a.rows() as f64).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows along known directions with known deviations.
    fn rows(n: usize, inputs: usize) -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut rows = Vec::new();
        for _ in 0..n {
            let [a, b, c]: [f32; 3] = std::array::from_fn(|_| StandardNormal.sample(&mut random));
            for i in 0..inputs {
                let x = std::f32::consts::TAU * i as f32 / inputs as f32;
                let noise: f32 = StandardNormal.sample(&mut random);
                rows.push(3.0 + 5.0 * a * x.sin() + 2.0 * b * x.cos() + c * (2.0 * x).sin() + 0.001 * noise);
            }
        }
        rows
    }

    fn project(layer: &Layer, row: &[f32]) -> Vec<f32> {
        (0..layer.outputs)
            .map(|k| {
                layer.biases[k]
                    + row
                        .iter()
                        .enumerate()
                        .map(|(c, x)| x * layer.weights[c * layer.outputs + k])
                        .sum::<f32>()
            })
            .collect()
    }

    #[test]
    fn components_are_uncorrelated_of_deviation_one_and_in_order() {
        let (n, inputs) = (400, 60);
        let rows = rows(n, inputs);
        let layer = components(&rows, inputs, 3, 7);
        let said: Vec<Vec<f32>> = rows.chunks_exact(inputs).map(|row| project(&layer, row)).collect();
        for i in 0..3 {
            for j in 0..3 {
                let mean: f32 = said.iter().map(|s| s[i] * s[j]).sum::<f32>() / n as f32;
                let expected = if i == j { 1.0 } else { 0.0 };
                assert!((mean - expected).abs() < 2e-3, "{i} {j}: {mean}");
            }
        }
        // The first direction is the sine of deviation 5, up to its sign.
        let weight = |c: usize| layer.weights[c * 3];
        let sine: f32 =
            (0..inputs).map(|c| weight(c) * (std::f32::consts::TAU * c as f32 / inputs as f32).sin()).sum();
        let all: f32 = (0..inputs).map(|c| weight(c).powi(2)).sum();
        let share = sine.powi(2) / (all * inputs as f32 / 2.0);
        assert!(share > 0.98, "{share}");
        assert_eq!(layer, components(&rows, inputs, 3, 7));
    }

    #[test]
    fn what_is_not_there_is_zero() {
        let alike = vec![0.5; 10 * 20];
        let layer = components(&alike, 20, 4, 1);
        assert!(layer.weights.iter().all(|w| *w == 0.0) && layer.biases.iter().all(|b| *b == 0.0));
        assert_eq!(components(&[], 20, 4, 1).weights.len(), 80);
        let few = rows(2, 20);
        let layer = components(&few, 20, 4, 1);
        assert!(project(&layer, &few[..20])[1..].iter().all(|x| x.abs() < 1e-3));
        assert!(project(&layer, &few[..20])[0].abs() > 0.5);
    }
}
