//! Dates as far as they are known.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A date of the Gregorian calendar, as far as it is known: a year, a month of it, or a day. Written as ISO 8601 has it: `1925`,
/// `1925-12`, `1925-12-21`. Earlier dates are less; a year is less than its months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartialDate {
    year: u16,
    /// 0 where it is unknown.
    month: u8,
    /// 0 where it is unknown.
    day: u8,
}

impl PartialDate {
    /// A day; `None` where the calendar has no such day, or for years beyond 1 to 9999.
    pub fn day(year: u16, month: u8, day: u8) -> Option<Self> {
        let valid = (1..=9999).contains(&year) && (1..=days(year, month)).contains(&day);
        valid.then_some(Self { year, month, day })
    }

    /// A year, 1 to 9999.
    pub fn of_year(year: u16) -> Option<Self> {
        (1..=9999).contains(&year).then_some(Self { year, month: 0, day: 0 })
    }

    /// The year.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The first day that it may be.
    pub fn earliest(self) -> Self {
        Self { month: self.month.max(1), day: self.day.max(1), ..self }
    }

    /// The last day that it may be.
    pub fn latest(self) -> Self {
        let month = if self.month == 0 { 12 } else { self.month };
        let day = if self.day == 0 { days(self.year, month) } else { self.day };
        Self { month, day, ..self }
    }
}

/// Days of a month, 0 for a month that there is not.
fn days(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    }
}

impl fmt::Display for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        if self.month > 0 {
            write!(f, "-{:02}", self.month)?;
        }
        if self.day > 0 {
            write!(f, "-{:02}", self.day)?;
        }
        Ok(())
    }
}

impl FromStr for PartialDate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("'{text}' is no date: write 1925, 1925-12 or 1925-12-21");
        let number = |part: &str, digits: usize| {
            let plain = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| part.parse::<u16>().ok()).flatten()
        };
        let mut parts = text.trim().split('-');
        let year = parts.next().and_then(|part| number(part, 4));
        let (month, day) = (parts.next(), parts.next());
        let small = |part: &str| number(part, 2).map(|n| n as u8);
        let date = match (month, day) {
            (None, _) => year.and_then(Self::of_year),
            (Some(month), None) => {
                let first = Self::day(year.ok_or_else(bad)?, small(month).ok_or_else(bad)?, 1);
                first.map(|first| Self { day: 0, ..first })
            }
            (Some(month), Some(day)) => {
                Self::day(year.ok_or_else(bad)?, small(month).ok_or_else(bad)?, small(day).ok_or_else(bad)?)
            }
        };
        if parts.next().is_some() { Err(bad()) } else { date.ok_or_else(bad) }
    }
}

impl Serialize for PartialDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A year alone may be a number, as people write it in TOML.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Year(u16),
    Words(String),
}

impl<'de> Deserialize<'de> for PartialDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Year(year) => Self::of_year(year).ok_or_else(|| D::Error::custom("no year: 1 to 9999")),
            Written::Words(words) => words.parse().map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_they_are_written() {
        for text in ["1925", "1925-12", "1925-12-21", "2000-02-29", "0800-12-25"] {
            assert_eq!(text.parse::<PartialDate>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "25",
            "1925-13",
            "1925-00",
            "1925-02-29",
            "1900-02-29",
            "1925-1-1",
            "1925-12-21-3",
            "+925",
            "19 25",
            "0000",
        ] {
            assert!(bad.parse::<PartialDate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_unknown_of_a_date_bounds_it() {
        let date = |text: &str| text.parse::<PartialDate>().unwrap();
        for (known, first, last) in [
            ("1925", "1925-01-01", "1925-12-31"),
            ("1924-02", "1924-02-01", "1924-02-29"),
            ("1925-12-21", "1925-12-21", "1925-12-21"),
        ] {
            assert_eq!((date(known).earliest(), date(known).latest()), (date(first), date(last)));
        }
        assert!(date("1925") < date("1925-01") && date("1925-12-31") < date("1926"));
    }

    #[test]
    fn a_year_may_be_a_number() {
        let read = |json: &str| serde_json::from_str::<PartialDate>(json);
        assert_eq!(read("1925").unwrap(), read("\"1925\"").unwrap());
        assert!(read("0").is_err() && read("70000").is_err() && read("\"1925-99\"").is_err());
        assert_eq!(serde_json::to_string(&read("1925").unwrap()).unwrap(), "\"1925\"");
    }
}
