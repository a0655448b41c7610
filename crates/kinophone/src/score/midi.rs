//! A score as a Standard MIDI File (format 1): a track a source, a note a clip, one at a time on each pitch of a channel.

use crate::score::{ClipEvent, Score};
use crate::wording::one_line;

/// Ticks of a quarter note, of which there are two a second: a tick is 0.52 ms.
const TICKS_PER_QUARTER: f64 = 960.0;
const PER_SECOND: f64 = 2.0 * TICKS_PER_QUARTER;
/// Channels of sources: the tenth is for drums.
const CHANNELS: [u8; 15] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15];
/// The note of the first source where no pitch is known; the others follow in fifths, which stay apart.
const LOWEST_NOTE: usize = 36;
const NOTES: usize = 48;

/// A note of a track: from one tick to another.
struct MidiNote {
    track: usize,
    from: u32,
    to: u32,
    pitch: u8,
    velocity: u8,
}

/// Makes a file of onsets, pitches and loudnesses: a clip whose pitch is not known has a note that belongs to its source, moved by
/// its speed.
///
/// Where there are more sources than channels, tracks share them. Ports would be more channels, but many players read them as one,
/// or leave out all but the first; tracks on one channel are played by all, as long as no pitch of it sounds twice.
pub(crate) fn mid(score: &Score) -> Vec<u8> {
    let sources = score.sounding_sources();
    let mut file = chunk(b"MThd", &[]);
    let header = [1, 1 + sources.len() as u16, TICKS_PER_QUARTER as u16];
    file = [&file[..4], &6u32.to_be_bytes(), &header.map(u16::to_be_bytes).concat()].concat();
    // 500 000 microseconds a quarter note.
    let title = score.about.film.as_deref().unwrap_or("Kinophone");
    let mut tempo = text(0x03, title);
    score.notes().iter().for_each(|note| tempo.extend(text(0x01, note)));
    tempo.extend(text(0x01, "A note ends where another one begins on its channel and pitch."));
    if sources.len() > CHANNELS.len() {
        let shared = format!("{} tracks share {} channels.", sources.len(), CHANNELS.len());
        tempo.extend(text(0x01, &shared));
    }
    tempo.extend(meta(0, 0x51, &[0x07, 0xa1, 0x20]));
    file.extend(chunk(b"MTrk", &ended(tempo, 0)));
    let notes = notes(score, &sources);
    for (number, source) in sources.iter().enumerate() {
        let own = notes.iter().filter(|note| note.track == number);
        file.extend(chunk(b"MTrk", &track(score, *source, channel(number), own)));
    }
    file
}

fn channel(track: usize) -> u8 {
    CHANNELS[track % CHANNELS.len()]
}

/// The notes of all tracks. On each channel and pitch one sounds at a time, as MIDI has no way to say which one ends: of those that
/// begin at once the loudest stays, as long as the longest. Between tracks there is a tick, as players take them in any order.
fn notes(score: &Score, sources: &[usize]) -> Vec<MidiNote> {
    let mut all: Vec<MidiNote> = Vec::new();
    for (track, source) in sources.iter().enumerate() {
        for clip in score.clips.iter().filter(|clip| clip.source == *source && !clip.is_tail()) {
            let from = tick(clip.at);
            let to = tick(clip.at + clip.seconds).max(from.saturating_add(1));
            all.push(MidiNote { track, from, to, pitch: note(clip), velocity: velocity(clip) });
        }
    }
    let place = |note: &MidiNote| (channel(note.track), note.pitch);
    all.sort_by_key(|note| (place(note), note.from, std::cmp::Reverse(note.velocity)));
    let mut notes: Vec<MidiNote> = Vec::new();
    for next in all {
        if let Some(last) = notes.last_mut().filter(|last| place(last) == place(&next)) {
            let free = if last.track == next.track { next.from } else { next.from.saturating_sub(1) };
            if free <= last.from {
                (last.to, last.velocity) = (last.to.max(next.to), last.velocity.max(next.velocity));
                continue;
            }
            last.to = last.to.min(free);
        }
        notes.push(next);
    }
    notes
}

fn track<'a>(
    score: &Score,
    source: usize,
    channel: u8,
    notes: impl Iterator<Item = &'a MidiNote>,
) -> Vec<u8> {
    // (tick, whether it begins, pitch, velocity): at one time notes end before others begin.
    let both =
        |note: &MidiNote| [(note.from, true, note.pitch, note.velocity), (note.to, false, note.pitch, 0)];
    let mut events: Vec<(u32, bool, u8, u8)> = notes.flat_map(both).collect();
    events.sort();
    let mut bytes = text(0x03, score.name(source));
    let mut now = 0;
    for (at, begins, pitch, velocity) in events {
        bytes.extend(length(at - now));
        bytes.extend([if begins { 0x90 } else { 0x80 } | channel, pitch, velocity]);
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

/// A text of the kind that `kind` says.
fn text(kind: u8, text: &str) -> Vec<u8> {
    meta(0, kind, one_line(text).as_bytes())
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
