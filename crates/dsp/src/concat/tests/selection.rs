//! The selection against definitions of it: all paths, Viterbi's algorithm, the greedy rule.

use crate::concat::selector::UnitSelector;
use crate::concat::tests::*;
use crate::tick_rng::TickRng;
use proptest::prelude::*;
use std::sync::Arc;

/// A problem whose numbers are all whole, so that sums are exact.
#[derive(Clone, Debug)]
struct Problem {
    dims: usize,
    units: Vec<f32>,
    continued: Vec<bool>,
    targets: Vec<f32>,
    price: f32,
}

impl Problem {
    fn descriptors(&self) -> Arc<UnitDescriptors> {
        let loudness = vec![0.0; self.continued.len()];
        Arc::new(UnitDescriptors::new(self.dims, &self.units, &loudness, &self.continued).unwrap())
    }

    fn config(&self) -> MosaicConfig {
        MosaicConfig { jump_price: self.price, stay: self.price, ..Default::default() }
    }

    fn ticks(&self) -> usize {
        self.targets.len() / self.dims
    }

    fn cost(&self, tick: usize, unit: usize) -> f64 {
        let row = |rows: &[f32], i: usize| rows[i * self.dims..(i + 1) * self.dims].to_vec();
        let differences = row(&self.targets, tick).into_iter().zip(row(&self.units, unit));
        differences.map(|(a, b)| f64::from(a - b).powi(2)).sum()
    }

    fn joins(&self, before: usize, unit: usize) -> bool {
        before + 1 == unit && self.continued[before]
    }

    fn cost_of(&self, path: &[u32]) -> f64 {
        assert_eq!(path.len(), self.ticks());
        let path: Vec<usize> = path.iter().map(|u| *u as usize).collect();
        let likeness: f64 = (0..path.len()).map(|t| self.cost(t, path[t])).sum();
        let jumps = path.windows(2).filter(|w| !self.joins(w[0], w[1])).count();
        likeness + jumps as f64 * f64::from(self.price)
    }

    /// Viterbi's algorithm with every back-pointer and every pair of units.
    fn viterbi(&self) -> Vec<u32> {
        let units = self.continued.len();
        let mut sums: Vec<f64> = (0..units).map(|j| self.cost(0, j)).collect();
        let mut pointers = Vec::new();
        for t in 1..self.ticks() {
            let from = |j: usize| {
                let price = |i: usize| if self.joins(i, j) { 0.0 } else { f64::from(self.price) };
                // Of equally good ones the continuation, else the lowest.
                let order = |i: &usize| (sums[*i] + price(*i), !self.joins(*i, j), *i);
                (0..units).map(|i| order(&i)).min_by(|a, b| a.partial_cmp(b).unwrap()).unwrap()
            };
            let steps: Vec<_> = (0..units).map(from).collect();
            pointers.push(steps.iter().map(|step| step.2).collect::<Vec<_>>());
            sums = (0..units).map(|j| steps[j].0 + self.cost(t, j)).collect();
        }
        let mut unit = (0..units).min_by(|a, b| sums[*a].partial_cmp(&sums[*b]).unwrap()).unwrap();
        let mut path = vec![unit as u32];
        for step in pointers.iter().rev() {
            unit = step[unit];
            path.push(unit as u32);
        }
        path.reverse();
        path
    }

    /// All selected units, committed or left to the end.
    fn selected(&self, mut selector: UnitSelector) -> Vec<u32> {
        let mut path = Vec::new();
        self.targets.chunks_exact(self.dims).for_each(|t| selector.push(t, &mut path));
        selector.finish(&mut path);
        path
    }

    fn exact(&self) -> Vec<u32> {
        self.selected(UnitSelector::exact(self.descriptors(), &self.config()))
    }
}

prop_compose! {
    fn problem(most_units: usize, most_ticks: usize)(
        dims in 1usize..4, units in 1..=most_units, ticks in 1..=most_ticks
    )(
        rows in prop::collection::vec(0u8..5, dims * units),
        targets in prop::collection::vec(0u8..5, dims * ticks),
        continued in prop::collection::vec(prop::bool::weighted(0.8), units),
        price in 0u8..8,
        dims in Just(dims),
    ) -> Problem {
        let real = |v: Vec<u8>| v.into_iter().map(f32::from).collect();
        Problem { dims, units: real(rows), continued, targets: real(targets), price: f32::from(price) }
    }
}

