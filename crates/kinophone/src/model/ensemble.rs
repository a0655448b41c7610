//! The ensemble: visual features, members whose answers are averaged, scales of the controls, and the training sound.
//!
//! | part | job |
//! |---|---|
//! | [`VisualFeatures`] | pictures to numbers a tick |
//! | members ([`PredictorConfig`](crate::model::PredictorConfig)) | those numbers to controls of sound |
//! | [`ControlScaler`] | controls to physical units |
//! | [`TrainingAudio`] | the sound that the brain was trained on, unless left out |
//!
//! Two sets of members come out of one training: one that looks a third to half of a second ahead, for films, and one that
//! knows only the past, for live use. Members that never look ahead belong to both.

#[cfg(test)]
mod tests;

use crate::ledger::{Source, Terms};
use crate::model::controls::ControlScaler;
use crate::model::descriptor::UNIT;
use crate::model::features::config::ViewConfig;
use crate::model::features::{THUMBNAIL, VisualFeatures};
use crate::model::follow::familiarity::LANDMARKS;
use crate::model::follow::trust::Trust;
use crate::model::member::{MemberConfig, Predictor};
use crate::model::training::config::EnsembleTraining;
use crate::model::training::lag::MAX_LAG;
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
    /// Its configuration.
    pub config: EnsembleConfig,
    /// Settings of its training.
    pub training: EnsembleTraining,
    /// The films that it learned from.
    pub ledger: Vec<Source>,
    /// Its scores; `None` where nothing was held out.
    pub verdict: Option<EnsembleVerdict>,
    /// Seconds of film that it learned from, held-out blocks left out; `None` in older files.
    #[serde(default)]
    pub trained_seconds: Option<f64>,
    /// Shortcomings of its films, in clauses such as "hardly anything moves".
    #[serde(default, rename = "lacks")]
    pub shortcomings: Vec<String>,
    /// Gain from more film or steps; `None` where there was too little film to find out, and in older files.
    #[serde(default, rename = "prospects")]
    pub learning_curve: Option<LearningCurve>,
}

/// Configuration of an ensemble, complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnsembleConfig {
    /// Tick, and the rate at which sound was described.
    pub grid: TickGrid,
    /// Side of the pictures that it was trained on; others are scaled.
    pub size: u32,
    /// Views whose features it extracts.
    pub views: Vec<ViewConfig>,
    /// Members whose answers are averaged, for films and for live use apart.
    pub members: Vec<MemberConfig>,
    /// Scales of the controls that it predicts.
    #[serde(rename = "voice")]
    pub controls: ControlScaler,
    /// Price of a jump in the mosaic, in squared distances of descriptors.
    pub jump: f32,
    /// Filter that brings a mosaic to the predicted sound.
    pub shape: BandMatcherConfig,
    /// Weight of the distance between two pictures (`VisualFeatures::embedding`) beside that between two descriptions of sound when
    /// units are selected.
    pub picture: f32,
    /// The sound that it carries.
    #[serde(rename = "material")]
    pub training_audio: Option<TrainingAudioConfig>,
    /// Number of thumbnails of its training pictures, by which it knows its film again; 0 in older files.
    #[serde(default)]
    pub landmarks: usize,
    /// Trust in its networks where a film looks familiar.
    #[serde(default)]
    pub trust: Trust,
    /// Ticks by which its networks predict too late; below 0, too early. It is taken out in films.
    #[serde(default)]
    pub lag: i32,
}

impl EnsembleConfig {
    /// True if it has members for live use, or for films.
    pub fn plays(&self, live: bool) -> bool {
        self.members.iter().any(|member| member.usage.includes(live))
    }
}

/// Scores of an ensemble's predictions on film that it did not learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnsembleVerdict {
    /// Correlation of the predicted loudness with the true one.
    pub loudness_r: f64,
    /// Correlation of the predicted onsets with the true ones.
    pub onset_r: f64,
    /// Range in which the former lies in 95 of 100 cases, by a bootstrap over blocks of five seconds; `None` with fewer
    /// than four of them, and in older files.
    #[serde(default)]
    pub loudness_range: Option<[f64; 2]>,
    /// The same for onsets.
    #[serde(default)]
    pub onset_range: Option<[f64; 2]>,
    /// Correlation reached by chance: 95 % of the correlations with its predictions moved in time lie below.
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
    pub(crate) features: VisualFeatures,
    pub(crate) members: Vec<Predictor>,
    units: UnitFeatures,
    training_audio: Option<TrainingAudio>,
    /// Thumbnails of its training pictures: `[landmarks, 64]`.
    landmarks: Vec<f32>,
}

/// Name of the thumbnails in the file.
const LANDMARKS_NAME: &str = "landmarks";
/// Regions of the picture that the networks see, at most; a training makes two.
const MAX_VIEWS: usize = 16;

/// Descriptors of the units of the training sound.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnitFeatures {
    /// Description of each unit's sound and, weighted by [`EnsembleConfig::picture`], the embedding of its picture: `[units, 66 + 48]`.
    pub descriptors: Vec<f32>,
    /// Loudness of each unit in dB.
    pub loudness: Vec<f32>,
}

impl Ensemble {
    pub(crate) fn new(
        about: EnsembleDescription,
        features: VisualFeatures,
        members: Vec<Predictor>,
        units: UnitFeatures,
        training_audio: Option<TrainingAudio>,
        landmarks: Vec<f32>,
    ) -> Self {
        let mut new = Self { about, id: String::new(), features, members, units, training_audio, landmarks };
        (_, new.id) = tensor_file::describe(Form::Ensemble, &new.about, &new.numbers());
        new
    }

