//! Assembly of the brain: its verdict, its sound, and the units of that sound.

use crate::dataset::{FilmTicks, TickDataset, TickSpan};
use crate::ledger::Source;
use crate::model::descriptor::{DESCRIPTOR, UNIT};
use crate::model::ensemble::{Ensemble, EnsembleConfig, EnsembleDescription, EnsembleVerdict, UnitFeatures};
use crate::model::features::{GENERAL, THUMBNAIL, thumbnail_of};
use crate::model::follow::FollowedBrain;
use crate::model::follow::familiarity::LANDMARKS;
use crate::model::member::{MemberConfig, Predictor};
use crate::model::training::calibration::Calibration;
use crate::model::training::learning_curve::rounded;
use crate::model::training::prediction::rows_of_spans;
use crate::model::training::trainer::EnsembleTrainer;
use crate::model::training::validation::ValidationScore;
use crate::model::training_audio::TrainingAudio;

/// Weight of the distance between pictures where the picture determines the sound, and otherwise.
const FOLLOWING_PICTURE_WEIGHT: f32 = 1.5;
const USUAL_PICTURE_WEIGHT: f32 = 0.5;

impl EnsembleTrainer<'_> {
    /// Scores the members on held-out ticks and puts the brain together.
    pub(super) fn finish(
        mut self,
        members: Vec<(MemberConfig, Predictor)>,
        calibration: Calibration,
        ledger: Vec<Source>,
    ) -> Ensemble {
        let predictable = calibration.is_predictable();
        self.scaler.calibrate(
            &calibration.predicted,
            if predictable { 1.0 } else { 0.3 },
            calibration.follows_picture(),
        );
        let picture =
            if calibration.follows_picture() { FOLLOWING_PICTURE_WEIGHT } else { USUAL_PICTURE_WEIGHT };
        let (units, training_audio) = self.units(picture);
        let landmarks = self.landmarks();
        let known = FollowedBrain {
            scaler: &self.scaler,
            width: self.features.width(),
            descriptors: &units.descriptors,
            landmarks: &landmarks,
            trust: calibration.trust,
        };
        let verdict = self.verdict(&members, known, calibration.lag);
        let learned = TickSpan::total(&self.spans);
        let trained_seconds = Some(rounded(learned as f64 / self.dataset.grid().tick.as_f64()));
        let (members, predictors): (Vec<_>, Vec<_>) = members.into_iter().unzip();
        let config = EnsembleConfig {
            grid: self.dataset.grid(),
            size: learned_films(self.dataset).map(|film| film.shard.size()).max().unwrap_or(64),
            views: self.features.config(),
            members,
            controls: self.scaler,
            jump: if predictable { 1.0 } else { 4.0 },
            shape: calibration.band_matching(),
            picture,
            training_audio: training_audio.as_ref().map(|m| m.config().clone()),
            landmarks: landmarks.len() / THUMBNAIL,
            trust: calibration.trust,
            lag: calibration.lag,
        };
        let (training, shortcomings, learning_curve) =
            (self.training, self.shortcomings, calibration.learning_curve);
        let about = EnsembleDescription {
            config,
            training,
            ledger,
            verdict,
            trained_seconds,
            shortcomings,
            learning_curve,
        };
        Ensemble::new(about, self.features, predictors, units, training_audio, landmarks)
    }

    /// Scores of the brain as it plays films, on held-out ticks; `None` where there are none.
    fn verdict(
        &self,
        members: &[(MemberConfig, Predictor)],
        known: FollowedBrain<'_>,
        lag: i32,
    ) -> Option<EnsembleVerdict> {
        let ticks: u64 = self.films.iter().map(|film| film.visual.ticks() as u64).sum();
        self.task.watcher.stage("judging", "ticks", Some(ticks));
        let judged = self.dataset.judged();
        if judged.is_empty() {
            return None;
        }
        let predicted = self.predict(members, known, lag, &|done| self.task.watcher.advance(done));
        let score = ValidationScore::of(self, judged, &rows_of_spans(&predicted, judged));
        Some(score.verdict(&held_out_films(self.dataset)))
    }

    /// Thumbnails of some training ticks, evenly spread.
    fn landmarks(&self) -> Vec<f32> {
        let (step, width) = (TickSpan::total(&self.spans).div_ceil(LANDMARKS).max(1), self.features.width());
        let places = self.spans.iter().flat_map(TickSpan::places).step_by(step);
        let mut general = vec![0.0; GENERAL];
        places
            .flat_map(|(film, tick)| {
                let range = width - GENERAL..width;
                self.films[film].visual.fill(tick, std::slice::from_ref(&range), &mut general);
                thumbnail_of(&general).to_vec()
            })
            .collect()
    }

    /// The sound of all training ticks and their descriptors, in which pictures have that weight.
    fn units(&self, weight: f32) -> (UnitFeatures, Option<TrainingAudio>) {
        if !self.training.keep_sound {
            return (UnitFeatures::default(), None);
        }
        let training_audio = TrainingAudio::of_training_ticks(self.dataset);
        let mut units = UnitFeatures::default();
        let width = self.features.width();
        let mut visual = vec![0.0; width];
        for span in self.dataset.training() {
            let audio = &self.films[span.film].audio;
            for tick in span.ticks.clone() {
                let mut descriptor = [0.0; UNIT];
                let (sound, picture) = descriptor.split_at_mut(DESCRIPTOR);
                self.scaler.unit(audio, tick, sound);
                self.films[span.film].visual.fill(tick, std::slice::from_ref(&(0..width)), &mut visual);
                self.features.embedding(&visual, picture);
                picture.iter_mut().for_each(|x| *x *= weight);
                units.descriptors.extend(descriptor);
                units.loudness.push(audio.loudness[tick]);
            }
        }
        (units, Some(training_audio))
    }
}

/// The films that are not held out as a whole.
fn learned_films(dataset: &TickDataset) -> impl Iterator<Item = FilmTicks<'_>> {
    dataset.films().filter(|film| !film.held_out)
}

/// Names of the films that are held out as a whole.
fn held_out_films(dataset: &TickDataset) -> Vec<&str> {
    dataset.films().filter(|film| film.held_out).map(|film| &film.shard.source().name[..]).collect()
}
