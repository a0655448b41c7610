//! Signal processing of Kinophone: time, windows, spectra, resampling, synthesis, loudness, metrics.
//!
//! Pure functions and small state machines: no file, no thread, no clock, no learning, no `unsafe`. Signals
//! are `f32` in −1..1 unless a function's documentation states another range. [`units`] has the integer time
//! that ties pictures to samples.
//!
//! | to | see |
//! |---|---|
//! | analyse sound | [`stft`], [`mel`], [`onset`], [`pitch`], [`loudness::Meter`], [`metrics`] |
//! | find similar sounds | [`neighbors`], [`concat::UnitSelector`] |
//! | play recorded sound | [`concat::Mosaic`], [`granular::Cloud`], [`concat::ClipPlayer`] |
//! | play predicted spectra or blocks | [`spectral`], [`frames`] |
//! | finish a signal | [`resample`], [`loudness::Limiter`] |
#![forbid(unsafe_code)]

pub mod concat;
pub mod frames;
pub mod granular;
mod level;
pub mod loudness;
pub mod mel;
mod mel_centers;
pub mod metrics;
pub mod neighbors;
pub mod onset;
mod overlap_add;
pub mod pitch;
pub mod resample;
mod setting;
pub mod spectral;
pub mod stft;
mod tick_rng;
pub mod units;
pub mod window;
