//! The selection of units: the cheapest path through all of them.

use crate::concat::MosaicConfig;
use crate::concat::units::UnitDescriptors;
use crate::neighbors::{NEVER, Neighbor, Query};
use std::collections::{BTreeMap, VecDeque};
use std::iter::zip;
use std::ops::Range;
use std::sync::Arc;

/// Ticks from one search for decided ticks to the next in the exact selection. It costs as much as a few
/// ticks.
const DECISION_INTERVAL: u32 = 32;
/// Ticks whose targets are kept so that the costs of paths there can be computed later. After so many they
/// are.
const KEPT_TICKS: u32 = 16;
/// Greatest number of paths whose costs are computed before jumps are searched for.
const MAX_EARLY_PATHS: usize = 32;

/// Selects a unit for every tick: the path with the least sum of squared distances between target and unit,
/// plus a price for every jump, that is, for every step to anything but the unit's natural continuation.
///
/// This is Viterbi's algorithm (IEEE Trans. Information Theory 13, 1967). With one price for all jumps, a
/// path that jumps comes from the best unit of the tick before, whichever unit it jumps to; so of every path
/// only the time of its last jump must be kept, of every tick only its best unit with that unit's last jump.
/// The best path is then a chain of straight runs, traced from its end. Sums are of f32, taken relative to
/// the best of the tick so that nothing is lost in a long film. Of equally good ways, continuing is taken
/// before jumping, and the lower unit before the higher.
///
/// Most units need not be visited, and the selection is the same to the last bit. A path that costs more than
/// the best one and a jump is never continued: the unit that it leads to is reached by a jump from the best
/// one. The others are *alive*. In the next tick only two kinds of paths can be alive: those that continue
/// one which is, and those that jump to a unit so near the target that with the price it costs no more than
/// the best path and a jump, that is, whose distance is no more than the increase of the best path's cost.
/// That is not known yet, but no more than the cost of the cheapest known way; and all units within a radius
/// are found in a tree ([`crate::neighbors::PcaKdTree`]). Nor are the costs of most paths known: the tree
/// gives lower bounds, with sums that are rounded alike. The exact costs are computed, from all descriptors
/// of all ticks that are open, of paths that could be the best one, or when it matters where they come from.
/// So a tick costs O(paths alive + units near the target).
///
/// Long before the last target is known, all paths that are alive have their beginnings in common: whatever
/// comes, the best one will be among them. Ticks decided like that are given out at once, so that the exact
/// selection needs no more memory for a longer film and its sound can be heard while the film is still being
/// read.
///
/// With a delay of D ticks, a tick's unit is committed as soon as D further targets are known: it is the one
/// on the path that is best by then, and every path that does not lead through it is given up. With D = 0
/// that is the greedy selection: the continuing unit, unless its cost exceeds the best unit's by more than
/// the price. With D no less than the number of ticks it is the exact one, as long as repetition is free:
/// units that were given out are those that must not be repeated.
pub struct UnitSelector {
    units: Arc<UnitDescriptors>,
    price: f32,
    /// By how much a path may cost more than the best one and stay alive.
    reach: f32,
    /// `None`: until the end.
    delay: Option<usize>,
    repeat_ticks: u32,
    repeat_price: f32,
    /// Per unit the number of ticks until it was last given out, 0 if it was not. Empty where repetition is
    /// free.
    last_given_out: Vec<u32>,
    /// The last [`KEPT_TICKS`] ticks, the last one at the end.
    past: VecDeque<PathTick>,
    /// The paths that are alive as far as is known, in no order.
    paths: Vec<Path>,
    /// Tick of the next target.
    tick: u32,
    /// The best path's end in every tick from `uncommitted` on.
    best: VecDeque<Best>,
    uncommitted: u32,
    buffers: SelectorBuffers,
}

/// Constraints on the unit of one tick.
#[derive(Clone, Copy, Debug, Default)]
pub struct Constraints<'a> {
    /// Per group of units whether it may sound; groups beyond the end may not. `None`: all may.
    pub only: Option<&'a [bool]>,
    /// Units that must not sound, such as those that another layer plays; ranges in any order.
    pub avoid: &'a [Range<u32>],
}

/// The best path to a unit in the present tick. Costs are relative to the base of the tick before.
#[derive(Clone, Copy)]
struct Path {
    unit: u32,
    /// Tick of its last jump before it was open.
    since: u32,
    /// Lower bound of its cost.
    lower_bound: f32,
    /// The first tick whose cost is not computed, and the cost of the path until there. In an open tick it
    /// could turn out that it should have been left, and its unit been jumped to.
    open: u32,
    cost: f32,
}

