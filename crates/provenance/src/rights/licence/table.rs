//! The table of licences as it is written in TOML, and single licences by their names.

use kinophone::{Error, Kind, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A licence by what it asks of an adaptation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Licence {
    /// SPDX identifier, or a name of that form: `CC-BY-SA-3.0-PL`.
    pub id: String,
    /// As people write it: `CC BY-SA 3.0 PL`.
    pub name: String,
    /// Canonical address of its text.
    pub url: String,
    /// The author must be named.
    pub attribution: bool,
    /// Nothing may be sold.
    pub non_commercial: bool,
    /// No adaptation may be shared.
    pub no_derivatives: bool,
    /// Licences that an adaptation may bear, where it must share alike; empty where it need not.
    pub may_bear: Vec<String>,
    /// Licences that an adaptation may not bear.
    pub refuses: Vec<String>,
    /// True for a label that says that no copyright is known, which is no licence.
    pub mark: bool,
}

impl Licence {
    /// True where an adaptation must bear this licence, or one that it names.
    pub fn share_alike(&self) -> bool {
        !self.may_bear.is_empty()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    creative_commons: CreativeCommons,
    licence: Vec<Entry>,
    aliases: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreativeCommons {
    versions: Vec<String>,
    later_from: String,
    compatible: Vec<Compatible>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Compatible {
    of: String,
    may_bear: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    name: String,
    url: String,
    #[serde(default)]
    asks: Vec<Asks>,
    #[serde(default)]
    may_bear: Vec<String>,
    #[serde(default)]
    refuses: Vec<String>,
    #[serde(default)]
    mark: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Asks {
    Attribution,
    NonCommercial,
    NoDerivatives,
}

impl Table {
    /// Reads and checks a table.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = |what: String| {
            Error::new(Kind::Invalid, format!("is no table of licences: {what}"))
                .help("the embedded table, licences.toml, describes the form")
        };
        let table: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        let unknown = table.names().find(|name| table.licence(name).is_none());
        match unknown {
            Some(name) => Err(wrong(format!("it names {name}, which it does not have"))),
            None => Ok(table),
        }
    }

    /// Identifiers of all licences with an entry.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.licence.iter().map(|entry| entry.id.as_str())
    }

    /// All names that the table uses for a licence.
    fn names(&self) -> impl Iterator<Item = &str> {
        let entries = self.licence.iter().flat_map(|entry| entry.may_bear.iter().chain(&entry.refuses));
        let compatible = &self.creative_commons.compatible;
        let theirs = compatible.iter().flat_map(|pair| pair.may_bear.iter().chain([&pair.of]));
        entries.chain(theirs).chain(self.aliases.values()).map(String::as_str)
    }

    /// What an alias means, or the address of a licence.
    pub(super) fn alias(&self, words: &str) -> Option<String> {
        let words = words.trim().to_lowercase();
        let known = || self.aliases.get(&words).cloned();
        let at = || {
            let entry = self.licence.iter().find(|entry| same_address(&entry.url, &words));
            entry.map(|entry| entry.id.clone())
        };
        known()
            .or_else(at)
            .or_else(|| creative_commons_address(&words))
            .or_else(|| creative_commons_words(&words))
    }

    /// A licence by its identifier.
    pub(super) fn licence(&self, id: &str) -> Option<Licence> {
        let entry = self.licence.iter().find(|entry| entry.id.eq_ignore_ascii_case(id));
        entry.map(Entry::licence).or_else(|| self.creative_commons.licence(id))
    }
}

impl Entry {
    fn licence(&self) -> Licence {
        let asks = |what| self.asks.contains(&what);
        Licence {
            id: self.id.clone(),
            name: self.name.clone(),
            url: self.url.clone(),
            attribution: asks(Asks::Attribution),
            non_commercial: asks(Asks::NonCommercial),
            no_derivatives: asks(Asks::NoDerivatives),
            may_bear: self.may_bear.clone(),
            refuses: self.refuses.clone(),
            mark: self.mark,
        }
    }
}

impl CreativeCommons {
    /// A licence by its name: `CC-BY-NC-SA-3.0-DE` and the like.
    fn licence(&self, id: &str) -> Option<Licence> {
        let id = id.to_ascii_uppercase();
        let mut parts = id.strip_prefix("CC-")?.split('-').peekable();
        let is_element = |part: &&str| ["BY", "NC", "SA", "ND"].contains(part);
        let elements: Vec<&str> = std::iter::from_fn(|| parts.next_if(is_element)).collect();
        let version = parts.next()?;
        let port = parts.next().filter(|port| (2..=8).contains(&port.len()));
        let known = self.versions.iter().any(|other| other == version) && parts.next().is_none();
        let has = |element| elements.contains(&element);
        let distinct =
            elements.iter().all(|part| elements.iter().filter(|other| *other == part).count() == 1);
        if !known || elements.is_empty() || !distinct || has("SA") && has("ND") || has_junk(port) {
            return None;
        }
        Some(Licence {
            name: written(&elements, version, port),
            url: address(&elements, version, port),
            attribution: has("BY"),
            non_commercial: has("NC"),
            no_derivatives: has("ND"),
            may_bear: if has("SA") { self.may_bear(&elements, version, &id) } else { Vec::new() },
            refuses: Vec::new(),
            mark: false,
            id,
        })
    }

    /// The same elements in later versions, where the version has such a clause, and what else is compatible.
    fn may_bear(&self, elements: &[&str], version: &str, id: &str) -> Vec<String> {
        let place = |version: &str| self.versions.iter().position(|other| other == version);
        let general = format!("CC-{}-{version}", elements.join("-"));
        if place(version) < place(&self.later_from) {
            return vec![id.to_owned()];
        }
        let later = self.versions.iter().filter(|other| place(other) > place(version) && *other != "2.1");
        let later = later.map(|version| format!("CC-{}-{version}", elements.join("-")));
        let own = [id.to_owned()].into_iter().chain((general != id).then(|| general.clone()));
        let others = self.compatible.iter().filter(|pair| pair.of == general);
        own.chain(later).chain(others.flat_map(|pair| pair.may_bear.clone())).collect()
    }
}

fn has_junk(port: Option<&str>) -> bool {
    port.is_some_and(|port| !port.bytes().all(|byte| byte.is_ascii_uppercase()))
}

fn written(elements: &[&str], version: &str, port: Option<&str>) -> String {
    let port = port.map(|port| format!(" {port}")).unwrap_or_default();
    format!("CC {} {version}{port}", elements.join("-"))
}

fn address(elements: &[&str], version: &str, port: Option<&str>) -> String {
    let port = port.map(|port| format!("{}/", port.to_lowercase())).unwrap_or_default();
    format!("https://creativecommons.org/licenses/{}/{version}/{port}", elements.join("-").to_lowercase())
}

/// An address without its scheme, `www.` and what comes after the licence.
fn bare(address: &str) -> Option<&str> {
    let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"))?;
    let rest = rest.strip_prefix("www.").unwrap_or(rest);
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    Some(rest[..end].trim_end_matches('/'))
}

fn same_address(one: &str, other: &str) -> bool {
    bare(&one.to_lowercase()).is_some_and(|address| Some(address) == bare(other))
}

/// `https://creativecommons.org/licenses/by-sa/3.0/de/deed.en` as an identifier.
fn creative_commons_address(words: &str) -> Option<String> {
    let path = bare(words)?.strip_prefix("creativecommons.org/")?;
    let mut parts = path.split('/');
    let (kind, name, version) = (parts.next()?, parts.next()?, parts.next());
    let port = parts
        .next()
        .filter(|port| (2..=8).contains(&port.len()) && !port.contains('.') && *port != "legalcode");
    match (kind, name, version) {
        ("publicdomain", "zero", _) => Some("CC0-1.0".into()),
        ("publicdomain", "mark", _) => Some("CC-PDM-1.0".into()),
        ("licenses", "publicdomain", _) => Some("CC-PDDC".into()),
        ("licenses", name, Some(version)) => {
            let port = port.map(|port| format!("-{port}")).unwrap_or_default();
            Some(format!("CC-{name}-{version}{port}").to_ascii_uppercase())
        }
        _ => None,
    }
}

/// `CC BY-SA 4.0`, `cc by sa 4.0 international` as an identifier.
fn creative_commons_words(words: &str) -> Option<String> {
    let rest = words.strip_prefix("creative commons ").or_else(|| words.strip_prefix("cc "))?;
    let plain = rest.trim().trim_end_matches(" international").trim_end_matches(" unported");
    Some(format!("CC-{}", plain.replace([' ', '_'], "-")).to_ascii_uppercase())
}
