//! A k-d tree on principal axes: points within a radius, and lower bounds of distances.

mod cells;
mod loops;
mod principal_axes;
#[cfg(test)]
mod tests;

pub use cells::Neighbor;

use crate::neighbors::pca_kd_tree::cells::{CellBounds, Leaf, LowerBound, PROJECTION_LEN};
use crate::neighbors::pca_kd_tree::loops::{ProjectionBounds, ROW_LANES, RadiusSearch, RowDistances};
use crate::neighbors::pca_kd_tree::principal_axes::{PrincipalAxes, norm};
use crate::neighbors::{LANES, NEVER};
use pulp::Arch;
use std::iter::zip;

/// Greatest number of points from which the axes are computed.
const MAX_SAMPLED_POINTS: usize = 2048;

/// Points in a space of some dimensions, and a tree in which all within a radius of a query are found without
/// visiting most others.
///
/// A point's *projection* is that on the few directions in which the points differ most (the first principal
/// axes, by the power method), together with its distance from the space that these span. Projections are
/// never farther from one another than the points: they shorten, and two points lie at least as far apart as
/// their distances from a space differ (the triangle inequality). That last number is worth many axes where
/// queries are smoother than the points, as predictions of a network are. Projections are sorted into leaves
/// of [`LANES`] (J. Bentley, "Multidimensional binary search trees used for associative searching", Comm. ACM
/// 18, 1975).
#[derive(Clone, Debug)]
pub struct PcaKdTree {
    dims: usize,
    count: usize,
    /// [count × row length], padded with zeros.
    rows: Vec<[f32; ROW_LANES]>,
    axes: PrincipalAxes,
    /// Cells in cells, each before those in it.
    cells: Vec<CellBounds>,
    leaves: Vec<Leaf>,
    /// [count], once more, in the order of points.
    projections: Vec<[f32; PROJECTION_LEN]>,
}

/// A point from which distances are asked for, and its projection.
#[derive(Clone, Debug, Default)]
pub struct Query {
    row: Vec<[f32; ROW_LANES]>,
    projection: [f32; PROJECTION_LEN],
    /// Greatest error of a difference of projections by rounding.
    rounding: f32,
}

impl PcaKdTree {
    /// A tree of `count` points of `coordinates` `[count × dims]`, row by row. A point with a coordinate that
    /// is no number is infinitely far from everything.
    ///
    /// # Panics
    ///
    /// If the number of coordinates is another, or there are 2^32 points or more.
    pub fn new(dims: usize, count: usize, coordinates: &[f32]) -> Self {
        assert_eq!(coordinates.len(), count * dims, "every point has all its coordinates");
        assert!(u32::try_from(count).is_ok(), "points have numbers of 32 bits");
        let length = dims.div_ceil(ROW_LANES).max(1);
        let mut rows = vec![[0.0f32; ROW_LANES]; count * length];
        if dims > 0 {
            for (row, point) in zip(rows.chunks_exact_mut(length), coordinates.chunks_exact(dims)) {
                row.as_flattened_mut()[..dims].copy_from_slice(point);
            }
        }
        let axes = sampled_axes(dims, count, coordinates);
        let mut tree = Self {
            dims,
            count,
            rows,
            axes,
            cells: Vec::new(),
            leaves: Vec::with_capacity(count.div_ceil(LANES)),
            projections: Vec::new(),
        };
        let projections: Vec<_> = (0..count as u32).map(|point| tree.projection_of(point)).collect();
        let mut order: Vec<u32> = (0..count as u32).collect();
        if count > 0 {
            tree.split(&mut order, &projections);
        }
        tree.projections = projections;
        tree
    }

    /// Coordinates of each point.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Number of points.
    #[expect(clippy::len_without_is_empty, reason = "no caller needs it")]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Makes `query` of `coordinates` `[dims]`; numbers that are missing or none count as 0.
    pub fn set_query(&self, coordinates: &[f32], query: &mut Query) {
        query.row.clear();
        query.row.resize(self.row_length(), [0.0; ROW_LANES]);
        for (to, x) in zip(&mut query.row.as_flattened_mut()[..self.dims], coordinates) {
            *to = if x.is_finite() { *x } else { 0.0 };
        }
        let mut from_mean = vec![0.0; self.dims];
        self.axes.project(query.row.as_flattened(), &mut from_mean, &mut query.projection);
        // Projections are rounded to f32, once: a point's is off by a share of its own distance from the
        // mean, which is at most its distance from the query and the query's from the mean. The mean's own
        // share is that of f64.
        query.rounding = (1e-6 * (norm(&from_mean) + 1e-6 * norm(&self.axes.mean))) as f32;
    }

    /// Squared distances of `points` from the query, in their order; [`NEVER`] where a coordinate is no
    /// number. Every number is the same sum in the same order, whatever the processor.
    pub fn squared_distances(&self, query: &Query, points: &[u32], out: &mut Vec<f32>) {
        out.clear();
        out.resize(points.len(), NEVER);
        Arch::new().dispatch(RowDistances { query: &query.row, rows: &self.rows, points, out });
    }

