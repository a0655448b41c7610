//! Lag: the constant time by which predictions come too late or too early.
//!
//! A film's sound and picture may be apart, and what is seen before or after a sound may be the better sign of it. Where onsets
//! that were predicted for ticks that were not learned lie closer to the true ones when all are moved by the same few ticks, they are.

use crate::model::controls::OUTPUTS;
use crate::model::training::learning_curve::resampled;
use crate::model::training::prediction::OnsetCurves;
use kinophone_dsp::metrics::{bootstrap, correlation};
use std::ops::Range;

/// Greatest lag in ticks, either way.
pub(crate) const MAX_LAG: i32 = 5;
/// The correlation of onsets rises by as much at least if they are moved.
const NOTABLE_GAIN: f64 = 0.02;

/// Ticks by which predicted onsets come too late, below 0 too early; 0 where that is not certain. `runs` are those of the curves that
/// belong together, `blocks` what is drawn to find out how certain it is.
pub(super) fn lag(onsets: &OnsetCurves, runs: &[Range<usize>], blocks: &[Range<usize>]) -> i32 {
    let moved = |lag: i32| (onsets.0.clone(), advanced(&onsets.1, runs, lag));
    let r = |curves: &OnsetCurves| correlation(&curves.0, &curves.1);
    let usual = moved(0);
    let best = (-MAX_LAG..=MAX_LAG).max_by(|a, b| r(&moved(*a)).total_cmp(&r(&moved(*b)))).unwrap_or(0);
    let best_curves = moved(best);
    let (better, drawn) = (resampled(&best_curves, blocks), resampled(&usual, blocks));
    let gains = better.iter().zip(drawn).map(|(better, usual)| better - usual).collect();
    let certain = bootstrap::interval(gains).is_some_and(|[low, _]| low > 0.0);
    if certain && r(&best_curves) > r(&usual) + NOTABLE_GAIN { best } else { 0 }
}

/// A curve of which each run comes so many ticks earlier, its ends held.
fn advanced(curve: &[f64], runs: &[Range<usize>], ticks: i32) -> Vec<f64> {
    let places = runs.iter().flat_map(|run| run.clone().map(|k| place(k, run, ticks)));
    places.map(|k| curve[k]).collect()
}

/// Controls of runs of ticks, `[ticks, 69]`, in the same way.
pub(super) fn advanced_rows(rows: &[f32], runs: &[Range<usize>], ticks: i32) -> Vec<f32> {
    let places = runs.iter().flat_map(|run| run.clone().map(|k| place(k, run, ticks)));
    places.flat_map(|k| rows[k * OUTPUTS..][..OUTPUTS].iter().copied()).collect()
}

/// Place in a run of what comes so many ticks earlier than place `k`.
fn place(k: usize, run: &Range<usize>, ticks: i32) -> usize {
    k.saturating_add_signed(ticks as isize).clamp(run.start, run.end - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Onsets at irregular times, and the same so many ticks later among others that are not there.
    fn onsets(late: i32, noise: f64) -> OnsetCurves {
        let onset = |k: i32| f64::from(u8::from((k * 7919).rem_euclid(101) < 8));
        let truth = (0..1800).map(onset).collect();
        let predicted = (0..1800).map(|k| onset(k - late) + noise * f64::from(k).sin()).collect();
        (truth, predicted)
    }

    #[test]
    fn a_constant_lag_is_found() {
        let runs = [0..900, 900..1800];
        let blocks: Vec<Range<usize>> = (0..12).map(|k| k * 150..(k + 1) * 150).collect();
        for late in [-5, -2, 0, 1, 4] {
            assert_eq!(lag(&onsets(late, 0.3), &runs, &blocks), late);
        }
        // Nothing to be sure of: noise, and too few blocks.
        let noise = (onsets(0, 0.0).0, (0..1800).map(|k| f64::from(k * k % 977)).collect());
        assert_eq!(lag(&noise, &runs, &blocks), 0);
        assert_eq!(lag(&onsets(2, 0.3), &runs, &blocks[..3]), 0);
    }

    #[test]
    fn runs_are_moved_apart() {
        let curve = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(advanced(&curve, &[0..3, 3..5], 1), [2.0, 3.0, 3.0, 5.0, 5.0]);
        assert_eq!(advanced(&curve, &[0..3, 3..5], -2), [1.0, 1.0, 1.0, 4.0, 4.0]);
    }
}
