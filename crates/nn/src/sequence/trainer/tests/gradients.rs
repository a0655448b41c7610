//! Gradients against finite differences of the reference in double precision.

use super::reference::{Numbers, loss, predict, widen};
use super::*;

impl TrainedNetwork {
    fn factors(&self) -> Vec<&Panels> {
        match self {
            Self::Gru(gru) => gru.factors(),
            Self::Tcn(tcn) => tcn.factors(),
        }
    }
}

/// `[window][frame][column]` of a matrix in the order of a layout.
fn unpack(layout: &Layout, matrix: &Panels) -> Vec<Vec<Vec<f64>>> {
    let mut values = vec![vec![Vec::new(); layout.frames]; layout.windows];
    let rows = matrix.to_rows();
    for span in layout.pieces(1) {
        for (window, frame) in span.places() {
            let row = &rows[span.row * matrix.columns()..][..matrix.columns()];
            values[window][frame] = row.iter().map(|&x| f64::from(x)).collect();
        }
    }
    values
}

/// Loss of the reference with the very inputs and dropout of the trainer's last step.
fn reference_loss(trainer: &SequenceTrainer, windows: &Windows, parameters: &Numbers) -> f64 {
    let layout = trainer.network.layout(windows.windows, windows.frames);
    let x = unpack(&layout, &trainer.x);
    let factors: Vec<_> = trainer.network.factors().iter().map(|m| unpack(&layout, m)).collect();
    let out: Vec<_> = (0..windows.windows)
        .map(|w| predict(&trainer.architecture, parameters, &x[w], &|layer, t, i| factors[layer][w][t][i]))
        .collect();
    loss(&out, windows, &losses(trainer.architecture.outputs()), trainer.hyper.lead)
}

/// Largest difference from central differences, relative to the largest gradient of the same parameter; every
/// `skip`-th number of each parameter is looked at.
fn check(shape: &Architecture, windows: &Windows, skip: usize) -> f64 {
    let mut trainer = trainer(shape, |r| r.noise = 0.1);
    let found = trainer.propagate(&windows.batch()).unwrap().unwrap();
    let mut parameters = widen(&trainer.weights);
    let expected = reference_loss(&trainer, windows, &parameters);
    assert!((found.loss / expected - 1.0).abs() < 1e-6, "{shape:?}: {} {expected}", found.loss);
    let gradients = widen(&trainer.gradients);
    let norm = gradients.iter().flatten().map(|g| g * g).sum::<f64>().sqrt();
    assert!((found.norm / norm - 1.0).abs() < 1e-6, "padding must not count: {} {norm}", found.norm);
    let mut worst = 0.0f64;
    for which in 0..parameters.len() {
        let largest = gradients[which].iter().fold(0.0f64, |a, b| a.max(b.abs()));
        assert!(largest > 0.0);
        for i in (0..parameters[which].len()).step_by(skip) {
            let value = parameters[which][i];
            let mut at = |step: f64| {
                parameters[which][i] = value + step;
                reference_loss(&trainer, windows, &parameters)
            };
            let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
            parameters[which][i] = value;
            worst = worst.max((gradients[which][i] - difference).abs() / largest);
        }
    }
    println!("{shape:?}: {worst:.1e}");
    worst
}

#[test]
fn every_gradient_equals_finite_differences() {
    for shape in tiny() {
        // Two groups of windows in the recurrent network, the second not full.
        for (windows, frames) in [(2, 20), (11, 7), (1, 3)] {
            let mut windows = Windows::new(&shape, windows, frames, 7);
            windows.counted[2] = true;
            assert!(check(&shape, &windows, 1) < 2e-5);
        }
    }
}

#[test]
fn gradients_of_several_panels_equal_finite_differences() {
    for shape in wide() {
        let windows = Windows::new(&shape, 3, 12, 3);
        assert!(check(&shape, &windows, 131) < 2e-5);
    }
}
