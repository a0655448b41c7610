//! Visual measures of a film's pictures: brightness, motion, colour temperature; its shots, and onsets of
//! visual events.
//!
//! Nothing is trained here. A film is decoded once, at 64 × 64 pixels in colour; what is stored are some
//! forty bytes per picture, and the shots.

mod cuts;
mod film;
pub(crate) mod motion;
pub(crate) mod onsets;
mod stream;
#[cfg(test)]
mod tests;

pub use film::{FrameState, SIDE, Shot, VisualMeasures};
pub use onsets::{VisualEvent, VisualOnsets};
pub(crate) use stream::VisualStream;
pub use stream::watch;
