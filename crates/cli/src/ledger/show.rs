//! `kinophone ledger show`.

use crate::context::Context;
use crate::ledger::carried;
use crate::report::{Failure, Outcome};
use crate::wording::visible_line;
use clap::Args;
use kinophone::ledger::{Creator, Field, FreeStatement, Terms, Use, Work};
use kinophone_provenance::ledger_file::LedgerEntry;
use serde_json::json;
use std::path::PathBuf;

/// Options of `ledger show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Brains, corpora, libraries, soundtracks, scores (.json) or ledger files (.toml, .csv); sources that several have are shown once
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print a ledger file in TOML, to be completed in an editor
    #[arg(long)]
    toml: bool,
    /// Print a ledger file as a table, to be completed in a spreadsheet
    #[arg(long, conflicts_with = "toml")]
    csv: bool,
}

/// Prints the ledger.
pub(super) fn run(args: &ShowArgs, context: &Context) -> Result<Outcome, Failure> {
    let ledger = carried::together(&args.files, context)?;
    context.end_progress();
    let words = || ledger.entries.iter().map(source).collect::<Vec<_>>().join("\n");
    match (args.toml, args.csv) {
        (true, _) => context.report.file(|| json!(ledger), || ledger.to_toml())?,
        (_, true) => context.report.file(|| json!(ledger), || ledger.to_csv())?,
        _ => context.report.data(|| json!(ledger), words)?,
    }
    Ok(Outcome::Done)
}

/// A source in words, a line for each fact.
fn source(entry: &LedgerEntry) -> String {
    let uses: Vec<&str> = entry.uses.iter().map(|used| used_for(*used)).collect();
    let uses = if uses.is_empty() { String::new() } else { format!(" ({})", uses.join(", ")) };
    let mut text = format!("{}{uses}\n", visible_line(&entry.label()));
    for field in Field::ALL {
        let value = entry.terms.get(field).unwrap_or_else(|| "unknown".to_owned());
        text += &line(field.name(), &format!("{value}{}", otherwise(&entry.terms, field)));
    }
    for work in &entry.terms.works {
        text += &line(work.right.name(), &about(work));
        text += &work.creators.iter().map(|creator| line("", &of(creator))).collect::<String>();
        text += &work.free.iter().map(|free| line("", &said_free(free))).collect::<String>();
    }
    text
}

fn line(name: &str, value: &str) -> String {
    format!("  {name:<12} {}\n", visible_line(value))
}

fn otherwise(terms: &Terms, field: Field) -> String {
    let said = terms.otherwise.iter().filter(|statement| statement.field == field);
    said.map(|statement| format!("; also said: {}", statement.value)).collect()
}

fn used_for(used: Use) -> &'static str {
    match used {
        Use::TrainedOn => "trained on",
        Use::GrainsFrom => "pieces of its sound",
        Use::PictureOf => "its picture",
        Use::PhasesFrom => "its phases",
    }
}

fn about(work: &Work) -> String {
    let place = work.country.as_ref().map_or(String::new(), |country| format!(" in {country}"));
    let yes_or_no =
        |fact: Option<bool>, yes: &str, no: &str| Some(if fact? { yes.to_owned() } else { no.to_owned() });
    let facts = [
        work.title.clone(),
        work.made.map(|date| format!("made {date}")),
        work.published.map(|date| format!("published {date}{place}")),
        work.unpublished.then(|| "never published".to_owned()),
        yes_or_no(work.renewed, "renewed", "not renewed"),
        yes_or_no(work.notice, "with notice", "without notice"),
        yes_or_no(work.restored, "restored in the United States", "not restored in the United States"),
        yes_or_no(work.for_hire, "made for hire", "not made for hire"),
        yes_or_no(work.dramatic, "dramatic", "not dramatic"),
        work.licence.as_ref().map(|licence| format!("licence {licence}")),
        work.creators_complete.then(|| "all its creators are named".to_owned()),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    if facts.is_empty() { "nothing is known of it".to_owned() } else { facts.join(", ") }
}

fn of(creator: &Creator) -> String {
    let died = match (creator.died, creator.living) {
        (Some(date), _) => format!("died {date}"),
        (None, true) => "living".to_owned(),
        (None, false) => "death unknown".to_owned(),
    };
    let role = serde_json::to_value(creator.role).ok();
    let role = role.as_ref().and_then(|role| role.as_str()).unwrap_or("other").to_owned();
    format!("{} ({role}, {died})", creator.name)
}

fn said_free(free: &FreeStatement) -> String {
    let since = free.since.map_or(String::new(), |date| format!(" since {date}"));
    let rule = free.rule.as_ref().map_or(String::new(), |rule| format!(" by {rule}"));
    format!(
        "{} says that it is free in {}{since}{rule}",
        free.said_by.as_deref().unwrap_or("somebody"),
        free.country
    )
}
