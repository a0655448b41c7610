//! Signal processing of Kinophone: time, windows, spectra, resampling, synthesis, loudness, measures.
//!
//! Pure functions and small machines: no file, no thread, no clock, no learning. Signals are `f32` in −1..1 unless a
//! function says otherwise.

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr))]
#![forbid(unsafe_code)]

pub mod concat;
pub mod frames;
pub mod granular;
pub mod level;
pub mod loudness;
pub mod mel;
pub mod mel_centers;
pub mod metrics;
pub mod neighbors;
pub mod onset;
pub mod overlap_add;
pub mod pitch;
pub mod resample;
pub mod spectral;
pub mod stft;
pub mod tick_rng;
pub mod units;
pub mod window;
