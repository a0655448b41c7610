//! `kinophone ledger import`.

use crate::context::Context;
use crate::ledger::carried;
use crate::report::{self, Failure, Outcome};
use clap::Args;
use kinophone::ledger::Terms;
use kinophone::storage::Reservation;
use kinophone::wording::count;
use kinophone_provenance::ledger_file::{LedgerEntry, LedgerFile};
use serde_json::json;
use std::path::PathBuf;

/// Options of `ledger import`.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// A ledger file (.toml, .csv), as `ledger show --toml` or `--csv` writes it
    #[arg(value_name = "LEDGER")]
    ledger: PathBuf,
    /// Brains, corpora, libraries, shards or other ledger files whose sources it knows: by their content, or where it has no hash by
    /// name
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Take its word alone: what is there already of a source that it knows is dropped, not kept beside it
    #[arg(long)]
    replace: bool,
}

/// Completes each file.
pub(super) fn run(args: &ImportArgs, context: &Context) -> Result<Outcome, Failure> {
    let ledger = LedgerFile::read(&args.ledger)?;
    let mut used = vec![false; ledger.entries.len()];
    // Nothing is changed before all can be.
    let mut opened = Vec::new();
    for file in &args.files {
        let lock = Reservation::of(file)?;
        opened.push((file, carried::open(file, context)?, lock));
    }
    let mut lines = Vec::new();
    for (file, carrier, _lock) in &mut opened {
        let all = carrier.entries();
        let changed = carrier.change(|entry| {
            let known = ledger.known_of(entry, &all);
            known.iter().for_each(|k| used[*k] = true);
            let said: Vec<&Terms> = known.iter().map(|k| &ledger.entries[*k].terms).collect();
            Ok((!said.is_empty()).then(|| completed(&said, entry, args.replace)))
        })?;
        lines.push((*file, changed, all.len()));
    }
    context.end_progress();
    for entry in ledger.entries.iter().zip(&used).filter_map(|(entry, used)| (!used).then_some(entry)) {
        context.warn(&format!(
            "{} is a source of none of these files, or of several by that name: say which by its blake3",
            entry.label()
        ));
    }
    let text = || {
        let line = |(file, changed, all): &(&PathBuf, usize, usize)| {
            format!("{}: {changed} of {} changed\n", report::shown(file), count(*all as u64, "sources"))
        };
        lines.iter().map(line).collect()
    };
    let data = || {
        let of = |(file, changed, all): &(&PathBuf, usize, usize)| json!({ "file": report::lossy(file), "changed": changed, "sources": all });
        json!({ "files": lines.iter().map(of).collect::<Vec<_>>() })
    };
    context.report.result(data, text)?;
    Ok(Outcome::Done)
}

fn completed(said: &[&Terms], entry: &LedgerEntry, replace: bool) -> Terms {
    let mut terms = Terms::default();
    said.iter().for_each(|said| terms.merge(said));
    if !replace {
        terms.merge(&entry.terms);
    }
    terms
}
