//! Sound alone into a library: recordings decoded, described and written as shards without pictures.

use crate::dataset::map_file;
use crate::dataset::prepare::film_file::FileStamp;
use crate::dataset::prepare::options::{PrepareOptions, Prepared};
use crate::dataset::prepare::{PrepareJob, prepare_all};
use crate::dataset::shard::write::{ShardWriter, SoundDescription, SoundTrack};
use crate::dataset::shard::{Shard, TensorData};
use crate::media::{DecodeSound, Ffmpeg};
use crate::storage::{self, Overwrite};
use crate::task::Task;
use crate::{Error, Result};
use kinophone_dsp::units::SampleRate;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The highest rate of sound that is kept, in Hz.
const HIGHEST_HZ: u32 = 48_000;
/// Samples that are decoded at a time.
const CHUNK: usize = 1 << 15;

/// Description of a shard's sound in tables that are stored beside it.
pub(crate) trait SoundDescriber: Sync {
    /// Everything on which the tables depend besides the sound. Shards with other parameters are described again.
    fn parameters(&self) -> serde_json::Value;

    /// Describes interleaved `sound`. Tells the watcher of its progress in seconds.
    fn describe(
        &self,
        rate: SampleRate,
        channels: u32,
        sound: &[i16],
        task: Task<'_>,
    ) -> Result<Vec<(&'static str, TensorData)>>;
}

/// Prepares the sound of every recording into `folder`, without pictures and with its description, as [`super::prepare`] does
/// with films.
pub(crate) fn prepare_sound(
    ffmpeg: &Ffmpeg,
    recordings: &[PathBuf],
    folder: &Path,
    options: &PrepareOptions,
    describer: &dyn SoundDescriber,
    task: Task<'_>,
) -> Result<Vec<Prepared>> {
    let job = |film| PrepareJob { ffmpeg, film, folder, options, describer: Some(describer), task };
    prepare_all(recordings, folder, options, job)
}

/// Decoded sound in a scratch file.
struct DecodedSound {
    /// Samples a channel.
    samples: u64,
    file: NamedTempFile,
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
        let facts = self.ffmpeg.probe(self.film)?;
        self.choose_sound(&facts)?;
        let track = self.options.audio_track;
        let Some(format) = facts.sounds.get(track) else { return Err(self.no_sound()) };
        let rate = SampleRate::new(format.rate.hz().min(HIGHEST_HZ)).unwrap_or(format.rate);
        let channels = format.channels.min(2);
        let total = facts.duration.map(|length| length.as_secs_f64() as u64);
        self.task.watcher.stage(&format!("listening to {}", self.name()), "seconds", total);
        let mut sound = self.decode_sound(DecodeSound { track, rate, channels }, path)?;
        stamp.check(self.film)?;
        if sound.samples == 0 {
            return Err(self.no_sound());
        }
        let map = map_file(sound.file.path())?;
        let description = self.describe(describer, rate, channels, bytemuck::cast_slice(&map))?;
        let data = sound.file.as_file_mut();
        data.rewind().map_err(|e| Error::io("read", path, e))?;
        let shard = ShardWriter::create(path, overwrite, 1, false, self.source(hash, facts))?;
        let track = SoundTrack { rate, channels, samples: sound.samples, data };
        shard.finish_with(rate.time_of(sound.samples as i64), Some(track), Some(description))
    }

    /// Decodes a sound track into a scratch file; `path` is what the file is for.
    fn decode_sound(&self, format: DecodeSound, path: &Path) -> Result<DecodedSound> {
        let DecodeSound { rate, channels, .. } = format;
        let mut stream = self.ffmpeg.decode_sound(self.film, &format)?;
        let mut scratch = BufWriter::with_capacity(1 << 20, storage::scratch(self.folder)?);
        let (mut chunk, mut samples) = (vec![0f32; CHUNK], 0);
        loop {
            self.task.cancel.check()?;
            let got = stream.read(&mut chunk)?;
            if got == 0 {
                break;
            }
            let bytes = chunk[..got].iter().flat_map(|x| to_i16(*x).to_le_bytes()).collect::<Vec<u8>>();
            scratch.write_all(&bytes).map_err(|e| Error::io("written", path, e))?;
            samples += got as u64 / u64::from(channels);
            self.task.watcher.advance(samples / u64::from(rate.hz()));
        }
        let file = scratch.into_inner().map_err(|e| Error::io("written", path, e.into_error()))?;
        Ok(DecodedSound { samples, file })
    }

    /// Replaces the description of a recording that is there already; its sound and its terms stay.
    pub(super) fn describe_again(&self, shard: &Shard, describer: &dyn SoundDescriber) -> Result<()> {
        let (rate, channels, samples) = shard.sound().ok_or_else(|| self.no_sound())?;
        let description = self.describe(describer, rate, channels, samples)?;
        let writer = ShardWriter::create(shard.path(), Overwrite::Replace, 1, false, shard.source().clone())?;
        let mut data: &[u8] = bytemuck::cast_slice(samples);
        let samples = samples.len() as u64 / u64::from(channels);
        let track = SoundTrack { rate, channels, samples, data: &mut data };
        writer.finish_with(shard.end(), Some(track), Some(description))
    }

    fn describe(
        &self,
        describer: &dyn SoundDescriber,
        rate: SampleRate,
        channels: u32,
        samples: &[i16],
    ) -> Result<SoundDescription> {
        let seconds = rate.time_of(samples.len() as i64 / i64::from(channels)).as_secs_f64();
        self.task.watcher.stage(&format!("describing {}", self.name()), "seconds", Some(seconds as u64));
        Ok((describer.parameters(), describer.describe(rate, channels, samples, self.task)?))
    }
}

fn to_i16(x: f32) -> i16 {
    (x * 32768.0).round().clamp(-32768.0, 32767.0) as i16
}
