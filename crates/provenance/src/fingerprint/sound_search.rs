//! Finding the sound of a query in an index.
//!
//! Each landmark of the query that a work has, too, votes for the place at which the query would begin in it.
//! Votes of a window of ten seconds that agree within a second are then laid along lines of several tempos;
//! the score of a line is the number of different anchors on it.

use super::index::Index;
use super::landmarks::SoundQuery;
use super::segments::{Find, Joining, Match, Point, join};
use super::spectrum::{HOP, SOUND_RATE};
use kinophone::Result;
use kinophone::task::Cancel;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

/// Least score of a find. None of 1706 unrelated excerpts, some of them at other speeds, reached it against
/// 1000 hours (`bench/identify.py`), and 14 was the most that 9330 had in a trial of the method.
pub const MIN_SOUND_SCORE: u32 = 15;
/// Speeds that are tried, in steps of 2 %: what lies between is near enough to one.
const SPEEDS: [f64; 11] = [1.0, 0.98, 1.02, 0.96, 1.04, 0.94, 1.06, 0.92, 1.08, 0.9, 1.1];
/// Tempos that are tried around each speed, in hundredths.
const TEMPOS: std::ops::RangeInclusive<i32> = -6..=6;
/// Frames of half a window: 5 s.
const BLOCK: f64 = 312.5;
/// Frames within which a line's votes lie: ± 4.
const WIDTH: f64 = 8.0;
/// Votes are counted in buckets of 2⁵ frames, two neighbours together.
const BUCKET_BITS: u32 = 5;
/// Places that are looked at in a window, at most.
const MAX_PLACES: usize = 8;
/// A hash that occurs more often says too little for what it costs.
const MAX_ROWS: usize = 4096;
/// Finds of a stretch meet within a quarter second, with gaps of ten seconds at most.
const JOINING: Joining =
    Joining { step_us: 1e6 * HOP as f64 / SOUND_RATE as f64, tolerance: 16.0, max_gap: 625.0, dense: 125.0 };

/// A landmark of the query at a frame of all works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Vote {
    /// Where the query would begin, moved so that it is never negative.
    offset: u64,
    /// Number of the anchor among the query's peaks.
    anchor: u32,
    /// Frames from the anchor to the end of its landmark.
    span: u16,
}

impl Index {
    /// Finds which works sound in a query: stretches in the order of time, several at once where works sound
    /// together. Stretches below some four seconds are not found, and what no work has is not named. Fails
    /// only where it is cancelled.
    pub fn identify_sound(&self, query: &SoundQuery, cancel: &Cancel) -> Result<Vec<Match>> {
        let at = |speed: &f64| Search::new(self, query, *speed).run(cancel);
        let finds = SPEEDS.par_iter().map(at).collect::<Result<Vec<_>>>()?.concat();
        Ok(join(best_of_windows(finds), JOINING, self.works()))
    }
}

/// Of finds of a window that name the same place, at different speeds, the best; in the order of windows.
fn best_of_windows(mut finds: Vec<(usize, Find)>) -> Vec<Find> {
    finds.sort_by_key(|(window, find)| (*window, std::cmp::Reverse(find.score)));
    let mut kept: Vec<Find> = Vec::new();
    for window in finds.chunk_by(|a, b| a.0 == b.0) {
        let first = kept.len();
        for (_, find) in window {
            if !kept[first..].iter().any(|better| better.is_near(find, 4.0 * WIDTH)) {
                kept.push(find.clone());
            }
        }
    }
    kept
}

/// A query at one hypothesis of speed.
struct Search<'a> {
    index: &'a Index,
    query: &'a SoundQuery,
    speed: f64,
    /// Added to offsets.
    bias: u64,
    ballot: Ballot,
}

impl<'a> Search<'a> {
    fn new(index: &'a Index, query: &'a SoundQuery, speed: f64) -> Self {
        let bias = (f64::from(query.frames) * speed) as u64 + 1024;
        Self { index, query, speed, bias, ballot: Ballot::new(index.sound_rows()) }
    }