proptest! {
    #[test]
    fn exact_is_viterbi(problem in problem(37, 60)) {
        prop_assert_eq!(problem.exact(), problem.viterbi());
    }

    #[test]
    fn exact_is_the_best_of_all_paths(problem in problem(5, 5)) {
        let (units, ticks) = (problem.continued.len() as u32, problem.ticks() as u32);
        let path = |mut number: u32| (0..ticks).map(|_| { let u = number % units; number /= units; u }).collect::<Vec<_>>();
        let best = (0..units.pow(ticks)).map(|number| problem.cost_of(&path(number))).fold(f64::INFINITY, f64::min);
        prop_assert_eq!(problem.cost_of(&problem.exact()), best);
    }

    #[test]
    fn greedy_is_its_definition(problem in problem(37, 60)) {
        let mut path: Vec<u32> = Vec::new();
        for t in 0..problem.ticks() {
            let cost = |j: &u32| problem.cost(t, *j as usize);
            let best = (0..problem.continued.len() as u32).min_by(|a, b| cost(a).partial_cmp(&cost(b)).unwrap()).unwrap();
            let next = path.last().map(|u| u + 1).filter(|n| problem.joins(*n as usize - 1, *n as usize) && (*n as usize) < problem.continued.len());
            // Where both are equally good the lower one is taken.
            let stays = next.filter(|n| {
                let limit = cost(&best) + f64::from(problem.price);
                cost(n) < limit || (cost(n) == limit && *n <= best)
            });
            path.push(stays.unwrap_or(best));
        }
        prop_assert_eq!(&problem.selected(UnitSelector::greedy(problem.descriptors(), &problem.config())), &path);
        prop_assert_eq!(&problem.selected(UnitSelector::lookahead(problem.descriptors(), &problem.config(), 0)), &path);
    }

    #[test]
    fn lookahead_to_the_end_is_exact(problem in problem(37, 60)) {
        for delay in [problem.ticks() - 1, problem.ticks(), 10_000] {
            prop_assert_eq!(problem.selected(UnitSelector::lookahead(problem.descriptors(), &problem.config(), delay)), problem.exact());
        }
    }

    #[test]
    fn no_path_is_better_than_the_exact_one(problem in problem(37, 60), delay in 0usize..12) {
        let path = problem.selected(UnitSelector::lookahead(problem.descriptors(), &problem.config(), delay));
        prop_assert!(problem.cost_of(&path) >= problem.cost_of(&problem.exact()));
    }
}

/// A slow walk through four dimensions, and units from another such walk with a break at every hundredth.
fn walks(units: usize, ticks: usize, seed: u64) -> Problem {
    let walk = |n: usize, stream| {
        let mut draw = TickRng::new(seed, stream);
        let mut at = [0.0f32; 4];
        let mut step = move || {
            at.iter_mut().for_each(|x| *x = 0.9 * *x + draw.between(-0.5, 0.5) as f32);
            at
        };
        (0..n).flat_map(|_| step()).collect::<Vec<f32>>()
    };
    let continued = (0..units).map(|j| j % 100 != 99).collect();
    Problem { dims: 4, units: walk(units, 1), continued, targets: walk(ticks, 2), price: 1.0 }
}

#[test]
fn nothing_is_lost_in_a_long_film() {
    let problem = walks(61, 4000, 1);
    let (found, best) = (problem.cost_of(&problem.exact()), problem.cost_of(&problem.viterbi()));
    assert!((found - best).abs() < 1e-4 && best > 1000.0, "{found} instead of {best}");
}

#[test]
fn lookahead_pays() {
    let problems: Vec<Problem> = (0..8).map(|seed| walks(300, 600, seed)).collect();
    let sum = |path: &dyn Fn(&Problem) -> Vec<u32>| problems.iter().map(|p| p.cost_of(&path(p))).sum::<f64>();
    let with = |delay| sum(&|p| p.selected(UnitSelector::lookahead(p.descriptors(), &p.config(), delay)));
    let (exact, costs) = (sum(&Problem::exact), [0, 1, 3, 10, 30].map(with));
    assert!(costs.windows(2).all(|w| w[1] <= w[0]), "{costs:?}");
    assert!(costs[4] < 1.001 * exact && costs[0] > 1.05 * exact, "{costs:?}, exact {exact}");
}

