//! Points that are found by where they are.

use crate::neighbors::{LANES, NEVER};
use pulp::{Arch, NullaryFnOnce};
use std::iter::zip;

/// Numbers of a row that are compared side by side. All rows are padded to a multiple of it.
const STEP: usize = 8;
/// Numbers of a point's place: where it lies along [`AXES`] − 1 directions, and how far off all of these.
const AXES: usize = 24;
/// Points that are asked for the directions in which all differ most, at most.
const ASKED: usize = 2048;
/// Turns of the power method. Directions that have not settled find less and nothing wrong.
const TURNS: usize = 12;

/// Points in a space of some dimensions, and a map on which all within a radius of a target are found without looking at
/// most others.
///
/// A point's *place* is its projection on the few directions in which the points differ most (the first principal axes, by
/// the power method), and its distance from the space that these span. Places are never farther from one another than the
/// points: projections shorten, and two points lie at least as far apart as their distances from a space differ (the
/// triangle inequality). That last number is worth many directions where targets are smoother than the points, as what a
/// network guesses is. Places are sorted into boxes of [`LANES`] (J. Bentley, "Multidimensional binary search trees used for
/// associative searching", Comm. ACM 18, 1975).
#[derive(Clone, Debug)]
pub struct PcaKdTree {
    dims: usize,
    count: usize,
    /// [count × row length], padded with zeros.
    rows: Vec<[f32; STEP]>,
    /// What places are relative to.
    mean: Vec<f64>,
    /// [AXES − 1] directions of length 1, square to one another; zeros where there are not so many.
    axes: Vec<Vec<f64>>,
    /// Boxes in boxes, each before what is in it.
    boxes: Vec<CellBounds>,
    leaves: Vec<Leaf>,
    /// [count], once more, in the order of points.
    places: Vec<[f32; AXES]>,
}

/// The least box around some places.
#[derive(Clone, Copy, Debug)]
struct CellBounds {
    low: [f32; AXES],
    high: [f32; AXES],
    /// The first box after those in this one.
    beyond: u32,
    /// First leaf in it.
    leaf: u32,
}

/// Places that lie together, one axis after the other; ∞ beyond the last.
#[derive(Clone, Debug)]
struct Leaf {
    places: [[f32; LANES]; AXES],
    points: [u32; LANES],
}

/// A target, and where it lies on the map.
#[derive(Clone, Debug, Default)]
pub struct Query {
    row: Vec<[f32; STEP]>,
    place: [f32; AXES],
    /// How far off the place may be, at most.
    blur: f32,
}

/// A point that may be near, and what its squared distance is at least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbor {
    /// Its number.
    pub point: u32,
    /// See [`PcaKdTree::least_distances`].
    pub least: f32,
}

/// See [`PcaKdTree::bound`].
#[derive(Clone, Copy)]
struct Bound {
    share: f32,
    off: f32,
}

impl Bound {
    #[inline(always)]
    fn of(self, squared: f32) -> f32 {
        (self.share * squared - self.off).clamp(0.0, NEVER)
    }
}

impl PcaKdTree {
    /// `count` points of `coordinates` `[count × dims]`, row by row. Where a coordinate is no number the point has no place.
    ///
    /// # Panics
    ///
    /// If these are not so many, or 2^32 points or more.
    pub fn new(dims: usize, count: usize, coordinates: &[f32]) -> Self {
        assert_eq!(coordinates.len(), count * dims, "every point has all its coordinates");
        assert!(u32::try_from(count).is_ok(), "points have numbers of 32 bits");
        let length = dims.div_ceil(STEP).max(1);
        let mut rows = vec![[0.0f32; STEP]; count * length];
        if dims > 0 {
            for (row, point) in zip(rows.chunks_exact_mut(length), coordinates.chunks_exact(dims)) {
                row.as_flattened_mut()[..dims].copy_from_slice(point);
            }
        }
        let mut atlas = Self {
            dims,
            count,
            rows,
            mean: vec![0.0; dims],
            axes: vec![vec![0.0; dims]; AXES - 1],
            boxes: Vec::new(),
            leaves: Vec::with_capacity(count.div_ceil(LANES)),
            places: Vec::new(),
        };
        atlas.find_axes();
        let places: Vec<[f32; AXES]> = (0..count as u32).map(|point| atlas.place_of(point)).collect();
        let mut order: Vec<u32> = (0..count as u32).collect();
        if count > 0 {
            atlas.sort_into_boxes(&mut order, &places);
        }
        atlas.places = places;
        atlas
    }

