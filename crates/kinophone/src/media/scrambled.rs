//! Protection of broadcasts, discs and Windows Media, which ffmpeg does not tell: it hands scrambled packets out as if they were damaged.

use crate::media::mpeg::TransportStep;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Bytes from a file's beginning that are looked at.
const LOOKED_AT: u64 = 4 << 20;

/// Numbers below this are of tables, which are never scrambled (ETSI EN 300 468, 5.1.3); the last one is of empty packets.
const FIRST_PROGRAM: u16 = 0x20;
const EMPTY: u16 = 0x1fff;

/// Scrambled packets of a program stream that are no accident.
const ENOUGH: usize = 5;

/// The objects of an ASF file (Microsoft's "Advanced Systems Format Specification", 10.2 and 10.3): its header, and encryption of
/// either kind.
const ASF_HEADER: u128 = 0x75b22630_668e_11cf_a6d9_00aa0062ce6c;
const ASF_ENCRYPTION: [u128; 2] =
    [0x2211b3fb_bd23_11d2_b4b7_00a0c955fc6e, 0x298ae614_2622_4c17_b935_dae07ee9289c];

/// True if a file's pictures or sound can't be decoded without a key: a scrambled transport stream (ISO/IEC 13818-1, 2.4.3.3,
/// `transport_scrambling_control`), a scrambled program stream as on a DVD (2.4.3.7, `PES_scrambling_control`), protected Windows
/// Media. Of what is no such file, or can't be read, nothing is known.
pub(crate) fn is_scrambled(path: &Path) -> bool {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LOOKED_AT).read_to_end(&mut bytes));
    read.is_ok() && (transport_is(&bytes) || program_is(&bytes) || windows_media_is(&bytes))
}

/// True if one of its tracks is scrambled for the most part: a recording of several programmes with one in clear can be used, but which
/// one is meant is not ours to guess.
fn transport_is(bytes: &[u8]) -> bool {
    let Some(step) = TransportStep::of(bytes) else { return false };
    let mut tracks: BTreeMap<u16, [usize; 2]> = BTreeMap::new();
    for packet in step.packets(bytes) {
        let number = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
        if packet[0] == 0x47 && (FIRST_PROGRAM..EMPTY).contains(&number) {
            let scrambled = packet[3] >> 6 != 0;
            tracks.entry(number).or_default()[usize::from(scrambled)] += 1;
        }
    }
    tracks.values().any(|[clear, scrambled]| scrambled > clear)
}

/// True if most packets of pictures and sound are scrambled from some point on; a DVD begins in clear.
fn program_is(bytes: &[u8]) -> bool {
    if !bytes.starts_with(&[0, 0, 1, 0xba]) {
        return false;
    }
    let (mut scrambled, mut at) = (0, 0);
    while let Some(head) = bytes.get(at..at + 7) {
        let [0, 0, 1, track, high, low, flags] = *head else {
            at += 1;
            continue;
        };
        match track {
            // A pack begins; its length varies.
            0xba => at += 4,
            // Packets have lengths. Those of pictures and sound say whether they are scrambled, from MPEG-2 on.
            0xbb..=0xff => {
                let content = matches!(track, 0xbd | 0xc0..=0xef) && flags >> 6 == 0b10;
                scrambled += usize::from(content && flags & 0x30 != 0);
                at += 6 + usize::from(u16::from_be_bytes([high, low]));
            }
            _ => at += 4,
        }
    }
    scrambled >= ENOUGH
}

fn windows_media_is(bytes: &[u8]) -> bool {
    // A header has a name, a length, a count and two bytes before its objects, each of a name and a length.
    let Some((ASF_HEADER, length)) = asf_object(bytes, 0) else { return false };
    let (end, mut at) = (length.min(bytes.len()), 30);
    while let Some((name, length)) = asf_object(&bytes[..end], at) {
        if ASF_ENCRYPTION.contains(&name) {
            return true;
        }
        at += length.max(24);
    }
    false
}

/// Name and length of the object at a place. The first three fields of a name are little-endian.
fn asf_object(bytes: &[u8], at: usize) -> Option<(u128, usize)> {
    let head: [u8; 24] = bytes.get(at..at.checked_add(24)?)?.try_into().ok()?;
    let mut name: [u8; 16] = head[..16].try_into().ok()?;
    name[..4].reverse();
    name[4..6].reverse();
    name[6..8].reverse();
    let length = u64::from_le_bytes(head[16..].try_into().ok()?);
    Some((u128::from_be_bytes(name), usize::try_from(length).unwrap_or(usize::MAX / 2).min(usize::MAX / 2)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::mpeg::{AROUND, PACKET};

    fn seen(bytes: &[u8]) -> bool {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        is_scrambled(file.path())
    }

    /// A transport stream of a table and two tracks; `control` are the bits of the second.
    fn transport(control: u8, (before, after): (usize, usize)) -> Vec<u8> {
        let packet = |number: u16, control: u8| {
            let [high, low] = number.to_be_bytes();
            let head = [0x47, high, low, control << 6 | 0x10];
            [&vec![0; before][..], &head, &[0xaa; PACKET - 4], &vec![0; after]].concat()
        };
        (0..20).flat_map(|_| [packet(0, 0), packet(0x100, 0), packet(0x101, control)].concat()).collect()
    }

    #[test]
    fn scrambled_broadcasts_are_told_from_clear_ones() {
        for around in AROUND {
            assert!(!seen(&transport(0, around)));
            assert!(seen(&transport(2, around)) && seen(&transport(3, around)));
        }
        // One damaged packet is no protection.
        let mut damaged = transport(0, (0, 0));
        damaged[2 * PACKET + 3] |= 0xc0;
        assert!(!seen(&damaged));
    }

    #[test]
    fn scrambled_discs_are_told_from_clear_ones() {
        let sector = |flags: u8| {
            let pack = [0, 0, 1, 0xba, 0x44, 0, 4, 0, 4, 1, 1, 0x89, 0xc3, 0xf8];
            let content = vec![0x55; 2048 - pack.len() - 6 - 1];
            let length = (content.len() as u16 + 1).to_be_bytes();
            [&pack[..], &[0, 0, 1, 0xe0, length[0], length[1], flags], &content].concat()
        };
        let disc = |flags: [u8; 2]| [sector(flags[0]), sector(flags[1])].concat().repeat(8);
        assert!(!seen(&disc([0x80, 0x81])));
        assert!(seen(&disc([0x80, 0xb1])) && seen(&disc([0x90, 0x90])));
        // MPEG-1 has other flags in that place.
        assert!(!seen(&disc([0x31, 0x31])));
    }

    #[test]
    fn protected_windows_media_is_told_from_clear() {
        let object = |name: u128, content: &[u8]| {
            let mut bytes = name.to_be_bytes();
            bytes[..4].reverse();
            bytes[4..6].reverse();
            bytes[6..8].reverse();
            [&bytes[..], &(content.len() as u64 + 24).to_le_bytes(), content].concat()
        };
        let file =
            |name| object(ASF_HEADER, &[&[0; 6][..], &object(1, b"facts"), &object(name, b"key")].concat());
        assert!(!seen(&file(2)));
        assert!(ASF_ENCRYPTION.into_iter().all(|name| seen(&file(name))));
        let whole = file(ASF_ENCRYPTION[0]);
        assert!((0..40).all(|length| !seen(&whole[..length])));
    }
}
