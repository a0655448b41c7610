//! Is a work free? Dated rules of countries, in a table that people can read and add to.
//!
//! The rules are in `data/public-domain.toml`, with their statutes and the pages that they were compared with; the engine here
//! knows none of them. It bounds the first free day from both sides by what the ledger knows, so that an answer holds for every day
//! that a date may be, for every death that is unknown, and for every branch of the law that a missing fact leaves open. Only where
//! both bounds lie on one side of the day asked about is there an answer; else the missing facts are named.
//!
//! The table has the law of today. Of a day in the past it tells what that law says of it, not what was in force then.

mod data;
mod day;
mod end;
mod fact;
mod known;
mod status;
#[cfg(test)]
mod tests;

pub use fact::Fact;
pub use status::{Law, Status};

use data::{Entry, ShorterTerm, Table};
use day::{first_of_all, last_of_all};
use end::{Bound, End};
use kinophone::ledger::{PartialDate, Right, Work};
use kinophone::{Error, Kind, Result};
use known::{Known, Truth};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::LazyLock;

const TABLE: &str = include_str!("../../../data/public-domain.toml");

/// A country that has laws of its own: two letters of ISO 3166-1, or `EU` for what its directives say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(String);

/// Rules of countries.
pub struct Rules {
    countries: BTreeMap<Country, Entry>,
}

impl Rules {
    /// The rules that Kinophone carries.
    pub fn embedded() -> &'static Self {
        static RULES: LazyLock<Rules> =
            LazyLock::new(|| Rules::parse(TABLE).expect("the embedded table, which a test reads"));
        &RULES
    }

    /// Reads rules from a file of the form that the embedded one describes.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::io("read", path, error))?;
        Self::parse(&text).map_err(|error| error.at(path))
    }

    /// Reads rules.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: String| {
            Error::new(Kind::Invalid, format!("is no table of rules: {what}"))
                .help("the embedded table, public-domain.toml, describes the form")
        };
        let table = Table::parse(text).map_err(wrong)?;
        let countries = table.country.into_iter().map(|entry| (Country(entry.code.clone()), entry));
        Ok(Self { countries: countries.collect() })
    }

    /// Countries with rules, and their names.
    pub fn countries(&self) -> impl Iterator<Item = (&Country, &str)> {
        self.countries.iter().map(|(country, entry)| (country, entry.name.as_str()))
    }

    /// Tells whether a work is free in a country on a day: on all days that a partial date may be.
    pub fn status(&self, work: &Work, country: &Country, day: PartialDate) -> Status {
        let work = spelled(work);
        let end = self.end(Known::of(&work, day), country);
        let known = |bound: Bound| {
            let open = [first_of_all(), last_of_all()].contains(&bound.day);
            bound.law.filter(|_| !open).map(|law| (bound.day, law))
        };
        let exactly = end.is_exact();
        match (end.first, end.last) {
            (_, Bound { day: since, law: Some(law) }) if since <= day.earliest() => {
                Status::PublicDomain { since, law }
            }
            (Bound { day: until, law: Some(law) }, _) if until > day.latest() => {
                Status::Protected { until, exactly, law }
            }
            (first, last) => Status::Unknown {
                missing: end.missing.into_iter().collect(),
                from: known(first),
                to: known(last),
            },
        }
    }

    /// The end of protection in a country, for works from abroad by the rule of the shorter term where it has one.
    fn end(&self, known: Known, country: &Country) -> End {
        let own = self.own_end(known, country);
        let Some(rule) = self.shorter_term(country, known.work.right) else { return own };
        let from_abroad = known.is_from(&rule.not_for).negated();
        let applies = from_abroad.and(known.is_by_national_of(&rule.nationals).negated());
        let shorter = || own.clone().earlier(self.end_at_home(known).by_way_of(&rule.law()));
        match applies {
            Truth::No => own,
            Truth::Yes => shorter(),
            Truth::Unknown(missing) => shorter().either(own.clone(), missing),
        }
    }

    fn end_at_home(&self, known: Known) -> End {
        match &known.work.country {
            Some(home) => self.own_end(known, &Country(home.clone())),
            None => End::unknown(Fact::Country),
        }
    }

    /// The end of protection by a country's rules for works of its own.
    fn own_end(&self, mut known: Known, country: &Country) -> End {
        let mut branches: Vec<(End, BTreeSet<Fact>)> = Vec::new();
        let mut otherwise = End::unknown(Fact::Rule(country.0.clone()));
        for rule in self.entries(country).flat_map(|entry| entry.rules(known.work.right)) {
            let end = || End::of(&rule.term, known.where_holds(&rule.when)).by(&rule.law());
            match known.satisfies(rule) {
                Truth::No => {}
                Truth::Unknown(missing) => branches.push((end(), missing)),
                Truth::Yes => {
                    otherwise = end();
                    break;
                }
            }
            known = known.where_fails(&rule.when);
        }
        branches.into_iter().rev().fold(otherwise, |rest, (end, missing)| end.either(rest, missing))
    }

    fn shorter_term(&self, country: &Country, right: Right) -> Option<&ShorterTerm> {
        self.entries(country).flat_map(|entry| &entry.shorter_term).find(|rule| rule.right.contains(&right))
    }

    /// A country, then the one that it is like, and so on; each once.
    fn entries(&self, country: &Country) -> impl Iterator<Item = &Entry> {
        let like =
            |entry: &&Entry| entry.like.as_ref().and_then(|like| self.countries.get(&Country(like.clone())));
        std::iter::successors(self.countries.get(country), like).take(self.countries.len())
    }
}

/// The work with its countries spelled as the table has them; what is no country is unknown.
fn spelled(work: &Work) -> Work {
    let code = |text: &Option<String>| text.as_ref()?.parse().ok().map(|Country(code)| code);
    let mut work = work.clone();
    work.country = code(&work.country);
    for creator in &mut work.creators {
        creator.nationality = code(&creator.nationality);
    }
    work
}

impl Country {
    /// As it is written: `US`.
    pub fn code(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Country {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let code = text.trim().to_ascii_uppercase();
        let code = if code == "UK" { "GB".to_owned() } else { code };
        if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Ok(Self(code));
        }
        Err(Error::new(Kind::Invalid, format!("'{}' is no country", text.escape_debug()))
            .help("write two letters of ISO 3166, such as US, or EU"))
    }
}
