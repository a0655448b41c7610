//! Options that all soundtracks have in common.

use crate::media::SoundCodec;
use crate::storage::Overwrite;
use std::path::PathBuf;

/// A soundtrack to be written, and what is written beside it.
#[derive(Clone, Debug)]
pub struct OutputOptions {
    /// The file; its extension decides the container.
    pub file: PathBuf,
    /// Its sound codec; `None`: the container's customary one.
    pub codec: Option<SoundCodec>,
    /// True if existing files may be replaced.
    pub overwrite: Overwrite,
    /// Mixes the film's own sound under the new one, at this many dB relative to its level in the film.
    pub keep_original_db: Option<f64>,
    /// The number of that sound track in the film, from 0; [`revoice`](crate::revoice) follows it, too.
    pub audio_track: usize,
    /// Scores of soundtracks made of recorded sound, in the formats of their extensions
    /// ([`ScoreFormat`](crate::score::ScoreFormat)). Every clip is kept in memory until the end, some hundred bytes each.
    pub scores: Vec<PathBuf>,
    /// True if to write the credits of recorded sounds beside the file, as `FILE.credits.txt`. The file's own tags have them in
    /// any case.
    pub credits: bool,
}

impl OutputOptions {
    /// A soundtrack alone, with nothing under it and nothing beside it.
    pub fn alone(file: PathBuf, overwrite: Overwrite) -> Self {
        Self {
            file,
            codec: None,
            overwrite,
            keep_original_db: None,
            audio_track: 0,
            scores: Vec::new(),
            credits: false,
        }
    }
}
