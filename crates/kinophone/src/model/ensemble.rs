//! The brain that hears in pictures what moves: an eye, a few members whose answers are averaged (small networks with
//! memory, and a recollection of what looked alike), a voice, and the training sound to play with.
//!
//! | part | knows |
//! |---|---|
//! | [`VisualFeatures`] | what pictures are, in numbers a tick |
//! | members ([`PredictorConfig`]) | what those numbers have to do with sound |
//! | [`ControlScaler`] | what the members' numbers mean |
//! | [`TrainingAudio`] | the sound that the brain was trained on, unless left out |
//!
//! Two sets of members come out of one training: one that looks a third to half of a second ahead, for films, and one that
//! knows only the past, for live use. Whoever never looks ahead belongs to both.

#[cfg(test)]
mod tests;

use crate::ledger::Source;
use crate::model::controls::{ControlScaler, DESCRIPTOR};
use crate::model::features::VisualFeatures;
use crate::model::features::config::{PORTRAIT, ViewConfig};
use crate::model::member::{MemberConfig, Predictor};
use crate::model::training::config::EnsembleTraining;
use crate::model::training::learning_curve::LearningCurve;
use crate::model::training_audio::{TrainingAudio, TrainingAudioConfig};
use crate::storage::Overwrite;
use crate::tensor_file::{self, Form};
use crate::{Error, Kind, Result};
use kinophone_dsp::spectral::BandMatcherConfig;
use kinophone_dsp::units::TickGrid;
use kinophone_nn::tensors::Tensors;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The ledger, the configuration and the scores of an ensemble, as its file has them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnsembleDescription {
    /// What it is.
    pub config: EnsembleConfig,
    /// How it was trained.
    pub training: EnsembleTraining,
    /// What it learned from.
    pub ledger: Vec<Source>,
    /// How good it is; `None` where nothing was held out.
    pub verdict: Option<EnsembleVerdict>,
    /// Seconds of film that it learned from, held-out blocks left out; `None` in older files.
    #[serde(default)]
    pub trained_seconds: Option<f64>,
    /// What its films lack to be learned from, in clauses such as "hardly anything moves".
    #[serde(default)]
    pub lacks: Vec<String>,
    /// Whether more would help; `None` where there was too little film to find out, and in older files.
    #[serde(default)]
    pub prospects: Option<LearningCurve>,
}

/// What an ensemble is, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnsembleConfig {
    /// Tick, and the rate at which sound was described.
    pub grid: TickGrid,
    /// Side of the pictures that it was trained on; others are scaled.
    pub size: u32,
    /// What it looks at.
    pub views: Vec<ViewConfig>,
    /// Those whose answers are averaged, for films and for live use apart.
    pub members: Vec<MemberConfig>,
    /// What it says, in physical units.
    pub voice: ControlScaler,
    /// Price of a jump in the mosaic, in squared distances of descriptors.
    pub jump: f32,
    /// How far a mosaic is brought to what the voice says.
    pub shape: BandMatcherConfig,
    /// What the distance between two pictures ([`VisualFeatures::portrait`]) weighs beside that between two descriptors when sound is
    /// chosen.
    pub picture: f32,
    /// The sound that it carries.
    pub material: Option<TrainingAudioConfig>,
}

impl EnsembleConfig {
    /// Whether it has someone to play live, or to films.
    pub fn plays(&self, live: bool) -> bool {
        self.members.iter().any(|member| member.plays.plays(live))
    }
}

/// How good an ensemble's predictions are on film that it did not learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnsembleVerdict {
    /// Correlation of the loudness that it says with the true one.
    pub loudness_r: f64,
    /// Correlation of the onsets that it says with the true ones.
    pub onset_r: f64,
    /// Between which values the former lies in 95 of 100 cases, by a bootstrap over blocks of five seconds; `None` with fewer
    /// than four of them, and in older files.
    #[serde(default)]
    pub loudness_range: Option<[f64; 2]>,
    /// The same for onsets.
    #[serde(default)]
    pub onset_range: Option<[f64; 2]>,
    /// What chance gives: 95 % of the correlations with its predictions moved in time lie below.
    pub loudness_by_chance: f64,
    /// The same for onsets.
    pub onset_by_chance: f64,
    /// Seconds of held-out blocks that were judged.
    pub seconds: f64,
    /// Plain words.
    pub words: String,
}

/// A trained ensemble.
pub struct Ensemble {
    about: EnsembleDescription,
    id: String,
    pub(crate) eye: VisualFeatures,
    pub(crate) members: Vec<Predictor>,
    units: UnitFeatures,
    material: Option<TrainingAudio>,
}

/// Numbers of a unit: what it sounds like, and what is seen while it sounds.
pub const UNIT: usize = DESCRIPTOR + PORTRAIT;

/// Regions of the picture that are looked at, at most; a training makes two.
const MAX_VIEWS: usize = 16;

/// What is known of each unit of the material.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnitFeatures {
    /// How it sounds and, weighed by [`EnsembleConfig::picture`], what is seen there: `[units, 66 + 48]`.
    pub descriptors: Vec<f32>,
    /// In dB.
    pub loudness: Vec<f32>,
}

