//! Learning curve: what more footage or more steps would bring, estimated from less. Members that learned from half of the footage,
//! and a network that learned for half as long, are compared with those that had all of it.

use crate::Result;
use crate::dataset::TickSpan;
use crate::model::member::{MemberConfig, Predictor};
use crate::model::training::prediction::OnsetCurves;
use crate::model::training::step_budget::NetworkBudget;
use crate::model::training::trainer::EnsembleTrainer;
use kinophone_dsp::metrics::{Moments, bootstrap, correlation};
use kinophone_dsp::units::FrameRate;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Seconds of a block. Half as long as those of a report, since a training judges on little film; attacks depend on each
/// other for less than a second, loudness for a few.
const BLOCK_SECS: f64 = 5.0;
/// With fewer blocks than this a range would be an invention.
const MIN_BLOCKS: usize = 4;
/// The footage is halved by leaving out every other stretch of so many seconds, or of a quarter of it where that is less.
const HALVED_SECS: f64 = 10.0;
/// Correlations must differ by as much to say anything.
const NOTABLE_GAIN: f64 = 0.02;

/// Estimate of what more footage and more steps would bring.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearningCurve {
    /// Gain from twice the footage.
    pub footage: LearningGain,
    /// Gain from twice the steps; `None` where nothing learns by steps.
    pub steps: Option<LearningGain>,
    /// Seconds of film on which this was measured, none of which the members had learned from.
    pub seconds: f64,
    /// Plain words.
    pub words: String,
}

/// Rise of the mean of the correlations of attacks and of loudness.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearningGain {
    /// Over all judged ticks.
    pub value: f64,
    /// Lower end of the range in which 95 of 100 cases lie; `None` where there was too little film for one.
    pub low: Option<f64>,
    /// Upper end of that range.
    pub high: Option<f64>,
}

impl EnsembleTrainer<'_> {
    /// Trains members again with less of each, and compares on `judged_spans`. `members` have learned from all of `footage`, in so
    /// many `steps` each, 0 where there are no steps. Those without steps show what footage is worth, as nothing else differs between
    /// two of them; a network shows what steps are worth. `None` when it was interrupted.
    pub(super) fn learning_curve(
        &self,
        number: usize,
        members: &[(MemberConfig, Predictor)],
        steps: &[u32],
        footage: &[TickSpan],
        judged_spans: &[TickSpan],
    ) -> Result<Option<LearningCurve>> {
        let half = every_other(footage, self.dataset.grid().tick);
        let (networks, others): (Vec<usize>, Vec<usize>) = (0..members.len()).partition(|i| steps[*i] > 0);
        let by_footage = if others.is_empty() { &networks } else { &others };
        let less = |which: &[usize], footage: &[TickSpan], share: u32| {
            let again = |i: &usize| {
                let budget = NetworkBudget::of_steps((steps[*i] / share).max(1));
                Ok(self.train_member("trying out", number + i, &members[*i].0, footage, budget)?.0)
            };
            which.iter().map(again).collect::<Result<Vec<_>>>()
        };
        let halves = less(by_footage, &half, 1)?;
        let brief = less(&networks, footage, 2)?;
        if self.task.cancel.is_cancelled() || judged_spans.is_empty() {
            return Ok(None);
        }
        let all = |which: &[usize]| which.iter().map(|i| &members[*i]).collect::<Vec<_>>();
        let gain = |which: &[usize], less: &[(MemberConfig, Predictor)]| {
            let less: Vec<_> = less.iter().collect();
            let [less, all] = [&less, &all(which)]
                .map(|members| self.curves(judged_spans, &self.predict_spans(judged_spans, members)));
            LearningGain::between(&less, &all, &blocks(judged_spans, self.dataset.grid().tick))
        };
        let footage = gain(by_footage, &halves);
        let steps = (!networks.is_empty()).then(|| gain(&networks, &brief));
        let ticks: usize = judged_spans.iter().map(|span| span.ticks.len()).sum();
        let seconds = rounded(ticks as f64 / self.dataset.grid().tick.as_f64());
        Ok(Some(LearningCurve { footage, steps, seconds, words: words(footage, steps) }))
    }
}

impl LearningGain {
    fn between(less: &[OnsetCurves; 2], all: &[OnsetCurves; 2], blocks: &[Range<usize>]) -> Self {
        let mean =
            |curves: &[OnsetCurves; 2]| curves.iter().map(|(a, b)| correlation(a, b)).sum::<f64>() / 2.0;
        let drawn = |curves: &[OnsetCurves; 2]| {
            let [a, b] = [0, 1].map(|k| resampled(&curves[k], blocks));
            a.iter().zip(b).map(|(a, b)| (a + b) / 2.0).collect::<Vec<f64>>()
        };
        // The same blocks are drawn for both, so that what is hard for both cancels out.
        let gains = drawn(all).iter().zip(drawn(less)).map(|(all, less)| all - less).collect();
        let range = bootstrap::interval(gains).map(|ends| ends.map(rounded));
        let value = rounded(mean(all) - mean(less));
        Self { value, low: range.map(|r| r[0]), high: range.map(|r| r[1]) }
    }

    fn words(self, more: &str) -> String {
        // Adding 0 turns −0 into 0.
        let signed = |x: f64| format!("{:+.2}", (x * 100.0).round() / 100.0 + 0.0);
        let value = signed(self.value);
        let help = match (self.low, self.high) {
            (Some(low), _) if low > 0.0 && self.value > NOTABLE_GAIN => format!("{more} would help"),
            (_, Some(high)) if high < NOTABLE_GAIN => format!("{more} would hardly help"),
            (Some(_), _) if self.value > NOTABLE_GAIN => format!("{more} may help"),
            (Some(_), _) => format!("whether {more} would help is open"),
            (None, _) => format!("too little film to say whether {more} would help"),
        };
        match (self.low, self.high) {
            (Some(low), Some(high)) => {
                format!("by {value} ({} to {} in 95 of 100 cases: {help})", signed(low), signed(high))
            }
            _ => format!("by {value} ({help})"),
        }
    }
}

