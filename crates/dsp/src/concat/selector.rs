//! Which unit sounds in which tick: the cheapest path through all units.

use crate::concat::MosaicConfig;
use crate::concat::units::UnitDescriptors;
use crate::neighbors::{NEVER, Neighbor, Query};
use std::collections::{BTreeMap, VecDeque};
use std::iter::zip;
use std::ops::Range;
use std::sync::Arc;

/// Every so many ticks the exact choice looks which of them are decided. That costs as much as a few ticks.
const ASK_EVERY: u32 = 32;
/// Ticks whose targets are kept so that what paths cost there can be added up later. After so many it is.
const KEPT: u32 = 16;
/// Paths that are added up before others are looked for, at most.
const ASKED: usize = 32;

/// Chooses a unit for every tick: the path with the least sum of squared distances between target and unit, plus a price
/// for every jump, that is, for every step to anything but the unit's natural continuation.
///
/// This is Viterbi's algorithm (IEEE Trans. Information Theory 13, 1967). With one price for all jumps, a path that jumps
/// comes from the best unit of the tick before, whichever unit it jumps to; so of every path only the time of its last jump
/// must be kept, of every tick only its best unit with that unit's last jump. The best path is then a chain of straight runs,
/// traced from its end. Sums are of f32, taken relative to the best of the tick so that nothing is lost in a long film. Of
/// equally good ways, continuing is taken before jumping, and the lower unit before the higher.
///
/// Most units need not be looked at, and the choice is the same to the last bit. A path that costs more than the best one and
/// a jump is never continued: whoever wants to go where it leads jumps there from the best one. The others are *alive*. In
/// the next tick only two kinds of paths can be alive: those that continue one which is, and those that jump to a unit so near
/// the target that with the price it costs no more than the best path and a jump, that is, whose distance is no more than what
/// the best path's cost grows by. That is not known yet, but no more than what the cheapest known way costs; and all units
/// within a radius are found on a map ([`crate::neighbors::PcaKdTree`]). Nor is it known of most paths what they cost: the map says
/// what at least, with sums that are rounded alike. The others are added up, from all descriptors of all ticks that are open,
/// when they could be the best path, or when it matters whence they come. So a tick costs O(paths alive + units near the
/// target).
///
/// Long before the last target is known, all paths that are alive have their beginnings in common: whatever comes, the best
/// one will be among them. What is decided like that is given out at once, so that the exact choice needs no more memory for a
/// longer film and its sound can be heard while the film is still being read.
///
/// With a delay of D ticks, a tick's unit is committed as soon as D further targets are known: it is the one on the path
/// that is best by then, and every path that does not lead through it is given up. With D = 0 that is the greedy choice:
/// the continuing unit, unless its cost exceeds the best unit's by more than the price. With D no less than the number of
/// ticks it is the exact one, as long as repetition is free: what was given out is what must not be repeated.
pub struct UnitSelector {
    units: Arc<UnitDescriptors>,
    price: f32,
    /// By how much a path may cost more than the best one and stay alive.
    reach: f32,
    /// `None`: until the end.
    delay: Option<usize>,
    repeat_ticks: u32,
    repeat_price: f32,
    /// Per unit the number of ticks until it was last given out, 0 if it was not. Empty where repetition is free.
    heard: Vec<u32>,
    /// The last [`KEPT`] ticks, the last one at the end.
    past: VecDeque<PathTick>,
    /// The paths that are alive as far as is known, in no order.
    paths: Vec<Path>,
    /// Tick of the next target.
    tick: u32,
    /// The best path's end in every tick from `uncommitted` on.
    best: VecDeque<Best>,
    uncommitted: u32,
    room: SelectorBuffers,
}

/// What a tick is chosen under.
#[derive(Clone, Copy, Debug, Default)]
pub struct Constraints<'a> {
    /// Per group of units whether it may sound; groups beyond the end may not. `None`: all may.
    pub only: Option<&'a [bool]>,
    /// Units that must not sound, such as those that another layer plays; ranges in any order.
    pub avoid: &'a [Range<u32>],
}

