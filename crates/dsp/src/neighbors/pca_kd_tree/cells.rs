//! Cells and leaves of a tree, and what they say of the distances of points.

use crate::neighbors::{LANES, NEVER};

/// Numbers of a projection: one for each of [`PROJECTION_LEN`] − 1 axes, and the distance from the space that
/// they span.
pub(super) const PROJECTION_LEN: usize = 24;

/// The smallest box around the projections of a cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct CellBounds {
    pub(super) low: [f32; PROJECTION_LEN],
    pub(super) high: [f32; PROJECTION_LEN],
    /// The first cell after those in this one.
    pub(super) end: u32,
    /// First leaf in it.
    pub(super) leaf: u32,
}

impl CellBounds {
    /// The cell of some points whose first leaf is `leaf`.
    pub(super) fn around(points: &[u32], projections: &[[f32; PROJECTION_LEN]], leaf: u32) -> Self {
        let mut cell = Self {
            low: [f32::INFINITY; PROJECTION_LEN],
            high: [f32::NEG_INFINITY; PROJECTION_LEN],
            end: 0,
            leaf,
        };
        for point in points {
            for (axis, x) in projections[*point as usize].into_iter().enumerate() {
                cell.low[axis] = cell.low[axis].min(x);
                cell.high[axis] = cell.high[axis].max(x);
            }
        }
        cell
    }

    /// Squared distance of a projection from the cell.
    #[inline(always)]
    pub(super) fn squared_distance(&self, projection: &[f32; PROJECTION_LEN]) -> f32 {
        let mut squares = [0.0f32; PROJECTION_LEN];
        for k in 0..PROJECTION_LEN {
            let outside = (self.low[k] - projection[k]).max(projection[k] - self.high[k]).max(0.0);
            squares[k] = outside * outside;
        }
        sum(squares)
    }
}

/// Neighbouring projections, one axis after the other; ∞ beyond the last.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) projections: [[f32; LANES]; PROJECTION_LEN],
    pub(super) points: [u32; LANES],
}

impl Leaf {
    /// The leaf of at most [`LANES`] points.
    pub(super) fn new(points: &[u32], projections: &[[f32; PROJECTION_LEN]]) -> Self {
        let mut leaf =
            Self { projections: [[f32::INFINITY; LANES]; PROJECTION_LEN], points: [u32::MAX; LANES] };
        for (lane, point) in points.iter().enumerate() {
            leaf.points[lane] = *point;
            for (axis, x) in projections[*point as usize].into_iter().enumerate() {
                leaf.projections[axis][lane] = x;
            }
        }
        leaf
    }
}

/// A point that may be near, and a lower bound of its squared distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbor {
    /// Its number.
    pub point: u32,
    /// See [`PcaKdTree::lower_bounds`](crate::neighbors::PcaKdTree::lower_bounds).
    pub lower_bound: f32,
}

/// The lower bound of a squared distance as a function of that of the projections: `factor` · s − `offset`.
#[derive(Clone, Copy)]
pub(super) struct LowerBound {
    pub(super) factor: f32,
    pub(super) offset: f32,
}

impl LowerBound {
    #[inline(always)]
    pub(super) fn of(self, squared: f32) -> f32 {
        (self.factor * squared - self.offset).clamp(0.0, NEVER)
    }
}

/// The sum of a multiple of eight numbers.
#[inline(always)]
pub(super) fn sum<const N: usize>(x: [f32; N]) -> f32 {
    let mut eights = [0.0f32; 8];
    for part in x.as_chunks::<8>().0 {
        for k in 0..8 {
            eights[k] += part[k];
        }
    }
    let fours: [f32; 4] = std::array::from_fn(|k| eights[k] + eights[k + 4]);
    (fours[0] + fours[2]) + (fours[1] + fours[3])
}
