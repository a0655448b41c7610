//! The straight line: what sounds is a weighted sum of what is seen around it.

use super::super::Activation;
use super::super::fast::{Perceptron, Workspace};
use super::super::layer::Layer;
use super::super::voice::{OUTPUTS, logistic_outputs, logit};
use crate::task::Task;
use crate::{Error, Kind, Result};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::linalg::solvers::Solve;
use faer::{Accum, Mat, MatRef, Par, Side};

/// What a large weight costs. From 3000 to 30 000 nothing changes, 300 learns noise by heart, 100 000 learns little.
const PENALTY: f32 = 1e4;
/// Examples, evenly spread, that are learned from.
const MOST: usize = 20_000;
/// Examples that are added up at once.
const CHUNK: usize = 1024;

/// Ridge regression (Hoerl and Kennard, Technometrics 12, 1970) from the ticks around one to what sounds in it.
pub(super) struct Ridge {
    line: Perceptron,
}

/// Where examples come from: writes the input `[inputs]` and the target `[69]` of one.
pub(super) type Example<'a> = dyn Fn(usize, &mut [f32], &mut [f32]) + 'a;

impl Ridge {
    /// Learns from `count` examples. The weights w minimise ‖X w − Y‖² + 10⁴ ‖w‖², where rows of X are inputs and those of Y
    /// targets less their mean.
    pub(super) fn fit(count: usize, inputs: usize, example: &Example<'_>, task: Task<'_>) -> Result<Self> {
        let step = count.div_ceil(MOST).max(1);
        let chosen: Vec<usize> = (0..count).step_by(step).collect();
        let mean = mean_target(&chosen, inputs, example);
        let fill = |chosen: &[usize]| {
            let (mut x, mut y) = (vec![0.0; chosen.len() * inputs], vec![0.0; chosen.len() * OUTPUTS]);
            let rows = x.chunks_exact_mut(inputs).zip(y.chunks_exact_mut(OUTPUTS));
            for (k, (x, y)) in chosen.iter().zip(rows) {
                example(*k, x, y);
                y.iter_mut().zip(&mean).for_each(|(y, mean)| *y -= mean);
            }
            (x, y)
        };
        let solved = if chosen.len() < inputs {
            by_examples(&fill(&chosen), inputs)
        } else {
            by_inputs(&chosen, inputs, fill, task)
        };
        let weights = solved.ok_or_else(|| {
            Error::new(Kind::Invalid, "what is seen is not finite, so nothing can be learned from it")
        })?;
        let rows = (0..inputs).flat_map(|i| (0..OUTPUTS).map(move |k| (i, k)));
        let weights = rows.map(|at| weights[at]).collect();
        Ok(Self::new(&Layer { inputs, outputs: OUTPUTS, weights, biases: mean }))
    }

    pub(super) fn new(layer: &Layer) -> Self {
        Self { line: Perceptron::new(std::slice::from_ref(layer), Activation::Relu) }
    }

    pub(super) fn layer(&self) -> Layer {
        self.line.layers()[0].layer()
    }

    pub(super) fn workspace(&self) -> Workspace {
        self.line.workspace()
    }

    /// What it says of some ticks, `[n, inputs]` to `[n, 69]`. A row's result depends on that row alone.
    pub(super) fn say(&self, room: &mut Workspace, inputs: &[f32], out: &mut [f32]) {
        self.line.predict(room, inputs, out);
        // A line has no bounds: what should be a probability is made one.
        for row in out.chunks_exact_mut(OUTPUTS) {
            logistic_outputs().for_each(|k| row[k] = logit(row[k]));
        }
    }
}

fn mean_target(chosen: &[usize], inputs: usize, example: &Example<'_>) -> Vec<f32> {
    let (mut x, mut y, mut sums) = (vec![0.0; inputs], [0.0; OUTPUTS], [0.0f64; OUTPUTS]);
    for k in chosen {
        example(*k, &mut x, &mut y);
        sums.iter_mut().zip(y).for_each(|(sum, y)| *sum += f64::from(y));
    }
    sums.iter().map(|sum| (sum / chosen.len().max(1) as f64) as f32).collect()
}

