//! Small neural networks: perceptrons, gated recurrent units and temporal convolutional networks, with the kernels that
//! train them on a CPU.
//!
//! Everything is a function of its inputs and a seed, on any number of threads. Nothing here reads a file or knows of films.
//! All of the project's SIMD and `unsafe` code lives in [`kernels`].

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr))]

pub mod activation;
pub mod backend;
pub mod error;
#[cfg(any(feature = "wgpu", feature = "cuda"))]
pub mod gpu;
pub mod kernels;
pub mod layer;
pub mod optimizer;
pub mod perceptron;
pub mod sequence;
pub mod tensors;

pub use error::{Error, Result};
