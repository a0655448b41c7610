//! Kinophone learns from films how pictures sound, and gives any film a soundtrack.
//!
//! The flow of data: [`dataset::prepare`] (film to shard) → [`model::train`] (shards to brain) → [`render`]
//! (brain and film to soundtrack) → [`eval`] (all of it to a report). Only [`media`] starts ffmpeg, nothing prints.
//!
//! Learns from an etude, a short film that Kinophone draws itself, and gives another one a soundtrack:
//!
//! ```no_run
//! use kinophone::dataset::{self, Corpus, PrepareOptions, TickDataset};
//! use kinophone::etude::{Etude, EtudeConfig};
//! use kinophone::model::{self, EnsembleTraining};
//! use kinophone::task::{Cancel, Quiet, Task};
//! use kinophone::{media::Ffmpeg, render, soundtrack::OutputOptions, storage::Overwrite};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (ffmpeg, cancel) = (Ffmpeg::locate(None)?, Cancel::default());
//! let task = Task { watcher: &Quiet, cancel: &cancel };
//! let folder = tempfile::tempdir()?;
//! let [film, other, corpus, brain] = ["1.mp4", "2.mp4", "corpus", "a.brain"].map(|name| folder.path().join(name));
//! Etude::new(EtudeConfig::shapes(20, 1))?.write(&ffmpeg, &film, task)?;
//! Etude::new(EtudeConfig::shapes(20, 2))?.write(&ffmpeg, &other, task)?;
//!
//! dataset::prepare(&ffmpeg, &[film], &corpus, &PrepareOptions::default(), task)?;
//! let (corpus, _) = Corpus::open(&corpus, false, &cancel)?;
//! let training = EnsembleTraining::default();
//! let options = training.dataset_options(model::default_grid());
//! let dataset = TickDataset::new(corpus, &options, folder.path(), task)?;
//! model::train(&dataset, training, dataset.sources(), task)?.0.save(&brain, Overwrite::Refuse)?;
//!
//! let soundtrack = OutputOptions::alone(folder.path().join("2.wav"), Overwrite::Refuse);
//! render::render(&ffmpeg, &render::RenderPlan::new(brain, other, soundtrack), task)?;
//! # Ok(())
//! # }
//! ```

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr))]

pub mod brain;
pub mod classic;
pub mod concat;
pub mod dataset;
mod error;
pub mod etude;
pub mod eval;
mod file_kind;
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