/// The best path to a unit in the present tick. What a path costs is relative to the base of the tick before.
#[derive(Clone, Copy)]
struct Path {
    unit: u32,
    /// Tick of its last jump before it was open.
    since: u32,
    /// What it costs at least.
    least: f32,
    /// The first tick that is not added up, and what the path costs until there. In an open tick it could turn out that it should
    /// have been left, and its unit been jumped to.
    open: u32,
    cost: f32,
}

/// What was wanted in a tick, and what the best path costs.
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
    /// A bit for every unit, in words: those that are continued, those that are jumped to; and what the latter cost at least.
    continued: Vec<u64>,
    marks: Vec<u64>,
    leasts: Vec<f32>,
    points: Vec<u32>,
    distances: Vec<f32>,
    found: Vec<Neighbor>,
    leads_through: Vec<bool>,
}

/// What is known of the paths that last jumped in the same tick.
struct PathRun {
    /// The unit that one of them jumped to.
    first: u32,
    /// The last tick in which all are where that one is.
    until: u32,
    /// Whether one jumped elsewhere.
    forks: bool,
}

impl Constraints<'_> {
    fn allow(&self, units: &UnitDescriptors, unit: u32) -> bool {
        self.only.is_none_or(|only| only.get(units.group(unit) as usize).is_some_and(|may| *may))
            && !self.avoid.iter().any(|range| range.contains(&unit))
    }
}

impl UnitSelector {
    /// The best of all paths. [`UnitSelector::push`] gives out what is decided whatever comes, usually a few seconds of it at a
    /// time; where many units are alike it may be nothing for long.
    pub fn exact(units: Arc<UnitDescriptors>, config: &MosaicConfig) -> Self {
        Self::new(units, config, config.clamped().jump_price, None)
    }

    /// Commits each tick once `delay` more targets are known.
    pub fn lookahead(units: Arc<UnitDescriptors>, config: &MosaicConfig, delay: usize) -> Self {
        Self::new(units, config, config.clamped().jump_price, Some(delay))
    }

