//! Sound alone into a library: recordings decoded, described and written as shards without pictures.

use crate::dataset::map_file;
use crate::dataset::prepare::film_file::FileStamp;
use crate::dataset::prepare::options::{PrepareOptions, Prepared};
use crate::dataset::prepare::scratch_sound::ScratchSound;
use crate::dataset::prepare::{PrepareJob, make_ready};
use crate::dataset::shard::sound::ShardSound;
use crate::dataset::shard::write::{ShardWriter, SoundDescription, SoundTrack};
use crate::dataset::shard::{Shard, TensorData};
use crate::media::{DecodeSound, Ffmpeg, Film};
use crate::storage::{self, Overwrite};
use crate::task::{Task, Watcher};
use crate::{Result, worker};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, AtomicUsize};

/// Description of a shard's sound in tables that are stored beside it.
pub(crate) trait SoundDescriber: Sync {
    /// Everything on which the tables depend besides the sound. Shards with other parameters are described again.
    fn parameters(&self) -> serde_json::Value;

    /// Describes a sound. Tells the watcher of its progress in seconds.
    fn describe(&self, sound: ShardSound<'_>, task: Task<'_>) -> Result<Vec<(&'static str, TensorData)>>;
}

/// Prepares the sound of every recording into `folder`, without pictures and with its description, as [`super::prepare`] does with
/// films, but several at a time; what can't be prepared keeps nothing else from it. The outcomes come in the order of the recordings.
pub(crate) fn prepare_sound(
    ffmpeg: &Ffmpeg,
    recordings: &[PathBuf],
    folder: &Path,
    options: &PrepareOptions,
    describer: &dyn SoundDescriber,
    task: Task<'_>,
) -> Result<Vec<Result<Prepared>>> {
    make_ready(folder, options)?;
    let run = |film: &Path, task: Task<'_>| {
        PrepareJob { ffmpeg, film, folder, options, describer: Some(describer), task }.run()
    };
    if let [recording] = recordings {
        return Ok(vec![run(recording, task)]);
    }
    task.watcher.stage("taking in recordings", "files", Some(recordings.len() as u64));
    let together = Together { watcher: task.watcher, done: AtomicU64::new(0) };
    let next = AtomicUsize::new(0);
    let work = || {
        let mut outcomes = Vec::new();
        loop {
            let number = next.fetch_add(1, Relaxed);
            let Some(recording) = recordings.get(number).filter(|_| !task.cancel.is_cancelled()) else {
                return outcomes;
            };
            outcomes.push((number, run(recording, Task { watcher: &together, cancel: task.cancel })));
            together.finish_one();
        }
    };
    let mut outcomes: Vec<(usize, Result<Prepared>)> = Vec::new();
    std::thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = (0..threads(recordings.len())).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            outcomes.extend(thread.join().map_err(|panic| worker::died("recording", &*panic))?);
        }
        Ok(())
    })?;
    task.cancel.check()?;
    outcomes.sort_by_key(|(number, _)| *number);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

/// Recordings that are prepared at a time. Most of the time goes into starting ffmpeg, which takes one core.
fn threads(recordings: usize) -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).saturating_add(1).min(recordings)
}

/// Passes on what is said of several recordings; their progress is their number.
struct Together<'a> {
    watcher: &'a dyn Watcher,
    done: AtomicU64,
}

impl Together<'_> {
    fn finish_one(&self) {
        self.watcher.advance(self.done.fetch_add(1, Relaxed) + 1);
    }
}

impl Watcher for Together<'_> {
    fn stage(&self, _: &str, _: &'static str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn figure(&self, _: &str) {}
    fn say(&self, text: &str) {
        self.watcher.say(text);
    }
    fn warn(&self, text: &str) {
        self.watcher.warn(text);
    }
}

impl PrepareJob<'_> {
    pub(super) fn write_sound(
        &self,
        path: &Path,
        overwrite: Overwrite,
        hash: String,
        stamp: &FileStamp,
        describer: &dyn SoundDescriber,
    ) -> Result<()> {
        let film = self.ffmpeg.open(self.film)?;
        let facts = film.facts();
        let request = self.choose_sound(facts)?.ok_or_else(|| self.no_sound())?;
        let total = facts.duration.map(|length| length.as_secs_f64() as u64);
        self.task.watcher.stage(&format!("listening to {}", self.name()), "seconds", total);
        let hz = u64::from(request.rate.hz());
        let mut sound = self.decode_sound(&film, &request, &|frames| {
            self.task.watcher.advance(frames / hz);
            self.task.cancel.check()
        })?;
        stamp.check(self.film)?;
        self.warn_of(&sound.complaints);
        if sound.samples == 0 {
            return Err(self.no_sound());
        }
        let map = map_file(sound.file.path())?;
        let ScratchSound { rate, channels, exponent, opposed, .. } = sound;
        let samples = bytemuck::cast_slice(&map);
        let description =
            self.describe(describer, ShardSound { rate, channels, samples, exponent, opposed })?;
        let shard = ShardWriter::create(path, overwrite, 1, false, self.source(hash, facts.clone()))?;
        shard.finish_with(rate.time_of(sound.samples as i64), Some(sound.track()?), Some(description))
    }

    /// Decodes a film's sound into a scratch file beside its shard.
    pub(super) fn decode_sound(
        &self,
        film: &Film<'_>,
        request: &DecodeSound,
        proceed: &dyn Fn(u64) -> Result<()>,
    ) -> Result<ScratchSound> {
        let stream = film.decode_sound(request)?;
        let scratch = storage::scratch(self.folder)?;
        ScratchSound::decode(stream, (request.rate, request.channels), scratch, proceed)
    }

    /// Replaces the description of a recording that is there already; its sound and its terms stay.
    pub(super) fn describe_again(&self, shard: &Shard, describer: &dyn SoundDescriber) -> Result<()> {
        let sound = shard.sound().ok_or_else(|| self.no_sound())?;
        let description = self.describe(describer, sound)?;
        let writer = ShardWriter::create(shard.path(), Overwrite::Replace, 1, false, shard.source().clone())?;
        let mut data: &[u8] = bytemuck::cast_slice(sound.samples);
        let ShardSound { rate, channels, exponent, opposed, .. } = sound;
        let samples = sound.frames() as u64;
        let track = SoundTrack { rate, channels, samples, exponent, opposed, data: &mut data };
        writer.finish_with(shard.end(), Some(track), Some(description))
    }

    fn describe(&self, describer: &dyn SoundDescriber, sound: ShardSound<'_>) -> Result<SoundDescription> {
        let seconds = sound.rate.time_of(sound.frames() as i64).as_secs_f64();
        self.task.watcher.stage(&format!("describing {}", self.name()), "seconds", Some(seconds as u64));
        Ok((describer.parameters(), describer.describe(sound, self.task)?))
    }
}
