//! Agreement of a sound with the events of an etude.

use crate::etude::EtudeEvent;
use kinophone_dsp::units::{MediaTime, SampleRate};
use serde::{Deserialize, Serialize};

/// Half the width of the time in which an event has to sound: ±33 ms, a frame at 30 pictures a second.
const TOLERANCE: MediaTime = MediaTime(33_000);
/// Span around an event's start in which its rise is searched for. Wider than the tolerance, so that a late
/// or early rise is found where it is and not counted as one in time.
const SEARCH: MediaTime = MediaTime(100_000);
/// Distance from every event beyond which sound counts as sound without an event.
const CLEARANCE: MediaTime = MediaTime(100_000);
/// Length of the stretches whose energies are compared: a rise is sharp against it, a tone of 120 Hz steady.
const STRETCH: MediaTime = MediaTime(16_000);
/// Interval between the moments at which a rise is searched for.
const HOP: MediaTime = MediaTime(1_000);
/// A rise counts from this ratio of energies on (3 dB).
const MIN_RISE_RATIO: f64 = 2.0;
/// Level relative to that of events below which sound is inaudible beside them: 20 dB under it.
const AUDIBLE_RATIO: f64 = 0.01;
/// Silence is reported as this level.
const FLOOR_DB: f64 = -120.0;

/// Agreement of a sound with the events of an etude.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EtudeScore {
    /// Events with a rise of energy within ±33 ms of their start.
    pub hits: usize,
    /// All events.
    pub events: usize,
    /// Level while events last, in dB below full scale (RMS).
    pub level_on_db: f64,
    /// Level more than 100 ms away from every event, in dB below full scale (RMS).
    pub level_off_db: f64,
    /// Separate sounds more than 100 ms away from every event that are within 20 dB of the level of events.
    pub invented: usize,
}

impl EtudeScore {
    /// Hits among events, 0..1; 1 where there is no event.
    pub fn hit_rate(&self) -> f64 {
        if self.events == 0 { 1.0 } else { self.hits as f64 / self.events as f64 }
    }

    /// By how many dB it is quieter where nothing happens.
    pub fn contrast_db(&self) -> f64 {
        self.level_on_db - self.level_off_db
    }
}

/// Compares `sound` (mono, sample 0 at time 0) with the truth.
///
/// An event is hit where, within 100 ms around its start, energy rises most steeply within ±33 ms of it, at
/// least by 3 dB, to a level that is heard. The rise at a moment is the energy of the 16 ms after it minus
/// that of the 16 ms before it. The measure is the same for a louder or quieter sound.
pub fn score(events: &[EtudeEvent], sound: &[f32], rate: SampleRate) -> EtudeScore {
    let energy = Energy::new(sound);
    let at = |time: MediaTime| rate.sample_at(time);
    let on = mean(&energy, &join(events.iter().map(|e| (at(e.start), at(e.end)))));
    let near = join(events.iter().map(|e| (at(e.start - CLEARANCE), at(e.end + CLEARANCE))));
    let off = complement(&near, sound.len() as i64);
    EtudeScore {
        hits: events.iter().filter(|e| hit(&energy, at(e.start), rate, on)).count(),
        events: events.len(),
        level_on_db: decibels(on),
        level_off_db: decibels(mean(&energy, &off)),
        invented: off.iter().map(|&span| sounds_in(&energy, span, rate, on)).sum(),
    }
}

fn hit(energy: &Energy, start: i64, rate: SampleRate, on: f64) -> bool {
    let stretch = rate.sample_at(STRETCH);
    let hop = rate.sample_at(HOP).max(1);
    let steps = rate.sample_at(SEARCH) / hop;
    let rise = |at: i64| (energy.mean(at - stretch, at), energy.mean(at, at + stretch));
    let steepest = (-steps..=steps).map(|step| step * hop).max_by(|&a, &b| {
        let gain = |shift: i64| {
            let (before, after) = rise(start + shift);
            after - before
        };
        gain(a).total_cmp(&gain(b))
    });
    steepest.is_some_and(|shift| {
        let (before, after) = rise(start + shift);
        shift.abs() <= rate.sample_at(TOLERANCE)
            && after >= MIN_RISE_RATIO * before
            && after >= AUDIBLE_RATIO * on
            && after > 0.0
    })
}

/// Number of separate audible sounds within `span`.
fn sounds_in(energy: &Energy, span: (i64, i64), rate: SampleRate, on: f64) -> usize {
    let stretch = rate.sample_at(STRETCH).max(1);
    let heard = |from: i64| {
        let level = energy.mean(from, (from + stretch).min(span.1));
        level > 0.0 && level >= AUDIBLE_RATIO * on
    };
    let mut before = false;
    (span.0..span.1)
        .step_by(stretch as usize)
        .filter(|&from| {
            let now = heard(from);
            let begins = now && !before;
            before = now;
            begins
        })
        .count()
}

/// Sums of squares up to every sample, so that any stretch costs two look-ups.
struct Energy(Vec<f64>);

impl Energy {
    fn new(sound: &[f32]) -> Self {
        let mut sums = Vec::with_capacity(sound.len() + 1);
        let mut sum = 0.0;
        sums.push(sum);
        for &s in sound {
            sum += f64::from(s) * f64::from(s);
            sums.push(sum);
        }
        Self(sums)
    }

    /// Energy from sample `from` up to `to`; outside the sound there is silence.
    fn total(&self, from: i64, to: i64) -> f64 {
        let clip = |i: i64| i.clamp(0, self.0.len() as i64 - 1) as usize;
        self.0[clip(to)] - self.0[clip(from)]
    }

    fn mean(&self, from: i64, to: i64) -> f64 {
        if to > from { self.total(from, to) / (to - from) as f64 } else { 0.0 }
    }
}

fn mean(energy: &Energy, spans: &[(i64, i64)]) -> f64 {
    let samples: i64 = spans.iter().map(|(from, to)| to - from).sum();
    let total: f64 = spans.iter().map(|&(from, to)| energy.total(from, to)).sum();
    if samples > 0 { total / samples as f64 } else { 0.0 }
}

/// Spans by the order of their start, with those that touch made one.
fn join(spans: impl Iterator<Item = (i64, i64)>) -> Vec<(i64, i64)> {
    let mut sorted: Vec<_> = spans.collect();
    sorted.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for (from, to) in sorted {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// The parts of 0..`len` outside of `spans`, which are joined.
fn complement(spans: &[(i64, i64)], len: i64) -> Vec<(i64, i64)> {
    let mut gaps = Vec::new();
    let mut at = 0;
    for &(from, to) in spans {
        gaps.push((at, from.min(len)));
        at = at.max(to);
    }
    gaps.push((at, len));
    gaps.retain(|(from, to)| to > from);
    gaps
}

fn decibels(mean_square: f64) -> f64 {
    if mean_square > 0.0 { (10.0 * mean_square.log10()).max(FLOOR_DB) } else { FLOOR_DB }
}
