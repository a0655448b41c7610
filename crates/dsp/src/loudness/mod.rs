//! Loudness (EBU R 128) and the limiter that keeps true peaks under a ceiling.

mod limiter;
mod meter;

pub use limiter::Limiter;
pub use meter::Meter;

/// Amplitude of a level in dB: 10^(db / 20).
pub fn amplitude(db: f64) -> f64 {
    10f64.powf(db / 20.0)
}

/// Level of an amplitude in dB: 20 log10(amplitude); −∞ for 0.
pub fn decibels(amplitude: f64) -> f64 {
    20.0 * amplitude.log10()
}

/// Sound that can be neither measured nor limited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("loudness is measured on 1 or 2 channels at 1000 Hz or more, not on {channels} at {hz} Hz")]
pub struct UnsupportedSound {
    channels: usize,
    hz: u32,
}

fn check(rate: crate::units::SampleRate, channels: usize) -> Result<(), UnsupportedSound> {
    let fits = (1..=2).contains(&channels) && rate.hz() >= 1000;
    if fits { Ok(()) } else { Err(UnsupportedSound { channels, hz: rate.hz() }) }
}
