//! The parameters of a network as a list of named matrices.

use crate::error::{Error, Result};
use crate::kernels::Panels;
use std::collections::HashMap;

/// A named tensor, row by row: the form in which networks and training runs are stored.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedTensor {
    /// Name, such as "weights.gru.input.weight".
    pub name: String,
    /// The last dimension is that of columns.
    pub shape: Vec<usize>,
    /// As many as the product of the shape.
    pub values: Vec<f32>,
}

/// The description of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Name, such as "gru.input.weight".
    pub name: String,
    /// Weights: `[inputs, outputs]` or `[parts, inputs, outputs]`; biases: `[outputs]` or `[parts, outputs]`.
    pub shape: Vec<usize>,
    /// Bound of the uniform distribution with which it begins.
    pub bound: f32,
    /// True for weights, which are pulled towards zero, false for biases.
    pub decays: bool,
}

impl Parameter {
    /// Weights and biases of a layer. Both begin uniformly within ± 1/√`fan`, as PyTorch's `Linear` and
    /// `Conv1d` (with `fan` the inputs of a unit) and its `GRU` (with `fan` the hidden units) do.
    pub fn layer(name: &str, weights: &[usize], biases: &[usize], fan: usize) -> [Self; 2] {
        let bound = 1.0 / (fan as f32).sqrt();
        let new = |suffix, shape: &[usize], decays| Self {
            name: format!("{name}.{suffix}"),
            shape: shape.to_vec(),
            bound,
            decays,
        };
        [new("weight", weights, true), new("bias", biases, false)]
    }

    /// Columns of its matrix: the last dimension.
    pub fn columns(&self) -> usize {
        self.shape[self.shape.len() - 1]
    }

    /// Rows of its matrix: the other dimensions.
    pub fn rows(&self) -> usize {
        self.shape[..self.shape.len() - 1].iter().product()
    }

    /// A zero matrix for it.
    pub fn zeros(&self) -> Panels {
        Panels::zeros(self.rows(), self.columns())
    }
}

/// The matrices as tensors named `PREFIX.NAME`.
pub fn save(prefix: &str, parameters: &[Parameter], matrices: &[Panels]) -> Vec<NamedTensor> {
    let tensor = |(parameter, matrix): (&Parameter, &Panels)| NamedTensor {
        name: format!("{prefix}.{}", parameter.name),
        shape: parameter.shape.clone(),
        values: matrix.to_rows(),
    };
    parameters.iter().zip(matrices).map(tensor).collect()
}

/// An index of tensors by name.
pub struct TensorIndex<'a>(HashMap<&'a str, &'a NamedTensor>);

impl<'a> TensorIndex<'a> {
    /// An index of `tensors`.
    pub fn new(tensors: &'a [NamedTensor]) -> Self {
        Self(tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect())
    }

    /// The values of a tensor, which must have that shape and be finite.
    pub fn values(&self, name: &str, shape: &[usize]) -> Result<&'a [f32]> {
        let damaged = |text: String| Err(Error::Damaged(text));
        match self.0.get(name) {
            None => damaged(format!("lacks '{name}'")),
            Some(tensor) if tensor.shape != shape => {
                damaged(format!("has '{name}' in the shape {:?} instead of {shape:?}", tensor.shape))
            }
            Some(tensor) if tensor.values.len() != shape.iter().product::<usize>() => {
                damaged(format!("has '{name}' with {} numbers for the shape {shape:?}", tensor.values.len()))
            }
            Some(tensor) if !tensor.values.iter().all(|x| x.is_finite()) => {
                damaged(format!("has numbers in '{name}' that are not finite"))
            }
            Some(tensor) => Ok(&tensor.values),
        }
    }

    /// The matrices that [`save`] stored.
    pub fn matrices(&self, prefix: &str, parameters: &[Parameter]) -> Result<Vec<Panels>> {
        let matrix = |parameter: &Parameter| {
            let values = self.values(&format!("{prefix}.{}", parameter.name), &parameter.shape)?;
            Ok(Panels::from_rows(parameter.rows(), parameter.columns(), values))
        };
        parameters.iter().map(matrix).collect()
    }
}
