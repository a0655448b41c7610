//! Onsets of a sound matched with those of a reference.
//!
//! After Du, Chen, Salamon, Russell and Owens, "Conditional Generation of Audio from Video via Foley
//! Analogies", CVPR 2023, section 4.2 ("onset synchronization"), and its program `predict_onset.py`: an onset
//! of the reference is hit where the sound has one of its own within a tolerance (there 0.1 s), each onset
//! counts for one other, and the stronger of two goes first. Two things differ. Confidence is the strength of
//! the onset (see [`crate::onset`]), there the largest amplitude near it, which favours loud tones over
//! attacks. And onsets that are missed are not put at the end of the ranking as if they had been found, by
//! which silence would reach a precision of 1.

use crate::onset::Onset;
use crate::units::SampleRate;

/// The beginning of a sound, at a time in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimedOnset {
    /// Its time.
    pub secs: f64,
    /// Its strength: the larger, the more certain.
    pub strength: f64,
}

impl TimedOnset {
    /// An onset that was found in a sound at `rate`.
    pub fn of(onset: &Onset, rate: SampleRate) -> Self {
        Self { secs: onset.at as f64 / f64::from(rate.hz()), strength: f64::from(onset.strength) }
    }
}

/// Agreement of two sequences of onsets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnsetAgreement {
    /// Share of the reference's onsets that are hit, 0..1.
    pub accuracy: f64,
    /// Average precision, 0..1: where the onsets found are ranked by strength, the mean over all of the
    /// reference's of the share of hits among the ones down to the hit, 0 for those that are missed. Onsets
    /// too many lower it.
    pub average_precision: f64,
}

/// Matches the onsets `found`, in order of time, with those of the reference, in order of time: from the
/// first on, each takes the strongest one that is less than `tolerance` seconds away and not taken. `None`
/// where the reference has no onset.
pub fn match_onsets(
    reference: &[TimedOnset],
    found: &[TimedOnset],
    tolerance: f64,
) -> Option<OnsetAgreement> {
    let mut taken = vec![false; found.len()];
    for truth in reference {
        let first = found.partition_point(|onset| onset.secs <= truth.secs - tolerance);
        let near = found[first..].iter().take_while(|onset| onset.secs < truth.secs + tolerance).count();
        let free = (first..first + near).filter(|k| !taken[*k]);
        if let Some(hit) = free.max_by(|a, b| found[*a].strength.total_cmp(&found[*b].strength)) {
            taken[hit] = true;
        }
    }
    let truths = (!reference.is_empty()).then_some(reference.len() as f64)?;
    let mut ranked: Vec<usize> = (0..found.len()).collect();
    ranked.sort_by(|a, b| found[*b].strength.total_cmp(&found[*a].strength));
    let (mut hits, mut precisions) = (0.0, 0.0);
    for (rank, _) in (1..).zip(ranked).filter(|(_, k)| taken[*k]) {
        hits += 1.0;
        precisions += hits / f64::from(rank);
    }
    Some(OnsetAgreement { accuracy: hits / truths, average_precision: precisions / truths })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn onsets(rows: &[(f64, f64)]) -> Vec<TimedOnset> {
        rows.iter().map(|(secs, strength)| TimedOnset { secs: *secs, strength: *strength }).collect()
    }

    fn agreement(reference: &[f64], found: &[(f64, f64)], tolerance: f64) -> Option<OnsetAgreement> {
        let reference: Vec<(f64, f64)> = reference.iter().map(|secs| (*secs, 1.0)).collect();
        match_onsets(&onsets(&reference), &onsets(found), tolerance)
    }

    /// Worked out by hand.
    #[test]
    fn onsets_are_hit_within_the_tolerance_and_once() {
        let known = |accuracy, average_precision| Some(OnsetAgreement { accuracy, average_precision });
        // Two of three hit; the one too many, at 1.5, is ranked second: (1/1 + 2/3) / 3.
        let found = [(1.05, 3.0), (1.5, 2.0), (2.95, 1.0)];
        assert_eq!(agreement(&[1.0, 2.0, 3.0], &found, 0.1), known(2.0 / 3.0, (1.0 + 2.0 / 3.0) / 3.0));
        // Within a frame none is.
        assert_eq!(agreement(&[1.0, 2.0, 3.0], &found, 1.0 / 30.0), known(0.0, 0.0));
        // One onset counts for one other: the second of two has nothing left.
        assert_eq!(agreement(&[1.0, 1.06], &[(1.03, 1.0)], 0.1), known(0.5, 0.5));
        // The stronger of two is taken, and the other one is too many: ranked behind, it costs nothing.
        assert_eq!(agreement(&[1.0], &[(0.95, 1.0), (1.08, 2.0)], 0.1), known(1.0, 1.0));
        // Exactly at the tolerance is too far.
        assert_eq!(agreement(&[1.0], &[(1.25, 1.0)], 0.25), known(0.0, 0.0));
    }

    #[test]
    fn silence_hits_nothing_and_nothing_can_be_hit_in_it() {
        assert_eq!(
            agreement(&[1.0, 2.0], &[], 0.1),
            Some(OnsetAgreement { accuracy: 0.0, average_precision: 0.0 })
        );
        assert_eq!(agreement(&[], &[(1.0, 1.0)], 0.1), None);
    }
}
