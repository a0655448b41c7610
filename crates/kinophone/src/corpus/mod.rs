//! Aligned pictures and sound: shards (one file a film), the folder of them, and the pairs that a brain learns from.

mod pairs;
mod prepare;
mod shard;

pub use pairs::{HoldOut, PairOptions, Pairs};
pub use prepare::{PrepareOptions, Prepared, prepare};
pub use shard::{Shard, ShardWriter};

use crate::Result;
use crate::media::FilmFacts;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where pictures and sound come from, and on what terms. Travels from the film into the shard, from there into every
/// brain that learned from it (the ledger).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The film's file name, without its folder; lossy where the name is no Unicode.
    pub name: String,
    /// BLAKE3 of the film's bytes, 64 hexadecimal digits.
    pub blake3: String,
    /// SPDX expression or words, as given.
    pub licence: Option<String>,
    /// As given, or from the film's tags.
    pub author: Option<String>,
    /// As given, or from the film's tags.
    pub title: Option<String>,
    /// A URL or words, as given.
    pub origin: Option<String>,
    /// What ffmpeg says of the film.
    pub facts: FilmFacts,
}

/// A folder of shards.
pub struct Corpus {
    /// In the order of their file names (which are hashes), so that every machine reads the same order.
    pub shards: Vec<Shard>,
}

impl Corpus {
    /// Opens every `*.safetensors` in `folder`. A damaged shard is an error that names it, unless `skip_damaged`: then it
    /// goes into the returned list instead. A folder without any shard is an error of `Kind::Empty`.
    pub fn open(folder: &Path, skip_damaged: bool) -> Result<(Self, Vec<PathBuf>)> {
        let _ = (folder, skip_damaged);
        unimplemented!()
    }
}
