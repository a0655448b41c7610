//! Building an index out of fingerprints, in memory that does not grow with the sound.

use super::layout::{
    BANDS, Counts, GAP_FRAMES, HEADER, IndexedWork, MAX_PICTURE_BITS, MAX_SOUND_BITS, picture_slot,
    sound_slot, spread, table_bits,
};
use crate::fingerprint::file::Fingerprint;
use crate::fingerprint::landmarks::Landmark;
use crate::fingerprint::picture::PictureHash;
use kinophone::storage::{self, AtomicFile, Overwrite};
use kinophone::{Error, Kind, Result};
use rayon::slice::ParallelSliceMut;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Parts by the upper bits of the hash that rows are divided into.
const PART_BITS: u32 = 6;
/// Rows of a part that are kept in memory before they go to its scratch file: 1 MB.
const MAX_WAITING: usize = if cfg!(test) { 8 } else { 1 << 17 };

/// Builds an index. Rows of sound go to scratch files until [`IndexBuilder::finish`].
pub struct IndexBuilder {
    works: Vec<IndexedWork>,
    parts: Vec<Part>,
    /// The two hashes of each.
    pictures: Vec<[u64; 2]>,
    next_frame: u32,
    folder: PathBuf,
}

/// Rows whose hashes have the same upper bits.
#[derive(Default)]
struct Part {
    waiting: Vec<u64>,
    spilled: Option<NamedTempFile>,
    rows: u64,
}

impl IndexBuilder {
    /// Scratch files go to `folder`.
    pub fn new(folder: &Path) -> Self {
        let parts = (0..1 << PART_BITS).map(|_| Part::default()).collect();
        Self { works: Vec::new(), parts, pictures: Vec::new(), next_frame: 0, folder: folder.to_owned() }
    }

    /// Adds a work; `checksum` is that of its file. Fails with [`Kind::Invalid`] beyond 17 000 hours.
    pub fn add(&mut self, print: &Fingerprint, checksum: &str) -> Result<()> {
        let frames = print.sound.as_ref().map_or(0, |sound| sound.frames);
        let pictures = print.pictures.as_deref().unwrap_or_default();
        let end = frames.checked_add(GAP_FRAMES).and_then(|frames| self.next_frame.checked_add(frames));
        let count = u32::try_from(pictures.len()).ok();
        let end_picture = count.and_then(|count| (self.pictures.len() as u32).checked_add(count));
        let (Some(end), Some(count), Some(_)) = (end, count, end_picture) else { return Err(full()) };
        self.works.push(IndexedWork {
            name: print.name.clone(),
            checksum: checksum.to_owned(),
            length: print.length,
            first_frame: self.next_frame,
            frames,
            first_picture: self.pictures.len() as u32,
            pictures: count,
        });
        for landmark in print.landmarks() {
            self.add_landmark(*landmark)?;
        }
        self.pictures.extend(pictures.iter().map(|picture| [picture.dct, picture.gradient]));
        self.next_frame = end;
        Ok(())
    }

    fn add_landmark(&mut self, landmark: Landmark) -> Result<()> {
        let key = spread(landmark.hash);
        let part = &mut self.parts[sound_slot(key, PART_BITS)];
        part.waiting.push(u64::from(key) << 32 | u64::from(self.next_frame + landmark.frame));
        part.rows += 1;
        if part.waiting.len() == MAX_WAITING { part.spill(&self.folder) } else { Ok(()) }
    }

    /// Writes the index, whole or not at all.
    pub fn finish(mut self, path: &Path, overwrite: Overwrite) -> Result<()> {
        let rows: u64 = self.parts.iter().map(|part| part.rows).sum();
        if u32::try_from(rows).is_err() {
            return Err(full());
        }
        let ids = telling(&self.pictures).count() as u64;
        let works = serde_json::to_vec(&self.works).expect("works are plain data");
        let counts = Counts {
            description: works.len() as u64,
            sound_rows: rows,
            sound_bits: table_bits(rows / 4, MAX_SOUND_BITS).max(PART_BITS),
            picture_bits: table_bits(ids, MAX_PICTURE_BITS),
            pictures: self.pictures.len() as u64,
            ids,
        };
        let mut out = Output::create(path, overwrite, &works)?;
        self.write_sound(&counts, &mut out)?;
        out.section(bytemuck::cast_slice(&self.pictures))?;
        for band in 0..BANDS {
            let (ids, table) = sorted_ids(&self.pictures, band, counts.picture_bits);
            out.section(bytemuck::cast_slice(&ids))?;
            out.section(bytemuck::cast_slice(&table))?;
        }
        out.commit(&counts, &works)
    }

