//! Which unit sounds in which tick: the cheapest path through all units.

use super::{MosaicConfig, Units};
use crate::nearest::{NEVER, Target};
use std::collections::{BTreeMap, VecDeque};
use std::iter::zip;
use std::ops::Range;
use std::sync::Arc;

/// Every so many ticks the exact choice looks which of them are decided. That costs as much as a part of one tick.
const ASK_EVERY: u32 = 8;

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
/// within a radius are found on a map ([`crate::nearest::Atlas`]). So a tick costs O(paths alive + units near the target).
///
/// Long before the last target is known, all paths that are alive have their beginnings in common: whatever comes, the best
/// one will be among them. What is decided like that is given out at once, so that the exact choice needs no more memory for a
/// longer film and its sound can be heard while the film is still being read.
///
/// With a delay of D ticks, a tick's unit is committed as soon as D further targets are known: it is the one on the path
/// that is best by then, and every path that does not lead through it is given up. With D = 0 that is the greedy choice:
/// the continuing unit, unless its cost exceeds the best unit's by more than the price. With D no less than the number of
/// ticks it is the exact one, as long as repetition is free: what was given out is what must not be repeated.
pub struct Chooser {
    units: Arc<Units>,
    price: f32,
    /// By how much a path may cost more than the best one and stay alive.
    reach: f32,
    /// `None`: until the end.
    delay: Option<usize>,
    repeat_ticks: u32,
    repeat_price: f32,
    /// Per unit the number of ticks until it was last given out, 0 if it was not. Empty where repetition is free.
    heard: Vec<u32>,
    target: Target,
    /// The paths that are alive, by their units.
    paths: Vec<Path>,
    /// What the best of them costs.
    base: f32,
    /// Tick of the next target.
    tick: u32,
    /// The best path's end in every tick from `uncommitted` on.
    best: VecDeque<Best>,
    uncommitted: u32,
    room: Room,
}

/// What a tick is chosen under.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms<'a> {
    /// Per group of units whether it may sound; groups beyond the end may not. `None`: all may.
    pub only: Option<&'a [bool]>,
    /// Units that must not sound, such as those that another layer plays; ranges in any order.
    pub avoid: &'a [Range<u32>],
}

/// The best path to a unit in the present tick.
#[derive(Clone, Copy)]
struct Path {
    unit: u32,
    /// Tick of its last jump.
    since: u32,
    /// What it costs, above the base of the tick before.
    cost: f32,
}

/// The end of the best path in one tick, and the tick of that path's last jump.
#[derive(Clone, Copy)]
struct Best {
    unit: u32,
    since: u32,
}

/// Lists that are filled anew every tick.
#[derive(Default)]
struct Room {
    continuing: Vec<Path>,
    jumping: Vec<Path>,
    /// A bit for every unit, in words.
    marks: Vec<u64>,
    points: Vec<u32>,
    distances: Vec<f32>,
    leads_through: Vec<bool>,
}

/// What is known of the paths that last jumped in the same tick.
struct Run {
    /// The unit that one of them jumped to.
    first: u32,
    /// The last tick in which all are where that one is.
    until: u32,
    /// Whether one jumped elsewhere.
    forks: bool,
}

impl Terms<'_> {
    fn allow(&self, units: &Units, unit: u32) -> bool {
        self.only.is_none_or(|only| only.get(units.group(unit) as usize).is_some_and(|may| *may))
            && !self.avoid.iter().any(|range| range.contains(&unit))
    }
}

impl Chooser {
    /// The best of all paths. [`Chooser::push`] gives out what is decided whatever comes, usually a few seconds of it at a
    /// time; where many units are alike it may be nothing for long.
    pub fn exact(units: Arc<Units>, config: &MosaicConfig) -> Self {
        Self::new(units, config, config.clamped().jump_price, None)
    }

    /// Commits each tick once `delay` more targets are known.
    pub fn lookahead(units: Arc<Units>, config: &MosaicConfig, delay: usize) -> Self {
        Self::new(units, config, config.clamped().jump_price, Some(delay))
    }

    /// Commits each tick at once: the unit that continues the present one, unless its cost exceeds the best unit's by more
    /// than [`MosaicConfig::stay`].
    pub fn greedy(units: Arc<Units>, config: &MosaicConfig) -> Self {
        Self::new(units, config, config.clamped().stay, Some(0))
    }

    fn new(units: Arc<Units>, config: &MosaicConfig, price: f32, delay: Option<usize>) -> Self {
        let MosaicConfig { repeat_ticks, repeat_price, .. } = config.clamped();
        Self {
            price,
            // Where every tick is committed at once, all paths but the best are given up.
            reach: if delay == Some(0) { 0.0 } else { price },
            delay,
            repeat_ticks,
            repeat_price,
            heard: vec![0; if repeat_ticks > 0 { units.len() } else { 0 }],
            target: Target::default(),
            paths: Vec::new(),
            base: 0.0,
            tick: 0,
            best: VecDeque::new(),
            uncommitted: 0,
            room: Room { marks: vec![0; units.len().div_ceil(64)], ..Room::default() },
            units,
        }
    }

    /// Takes the target of the next tick, `[dims]`; numbers that are missing or none count as 0. Appends the units of the
    /// ticks that are decided by now to `chosen`, in order: with a delay that of the tick which lies the delay before this
    /// one, once there is such a tick. What a unit is worth [`Units::distance`] says, and whether it was jumped to
    /// [`Units::continues`].
    pub fn push(&mut self, target: &[f32], chosen: &mut Vec<u32>) {
        self.push_on(target, &Terms::default(), chosen);
    }

