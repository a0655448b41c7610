//! Training sound that a brain carries, to select units from: the stretches that it learned from, and nothing else.

use crate::dataset::{MAX_EXPONENT, Shard, TickDataset, TickSpan, step};
use crate::{Error, Kind, Result};
use flacenc::component::BitRepr;
use flacenc::error::Verify;
use kinophone_dsp::concat::UnitSound;
use kinophone_dsp::resample::Resampler;
use kinophone_dsp::units::{FrameRate, SampleRate, TickGrid};
use kinophone_nn::tensors::Tensors;
use serde::{Deserialize, Serialize};
use std::io::Cursor;
use std::ops::Range;

/// The highest rate that is kept, in Hz.
const HIGHEST_HZ: u32 = 48_000;
/// Room for rounding where resampled sound is cut, in samples.
const ROUNDING_SAMPLES: i64 = 64;

/// Frames that all sound has together, and after which none lies, at most: half a year at 48 kHz.
const MAX_FRAMES: i64 = 1 << 40;

/// Neighbouring ticks of one film.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioSpan {
    /// Number of the film in the ledger.
    pub film: usize,
    /// Its first tick on the film's clock.
    pub first_tick: i64,
    /// Number of ticks.
    pub ticks: u32,
}

/// Format and stretches of the training sound. A unit is one tick of a stretch; units are numbered through all stretches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingAudioConfig {
    /// Rate of the sound.
    pub rate: SampleRate,
    /// 1 or 2.
    pub channels: u32,
    /// Full scale is 2 to this power, see [`ShardSound`](crate::dataset::ShardSound).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub exponent: i8,
    /// In the order of the units.
    pub stretches: Vec<AudioSpan>,
}

fn is_zero(exponent: &i8) -> bool {
    *exponent == 0
}

/// The sound of all stretches, one after another.
pub struct TrainingAudio {
    config: TrainingAudioConfig,
    grid: TickGrid,
    /// For each stretch its units and its first frame.
    places: Vec<(Range<usize>, i64)>,
    /// Interleaved.
    samples: Vec<i16>,
}

impl TrainingAudioConfig {
    /// Refuses what no training writes, so that sums of ticks and frames can't overflow. The words complete "the brain …".
    pub(crate) fn check(&self, tick: FrameRate, films: usize) -> Result<(), &'static str> {
        if !(1..=2).contains(&self.channels) {
            return Err("has sound of an impossible number of channels");
        }
        if self.exponent.unsigned_abs() > MAX_EXPONENT.unsigned_abs() {
            return Err("has sound of an impossible scale");
        }
        let (grid, mut left) = (self.grid(tick), MAX_FRAMES);
        for span in &self.stretches {
            if span.film >= films {
                return Err("has sound of a film that it does not name");
            }
            let ticks = u64::from(span.ticks);
            left -= ticks.saturating_mul(grid.block_len() as u64).min(i64::MAX as u64) as i64;
            if left < 0
                || span.first_tick.unsigned_abs() > MAX_FRAMES.unsigned_abs() / grid.block_len() as u64
            {
                return Err("has sound at an impossible time");
            }
        }
        Ok(())
    }

    /// Number of units.
    pub fn units(&self) -> usize {
        self.stretches.iter().map(|s| s.ticks as usize).sum()
    }

    /// True if each unit is continued by the next one.
    pub fn continued(&self) -> Vec<bool> {
        self.stretches.iter().flat_map(|s| (1..=s.ticks).map(|k| k < s.ticks)).collect()
    }

    fn grid(&self, tick: FrameRate) -> TickGrid {
        TickGrid { tick, rate: self.rate }
    }

    fn places(&self, grid: TickGrid) -> Vec<(Range<usize>, i64)> {
        let (mut unit, mut frame) = (0, 0);
        let mut places = Vec::new();
        for stretch in &self.stretches {
            places.push((unit..unit + stretch.ticks as usize, frame));
            unit += stretch.ticks as usize;
            frame += stretch.frames(grid);
        }
        places
    }
}

impl AudioSpan {
    /// Samples of one channel.
    fn frames(&self, grid: TickGrid) -> i64 {
        grid.start_sample(self.first_tick + i64::from(self.ticks)) - grid.start_sample(self.first_tick)
    }
}

