//! Calibration: scores of quickly trained members on ticks that were set aside, and what follows from them for the ensemble.

use crate::Result;
use crate::dataset::TickSpan;
use crate::model::controls::OUTPUTS;
use crate::model::follow::film_scale::MotionTick;
use crate::model::follow::trust::Trust;
use crate::model::member::{MemberConfig, PredictorConfig};
use crate::model::training::film_features::FilmFeatures;
use crate::model::training::lag::{advanced_rows, lag};
use crate::model::training::learning_curve::{LearningCurve, blocks, end_to_end};
use crate::model::training::members::TrainedMember;
use crate::model::training::stacking::ValidationTicks;
use crate::model::training::step_budget::{NetworkBudget, StepBudget};
use crate::model::training::trainer::EnsembleTrainer;
use kinophone_dsp::metrics::correlation;
use kinophone_dsp::spectral::BandMatcherConfig;
use kinophone_nn::sequence::Architecture;
use std::ops::Range;

/// From this correlation of onsets on validation blocks on, onsets count fully when sound is chosen.
const PREDICTABLE_ONSET_R: f64 = 0.2;
/// From this correlation of loudness on validation blocks on, the picture determines the sound, as in drawn sound: pictures that look
/// alike sound alike, down to their pitch.
const FOLLOWING_LOUDNESS_R: f64 = 0.9;
/// Ticks between those that are set aside and those that are learned: a second.
const ASIDE_DISTANCE: usize = 30;
/// A fold sets one of so many parts of the training ticks aside.
const PARTS: usize = 5;
/// Ticks of validation that are enough: a minute. A shorter film has more folds.
const ENOUGH_TICKS: usize = 1800;
/// Ticks of a fold at most: ten minutes, so that memory does not grow with the films.
const MOST_TICKS: usize = 18_000;

/// Scores of quickly trained members on ticks that they did not learn, and their predictions.
#[derive(Default)]
pub(crate) struct Calibration {
    pub(crate) onset_r: f64,
    pub(crate) loudness_r: f64,
    pub(crate) predicted: Vec<f32>,
    /// Trust that the predictions deserve, once the lag is taken out.
    pub(crate) trust: Trust,
    pub(crate) lag: i32,
    pub(crate) learning_curve: Option<LearningCurve>,
}

/// Trainings of a network that a calibration takes: a whole one of the first fold, and halves of the others and for the learning curve.
pub(super) fn calibration_networks(spans: &[TickSpan]) -> f64 {
    1.0 + 0.5 * fold_count(spans) as f64
}

/// Ticks that members learn, and others that judge them.
struct Fold {
    rest: Vec<TickSpan>,
    aside: Vec<TickSpan>,
}

impl Calibration {
    /// True if the picture determines what sounds.
    pub(crate) fn follows_picture(&self) -> bool {
        self.loudness_r > FOLLOWING_LOUDNESS_R
    }

    /// True if the picture determines when something begins to sound.
    pub(crate) fn is_predictable(&self) -> bool {
        self.onset_r > PREDICTABLE_ONSET_R
    }

    /// Filter that brings a mosaic to the predicted sound. Where the picture determines what sounds, the selected units are the true
    /// ones and the prediction a blurred image of them; where it does not determine when something begins, attacks are better left
    /// to the units.
    pub(crate) fn band_matching(&self) -> BandMatcherConfig {
        let usual = BandMatcherConfig::default();
        match (self.follows_picture(), self.is_predictable()) {
            (true, _) => BandMatcherConfig { tone: 0.0, attack: 0.0, ..usual },
            (false, true) => usual,
            (false, false) => BandMatcherConfig { attack: 0.0, ..usual },
        }
    }

    /// Members that suit the film. A recurrent network that looks ahead has to remember what it was given until its time has come,
    /// and does not know exactly when that is: where the picture determines the sound to the tick, it begins too early, and where
    /// it does not, looking ahead helps (docs/experiments.md).
    pub(crate) fn suitable(&self, mut configs: Vec<MemberConfig>) -> Vec<MemberConfig> {
        let looks_ahead = |config: &MemberConfig| config.is_network() && config.ahead > 0;
        if self.follows_picture()
            && configs.iter().any(|c| c.is_network() && c.usage.includes(false) && !looks_ahead(c))
        {
            configs.retain(|config| !looks_ahead(config));
        }
        configs
    }
}

