//! Fully connected layers in the form in which backends, files and new trainings exchange them.

use crate::activation::Activation;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};

/// A fully connected layer: y = x · weights + biases.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Rows of the weights.
    pub inputs: usize,
    /// Columns of the weights.
    pub outputs: usize,
    /// `[inputs, outputs]`, row by row.
    pub weights: Vec<f32>,
    /// `[outputs]`
    pub biases: Vec<f32>,
}

impl Layer {
    /// A layer with weights drawn from a normal distribution of that deviation, and zero biases.
    pub fn random(inputs: usize, outputs: usize, deviation: f32, rng: &mut ChaCha8Rng) -> Self {
        let normal =
            Normal::new(0.0, deviation.max(f32::MIN_POSITIVE)).expect("a deviation is finite and positive");
        let weights = (0..inputs * outputs).map(|_| normal.sample(rng)).collect();
        Self { inputs, outputs, weights, biases: vec![0.0; outputs] }
    }

    /// Moves a fixed part of the input into the biases: afterwards this layer is the same function of x +
    /// `offset` as it was of x.
    pub fn shift(&mut self, offset: &[f32]) {
        let mut sums: Vec<f64> = self.biases.iter().map(|&b| f64::from(b)).collect();
        for (weights, &x) in self.weights.chunks_exact(self.outputs).zip(offset) {
            for (sum, &w) in sums.iter_mut().zip(weights) {
                *sum -= f64::from(x) * f64::from(w);
            }
        }
        self.biases = sums.into_iter().map(|s| s as f32).collect();
    }
}

/// New layers of those `sizes`, for centred inputs. Hidden weights have the variance 2 / inputs under ReLU
/// (He et al. 2015, equation 10) and 1 / inputs under the sigmoid (LeCun et al. 1998, section 4.6). The
/// output layer begins a tenth as strong, with the mean target in its biases: the first prediction is close
/// to the mean, the best one without knowledge of the input.
pub fn initial(sizes: &[usize], activation: Activation, mean_target: &[f32], seed: [u8; 32]) -> Vec<Layer> {
    let mut rng = ChaCha8Rng::from_seed(seed);
    let gain = if activation == Activation::Relu { 2.0 } else { 1.0 };
    let last = sizes.len() - 2;
    let mut layers: Vec<Layer> = sizes
        .windows(2)
        .enumerate()
        .map(|(l, pair)| {
            let strength = if l == last { 0.1 } else { 1.0 };
            let deviation = strength * (gain / pair[0] as f32).sqrt();
            Layer::random(pair[0], pair[1], deviation, &mut rng)
        })
        .collect();
    layers[last].biases.copy_from_slice(mean_target);
    layers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_keeps_the_function() {
        let mut layer = Layer { inputs: 2, outputs: 1, weights: vec![3.0, 5.0], biases: vec![7.0] };
        let at =
            |layer: &Layer, x: [f32; 2]| layer.weights[0] * x[0] + layer.weights[1] * x[1] + layer.biases[0];
        let before = at(&layer, [1.0, 2.0]);
        layer.shift(&[0.5, 0.25]);
        assert_eq!(at(&layer, [1.5, 2.25]), before);
    }

    #[test]
    fn weights_have_the_stated_deviation_and_follow_the_seed() {
        let layers = initial(&[500, 400, 3], Activation::Relu, &[0.1, 0.2, 0.3], [1; 32]);
        let w = &layers[0].weights;
        let deviation = (w.iter().map(|x| x * x).sum::<f32>() / w.len() as f32).sqrt();
        assert!((deviation / (2.0f32 / 500.0).sqrt() - 1.0).abs() < 0.01);
        assert_eq!(layers[1].biases, [0.1, 0.2, 0.3]);
        assert_eq!(layers, initial(&[500, 400, 3], Activation::Relu, &[0.1, 0.2, 0.3], [1; 32]));
        assert_ne!(layers, initial(&[500, 400, 3], Activation::Relu, &[0.1, 0.2, 0.3], [2; 32]));
    }
}
