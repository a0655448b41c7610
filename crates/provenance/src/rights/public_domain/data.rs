//! The table of rules as it is written in TOML, read and checked.

use super::day::{Days, first_of_all, last_of_all};
use super::status::Law;
use kinophone::ledger::{PartialDate, Right, Role};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    /// Names for several countries.
    #[serde(default)]
    groups: BTreeMap<String, Vec<String>>,
    pub(super) country: Vec<Entry>,
}

/// A country, or the European Union.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) code: String,
    pub(super) name: String,
    /// Whose rules apply where it has none of its own for a right.
    pub(super) like: Option<String>,
    #[serde(default)]
    pub(super) rule: Vec<Rule>,
    #[serde(default)]
    pub(super) shorter_term: Vec<ShorterTerm>,
}

/// How long works of a kind are protected.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) right: Vec<Right>,
    #[serde(default)]
    pub(super) when: Conditions,
    pub(super) term: Term,
    citation: String,
    source: String,
    says: String,
    #[serde(default = "yes")]
    verified: bool,
    assuming: Option<String>,
    unless: Option<String>,
}

/// Works from abroad are protected no longer than at home.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShorterTerm {
    pub(super) right: Vec<Right>,
    /// Countries of first publication whose works have the whole term.
    pub(super) not_for: Vec<String>,
    /// Works by a national of these have it, too.
    pub(super) nationals: Vec<String>,
    citation: String,
    source: String,
    says: String,
    #[serde(default = "yes")]
    verified: bool,
}

/// What must hold for a rule to apply; all of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Conditions {
    pub(super) published: Option<Window>,
    pub(super) made: Option<Window>,
    /// The last of those whose deaths the term counts.
    pub(super) died: Option<Window>,
    pub(super) origin: Vec<String>,
    pub(super) origin_not: Vec<String>,
    pub(super) unpublished: Option<bool>,
    pub(super) notice: Option<bool>,
    pub(super) renewed: Option<bool>,
    pub(super) restored: Option<bool>,
    pub(super) for_hire: Option<bool>,
    pub(super) dramatic: Option<bool>,
}

/// From the first day that `from` may be to the last that `to` may be.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    from: Option<PartialDate>,
    to: Option<PartialDate>,
}

/// When protection ends.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a term: years and after, until, later_of or earlier_of")]
pub(super) enum Term {
    Years(Box<Years>),
    Until(Until),
    Later(LaterOf),
    Earlier(EarlierOf),
}

