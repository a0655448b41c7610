//! Films in and out, through the ffmpeg program. The only module that starts it.
//!
//! **The clock.** Zero is where the file's own timeline begins: the earliest start among its streams, as ffprobe's
//! `format.start_time` says and as players show it. Pictures keep their own times on that clock, exact to the
//! microsecond; sound is padded or trimmed so that its sample 0 is time zero. Encoder delays (AAC priming, the codec
//! delay of Matroska, edit lists of MP4) are ffmpeg's to undo, and tests with flashes and beeps check that it does.
//!
//! **Safety.** ffmpeg runs as a child with a watchdog, reads only regular files in formats that hold their pictures and
//! sound themselves, and never follows a playlist (see `input` and `process`).
//!
//! Versions 4.4 to 8 are supported. ffprobe is used where it is found; without it the same facts are read from what
//! ffmpeg itself prints.

mod containers;
mod copy;
mod decode;
mod draw;
mod dump;
mod encode;
mod input;
mod locate;
mod nut;
mod probe;
mod process;
mod room;
mod sound;
#[cfg(test)]
mod tests;

pub use decode::PictureStream;
pub use sound::SoundStream;

use crate::Result;
use crate::media::encode::Encoder;
use crate::task::Task;
use kinophone_dsp::units::{FrameRate, MediaTime, SampleRate};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A located, version-checked ffmpeg program and the limits under which it runs.
#[derive(Clone, Debug)]
pub struct Ffmpeg {
    program: PathBuf,
    version: String,
    /// Major and minor version.
    number: (u32, u32),
    ffprobe: Option<PathBuf>,
    stall: Duration,
    exact: bool,
}

impl Ffmpeg {
    /// Looks at `explicit` (from `--ffmpeg`), then the environment's `KINOPHONE_FFMPEG`, then the PATH. Runs it once
    /// with `-version`; older than 4.4 is an error of `Kind::Tool`, as is absence (the advice says how to install it here).
    pub fn locate(explicit: Option<&Path>) -> Result<Self> {
        locate::locate(explicit)
    }
    /// The program.
    pub fn program(&self) -> &Path {
        &self.program
    }
    /// Its version as it prints it: "5.1.9-0+deb12u1".
    pub fn version(&self) -> &str {
        &self.version
    }
    /// The ffprobe that is used with it.
    pub fn ffprobe(&self) -> Option<&Path> {
        self.ffprobe.as_deref()
    }
    /// Reads facts from what ffmpeg prints, as where there is no ffprobe.
    pub fn without_ffprobe(mut self) -> Self {
        self.ffprobe = None;
        self
    }
    /// Replaces the watchdog's limit (default 60 s): how long ffmpeg may deliver or take nothing before it is ended.
    pub fn with_stall_limit(mut self, limit: Duration) -> Self {
        self.stall = limit;
        self
    }
    /// Decodes with the codec's loop filter (default: without). The filter smooths block edges that an area average of
    /// 64×64 hardly sees, and takes a fifth of the time; but leaving it out lets errors gather between key frames.
    /// Measured on Big Buck Bunny (720p H.264) at 64×64: grey levels differ by 0.7 of 255 in the mean, in one frame of a
    /// hundred by 3.3 in the mean over the picture, and single pixels by up to 59.
    pub fn with_exact_pictures(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }
    /// Facts of a film or sound file, without decoding it whole. Fails with `Kind::NotFound`, `Kind::Empty` or
    /// `Kind::WrongKind` (a folder, a pipe, a text, a playlist, a single image, not a film at all).
    pub fn probe(&self, path: &Path) -> Result<FilmFacts> {
        Ok(probe::examine(self, path)?.facts)
    }
    /// All tags of a film or sound file, however long. Fails as [`Ffmpeg::probe`] does.
    pub fn tags(&self, path: &Path) -> Result<Vec<(String, String)>> {
        room::tags(self, path)
    }
    /// Decodes the pictures of `path` as a stream, and its sound, if asked, into a file beside them in the same pass.
    /// Fails as [`Ffmpeg::probe`] does, with `Kind::NoPicture` or `Kind::NoSound` where the film has none of what is
    /// asked for, and with `Kind::Invalid` for a size outside 1 to 4096.
    pub fn decode(&self, path: &Path, how: &Decode) -> Result<PictureStream> {
        decode::decode(self, path, how)
    }
    /// Decodes the sound of `path` alone as a stream of interleaved f32 on the film's clock (sample 0 = time 0). More
    /// channels than asked for are mixed down at a level that cannot clip.
    pub fn decode_sound(&self, path: &Path, how: &DecodeSound) -> Result<SoundStream> {
        sound::decode(self, path, how)
    }
    /// Decodes sound track `track` of `path` as the figures of [`kinophone_dsp::metrics`] want it: mono at
    /// [`measure::RATE`](kinophone_dsp::metrics::RATE) on the film's clock, mixed down as ffmpeg does where nobody asks for
    /// anything else, so that they can be set beside those of other programs.
    pub fn decode_for_measures(&self, path: &Path, track: usize) -> Result<SoundStream> {
        sound::decode_for_measures(self, path, track)
    }
    /// Writes a copy of the film's pictures alone, without sound, that browsers play: H.264, at most `width` pixels wide,
    /// every picture at its own time, in an .mp4 at `output` (normally a temporary path). Fails with `Kind::Tool` where
    /// this ffmpeg has no encoder for it.
    pub fn copy_for_browsers(&self, path: &Path, width: u32, output: &Path, task: Task<'_>) -> Result<()> {
        copy::for_browsers(self, path, width, output, task)
    }
    /// Starts writing `plan.output` (an ffmpeg process reading our samples from its stdin). Fails with `Kind::Invalid`
    /// where the picture's or the sound's codec does not fit the container.
    pub fn encode(&self, plan: &Encode) -> Result<Encoder> {
        encode::encode(self, plan)
    }
}

