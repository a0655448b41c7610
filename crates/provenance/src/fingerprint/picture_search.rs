//! Finding the pictures of a query in an index.
//!
//! Pictures that are nearly the same vote for the place at which the query would begin in a work. Where
//! several votes of a window of ten seconds agree, all its pictures are compared with those of the work along
//! lines of several speeds.

use super::index::Index;
use super::picture::PictureHash;
use super::sampler::{PICTURE_RATE, PICTURE_US, PictureQuery};
use super::segments::{Find, Joining, Match, Point, join};
use kinophone::Result;
use kinophone::task::Cancel;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::collections::{BTreeMap, HashSet};

/// Least score of a find: the number of pictures that agree on a line, at most three for each different one.
/// None of 826 unrelated excerpts reached it against 1000 hours (`bench/identify.py`).
pub const MIN_PICTURE_SCORE: u32 = 10;
/// Most that one picture counts, however long it stands.
const MAX_REPEATS: usize = 3;
/// Pictures of a window, and of half of it.
const HALF: usize = 5 * PICTURE_RATE as usize;
/// Bits in which a third of a hash may differ for a vote, see [`Index::similar_pictures`].
const VOTE_ERRORS: usize = 1;
/// Votes of different pictures without which a place is not looked at.
const MIN_VOTES: usize = 2;
/// Pictures of places that are looked at together: 2 s.
const BUCKET: i64 = 8;
/// Places that are looked at in a window, at most, and finds that are kept of them.
const MAX_PLACES: usize = 24;
const MAX_FINDS: usize = 4;
/// Speeds that are tried, in hundredths.
const SPEEDS: std::ops::RangeInclusive<i32> = -11..=11;
const JOINING: Joining =
    Joining { step_us: PICTURE_US as f64, tolerance: 3.0, max_gap: 2.0 * HALF as f64, dense: 16.0 };

impl Index {
    /// Finds which works a query shows, mirrored ones too: stretches in the order of time. Pictures that are
    /// too dark or flat to tell are bridged between others; a shot that stands still for longer than a window
    /// is not named by itself. Fails only where it is cancelled.
    pub fn identify_pictures(&self, query: &PictureQuery, cancel: &Cancel) -> Result<Vec<Match>> {
        let windows = query.hashes[0].len().div_ceil(HALF).saturating_sub(1).max(1);
        let search = |window: usize| {
            cancel.check()?;
            let plain = Window { index: self, query, first: window * HALF, mirrored: false };
            let mirrored = Window { mirrored: true, ..plain };
            Ok([plain.finds(), mirrored.finds()].concat())
        };
        let finds = (0..windows).into_par_iter().map(search).collect::<Result<Vec<_>>>()?;
        Ok(join(finds.concat(), JOINING, self.works()))
    }
}

/// Ten seconds of a query.
#[derive(Clone, Copy)]
struct Window<'a> {
    index: &'a Index,
    query: &'a PictureQuery,
    first: usize,
    mirrored: bool,
}

/// Pictures that agree along a line.
struct Line {
    speed: f64,
    /// Place in the work of the window's first picture.
    place: f64,
    score: u32,
    /// Bits that agree beyond chance, by which lines of one score are told apart.
    closeness: u32,
    /// Numbers of a picture of the window, and of one among those of all works.
    pairs: Vec<(usize, i64)>,
}

