//! The kernels against a plain twin in double precision.

mod reference;

use super::*;
use crate::layer;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use reference::Twin;

fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
}

fn start(sizes: &[usize], activation: Activation) -> Vec<Layer> {
    let mut layers = layer::initial(sizes, activation, &vec![0.1; sizes[sizes.len() - 1]], [5; 32]);
    for (i, layer) in layers.iter_mut().enumerate() {
        layer.biases = numbers(layer.outputs, 100 + i as u64);
    }
    layers
}

/// Largest difference, relative to the root mean square of `expected`.
fn distance(found: &[f32], expected: &[f64]) -> f64 {
    let power = expected.iter().map(|x| x * x).sum::<f64>() / expected.len() as f64;
    let worst = found.iter().zip(expected).map(|(&a, b)| (f64::from(a) - b).abs()).fold(0.0, f64::max);
    worst / power.sqrt()
}

const SHAPES: [(&[usize], usize); 5] = [
    (&[5, 3], 1),
    (&[100, 49, 48, 7], 10),
    (&[64, 130, 97], 100),
    (&[48, 48, 48], 48),
    (&[200, 33, 20, 95], 193),
];

/// One step of plain gradient descent moves every weight by lr times its gradient, so the moves compare the
/// gradients.
#[test]
fn gradients_equal_those_of_the_twin() {
    for activation in [Activation::Relu, Activation::Sigmoid] {
        for (sizes, batch) in SHAPES {
            let layers = start(sizes, activation);
            let (x, t) = (numbers(batch * sizes[0], 1), numbers(batch * sizes[sizes.len() - 1], 2));
            let plain = Optimizer::Nesterov { momentum: 0.0 };
            let mut fast = PerceptronTrainer::new(&layers, activation, plain);
            let mut twin = Twin::new(&layers, activation, plain);
            let losses = (fast.step(&x, &t, 1e4).unwrap(), twin.step(&x, &t, 1e4));
            assert!((losses.0 / losses.1 - 1.0).abs() < 1e-5, "{losses:?}");
            for ((a, (weights, biases)), before) in fast.layers().iter().zip(twin.layers()).zip(&layers) {
                // The step is large so that the rounding of the weights themselves does not show.
                let moved = |after: &[f32], before: &[f32]| -> Vec<f32> {
                    after.iter().zip(before).map(|(a, b)| a - b).collect()
                };
                let expected = |after: &[f64], before: &[f32]| -> Vec<f64> {
                    after.iter().zip(before).map(|(a, &b)| a - f64::from(b)).collect()
                };
                let far = [
                    distance(&moved(&a.weights, &before.weights), &expected(&weights, &before.weights)),
                    distance(&moved(&a.biases, &before.biases), &expected(biases, &before.biases)),
                ];
                assert!(far.iter().all(|far| *far < 2e-5), "{activation:?} {sizes:?}: {far:?}");
            }
        }
    }
}

#[test]
fn several_steps_equal_those_of_the_twin() {
    for activation in [Activation::Relu, Activation::Sigmoid] {
        for (optimizer, lr) in [(Optimizer::Adam, 1e-3), (Optimizer::Nesterov { momentum: 0.9 }, 1e-2)] {
            for (sizes, batch) in SHAPES {
                let layers = start(sizes, activation);
                let mut fast = PerceptronTrainer::new(&layers, activation, optimizer);
                let mut twin = Twin::new(&layers, activation, optimizer);
                for step in 0..6 {
                    let x = numbers(batch * sizes[0], 10 + step);
                    let t = numbers(batch * sizes[sizes.len() - 1], 20 + step);
                    fast.step(&x, &t, lr).unwrap();
                    twin.step(&x, &t, lr);
                }
                for (a, (weights, biases)) in fast.layers().iter().zip(twin.layers()) {
                    let far = distance(&a.weights, &weights).max(distance(&a.biases, biases));
                    assert!(far < 1e-4, "{activation:?} {optimizer:?} {sizes:?}: {far:e}");
                }
            }
        }
    }
}

#[test]
fn predictions_equal_the_twin_and_do_not_depend_on_the_batch() {
    let sizes = [130, 70, 101];
    let layers = start(&sizes, Activation::Relu);
    let net = Perceptron::new(&layers, Activation::Relu);
    let x = numbers(256 * sizes[0], 3);
    let mut all = vec![0.0; 256 * sizes[2]];
    let mut workspace = net.workspace();
    net.predict(&mut workspace, &x, &mut all);
    for batch in [1, 2, 7, 64, 100] {
        let mut part = vec![0.0; batch * sizes[2]];
        for first in [0, 5, 256 - batch] {
            net.predict(&mut workspace, &x[first * sizes[0]..][..batch * sizes[0]], &mut part);
            assert_eq!(part, all[first * sizes[2]..][..part.len()], "{batch} from {first}");
        }
    }
    let twin = Twin::new(&layers, Activation::Relu, Optimizer::Adam);
    for (x, found) in x.chunks_exact(sizes[0]).zip(all.chunks_exact(sizes[2])) {
        let far = distance(found, &twin.predict(x)[2]);
        assert!(far < 3e-6, "{far:e}");
    }
}

/// Any number of threads, and any instruction set, give the same weights to the bit.
#[test]
fn learning_does_not_depend_on_threads_or_processor() {
    let sizes = [130, 200, 101];
    let learn = |threads: usize, processor: Processor| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut learner = PerceptronTrainer::new(
                &start(&sizes, Activation::Sigmoid),
                Activation::Sigmoid,
                Optimizer::Adam,
            );
            learner.net.processor = processor;
            for step in 0..3 {
                learner.step(&numbers(70 * sizes[0], step), &numbers(70 * sizes[2], 9 + step), 1e-3).unwrap();
            }
            learner.layers()
        })
    };
    let expected = learn(1, Processor::Portable);
    for processor in Processor::all() {
        assert!(learn(3, processor) == expected, "{processor:?}");
    }
}

/// A restored training continues as if it had not been interrupted.
#[test]
fn a_restored_trainer_continues_exactly() {
    let layers = start(&[20, 30, 10], Activation::Relu);
    for optimizer in [Optimizer::Adam, Optimizer::Nesterov { momentum: 0.9 }] {
        let [mut one, mut two] = [0, 1].map(|_| PerceptronTrainer::new(&layers, Activation::Relu, optimizer));
        let step = |trainer: &mut PerceptronTrainer, i: u64| {
            trainer.step(&numbers(4 * 20, i), &numbers(4 * 10, i + 50), 1e-2).unwrap()
        };
        step(&mut one, 1);
        step(&mut one, 2);
        let mut state = Tensors::default();
        one.save(&mut state).unwrap();
        two.restore(&state).unwrap();
        step(&mut one, 3);
        step(&mut two, 3);
        assert!(one.layers() == two.layers(), "{optimizer:?}");
    }
}