#[test]
fn units_come_after_the_delay_and_are_the_same_again() {
    let problem = walks(100, 50, 3);
    for delay in [0, 1, 7] {
        let mut selector = UnitSelector::lookahead(problem.descriptors(), &problem.config(), delay);
        let mut run = || {
            let mut selected = Vec::new();
            for (t, target) in problem.targets.chunks_exact(4).enumerate() {
                selector.push(target, &mut selected);
                assert_eq!(selected.len(), (t + 1).saturating_sub(delay));
            }
            selector.finish(&mut selected);
            selected
        };
        let first = run();
        assert_eq!(first.len(), problem.ticks());
        assert_eq!(first, run());
    }
    let mut none = Vec::new();
    UnitSelector::exact(problem.descriptors(), &problem.config()).finish(&mut none);
    assert!(none.is_empty());
}

#[test]
fn a_film_is_made_of_itself() {
    let problem = walks(333, 0, 5);
    let itself = Problem { targets: problem.units.clone(), ..problem };
    assert_eq!(itself.exact(), (0..333).collect::<Vec<_>>());
}

#[test]
fn memory_is_that_of_ticks_and_units() {
    let (units, ticks) = (500, 20_000);
    let problem = walks(units, ticks, 9);
    let mut exact = UnitSelector::exact(problem.descriptors(), &problem.config());
    let mut live = UnitSelector::lookahead(problem.descriptors(), &problem.config(), 15);
    let (mut selected, mut delayed, mut latest) = (Vec::new(), Vec::new(), 0);
    for (t, target) in problem.targets.chunks_exact(4).enumerate() {
        exact.push(target, &mut selected);
        live.push(target, &mut delayed);
        latest = latest.max(t + 1 - selected.len());
    }
    // A few numbers a path that is alive, and of ticks only those that are not decided.
    assert!(exact.held() <= 24 * units, "{}", exact.held());
    assert!(live.held() <= 24 * units, "{}", live.held());
    assert!(latest < 200, "decided after {latest} ticks");
}

/// Units that are all alike: the last target decides which was first.
#[test]
fn undecided_ticks_wait() {
    let units = 400;
    let problem = Problem {
        dims: 1,
        units: (0..units).map(|j| if j == 299 { 1.0 } else { 0.0 }).collect(),
        continued: vec![true; units],
        targets: (0..250).map(|t| if t == 249 { 1.0 } else { 0.0 }).collect(),
        price: 4.0,
    };
    let mut selector = UnitSelector::exact(problem.descriptors(), &problem.config());
    let mut selected = Vec::new();
    problem.targets.iter().for_each(|t| selector.push(&[*t], &mut selected));
    assert!(selected.is_empty());
    selector.finish(&mut selected);
    assert_eq!(selected, (50..300).collect::<Vec<_>>());
}

#[test]
fn units_that_are_no_number_are_not_selected() {
    let units = [f32::NAN, 0.0, f32::INFINITY, 5.0];
    let descriptors = Arc::new(UnitDescriptors::new(1, &units, &[0.0; 4], &[true; 4]).unwrap());
    let mut selector = UnitSelector::exact(Arc::clone(&descriptors), &MosaicConfig::default());
    let mut selected = Vec::new();
    for target in [&[4.0][..], &[f32::NAN], &[], &[9.0, 1.0]] {
        selector.push(target, &mut selected);
    }
    selector.finish(&mut selected);
    assert_eq!(selected, [3, 1, 1, 3]);
    let none = Arc::new(UnitDescriptors::new(1, &[f32::NAN; 9], &[0.0; 9], &[true; 9]).unwrap());
    let mut selector = UnitSelector::greedy(none, &MosaicConfig::default());
    selected.clear();
    (0..5).for_each(|_| selector.push(&[1.0], &mut selected));
    assert!(selected.len() == 5 && selected.iter().all(|unit| *unit < 9));
}
