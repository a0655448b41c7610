//! The end of protection: the first free day, as far as the facts tell.

use super::data::{EarlierOf, Event, Former, LaterOf, Length, Term, Until, Years};
use super::day::{Days, first_of_all, last_of_all, new_year};
use super::fact::Fact;
use super::known::{Death, Known};
use super::status::Law;
use kinophone::ledger::PartialDate;
use std::collections::BTreeSet;

/// The first free day lies between two days, which may come from different rules. More facts bring them closer, never apart: so
/// what is certain with few facts stays certain with more.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub(super) first: Bound,
    pub(super) last: Bound,
    /// What would tell more. Empty where both bounds are the same.
    pub(super) missing: BTreeSet<Fact>,
}

/// A bound, and the rule that it comes from.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    pub(super) day: PartialDate,
    pub(super) law: Option<Law>,
}

impl End {
    fn new(days: Days, missing: BTreeSet<Fact>) -> Self {
        let bound = |day| Bound { day, law: None };
        Self { first: bound(days.first), last: bound(days.last), missing }.settled()
    }

    /// Any day, for want of a fact.
    pub(super) fn unknown(missing: Fact) -> Self {
        Self::new(Days::any(), [missing].into())
    }

    /// What a term gives for a work.
    pub(super) fn of(term: &Term, known: Known) -> Self {
        let each = |terms: &[Term]| terms.iter().map(|term| Self::of(term, known)).collect::<Vec<_>>();
        match term {
            Term::Until(Until { until }) => Self::new(Days::on(until.earliest()), BTreeSet::new()),
            Term::Later(LaterOf { later_of }) => Self::join(each(later_of), Self::later),
            Term::Earlier(EarlierOf { earlier_of }) => Self::join(each(earlier_of), Self::earlier),
            Term::Years(years) => Self::of_years(years, known),
        }
    }

    fn of_years(term: &Years, known: Known) -> Self {
        match term.after {
            Event::Making => Self::of_event(term, known.made, [Fact::Made].into()),
            Event::Publication => Self::of_publication(term, known),
            Event::Death => match known.last_death(&term.of) {
                // Nobody may have that part.
                Some(Death { day, missing, names_nobody: true }) if !known.somebody_died => {
                    let anonymous = Self::of_anonymous(term, known);
                    Self::of_event(term, day, missing).either(anonymous, [Fact::Creators].into())
                }
                Some(Death { day, missing, .. }) => Self::of_event(term, day, missing),
                None => Self::of_anonymous(term, known),
            },
        }
    }

    fn of_publication(term: &Years, known: Known) -> Self {
        let never = || Self::unknown(Fact::Other("a rule for works that never were published".into()));
        let Some(days) = known.published else { return never() };
        let published = Self::of_event(term, days, [Fact::Published].into());
        if known.may_be_unpublished { published.either(never(), [Fact::Published].into()) } else { published }
    }

    fn of_event(term: &Years, event: Days, mut missing: BTreeSet<Fact>) -> Self {
        // Terms run from years: more of a date would tell nothing.
        if event.first.year() == event.last.year() {
            missing.clear();
        }
        missing.extend(term.depends.clone().map(Fact::Other));
        let floor = term.no_earlier.map_or(first_of_all(), PartialDate::earliest);
        let days = Days {
            first: free_after(event.first, term, |length| length.bounds()[0]).max(floor),
            last: free_after(event.last, term, |length| length.bounds()[1]).max(floor),
        };
        Self::new(days, missing)
    }

    fn of_anonymous(term: &Years, known: Known) -> Self {
        let nobody = || Self::unknown(Fact::Other("a rule for works without such creators".into()));
        term.anonymous.as_ref().map_or_else(nobody, |term| Self::of(term, known))
    }

    /// Names the rule that both bounds come from.
    pub(super) fn by(mut self, law: &Law) -> Self {
        self.first.law = Some(law.clone());
        self.last.law = Some(law.clone());
        self
    }

    /// Names the rule that refers to the one that both bounds come from.
    pub(super) fn by_way_of(mut self, law: &Law) -> Self {
        for bound in [&mut self.first, &mut self.last] {
            bound.law = Some(bound.law.as_ref().map_or(law.clone(), |other| law.referring_to(other)));
        }
        self
    }

    /// Either of two ends; `missing` would tell which.
    pub(super) fn either(self, other: Self, missing: BTreeSet<Fact>) -> Self {
        let missing = if self.days() == other.days() { BTreeSet::new() } else { missing };
        let first = if self.first.day < other.first.day { self.first } else { other.first };
        let last = if self.last.day > other.last.day { self.last } else { other.last };
        Self { first, last, missing: other.missing }.with(self.missing).with(missing).settled()
    }

    /// The later of two ends.
    pub(super) fn later(self, other: Self) -> Self {
        let first = if self.first.day >= other.first.day { self.first } else { other.first };
        let last = if self.last.day >= other.last.day { self.last } else { other.last };
        Self { first, last, missing: self.missing }.with(other.missing).settled()
    }

    /// The earlier of two ends.
    pub(super) fn earlier(self, other: Self) -> Self {
        let [own_first, other_first] = [self.first.day, other.first.day];
        let first = if own_first <= other_first { self.first } else { other.first };
        let last = if self.last.day <= other.last.day { self.last } else { other.last };
        // What has no say in the result is not asked for.
        let missing = if other_first >= last.day {
            self.missing
        } else if own_first >= last.day {
            other.missing
        } else {
            self.missing.into_iter().chain(other.missing).collect()
        };
        Self { first, last, missing }.settled()
    }

    /// True where both bounds are one day.
    pub(super) fn is_exact(&self) -> bool {
        self.first.day == self.last.day
    }

    pub(super) fn days(&self) -> [PartialDate; 2] {
        [self.first.day, self.last.day]
    }

    fn with(mut self, missing: BTreeSet<Fact>) -> Self {
        self.missing.extend(missing);
        self
    }

    fn settled(mut self) -> Self {
        if self.is_exact() {
            self.missing.clear();
        }
        self
    }

    fn join(ends: Vec<Self>, both: impl Fn(Self, Self) -> Self) -> Self {
        let nothing = || Self::unknown(Fact::Other("a term".into()));
        ends.into_iter().reduce(both).unwrap_or_else(nothing)
    }
}

/// The first free day after something that happened on a day: protection ends with a year.
fn free_after(day: PartialDate, term: &Years, years: impl Fn(Length) -> u8) -> PartialDate {
    if [first_of_all(), last_of_all()].contains(&day) {
        return day;
    }
    let after = |length: Length| new_year(u32::from(day.year()) + u32::from(years(length)) + 1);
    let ended = |former: &&Former| after(former.years) <= former.ended_by.earliest();
    after(term.was.iter().find(ended).map_or(term.years, |former| former.years))
}
