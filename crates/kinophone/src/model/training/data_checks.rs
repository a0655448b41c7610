//! Checks of the training films for shortcomings. A brain is made all the same, but its owner should know.

use crate::dataset::{SILENT_DB, TickSpan};
use crate::model::features::config::ViewConfig;
use crate::model::training::config::WARM_UP_TICKS;
use crate::model::training::film_features::{FilmFeatures, QUANTUM};

/// A picture that differs less from the one before in the mean (of 0 to 1, an eighth of a step of grey) stands still.
const STILL_MOTION: f32 = 0.0005;
/// A fact about this share of all ticks holds "nearly throughout".
const NEARLY_ALL_SHARE: f64 = 0.97;
/// Loudness that deviates by less than this, in dB, does not change.
const STEADY_DB: f64 = 0.5;

/// Statistics of all training ticks.
pub(super) struct FootageStats {
    /// Ticks of the longest part without a gap.
    longest: usize,
    /// In dB.
    loudness: Vec<f32>,
    /// Mean absolute difference from the picture before, in the part that moves most.
    motion: Vec<f32>,
}

impl FootageStats {
    pub(super) fn of(view: &ViewConfig, films: &[FilmFeatures], spans: &[TickSpan]) -> Self {
        let ticks = || spans.iter().flat_map(|span| span.ticks.clone().map(|tick| (&films[span.film], tick)));
        let amount = view.of_motion() - 1;
        let moved = |(film, tick): (&FilmFeatures, usize)| {
            view.moved(QUANTUM * f32::from(film.visual.row(tick)[amount]))
        };
        Self {
            longest: spans.iter().map(|span| span.ticks.len()).max().unwrap_or(0),
            loudness: ticks().map(|(film, tick)| film.audio.loudness[tick]).collect(),
            motion: ticks().map(moved).collect(),
        }
    }

    /// Clauses about the films; none where there is enough of everything.
    pub(super) fn shortcomings(&self) -> Vec<String> {
        let mut shortcomings = Vec::new();
        let mut lack = |what: &str| shortcomings.push(what.to_owned());
        if self.longest <= WARM_UP_TICKS {
            lack("no part of them is longer than half a second, so that nothing was learned");
        }
        if share(&self.loudness, |db| db < SILENT_DB) > NEARLY_ALL_SHARE {
            lack("hardly anything is to be heard");
        } else if deviation(&self.loudness) < STEADY_DB {
            lack("their loudness never changes");
        }
        if share(&self.motion, |moved| moved < STILL_MOTION) > NEARLY_ALL_SHARE {
            lack("hardly anything moves");
        }
        shortcomings
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
        assert!(footage(&lively, 0.01, 300).shortcomings().is_empty());
        assert_eq!(footage(&lively, 0.0, 300).shortcomings(), ["hardly anything moves"]);
        assert_eq!(footage(&|_| -20.0, 0.01, 300).shortcomings(), ["their loudness never changes"]);
        let rare = |k: usize| if k.is_multiple_of(100) { -20.0 } else { -70.0 };
        assert_eq!(footage(&rare, 0.01, 300).shortcomings(), ["hardly anything is to be heard"]);
        assert!(footage(&lively, 0.01, 16).shortcomings()[0].starts_with("no part of them"));
    }
}
