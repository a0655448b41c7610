//! A score as an edit decision list (CMX 3600) for film editors.

use crate::score::{ClipEvent, Score};
use kinophone_dsp::units::FrameRate;

/// Sound channels of the format: A, A2, A3, A4.
const MAX_CHANNELS: usize = 4;

/// A stretch of a source in whole pictures.
struct EdlEvent {
    source: usize,
    from: i64,
    to: i64,
    place: i64,
}

/// Makes events in whole pictures at the film's rate, without drop frames.
///
/// Clips that overlap lie on up to four channels. Where these do not suffice, as with grains, clips of one source without a gap
/// between them are one event, and where many sources sound at once there are more channels, which editors of today know. Clips
/// of less than half a picture have no event, and are counted. CMX 3600 ends with event 999; editors of today read on, so numbers
/// just get longer.
pub(crate) fn edl(score: &Score) -> String {
    let usual = FrameRate::new(25, 1).expect("25 is in range");
    let rate = score.about.picture_rate.unwrap_or(usual);
    let whole = |clips: &[ClipEvent]| -> Vec<EdlEvent> {
        let clips = clips.iter().filter(|clip| !clip.is_tail());
        clips.map(|clip| EdlEvent::of(clip, rate)).collect()
    };
    let mut events = whole(&score.clips);
    let mut joined = false;
    let mut lanes = lanes(&events);
    if lanes.iter().any(|lane| *lane >= MAX_CHANNELS) {
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
    score.notes().iter().for_each(|note| text += &format!("* {}\n", plain(note)));
    let short = events.len() - number;
    if short > 0 {
        text += &format!("* {short} PIECES OF LESS THAN HALF A PICTURE ARE LEFT OUT\n");
    }
    text
}

impl EdlEvent {
    fn of(clip: &ClipEvent, rate: FrameRate) -> Self {
        let pictures = |seconds: f64| (seconds.max(0.0) * rate.as_f64()).round() as i64;
        Self {
            source: clip.source,
            from: pictures(clip.at),
            to: pictures(clip.at + clip.seconds),
            place: pictures(clip.source_at),
        }
    }
}

/// Finds the first free channel of each event.
fn lanes(events: &[EdlEvent]) -> Vec<usize> {
    let mut free: Vec<i64> = Vec::new();
    let lane = |event: &EdlEvent| {
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

/// Joins the clips of each source that have no gap between them, in the order of time.
fn stretches(score: &Score) -> Vec<ClipEvent> {
    let mut stretches: Vec<ClipEvent> = Vec::new();
    for source in score.sounding_sources() {
        let mut last: Option<ClipEvent> = None;
        for clip in score.clips.iter().filter(|clip| clip.source == source && !clip.is_tail()) {
            match &mut last {
                Some(last) if clip.at <= last.at + last.seconds => {
                    last.seconds = last.seconds.max(clip.at + clip.seconds - last.at);
                }
                _ => stretches.extend(last.replace(clip.clone())),
            }
        }
        stretches.extend(last);
    }
    stretches.sort_by(|a, b| a.at.total_cmp(&b.at));
    stretches
}

/// Formats hours, minutes, seconds and pictures, counted without a gap.
fn timecode(pictures: i64, rate: FrameRate) -> String {
    let base = i64::from(rate.num().div_ceil(rate.den()));
    let seconds = pictures / base;
    format!("{:02}:{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60, pictures % base)
}

/// Puts a text on one line.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
