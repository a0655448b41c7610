//! The backend of `--device wgpu` against the kernels of the CPU: the same network, the same steps, equal within rounding.
//! Any Vulkan driver will do, a software one too: `scripts/gpu-check` brings one along.
#![cfg(feature = "wgpu")]

use kinophone_nn::activation::Activation;
use kinophone_nn::backend::{Device, TrainBackend, train_backend};
use kinophone_nn::layer::{self, Layer};
use kinophone_nn::optimizer::Optimizer;
use kinophone_nn::tensors::Tensors;

const SIZES: [usize; 3] = [64, 32, 16];
const ROWS: usize = 8;
const STEPS: usize = 20;
/// Relative to the largest of the numbers that are compared.
const TOLERANCE: f64 = 1e-4;

/// Numbers from −1 to 1 that look random.
fn numbers(count: usize, salt: usize) -> Vec<f32> {
    (0..count).map(|k| ((k * 7919 + salt * 104_729) % 2003) as f32 / 1001.0 - 1.0).collect()
}

/// What is learned: the nonlinearity, the step rule, and its step size.
#[derive(Clone, Copy)]
struct Training(Activation, Optimizer, f32);

const ADAM: Training = Training(Activation::Relu, Optimizer::Adam, 0.01);
const MOMENTUM: Training = Training(Activation::Sigmoid, Optimizer::Nesterov { momentum: 0.9 }, 0.1);

impl Training {
    fn begin(self, device: Device, seed: u8) -> Box<dyn TrainBackend> {
        let Self(activation, optimizer, _) = self;
        let layers = layer::initial(&SIZES, activation, &[0.1; SIZES[2]], [seed; 32]);
        train_backend(device, &layers, activation, optimizer).unwrap_or_else(|e| {
            panic!("{e}; scripts/gpu-check installs a software driver where there is no graphics card")
        })
    }

    /// Makes some steps; returns the losses before each of them.
    fn go_on(self, backend: &mut dyn TrainBackend, steps: usize) -> Vec<f64> {
        let (pictures, targets) = (numbers(ROWS * SIZES[0], 1), numbers(ROWS * SIZES[2], 2));
        (0..steps).map(|_| backend.step(&pictures, &targets, self.2).expect("the device works")).collect()
    }
}

fn assert_close(what: &str, found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(f64::MIN_POSITIVE, |most, x| most.max(x.abs()));
    let error = found.iter().zip(expected).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs())) / largest;
    println!("{what}: relative error {error:.1e}");
    assert!(error < TOLERANCE, "{what}: the relative error is {error:e}, more than {TOLERANCE:e}");
}

fn assert_close_layers(found: &[Layer], expected: &[Layer]) {
    let wide = |values: &[f32]| values.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
    for (l, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_close(&format!("weights of layer {l}"), &wide(&found.weights), &wide(&expected.weights));
        assert_close(&format!("biases of layer {l}"), &wide(&found.biases), &wide(&expected.biases));
    }
}

fn print_device() {
    let device = kinophone_nn::gpu::device(Device::Wgpu).expect("there is a device");
    println!("on {}", device.identity().map_or("a device without a name".to_owned(), |it| it.name));
}

fn compare_with_cpu(training: Training) {
    let [mut cpu, mut gpu] = [Device::Cpu, Device::Wgpu].map(|device| training.begin(device, 7));
    print_device();
    let expected = training.go_on(&mut *cpu, STEPS);
    println!("loss {:.4} to {:.4} in {STEPS} steps", expected[0], expected[STEPS - 1]);
    assert!(expected[STEPS - 1] < 0.9 * expected[0], "nothing was learned: {expected:?}");
    assert_close("losses", &training.go_on(&mut *gpu, STEPS), &expected);
    assert_close_layers(&gpu.layers(), &cpu.layers());
}

#[test]
fn gpu_trains_as_the_cpu_does_with_adam() {
    compare_with_cpu(ADAM);
}

#[test]
fn gpu_trains_as_the_cpu_does_with_momentum() {
    compare_with_cpu(MOMENTUM);
}

#[test]
fn gpu_goes_on_from_a_saved_state() {
    for training in [ADAM, MOMENTUM] {
        let mut whole = training.begin(Device::Wgpu, 7);
        training.go_on(&mut *whole, STEPS / 2);
        let mut state = Tensors::default();
        whole.save(&mut state).expect("the state can be saved");
        let mut resumed = training.begin(Device::Wgpu, 8);
        resumed.restore(&state).expect("the state fits");
        let expected = training.go_on(&mut *whole, STEPS / 2);
        assert_close("losses", &training.go_on(&mut *resumed, STEPS / 2), &expected);
        assert_close_layers(&resumed.layers(), &whole.layers());
    }
}
