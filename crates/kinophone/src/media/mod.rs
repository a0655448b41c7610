//! Films in and out, through the ffmpeg program. The only module that starts it.

use crate::task::Task;
use crate::{Error, Result};
use kinophone_dsp::units::{FrameRate, MediaTime, SampleRate};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A located, version-checked ffmpeg program and the limits under which it runs.
#[derive(Clone, Debug)]
pub struct Ffmpeg {
    program: PathBuf,
    version: String,
    stall: Duration,
}

impl Ffmpeg {
    /// Looks at `explicit` (from `--ffmpeg`), then the environment's `KINOPHONE_FFMPEG`, then the PATH. Runs it once
    /// with `-version`; older than 4.4 is an error of `Kind::Tool`, as is absence (the advice says how to install it here).
    pub fn locate(explicit: Option<&Path>) -> Result<Self> {
        let _ = explicit;
        unimplemented!()
    }
    /// The program.
    pub fn program(&self) -> &Path {
        &self.program
    }
    /// Its version as it prints it: "5.1.9-0+deb12u1".
    pub fn version(&self) -> &str {
        &self.version
    }
    /// Replaces the watchdog's limit (default 60 s): how long ffmpeg may deliver or take nothing before it is ended.
    pub fn with_stall_limit(mut self, limit: Duration) -> Self {
        self.stall = limit;
        self
    }
    /// Facts of a film or sound file, without decoding it whole.
    pub fn probe(&self, path: &Path) -> Result<FilmFacts> {
        let _ = path;
        unimplemented!()
    }
    /// Decodes the pictures of `path` as a stream, and its sound, if asked, into a file beside them in the same pass.
    pub fn decode(&self, path: &Path, how: &Decode) -> Result<PictureStream> {
        let _ = (path, how);
        unimplemented!()
    }
    /// Decodes the sound of `path` alone as a stream of interleaved f32 on the film's clock (sample 0 = time 0).
    pub fn decode_sound(&self, path: &Path, how: &DecodeSound) -> Result<SoundStream> {
        let _ = (path, how);
        unimplemented!()
    }
    /// Starts writing `plan.output` (an ffmpeg process reading our samples from its stdin).
    pub fn encode(&self, plan: &Encode) -> Result<Encoder> {
        let _ = plan;
        unimplemented!()
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
    /// Degrees by which a player turns the picture.
    pub rotation: i32,
    /// Where the stream begins on the film's clock.
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

/// Pictures as they come out of ffmpeg: an iterator that ends after the last one; then [`PictureStream::finish`].
/// Times strictly increase. Dropping it ends the process.
pub struct PictureStream {
    _private: (),
}

impl Iterator for PictureStream {
    type Item = Result<Picture>;
    fn next(&mut self) -> Option<Result<Picture>> {
        unimplemented!()
    }
}

impl PictureStream {
    /// To be called after the last picture: waits for the process and says how it went. Fails with `Kind::NoPicture`
    /// where not one picture decoded, and with `Kind::Tool` where ffmpeg crashed.
    pub fn finish(self) -> Result<Decoded> {
        unimplemented!()
    }
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

/// Interleaved f32 samples from ffmpeg.
pub struct SoundStream {
    _private: (),
}

impl SoundStream {
    /// Fills `out` as far as samples come; fewer than `out.len()` only at the end, 0 after it.
    pub fn read(&mut self, out: &mut [f32]) -> Result<usize> {
        let _ = out;
        unimplemented!()
    }
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

impl SoundCodec {
    /// What goes into which container by default, by the output's extension: mp4, mov: AAC; mkv: FLAC… `None` for an
    /// extension that Kinophone does not write.
    pub fn default_for(extension: &str) -> Option<Self> {
        let _ = extension;
        unimplemented!()
    }
    /// Whether that container can hold this codec.
    pub fn fits(self, extension: &str) -> bool {
        let _ = extension;
        unimplemented!()
    }
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
}

/// Takes samples, writes the file.
pub struct Encoder {
    _private: (),
}

impl Encoder {
    /// Interleaved samples, −1..1.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        let _ = samples;
        unimplemented!()
    }
    /// Ends the input and waits until the file is complete.
    pub fn finish(self) -> Result<()> {
        unimplemented!()
    }
}

/// Writes a film out of raw pictures and samples that we made ourselves (etudes).
pub struct DrawnFilm {
    /// The file to write; the extension decides the container and codecs.
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
    /// Encodes a drawn film: `sound` is mono; `pictures` yields RGB bytes, `width × height × 3` each.
    pub fn draw(
        &self,
        film: &DrawnFilm,
        pictures: &mut dyn Iterator<Item = Vec<u8>>,
        sound: &[f32],
        task: Task<'_>,
    ) -> Result<()> {
        let _ = (film, pictures, sound, task);
        Err(Error::interrupted())
    }
}