    /// Finds, with the numbers of their windows.
    fn run(mut self, cancel: &Cancel) -> Result<Vec<(usize, Find)>> {
        let blocks = (f64::from(self.query.frames) / BLOCK).ceil().max(1.0) as usize;
        let (mut finds, mut window, mut second) = (Vec::new(), Vec::new(), 0);
        for block in 0..blocks {
            cancel.check()?;
            window.drain(..second);
            second = window.len();
            self.vote(block, &mut window);
            self.ballot.turn(&window[second..]);
            // The second window of a query of one and a bit would be that bit again.
            if block > 0 || blocks == 1 {
                finds.extend(self.finds(&window).into_iter().map(|find| (block, find)));
            }
        }
        Ok(finds)
    }

    /// Adds the votes of half a window, anchor by anchor.
    fn vote(&self, block: usize, votes: &mut Vec<Vote>) {
        let peaks = &self.query.peaks;
        let begin = |block: usize| peaks.partition_point(|peak| peak.time < block as f64 * BLOCK);
        for anchor in begin(block)..begin(block + 1) {
            let time = (self.time(anchor as u32) * self.speed).round() as u64;
            self.query.landmarks(anchor, self.speed, |sought| {
                for hash in &sought.hashes[..sought.variants] {
                    let frames = self.index.frames(*hash);
                    let few = if frames.len() > MAX_ROWS { 0 } else { frames.len() };
                    votes.extend(frames.take(few).map(|frame| Vote {
                        offset: u64::from(frame) + self.bias - time,
                        anchor: anchor as u32,
                        span: sought.span as u16,
                    }));
                }
            });
        }
    }

    /// The places for which enough anchors of a window vote, best first.
    fn finds(&self, window: &[Vote]) -> Vec<Find> {
        let mut votes = self.elected(window);
        votes.sort_unstable();
        let mut finds: Vec<Find> = Vec::new();
        let mut first = 0;
        while first < votes.len() {
            let bucket = votes[first].offset >> BUCKET_BITS;
            let until =
                |end: u64| first + votes[first..].partition_point(|vote| vote.offset >> BUCKET_BITS < end);
            finds.extend(self.best_line(&votes[first..until(bucket + 2)]));
            first = until(bucket + 1);
        }
        finds.sort_by_key(|find| std::cmp::Reverse(find.score));
        let mut kept: Vec<Find> = Vec::new();
        for find in finds {
            let twice = |other: &Find| other.is_near(&find, 4.0 * WIDTH);
            if kept.len() < MAX_PLACES && !kept.iter().any(twice) {
                kept.push(find);
            }
        }
        kept
    }

    /// The votes in pairs of buckets that enough different anchors have voted for, and a few more: buckets
    /// share counters.
    fn elected(&self, window: &[Vote]) -> Vec<Vote> {
        let pair = |slot: usize| self.ballot.count(slot) + self.ballot.count(slot + 1);
        let elected: Vec<usize> =
            (0..self.ballot.slots()).filter(|slot| pair(*slot) >= MIN_SOUND_SCORE).collect();
        if elected.is_empty() {
            return Vec::new();
        }
        let mut wanted = vec![false; self.ballot.slots()];
        for slot in elected {
            wanted[slot] = true;
            wanted[(slot + 1) % self.ballot.slots()] = true;
        }
        window.iter().filter(|vote| wanted[self.ballot.slot(vote)]).copied().collect()
    }

    /// The best of several lines through votes for nearly the same place.
    fn best_line(&self, votes: &[Vote]) -> Option<Find> {
        let (first, last) =
            (votes.iter().map(|vote| vote.anchor).min()?, votes.iter().map(|vote| vote.anchor).max()?);
        if last - first + 1 < MIN_SOUND_SCORE {
            return None;
        }
        let middle = 0.5 * (self.time(first) + self.time(last));
        let mut counts = vec![0u16; (last - first + 1) as usize];
        let mut best = (0, 0.0, Vec::new());
        for tempo in TEMPOS {
            let drift = self.speed * 0.01 * f64::from(tempo);
            let place = |vote: &Vote| vote.offset as f64 - drift * (self.time(vote.anchor) - middle);
            let mut line: Vec<(f64, Vote)> = votes.iter().map(|vote| (place(vote), *vote)).collect();
            line.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            counts.fill(0);
            let (score, range) = most_anchors(&line, first, &mut counts);
            let nearer = score == best.0 && drift.abs() < f64::abs(best.1);
            if score > best.0 || nearer {
                best = (score, drift, line[range].to_vec());
            }
        }
        let (score, drift, line) = best;
        (score >= MIN_SOUND_SCORE).then(|| self.find(score, self.speed + drift, &line))?
    }

