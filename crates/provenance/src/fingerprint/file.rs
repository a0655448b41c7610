//! The fingerprint of a work as one immutable, checked file.
//!
//! All numbers are little-endian:
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `KinoPrnt` |
//! | 4 | version of the format |
//! | 4 | bytes of the description |
//! | 8 | landmarks |
//! | 8 | pictures |
//! | 32 | BLAKE3 of the whole file without these 32 bytes |
//! | … | description, a JSON object |
//! | 8 each | landmarks: frame, hash; in the order of frames |
//! | 16 each | pictures: DCT hash, gradient hash |
//!
//! Every bit is covered by the checksum or is that of the checksum, and nothing may follow: a file that was
//! changed, cut off or added to is refused.

use super::landmarks::{HASHES, Landmark};
use super::picture::PictureHash;
use super::sampler::PICTURE_US;
use super::spectrum::{HOP, SOUND_RATE};
use kinophone::dsp::units::MediaTime;
use kinophone::storage::{self, Overwrite};
use kinophone::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read;
use std::path::Path;

const MAGIC: &[u8; 8] = b"KinoPrnt";
/// Of the layout of the file.
const FORMAT: u32 = 1;
/// Of what landmarks and hashes mean: fingerprints of different versions can't be compared.
const ANALYSIS: u32 = 1;
const CHECKSUM: std::ops::Range<usize> = 32..64;
const HEADER: usize = 64;
const LANDMARK: usize = 8;
const PICTURE: usize = 16;
/// A longer description is no honest one.
const MAX_DESCRIPTION: usize = 1 << 16;
/// A file of a year of sound; no work is longer.
const MAX_BYTES: u64 = 16 << 30;

/// The fingerprint of a work: of its sound, its pictures, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// Whose it is: a title, or a key of a registry.
    pub name: String,
    /// The end of the work's sound or pictures, whichever is later.
    pub length: MediaTime,
    /// Landmarks in the order of frames, and the length of the sound in frames of 16 ms; `None` where there
    /// is no sound.
    pub sound: Option<SoundPrint>,
    /// Hashes of the pictures on the screen at multiples of a quarter second; `None` where there are none.
    pub pictures: Option<Vec<PictureHash>>,
}

/// The landmarks of a sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SoundPrint {
    /// In the order of frames.
    pub landmarks: Vec<Landmark>,
    /// Length, in frames of 16 ms.
    pub frames: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    analysis: u32,
    name: String,
    length_us: i64,
    sound_frames: Option<u32>,
    has_pictures: bool,
}

impl Fingerprint {
    /// Writes the file whole or not at all, and says its checksum: 64 hexadecimal digits, by which the
    /// fingerprint may be known. Fails with [`Kind::Invalid`] where the parts do not fit each other or the
    /// name is too long.
    pub fn save(&self, path: &Path, overwrite: Overwrite) -> Result<String> {
        let bytes = self.to_bytes().map_err(|e| e.at(path))?;
        storage::write_atomically(path, overwrite, &bytes)?;
        Ok(checksum(&bytes).to_hex().to_string())
    }

    /// Reads and checks the file; hands out its checksum, too. Fails with [`Kind::WrongKind`] for another
    /// file or version, and with [`Kind::Damaged`] where a bit is not as it was written.
    pub fn load(path: &Path) -> Result<(Self, String)> {
        let bytes = read(path)?;
        let read = Self::from_bytes(&bytes).map_err(|e| e.at(path))?;
        Ok((read, checksum(&bytes).to_hex().to_string()))
    }

