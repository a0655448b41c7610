//! The film's own sound under the new one.

use crate::Result;
use crate::media::{AudioTracks, DecodeSound, FilmFacts};
use kinophone_dsp::loudness::amplitude;
use std::path::Path;

/// Sound of the film, to be mixed under the new one.
pub(crate) struct OriginalSound {
    pub(crate) request: DecodeSound,
    pub(crate) gain: f32,
}

impl OriginalSound {
    /// Sound of `film` at `db` relative to its level there; `Kind::NoSound` where it has none.
    pub(crate) fn find(facts: &FilmFacts, film: &Path, tracks: &AudioTracks, db: f64) -> Result<Self> {
        let (rate, channels) = tracks.format(film, facts).map_err(|e| {
            if facts.sounds.is_empty() {
                e.help("leave --keep-original out: there is no sound to keep")
            } else {
                e
            }
        })?;
        let request = DecodeSound { tracks: tracks.clone(), rate, channels };
        Ok(Self { request, gain: amplitude(db) as f32 })
    }
}
