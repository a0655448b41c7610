//! Facts of an ISO file (MP4, MOV) that ffmpeg does not tell: protected streams, whose packets it hands out as they are, and Content
//! Credentials, which it drops. Both are found by the names of boxes (ISO/IEC 14496-12 and 23001-7; C2PA 2.1, annex A.5).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Facts that only the boxes of a file tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BoxFacts {
    pub(crate) encrypted: bool,
    /// True where it carries Content Credentials (C2PA).
    pub(crate) credentials: bool,
    /// True where the file ends within the description of its tracks: ffmpeg passes over tracks that it cannot read then.
    pub(crate) cut_off: bool,
}

/// Boxes that are looked at, at most: a live recording has thousands of fragments, and a hostile file claims more.
const MOST: usize = 100_000;
/// Boxes in which the descriptions of streams lie.
const PATH: [&[u8; 4]; 6] = [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"];
/// Names of descriptions whose streams are protected: by Common Encryption, and as Apple did before.
const PROTECTED: [&[u8; 4]; 4] = [b"encv", b"enca", b"drmi", b"drms"];
/// Boxes that such a file may begin with.
pub(crate) const FIRST: [&[u8; 4]; 8] =
    [b"ftyp", b"styp", b"moov", b"wide", b"free", b"skip", b"mdat", b"uuid"];
/// The `uuid` of a box with Content Credentials.
const CREDENTIALS: [u8; 16] =
    [0xd8, 0xfe, 0xc3, 0xd6, 0x1b, 0x0e, 0x48, 0x3c, 0x92, 0x97, 0x58, 0x28, 0x87, 0x7e, 0xc4, 0x81];

/// Looks at a file's boxes; nothing is known of what is no such file, or can't be read.
pub(crate) fn look(path: &Path) -> BoxFacts {
    let mut facts = BoxFacts::default();
    if let Ok(mut file) = File::open(path)
        && let Ok(end) = file.seek(SeekFrom::End(0))
        && let Ok(Some(first)) = header(&mut file, 0, end)
        && FIRST.contains(&&first.name)
    {
        let mut left = MOST;
        let _ = walk(&mut file, (0, end), 0, &mut left, &mut facts);
    }
    facts
}

/// Descriptions of tracks (`moov`) in a file that ends at `end`: one, unless several were joined.
pub(crate) fn descriptions(file: &mut File, end: u64) -> io::Result<usize> {
    let (mut at, mut count) = (0, 0);
    for _ in 0..MOST {
        let Some(found) = header(file, at, end)? else { break };
        count += usize::from(found.name == *b"moov");
        at = found.end;
    }
    Ok(count)
}

/// A box without its header.
struct BoxHeader {
    name: [u8; 4],
    begin: u64,
    /// At most the end of what it lies in.
    end: u64,
    /// True where it claims to be longer than that.
    cut_off: bool,
}

fn walk(
    file: &mut File,
    (mut at, end): (u64, u64),
    depth: usize,
    left: &mut usize,
    facts: &mut BoxFacts,
) -> io::Result<()> {
    while let Some(found) = header(file, at, end)?
        && *left > 0
    {
        *left -= 1;
        facts.cut_off |= depth == 0 && found.name == *b"moov" && found.cut_off;
        if depth == 0 && found.name == *b"uuid" {
            let mut id = [0; 16];
            facts.credentials |= file.read_exact(&mut id).is_ok() && id == CREDENTIALS;
        }
        facts.encrypted |= depth == PATH.len() && PROTECTED.contains(&&found.name);
        if PATH.get(depth) == Some(&&found.name) {
            // A version and a count stand before the descriptions.
            let begin = if found.name == *b"stsd" { found.begin + 8 } else { found.begin };
            walk(file, (begin, found.end), depth + 1, left, facts)?;
        }
        at = found.end;
    }
    Ok(())
}

/// The box at a place; `None` where none begins.
fn header(file: &mut File, at: u64, end: u64) -> io::Result<Option<BoxHeader>> {
    if at >= end || end - at < 8 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(at))?;
    let mut head = [0; 8];
    file.read_exact(&mut head)?;
    let [size, name] = [&head[..4], &head[4..]].map(|half| half.try_into().expect("half of eight bytes"));
    let (length, begin) = match u32::from_be_bytes(size) {
        0 => (end - at, at + 8),
        1 => {
            let mut long = [0; 8];
            file.read_exact(&mut long)?;
            (u64::from_be_bytes(long), at + 16)
        }
        short => (u64::from(short), at + 8),
    };
    let claimed = at.saturating_add(length);
    let box_end = claimed.min(end);
    Ok((box_end >= begin).then_some(BoxHeader { name, begin, end: box_end, cut_off: claimed > end }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
        [&(content.len() as u32 + 8).to_be_bytes()[..], name, content].concat()
    }

    fn seen(bytes: &[u8]) -> BoxFacts {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        look(file.path())
    }

    /// A film with one description.
    fn film(description: &[u8; 4]) -> Vec<u8> {
        let described = [&[0; 8][..], &boxed(description, &[0; 70])].concat();
        let content = PATH.iter().rev().fold(described, |content, name| boxed(name, &content));
        [boxed(b"ftyp", b"isom"), content].concat()
    }

    #[test]
    fn protection_and_credentials_are_found_where_they_belong() {
        let plain = BoxFacts::default();
        assert_eq!(seen(&film(b"avc1")), plain);
        assert_eq!(seen(&film(b"encv")), BoxFacts { encrypted: true, ..plain });
        let mut signed = film(b"avc1");
        signed.extend(boxed(b"uuid", &[&CREDENTIALS[..], b"manifest"].concat()));
        assert_eq!(seen(&signed), BoxFacts { credentials: true, ..plain });
        // The same names elsewhere mean nothing.
        assert_eq!(seen(&[boxed(b"ftyp", b""), boxed(b"encv", &[0; 70])].concat()), plain);
        assert_eq!(seen(&[boxed(b"RIFF", b""), film(b"encv")].concat()), plain);
    }

    #[test]
    fn nonsense_ends() {
        let whole = film(b"encv");
        assert!((0..whole.len()).all(|length| !seen(&whole[..length]).credentials));
        // From the name of `moov` on, what is missing is missing in it.
        let [first, named, end] = [whole.len() - film(b"encv").len() + 12, 12 + 8, whole.len()];
        assert!((0..end).all(|length| seen(&whole[..length]).cut_off == (length >= first.max(named))));
        assert!(!seen(&whole).cut_off);
        for size in [0, 1, 2, 7, 8, u32::MAX] {
            let mut damaged = whole.clone();
            damaged[12..16].copy_from_slice(&size.to_be_bytes());
            seen(&damaged);
        }
    }
}
