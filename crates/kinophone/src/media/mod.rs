//! Films in and out, through the ffmpeg program. The only module that starts it.
//!
//! **The clock.** Zero is where the file's own timeline begins: the earliest start among its streams, as
//! ffprobe's `format.start_time` says and as players show it. Pictures keep their own times on that clock,
//! exact to the microsecond; sound is padded or trimmed so that its sample 0 is time zero (see `track_stream`). Encoder delays
//! (AAC priming, the codec delay of Matroska, edit lists of MP4) are ffmpeg's to undo, and tests with flashes
//! and beeps check that it does.
//!
//! **Safety.** ffmpeg runs as a child with a watchdog, reads only regular files in formats that hold their
//! pictures and sound themselves, and never follows a playlist (see `input` and `process`).
//!
//! Versions 4.4 to 8 are supported. ffprobe is used where it is found; without it the same facts are read
//! from what ffmpeg itself prints.

mod arguments;
mod boxes;
mod complaints;
mod containers;
mod copy;
mod decode;
mod draw;
mod dump;
mod encode;
mod facts;
mod ffmpeg;
mod film;
mod input;
mod joined;
mod locate;
mod losses;
mod mpeg;
pub(crate) mod nut;
mod operations;
mod outcome;
mod picture_end;
mod probe;
mod process;
mod raw_probe;
mod requests;
pub(crate) mod room;
mod scrambled;
mod sound;
mod steady;
#[cfg(test)]
mod tests;
mod track_stream;
mod tracks;

pub(crate) use containers::{OwnTags, own_tags};
pub use decode::PictureStream;
pub use encode::Encoder;
pub use facts::{FilmFacts, FilmTimecode, PictureFacts, SoundFacts};
pub use ffmpeg::Ffmpeg;
pub use film::Film;
pub use operations::{fill_room, folder_for_film};
pub use requests::{Decode, DecodeSound, Decoded, DrawnFilm, Encode, Picture, SoundCodec};
pub use sound::SoundStream;
pub use tracks::AudioTracks;
