//! A flat index over the fingerprints of many works, mapped into memory.
//!
//! It is derived from fingerprint files and can be built again from them at any time: 8 bytes a landmark, 28
//! a picture, and tables of a few hundredths of that. A damaged one is refused, and never answers with
//! nothing: its header and list of works are checked when it is opened, all of it by [`Index::verify`], and
//! no damage of a row leads outside.

mod builder;
mod layout;

pub use builder::IndexBuilder;
pub use layout::IndexedWork;

use super::picture::PictureHash;
use kinophone::{Error, Kind, Result, storage};
use layout::{
    BANDS, COUNTS, Counts, HEAD_SUM, HEADER, MAGIC, Sections, TABLES_SUM, picture_slot, sound_slot, spread,
};
use memmap2::Mmap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// An index, opened for reading.
pub struct Index {
    map: Mmap,
    path: PathBuf,
    counts: Counts,
    sections: Sections,
    works: Vec<IndexedWork>,
}

impl Index {
    /// Opens an index and checks its header and list of works. Fails with [`Kind::WrongKind`] for another
    /// file or version, and with [`Kind::Damaged`] where something is not as it was written.
    pub fn open(path: &Path) -> Result<Self> {
        let map = storage::map_file(path)?;
        Self::of_map(map, path).map_err(|e| e.or_at(path))
    }

    fn of_map(map: Mmap, path: &Path) -> Result<Self> {
        if !map.starts_with(MAGIC) {
            return Err(Error::new(Kind::WrongKind, "is not an index of fingerprints")
                .help("build it again from the fingerprints"));
        }
        let header = map.first_chunk::<HEADER>().ok_or_else(|| damaged("is cut off"))?;
        let counts = Counts::from_bytes(header)?;
        let sections = counts.sections().ok_or_else(|| damaged("has impossible counts"))?;
        if sections.end != map.len() {
            return Err(damaged("is cut off, or goes on after its end"));
        }
        let works = &map[sections.description.clone()];
        let sum = blake3::Hasher::new().update(&header[..HEAD_SUM.start]).update(works).finalize();
        if header[HEAD_SUM.end..] != [0; HEADER - HEAD_SUM.end] {
            return Err(damaged("has a header that was changed"));
        }
        if sum.as_bytes()[..] != header[HEAD_SUM] && !cfg!(feature = "fuzzing") {
            return Err(damaged("has a wrong checksum: it was changed"));
        }
        let works = serde_json::from_slice(works).map_err(|e| damaged("has no list of works").because(e))?;
        let index = Self { map, path: path.to_owned(), counts, sections, works };
        index.check_works()?;
        Ok(index)
    }

    /// The works, in the order in which they were added.
    pub fn works(&self) -> &[IndexedWork] {
        &self.works
    }

    /// Compares the checksum of all tables, which takes a second for two gigabytes. Fails with
    /// [`Kind::Damaged`].
    pub fn verify(&self) -> Result<()> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_rayon(&self.map[self.sections.description.end..]);
        if hasher.finalize().as_bytes()[..] == self.map[TABLES_SUM] {
            Ok(())
        } else {
            Err(damaged("has a wrong checksum: it was changed").at(&self.path))
        }
    }

    /// Works must lie one after another.
    fn check_works(&self) -> Result<()> {
        let (mut frame, mut picture) = (0u64, 0u64);
        for work in &self.works {
            let begins = (u64::from(work.first_frame), u64::from(work.first_picture));
            if begins.0 < frame || begins.1 != picture {
                return Err(damaged("has works that overlap"));
            }
            if work.length.0 < 0 {
                return Err(damaged("has a work of an impossible length"));
            }
            frame = begins.0 + u64::from(work.frames);
            picture += u64::from(work.pictures);
        }
        if picture == self.counts.pictures { Ok(()) } else { Err(damaged("has pictures of no work")) }
    }

    /// Landmarks of all works.
    pub(super) fn sound_rows(&self) -> u64 {
        self.counts.sound_rows
    }

    /// The frames, among those of all works, at which a hash occurs.
    pub(super) fn frames(&self, hash: u32) -> impl ExactSizeIterator<Item = u32> + '_ {
        let key = spread(hash);
        let rows: &[u64] = self.rows(&self.sections.sound_rows);
        let slot = self.slot(&self.sections.sound_table, sound_slot(key, self.counts.sound_bits));
        let rows = rows.get(slot).unwrap_or_default();
        let from = rows.partition_point(|row| row >> 32 < u64::from(key));
        let to = from + rows[from..].partition_point(|row| row >> 32 == u64::from(key));
        rows[from..to].iter().map(|row| *row as u32)
    }

    /// The hashes of a picture among those of all works.
    pub(super) fn picture(&self, number: usize) -> PictureHash {
        let pictures: &[[u64; 2]] = self.rows(&self.sections.pictures);
        pictures.get(number).map_or(PictureHash::NONE, |&[dct, gradient]| PictureHash { dct, gradient })
    }

    /// Calls `each` with the number of every picture that differs in at most `errors` bits of a third, 0 to
    /// 2, from a hash: all that differ in at most 3 · errors + 2 of 63 bits, and many that differ in more. A
    /// picture may come more than once.
    pub(super) fn similar_pictures(&self, dct: u64, errors: usize, mut each: impl FnMut(u32)) {
        let bits = self.counts.picture_bits;
        for band in 0..BANDS {
            let own = picture_slot(dct, band, bits);
            let ids: &[u32] = self.rows(&self.sections.ids[band]);
            let mut look = |slot: usize| {
                let range = self.slot(&self.sections.tables[band], slot);
                ids.get(range).unwrap_or_default().iter().for_each(|id| each(*id));
            };
            look(own);
            for one in (0..bits).filter(|_| errors > 0) {
                look(own ^ 1 << one);
                (0..one).filter(|_| errors > 1).for_each(|two| look(own ^ 1 << one ^ 1 << two));
            }
        }
    }

    /// The work that a frame, or a picture, among those of all works belongs to.
    pub(super) fn work_at(&self, frame: u32) -> Option<usize> {
        let after = self.works.partition_point(|work| work.first_frame <= frame);
        let number = after.checked_sub(1)?;
        (frame - self.works[number].first_frame <= self.works[number].frames).then_some(number)
    }

    /// The work that a picture among those of all works belongs to.
    pub(super) fn work_of_picture(&self, picture: u32) -> Option<usize> {
        self.works.partition_point(|work| work.first_picture <= picture).checked_sub(1)
    }

    fn rows<T: bytemuck::AnyBitPattern>(&self, section: &Range<usize>) -> &[T] {
        bytemuck::cast_slice(&self.map[section.clone()])
    }

    /// The rows of a slot; nothing where a damaged table says what can't be.
    fn slot(&self, table: &Range<usize>, slot: usize) -> Range<usize> {
        let table: &[u32] = self.rows(table);
        match table.get(slot..slot + 2) {
            Some(&[from, to]) if from <= to => from as usize..to as usize,
            _ => 0..0,
        }
    }
}

fn damaged(what: &str) -> Error {
    Error::new(Kind::Damaged, what).help("build the index again from the fingerprints")
}

const _: () = assert!(COUNTS == TABLES_SUM.start && HEAD_SUM.start == TABLES_SUM.end);
