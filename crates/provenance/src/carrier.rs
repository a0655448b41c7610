//! What carries a ledger: ledger files, corpora, libraries, shards and brains. Each can be read and completed.

use crate::ledger_file::{LedgerEntry, LedgerFile};
use kinophone::brain::Brain;
use kinophone::dataset::{Corpus, Shard};
use kinophone::ledger::{Terms, Use};
use kinophone::storage::{Overwrite, write_atomically};
use kinophone::task::Cancel;
use kinophone::{Error, Kind, Result};
use std::path::{Path, PathBuf};

/// An opened carrier of a ledger.
pub enum Carrier {
    /// A ledger's own file.
    Ledger(PathBuf, LedgerFile),
    /// A corpus, a library, or one shard of either.
    Shards(Vec<Shard>),
    /// A brain.
    Brain(PathBuf, Box<Brain>),
}

impl Carrier {
    /// Opens a ledger's file.
    pub fn ledger(path: &Path) -> Result<Self> {
        Ok(Self::Ledger(path.to_owned(), LedgerFile::read(path)?))
    }

    /// Opens a corpus or a library. A damaged shard is an error that names it.
    pub fn folder(path: &Path, cancel: &Cancel) -> Result<Self> {
        Ok(Self::Shards(Corpus::open(path, false, cancel)?.0.shards))
    }

    /// Opens and checks a shard.
    pub fn shard(path: &Path) -> Result<Self> {
        let shard = Shard::open(path)?;
        shard.verify()?;
        Ok(Self::Shards(vec![shard]))
    }

    /// Opens a brain.
    pub fn brain(path: &Path) -> Result<Self> {
        Ok(Self::Brain(path.to_owned(), Box::new(Brain::load(path)?)))
    }

    /// The ledger that it carries; sources in its own order, of the same file as often as it has them.
    pub fn entries(&self) -> Vec<LedgerEntry> {
        match self {
            Self::Ledger(_, ledger) => ledger.entries.clone(),
            Self::Shards(shards) => {
                shards.iter().map(|shard| LedgerEntry::new(shard.source(), &[])).collect()
            }
            Self::Brain(_, brain) => {
                let uses: &[Use] =
                    if has_sound(brain) { &[Use::TrainedOn, Use::GrainsFrom] } else { &[Use::TrainedOn] };
                brain.ledger().iter().map(|source| LedgerEntry::new(source, uses)).collect()
            }
        }
    }

    /// Lets `change` say the new terms of each source, `None` for those that stay as they are, and writes what changed: each file whole
    /// or not at all. Returns the number of sources that changed.
    pub fn change(&mut self, mut change: impl FnMut(&LedgerEntry) -> Result<Option<Terms>>) -> Result<usize> {
        let mut changes = Vec::new();
        for (k, entry) in self.entries().iter().enumerate() {
            if let Some(terms) = change(entry)?.filter(|terms| *terms != entry.terms) {
                changes.push((k, terms));
            }
        }
        let count = changes.len();
        if count > 0 {
            self.write(changes)?;
        }
        Ok(count)
    }

    fn write(&mut self, changes: Vec<(usize, Terms)>) -> Result<()> {
        match self {
            Self::Ledger(path, ledger) => {
                changes.into_iter().for_each(|(k, terms)| ledger.entries[k].terms = terms);
                write_atomically(path, Overwrite::Replace, ledger.as_written(path).as_bytes())
            }
            Self::Shards(shards) => {
                changes.into_iter().try_for_each(|(k, terms)| shards[k].replace_terms(terms))
            }
            Self::Brain(path, brain) => {
                changes.into_iter().for_each(|(k, terms)| brain.set_terms(k, terms));
                brain.save(path, Overwrite::Replace)
            }
        }
    }
}

fn has_sound(brain: &Brain) -> bool {
    match brain {
        Brain::Classic(_) => false,
        Brain::Ensemble(brain) => brain.training_audio().is_some(),
    }
}

/// The entry that somebody means by a file's name, or by the beginning of its hash (eight digits and more).
pub fn is_meant(entry: &LedgerEntry, named: &str) -> bool {
    let hash = named.len() >= 8
        && entry.blake3.get(..named.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(named));
    hash || entry.name == named
}

/// An error for a source that there is not.
pub fn unknown_source(named: &str, entries: &[LedgerEntry]) -> Error {
    let names: Vec<String> = entries.iter().take(5).map(LedgerEntry::label).collect();
    let more = if entries.len() > names.len() { ", …" } else { "" };
    Error::new(Kind::NotFound, format!("no source is named '{named}'"))
        .help(format!("there are: {}{more}", names.join(", ")))
}