/// At the end of a year, so many years after something happened.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Years {
    pub(super) years: Length,
    pub(super) after: Event,
    /// Whose deaths count; everybody's where it is empty.
    #[serde(default)]
    pub(super) of: Vec<Role>,
    /// Former terms, oldest first: one that had ended by a day was not extended.
    #[serde(default)]
    pub(super) was: Vec<Former>,
    /// The term where nobody is known to have such a part.
    pub(super) anonymous: Option<Box<Term>>,
    /// The first free day at the earliest.
    pub(super) no_earlier: Option<PartialDate>,
    /// What decides between the two numbers of years.
    pub(super) depends: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Until {
    /// The first free day.
    pub(super) until: PartialDate,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LaterOf {
    pub(super) later_of: Vec<Term>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EarlierOf {
    pub(super) earlier_of: Vec<Term>,
}

/// Years, or the fewest and the most that it may be.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Length {
    Exactly(u8),
    Between([u8; 2]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Event {
    Publication,
    Making,
    Death,
}

/// A term that was in force before it was extended.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Former {
    pub(super) years: Length,
    /// The last day on which a work that was free by then stays so.
    pub(super) ended_by: PartialDate,
}

impl Table {
    /// Reads and checks a table; says what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut table: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let groups = std::mem::take(&mut table.groups);
        for entry in &mut table.country {
            entry.name_countries(&groups);
        }
        let codes: Vec<_> = table.country.iter().map(|entry| entry.code.clone()).collect();
        for (k, entry) in table.country.iter().enumerate() {
            let twice = codes[..k].contains(&entry.code).then(|| "occurs twice".to_owned());
            let wrong = twice.map_or_else(|| entry.check(&codes), Err);
            wrong.map_err(|what| format!("country {}: {what}", entry.code))?;
        }
        Ok(table)
    }
}

impl Entry {
    /// The rules for a right, in the order in which they are tried.
    pub(super) fn rules(&self, right: Right) -> impl Iterator<Item = &Rule> {
        self.rule.iter().filter(move |rule| rule.right.contains(&right))
    }

    fn name_countries(&mut self, groups: &BTreeMap<String, Vec<String>>) {
        let lists = self.rule.iter_mut().flat_map(|rule| [&mut rule.when.origin, &mut rule.when.origin_not]);
        let shorter = self.shorter_term.iter_mut().flat_map(|term| [&mut term.not_for, &mut term.nationals]);
        for list in lists.chain(shorter) {
            let named = list.drain(..).flat_map(|name| groups.get(&name).cloned().unwrap_or(vec![name]));
            *list = named.collect();
        }
    }

    fn check(&self, codes: &[String]) -> Result<(), String> {
        let is_code = |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_code(&self.code) || self.name.is_empty() {
            return Err("needs a code of two letters, and a name".into());
        }
        if self.like.as_ref().is_some_and(|like| *like == self.code || !codes.contains(like)) {
            return Err("is like no other country of this table".into());
        }
        for (k, rule) in self.rule.iter().enumerate() {
            rule.check(is_code).map_err(|what| format!("rule {}: {what}", k + 1))?;
        }
        for term in &self.shorter_term {
            term.check(is_code).map_err(|what| format!("shorter_term: {what}"))?;
        }
        Ok(())
    }
}

impl Rule {
    pub(super) fn law(&self) -> Law {
        Law {
            says: self.says.clone(),
            citation: self.citation.clone(),
            source: self.source.clone(),
            verified: self.verified,
            assuming: self.assuming.clone(),
            unless: self.unless.clone(),
        }
    }

    fn check(&self, is_code: impl Fn(&String) -> bool) -> Result<(), String> {
        if self.right.is_empty() {
            return Err("applies to no right".into());
        }
        if !self.when.origin.iter().chain(&self.when.origin_not).all(is_code) {
            return Err("names a country that is neither two letters nor a group".into());
        }
        for window in [&self.when.published, &self.when.made, &self.when.died].into_iter().flatten() {
            if window.days().last < window.days().first {
                return Err("has a window that ends before it begins".into());
            }
        }
        check_law(&self.law())?;
        self.term.check()
    }
}

impl ShorterTerm {
    pub(super) fn law(&self) -> Law {
        Law {
            says: self.says.clone(),
            citation: self.citation.clone(),
            source: self.source.clone(),
            verified: self.verified,
            assuming: None,
            unless: None,
        }
    }

    fn check(&self, is_code: impl Fn(&String) -> bool) -> Result<(), String> {
        if !self.not_for.iter().chain(&self.nationals).all(is_code) {
            return Err("names a country that is neither two letters nor a group".into());
        }
        check_law(&self.law())
    }
}

impl Conditions {
    /// True where nothing is asked but that it never was published.
    pub(super) fn only_unpublished(&self) -> bool {
        *self == Self { unpublished: Some(true), ..Self::default() }
    }
}

impl Window {
    pub(super) fn days(&self) -> Days {
        Days {
            first: self.from.map_or(first_of_all(), PartialDate::earliest),
            last: self.to.map_or(last_of_all(), PartialDate::latest),
        }
    }
}

impl Term {
    /// The parts whose deaths it counts; none: all.
    pub(super) fn parts(&self) -> &[Role] {
        if let Self::Years(years) = self { &years.of } else { &[] }
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Years(years) => years.check(),
            Self::Until(_) => Ok(()),
            Self::Later(LaterOf { later_of: terms }) | Self::Earlier(EarlierOf { earlier_of: terms }) => {
                if terms.len() < 2 {
                    return Err("compares fewer than two terms".into());
                }
                terms.iter().try_for_each(Self::check)
            }
        }
    }
}

impl Years {
    fn check(&self) -> Result<(), String> {
        let lengths = self.was.iter().map(|former| former.years).chain([self.years]);
        let pairs: Vec<_> = lengths.map(Length::bounds).collect();
        if pairs.iter().any(|[least, most]| least > most) || !pairs.is_sorted() {
            return Err("has years that shrink: write the fewest first, and older terms first".into());
        }
        if !self.was.iter().map(|former| former.ended_by).is_sorted() {
            return Err("has former terms that are not in the order of their days".into());
        }
        let open = pairs.iter().any(|[least, most]| least != most);
        if open != self.depends.is_some() {
            return Err("needs depends where it has two numbers of years, and only there".into());
        }
        let people = !self.of.is_empty() || self.anonymous.is_some();
        if people && self.after != Event::Death {
            return Err("names persons, but does not run from a death".into());
        }
        self.anonymous.as_ref().map_or(Ok(()), |term| term.check())
    }
}

impl Length {
    /// The fewest and the most years.
    pub(super) fn bounds(self) -> [u8; 2] {
        match self {
            Self::Exactly(years) => [years, years],
            Self::Between(bounds) => bounds,
        }
    }
}

fn check_law(law: &Law) -> Result<(), String> {
    if law.citation.is_empty() || law.says.is_empty() {
        return Err("needs a citation, and what it says".into());
    }
    if !law.source.starts_with("https://") {
        return Err("needs the address of its source, https://…".into());
    }
    Ok(())
}

fn yes() -> bool {
    true
}
