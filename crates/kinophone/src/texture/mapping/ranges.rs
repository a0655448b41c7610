//! Numbers of mappings: those that are left out, and the ranges of the others.

use serde::de::{self, Deserialize, Deserializer};

/// Numbers that are usual where a mapping names none.
macro_rules! usual {
    ($($name:ident: $value:literal;)*) => {$(
        pub(super) fn $name() -> f32 {
            $value
        }
    )*};
}

usual! {
    one: 1.0;
    half: 0.5;
    left: -1.0;
    smooth: 150.0;
    apart: 80.0;
    ring: 600.0;
    soft: -34.0;
    loud: -14.0;
}

/// Readers of numbers in a range, with its unit.
macro_rules! ranges {
    ($($name:ident: $low:literal to $high:literal, $unit:literal;)*) => {$(
        pub(super) fn $name<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
            within(from, $low, $high, $unit)
        }
    )*};
}

ranges! {
    exponent: 0.05 to 20.0, "";
    smoothing: 0.0 to 60_000.0, " milliseconds";
    millis: 1.0 to 20_000.0, " milliseconds";
    fade: 1.0 to 30.0, " milliseconds";
    seconds: 0.0 to 600.0, " seconds";
    level: -90.0 to -3.0, " dB";
    grains: 0.0 to 100.0, " grains a second";
    share: 0.0 to 1.0, "";
    side: -1.0 to 1.0, "";
    semitones: -24.0 to 24.0, " semitones";
}

fn within<'de, D: Deserializer<'de>>(from: D, low: f32, high: f32, unit: &str) -> Result<f32, D::Error> {
    let value = f64::deserialize(from)?;
    if (f64::from(low)..=f64::from(high)).contains(&value) {
        Ok(value as f32)
    } else {
        Err(de::Error::custom(format!("{value} is not from {low} to {high}{unit}")))
    }
}

/// Reads a count of sources.
pub(super) fn count<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let value = u32::deserialize(from)?;
    if value <= 1000 { Ok(value) } else { Err(de::Error::custom(format!("{value} is not from 0 to 1000"))) }
}