    /// The file in memory.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check()
            .map_err(|what| Error::new(Kind::Invalid, format!("can't hold a fingerprint that {what}")))?;
        let description = serde_json::to_vec(&self.description()).expect("descriptions are plain data");
        if description.len() > MAX_DESCRIPTION {
            return Err(Error::new(Kind::Invalid, "has too long a name").help("give it a shorter one"));
        }
        let (landmarks, pictures) = (self.landmarks(), self.pictures.as_deref().unwrap_or_default());
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend((description.len() as u32).to_le_bytes());
        bytes.extend((landmarks.len() as u64).to_le_bytes());
        bytes.extend((pictures.len() as u64).to_le_bytes());
        bytes.extend([0; CHECKSUM.end - CHECKSUM.start]);
        bytes.extend(description);
        bytes.extend(landmarks.iter().flat_map(|l| [l.frame.to_le_bytes(), l.hash.to_le_bytes()].concat()));
        bytes.extend(pictures.iter().flat_map(|p| [p.dct.to_le_bytes(), p.gradient.to_le_bytes()].concat()));
        let sum = checksum(&bytes);
        bytes[CHECKSUM].copy_from_slice(sum.as_bytes());
        Ok(bytes)
    }

    /// Reads what [`Fingerprint::to_bytes`] has made.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if !bytes.starts_with(MAGIC) {
            return Err(stranger());
        }
        let header = bytes.first_chunk::<HEADER>().ok_or_else(|| damaged("is cut off"))?;
        let half = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
        let count = |at: usize| u64::from_le_bytes(header[at..at + 8].try_into().expect("eight bytes"));
        check_version("format", half(8), FORMAT)?;
        if checksum(bytes).as_bytes()[..] != header[CHECKSUM] && !cfg!(feature = "fuzzing") {
            return Err(damaged("has a wrong checksum: it was changed or cut off"));
        }
        let content = &bytes[HEADER..];
        let (description, content) = split(content, u64::from(half(12)), 1)?;
        let (landmarks, content) = split(content, count(16), LANDMARK)?;
        let (pictures, rest) = split(content, count(24), PICTURE)?;
        if !rest.is_empty() {
            return Err(damaged("goes on after its end"));
        }
        let read = assembled(described(description)?, landmarks, pictures)?;
        read.check().map_err(|what| damaged(&format!("holds a fingerprint that {what}")))?;
        Ok(read)
    }

    /// The landmarks, none where there is no sound.
    pub fn landmarks(&self) -> &[Landmark] {
        self.sound.as_ref().map_or(&[], |sound| &sound.landmarks)
    }

    fn description(&self) -> Description {
        Description {
            analysis: ANALYSIS,
            name: self.name.clone(),
            length_us: self.length.0,
            sound_frames: self.sound.as_ref().map(|sound| sound.frames),
            has_pictures: self.pictures.is_some(),
        }
    }

    /// What is not as it must be; completes "a fingerprint that …".
    fn check(&self) -> Result<(), &'static str> {
        let length = i128::from(self.length.0);
        let frames = self.sound.as_ref().map_or(0, |sound| sound.frames);
        let sound_us = i128::from(frames) * 1_000_000 * HOP as i128 / i128::from(SOUND_RATE);
        let picture_us =
            self.pictures.as_ref().map_or(0, |pictures| pictures.len() as i128 * i128::from(PICTURE_US));
        // A frame, and a picture, may begin just before the end.
        let longest = sound_us.max(picture_us);
        if length < 0 || longest > length + 1_000_000 {
            return Err("is longer than its work");
        }
        let landmarks = self.landmarks();
        if landmarks.iter().any(|l| l.hash >= HASHES || l.frame > frames) {
            return Err("has impossible landmarks");
        }
        if !landmarks.is_sorted_by_key(|l| l.frame) {
            return Err("has landmarks out of order");
        }
        Ok(())
    }
}

fn described(text: &[u8]) -> Result<Description> {
    #[derive(Deserialize)]
    struct Version {
        analysis: u32,
    }
    let unreadable = |e: serde_json::Error| damaged("has a description that can't be read").because(e);
    let version: Version = serde_json::from_slice(text).map_err(unreadable)?;
    check_version("analysis", version.analysis, ANALYSIS)?;
    serde_json::from_slice(text).map_err(unreadable)
}

fn assembled(about: Description, landmarks: &[u8], pictures: &[u8]) -> Result<Fingerprint> {
    if about.sound_frames.is_none() && !landmarks.is_empty() || !about.has_pictures && !pictures.is_empty() {
        return Err(damaged("holds what its description denies"));
    }
    let (halves, _) = landmarks.as_chunks::<4>();
    let landmark =
        |pair: &[[u8; 4]]| Landmark { frame: u32::from_le_bytes(pair[0]), hash: u32::from_le_bytes(pair[1]) };
    let sound = about
        .sound_frames
        .map(|frames| SoundPrint { landmarks: halves.chunks_exact(2).map(landmark).collect(), frames });
    let (words, _) = pictures.as_chunks::<8>();
    let picture = |pair: &[[u8; 8]]| PictureHash {
        dct: u64::from_le_bytes(pair[0]),
        gradient: u64::from_le_bytes(pair[1]),
    };
    let pictures = about.has_pictures.then(|| words.chunks_exact(2).map(picture).collect());
    Ok(Fingerprint { name: about.name, length: MediaTime(about.length_us), sound, pictures })
}

/// The first `count` items of `size` bytes, and the rest.
fn split(bytes: &[u8], count: u64, size: usize) -> Result<(&[u8], &[u8])> {
    let length = usize::try_from(count).ok().and_then(|count| count.checked_mul(size));
    length.and_then(|length| bytes.split_at_checked(length)).ok_or_else(|| damaged("is cut off"))
}

fn checksum(bytes: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&bytes[..CHECKSUM.start]).update(&bytes[CHECKSUM.end..]);
    hasher.finalize()
}

