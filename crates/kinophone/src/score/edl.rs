//! A score as an edit decision list (CMX 3600) for film editors.

use crate::score::{ClipEvent, Score};
use kinophone_dsp::units::FrameRate;

/// Sound channels of the format: A, A2, A3, A4.
const CHANNELS: usize = 4;

/// A stretch of a source in whole pictures.
struct Event {
    source: usize,
    from: i64,
    to: i64,
    place: i64,
}

/// Events in whole pictures at the film's rate, without drop frames.
///
/// Pieces that overlap lie on up to four channels. Where these do not suffice, as with grains, what sounds of one source without a
/// gap is one event, and where many sources sound at once there are more channels, which editors of today know. Pieces of less than half a picture have none, and are counted. CMX 3600 ends with event 999; editors of
/// today read on, so numbers just get longer.
pub(crate) fn edl(score: &Score) -> String {
    let usual = FrameRate::new(25, 1).expect("25 is in range");
    let rate = score.about.picture_rate.unwrap_or(usual);
    let whole = |pieces: &[ClipEvent]| -> Vec<Event> {
        let pieces = pieces.iter().filter(|piece| !piece.is_tail());
        pieces.map(|piece| Event::of(piece, rate)).collect()
    };
    let mut events = whole(&score.pieces);
    let mut joined = false;
    let mut lanes = lanes(&events);
    if lanes.iter().any(|lane| *lane >= CHANNELS) {
        joined = true;
        events = whole(&stretches(score));
        lanes = crate::score::edl::lanes(&events);
    }
    let mut text = format!(
        "TITLE: {}\nFCM: NON-DROP FRAME\n\n",
        plain(score.about.film.as_deref().unwrap_or("Kinophone"))
    );
    let mut number = 0;
    for (event, lane) in events.iter().zip(lanes).filter(|(event, _)| event.from < event.to) {
        number += 1;
        let clock = |pictures: i64| timecode(pictures, rate);
        text += &format!(
            "{number:03}  {:<8} {:<5} C        {} {} {} {}\n* FROM CLIP NAME: {}\n",
            format!("S{:03}", event.source + 1),
            channel(lane),
            clock(event.place),
            clock(event.place + event.to - event.from),
            clock(event.from),
            clock(event.to),
            plain(score.name(event.source)),
        );
    }
    // Remarks come last: some readers know them behind events only.
    text += &format!("* {rate} PICTURES A SECOND\n");
    if joined {
        text += "* GRAINS OF ONE SOURCE THAT SOUND TOGETHER ARE ONE EVENT\n";
    }
    score.reservations().iter().for_each(|said| text += &format!("* {}\n", plain(said)));
    let short = events.len() - number;
    if short > 0 {
        text += &format!("* {short} PIECES OF LESS THAN HALF A PICTURE ARE LEFT OUT\n");
    }
    text
}

impl Event {
    fn of(piece: &ClipEvent, rate: FrameRate) -> Self {
        let pictures = |seconds: f64| (seconds.max(0.0) * rate.as_f64()).round() as i64;
        Self {
            source: piece.source,
            from: pictures(piece.at),
            to: pictures(piece.at + piece.seconds),
            place: pictures(piece.source_at),
        }
    }
}

/// The first free channel of each event.
fn lanes(events: &[Event]) -> Vec<usize> {
    let mut free: Vec<i64> = Vec::new();
    let lane = |event: &Event| {
        let lane = free.iter().position(|free| *free <= event.from).unwrap_or(free.len());
        free.resize(free.len().max(lane + 1), 0);
        free[lane] = event.to;
        lane
    };
    events.iter().map(lane).collect()
}

fn channel(lane: usize) -> String {
    if lane == 0 { "A".to_owned() } else { format!("A{}", lane + 1) }
}

/// What sounds of each source without a gap, in the order of time.
fn stretches(score: &Score) -> Vec<ClipEvent> {
    let mut stretches: Vec<ClipEvent> = Vec::new();
    for source in score.heard() {
        let mut last: Option<ClipEvent> = None;
        for piece in score.pieces.iter().filter(|piece| piece.source == source && !piece.is_tail()) {
            match &mut last {
                Some(last) if piece.at <= last.at + last.seconds => {
                    last.seconds = last.seconds.max(piece.at + piece.seconds - last.at);
                }
                _ => stretches.extend(last.replace(piece.clone())),
            }
        }
        stretches.extend(last);
    }
    stretches.sort_by(|a, b| a.at.total_cmp(&b.at));
    stretches
}

/// Hours, minutes, seconds and pictures, counted without a gap.
fn timecode(pictures: i64, rate: FrameRate) -> String {
    let base = i64::from(rate.num().div_ceil(rate.den()));
    let seconds = pictures / base;
    format!("{:02}:{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60, pictures % base)
}

/// On one line.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
