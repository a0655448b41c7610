//! Validation: scores of an ensemble on film that it did not learn, in numbers and in words.

use crate::dataset::TickSpan;
use crate::model::ensemble::EnsembleVerdict;
use crate::model::training::learning_curve::{blocks, resampled, rounded};
use crate::model::training::prediction::OnsetCurves;
use crate::model::training::trainer::EnsembleTrainer;
use kinophone_dsp::metrics::{bootstrap, correlation};

/// Most held-out films that are named in words.
const MAX_NAMES: usize = 3;

/// Correlations of predicted curves with true ones.
pub(super) struct ValidationScore {
    loudness_r: f64,
    onset_r: f64,
    loudness_range: Option<[f64; 2]>,
    onset_range: Option<[f64; 2]>,
    loudness_by_chance: f64,
    onset_by_chance: f64,
    seconds: f64,
}

impl ValidationScore {
    pub(super) fn of(trainer: &EnsembleTrainer<'_>, spans: &[TickSpan], predicted: &[f32]) -> Self {
        let tick = trainer.dataset.grid().tick;
        let [loudness, onsets] = trainer.curves(spans, predicted);
        let blocks = blocks(spans, tick);
        let range = |curves: &OnsetCurves| bootstrap::interval(resampled(curves, &blocks));
        Self {
            loudness_r: correlation(&loudness.0, &loudness.1),
            onset_r: correlation(&onsets.0, &onsets.1),
            loudness_range: range(&loudness),
            onset_range: range(&onsets),
            loudness_by_chance: by_chance(&loudness.0, &loudness.1),
            onset_by_chance: by_chance(&onsets.0, &onsets.1),
            seconds: loudness.0.len() as f64 / tick.as_f64(),
        }
    }

    /// The verdict, which names the films that were held out as a whole: it is on them alone, where there are any.
    pub(super) fn verdict(self, films: &[&str]) -> EnsembleVerdict {
        let mut verdict = EnsembleVerdict {
            loudness_r: rounded(self.loudness_r),
            onset_r: rounded(self.onset_r),
            loudness_range: self.loudness_range.map(|ends| ends.map(rounded)),
            onset_range: self.onset_range.map(|ends| ends.map(rounded)),
            loudness_by_chance: rounded(self.loudness_by_chance),
            onset_by_chance: rounded(self.onset_by_chance),
            seconds: rounded(self.seconds),
            words: String::new(),
        };
        verdict.words = words(&verdict, films);
        verdict
    }
}

/// The correlation that only one in twenty of the predictions moved in time by a second or more exceeds.
fn by_chance(truth: &[f64], predicted: &[f64]) -> f64 {
    const MIN_SHIFT: usize = 30;
    let n = truth.len();
    if n <= 2 * MIN_SHIFT {
        return 1.0;
    }
    let step = ((n - 2 * MIN_SHIFT) / 200).max(1);
    let mut scores: Vec<f64> = (MIN_SHIFT..n - MIN_SHIFT)
        .step_by(step)
        .map(|shift| {
            let moved: Vec<f64> = (0..n).map(|i| predicted[(i + shift) % n]).collect();
            correlation(truth, &moved)
        })
        .collect();
    scores.sort_by(f64::total_cmp);
    scores[(scores.len() - 1) * 19 / 20]
}

fn words(v: &EnsembleVerdict, films: &[&str]) -> String {
    format!(
        "On {:.0} seconds of film that it never saw{}, its attacks follow the picture {}, and its loudness {}.{}",
        v.seconds,
        all_of(films),
        follows(v.onset_r, v.onset_range, v.onset_by_chance),
        follows(v.loudness_r, v.loudness_range, v.loudness_by_chance),
        if v.seconds < 60.0 {
            " So little film says it only roughly: differences of 0.1 mean nothing."
        } else {
            ""
        }
    )
}

/// " (all of a.mp4 and b.mp4)"; nothing where no film is named.
fn all_of(films: &[&str]) -> String {
    match films {
        [] => String::new(),
        [film] => format!(" (all of {film})"),
        [films @ .., last] if films.len() < MAX_NAMES => format!(" (all of {} and {last})", films.join(", ")),
        many => format!(" (all of {} films)", many.len()),
    }
}

fn follows(r: f64, range: Option<[f64; 2]>, chance: f64) -> String {
    let how = match range {
        _ if r <= chance => "no better than by chance",
        Some([low, _]) if low <= chance => "perhaps better than by chance",
        _ if r >= 0.6 => "well",
        _ if r >= 0.35 => "clearly",
        _ => "loosely, but better than by chance",
    };
    let range = range
        .map_or(String::new(), |[low, high]| format!(", between {low:.2} and {high:.2} in 95 of 100 cases"));
    format!("{how} (correlation {r:.2}{range}; chance reaches {chance:.2})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_held_out_films_are_named() {
        let names = ["a", "b", "c", "d"];
        let words = [0, 1, 2, 3, 4].map(|n| all_of(&names[..n]));
        let expected = ["", " (all of a)", " (all of a and b)", " (all of a, b and c)", " (all of 4 films)"];
        assert_eq!(words, expected);
    }
}