/// Fewer examples than inputs: w = Xᵀ (X Xᵀ + λ)⁻¹ Y. `None` where numbers are not finite.
fn by_examples((x, y): &(Vec<f32>, Vec<f32>), inputs: usize) -> Option<Mat<f32>> {
    let n = x.len() / inputs;
    let x = MatRef::from_row_major_slice(x, n, inputs);
    let y = MatRef::from_row_major_slice(y, n, OUTPUTS);
    let mut gram = Mat::zeros(n, n);
    add_products(&mut gram, x, x.transpose());
    Some(x.transpose() * solve(gram, y)?)
}

/// More examples than inputs: w = (Xᵀ X + λ)⁻¹ Xᵀ Y, added up a part at a time.
fn by_inputs(
    chosen: &[usize],
    inputs: usize,
    fill: impl Fn(&[usize]) -> (Vec<f32>, Vec<f32>),
    task: Task<'_>,
) -> Option<Mat<f32>> {
    let (mut gram, mut products) = (Mat::zeros(inputs, inputs), Mat::zeros(inputs, OUTPUTS));
    for chosen in chosen.chunks(CHUNK) {
        // Whoever interrupts gets what was added up by then.
        if task.cancel.is_cancelled() {
            break;
        }
        let (x, y) = fill(chosen);
        let x = MatRef::from_row_major_slice(&x, chosen.len(), inputs);
        let y = MatRef::from_row_major_slice(&y, chosen.len(), OUTPUTS);
        add_products(&mut gram, x.transpose(), x);
        products += x.transpose() * y;
    }
    solve(gram, products.as_ref())
}

/// Adds a · b, which is symmetric, to the lower half.
fn add_products(to: &mut Mat<f32>, a: MatRef<'_, f32>, b: MatRef<'_, f32>) {
    use BlockStructure::{Rectangular, TriangularLower};
    let half = (to.as_mut(), TriangularLower);
    matmul(half.0, half.1, Accum::Add, a, Rectangular, b, Rectangular, 1.0, Par::rayon(0));
}

/// (gram + λ)⁻¹ right, of which gram's lower half is known.
fn solve(mut gram: Mat<f32>, right: MatRef<'_, f32>) -> Option<Mat<f32>> {
    for i in 0..gram.nrows() {
        gram[(i, i)] += PENALTY;
    }
    Some(gram.llt(Side::Lower).ok()?.solve(right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Cancel, Quiet};

    /// Target 0 is 3 a − 2 b + 1, of inputs that are far larger than what the penalty shrinks.
    fn example(k: usize, x: &mut [f32], y: &mut [f32]) {
        let number = |i: usize| (((k * 31 + i * 17) * 7919) % 2001) as f32 / 10.0 - 100.0;
        x.iter_mut().enumerate().for_each(|(i, x)| *x = number(i));
        y.fill(0.0);
        y[0] = 3.0 * x[0] - 2.0 * x[1] + 1.0;
    }

    #[test]
    fn a_line_is_found_with_more_or_fewer_examples_than_inputs() {
        let cancel = Cancel::default();
        let task = Task { watcher: &Quiet, cancel: &cancel };
        for (count, inputs) in [(3000, 4), (60, 80)] {
            let ridge = Ridge::fit(count, inputs, &example, task).unwrap();
            let (mut x, mut y, mut out) = (vec![0.0; inputs], [0.0; OUTPUTS], [0.0; OUTPUTS]);
            for k in (0..count).step_by(7) {
                example(k, &mut x, &mut y);
                ridge.say(&mut ridge.workspace(), &x, &mut out);
                assert!((out[0] - y[0]).abs() < 1.5, "{count} {k}: {} instead of {}", out[0], y[0]);
            }
            let layer = ridge.layer();
            let weight = |i: usize| layer.weights[i * OUTPUTS];
            if inputs == 4 {
                assert!((weight(0) - 3.0).abs() < 0.01 && (weight(1) + 2.0).abs() < 0.01);
                assert!(weight(2).abs() < 0.01 && weight(3).abs() < 0.01);
            }
        }
    }
}
