//! Sound alone into a library: recordings decoded, described and written as shards without pictures.

use crate::dataset::prepare::options::{PrepareOptions, Prepared};
use crate::dataset::prepare::scratch_sound::ScratchSound;
use crate::dataset::prepare::{PrepareJob, PreparePlan, ShardPlan, make_ready};
use crate::dataset::shard::header::Complaints;
use crate::dataset::shard::sound::ShardSound;
use crate::dataset::shard::write::{ShardWriter, SoundDescription, SoundTrack};
use crate::dataset::shard::{Shard, TensorData};
use crate::media::{DecodeSound, Ffmpeg, Film, SoundStream};
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
    let job = |film, task| PrepareJob { ffmpeg, film, folder, options, describer: Some(describer), task };
    if let [recording] = recordings {
        return Ok(vec![job(recording, task).run()]);
    }
    task.watcher.stage("taking in recordings", "files", Some(recordings.len() as u64));
    let together = Together { watcher: task.watcher, done: AtomicU64::new(0) };
    let batches: Vec<&[PathBuf]> = recordings.chunks(TOGETHER).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut outcomes = Vec::new();
        loop {
            let number = next.fetch_add(1, Relaxed);
            let Some(batch) = batches.get(number).filter(|_| !task.cancel.is_cancelled()) else {
                return outcomes;
            };
            let task = Task { watcher: &together, cancel: task.cancel };
            let jobs: Vec<PrepareJob<'_>> = batch.iter().map(|recording| job(recording, task)).collect();
            outcomes.push((number, take_in(&jobs, describer, folder)));
            together.finish(batch.len() as u64);
        }
    };
    let mut outcomes: Vec<(usize, Vec<Result<Prepared>>)> = Vec::new();
    std::thread::scope(|scope| -> Result<()> {
        let threads: Vec<_> = (0..threads(batches.len())).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            outcomes.extend(thread.join().map_err(|panic| worker::died("recording", &*panic))?);
        }
        Ok(())
    })?;
    task.cancel.check()?;
    outcomes.sort_by_key(|(number, _)| *number);
    Ok(outcomes.into_iter().flat_map(|(_, outcomes)| outcomes).collect())
}

/// Takes in some recordings; those that are short are decoded by one process.
fn take_in(jobs: &[PrepareJob<'_>], describer: &dyn SoundDescriber, folder: &Path) -> Vec<Result<Prepared>> {
    let mut outcomes: Vec<Option<Result<Prepared>>> = Vec::new();
    let mut pending = Vec::new();
    for (number, job) in jobs.iter().enumerate() {
        let opened = job.plan().and_then(|plan| match plan {
            PreparePlan::Done(prepared) => Ok(Err(prepared)),
            PreparePlan::Write(plan) => {
                let film = job.ffmpeg.open(job.film)?;
                let request = job.request(&film)?;
                Ok(Ok((plan, film, request)))
            }
        });
        outcomes.push(match opened {
            Ok(Ok(opened)) => {
                pending.push((number, opened));
                None
            }
            Ok(Err(prepared)) => Some(Ok(prepared)),
            Err(error) => Some(Err(error)),
        });
    }
    let films: Vec<_> = pending.iter().map(|(_, (_, film, request))| (film, request)).collect();
    // Where that fails, each is decoded by itself, and says what is wrong with it.
    let streams = Film::decode_together(&films, folder).ok().flatten();
    let mut streams = streams.into_iter().flatten();
    for (number, (plan, film, request)) in &pending {
        let job = &jobs[*number];
        let stream = streams.next().map_or_else(|| film.decode_sound(request), Ok);
        let written = stream.and_then(|stream| job.write_stream(plan, describer, film, request, stream));
        outcomes[*number] = Some(job.carry_out(plan, written));
    }
    outcomes.into_iter().flatten().collect()
}

/// Recordings that one thread takes in at a time, and one process decodes.
const TOGETHER: usize = 16;

/// Threads that take in recordings. Most of the time goes into starting ffmpeg, which takes one core.
fn threads(batches: usize) -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).saturating_add(1).min(batches)
}

/// Passes on what is said of several recordings; their progress is their number.
struct Together<'a> {
    watcher: &'a dyn Watcher,
    done: AtomicU64,
}

impl Together<'_> {
    fn finish(&self, files: u64) {
        self.watcher.advance(self.done.fetch_add(files, Relaxed) + files);
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
    pub(super) fn write_sound(&self, plan: &ShardPlan, describer: &dyn SoundDescriber) -> Result<()> {
        let film = self.ffmpeg.open(self.film)?;
        let request = self.request(&film)?;
        self.write_stream(plan, describer, &film, &request, film.decode_sound(&request)?)
    }

    fn request(&self, film: &Film<'_>) -> Result<DecodeSound> {
        self.choose_sound(film.facts())?.ok_or_else(|| self.no_sound())
    }

    /// Writes the shard of a recording that is being decoded.
    fn write_stream(
        &self,
        plan: &ShardPlan,
        describer: &dyn SoundDescriber,
        film: &Film<'_>,
        request: &DecodeSound,
        stream: SoundStream,
    ) -> Result<()> {
        let facts = film.facts();
        let total = facts.duration.map(|length| length.as_secs_f64() as u64);
        self.task.watcher.stage(&format!("listening to {}", self.name()), "seconds", total);
        let hz = u64::from(request.rate.hz());
        let mut sound = self.keep_sound(stream, request, &|frames| {
            self.task.watcher.advance(frames / hz);
            self.task.cancel.check()
        })?;
        plan.stamp.check(self.film)?;
        self.task.warn_of(self.film, &sound.complaints);
        if sound.samples == 0 {
            return Err(self.no_sound());
        }
        let map = storage::map_file(sound.file.path())?;
        let ScratchSound { rate, channels, exponent, opposed, .. } = sound;
        let samples = bytemuck::cast_slice(&map);
        let description =
            self.describe(describer, ShardSound { rate, channels, samples, exponent, opposed })?;
        let source = self.source(plan.hash.clone(), facts.clone());
        let mut shard = ShardWriter::create(&plan.path, plan.overwrite, 1, false, source)?;
        shard.keep_complaints(Complaints::of(&[], &sound.complaints));
        shard.finish_with(rate.time_of(sound.samples as i64), Some(sound.track()?), Some(description))
    }

    /// Decodes a film's sound into a scratch file beside its shard.
    pub(super) fn keep_sound(
        &self,
        stream: SoundStream,
        request: &DecodeSound,
        proceed: &dyn Fn(u64) -> Result<()>,
    ) -> Result<ScratchSound> {
        let scratch = storage::scratch(self.folder)?;
        ScratchSound::decode(stream, (request.rate, request.channels), scratch, proceed)
    }

    /// Replaces the description of a recording that is there already; its sound and its terms stay.
    pub(super) fn describe_again(&self, shard: &Shard, describer: &dyn SoundDescriber) -> Result<()> {
        let sound = shard.sound().ok_or_else(|| self.no_sound())?;
        let description = self.describe(describer, sound)?;
        let mut writer =
            ShardWriter::create(shard.path(), Overwrite::Replace, 1, false, shard.source().clone())?;
        writer.keep_complaints(shard.complaints().clone());
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