/// The target of a tick, and the cost of the best path.
#[derive(Default)]
struct PathTick {
    target: Query,
    base: f32,
}

/// The end of the best path in one tick, and the tick of that path's last jump.
#[derive(Clone, Copy)]
struct Best {
    unit: u32,
    since: u32,
}

/// Lists that are filled anew every tick.
#[derive(Default)]
struct SelectorBuffers {
    next: Vec<Path>,
    /// A bit for every unit, in words: those that are continued, those that are jumped to.
    continued: Vec<u64>,
    jumped_to: Vec<u64>,
    /// Per unit that is jumped to, the lower bound of its distance.
    jump_bounds: Vec<f32>,
    /// Units that are continued, then indices of promising paths.
    indices: Vec<u32>,
    bounds: Vec<f32>,
    found: Vec<Neighbor>,
    leads_through: Vec<bool>,
}

/// The paths that last jumped in the same tick, as far as they are known.
struct PathRun {
    /// The unit that one of them jumped to.
    first: u32,
    /// The last tick in which all are where that one is.
    until: u32,
    /// True where one jumped elsewhere.
    forks: bool,
}

impl Constraints<'_> {
    fn are_none(&self) -> bool {
        self.only.is_none() && self.avoid.is_empty()
    }

    fn allow(&self, units: &UnitDescriptors, unit: u32) -> bool {
        self.only.is_none_or(|only| only.get(units.group(unit) as usize).is_some_and(|may| *may))
            && !self.avoid.iter().any(|range| range.contains(&unit))
    }
}

impl UnitSelector {
    /// The best of all paths. [`UnitSelector::push`] gives out the ticks that are decided whatever comes,
    /// usually a few seconds at a time; where many units are alike it may be nothing for long.
    pub fn exact(units: Arc<UnitDescriptors>, config: &MosaicConfig) -> Self {
        Self::new(units, config, config.clamped().jump_price, None)
    }

    /// Commits each tick once `delay` more targets are known.
    pub fn lookahead(units: Arc<UnitDescriptors>, config: &MosaicConfig, delay: usize) -> Self {
        Self::new(units, config, config.clamped().jump_price, Some(delay))
    }

    /// Commits each tick at once: the unit that continues the present one, unless its cost exceeds the best
    /// unit's by more than [`MosaicConfig::stay`].
    pub fn greedy(units: Arc<UnitDescriptors>, config: &MosaicConfig) -> Self {
        Self::new(units, config, config.clamped().stay, Some(0))
    }

    fn new(units: Arc<UnitDescriptors>, config: &MosaicConfig, price: f32, delay: Option<usize>) -> Self {
        let MosaicConfig { repeat_ticks, repeat_price, .. } = config.clamped();
        Self {
            price,
            // Where every tick is committed at once, all paths but the best are given up.
            reach: if delay == Some(0) { 0.0 } else { price },
            delay,
            repeat_ticks,
            repeat_price,
            last_given_out: vec![0; if repeat_ticks > 0 { units.len() } else { 0 }],
            past: VecDeque::new(),
            paths: Vec::new(),
            tick: 0,
            best: VecDeque::new(),
            uncommitted: 0,
            buffers: SelectorBuffers {
                continued: vec![0; units.len().div_ceil(64)],
                jumped_to: vec![0; units.len().div_ceil(64)],
                jump_bounds: vec![0.0; units.len()],
                ..SelectorBuffers::default()
            },
            units,
        }
    }

    /// Takes the target of the next tick, `[dims]`; numbers that are missing or none count as 0. Appends the
    /// units of the ticks that are decided by now to `selected`, in order: with a delay that of the tick
    /// which lies the delay before this one, once there is such a tick. [`UnitDescriptors::distance`] gives
    /// the cost of a unit, and [`UnitDescriptors::continues`] tells whether it was jumped to.
    pub fn push(&mut self, target: &[f32], selected: &mut Vec<u32>) {
        self.push_on(target, &Constraints::default(), selected);
    }

