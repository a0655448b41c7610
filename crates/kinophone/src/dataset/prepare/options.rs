//! Settings of a preparation, its outcome, and the name that follows from them.

use crate::ledger::Terms;
use crate::media::AudioTracks;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The size whose shards carry no size in their names.
const DEFAULT_SIZE: u32 = 64;

/// Settings of a preparation.
#[derive(Clone, Debug)]
pub struct PrepareOptions {
    /// Side of the square pictures, 64 by default, at most 1024.
    pub size: u32,
    /// RGB instead of grey.
    pub colour: bool,
    /// The sound tracks.
    pub audio_tracks: AudioTracks,
    /// Makes a film without sound an error (for training) instead of a shard without sound.
    pub require_sound: bool,
    /// Terms given by the person, applied to every film of the call; title, author and licence that are not given come from the film's
    /// tags.
    pub terms: Terms,
}

impl Default for PrepareOptions {
    /// 64 × 64 grey, the default sound track where there is one, no provenance beyond the film's tags.
    fn default() -> Self {
        Self {
            size: DEFAULT_SIZE,
            colour: false,
            audio_tracks: AudioTracks::Default,
            require_sound: false,
            terms: Terms::default(),
        }
    }
}

/// Outcome of one film's preparation.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Prepared {
    /// Name of the film, as given.
    pub film: PathBuf,
    /// Its shard.
    pub shard: PathBuf,
    /// True if it was there already.
    pub skipped: bool,
    /// Pictures in the shard.
    pub pictures: usize,
    /// Length in seconds.
    pub seconds: f64,
}

impl Prepared {
    /// Number and seconds of what was prepared: a film that was named twice counts once.
    pub fn totals(all: &[Self]) -> (usize, f64) {
        let single: BTreeMap<&Path, f64> = all.iter().map(|one| (one.shard.as_path(), one.seconds)).collect();
        (single.len(), single.values().sum())
    }
}

/// The name of a film's shard, see the table in the [module's description](crate::dataset).
pub(super) fn shard_name(hash: &str, options: &PrepareOptions, sound_alone: bool) -> String {
    let mut name = hash.to_owned();
    if sound_alone {
        name += "-sound";
    } else if options.size != DEFAULT_SIZE || options.colour {
        name += &format!("-{}{}", options.size, if options.colour { "c" } else { "" });
    }
    if let AudioTracks::Numbers(numbers) = &options.audio_tracks {
        let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
        name += &format!("-track{}", numbers.join("+"));
    }
    name + ".safetensors"
}
