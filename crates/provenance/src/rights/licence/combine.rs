//! One licence for all: what sources ask together, and which do not fit.
//!
//! Sources meet only in the licence that the whole bears. So each licence that some source names is tried, and none; each source
//! takes its easiest choice that permits it. That finds the best choices without trying their combinations.

use super::expression;
use super::table::{Licence, Table};
use kinophone::ledger::Use;
use std::collections::BTreeSet;

/// A source with its licence and what it is used for.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// Its name, by which answers name it.
    pub name: &'a str,
    /// Its licence as stated.
    pub licence: Option<&'a str>,
    /// What for.
    pub uses: &'a [Use],
}

/// What the licences of all sources ask together. Sources are named in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Combination {
    /// Sources whose authors must be named.
    pub attribution: Vec<String>,
    /// Sources that forbid to sell the whole.
    pub non_commercial: Vec<String>,
    /// Sources that ask the whole to share alike.
    pub share_alike: Vec<String>,
    /// Licences that the whole may bear, best first, by their identifiers. Empty where no source asks for one, or none fits.
    pub may_bear: Vec<String>,
    /// Choices taken, where sources leave one.
    pub chosen: Vec<Choice>,
    /// What does not fit.
    pub breaks: Vec<Conflict>,
    /// Sources without a licence that the table knows.
    pub unknown: Vec<Unread>,
    /// What is to be known besides.
    pub warnings: Vec<Warning>,
}

/// The licence taken from a source that offers several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The source.
    pub source: String,
    /// Identifiers of the licences taken, with AND between them.
    pub licence: String,
}

/// Sources that do not fit under a film.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The sources that cause it.
    pub sources: Vec<String>,
    /// Why.
    pub why: String,
}

/// A source whose licence is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The source.
    pub source: String,
    /// What it states instead, if anything.
    pub words: Option<String>,
}

/// Something to know about a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The source.
    pub source: String,
    /// What.
    pub why: String,
}

impl Combination {
    /// True where every licence is known and all fit.
    pub fn fits(&self) -> bool {
        self.breaks.is_empty() && self.unknown.is_empty()
    }
}

/// A source whose licence was read.
struct Read<'a> {
    material: &'a Material<'a>,
    choices: Vec<Vec<Licence>>,
}

pub(super) fn combine(table: &Table, sources: &[Material]) -> Combination {
    let mut all = Combination::default();
    let mut read = Vec::new();
    for material in sources {
        let words = material.licence.map(str::trim).filter(|words| !words.is_empty());
        match words.map(|words| expression::read(table, words)) {
            Some(Ok(choices)) => read.push(Read { material, choices }),
            _ => all.unknown.push(Unread { source: material.name.into(), words: words.map(str::to_owned) }),
        }
    }
    read.iter().for_each(|source| all.warn(source));
    let adapted: Vec<_> = read.into_iter().filter(Read::is_adapted).collect();
    match best(table, &adapted) {
        Some(outcome) => all.ask(table, &adapted, outcome.as_deref()),
        None => all.breaks = conflicts(table, &adapted),
    }
    all
}

impl Read<'_> {
    /// Heard or seen, not only learned from.
    fn is_adapted(&self) -> bool {
        self.material.uses.iter().any(|which| *which != Use::TrainedOn)
    }

    /// The easiest choice that permits the whole to bear a licence.
    fn easiest(&self, table: &Table, outcome: Option<&str>) -> Option<&Vec<Licence>> {
        let permitted =
            self.choices.iter().filter(|choice| choice.iter().all(|one| permits(table, one, outcome)));
        permitted.min_by_key(|choice| burden(choice))
    }
}

/// Tells whether a licence permits an adaptation that bears `outcome`, or any licence of the adapter's.
fn permits(table: &Table, licence: &Licence, outcome: Option<&str>) -> bool {
    let Some(outcome) = outcome else { return !licence.no_derivatives && !licence.share_alike() };
    let keeps_off_trade = || table.licence(outcome).is_some_and(|other| other.non_commercial);
    !licence.no_derivatives
        && (!licence.share_alike() || licence.may_bear.iter().any(|id| id == outcome))
        && (licence.share_alike() || !licence.non_commercial || keeps_off_trade())
        && !licence.refuses.iter().any(|id| id == outcome)
}

/// Less is easier.
fn burden(licences: &[Licence]) -> u32 {
    let of = |one: &Licence| {
        let elements = [
            (one.attribution, 1),
            (one.mark, 1),
            (one.non_commercial, 10),
            (one.share_alike(), 100),
            (one.no_derivatives, 1000),
        ];
        elements.iter().filter(|(asked, _)| *asked).map(|(_, weight)| weight).sum::<u32>()
    };
    licences.iter().map(of).sum()
}

/// Licences that the whole may have to bear, and none.
fn outcomes(sources: &[&Read]) -> Vec<Option<String>> {
    let licences = sources.iter().flat_map(|source| source.choices.iter().flatten());
    let named: BTreeSet<String> = licences.flat_map(|licence| licence.may_bear.clone()).collect();
    [None].into_iter().chain(named.into_iter().rev().map(Some)).collect()
}

