//! Time as types: sample rates, rational picture rates, positions on the film's clock, and the tick grid that
//! ties pictures to samples.
//!
//! Nothing here is a floating-point second. A sound position is an integer number of samples, a picture
//! position an integer number of microseconds ([`MediaTime`]), and a brain's tick a rational number per
//! second ([`FrameRate`]). Every conversion rounds once, from the exact rational value, so no error grows
//! with the length of a film.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Samples a second, for every channel. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct SampleRate(u32);

/// A rate of pictures or ticks as an exact fraction per second, in lowest terms: 30/1, 24000/1001.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FrameRate {
    num: u32,
    den: u32,
}

/// A position or a length on a film's clock, in microseconds. Zero is where the file's own timeline begins
/// (the earliest start among its streams), as a player shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaTime(pub i64);

/// The grid on which a brain works: tick `i` spans the time from `i / tick` to `(i + 1) / tick`, and the
/// samples from [`TickGrid::start_sample`]`(i)` up to, not including, `start_sample(i + 1)`.
///
/// Where the rate is no multiple of the tick (44 100 Hz at 29.97), spans differ by one sample and never
/// drift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TickGrid {
    /// Ticks a second.
    pub tick: FrameRate,
    /// Samples a second.
    pub rate: SampleRate,
}

/// A value that is no sample rate or frame rate.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UnitError {
    /// A sample rate of zero or beyond 768 kHz.
    #[error("{0} is no sample rate: it must lie between 1 and 768000 Hz")]
    SampleRate(u32),
    /// A frame rate that is not a positive fraction of at most 1000 a second.
    #[error(
        "'{0}' is no frame rate: write 30, 29.97, 23.976 or a fraction such as 30000/1001, above 0 and at most 1000"
    )]
    FrameRate(String),
}

impl SampleRate {
    /// A rate of 1 to 768 000 Hz.
    pub fn new(hz: u32) -> Result<Self, UnitError> {
        if (1..=768_000).contains(&hz) { Ok(Self(hz)) } else { Err(UnitError::SampleRate(hz)) }
    }

    /// Hertz.
    pub fn hz(self) -> u32 {
        self.0
    }

    /// The sample that sounds at `time` (rounded down; negative before zero).
    pub fn sample_at(self, time: MediaTime) -> i64 {
        floor_div(i128::from(time.0) * i128::from(self.0), 1_000_000)
    }

    /// The frame at this rate that lies nearest to frame `frame` at another one; halves are rounded up.
    pub fn frame_of(self, frame: i64, other: Self) -> i64 {
        let (to, from) = (i128::from(self.hz()), i128::from(other.hz()));
        (2 * i128::from(frame) * to + from).div_euclid(2 * from) as i64
    }

    /// The time at which `sample` begins (rounded to the nearest microsecond).
    pub fn time_of(self, sample: i64) -> MediaTime {
        MediaTime(floor_div(i128::from(sample) * 2_000_000 + i128::from(self.0), 2 * i128::from(self.0)))
    }
}

impl TryFrom<u32> for SampleRate {
    type Error = UnitError;
    fn try_from(hz: u32) -> Result<Self, UnitError> {
        Self::new(hz)
    }
}

impl From<SampleRate> for u32 {
    fn from(rate: SampleRate) -> u32 {
        rate.0
    }
}

impl fmt::Display for SampleRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Hz", self.0)
    }
}

impl FrameRate {
    /// `num / den` pictures a second, reduced; at most 1000 a second.
    pub fn new(num: u32, den: u32) -> Result<Self, UnitError> {
        if num == 0 || den == 0 || u64::from(num) > 1000 * u64::from(den) {
            return Err(UnitError::FrameRate(format!("{num}/{den}")));
        }
        let g = gcd(num, den);
        Ok(Self { num: num / g, den: den / g })
    }

    /// Numerator, pictures.
    pub fn num(self) -> u32 {
        self.num
    }

    /// Denominator, seconds.
    pub fn den(self) -> u32 {
        self.den
    }

    /// The rate as a float, for display and for analysis that is not timing.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// The time at which tick `i` begins, to the nearest microsecond.
    pub fn time_of(self, i: i64) -> MediaTime {
        let num = i128::from(self.num);
        MediaTime(floor_div(i128::from(i) * i128::from(self.den) * 2_000_000 + num, 2 * num))
    }

    /// The middle of tick `i`, to the nearest microsecond.
    pub fn middle_of(self, i: i64) -> MediaTime {
        let num = i128::from(self.num);
        MediaTime(floor_div((2 * i128::from(i) + 1) * i128::from(self.den) * 1_000_000 + num, 2 * num))
    }

    /// Number of whole ticks that fit in `length`, rounded to the nearest tick, at least 0.
    pub fn ticks_in(self, length: MediaTime) -> u64 {
        let exact = i128::from(length.0.max(0)) * i128::from(self.num);
        let unit = i128::from(self.den) * 1_000_000;
        floor_div(2 * exact + unit, 2 * unit).max(0) as u64
    }
}

impl std::str::FromStr for FrameRate {
    type Err = UnitError;

