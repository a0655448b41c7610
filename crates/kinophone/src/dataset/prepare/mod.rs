//! Films into a corpus.

mod beside;
mod film_file;
mod lookup;
mod options;
mod provenance;
mod recording;
mod scratch_sound;
#[cfg(test)]
mod tests;

pub use lookup::{find, find_hash};
pub use options::{PrepareOptions, Prepared};
pub(crate) use recording::{SoundDescriber, prepare_sound};

use crate::dataset::open_verified;
use crate::dataset::shard::Shard;
use crate::dataset::shard::header::{Complaints, MAX_SIZE};
use crate::dataset::shard::write::ShardWriter;
use crate::media::{AudioTracks, Decode, DecodeSound, Decoded, Ffmpeg, FilmFacts, PictureStream};
use crate::score::Credits;
use crate::storage::{self, Overwrite};
use crate::task::Task;
use crate::{Error, Kind, Result, worker};
use film_file::{FileStamp, file_name, identify};
use options::shard_name;
use scratch_sound::ScratchSound;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::ScopedJoinHandle;

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
    make_ready(folder, options)?;
    let job = |film| PrepareJob { ffmpeg, film, folder, options, describer: None, task };
    films.iter().map(|film| job(film).run()).collect()
}

/// Checks the options, and makes the folder where it is missing.
fn make_ready(folder: &Path, options: &PrepareOptions) -> Result<()> {
    if !(1..=MAX_SIZE).contains(&options.size) {
        return Err(Error::new(Kind::Invalid, format!("pictures can't have {} pixels a side", options.size))
            .help(format!("choose --size from 1 to {MAX_SIZE}")));
    }
    make_folder(folder)?;
    storage::sweep(folder);
    Ok(())
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

/// Work to be done for a film.
enum PreparePlan {
    /// Nothing more: it was there.
    Done(Prepared),
    /// Its shard is to be written.
    Write(ShardPlan),
}

/// A shard that is to be written.
struct ShardPlan {
    path: PathBuf,
    overwrite: Overwrite,
    hash: String,
    stamp: FileStamp,
}

impl PrepareJob<'_> {
    fn run(&self) -> Result<Prepared> {
        match self.plan()? {
            PreparePlan::Done(prepared) => Ok(prepared),
            PreparePlan::Write(plan) => self.carry_out(&plan, self.write(&plan)),
        }
    }

    /// Finds out whether the film's shard is there.
    fn plan(&self) -> Result<PreparePlan> {
        let stamp = FileStamp::of(self.film)?;
        let hash = identify(self.film, stamp.bytes, self.task)?;
        let path = self.folder.join(shard_name(&hash, self.options, self.describer.is_some()));
        let overwrite = match open_verified(&path) {
            Ok(shard) => match self.describer {
                Some(describer) if shard.sound_parameters() != Some(&describer.parameters()) => {
                    self.describe_again(&shard, describer)?;
                    return Ok(PreparePlan::Done(self.report(&shard, false)));
                }
                _ => return self.skip(&shard).map(PreparePlan::Done),
            },
            Err(e) if e.kind() == Kind::NotFound => Overwrite::Refuse,
            Err(e) if e.kind() == Kind::Damaged => {
                self.task.watcher.warn(&format!("{e}; it is prepared again"));
                Overwrite::Replace
            }
            Err(e) => return Err(e),
        };
        Ok(PreparePlan::Write(ShardPlan { path, overwrite, hash, stamp }))
    }

    /// The outcome of a shard that was `written`.
    fn carry_out(&self, plan: &ShardPlan, written: Result<()>) -> Result<Prepared> {
        match written {
            // Another process was quicker.
            Err(e) if e.kind() == Kind::Exists => self.skip(&open_verified(&plan.path)?),
            Err(e) => Err(e),
            Ok(()) => Ok(self.report(&Shard::open(&plan.path)?, false)),
        }
    }

    fn write(&self, plan: &ShardPlan) -> Result<()> {
        if let Some(describer) = self.describer {
            return self.write_sound(plan, describer);
        }
        let film = self.ffmpeg.open(self.film)?;
        let facts = film.facts();
        let request = self.choose_sound(facts)?;
        self.task.watcher.stage(&format!("reading {}", self.name()), "pictures", expected_pictures(facts));
        let how = Decode { size: self.options.size, colour: self.options.colour };
        let stream = film.decode(&how)?;
        let source = self.source(plan.hash.clone(), facts.clone());
        let mut shard =
            ShardWriter::create(&plan.path, plan.overwrite, self.options.size, self.options.colour, source)?;
        // Pictures and sound come out of processes of their own, so that a defect in one does not end the other.
        let abandoned = AtomicBool::new(false);
        let (decoded, sound) = std::thread::scope(|scope| {
            let proceed = |_| if abandoned.load(Relaxed) { Err(Error::interrupted()) } else { Ok(()) };
            let decode = |request: DecodeSound| {
                let film = &film;
                scope.spawn(move || self.keep_sound(film.decode_sound(&request)?, &request, &proceed))
            };
            let sound = request.map(decode);
            let decoded = self.copy_pictures(stream, &mut shard);
            abandoned.store(decoded.is_err(), Relaxed);
            let join = |thread: ScopedJoinHandle<'_, Result<ScratchSound>>| {
                thread.join().unwrap_or_else(|panic| Err(worker::died("sound", &*panic)))
            };
            (decoded, sound.map(join))
        });
        let decoded = decoded?;
        self.task.warn_of(self.film, &decoded.complaints);
        let sound = self.sounding(sound)?;
        plan.stamp.check(self.film)?;
        let of_sound = sound.as_ref().map_or(&[][..], |sound| &sound.complaints);
        shard.keep_complaints(Complaints::of(&decoded.complaints, of_sound));
        match sound {
            Some(mut sound) => shard.finish(decoded.end, Some(sound.track()?)),
            None => shard.finish(decoded.end, None),
        }
    }

    /// The sound that goes into the shard. Pictures go in without it where it fails, unless it is what the film is wanted for.
    fn sounding(&self, sound: Option<Result<ScratchSound>>) -> Result<Option<ScratchSound>> {
        match sound {
            None => Ok(None),
            Some(Err(error)) if self.options.require_sound || error.kind() != Kind::Damaged => Err(error),
            Some(Err(error)) => {
                self.task.watcher.warn(&format!("{error}; its pictures go in without sound"));
                Ok(None)
            }
            Some(Ok(sound)) if sound.samples == 0 => {
                let what = format!("{} has a sound track of which nothing decodes", self.name());
                self.task.watcher.warn(&what);
                if self.options.require_sound { Err(self.no_sound()) } else { Ok(None) }
            }
            Some(Ok(sound)) => {
                self.task.warn_of(self.film, &sound.complaints);
                Ok(Some(sound))
            }
        }
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

    /// The sound to be decoded, at 48 kHz in stereo at most. A film without any is allowed unless the task needs it; a track that the
    /// film does not have is an error. A choice that a person may not expect is said.
    fn choose_sound(&self, facts: &FilmFacts) -> Result<Option<DecodeSound>> {
        let tracks = self.options.audio_tracks.clone();
        if facts.sounds.is_empty() && tracks == AudioTracks::Default {
            return if self.options.require_sound { Err(self.no_sound()) } else { Ok(None) };
        }
        let (rate, channels) = tracks.format(self.film, facts)?;
        for remark in tracks.remarks(facts) {
            self.task.watcher.warn(&format!("{}: {remark}", self.name()));
        }
        if facts.tags.iter().any(|(_, text)| Credits::others_in_tag(text) != text) {
            self.task.watcher.warn(&format!(
                "{} has a soundtrack made by Kinophone: whose sounds those are, `kinophone credits` of it says, and nothing that is made of it will",
                self.name()
            ));
        }
        Ok(Some(DecodeSound { tracks, rate, channels }))
    }

    fn skip(&self, shard: &Shard) -> Result<Prepared> {
        if self.options.require_sound && shard.sound().is_none() {
            return Err(self.no_sound());
        }
        if self.differs_in_provenance(shard.source()) {
            self.task.watcher.warn(&format!(
                "{} is in the corpus already under other terms, which stay; to change them: kinophone ledger edit {}",
                self.name(),
                shard.path().display()
            ));
        }
        self.choose_sound(&shard.source().facts)?;
        let Complaints { pictures, sound } = shard.complaints();
        for complaint in [pictures, sound] {
            self.task.warn_of(self.film, complaint.as_slice());
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

fn expected_pictures(facts: &FilmFacts) -> Option<u64> {
    let rate = facts.picture.as_ref()?.rate?;
    Some(rate.ticks_in(facts.duration?))
}
