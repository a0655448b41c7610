//! burn against the kernels on the first device that is there; a software Vulkan driver will do.

use super::*;
use crate::layer;
use crate::perceptron::PerceptronTrainer;

/// Largest difference that rounding may leave, relative to the root mean square of the numbers: sums in
/// another order, and exponentials of the device's own.
const TOLERANCE: f64 = 1e-3;

/// The kind of device that this build can use.
fn built_device() -> Device {
    if cfg!(feature = "wgpu") { Device::Wgpu } else { Device::Cuda }
}

/// Numbers in −0.5..0.5 that need no random generator.
fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let number = |i: u32| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0 - 0.5;
    (0..count as u32).map(|i| number(i + 1000 * seed)).collect()
}

fn distance(found: &[f32], expected: &[f32]) -> f64 {
    let power = expected.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / expected.len() as f64;
    let worst = found.iter().zip(expected).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
    worst / power.sqrt()
}

fn compare(activation: Activation, optimizer: Optimizer, lr: f32) {
    const SIZES: [usize; 4] = [60, 50, 49, 7];
    const BATCH: usize = 33;
    let layers = layer::initial(&SIZES, activation, &[0.1; SIZES[3]], [5; 32]);
    let device = device(built_device()).expect("a device that burn can use");
    let mut burn = BurnPerceptron::new(&layers, activation, optimizer, device);
    let mut kernels = PerceptronTrainer::new(&layers, activation, optimizer);
    for step in 0..6 {
        let (inputs, targets) = (numbers(BATCH * SIZES[0], step), numbers(BATCH * SIZES[3], 10 + step));
        let errors = [&mut burn as &mut dyn TrainBackend, &mut kernels]
            .map(|backend| backend.step(&inputs, &targets, lr).expect("a step"));
        assert!((errors[0] / errors[1] - 1.0).abs() < TOLERANCE, "{activation:?} {optimizer:?}: {errors:?}");
    }
    for (found, expected) in burn.layers().iter().zip(kernels.layers()) {
        let far = distance(&found.weights, &expected.weights).max(distance(&found.biases, &expected.biases));
        assert!(far < TOLERANCE, "{activation:?} {optimizer:?}: {far:e}");
    }
}

#[test]
fn burn_equals_the_kernels() {
    for activation in [Activation::Relu, Activation::Sigmoid] {
        compare(activation, Optimizer::Adam, 1e-3);
        compare(activation, Optimizer::Nesterov { momentum: 0.9 }, 1e-2);
    }
}
