//! Calibration: how well quickly trained members do on ticks that were set aside, and what follows from it for the ensemble.

use crate::Result;
use crate::dataset::TickSpan;
use crate::model::member::{MemberConfig, PredictorConfig};
use crate::model::training::learning_curve::LearningCurve;
use crate::model::training::prediction::rows_of_spans;
use crate::model::training::step_budget::StepBudget;
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

/// Scores of quickly trained members on ticks that they did not learn, and their predictions.
#[derive(Default)]
pub(crate) struct Calibration {
    pub(crate) onset_r: f64,
    pub(crate) loudness_r: f64,
    pub(crate) predicted: Vec<f32>,
    pub(crate) learning_curve: Option<LearningCurve>,
}

/// Trainings of a network that a calibration takes: a whole one, and one with half the steps.
pub(crate) const CALIBRATION_NETWORKS: f64 = 1.5;

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
        let (rest, aside) = set_aside(&self.spans);
        let budget = step_budget.next(1.0);
        if rest.is_empty() || aside.is_empty() {
            return Ok(Calibration::default());
        }
        let convolutional = |config: &&MemberConfig| {
            matches!(config.predictor, PredictorConfig::Net(Architecture::Tcn { .. }))
        };
        let network = |config: &&MemberConfig| config.is_network();
        let films = || configs.iter().filter(|config| config.usage.includes(false));
        let quickest = films().find(convolutional).or(films().find(network));
        let others = films().filter(|config| !network(config));
        let tried = quickest.into_iter().chain(others).enumerate();
        let learned: Vec<_> = tried
            .map(|(i, config)| self.train_member("trying out", configs.len() + i, config, &rest, budget))
            .collect::<Result<_>>()?;
        let (members, steps): (Vec<_>, Vec<u32>) = learned.into_iter().unzip();
        let predicted = rows_of_spans(&self.predict(&members, &|_| ()), &aside);
        let [loudness_r, onset_r] =
            self.curves(&aside, &predicted).map(|(truth, predicted)| correlation(&truth, &predicted));
        // Held-out blocks may say how good something is, as long as they shape nothing.
        let judged_spans: Vec<TickSpan> =
            aside.into_iter().chain(self.dataset.held_out().iter().cloned()).collect();
        let learning_curve = self.learning_curve(configs.len(), &members, &steps, &rest, &judged_spans)?;
        step_budget.next(CALIBRATION_NETWORKS - 1.0);
        Ok(Calibration { onset_r, loudness_r, predicted, learning_curve })
    }
}

/// Splits ticks into those to learn and the fourth tenth of all, which is set aside with a second of distance.
fn set_aside(spans: &[TickSpan]) -> (Vec<TickSpan>, Vec<TickSpan>) {
    let total: usize = spans.iter().map(|span| span.ticks.len()).sum();
    let (from, to) = (total * 3 / 10, total * 4 / 10);
    let (mut rest, mut aside, mut before) = (Vec::new(), Vec::new(), 0);
    for span in spans {
        let place = |at: usize| (span.ticks.start + at.saturating_sub(before)).min(span.ticks.end);
        let (start, end) = (place(from), place(to));
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
    (rest, aside)
}
