//! Which unit sounds in which tick: the cheapest path through all units.

use super::{MosaicConfig, Units};
use crate::nearest::LANES;
use pulp::Arch;
use std::collections::{BTreeSet, VecDeque};
use std::iter::zip;
use std::sync::Arc;

/// Targets that wait for one another where there is time, so that the descriptors are read from memory once for all.
const BATCH: usize = 8;
/// Every so many ticks the exact choice looks which of them are decided. That costs as much as a part of one tick.
const ASK_EVERY: u32 = 32;

/// Chooses a unit for every tick: the path with the least sum of squared distances between target and unit, plus a price
/// for every jump, that is, for every step to anything but the unit's natural continuation.
///
/// This is Viterbi's algorithm (IEEE Trans. Information Theory 13, 1967) over all units, without pruning. With one price
/// for all jumps, a path that jumps comes from the best unit of the tick before, whichever unit it jumps to; so a tick
/// costs O(units), and of every path only the time of its last jump must be kept, of every tick only its best unit with
/// that unit's last jump. The best path is then a chain of straight runs, traced from its end. Sums are of f32, taken
/// relative to the best of the tick so that nothing is lost in a long film. Of equally good ways, continuing is taken before
/// jumping, and the lower unit before the higher.
///
/// Long before the last target is known, all paths that are left have their beginnings in common: whatever comes, the best
/// one will be among them. What is decided like that is given out at once, so that the exact choice needs no more memory for a
/// longer film and its sound can be heard while the film is still being read.
///
/// With a delay of D ticks, a tick's unit is committed as soon as D further targets are known: it is the one on the path
/// that is best by then, and every path that does not lead through it is given up. With D = 0 that is the greedy choice:
/// the continuing unit, unless its cost exceeds the best unit's by more than the price. With D no less than the number of
/// ticks it is the exact one.
pub struct Chooser {
    units: Arc<Units>,
    price: f32,
    /// `None`: until the end.
    delay: Option<usize>,
    /// Targets [up to BATCH × dims] whose costs are not known yet.
    waiting: Vec<f32>,
    rows_waiting: usize,
    costs: Vec<f32>,
    paths: Paths,
    before: Paths,
    /// Tick of the next target.
    tick: u32,
    /// The best path's end in every tick from `uncommitted` on.
    best: VecDeque<Best>,
    uncommitted: u32,
    /// Room for [`Chooser::keep_paths_through`].
    leads_through: Vec<bool>,
}

/// The best path to every unit in one tick. Index 0 stands for the unit before the first, which nothing comes from.
struct Paths {
    /// What the path costs, above `base` being the best of them.
    cost: Vec<f32>,
    /// Tick of its last jump.
    since: Vec<u32>,
    base: f32,
}

/// The end of the best path in one tick, and the tick of that path's last jump.
#[derive(Clone, Copy)]
struct Best {
    unit: u32,
    since: u32,
}

impl Chooser {
    /// The best of all paths. [`Chooser::push`] gives out what is decided whatever comes, usually a few seconds of it at a
    /// time; where many units are alike it may be nothing for long.
    pub fn exact(units: Arc<Units>, config: &MosaicConfig) -> Self {
        Self::new(units, config.clamped().jump_price, None)
    }

    /// Commits each tick once `delay` more targets are known.
    pub fn lookahead(units: Arc<Units>, config: &MosaicConfig, delay: usize) -> Self {
        Self::new(units, config.clamped().jump_price, Some(delay))
    }

    /// Commits each tick at once: the unit that continues the present one, unless its cost exceeds the best unit's by more
    /// than [`MosaicConfig::stay`].
    pub fn greedy(units: Arc<Units>, config: &MosaicConfig) -> Self {
        Self::new(units, config.clamped().stay, Some(0))
    }

