//! Finds in single windows of a query, joined to stretches with exact borders.

use super::index::IndexedWork;
use kinophone::dsp::units::MediaTime;

/// A stretch of a query that was found in a work.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// Number of the work in [`Index::works`](super::Index::works).
    pub work: usize,
    /// Where it begins in the query.
    pub begin: MediaTime,
    /// Where it ends in the query.
    pub end: MediaTime,
    /// Where that beginning lies in the work.
    pub place: MediaTime,
    /// Speed at which the query plays the work: above 1 is faster.
    pub speed: f64,
    /// Frequencies of the query over those of the work, in steps of 2 %; as `speed` unless the tempo was
    /// changed alone. 1 for pictures.
    pub pitch: f64,
    /// The best score of its windows of ten seconds, at least the threshold.
    pub score: u32,
    /// True for pictures that are mirrored, left for right.
    pub mirrored: bool,
}

/// Something of a query at its place in a work, in steps of a fixed length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) query: f64,
    /// The end of it in the query.
    pub(super) until: f64,
    pub(super) work: f64,
}

/// A line through the points of a window: place in the work = `offset` + `speed` · place in the query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Find {
    pub(super) work: usize,
    pub(super) offset: f64,
    pub(super) speed: f64,
    pub(super) pitch: f64,
    pub(super) mirrored: bool,
    pub(super) score: u32,
    /// In the order of the query, never empty.
    pub(super) points: Vec<Point>,
}

/// How finds are joined; lengths are in steps.
#[derive(Clone, Copy)]
pub(super) struct Joining {
    /// Microseconds a step.
    pub(super) step_us: f64,
    /// Lines of one stretch meet within so many steps.
    pub(super) tolerance: f64,
    /// Greatest gap between points of one stretch.
    pub(super) max_gap: f64,
    /// A stretch begins and ends where three points lie within so many steps.
    pub(super) dense: f64,
}

/// Joins finds, which come in the order of windows, and keeps of those that name one work twice at the same
/// time the better one.
pub(super) fn join(finds: Vec<Find>, how: Joining, works: &[IndexedWork]) -> Vec<Match> {
    let mut open: Vec<Find> = Vec::new();
    for find in finds {
        match open.iter_mut().rev().find(|stretch| continues(stretch, &find, how)) {
            Some(stretch) => extend(stretch, find),
            None => open.push(find),
        }
    }
    open.iter_mut().for_each(|stretch| trim(stretch, how.dense));
    open.sort_by_key(|stretch| std::cmp::Reverse(stretch.points.len()));
    let mut kept: Vec<Find> = Vec::new();
    for stretch in open {
        if !kept.iter().any(|better| better.work == stretch.work && covers(better, &stretch)) {
            kept.push(stretch);
        }
    }
    let mut matches: Vec<Match> = kept.iter().map(|stretch| stretch.to_match(how, works)).collect();
    matches.sort_by_key(|found| (found.begin, found.work));
    matches
}

fn continues(stretch: &Find, next: &Find, how: Joining) -> bool {
    let (last, first) = (stretch.points[stretch.points.len() - 1], next.points[0]);
    let difference = stretch.at(first.query) - next.at(first.query);
    stretch.work == next.work
        && stretch.mirrored == next.mirrored
        && first.query - last.query <= how.max_gap
        && difference.abs() <= how.tolerance
}

fn extend(stretch: &mut Find, next: Find) {
    stretch.points.extend(next.points);
    stretch
        .points
        .sort_by(|a, b| (a.query, a.work).partial_cmp(&(b.query, b.work)).expect("places are finite"));
    stretch.points.dedup();
    if next.score > stretch.score {
        (stretch.score, stretch.pitch) = (next.score, next.pitch);
    }
    (stretch.offset, stretch.speed) = (next.offset, next.speed);
}

/// Drops single points before the beginning and after the end.
fn trim(stretch: &mut Find, dense: f64) {
    let points = &mut stretch.points;
    let is_dense = |three: &[Point]| three[2].query - three[0].query <= dense;
    if let Some(first) = points.windows(3).position(is_dense) {
        let last = points.windows(3).rposition(is_dense).unwrap_or(first) + 2;
        *points = points[first..=last].to_vec();
    }
}

/// True where more than half of `other` lies within the time of `better`.
fn covers(better: &Find, other: &Find) -> bool {
    let (a, b) = (better.span(), other.span());
    let common = a.1.min(b.1) - a.0.max(b.0);
    common > 0.5 * (b.1 - b.0)
}

impl Find {
    /// True where another find names nearly the same place at the middle of its points.
    pub(super) fn is_near(&self, other: &Self, steps: f64) -> bool {
        let middle = other.points[other.points.len() / 2].query;
        self.work == other.work && (self.at(middle) - other.at(middle)).abs() < steps
    }

    fn at(&self, query: f64) -> f64 {
        self.offset + self.speed * query
    }

    /// Beginning and end in the query.
    fn span(&self) -> (f64, f64) {
        let end = self.points.iter().fold(f64::MIN, |end, point| end.max(point.until));
        (self.points[0].query, end)
    }

    /// Speed, and place in the work of the beginning: the line that fits all points best.
    fn fitted(&self, long: f64) -> (f64, f64) {
        let n = self.points.len() as f64;
        let mean = |of: fn(&Point) -> f64| self.points.iter().map(of).sum::<f64>() / n;
        let (query, work) = (mean(|p| p.query), mean(|p| p.work));
        let sum = |of: &dyn Fn(&Point) -> f64| self.points.iter().map(of).sum::<f64>();
        let spread = sum(&|p| (p.query - query).powi(2));
        let common = sum(&|p| (p.query - query) * (p.work - work));
        let slope = if spread > 0.0 { common / spread } else { self.speed };
        // Points close together say nothing of speed.
        let (begin, end) = self.span();
        let speed = if end - begin >= long { slope } else { self.speed };
        (speed, work + speed * (self.points[0].query - query))
    }

    fn to_match(&self, how: Joining, works: &[IndexedWork]) -> Match {
        let time = |steps: f64| MediaTime((steps * how.step_us).round() as i64);
        let (begin, end) = self.span();
        let (speed, place) = self.fitted(0.7 * how.max_gap);
        Match {
            work: self.work,
            begin: time(begin.max(0.0)),
            end: time(end),
            place: time(place).clamp(MediaTime(0), works[self.work].length),
            speed,
            pitch: self.pitch,
            score: self.score,
            mirrored: self.mirrored,
        }
    }
}
