//! The inner loops of a tree. Loops that are compiled for the widest registers at hand must be inlined into
//! their caller, which closures are not: hence a type for each.

use crate::neighbors::pca_kd_tree::cells::{CellBounds, Leaf, LowerBound, Neighbor, PROJECTION_LEN, sum};
use crate::neighbors::{LANES, NEVER};
use pulp::NullaryFnOnce;
use std::iter::zip;

/// Numbers of a row that are compared side by side. All rows are padded to a multiple of it.
pub(super) const ROW_LANES: usize = 8;

/// Squared distances of points from a query, row by row.
pub(super) struct RowDistances<'a> {
    pub(super) query: &'a [[f32; ROW_LANES]],
    pub(super) rows: &'a [[f32; ROW_LANES]],
    pub(super) points: &'a [u32],
    pub(super) out: &'a mut [f32],
}

impl NullaryFnOnce for RowDistances<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (out, point) in zip(self.out, self.points) {
            let row = &self.rows[*point as usize * self.query.len()..][..self.query.len()];
            let mut sums = [0.0f32; ROW_LANES];
            for (a, b) in zip(self.query, row) {
                for k in 0..ROW_LANES {
                    let difference = a[k] - b[k];
                    sums[k] += difference * difference;
                }
            }
            let sum = sum(sums);
            // Written so that NaN is caught, too.
            *out = if sum < NEVER { sum } else { NEVER };
        }
    }
}

/// Lower bounds of distances, from projections.
pub(super) struct ProjectionBounds<'a> {
    pub(super) projection: &'a [f32; PROJECTION_LEN],
    pub(super) bound: LowerBound,
    pub(super) projections: &'a [[f32; PROJECTION_LEN]],
    pub(super) points: &'a [u32],
    pub(super) out: &'a mut [f32],
}

impl NullaryFnOnce for ProjectionBounds<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for (out, point) in zip(self.out, self.points) {
            let other = &self.projections[*point as usize];
            let mut squares = [0.0f32; PROJECTION_LEN];
            for k in 0..PROJECTION_LEN {
                let difference = self.projection[k] - other[k];
                squares[k] = difference * difference;
            }
            *out = self.bound.of(sum(squares));
        }
    }
}

/// Projections within a radius of a projection, cell by cell.
pub(super) struct RadiusSearch<'a> {
    pub(super) projection: &'a [f32; PROJECTION_LEN],
    pub(super) squared_radius: f32,
    pub(super) bound: LowerBound,
    pub(super) cells: &'a [CellBounds],
    pub(super) leaves: &'a [Leaf],
    pub(super) found: &'a mut Vec<Neighbor>,
}

impl NullaryFnOnce for RadiusSearch<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let mut at = 0;
        while let Some(cell) = self.cells.get(at) {
            if cell.squared_distance(self.projection) > self.squared_radius {
                at = cell.end as usize;
                continue;
            }
            at += 1;
            if cell.end as usize > at {
                continue;
            }
            let leaf = &self.leaves[cell.leaf as usize];
            let mut sums = [0.0f32; LANES];
            for (at, others) in zip(self.projection, &leaf.projections) {
                for (sum, x) in zip(&mut sums, others) {
                    *sum += (at - x) * (at - x);
                }
            }
            for (sum, point) in zip(sums, leaf.points) {
                if sum <= self.squared_radius {
                    self.found.push(Neighbor { point, lower_bound: self.bound.of(sum) });
                }
            }
        }
    }
}
