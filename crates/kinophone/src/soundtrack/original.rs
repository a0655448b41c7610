//! The film's own sound under the new one.

use crate::media::FilmFacts;
use crate::{Error, Kind, Result};
use kinophone_dsp::loudness::amplitude;
use kinophone_dsp::units::SampleRate;
use std::path::Path;

/// The highest rate at which a film's own sound is kept, in Hz.
const MAX_RATE_HZ: u32 = 48_000;

/// A sound track of the film, to be mixed under the new one.
pub(crate) struct OriginalSound {
    pub(crate) rate: SampleRate,
    pub(crate) channels: u32,
    pub(crate) track: usize,
    pub(crate) gain: f32,
}

impl OriginalSound {
    /// Sound track `track` of `film`, at `db` relative to its level there.
    pub(crate) fn find(facts: &FilmFacts, film: &Path, track: usize, db: f64) -> Result<Self> {
        let sound = facts.sounds.get(track).ok_or_else(|| {
            Error::new(Kind::NoSound, format!("has no sound track {track} to keep")).at(film).help(format!(
                "the film has {} sound tracks, counted from 0; leave --keep-original out",
                facts.sounds.len()
            ))
        })?;
        let highest = SampleRate::new(MAX_RATE_HZ).expect("48 kHz is in range");
        let rate = sound.rate.min(highest);
        Ok(Self { rate, channels: sound.channels.min(2), track, gain: amplitude(db) as f32 })
    }
}