    fn find(&self, score: u32, speed: f64, line: &[(f64, Vote)]) -> Option<Find> {
        let frame = |vote: &Vote| {
            let time = (self.query.peaks[vote.anchor as usize].time * self.speed).round() as u64;
            (vote.offset + time - self.bias) as u32
        };
        let work = self.index.work_at(frame(&line[line.len() / 2].1))?;
        let first_frame = f64::from(self.index.works()[work].first_frame());
        let point = |(_, vote): &(f64, Vote)| {
            let query = self.time(vote.anchor);
            let until = query + f64::from(vote.span) / self.speed;
            Point { query, until, work: f64::from(frame(vote)) - first_frame }
        };
        let mut points: Vec<Point> = line.iter().map(point).collect();
        points.sort_by(|a, b| a.query.total_cmp(&b.query));
        let n = points.len() as f64;
        let offset = points.iter().map(|p| p.work - speed * p.query).sum::<f64>() / n;
        Some(Find { work, offset, speed, pitch: self.speed, mirrored: false, score, points })
    }

    fn time(&self, anchor: u32) -> f64 {
        self.query.peaks[anchor as usize].time
    }
}

/// Numbers of different anchors that vote for each bucket of places, in the two halves of a window. Buckets
/// share counters.
struct Ballot {
    /// The last anchor, counted from the half's first, above the number of anchors.
    halves: [Vec<u32>; 2],
}

impl Ballot {
    /// Enough counters that chance fills none of them, and few enough for the cache of a core.
    fn new(rows: u64) -> Self {
        let slots = (rows / 512).next_power_of_two().clamp(1 << 12, 1 << 18) as usize;
        Self { halves: [vec![0; slots], vec![0; slots]] }
    }

    fn slots(&self) -> usize {
        self.halves[0].len()
    }

    fn slot(&self, vote: &Vote) -> usize {
        (vote.offset >> BUCKET_BITS) as usize & (self.slots() - 1)
    }

    fn count(&self, slot: usize) -> u32 {
        let slot = slot & (self.slots() - 1);
        (self.halves[0][slot] & 0xffff) + (self.halves[1][slot] & 0xffff)
    }

    /// Forgets the first half, and counts the votes of the next one, which come anchor by anchor.
    fn turn(&mut self, votes: &[Vote]) {
        self.halves.swap(0, 1);
        self.halves[1].fill(0);
        let first = votes.first().map_or(0, |vote| vote.anchor);
        for vote in votes {
            let slot = self.slot(vote);
            let counter = &mut self.halves[1][slot];
            let mark = (vote.anchor - first + 1) << 16;
            if *counter >> 16 != mark >> 16 {
                *counter = mark | ((*counter & 0xffff) + 1);
            }
        }
    }
}

/// The stretch of [`WIDTH`] frames, in votes sorted by place, with most different anchors.
fn most_anchors(line: &[(f64, Vote)], first: u32, counts: &mut [u16]) -> (u32, std::ops::Range<usize>) {
    let (mut from, mut anchors, mut best) = (0, 0, (0, 0..0));
    for to in 0..line.len() {
        let count = &mut counts[(line[to].1.anchor - first) as usize];
        anchors += u32::from(*count == 0);
        *count += 1;
        while line[to].0 - line[from].0 > WIDTH {
            let count = &mut counts[(line[from].1.anchor - first) as usize];
            *count -= 1;
            anchors -= u32::from(*count == 0);
            from += 1;
        }
        if anchors > best.0 {
            best = (anchors, from..to + 1);
        }
    }
    best
}