    /// Commits each tick at once: the unit that continues the present one, unless its cost exceeds the best unit's by more
    /// than [`MosaicConfig::stay`].
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
            heard: vec![0; if repeat_ticks > 0 { units.len() } else { 0 }],
            past: VecDeque::new(),
            paths: Vec::new(),
            tick: 0,
            best: VecDeque::new(),
            uncommitted: 0,
            room: SelectorBuffers {
                continued: vec![0; units.len().div_ceil(64)],
                marks: vec![0; units.len().div_ceil(64)],
                leasts: vec![0.0; units.len()],
                ..SelectorBuffers::default()
            },
            units,
        }
    }

    /// Takes the target of the next tick, `[dims]`; numbers that are missing or none count as 0. Appends the units of the
    /// ticks that are decided by now to `chosen`, in order: with a delay that of the tick which lies the delay before this
    /// one, once there is such a tick. What a unit is worth [`UnitDescriptors::distance`] says, and whether it was jumped to
    /// [`UnitDescriptors::continues`].
    pub fn push(&mut self, target: &[f32], chosen: &mut Vec<u32>) {
        self.push_on(target, &Constraints::default(), chosen);
    }

    /// The same for a tick in which not everything may sound. Where nothing is left that may, everything may.
    pub fn push_on(&mut self, target: &[f32], terms: &Constraints<'_>, chosen: &mut Vec<u32>) {
        let kept = self.past.len() == KEPT as usize;
        let mut wanted = if kept { self.past.pop_front() } else { None }.unwrap_or_default();
        self.units.descriptors().aim(target, &mut wanted.target);
        self.past.push_back(wanted);
        if !self.extend(terms) {
            self.extend(&Constraints::default());
        }
        match self.delay {
            Some(delay) if self.best.len() > delay => self.commit(chosen),
            None if (self.tick + 1).is_multiple_of(ASK_EVERY) => {
                let decided = self.decided();
                self.trace(decided, chosen);
            }
            _ => {}
        }
        self.tick += 1;
    }

    /// Appends the units of all ticks that were not given out yet, in order. Afterwards the chooser is as new.
    pub fn finish(&mut self, chosen: &mut Vec<u32>) {
        self.trace(self.tick, chosen);
        self.reset();
    }

    /// Back to the state before the first push.
    pub fn reset(&mut self) {
        self.paths.clear();
        self.best.clear();
        self.heard.fill(0);
        self.past.clear();
        (self.tick, self.uncommitted) = (0, 0);
    }

    /// Extends all paths that are alive by the tick of the last target, under `terms`. False, and nothing done, if no unit that
    /// can be compared may sound.
    fn extend(&mut self, terms: &Constraints<'_>) -> bool {
        let mut room = std::mem::take(&mut self.room);
        let SelectorBuffers { next, continued, marks, leasts, points, distances, found, .. } = &mut room;
        let (known, tick) = (self.units.descriptors(), self.tick);
        let last = self.past.len() - 1;
        let target = &self.past[last].target;
        let before = if last > 0 { self.past[last - 1].base } else { 0.0 };
        let free = terms.only.is_none() && terms.avoid.is_empty();
        let allowed = |unit: u32| free || terms.allow(&self.units, unit);

        // Those that continue.
        next.clear();
        points.clear();
        for path in &self.paths {
            let unit = path.unit + 1;
            if self.units.follows_another(unit) && allowed(unit) {
                points.push(unit);
                next.push(Path { unit, ..*path });
            }
        }
        known.least_distances(target, points, distances);
        for (path, least) in zip(next.iter_mut(), &*distances) {
            path.least = least + (path.least - before);
        }
        if self.repeat_ticks > 0 {
            // What repeats must be asked now.
            next.iter_mut().filter(|path| self.repeats(path.unit)).for_each(|path| self.add_up(path));
        }

        // How far one must look: those that seem best and the nearest units say what the best path costs at most.
        let mut base = f32::INFINITY;
        for unit in known.nearby(target).iter().filter(|unit| allowed(**unit)) {
            let mut path = self.jump(*unit, 0.0);
            self.add_up(&mut path);
            base = base.min(path.cost);
        }
        self.add_up_best(next, points, &mut base);

        // Those that jump, to where nobody alive continues. A share more, since sums are rounded.
        next.retain(|path| path.least - base <= self.reach);
        next.iter().for_each(|path| continued[path.unit as usize / 64] |= 1 << (path.unit % 64));
        let radius = base + self.reach - self.price + 1e-6 * (base + self.reach + self.price);
        known.within(target, radius, found);
        let continuing = next.len();
        let may = found.iter().filter(|found| allowed(found.point));
        if let Some(nearest) = may.min_by(|a, b| a.least.total_cmp(&b.least)) {
            let mut path = self.jump(nearest.point, nearest.least);
            self.add_up(&mut path);
            base = base.min(path.cost);
        }
        for Neighbor { point, least } in &*found {
            let (word, bit) = (*point as usize / 64, 1 << (point % 64));
            if continued[word] & bit == 0 && least + self.price - base <= self.reach && allowed(*point) {
                marks[word] |= bit;
                leasts[*point as usize] = *least;
            }
        }
        // In the order of units, since what lies near is quickly read.
        for (word, marked) in zip(0.., marks.iter_mut()) {
            while *marked != 0 {
                let unit = 64 * word + marked.trailing_zeros();
                next.push(self.jump(unit, leasts[unit as usize]));
                *marked &= *marked - 1;
            }
        }
        next[..continuing].iter().for_each(|path| continued[path.unit as usize / 64] = 0);
        if self.repeat_ticks > 0 {
            let jumping = next[continuing..].iter_mut();
            jumping.filter(|path| self.repeats(path.unit)).for_each(|path| self.add_up(path));
        }

        // What could be the best path, and what cannot be left open for longer, is added up.
        for path in next.iter_mut() {
            if path.least <= base || path.open + KEPT <= tick + 2 {
                self.add_up(path);
                base = base.min(path.cost);
            }
        }
        let possible = base < NEVER || free;
        if possible {
            next.retain(|path| path.least - base <= self.reach);
            std::mem::swap(next, &mut self.paths);
            self.past[last].base = base;
            // Of equally good ones the lowest unit's.
            let best = self.paths.iter().filter(|path| path.least == base).min_by_key(|path| path.unit);
            self.best.extend(best.map(|path| Best { unit: path.unit, since: path.since }));
        }
        self.room = room;
        possible
    }

    /// A path that jumps to `unit` in the tick of the last target.
    fn jump(&self, unit: u32, least: f32) -> Path {
        Path { unit, since: self.tick, least: least + self.price, open: self.tick, cost: 0.0 }
    }

    /// Adds up the most promising of `paths` that could cost less than `base`, which falls to what the best of those costs.
    fn add_up_best(&self, paths: &mut [Path], promising: &mut Vec<u32>, base: &mut f32) {
        promising.clear();
        let could = |(_, path): &(u32, &Path)| path.least < *base && path.open <= self.tick;
        promising.extend(zip(0.., &*paths).filter(could).map(|(i, _)| i));
        let by_least = |a: &u32, b: &u32| paths[*a as usize].least.total_cmp(&paths[*b as usize].least);
        if promising.len() > ASKED {
            promising.select_nth_unstable_by(ASKED, by_least);
            promising.truncate(ASKED);
        }
        promising.sort_unstable_by(by_least);
        for i in &*promising {
            let path = &mut paths[*i as usize];
            if path.least >= *base {
                break;
            }
            self.add_up(path);
            *base = base.min(path.cost);
        }
    }

    /// Whether `unit` was given out for one of the last ticks.
    fn repeats(&self, unit: u32) -> bool {
        let heard = self.heard.get(unit as usize).copied().unwrap_or(0);
        heard > 0 && heard.saturating_add(self.repeat_ticks) > self.tick
    }

    /// Adds up what the best path to this one's unit costs in the tick of the last target.
    fn add_up(&self, path: &mut Path) {
        let first = self.tick + 1 - self.past.len() as u32;
        while path.open <= self.tick {
            let at = (path.open - first) as usize;
            let unit = path.unit - (self.tick - path.open);
            let mut distance = self.units.descriptors().squared_distance(&self.past[at].target, unit);
            // What repeats is never left open.
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
        path.least = path.cost;
    }

    /// The first tick that is not decided: before it all paths that are alive are one. A path that last jumped at tick t is,
    /// before t, the best one of tick t − 1, so runs form a tree.
    fn decided(&mut self) -> u32 {
        let mut paths = std::mem::take(&mut self.paths);
        paths.iter_mut().for_each(|path| self.add_up(path));
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
        self.remember(units);
    }

    /// Decides the first tick that is not decided yet.
    fn commit(&mut self, chosen: &mut Vec<u32>) {
        let unit = self.best_at(self.uncommitted);
        self.keep_paths_through(unit);
        self.best.pop_front();
        self.remember(&[unit]);
        chosen.push(unit);
    }

    /// That the next ticks are decided, and for which units.
    fn remember(&mut self, units: &[u32]) {
        for unit in units {
            self.uncommitted += 1;
            if let Some(heard) = self.heard.get_mut(*unit as usize) {
                *heard = self.uncommitted;
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
        // Whether a path does whose end in `tick` is `end` and whose last jump was at `since`, given the same for all paths
        // that jumped at `first + 1 + i`: they have their past before the jump in common.
        let does = |tick: u32, end: u32, since: u32, jumped: &[bool]| {
            if since <= first { end == unit + (tick - first) } else { jumped[(since - first - 1) as usize] }
        };
        let mut leads = std::mem::take(&mut self.room.leads_through);
        leads.clear();
        for (tick, best) in zip(first..now, &self.best) {
            leads.push(does(tick, best.unit, best.since, &leads));
        }
        let mut paths = std::mem::take(&mut self.paths);
        let base = self.past.back().map_or(0.0, |now| now.base);
        paths.retain_mut(|path| {
            let through = does(now, path.unit, path.since, &leads);
            // As if it had jumped in any tick that is open.
            if (path.open..=now).all(|tick| does(now, path.unit, tick, &leads) == through) {
                return through;
            }
            self.add_up(path);
            path.cost - base <= self.reach && does(now, path.unit, path.since, &leads)
        });
        (self.paths, self.room.leads_through) = (paths, leads);
    }

    /// Numbers held besides the units.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        let SelectorBuffers { next, continued, marks, leasts, points, distances, found, leads_through } =
            &self.room;
        5 * (self.paths.capacity() + next.capacity())
            + 2 * (self.best.capacity() + continued.capacity() + marks.capacity() + found.capacity())
            + leasts.capacity()
            + self.heard.capacity()
            + points.capacity()
            + distances.capacity()
            + leads_through.capacity()
    }
}