/// The whole file, once its first bytes are right: a film of some gigabytes is refused after eight of them.
fn read(path: &Path) -> Result<Vec<u8>> {
    let failed = |e| Error::io("read", path, e);
    let facts = std::fs::metadata(path).map_err(failed)?;
    if !facts.is_file() {
        return Err(stranger().at(path));
    }
    let mut file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    (&mut file).take(MAGIC.len() as u64).read_to_end(&mut bytes).map_err(failed)?;
    if bytes != MAGIC {
        return Err(stranger().at(path));
    }
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

fn check_version(what: &str, found: u32, known: u32) -> Result<()> {
    if found == known {
        return Ok(());
    }
    let made = if found > known { "a newer" } else { "an older" };
    Err(Error::new(
        Kind::WrongKind,
        format!("is a fingerprint of {made} Kinophone ({what} {found}; this one knows {known})"),
    )
    .help("make the fingerprint again, from the work, or use the Kinophone that made it"))
}

fn stranger() -> Error {
    Error::new(Kind::WrongKind, "is not a fingerprint")
        .help("name a file that 'kinophone registry add' has made")
}

fn damaged(what: &str) -> Error {
    Error::new(Kind::Damaged, what).help("copy the fingerprint again, or make it again from the work")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::synthetic::Draw;
    use proptest::prelude::*;

    fn sample() -> Fingerprint {
        let mut draw = Draw(5);
        let mut landmark = |k: u32| Landmark { frame: 3 * k, hash: (draw.bits() % u64::from(HASHES)) as u32 };
        let sound = SoundPrint { landmarks: (0..40).map(&mut landmark).collect(), frames: 300 };
        let picture = |k: u64| PictureHash { dct: k.wrapping_mul(0x1234_5678_9abc_def1), gradient: !k };
        let pictures = Some((0..19).map(picture).collect());
        Fingerprint {
            name: "Potemkin \"1925\"\n".into(),
            length: MediaTime(4_800_000),
            sound: Some(sound),
            pictures,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.print");
        let variants = [
            sample(),
            Fingerprint { sound: None, ..sample() },
            Fingerprint { pictures: None, ..sample() },
            Fingerprint { pictures: Some(Vec::new()), sound: Some(SoundPrint::default()), ..sample() },
        ];
        for print in variants {
            let sum = print.save(&path, Overwrite::Replace).unwrap();
            assert_eq!(Fingerprint::load(&path).unwrap(), (print, sum));
        }
        assert_eq!(sample().save(&path, Overwrite::Refuse).unwrap_err().kind(), Kind::Exists);
    }

    #[test]
    fn every_changed_bit_every_cut_and_every_addition_is_refused() {
        let bytes = sample().to_bytes().unwrap();
        for bit in 0..8 * bytes.len() {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(Fingerprint::from_bytes(&changed).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(Fingerprint::from_bytes(&bytes[..length]).is_err(), "{length}");
        }
        assert!(Fingerprint::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    }

    /// Bytes with the right checksum.
    fn summed(mut bytes: Vec<u8>) -> Vec<u8> {
        let sum = checksum(&bytes);
        bytes[CHECKSUM].copy_from_slice(sum.as_bytes());
        bytes
    }

    proptest! {
        #[test]
        fn hostile_files_with_a_right_checksum_are_refused_or_whole(
            changes in proptest::collection::vec((0usize..400, any::<u8>()), 1..6), cut in 0usize..100,
        ) {
            let mut bytes = sample().to_bytes().unwrap();
            changes.iter().for_each(|(at, value)| { let at = *at % bytes.len(); bytes[at] = *value; });
            bytes.truncate((bytes.len() - cut).max(HEADER));
            if let Ok(read) = Fingerprint::from_bytes(&summed(bytes.clone())) {
                prop_assert!(read.to_bytes().is_ok());
                prop_assert!(read.landmarks().len() * LANDMARK <= bytes.len());
            }
        }
    }

    #[test]
    fn counts_beyond_memory_other_versions_and_other_files_are_told_apart() {
        let mut bytes = sample().to_bytes().unwrap();
        bytes[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(Fingerprint::from_bytes(&summed(bytes)).unwrap_err().kind(), Kind::Damaged);
        let mut bytes = sample().to_bytes().unwrap();
        bytes[8] = 2;
        let newer = Fingerprint::from_bytes(&summed(bytes)).unwrap_err();
        assert_eq!(newer.kind(), Kind::WrongKind);
        assert!(newer.to_string().contains("newer Kinophone (format 2"), "{newer}");
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Fingerprint::load(folder.path()).unwrap_err().kind(), Kind::WrongKind);
        assert_eq!(Fingerprint::load(&folder.path().join("none")).unwrap_err().kind(), Kind::NotFound);
        std::fs::write(folder.path().join("x"), "some text").unwrap();
        assert_eq!(Fingerprint::load(&folder.path().join("x")).unwrap_err().kind(), Kind::WrongKind);
    }

    #[test]
    fn what_could_not_be_read_is_not_written() {
        let long = Fingerprint { name: "x".repeat(70_000), ..sample() };
        assert_eq!(long.to_bytes().unwrap_err().kind(), Kind::Invalid);
        let short = Fingerprint { length: MediaTime(1_000_000), ..sample() };
        assert!(short.to_bytes().unwrap_err().to_string().contains("longer than its work"));
    }
}