impl TrainingAudio {
    /// Takes the sound of a dataset's training ticks out of the films, at the highest rate and the most channels that one of them has
    /// (48 kHz stereo at most).
    pub fn of_training_ticks(dataset: &TickDataset) -> Self {
        let shards: Vec<&Shard> = dataset.films().map(|film| film.shard).collect();
        let stretch = |span: &TickSpan| AudioSpan {
            film: span.film,
            first_tick: dataset.film(span.film).first_tick + span.ticks.start as i64,
            ticks: span.ticks.len() as u32,
        };
        let stretches: Vec<AudioSpan> = dataset.training().iter().map(stretch).collect();
        let formats = || stretches.iter().filter_map(|s| shards[s.film].sound());
        let hz = formats().map(|sound| sound.rate.hz()).max().unwrap_or(HIGHEST_HZ).min(HIGHEST_HZ);
        let channels = formats().map(|sound| sound.channels).max().unwrap_or(1).min(2);
        let rate = SampleRate::new(hz).expect("the rate of a shard, or 48 kHz");
        let exponent = formats().map(|sound| sound.exponent).max().unwrap_or(0);
        let config = TrainingAudioConfig { rate, channels, exponent, stretches };
        let grid = config.grid(dataset.grid().tick);
        let mut samples = Vec::new();
        for stretch in &config.stretches {
            take(shards[stretch.film], stretch, grid, &config, &mut samples);
        }
        Self { places: config.places(grid), config, grid, samples }
    }

    /// Its format and stretches.
    pub fn config(&self) -> &TrainingAudioConfig {
        &self.config
    }

    /// The tick of the brain at the rate of the sound.
    pub fn grid(&self) -> TickGrid {
        self.grid
    }

    /// Which film a unit is out of, and which tick of it; `None` where there is no such unit.
    pub fn place(&self, unit: usize) -> Option<(usize, i64)> {
        let number = self.places.partition_point(|(units, _)| units.end <= unit);
        let (units, _) = self.places.get(number)?;
        let stretch = &self.config.stretches[number];
        Some((stretch.film, stretch.first_tick + (unit - units.start) as i64))
    }

    /// Fills `out` with interleaved samples, from `offset` frames after the beginning of `unit` on. Beyond the unit's
    /// stretch there is silence: what lies there was held out.
    pub fn read(&self, unit: usize, offset: i64, out: &mut [f32]) {
        let channels = self.config.channels as usize;
        let number = self.places.partition_point(|(units, _)| units.end <= unit);
        let Some((units, begin)) = self.places.get(number) else { return out.fill(0.0) };
        let stretch = &self.config.stretches[number];
        let tick = stretch.first_tick + (unit - units.start) as i64;
        let start = self.grid.start_sample(tick) - self.grid.start_sample(stretch.first_tick) + offset;
        let (end, step) = (stretch.frames(self.grid), step(self.config.exponent));
        for (k, frame) in out.chunks_exact_mut(channels).enumerate() {
            let place = start + k as i64;
            if (0..end).contains(&place) {
                let at = (begin + place) as usize * channels;
                frame.iter_mut().zip(&self.samples[at..]).for_each(|(x, s)| *x = f32::from(*s) * step);
            } else {
                frame.fill(0.0);
            }
        }
    }

    /// Fills `out` with interleaved samples of a film, from frame `first` on its own clock on: silence where there is none of it.
    pub fn read_film(&self, film: usize, first: i64, out: &mut [f32]) {
        let channels = self.config.channels as usize;
        let end = first + (out.len() / channels) as i64;
        out.fill(0.0);
        for ((units, _), stretch) in self.places.iter().zip(&self.config.stretches) {
            let begin = self.grid.start_sample(stretch.first_tick);
            let (from, to) = (first.max(begin), end.min(begin + stretch.frames(self.grid)));
            if stretch.film == film && from < to {
                let part = (from - first) as usize * channels..(to - first) as usize * channels;
                self.read(units.start, from - begin, &mut out[part]);
            }
        }
    }

    /// Stores the sound, compressed without loss.
    pub fn save(&self, into: &mut Tensors) {
        into.put_bytes("sound", self.compress());
    }

    /// Takes back what [`TrainingAudio::save`] stored and [`TrainingAudio::config`] said.
    pub fn restore(config: TrainingAudioConfig, tick: FrameRate, from: &Tensors) -> Result<Self> {
        let grid = config.grid(tick);
        let frames: i64 = config.stretches.iter().map(|s| s.frames(grid)).sum();
        let samples = decompress(from.bytes("sound")?, &config, frames as usize)?;
        Ok(Self { places: config.places(grid), config, grid, samples })
    }

    fn compress(&self) -> Vec<u8> {
        // The codec has no form for no sound at all.
        if self.samples.is_empty() {
            return Vec::new();
        }
        let samples: Vec<i32> = self.samples.iter().map(|s| i32::from(*s)).collect();
        let channels = self.config.channels as usize;
        let config = flacenc::config::Encoder::default().into_verified().expect("the codec's own defaults");
        let source =
            flacenc::source::MemSource::from_samples(&samples, channels, 16, self.config.rate.hz() as usize);
        let stream = flacenc::encode_with_fixed_block_size(&config, source, config.block_size)
            .expect("16-bit samples in memory are what the codec is for");
        let mut sink = flacenc::bitsink::ByteSink::new();
        stream.write(&mut sink).expect("memory takes all bits");
        sink.into_inner()
    }
}

