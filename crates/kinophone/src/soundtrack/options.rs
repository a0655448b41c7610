//! Options that all soundtracks have in common.

use crate::media::{AudioTracks, SoundCodec};
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
    /// The sound tracks of the film that are meant; [`revoice`](crate::revoice) follows them, too.
    pub audio_tracks: AudioTracks,
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
            audio_tracks: AudioTracks::Default,
            scores: Vec::new(),
            credits: false,
        }
    }
}
