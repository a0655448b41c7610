//! Facts that a rule asks for and a ledger lacks.

use kinophone::wording::is_obeyed;
use std::fmt;

/// A fact that is missing; its text says what to add to the ledger's entry of the work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Fact {
    /// [`kinophone::ledger::Work::published`] or `unpublished`.
    Published,
    /// [`kinophone::ledger::Work::made`].
    Made,
    /// [`kinophone::ledger::Work::country`].
    Country,
    /// [`kinophone::ledger::Work::creators`], all of them, with `creators_complete`.
    Creators,
    /// [`kinophone::ledger::Creator::died`] of the person with this name.
    Death(String),
    /// [`kinophone::ledger::Creator::nationality`] of the person with this name.
    Nationality(String),
    /// [`kinophone::ledger::Work::renewed`].
    Renewed,
    /// [`kinophone::ledger::Work::restored`].
    Restored,
    /// [`kinophone::ledger::Work::for_hire`].
    ForHire,
    /// [`kinophone::ledger::Work::dramatic`].
    Dramatic,
    /// No rule of the table tells; with the country asked about.
    Rule(String),
    /// A fact for which a ledger has no entry, in words.
    Other(String),
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Published => "when it was first published (published = \"1936-11-27\"), or that it never was (unpublished = true)",
            Self::Made => "when it was made (made = \"1936\")",
            Self::Country => "the country where it was first published (country = \"US\")",
            Self::Creators => "all of its creators, and that the list is whole (creators_complete = true)",
            Self::Death(name) => return write!(f, "when {} died (died = \"1948-02-11\"), or living = true", shown(name)),
            Self::Nationality(name) => return write!(f, "whose national {} was (nationality = \"DE\")", shown(name)),
            Self::Renewed => "whether its copyright was renewed in the United States in its 28th year (renewed = true or false)",
            Self::Restored => {
                "whether its copyright was restored in the United States on 1996-01-01, because it was still protected at home \
                 (restored = true or false)"
            }
            Self::ForHire => "whether it was made for hire (for_hire = true or false)",
            Self::Dramatic => "whether the film has a dramatic character (dramatic = true or false)",
            Self::Rule(country) => return write!(f, "a rule of {country} for such a work (add one to public-domain.toml)"),
            Self::Other(words) => words,
        })
    }
}

/// A name as it may be shown: what a reader would obey is a space.
fn shown(name: &str) -> String {
    name.chars().map(|c| if is_obeyed(c) { ' ' } else { c }).collect()
}