impl EnsembleTrainer<'_> {
    /// Trains the quickest members without a part of the training ticks, and scores them there: how confident an ensemble is about
    /// ticks that it did not learn, whether onsets can be predicted at all, and whether more footage or steps would help.
    pub(super) fn calibrate(
        &self,
        configs: &[MemberConfig],
        step_budget: &mut StepBudget,
    ) -> Result<Calibration> {
        let folds = folds(&self.spans);
        let Some(first) = folds.first() else {
            step_budget.next(calibration_networks(&self.spans));
            return Ok(self.unknown());
        };
        let tried = quickest(configs);
        let budget = step_budget.next(1.0);
        let (members, steps) = self.try_out(&tried, configs.len(), first, budget)?;
        let mut predicted = self.predict_spans(&first.aside, &members.iter().collect::<Vec<_>>());
        for fold in &folds[1..] {
            let budget = step_budget.next(0.5).halved();
            let (members, _) = self.try_out(&tried, configs.len(), fold, budget)?;
            predicted.extend(self.predict_spans(&fold.aside, &members.iter().collect::<Vec<_>>()));
        }
        let aside: Vec<TickSpan> = folds.iter().flat_map(|fold| fold.aside.iter().cloned()).collect();
        let runs = end_to_end(&aside);
        let [_, onsets] = self.curves(&aside, &predicted);
        let lag = lag(&onsets, &runs, &blocks(&aside, self.dataset.grid().tick));
        let predicted = advanced_rows(&predicted, &runs, lag);
        let [loudness_r, onset_r] =
            self.curves(&aside, &predicted).map(|(truth, predicted)| correlation(&truth, &predicted));
        let trust = self.trust(&aside, &predicted);
        // Held-out blocks may say how good something is, as long as they shape nothing.
        let judged_spans: Vec<TickSpan> =
            first.aside.iter().chain(self.dataset.held_out()).cloned().collect();
        let learning_curve =
            self.learning_curve(configs.len(), &members, &steps, &first.rest, &judged_spans)?;
        step_budget.next(0.5);
        if self.task.cancel.is_cancelled() {
            // What was interrupted says nothing.
            return Ok(self.unknown());
        }
        Ok(Calibration { onset_r, loudness_r, predicted, trust, lag, learning_curve })
    }

    /// The calibration where nothing could be found out.
    fn unknown(&self) -> Calibration {
        Calibration { trust: self.trust(&[], &[]), ..Calibration::default() }
    }

    /// Trains members on a fold. Returns them, and the steps of each.
    fn try_out(
        &self,
        tried: &[&MemberConfig],
        number: usize,
        fold: &Fold,
        budget: NetworkBudget,
    ) -> Result<(Vec<TrainedMember>, Vec<u32>)> {
        let train = |(i, config): (usize, &&MemberConfig)| {
            self.train_member("trying out", number + i, config, &fold.rest, budget)
        };
        let learned: Vec<_> = tried.iter().enumerate().map(train).collect::<Result<_>>()?;
        Ok(learned.into_iter().unzip())
    }

    /// Trust that predictions for ticks that were not learned deserve.
    fn trust(&self, spans: &[TickSpan], predicted: &[f32]) -> Trust {
        let motions: Vec<Vec<MotionTick>> = self.films.iter().map(FilmFeatures::motion).collect();
        let motion: Vec<MotionTick> =
            spans.iter().flat_map(|span| motions[span.film][span.ticks.clone()].iter().copied()).collect();
        let mut truth = vec![0.0; predicted.len()];
        let places = spans.iter().flat_map(TickSpan::places);
        for ((film, tick), row) in places.zip(truth.chunks_exact_mut(OUTPUTS)) {
            self.scaler.target(&self.films[film].audio, tick, row);
        }
        ValidationTicks { truth: &truth, predicted, motion: &motion }.trust(&self.scaler)
    }
}

