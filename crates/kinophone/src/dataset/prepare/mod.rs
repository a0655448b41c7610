//! Films into a corpus.

mod film_file;
mod lookup;
mod options;
mod provenance;
mod recording;
#[cfg(test)]
mod tests;

pub use lookup::{find, find_hash};
pub use options::{PrepareOptions, Prepared};
pub(crate) use recording::{SoundDescriber, prepare_sound};

use crate::dataset::open_verified;
use crate::dataset::shard::Shard;
use crate::dataset::shard::header::MAX_SIZE;
use crate::dataset::shard::write::{ShardWriter, SoundTrack};
use crate::media::{Decode, Decoded, Ffmpeg, FilmFacts, PictureStream, SoundTo};
use crate::storage::{self, Overwrite};
use crate::task::Task;
use crate::{Error, Kind, Result};
use film_file::{FileStamp, file_name, identify};
use options::shard_name;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// Prepares every film into `folder` (created if missing), in order, and stops at the first error; what was prepared
/// before stays. A film whose whole shard is there already (same hash, size, colour and sound track) is skipped, a
/// damaged one is replaced. A shard appears whole or not at all; several processes may work on one folder.
pub fn prepare(
    ffmpeg: &Ffmpeg,
    films: &[PathBuf],
    folder: &Path,
    options: &PrepareOptions,
    task: Task<'_>,
) -> Result<Vec<Prepared>> {
    prepare_all(films, folder, options, |film| PrepareJob {
        ffmpeg,
        film,
        folder,
        options,
        describer: None,
        task,
    })
}

/// Runs the job of every film.
fn prepare_all<'a>(
    films: &'a [PathBuf],
    folder: &Path,
    options: &PrepareOptions,
    job: impl Fn(&'a Path) -> PrepareJob<'a>,
) -> Result<Vec<Prepared>> {
    if !(1..=MAX_SIZE).contains(&options.size) {
        return Err(Error::new(Kind::Invalid, format!("pictures can't have {} pixels a side", options.size))
            .help(format!("choose --size from 1 to {MAX_SIZE}")));
    }
    make_folder(folder)?;
    storage::sweep(folder);
    films.iter().map(|film| job(film).run()).collect()
}

/// Preparation of one film.
struct PrepareJob<'a> {
    ffmpeg: &'a Ffmpeg,
    film: &'a Path,
    folder: &'a Path,
    options: &'a PrepareOptions,
    /// Where sound alone is wanted: what describes it.
    describer: Option<&'a dyn SoundDescriber>,
    task: Task<'a>,
}