    /// Coordinates of each.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Points.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Makes `target` of `coordinates` `[dims]`; numbers that are missing or none count as 0.
    pub fn aim(&self, coordinates: &[f32], target: &mut Query) {
        target.row.clear();
        target.row.resize(self.row_length(), [0.0; STEP]);
        for (to, x) in zip(&mut target.row.as_flattened_mut()[..self.dims], coordinates) {
            *to = if x.is_finite() { *x } else { 0.0 };
        }
        let mut from_mean = vec![0.0; self.dims];
        target.place = self.place(&target.row, &mut from_mean);
        // Places are rounded to f32, once: a point's is off by a share of its own distance from the mean, which is at most
        // its distance from the target and the target's from the mean. The mean's own share is that of f64.
        target.blur = (1e-6 * (norm(&from_mean) + 1e-6 * norm(&self.mean))) as f32;
    }

    /// Squared distances of `points` from the target, in their order; [`NEVER`] where a coordinate is no number. Every number is
    /// the same sum in the same order, whatever the processor.
    pub fn squared_distances(&self, target: &Query, points: &[u32], out: &mut Vec<f32>) {
        out.clear();
        out.resize(points.len(), NEVER);
        Arch::new().dispatch(Measure { target: &target.row, rows: &self.rows, points, out });
    }

    /// The squared distance of one point, the same number.
    pub fn squared_distance(&self, target: &Query, point: u32) -> f32 {
        let mut out = [NEVER];
        let rows = &self.rows;
        Arch::new().dispatch(Measure { target: &target.row, rows, points: &[point], out: &mut out });
        out[0]
    }

    /// What the squared distances of `points` from the target are at least, from their places, in their order. None is more than
    /// what [`PcaKdTree::squared_distances`] gives.
    pub fn least_distances(&self, target: &Query, points: &[u32], out: &mut Vec<f32>) {
        out.clear();
        out.resize(points.len(), 0.0);
        let bound = self.bound(target);
        Arch::new().dispatch(Bounds { place: &target.place, bound, places: &self.places, points, out });
    }

    /// What a squared distance is at least, given that of the places: (√s − b)² is at least s − 2b√s, and 2b√s at most
    /// s/k + k b² for any k.
    fn bound(&self, target: &Query) -> Bound {
        Bound { share: 1.0 - 1e-4 - 2e-7 * self.dims as f32, off: 1e4 * target.blur * target.blur }
    }

    /// Some points that are near the target, most likely.
    pub fn nearby(&self, target: &Query) -> &[u32] {
        let mut at = 0;
        while let Some(first) = self.boxes.get(at + 1).filter(|_| self.boxes[at].beyond as usize > at + 1) {
            let second = first.beyond as usize;
            let nearer = first.distance(&target.place) <= self.boxes[second].distance(&target.place);
            at = if nearer { at + 1 } else { second };
        }
        let found = self.boxes.get(at).map_or(&[][..], |found| &self.leaves[found.leaf as usize].points[..]);
        &found[..found.iter().position(|point| *point == u32::MAX).unwrap_or(found.len())]
    }

    /// Finds all points whose squared distance from the target is no more than `limit`, and a few more, in an order of their own.
    pub fn within(&self, target: &Query, limit: f32, found: &mut Vec<Neighbor>) {
        found.clear();
        // Sums of f32 are off by a share of themselves, the distances' and the places'.
        let share = 1.0 + 1e-5 + 1e-7 * self.dims as f32;
        let reach = (limit.max(0.0).sqrt() * share + target.blur).powi(2);
        if limit >= NEVER || !reach.is_finite() {
            found.extend((0..self.count as u32).map(|point| Neighbor { point, least: 0.0 }));
            return;
        }
        let bound = self.bound(target);
        Arch::new().dispatch(Search { place: &target.place, reach, bound, atlas: self, found });
    }