    /// The same for a tick in which not everything may sound. Where nothing is left that may, everything may.
    pub fn push_on(&mut self, target: &[f32], terms: &Terms<'_>, chosen: &mut Vec<u32>) {
        self.units.descriptors().aim(target, &mut self.target);
        if !self.extend(terms) {
            self.extend(&Terms::default());
        }
        self.tick += 1;
        match self.delay {
            Some(delay) if self.best.len() > delay => self.commit(chosen),
            None if self.tick.is_multiple_of(ASK_EVERY) => self.trace(self.decided(), chosen),
            _ => {}
        }
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
        (self.base, self.tick, self.uncommitted) = (0.0, 0, 0);
    }

    /// Extends all paths that are alive by the tick of the target, under `terms`. False, and nothing done, if no unit that can be
    /// compared may sound.
    fn extend(&mut self, terms: &Terms<'_>) -> bool {
        let mut room = std::mem::take(&mut self.room);
        let Room { continuing, jumping, marks, points, distances, .. } = &mut room;
        let known = self.units.descriptors();
        let cost = |unit: u32, distance: f32| {
            let heard = self.heard.get(unit as usize).copied().unwrap_or(0);
            let repeats = heard > 0 && heard.saturating_add(self.repeat_ticks) > self.tick;
            let cost = if repeats { distance + self.repeat_price } else { distance };
            terms.allow(&self.units, unit).then_some(cost)
        };
        let jump = |unit: u32, distance: f32| {
            cost(unit, distance).map(|cost| Path { unit, since: self.tick, cost: cost + self.price })
        };

        // Those that continue.
        let follow = |path: &Path| self.units.continues(path.unit, path.unit + 1);
        points.clear();
        points.extend(self.paths.iter().filter(|path| follow(path)).map(|path| path.unit + 1));
        known.squared_distances(&self.target, points, distances);
        continuing.clear();
        for (path, (unit, distance)) in
            zip(self.paths.iter().filter(|path| follow(path)), zip(&*points, &*distances))
        {
            let cost = cost(*unit, *distance).map(|cost| cost + (path.cost - self.base));
            continuing.extend(cost.map(|cost| Path { unit: *unit, cost, since: path.since }));
        }
        let least = |paths: &[Path]| paths.iter().fold(f32::INFINITY, |least, path| least.min(path.cost));
        let mut base = least(continuing);

        // Those that jump: the nearest ones say how far one must look.
        let near = known.nearby(&self.target);
        known.squared_distances(&self.target, near, distances);
        let near = zip(near, &*distances).filter_map(|(unit, distance)| jump(*unit, *distance));
        base = near.fold(base, |base, path| base.min(path.cost));
        // A share more, since sums are rounded.
        let radius = base + self.reach - self.price + 1e-6 * (base + self.reach + self.price);
        known.within(&self.target, radius, &mut |unit| marks[unit as usize / 64] |= 1 << (unit % 64));
        points.iter().for_each(|unit| marks[*unit as usize / 64] &= !(1 << (unit % 64)));
        points.clear();
        for (word, marked) in zip(0.., marks.iter_mut()) {
            while *marked != 0 {
                points.push(64 * word + marked.trailing_zeros());
                *marked &= *marked - 1;
            }
        }
        known.squared_distances(&self.target, points, distances);
        jumping.clear();
        jumping.extend(zip(&*points, &*distances).filter_map(|(unit, distance)| jump(*unit, *distance)));
        base = base.min(least(jumping));

        let possible = base < NEVER || (terms.only.is_none() && terms.avoid.is_empty());
        if possible {
            // Both lists are in the order of units, and no unit is in both.
            self.paths.clear();
            let alive = |path: &&Path| path.cost - base <= self.reach;
            let mut jumping = jumping.iter().filter(alive).peekable();
            for path in continuing.iter().filter(alive) {
                while let Some(before) = jumping.next_if(|jump| jump.unit < path.unit) {
                    self.paths.push(*before);
                }
                self.paths.push(*path);
            }
            self.paths.extend(jumping);
            self.base = base;
            let best = self
                .paths
                .iter()
                .find(|path| path.cost == base)
                .map(|path| Best { unit: path.unit, since: path.since });
            self.best.extend(best);
        }
        self.room = room;
        possible
    }

    /// The first tick that is not decided: before it all paths that are alive are one. A path that last jumped at tick t is,
    /// before t, the best one of tick t − 1, so runs form a tree.
    fn decided(&self) -> u32 {
        let mut runs = BTreeMap::<u32, Run>::new();
        let add = |runs: &mut BTreeMap<u32, Run>, tick: u32, unit: u32, since: u32| {
            let first = unit - (tick - since);
            let run = runs.entry(since).or_insert(Run { first, until: tick, forks: false });
            run.forks |= run.first != first;
            run.until = run.until.min(tick);
        };
        self.paths.iter().for_each(|path| add(&mut runs, self.tick - 1, path.unit, path.since));
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
        let leads = &mut self.room.leads_through;
        leads.clear();
        for (tick, best) in zip(first..now, &self.best) {
            leads.push(does(tick, best.unit, best.since, leads));
        }
        self.paths.retain(|path| does(now, path.unit, path.since, leads));
    }

    /// Numbers held besides the units.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let Room { continuing, jumping, marks, points, distances, leads_through } = &self.room;
        3 * (self.paths.capacity() + continuing.capacity() + jumping.capacity())
            + 2 * (self.best.capacity() + marks.capacity())
            + self.heard.capacity()
            + points.capacity()
            + distances.capacity()
            + leads_through.capacity()
    }
}
