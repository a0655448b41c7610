//! TODO module docs

use crate::media::FilmFacts;
use crate::{Error, Kind, Result};
use kinophone_dsp::loudness::amplitude;
use kinophone_dsp::units::SampleRate;
use std::path::Path;

/// The film's own sound, to be mixed under ours.
pub(crate) struct OriginalSound {
    pub(crate) rate: SampleRate,
    pub(crate) channels: u32,
    pub(crate) track: usize,
    pub(crate) gain: f32,
}

impl OriginalSound {
    /// Sound track `track` of `film`, to be heard at `db`.
    pub(crate) fn find(facts: &FilmFacts, film: &Path, track: usize, db: f64) -> Result<Self> {
        let sound = facts.sounds.get(track).ok_or_else(|| {
            Error::new(Kind::NoSound, format!("has no sound track {track} to keep")).at(film).help(format!(
                "the film has {} sound tracks, counted from 0; leave --keep-original out",
                facts.sounds.len()
            ))
        })?;
        let rate = if sound.rate.hz() > 48_000 {
            SampleRate::new(48_000).expect("48 kHz is in range")
        } else {
            sound.rate
        };
        Ok(Self { rate, channels: sound.channels.min(2), track, gain: amplitude(db) as f32 })
    }
}
