//! Facts of a work as the rules ask for them: days that may be, creators, and answers that may be missing.

use super::data::{Conditions, Rule, Window};
use super::day::{Days, first_of_all, last_of_all};
use super::fact::Fact;
use kinophone::ledger::{Creator, PartialDate, Role, Work};
use std::collections::BTreeSet;

/// A work with what follows from its dates. Copies are cheap.
#[derive(Clone, Copy)]
pub(super) struct Known<'w> {
    pub(super) work: &'w Work,
    /// The day that is asked about: whoever lives dies then at the earliest.
    today: PartialDate,
    /// `None` where it never was published.
    pub(super) published: Option<Days>,
    /// True where nobody knows whether it was published.
    pub(super) may_be_unpublished: bool,
    pub(super) made: Days,
    /// True where a rule's condition says that somebody died.
    pub(super) somebody_died: bool,
}

/// A death as far as it is known.
pub(super) struct Death {
    pub(super) day: Days,
    pub(super) missing: BTreeSet<Fact>,
    /// True where no such person is named, and there may be none.
    pub(super) names_nobody: bool,
}

/// An answer to a condition.
pub(super) enum Truth {
    Yes,
    No,
    /// These facts would tell.
    Unknown(BTreeSet<Fact>),
}

impl Truth {
    fn of(fact: Option<bool>, wanted: bool, missing: Fact) -> Self {
        match fact {
            Some(fact) if fact == wanted => Self::Yes,
            Some(_) => Self::No,
            None => Self::Unknown([missing].into()),
        }
    }

    /// Both; no is no, whatever the other.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, other) => other,
            (own, Self::Yes) => own,
            (Self::Unknown(a), Self::Unknown(b)) => Self::Unknown(a.into_iter().chain(b).collect()),
        }
    }

    pub(super) fn negated(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            unknown => unknown,
        }
    }
}

impl<'w> Known<'w> {
    /// What follows from a work's dates: nothing is published before it is made.
    pub(super) fn of(work: &'w Work, today: PartialDate) -> Self {
        let published = work.published.filter(|_| !work.unpublished).map(Days::of);
        let made = work.made.map(Days::of);
        let made_by = published.map_or(last_of_all(), |days| days.last);
        let published_from = made.map_or(first_of_all(), |days| days.first);
        Self {
            work,
            today,
            published: if work.unpublished {
                None
            } else {
                Some(published.unwrap_or(Days { first: published_from, last: last_of_all() }))
            },
            may_be_unpublished: !work.unpublished && published.is_none(),
            made: made.unwrap_or(Days { first: first_of_all(), last: made_by }),
            somebody_died: false,
        }
    }

    /// The same, where a rule's conditions do not hold.
    pub(super) fn where_fails(self, when: &Conditions) -> Self {
        Self { may_be_unpublished: self.may_be_unpublished && !when.only_unpublished(), ..self }
    }

    /// The same, where a condition holds.
    pub(super) fn where_holds(self, when: &Conditions) -> Self {
        let days = |window: &Option<Window>| window.as_ref().map_or(Days::any(), Window::days);
        let published = self.published.map(|known| known.within(days(&when.published)));
        let made = self.made.within(days(&when.made));
        Self { published, made, somebody_died: when.died.is_some(), ..self }
    }

    /// Tells whether a rule's conditions hold.
    pub(super) fn satisfies(self, rule: &Rule) -> Truth {
        let (work, when) = (self.work, &rule.when);
        let stated = [
            (when.renewed, work.renewed, Fact::Renewed),
            (when.restored, work.restored, Fact::Restored),
            (when.for_hire, work.for_hire, Fact::ForHire),
            (when.dramatic, work.dramatic, Fact::Dramatic),
            (when.unpublished, self.is_unpublished(), Fact::Published),
            // Unknown counts as published with notice: a work is free for want of one only where somebody looked.
            (when.notice, Some(work.notice != Some(false)), Fact::Published),
        ];
        let stated =
            stated.into_iter().filter_map(|(wanted, fact, missing)| Some(Truth::of(fact, wanted?, missing)));
        let placed = [
            when.published.as_ref().map(|window| self.is_published_in(window)),
            when.made.as_ref().map(|window| within(window, self.made, Fact::Made)),
            when.died.as_ref().map(|window| self.died_in(window, rule.term.parts())),
            (!when.origin.is_empty()).then(|| self.is_from(&when.origin)),
            (!when.origin_not.is_empty()).then(|| self.is_from(&when.origin_not).negated()),
        ];
        stated.chain(placed.into_iter().flatten()).fold(Truth::Yes, Truth::and)
    }

