//! One film's shard: a safetensors file with `pictures` U8 [N, size, size, 1 or 3], `times_us` I64 [N], `sound` I16
//! [samples, channels] (absent for a silent film), and the metadata key `kinophone` with JSON. In a library of sounds N is 0.
//!
//! In a library, tables follow that describe the sound: two-dimensional tensors F32 or I64, which [`crate::sound_library`] makes
//! and reads.
//!
//! The JSON holds `version` (2), `checksum`, `end_us` (when the last picture ceases to be shown), `sound_rate` in Hz (null
//! without sound), `sound_exponent` (full scale is 2 to this power), `sound_opposed` (true if the two channels have opposite
//! polarity), `source` (a [`Source`]) and `complaints` (what was not as it should be, of `pictures` and `sound`). A tensor `padding` of up to seven bytes follows `pictures` where their size
//! would leave `times_us` unaligned. The checksum is BLAKE3 over the tensors' bytes, followed by the header's bytes with 64
//! zeros in place of the checksum, so it vouches for every byte of the file. Numbers are little-endian.
//!
//! A shard is mapped into memory, not read: a corpus may be larger than memory. The price is that another program which
//! truncates the file meanwhile ends ours (the operating system answers a read beyond the end with a signal). Kinophone
//! itself never changes a shard in place; it renames a whole new one over it, and an open map keeps the old one.
//!
//! In Python, with the stock package:
//! `safetensors.numpy.load_file("HASH.safetensors")["pictures"]`.

pub mod header;
pub mod sound;
#[cfg(test)]
mod tests;
pub mod write;

use crate::dataset::shard::header::{Complaints, LENGTH, MAX_TIME_US, NumberType, ShardFacts, ShardLayout};
use crate::dataset::shard::sound::ShardSound;
use crate::ledger::Source;
use crate::{Error, Kind, Result, storage};
use kinophone_dsp::units::MediaTime;
use memmap2::Mmap;
use std::ops::Range;
use std::path::{Path, PathBuf};

// Samples are handed out as they lie in the file, so the machine must count its bytes as the file does.
const _: () = assert!(cfg!(target_endian = "little"), "shards are mapped as little-endian numbers");

/// Bytes that are hashed before their pages are given back.
const HASH_STEP: usize = 64 << 20;

/// Numbers of a table, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TensorData {
    /// Numbers of 32 bits.
    F32 {
        /// Numbers a row.
        columns: usize,
        /// Row by row.
        values: Vec<f32>,
    },
    /// Whole numbers.
    I64 {
        /// Numbers a row.
        columns: usize,
        /// Row by row.
        values: Vec<i64>,
    },
}

/// A shard opened for reading, memory-mapped.
#[derive(Debug)]
pub struct Shard {
    path: PathBuf,
    map: Mmap,
    facts: ShardFacts,
    checksum: String,
    layout: ShardLayout,
    /// Beginning of the tensors in the file.
    data: usize,
}

impl Shard {
    /// Maps the file and checks its structure and that it is whole: everything but the checksum, for which see
    /// [`Shard::verify`]. What is no whole shard is an error of `Kind::Damaged` that names it.
    pub fn open(path: &Path) -> Result<Self> {
        let map = storage::map_file(path)?;
        let damaged = |what: String| damaged(path, what);
        let header = header_range(&map).ok_or_else(|| damaged("is too short for a shard".to_owned()))?;
        let data = header.end;
        let (facts, checksum) = ShardFacts::read(&map[header], (map.len() - data) as u64).map_err(damaged)?;
        let layout = facts.layout();
        let shard = Self { path: path.to_owned(), map, facts, checksum, layout, data };
        shard.check_times()?;
        Ok(shard)
    }

    /// Compares the checksum with the content, on all cores; pages are given back as they are done.
    pub fn verify(&self) -> Result<()> {
        let mut hash = blake3::Hasher::new();
        for from in (self.data..self.map.len()).step_by(HASH_STEP) {
            let part = from..self.map.len().min(from + HASH_STEP);
            hash.update_rayon(&self.map[part.clone()]);
            self.release_range(part);
        }
        let header = header::without_checksum(&self.map[LENGTH..self.data], &self.checksum);
        let whole = header.is_some_and(|header| {
            hash.update(&header);
            hash.finalize().to_hex().as_str() == self.checksum
        });
        if whole { Ok(()) } else { Err(damaged(&self.path, "has a wrong checksum".to_owned())) }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Source of the film.
    pub fn source(&self) -> &Source {
        &self.facts.source
    }

    /// What was not as it should be of the film when it was prepared.
    pub(crate) fn complaints(&self) -> &Complaints {
        &self.facts.complaints
    }

    /// Pictures in the shard; none in one of sound alone.
    pub fn pictures(&self) -> usize {
        self.facts.pictures as usize
    }

    /// Side of the square in pixels.
    pub fn size(&self) -> u32 {
        self.facts.size
    }

    /// True if pictures are RGB.
    pub fn colour(&self) -> bool {
        self.facts.colour
    }

    /// Bytes of picture `k`: `size × size × (1 or 3)`. Panics where `k` is not below [`Shard::pictures`].
    pub fn picture(&self, k: usize) -> &[u8] {
        assert!(k < self.pictures(), "picture {k} of {}", self.pictures());
        let len = self.facts.picture_len() as usize;
        &self.map[self.data + k * len..][..len]
    }

    /// Time at which picture `k` appears. Panics where `k` is not below [`Shard::pictures`].
    pub fn time(&self, k: usize) -> MediaTime {
        assert!(k < self.pictures(), "picture {k} of {}", self.pictures());
        let at = self.data + self.layout.times as usize + 8 * k;
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.map[at..at + 8]);
        MediaTime(i64::from_le_bytes(bytes))
    }