    /// Takes the target of a tick in which not every unit may sound. Where the constraints leave no unit, all
    /// may.
    pub fn push_on(&mut self, target: &[f32], constraints: &Constraints<'_>, selected: &mut Vec<u32>) {
        let full = self.past.len() == KEPT_TICKS as usize;
        let mut now = if full { self.past.pop_front() } else { None }.unwrap_or_default();
        self.units.descriptors().set_query(target, &mut now.target);
        self.past.push_back(now);
        if !self.extend(constraints) {
            self.extend(&Constraints::default());
        }
        match self.delay {
            Some(delay) if self.best.len() > delay => self.commit(selected),
            None if (self.tick + 1).is_multiple_of(DECISION_INTERVAL) => {
                let decided = self.decided();
                self.backtrack(decided, selected);
            }
            _ => {}
        }
        self.tick += 1;
    }

    /// Appends the units of all ticks that were not given out yet, in order. Afterwards the selector is as
    /// new.
    pub fn finish(&mut self, selected: &mut Vec<u32>) {
        self.backtrack(self.tick, selected);
        self.reset();
    }

    /// Back to the state before the first push.
    pub fn reset(&mut self) {
        self.paths.clear();
        self.best.clear();
        self.last_given_out.fill(0);
        self.past.clear();
        (self.tick, self.uncommitted) = (0, 0);
    }

    /// The target of the present tick.
    fn target(&self) -> &Query {
        &self.past[self.past.len() - 1].target
    }

    /// Extends all paths that are alive by the tick of the last target. False, and nothing done, if the
    /// constraints leave no unit that can be compared.
    fn extend(&mut self, constraints: &Constraints<'_>) -> bool {
        let mut buffers = std::mem::take(&mut self.buffers);
        let unconstrained = constraints.are_none();
        let allowed = |unit: u32| unconstrained || constraints.allow(&self.units, unit);
        self.continue_paths(&mut buffers, &allowed);
        let mut base = self.bound_best(&mut buffers, &allowed);
        self.find_jumps(&mut buffers, &mut base, &allowed);
        // Paths that could be the best, and those that cannot be left open for longer, are computed.
        for path in &mut buffers.next {
            if path.lower_bound <= base || path.open + KEPT_TICKS <= self.tick + 2 {
                self.compute(path);
                base = base.min(path.cost);
            }
        }
        let possible = base < NEVER || unconstrained;
        if possible {
            self.keep_alive(&mut buffers.next, base);
        }
        self.buffers = buffers;
        possible
    }

    /// Fills `next` with the paths that continue one that is alive.
    fn continue_paths(&self, buffers: &mut SelectorBuffers, allowed: &impl Fn(u32) -> bool) {
        let SelectorBuffers { next, indices: units, bounds, .. } = buffers;
        let base_before = self.past.len().checked_sub(2).map_or(0.0, |before| self.past[before].base);
        next.clear();
        units.clear();
        for path in &self.paths {
            let unit = path.unit + 1;
            if self.units.follows_another(unit) && allowed(unit) {
                units.push(unit);
                next.push(Path { unit, ..*path });
            }
        }
        self.units.descriptors().lower_bounds(self.target(), units, bounds);
        for (path, bound) in zip(next.iter_mut(), &*bounds) {
            path.lower_bound = bound + (path.lower_bound - base_before);
        }
        if self.repeat_ticks > 0 {
            // The price of a repetition depends on the present tick.
            next.iter_mut().filter(|path| self.repeats(path.unit)).for_each(|path| self.compute(path));
        }
    }

    /// An upper bound of the best path's cost, from some units near the target and the most promising paths
    /// that continue.
    fn bound_best(&self, buffers: &mut SelectorBuffers, allowed: &impl Fn(u32) -> bool) -> f32 {
        let mut base = f32::INFINITY;
        let nearby = self.units.descriptors().nearest_leaf(self.target());
        for unit in nearby.iter().filter(|unit| allowed(**unit)) {
            let mut path = self.jump_to(*unit, 0.0);
            self.compute(&mut path);
            base = base.min(path.cost);
        }
        self.compute_promising(&mut buffers.next, &mut buffers.indices, &mut base);
        base
    }

    /// Drops the paths in `next` that are not alive, and adds those that jump, to units that no path alive
    /// continues. `base` falls to the cost of the cheapest.
    fn find_jumps(&self, buffers: &mut SelectorBuffers, base: &mut f32, allowed: &impl Fn(u32) -> bool) {
        let SelectorBuffers { next, continued, jumped_to, jump_bounds, found, .. } = buffers;
        next.retain(|path| path.lower_bound - *base <= self.reach);
        next.iter().for_each(|path| continued[path.unit as usize / 64] |= 1 << (path.unit % 64));
        // A share more, since sums are rounded.
        let radius = *base + self.reach - self.price + 1e-6 * (*base + self.reach + self.price);
        self.units.descriptors().within(self.target(), radius, found);
        let candidates = found.iter().filter(|found| allowed(found.point));
        if let Some(nearest) = candidates.min_by(|a, b| a.lower_bound.total_cmp(&b.lower_bound)) {
            let mut path = self.jump_to(nearest.point, nearest.lower_bound);
            self.compute(&mut path);
            *base = base.min(path.cost);
        }
        for Neighbor { point, lower_bound } in &*found {
            let (word, bit) = (*point as usize / 64, 1 << (point % 64));
            let alive = lower_bound + self.price - *base <= self.reach;
            if continued[word] & bit == 0 && alive && allowed(*point) {
                jumped_to[word] |= bit;
                jump_bounds[*point as usize] = *lower_bound;
            }
        }
        self.push_jumps(buffers);
    }

