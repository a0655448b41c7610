//! What is known of all units but their sound.

use crate::nearest::{LANES, Points};
use std::iter::zip;

/// The units of a training sound: their descriptors, their loudness, and which of them continue one another.
#[derive(Clone, Debug)]
pub struct Units {
    descriptors: Points,
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
        let mut joins = vec![f32::INFINITY; units.next_multiple_of(LANES)];
        for (join, continued) in zip(&mut joins[1..units], continued) {
            *join = if *continued { 0.0 } else { f32::INFINITY };
        }
        let descriptors = Points::new(dims, units, descriptors);
        Ok(Self { descriptors, loudness_db: loudness_db.to_vec(), joins })
    }

    /// How many units there are: at least one.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.loudness_db.len()
    }

    /// Descriptors of each unit.
    pub fn dims(&self) -> usize {
        self.descriptors.dims()
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

    /// Squared distances of `targets` [rows × dims] from all units, into `costs` [rows × padded units].
    pub(super) fn costs(&self, targets: &[f32], costs: &mut [f32]) {
        self.descriptors.squared_distances(targets, costs);
    }
}
