//! Ledgers as files that people read and complete: TOML, or a table for spreadsheets (CSV).

mod table;

use kinophone::ledger::{Field, Source, Terms, Use, Work};
use kinophone::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
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

    /// Its file's name, or where only its content is known the beginning of its hash.
    pub fn label(&self) -> String {
        if self.name.is_empty() { self.blake3.chars().take(12).collect() } else { self.name.clone() }
    }

    /// True if both are of the same content.
    pub fn has_content_of(&self, other: &Self) -> bool {
        !self.blake3.is_empty() && self.blake3.eq_ignore_ascii_case(&other.blake3)
    }

    /// Adds what another entry of the same file says; see [`Terms::merge`].
    fn merge(&mut self, other: Self) {
        self.terms.merge(&other.terms);
        self.uses.extend(other.uses);
        self.uses.sort_unstable();
        self.uses.dedup();
        if self.name.is_empty() {
            self.name = other.name;
        }
    }
}

impl LedgerFile {
    /// A ledger of these entries; those of the same content become one. An entry without a hash joins the one of its name, where there is
    /// one alone.
    pub fn new(entries: impl IntoIterator<Item = LedgerEntry>) -> Self {
        let (known, named): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| !entry.blake3.is_empty());
        let mut all: Vec<LedgerEntry> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for entry in known {
            match places.entry(entry.blake3.to_ascii_lowercase()) {
                Entry::Occupied(place) => all[*place.get()].merge(entry),
                Entry::Vacant(place) => {
                    place.insert(all.len());
                    all.push(entry);
                }
            }
        }
        let mut names: HashMap<String, Vec<usize>> = HashMap::new();
        for (k, entry) in all.iter().enumerate() {
            names.entry(entry.name.clone()).or_default().push(k);
        }
        for entry in named {
            match names.get(&entry.name).map(Vec::as_slice) {
                Some([only]) => all[*only].merge(entry),
                _ => {
                    names.insert(entry.name.clone(), vec![all.len()]);
                    all.push(entry);
                }
            }
        }
        Self { version: VERSION, entries: all }
    }

    /// What it knows of a file among `files`: all that it says of its content, else what it says by name, where no other of them has that
    /// name. Says which entries those were.
    pub fn known_of(&self, file: &LedgerEntry, files: &[LedgerEntry]) -> Vec<usize> {
        let of = |holds: &dyn Fn(&LedgerEntry) -> bool| {
            (0..self.entries.len()).filter(|k| holds(&self.entries[*k])).collect::<Vec<usize>>()
        };
        let content = of(&|entry| entry.has_content_of(file));
        let ambiguous = files.iter().any(|other| other.name == file.name && other.blake3 != file.blake3);
        if !content.is_empty() || ambiguous {
            return content;
        }
        of(&|entry| entry.name == file.name && (entry.blake3.is_empty() || file.blake3.is_empty()))
    }

    /// Reads a ledger: a table where its name ends in `.csv`, TOML elsewhere. Keys that it does not know are an error.
    pub fn read(path: &Path) -> Result<Self> {
        let text = text_of(path)?;
        let ledger = if is_table(path) { table::parse(&text) } else { Self::parse(&text) };
        ledger.map_err(|e| e.at(path))
    }

    /// Reads a ledger in TOML.
    pub fn parse(text: &str) -> Result<Self> {
        let place = |e: &toml::de::Error| {
            let before = e.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            before.matches('\n').count() + 1
        };
        let raw: toml::Table =
            toml::from_str(text).map_err(|e| wrong(&format!("line {}: {}", place(&e), e.message())))?;
        Self::understood(&json_of(toml::Value::Table(raw)))
    }

    /// Reads a ledger as a table.
    pub fn parse_table(text: &str) -> Result<Self> {
        table::parse(text)
    }

    fn understood(written: &Value) -> Result<Self> {
        let sources = written.get("source").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        for (k, source) in sources.iter().enumerate() {
            LedgerEntry::deserialize(source).map_err(|e| wrong(&format!("source {}: {e}", k + 1)))?;
        }
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
        if self.version != VERSION {
            let what = format!("has the form {}; this program reads {VERSION}", self.version);
            return Err(
                Error::new(Kind::Invalid, what).help("take a newer program, or write kinophone_ledger = 1")
            );
        }
        for (k, entry) in self.entries.iter_mut().enumerate() {
            check(entry).map_err(|what| {
                Error::new(Kind::Invalid, format!("source {} ({}): {what}", k + 1, entry.label()))
                    .help(ADVICE)
            })?;
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

/// Checks what one says of a source, without spaces around it; says what is wrong.
fn check(entry: &mut LedgerEntry) -> Result<(), String> {
    let hash = &entry.blake3;
    entry.name = entry.name.trim().to_owned();
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hash.is_empty() && !is_hash {
        return Err("its blake3 is no hash of 64 digits".to_owned());
    }
    if hash.is_empty() && entry.name.is_empty() {
        return Err("it has neither name nor blake3".to_owned());
    }
    for field in Field::ALL {
        // What was left empty is unknown.
        let value = entry.terms.get(field);
        entry.terms.set(field, value.as_deref())?;
    }
    entry.terms.works.iter_mut().try_for_each(check_work)
}

fn check_work(work: &mut Work) -> Result<(), String> {
    if work.unpublished && work.published.is_some() {
        return Err("a work was published, and never was: leave out one of both".to_owned());
    }
    for creator in &mut work.creators {
        if creator.living && creator.died.is_some() {
            return Err(format!("{} is living, and died: leave out one of both", creator.name));
        }
        creator.nationality = country(creator.nationality.take())?;
    }
    for free in &mut work.free {
        free.country = country(Some(free.country.clone()))?.unwrap_or_default();
    }
    work.country = country(work.country.take())?;
    Ok(())
}

fn country(code: Option<String>) -> Result<Option<String>, String> {
    let Some(code) = code.map(|code| code.trim().to_ascii_uppercase()).filter(|code| !code.is_empty()) else {
        return Ok(None);
    };
    let is_code = code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    is_code
        .then_some(Some(code.clone()))
        .ok_or_else(|| format!("'{code}' is no country: write two letters, such as US or SU"))
}

const ADVICE: &str = "`kinophone ledger show FILE --toml` writes one to begin with";

fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"))
}

fn text_of(path: &Path) -> Result<String> {
    let read = |e| Error::io("read", path, e);
    let about = std::fs::metadata(path).map_err(read)?;
    if !about.is_file() || about.len() > MAX_BYTES {
        let what =
            if about.is_file() { "is too long for a ledger" } else { "is no ordinary file, as ledgers are" };
        return Err(Error::new(Kind::WrongKind, what).at(path).help(ADVICE));
    }
    let bytes = std::fs::read(path).map_err(read)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Error::new(Kind::WrongKind, "is no text in UTF-8")
            .at(path)
            .help("save it as UTF-8; a table as CSV UTF-8, divided by commas")
    })?;
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