impl UnitSound for &TrainingAudio {
    fn channels(&self) -> usize {
        self.config.channels as usize
    }

    fn read(&self, unit: u32, offset: i64, out: &mut [f32]) {
        TrainingAudio::read(self, unit as usize, offset, out);
    }
}

fn decompress(bytes: &[u8], config: &TrainingAudioConfig, frames: usize) -> Result<Vec<i16>> {
    let damaged = |what: &str| {
        Error::new(Kind::Damaged, format!("has sound that {what}")).help("make or copy the brain again")
    };
    let expected = frames * config.channels as usize;
    if bytes.is_empty() && expected == 0 {
        return Ok(Vec::new());
    }
    let mut reader = claxon::FlacReader::new(Cursor::new(bytes)).map_err(|_| damaged("is no FLAC"))?;
    let format = reader.streaminfo();
    if (format.channels, format.sample_rate, format.bits_per_sample)
        != (config.channels, config.rate.hz(), 16)
    {
        return Err(damaged("is not as described"));
    }
    let mut samples = Vec::with_capacity(expected.min(bytes.len() * 64));
    for sample in reader.samples() {
        samples.push(sample.map_err(|_| damaged("can't be decoded"))? as i16);
        if samples.len() > expected {
            break;
        }
    }
    if samples.len() == expected { Ok(samples) } else { Err(damaged("has another length than described")) }
}

/// Adds the stretch's frames, resampled and spread over the brain's channels where the film's own differ.
fn take(
    shard: &Shard,
    stretch: &AudioSpan,
    grid: TickGrid,
    config: &TrainingAudioConfig,
    samples: &mut Vec<i16>,
) {
    let channels = config.channels as usize;
    let (begin, frames) = (grid.start_sample(stretch.first_tick), stretch.frames(grid));
    let target = samples.len() + frames as usize * channels;
    if let Some(sound) = shard.sound() {
        let (own, its_step, per_step) = (sound.channels as usize, sound.step(), 1.0 / step(config.exponent));
        let spread = |frame: &[i16], out: &mut Vec<f32>| {
            out.extend((0..channels).map(|c| f32::from(frame[c.min(own - 1)]) * its_step));
        };
        let quantized = |x: &f32| (x * per_step).round() as i16;
        if sound.rate == grid.rate {
            let from = (begin.max(0) as usize * own).min(sound.samples.len());
            let mut floats = Vec::with_capacity(frames as usize * channels);
            sound.samples[from..]
                .chunks_exact(own)
                .take(frames as usize)
                .for_each(|frame| spread(frame, &mut floats));
            samples.extend(floats.iter().map(quantized));
        } else {
            // From the film's beginning on, so that every sample keeps its exact place.
            let mut resampler = Resampler::interleaved(sound.rate, grid.rate, channels);
            let until = sound.rate.sample_at(grid.rate.time_of(begin + frames + ROUNDING_SAMPLES)).max(0)
                as usize
                + ROUNDING_SAMPLES as usize;
            let (mut floats, mut ready) = (Vec::new(), Vec::new());
            sound.samples.chunks_exact(own).take(until).for_each(|frame| spread(frame, &mut floats));
            resampler.push(&floats, &mut ready);
            resampler.finish(&mut ready);
            let from = (begin.max(0) as usize * channels).min(ready.len());
            let to = (from + frames as usize * channels).min(ready.len());
            samples.extend(ready[from..to].iter().map(quantized));
        }
    }
    samples.resize(target, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_descriptions_of_sound_are_refused() {
        let tick = |num, den| FrameRate::new(num, den).unwrap();
        let rate = SampleRate::new(48_000).unwrap();
        let check = |channels, tick, film, first_tick, ticks| {
            let stretches = vec![AudioSpan { film, first_tick, ticks }; 2];
            TrainingAudioConfig { rate, channels, exponent: 0, stretches }.check(tick, 1)
        };
        assert_eq!(check(2, tick(30, 1), 0, -5, 1000), Ok(()));
        assert!(check(0, tick(30, 1), 0, 0, 1).is_err(), "no channel");
        assert!(check(1, tick(30, 1), 1, 0, 1).is_err(), "no such film");
        assert!(check(1, tick(30, 1), 0, i64::MAX, 1).is_err(), "too late");
        assert!(check(1, tick(30, 1), 0, i64::MIN, 1).is_err(), "too early");
        assert!(check(1, tick(1, u32::MAX), 0, 0, u32::MAX).is_err(), "too long");
    }
}