    /// Adds the jumps that are marked in `jumped_to` to `next`, and clears the marks.
    fn push_jumps(&self, buffers: &mut SelectorBuffers) {
        let SelectorBuffers { next, continued, jumped_to, jump_bounds, .. } = buffers;
        let continuing = next.len();
        // In the order of units, since neighbouring units are quickly read.
        for (word, marked) in zip(0.., jumped_to.iter_mut()) {
            while *marked != 0 {
                let unit = 64 * word + marked.trailing_zeros();
                next.push(self.jump_to(unit, jump_bounds[unit as usize]));
                *marked &= *marked - 1;
            }
        }
        next[..continuing].iter().for_each(|path| continued[path.unit as usize / 64] = 0);
        if self.repeat_ticks > 0 {
            let jumping = next[continuing..].iter_mut();
            jumping.filter(|path| self.repeats(path.unit)).for_each(|path| self.compute(path));
        }
    }

    /// The paths of `next` that are alive, given the cost of the best, become the present ones.
    fn keep_alive(&mut self, next: &mut Vec<Path>, base: f32) {
        next.retain(|path| path.lower_bound - base <= self.reach);
        std::mem::swap(next, &mut self.paths);
        if let Some(now) = self.past.back_mut() {
            now.base = base;
        }
        // Of equally good ones the lowest unit's.
        let best = self.paths.iter().filter(|path| path.lower_bound == base).min_by_key(|path| path.unit);
        self.best.extend(best.map(|path| Best { unit: path.unit, since: path.since }));
    }

    /// A path that jumps to `unit` in the tick of the last target.
    fn jump_to(&self, unit: u32, lower_bound: f32) -> Path {
        Path { unit, since: self.tick, lower_bound: lower_bound + self.price, open: self.tick, cost: 0.0 }
    }

    /// Computes the most promising of `paths` that could cost less than `base`, which falls to the cost of
    /// the best of those.
    fn compute_promising(&self, paths: &mut [Path], promising: &mut Vec<u32>, base: &mut f32) {
        promising.clear();
        let could = |(_, path): &(u32, &Path)| path.lower_bound < *base && path.open <= self.tick;
        promising.extend(zip(0.., &*paths).filter(could).map(|(i, _)| i));
        let by_bound =
            |a: &u32, b: &u32| paths[*a as usize].lower_bound.total_cmp(&paths[*b as usize].lower_bound);
        if promising.len() > MAX_EARLY_PATHS {
            promising.select_nth_unstable_by(MAX_EARLY_PATHS, by_bound);
            promising.truncate(MAX_EARLY_PATHS);
        }
        promising.sort_unstable_by(by_bound);
        for i in &*promising {
            let path = &mut paths[*i as usize];
            if path.lower_bound >= *base {
                break;
            }
            self.compute(path);
            *base = base.min(path.cost);
        }
    }

    /// Returns true if `unit` was given out for one of the last ticks.
    fn repeats(&self, unit: u32) -> bool {
        let last = self.last_given_out.get(unit as usize).copied().unwrap_or(0);
        last > 0 && last.saturating_add(self.repeat_ticks) > self.tick
    }

    /// Computes the cost of the best path to this one's unit in the tick of the last target.
    fn compute(&self, path: &mut Path) {
        let first = self.tick + 1 - self.past.len() as u32;
        while path.open <= self.tick {
            let at = (path.open - first) as usize;
            let unit = path.unit - (self.tick - path.open);
            let mut distance = self.units.descriptors().squared_distance(&self.past[at].target, unit);
            // A repetition is never left open.
            if path.open == self.tick && self.repeats(unit) {
                distance += self.repeat_price;
            }
            let continuing =
                if path.open == path.since { f32::INFINITY } else { path.cost - self.past[at - 1].base };
            if continuing <= self.price {
                path.cost = distance + continuing;
            } else {
                (path.cost, path.since) = (distance + self.price, path.open);
            }
            path.open += 1;
        }
        path.lower_bound = path.cost;
    }

