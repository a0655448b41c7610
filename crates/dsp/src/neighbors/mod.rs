//! Distances of a point from many others: from all of them, as fast as the processor can read them
//! ([`Points`]), or from those that are near, found in a tree ([`PcaKdTree`]).

mod pca_kd_tree;

pub use pca_kd_tree::{Neighbor, PcaKdTree, Query};

use pulp::{Arch, NullaryFnOnce};

/// Points that are compared with a target side by side. All rows of distances are padded to a multiple of it.
pub const LANES: usize = 16;
/// Targets that share one reading of the points, where there are several.
const TARGETS_AT_A_TIME: usize = 4;
/// Distance from a point that cannot be compared: a point with a coordinate that is no number, or none at
/// all.
pub const NEVER: f32 = 1e30;

/// Points in a space of some dimensions.
///
/// They lie in blocks of [`LANES`], within a block by dimension, so that the loop over a block's points is
/// plain vector arithmetic on any processor.
#[derive(Clone, Debug)]
pub struct Points {
    dims: usize,
    /// [blocks × dims], each with one coordinate of [`LANES`] points; beyond the last point no numbers.
    blocks: Vec<[f32; LANES]>,
    padded: usize,
}

impl Points {
    /// `count` points of `coordinates` `[count × dims]`, row by row.
    ///
    /// # Panics
    ///
    /// If the number of coordinates is another.
    pub fn new(dims: usize, count: usize, coordinates: &[f32]) -> Self {
        assert_eq!(coordinates.len(), count * dims, "every point has all its coordinates");
        let padded = count.next_multiple_of(LANES);
        let mut blocks = vec![[f32::NAN; LANES]; padded / LANES * dims];
        for (i, value) in coordinates.iter().enumerate() {
            let (point, dim) = (i / dims, i % dims);
            blocks[point / LANES * dims + dim][point % LANES] = *value;
        }
        Self { dims, blocks, padded }
    }

    /// Coordinates of each point.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Length of a row of distances: the number of points, padded to a multiple of [`LANES`].
    pub fn padded(&self) -> usize {
        self.padded
    }

    /// Writes the squared distances of `targets` [rows × dims] from all points to `out` [rows × padded];
    /// [`NEVER`] where there is no point or it has a coordinate that is no number. Every number is the same
    /// sum in the same order, whatever the number of rows and the processor.
    pub fn squared_distances(&self, targets: &[f32], out: &mut [f32]) {
        // Wider registers do more at a time and give the same sums.
        Arch::new().dispatch(DistanceSums { points: self, targets, out });
    }
}

/// Squared distances of targets from points. Not a closure, since loops that are compiled for the widest
/// registers at hand must be inlined into their caller, which closures are not.
struct DistanceSums<'a> {
    points: &'a Points,
    targets: &'a [f32],
    out: &'a mut [f32],
}

impl NullaryFnOnce for DistanceSums<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { points: &Points { dims, ref blocks, padded: width }, targets, out } = self;
        let rows = out.len() / width.max(1);
        let target = |row: usize| &targets[row * dims..(row + 1) * dims];
        for block in 0..width / LANES {
            let points = &blocks[block * dims..(block + 1) * dims];
            let mut put = |row: usize, distances: [f32; LANES]| {
                out[row * width + block * LANES..][..LANES].copy_from_slice(&distances);
            };
            let mut row = 0;
            while row + TARGETS_AT_A_TIME <= rows {
                let several =
                    distances::<TARGETS_AT_A_TIME>(points, std::array::from_fn(|k| target(row + k)));
                several.into_iter().enumerate().for_each(|(k, found)| put(row + k, found));
                row += TARGETS_AT_A_TIME;
            }
            for row in row..rows {
                put(row, distances::<1>(points, [target(row)])[0]);
            }
        }
    }
}

/// Squared distances of `N` targets from the points of one block. The sums stay in registers.
#[inline(always)]
fn distances<const N: usize>(points: &[[f32; LANES]], targets: [&[f32]; N]) -> [[f32; LANES]; N] {
    let mut sums = [[0.0f32; LANES]; N];
    let targets = targets.map(|target| &target[..points.len()]);
    for (dim, values) in points.iter().enumerate() {
        for (sum, target) in sums.iter_mut().zip(&targets) {
            let coordinate = target[dim];
            for (s, value) in sum.iter_mut().zip(values) {
                let difference = coordinate - value;
                *s += difference * difference;
            }
        }
    }
    // Written so that NaN is caught, too.
    sums.map(|sum| sum.map(|s| if s < NEVER { s } else { NEVER }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_the_sums_of_squares() {
        let points: Vec<f32> = (0..37 * 5).map(|i| ((i * 7919) % 101) as f32 - 50.0).collect();
        let targets: Vec<f32> = (0..6 * 5).map(|i| ((i * 104_729) % 97) as f32 - 48.0).collect();
        let known = Points::new(5, 37, &points);
        let mut out = vec![0.0; 6 * known.padded()];
        known.squared_distances(&targets, &mut out);
        for (target, out) in targets.chunks_exact(5).zip(out.chunks_exact(48)) {
            for (point, found) in points.chunks_exact(5).zip(out) {
                let expected: f32 = point.iter().zip(target).map(|(a, b)| (a - b).powi(2)).sum();
                assert_eq!(*found, expected);
            }
            assert!(out[37..].iter().all(|x| *x == NEVER));
        }
    }

    #[test]
    fn points_that_are_no_number_are_far() {
        let known = Points::new(1, 3, &[f32::NAN, 2.0, f32::INFINITY]);
        let mut out = vec![0.0; known.padded()];
        known.squared_distances(&[1.0], &mut out);
        assert_eq!(out[..3], [NEVER, 1.0, NEVER]);
    }
}
