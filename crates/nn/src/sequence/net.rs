//! A network that predicts.

use crate::error::Result;
use crate::kernels::Panels;
use crate::sequence::Architecture;
use crate::sequence::parameters::{NamedTensor, TensorIndex, save};
use crate::sequence::stream::{CHUNK, SequenceStream};
use std::sync::Arc;

/// A network with its weights. Clones share them.
#[derive(Clone)]
pub struct SequenceNet {
    shape: Architecture,
    weights: Arc<Vec<Panels>>,
}

impl SequenceNet {
    /// With random weights, those from which a [`Trainer`](crate::sequence::trainer::SequenceTrainer) with that seed begins.
    pub fn random(shape: &Architecture, seed: u64) -> Result<Self> {
        shape.check()?;
        Ok(Self::from_parts(shape.clone(), shape.initial(seed)))
    }

    /// Weights in the order of [`Architecture::parameters`].
    pub(crate) fn from_parts(shape: Architecture, weights: Vec<Panels>) -> Self {
        Self { shape, weights: Arc::new(weights) }
    }

    /// Kind and sizes.
    pub fn architecture(&self) -> &Architecture {
        &self.shape
    }

    /// The weights as tensors named `net.…`.
    pub fn save(&self) -> Vec<NamedTensor> {
        save("net", &self.shape.parameters(), &self.weights)
    }

    /// A network of that shape from what [`SequenceNet::save`] gave.
    pub fn restore(shape: &Architecture, tensors: &[NamedTensor]) -> Result<Self> {
        shape.check()?;
        let weights = TensorIndex::new(tensors).matrices("net", &shape.parameters())?;
        Ok(Self::from_parts(shape.clone(), weights))
    }

    /// Begins a sequence of unknown length.
    pub fn stream(&self) -> SequenceStream {
        SequenceStream::new(self.shape.clone(), self.weights.clone())
    }

    /// Predicts a whole sequence: inputs `[ticks, inputs]` to out `[ticks, outputs]`. Square outputs are in units of
    /// their z-scored targets, logistic ones are logits. Needs little memory besides, however long the sequence.
    ///
    /// # Panics
    ///
    /// If the slices do not have those sizes.
    pub fn predict(&self, inputs: &[f32], out: &mut [f32]) {
        assert_eq!(inputs.len() % self.shape.inputs(), 0, "inputs are whole ticks");
        assert_eq!(inputs.len() / self.shape.inputs() * self.shape.outputs(), out.len());
        let mut stream = self.stream();
        let mut done = 0;
        for ticks in inputs.chunks(CHUNK * self.shape.inputs()) {
            done += self.shape.outputs() * stream.push_all(ticks, &mut out[done..]);
        }
        done += self.shape.outputs() * stream.finish(&mut out[done..]);
        assert_eq!(done, out.len(), "a stream gives as many ticks as it takes");
    }
}
