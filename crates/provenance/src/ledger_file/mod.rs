//! Ledgers as files that people read and complete: TOML, or a table for spreadsheets (CSV).

mod table;

use kinophone::ledger::{Field, Source, Terms, Use};
use kinophone::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// The version of the form that is read and written.
const VERSION: u32 = 1;
/// A ledger of ten thousand films is smaller.
const MAX_BYTES: u64 = 64 << 20;
const HEAD: &str = "\
# Whose pictures and sounds these are, as far as somebody said it. What is unknown is absent: add it, and read it back with
#   kinophone ledger import THIS FILE
# Each file may have works, with rights of their own: right = \"film\", \"composition\" or \"recording\".

";

/// A ledger as a file: sources, and what they were used for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LedgerFile {
    /// Version of the form: 1.
    #[serde(rename = "kinophone_ledger")]
    pub version: u32,
    /// The sources.
    #[serde(rename = "source", default)]
    pub entries: Vec<LedgerEntry>,
}

/// A source in a ledger.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Its file's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// BLAKE3 of its file, 64 hexadecimal digits; empty where only the name is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub blake3: String,
    /// What it was used for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uses: Vec<Use>,
    /// Whose it is, and its terms.
    #[serde(flatten)]
    pub terms: Terms,
}

impl LedgerEntry {
    /// The entry of a source.
    pub fn new(source: &Source, uses: &[Use]) -> Self {
        Self {
            name: source.name.clone(),
            blake3: source.blake3.clone(),
            uses: uses.to_vec(),
            terms: source.terms.clone(),
        }
    }

    /// True if both are the same file: of the same content, or where one's is unknown, of the same name.
    pub fn is_same_file(&self, other: &Self) -> bool {
        if self.blake3.is_empty() || other.blake3.is_empty() {
            return self.name == other.name;
        }
        self.blake3.eq_ignore_ascii_case(&other.blake3)
    }
}

impl LedgerFile {
    /// A ledger of these entries; those of the same file become one, which loses nothing.
    pub fn new(entries: impl IntoIterator<Item = LedgerEntry>) -> Self {
        let mut ledger = Self { version: VERSION, entries: Vec::new() };
        entries.into_iter().for_each(|entry| ledger.add(entry));
        ledger
    }

    /// Adds an entry; see [`Terms::merge`].
    pub fn add(&mut self, entry: LedgerEntry) {
        let Some(own) = self.entries.iter_mut().find(|own| own.is_same_file(&entry)) else {
            return self.entries.push(entry);
        };
        own.terms.merge(&entry.terms);
        own.uses.extend(entry.uses);
        own.uses.sort_unstable();
        own.uses.dedup();
        for (text, other) in [(&mut own.name, entry.name), (&mut own.blake3, entry.blake3)] {
            if text.is_empty() {
                *text = other;
            }
        }
    }

    /// Reads a ledger: a table where its name ends in `.csv`, TOML elsewhere. Keys that it does not know are an error.
    pub fn read(path: &Path) -> Result<Self> {
        let text = text_of(path)?;
        let ledger = if is_table(path) { table::parse(&text) } else { Self::parse(&text) };
        ledger.map_err(|e| e.at(path))
    }

    /// Reads a ledger in TOML.
    pub fn parse(text: &str) -> Result<Self> {
        let raw: toml::Table = toml::from_str(text).map_err(|e| wrong(e.to_string().trim_end()))?;
        Self::understood(&json_of(toml::Value::Table(raw)))
    }

    /// Reads a ledger as a table.
    pub fn parse_table(text: &str) -> Result<Self> {
        table::parse(text)
    }

    fn understood(written: &Value) -> Result<Self> {
        let ledger = Self::deserialize(written).map_err(|e| wrong(&e.to_string()))?;
        let known = serde_json::to_value(&ledger).map_err(|e| wrong(&e.to_string()))?;
        if let Some(key) = unknown_key(written, &known) {
            return Err(
                Error::new(Kind::Invalid, format!("has a key that no ledger has: {key}")).help(ADVICE)
            );
        }
        ledger.checked()
    }

    fn checked(mut self) -> Result<Self> {
        if self.version > VERSION {
            let what = format!(
                "was made by a newer Kinophone (form {}; this one reads up to {VERSION})",
                self.version
            );
            return Err(Error::new(Kind::Invalid, what).help("take a newer program"));
        }
        for (k, entry) in self.entries.iter().enumerate() {
            let hash = &entry.blake3;
            if !hash.is_empty() && !(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit())) {
                return Err(Error::new(
                    Kind::Invalid,
                    format!("has a source {} whose blake3 is no hash of 64 digits", k + 1),
                )
                .help(ADVICE));
            }
            if hash.is_empty() && entry.name.is_empty() {
                return Err(Error::new(
                    Kind::Invalid,
                    format!("has a source {} without name and blake3", k + 1),
                )
                .help(ADVICE));
            }
        }
        for terms in self.entries.iter_mut().map(|entry| &mut entry.terms) {
            for field in Field::ALL {
                // What was left empty is unknown.
                if terms.get(field).is_some_and(|text| text.trim().is_empty()) {
                    terms.set(field, None).map_err(|e| wrong(&e))?;
                }
            }
        }
        Ok(Self::new(self.entries))
    }

    /// The ledger as a file of that name has it: a table where it ends in `.csv`, TOML elsewhere.
    pub fn as_written(&self, path: &Path) -> String {
        if is_table(path) { self.to_csv() } else { self.to_toml() }
    }

    /// The ledger in TOML.
    pub fn to_toml(&self) -> String {
        HEAD.to_owned() + &toml::to_string_pretty(self).expect("ledgers are texts, dates and lists")
    }

    /// The ledger as a table: a row for each work of each source.
    pub fn to_csv(&self) -> String {
        table::of(self)
    }
}

const ADVICE: &str = "`kinophone ledger show FILE --toml` writes one to begin with";

fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
}

fn text_of(path: &Path) -> Result<String> {
    let read = |e| Error::io("read", path, e);
    let about = std::fs::metadata(path).map_err(read)?;
    if !about.is_file() || about.len() > MAX_BYTES {
        return Err(Error::new(Kind::WrongKind, "is no ledger: it is no file, or too long for one")
            .at(path)
            .help(ADVICE));
    }
    let bytes = std::fs::read(path).map_err(read)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Error::new(Kind::WrongKind, "is no text in UTF-8").at(path).help(ADVICE))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The same in JSON; a date, which people write without quotation marks, is a text.
fn json_of(value: toml::Value) -> Value {
    match value {
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, json_of(value))).collect(),
        toml::Value::Array(values) => values.into_iter().map(json_of).collect(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
    }
}

/// The first key that was written and not understood. What was left empty is understood.
fn unknown_key(written: &Value, known: &Value) -> Option<String> {
    match (written, known) {
        (Value::Object(written), Value::Object(known)) => {
            written.iter().find_map(|(key, value)| match known.get(key) {
                Some(other) => unknown_key(value, other).map(|inner| format!("{key}.{inner}")),
                None => (!is_empty(value)).then(|| key.clone()),
            })
        }
        (Value::Array(written), Value::Array(known)) => {
            written.iter().zip(known).find_map(|(written, known)| unknown_key(written, known))
        }
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(values) => values.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(truth) => !truth,
        Value::Null => true,
        _ => false,
    }
}

fn wrong(what: &str) -> Error {
    Error::new(Kind::Invalid, format!("is no ledger: {what}")).help(ADVICE)
}

#[cfg(test)]
mod tests;
