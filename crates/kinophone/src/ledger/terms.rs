//! Terms of a source: whose it is, what it allows, where it was found.

use crate::ledger::{PartialDate, Work};
use serde::{Deserialize, Serialize};

/// Whose a source is and what it allows, as far as somebody said it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// Title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// SPDX expression or words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Where it was found: a URL or words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// When it was found there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrieved: Option<PartialDate>,
    /// Works in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub works: Vec<Work>,
    /// What others say of it that contradicts the above.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Vec<Statement>,
}

/// One of the terms that are a single value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// [`Terms::title`].
    Title,
    /// [`Terms::author`].
    Author,
    /// [`Terms::licence`].
    Licence,
    /// [`Terms::origin`].
    Origin,
    /// [`Terms::retrieved`].
    Retrieved,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Title, Self::Author, Self::Licence, Self::Origin, Self::Retrieved];

    /// As it is written in a ledger.
    pub fn name(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Author => "author",
            Self::Licence => "licence",
            Self::Origin => "origin",
            Self::Retrieved => "retrieved",
        }
    }
}

/// A contradicting value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Of what.
    pub field: Field,
    /// The value.
    pub value: String,
}

impl Terms {
    /// A single value, as text.
    pub fn get(&self, field: Field) -> Option<String> {
        match field {
            Field::Title => self.title.clone(),
            Field::Author => self.author.clone(),
            Field::Licence => self.licence.clone(),
            Field::Origin => self.origin.clone(),
            Field::Retrieved => self.retrieved.map(|date| date.to_string()),
        }
    }

    /// Replaces a single value; says what is wrong with one that is none.
    pub fn set(&mut self, field: Field, value: Option<&str>) -> Result<(), String> {
        let words = value.map(str::trim).filter(|value| !value.is_empty());
        let owned = words.map(str::to_owned);
        match field {
            Field::Title => self.title = owned,
            Field::Author => self.author = owned,
            Field::Licence => self.licence = owned,
            Field::Origin => self.origin = owned,
            Field::Retrieved => self.retrieved = words.map(str::parse).transpose()?,
        }
        Ok(())
    }

    /// True where nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what `other` knows of the same source: nothing is lost, and where both know something different, that of `other` stays in
    /// [`Terms::otherwise`]. A work that contradicts all others stays one of its own.
    pub fn merge(&mut self, other: &Self) {
        for field in Field::ALL {
            match (self.get(field), other.get(field)) {
                (None, Some(value)) => self.set(field, Some(&value)).expect("a value of such a field"),
                (Some(own), Some(value)) if own != value => self.contradict(Statement { field, value }),
                _ => {}
            }
        }
        other.otherwise.iter().for_each(|statement| self.contradict(statement.clone()));
        for work in &other.works {
            if !self.works.contains(work) {
                self.add(work);
            }
        }
    }

    /// Adds a work to the one that it is, the one of its title before others; as one of its own, where that may be several.
    fn add(&mut self, work: &Work) {
        let joined = |(k, own): (usize, &Work)| Some((k, own.joined(work)?));
        let same: Vec<(usize, Work)> = self.works.iter().enumerate().filter_map(joined).collect();
        let entitled: Vec<_> =
            same.iter().filter(|(k, _)| work.title.is_some() && self.works[*k].title == work.title).collect();
        match (&entitled[..], &same[..]) {
            ([(k, joined)], _) | ([], [(k, joined)]) => self.works[*k] = joined.clone(),
            _ => self.works.push(work.clone()),
        }
    }

