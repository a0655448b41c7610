//! The backend of `--device wgpu` against the kernels of the CPU: the same network, the same steps, equal within rounding.
//! Any Vulkan driver will do, a software one too: `scripts/gpu-check` brings one along.
#![cfg(feature = "wgpu")]

use kinophone_nn::activation::Activation;
use kinophone_nn::backend::{Device, TrainBackend, train_backend};
use kinophone_nn::layer::{self, Layer};
use kinophone_nn::optimizer::Optimizer;

const SIZES: [usize; 3] = [64, 32, 16];
const ROWS: usize = 8;
const STEPS: usize = 20;
/// Relative to the largest of the numbers that are compared.
const TOLERANCE: f64 = 1e-4;

/// Numbers from −1 to 1 that look random.
fn numbers(count: usize, salt: usize) -> Vec<f32> {
    (0..count).map(|k| ((k * 7919 + salt * 104_729) % 2003) as f32 / 1001.0 - 1.0).collect()
}

/// Losses before each of the steps, and the layers after them.
fn trained(device: Device, activation: Activation, optimizer: Optimizer) -> (Vec<f64>, Vec<Layer>) {
    let layers = layer::initial(&SIZES, activation, &[0.1; SIZES[2]], [7; 32]);
    let mut backend: Box<dyn TrainBackend> = train_backend(device, &layers, activation, optimizer)
        .unwrap_or_else(|e| {
            panic!("{e}; scripts/gpu-check installs a software driver where there is no graphics card")
        });
    let (pictures, targets) = (numbers(ROWS * SIZES[0], 1), numbers(ROWS * SIZES[2], 2));
    let losses = (0..STEPS).map(|_| backend.step(&pictures, &targets, 0.01).expect("the device works"));
    (losses.collect(), backend.layers())
}

fn assert_close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(f64::MIN_POSITIVE, |most, x| most.max(x.abs()));
    let error = found.iter().zip(expected).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs())) / largest;
    println!("{what}: relative error {error:.1e}");
    assert!(error < TOLERANCE, "{what}: the relative error is {error:e}, more than {TOLERANCE:e}");
}

fn compare(activation: Activation, optimizer: Optimizer) {
    let (expected_losses, expected) = trained(Device::Cpu, activation, optimizer);
    let (losses, layers) = trained(Device::Wgpu, activation, optimizer);
    assert!(
        expected_losses[STEPS - 1] < 0.9 * expected_losses[0],
        "nothing was learned: {expected_losses:?}"
    );
    assert_close("losses", &losses, &expected_losses);
    let wide = |values: &[f32]| values.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
    for (l, (found, expected)) in layers.iter().zip(&expected).enumerate() {
        assert_close(&format!("weights of layer {l}"), &wide(&found.weights), &wide(&expected.weights));
        assert_close(&format!("biases of layer {l}"), &wide(&found.biases), &wide(&expected.biases));
    }
}

#[test]
fn gpu_trains_as_the_cpu_does_with_adam() {
    compare(Activation::Relu, Optimizer::Adam);
}

#[test]
fn gpu_trains_as_the_cpu_does_with_momentum() {
    compare(Activation::Sigmoid, Optimizer::Nesterov { momentum: 0.9 });
}
