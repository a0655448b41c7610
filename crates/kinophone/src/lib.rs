//! Kinophone learns from films how pictures sound, and gives any film a soundtrack.
//!
//! The way of the data: [`corpus::prepare`] (film to shard) → [`brain::train`] (shards to brain) → [`render`] (brain and
//! film to sound) → [`judge`] (all of it to a report). Only [`media`] starts ffmpeg, only [`brain`] names the
//! machine-learning framework, nothing prints.

pub mod brain;
pub mod corpus;
mod error;
pub mod etude;
pub mod judge;
pub mod look;
pub mod media;
pub mod plot;
pub mod render;
pub mod score;
pub mod sounds;
pub mod storage;
pub mod task;
pub mod texture;

pub use error::{Error, Kind, Result};
pub use kinophone_dsp as dsp;