    /// Tells whether it was first published in one of these countries.
    pub(super) fn is_from(self, countries: &[String]) -> Truth {
        let known = self.work.country.as_ref().map(|country| countries.contains(country));
        Truth::of(known, true, Fact::Country)
    }

    /// Tells whether one of its creators is a national of one of these countries.
    pub(super) fn is_by_national_of(self, countries: &[String]) -> Truth {
        let is = |creator: &Creator| creator.nationality.as_ref().map(|country| countries.contains(country));
        if self.work.creators.iter().any(|creator| is(creator) == Some(true)) {
            return Truth::Yes;
        }
        let unknown = self.work.creators.iter().filter(|creator| is(creator).is_none());
        let mut missing: BTreeSet<_> =
            unknown.map(|creator| Fact::Nationality(creator.name.clone())).collect();
        if !self.work.creators_complete {
            missing.insert(Fact::Creators);
        }
        if missing.is_empty() { Truth::No } else { Truth::Unknown(missing) }
    }

    /// The last death among creators with one of these parts, all where none is named. `None` where the list of creators is whole
    /// and nobody has such a part.
    pub(super) fn last_death(self, parts: &[Role]) -> Option<Death> {
        let whole = self.work.creators_complete;
        let has_part = |creator: &&Creator| parts.is_empty() || parts.contains(&creator.role);
        let creators: Vec<_> = self.work.creators.iter().filter(has_part).collect();
        if creators.is_empty() && whole {
            return None;
        }
        let deaths = || creators.iter().map(|creator| self.death(creator));
        let first = deaths().map(|days| days.first).max().unwrap_or(first_of_all());
        let last = deaths().map(|days| days.last).max().filter(|_| whole).unwrap_or(last_of_all());
        let unknown = creators.iter().filter(|creator| creator.died.is_none() && !creator.living);
        let named = unknown.map(|creator| Fact::Death(creator.name.clone()));
        let missing = named.chain((!whole).then_some(Fact::Creators)).collect();
        Some(Death { day: Days { first, last }, missing, names_nobody: creators.is_empty() })
    }

    fn death(self, creator: &Creator) -> Days {
        match creator.died {
            Some(date) => Days::of(date),
            None if creator.living => Days { first: self.today.earliest(), last: last_of_all() },
            None => Days::any(),
        }
    }

    /// `None` where it is unknown.
    fn is_unpublished(self) -> Option<bool> {
        (self.work.unpublished || self.work.published.is_some()).then_some(self.work.unpublished)
    }

    /// Something that never was published was published at no time.
    fn is_published_in(self, window: &Window) -> Truth {
        match self.published {
            Some(days) if self.work.published.is_some() => within(window, days, Fact::Published),
            // It may be unpublished: a window that has all days of the calendar is not certain.
            Some(days) => match within(window, days, Fact::Published) {
                Truth::No => Truth::No,
                _ => Truth::Unknown([Fact::Published].into()),
            },
            None => Truth::No,
        }
    }

    fn died_in(self, window: &Window, parts: &[Role]) -> Truth {
        let Some(death) = self.last_death(parts) else { return Truth::No };
        match within(window, death.day, Fact::Creators) {
            Truth::Unknown(_) if !death.missing.is_empty() => Truth::Unknown(death.missing),
            told => told,
        }
    }
}

/// Tells whether a day that lies within `days` lies within a window.
fn within(window: &Window, days: Days, missing: Fact) -> Truth {
    let window = window.days();
    if days.last < window.first || window.last < days.first {
        Truth::No
    } else if window.first <= days.first && days.last <= window.last {
        Truth::Yes
    } else {
        Truth::Unknown([missing].into())
    }
}