    /// Time at which the last picture ceases to be shown.
    pub fn end(&self) -> MediaTime {
        self.facts.end
    }

    /// The picture that is on the screen at `time` (the first one before it starts, the last one after it ends).
    pub fn picture_at(&self, time: MediaTime) -> usize {
        let (mut shown, mut later) = (0, self.pictures());
        while shown + 1 < later {
            let middle = shown + (later - shown) / 2;
            if self.time(middle) <= time { shown = middle } else { later = middle }
        }
        shown
    }

    /// Its sound; `None` for a silent film.
    pub fn sound(&self) -> Option<ShardSound<'_>> {
        let format = self.facts.sound?;
        let sound = self.layout.sound as usize..self.layout.tables as usize;
        let bytes = &self.map[self.data..][sound];
        // `open` has checked that the bytes are aligned and that their number is even.
        Some(ShardSound {
            rate: format.rate,
            channels: format.channels,
            samples: bytemuck::cast_slice(bytes),
            exponent: format.exponent,
            opposed: format.opposed,
        })
    }

    /// Parameters with which the tables of its sound were made, where it has such.
    pub(crate) fn sound_parameters(&self) -> Option<&serde_json::Value> {
        self.facts.sound_parameters.as_ref()
    }

    /// All tables that describe its sound, with their names.
    pub(crate) fn tables(&self) -> Vec<(String, TensorData)> {
        let tables = self.facts.tables.iter();
        tables
            .filter_map(|table| Some((table.name.clone(), self.table(&table.name, 0..usize::MAX)?)))
            .collect()
    }

    /// Number of rows of a table; 0 where there is no such table.
    pub(crate) fn table_rows(&self, name: &str) -> usize {
        let table = self.facts.tables.iter().find(|table| table.name == name);
        table.map_or(0, |table| table.rows as usize)
    }

    /// Some rows of a table, as far as there are such; `None` where there is no such table.
    pub(crate) fn table(&self, name: &str, rows: Range<usize>) -> Option<TensorData> {
        let mut at = self.data + self.layout.tables as usize;
        for table in &self.facts.tables {
            if table.name == name {
                let columns = table.columns as usize;
                let row = table.len() as usize / (table.rows as usize).max(1);
                let end = rows.end.min(table.rows as usize);
                let bytes = &self.map[at + rows.start.min(end) * row..at + end * row];
                // They lie where they lie: not where such numbers could be mapped.
                return Some(match table.kind {
                    NumberType::F32 => {
                        let values = bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
                        TensorData::F32 { columns, values }
                    }
                    NumberType::I64 => {
                        let values = bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b)).collect();
                        TensorData::I64 { columns, values }
                    }
                });
            }
            at += table.len() as usize;
        }
        None
    }

    /// An error that names the shard as damaged; `what` completes "the file …".
    pub(crate) fn damaged(&self, what: String) -> Error {
        damaged(&self.path, what)
    }

    /// Gives the operating system back the pages that reading has made resident.
    pub fn release(&self) {
        self.release_range(0..self.map.len());
    }

    /// Address space that the shard takes, in bytes.
    pub(crate) fn mapped_len(&self) -> u64 {
        self.map.len() as u64
    }

    fn release_range(&self, range: Range<usize>) {
        release_pages(&self.map, range);
    }

    /// Times must strictly increase and end before the end; the sound must lie where 16-bit numbers may.
    fn check_times(&self) -> Result<()> {
        let mut last = MediaTime(-MAX_TIME_US - 1);
        for k in 0..self.pictures() {
            let time = self.time(k);
            if time <= last || time > self.end() {
                return Err(damaged(&self.path, format!("has picture {k} at an impossible time")));
            }
            last = time;
        }
        if self.facts.sound.is_some() && !(self.data + self.layout.sound as usize).is_multiple_of(2) {
            return Err(damaged(&self.path, "has its sound at an odd place".to_owned()));
        }
        Ok(())
    }
}

/// Drops the pages of a read-only map of a file from memory; the next access reads them again.
pub(crate) fn release_pages(map: &Mmap, range: Range<usize>) {
    #[cfg(unix)]
    {
        // SAFETY: the map is shared, read-only and backed by a file, so dropped pages come back from the file with the
        // content that they had; for a reader nothing changes but the time that the next access takes.
        let advised = unsafe {
            map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, range.start, range.len())
        };
        // The advice is about memory use alone; a system that declines it does no harm.
        let _ = advised;
    }
    #[cfg(not(unix))]
    let _ = (map, range);
}

fn header_range(bytes: &[u8]) -> Option<Range<usize>> {
    let length = bytes.first_chunk::<LENGTH>()?;
    let end = usize::try_from(u64::from_le_bytes(*length)).ok()?.checked_add(LENGTH)?;
    (end <= bytes.len()).then_some(LENGTH..end)
}

fn damaged(path: &Path, what: String) -> Error {
    Error::new(Kind::Damaged, what)
        .at(path)
        .help("delete it and prepare the film again, or leave it out with --skip-damaged")
}
