//! `kinophone ledger edit`.

use crate::context::Context;
use crate::ledger::carried;
use crate::report::{self, Failure, Outcome};
use crate::wording::visible_line;
use clap::Args;
use kinophone::ledger::{Field, Terms};
use kinophone::storage::Reservation;
use kinophone::{Error, Kind};
use kinophone_provenance::carrier::{is_meant, unknown_source};
use kinophone_provenance::ledger_file::LedgerEntry;
use serde_json::json;
use std::path::PathBuf;

/// Options of `ledger edit`.
#[derive(Debug, Args)]
pub(super) struct EditArgs {
    /// A brain, a corpus, a library, a shard or a ledger file (.toml, .csv)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The source: its file's name, or the beginning of its hash [default: the only one]
    #[arg(long, value_name = "NAME|HASH")]
    source: Option<String>,
    /// Its title; "" for unknown, here and below
    #[arg(long)]
    title: Option<String>,
    /// Its author
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Its licence, preferably an SPDX expression such as CC-BY-4.0
    #[arg(long, alias = "license", value_name = "SPDX")]
    licence: Option<String>,
    /// Where it was found
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// When it was found there: 2026, 2026-11 or 2026-11-30
    #[arg(long, value_name = "DATE")]
    retrieved: Option<String>,
}

impl EditArgs {
    fn values(&self) -> Vec<(Field, &str)> {
        let given = [
            (Field::Title, &self.title),
            (Field::Author, &self.author),
            (Field::Licence, &self.licence),
            (Field::Origin, &self.origin),
            (Field::Retrieved, &self.retrieved),
        ];
        given.into_iter().filter_map(|(field, value)| Some((field, value.as_deref()?))).collect()
    }
}

/// Changes the terms of a source. What somebody said otherwise of a value that is given is settled by it.
pub(super) fn run(args: &EditArgs, context: &Context) -> Result<Outcome, Failure> {
    let values = args.values();
    if values.is_empty() {
        return Err(Failure::usage(
            "nothing is to be changed",
            "give --title, --author, --licence, --origin or --retrieved",
        ));
    }
    changed(&Terms::default(), &values)
        .map_err(|what| Failure::usage(what, "write the day as 2026-11-30"))?;
    let _lock = Reservation::of(&args.file)?;
    let mut carrier = carried::open(&args.file, context)?;
    let meant = meant(&carrier.entries(), args.source.as_deref()).map_err(|e| e.at(&args.file))?;
    let count = carrier.change(|entry| {
        let terms = || changed(&entry.terms, &values).map_err(|what| Error::new(Kind::Invalid, what));
        if meant.contains(entry) { terms().map(Some) } else { Ok(None) }
    })?;
    context.end_progress();
    let name = visible_line(&meant[0].label());
    let text = || match count {
        0 => format!("{}: {name} says so already\n", report::shown(&args.file)),
        _ => format!("{}: {name} changed\n", report::shown(&args.file)),
    };
    context.report.result(|| json!({ "file": report::lossy(&args.file), "changed": count }), text)?;
    Ok(Outcome::Done)
}

fn changed(terms: &Terms, values: &[(Field, &str)]) -> Result<Terms, String> {
    let mut terms = terms.clone();
    for (field, value) in values {
        terms.set(*field, Some(value))?;
        terms.otherwise.retain(|statement| statement.field != *field);
    }
    Ok(terms)
}

/// The source that was named, as often as it is there.
fn meant(entries: &[LedgerEntry], named: Option<&str>) -> kinophone::Result<Vec<LedgerEntry>> {
    let Some(named) = named else {
        return match entries {
            [only] => Ok(vec![only.clone()]),
            [] => Err(Error::new(Kind::Empty, "has no sources").help("nothing can be said of them")),
            several => Err(Error::new(Kind::Invalid, format!("has {} sources", several.len()))
                .help("say which one with --source NAME, or complete them together: kinophone ledger show FILE --toml")),
        };
    };
    let found: Vec<LedgerEntry> = entries.iter().filter(|entry| is_meant(entry, named)).cloned().collect();
    let Some(first) = found.first() else { return Err(unknown_source(named, entries)) };
    if found.iter().any(|other| other != first && !other.has_content_of(first)) {
        let hash = |entry: &LedgerEntry| entry.blake3.chars().take(12).collect::<String>();
        let hashes: Vec<String> = found.iter().map(hash).collect();
        return Err(Error::new(Kind::Invalid, format!("has several sources named '{named}'"))
            .help(format!("say which with --source and the beginning of its hash: {}", hashes.join(", "))));
    }
    Ok(found)
}