    fn row_length(&self) -> usize {
        self.dims.div_ceil(STEP).max(1)
    }

    fn row(&self, point: u32) -> &[[f32; STEP]] {
        let length = self.row_length();
        &self.rows[point as usize * length..][..length]
    }

    /// The mean of some points spread over all, and the directions in which they differ most: the power method with several
    /// vectors that are kept square to one another (Gram and Schmidt, twice).
    fn find_axes(&mut self) {
        let whole = |point: &u32| self.row(*point).as_flattened()[..self.dims].iter().all(|x| x.is_finite());
        let every = self.count.div_ceil(ASKED).max(1);
        let asked: Vec<u32> = (0..self.count as u32).step_by(every).filter(whole).collect();
        let mut mean = vec![0.0; self.dims];
        for point in &asked {
            for (m, x) in zip(&mut mean, self.row(*point).as_flattened()) {
                *m += f64::from(*x) / asked.len() as f64;
            }
        }
        self.mean = mean;
        // Any start will do that is not square to a direction that is looked for.
        let mut axes: Vec<Vec<f64>> = (0..AXES - 1)
            .map(|i| (0..self.dims).map(|k| ((i + 1) as f64 * (k as f64 + 0.5)).sin()).collect())
            .collect();
        let mut from_mean = vec![0.0; self.dims];
        for _ in 0..TURNS {
            let mut turned = vec![vec![0.0; self.dims]; AXES - 1];
            for point in &asked {
                self.relative(self.row(*point), &mut from_mean);
                for (turned, axis) in zip(&mut turned, &axes) {
                    add(turned, dot(axis, &from_mean), &from_mean);
                }
            }
            axes = turned;
            square_to_one_another(&mut axes);
        }
        self.axes = axes;
    }

    fn place_of(&self, point: u32) -> [f32; AXES] {
        let mut from_mean = vec![0.0; self.dims];
        let place = self.place(self.row(point), &mut from_mean);
        if place.iter().all(|x| x.is_finite()) { place } else { [f32::INFINITY; AXES] }
    }

    /// Where a row lies; `from_mean` is filled with the row relative to the mean.
    fn place(&self, row: &[[f32; STEP]], from_mean: &mut [f64]) -> [f32; AXES] {
        self.relative(row, from_mean);
        let mut off = from_mean.to_vec();
        let mut place = [0.0; AXES];
        for (along, axis) in zip(&mut place, &self.axes) {
            let length = dot(axis, from_mean);
            add(&mut off, -length, axis);
            *along = length as f32;
        }
        place[AXES - 1] = norm(&off) as f32;
        place
    }

    fn relative(&self, row: &[[f32; STEP]], from_mean: &mut [f64]) {
        for (to, (x, mean)) in zip(from_mean, zip(row.as_flattened(), &self.mean)) {
            *to = f64::from(*x) - mean;
        }
    }

    /// Boxes for the points in `order`: split where half of the leaves lie on either side along the widest axis.
    fn sort_into_boxes(&mut self, order: &mut [u32], places: &[[f32; AXES]]) {
        let mut extent = CellBounds {
            low: [f32::INFINITY; AXES],
            high: [f32::NEG_INFINITY; AXES],
            beyond: 0,
            leaf: self.leaves.len() as u32,
        };
        for point in &*order {
            for (axis, x) in places[*point as usize].into_iter().enumerate() {
                extent.low[axis] = extent.low[axis].min(x);
                extent.high[axis] = extent.high[axis].max(x);
            }
        }
        let at = self.boxes.len();
        self.boxes.push(extent);
        if order.len() <= LANES {
            let mut leaf = Leaf { places: [[f32::INFINITY; LANES]; AXES], points: [u32::MAX; LANES] };
            for (lane, point) in order.iter().enumerate() {
                leaf.points[lane] = *point;
                for (axis, x) in places[*point as usize].into_iter().enumerate() {
                    leaf.places[axis][lane] = x;
                }
            }
            self.leaves.push(leaf);
        } else {
            let width = |axis: &usize| extent.high[*axis] - extent.low[*axis];
            let widest = (0..AXES).max_by(|a, b| width(a).total_cmp(&width(b))).unwrap_or(0);
            let middle = order.len().div_ceil(LANES) / 2 * LANES;
            let along = |point: &u32| places[*point as usize][widest];
            order.select_nth_unstable_by(middle, |a, b| along(a).total_cmp(&along(b)));
            let (lower, upper) = order.split_at_mut(middle);
            self.sort_into_boxes(lower, places);
            self.sort_into_boxes(upper, places);
        }
        self.boxes[at].beyond = self.boxes.len() as u32;
    }
}

