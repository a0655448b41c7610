//! A score as an edit decision list (CMX 3600) for film editors.

use crate::score::edit_rate::EditRate;
use crate::score::{ClipEvent, Score, ScoreHeader};
use crate::wording::one_line;
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

/// Makes events at a rate that editors have, on the film's own timecode: [`EditRate`].
///
/// Clips that overlap lie on up to four channels. Where these do not suffice, as with grains, clips of one source without a gap
/// between them are one event, and where many sources sound at once there are more channels, which editors of today know. Clips
/// of less than half a picture have no event, and are counted. CMX 3600 ends with event 999; editors of today read on, so numbers
/// just get longer.
pub(crate) fn edl(score: &Score) -> String {
    let (rate, start) = clock(&score.about);
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
        "TITLE: {}\nFCM: {}\n\n",
        one_line(score.about.film.as_deref().unwrap_or("Kinophone")),
        if rate.drops() { "DROP FRAME" } else { "NON-DROP FRAME" }
    );
    let mut number = 0;
    for (event, lane) in events.iter().zip(lanes).filter(|(event, _)| event.from < event.to) {
        number += 1;
        text += &format!(
            "{number:03}  {:<8} {:<5} C        {} {} {} {}\n* FROM CLIP NAME: {}\n",
            format!("S{:03}", event.source + 1),
            channel(lane),
            rate.label(event.place),
            rate.label(event.place + event.to - event.from),
            rate.label(start + event.from),
            rate.label(start + event.to),
            one_line(score.name(event.source)),
        );
    }
    // Remarks come last: some readers know them behind events only.
    text += &format!("* {} PICTURES A SECOND\n", rate.rate());
    note(&score.about).iter().for_each(|note| text += &format!("* {note}\n"));
    if joined {
        text += "* GRAINS OF ONE SOURCE THAT SOUND TOGETHER ARE ONE EVENT\n";
    }
    score.notes().iter().for_each(|note| text += &format!("* {note}\n"));
    let short = events.len() - number;
    if short > 0 {
        text += &format!("* {short} PIECES OF LESS THAN HALF A PICTURE ARE LEFT OUT\n");
    }
    text
}

/// The difference between the film's clock and that of its edit decision list, in a sentence, where there is one.
pub(crate) fn note(about: &ScoreHeader) -> Option<String> {
    let (rate, _) = clock(about);
    let counted = rate.rate();
    let of_timecode = about
        .timecode
        .as_ref()
        .filter(|timecode| about.picture_rate.is_none_or(|film| rate.count_of(timecode, film).is_none()));
    let unread = of_timecode.map(|timecode| {
        let label = one_line(&timecode.label);
        format!(
            "the film's timecode {label} can't be counted at {counted} pictures a second: times begin at 0"
        )
    });
    let recounted = match about.picture_rate {
        None => {
            Some(format!("the film does not say its rate: times are counted at {counted} pictures a second"))
        }
        Some(film) if rate.is_of(film) => None,
        Some(film) if rate.fits(film) => Some(format!(
            "the film's {film} pictures a second are counted at {counted}, a rate that editors have"
        )),
        Some(film) => Some(format!(
            "the film has {:.3} pictures a second on average, not a rate that editors have: times are counted at {counted}",
            film.as_f64()
        )),
    };
    let notes: Vec<String> = recounted.into_iter().chain(unread).collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

/// The rate in which times are counted, and the count at which the soundtrack begins.
fn clock(about: &ScoreHeader) -> (EditRate, i64) {
    let usual = FrameRate::new(25, 1).expect("25 is in range");
    let film = about.picture_rate.unwrap_or(usual);
    let rate = EditRate::of(film, about.timecode.as_ref());
    let start = about.timecode.as_ref().and_then(|timecode| rate.count_of(timecode, film));
    (rate, start.unwrap_or(0))
}

impl EdlEvent {
    fn of(clip: &ClipEvent, rate: EditRate) -> Self {
        Self {
            source: clip.source,
            from: rate.count(clip.at),
            to: rate.count(clip.at + clip.seconds),
            place: rate.count(clip.source_at),
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
