//! Header of a shard: its facts, its layout in bytes, and its checks.
//!
//! A safetensors file is an unsigned 64-bit little-endian length, a JSON header of that length (spaces may follow the
//! JSON), and the tensors one after another without gaps (format description of the safetensors project, "Format").

use crate::dataset::shard::sound::MAX_EXPONENT;
use crate::ledger::Source;
use crate::task::gist;
use crate::wording::{cut, one_line};
use kinophone_dsp::units::{MediaTime, SampleRate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of the length in front of the header.
pub(crate) const LENGTH: usize = 8;
/// Tensors begin at a multiple of this, so that each 64 × 64 grey picture lies in a memory page of its own.
const PAGE: usize = 4096;
/// No time lies further from zero (31 years); sums of such times can't overflow.
pub(crate) const MAX_TIME_US: i64 = 1_000_000_000_000_000;
/// Largest side of a picture.
pub(crate) const MAX_SIZE: u32 = 1024;
/// The layout that this code writes, and the newest that it reads.
/// Version 1 had no scale of its sound.
const VERSION: u32 = 2;
const CHECKSUM_LEN: usize = 64;
/// No table has more numbers a row.
const MAX_COLUMNS: u64 = 1024;
/// Room in the header for tables that describe sound, and for complaints.
const LATE_ROOM: usize = 4096;
/// Bytes of a complaint that are kept: with every one escaped, both find room.
const MAX_COMPLAINT: usize = 600;

/// Everything in a header, apart from the checksum.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ShardFacts {
    pub(crate) source: Source,
    pub(crate) complaints: Complaints,
    pub(crate) end: MediaTime,
    pub(crate) size: u32,
    pub(crate) colour: bool,
    pub(crate) pictures: u64,
    pub(crate) sound: Option<SoundFormat>,
    /// Tables that describe the sound, and the parameters with which they were made.
    pub(crate) tables: Vec<TableShape>,
    pub(crate) sound_parameters: Option<serde_json::Value>,
}

/// The gist of what was not as it should be when a film was prepared. Whoever uses its shard says it again, since nothing is decoded then.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Complaints {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pictures: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sound: Option<String>,
}

impl Complaints {
    pub(crate) fn of(pictures: &[String], sound: &[String]) -> Self {
        let kept =
            |complaints: &[String]| gist(complaints).map(|text| cut(&one_line(&text), MAX_COMPLAINT, " …"));
        Self { pictures: kept(pictures), sound: kept(sound) }
    }
}

/// Name and shape of a table that describes the sound; all follow the sound in this order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TableShape {
    pub(crate) name: String,
    pub(crate) kind: NumberType,
    pub(crate) rows: u64,
    pub(crate) columns: u64,
}

/// Type of a table's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberType {
    F32,
    I64,
}

impl NumberType {
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::I64 => 8,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::I64 => "I64",
        }
    }
}

impl TableShape {
    pub(crate) fn len(&self) -> u64 {
        self.rows * self.columns * self.kind.bytes()
    }

    /// Reads a tensor's header, which must be possible in a file with `data_len` bytes.
    fn read(name: &str, tensor: &TensorHeader, data_len: u64) -> Option<Self> {
        let kind = [NumberType::F32, NumberType::I64].into_iter().find(|kind| kind.name() == tensor.dtype)?;
        let [rows, columns] = tensor.shape[..] else { return None };
        let possible = rows <= data_len && (1..=MAX_COLUMNS).contains(&columns);
        possible.then(|| Self { name: name.to_owned(), kind, rows, columns })
    }
}

/// Format of the sound tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SoundFormat {
    pub(crate) rate: SampleRate,
    pub(crate) channels: u32,
    pub(crate) samples: u64,
    /// See [`ShardSound`](crate::dataset::ShardSound).
    pub(crate) exponent: i8,
    /// See [`ShardSound`](crate::dataset::ShardSound).
    pub(crate) opposed: bool,
}

/// Beginnings of the tensors, in bytes from the end of the header, and the end of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShardLayout {
    pub(crate) times: u64,
    pub(crate) sound: u64,
    pub(crate) tables: u64,
    pub(crate) end: u64,
}

impl ShardFacts {
    /// Bytes of one picture.
    pub(crate) fn picture_len(&self) -> u64 {
        u64::from(self.size) * u64::from(self.size) * self.channels()
    }

    fn channels(&self) -> u64 {
        if self.colour { 3 } else { 1 }
    }

    /// Bytes of the `padding` tensor, which brings `times_us` to a multiple of eight where pictures of an odd side do
    /// not: readers that map the file want numbers aligned.
    pub(crate) fn padding(&self) -> u64 {
        (self.pictures * self.picture_len()).next_multiple_of(8) - self.pictures * self.picture_len()
    }