    /// The squared distance of one point, the same number.
    pub fn squared_distance(&self, query: &Query, point: u32) -> f32 {
        let mut out = [NEVER];
        let rows = &self.rows;
        Arch::new().dispatch(RowDistances { query: &query.row, rows, points: &[point], out: &mut out });
        out[0]
    }

    /// Lower bounds of the squared distances of `points` from the query, from their projections, in their
    /// order. None is more than the number that [`PcaKdTree::squared_distances`] gives.
    pub fn lower_bounds(&self, query: &Query, points: &[u32], out: &mut Vec<f32>) {
        out.clear();
        out.resize(points.len(), 0.0);
        let (projection, bound, projections) = (&query.projection, self.bound(query), &self.projections);
        Arch::new().dispatch(ProjectionBounds { projection, bound, projections, points, out });
    }

    /// The lower bound of a squared distance, given that of the projections: (√s − b)² is at least s − 2b√s,
    /// and 2b√s at most s/k + k b² for any k.
    fn bound(&self, query: &Query) -> LowerBound {
        LowerBound {
            factor: 1.0 - 1e-4 - 2e-7 * self.dims as f32,
            offset: 1e4 * query.rounding * query.rounding,
        }
    }

    /// The points of the leaf that the query falls into, which are most likely near.
    pub fn nearest_leaf(&self, query: &Query) -> &[u32] {
        let mut at = 0;
        while let Some(first) = self.cells.get(at + 1).filter(|_| self.cells[at].end as usize > at + 1) {
            let second = first.end as usize;
            let [to_first, to_second] =
                [first, &self.cells[second]].map(|cell| cell.squared_distance(&query.projection));
            at = if to_first <= to_second { at + 1 } else { second };
        }
        let found = self.cells.get(at).map_or(&[][..], |cell| &self.leaves[cell.leaf as usize].points[..]);
        &found[..found.iter().position(|point| *point == u32::MAX).unwrap_or(found.len())]
    }

    /// Finds all points whose squared distance from the query is no more than `limit`, and a few more, in an
    /// order of their own.
    pub fn within(&self, query: &Query, limit: f32, found: &mut Vec<Neighbor>) {
        found.clear();
        // Sums of f32 are off by a share of themselves, the distances' and the projections'.
        let share = 1.0 + 1e-5 + 1e-7 * self.dims as f32;
        let squared_radius = (limit.max(0.0).sqrt() * share + query.rounding).powi(2);
        if limit >= NEVER || !squared_radius.is_finite() {
            found.extend((0..self.count as u32).map(|point| Neighbor { point, lower_bound: 0.0 }));
            return;
        }
        let bound = self.bound(query);
        let (projection, cells, leaves) = (&query.projection, &self.cells, &self.leaves);
        Arch::new().dispatch(RadiusSearch { projection, squared_radius, bound, cells, leaves, found });
    }

    fn row_length(&self) -> usize {
        self.dims.div_ceil(ROW_LANES).max(1)
    }

    fn projection_of(&self, point: u32) -> [f32; PROJECTION_LEN] {
        let length = self.row_length();
        let row = self.rows[point as usize * length..][..length].as_flattened();
        let mut projection = [0.0; PROJECTION_LEN];
        self.axes.project(row, &mut vec![0.0; self.dims], &mut projection);
        if projection.iter().all(|x| x.is_finite()) { projection } else { [f32::INFINITY; PROJECTION_LEN] }
    }

    /// Adds the cell of the points in `order` and those in it: split where half of the leaves lie on either
    /// side along the widest axis.
    fn split(&mut self, order: &mut [u32], projections: &[[f32; PROJECTION_LEN]]) {
        let cell = CellBounds::around(order, projections, self.leaves.len() as u32);
        let at = self.cells.len();
        self.cells.push(cell);
        if order.len() <= LANES {
            self.leaves.push(Leaf::new(order, projections));
        } else {
            let width = |axis: &usize| cell.high[*axis] - cell.low[*axis];
            let widest = (0..PROJECTION_LEN).max_by(|a, b| width(a).total_cmp(&width(b))).unwrap_or(0);
            let middle = order.len().div_ceil(LANES) / 2 * LANES;
            let along = |point: &u32| projections[*point as usize][widest];
            order.select_nth_unstable_by(middle, |a, b| along(a).total_cmp(&along(b)));
            let (lower, upper) = order.split_at_mut(middle);
            self.split(lower, projections);
            self.split(upper, projections);
        }
        self.cells[at].end = self.cells.len() as u32;
    }
}

/// The principal axes of some points spread over all.
fn sampled_axes(dims: usize, count: usize, coordinates: &[f32]) -> PrincipalAxes {
    let every = count.div_ceil(MAX_SAMPLED_POINTS).max(1);
    let points = (0..count).step_by(every).map(|point| &coordinates[point * dims..][..dims]);
    let finite = points.filter(|point| point.iter().all(|x| x.is_finite()));
    PrincipalAxes::new(dims, PROJECTION_LEN - 1, &finite.collect::<Vec<_>>())
}