    fn contradict(&mut self, statement: Statement) {
        if self.get(statement.field).as_ref() != Some(&statement.value)
            && !self.otherwise.contains(&statement)
        {
            self.otherwise.push(statement);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Right;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Everything that somebody said.
    fn said(terms: &Terms) -> BTreeSet<(Field, String)> {
        let own = Field::ALL.iter().filter_map(|field| Some((*field, terms.get(*field)?)));
        own.chain(terms.otherwise.iter().map(|s| (s.field, s.value.clone()))).collect()
    }

    fn any_terms() -> impl Strategy<Value = Terms> {
        let word =
            || proptest::option::of(prop_oneof![Just("CC0-1.0"), Just("CC-BY-4.0"), Just("a | b\n<c>")]);
        let work = |(made, published): (u16, u16)| Work {
            right: Right::Recording,
            made: PartialDate::of_year(made),
            published: PartialDate::of_year(published),
            ..Work::default()
        };
        // 0 is no year: unknown.
        let years = proptest::sample::select(vec![
            (0, 0),
            (1900, 0),
            (1901, 0),
            (0, 1902),
            (1900, 1902),
            (1900, 1903),
        ]);
        let works = proptest::collection::vec(years.prop_map(work), 0..3);
        (word(), word(), word(), word(), proptest::option::of(2000u16..2003), works).prop_map(
            |(title, author, licence, origin, year, works)| {
                let owned = |word: Option<&str>| word.map(str::to_owned);
                Terms {
                    title: owned(title),
                    author: owned(author),
                    licence: owned(licence),
                    origin: owned(origin),
                    retrieved: year.and_then(PartialDate::of_year),
                    works,
                    otherwise: Vec::new(),
                }
            },
        )
    }

    proptest! {
        #[test]
        fn merging_loses_nothing_whatever_the_order(a in any_terms(), b in any_terms(), c in any_terms()) {
            let merged = |order: [&Terms; 3]| {
                let mut all = Terms::default();
                order.into_iter().for_each(|terms| all.merge(terms));
                all
            };
            let all: BTreeSet<_> = [&a, &b, &c].into_iter().flat_map(said).collect();
            for order in [[&a, &b, &c], [&c, &a, &b], [&b, &b, &a]] {
                let merged = merged(order);
                let expected = order.into_iter().flat_map(said).collect();
                prop_assert_eq!(said(&merged), expected);
                let known = |work: &Work| merged.works.iter().any(|all| all.joined(work).as_ref() == Some(all));
                prop_assert!(order.iter().all(|terms| terms.works.iter().all(known)));
            }
            let mut twice = merged([&a, &b, &c]);
            prop_assert_eq!(said(&twice), all);
            let once = twice.clone();
            twice.merge(&once);
            prop_assert_eq!(&twice, &once);
        }

        #[test]
        fn terms_come_back_from_json(terms in any_terms()) {
            let json = serde_json::to_string(&terms).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Terms>(&json).unwrap(), &terms);
        }
    }

    #[test]
    fn the_first_to_say_a_thing_is_believed() {
        let of = |licence: &str| Terms { licence: Some(licence.into()), ..Terms::default() };
        let mut terms = of("CC0-1.0");
        terms.merge(&of("CC-BY-4.0"));
        terms.merge(&of("CC0-1.0"));
        assert_eq!(terms.licence.as_deref(), Some("CC0-1.0"));
        assert_eq!(terms.otherwise, [Statement { field: Field::Licence, value: "CC-BY-4.0".into() }]);
    }

    #[test]
    fn a_work_that_may_be_several_stays_one_of_its_own() {
        let work = |title: Option<&str>| Work {
            right: Right::Composition,
            title: title.map(str::to_owned),
            ..Work::default()
        };
        let of = |works: &[Work]| Terms { works: works.to_vec(), ..Terms::default() };
        let mut terms = of(&[work(Some("Fifth")), work(Some("Aria"))]);
        let dated = Work { published: PartialDate::of_year(1808), ..work(None) };
        terms.merge(&of(std::slice::from_ref(&dated)));
        assert_eq!((terms.works.len(), &terms.works[2]), (3, &dated));
        terms.merge(&of(&[Work { title: Some("Fifth".into()), ..dated.clone() }]));
        assert_eq!((terms.works.len(), terms.works[0].published), (3, dated.published));
    }

    #[test]
    fn values_are_checked() {
        let mut terms = Terms::default();
        assert!(terms.set(Field::Retrieved, Some("yesterday")).is_err());
        terms.set(Field::Retrieved, Some("2026-11-30")).unwrap();
        terms.set(Field::Title, Some("  ")).unwrap();
        assert_eq!((terms.get(Field::Retrieved).as_deref(), terms.title), (Some("2026-11-30"), None));
    }
}