/// The outcome that all sources permit, with the least burden; of several that of most sources, then the newest.
fn best(table: &Table, sources: &[Read]) -> Option<Option<String>> {
    let all: Vec<&Read> = sources.iter().collect();
    let cost = |outcome: &Option<String>| {
        let each = all.iter().map(|source| source.easiest(table, outcome.as_deref()));
        let chosen: Vec<_> = each.collect::<Option<_>>()?;
        let own = chosen.iter().filter(|choice| choice.iter().any(|one| Some(&one.id) == outcome.as_ref()));
        let strangers = all.len() - own.count();
        Some((chosen.iter().map(|choice| burden(choice)).sum::<u32>(), strangers))
    };
    let possible = outcomes(&all).into_iter().filter_map(|outcome| Some((cost(&outcome)?, outcome)));
    possible.min_by_key(|(cost, _)| *cost).map(|(_, outcome)| outcome)
}

fn fit(table: &Table, sources: &[&Read]) -> bool {
    let permitted = |outcome: &Option<String>| {
        sources.iter().all(|source| source.easiest(table, outcome.as_deref()).is_some())
    };
    outcomes(sources).iter().any(permitted)
}

/// The smallest groups of sources that do not fit: single ones, pairs, else all.
fn conflicts(table: &Table, sources: &[Read]) -> Vec<Conflict> {
    let (alone, fitting): (Vec<&Read>, Vec<&Read>) =
        sources.iter().partition(|source| !fit(table, &[source]));
    let mut found: Vec<_> = alone.iter().map(|source| conflict(&[source])).collect();
    for (k, one) in fitting.iter().enumerate() {
        let others = fitting[k + 1..].iter().filter(|other| !fit(table, &[one, other]));
        found.extend(others.map(|other| conflict(&[one, other])));
    }
    if found.is_empty() {
        found.push(conflict(&fitting));
    }
    found
}

fn conflict(sources: &[&Read]) -> Conflict {
    let licences: Vec<_> = sources.iter().flat_map(|source| source.choices.iter().flatten()).collect();
    let names = |which: fn(&Licence) -> bool| {
        let names: BTreeSet<_> =
            licences.iter().filter(|one| which(one)).map(|one| one.name.clone()).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    };
    let why = if sources.len() == 1 && licences.iter().any(|one| one.no_derivatives) {
        let ids = names(|one| one.no_derivatives);
        format!("{ids} permits no adaptation to be shared, and sound in time with pictures is one")
    } else {
        let alike = names(Licence::share_alike);
        let others = names(|one| !one.share_alike());
        let also =
            if others.is_empty() { String::new() } else { format!(", which {others} does not permit") };
        format!("the whole cannot bear one licence for all: {alike} must be shared alike{also}")
    };
    Conflict { sources: sources.iter().map(|source| source.material.name.to_owned()).collect(), why }
}

impl Combination {
    /// What sources ask where all permit an outcome.
    fn ask(&mut self, table: &Table, sources: &[Read], outcome: Option<&str>) {
        for source in sources {
            let Some(chosen) = source.easiest(table, outcome) else { continue };
            let name = source.material.name.to_owned();
            let mut note = |list: fn(&mut Self) -> &mut Vec<String>, which: fn(&Licence) -> bool| {
                if chosen.iter().any(which) {
                    list(self).push(name.clone());
                }
            };
            note(|all| &mut all.attribution, |one| one.attribution);
            note(|all| &mut all.non_commercial, |one| one.non_commercial);
            note(|all| &mut all.share_alike, Licence::share_alike);
            if source.choices.len() > 1 {
                let ids: Vec<_> = chosen.iter().map(|one| one.id.clone()).collect();
                self.chosen.push(Choice { source: name, licence: ids.join(" AND ") });
            }
        }
        if let Some(best) = outcome {
            let all: Vec<&Read> = sources.iter().collect();
            let rest = outcomes(&all).into_iter().flatten().filter(|other| {
                other != best && all.iter().all(|source| source.easiest(table, Some(other)).is_some())
            });
            self.may_bear = [best.to_owned()].into_iter().chain(rest).collect();
        }
    }

    /// Warns of labels, and of learning from what may not be adapted or sold.
    fn warn(&mut self, source: &Read) {
        let Some(easiest) = source.choices.iter().min_by_key(|choice| burden(choice)) else { return };
        let mut warn = |why: String| self.warnings.push(Warning { source: source.material.name.into(), why });
        for licence in easiest.iter().filter(|licence| licence.mark) {
            warn(format!(
                "{} is no licence but somebody's label: free in which country, by which rule?",
                licence.name
            ));
        }
        if source.material.uses.contains(&Use::TrainedOn) {
            for licence in easiest.iter().filter(|one| one.no_derivatives || one.non_commercial) {
                let what = if licence.no_derivatives { "adaptations" } else { "trade" };
                warn(format!(
                    "{} keeps off {what}; whether learning from such a source needs permission is unsettled",
                    licence.name
                ));
            }
        }
    }
}
