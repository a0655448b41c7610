//! Opening what carries a ledger.

use crate::context::Context;
use crate::credits;
use crate::kind::{PathKind, kind_of};
use crate::report::shown;
use kinophone::ledger::Use;
use kinophone::wording::count;
use kinophone::{Error, Kind, Result};
use kinophone_provenance::carrier::Carrier;
use kinophone_provenance::ledger_file::{LedgerEntry, LedgerFile};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Opens a carrier whose ledger may be changed.
pub(super) fn open(path: &Path, context: &Context) -> Result<Carrier> {
    match kind_of(path)? {
        PathKind::Folder => Carrier::folder(path, context.task().cancel),
        PathKind::Shard => Carrier::shard(path),
        PathKind::Brain => Carrier::brain(path),
        PathKind::Film if is_ledger(path) => Carrier::ledger(path),
        PathKind::Film => Err(Error::new(Kind::WrongKind, "carries no ledger that can be changed").at(path).help(
            "name a brain, a corpus, a library or a ledger file; `kinophone ledger show` reads soundtracks and scores, too",
        )),
    }
}

/// The entries of anything that carries a ledger.
pub(super) fn entries(path: &Path, context: &Context) -> Result<Vec<LedgerEntry>> {
    if kind_of(path)? == PathKind::Film && !is_ledger(path) {
        let credits = credits::read(path, context)?;
        if credits.left_out > 0 {
            context.warn(&format!(
                "{} had no room to name {}, which are missing here; its score has them",
                shown(path),
                count(credits.left_out, "more sources")
            ));
        }
        let sources = credits.credits.into_iter().map(|credit| credit.source);
        return Ok(sources
            .map(|source| LedgerEntry {
                name: source.name,
                blake3: source.blake3,
                uses: vec![Use::GrainsFrom],
                terms: source.terms,
            })
            .collect());
    }
    Ok(open(path, context)?.entries())
}

/// The entries of several, each source once.
pub(super) fn together(paths: &[PathBuf], context: &Context) -> Result<LedgerFile> {
    let mut all = Vec::new();
    for path in paths {
        all.extend(entries(path, context)?);
    }
    Ok(LedgerFile::new(all))
}

fn is_ledger(path: &Path) -> bool {
    let ending = path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    matches!(ending.as_deref(), Some("toml" | "csv"))
}
