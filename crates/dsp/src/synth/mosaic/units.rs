//! What is known of all units but their sound.

use std::iter::zip;

/// Units that are compared with a target side by side. All rows are padded to a multiple of it.
pub(super) const LANES: usize = 8;
/// Targets that share one reading of the descriptors where several wait.
const TOGETHER: usize = 4;
/// Cost of what cannot be compared: a unit with a descriptor that is no number, or none at all.
const NEVER: f32 = 1e30;

/// The units of a training sound: their descriptors, their loudness, and which of them continue one another.
///
/// Descriptors lie in blocks of eight units, within a block by dimension, so that the loop over a block's units is plain
/// vector arithmetic on any processor.
#[derive(Clone, Debug)]
pub struct Units {
    dims: usize,
    /// [blocks × dims], each with one number of eight units; beyond the last unit no numbers.
    descriptors: Vec<[f32; LANES]>,
    loudness_db: Vec<f32>,
    /// Per unit, padded: 0 if it continues the one before, else ∞. To be added to the cost of coming from there.
    joins: Vec<f32>,
}

/// Units that do not belong together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitsError {
    /// Nothing to choose from, or more than can be numbered.
    #[error("there must be at least one unit and less than 2^31, not {0}")]
    Number(usize),
    /// The lists have different lengths.
    #[error(
        "{units} units of {dims} descriptors need {units} times {dims} of them and {units} marks, not {descriptors} and {marks}"
    )]
    Lengths {
        /// Units, by their loudness.
        units: usize,
        /// Descriptors of each.
        dims: usize,
        /// Descriptors given.
        descriptors: usize,
        /// Marks of continuation given.
        marks: usize,
    },
}

impl Units {
    /// From `descriptors` `[units × dims]` row by row, `loudness_db` `[units]`, and `continued` `[units]`: whether the next unit
    /// is what naturally follows in the same film. It is not at a break: where a film ends, or before something held out.
    ///
    /// The distance of two rows is the sum of squared differences, so whoever calls has scaled the descriptors. A unit with
    /// a descriptor that is no number is chosen only if there is no other.
    pub fn new(
        dims: usize,
        descriptors: &[f32],
        loudness_db: &[f32],
        continued: &[bool],
    ) -> Result<Self, UnitsError> {
        let units = loudness_db.len();
        if units == 0 || units >= 1 << 31 {
            return Err(UnitsError::Number(units));
        }
        if units.checked_mul(dims) != Some(descriptors.len()) || continued.len() != units {
            let (descriptors, marks) = (descriptors.len(), continued.len());
            return Err(UnitsError::Lengths { units, dims, descriptors, marks });
        }
        let blocks = units.div_ceil(LANES);
        let mut joins = vec![f32::INFINITY; blocks * LANES];
        for (join, continued) in zip(&mut joins[1..units], continued) {
            *join = if *continued { 0.0 } else { f32::INFINITY };
        }
        let mut by_block = vec![[f32::NAN; LANES]; blocks * dims];
        for (i, value) in descriptors.iter().enumerate() {
            let (unit, dim) = (i / dims, i % dims);
            by_block[unit / LANES * dims + dim][unit % LANES] = *value;
        }
        Ok(Self { dims, descriptors: by_block, loudness_db: loudness_db.to_vec(), joins })
    }

    /// How many units there are: at least one.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.loudness_db.len()
    }

    /// Descriptors of each unit.
    pub fn dims(&self) -> usize {
        self.dims
    }

    /// Loudness of a unit in dB; no number where there is no such unit.
    pub fn loudness_db(&self, unit: u32) -> f32 {
        self.loudness_db.get(unit as usize).copied().unwrap_or(f32::NAN)
    }

    /// Whether `unit` naturally follows `before`.
    pub fn continues(&self, before: u32, unit: u32) -> bool {
        before.checked_add(1) == Some(unit) && self.follows_another(unit)
    }

    /// Whether the unit is what naturally follows the one before it.
    pub(super) fn follows_another(&self, unit: u32) -> bool {
        self.joins.get(unit as usize).is_some_and(|join| *join == 0.0)
    }

    /// 0 for every unit that continues the one before, else ∞, padded to a multiple of [`LANES`].
    pub(super) fn joins(&self) -> &[f32] {
        &self.joins
    }

    /// Squared distances of `targets` [rows × dims] from all units, into `costs` [rows × padded units]. Every number is
    /// the same sum in the same order, whatever the number of rows.
    pub(super) fn costs(&self, targets: &[f32], costs: &mut [f32]) {
        let (width, rows) = (self.joins.len(), costs.len() / self.joins.len());
        let target = |row: usize| &targets[row * self.dims..(row + 1) * self.dims];
        for block in 0..width / LANES {
            let units = &self.descriptors[block * self.dims..(block + 1) * self.dims];
            let mut put = |row: usize, cost: [f32; LANES]| {
                costs[row * width + block * LANES..][..LANES].copy_from_slice(&cost);
            };
            let mut row = 0;
            while row + TOGETHER <= rows {
                let several = distances::<TOGETHER>(units, std::array::from_fn(|k| target(row + k)));
                several.into_iter().enumerate().for_each(|(k, cost)| put(row + k, cost));
                row += TOGETHER;
            }
            for row in row..rows {
                put(row, distances::<1>(units, [target(row)])[0]);
            }
        }
    }
}

/// Squared distances of `N` targets from the units of one block. The sums stay in registers.
fn distances<const N: usize>(units: &[[f32; LANES]], targets: [&[f32]; N]) -> [[f32; LANES]; N] {
    let mut sums = [[0.0f32; LANES]; N];
    let targets = targets.map(|target| &target[..units.len()]);
    for (dim, values) in units.iter().enumerate() {
        for (sum, target) in zip(&mut sums, &targets) {
            let wanted = target[dim];
            for (s, value) in zip(sum, values) {
                let difference = wanted - value;
                *s += difference * difference;
            }
        }
    }
    // Written so that what is no number is caught, too.
    sums.map(|sum| sum.map(|s| if s < NEVER { s } else { NEVER }))
}
