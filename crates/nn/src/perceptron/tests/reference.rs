//! The perceptron once more, as plain loops in double precision.

use crate::activation::Activation;
use crate::kernels::{BETA_1, BETA_2, EPSILON};
use crate::layer::Layer;
use crate::optimizer::Optimizer;

/// One fully connected layer: weights `[inputs][outputs]`, then one row of biases.
type Matrix = Vec<Vec<f64>>;

/// A perceptron that learns: mean squared error, Adam or Nesterov.
pub struct Twin {
    layers: Vec<Matrix>,
    first: Vec<Matrix>,
    second: Vec<Matrix>,
    activation: Activation,
    optimizer: Optimizer,
    steps: i32,
}

fn widen(layer: &Layer) -> Matrix {
    let rows = layer.weights.chunks_exact(layer.outputs).chain([&layer.biases[..]]);
    rows.map(|row| row.iter().map(|&x| f64::from(x)).collect()).collect()
}

impl Twin {
    pub fn new(layers: &[Layer], activation: Activation, optimizer: Optimizer) -> Self {
        let layers: Vec<Matrix> = layers.iter().map(widen).collect();
        let zeros = |m: &Matrix| m.iter().map(|row| vec![0.0; row.len()]).collect::<Matrix>();
        let (first, second) = (layers.iter().map(zeros).collect(), layers.iter().map(zeros).collect());
        Self { layers, first, second, activation, optimizer, steps: 0 }
    }

    /// Weights without the row of biases, and the biases, of every layer.
    pub fn layers(&self) -> impl Iterator<Item = (Vec<f64>, &[f64])> {
        self.layers.iter().map(|m| (m[..m.len() - 1].concat(), &m[m.len() - 1][..]))
    }

    fn activate(&self, x: f64) -> f64 {
        match self.activation {
            Activation::Relu => x.max(0.0),
            Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        }
    }

    /// Derivative of the nonlinearity, from its value.
    fn slope(&self, y: f64) -> f64 {
        match self.activation {
            Activation::Relu => f64::from(y > 0.0),
            Activation::Sigmoid => y * (1.0 - y),
        }
    }

    /// The input and the output of every layer, for one example.
    pub fn predict(&self, x: &[f32]) -> Vec<Vec<f64>> {
        let mut all = vec![x.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>()];
        for (l, layer) in self.layers.iter().enumerate() {
            let input = &all[l];
            let sum = |o: usize| {
                input.iter().zip(layer).map(|(x, w)| x * w[o]).sum::<f64>() + layer[input.len()][o]
            };
            let mut out: Vec<f64> = (0..layer[0].len()).map(sum).collect();
            if l + 1 < self.layers.len() {
                out.iter_mut().for_each(|x| *x = self.activate(*x));
            }
            all.push(out);
        }
        all
    }

    /// One step on a batch; gives the mean squared error before the step.
    pub fn step(&mut self, x: &[f32], t: &[f32], lr: f32) -> f64 {
        let (inputs, outputs) = (self.layers[0].len() - 1, self.layers[self.layers.len() - 1][0].len());
        let mut gradients: Vec<Matrix> =
            self.layers.iter().map(|m| m.iter().map(|row| vec![0.0; row.len()]).collect()).collect();
        let mut error = 0.0;
        for (x, t) in x.chunks_exact(inputs).zip(t.chunks_exact(outputs)) {
            error += self.add_gradients(x, t, &mut gradients);
        }
        for gradient in gradients.iter_mut().flatten().flatten() {
            *gradient *= 2.0 / (t.len() as f64);
        }
        self.change(&gradients, f64::from(lr));
        error / t.len() as f64
    }

    /// Adds Σ (y − t) · ∂y/∂w of one example; gives the sum of its squared errors.
    fn add_gradients(&self, x: &[f32], t: &[f32], gradients: &mut [Matrix]) -> f64 {
        let all = self.predict(x);
        let mut delta: Vec<f64> = all[all.len() - 1].iter().zip(t).map(|(y, &t)| y - f64::from(t)).collect();
        let error = delta.iter().map(|d| d * d).sum();
        for l in (0..self.layers.len()).rev() {
            for (i, row) in gradients[l].iter_mut().enumerate() {
                let input = all[l].get(i).copied().unwrap_or(1.0);
                row.iter_mut().zip(&delta).for_each(|(g, d)| *g += input * d);
            }
            if l > 0 {
                let back = |(i, &y): (usize, &f64)| {
                    self.slope(y) * self.layers[l][i].iter().zip(&delta).map(|(w, d)| w * d).sum::<f64>()
                };
                delta = all[l].iter().enumerate().map(back).collect();
            }
        }
        error
    }

    /// Adam (Kingma and Ba 2015, algorithm 1), or Nesterov's momentum with m ← μ m + g; w ← w − lr (g + μ m).
    fn change(&mut self, gradients: &[Matrix], lr: f64) {
        self.steps += 1;
        let (one, two) = (f64::from(BETA_1), f64::from(BETA_2));
        let correction = (1.0 - one.powi(self.steps), 1.0 - two.powi(self.steps));
        let moments =
            self.first.iter_mut().flatten().flatten().zip(self.second.iter_mut().flatten().flatten());
        let weights = self.layers.iter_mut().flatten().flatten();
        for ((w, g), (m, v)) in weights.zip(gradients.iter().flatten().flatten()).zip(moments) {
            match self.optimizer {
                Optimizer::Adam => {
                    *m = one * *m + (1.0 - one) * g;
                    *v = two * *v + (1.0 - two) * g * g;
                    *w -= lr * (*m / correction.0) / ((*v / correction.1).sqrt() + f64::from(EPSILON));
                }
                Optimizer::Nesterov { momentum } => {
                    *m = f64::from(momentum) * *m + g;
                    *w -= lr * (g + f64::from(momentum) * *m);
                }
            }
        }
    }
}