    /// Parses "30", "30000/1001" and the customary decimals: 23.976, 29.97, 59.94 (and 23.98, 47.952, 119.88)
    /// mean the exact fractions over 1001; any other decimal is taken as written.
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let bad = || UnitError::FrameRate(text.to_owned());
        if let Some((num, den)) = text.split_once('/') {
            return Self::new(num.trim().parse().map_err(|_| bad())?, den.trim().parse().map_err(|_| bad())?)
                .map_err(|_| bad());
        }
        let value: f64 = text.trim().parse().map_err(|_| bad())?;
        if !(value.is_finite() && value > 0.0 && value <= 1000.0) {
            return Err(bad());
        }
        for whole in [24u32, 30, 48, 60, 120] {
            let ntsc = f64::from(whole) * 1000.0 / 1001.0;
            if value.fract() != 0.0 && (value - ntsc).abs() < 0.006 {
                return Self::new(whole * 1000, 1001);
            }
        }
        Self::new((value * 1000.0).round() as u32, 1000).map_err(|_| bad())
    }
}

impl TryFrom<String> for FrameRate {
    type Error = UnitError;
    fn try_from(text: String) -> Result<Self, UnitError> {
        text.parse()
    }
}

impl From<FrameRate> for String {
    fn from(rate: FrameRate) -> String {
        format!("{}/{}", rate.num, rate.den)
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.den == 1 {
            write!(f, "{}", self.num)
        } else if self.den == 1001 {
            write!(f, "{:.3}", self.as_f64())
        } else {
            write!(f, "{}/{}", self.num, self.den)
        }
    }
}

impl MediaTime {
    /// Zero, where the file's timeline begins.
    pub const ZERO: Self = Self(0);

    /// From whole seconds.
    pub fn from_secs(secs: i64) -> Self {
        Self(secs * 1_000_000)
    }

    /// Seconds as a float, for display only.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl std::ops::Add for MediaTime {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::Sub for MediaTime {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

/// As hours, minutes, seconds and milliseconds: `0:09:56.458`.
impl fmt::Display for MediaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = (self.0.abs() + 500) / 1000;
        let sign = if self.0 < 0 { "-" } else { "" };
        let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
        write!(f, "{sign}{hours}:{minutes:02}:{:02}.{:03}", millis / 1000 % 60, millis % 1000)
    }
}

impl TickGrid {
    /// First sample of tick `i`: `floor(i * rate / tick)`. May be negative for negative `i`.
    pub fn start_sample(self, i: i64) -> i64 {
        let (num, den) = (i128::from(self.tick.num), i128::from(self.tick.den));
        floor_div(i128::from(i) * i128::from(self.rate.0) * den, num)
    }

    /// The longest span of a tick in samples, `ceil(rate / tick)`: 735 for 22 050 Hz at 30 ticks a second. A
    /// network predicts so many samples for one tick; where spans differ, the last sample of some goes
    /// unused.
    pub fn block_len(self) -> usize {
        let exact = u64::from(self.rate.0) * u64::from(self.tick.den);
        exact.div_ceil(u64::from(self.tick.num)) as usize
    }

    /// Number of samples that tick `i` spans: [`TickGrid::block_len`] or one less.
    pub fn span(self, i: i64) -> usize {
        (self.start_sample(i + 1) - self.start_sample(i)) as usize
    }
}

fn floor_div(a: i128, b: i128) -> i64 {
    a.div_euclid(b) as i64
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn grid(tick: &str, rate: u32) -> TickGrid {
        TickGrid { tick: tick.parse().unwrap(), rate: SampleRate::new(rate).unwrap() }
    }

    #[test]
    fn the_historic_block_is_735_samples() {
        let g = grid("30", 22_050);
        assert_eq!((g.block_len(), g.start_sample(1), g.start_sample(1_000_000)), (735, 735, 735_000_000));
    }

    #[test]
    fn customary_decimals_are_exact_fractions() {
        for (text, num, den) in [
            ("29.97", 30_000, 1001),
            ("23.976", 24_000, 1001),
            ("23.98", 24_000, 1001),
            ("59.94", 60_000, 1001),
            ("12.5", 25, 2),
        ] {
            let rate: FrameRate = text.parse().unwrap();
            assert_eq!((rate.num(), rate.den()), (num, den), "{text}");
        }
        for text in ["0", "-1", "nan", "1/0", "5000", "", "x", "1e9", "0.0001"] {
            assert!(text.parse::<FrameRate>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_hour_at_ntsc_rate_does_not_drift() {
        let g = grid("30000/1001", 44_100);
        // 30 000 ticks take exactly 1001 s.
        assert_eq!(g.start_sample(30_000), 1001 * 44_100);
        assert_eq!(g.tick.time_of(30_000), MediaTime::from_secs(1001));
        assert_eq!(g.tick.ticks_in(MediaTime::from_secs(1001)), 30_000);
    }

    proptest! {
        #[test]
        fn spans_tile_the_samples(num in 1u32..120_000, den in prop::sample::select(vec![1u32, 1000, 1001]), rate in 8000u32..96_000, i in -10_000i64..10_000_000) {
            prop_assume!(num >= den && num <= 1000 * den);
            let g = TickGrid { tick: FrameRate::new(num, den).unwrap(), rate: SampleRate::new(rate).unwrap() };
            let span = g.span(i);
            prop_assert!(span == g.block_len() || span + 1 == g.block_len());
            let exact = i as f64 * f64::from(rate) / g.tick.as_f64();
            prop_assert!((g.start_sample(i) as f64 - exact).abs() <= 1.0 + exact.abs() * 1e-12);
        }

        #[test]
        fn samples_and_times_agree(rate in 8000u32..192_000, sample in 0i64..1_000_000_000) {
            let rate = SampleRate::new(rate).unwrap();
            let there = rate.time_of(sample);
            prop_assert!((rate.sample_at(there) - sample).abs() <= 1);
        }
    }
}