    fn new(units: Arc<Units>, price: f32, delay: Option<usize>) -> Self {
        let width = units.joins().len();
        let batch = if delay.is_some() { 1 } else { BATCH };
        Self {
            price,
            delay,
            waiting: Vec::with_capacity(batch * units.dims()),
            rows_waiting: 0,
            costs: vec![0.0; batch * width],
            paths: Paths::none(width),
            before: Paths::none(width),
            tick: 0,
            best: VecDeque::new(),
            uncommitted: 0,
            leads_through: Vec::new(),
            units,
        }
    }

    /// Takes the target of the next tick, `[dims]`; numbers that are missing or none count as 0. Appends the units of the
    /// ticks that are decided by now to `chosen`, in order: with a delay that of the tick which lies the delay before this
    /// one, once there is such a tick.
    pub fn push(&mut self, target: &[f32], chosen: &mut Vec<u32>) {
        let numbers = target.iter().map(|x| if x.is_finite() { *x } else { 0.0 });
        self.waiting.extend(numbers.chain(std::iter::repeat(0.0)).take(self.units.dims()));
        self.rows_waiting += 1;
        let batch = self.costs.len() / self.units.joins().len();
        if self.rows_waiting == batch {
            self.extend_paths();
        }
        match self.delay {
            Some(delay) if self.best.len() > delay => chosen.push(self.commit()),
            None if self.rows_waiting == 0 && self.tick.is_multiple_of(ASK_EVERY) => {
                let decided = self.decided();
                self.trace(decided, chosen);
            }
            _ => {}
        }
    }

    /// Appends the units of all ticks that were not given out yet, in order. Afterwards the chooser is as new.
    pub fn finish(&mut self, chosen: &mut Vec<u32>) {
        self.extend_paths();
        self.trace(self.tick, chosen);
        self.reset();
    }

    /// The first tick that is not decided: before it all paths are one. A path that last jumped at tick t is, before t, the
    /// best one of tick t − 1, so the times of last jumps form a tree; what lies before the nearest jump that all paths have
    /// in common is decided.
    fn decided(&self) -> u32 {
        let mut jumps: BTreeSet<u32> = self.paths.since[1..].iter().copied().collect();
        while let Some(latest) = jumps.pop_last() {
            if jumps.is_empty() || latest <= self.uncommitted {
                return latest.max(self.uncommitted);
            }
            jumps.insert(self.best[(latest - 1 - self.uncommitted) as usize].since);
        }
        self.uncommitted
    }

    /// Appends the units before tick `end` of the path that was the best one tick earlier, and forgets those ticks.
    fn trace(&mut self, end: u32, chosen: &mut Vec<u32>) {
        let (from, ticks) = (chosen.len(), (end - self.uncommitted) as usize);
        chosen.resize(from + ticks, 0);
        let units = &mut chosen[from..];
        let mut end_of_run = ticks;
        while end_of_run > 0 {
            let best = self.best[end_of_run - 1];
            let start = best.since.saturating_sub(self.uncommitted) as usize;
            for (unit, back) in zip(units[start..end_of_run].iter_mut().rev(), 0..) {
                *unit = best.unit - back;
            }
            end_of_run = start;
        }
        self.best.drain(..ticks);
        self.uncommitted = end;
    }

    /// Back to the state before the first push.
    pub fn reset(&mut self) {
        let width = self.units.joins().len();
        (self.paths, self.before) = (Paths::none(width), Paths::none(width));
        (self.tick, self.uncommitted, self.rows_waiting) = (0, 0, 0);
        self.waiting.clear();
        self.best.clear();
    }

    /// Extends all paths by the ticks whose targets wait.
    fn extend_paths(&mut self) {
        let width = self.units.joins().len();
        let costs = &mut self.costs[..self.rows_waiting * width];
        self.units.costs(&self.waiting, costs);
        for cost in costs.chunks_exact(width) {
            std::mem::swap(&mut self.paths, &mut self.before);
            let (paths, before, joins) = (&mut self.paths, &self.before, self.units.joins());
            let best = Arch::new().dispatch(|| extend(paths, before, cost, joins, self.price, self.tick));
            self.best.push_back(best);
            self.tick += 1;
        }
        self.waiting.clear();
        self.rows_waiting = 0;
    }