impl PrepareJob<'_> {
    fn run(&self) -> Result<Prepared> {
        let stamp = FileStamp::of(self.film)?;
        let hash = identify(self.film, stamp.bytes, self.task)?;
        let path = self.folder.join(shard_name(&hash, self.options, self.describer.is_some()));
        let overwrite = match open_verified(&path) {
            Ok(shard) => match self.describer {
                Some(describer) if shard.sound_parameters() != Some(&describer.parameters()) => {
                    self.describe_again(&shard, describer)?;
                    return Ok(self.report(&shard, false));
                }
                _ => return self.skip(&shard),
            },
            Err(e) if e.kind() == Kind::NotFound => Overwrite::Refuse,
            Err(e) if e.kind() == Kind::Damaged => {
                self.task.watcher.warn(&format!("{e}; it is prepared again"));
                Overwrite::Replace
            }
            Err(e) => return Err(e),
        };
        match self.write(&path, overwrite, hash, &stamp) {
            // Another process was quicker.
            Err(e) if e.kind() == Kind::Exists => self.skip(&open_verified(&path)?),
            Err(e) => Err(e),
            Ok(()) => Ok(self.report(&Shard::open(&path)?, false)),
        }
    }

    fn write(&self, path: &Path, overwrite: Overwrite, hash: String, stamp: &FileStamp) -> Result<()> {
        if let Some(describer) = self.describer {
            return self.write_sound(path, overwrite, hash, stamp, describer);
        }
        let facts = self.ffmpeg.probe(self.film)?;
        let with_sound = self.choose_sound(&facts)?;
        let total = expected_pictures(&facts);
        self.task.watcher.stage(&format!("reading {}", self.name()), "pictures", total);
        let scratch = storage::scratch(self.folder)?;
        let track = self.options.audio_track;
        let sound = with_sound.then(|| SoundTo { track, file: scratch.path().to_owned() });
        let how = Decode { size: self.options.size, colour: self.options.colour, sound };
        let stream = self.ffmpeg.decode(self.film, &how)?;
        let source = self.source(hash, facts);
        let mut shard = ShardWriter::create(path, overwrite, self.options.size, self.options.colour, source)?;
        let decoded = self.copy_pictures(stream, &mut shard)?;
        self.warn_of(&decoded, with_sound);
        stamp.check(self.film)?;
        if with_sound && self.options.require_sound && !has_sound(&decoded) {
            return Err(self.no_sound());
        }
        self.finish(shard, &decoded, scratch.path())
    }

    fn copy_pictures(&self, mut stream: PictureStream, shard: &mut ShardWriter) -> Result<Decoded> {
        let mut done = 0;
        for picture in stream.by_ref() {
            let picture = picture?;
            shard.push(picture.time, &picture.pixels)?;
            done += 1;
            self.task.watcher.advance(done);
            self.task.cancel.check()?;
        }
        stream.finish()
    }

    fn finish(&self, shard: ShardWriter, decoded: &Decoded, sound: &Path) -> Result<()> {
        let Some((rate, channels, samples)) = decoded.sound.filter(|_| has_sound(decoded)) else {
            return shard.finish(decoded.end, None);
        };
        let mut data = File::open(sound).map_err(|e| Error::io("read", sound, e))?;
        shard.finish(decoded.end, Some(SoundTrack { rate, channels, samples, data: &mut data }))
    }

    /// True if sound is to be decoded. A film without any is allowed unless the task needs it; a track that the film
    /// does not have is an error.
    fn choose_sound(&self, facts: &FilmFacts) -> Result<bool> {
        let wanted = self.options.audio_track;
        match facts.sounds.len() {
            0 if self.options.require_sound => Err(self.no_sound()),
            0 => Ok(false),
            count if wanted < count => Ok(true),
            count => {
                Err(Error::new(Kind::Invalid, format!("has no sound track {wanted}, only {count} in all"))
                    .at(self.film)
                    .help(format!("choose one with --audio-track: {}", tracks(facts))))
            }
        }
    }

    fn skip(&self, shard: &Shard) -> Result<Prepared> {
        if self.options.require_sound && shard.sound().is_none() {
            return Err(self.no_sound());
        }
        if self.differs_in_provenance(shard.source()) {
            self.task.watcher.warn(&format!(
                "{} is in the corpus already under other terms, which stay; to change them, delete {} and prepare it again",
                self.name(),
                shard.path().display()
            ));
        }
        Ok(self.report(shard, true))
    }

    fn report(&self, shard: &Shard, skipped: bool) -> Prepared {
        Prepared {
            film: self.film.to_owned(),
            shard: shard.path().to_owned(),
            skipped,
            pictures: shard.pictures(),
            seconds: shard.end().as_secs_f64(),
        }
    }

    fn warn_of(&self, decoded: &Decoded, with_sound: bool) {
        if let [first, others @ ..] = &decoded.complaints[..] {
            let more =
                if others.is_empty() { String::new() } else { format!(" (and {} more)", others.len()) };
            let name = self.name();
            self.task
                .watcher
                .warn(&format!("{name} does not decode cleanly, what does is used: {first}{more}"));
        }
        if with_sound && !has_sound(decoded) {
            self.task.watcher.warn(&format!("{} has a sound track of which nothing decodes", self.name()));
        }
    }

    fn name(&self) -> String {
        file_name(self.film)
    }

    fn no_sound(&self) -> Error {
        if self.describer.is_some() {
            return Error::new(Kind::NoSound, "has no sound to take in")
                .at(self.film)
                .help("name recordings, or films with a sound track");
        }
        Error::new(Kind::NoSound, "has no sound, so nothing can be learned from it").at(self.film).help(
            "learn from films with sound; a silent film can be given a soundtrack with 'kinophone render'",
        )
    }
}

fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            Error::new(Kind::Unwritable, "is a file, or lies under one; a corpus is a folder")
                .at(folder)
                .help("give the corpus another name")
        }
        _ => Error::io("made", folder, e),
    })
}

fn has_sound(decoded: &Decoded) -> bool {
    decoded.sound.is_some_and(|(_, _, samples)| samples > 0)
}

fn expected_pictures(facts: &FilmFacts) -> Option<u64> {
    let rate = facts.picture.as_ref()?.rate?;
    Some(rate.ticks_in(facts.duration?))
}

fn tracks(facts: &FilmFacts) -> String {
    let line = |(k, sound): (usize, &crate::media::SoundFacts)| {
        let language = sound.language.as_deref().map(|l| format!(", {l}")).unwrap_or_default();
        format!("{k} ({}, {} channels{language})", sound.codec, sound.channels)
    };
    facts.sounds.iter().enumerate().map(line).collect::<Vec<_>>().join("; ")
}
