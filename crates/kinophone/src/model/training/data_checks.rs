//! What films lack to be learned from. A brain is made all the same, but its owner should know.

use crate::dataset::{SILENT_DB, TickSpan};
use crate::model::features::config::ViewConfig;
use crate::model::training::sampling::STEP;
use crate::model::training::{FilmFeatures, LEAD};

/// A picture that differs less from the one before in the mean (of 0 to 1, an eighth of a step of grey) stands still.
const STILL: f32 = 0.0005;
/// What is so in this share of all ticks is so "nearly throughout".
const NEARLY_ALL: f64 = 0.97;
/// Loudness that deviates by less than this, in dB, does not change.
const STEADY_DB: f64 = 0.5;

/// What there is to learn from, over all training ticks.
pub(super) struct FootageStats {
    /// Ticks of the longest part without a gap.
    longest: usize,
    /// In dB.
    loudness: Vec<f32>,
    /// Mean absolute difference from the picture before, in the part that moves most.
    motion: Vec<f32>,
}

impl FootageStats {
    pub(super) fn of(view: &ViewConfig, reels: &[FilmFeatures], lessons: &[TickSpan]) -> Self {
        let ticks = || lessons.iter().flat_map(|run| run.ticks.clone().map(|tick| (&reels[run.film], tick)));
        let amount = view.of_motion() - 1;
        let moved = |(known, tick): (&FilmFeatures, usize)| {
            view.moved(STEP * f32::from(known.seen.row(tick)[amount]))
        };
        Self {
            longest: lessons.iter().map(|run| run.ticks.len()).max().unwrap_or(0),
            loudness: ticks().map(|(known, tick)| known.heard.loudness[tick]).collect(),
            motion: ticks().map(moved).collect(),
        }
    }

    /// Clauses about the films; none where there is enough of everything.
    pub(super) fn lacks(&self) -> Vec<String> {
        let mut lacks = Vec::new();
        let mut lacking = |what: &str| lacks.push(what.to_owned());
        if self.longest <= LEAD {
            lacking("no part of them is longer than half a second, so that nothing was learned");
        }
        if share(&self.loudness, |db| db < SILENT_DB) > NEARLY_ALL {
            lacking("hardly anything is to be heard");
        } else if deviation(&self.loudness) < STEADY_DB {
            lacking("their loudness never changes");
        }
        if share(&self.motion, |moved| moved < STILL) > NEARLY_ALL {
            lacking("hardly anything moves");
        }
        lacks
    }
}

fn share(numbers: &[f32], is: impl Fn(f32) -> bool) -> f64 {
    numbers.iter().filter(|x| is(**x)).count() as f64 / numbers.len().max(1) as f64
}

fn deviation(numbers: &[f32]) -> f64 {
    let n = numbers.len().max(1) as f64;
    let mean = numbers.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
    (numbers.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let lively = |k: usize| -40.0 + 10.0 * (k % 3) as f32;
        let footage = |loudness: &dyn Fn(usize) -> f32, moved: f32, longest| FootageStats {
            longest,
            loudness: (0..1000).map(loudness).collect(),
            motion: (0..1000usize).map(|k| if k.is_multiple_of(50) { 0.1 } else { moved }).collect(),
        };
        assert!(footage(&lively, 0.01, 300).lacks().is_empty());
        assert_eq!(footage(&lively, 0.0, 300).lacks(), ["hardly anything moves"]);
        assert_eq!(footage(&|_| -20.0, 0.01, 300).lacks(), ["their loudness never changes"]);
        let rare = |k: usize| if k.is_multiple_of(100) { -20.0 } else { -70.0 };
        assert_eq!(footage(&rare, 0.01, 300).lacks(), ["hardly anything is to be heard"]);
        assert!(footage(&lively, 0.01, 16).lacks()[0].starts_with("no part of them"));
    }
}