    /// The first tick that is not decided: before it all paths that are alive are one. A path that last
    /// jumped at tick t is, before t, the best one of tick t − 1, so runs form a tree.
    fn decided(&mut self) -> u32 {
        let mut paths = std::mem::take(&mut self.paths);
        paths.iter_mut().for_each(|path| self.compute(path));
        let base = self.past.back().map_or(0.0, |now| now.base);
        paths.retain(|path| path.cost - base <= self.reach);
        self.paths = paths;
        let mut runs = BTreeMap::<u32, PathRun>::new();
        let add = |runs: &mut BTreeMap<u32, PathRun>, tick: u32, unit: u32, since: u32| {
            let first = unit - (tick - since);
            let run = runs.entry(since).or_insert(PathRun { first, until: tick, forks: false });
            run.forks |= run.first != first;
            run.until = run.until.min(tick);
        };
        self.paths.iter().for_each(|path| add(&mut runs, self.tick, path.unit, path.since));
        while let Some((since, run)) = runs.pop_last() {
            if runs.is_empty() {
                return self.uncommitted.max(if run.forks { since } else { run.until + 1 });
            }
            if since <= self.uncommitted {
                break;
            }
            let Best { unit, since: earlier } = self.best[(since - 1 - self.uncommitted) as usize];
            add(&mut runs, since - 1, unit, earlier);
        }
        self.uncommitted
    }

    /// Appends the units before tick `end` of the path that was the best one tick earlier, and forgets those
    /// ticks.
    fn backtrack(&mut self, end: u32, selected: &mut Vec<u32>) {
        let (from, ticks) = (selected.len(), (end - self.uncommitted) as usize);
        selected.resize(from + ticks, 0);
        let units = &mut selected[from..];
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
        self.record(units);
    }

    /// Decides the first tick that is not decided yet.
    fn commit(&mut self, selected: &mut Vec<u32>) {
        let unit = self.best_at(self.uncommitted);
        self.keep_paths_through(unit);
        self.best.pop_front();
        self.record(&[unit]);
        selected.push(unit);
    }

    /// Records that the next ticks are decided, and for these units.
    fn record(&mut self, units: &[u32]) {
        for unit in units {
            self.uncommitted += 1;
            if let Some(last) = self.last_given_out.get_mut(*unit as usize) {
                *last = self.uncommitted;
            }
        }
    }

    /// The unit in `tick` of the path that is best now.
    fn best_at(&self, tick: u32) -> u32 {
        let mut end = self.tick;
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
        let (first, now) = (self.uncommitted, self.tick);
        // True if a path leads through `unit` whose end in `tick` is `end` and whose last jump was at
        // `since`, given the same for all paths that jumped at `first + 1 + i`: they have their past before
        // the jump in common.
        let leads_through = |tick: u32, end: u32, since: u32, jumped: &[bool]| {
            if since <= first { end == unit + (tick - first) } else { jumped[(since - first - 1) as usize] }
        };
        let mut leads = std::mem::take(&mut self.buffers.leads_through);
        leads.clear();
        for (tick, best) in zip(first..now, &self.best) {
            leads.push(leads_through(tick, best.unit, best.since, &leads));
        }
        let mut paths = std::mem::take(&mut self.paths);
        let base = self.past.back().map_or(0.0, |now| now.base);
        paths.retain_mut(|path| {
            let through = leads_through(now, path.unit, path.since, &leads);
            // As if it had jumped in any tick that is open.
            if (path.open..=now).all(|tick| leads_through(now, path.unit, tick, &leads) == through) {
                return through;
            }
            self.compute(path);
            path.cost - base <= self.reach && leads_through(now, path.unit, path.since, &leads)
        });
        (self.paths, self.buffers.leads_through) = (paths, leads);
    }

    /// Numbers held besides the units.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        let SelectorBuffers {
            next,
            continued,
            jumped_to,
            jump_bounds,
            indices,
            bounds,
            found,
            leads_through,
        } = &self.buffers;
        5 * (self.paths.capacity() + next.capacity())
            + 2 * (self.best.capacity() + continued.capacity() + jumped_to.capacity() + found.capacity())
            + jump_bounds.capacity()
            + self.last_given_out.capacity()
            + indices.capacity()
            + bounds.capacity()
            + leads_through.capacity()
    }
}
