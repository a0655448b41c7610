//! A ledger as a table for spreadsheets (CSV after RFC 4180): a row for each source; a column for each value, whose name says where
//! in the ledger it is, counted from 1: `licence`, `works.1.published`, `works.1.creators.2.died`.

use crate::ledger_file::{LedgerFile, VERSION};
use kinophone::{Error, Kind, Result};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Values that are yes or no; all others are texts.
const YES_OR_NO: [&str; 8] =
    ["unpublished", "creators_complete", "renewed", "notice", "restored", "for_hire", "dramatic", "living"];
/// Columns that every table has, first.
const USUAL: [&str; 7] = ["name", "blake3", "title", "author", "licence", "origin", "retrieved"];
/// Members of a list at most.
const MAX_MEMBERS: usize = 10_000;
/// Steps to a value at most: `works.1.creators.1.died` has five.
const MAX_DEPTH: usize = 8;
const HELP: &str =
    "save it as CSV UTF-8, divided by commas; `kinophone ledger show FILE --csv` writes one to begin with";

/// The ledger as CSV.
pub(super) fn of(ledger: &LedgerFile) -> String {
    let flat = |entry| {
        let mut cells = Vec::new();
        flatten(&serde_json::to_value(entry).expect("texts, dates and lists"), "", &mut cells);
        cells
    };
    let rows: Vec<Vec<(String, String)>> = ledger.entries.iter().map(flat).collect();
    let mut columns: Vec<&str> = USUAL.to_vec();
    let mut places: HashMap<&str, usize> = columns.iter().enumerate().map(|(k, name)| (*name, k)).collect();
    for (name, _) in rows.iter().flatten() {
        places.entry(name).or_insert_with(|| {
            columns.push(name);
            columns.len() - 1
        });
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&columns).expect("memory takes all");
    for row in &rows {
        let mut cells = vec![String::new(); columns.len()];
        row.iter().for_each(|(name, text)| cells[places[&name[..]]] = plain(text));
        writer.write_record(&cells).expect("memory takes all, and rows are equally long");
    }
    String::from_utf8(writer.into_inner().expect("memory takes all")).expect("texts are UTF-8")
}

fn flatten(value: &Value, name: &str, cells: &mut Vec<(String, String)>) {
    let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| flatten(value, &inner(key), cells)),
        Value::Array(members) => {
            members
                .iter()
                .enumerate()
                .for_each(|(k, member)| flatten(member, &inner(&(k + 1).to_string()), cells));
        }
        Value::String(text) => cells.push((name.to_owned(), text.clone())),
        other => cells.push((name.to_owned(), other.to_string())),
    }
}

/// Reads a table. Columns that no ledger has are an error.
pub(super) fn parse(text: &str) -> Result<LedgerFile> {
    let wrong =
        |what: String| Error::new(Kind::Invalid, format!("is no table of a ledger: {what}")).help(HELP);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns = columns(reader.headers().map_err(|e| wrong(e.to_string()))?).map_err(wrong)?;
    let mut sources = Vec::new();
    for (k, row) in reader.records().enumerate() {
        let row = row.map_err(|e| wrong(e.to_string()))?;
        let mut source = Value::Object(Map::new());
        for (at, column) in &columns {
            let cell = row.get(*at).unwrap_or_default();
            if !cell.trim().is_empty() {
                put(&mut source, column, meant(cell))
                    .map_err(|what| wrong(format!("row {}: {what}", k + 2)))?;
            }
        }
        if source.as_object().is_some_and(|fields| !fields.is_empty()) {
            sources.push(source);
        }
    }
    let mut ledger = Map::new();
    ledger.insert("kinophone_ledger".to_owned(), VERSION.into());
    ledger.insert("source".to_owned(), sources.into());
    LedgerFile::understood(&Value::Object(ledger))
}

/// A step on the way to a value: a member of a list, from 0, or a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Member(usize),
    Field(String),
}