    /// Positions that follow from the facts.
    pub(crate) fn layout(&self) -> ShardLayout {
        let times = self.pictures * self.picture_len() + self.padding();
        let sound = times + 8 * self.pictures;
        let tables = sound + self.sound.map_or(0, |s| 2 * u64::from(s.channels) * s.samples);
        let end = tables + self.tables.iter().map(TableShape::len).sum::<u64>();
        ShardLayout { times, sound, tables, end }
    }

    /// Bytes to leave free for length and header while pictures, samples and end are not known yet.
    pub(crate) fn reserve(source: &Source, size: u32, colour: bool) -> usize {
        // Counts with more digits than any film can need: 10^12 pictures of the largest size still fit 64 bits.
        let rate = SampleRate::new(768_000).ok();
        let sound = rate.map(|rate| SoundFormat {
            rate,
            channels: 2,
            samples: 1_000_000_000_000_000,
            exponent: -MAX_EXPONENT,
            opposed: true,
        });
        let end = MediaTime(-MAX_TIME_US);
        let facts = Self {
            source: source.clone(),
            complaints: Complaints::default(),
            end,
            size,
            colour,
            pictures: 1_000_000_000_001,
            sound,
            tables: Vec::new(),
            sound_parameters: None,
        };
        facts.room()
    }

    /// Bytes of length and header, with room for what is known late.
    pub(crate) fn room(&self) -> usize {
        (LENGTH + self.json(&"0".repeat(CHECKSUM_LEN)).len() + LATE_ROOM).next_multiple_of(PAGE)
    }

    /// The header's bytes, without the length in front, filled up with spaces to `len`; `None` where it needs more.
    pub(crate) fn header(&self, checksum: &str, len: usize) -> Option<Vec<u8>> {
        let mut bytes = self.json(checksum);
        (bytes.len() <= len).then(|| {
            bytes.resize(len, b' ');
            bytes
        })
    }

    fn json(&self, checksum: &str) -> Vec<u8> {
        serde_json::to_vec(&self.to_header(checksum)).expect("strings and numbers always become JSON")
    }

    fn to_header(&self, checksum: &str) -> Header {
        let note = Note {
            version: VERSION,
            checksum: checksum.to_owned(),
            end_us: self.end,
            sound_rate: self.sound.map(|s| s.rate),
            sound_exponent: self.sound.map_or(0, |s| s.exponent),
            sound_opposed: self.sound.is_some_and(|s| s.opposed),
            source: self.source.clone(),
            complaints: self.complaints.clone(),
            described: self.sound_parameters.clone(),
        };
        let note = serde_json::to_string(&note).expect("strings and numbers always become JSON");
        let layout = self.layout();
        let (pictures_end, side) = (self.pictures * self.picture_len(), u64::from(self.size));
        let padding = TensorHeader::new("U8", &[self.padding()], pictures_end, layout.times);
        let sound = |s: SoundFormat| {
            TensorHeader::new("I16", &[s.samples, u64::from(s.channels)], layout.sound, layout.tables)
        };
        let mut at = layout.tables;
        let table = |table: &TableShape| {
            let from = at;
            at += table.len();
            let shape = [table.rows, table.columns];
            (table.name.clone(), TensorHeader::new(table.kind.name(), &shape, from, at))
        };
        let tables = self.tables.iter().map(table).collect();
        Header {
            metadata: Metadata { kinophone: note },
            pictures: TensorHeader::new("U8", &[self.pictures, side, side, self.channels()], 0, pictures_end),
            padding: (self.padding() > 0).then_some(padding),
            times_us: TensorHeader::new("I64", &[self.pictures], layout.times, layout.sound),
            sound: self.sound.map(sound),
            tables,
        }
    }

    /// Reads a header, which must be exactly what [`ShardFacts::header`] would make for a file with `data_len` bytes of
    /// tensors. Returns the facts and the checksum, or a clause that says what is wrong.
    pub(crate) fn read(header: &[u8], data_len: u64) -> Result<(Self, String), String> {
        let found: Header =
            serde_json::from_slice(header).map_err(|e| format!("has a header that is no shard's: {e}"))?;
        let version: FormatVersion = parse_note(&found)?;
        if version.version > VERSION {
            return Err(format!("was written by a newer Kinophone (format {})", version.version));
        }
        let note: Note = parse_note(&found)?;
        let [pictures, height, width, channels] = found.pictures.shape[..] else {
            return Err("its pictures do not have four dimensions".to_owned());
        };
        let size = u32::try_from(height).ok().filter(|s| (1..=MAX_SIZE).contains(s) && height == width);
        let size = size.ok_or_else(|| format!("its pictures measure {width} × {height}"))?;
        if !matches!(channels, 1 | 3) || pictures > data_len {
            return Err(format!("claims {pictures} pictures of {channels} channels"));
        }
        if pictures == 0 && found.sound.is_none() {
            return Err("holds neither pictures nor sound".to_owned());
        }
        if note.end_us.0.unsigned_abs() > MAX_TIME_US.unsigned_abs() {
            return Err("claims to be longer than 31 years".to_owned());
        }
        let sound = sound_format(&found, &note, data_len)?;
        let table = |(name, tensor): (&String, &TensorHeader)| {
            TableShape::read(name, tensor, data_len)
                .ok_or_else(|| format!("claims an impossible tensor {name}"))
        };
        let mut tables = found.tables.iter().map(table).collect::<Result<Vec<_>, _>>()?;
        tables.sort_by_key(|table| found.tables[&table.name].data_offsets);
        let facts = Self {
            source: note.source,
            complaints: note.complaints,
            end: note.end_us,
            size,
            colour: channels == 3,
            pictures,
            sound,
            tables,
            sound_parameters: note.described,
        };
        facts.check_tensors(&found, data_len)?;
        Ok((facts, note.checksum))
    }

