//! Packets of transport and program streams (ISO/IEC 13818-1, 2.4.3 and 2.5.3), of which ffmpeg passes over those that are not whole.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes of a packet.
pub(crate) const PACKET: usize = 188;
/// Bytes before and after one: none, a time before it (Blu-ray), a correction code after it (broadcasts).
pub(crate) const AROUND: [(usize, usize); 3] = [(0, 0), (4, 0), (0, 16)];
/// The first byte of a packet.
pub(crate) const SYNC: u8 = 0x47;
/// Packets that must follow one another before a file is taken for a transport stream.
const IN_A_ROW: usize = 5;

/// The distance of the packets of a transport stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TransportStep {
    before: usize,
    after: usize,
}

impl TransportStep {
    /// The step in which a transport stream begins; `None` for what is none.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        AROUND.into_iter().map(|(before, after)| Self { before, after }).find(|step| {
            let sync = |packet| bytes.get(step.before + packet * step.bytes()) == Some(&SYNC);
            (0..IN_A_ROW).all(sync)
        })
    }

    fn bytes(self) -> usize {
        self.before + PACKET + self.after
    }

    /// The whole packets among bytes that begin with one; each may be followed by what lies after it.
    pub(crate) fn packets(self, bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
        bytes.chunks_exact(self.bytes()).map(move |chunk| &chunk[self.before..])
    }
}

/// True if a stream of so many bytes ends within a packet, as one does that was cut off.
pub(crate) fn is_cut_off(path: &Path, bytes: u64) -> bool {
    let Ok(mut file) = File::open(path) else { return false };
    let mut head = Vec::new();
    let most = (IN_A_ROW * (PACKET + 16)) as u64;
    if (&mut file).take(most).read_to_end(&mut head).is_err() {
        return false;
    }
    if let Some(step) = TransportStep::of(&head) {
        return !bytes.is_multiple_of(step.bytes() as u64);
    }
    let mut tail = Vec::new();
    head.starts_with(&PACK)
        && file.seek(SeekFrom::Start(bytes.saturating_sub(LAST_PACK))).is_ok()
        && file.read_to_end(&mut tail).is_ok()
        && ends_within_packet(&tail)
}

/// A pack of a program stream begins so; what encodes pictures never holds it.
const PACK: [u8; 4] = [0, 0, 1, 0xba];
/// Bytes in which the last pack must begin.
const LAST_PACK: u64 = 1 << 20;

/// True if the last packet among these last bytes of a program stream is longer than they are.
fn ends_within_packet(tail: &[u8]) -> bool {
    let Some(pack) = tail.windows(PACK.len()).rposition(|bytes| bytes == PACK) else { return false };
    // MPEG-2 has longer heads than MPEG-1, and stuffing.
    let Some(head) = tail.get(pack..pack + 14) else { return true };
    let mut at = pack + if head[4] >> 6 == 1 { 14 + usize::from(head[13] & 7) } else { 12 };
    while let Some(head) = tail.get(at..at + 6) {
        let [0, 0, 1, 0xbb..=0xff, high, low] = *head else { break };
        at += 6 + usize::from(u16::from_be_bytes([high, low]));
    }
    // Zeros and the code of the end may follow.
    at > tail.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_stream_that_ends_within_a_packet_is_told() {
        let pack = |stuffing: u8| {
            let head = [0, 0, 1, 0xba, 0x44, 0, 4, 0, 4, 1, 1, 0x89, 0xc3, 0xf8 | stuffing];
            let packet = [&[0, 0, 1, 0xe0, 0, 30][..], &[0x55; 30]].concat();
            [&head[..], &vec![0xff; usize::from(stuffing)], &packet, &packet].concat()
        };
        let first = [0, 0, 1, 0xba, 0x21, 0, 1, 0, 1, 0x80, 1, 1, 0, 0, 1, 0xc0, 0, 4, 1, 2, 3, 4];
        for last in [pack(0), pack(3), first.to_vec()] {
            let whole = [pack(0), last.clone()].concat();
            assert!(!ends_within_packet(&whole));
            assert!(!ends_within_packet(&[&whole[..], &[0, 0, 1, 0xb9]].concat()));
            assert!(!ends_within_packet(&[&whole[..], &[0; 100]].concat()));
            assert!(
                ends_within_packet(&whole[..whole.len() - 1])
                    && ends_within_packet(&whole[..whole.len() - 3])
            );
        }
    }

    #[test]
    fn a_transport_stream_that_ends_within_a_packet_is_told() {
        for (before, after) in AROUND {
            let packet = [vec![0; before], vec![SYNC; 1], vec![0xaa; PACKET - 1 + after]].concat();
            let whole = packet.repeat(8);
            let cut = |length: usize| {
                let file = tempfile::NamedTempFile::new().unwrap();
                std::fs::write(file.path(), &whole[..length]).unwrap();
                is_cut_off(file.path(), length as u64)
            };
            assert!(!cut(whole.len()) && !cut(6 * packet.len()));
            assert!(cut(whole.len() - 1) && cut(6 * packet.len() + 1));
            // Too little to be known for a stream.
            assert!(!cut(2 * packet.len() + 1));
        }
    }
}
