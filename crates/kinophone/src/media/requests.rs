//! Requests to decode, encode and draw films, and what decoding returns.

use crate::media::facts::PictureFacts;
use crate::media::tracks::AudioTracks;
use kinophone_dsp::units::{FrameRate, MediaTime, SampleRate};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Request to decode pictures.
#[derive(Clone, Debug)]
pub struct Decode {
    /// Pictures are area-averaged and squashed to a square of this many pixels a side.
    pub size: u32,
    /// Three bytes a pixel (RGB) instead of one (grey, full range).
    pub colour: bool,
}

/// One decoded picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Time at which it appears, on the film's clock.
    pub time: MediaTime,
    /// `size × size` (grey) or `size × size × 3` (RGB) bytes, rows from the top.
    pub pixels: Vec<u8>,
}

/// Result of a decode.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// Number of pictures.
    pub pictures: u64,
    /// End of the last picture: its time plus its own duration (or the typical interval).
    pub end: MediaTime,
    /// Complaints of ffmpeg, shortened, and whatever was left out; a truncated file shows here and is not an error.
    pub complaints: Vec<String>,
}

/// Request to decode sound alone.
#[derive(Clone, Debug)]
pub struct DecodeSound {
    /// The sound tracks, which sound together.
    pub tracks: AudioTracks,
    /// Rate of the result.
    pub rate: SampleRate,
    /// 1 or 2.
    pub channels: u32,
}

/// A codec for the sound of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SoundCodec {
    /// AAC-LC, ffmpeg's own encoder, 96 kbit/s a channel.
    Aac,
    /// Opus (libopus), 64 kbit/s a channel.
    Opus,
    /// FLAC, lossless at 16 bits (24 where the container is .flac).
    Flac,
    /// 16-bit PCM.
    Pcm,
}

/// Request to encode a film or a sound.
#[derive(Clone, Debug)]
pub struct Encode {
    /// The file to write (normally a temporary path); its true extension is `extension`.
    pub output: PathBuf,
    /// Lower case, without the dot: decides the container.
    pub extension: String,
    /// Codec of the sound; must fit the container.
    pub codec: SoundCodec,
    /// Rate of the samples that will be written.
    pub rate: SampleRate,
    /// Channels of the samples that will be written, interleaved.
    pub channels: u32,
    /// File and picture stream to copy; `None` writes sound alone. The first sample sounds
    /// together with the first picture.
    pub picture: Option<(PathBuf, PictureFacts)>,
    /// Written as the file's tags: ("title", …), ("comment", …). A film whose picture is copied has its own tags kept, but for
    /// those of the same names; an empty text removes one.
    pub tags: Vec<(String, String)>,
    /// The text of the tag for credits, with room in it for `fill_room`.
    pub room: Option<String>,
}

/// Writes a film out of raw pictures and samples that we made ourselves (etudes).
pub struct DrawnFilm {
    /// The file to write; the extension decides the container and codecs: mp4, m4v, mov, mkv, webm, avi.
    pub output: PathBuf,
    /// Width and height of the pictures, even numbers.
    pub width: u32,
    /// See `width`.
    pub height: u32,
    /// Exact constant rate.
    pub rate: FrameRate,
    /// Rate of the sound.
    pub sound_rate: SampleRate,
}
