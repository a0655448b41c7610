//! The fast network against the reference.

use super::*;
use crate::brain::layer;
use crate::brain::net::Reference;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

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
fn distance(found: &[f32], expected: &[f32]) -> f64 {
    let power = expected.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / expected.len() as f64;
    let worst = found.iter().zip(expected).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
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
fn gradients_equal_those_of_automatic_differentiation() {
    for activation in [Activation::Relu, Activation::Sigmoid] {
        for (sizes, batch) in SHAPES {
            let layers = start(sizes, activation);
            let (x, t) = (numbers(batch * sizes[0], 1), numbers(batch * sizes[sizes.len() - 1], 2));
            let plain = Optimizer::Nesterov { momentum: 0.0 };
            let mut fast = Learner::new(&layers, activation, plain);
            let mut slow = Reference::new(&layers, activation, plain, burn::tensor::Device::flex());
            let losses = (fast.step(&x, &t, 1e4).unwrap(), slow.step(&x, &t, 1e4).unwrap());
            assert!((losses.0 / losses.1 - 1.0).abs() < 1e-5, "{losses:?}");
            for ((a, b), before) in fast.layers().iter().zip(&slow.layers()).zip(&layers) {
                let moved = |after: &[f32], before: &[f32]| {
                    after.iter().zip(before).map(|(a, b)| a - b).collect::<Vec<_>>()
                };
                // The step is large so that the rounding of the weights themselves does not show.
                let weights =
                    distance(&moved(&a.weights, &before.weights), &moved(&b.weights, &before.weights));
                let biases = distance(&moved(&a.biases, &before.biases), &moved(&b.biases, &before.biases));
                assert!(weights < 1e-4 && biases < 1e-4, "{activation:?} {sizes:?}: {weights:e} {biases:e}");
            }
        }
    }
}

#[test]
fn several_steps_equal_the_librarys_optimizers() {
    for activation in [Activation::Relu, Activation::Sigmoid] {
        for (optimizer, lr) in [(Optimizer::Adam, 1e-3), (Optimizer::Nesterov { momentum: 0.9 }, 1e-2)] {
            for (sizes, batch) in SHAPES {
                let layers = start(sizes, activation);
                let mut fast = Learner::new(&layers, activation, optimizer);
                let mut slow = Reference::new(&layers, activation, optimizer, burn::tensor::Device::flex());
                for step in 0..6 {
                    let x = numbers(batch * sizes[0], 10 + step);
                    let t = numbers(batch * sizes[sizes.len() - 1], 20 + step);
                    fast.step(&x, &t, lr).unwrap();
                    slow.step(&x, &t, lr).unwrap();
                }
                for (a, b) in fast.layers().iter().zip(&slow.layers()) {
                    let far = distance(&a.weights, &b.weights).max(distance(&a.biases, &b.biases));
                    assert!(far < 1e-4, "{activation:?} {optimizer:?} {sizes:?}: {far:e}");
                }
            }
        }
    }
}

#[test]
fn predictions_equal_the_reference_and_do_not_depend_on_the_batch() {
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
    let mut reference =
        Reference::new(&layers, Activation::Relu, Optimizer::Adam, burn::tensor::Device::flex());
    let error = reference.squared_error(&x, &all).unwrap() / all.len() as f64;
    assert!(error < 1e-11, "{error:e}");
}

/// Any number of threads, and any instruction set, give the same weights to the bit.
#[test]
fn learning_does_not_depend_on_threads_or_processor() {
    let sizes = [130, 200, 101];
    let learn = |threads: usize, processor: Processor| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut learner =
                Learner::new(&start(&sizes, Activation::Sigmoid), Activation::Sigmoid, Optimizer::Adam);
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

/// What was saved continues as if nothing had happened, in both implementations.
#[test]
fn a_restored_learner_continues_exactly() {
    let sizes = [20, 30, 10];
    let layers = start(&sizes, Activation::Relu);
    for optimizer in [Optimizer::Adam, Optimizer::Nesterov { momentum: 0.9 }] {
        let fast = || Box::new(Learner::new(&layers, Activation::Relu, optimizer)) as Box<dyn Engine>;
        let slow = || {
            let device = burn::tensor::Device::flex();
            Box::new(Reference::new(&layers, Activation::Relu, optimizer, device)) as Box<dyn Engine>
        };
        let engines: [(Box<dyn Engine>, Box<dyn Engine>); 2] = [(fast(), fast()), (slow(), slow())];
        for (mut one, mut two) in engines {
            let step = |engine: &mut dyn Engine, i: u64| {
                engine.step(&numbers(4 * 20, i), &numbers(4 * 10, i + 50), 1e-2).unwrap()
            };
            step(&mut *one, 1);
            step(&mut *one, 2);
            let mut state = Tensors::default();
            one.save(&mut state).unwrap();
            two.restore(&state).unwrap();
            step(&mut *one, 3);
            step(&mut *two, 3);
            assert!(one.layers() == two.layers(), "{optimizer:?}");
        }
    }
}
