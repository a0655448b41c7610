//! The sound of a whole corpus at the brain's rate, in one scratch file that is mapped into memory.

use crate::dataset::shard::{Shard, release_pages};
use crate::task::Task;
use crate::{Error, Result, storage};
use kinophone_dsp::resample::Resampler;
use kinophone_dsp::units::SampleRate;
use memmap2::Mmap;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::Path;

/// Frames that are resampled at a time.
const CHUNK_FRAMES: usize = 1 << 16;
/// Chunks after which the pages of the shard's own sound are given back.
const RELEASE_CHUNKS: usize = 64;

/// Mono samples of all films, one film after another.
pub(crate) struct ResampledSound {
    map: Mmap,
    /// Place of each film's samples, counted in samples.
    spans: Vec<Range<usize>>,
    /// True if not one sample of any film differs from 0.
    pub(crate) silent: bool,
    /// Removes the file when dropped; the map needs it until then on some systems.
    _file: tempfile::NamedTempFile,
}

/// A film's sound to be resampled: its shard, and the number of samples at the brain's rate that are of use.
pub(crate) struct SoundRequest<'a> {
    pub(crate) shard: &'a Shard,
    pub(crate) samples: usize,
}

impl ResampledSound {
    /// Writes the scratch file in `scratch`. Films without sound become empty spans.
    pub(crate) fn prepare(
        requests: &[SoundRequest<'_>],
        rate: SampleRate,
        scratch: &Path,
        task: Task<'_>,
    ) -> Result<Self> {
        let file = storage::scratch(scratch)?;
        let mut out =
            Writer { out: BufWriter::with_capacity(1 << 20, file.as_file()), path: file.path(), written: 0 };
        let (mut spans, mut silent) = (Vec::new(), true);
        let mut progress = Progress::begin(requests, task);
        for film in requests {
            let start = out.written;
            silent &= resample(film, rate, &mut out, &mut progress)?;
            spans.push(start..out.written);
        }
        // A map of nothing is an error on some systems.
        out.write(&[0.0])?;
        out.out.flush().map_err(|e| Error::io("written", file.path(), e))?;
        drop(out);
        let map = storage::map_file(file.path())?;
        Ok(Self { map, spans, silent, _file: file })
    }

    /// Fills `out` with the samples of film `film` from `start` on, −1 to 1; before its beginning and after its end
    /// there is silence.
    pub(crate) fn read(&self, film: usize, start: i64, out: &mut [f32]) {
        let all: &[f32] = bytemuck::cast_slice(&self.map);
        let samples = &all[self.spans[film].clone()];
        let before = usize::try_from(-start).unwrap_or(0).min(out.len());
        let (silence, out) = out.split_at_mut(before);
        silence.fill(0.0);
        let from = usize::try_from(start).unwrap_or(0).min(samples.len());
        let (sound, silence) = out.split_at_mut(out.len().min(samples.len() - from));
        sound.copy_from_slice(&samples[from..from + sound.len()]);
        silence.fill(0.0);
    }

    pub(crate) fn mapped_len(&self) -> u64 {
        self.map.len() as u64
    }

    pub(crate) fn release(&self) {
        release_pages(&self.map, 0..self.map.len());
    }
}

/// Downmixes and resamples one film. True where it is digital silence.
fn resample(
    film: &SoundRequest<'_>,
    rate: SampleRate,
    out: &mut Writer<'_>,
    progress: &mut Progress<'_>,
) -> Result<bool> {
    let Some(sound) = film.shard.sound() else { return Ok(true) };
    let from = sound.rate;
    let mut resampler = Resampler::new(from, rate);
    let (mut mono, mut ready) = (Vec::with_capacity(CHUNK_FRAMES), Vec::new());
    let (mut silent, mut left) = (true, film.samples);
    for (chunk, frames) in sound.samples.chunks(CHUNK_FRAMES * sound.channels as usize).enumerate() {
        if left == 0 {
            break;
        }
        silent &= frames.iter().all(|sample| *sample == 0);
        sound.mix_down(frames, &mut mono);
        resampler.push(&mono, &mut ready);
        left -= out.write_up_to(&mut ready, left)?;
        progress.advance(mono.len(), from)?;
        if chunk % RELEASE_CHUNKS == RELEASE_CHUNKS - 1 {
            film.shard.release();
        }
    }
    resampler.finish(&mut ready);
    out.write_up_to(&mut ready, left)?;
    film.shard.release();
    Ok(silent)
}

struct Writer<'a> {
    out: BufWriter<&'a std::fs::File>,
    path: &'a Path,
    /// In samples.
    written: usize,
}

impl Writer<'_> {
    /// Writes `ready`, but no more than `limit` samples, and empties it.
    fn write_up_to(&mut self, ready: &mut Vec<f32>, limit: usize) -> Result<usize> {
        let count = ready.len().min(limit);
        self.write(&ready[..count])?;
        ready.clear();
        Ok(count)
    }

    fn write(&mut self, samples: &[f32]) -> Result<()> {
        self.out.write_all(bytemuck::cast_slice(samples)).map_err(|e| Error::io("written", self.path, e))?;
        self.written += samples.len();
        Ok(())
    }
}

/// Seconds of sound done over all films.
struct Progress<'a> {
    task: Task<'a>,
    done: f64,
}

impl<'a> Progress<'a> {
    fn begin(requests: &[SoundRequest<'_>], task: Task<'a>) -> Self {
        let seconds = |film: &SoundRequest<'_>| {
            film.shard.sound().map_or(0, |sound| sound.frames() as u64 / u64::from(sound.rate.hz()))
        };
        task.watcher.stage("reading the sound", "seconds", Some(requests.iter().map(seconds).sum()));
        Self { task, done: 0.0 }
    }

    fn advance(&mut self, frames: usize, rate: SampleRate) -> Result<()> {
        self.done += frames as f64 / f64::from(rate.hz());
        self.task.watcher.advance(self.done as u64);
        self.task.cancel.check()
    }
}
