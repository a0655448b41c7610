//! Licences of all sources of a film and its sound together: what they ask, and what does not fit.
//!
//! The facts are in `data/licences.toml`. Sound in time with moving pictures makes an adaptation; so sources that are heard or seen
//! must all permit adaptations under one licence. Sources that a brain only learned from are not adapted; whether learning from
//! them needs the permission that their terms withhold is unsettled, which is said.

mod combine;
mod expression;
mod table;
#[cfg(test)]
mod tests;

pub use combine::{Choice, Combination, Conflict, Material, Unread, Warning};
pub use table::Licence;

use kinophone::{Error, Result};
use std::path::Path;
use std::sync::LazyLock;
use table::Table;

const TABLE: &str = include_str!("../../../data/licences.toml");

/// A table of licences.
#[derive(Debug)]
pub struct Licences {
    table: Table,
}

impl Licences {
    /// The licences that Kinophone knows.
    pub fn embedded() -> &'static Self {
        static LICENCES: LazyLock<Licences> =
            LazyLock::new(|| Licences::parse(TABLE).expect("the embedded table, which a test reads"));
        &LICENCES
    }

    /// Reads a table from a file of the form that the embedded one describes.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::io("read", path, error))?;
        Self::parse(&text).map_err(|error| error.at(path))
    }

    /// Reads a table.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self { table: Table::parse(text)? })
    }

    /// Identifiers of the licences with an entry; those of Creative Commons need none.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.table.ids()
    }

    /// Reads what a source states: an SPDX expression, the address of a licence, or its usual name. One of several lists, each of
    /// which holds as a whole. An error has the words that are no licence, or none of this table.
    pub fn read(&self, words: &str) -> Result<Vec<Vec<Licence>>, String> {
        expression::read(&self.table, words)
    }

    /// Combines the licences of all sources of a film and its sound.
    pub fn combine(&self, sources: &[Material]) -> Combination {
        combine::combine(&self.table, sources)
    }
}