    /// Decides the first tick that is not decided yet.
    fn commit(&mut self) -> u32 {
        let unit = self.best_at(self.uncommitted);
        self.keep_paths_through(unit);
        self.best.pop_front();
        self.uncommitted += 1;
        unit
    }

    /// The unit in `tick` of the path that is best now.
    fn best_at(&self, tick: u32) -> u32 {
        let mut end = self.tick - 1;
        loop {
            let best = self.best[(end - self.uncommitted) as usize];
            if best.since <= tick {
                return best.unit - (end - tick);
            }
            end = best.since - 1;
        }
    }

    /// Gives up every path that is not in `unit` in the first undecided tick. The best one is.
    fn keep_paths_through(&mut self, unit: u32) {
        let (first, now) = (self.uncommitted, self.tick - 1);
        // Whether a path does whose end in `tick` is `end` and whose last jump was at `since`, given the same for all paths
        // that jumped at `first + 1 + i`: they have their past before the jump in common.
        let does = |tick: u32, end: u32, since: u32, jumped: &[bool]| {
            if since <= first { end == unit + (tick - first) } else { jumped[(since - first - 1) as usize] }
        };
        self.leads_through.clear();
        for (tick, best) in zip(first..now, &self.best) {
            let through = does(tick, best.unit, best.since, &self.leads_through);
            self.leads_through.push(through);
        }
        let Paths { cost, since, .. } = &mut self.paths;
        for (end, (cost, since)) in zip(0.., zip(&mut cost[1..], &since[1..])) {
            if !does(now, end, *since, &self.leads_through) {
                *cost = f32::INFINITY;
            }
        }
    }

    /// Numbers held besides the units.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let paths = |p: &Paths| p.cost.capacity() + p.since.capacity();
        self.waiting.capacity()
            + self.costs.capacity()
            + paths(&self.paths)
            + paths(&self.before)
            + 2 * self.best.capacity()
            + self.leads_through.capacity()
    }
}

impl Paths {
    fn none(width: usize) -> Self {
        Self { cost: vec![f32::INFINITY; width + 1], since: vec![0; width + 1], base: 0.0 }
    }
}

/// Extends the paths `before` by a tick into `paths`, and gives the best of them. All lists but the paths' are [width].
#[inline(always)]
fn extend(paths: &mut Paths, before: &Paths, cost: &[f32], joins: &[f32], price: f32, tick: u32) -> Best {
    let base = before.base;
    let (came_cost, _) = before.cost.as_chunks::<LANES>();
    let (came_since, _) = before.since.as_chunks::<LANES>();
    let (new_cost, _) = paths.cost[1..].as_chunks_mut::<LANES>();
    let (new_since, _) = paths.since[1..].as_chunks_mut::<LANES>();
    let given = zip(cost.as_chunks::<LANES>().0, joins.as_chunks::<LANES>().0);
    let came = zip(came_cost, came_since);
    let new = zip(new_cost, new_since);
    // The least of every lane, and in which block it was first.
    let mut least = [f32::INFINITY; LANES];
    let mut place = [0u32; LANES];
    for (block, ((given, came), new)) in zip(0u32.., zip(zip(given, came), new)) {
        for k in 0..LANES {
            let continuing = came.0[k] - base + given.1[k];
            let continues = continuing <= price;
            let sum = given.0[k] + if continues { continuing } else { price };
            new.0[k] = sum;
            new.1[k] = if continues { came.1[k] } else { tick };
            let better = sum < least[k];
            least[k] = if better { sum } else { least[k] };
            place[k] = if better { block } else { place[k] };
        }
    }
    let lanes = zip(least, zip(place, 0u32..)).map(|(sum, (block, k))| (sum, block * LANES as u32 + k));
    let (sum, unit) =
        lanes.fold((f32::INFINITY, 0), |a, b| if b.0 < a.0 || (b.0 == a.0 && b.1 < a.1) { b } else { a });
    paths.base = sum;
    Best { unit, since: paths.since[unit as usize + 1] }
}
