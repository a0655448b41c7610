//! Parsers of option values that several commands share.
//!
//! Values are checked while the options are parsed, so that a wrong one is a usage error (exit code 2) before
//! any work begins. Names of files are paths and never text: they need not be Unicode.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use kinophone::model::Follow;
use kinophone::render::LoudnessMode;
use kinophone_dsp::units::SampleRate;
use serde::de::DeserializeOwned;

/// One of `names`, each of which is a variant of `T` as serde writes it.
pub fn one_of<T>(names: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).map(|name| {
        serde_json::from_value(serde_json::Value::String(name)).expect("every name listed is a variant's own")
    })
}

/// A finite number.
pub fn number(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(x) if x.is_finite() && x.abs() < f64::from(f32::MAX) => Ok(x),
        _ => Err("is not a number".into()),
    }
}

/// A finite number that passes `test`; the error is `expected`.
fn number_where(text: &str, test: impl Fn(f64) -> bool, expected: &str) -> Result<f64, String> {
    number(text).and_then(|x| if test(x) { Ok(x) } else { Err(expected.into()) })
}

/// A finite number above zero.
pub fn positive(text: &str) -> Result<f32, String> {
    number_where(text, |x| x > 0.0, "must be above 0").map(|x| x as f32)
}

/// A finite number, zero or above.
pub fn not_negative(text: &str) -> Result<f32, String> {
    number_where(text, |x| x >= 0.0, "must be 0 or above").map(|x| x as f32)
}

/// A number from 0 to 1.
pub fn share(text: &str) -> Result<f32, String> {
    number_where(text, |x| (0.0..=1.0).contains(&x), "must be from 0 to 1").map(|x| x as f32)
}

/// 'auto', or a number from 0 to 1.
pub fn follow(text: &str) -> Result<Follow, String> {
    match text {
        "auto" => Ok(Follow::Auto),
        _ => share(text).map(Follow::Share).map_err(|_| "must be auto, or from 0 to 1".into()),
    }
}

/// A number from 0 up to, but not including, 1.
pub fn fraction(text: &str) -> Result<f32, String> {
    number_where(text, |x| (0.0..1.0).contains(&x), "must be from 0 to below 1").map(|x| x as f32)
}

/// The most semitones by which sounds are tuned: 0 to 6, for the nearest octave is never further.
pub fn semitones(text: &str) -> Result<f32, String> {
    number_where(text, |x| (0.0..=6.0).contains(&x), "must be from 0 to 6").map(|x| x as f32)
}

/// A span of 0 to 300 seconds.
pub fn seconds(text: &str) -> Result<f32, String> {
    number(text)
        .ok()
        .filter(|x| (0.0..=300.0).contains(x))
        .map(|x| x as f32)
        .ok_or_else(|| "write a number from 0 to 300".into())
}

/// A gain from -80 to 20 dB: beyond that it is a mistake.
pub fn decibels(text: &str) -> Result<f64, String> {
    number(text)
        .ok()
        .filter(|db| (-80.0..=20.0).contains(db))
        .ok_or_else(|| "write a number from -80 to 20".into())
}

/// A loudness in LUFS, or 'off'. Above −5 LUFS nothing keeps its true peaks; below −70 LUFS the measure's own
/// gate closes.
pub fn loudness(text: &str) -> Result<LoudnessMode, String> {
    if text.eq_ignore_ascii_case("off") {
        return Ok(LoudnessMode::AsSaid);
    }
    match number(text) {
        Ok(lufs) if (-70.0..=-5.0).contains(&lufs) => Ok(LoudnessMode::Lufs(lufs)),
        _ => Err("write 'off' or a number from -70 to -5".into()),
    }
}

/// A sample rate in whole Hz.
pub fn sample_rate(text: &str) -> Result<SampleRate, String> {
    let hz = text.trim().parse().map_err(|_| "is not a whole number of Hz".to_owned())?;
    SampleRate::new(hz).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_finite_and_in_range() {
        for bad in ["nan", "inf", "-inf", "1e400", "", "x"] {
            assert!(number(bad).is_err(), "{bad}");
        }
        assert!(positive("0").is_err() && not_negative("-0.1").is_err());
        assert!(fraction("1").is_err() && fraction("0.999").is_ok());
        assert!(seconds("-1").is_err() && seconds("301").is_err() && seconds("2.5") == Ok(2.5));
        assert!(semitones("6.1").is_err() && semitones("6") == Ok(6.0));
    }

    #[test]
    fn levels_have_sensible_ranges() {
        assert!(loudness("-4").is_err() && loudness("loud").is_err() && loudness("nan").is_err());
        assert_eq!(loudness("OFF"), Ok(LoudnessMode::AsSaid));
        assert!(decibels("21").is_err() && decibels("-12.5").is_ok());
    }
}
