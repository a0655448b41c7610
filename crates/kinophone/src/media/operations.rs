//! The operations of [`Ffmpeg`], each of which starts the program.

use crate::Result;
use crate::media::decode::PictureStream;
use crate::media::encode::Encoder;
use crate::media::facts::FilmFacts;
use crate::media::ffmpeg::Ffmpeg;
use crate::media::film::Film;
use crate::media::requests::{Decode, DecodeSound, DrawnFilm, Encode};
use crate::media::sound::SoundStream;
use crate::media::{copy, draw, encode, input, locate, room, sound, steady};
use crate::task::Task;
use std::path::Path;

impl Ffmpeg {
    /// Looks at `explicit` (from `--ffmpeg`), then the environment's `KINOPHONE_FFMPEG`, then the PATH. Runs
    /// it once with `-version`; older than 4.4 is an error of `Kind::Tool`, as is absence (the advice says
    /// how to install it here).
    pub fn locate(explicit: Option<&Path>) -> Result<Self> {
        locate::locate(explicit)
    }

    /// Opens a film or sound file that is to be decoded more than once, or after a look at its facts. Fails as [`Ffmpeg::probe`] does.
    pub fn open<'a>(&'a self, path: &'a Path) -> Result<Film<'a>> {
        Film::open(self, path)
    }

    /// Facts of a film or sound file, without decoding it whole. Fails with `Kind::NotFound`, `Kind::Empty`
    /// or `Kind::WrongKind` (a folder, a pipe, a text, a playlist, a single image, not a film at all).
    pub fn probe(&self, path: &Path) -> Result<FilmFacts> {
        Ok(Film::open(self, path)?.facts().clone())
    }

    /// All tags of a film or sound file, however long. Fails as [`Ffmpeg::probe`] does.
    pub fn tags(&self, path: &Path) -> Result<Vec<(String, String)>> {
        room::tags(self, path)
    }

    /// Decodes the pictures of `path` as a stream. Fails as [`Ffmpeg::probe`] does, with `Kind::NoPicture` where
    /// the film has none, and with `Kind::Invalid` for a size outside 1 to 4096.
    pub fn decode(&self, path: &Path, how: &Decode) -> Result<PictureStream> {
        Film::open(self, path)?.decode(how)
    }

    /// Decodes the sound of `path` alone as a stream of interleaved f32 on the film's clock (sample 0 = time
    /// 0). More channels than asked for are mixed down at a level that cannot clip.
    pub fn decode_sound(&self, path: &Path, how: &DecodeSound) -> Result<SoundStream> {
        Film::open(self, path)?.decode_sound(how)
    }

    /// Decodes the default sound track of `path` as the figures of [`kinophone_dsp::metrics`] want it: mono at
    /// [`measure::RATE`](kinophone_dsp::metrics::RATE) on the film's clock, mixed down as ffmpeg does where
    /// nobody asks for anything else, so that they can be set beside those of other programs.
    pub fn decode_for_measures(&self, path: &Path) -> Result<SoundStream> {
        sound::decode_for_measures(self, path)
    }

    /// Motion of the film's pictures at [`FOLLOW_RATE`](kinophone_dsp::metrics::follow::FOLLOW_RATE) a second, from the first
    /// one on, see [`kinophone_dsp::metrics::follow`]: where pictures begin later than the film's sound, `bench/follow.py` holds the
    /// first one until then. Fails as [`Ffmpeg::decode`] does.
    pub fn motion(&self, path: &Path, task: Task<'_>) -> Result<Vec<f64>> {
        steady::motion(self, path, task)
    }

    /// Writes a copy of the film's pictures alone, without sound, that browsers play: H.264, at most `width`
    /// pixels wide, every picture at its own time, in an .mp4 at `output` (normally a temporary path). Fails
    /// with `Kind::Tool` where this ffmpeg has no encoder for it.
    pub fn copy_for_browsers(&self, path: &Path, width: u32, output: &Path, task: Task<'_>) -> Result<()> {
        copy::for_browsers(self, path, width, output, task)
    }

    /// Starts writing `plan.output` (an ffmpeg process reading our samples from its stdin). Fails with
    /// `Kind::Invalid` where the picture's or the sound's codec does not fit the container.
    pub fn encode(&self, plan: &Encode) -> Result<Encoder> {
        encode::encode(self, plan)
    }
}

/// The error of a folder where one film is wanted.
pub fn folder_for_film(path: &Path) -> crate::Error {
    input::a_folder(path)
}

/// Puts `text` into the tags of a finished file at `path`, in place of the [`Encode::room`] that it was
/// given, which is as long and like nothing else in it.
pub fn fill_room(path: &Path, room: &str, text: &str) -> Result<()> {
    room::fill(path, room, text)
}

impl Ffmpeg {
    /// Encodes a drawn film: `sound` is mono, `pictures` yields RGB bytes, `width × height × 3` each, and
    /// both begin at time zero. An existing file is replaced, when the new one is whole. H.264 where this
    /// ffmpeg has it (VP9 in .webm, MPEG-4 in .avi and otherwise); the same film gives the same file.
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