    fn write_sound(&mut self, counts: &Counts, out: &mut Output) -> Result<()> {
        let mut table = Table::new(counts.sound_bits);
        for part in &mut self.parts {
            let mut rows = part.take()?;
            rows.par_sort_unstable();
            rows.iter().for_each(|row| table.count(sound_slot((row >> 32) as u32, counts.sound_bits)));
            out.write(bytemuck::cast_slice(&rows))?;
        }
        out.pad()?;
        out.section(bytemuck::cast_slice(&table.starts()))
    }
}

impl Part {
    fn spill(&mut self, folder: &Path) -> Result<()> {
        if self.spilled.is_none() {
            self.spilled = Some(storage::scratch(folder)?);
        }
        if let Some(file) = &mut self.spilled {
            file.write_all(bytemuck::cast_slice(&self.waiting))
                .map_err(|e| Error::io("written", file.path(), e))?;
        }
        self.waiting.clear();
        Ok(())
    }

    /// All rows, in the order in which they came.
    fn take(&mut self) -> Result<Vec<u64>> {
        let mut rows = vec![0; self.rows as usize - self.waiting.len()];
        if let Some(file) = &mut self.spilled {
            let failed = |e| Error::io("read", file.path(), e);
            let mut reader = file.as_file();
            reader.seek(SeekFrom::Start(0)).map_err(failed)?;
            reader.read_exact(bytemuck::cast_slice_mut(&mut rows)).map_err(failed)?;
        }
        rows.append(&mut self.waiting);
        self.spilled = None;
        Ok(rows)
    }
}

/// How many rows there are in each slot, and then where each slot begins.
struct Table(Vec<u32>);

impl Table {
    fn new(bits: u32) -> Self {
        Self(vec![0; (1 << bits) + 1])
    }

    fn count(&mut self, slot: usize) {
        self.0[slot] += 1;
    }

    fn starts(mut self) -> Vec<u32> {
        let mut next = 0;
        for start in &mut self.0 {
            next += std::mem::replace(start, next);
        }
        self.0
    }
}

/// The numbers of the pictures that tell something, sorted by a third of their hash, and where each value of
/// it begins.
fn sorted_ids(pictures: &[[u64; 2]], band: usize, bits: u32) -> (Vec<u32>, Vec<u32>) {
    let mut table = Table::new(bits);
    telling(pictures).for_each(|(_, dct)| table.count(picture_slot(dct, band, bits)));
    let starts = table.starts();
    let (mut next, mut ids) = (starts.clone(), vec![0; *starts.last().expect("a table has an end") as usize]);
    for (id, dct) in telling(pictures) {
        let place = &mut next[picture_slot(dct, band, bits)];
        ids[*place as usize] = id as u32;
        *place += 1;
    }
    (ids, starts)
}

/// The numbers and DCT hashes of the pictures that tell something.
fn telling(pictures: &[[u64; 2]]) -> impl Iterator<Item = (usize, u64)> {
    let numbered = pictures.iter().enumerate();
    numbered
        .filter(|(_, [dct, gradient])| PictureHash { dct: *dct, gradient: *gradient }.tells())
        .map(|(id, p)| (id, p[0]))
}

/// The file under construction.
struct Output {
    file: AtomicFile,
    path: PathBuf,
    hasher: blake3::Hasher,
    written: usize,
}

impl Output {
    fn create(path: &Path, overwrite: Overwrite, works: &[u8]) -> Result<Self> {
        let file = AtomicFile::reserve(path, overwrite)?;
        let mut out = Self { file, path: path.to_owned(), hasher: blake3::Hasher::new(), written: 0 };
        out.write(&[0; HEADER])?;
        out.write(works)?;
        // The works are under the checksum of the header.
        out.hasher.reset();
        out.pad()?;
        Ok(out)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hasher.update_rayon(bytes);
        self.written += bytes.len();
        self.file.write_all(bytes).map_err(|e| Error::io("written", &self.path, e))
    }

    fn pad(&mut self) -> Result<()> {
        let rest = self.written.next_multiple_of(64) - self.written;
        self.write(&[0; 64][..rest])
    }

    fn section(&mut self, bytes: &[u8]) -> Result<()> {
        self.write(bytes)?;
        self.pad()
    }

    fn commit(mut self, counts: &Counts, works: &[u8]) -> Result<()> {
        let mut header = counts.to_bytes();
        header.extend(self.hasher.finalize().as_bytes());
        let head = blake3::Hasher::new().update(&header).update(works).finalize();
        header.extend(head.as_bytes());
        let failed = |e| Error::io("written", &self.path, e);
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        self.file.write_all(&header).map_err(failed)?;
        self.file.commit()
    }
}

fn full() -> Error {
    Error::new(Kind::Invalid, "too many works for one index: it holds 17 000 hours")
        .help("make several, by period or by archive")
}
