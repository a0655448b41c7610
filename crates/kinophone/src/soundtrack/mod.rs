//! Soundtracks as files: the names that are written to, the mix, the encoder, scores and credits.
//!
//! The same for whoever plays. An `OutputRequest` becomes a `ReservedOutput` before the work, so that names that cannot be
//! written are known at once; an `OpenOutput` when it is known what plays; and a [`Soundtrack`] when all of it was played. The
//! file appears last, so where it is the rest is, too.

mod encoder;
mod format;
mod mixdown;
mod options;
mod original;
mod output;
mod renderer;
mod tags;

pub(crate) use format::no_picture;
pub(crate) use mixdown::MixStage;
pub use options::OutputOptions;
pub(crate) use output::{
    FinishedSound, OpenOutput, OutputRequest, PlayedClips, ReservedOutput, SoundtrackMeta, nothing_to_score,
};
pub use renderer::RenderTrace;
pub(crate) use renderer::{Renderer, rounded_ms, ticks_until};

use crate::media::SoundCodec;
use crate::score::Credits;
use kinophone_dsp::units::SampleRate;
use serde::Serialize;
use std::path::PathBuf;

/// A soundtrack that was written.
#[derive(Clone, Debug, Serialize)]
pub struct Soundtrack {
    /// The file.
    #[serde(rename = "output")]
    pub path: PathBuf,
    /// Length in seconds.
    pub seconds: f64,
    /// Rate of the samples handed to the encoder, in Hz.
    pub rate: SampleRate,
    /// 1 or 2.
    pub channels: u32,
    /// Codec of the sound.
    pub codec: SoundCodec,
    /// Integrated loudness before the gain, in LUFS; `None` where the level was left as it is, or everything lies below the gate
    /// of −70 LUFS.
    pub loudness_before: Option<f64>,
    /// Gain of the whole, in dB.
    pub gain_db: f64,
    /// Shares of the recordings that are played, if any are.
    pub credits: Option<Credits>,
    /// Complaints of ffmpeg about the film.
    pub complaints: Vec<String>,
}
