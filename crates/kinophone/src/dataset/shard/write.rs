//! Writing a shard in one pass, with little in memory.

use crate::dataset::shard::header::{
    Complaints, LENGTH, MAX_SIZE, MAX_TIME_US, NumberType, ShardFacts, SoundFormat, TableShape, no_checksum,
};
use crate::dataset::shard::{Shard, TensorData};
use crate::ledger::{Source, Terms};
use crate::storage::{AtomicFile, Overwrite};
use crate::{Error, Kind, Result};
use kinophone_dsp::units::{MediaTime, SampleRate};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const BUFFER: usize = 1 << 20;

/// Writes a shard picture by picture. Each picture goes to the disk as it comes; the writer keeps its time alone (eight
/// bytes). The header, whose numbers are known last, is written last into room left at the front. The file appears under
/// its name with [`ShardWriter::finish`]; a dropped writer leaves nothing.
pub struct ShardWriter {
    out: BufWriter<AtomicFile>,
    path: PathBuf,
    facts: ShardFacts,
    /// Length and header together: where the tensors begin.
    reserved: usize,
    times: Vec<i64>,
    hash: blake3::Hasher,
}

/// The sound that goes with a shard's pictures.
pub struct SoundTrack<'a> {
    /// Samples a second.
    pub rate: SampleRate,
    /// 1 or 2.
    pub channels: u32,
    /// Samples a channel; sample 0 is time 0 of the film.
    pub samples: u64,
    /// Full scale is 2 to this power; see [`ShardSound`](crate::dataset::ShardSound).
    pub exponent: i8,
    /// True if its two channels have opposite polarity.
    pub opposed: bool,
    /// `samples × channels` interleaved little-endian 16-bit numbers; what follows them is not read.
    pub data: &'a mut dyn Read,
}

impl<'a> SoundTrack<'a> {
    /// Plain 16-bit sound.
    pub fn new(rate: SampleRate, channels: u32, samples: u64, data: &'a mut dyn Read) -> Self {
        Self { rate, channels, samples, exponent: 0, opposed: false, data }
    }
}

