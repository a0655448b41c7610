//! A film that was opened: its facts are known, and it can be decoded as often as is needed.

use crate::Result;
use crate::media::decode::{self, PictureStream};
use crate::media::facts::FilmFacts;
use crate::media::ffmpeg::Ffmpeg;
use crate::media::probe::{self, Examined};
use crate::media::requests::{Decode, DecodeSound};
use crate::media::sound::{self, SoundStream};
use crate::media::{losses, picture_end};
use crate::task::Cancel;
use kinophone_dsp::units::MediaTime;
use std::path::Path;

/// A film or recording whose facts are known.
pub struct Film<'a> {
    ffmpeg: &'a Ffmpeg,
    path: &'a Path,
    examined: Examined,
}

impl<'a> Film<'a> {
    pub(crate) fn open(ffmpeg: &'a Ffmpeg, path: &'a Path) -> Result<Self> {
        Ok(Self { ffmpeg, path, examined: probe::examine(ffmpeg, path)? })
    }

    /// Its facts.
    pub fn facts(&self) -> &FilmFacts {
        &self.examined.facts
    }

    /// Decodes its pictures, see [`Ffmpeg::decode`].
    pub fn decode(&self, how: &Decode) -> Result<PictureStream> {
        decode::decode(self.ffmpeg, self.path, &self.examined, how)
    }

    /// The true end of its pictures on its clock, found without decoding them, with what is not as it should be; `None` where it has
    /// none.
    pub fn picture_end(&self, cancel: &Cancel) -> Result<Option<(MediaTime, Vec<String>)>> {
        picture_end::find(self.ffmpeg, self.path, &self.examined, cancel)
    }

    /// Decodes the sound of several recordings by one process, as far as that is quicker; `None` where they are to be decoded one by
    /// one. Scratch files go to `folder`.
    pub fn decode_together(
        recordings: &[(&Film<'_>, &DecodeSound)],
        folder: &Path,
    ) -> Result<Option<Vec<SoundStream>>> {
        let Some((first, _)) = recordings.first() else { return Ok(None) };
        let parts: Vec<_> = recordings.iter().map(|(film, how)| (film.path, &film.examined, *how)).collect();
        sound::decode_together(first.ffmpeg, &parts, folder)
    }

    /// Everything that it has and `output` with its picture does not have, a sentence each: its turn, chapters, tags … `name` is the
    /// output's, which has the `extension`.
    pub(crate) fn losses(&self, output: &Path, name: &str, extension: &str) -> Result<Vec<String>> {
        Ok(losses::losses(&self.examined, &probe::examine(self.ffmpeg, output)?, name, extension))
    }

    /// Decodes its sound, see [`Ffmpeg::decode_sound`].
    pub fn decode_sound(&self, how: &DecodeSound) -> Result<SoundStream> {
        sound::decode(self.ffmpeg, self.path, &self.examined, how)
    }
}
