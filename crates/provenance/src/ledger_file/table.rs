//! A ledger as a table for spreadsheets (CSV after RFC 4180): a row for each source; a column for each value, whose name says where
//! in the ledger it is, counted from 1: `licence`, `works.1.published`, `works.1.creators.2.died`.

use crate::ledger_file::{ADVICE, LedgerFile, VERSION};
use kinophone::{Error, Kind, Result};
use serde_json::{Map, Value};

/// Values that are yes or no; all others are texts.
const YES_OR_NO: [&str; 8] =
    ["unpublished", "creators_complete", "renewed", "notice", "restored", "for_hire", "dramatic", "living"];
/// Columns that every table has, first.
const USUAL: [&str; 7] = ["name", "blake3", "title", "author", "licence", "origin", "retrieved"];
/// Members of a list at most.
const MAX_MEMBERS: usize = 10_000;

/// The ledger as CSV.
pub(super) fn of(ledger: &LedgerFile) -> String {
    let flat = |entry| {
        let mut cells = Vec::new();
        flatten(&serde_json::to_value(entry).expect("texts, dates and lists"), "", &mut cells);
        cells
    };
    let rows: Vec<Vec<(String, String)>> = ledger.entries.iter().map(flat).collect();
    let mut columns: Vec<&str> = USUAL.to_vec();
    for (name, _) in rows.iter().flatten() {
        if !columns.contains(&&name[..]) {
            columns.push(name);
        }
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&columns).expect("memory takes all");
    for row in &rows {
        let cell = |column: &&str| {
            row.iter().find(|(name, _)| name == column).map_or_else(String::new, |(_, text)| plain(text))
        };
        writer.write_record(columns.iter().map(cell)).expect("memory takes all, and rows are equally long");
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
        |e: csv::Error| Error::new(Kind::Invalid, format!("is no table of a ledger: {e}")).help(ADVICE);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let columns = reader.headers().map_err(wrong)?.clone();
    let mut sources = Vec::new();
    for row in reader.records() {
        let row = row.map_err(wrong)?;
        let mut source = Value::Object(Map::new());
        for (column, cell) in columns.iter().zip(&row).filter(|(_, cell)| !cell.trim().is_empty()) {
            put(&mut source, column.trim(), meant(cell))
                .map_err(|what| Error::new(Kind::Invalid, what).help(ADVICE))?;
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
fn put(source: &mut Value, column: &str, cell: &str) -> Result<(), String> {
    let mut place = source;
    for key in column.split('.') {
        let inner = match key.parse::<usize>() {
            Ok(number) => number.checked_sub(1).and_then(|k| member(place, k)),
            Err(_) => field(place, key),
        };
        place = inner.ok_or_else(|| format!("has a column that no ledger has: {column}"))?;
    }
    let last = column.rsplit('.').next().unwrap_or(column);
    *place = if YES_OR_NO.contains(&last) { yes_or_no(column, cell)?.into() } else { cell.into() };
    Ok(())
}

/// A field of an object, which becomes one where nothing is yet; `None` where something else is.
fn field<'a>(place: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    if place.is_null() {
        *place = Value::Object(Map::new());
    }
    place.as_object_mut().map(|fields| fields.entry(key).or_insert(Value::Null))
}

/// A member of a list, which becomes one where nothing is yet; `None` where something else is, or for one of too many.
fn member(place: &mut Value, k: usize) -> Option<&mut Value> {
    if place.is_null() {
        *place = Value::Array(Vec::new());
    }
    let members = place.as_array_mut().filter(|_| k < MAX_MEMBERS)?;
    if members.len() <= k {
        members.resize(k + 1, Value::Null);
    }
    members.get_mut(k)
}

fn yes_or_no(column: &str, cell: &str) -> Result<bool, String> {
    match &cell.trim().to_ascii_lowercase()[..] {
        "yes" | "true" | "1" => Ok(true),
        "no" | "false" | "0" => Ok(false),
        _ => Err(format!("has '{cell}' in column {column}, where yes or no belongs")),
    }
}