/// The columns with their places, so that members of lists come in their order.
fn columns(names: &csv::StringRecord) -> Result<Vec<(usize, Vec<Step>)>, String> {
    let mut columns = Vec::new();
    for (at, name) in names.iter().enumerate() {
        columns.push((
            at,
            steps(name.trim()).ok_or_else(|| format!("it has a column that no ledger has: {name}"))?,
        ));
    }
    columns.sort_by(|(_, one), (_, other)| one.cmp(other));
    if let Some(pair) = columns.windows(2).find(|pair| pair[0].1 == pair[1].1) {
        return Err(format!("it has the column {} twice", names[pair[1].0].trim()));
    }
    let is_key = |steps: &[Step]| matches!(steps, [Step::Field(name)] if name == "name" || name == "blake3");
    if !columns.iter().any(|(_, steps)| is_key(steps)) {
        return Err("it has neither a column name nor a column blake3 in its first line, divided by commas"
            .to_owned());
    }
    Ok(columns)
}

fn steps(name: &str) -> Option<Vec<Step>> {
    let step = |key: &str| match key.parse::<usize>() {
        Ok(number) => number.checked_sub(1).filter(|k| *k < MAX_MEMBERS).map(Step::Member),
        Err(_) => Some(Step::Field(key.to_owned())),
    };
    let steps: Vec<Step> = name.split('.').take(MAX_DEPTH + 1).map(step).collect::<Option<_>>()?;
    (steps.len() <= MAX_DEPTH).then_some(steps)
}

/// A text as a cell that no spreadsheet takes for a formula: behind an apostrophe.
fn plain(text: &str) -> String {
    if is_formula(text.trim_start_matches('\'')) { format!("'{text}") } else { text.to_owned() }
}

/// What such a cell means.
fn meant(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_formula(text.trim_start_matches('\'')) => text,
        _ => cell,
    }
}

fn is_formula(text: &str) -> bool {
    text.trim_start().starts_with(['=', '+', '-', '@'])
}

/// Puts a cell at its place.
fn put(source: &mut Value, steps: &[Step], cell: &str) -> Result<(), String> {
    let mut place = source;
    for step in steps {
        let inner = match step {
            Step::Member(k) => member(place, *k)?,
            Step::Field(key) => field(place, key),
        };
        place = inner.ok_or_else(|| format!("there is no such value: {}", shown(steps)))?;
    }
    let yes = matches!(steps.last(), Some(Step::Field(key)) if YES_OR_NO.contains(&&key[..]));
    *place = if yes { yes_or_no(steps, cell)?.into() } else { cell.into() };
    Ok(())
}

fn shown(steps: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Member(k) => (k + 1).to_string(),
        Step::Field(key) => key.clone(),
    };
    steps.iter().map(step).collect::<Vec<_>>().join(".")
}

/// A field of an object, which becomes one where nothing is yet; `None` where something else is.
fn field<'a>(place: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    if place.is_null() {
        *place = Value::Object(Map::new());
    }
    place.as_object_mut().map(|fields| fields.entry(key).or_insert(Value::Null))
}

/// A member of a list, which becomes one where nothing is yet; `None` where something else is. Members follow one another.
fn member(place: &mut Value, k: usize) -> Result<Option<&mut Value>, String> {
    if place.is_null() {
        *place = Value::Array(Vec::new());
    }
    let Some(members) = place.as_array_mut() else { return Ok(None) };
    if k > members.len() {
        return Err(format!(
            "number {} of a list is filled in, and number {} is empty",
            k + 1,
            members.len() + 1
        ));
    }
    if k == members.len() {
        members.push(Value::Null);
    }
    Ok(members.get_mut(k))
}

fn yes_or_no(steps: &[Step], cell: &str) -> Result<bool, String> {
    match &cell.trim().to_ascii_lowercase()[..] {
        "yes" | "true" | "1" => Ok(true),
        "no" | "false" | "0" => Ok(false),
        _ => Err(format!("'{cell}' stands in column {}, where yes or no belongs", shown(steps))),
    }
}
