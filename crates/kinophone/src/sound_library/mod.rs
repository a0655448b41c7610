//! Libraries of sounds: recordings segmented into units, analyzed, and mapped into memory.
//!
//! A library is a folder of shards ([`crate::dataset`]), of sound alone or of films. What `kinophone sounds` takes in is segmented and
//! analyzed once, and carries that in its shard; other shards, those of a corpus, are analyzed when they are opened. Sound
//! is not read but mapped, so a library may be larger than memory; sources at another rate than the library's are converted into
//! a scratch file that is mapped, too.

mod analysis;
mod mono_source;
mod prepare;
mod segmentation;
mod stored;

pub use analysis::{AnalyzedUnit, SoundAnalysis, analysis_grid};
pub use prepare::prepare;
pub use segmentation::{SegmentBy, Segmentation};

use crate::dataset::{AudioFeatures, Corpus, MAX_EXPONENT, Shard, ShardSound, step};
use crate::file_kind::FileKind;
use crate::ledger::Source;
use crate::task::Task;
use crate::{Error, Kind, Result, storage};
use kinophone_dsp::concat::UnitSound;
use kinophone_dsp::metrics::BANDS;
use kinophone_dsp::resample::Resampler;
use kinophone_dsp::units::{SampleRate, TickGrid};
use memmap2::Mmap;
use std::borrow::Cow;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Frames that are mixed down or converted at a time.
const CHUNK_FRAMES: usize = 1 << 16;
/// The highest rate at which a library plays, in Hz.
const HIGHEST_HZ: u32 = 48_000;

/// A unit of a source's sound, and its features. Places are frames of the library's rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LibraryUnit {
    /// Number of the source.
    pub source: u32,
    /// First frame in the source.
    pub first: i64,
    /// Length in frames.
    pub frames: u32,
    /// Place of its attack, in frames after the first one; 0 where it has none.
    pub attack: u32,
    /// 10 log10 of the mean square, at least −70.
    pub loudness_db: f32,
    /// Centre of gravity of the power spectrum, in Hz.
    pub centroid_hz: f32,
    /// Geometric over arithmetic mean of the power spectrum, 0 (a tone) to 1 (white noise).
    pub flatness: f32,
    /// Strength of its attack: the mean rise of the bands, in log10 of power; 0 where it has none.
    pub onset: f32,
    /// Fundamental frequency in Hz; 0 where there is none.
    pub pitch_hz: f32,
    /// Confidence of the pitch, 0 to 1.
    pub confidence: f32,
}

/// A library, open.
pub struct SoundLibrary {
    sources: Vec<Source>,
    sounds: Vec<SourceAudio>,
    features: Vec<AudioFeatures>,
    units: Vec<LibraryUnit>,
    mels: Vec<[f32; BANDS]>,
    rate: SampleRate,
    channels: u32,
}

/// A source's samples, interleaved in its own channels, at the library's rate.
enum SourceAudio {
    /// As they lie in the shard.
    Shard(Box<Shard>),
    /// Converted.
    Scratch(ScratchAudio),
}

/// A source at another rate, in a scratch file without an open handle: a library may have more sources than a program may open files.
struct ScratchAudio {
    map: Mmap,
    channels: u32,
    exponent: i8,
    opposed: bool,
    #[expect(dead_code, reason = "removes the mapped file in the end")]
    path: tempfile::TempPath,
}

impl SoundLibrary {
    /// Opens a folder; shards that carry no analysis are segmented as by default. A source without sound is left out with a warning.
    /// Errors: `Kind::Empty` where there is no sound, and those of [`Corpus::open`].
    pub fn open(folder: &Path, task: Task<'_>) -> Result<Self> {
        if let Some(error) = no_library(folder) {
            return Err(error);
        }
        let empty = |what: &str| {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            Error::new(Kind::Empty, what)
                .at(folder)
                .help(format!("a library is made of recordings: kinophone sounds {name} -o LIBRARY"))
        };
        let (corpus, _) = match Corpus::open(folder, false, task.cancel) {
            Err(e) if e.kind() == Kind::Empty => return Err(empty("holds no sound")),
            other => other?,
        };
        let (sounding, silent): (Vec<Shard>, Vec<Shard>) =
            corpus.shards.into_iter().partition(|shard| shard.sound().is_some_and(|s| !s.samples.is_empty()));
        for shard in silent {
            task.watcher.warn(&format!("{} has no sound and is left out", shard.source().name));
        }
        let formats = || sounding.iter().filter_map(Shard::sound).map(|sound| (sound.rate, sound.channels));
        let rate = formats().map(|(rate, _)| rate).max().ok_or_else(|| empty("holds no sound"))?;
        let rate = rate.min(SampleRate::new(HIGHEST_HZ).expect("a constant within the range"));
        let channels = formats().map(|(_, channels)| channels).max().unwrap_or(1);
        let mut new = Self {
            sources: Vec::new(),
            sounds: Vec::new(),
            features: Vec::new(),
            units: Vec::new(),
            mels: Vec::new(),
            rate,
            channels,
        };
        for shard in sounding {
            task.cancel.check()?;
            new.add(shard, task)?;
        }
        if new.units.is_empty() {
            return Err(Error::new(Kind::Empty, "holds nothing but silence")
                .at(folder)
                .help("name a library in which something sounds"));
        }
        Ok(new)
    }

