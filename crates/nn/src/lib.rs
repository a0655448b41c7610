//! Small neural networks: perceptrons, gated recurrent units and temporal convolutional networks, with the
//! kernels that train them on a CPU.
//!
//! Everything is a function of its inputs and a seed, on any number of threads. Nothing here reads a file or
//! knows of films. All of the project's SIMD and `unsafe` code lives in [`kernels`] (the shards of
//! `kinophone` map files into memory, which is `unsafe`, too).
//!
//! A recurrent network learns to sum up its input, and predicts:
//!
//! ```
//! use kinophone_nn::sequence::{
//!     Architecture, HyperParams, Loss, LossKind, SequenceTrainer, WindowBatch,
//! };
//!
//! let architecture = Architecture::Gru { inputs: 1, projection: 8, hidden: 8, outputs: 1 };
//! let mut hyper = HyperParams::new(&architecture, 1);
//! (hyper.lead, hyper.input_dropout, hyper.hidden_dropout) = (0, 0.0, 0.0);
//! let losses = [Loss { kind: LossKind::Square, weight: 1.0 }];
//! let mut trainer = SequenceTrainer::new(&architecture, &losses, &hyper)?;
//!
//! let inputs = [0.5, -0.25, 0.5, 0.25, -0.5, 0.0, 0.25, -0.5];
//! let targets = [0.5, 0.25, 0.75, 1.0, 0.5, 0.5, 0.75, 0.25];
//! let counted = [true; 8];
//! let batch =
//!     WindowBatch { windows: 1, frames: 8, inputs: &inputs, targets: &targets, counted: &counted };
//! let first = trainer.step(&batch, 1e-2)?;
//! let last = (0..200).map(|_| trainer.step(&batch, 1e-2)).last().expect("steps")?;
//! assert!(last < 0.1 * first);
//!
//! let mut predicted = [0.0; 8];
//! trainer.net().predict(&inputs, &mut predicted);
//! # Ok::<(), kinophone_nn::Error>(())
//! ```

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr))]

pub mod activation;
pub mod backend;
mod device;
pub mod error;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
pub mod gpu;
pub mod kernels;
pub mod layer;
pub mod linalg;
pub mod optimizer;
pub mod perceptron;
pub mod sequence;
pub mod tensors;
mod train_backend;

pub use error::{Error, Result};
