//! The units of a training sound: everything but the sound itself.

use crate::neighbors::{NEVER, PcaKdTree, Query};

/// The units of a training sound: their descriptors, their loudness, which of them continue one another, and
/// which belong together.
#[derive(Clone, Debug)]
pub struct UnitDescriptors {
    descriptors: PcaKdTree,
    loudness_db: Vec<f32>,
    /// Per unit: whether the next one continues it.
    continued: Vec<bool>,
    /// Per unit; empty where all are in group 0.
    groups: Vec<u32>,
}

/// Lists that do not describe a set of units.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitDescriptorsError {
    /// No unit at all, or more than can be numbered.
    #[error("there must be at least one unit and less than 2^31, not {0}")]
    Number(usize),
    /// The lists have different lengths.
    #[error(
        "{units} units of {dims} descriptors need {units} times {dims} of them and {units} continuation flags, not {descriptors} and {continued}"
    )]
    Lengths {
        /// Units, by their loudness.
        units: usize,
        /// Descriptors of each.
        dims: usize,
        /// Descriptors given.
        descriptors: usize,
        /// Continuation flags given.
        continued: usize,
    },
    /// Not one group for each unit.
    #[error("{units} units need {units} groups, not {groups}")]
    Groups {
        /// Units, by their loudness.
        units: usize,
        /// Groups given.
        groups: usize,
    },
}

impl UnitDescriptors {
    /// Units from `descriptors` `[units × dims]` row by row, `loudness_db` `[units]`, and `continued`
    /// `[units]`: whether the next unit naturally follows in the same film. It does not at a break: where a
    /// film ends, or before a part held out.
    ///
    /// The distance of two rows is the sum of squared differences, so the caller has to scale the
    /// descriptors. A unit with a descriptor that is no number is selected only if there is no other.
    pub fn new(
        dims: usize,
        descriptors: &[f32],
        loudness_db: &[f32],
        continued: &[bool],
    ) -> Result<Self, UnitDescriptorsError> {
        let units = loudness_db.len();
        if units == 0 || units >= 1 << 31 {
            return Err(UnitDescriptorsError::Number(units));
        }
        if units.checked_mul(dims) != Some(descriptors.len()) || continued.len() != units {
            let (descriptors, continued) = (descriptors.len(), continued.len());
            return Err(UnitDescriptorsError::Lengths { units, dims, descriptors, continued });
        }
        let descriptors = PcaKdTree::new(dims, units, descriptors);
        let (loudness_db, continued) = (loudness_db.to_vec(), continued.to_vec());
        Ok(Self { descriptors, loudness_db, continued, groups: Vec::new() })
    }

    /// The same units in `groups` `[units]`, such as their sources, so that a selection can be limited to
    /// some of them ([`Constraints::only`](crate::concat::Constraints::only)). Without this call all are in
    /// group 0.
    pub fn with_groups(self, groups: &[u32]) -> Result<Self, UnitDescriptorsError> {
        if groups.len() != self.len() {
            return Err(UnitDescriptorsError::Groups { units: self.len(), groups: groups.len() });
        }
        Ok(Self { groups: groups.to_vec(), ..self })
    }

    /// Number of units: at least one.
    #[expect(clippy::len_without_is_empty, reason = "there is always one")]
    pub fn len(&self) -> usize {
        self.loudness_db.len()
    }

    /// Number of descriptors of each unit.
    pub fn dims(&self) -> usize {
        self.descriptors.dims()
    }

    /// Loudness of a unit in dB; no number where there is no such unit.
    pub fn loudness_db(&self, unit: u32) -> f32 {
        self.loudness_db.get(unit as usize).copied().unwrap_or(f32::NAN)
    }

    /// The group of a unit, 0 if it was given none.
    pub fn group(&self, unit: u32) -> u32 {
        self.groups.get(unit as usize).copied().unwrap_or(0)
    }

    /// The squared distance of a unit's descriptors from `target` `[dims]`, the very number that a
    /// [`UnitSelector`](crate::concat::UnitSelector) minimises; 1e30 where there is no such unit or it has a
    /// descriptor that is no number. Numbers of the target that are missing or none count as 0.
    pub fn distance(&self, target: &[f32], unit: u32) -> f32 {
        let (mut query, mut found) = (Query::default(), Vec::new());
        if (unit as usize) < self.len() {
            self.descriptors.set_query(target, &mut query);
            self.descriptors.squared_distances(&query, &[unit], &mut found);
        }
        found.first().copied().unwrap_or(NEVER)
    }

    /// Writes the squared distance from `target` `[dims]` of the nearest unit of every group to `out`
    /// `[groups]`; 1e30 where there is none that can be compared.
    pub fn nearest_of_groups(&self, target: &[f32], out: &mut Vec<f32>) {
        let groups = self.groups.iter().max().map_or(1, |last| *last as usize + 1);
        out.clear();
        out.resize(groups, NEVER);
        let (mut query, mut units, mut distances) = (Query::default(), Vec::new(), Vec::new());
        self.descriptors.set_query(target, &mut query);
        for first in (0..self.len() as u32).step_by(4096) {
            units.clear();
            units.extend(first..(first + 4096).min(self.len() as u32));
            self.descriptors.squared_distances(&query, &units, &mut distances);
            for (unit, distance) in std::iter::zip(&units, &distances) {
                let nearest = &mut out[self.group(*unit) as usize];
                *nearest = nearest.min(*distance);
            }
        }
    }

    /// Returns true if `unit` naturally follows `before`.
    pub fn continues(&self, before: u32, unit: u32) -> bool {
        before.checked_add(1) == Some(unit) && self.follows_another(unit)
    }

    /// Returns true if the unit naturally follows the one before it.
    pub(crate) fn follows_another(&self, unit: u32) -> bool {
        (unit as usize) < self.len()
            && unit.checked_sub(1).is_some_and(|before| self.continued[before as usize])
    }

    pub(crate) fn descriptors(&self) -> &PcaKdTree {
        &self.descriptors
    }
}
