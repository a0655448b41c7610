//! Etudes: short abstract films that Kinophone draws itself, each shape with its own sound, with the truth
//! about every event. The demo learns from them; the tests measure with them.
//!
//! They follow Oskar Fischinger and Norman McLaren, who drew sound and picture by one rule. White and tinted
//! shapes move on black:
//! - a **line**, a bar that sweeps up or down: a steady tone, the higher the bar, the higher the tone;
//! - a **disc**, which flashes up, shrinks and fades: a struck bar, low on the left and high on the right;
//! - **scratches**, thin vertical strokes for a few frames: a burst of noise, dark on the left and bright on the right;
//! - a **flash**, the whole picture white: a beep of 1 kHz, for measuring synchrony.
//!
//! **Within a frame the sound is a function of that frame's picture alone** (of shapes, positions and
//! brightness), the same function for every seed. That is what lets a network without memory learn one etude
//! and play another: tones are whole multiples of the frame rate, so that their phase starts anew with every
//! frame; what decays in the sound shrinks in the picture; noise is a fixed pattern. An event on frame `k`
//! begins at exactly the sample `floor(k × sound rate / frame rate)`, and where there is no event, every
//! pixel and every sample is zero.
//!
//! Pictures and sound are drawn from the list of events at any position, so their length costs no memory.

mod compose;
mod config;
mod draw;
mod event;
mod film;
mod score;
mod sound;
#[cfg(test)]
mod tests;

pub use config::{Composition, EtudeConfig};
pub use event::{EtudeEvent, EtudeShape};
pub use film::Etude;
pub use score::{EtudeScore, score};
