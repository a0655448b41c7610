//! Signal processing of Kinophone: time, windows, spectra, resampling, synthesis, loudness, measures.
//!
//! Pure functions and small machines: no file, no thread, no clock, no learning. Signals are `f32` in −1..1 unless a
//! function says otherwise.
#![forbid(unsafe_code)]

pub mod loudness;
pub mod measure;
pub mod nearest;
pub mod onset;
pub mod phase;
pub mod pitch;
pub mod resample;
pub mod say;
pub mod spectrum;
pub mod synth;
pub mod units;
pub mod window;
