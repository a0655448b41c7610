//! `kinophone ledger check`.

use crate::context::Context;
use crate::ledger::carried;
use crate::report::{Failure, Outcome};
use crate::wording::visible_line;
use clap::{Args, ValueEnum};
use jiff::Zoned;
use kinophone::ledger::{Field, PartialDate, Use, Work};
use kinophone_provenance::ledger_file::LedgerEntry;
use kinophone_provenance::rights::{
    Combination, Country, Credited, Licences, Material, Rules, Status, Style, attribution,
};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Options of `ledger check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Brains, corpora, libraries, soundtracks, scores (.json) or ledger files (.toml, .csv), checked together
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Countries for which the rules of the public domain are tried: two letters each, EU for its directives, or 'all'
    #[arg(long, value_name = "COUNTRY,...", value_delimiter = ',', default_value = "US,EU")]
    country: Vec<String>,
    /// The day for which they are tried [default: today]
    #[arg(long, value_name = "DATE")]
    on: Option<String>,
    /// Take a source without a known licence for a problem
    #[arg(long)]
    require_licence: bool,
    /// Print the words of attribution alone, ready to paste
    #[arg(long, value_name = "STYLE")]
    attribution: Option<AttributionStyle>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AttributionStyle {
    Plain,
    Markdown,
    Html,
}

/// A work of a source, and how free it is in a country.
struct Answer<'a> {
    source: String,
    work: &'a Work,
    country: Country,
    status: Status,
}

/// Says what the ledger lacks, what its licences ask together, and which works are free where.
pub(super) fn run(args: &CheckArgs, context: &Context) -> Result<Outcome, Failure> {
    let countries = countries(&args.country)?;
    let day = day(args.on.as_deref())?;
    let ledger = carried::together(&args.files, context)?;
    context.end_progress();
    let together = combined(&ledger.entries);
    let answers = answers(&ledger.entries, &countries, day);
    if let Some(style) = args.attribution {
        let text = attribution_text(&ledger.entries, style);
        context.report.file(|| json!({ "attribution": text }), || text.clone())?;
    } else {
        context.report.data(
            || as_json(&ledger.entries, &together, &answers, day),
            || as_text(&ledger.entries, &together, &answers, day),
        )?;
    }
    let fails = !together.breaks.is_empty() || args.require_licence && !together.unknown.is_empty();
    Ok(if fails { Outcome::Problems } else { Outcome::Done })
}

/// What the licences ask together: of every source, of works in it with a licence of their own, and what others say of either.
fn combined(entries: &[LedgerEntry]) -> Combination {
    let all: Vec<Stated> = entries.iter().flat_map(stated).collect();
    let materials: Vec<Material> = all
        .iter()
        .map(|one| Material { name: &one.name, licence: one.licence.as_deref(), uses: &one.uses })
        .collect();
    Licences::embedded().combine(&materials)
}

/// A licence that somebody states of a source or of a work in it.
struct Stated {
    name: String,
    licence: Option<String>,
    uses: Vec<Use>,
}

/// A source of which nobody says what it is for is taken for sound under a film.
fn stated(entry: &LedgerEntry) -> Vec<Stated> {
    let uses = if entry.uses.is_empty() { vec![Use::GrainsFrom] } else { entry.uses.clone() };
    let label = visible_line(&entry.label());
    let stated = |name: String, licence: Option<String>| Stated { name, licence, uses: uses.clone() };
    let mut all = vec![stated(label.clone(), entry.terms.licence.clone())];
    for said in entry.terms.otherwise.iter().filter(|said| said.field == Field::Licence) {
        all.push(stated(format!("{label} (as also said)"), Some(said.value.clone())));
    }
    for work in entry.terms.works.iter().filter(|work| work.licence.is_some()) {
        all.push(stated(format!("{label} (its {})", work.right.name()), work.licence.clone()));
    }
    all
}

fn countries(named: &[String]) -> Result<Vec<Country>, Failure> {
    let all = Rules::embedded().countries().map(|(country, _)| country);
    if named.iter().any(|name| name.eq_ignore_ascii_case("all")) {
        return Ok(all.cloned().collect());
    }
    let known: Vec<&Country> = all.collect();
    let country = |name: &String| {
        let country: Country = name.parse().map_err(|e: kinophone::Error| Failure::Usage(e))?;
        if known.contains(&&country) {
            return Ok(country);
        }
        let codes: Vec<&str> = known.iter().map(|country| country.code()).collect();
        Err(Failure::usage(
            format!("there are no rules for {country}"),
            format!("there are rules for {}", codes.join(", ")),
        ))
    };
    named.iter().map(country).collect()
}

fn day(given: Option<&str>) -> Result<PartialDate, Failure> {
    let today = || Zoned::now().date().to_string();
    let text = given.map_or_else(today, str::to_owned);
    text.parse().map_err(|what: String| Failure::usage(what, "write the day as 2026-11-30"))
}

fn answers<'a>(entries: &'a [LedgerEntry], countries: &[Country], day: PartialDate) -> Vec<Answer<'a>> {
    let mut answers = Vec::new();
    for entry in entries {
        for work in &entry.terms.works {
            for country in countries {
                let status = Rules::embedded().status(work, country, day);
                answers.push(Answer { source: entry.label(), work, country: country.clone(), status });
            }
        }
    }
    answers
}

fn attribution_text(entries: &[LedgerEntry], style: AttributionStyle) -> String {
    let credited: Vec<Credited> =
        entries.iter().map(|entry| Credited { name: &entry.name, terms: &entry.terms }).collect();
    let style = match style {
        AttributionStyle::Plain => Style::Plain,
        AttributionStyle::Markdown => Style::Markdown,
        AttributionStyle::Html => Style::Html,
    };
    attribution(Licences::embedded(), &credited, style)
}

fn as_text(entries: &[LedgerEntry], together: &Combination, answers: &[Answer], day: PartialDate) -> String {
    let mut text = String::new();
    let contradictions = contradictions(entries);
    text += &section(
        "contradictions, to be settled with ledger edit or ledger import --replace",
        &contradictions,
    );
    text += &section("licences together, as of sound under a film", &licences(together));
    let lines: Vec<String> = answers
        .iter()
        .map(|answer| {
            let status = visible_line(&answer.status.to_string());
            format!(
                "{} ({}), {}: {status}",
                visible_line(&answer.source),
                answer.work.right.name(),
                answer.country
            )
        })
        .collect();
    text += &section(&format!("public domain on {day}, by the rules that Kinophone knows"), &lines);
    text += &section(
        "attribution",
        &attribution_text(entries, AttributionStyle::Plain).lines().map(str::to_owned).collect::<Vec<_>>(),
    );
    text + "\nThese are hints by tables of rules, and no advice.\n"
}

fn section(title: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let lines: String = lines.iter().map(|line| format!("  {line}\n")).collect();
    format!("{title}\n{lines}")
}

fn contradictions(entries: &[LedgerEntry]) -> Vec<String> {
    let of = |entry: &LedgerEntry| {
        let line = |said: &kinophone::ledger::Statement| {
            let own = entry.terms.get(said.field).unwrap_or_default();
            let line = format!("{}, {}: '{own}', and '{}'", entry.label(), said.field.name(), said.value);
            visible_line(&line)
        };
        let works = entry.terms.works.iter().enumerate().filter(|(k, work)| {
            entry.terms.works[..*k].iter().any(|other| other.right == work.right && other.title == work.title)
        });
        let twice = works.map(|(_, work)| {
            let title = work.title.as_deref().unwrap_or("without a title");
            visible_line(&format!(
                "{}: two works contradict each other ({}, {title})",
                entry.label(),
                work.right.name()
            ))
        });
        entry.terms.otherwise.iter().map(line).chain(twice).collect::<Vec<_>>()
    };
    entries.iter().flat_map(of).collect()
}

fn licences(together: &Combination) -> Vec<String> {
    let mut lines = Vec::new();
    for conflict in &together.breaks {
        lines.push(format!("does not fit: {}: {}", conflict.sources.join(", "), conflict.why));
    }
    for unread in &together.unknown {
        let words = unread.words.as_ref().map_or("no licence is known".to_owned(), |words| {
            format!("'{}' is no licence that Kinophone knows", visible_line(words))
        });
        lines.push(format!("unknown: {}: {words}", unread.source));
    }
    for (what, sources) in [
        ("attribution is asked by", &together.attribution),
        ("no commercial use is allowed by", &together.non_commercial),
        ("to share alike is asked by", &together.share_alike),
        ("the whole may bear", &together.may_bear),
    ] {
        if !sources.is_empty() {
            lines.push(format!("{what}: {}", sources.join(", ")));
        }
    }
    lines.extend(
        together.chosen.iter().map(|choice| format!("taken from {}: {}", choice.source, choice.licence)),
    );
    lines
        .extend(together.warnings.iter().map(|warning| format!("note: {}: {}", warning.source, warning.why)));
    lines
}

fn as_json(entries: &[LedgerEntry], together: &Combination, answers: &[Answer], day: PartialDate) -> Value {
    let conflict = |conflict: &kinophone_provenance::rights::Conflict| json!({ "sources": conflict.sources, "why": conflict.why });
    json!({
        "fits": together.fits(),
        "breaks": together.breaks.iter().map(conflict).collect::<Vec<_>>(),
        "unknown": together.unknown.iter().map(|unread| json!({ "source": unread.source, "words": unread.words })).collect::<Vec<_>>(),
        "attribution_by": together.attribution,
        "non_commercial_by": together.non_commercial,
        "share_alike_by": together.share_alike,
        "may_bear": together.may_bear,
        "chosen": together.chosen.iter().map(|choice| json!({ "source": choice.source, "licence": choice.licence })).collect::<Vec<_>>(),
        "warnings": together.warnings.iter().map(|warning| json!({ "source": warning.source, "why": warning.why })).collect::<Vec<_>>(),
        "contradictions": contradictions(entries),
        "day": day,
        "public_domain": answers.iter().map(answer_as_json).collect::<Vec<_>>(),
        "attribution": attribution_text(entries, AttributionStyle::Plain),
    })
}

fn answer_as_json(answer: &Answer) -> Value {
    let law = answer.status.law().map(|law| {
        json!({ "says": law.says, "citation": law.citation, "source": law.source, "verified": law.verified })
    });
    let (status, day, missing) = match &answer.status {
        Status::PublicDomain { since, .. } => ("public-domain", Some(*since), Vec::new()),
        Status::Protected { until, .. } => ("protected", Some(*until), Vec::new()),
        Status::Unknown { missing, .. } => {
            ("unknown", None, missing.iter().map(ToString::to_string).collect())
        }
    };
    json!({
        "source": answer.source,
        "right": answer.work.right.name(),
        "title": answer.work.title,
        "country": answer.country.code(),
        "status": status,
        "day": day,
        "law": law,
        "missing": missing,
    })
}