    /// Types, shapes and offsets must be those that the counts imply, and fill the file.
    fn check_tensors(&self, found: &Header, data_len: u64) -> Result<(), String> {
        // Counts are at most the file's length here, but their product may still exceed 64 bits.
        let long = |table: &TableShape| u128::from(table.rows) * u128::from(8 * table.columns);
        let tables: u128 = self.tables.iter().map(long).sum();
        if u128::from(self.pictures) * u128::from(self.picture_len()) > u128::from(data_len)
            || tables > 2 * u128::from(data_len)
        {
            return Err("is shorter than its header says".to_owned());
        }
        if self.layout().end != data_len {
            return Err(format!("holds {data_len} bytes where its header says {}", self.layout().end));
        }
        let expected = self.to_header("");
        let same = found.pictures == expected.pictures
            && found.padding == expected.padding
            && found.times_us == expected.times_us
            && found.sound == expected.sound
            && found.tables == expected.tables;
        if same { Ok(()) } else { Err("its tensors are not laid out as a shard's".to_owned()) }
    }
}

fn sound_format(found: &Header, note: &Note, data_len: u64) -> Result<Option<SoundFormat>, String> {
    match (&found.sound, note.sound_rate) {
        (None, None) => Ok(None),
        (Some(tensor), Some(rate)) => match tensor.shape[..] {
            [samples, channels @ 1..=2]
                if samples <= data_len / 2
                    && note.sound_exponent.unsigned_abs() <= MAX_EXPONENT.unsigned_abs() =>
            {
                Ok(Some(SoundFormat {
                    rate,
                    channels: channels as u32,
                    samples,
                    exponent: note.sound_exponent,
                    opposed: note.sound_opposed,
                }))
            }
            _ => Err(format!("claims sound of shape {:?}", tensor.shape)),
        },
        _ => Err("has sound without a rate, or a rate without sound".to_owned()),
    }
}

fn parse_note<'a, T: Deserialize<'a>>(header: &'a Header) -> Result<T, String> {
    serde_json::from_str(&header.metadata.kinophone)
        .map_err(|e| format!("has metadata that is no shard's: {e}"))
}

/// The header with the checksum replaced by as many zeros: what the checksum is taken over. `None` where the checksum
/// is not 64 characters that stand in the header exactly once.
pub(crate) fn without_checksum(header: &[u8], checksum: &str) -> Option<Vec<u8>> {
    if checksum.len() != CHECKSUM_LEN {
        return None;
    }
    let mut places = header.windows(CHECKSUM_LEN).enumerate().filter(|(_, w)| *w == checksum.as_bytes());
    let (at, _) = places.next()?;
    if places.next().is_some() {
        return None;
    }
    let mut bytes = header.to_owned();
    bytes[at..at + CHECKSUM_LEN].fill(b'0');
    Some(bytes)
}

/// A placeholder of the same length as a checksum.
pub(crate) fn no_checksum() -> String {
    "0".repeat(CHECKSUM_LEN)
}

#[derive(Serialize, Deserialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    metadata: Metadata,
    pictures: TensorHeader,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    padding: Option<TensorHeader>,
    times_us: TensorHeader,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sound: Option<TensorHeader>,
    #[serde(flatten)]
    tables: BTreeMap<String, TensorHeader>,
}

/// The format allows strings only, so ours is one string of JSON.
#[derive(Serialize, Deserialize)]
struct Metadata {
    kinophone: String,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct TensorHeader {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

impl TensorHeader {
    fn new(dtype: &str, shape: &[u64], from: u64, to: u64) -> Self {
        Self { dtype: dtype.to_owned(), shape: shape.to_owned(), data_offsets: [from, to] }
    }
}

#[derive(Serialize, Deserialize)]
struct Note {
    version: u32,
    checksum: String,
    end_us: MediaTime,
    sound_rate: Option<SampleRate>,
    #[serde(default)]
    sound_exponent: i8,
    #[serde(default)]
    sound_opposed: bool,
    source: Source,
    #[serde(default)]
    complaints: Complaints,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    described: Option<serde_json::Value>,
}

/// Read before the rest, which a newer format may lack.
#[derive(Deserialize)]
struct FormatVersion {
    version: u32,
}
