//! Segmentation of a source's sound into units: at onsets, into grains of one length, or both.

use crate::sound_library::mono_source::MonoSource;
use crate::{Error, Kind, Result};
use kinophone_dsp::onset::Onset;
use serde::{Deserialize, Serialize};

/// A unit cut at an onset begins this many seconds before it, so that a fade does not touch the attack.
pub(super) const LEAD_SECS: f64 = 0.003;
/// A unit ends after this many seconds of silence, and the next one begins where the silence ends.
const PAUSE_SECS: f64 = 0.05;
/// Highest amplitude of what counts as silence: −66 dB.
const SILENCE_AMPLITUDE: f32 = 5e-4;
/// … and of faint recordings, whose sound would be silence by that: of their full scale, −46 dB.
const SILENCE_SHARE: f32 = 5e-3;
/// Shortest unit in seconds.
const MIN_SECS: f64 = 0.02;

/// Places at which sound is cut into units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SegmentBy {
    /// From onset to onset.
    Onsets,
    /// Into pieces of one length.
    Grains,
    /// From onset to onset, and what is longer than twice a grain into pieces of about a grain.
    Both,
}

/// Rule by which sound is cut into units, with the length of a grain in milliseconds, 20 to 10 000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segmentation {
    /// Places of the cuts.
    pub by: SegmentBy,
    /// Length of a grain in milliseconds.
    pub grain_ms: u32,
}

impl Default for Segmentation {
    /// Cuts at onsets, and into quarters of a second between them.
    fn default() -> Self {
        Self { by: SegmentBy::Both, grain_ms: 250 }
    }
}

impl Segmentation {
    /// Itself, or an error where the length of a grain is beyond its range.
    pub fn check(self) -> Result<Self> {
        if (20..=10_000).contains(&self.grain_ms) {
            return Ok(self);
        }
        Err(Error::new(Kind::Invalid, format!("grains can't last {} ms", self.grain_ms))
            .help("choose a length from 20 to 10000 ms"))
    }
}

/// Place of a unit in frames of its source, before it is described.
#[derive(Clone, Copy)]
pub(super) struct UnitSpan {
    pub(super) first: i64,
    pub(super) end: i64,
    pub(super) onset: Option<Onset>,
}

/// Cuts everything that is not silent.
pub(super) fn segment(
    source: &MonoSource<'_>,
    onsets: &[Onset],
    segmentation: Segmentation,
) -> Vec<UnitSpan> {
    let hz = f64::from(source.rate.hz());
    let grain = (f64::from(segmentation.grain_ms) / 1000.0 * hz) as i64;
    let mut spans = Vec::new();
    for (begin, end) in sounding(source, (PAUSE_SECS * hz) as i64) {
        let from = onsets.partition_point(|onset| (onset.at as i64) < begin);
        let to = onsets.partition_point(|onset| (onset.at as i64) < end);
        let own = if segmentation.by == SegmentBy::Grains { &[] } else { &onsets[from..to] };
        let borders = borders(begin, own, hz);
        for (k, (first, onset)) in borders.iter().enumerate() {
            let end = borders.get(k + 1).map_or(end, |next| next.0);
            let pieces = match segmentation.by {
                SegmentBy::Onsets => 1,
                SegmentBy::Both if end - first < 2 * grain => 1,
                SegmentBy::Both | SegmentBy::Grains => ((end - first + grain / 2) / grain).max(1),
            };
            let border = |piece: i64| first + (end - first) * piece / pieces;
            spans.extend((0..pieces).map(|piece| UnitSpan {
                first: border(piece),
                end: border(piece + 1),
                onset: if piece == 0 { *onset } else { None },
            }));
        }
    }
    spans
}

/// Beginnings of units between which lies an onset, from `begin` on, with the onset of each. Onsets that follow too closely share
/// a unit.
fn borders(begin: i64, onsets: &[Onset], hz: f64) -> Vec<(i64, Option<Onset>)> {
    let (lead, shortest) = ((LEAD_SECS * hz) as i64, (MIN_SECS * hz) as i64);
    let mut borders = vec![(begin, None)];
    for onset in onsets {
        let first = (onset.at as i64 - lead).max(begin);
        match borders.last_mut() {
            Some(last) if first - last.0 < shortest => {
                if last.1.is_none() {
                    last.1 = Some(*onset);
                }
            }
            _ => borders.push((first, Some(*onset))),
        }
    }
    borders
}

/// Highest amplitude of what counts as silence in a source whose peak fills 2 to the power of `exponent`.
fn silence_amplitude(exponent: i8) -> f32 {
    SILENCE_AMPLITUDE.min(SILENCE_SHARE * 2f32.powi(i32::from(exponent)))
}

/// First and last frame of each run of sound, with pauses of at most `pause` frames in it.
fn sounding(source: &MonoSource<'_>, pause: i64) -> Vec<(i64, i64)> {
    let threshold = (silence_amplitude(source.sound.exponent) / source.sound.step()) as u16;
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for (frame, samples) in source.sound.samples.chunks_exact(source.sound.channels as usize).enumerate() {
        if samples.iter().all(|s| s.unsigned_abs() < threshold) {
            continue;
        }
        let frame = frame as i64;
        match runs.last_mut() {
            Some(last) if frame - last.1 <= pause => last.1 = frame + 1,
            _ => runs.push((frame, frame + 1)),
        }
    }
    // A decay goes on a little longer, but not into the next run.
    let ends: Vec<i64> = runs.iter().skip(1).map(|run| run.0).chain([source.frames]).collect();
    runs.iter_mut().zip(ends).for_each(|(run, next)| run.1 = (run.1 + pause / 2).min(next));
    runs
}
