//! A network for prediction, and the parameters of a network of either kind.

use crate::error::Result;
use crate::kernels::Panels;
use crate::sequence::parameters::{NamedTensor, Parameter, TensorIndex, save};
use crate::sequence::stream::{CHUNK, SequenceStream};
use crate::sequence::{Architecture, gru, tcn};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// A network with its weights. Clones share them.
#[derive(Clone)]
pub struct SequenceNet {
    architecture: Architecture,
    weights: Arc<Vec<Panels>>,
}

impl SequenceNet {
    /// A network with random weights, those with which a
    /// [`SequenceTrainer`](crate::sequence::SequenceTrainer) of that seed begins.
    pub fn random(architecture: &Architecture, seed: u64) -> Result<Self> {
        architecture.check()?;
        Ok(Self::from_parts(architecture.clone(), architecture.initial(seed)))
    }

    /// A network with weights in the order of [`Architecture::parameters`].
    pub(crate) fn from_parts(architecture: Architecture, weights: Vec<Panels>) -> Self {
        Self { architecture, weights: Arc::new(weights) }
    }

    /// Kind and sizes.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The weights as tensors named `net.…`.
    pub fn save(&self) -> Vec<NamedTensor> {
        save("net", &self.architecture.parameters(), &self.weights)
    }

    /// A network of that architecture from the tensors of [`SequenceNet::save`].
    pub fn restore(architecture: &Architecture, tensors: &[NamedTensor]) -> Result<Self> {
        architecture.check()?;
        let weights = TensorIndex::new(tensors).matrices("net", &architecture.parameters())?;
        Ok(Self::from_parts(architecture.clone(), weights))
    }

    /// Begins a sequence of unknown length.
    pub fn stream(&self) -> SequenceStream {
        SequenceStream::new(self.architecture.clone(), self.weights.clone())
    }

    /// Predicts a whole sequence: inputs `[ticks, inputs]` to out `[ticks, outputs]`. Square outputs are in
    /// units of their z-scored targets, logistic ones are logits. Needs little memory besides, however long
    /// the sequence.
    ///
    /// # Panics
    ///
    /// If the slices do not have those sizes.
    pub fn predict(&self, inputs: &[f32], out: &mut [f32]) {
        assert_eq!(inputs.len() % self.architecture.inputs(), 0, "inputs are whole ticks");
        assert_eq!(inputs.len() / self.architecture.inputs() * self.architecture.outputs(), out.len());
        let mut stream = self.stream();
        let mut done = 0;
        for ticks in inputs.chunks(CHUNK * self.architecture.inputs()) {
            done += self.architecture.outputs() * stream.push_all(ticks, &mut out[done..]);
        }
        done += self.architecture.outputs() * stream.finish(&mut out[done..]);
        assert_eq!(done, out.len(), "a stream gives as many ticks as it takes");
    }
}

impl Architecture {
    /// The parameters in the order in which networks and optimizers keep them.
    pub fn parameters(&self) -> Vec<Parameter> {
        match self {
            Self::Gru { inputs, projection, hidden, outputs } => {
                gru::parameters(*inputs, *projection, *hidden, *outputs)
            }
            Self::Tcn { inputs, channels, dilations, outputs, .. } => {
                tcn::parameters(*inputs, *channels, dilations.len(), *outputs)
            }
        }
    }

    /// Random parameters, each uniform within its bound.
    pub fn initial(&self, seed: u64) -> Vec<Panels> {
        let draw = |(i, parameter): (usize, Parameter)| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            // Far from the streams of training steps (see `rng.rs`), which may have the same seed.
            rng.set_stream(u64::MAX - i as u64);
            let count = parameter.shape.iter().product();
            let bound = parameter.bound;
            let values: Vec<f32> = (0..count).map(|_| rng.random_range(-bound..=bound)).collect();
            Panels::from_rows(parameter.rows(), parameter.columns(), &values)
        };
        self.parameters().into_iter().enumerate().map(draw).collect()
    }
}
