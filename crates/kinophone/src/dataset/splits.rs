//! Split of ticks into those that a brain learns from, those that decide when it stops, and those that judge it.
//!
//! Neighbouring pictures and their sounds are nearly alike, so single ticks held out at random would be known already
//! from their neighbours and every judgement flattered. Whole blocks of ten seconds of the film's clock are held out
//! instead, and ticks close to their borders belong to no part: the sound and the scene of a tick reach across a
//! border, and what lies on the other side would leak.

use kinophone_dsp::units::{FrameRate, MediaTime};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Length of a block.
const BLOCK_US: i64 = 10_000_000;
/// No tick is learned from whose middle lies so near to a held-out or validation block.
const MARGIN_US: i64 = 500_000;
/// One in so many blocks that are not held out is for validation.
const VALIDATION_SHARE: usize = 8;
/// With fewer whole blocks than this none can be spared for validation.
const MIN_BLOCKS: usize = 3;

/// Rule for the blocks of ten seconds that no training ever sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoldOut {
    /// Blocks 4, 9, 14 … of every film.
    Every5th,
    /// Blocks 0, 5, 10 …; this and the following with [`HoldOut::Every5th`] are the five folds of a cross-validation.
    Fold0,
    /// Blocks 1, 6, 11 …
    Fold1,
    /// Blocks 2, 7, 12 …
    Fold2,
    /// Blocks 3, 8, 13 …
    Fold3,
    /// Nothing: the brain can't be judged on these films.
    None,
}

impl HoldOut {
    /// True if block `number` is held out.
    pub fn holds(self, number: i64) -> bool {
        let fold = match self {
            Self::Fold0 => 0,
            Self::Fold1 => 1,
            Self::Fold2 => 2,
            Self::Fold3 => 3,
            Self::Every5th => 4,
            Self::None => return false,
        };
        number.rem_euclid(5) == fold
    }
}

/// A film of which nothing is learned: all its ticks are held out, whatever [`HoldOut`] says of its blocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOutFilm {
    /// Its file's name, as in the ledger.
    pub name: String,
    /// BLAKE3 of its bytes, 64 hexadecimal digits.
    pub blake3: String,
}

/// Neighbouring ticks of one film.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TickSpan {
    /// Number of the film in its dataset.
    pub film: usize,
    /// Ticks, counted from the film's first one.
    pub ticks: Range<usize>,
}

impl TickSpan {
    /// Adds a tick to spans that are in the order of films and time.
    pub(crate) fn push(spans: &mut Vec<Self>, film: usize, tick: usize) {
        match spans.last_mut() {
            Some(span) if span.film == film && span.ticks.end == tick => span.ticks.end += 1,
            _ => spans.push(Self { film, ticks: tick..tick + 1 }),
        }
    }

    /// Film and tick of all its ticks.
    pub fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let film = self.film;
        self.ticks.clone().map(move |tick| (film, tick))
    }

    /// Number of ticks in all of some spans.
    pub fn total(spans: &[Self]) -> usize {
        spans.iter().map(|span| span.ticks.len()).sum()
    }
}

/// The ten-second block in which the middle of a tick lies.
pub(crate) fn block_of(rate: FrameRate, tick: i64) -> i64 {
    rate.middle_of(tick).0.div_euclid(BLOCK_US)
}

/// The ticks of one shard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeline {
    /// Shards of the same film share a number, so that all of them hold out the same blocks of it.
    pub(crate) film: usize,
    /// Number of the first tick on the grid.
    pub(crate) first_tick: i64,
    /// Number of ticks.
    pub(crate) ticks: u32,
}

/// Ticks of each part; disjoint.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Split {
    pub(crate) training: Vec<TickSpan>,
    pub(crate) validation: Vec<TickSpan>,
    pub(crate) held_out: Vec<TickSpan>,
}

/// Timelines to be split, and the rule.
pub(crate) struct Splitter<'a> {
    pub(crate) timelines: &'a [Timeline],
    pub(crate) tick: FrameRate,
    /// Length of the sound of a tick.
    pub(crate) reach: MediaTime,
    pub(crate) hold_out: HoldOut,
    /// Numbers of the films that are held out as a whole.
    pub(crate) held_out_films: &'a BTreeSet<usize>,
    pub(crate) validation: bool,
    pub(crate) seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Validation,
    HeldOut,
}

/// A span that training must not see, with the distance to keep before it.
#[derive(Clone, Copy, Debug)]
struct Reserved {
    from: i64,
    to: i64,
    gap_before: i64,
    part: Part,
}

/// A block of a film, and its number of ticks.
#[derive(Clone, Copy, Debug)]
struct Block {
    film: usize,
    number: i64,
    ticks: u32,
}

