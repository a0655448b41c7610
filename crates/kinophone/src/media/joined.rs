//! Files that were joined end to end in formats that tell where they end: ffmpeg reads the first part and is silent on the rest.
//!
//! | format | what a part consists of | where the next begins |
//! |---|---|---|
//! | RIFF (WAV, AVI), IFF (AIFF) | a chunk of a stated length | after it; `RIFF…AVIX` goes on with the same film |
//! | ISO (MP4, MOV) | boxes, one of them `moov` | at a second `moov` |
//! | ASF (WMV, WMA) | objects that begin with a header | at a second header |
//! | FLV | tags that follow a header of nine bytes | at a second header |

use crate::media::boxes::{FIRST, descriptions};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Pieces that are looked at, at most: a day of FLV has ten million tags, and a hostile file claims more.
const MOST: usize = 1_000_000;
/// The GUID of an ASF header (ASF specification, 10.1).
const ASF_HEADER: [u8; 16] =
    [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, 0xa6, 0xd9, 0, 0xaa, 0, 0x62, 0xce, 0x6c];

/// True if another recording follows the one that a file begins with.
pub(crate) fn is_joined(path: &Path) -> bool {
    File::open(path).and_then(|mut file| followed(&mut file)).unwrap_or(false)
}

fn followed(file: &mut File) -> io::Result<bool> {
    let end = file.seek(SeekFrom::End(0))?;
    let Some(head) = head_at(file, 0, end)? else { return Ok(false) };
    let next: fn(&[u8; HEAD]) -> Option<Piece> = match &head {
        [b'R', b'I', b'F', b'F', ..] | [b'F', b'O', b'R', b'M', ..] => chunk,
        [b'F', b'L', b'V', 1, ..] => tag,
        _ if head.starts_with(&ASF_HEADER) => object,
        _ if FIRST.iter().any(|name| head[4..8] == name[..]) => return Ok(descriptions(file, end)? > 1),
        _ => return Ok(false),
    };
    let (mut at, mut beginnings) = (0, 0);
    for _ in 0..MOST {
        let Some(piece) = head_at(file, at, end)?.and_then(|head| next(&head)) else { break };
        beginnings += usize::from(piece.begins);
        if beginnings > 1 {
            return Ok(true);
        }
        at = at.saturating_add(piece.length);
    }
    Ok(false)
}

/// One of the pieces of which a file consists.
struct Piece {
    /// True if no recording has two of it.
    begins: bool,
    /// Bytes, at least one.
    length: u64,
}

/// Bytes by which every piece is known.
const HEAD: usize = 24;

/// The bytes at a place, zeros after the last; `None` at the end.
fn head_at(file: &mut File, at: u64, end: u64) -> io::Result<Option<[u8; HEAD]>> {
    if at >= end {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(at))?;
    let mut head = [0; HEAD];
    let there = HEAD.min((end - at) as usize);
    file.read_exact(&mut head[..there])?;
    Ok(Some(head))
}

fn part<const N: usize>(head: &[u8; HEAD], at: usize) -> [u8; N] {
    head[at..at + N].try_into().expect("within the head")
}

/// A chunk of RIFF or IFF. Written to a pipe it states no length, or the longest.
fn chunk(head: &[u8; HEAD]) -> Option<Piece> {
    let (name, kind): ([u8; 4], [u8; 4]) = (part(head, 0), part(head, 8));
    let stated = match &name {
        b"RIFF" => u32::from_le_bytes(part(head, 4)),
        b"FORM" => u32::from_be_bytes(part(head, 4)),
        _ => return None,
    };
    let begins = kind != *b"AVIX";
    let length = 8 + u64::from(stated) + u64::from(stated % 2);
    (stated > 0 && stated < u32::MAX - 1).then_some(Piece { begins, length })
}

/// An object of an ASF file.
fn object(head: &[u8; HEAD]) -> Option<Piece> {
    let length = u64::from_le_bytes(part(head, 16));
    (length >= 24).then_some(Piece { begins: head.starts_with(&ASF_HEADER), length })
}

/// The header of an FLV file with the size before its first tag, or a tag with its size after it.
fn tag(head: &[u8; HEAD]) -> Option<Piece> {
    if head.starts_with(b"FLV\x01") {
        let length = u64::from(u32::from_be_bytes(part(head, 5))) + 4;
        return Some(Piece { begins: true, length });
    }
    let [kind, high, middle, low] = part(head, 0);
    let length = u64::from(u32::from_be_bytes([0, high, middle, low])) + 15;
    matches!(kind & 0x1f, 8 | 9 | 18).then_some(Piece { begins: false, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(bytes: &[u8]) -> bool {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        is_joined(file.path())
    }

    fn riff(name: &[u8; 4], size: [u8; 4], kind: &[u8; 4], length: usize) -> Vec<u8> {
        [&name[..], &size, kind, &vec![7; length - 4]].concat()
    }

    #[test]
    fn what_follows_a_recording_is_told_from_what_belongs_to_it() {
        let wav = riff(b"RIFF", 40u32.to_le_bytes(), b"WAVE", 40);
        let aiff = riff(b"FORM", 41u32.to_be_bytes(), b"AIFF", 42);
        let avi = riff(b"RIFF", 60u32.to_le_bytes(), b"AVI ", 60);
        let more = riff(b"RIFF", 30u32.to_le_bytes(), b"AVIX", 30);
        let mp4 = [&[0, 0, 0, 8][..], b"ftyp", &[0, 0, 0, 9], b"moov.", &[0, 0, 0, 8], b"mdat"].concat();
        let flv = [&b"FLV\x01\x05\0\0\0\x09\0\0\0\0\x09\0\0\x02\0\0\0\0\0\0\0..\0\0\0\x0d"[..]].concat();
        let asf =
            [&ASF_HEADER[..], &30u64.to_le_bytes(), &[1; 6], &[9; 16], &25u64.to_le_bytes(), b"."].concat();
        for whole in [&wav, &aiff, &avi, &mp4, &flv, &asf] {
            assert!(!joined(whole));
            assert!(!joined(&[&whole[..], &[0; 40]].concat()));
            assert!(joined(&[&whole[..], whole].concat()));
            // Cut off anywhere, it is one recording.
            assert!((0..whole.len()).all(|length| !joined(&whole[..length])));
        }
        assert!(!joined(&[&avi[..], &more, &more].concat()));
        for unknown in [0, u32::MAX, u32::MAX - 1] {
            let streamed = riff(b"RIFF", unknown.to_le_bytes(), b"WAVE", 40);
            assert!(!joined(&[&streamed[..], &streamed].concat()));
        }
    }
}
