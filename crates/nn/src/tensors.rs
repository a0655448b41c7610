//! Named tensors in memory: the numbers of networks and of their training runs.

use crate::error::{Error, Result};
use crate::layer::Layer;
use crate::sequence::NamedTensor;
use std::collections::BTreeMap;

/// Tensors by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tensors(BTreeMap<String, Tensor>);

/// Values in a shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The last dimension is that of columns.
    pub shape: Vec<usize>,
    /// Row by row.
    pub values: Values,
}

/// The values of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Single precision.
    Floats(Vec<f32>),
    /// Opaque bytes.
    Bytes(Vec<u8>),
    /// One count.
    Number(u64),
}

impl Values {
    /// The bytes of the values, in the byte order of the machine.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Floats(values) => bytemuck::cast_slice(values),
            Self::Bytes(values) => values,
            Self::Number(value) => bytemuck::bytes_of(value),
        }
    }
}

impl FromIterator<(String, Tensor)> for Tensors {
    fn from_iter<I: IntoIterator<Item = (String, Tensor)>>(tensors: I) -> Self {
        Self(tensors.into_iter().collect())
    }
}

impl Tensors {
    /// Adds numbers of that shape.
    pub fn put(&mut self, name: &str, shape: &[usize], values: Vec<f32>) {
        self.0.insert(name.to_owned(), Tensor { shape: shape.to_vec(), values: Values::Floats(values) });
    }

    /// Adds opaque bytes.
    pub fn put_bytes(&mut self, name: &str, bytes: Vec<u8>) {
        self.0.insert(name.to_owned(), Tensor { shape: vec![bytes.len()], values: Values::Bytes(bytes) });
    }

    /// Adds a count.
    pub fn put_number(&mut self, name: &str, value: u64) {
        self.0.insert(name.to_owned(), Tensor { shape: vec![1], values: Values::Number(value) });
    }

    /// Adds `PREFIX.I.weight` `[inputs, outputs]` and `PREFIX.I.bias` `[outputs]` for each layer.
    pub fn put_layers(&mut self, prefix: &str, layers: &[Layer]) {
        for (i, layer) in layers.iter().enumerate() {
            self.put(&format!("{prefix}.{i}.weight"), &[layer.inputs, layer.outputs], layer.weights.clone());
            self.put(&format!("{prefix}.{i}.bias"), &[layer.outputs], layer.biases.clone());
        }
    }

    /// The numbers of a tensor that must have that shape.
    pub fn floats(&self, name: &str, shape: &[usize]) -> Result<&[f32]> {
        match self.0.get(name) {
            Some(Tensor { shape: found, values: Values::Floats(values) }) if found == shape => Ok(values),
            Some(Tensor { shape: found, .. }) => {
                Err(damaged(format!("has '{name}' in the shape {found:?} instead of {shape:?}")))
            }
            None => Err(missing(name)),
        }
    }

    /// The opaque bytes of a tensor.
    pub fn bytes(&self, name: &str) -> Result<&[u8]> {
        match self.0.get(name) {
            Some(Tensor { values: Values::Bytes(bytes), .. }) => Ok(bytes),
            _ => Err(missing(name)),
        }
    }

    /// The count of a tensor.
    pub fn number(&self, name: &str) -> Result<u64> {
        match self.0.get(name) {
            Some(Tensor { values: Values::Number(value), .. }) => Ok(*value),
            _ => Err(missing(name)),
        }
    }

    /// The layers of a prefix, which must have those (inputs, outputs).
    pub fn layers(&self, prefix: &str, shapes: &[(usize, usize)]) -> Result<Vec<Layer>> {
        let layer = |(i, &(inputs, outputs)): (usize, &(usize, usize))| {
            let weights = self.floats(&format!("{prefix}.{i}.weight"), &[inputs, outputs])?.to_vec();
            let biases = self.floats(&format!("{prefix}.{i}.bias"), &[outputs])?.to_vec();
            Ok(Layer { inputs, outputs, weights, biases })
        };
        shapes.iter().enumerate().map(layer).collect()
    }

    /// All tensors of numbers whose names begin with `prefix`, named without it.
    pub fn with_prefix(&self, prefix: &str) -> Vec<NamedTensor> {
        let tensor = |(name, tensor): (&String, &Tensor)| {
            let Values::Floats(values) = &tensor.values else { return None };
            let name = name.strip_prefix(prefix)?.to_owned();
            Some(NamedTensor { name, shape: tensor.shape.clone(), values: values.clone() })
        };
        self.0.iter().filter_map(tensor).collect()
    }

    /// Returns true if all numbers are finite.
    pub fn all_finite(&self) -> bool {
        self.0.values().all(|tensor| match &tensor.values {
            Values::Floats(values) => values.iter().all(|x| x.is_finite()),
            _ => true,
        })
    }

    /// All tensors in the order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }
}

fn missing(name: &str) -> Error {
    damaged(format!("lacks '{name}'"))
}

fn damaged(text: impl Into<String>) -> Error {
    Error::Damaged(text.into())
}
