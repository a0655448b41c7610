//! Kinophone learns from films how pictures sound, and gives any film a soundtrack.
//!
//! The flow of data: [`dataset::prepare`] (film to shard) → [`model::train`] (shards to brain) → [`render`]
//! (brain and film to soundtrack) → [`eval`] (all of it to a report). Only [`media`] starts ffmpeg, nothing
//! prints.

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr))]

pub mod brain;
pub mod classic;
pub mod concat;
pub mod dataset;
mod error;
pub mod etude;
pub mod eval;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzz;
pub mod ledger;
pub mod media;
pub mod model;
pub mod plot;
pub mod render;
pub mod revoice;
pub mod score;
pub mod sound_library;
pub mod soundtrack;
pub mod storage;
pub mod task;
mod tensor_file;
pub mod texture;
pub mod visual;
pub mod wording;
mod worker;

pub use error::{Error, Kind, Result};
pub use kinophone_dsp as dsp;
pub use kinophone_nn as nn;
