//! The loops that training and inference spend their time in.
//!
//! Weights and batches lie in [`panels`] of 48 columns; [`product`] multiplies them, [`elementwise`] does the rest, and
//! [`processor`] picks the widest registers of the machine. Results do not depend on the number of threads.

mod elementwise;
mod panels;
mod processor;
mod product;

pub use elementwise::{BETA_1, BETA_2, EPSILON, OptimizerStep, activate, slope};
pub use panels::{Panels, Row, WIDTH, ZERO, transpose};
pub use processor::{Elementwise, Processor};
pub use product::{backward, for_tiles, forward, gradient_tile};