    fn add(&mut self, shard: Shard, task: Task<'_>) -> Result<()> {
        let Some(sound) = shard.sound() else { return Ok(()) };
        let rate = sound.rate;
        let analysis = match SoundAnalysis::of_shard(&shard)? {
            Some(analysis) => analysis,
            None => {
                let name = &shard.source().name;
                let seconds = sound.frames() as u64 / u64::from(rate.hz());
                task.watcher.stage(&format!("listening to {name}"), "seconds", Some(seconds));
                SoundAnalysis::of(sound, Segmentation::default(), task)?
            }
        };
        let source = self.sources.len() as u32;
        let library_rate = self.rate;
        let here = |frame: i64| library_rate.frame_of(frame, rate);
        for unit in &analysis.units {
            let (first, end) = (here(unit.first), here(unit.first + i64::from(unit.frames)));
            let frames = (end - first).max(1) as u32;
            let attack = unit.attack.map_or(0, |a| here(unit.first + i64::from(a)) - first);
            self.units.push(LibraryUnit {
                source,
                first,
                frames,
                attack: (attack.max(0) as u32).min(frames - 1),
                loudness_db: unit.loudness_db,
                centroid_hz: unit.centroid_hz,
                flatness: unit.flatness,
                onset: unit.onset,
                pitch_hz: unit.pitch_hz,
                confidence: unit.confidence,
            });
            self.mels.push(unit.mel);
        }
        self.sources.push(shard.source().clone());
        self.features.push(analysis.features);
        shard.release();
        self.sounds.push(if rate == self.rate {
            SourceAudio::Shard(Box::new(shard))
        } else {
            SourceAudio::Scratch(convert(&shard, self.rate)?)
        });
        Ok(())
    }

    /// Sources of the sounds.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// All units, source by source, in the order of time; at least one.
    pub fn units(&self) -> &[LibraryUnit] {
        &self.units
    }

    /// log10 of the mean power of a unit in the 64 bands of [`kinophone_dsp::metrics::log_mel`].
    pub fn mel(&self, unit: usize) -> &[f32; BANDS] {
        &self.mels[unit]
    }

    /// The rate of all sounds: the highest among the sources.
    pub fn rate(&self) -> SampleRate {
        self.rate
    }

    /// 1, or 2 where a source has two.
    pub fn channels(&self) -> u32 {
        self.channels
    }

    /// Frames of a source.
    pub fn frames(&self, source: usize) -> i64 {
        self.sound(source).map_or(0, |sound| sound.frames() as i64)
    }

