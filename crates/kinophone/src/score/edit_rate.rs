//! Rates and timecodes that film editors know.

use crate::media::FilmTimecode;
use kinophone_dsp::units::FrameRate;

/// Rates in which editors count, as fractions.
const RATES: [(u32, u32); 9] =
    [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (48, 1), (50, 1), (60_000, 1001), (60, 1)];
/// Shares by which rates may differ and be the same: containers round them, and 23.976 and 24 are a thousandth apart.
const TOLERANCE: f64 = 2e-4;
/// Pictures that are counted as one at most, and counts to one picture.
const MAX_FACTOR: u32 = 32;
const SECONDS_A_DAY: i64 = 24 * 3600;

/// A rate in which timecodes are counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct EditRate {
    rate: FrameRate,
    /// True if numbers are dropped, so that the count keeps to the clock.
    drop: bool,
}

impl EditRate {
    /// The rate for a film: its own where editors have that; every second, third … of its pictures, or several counts to one of
    /// them, where that is a rate; else the nearest one, as for films of variable rate.
    pub(crate) fn of(film: FrameRate, timecode: Option<&FilmTimecode>) -> Self {
        let film = film.as_f64();
        let factors = (1..=MAX_FACTOR).map(f64::from);
        let wanted = factors.clone().map(|n| film / n).chain(factors.map(|n| film * n));
        let rate = wanted.into_iter().find_map(known).unwrap_or_else(|| nearest(film.clamp(24.0, 60.0)));
        let drop = rate.den() == 1001
            && rate.num() != 24_000
            && timecode.is_some_and(|timecode| timecode.label.contains([';', '.']));
        Self { rate, drop }
    }

    pub(crate) fn rate(self) -> FrameRate {
        self.rate
    }

    /// True if it counts every picture of a film once.
    pub(crate) fn is_of(self, film: FrameRate) -> bool {
        self.counts_per_picture(film) == Some(1.0)
    }

    /// True if each of its counts is a whole number of a film's pictures, or the other way round.
    pub(crate) fn fits(self, film: FrameRate) -> bool {
        self.counts_per_picture(film).is_some()
    }

    pub(crate) fn drops(self) -> bool {
        self.drop
    }

    /// The count that is nearest to a time.
    pub(crate) fn count(self, seconds: f64) -> i64 {
        (seconds.max(0.0) * self.rate.as_f64()).round() as i64
    }

    /// The count at which a film begins; `None` where the timecode is none. `film` is the rate that it counts in where it says
    /// nothing else.
    pub(crate) fn count_of(self, timecode: &FilmTimecode, film: FrameRate) -> Option<i64> {
        let [hours, minutes, seconds, pictures] = parts(&timecode.label)?;
        let own = base(timecode.rate.unwrap_or(film));
        if hours >= 24 || minutes >= 60 || seconds >= 60 || pictures >= own {
            return None;
        }
        let whole = ((hours * 60 + minutes) * 60 + seconds) * base(self.rate);
        let minutes = hours * 60 + minutes;
        let dropped = if self.drop { self.dropped_a_minute() * (minutes - minutes / 10) } else { 0 };
        Some(whole + pictures * base(self.rate) / own - dropped)
    }