/// What is known of a film before it is decoded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FilmFacts {
    /// ffmpeg's names of the container: "mov,mp4,m4a,3gp,3g2,mj2".
    pub container: String,
    /// As the container claims; a stream without an index may not say.
    pub duration: Option<MediaTime>,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// The picture stream that Kinophone uses: the best one that is no cover image.
    pub picture: Option<PictureFacts>,
    /// All sound streams in the file's order; `--audio-track N` counts these from 0.
    pub sounds: Vec<SoundFacts>,
    /// Title, artist, licence … as the file's own tags say.
    pub tags: Vec<(String, String)>,
}

/// A picture stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PictureFacts {
    /// Index among all streams of the file.
    pub stream: usize,
    /// ffmpeg's name: "h264".
    pub codec: String,
    /// Stored width in pixels.
    pub width: u32,
    /// Stored height in pixels.
    pub height: u32,
    /// ffmpeg's name: "yuv420p10le".
    pub pixel_format: String,
    /// Average rate as the container claims; pictures carry their own times, so this is for display and estimates.
    pub rate: Option<FrameRate>,
    /// Degrees by which a player turns the stored picture clockwise: 0, 90, 180 or 270 as a rule.
    pub rotation: i32,
    /// When its first picture that can be decoded appears on the film's clock (a recording may begin between key frames).
    pub start: MediaTime,
}

/// A sound stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SoundFacts {
    /// Index among all streams of the file.
    pub stream: usize,
    /// ffmpeg's name: "aac".
    pub codec: String,
    /// Samples a second.
    pub rate: SampleRate,
    /// Channels in the file, before any downmix.
    pub channels: u32,
    /// Where the stream begins on the film's clock.
    pub start: MediaTime,
    /// Language tag, where there is one.
    pub language: Option<String>,
}

/// How pictures are to be decoded.
#[derive(Clone, Debug)]
pub struct Decode {
    /// Pictures are area-averaged and squashed to a square of this many pixels a side.
    pub size: u32,
    /// Three bytes a pixel (RGB) instead of one (grey, full range).
    pub colour: bool,
    /// Decode this sound track (index into [`FilmFacts::sounds`]) into `file` as interleaved s16le, downmixed to at
    /// most stereo and resampled down to at most 48 kHz.
    pub sound: Option<SoundTo>,
}

/// Where the sound of a decode goes.
#[derive(Clone, Debug)]
pub struct SoundTo {
    /// Index into [`FilmFacts::sounds`].
    pub track: usize,
    /// An existing empty file that is overwritten. Sample 0 is time 0 of the film's clock.
    pub file: PathBuf,
}

/// One decoded picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// When it appears on the film's clock.
    pub time: MediaTime,
    /// `size × size` (grey) or `size × size × 3` (RGB) bytes, rows from the top.
    pub pixels: Vec<u8>,
}

/// What came of a decode.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// How many pictures came.
    pub pictures: u64,
    /// When the last picture ceases to be shown: its time plus its own duration (or the typical interval).
    pub end: MediaTime,
    /// Format of the sound file, if one was asked for: rate, channels (1 or 2), samples a channel.
    pub sound: Option<(SampleRate, u32, u64)>,
    /// What ffmpeg complained about, shortened; a truncated file shows here and is no error.
    pub complaints: Vec<String>,
}

/// How sound alone is to be decoded.
#[derive(Clone, Debug)]
pub struct DecodeSound {
    /// Index into [`FilmFacts::sounds`].
    pub track: usize,
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

/// What to write.
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
    /// Where the picture stream to copy comes from, and which; `None` writes sound alone. The first sample sounds
    /// together with the first picture.
    pub picture: Option<(PathBuf, PictureFacts)>,
    /// Written as the file's tags: ("title", …), ("comment", …).
    pub tags: Vec<(String, String)>,
    /// Room in the file's tags, for [`fill_room`].
    pub room: Option<String>,
}

/// Puts `text` into the tags of a finished file at `path`, in place of the [`Encode::room`] that it was given, which is as long
/// and like nothing else in it.
pub fn fill_room(path: &Path, room: &str, text: &str) -> Result<()> {
    room::fill(path, room, text)
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

impl Ffmpeg {
    /// Encodes a drawn film: `sound` is mono, `pictures` yields RGB bytes, `width × height × 3` each, and both begin at
    /// time zero. An existing file is replaced, when the new one is whole. H.264 where this ffmpeg has it (VP9 in
    /// .webm, MPEG-4 in .avi and otherwise); the same film gives the same file.
    pub fn draw(
        &self,
        film: &DrawnFilm,
        pictures: &mut dyn Iterator<Item = Vec<u8>>,
        sound: &[f32],
        task: Task<'_>,
    ) -> Result<()> {
        draw::draw(self, film, pictures, sound, task)
    }
}
