//! The plan of an evaluation.

use crate::render::LoudnessMode;
use crate::storage::Overwrite;
use std::path::PathBuf;

/// The brain and the films of an evaluation, and its extent.
#[derive(Clone, Debug)]
pub struct EvalPlan {
    /// The brain file.
    pub brain: PathBuf,
    /// The films; where there are none, those that the brain was trained on.
    pub films: Vec<PathBuf>,
    /// The folder to write. It appears whole or not at all.
    pub output: PathBuf,
    /// Replaces or refuses an existing report. No other folder is ever replaced.
    pub overwrite: Overwrite,
    /// The folder of prepared films; the films are prepared into it.
    pub cache: PathBuf,
    /// Seed of the synth.
    pub seed: u64,
    /// Loudness of all soundtracks.
    pub loudness: LoudnessMode,
    /// Trains a network of 2015 for comparison.
    pub classic: bool,
    /// Folds of a cross-validation, 2 to 5.
    pub folds: Option<usize>,
    /// Trainings that differ in the seed alone, this brain included, at least 2.
    pub seeds: Option<usize>,
    /// For each film that the brain was trained on, trains another one without that film and evaluates it there.
    pub leave_one_film_out: bool,
    /// Trains on parts of the footage as well.
    pub growth: bool,
    /// Keeps the soundtracks in the report's folder, as `sound/FILM.VERSION.wav`.
    pub keep_sound: bool,
}