    /// Features of every whole tick of a source: as they were stored, or analyzed anew where the grid is another one.
    pub fn features(&self, source: usize, grid: TickGrid) -> Cow<'_, AudioFeatures> {
        if grid == analysis_grid() {
            return Cow::Borrowed(&self.features[source]);
        }
        let mono = self.mono(source, grid.rate);
        let ticks = grid.tick.ticks_in(grid.rate.time_of(mono.len() as i64)).max(1);
        let read = |start: i64, out: &mut [f32]| {
            for (k, x) in out.iter_mut().enumerate() {
                let place = usize::try_from(start + k as i64).ok();
                *x = place.and_then(|place| mono.get(place)).copied().unwrap_or(0.0);
            }
        };
        Cow::Owned(AudioFeatures::analyze(grid, 0, ticks as usize, read))
    }

    /// All of a source, mixed down, at another rate.
    fn mono(&self, source: usize, rate: SampleRate) -> Vec<f32> {
        let (mut mono, mut out) = (Vec::new(), Vec::new());
        let Some(sound) = self.sound(source) else { return out };
        let mut resampler = Resampler::interleaved(self.rate, rate, 1);
        for part in sound.samples.chunks(CHUNK_FRAMES * sound.channels as usize) {
            sound.mix_down(part, &mut mono);
            resampler.push(&mono, &mut out);
        }
        resampler.finish(&mut out);
        out
    }

    /// A source's sound at the library's rate.
    fn sound(&self, source: usize) -> Option<ShardSound<'_>> {
        match self.sounds.get(source)? {
            SourceAudio::Shard(shard) => shard.sound(),
            SourceAudio::Scratch(ScratchAudio { map, channels, exponent, opposed, .. }) => Some(ShardSound {
                rate: self.rate,
                channels: *channels,
                samples: bytemuck::cast_slice(map),
                exponent: *exponent,
                opposed: *opposed,
            }),
        }
    }

    /// Fills `out` with interleaved samples of a source, from frame `first` on; silence beyond its ends.
    pub fn read(&self, source: usize, first: i64, out: &mut [f32]) {
        let channels = self.channels as usize;
        let Some(sound) = self.sound(source) else { return out.fill(0.0) };
        let (samples, own, step) = (sound.samples, sound.channels as usize, sound.step());
        let frames = sound.frames() as i64;
        for (k, frame) in out.chunks_exact_mut(channels).enumerate() {
            let place = first + k as i64;
            if (0..frames).contains(&place) {
                let there = &samples[place as usize * own..][..own];
                frame.iter_mut().enumerate().for_each(|(c, x)| *x = f32::from(there[c.min(own - 1)]) * step);
            } else {
                frame.fill(0.0);
            }
        }
    }
}

/// Units are read from their first frame on, and beyond them whatever their source has there.
impl UnitSound for &SoundLibrary {
    fn channels(&self) -> usize {
        self.channels as usize
    }

    fn read(&self, unit: u32, offset: i64, out: &mut [f32]) {
        match self.units.get(unit as usize) {
            Some(unit) => SoundLibrary::read(self, unit.source as usize, unit.first + offset, out),
            None => out.fill(0.0),
        }
    }
}

/// A source at another rate, in a scratch file.
fn convert(shard: &Shard, rate: SampleRate) -> Result<ScratchAudio> {
    let Some(sound) = shard.sound() else {
        return Err(Error::new(Kind::NoSound, "has no sound").at(shard.path()));
    };
    let folder = std::env::temp_dir();
    let named = |e: Error| e.help("TMPDIR names the folder for scratch files: set it to one with room");
    let failed = |e| named(Error::io("written", &folder, e));
    let mut out = BufWriter::with_capacity(1 << 20, storage::scratch(&folder).map_err(named)?);
    let mut resampler = Resampler::interleaved(sound.rate, rate, sound.channels as usize);
    let mut converted = Vec::new();
    // Steps are twice as large as the source's: resampled sound swings beyond its peaks.
    let exponent = (sound.exponent + 1).min(MAX_EXPONENT);
    let per_step = 1.0 / step(exponent);
    let mut write = |converted: &mut Vec<f32>| -> Result<()> {
        let bytes: Vec<u8> = converted
            .drain(..)
            .flat_map(|x| ((x * per_step).round().clamp(-32768.0, 32767.0) as i16).to_le_bytes())
            .collect();
        out.write_all(&bytes).map_err(failed)
    };
    for part in sound.samples.chunks(CHUNK_FRAMES * sound.channels as usize) {
        let floats: Vec<f32> = part.iter().map(|s| f32::from(*s) * sound.step()).collect();
        resampler.push(&floats, &mut converted);
        write(&mut converted)?;
    }
    resampler.finish(&mut converted);
    write(&mut converted)?;
    let (channels, opposed) = (sound.channels, sound.opposed);
    shard.release();
    let path = out.into_inner().map_err(|e| failed(e.into_error()))?.into_temp_path();
    Ok(ScratchAudio { map: storage::map_file(&path)?, channels, exponent, opposed, path })
}

/// The error of a file where a library is wanted.
fn no_library(path: &Path) -> Option<Error> {
    let kind = FileKind::of(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let help = match kind {
        _ if !path.is_file() => return None,
        FileKind::Media => format!("make a library of it first: kinophone sounds {name} -o LIBRARY"),
        FileKind::Shard => "name the folder that it lies in".to_owned(),
        _ => "name a folder that 'kinophone sounds' has made".to_owned(),
    };
    let what = format!("is {}, not a library of sounds", kind.name().unwrap_or("a file"));
    Some(Error::new(Kind::WrongKind, what).at(path).help(help))
}
