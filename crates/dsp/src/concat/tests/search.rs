//! The search is exact: it selects, unit by unit, the path of a twin that visits every unit in every tick.

use crate::concat::selector::{Constraints, UnitSelector};
use crate::concat::tests::*;
use crate::neighbors::NEVER;
use crate::tick_rng::TickRng;
use std::ops::Range;
use std::sync::Arc;

const DIMS: usize = 66;
/// Ticks from one search for decided ticks to the next in the exact selection.
const DECISION_INTERVAL: usize = 32;

/// Sound as it is: a few things change slowly and show in all bands, the rest is noise; recordings of a few
/// seconds, some of which are there twice, and some broken units. The targets are smoother.
struct Library {
    units: Arc<UnitDescriptors>,
    targets: Vec<Vec<f32>>,
    /// [ticks][units]
    distances: Vec<Vec<f32>>,
}

impl Library {
    fn new(count: usize, ticks: usize, seed: u64) -> Self {
        let mut draw = TickRng::new(seed, 1);
        let mixing: Vec<[f32; 5]> =
            (0..DIMS).map(|_| std::array::from_fn(|_| draw.between(-0.2, 0.2) as f32)).collect();
        let mut walk = |rows: usize, noise: f64, length: usize, size: f32| {
            let mut at = [0.0f32; 5];
            let mut out = Vec::new();
            for row in 0..rows {
                let jumps = row.is_multiple_of(length);
                for x in &mut at {
                    let step = draw.between(-1.0, 1.0) as f32;
                    *x = if jumps { 1.7 * step } else { 0.97 * *x + 0.4 * step };
                }
                for (dim, mix) in mixing.iter().enumerate() {
                    let weight = if dim < 64 { 1.0 } else { 3.0 };
                    let sum: f32 = mix.iter().zip(&at).map(|(m, x)| m * x).sum();
                    out.push(size * weight * (sum + draw.between(-noise, noise) as f32));
                }
            }
            out
        };
        let mut rows = walk(count, 0.1, 150, 1.0);
        let targets = walk(ticks, 0.01, 70, 0.7);
        rows.copy_within(0..count / 5 * DIMS, count / 2 * DIMS);
        (0..count).step_by(97).for_each(|unit| rows[unit * DIMS + unit % DIMS] = f32::NAN);
        let continued: Vec<bool> = (0..count).map(|unit| unit % 150 != 149).collect();
        let groups: Vec<u32> = (0..count as u32).map(|unit| unit / 150 % 4).collect();
        let units = UnitDescriptors::new(DIMS, &rows, &vec![0.0; count], &continued)
            .unwrap()
            .with_groups(&groups)
            .unwrap();
        let targets: Vec<Vec<f32>> = targets.chunks_exact(DIMS).map(<[f32]>::to_vec).collect();
        let to_all = |target: &Vec<f32>| (0..count as u32).map(|unit| units.distance(target, unit)).collect();
        Self { distances: targets.iter().map(to_all).collect(), units: Arc::new(units), targets }
    }

    fn selected(&self, mut selector: UnitSelector, constraints: &dyn Fn(usize) -> Rule) -> Vec<u32> {
        let mut path = Vec::new();
        for (tick, target) in self.targets.iter().enumerate() {
            let rule = constraints(tick);
            let constraints = Constraints { only: rule.only.as_deref(), avoid: &rule.avoid };
            selector.push_on(target, &constraints, &mut path);
        }
        selector.finish(&mut path);
        path
    }

    /// Viterbi's algorithm over all units, by the same sums, with every back-pointer.
    fn twin(
        &self,
        price: f32,
        delay: Option<usize>,
        config: &MosaicConfig,
        constraints: &dyn Fn(usize) -> Rule,
    ) -> Vec<u32> {
        let count = self.units.len();
        let mut last_played: Vec<Option<usize>> = vec![None; count];
        let (mut sums, mut base) = (vec![f32::INFINITY; count], 0.0);
        let (mut backs, mut bests, mut path) = (Vec::<Vec<u32>>::new(), Vec::<u32>::new(), Vec::new());
        let back_to = |backs: &[Vec<u32>], from: usize, mut unit: u32, to: usize| {
            (to + 1..=from).rev().for_each(|tick| unit = backs[tick][unit as usize]);
            unit
        };
        for tick in 0..self.targets.len() {
            let step = |rule: &Rule| {
                let mut new = Vec::with_capacity(count);
                let mut back = Vec::with_capacity(count);
                for unit in 0..count {
                    let within = |t: usize| t + config.repeat_ticks as usize >= tick;
                    let repeats = config.repeat_ticks > 0 && last_played[unit].is_some_and(within);
                    let distance = self.distances[tick][unit];
                    let cost = if repeats { distance + config.repeat_price } else { distance };
                    let joined = unit > 0 && self.units.continues(unit as u32 - 1, unit as u32);
                    let continuing = if joined { sums[unit - 1] - base } else { f32::INFINITY };
                    let continues = continuing <= price;
                    let sum = cost + if continues { continuing } else { price };
                    new.push(if rule.allows(&self.units, unit as u32) { sum } else { f32::INFINITY });
                    back.push(if continues { unit as u32 - 1 } else { bests.last().copied().unwrap_or(0) });
                }
                (new, back)
            };
            let least = |sums: &[f32]| sums.iter().copied().fold(f32::INFINITY, f32::min);
            let (mut new, mut back) = step(&constraints(tick));
            if least(&new) >= NEVER {
                (new, back) = step(&Rule::default());
            }
            base = least(&new);
            sums = new;
            backs.push(back);
            bests.push(sums.iter().position(|sum| *sum == base).unwrap() as u32);
            let alive: Vec<u32> =
                (0..count as u32).filter(|unit| sums[*unit as usize] - base <= price).collect();
            let decided = match delay {
                Some(delay) => (tick + 1).saturating_sub(delay),
                None if (tick + 1).is_multiple_of(DECISION_INTERVAL) => {
                    let (mut ends, mut at) = (alive.clone(), tick + 1);
                    while ends.len() > 1 && at > 0 {
                        at -= 1;
                        ends = ends.iter().map(|unit| backs[at][*unit as usize]).collect();
                        ends.sort_unstable();
                        ends.dedup();
                    }
                    at
                }
                None => 0,
            };
            while path.len() < decided {
                let unit = back_to(&backs, tick, bests[tick], path.len());
                if delay.is_some() {
                    let gone = |end: &&u32| back_to(&backs, tick, **end, path.len()) != unit;
                    alive.iter().filter(gone).for_each(|end| sums[*end as usize] = f32::INFINITY);
                }
                last_played[unit as usize] = Some(path.len());
                path.push(unit);
                if delay.is_some() {
                    break;
                }
            }
        }
        let last = self.targets.len() - 1;
        (path.len()..=last).for_each(|tick| path.push(back_to(&backs, last, bests[last], tick)));
        path
    }

