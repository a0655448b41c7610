//! The loops that training and inference spend their time in.
//!
//! Weights and batches lie in [`Panels`] of 48 columns; `product.rs` multiplies them, `elementwise.rs` has
//! all other loops, and [`Processor`] selects the widest registers of the machine. Results do not depend on
//! the number of threads.

mod elementwise;
mod panels;
mod processor;
mod product;

pub(crate) use elementwise::flush_subnormal;
pub use elementwise::{BETA_1, BETA_2, EPSILON, OptimizerStep, activate, slope};
pub use panels::{Panels, Row, WIDTH, ZERO, transpose};
pub use processor::{Elementwise, Processor};
pub use product::{backward, for_tiles, forward, gradient_tile};