fn words(footage: LearningGain, steps: Option<LearningGain>) -> String {
    let steps = steps.map(|steps| format!(", twice the steps {}", steps.words("longer training")));
    format!(
        "To see what would help, members were also given half: twice the footage changed their correlations {}{}.",
        footage.words("more footage"),
        steps.unwrap_or_default(),
    )
}

/// Every other stretch, the first one included.
fn every_other(spans: &[TickSpan], tick: FrameRate) -> Vec<TickSpan> {
    let seconds = spans.iter().map(|span| span.ticks.len()).sum::<usize>() as f64 / tick.as_f64();
    pieces(spans, HALVED_SECS.min(seconds / 4.0), tick).into_iter().step_by(2).collect()
}

/// Cuts runs into equal pieces of about that length.
fn pieces(spans: &[TickSpan], seconds: f64, tick: FrameRate) -> Vec<TickSpan> {
    let length = seconds * tick.as_f64();
    let cut = |span: &TickSpan| {
        let (film, start, ticks) = (span.film, span.ticks.start, span.ticks.len());
        let count = ((ticks as f64 / length).round() as usize).max(1);
        let at = move |k: usize| start + ticks * k / count;
        (0..count).map(move |k| TickSpan { film, ticks: at(k)..at(k + 1) })
    };
    spans.iter().flat_map(cut).collect()
}

/// The blocks of runs, as ranges of a curve that holds all of them end to end.
pub(super) fn blocks(spans: &[TickSpan], tick: FrameRate) -> Vec<Range<usize>> {
    end_to_end(&pieces(spans, BLOCK_SECS, tick))
}

/// Spans as ranges of a curve that holds all of them end to end.
pub(super) fn end_to_end(spans: &[TickSpan]) -> Vec<Range<usize>> {
    let mut end = 0;
    let range = |span: &TickSpan| {
        end += span.ticks.len();
        end - span.ticks.len()..end
    };
    spans.iter().map(range).collect()
}

/// The correlation of two curves in many draws of blocks; of none where there are too few blocks.
pub(super) fn resampled((truth, predicted): &OnsetCurves, blocks: &[Range<usize>]) -> Vec<f64> {
    if blocks.len() < MIN_BLOCKS {
        return Vec::new();
    }
    let mean = |curve: &[f64]| curve.iter().sum::<f64>() / curve.len().max(1) as f64;
    let (a, b) = (mean(truth), mean(predicted));
    let of_block = |block: &Range<usize>| {
        let mut sum = Moments::default();
        block.clone().for_each(|i| sum.add(truth[i] - a, predicted[i] - b));
        sum
    };
    let sums: Vec<Moments> = blocks.iter().map(of_block).collect();
    let drawn =
        |draw_windows: Vec<usize>| draw_windows.iter().fold(Moments::default(), |sum, k| sum.and(sums[*k]));
    bootstrap::draws(blocks.len()).into_iter().map(|draw_windows| drawn(draw_windows).correlation()).collect()
}

pub(super) fn rounded(x: f64) -> f64 {
    (x * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick() -> FrameRate {
        FrameRate::new(30, 1).unwrap()
    }

    /// A curve, and one that follows it as closely as `noise` allows.
    fn followed(n: usize, noise: f64) -> [OnsetCurves; 2] {
        let truth: Vec<f64> = (0..n).map(|i| (i as f64 * 0.37).sin()).collect();
        let predicted = truth.iter().enumerate().map(|(i, x)| x + noise * (i as f64 * 7.77).sin()).collect();
        [(truth.clone(), predicted), (truth.clone(), truth)]
    }

    #[test]
    fn what_is_gained_is_found_with_its_range() {
        let blocks = blocks(&[TickSpan { film: 0, ticks: 100..1000 }], tick());
        assert_eq!((blocks.len(), blocks[0].clone(), blocks[5].end), (6, 0..150, 900));
        let gain = LearningGain::between(&followed(900, 2.0), &followed(900, 0.5), &blocks);
        // r = 1/√(1 + noise²): 0.894 less 0.447, in one of two curves.
        assert!((gain.value - 0.2236).abs() < 0.02, "{gain:?}");
        assert!(gain.low.unwrap() > 0.15 && gain.high.unwrap() < 0.3, "{gain:?}");
        assert!(gain.words("more film").contains("more film would help"), "{gain:?}");
        let none = LearningGain::between(&followed(900, 0.5), &followed(900, 0.5), &blocks);
        assert_eq!(none, LearningGain { value: 0.0, low: Some(0.0), high: Some(0.0) });
        assert!(none.words("more film").contains("hardly"));
        let few = LearningGain::between(&followed(900, 2.0), &followed(900, 0.5), &blocks[..3]);
        assert!(few.low.is_none() && few.words("more film").contains("too little film"));
    }

    #[test]
    fn half_of_the_footage_is_spread_over_all_of_it() {
        let spans = [TickSpan { film: 0, ticks: 0..1200 }, TickSpan { film: 1, ticks: 50..350 }];
        let half: Vec<_> =
            every_other(&spans, tick()).into_iter().map(|span| (span.film, span.ticks)).collect();
        assert_eq!(half, [(0, 0..300), (0, 600..900), (1, 50..350)]);
        let short = every_other(&[TickSpan { film: 0, ticks: 10..90 }], tick());
        assert_eq!(short.iter().map(|span| span.ticks.clone()).collect::<Vec<_>>(), [10..30, 50..70]);
    }
}
