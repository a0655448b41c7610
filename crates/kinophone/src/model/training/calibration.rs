//! TODO module docs

use crate::model::member::MemberConfig;
use crate::model::training::learning_curve::LearningCurve;
use crate::model::training::{PREDICTABLE, TOLD};
use kinophone_dsp::spectral::BandMatcherConfig;

/// How one network did on film that it did not learn.
#[derive(Default)]
pub(crate) struct Calibration {
    pub(crate) onset_r: f64,
    pub(crate) loudness_r: f64,
    pub(crate) said: Vec<f32>,
    pub(crate) prospects: Option<LearningCurve>,
}

/// Trainings of a network that a trial takes: a whole one, and one with half the steps.
pub(crate) const TRIALS: f64 = 1.5;

impl Calibration {
    /// Whether pictures tell what sounds.
    pub(crate) fn is_told(&self) -> bool {
        self.loudness_r > TOLD
    }

    /// Whether pictures tell when something begins to sound.
    pub(crate) fn is_predictable(&self) -> bool {
        self.onset_r > PREDICTABLE
    }

    /// How far a mosaic is brought to what is said. Where pictures tell what sounds, the chosen units are the true ones, and what is
    /// said a blurred picture of them; where they do not tell when something begins, attacks are better left to the units.
    pub(crate) fn shape(&self) -> BandMatcherConfig {
        let usual = BandMatcherConfig::default();
        match (self.is_told(), self.is_predictable()) {
            (true, _) => BandMatcherConfig { tone: 0.0, attack: 0.0, ..usual },
            (false, true) => usual,
            (false, false) => BandMatcherConfig { attack: 0.0, ..usual },
        }
    }

    /// Which members suit the film. A recurrent network that looks ahead has to remember what it saw until its time has come, and
    /// does not know exactly when that is: where pictures tell to the tick what sounds, it begins too early, and where they do
    /// not, looking ahead helps (docs/experiments.md).
    pub(crate) fn suited(&self, mut configs: Vec<MemberConfig>) -> Vec<MemberConfig> {
        let looks_ahead = |config: &MemberConfig| config.is_network() && config.ahead > 0;
        if self.is_told() && configs.iter().any(|c| c.is_network() && c.plays.plays(false) && !looks_ahead(c))
        {
            configs.retain(|config| !looks_ahead(config));
        }
        configs
    }
}
