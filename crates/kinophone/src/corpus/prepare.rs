//! Films into a corpus.

use crate::Result;
use crate::media::Ffmpeg;
use crate::task::Task;
use std::path::{Path, PathBuf};

/// How films are prepared.
#[derive(Clone, Debug)]
pub struct PrepareOptions {
    /// Side of the square pictures, 64 by default.
    pub size: u32,
    /// RGB instead of grey.
    pub colour: bool,
    /// Which sound track, from 0.
    pub audio_track: usize,
    /// A film without sound is an error (for training) instead of a shard without sound.
    pub require_sound: bool,
    /// Provenance given by the person, applied to every film of the call.
    pub licence: Option<String>,
    /// See `licence`.
    pub author: Option<String>,
    /// See `licence`.
    pub title: Option<String>,
    /// See `licence`.
    pub origin: Option<String>,
}

/// What came of one film.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Prepared {
    /// The film as named.
    pub film: PathBuf,
    /// Its shard.
    pub shard: PathBuf,
    /// It was there already.
    pub skipped: bool,
    /// Pictures in the shard.
    pub pictures: usize,
    /// Length in seconds.
    pub seconds: f64,
}

/// Prepares every film into `folder` (created if missing). A film whose shard is there already (same hash, size and
/// colour) is skipped; a shard appears whole or not at all; several processes may work on one folder.
pub fn prepare(
    ffmpeg: &Ffmpeg,
    films: &[PathBuf],
    folder: &Path,
    options: &PrepareOptions,
    task: Task<'_>,
) -> Result<Vec<Prepared>> {
    let _ = (ffmpeg, films, folder, options, task);
    unimplemented!()
}
