//! Layout of the index file: a header, the list of works, and tables of fixed-size rows that are searched
//! where they lie.
//!
//! All numbers are little-endian, every section begins at a multiple of 64:
//!
//! | section | content |
//! |---|---|
//! | header | 128 bytes: `KinoIndx`, format, counts, BLAKE3 of the tables, BLAKE3 of the header and the works |
//! | works | a JSON list |
//! | sound rows | u64 each, sorted: the spread hash in the upper half, the frame among all works in the lower |
//! | sound table | u32 each, 2^bits + 1: the first row whose upper bits are at least so many |
//! | pictures | 16 bytes each: the two hashes, work after work, four a second |
//! | three times: ids, table | u32 each: the pictures sorted by a third of their DCT hash, and where each value begins |

use kinophone::dsp::units::MediaTime;
use kinophone::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use std::ops::Range;

pub(super) const MAGIC: &[u8; 8] = b"KinoIndx";
pub(super) const FORMAT: u32 = 1;
pub(super) const HEADER: usize = 128;
const ALIGNMENT: usize = 64;
/// Thirds of a DCT hash by which pictures are looked up.
pub(super) const BANDS: usize = 3;
/// First bit of each third.
const BAND_SHIFT: [u32; BANDS] = [0, 21, 42];
/// Bits of a third that are of use.
pub(super) const MAX_PICTURE_BITS: u32 = 21;
pub(super) const MAX_SOUND_BITS: u32 = 26;
/// Frames between works, so that no place in time belongs to two.
pub(super) const GAP_FRAMES: u32 = 1024;

/// A work in an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexedWork {
    /// The name that its fingerprint has.
    pub name: String,
    /// Checksum of its fingerprint: 64 hexadecimal digits.
    pub checksum: String,
    /// Its length.
    pub length: MediaTime,
    pub(super) first_frame: u32,
    pub(super) frames: u32,
    pub(super) first_picture: u32,
    pub(super) pictures: u32,
}

impl IndexedWork {
    pub(in super::super) fn pictures(&self) -> Range<usize> {
        self.first_picture as usize..self.first_picture as usize + self.pictures as usize
    }

    /// The frame of its sound among those of all works.
    pub(in super::super) fn first_frame(&self) -> u32 {
        self.first_frame
    }
}

/// Counts that decide where everything lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) description: u64,
    pub(super) sound_rows: u64,
    pub(super) sound_bits: u32,
    pub(super) picture_bits: u32,
    pub(super) pictures: u64,
    /// Pictures that tell something, which are in the thirds.
    pub(super) ids: u64,
}

/// Where everything lies, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sections {
    pub(super) description: Range<usize>,
    pub(super) sound_rows: Range<usize>,
    pub(super) sound_table: Range<usize>,
    pub(super) pictures: Range<usize>,
    pub(super) ids: [Range<usize>; BANDS],
    pub(super) tables: [Range<usize>; BANDS],
    pub(super) end: usize,
}

impl Counts {
    /// `None` for counts that no file can hold.
    pub(super) fn sections(&self) -> Option<Sections> {
        if self.sound_bits > MAX_SOUND_BITS || self.picture_bits > MAX_PICTURE_BITS {
            return None;
        }
        let mut end = HEADER as u64;
        let mut next = |count: u64, size: u64| {
            let first = end.next_multiple_of(ALIGNMENT as u64);
            end = first.checked_add(count.checked_mul(size)?)?.checked_next_multiple_of(ALIGNMENT as u64)?;
            let last = first + count * size;
            Some(usize::try_from(first).ok()?..usize::try_from(last).ok()?)
        };
        let description = next(self.description, 1)?;
        let sound_rows = next(self.sound_rows, 8)?;
        let sound_table = next((1 << self.sound_bits) + 1, 4)?;
        let pictures = next(self.pictures, size_of::<[u64; 2]>() as u64)?;
        let mut thirds = || Some((next(self.ids, 4)?, next((1 << self.picture_bits) + 1, 4)?));
        let thirds = [thirds()?, thirds()?, thirds()?];
        let ids = thirds.each_ref().map(|(ids, _)| ids.clone());
        let tables = thirds.map(|(_, table)| table);
        let end = usize::try_from(end).ok()?;
        Some(Sections { description, sound_rows, sound_table, pictures, ids, tables, end })
    }

    /// The first 48 bytes of the header.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend(self.sound_bits.to_le_bytes());
        bytes.extend(self.picture_bits.to_le_bytes());
        bytes.extend([0; 4]);
        for count in [self.description, self.sound_rows, self.pictures, self.ids] {
            bytes.extend(count.to_le_bytes());
        }
        bytes
    }

    pub(super) fn from_bytes(header: &[u8; HEADER]) -> Result<Self> {
        let half = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
        let word = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("eight bytes"));
        if half(8) != FORMAT {
            return Err(Error::new(
                Kind::WrongKind,
                format!("is an index of another Kinophone (format {})", half(8)),
            )
            .help("build the index again from the fingerprints"));
        }
        Ok(Self {
            sound_bits: half(12),
            picture_bits: half(16),
            description: word(24),
            sound_rows: word(32),
            pictures: word(40),
            ids: word(48),
        })
    }
}

/// Length of [`Counts::to_bytes`].
pub(super) const COUNTS: usize = 56;
/// Checksum of the tables.
pub(super) const TABLES_SUM: Range<usize> = 56..88;
/// Checksum of everything before it, and of the works.
pub(super) const HEAD_SUM: Range<usize> = 88..120;

/// A hash with its bits spread over all 32, so that tables by the upper ones are evenly filled: the
/// multiplicative method of D. E. Knuth, "The Art of Computer Programming" 3, section 6.4. No two hashes
/// become one.
pub(super) fn spread(hash: u32) -> u32 {
    hash.wrapping_mul(0x9e37_79b1)
}

/// The upper bits by which rows are found.
pub(super) fn sound_slot(spread: u32, bits: u32) -> usize {
    (u64::from(spread) >> (32 - bits)) as usize
}

/// The bits of a third of a DCT hash.
pub(super) fn picture_slot(dct: u64, band: usize, bits: u32) -> usize {
    (dct >> BAND_SHIFT[band]) as usize & ((1 << bits) - 1)
}

/// Bits of a table for so many rows: one for each eight.
pub(super) fn table_bits(rows: u64, most: u32) -> u32 {
    (u64::BITS - (rows / 8).leading_zeros()).min(most)
}