    /// Checks that all three kinds of selection agree with the twin.
    fn compare(&self, config: &MosaicConfig, constraints: &dyn Fn(usize) -> Rule) {
        let units = || Arc::clone(&self.units);
        let exact = self.selected(UnitSelector::exact(units(), config), constraints);
        assert_eq!(exact, self.twin(config.jump_price, None, config, constraints));
        for delay in [0, 1, 4, 20] {
            let live = self.selected(UnitSelector::lookahead(units(), config, delay), constraints);
            assert_eq!(live, self.twin(config.jump_price, Some(delay), config, constraints), "{delay}");
        }
        let greedy = self.selected(UnitSelector::greedy(units(), config), constraints);
        assert_eq!(greedy, self.twin(config.stay, Some(0), config, constraints));
    }
}

/// Constraints that own their lists.
#[derive(Default)]
struct Rule {
    only: Option<Vec<bool>>,
    avoid: Vec<Range<u32>>,
}

impl Rule {
    fn allows(&self, units: &UnitDescriptors, unit: u32) -> bool {
        let group = units.group(unit) as usize;
        self.only.as_ref().is_none_or(|only| group < only.len() && only[group])
            && self.avoid.iter().all(|range| !range.contains(&unit))
    }
}

#[test]
fn a_large_library_is_searched_exactly() {
    let library = Library::new(12_000, 140, 1);
    for price in [0.0, 0.2, 1.0, 5.0] {
        let config = MosaicConfig { jump_price: price, stay: price / 2.0, ..Default::default() };
        library.compare(&config, &|_| Rule::default());
    }
}

#[test]
fn constraints_are_kept() {
    let library = Library::new(6000, 120, 2);
    let constraints = |tick: usize| Rule {
        only: match tick {
            20..50 => Some(vec![false, true]),
            50..60 => Some(vec![false; 4]),
            60..90 => Some(vec![true, false, false, true]),
            _ => None,
        },
        // Ranges in no order, and more than there is.
        avoid: if tick.is_multiple_of(3) { vec![3000..4000, 10..900, 5990..9000] } else { Vec::new() },
    };
    let config = MosaicConfig { jump_price: 0.7, ..Default::default() };
    library.compare(&config, &constraints);
    let path = library.selected(UnitSelector::exact(Arc::clone(&library.units), &config), &constraints);
    for (tick, unit) in path.iter().enumerate() {
        let nothing_left = (50..60).contains(&tick);
        assert!(nothing_left || constraints(tick).allows(&library.units, *unit), "{tick}");
    }
}

#[test]
fn repetition_costs_more() {
    let library = Library::new(5000, 200, 3);
    for (repeat_ticks, repeat_price) in [(1, 0.5), (40, 0.3), (9000, 20.0)] {
        let config = MosaicConfig { jump_price: 0.5, repeat_ticks, repeat_price, ..Default::default() };
        library.compare(&config, &|tick| Rule {
            only: (tick > 100).then(|| vec![true, true, false, true]),
            avoid: Vec::new(),
        });
    }
    // One thing is wanted all the time.
    let same = Library { targets: vec![library.targets[5].clone(); 60], ..library };
    let different = |repeat_ticks| {
        let config =
            MosaicConfig { jump_price: 0.0, repeat_ticks, repeat_price: 100.0, ..Default::default() };
        let mut path =
            same.selected(UnitSelector::lookahead(Arc::clone(&same.units), &config, 0), &|_| Rule::default());
        path.sort_unstable();
        path.dedup();
        path.len()
    };
    assert_eq!((different(0), different(10), different(9000)), (1, 11, 60));
}

#[test]
fn units_that_cannot_be_compared_are_all_alike() {
    let units = Arc::new(UnitDescriptors::new(2, &[f32::NAN; 80], &[0.0; 40], &[true; 40]).unwrap());
    for mut selector in [
        UnitSelector::exact(Arc::clone(&units), &MosaicConfig::default()),
        UnitSelector::lookahead(Arc::clone(&units), &MosaicConfig::default(), 3),
    ] {
        let mut path = Vec::new();
        (0..30).for_each(|_| {
            selector.push_on(&[1.0, 2.0], &Constraints { only: Some(&[]), avoid: &[] }, &mut path)
        });
        selector.finish(&mut path);
        assert!(path.len() == 30 && path.iter().all(|unit| *unit < 40));
    }
}