// What is called with the widest registers that there are must be written into the caller, and closures are not.

/// Distances of points from a target, row by row.
struct Measure<'a> {
    target: &'a [[f32; STEP]],
    rows: &'a [[f32; STEP]],
    points: &'a [u32],
    out: &'a mut [f32],
}

impl NullaryFnOnce for Measure<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (out, point) in zip(self.out, self.points) {
            let row = &self.rows[*point as usize * self.target.len()..][..self.target.len()];
            let mut sums = [0.0f32; STEP];
            for (a, b) in zip(self.target, row) {
                for k in 0..STEP {
                    let difference = a[k] - b[k];
                    sums[k] += difference * difference;
                }
            }
            let sum = sum(sums);
            // Written so that what is no number is caught, too.
            *out = if sum < NEVER { sum } else { NEVER };
        }
    }
}

/// What distances are at least, from places.
struct Bounds<'a> {
    place: &'a [f32; AXES],
    bound: Bound,
    places: &'a [[f32; AXES]],
    points: &'a [u32],
    out: &'a mut [f32],
}

impl NullaryFnOnce for Bounds<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (out, point) in zip(self.out, self.points) {
            let there = &self.places[*point as usize];
            let mut squares = [0.0f32; AXES];
            for k in 0..AXES {
                let difference = self.place[k] - there[k];
                squares[k] = difference * difference;
            }
            *out = self.bound.of(sum(squares));
        }
    }
}

/// Places within a radius of a place, box by box.
struct Search<'a> {
    place: &'a [f32; AXES],
    /// Squared.
    reach: f32,
    bound: Bound,
    atlas: &'a PcaKdTree,
    found: &'a mut Vec<Neighbor>,
}

impl NullaryFnOnce for Search<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let mut at = 0;
        while let Some(extent) = self.atlas.boxes.get(at) {
            if extent.distance(self.place) > self.reach {
                at = extent.beyond as usize;
                continue;
            }
            at += 1;
            if extent.beyond as usize > at {
                continue;
            }
            let leaf = &self.atlas.leaves[extent.leaf as usize];
            let mut sums = [0.0f32; LANES];
            for (at, there) in zip(self.place, &leaf.places) {
                for (sum, x) in zip(&mut sums, there) {
                    *sum += (at - x) * (at - x);
                }
            }
            for (sum, point) in zip(sums, leaf.points) {
                if sum <= self.reach {
                    self.found.push(Neighbor { point, least: self.bound.of(sum) });
                }
            }
        }
    }
}

impl CellBounds {
    /// Squared distance of a place from the box.
    #[inline(always)]
    fn distance(&self, place: &[f32; AXES]) -> f32 {
        let mut squares = [0.0f32; AXES];
        for k in 0..AXES {
            let outside = (self.low[k] - place[k]).max(place[k] - self.high[k]).max(0.0);
            squares[k] = outside * outside;
        }
        sum(squares)
    }
}

