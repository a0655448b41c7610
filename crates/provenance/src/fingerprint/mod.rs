//! Fingerprints of sound and pictures, an index over those of many works, and what a film has of them.
//!
//! A work becomes a [`Fingerprint`], a small checked file ([`Fingerprint::of_film`]); many of them become an
//! [`Index`] ([`IndexBuilder`]). A film that is to be identified becomes a [`SoundQuery`] and a
//! [`PictureQuery`], for which [`Index::identify_sound`] and [`Index::identify_pictures`] name the works,
//! stretch by stretch ([`Match`]); what no work has they leave out.
//!
//! Sound is found again encoded anew, in noise, under other sound, at other speeds and tempos; pictures
//! scaled, encoded anew, with borders, brighter or darker, slightly cropped, under subtitles, mirrored, at
//! other rates and speeds.

mod file;
mod film;
mod index;
mod landmarks;
mod peaks;
mod picture;
mod picture_search;
mod sampler;
mod segments;
mod sound_search;
mod spectrum;
#[cfg(test)]
mod synthetic;
#[cfg(test)]
mod tests;

pub use file::{Fingerprint, SoundPrint};
pub use index::{Index, IndexBuilder, IndexedWork};
pub use landmarks::{HASHES, Landmark, LandmarkExtractor, SoundQuery, SoundQueryBuilder};
pub use picture::{Grey, PictureHash};
pub use picture_search::MIN_PICTURE_SCORE;
pub use sampler::{PICTURE_RATE, PictureExtractor, PictureQuery, PictureQueryBuilder};
pub use segments::Match;
pub use sound_search::MIN_SOUND_SCORE;
pub use spectrum::{HOP, SOUND_RATE};
