//! The ledger: sources of pictures and sound, and their terms.

use crate::media::FilmFacts;
use serde::{Deserialize, Serialize};

/// Origin of pictures and sound, and their terms. Travels from the film into the shard, from there into every
/// brain that learned from it (the ledger).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The film's file name, without its folder; lossy where the name is no Unicode.
    pub name: String,
    /// BLAKE3 of the film's bytes, 64 hexadecimal digits.
    pub blake3: String,
    /// SPDX expression or words, as given, or from the film's tags.
    pub licence: Option<String>,
    /// As given, or from the film's tags.
    pub author: Option<String>,
    /// As given, or from the film's tags.
    pub title: Option<String>,
    /// A URL or words, as given.
    pub origin: Option<String>,
    /// Facts about the film from ffmpeg.
    pub facts: FilmFacts,
}
