//! Landmarks of sound: three peaks as one number, with the time of the first.
//!
//! A. L. Wang, "An industrial-strength audio search algorithm", ISMIR 2003, pairs an anchor with peaks after
//! it. Here two of them join the anchor, so that the third gives the times a scale: the ratio of two
//! intervals stays when sound is played at another speed (R. Sonnleitner and G. Widmer, "Quad-based audio
//! fingerprinting robust to time and frequency scaling", DAFx 2014, section 3).

use super::peaks::{Peak, PeakFinder};
use super::spectrum::{BANDS, PER_OCTAVE};
use std::collections::VecDeque;

/// Peaks that works keep, within half a second before and after each.
const WORK_DENSITY: usize = 10;
/// The same of queries, which so find what a work has kept though noise has added peaks.
const QUERY_DENSITY: usize = 14;
/// Peaks after an anchor that join it, in pairs.
const WORK_TARGETS: usize = 5;
const QUERY_TARGETS: usize = 6;
/// Frames within which they lie: a second.
const MAX_FRAMES: f64 = 62.5;
/// Nearer ones belong to the same event, and their interval says nothing.
const MIN_FRAMES: f64 = 0.75;
/// Steps of the ratio of the two intervals.
const RATIO_STEPS: f32 = 24.0;
/// Step of the longer interval.
const SPAN_STEP: f32 = 1.12;
/// Cells of each of the five coordinates: pitch of the anchor, intervals of pitch, ratio, span.
const CELLS: [u32; 5] = [175, 74, 74, 24, 37];

/// Three peaks of a work as a number below 2³¹, at the time of the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Landmark {
    /// Time of the anchor, in frames of 16 ms.
    pub frame: u32,
    /// The number.
    pub hash: u32,
}

/// One more than the greatest hash.
pub const HASHES: u32 = CELLS[0] * CELLS[1] * CELLS[2] * CELLS[3] * CELLS[4];

/// Extracts the landmarks of a work from mono sound at 16 kHz, in constant memory: about 64 a second.
pub struct LandmarkExtractor {
    finder: PeakFinder,
    found: Vec<Peak>,
    open: VecDeque<Peak>,
}

impl Default for LandmarkExtractor {
    fn default() -> Self {
        Self { finder: PeakFinder::new(WORK_DENSITY), found: Vec::new(), open: VecDeque::new() }
    }
}

impl LandmarkExtractor {
    /// Takes the next samples, and appends the landmarks that are certain by then, in the order of time:
    /// those that begin 1.7 s back. The division of the sound into pieces does not matter.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<Landmark>) {
        self.finder.push(samples, &mut self.found);
        for peak in self.found.drain(..) {
            // Peaks come in the order of frames; refined times may differ from it by a frame.
            self.open.insert(self.open.partition_point(|other| other.time <= peak.time), peak);
            while self.open[0].time + MAX_FRAMES + 2.0 < peak.time {
                emit(&mut self.open, out);
            }
        }
    }

    /// Appends the landmarks that are held back, and says the length of the sound in frames.
    pub fn finish(mut self, out: &mut Vec<Landmark>) -> u32 {
        let frames = self.finder.finish(&mut self.found);
        self.open.extend(self.found);
        self.open.make_contiguous().sort_by(|a, b| a.time.total_cmp(&b.time));
        while !self.open.is_empty() {
            emit(&mut self.open, out);
        }
        frames
    }
}

/// Appends the landmarks of the first peak, and drops it.
fn emit(peaks: &mut VecDeque<Peak>, out: &mut Vec<Landmark>) {
    let frame = peaks[0].time.round().max(0.0) as u32;
    triples(peaks.make_contiguous(), WORK_TARGETS, |triple| {
        out.push(Landmark { frame, hash: triple.hash() });
    });
    peaks.pop_front();
}

/// The peaks of sound that is to be identified, all in memory: some 250 B a second.
#[derive(Clone, Debug, PartialEq)]
pub struct SoundQuery {
    pub(super) peaks: Vec<Peak>,
    pub(super) frames: u32,
}

/// Makes a [`SoundQuery`] from mono sound at 16 kHz.
pub struct SoundQueryBuilder {
    finder: PeakFinder,
    peaks: Vec<Peak>,
}

impl Default for SoundQueryBuilder {
    fn default() -> Self {
        Self { finder: PeakFinder::new(QUERY_DENSITY), peaks: Vec::new() }
    }
}

impl SoundQueryBuilder {
    /// Takes the next samples.
    pub fn push(&mut self, samples: &[f32]) {
        self.finder.push(samples, &mut self.peaks);
    }

    /// The whole query.
    pub fn finish(mut self) -> SoundQuery {
        let frames = self.finder.finish(&mut self.peaks);
        self.peaks.sort_by(|a, b| a.time.total_cmp(&b.time));
        SoundQuery { peaks: self.peaks, frames }
    }
}

/// A landmark of a query at one hypothesis of speed.
pub(super) struct Sought {
    /// The hash, and those of its neighbours that errors of the peaks make likely: at most four.
    pub(super) hashes: [u32; 4],
    /// How many of them there are.
    pub(super) variants: usize,
    /// Time from the anchor to the last of the three peaks, in frames of the work.
    pub(super) span: f32,
}

