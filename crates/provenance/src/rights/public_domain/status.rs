//! Answers about one work in one country on one day.

use super::fact::Fact;
use kinophone::ledger::PartialDate;
use std::fmt;

/// Whether a work is free in a country on a day, by the rules of the table. A hint, never advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Free.
    PublicDomain {
        /// The first free day; where the facts leave several, the last of them.
        since: PartialDate,
        /// The rule.
        law: Law,
    },
    /// Protected.
    Protected {
        /// The first free day; where the facts leave several, the first of them.
        until: PartialDate,
        /// True where the facts leave one day.
        exactly: bool,
        /// The rule.
        law: Law,
    },
    /// The ledger does not tell.
    Unknown {
        /// Facts that would, or that may.
        missing: Vec<Fact>,
        /// The first free day at the earliest, as far as anything is known of it, and the rule that gives it.
        from: Option<(PartialDate, Law)>,
        /// The first free day at the latest, likewise.
        to: Option<(PartialDate, Law)>,
    },
}

/// A rule of law, as the table cites it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Law {
    /// What it says, in plain words of ours.
    pub says: String,
    /// Statute and section.
    pub citation: String,
    /// The address of a page about it.
    pub source: String,
    /// True where somebody compared the rule with such a page.
    pub verified: bool,
    /// What an answer "protected" takes for granted, because no ledger has it.
    pub assuming: Option<String>,
    /// A rare exception that no ledger tells of.
    pub unless: Option<String>,
}

impl Status {
    /// True where the work is free.
    pub fn is_free(&self) -> bool {
        matches!(self, Self::PublicDomain { .. })
    }

    /// The rule that decides, where one does.
    pub fn law(&self) -> Option<&Law> {
        match self {
            Self::PublicDomain { law, .. } | Self::Protected { law, .. } => Some(law),
            Self::Unknown { .. } => None,
        }
    }
}

impl Law {
    /// This rule, where what it says depends on another.
    pub(super) fn referring_to(&self, other: &Self) -> Self {
        Self {
            says: format!("{}; there {}", self.says, other.says),
            citation: format!("{}; {}", self.citation, other.citation),
            source: format!("{} and {}", self.source, other.source),
            verified: self.verified && other.verified,
            assuming: other.assuming.clone(),
            unless: other.unless.clone(),
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.says, self.citation, self.source)?;
        if !self.verified {
            f.write_str(" (from memory, not checked)")?;
        }
        if let Some(unless) = &self.unless {
            write!(f, ", unless {unless}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PublicDomain { since, law } => write!(f, "public domain since {since}: {law}"),
            Self::Protected { until, exactly, law } => {
                let least = if *exactly { "" } else { " at least" };
                write!(f, "protected{least} until {until}: {law}")?;
                law.assuming.as_ref().map_or(Ok(()), |what| write!(f, ", assuming that {what}"))
            }
            Self::Unknown { missing, from, to } => {
                f.write_str("unknown")?;
                for (bound, which) in [(from, "earliest"), (to, "latest")] {
                    if let Some((day, law)) = bound {
                        write!(f, ", free on {day} at the {which} ({})", law.citation)?;
                    }
                }
                f.write_str("; missing: ")?;
                let missing: Vec<_> = missing.iter().map(Fact::to_string).collect();
                f.write_str(&missing.join("; "))
            }
        }
    }
}