impl Ensemble {
    pub(crate) fn new(
        about: EnsembleDescription,
        eye: VisualFeatures,
        members: Vec<Predictor>,
        units: UnitFeatures,
        material: Option<TrainingAudio>,
    ) -> Self {
        let mut new = Self { about, id: String::new(), eye, members, units, material };
        (_, new.id) = tensor_file::describe(Form::Ensemble, &new.about, &new.numbers());
        new
    }

    fn numbers(&self) -> Tensors {
        let mut numbers = Tensors::default();
        self.eye.save(&mut numbers);
        for (i, member) in self.members.iter().enumerate() {
            member.save(&format!("members.{i}"), &mut numbers);
        }
        if let Some(material) = &self.material {
            material.save(&mut numbers);
            let units = self.units.loudness.len();
            numbers.put("units.descriptors", &[units, UNIT], self.units.descriptors.clone());
            numbers.put("units.loudness", &[units], self.units.loudness.clone());
        }
        numbers
    }

    /// Writes it atomically: the same brain gives the same bytes.
    pub fn save(&self, path: &Path, overwrite: Overwrite) -> Result<()> {
        tensor_file::write(path, overwrite, Form::Ensemble, &self.about, &self.numbers())?;
        Ok(())
    }

    /// Checks what a file holds.
    pub(crate) fn check(contents: tensor_file::Contents<EnsembleDescription>) -> Result<Self> {
        let (about, numbers) = (contents.content, contents.tensors);
        let config = &about.config;
        let damaged = |what: String| Error::new(Kind::Damaged, what).help("make or copy the brain again");
        check_config(config).map_err(damaged)?;
        let eye = VisualFeatures::restore(&config.views, &numbers)?;
        let member = |(i, member): (usize, &MemberConfig)| {
            Predictor::restore(member, &format!("members.{i}"), &numbers)
        };
        let members = config.members.iter().enumerate().map(member).collect::<Result<Vec<_>>>()?;
        let (mut units, mut material) = (UnitFeatures::default(), None);
        if let Some(there) = &config.material {
            there.check(config.grid.tick, about.ledger.len()).map_err(|what| damaged(what.to_owned()))?;
            let count = there.units();
            units.descriptors = numbers.floats("units.descriptors", &[count, UNIT])?.to_vec();
            units.loudness = numbers.floats("units.loudness", &[count])?.to_vec();
            material = Some(TrainingAudio::restore(there.clone(), config.grid.tick, &numbers)?);
        }
        if !numbers.all_finite() {
            return Err(damaged("has numbers that are not finite".to_owned()));
        }
        Ok(Self { id: contents.checksum, about, eye, members, units, material })
    }

    /// What it is.
    pub fn config(&self) -> &EnsembleConfig {
        &self.about.config
    }

    /// How it was trained.
    pub fn training(&self) -> &EnsembleTraining {
        &self.about.training
    }

    /// The films it learned from.
    pub fn ledger(&self) -> &[Source] {
        &self.about.ledger
    }

    /// How good it is.
    pub fn verdict(&self) -> Option<&EnsembleVerdict> {
        self.about.verdict.as_ref()
    }

    /// Whether more of what it learned from would help.
    pub fn prospects(&self) -> Option<&LearningCurve> {
        self.about.prospects.as_ref()
    }

    /// What its films lack to be learned from.
    pub fn lacks(&self) -> &[String] {
        &self.about.lacks
    }

    /// Seconds of film that it learned from, held-out blocks left out; `None` of an older file without sound.
    pub fn trained_seconds(&self) -> Option<f64> {
        let config = self.config();
        let carried = config.material.as_ref().map(|m| m.units() as f64 / config.grid.tick.as_f64());
        self.about.trained_seconds.or(carried)
    }

    /// Short name of its content: BLAKE3, 64 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What turns pictures into numbers.
    pub fn eye(&self) -> &VisualFeatures {
        &self.eye
    }

    /// What its numbers mean.
    pub fn voice(&self) -> &ControlScaler {
        &self.about.config.voice
    }

    /// The sound that it carries, and what is known of each tick of it.
    pub fn material(&self) -> Option<(&TrainingAudio, &UnitFeatures)> {
        self.material.as_ref().map(|material| (material, &self.units))
    }
}

/// The words complete "the brain …".
fn check_config(config: &EnsembleConfig) -> Result<(), String> {
    if config.views.len() > MAX_VIEWS || !config.views.iter().all(ViewConfig::has_possible_counts) {
        return Err("describes pictures by impossible counts of numbers".to_owned());
    }
    let seen: usize = config.views.iter().map(ViewConfig::width).sum();
    for member in &config.members {
        member.check(seen).map_err(|why| format!("has a member that {why}"))?;
    }
    if !config.plays(false) {
        return Err("has no member for films".to_owned());
    }
    if !config.views.iter().all(|view| view.region.is_valid()) {
        return Err("looks beyond the picture".to_owned());
    }
    Ok(())
}
