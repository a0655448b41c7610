//! `kinophone ledger import`.

use crate::context::Context;
use crate::ledger::carried;
use crate::report::{self, Failure, Outcome};
use clap::Args;
use kinophone::ledger::Terms;
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
    let mut lines = Vec::new();
    for file in &args.files {
        let mut carrier = carried::open(file, context)?;
        let changed = carrier.change(|entry| {
            let known = ledger.entries.iter().position(|known| known.is_same_file(entry));
            Ok(known.map(|k| {
                used[k] = true;
                completed(&ledger.entries[k].terms, entry, args.replace)
            }))
        })?;
        lines.push((file, changed, carrier.entries().len()));
    }
    context.end_progress();
    for entry in ledger.entries.iter().zip(&used).filter_map(|(entry, used)| (!used).then_some(entry)) {
        let name = if entry.name.is_empty() { &entry.blake3 } else { &entry.name };
        context.warn(&format!("{name} is a source of none of these files"));
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

fn completed(said: &Terms, entry: &LedgerEntry, replace: bool) -> Terms {
    let mut terms = said.clone();
    if !replace {
        terms.merge(&entry.terms);
    }
    terms
}