/// Of a multiple of eight numbers.
#[inline(always)]
fn sum<const N: usize>(x: [f32; N]) -> f32 {
    let mut eights = [0.0f32; 8];
    for part in x.as_chunks::<8>().0 {
        for k in 0..8 {
            eights[k] += part[k];
        }
    }
    let fours: [f32; 4] = std::array::from_fn(|k| eights[k] + eights[k + 4]);
    (fours[0] + fours[2]) + (fours[1] + fours[3])
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    zip(a, b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// `to` + `times` · `what`.
fn add(to: &mut [f64], times: f64, what: &[f64]) {
    zip(to, what).for_each(|(to, x)| *to += times * x);
}

/// Each as long as 1 and square to those before; zeros where nothing is left of it.
fn square_to_one_another(axes: &mut [Vec<f64>]) {
    for i in 0..axes.len() {
        let (before, rest) = axes.split_at_mut(i);
        let axis = &mut rest[0];
        let whole = norm(axis);
        for _ in 0..2 {
            for other in &*before {
                let along = dot(other, axis);
                add(axis, -along, other);
            }
        }
        let length = norm(axis);
        let there = length.is_finite() && length > 1e-9 * whole;
        axis.iter_mut().for_each(|x| *x = if there { *x / length } else { 0.0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tick_rng::TickRng;

    /// Points around a few centres, a thousandth of them no points at all.
    fn points(dims: usize, count: usize, offset: f32, seed: u64) -> Vec<f32> {
        let mut draw = TickRng::new(seed, 1);
        let mut at = vec![0.0; dims];
        let mut points = Vec::new();
        for i in 0..count {
            for (k, x) in at.iter_mut().enumerate() {
                *x = 0.9 * *x + draw.between(-1.0, 1.0) as f32 / (1 + k) as f32;
            }
            let broken = if i % 1000 == 77 { f32::NAN } else { offset };
            points.extend(at.iter().map(|x| x + broken));
        }
        points
    }

    #[test]
    fn nothing_within_the_radius_is_missed() {
        for (dims, count, offset) in
            [(66, 5000, 0.0), (3, 3000, 100.0), (1, 40, 0.0), (20, 1, 0.0), (12, 2000, 1e6), (0, 50, 0.0)]
        {
            let all = points(dims, count, offset, 3);
            let atlas = PcaKdTree::new(dims, count, &all);
            assert_eq!((atlas.dims(), atlas.len()), (dims, count));
            let everyone: Vec<u32> = (0..count as u32).collect();
            let (mut target, mut told) = (Query::default(), 0);
            let (mut distances, mut least) = (Vec::new(), Vec::new());
            for seed in 10..20 {
                let wanted: Vec<f32> = points(dims, 20, offset, seed).split_off(19 * dims);
                atlas.aim(&wanted, &mut target);
                atlas.squared_distances(&target, &everyone, &mut distances);
                atlas.least_distances(&target, &everyone, &mut least);
                assert!(zip(&least, &distances).all(|(least, distance)| least <= distance));
                let near = atlas.nearby(&target);
                assert!(!near.is_empty() && near.iter().all(|point| (*point as usize) < count));
                for limit in [0.0, distances[0], 0.3, 2.0, f32::INFINITY] {
                    let mut list = Vec::new();
                    atlas.within(&target, limit, &mut list);
                    let mut found = vec![false; count];
                    for Neighbor { point, least } in list {
                        assert!(least <= distances[point as usize] && !found[point as usize]);
                        found[point as usize] = true;
                    }
                    for (distance, found) in zip(&distances, &found) {
                        assert!(*found || *distance > limit, "{dims} {limit}");
                    }
                    told += if limit == 0.3 { found.iter().filter(|found| **found).count() } else { 0 };
                }
            }
            // Of the many dimensions that differ little not much is lost.
            assert!(dims != 66 || told < count, "{told}");
        }
    }

    #[test]
    fn distances_are_the_sums_of_squares() {
        let points: Vec<f32> = (0..37 * 11).map(|i| ((i * 7919) % 101) as f32 - 50.0).collect();
        let atlas = PcaKdTree::new(11, 37, &points);
        let wanted: Vec<f32> = (0..11).map(|i| ((i * 104_729) % 97) as f32 - 48.0).collect();
        let (mut target, mut out) = (Query::default(), Vec::new());
        atlas.aim(&wanted, &mut target);
        atlas.squared_distances(&target, &[3, 36, 0], &mut out);
        for (point, found) in zip([3, 36, 0], &out) {
            let row = &points[point * 11..][..11];
            assert_eq!(*found, zip(row, &wanted).map(|(a, b)| (a - b).powi(2)).sum::<f32>());
        }
    }
}