    /// Hours, minutes, seconds and pictures; after a day it begins anew.
    pub(crate) fn label(self, count: i64) -> String {
        let counts = base(self.rate);
        let mut count = count;
        if self.drop {
            let dropped = self.dropped_a_minute();
            // Nine minutes of ten have fewer numbers.
            let (minute, ten) = (60 * counts - dropped, 600 * counts - 9 * dropped);
            let (tens, rest) = (count.div_euclid(ten), count.rem_euclid(ten));
            count += dropped * 9 * tens + dropped * ((rest - dropped).max(0) / minute);
        }
        let (seconds, pictures) = ((count / counts) % SECONDS_A_DAY, count % counts);
        let mark = if self.drop { ';' } else { ':' };
        format!("{:02}:{:02}:{:02}{mark}{pictures:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }

    fn counts_per_picture(self, film: FrameRate) -> Option<f64> {
        let ratio = self.rate.as_f64() / film.as_f64();
        let whole = |x: f64| ((x.round() - x) / x).abs() < TOLERANCE && x.round() >= 1.0;
        match ratio {
            _ if whole(ratio) => Some(ratio.round()),
            _ if whole(1.0 / ratio) => Some(1.0 / (1.0 / ratio).round()),
            _ => None,
        }
    }

    fn dropped_a_minute(self) -> i64 {
        base(self.rate) / 15
    }
}

/// Pictures that a timecode counts in a second.
fn base(rate: FrameRate) -> i64 {
    i64::from(rate.num().div_ceil(rate.den()))
}

/// The rate that editors have, where a number is one.
fn known(rate: f64) -> Option<FrameRate> {
    let found = nearest(rate);
    ((found.as_f64() - rate).abs() < TOLERANCE * rate).then_some(found)
}

/// The rate that is the smallest interval away.
fn nearest(rate: f64) -> FrameRate {
    let far = |known: &FrameRate| (known.as_f64() / rate).ln().abs();
    let rates = RATES.iter().map(|(num, den)| FrameRate::new(*num, *den).expect("these are in range"));
    rates.min_by(|a, b| far(a).total_cmp(&far(b))).expect("there are some")
}

/// The four numbers of "01:00:00:00", "01:00:00;00" or "01:00:00.00".
fn parts(label: &str) -> Option<[i64; 4]> {
    let parts: Vec<i64> = label
        .split([':', ';', '.'])
        .map(|part| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok())?)
        .collect::<Option<_>>()?;
    parts.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(text: &str) -> FrameRate {
        text.parse().unwrap()
    }

    fn timecode(label: &str, rate: Option<&str>) -> FilmTimecode {
        FilmTimecode { label: label.to_owned(), rate: rate.map(self::rate) }
    }

    #[test]
    fn every_film_is_counted_in_a_rate_that_editors_have() {
        for (film, counted, fits) in [
            ("24000/1001", "24000/1001", true),
            ("24", "24", true),
            ("25", "25", true),
            ("29.97", "30000/1001", true),
            ("59.94", "60000/1001", true),
            ("100", "50", true),
            ("120", "60", true),
            ("120000/1001", "60000/1001", true),
            ("240", "60", true),
            ("12", "24", true),
            ("12.5", "25", true),
            ("15", "30", true),
            ("1", "24", true),
            // 1543 pictures in 60 seconds, at times of their own.
            ("1543/60", "25", false),
            ("18", "24", false),
            ("999", "60", false),
        ] {
            let counted_in = EditRate::of(rate(film), None);
            assert_eq!(counted_in.fits(rate(film)), fits, "{film}");
            assert_eq!(counted_in.rate(), rate(counted), "{film}");
        }
    }

    /// The values are those of SMPTE ST 12-1: two numbers are left out a minute, but in each tenth one.
    #[test]
    fn numbers_are_dropped_as_the_standard_says() {
        let ntsc = rate("30000/1001");
        let counted = EditRate::of(ntsc, Some(&timecode("00:00:00;00", None)));
        for (count, label) in [
            (1799, "00:00:59;29"),
            (1800, "00:01:00;02"),
            (17_981, "00:09:59;29"),
            (17_982, "00:10:00;00"),
            (107_892, "01:00:00;00"),
            (2_589_407, "23:59:59;29"),
        ] {
            assert_eq!(counted.label(count), label);
            assert_eq!(counted.count_of(&timecode(label, None), ntsc), Some(count));
        }
        assert_eq!(counted.label(2_589_408), "00:00:00;00");
    }

    #[test]
    fn a_film_begins_where_its_timecode_says() {
        let count = |film: &str, label: &str, own: Option<&str>| {
            let timecode = timecode(label, own);
            EditRate::of(rate(film), Some(&timecode)).count_of(&timecode, rate(film))
        };
        assert_eq!(count("25", "01:00:00:00", None), Some(90_000));
        assert_eq!(count("100", "00:00:01:50", None), Some(75));
        // A timecode of 30 a second for twice as many pictures.
        assert_eq!(count("60", "00:00:01:15", Some("30")), Some(90));
        for wrong in [
            "",
            "1:2:3",
            "01:00:00:25",
            "25:00:00:00",
            "-1:00:00:00",
            "aa:00:00:00",
            "0:0:0:99999999999999999999",
        ] {
            assert_eq!(count("25", wrong, None), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn labels_say_their_counts(count in 0i64..2_000_000, film in prop::sample::select(vec!["24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001", "60"]), drop in any::<bool>()) {
            let (film, label) = (rate(film), if drop { "00:00:00;00" } else { "00:00:00:00" });
            let counted = EditRate::of(film, Some(&timecode(label, None)));
            let label = counted.label(count);
            prop_assert_eq!(counted.count_of(&timecode(&label, None), film), Some(count), "{}", label);
        }
    }
}
