//! Makes a chain of layers one that a brain can be: one nonlinearity, and samples from −1 to 1.
//!
//! All is exact but for rounding to single precision at the end:
//!
//! * A hidden layer without nonlinearity is one of rectified units that are twice as many: z = max(0, z) − max(0, −z).
//! * tanh(x) = 2 σ(2 x) − 1, so that a layer of tanh is one of the logistic function σ between other weights.
//! * An output of 0..1 becomes one of −1..1 by 2 y − 1. In 2015 a sample s of 16 bits was learned as (s + 2¹⁵) / 2¹⁶; ours
//!   is s / 2¹⁵.

use crate::classic::import::nonlinearity::Nonlinearity;
use crate::classic::import::theanets::Affine;
use crate::{Error, Kind, Result};
use kinophone_nn::activation::Activation;
use kinophone_nn::layer::Layer;

/// Layers and the one nonlinearity between them, from layers with those of `hidden` between them.
pub(crate) fn fit(mut layers: Vec<Affine>, hidden: &[Nonlinearity]) -> Result<(Vec<Layer>, Activation)> {
    for (at, kind) in hidden.iter().enumerate() {
        match kind {
            Nonlinearity::Logistic | Nonlinearity::Relu => {}
            Nonlinearity::Tanh => {
                layers[at].scale(2.0);
                layers[at + 1].take(2.0, -1.0);
            }
            Nonlinearity::Linear => {
                layers[at].say_both_signs();
                layers[at + 1].take_both_signs();
            }
        }
    }
    if let Some(output) = layers.last_mut() {
        output.scale(2.0);
        output.biases.iter_mut().for_each(|b| *b -= 1.0);
    }
    let single = |numbers: Vec<f64>| numbers.into_iter().map(|x| x as f32).collect();
    let layers = layers.into_iter().map(|l| Layer {
        inputs: l.inputs,
        outputs: l.outputs,
        weights: single(l.weights),
        biases: single(l.biases),
    });
    Ok((layers.collect(), activation(hidden)?))
}

/// One for all; a network without any is the same with either.
fn activation(hidden: &[Nonlinearity]) -> Result<Activation> {
    let of = |kind: &Nonlinearity| match kind {
        Nonlinearity::Logistic | Nonlinearity::Tanh => Activation::Sigmoid,
        Nonlinearity::Relu | Nonlinearity::Linear => Activation::Relu,
    };
    let first = hidden.first().map_or(Activation::Relu, of);
    match hidden.iter().find(|kind| of(kind) != first) {
        None => Ok(first),
        Some(other) => {
            let what = format!(
                "holds a network that can't become a brain: its hidden layers are {} and {}",
                hidden[0].name(),
                other.name()
            );
            Err(Error::new(Kind::WrongKind, what)
                .help("a brain has one nonlinearity for all of its hidden layers"))
        }
    }
}

impl Affine {
    fn scale(&mut self, factor: f64) {
        self.weights.iter_mut().chain(&mut self.biases).for_each(|x| *x *= factor);
    }

    /// The same function of x as this layer is of `factor` x + `offset`.
    fn take(&mut self, factor: f64, offset: f64) {
        for row in self.weights.chunks_exact_mut(self.outputs) {
            for (w, b) in row.iter_mut().zip(&mut self.biases) {
                *b += *w * offset;
                *w *= factor;
            }
        }
    }

    /// z and −z instead of z.
    fn say_both_signs(&mut self) {
        let both = |row: &[f64]| row.iter().copied().chain(row.iter().map(|x| -x)).collect::<Vec<f64>>();
        self.weights = self.weights.chunks_exact(self.outputs).flat_map(both).collect();
        self.biases = both(&self.biases);
        self.outputs *= 2;
    }

    /// Takes max(0, z) and max(0, −z) instead of z.
    fn take_both_signs(&mut self) {
        self.weights.extend_from_within(..);
        let half = self.weights.len() / 2;
        self.weights[half..].iter_mut().for_each(|w| *w = -*w);
        self.inputs *= 2;
    }
}