impl SoundQuery {
    /// The landmarks of peak number `anchor`, as the work has them if the query plays it `speed` times as
    /// fast and as high.
    pub(super) fn landmarks(&self, anchor: usize, speed: f64, mut each: impl FnMut(Sought)) {
        let shift = PER_OCTAVE * (speed as f32).log2();
        if !(-0.5..BANDS as f32 - 0.5).contains(&(self.peaks[anchor].pitch - shift)) {
            return;
        }
        let as_played = |peak: &Peak| Peak { time: peak.time * speed, pitch: peak.pitch - shift, ..*peak };
        // More than enough for all targets, and within reach of the scratch on the stack.
        let after = self.peaks[anchor..].iter().take(64).map(as_played);
        let mut near = [Peak { time: 0.0, pitch: 0.0, level: 0.0 }; 64];
        let mut count = 0;
        for (slot, peak) in near.iter_mut().zip(after) {
            *slot = peak;
            count += 1;
        }
        triples(&near[..count], QUERY_TARGETS, |triple| each(triple.sought()));
    }
}

/// Three peaks, as five coordinates in units of cells.
struct Triple {
    cells: [f32; 5],
    span: f32,
}

/// The triples of the first peak with the next `targets` ones.
fn triples(peaks: &[Peak], targets: usize, mut each: impl FnMut(Triple)) {
    let anchor = peaks[0];
    let mut near = [anchor; QUERY_TARGETS];
    let mut count = 0;
    for peak in &peaks[1..] {
        let after = peak.time - anchor.time;
        if after > MAX_FRAMES + 2.0 || count == targets {
            break;
        }
        if (MIN_FRAMES..=MAX_FRAMES).contains(&after) && (peak.pitch - anchor.pitch).abs() <= PER_OCTAVE {
            near[count] = *peak;
            count += 1;
        }
    }
    for last in 1..count {
        for middle in 0..last {
            let (a, b) = (near[middle], near[last]);
            each(if a.time <= b.time { Triple::of(anchor, a, b) } else { Triple::of(anchor, b, a) });
        }
    }
}

impl Triple {
    fn of(anchor: Peak, second: Peak, third: Peak) -> Self {
        let span = (third.time - anchor.time) as f32;
        let ratio = (second.time - anchor.time) as f32 / span;
        let interval = |peak: Peak| peak.pitch - anchor.pitch + PER_OCTAVE + 0.5;
        let cells = [
            anchor.pitch + 0.5,
            interval(second),
            interval(third),
            ratio * RATIO_STEPS,
            span.max(1.0).ln() / SPAN_STEP.ln(),
        ];
        Self { cells, span }
    }

    fn hash(&self) -> u32 {
        number(self.cells.map(|x| x.floor() as i32))
    }

    /// The hash and, for the two coordinates that lie nearest to a border as errors go, those beyond.
    fn sought(&self) -> Sought {
        let errors = self.errors();
        let within = self.cells.map(|x| x - x.floor());
        let doubts: [f32; 5] = std::array::from_fn(|i| within[i].min(1.0 - within[i]) / errors[i]);
        let mut order = [0, 1, 2, 3, 4];
        order.sort_unstable_by(|a, b| doubts[*a].total_cmp(&doubts[*b]));
        let mut cells = [self.cells.map(|x| x.floor() as i32); 4];
        let mut variants = 1;
        for &i in order[..2].iter().filter(|i| doubts[**i] < MAX_DOUBT) {
            for k in 0..variants {
                cells[variants + k] = cells[k];
                cells[variants + k][i] += if within[i] < 0.5 { -1 } else { 1 };
            }
            variants *= 2;
        }
        Sought { hashes: cells.map(number), variants, span: self.span }
    }

    /// Usual errors of the coordinates, in cells: of pitches between two steps of speed, and of times of a
    /// third of a frame.
    fn errors(&self) -> [f32; 5] {
        let time = 0.35 / self.span;
        [0.4, 0.2, 0.2, time * RATIO_STEPS, time / SPAN_STEP.ln()]
    }
}

/// A border is looked beyond if it is nearer than so many errors.
const MAX_DOUBT: f32 = 1.5;

/// The number of a cell; what lies outside is moved to the edge.
fn number(cells: [i32; 5]) -> u32 {
    let place = |cell: i32, count: u32| cell.clamp(0, count as i32 - 1) as u32;
    cells.into_iter().zip(CELLS).fold(0, |number, (cell, count)| number * count + place(cell, count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::synthetic::{landmarks, music, query, stretched};
    use std::collections::HashSet;

    #[test]
    fn pieces_do_not_matter_and_hashes_are_in_range() {
        let sound = music(3, 20);
        let (mut extractor, mut out) = (LandmarkExtractor::default(), Vec::new());
        sound.chunks(999).for_each(|piece| extractor.push(piece, &mut out));
        assert_eq!(extractor.finish(&mut out), 20 * 16_000 / 256 + 1);
        assert_eq!(out, landmarks(&sound));
        assert!(out.iter().all(|landmark| landmark.hash < HASHES));
        assert!(out.is_sorted_by_key(|landmark| landmark.frame));
        assert!((500..2000).contains(&out.len()), "{}", out.len());
    }

    #[test]
    fn a_query_finds_the_hashes_of_sound_at_its_speed_alone() {
        let sound = music(4, 20);
        let known: HashSet<u32> = landmarks(&sound).iter().map(|landmark| landmark.hash).collect();
        let share = |query: &SoundQuery, speed: f64| {
            let found = |anchor: &usize| {
                let mut found = false;
                query.landmarks(*anchor, speed, |sought| {
                    found |= sought.hashes[..sought.variants].iter().any(|hash| known.contains(hash));
                });
                found
            };
            (0..query.peaks.len()).filter(found).count() as f64 / query.peaks.len() as f64
        };
        let (same, faster) = (query(&sound), query(&stretched(&sound, 1.06)));
        assert!(share(&same, 1.0) > 0.6, "{}", share(&same, 1.0));
        assert!(share(&faster, 1.06) > 0.4, "{}", share(&faster, 1.06));
        assert!(share(&faster, 0.94) < 0.1, "{}", share(&faster, 0.94));
        assert!(share(&query(&music(5, 20)), 1.0) < 0.1);
    }
}