impl Splitter<'_> {
    /// Splits all timelines.
    pub(crate) fn split(&self) -> Split {
        let (held, free): (Vec<Block>, Vec<Block>) =
            self.blocks().into_iter().partition(|b| self.is_held_out(b));
        let mut reserved: BTreeMap<usize, Vec<Reserved>> = BTreeMap::new();
        for block in &held {
            reserved.entry(block.film).or_default().push(self.whole(block, Part::HeldOut));
        }
        for (film, span) in self.validation(&free) {
            reserved.entry(film).or_default().push(span);
        }
        reserved.values_mut().for_each(|spans| spans.sort_by_key(|s| s.from));
        self.parts(&reserved)
    }

    /// Every ten seconds of a film that have ticks, once however many shards the film has, by film and time.
    fn blocks(&self) -> Vec<Block> {
        let mut blocks: BTreeMap<(usize, i64), u32> = BTreeMap::new();
        for line in self.timelines {
            let numbers: Vec<i64> = self.ticks_of(line).map(|(_, time)| time.div_euclid(BLOCK_US)).collect();
            for run in numbers.chunk_by(|a, b| a == b) {
                let ticks = blocks.entry((line.film, run[0])).or_default();
                *ticks = run.len().max(*ticks as usize) as u32;
            }
        }
        blocks.into_iter().map(|((film, number), ticks)| Block { film, number, ticks }).collect()
    }

    fn is_held_out(&self, block: &Block) -> bool {
        self.hold_out.holds(block.number) || self.held_out_films.contains(&block.film)
    }

    /// Spreads the validation blocks over the corpus: the whole blocks, in order, fall into as many runs as there are
    /// blocks to choose, and one is drawn from each run. A block counts as whole with half of the most ticks of any: a
    /// few ticks at the end of a film are too little to stop by.
    fn validation(&self, free: &[Block]) -> Vec<(usize, Reserved)> {
        if !self.validation {
            return Vec::new();
        }
        let most = free.iter().map(|b| b.ticks).max().unwrap_or(0);
        let whole: Vec<&Block> = free.iter().filter(|b| 2 * b.ticks >= most).collect();
        if whole.len() < MIN_BLOCKS {
            return whole
                .iter()
                .max_by_key(|b| b.ticks)
                .and_then(|b| self.last_fifth(b))
                .into_iter()
                .collect();
        }
        let runs = ((whole.len() + VALIDATION_SHARE / 2) / VALIDATION_SHARE).max(1);
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        (0..runs)
            .map(|run| {
                let (from, to) = (run * whole.len() / runs, (run + 1) * whole.len() / runs);
                let block = whole[random.random_range(from..to)];
                (block.film, self.whole(block, Part::Validation))
            })
            .collect()
    }

    fn whole(&self, block: &Block, part: Part) -> Reserved {
        let from = block.number * BLOCK_US;
        Reserved { from, to: from + BLOCK_US, gap_before: self.margin(), part }
    }

    /// A corpus of one or two blocks still needs something to stop by: the last fifth of its longest block. The gap
    /// before it is no longer than itself, so that a film of a second keeps something to learn from.
    fn last_fifth(&self, block: &Block) -> Option<(usize, Reserved)> {
        let line = self.timelines.iter().find(|line| line.film == block.film)?;
        let times: Vec<i64> =
            self.ticks_of(line).map(|(_, t)| t).filter(|t| t.div_euclid(BLOCK_US) == block.number).collect();
        let fifth = times.len() / 5;
        let from = *times[times.len() - fifth..].first()?;
        let gap_before = self.margin().min(times[times.len() - 1] - from);
        let to = (block.number + 1) * BLOCK_US;
        Some((block.film, Reserved { from, to, gap_before, part: Part::Validation }))
    }

    /// Half a second, or as far as the sounds of two ticks overlap, if that is more.
    fn margin(&self) -> i64 {
        MARGIN_US.max(self.reach.0)
    }

    fn parts(&self, reserved: &BTreeMap<usize, Vec<Reserved>>) -> Split {
        let mut split = Split::default();
        for (number, line) in self.timelines.iter().enumerate() {
            let spans = reserved.get(&line.film).map_or(&[][..], Vec::as_slice);
            for (tick, time) in self.ticks_of(line) {
                let part = match self.place(time, spans) {
                    TickPlace::Free => &mut split.training,
                    TickPlace::Near => continue,
                    TickPlace::In(Part::Validation) => &mut split.validation,
                    TickPlace::In(Part::HeldOut) => &mut split.held_out,
                };
                TickSpan::push(part, number, tick);
            }
        }
        split
    }

    /// `spans` are disjoint and in order.
    fn place(&self, time: i64, spans: &[Reserved]) -> TickPlace {
        let first = spans.partition_point(|s| s.to + self.margin() <= time);
        let near = spans[first..].iter().take_while(|s| s.from - s.gap_before <= time);
        near.fold(TickPlace::Free, |place, s| match place {
            TickPlace::In(_) => place,
            _ if (s.from..s.to).contains(&time) => TickPlace::In(s.part),
            _ => TickPlace::Near,
        })
    }

    /// Ticks of a timeline, counted from its first one, with their middles in microseconds.
    fn ticks_of(&self, line: &Timeline) -> impl Iterator<Item = (usize, i64)> {
        let (rate, line) = (self.tick, *line);
        (0..line.ticks as usize).map(move |k| {
            let MediaTime(middle) = rate.middle_of(line.first_tick + k as i64);
            (k, middle)
        })
    }
}

#[derive(Clone, Copy, Debug)]
enum TickPlace {
    Free,
    Near,
    In(Part),
}
