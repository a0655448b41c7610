//! The ledger: sources of pictures and sound, the works in them, and their terms.
//!
//! A [`Source`] is a file that something was made from, with all that is known of it: its [`Terms`] travel from there into a shard,
//! from shards into brains and libraries, and from those into what they play. Nobody guesses: what is unknown is absent, and where
//! two say different things both stay ([`Terms::merge`]).

mod date;
mod terms;
mod work;

pub use date::PartialDate;
pub use terms::{Field, Statement, Terms};
pub use work::{Creator, FreeStatement, Right, Role, Work};

use crate::media::FilmFacts;
use serde::{Deserialize, Serialize};

/// A file from which pictures and sound come. Travels from the film into the shard, from there into every brain that learned from
/// it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The film's file name, without its folder; lossy where the name is no Unicode.
    pub name: String,
    /// BLAKE3 of the film's bytes, 64 hexadecimal digits.
    pub blake3: String,
    /// Whose it is, and its terms.
    #[serde(flatten)]
    pub terms: Terms,
    /// Facts about the film from ffmpeg.
    pub facts: FilmFacts,
}

/// What something was made of a source for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Use {
    /// A brain learned from it.
    TrainedOn,
    /// Pieces of its sound are heard.
    GrainsFrom,
    /// Its picture is seen.
    PictureOf,
    /// Its sound's phases shape what is heard.
    PhasesFrom,
}
