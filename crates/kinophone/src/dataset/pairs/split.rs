//! Which pairs a brain learns from, which decide when it stops, and which judge it.
//!
//! Neighbouring pictures and their sounds are nearly alike, so single pairs held out at random would be known already
//! from their neighbours and every judgement flattered. Whole blocks of ten seconds of the film's clock are held out
//! instead, and pairs close to their borders are learned from by nobody: the sound and the scene of a pair reach across a
//! border, and what lies on the other side would leak.

use crate::dataset::pairs::HoldOut;
use kinophone_dsp::units::{FrameRate, MediaTime};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Length of a block.
const BLOCK_US: i64 = 10_000_000;
/// No pair is learned from whose middle lies so near to a held-out or validation block.
const MARGIN_US: i64 = 500_000;
/// One in so many blocks that are not held out is for validation.
const VALIDATION_SHARE: usize = 8;
/// With fewer whole blocks than this none can be spared for validation.
const FEWEST_BLOCKS: usize = 3;

/// The ten-second block in which the middle of a tick lies.
pub(crate) fn block_of(rate: FrameRate, tick: i64) -> i64 {
    rate.middle_of(tick).0.div_euclid(BLOCK_US)
}

/// The ticks of one shard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeline {
    /// Shards of the same film share a number, so that all of them hold out the same blocks of it.
    pub(crate) film: usize,
    /// Row of the first tick.
    pub(crate) first_row: u32,
    /// Number of the first tick on the grid.
    pub(crate) first_tick: i64,
    /// How many ticks.
    pub(crate) ticks: u32,
}

/// Rows of each part; disjoint.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Split {
    pub(crate) training: Vec<u32>,
    pub(crate) validation: Vec<u32>,
    pub(crate) held_out: Vec<u32>,
}

/// What is to be split, and how.
pub(crate) struct Splitter<'a> {
    pub(crate) timelines: &'a [Timeline],
    pub(crate) tick: FrameRate,
    /// How long the sound of a pair is.
    pub(crate) reach: MediaTime,
    pub(crate) hold_out: HoldOut,
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

/// A block of a film, and how many pairs it has.
#[derive(Clone, Copy, Debug)]
struct Block {
    film: usize,
    number: i64,
    pairs: u32,
}

impl Splitter<'_> {
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
        self.rows(&reserved)
    }

    /// Every ten seconds of a film that have pairs, once however many shards the film has, by film and time.
    fn blocks(&self) -> Vec<Block> {
        let mut blocks: BTreeMap<(usize, i64), u32> = BTreeMap::new();
        for line in self.timelines {
            let numbers: Vec<i64> = self.pairs_of(line).map(|(_, time)| time.div_euclid(BLOCK_US)).collect();
            for run in numbers.chunk_by(|a, b| a == b) {
                let pairs = blocks.entry((line.film, run[0])).or_default();
                *pairs = run.len().max(*pairs as usize) as u32;
            }
        }
        blocks.into_iter().map(|((film, number), pairs)| Block { film, number, pairs }).collect()
    }

    fn is_held_out(&self, block: &Block) -> bool {
        self.hold_out.holds(block.number)
    }

    /// Spreads the validation blocks over the corpus: the whole blocks, in order, fall into as many runs as there are
    /// blocks to choose, and one is drawn from each run. A block counts as whole with half of the most pairs of any: a
    /// few ticks at the end of a film are too little to stop by.
    fn validation(&self, free: &[Block]) -> Vec<(usize, Reserved)> {
        if !self.validation {
            return Vec::new();
        }
        let most = free.iter().map(|b| b.pairs).max().unwrap_or(0);
        let whole: Vec<&Block> = free.iter().filter(|b| 2 * b.pairs >= most).collect();
        if whole.len() < FEWEST_BLOCKS {
            return whole
                .iter()
                .max_by_key(|b| b.pairs)
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
            self.pairs_of(line).map(|(_, t)| t).filter(|t| t.div_euclid(BLOCK_US) == block.number).collect();
        let fifth = times.len() / 5;
        let from = *times[times.len() - fifth..].first()?;
        let gap_before = self.margin().min(times[times.len() - 1] - from);
        let to = (block.number + 1) * BLOCK_US;
        Some((block.film, Reserved { from, to, gap_before, part: Part::Validation }))
    }

    /// Half a second, or as far as the sounds of two pairs overlap, if that is more.
    fn margin(&self) -> i64 {
        MARGIN_US.max(self.reach.0)
    }

    fn rows(&self, reserved: &BTreeMap<usize, Vec<Reserved>>) -> Split {
        let mut split = Split::default();
        for line in self.timelines {
            let spans = reserved.get(&line.film).map_or(&[][..], Vec::as_slice);
            for (row, time) in self.pairs_of(line) {
                match self.place(time, spans) {
                    TickPlace::Free => split.training.push(row),
                    TickPlace::Near => {}
                    TickPlace::In(Part::Validation) => split.validation.push(row),
                    TickPlace::In(Part::HeldOut) => split.held_out.push(row),
                }
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

    /// Rows of a timeline with the middles of their ticks in microseconds.
    fn pairs_of(&self, line: &Timeline) -> impl Iterator<Item = (u32, i64)> {
        let (tick, line) = (self.tick, *line);
        (0..line.ticks).map(move |k| {
            let MediaTime(middle) = tick.middle_of(line.first_tick + i64::from(k));
            (line.first_row + k, middle)
        })
    }
}

#[derive(Clone, Copy, Debug)]
enum TickPlace {
    Free,
    Near,
    In(Part),
}
