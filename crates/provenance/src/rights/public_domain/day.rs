//! Stretches of days in which something happened, or will.

use kinophone::ledger::PartialDate;

/// A stretch of days, both ends within it: what is known of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Days {
    /// The first day that it may be.
    pub(super) first: PartialDate,
    /// The last day that it may be.
    pub(super) last: PartialDate,
}

impl Days {
    /// Any day.
    pub(super) fn any() -> Self {
        Self { first: first_of_all(), last: last_of_all() }
    }

    /// Those that a date may be.
    pub(super) fn of(date: PartialDate) -> Self {
        Self { first: date.earliest(), last: date.latest() }
    }

    /// One day.
    pub(super) fn on(day: PartialDate) -> Self {
        Self { first: day, last: day }
    }

    /// Those that both have; those of `self` where they have none.
    pub(super) fn within(self, other: Self) -> Self {
        let both = Self { first: self.first.max(other.first), last: self.last.min(other.last) };
        if both.first <= both.last { both } else { self }
    }
}

/// Earlier than all.
pub(super) fn first_of_all() -> PartialDate {
    new_year(1)
}

/// Later than all: never, as far as is known.
pub(super) fn last_of_all() -> PartialDate {
    PartialDate::of_year(9999).expect("a year").latest()
}

/// The first of January, no later than the calendar goes.
pub(super) fn new_year(year: u32) -> PartialDate {
    let year = u16::try_from(year).unwrap_or(9999).clamp(1, 9999);
    PartialDate::day(year, 1, 1).expect("a day of that year")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_meet_or_stay() {
        let days = |a: u32, b: u32| Days { first: new_year(a), last: new_year(b) };
        assert_eq!(days(1900, 1950).within(days(1920, 1999)), days(1920, 1950));
        assert_eq!(days(1900, 1950).within(days(1960, 1999)), days(1900, 1950));
        assert_eq!(new_year(123_456), new_year(9999));
    }
}
