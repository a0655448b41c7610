//! Settings with their ranges.

/// A setting outside of its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{name} must lie between {low} and {high}, not at {value}")]
pub struct OutOfRange {
    /// Name of the setting, as it is written in files.
    pub name: &'static str,
    /// The value that was asked for.
    pub value: f64,
    /// Least allowed value.
    pub low: f64,
    /// Greatest allowed value.
    pub high: f64,
}

/// A number with its range, to be checked or clamped.
pub(crate) struct Setting(OutOfRange);

impl Setting {
    pub(crate) fn new(name: &'static str, value: f64, low: f64, high: f64) -> Self {
        Self(OutOfRange { name, value, low, high })
    }

    pub(crate) fn check(&self) -> Result<(), OutOfRange> {
        if (self.0.low..=self.0.high).contains(&self.0.value) { Ok(()) } else { Err(self.0.clone()) }
    }

    /// The nearest allowed value; the least one for NaN.
    pub(crate) fn clamped(&self) -> f64 {
        if self.0.value.is_nan() { self.0.low } else { self.0.value.clamp(self.0.low, self.0.high) }
    }
}