/// Parameters with which tables that describe a shard's sound were made, and the tables by name.
pub(crate) type SoundDescription = (serde_json::Value, Vec<(&'static str, TensorData)>);

impl Shard {
    /// Writes the shard anew in its place, with other terms of its source; this map keeps the old one.
    pub fn replace_terms(&self, terms: Terms) -> Result<()> {
        let mut facts = self.facts.clone();
        facts.source.terms = terms;
        let (reserved, path) = (facts.room(), self.path.clone());
        let mut out = BufWriter::with_capacity(BUFFER, AtomicFile::create(&path, Overwrite::Replace)?);
        out.seek(SeekFrom::Start(reserved as u64)).map_err(|e| Error::io("written", &path, e))?;
        let (times, hash) = (Vec::new(), blake3::Hasher::new());
        let mut writer = ShardWriter { out, path, facts, reserved, times, hash };
        self.map[self.data..].chunks(BUFFER).try_for_each(|part| writer.write(part))?;
        writer.write_header()?;
        writer.commit()
    }
}

impl ShardWriter {
    /// Begins a shard of pictures with `size` pixels a side (1 to 1024), in RGB where `colour`. Errors as those of
    /// [`AtomicFile::create`], and `Kind::Invalid` for an impossible size.
    pub fn create(
        path: &Path,
        overwrite: Overwrite,
        size: u32,
        colour: bool,
        source: Source,
    ) -> Result<Self> {
        if !(1..=MAX_SIZE).contains(&size) {
            return Err(Error::new(Kind::Invalid, format!("pictures can't have {size} pixels a side"))
                .help(format!("choose a size from 1 to {MAX_SIZE}")));
        }
        let reserved = ShardFacts::reserve(&source, size, colour);
        let mut out = BufWriter::with_capacity(BUFFER, AtomicFile::create(path, overwrite)?);
        out.seek(SeekFrom::Start(reserved as u64)).map_err(|e| Error::io("written", path, e))?;
        let facts = ShardFacts {
            source,
            complaints: Complaints::default(),
            end: MediaTime::ZERO,
            size,
            colour,
            pictures: 0,
            sound: None,
            tables: Vec::new(),
            sound_parameters: None,
        };
        let (times, hash) = (Vec::new(), blake3::Hasher::new());
        Ok(Self { out, path: path.to_owned(), facts, reserved, times, hash })
    }

    /// Adds the picture that appears at `time`, later than the one before: `size × size × (1 or 3)` bytes.
    pub fn push(&mut self, time: MediaTime, pixels: &[u8]) -> Result<()> {
        if pixels.len() as u64 != self.facts.picture_len() {
            return Err(self.refuse(format!("a picture of {} bytes is none of this shard", pixels.len())));
        }
        if self.times.last().is_some_and(|last| *last >= time.0) || time.0.abs() > MAX_TIME_US {
            return Err(self.refuse(format!("a picture at {time} is out of order")));
        }
        self.write(pixels)?;
        self.times.push(time.0);
        self.facts.pictures += 1;
        Ok(())
    }

    /// Keeps what was not as it should be of the film.
    pub(crate) fn keep_complaints(&mut self, complaints: Complaints) {
        self.facts.complaints = complaints;
    }

    /// Completes the shard: `end` is when the last picture ceases to be shown, or the sound of a shard without pictures ends.
    /// With neither it fails with `Kind::NoPicture`; nothing is left behind then.
    pub fn finish(self, end: MediaTime, sound: Option<SoundTrack<'_>>) -> Result<()> {
        self.finish_with(end, sound, None)
    }

    /// Does the same, with a description of the sound.
    pub(crate) fn finish_with(
        mut self,
        end: MediaTime,
        sound: Option<SoundTrack<'_>>,
        description: Option<SoundDescription>,
    ) -> Result<()> {
        if self.times.is_empty() && sound.is_none() {
            return Err(Error::new(Kind::NoPicture, "would be a shard without pictures").at(&self.path));
        }
        let last = self.times.last().copied().unwrap_or(0);
        self.facts.end = MediaTime(end.0.clamp(last, MAX_TIME_US));
        self.write(&vec![0; self.facts.padding() as usize])?;
        let times: Vec<u8> = self.times.iter().flat_map(|t| t.to_le_bytes()).collect();
        self.write(&times)?;
        if let Some(track) = sound {
            self.write_sound(track)?;
        }
        if let Some((parameters, tables)) = description {
            self.facts.sound_parameters = Some(parameters);
            for (name, table) in &tables {
                self.write_table(name, table)?;
            }
        }
        self.write_header()?;
        self.commit()
    }

    fn commit(self) -> Result<()> {
        let Self { out, path, .. } = self;
        out.into_inner().map_err(|e| Error::io("written", &path, e.into_error()))?.commit()
    }

    fn write_sound(&mut self, track: SoundTrack<'_>) -> Result<()> {
        let SoundTrack { rate, channels, samples, exponent, opposed, data } = track;
        if !(1..=2).contains(&channels) {
            return Err(self.refuse(format!("sound of {channels} channels does not go into a shard")));
        }
        let mut left = samples * 2 * u64::from(channels);
        let mut buffer = vec![0; BUFFER];
        while left > 0 {
            let part = &mut buffer[..left.min(BUFFER as u64) as usize];
            data.read_exact(part).map_err(|e| self.sound_error(e))?;
            self.write(part)?;
            left -= part.len() as u64;
        }
        self.facts.sound = Some(SoundFormat { rate, channels, samples, exponent, opposed });
        Ok(())
    }

    fn write_table(&mut self, name: &str, table: &TensorData) -> Result<()> {
        let (kind, count, columns, bytes): (_, _, _, Vec<u8>) = match table {
            TensorData::F32 { columns, values } => (
                NumberType::F32,
                values.len(),
                *columns,
                values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            ),
            TensorData::I64 { columns, values } => (
                NumberType::I64,
                values.len(),
                *columns,
                values.iter().flat_map(|x| x.to_le_bytes()).collect(),
            ),
        };
        self.write(&bytes)?;
        let (rows, columns) = ((count / columns.max(1)) as u64, columns as u64);
        self.facts.tables.push(TableShape { name: name.to_owned(), kind, rows, columns });
        Ok(())
    }

    /// The checksum is taken over the tensors, then over the header with zeros in the checksum's own place.
    fn write_header(&mut self) -> Result<()> {
        let len = self.reserved - LENGTH;
        let blank = self.header(&no_checksum(), len)?;
        let checksum = self.hash.update(&blank).finalize().to_hex();
        let header = self.header(&checksum, len)?;
        let result = self
            .out
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.out.write_all(&(len as u64).to_le_bytes()))
            .and_then(|()| self.out.write_all(&header));
        result.map_err(|e| Error::io("written", &self.path, e))
    }

    fn header(&self, checksum: &str, len: usize) -> Result<Vec<u8>> {
        self.facts.header(checksum, len).ok_or_else(|| self.refuse("is too long for its header".to_owned()))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.out.write_all(bytes).map_err(|e| Error::io("written", &self.path, e))
    }

    fn sound_error(&self, cause: io::Error) -> Error {
        if cause.kind() == io::ErrorKind::UnexpectedEof {
            return self.refuse("its sound ends before the number of samples that was announced".to_owned());
        }
        Error::io("written, for its sound could not be read", &self.path, cause)
    }

    fn refuse(&self, what: String) -> Error {
        Error::new(Kind::Invalid, what).at(&self.path)
    }
}
