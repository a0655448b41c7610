//! A score as a Standard MIDI File (format 1): a track a source, a note a clip.

use crate::score::{ClipEvent, Score};

/// Ticks of a quarter note, of which there are two a second: a tick is 0.52 ms.
const TICKS_PER_QUARTER: f64 = 960.0;
const PER_SECOND: f64 = 2.0 * TICKS_PER_QUARTER;
/// Channels of sources: the tenth is for drums.
const CHANNELS: [u8; 15] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15];
/// The note of the first source where no pitch is known; the others follow in fifths, which stay apart.
const LOWEST_NOTE: usize = 36;
const NOTES: usize = 48;

/// Makes a file of onsets, pitches and loudnesses: a clip whose pitch is not known has a note that belongs to its source, moved by
/// its speed.
pub(crate) fn mid(score: &Score) -> Vec<u8> {
    let sources = score.sounding_sources();
    let mut file = chunk(b"MThd", &[]);
    let header = [1, 1 + sources.len() as u16, TICKS_PER_QUARTER as u16];
    file = [&file[..4], &6u32.to_be_bytes(), &header.map(u16::to_be_bytes).concat()].concat();
    // 500 000 microseconds a quarter note.
    let title = score.about.film.as_deref().unwrap_or("Kinophone");
    let mut tempo = meta(0, 0x03, title.as_bytes());
    score.notes().iter().for_each(|note| tempo.extend(meta(0, 0x01, note.as_bytes())));
    tempo.extend(meta(0, 0x51, &[0x07, 0xa1, 0x20]));
    file.extend(chunk(b"MTrk", &ended(tempo, 0)));
    for (number, source) in sources.iter().enumerate() {
        file.extend(chunk(b"MTrk", &track(score, *source, CHANNELS[number % CHANNELS.len()])));
    }
    file
}

fn track(score: &Score, source: usize, channel: u8) -> Vec<u8> {
    // (tick, whether it begins, note, velocity): at one time notes end before others begin.
    let mut events: Vec<(u32, bool, u8, u8)> = Vec::new();
    for clip in score.clips.iter().filter(|clip| clip.source == source && !clip.is_tail()) {
        let at = tick(clip.at);
        let (note, velocity) = (note(clip), velocity(clip));
        events.push((at, true, note, velocity));
        events.push((tick(clip.at + clip.seconds).max(at + 1), false, note, 0));
    }
    events.sort();
    let mut bytes = meta(0, 0x03, score.name(source).as_bytes());
    let mut now = 0;
    for (at, begins, note, velocity) in events {
        bytes.extend(length(at - now));
        bytes.extend([if begins { 0x90 } else { 0x80 } | channel, note, velocity]);
        now = at;
    }
    ended(bytes, (tick(score.about.seconds)).saturating_sub(now))
}

fn tick(seconds: f64) -> u32 {
    (seconds.max(0.0) * PER_SECOND).round() as u32
}

fn note(clip: &ClipEvent) -> u8 {
    let note = match clip.pitch_hz {
        Some(hz) if hz > 0.0 => 69.0 + 12.0 * (hz / 440.0).log2(),
        _ => (LOWEST_NOTE + clip.source * 7 % NOTES) as f64 + 12.0 * clip.speed.abs().max(1e-3).log2(),
    };
    note.round().clamp(0.0, 127.0) as u8
}

/// Velocity of a clip: 127 at full scale, 40 dB for each factor of ten, as most instruments answer.
fn velocity(clip: &ClipEvent) -> u8 {
    (127.0 * 10f64.powf(clip.level_db / 40.0)).round().clamp(1.0, 127.0) as u8
}

fn chunk(name: &[u8; 4], bytes: &[u8]) -> Vec<u8> {
    [&name[..], &(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

fn meta(after: u32, kind: u8, bytes: &[u8]) -> Vec<u8> {
    [&length(after)[..], &[0xff, kind], &length(bytes.len() as u32), bytes].concat()
}

fn ended(mut bytes: Vec<u8>, after: u32) -> Vec<u8> {
    bytes.extend(meta(after, 0x2f, &[]));
    bytes
}

/// Encodes a length in seven bits a byte, the highest first; all but the last have their eighth bit set.
fn length(mut value: u32) -> Vec<u8> {
    let mut bytes = vec![(value & 0x7f) as u8];
    while value > 0x7f {
        value >>= 7;
        bytes.insert(0, 0x80 | (value & 0x7f) as u8);
    }
    bytes
}