/// The quickest network for films, and the members that are no networks.
fn quickest(configs: &[MemberConfig]) -> Vec<&MemberConfig> {
    let convolutional =
        |config: &&MemberConfig| matches!(config.predictor, PredictorConfig::Net(Architecture::Tcn { .. }));
    let network = |config: &&MemberConfig| config.is_network();
    let films = || configs.iter().filter(|config| config.usage.includes(false));
    let quickest = films().find(convolutional).or(films().find(network));
    quickest.into_iter().chain(films().filter(|config| !network(config))).collect()
}

fn fold_count(spans: &[TickSpan]) -> usize {
    let part = TickSpan::total(spans) / PARTS;
    ENOUGH_TICKS.div_ceil(part.max(1)).min(PARTS)
}

/// As many folds as are needed, from the middle of the films on; none where nothing could be learned or judged.
fn folds(spans: &[TickSpan]) -> Vec<Fold> {
    let total = TickSpan::total(spans);
    let parts = (0..fold_count(spans)).map(|k| (PARTS / 2 + 2 * k) % PARTS);
    let range = |k: usize| {
        let start = total * k / PARTS;
        start..(total * (k + 1) / PARTS).min(start + MOST_TICKS)
    };
    parts
        .map(|k| set_aside(spans, range(k)))
        .filter(|fold| !fold.rest.is_empty() && !fold.aside.is_empty())
        .collect()
}

/// Splits ticks into those to learn and those of a range of all, which is set aside with a second of distance.
fn set_aside(spans: &[TickSpan], range: Range<usize>) -> Fold {
    let (mut rest, mut aside, mut before) = (Vec::new(), Vec::new(), 0);
    for span in spans {
        let place = |at: usize| (span.ticks.start + at.saturating_sub(before)).min(span.ticks.end);
        let (start, end) = (place(range.start), place(range.end));
        let keep = |ticks: Range<usize>, into: &mut Vec<TickSpan>| {
            if !ticks.is_empty() {
                into.push(TickSpan { film: span.film, ticks });
            }
        };
        if start < end {
            keep(span.ticks.start..start.saturating_sub(ASIDE_DISTANCE), &mut rest);
            keep(start..end, &mut aside);
            keep(end + ASIDE_DISTANCE..span.ticks.end, &mut rest);
        } else {
            keep(span.ticks.clone(), &mut rest);
        }
        before += span.ticks.len();
    }
    Fold { rest, aside }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(spans: &[TickSpan]) -> Vec<(usize, usize)> {
        spans.iter().flat_map(TickSpan::places).collect()
    }

    #[test]
    fn short_films_are_set_aside_whole_and_long_ones_in_part() {
        // Fifty seconds in two films, two minutes, seven, and five hours.
        let short = [TickSpan { film: 0, ticks: 100..1000 }, TickSpan { film: 1, ticks: 0..600 }];
        let film = |count: usize| vec![TickSpan { film: 0, ticks: 0..count }];
        let long = [(film(3600), 3, 2160), (film(12_600), 1, 2520), (film(540_000), 1, MOST_TICKS)];
        for (spans, count, most) in long.into_iter().chain([(short.to_vec(), 5, 1500)]) {
            let folds = folds(&spans);
            let mut aside: Vec<_> = folds.iter().flat_map(|fold| ticks(&fold.aside)).collect();
            aside.sort_unstable();
            aside.dedup();
            assert_eq!((folds.len(), aside.len()), (count, most));
            for fold in &folds {
                let aside = ticks(&fold.aside);
                let far = |(film, tick): &(usize, usize)| {
                    aside.iter().all(|(f, t)| f != film || t.abs_diff(*tick) >= ASIDE_DISTANCE)
                };
                // Some of them: all would take long.
                let rest = ticks(&fold.rest);
                assert!(rest.iter().step_by(97).all(far), "{count}");
            }
        }
        assert!(folds(&film(3)).iter().all(|fold| !fold.rest.is_empty() && !fold.aside.is_empty()));
        assert!(folds(&[]).is_empty());
    }
}