impl Window<'_> {
    fn finds(&self) -> Vec<Find> {
        let mut lines: Vec<(usize, Line)> =
            self.places().into_iter().filter_map(|place| self.best_line(place)).collect();
        lines.sort_by_key(|(_, line)| std::cmp::Reverse((line.score, line.closeness)));
        let mut kept: Vec<(usize, Line)> = Vec::new();
        for (work, line) in lines {
            let twice = |(other, better): &(usize, Line)| {
                *other == work && (better.place - line.place).abs() < 2.0 * BUCKET as f64
            };
            if kept.len() < MAX_FINDS && !kept.iter().any(twice) {
                kept.push((work, line));
            }
        }
        kept.into_iter().map(|(work, line)| self.find(work, &line)).collect()
    }

    fn hashes(&self) -> &[PictureHash] {
        let all = &self.query.hashes[usize::from(self.mirrored)];
        &all[self.first.min(all.len())..(self.first + 2 * HALF).min(all.len())]
    }

    /// The places with most votes: buckets of the number, among the pictures of all works, of the window's
    /// first.
    fn places(&self) -> Vec<i64> {
        let mut votes: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
        for (number, hash) in self.hashes().iter().enumerate().filter(|(_, hash)| hash.tells()) {
            self.index.similar_pictures(hash.dct, VOTE_ERRORS, |id| {
                if self.index.picture(id as usize).agrees(*hash) {
                    let (count, last) = votes
                        .entry((i64::from(id) - number as i64).div_euclid(BUCKET))
                        .or_insert((0, usize::MAX));
                    *count += usize::from(*last != number);
                    *last = number;
                }
            });
        }
        let count = |bucket: i64| votes.get(&bucket).map_or(0, |(count, _)| *count);
        let both = |bucket: &i64| count(*bucket) + count(bucket + 1).max(count(bucket - 1));
        let mut places: Vec<i64> = votes.keys().copied().filter(|bucket| both(bucket) >= MIN_VOTES).collect();
        places.sort_by_key(|bucket| std::cmp::Reverse(both(bucket)));
        places.truncate(MAX_PLACES);
        places
    }

    /// The work and the line on which most pictures agree, of those that begin in a bucket or half of its
    /// neighbours.
    fn best_line(&self, bucket: i64) -> Option<(usize, Line)> {
        let middle = self.hashes().len() as f64 / 2.0;
        let centre = (BUCKET * bucket + BUCKET / 2) as f64;
        let work = self.index.work_of_picture(u32::try_from((centre + middle) as i64).ok()?)?;
        let mut best: Option<Line> = None;
        for percent in SPEEDS {
            let speed = 1.0 + 0.01 * f64::from(percent);
            for step in -2 * BUCKET..=2 * BUCKET {
                // Lines of different speeds meet in the middle of the window.
                let place = centre + 0.5 * step as f64 + (1.0 - speed) * middle;
                let line = self.line(work, place, speed);
                let rank = |line: &Line| {
                    (line.score, line.closeness, std::cmp::Reverse((line.speed * 100.0 - 100.0).abs() as u32))
                };
                if best.as_ref().is_none_or(|best| rank(&line) > rank(best)) {
                    best = Some(line);
                }
            }
        }
        best.filter(|line| line.score >= MIN_PICTURE_SCORE).map(|line| (work, line))
    }

    fn line(&self, work: usize, place: f64, speed: f64) -> Line {
        let own = self.index.works()[work].pictures();
        let (mut pairs, mut closeness) = (Vec::new(), 0);
        let (mut shown, mut known) = (HashSet::new(), HashSet::new());
        for (number, hash) in self.hashes().iter().enumerate() {
            let at = place + speed * number as f64;
            // The moments of query and work lie up to an eighth of a second apart.
            let near = [at.round(), at.round() + (at - at.round()).signum()].map(|at| at as i64);
            let pictures =
                near.into_iter().filter(|at| usize::try_from(*at).is_ok_and(|at| own.contains(&at)));
            let found = pictures
                .map(|at| (at, self.index.picture(at as usize)))
                .filter(|(_, other)| other.agrees(*hash));
            let Some((at, other)) = found.min_by_key(|(_, other)| differing(*other, *hash)) else { continue };
            closeness += 27 - differing(other, *hash);
            pairs.push((number, at));
            shown.insert(*hash);
            known.insert(other);
        }
        let score = pairs.len().min(MAX_REPEATS * shown.len().min(known.len())) as u32;
        Line { speed, place, score, closeness, pairs }
    }

    fn find(&self, work: usize, line: &Line) -> Find {
        let first = self.index.works()[work].pictures().start as f64;
        let point = |&(number, at): &(usize, i64)| {
            let query = (self.first + number) as f64;
            Point { query, until: query + 1.0, work: at as f64 - first }
        };
        let points = line.pairs.iter().map(point).collect();
        let offset = line.place - first - line.speed * self.first as f64;
        let (speed, score, mirrored) = (line.speed, line.score, self.mirrored);
        Find { work, offset, speed, pitch: 1.0, mirrored, score, points }
    }
}

/// Bits in which the hashes of two pictures differ.
fn differing(a: PictureHash, b: PictureHash) -> u32 {
    (a.dct ^ b.dct).count_ones() + (a.gradient ^ b.gradient).count_ones()
}