    fn numbers(&self) -> Tensors {
        let mut numbers = Tensors::default();
        self.features.save(&mut numbers);
        for (i, member) in self.members.iter().enumerate() {
            member.save(&format!("members.{i}"), &mut numbers);
        }
        if let Some(training_audio) = &self.training_audio {
            training_audio.save(&mut numbers);
            let units = self.units.loudness.len();
            numbers.put("units.descriptors", &[units, UNIT], self.units.descriptors.clone());
            numbers.put("units.loudness", &[units], self.units.loudness.clone());
        }
        if !self.landmarks.is_empty() {
            let count = self.landmarks.len() / THUMBNAIL;
            numbers.put(LANDMARKS_NAME, &[count, THUMBNAIL], self.landmarks.clone());
        }
        numbers
    }

    /// Writes it atomically: the same brain gives the same bytes.
    pub fn save(&self, path: &Path, overwrite: Overwrite) -> Result<()> {
        tensor_file::write(path, overwrite, Form::Ensemble, &self.about, &self.numbers())?;
        Ok(())
    }

    /// Checks the contents of a file.
    pub(crate) fn check(contents: tensor_file::Contents<EnsembleDescription>) -> Result<Self> {
        let (about, numbers) = (contents.content, contents.tensors);
        let config = &about.config;
        let damaged = |what: String| Error::new(Kind::Damaged, what).help("make or copy the brain again");
        check_config(config).map_err(damaged)?;
        let features = VisualFeatures::restore(&config.views, &numbers)?;
        let member = |(i, member): (usize, &MemberConfig)| {
            Predictor::restore(member, &format!("members.{i}"), &numbers)
        };
        let members = config.members.iter().enumerate().map(member).collect::<Result<Vec<_>>>()?;
        let (mut units, mut training_audio) = (UnitFeatures::default(), None);
        if let Some(there) = &config.training_audio {
            there.check(config.grid.tick, about.ledger.len()).map_err(|what| damaged(what.to_owned()))?;
            let count = there.units();
            units.descriptors = numbers.floats("units.descriptors", &[count, UNIT])?.to_vec();
            units.loudness = numbers.floats("units.loudness", &[count])?.to_vec();
            training_audio = Some(TrainingAudio::restore(there.clone(), config.grid.tick, &numbers)?);
        }
        let landmarks = match config.landmarks {
            0 => Vec::new(),
            count if count <= LANDMARKS => numbers.floats(LANDMARKS_NAME, &[count, THUMBNAIL])?.to_vec(),
            _ => return Err(damaged("keeps too many thumbnails".to_owned())),
        };
        if !numbers.all_finite() {
            return Err(damaged("has numbers that are not finite".to_owned()));
        }
        Ok(Self { id: contents.checksum, about, features, members, units, training_audio, landmarks })
    }

    /// Its configuration.
    pub fn config(&self) -> &EnsembleConfig {
        &self.about.config
    }

    /// Settings of its training.
    pub fn training(&self) -> &EnsembleTraining {
        &self.about.training
    }

    /// The films it learned from.
    pub fn ledger(&self) -> &[Source] {
        &self.about.ledger
    }

    /// Replaces the terms of a film of the ledger, where it has that many.
    pub fn set_terms(&mut self, film: usize, terms: Terms) {
        if let Some(source) = self.about.ledger.get_mut(film) {
            source.terms = terms;
        }
    }

    /// Its scores.
    pub fn verdict(&self) -> Option<&EnsembleVerdict> {
        self.about.verdict.as_ref()
    }

    /// Gain from more film or steps.
    pub fn learning_curve(&self) -> Option<&LearningCurve> {
        self.about.learning_curve.as_ref()
    }

    /// Shortcomings of its films.
    pub fn shortcomings(&self) -> &[String] {
        &self.about.shortcomings
    }

    /// Seconds of film that it learned from, held-out blocks left out; `None` of an older file without sound.
    pub fn trained_seconds(&self) -> Option<f64> {
        let config = self.config();
        let carried = config.training_audio.as_ref().map(|m| m.units() as f64 / config.grid.tick.as_f64());
        self.about.trained_seconds.or(carried)
    }

    /// Short name of its content: BLAKE3, 64 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// True if it can tell a film that it learned from others; older ones can't.
    pub fn knows_its_films(&self) -> bool {
        !self.landmarks.is_empty()
    }

    /// Thumbnails of its training pictures, evenly spread: `[landmarks, 64]`.
    pub(crate) fn landmarks(&self) -> &[f32] {
        &self.landmarks
    }

    /// Its visual features.
    pub fn features(&self) -> &VisualFeatures {
        &self.features
    }

    /// Scales of its controls.
    pub fn controls(&self) -> &ControlScaler {
        &self.about.config.controls
    }

    /// The sound that it carries, and the descriptors of its units.
    pub fn training_audio(&self) -> Option<(&TrainingAudio, &UnitFeatures)> {
        self.training_audio.as_ref().map(|training_audio| (training_audio, &self.units))
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
    if !config.trust.is_possible() || !(-MAX_LAG..=MAX_LAG).contains(&config.lag) {
        return Err("trusts its networks by impossible shares, or is too late".to_owned());
    }
    if !config.views.iter().all(|view| view.region.is_valid()) {
        return Err("looks beyond the picture".to_owned());
    }
    Ok(())
}
