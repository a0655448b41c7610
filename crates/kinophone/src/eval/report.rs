//! The data of a report, as `report.json` has it. Every number is finite or null; times are in seconds.

use crate::ledger::Terms;
use crate::model::LearningCurve;
use serde::Serialize;

/// The version of the format.
pub const SCHEMA: u32 = 1;

/// The result of an evaluation.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// `SCHEMA`.
    pub schema: u32,
    /// Version of this program.
    pub kinophone: String,
    /// The day, such as 2026-11-23, in UTC.
    pub made: String,
    /// The brain.
    pub brain: BrainFacts,
    /// The verdict, a paragraph of prose.
    pub words: String,
    /// The films on which it was evaluated.
    pub films: Vec<FilmReport>,
    /// Cross-validation, where it was asked for.
    pub folds: Option<Folds>,
    /// Every training film left out once, where that was asked for.
    pub leave_one_film_out: Option<LeaveOneFilmOut>,
    /// The same brain from other seeds, where they were asked for.
    pub seeds: Option<Seeds>,
    /// Its level for films without events.
    pub stillness: Vec<Stillness>,
    /// Trainings on parts of the footage, where they were asked for.
    pub growth: Option<Vec<GrowthRow>>,
}

/// The facts of a brain.
#[derive(Clone, Debug, Serialize)]
pub struct BrainFacts {
    /// Its file's name.
    pub name: String,
    /// Short hash of its content.
    pub id: String,
    /// `ensemble` or `classic`.
    pub kind: &'static str,
    /// The rule of the held-out blocks, such as `every5th`.
    pub hold_out: String,
    /// Names of the films that were held out as a whole.
    pub held_out_films: Vec<String>,
    /// The seed of its training; `None` for brains of 2015.
    pub seed: Option<u64>,
    /// Its ledger.
    pub learned_from: Vec<TrainingFilm>,
    /// Seconds of film that it was trained on, without held-out parts. Where the brain's file does not have
    /// it, this is computed from the lengths of its films, to within the margins beside held-out blocks;
    /// `None` where those are unknown as well.
    pub trained_seconds: Option<f64>,
    /// The training's estimate of the gain from more footage or longer training.
    #[serde(rename = "prospects")]
    pub learning_curve: Option<LearningCurve>,
}

/// A film of the ledger.
#[derive(Clone, Debug, Serialize)]
pub struct TrainingFilm {
    /// Its file's name.
    pub film: String,
    /// Its whole length, where the container has it.
    pub seconds: Option<f64>,
    /// As the ledger has them.
    #[serde(flatten)]
    pub terms: Terms,
}

/// The evaluation of a film. Evaluated frames are its held-out blocks where the brain was trained on it, else
/// all.
#[derive(Clone, Debug, Serialize)]
pub struct FilmReport {
    /// Its file's name.
    pub name: String,
    /// True where the brain was trained on other parts of it.
    pub learned: bool,
    /// Frames per second: the brain's tick.
    pub fps: f64,
    /// Seconds that were evaluated.
    pub seconds: f64,
    /// Their spans in the film.
    pub stretches: Vec<HeldOutSpan>,
    /// The level of chance.
    pub chance: Chance,
    /// Its own sound.
    pub original: Original,
    /// The versions of the brain and the baselines.
    pub versions: Vec<Version>,
    /// Pictures side by side, each 128 pixels wide, as a data URI.
    pub strip: Option<String>,
    /// Seconds from one picture of the strip to the next.
    pub strip_step: f64,
    /// Number of its pictures.
    pub strip_count: usize,
}

/// An evaluated part of a film.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HeldOutSpan {
    /// Its beginning on the film's clock.
    pub from: f64,
    /// Its end.
    pub to: f64,
}

/// The scores that one in twenty of the predictions exceeds when they are shifted in time by a second or
/// more: what the statistics of the sound reach without the picture.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Chance {
    /// Correlation of the onsets, at the best lag like the measure itself; `None` where too little was
    /// evaluated.
    pub onset_r: Option<f64>,
    /// Correlation of the loudness.
    pub loudness_r: Option<f64>,
}

/// A film's own sound.
#[derive(Clone, Debug, Serialize)]
pub struct Original {
    /// The evaluated spans end to end, as a data URI.
    pub audio: Option<String>,
    /// Their spectrogram, as a data URI.
    pub spectrogram: String,
    /// Loudness of every evaluated frame in dB.
    pub loudness_db: Vec<f64>,
    /// Onset strength of every evaluated frame.
    pub onset: Vec<f64>,
    /// Comb prominence of the whole sound in dB.
    pub comb_db: Option<f64>,
    /// Mean frame loudness in dB.
    pub level_db: f64,
    /// Prominence in dB of each harmonic of the frame rate, the first one first.
    pub spectrum_db: Vec<f64>,
    /// Its agreement with what moves, and the distance of timbre between its halves.
    pub further: FurtherMeasures,
}

/// A version of the sound beside the original.
#[derive(Clone, Debug, Serialize)]
pub struct Version {
    /// A stable name.
    pub key: String,
    /// Its title.
    pub title: String,
    /// A description of one line.
    pub about: String,
    /// True for a baseline.
    pub baseline: bool,
    /// See `Original`.
    pub audio: Option<String>,
    /// See `Original`.
    pub spectrogram: Option<String>,
    /// See `Original`.
    pub loudness_db: Vec<f64>,
    /// See `Original`.
    pub onset: Vec<f64>,
    /// Its scores against the original.
    pub measures: ReportMeasures,
    /// Further scores.
    pub further: FurtherMeasures,
    /// Share, 0 to 1, by which what moves leads the sound of every evaluated frame; empty where nothing can.
    pub led: Vec<f64>,
    /// Onset correlation by shift in frames.
    pub lags: Vec<(i64, f64)>,
    /// Harmonic of the frame rate and its prominence in dB.
    pub comb: Vec<(usize, f64)>,
}

/// The scores of a soundtrack against the original; see [`kinophone_dsp::metrics::Comparison`].
#[derive(Clone, Debug, Serialize)]
pub struct ReportMeasures {
    /// Correlation of the onsets at the best lag.
    pub onset_r: Estimate,
    /// Correlation of the loudness.
    pub loudness_r: Estimate,
    /// Distance of the spectra; lower is better.
    pub logmel_l1: Estimate,
    /// The best lag, positive where the sound is late.
    pub onset_lag_frames: i64,
    /// Comb prominence of the whole sound in dB.
    pub comb_db: Option<f64>,
    /// Mean frame loudness in dB.
    pub level_db: f64,
}

/// A figure with its interval of 95 % over ten-second blocks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The figure over all evaluated frames.
    pub value: f64,
    /// Lower end; `None` with fewer than three blocks.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

/// Further scores of a soundtrack; all but following are against the original, over the evaluated frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct FurtherMeasures {
    /// Correlation of the loudness with the motion of the pictures, over the whole soundtrack, see
    /// [`Follow`](kinophone_dsp::metrics::follow::Follow). `None` where the film itself is not at hand.
    pub loudness_motion_r: Option<MeasuredBesideChance>,
    /// The same of the onsets with the onsets of motion.
    pub onset_motion_r: Option<MeasuredBesideChance>,
    /// Share of the original's onsets that have one within ±100 ms, see
    /// [`OnsetAgreement`](kinophone_dsp::metrics::onset_matching::OnsetAgreement). `None` where the original has none.
    pub onset_accuracy: Option<MeasuredBesideChance>,
    /// Average precision of the onsets within ±100 ms.
    pub onset_ap: Option<MeasuredBesideChance>,
    /// The share within ±33 ms.
    pub onset_accuracy_33ms: Option<MeasuredBesideChance>,
    /// The average precision within ±33 ms.
    pub onset_ap_33ms: Option<MeasuredBesideChance>,
    /// Mean absolute difference of the envelopes (RMS, full scale is 1); lower is better.
    pub envelope_l1: Option<MeasuredBesideChance>,
    /// Distance in dB of the short courses of the spectrum as distributions, which does not mind when they sound; lower is
    /// better. `None` where less than about seven seconds are evaluated. Of the original: the distance between its halves.
    pub timbre_db: Option<MeasuredBesideChance>,
    /// Splices of a mosaic that sound; `None` of other sounds.
    pub splices: Option<usize>,
    /// Share of the splices at which the spectrum changes more than at 95 of 100 places of the original; chance is the share of
    /// all places of the same sound.
    pub jumps: Option<MeasuredBesideChance>,
}

/// A figure and its level of chance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MeasuredBesideChance {
    /// The figure.
    pub value: f64,
    /// The figure of the sound when it is moved in time; `None` where too little was evaluated, or it stays the same.
    pub chance: Option<f64>,
}

impl MeasuredBesideChance {
    /// A figure without a level of chance.
    pub(crate) fn alone(value: f64) -> Self {
        Self { value, chance: None }
    }
}

/// The four figures by which trainings are compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// See `ReportMeasures`.
    pub onset_r: f64,
    /// See `ReportMeasures`.
    pub loudness_r: f64,
    /// See `ReportMeasures`.
    pub logmel_l1: f64,
    /// See `ReportMeasures`.
    pub comb_db: Option<f64>,
}

/// A cross-validation over the brain's own films, without networks for live use.
#[derive(Clone, Debug, Serialize)]
pub struct Folds {
    /// Number of folds.
    pub count: usize,
    /// One row per fold.
    pub rows: Vec<FoldRow>,
    /// Mean of the rows.
    pub mean: Figures,
    /// Lower end of the 95 % interval of the mean.
    pub low: Figures,
    /// Upper end.
    pub high: Figures,
}

/// A training that held a fold out, evaluated on it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FoldRow {
    /// Blocks with this number modulo five were held out.
    pub fold: u32,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A cross-validation over films, without networks for live use: for each film that the brain was trained on,
/// one like it is trained on all others.
#[derive(Clone, Debug, Serialize)]
pub struct LeaveOneFilmOut {
    /// One row per film, in the order of the ledger; films too short to be evaluated have none.
    pub rows: Vec<LeftOutFilmRow>,
    /// Mean of the rows.
    pub mean: Figures,
    /// Lower end of the 95 % interval of the mean; `None` for a single row.
    pub low: Option<Figures>,
    /// Upper end.
    pub high: Option<Figures>,
}

/// A training without a film, evaluated on the whole of it.
#[derive(Clone, Debug, Serialize)]
pub struct LeftOutFilmRow {
    /// The film's name.
    pub film: String,
    /// Seconds that were evaluated.
    pub seconds: f64,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Trainings that differ in the seed alone.
#[derive(Clone, Debug, Serialize)]
pub struct Seeds {
    /// One row per seed, the brain's own first.
    pub rows: Vec<SeedRow>,
    /// Mean of the rows.
    pub mean: Figures,
    /// Lower end of the 95 % interval of the mean.
    pub low: Figures,
    /// Upper end.
    pub high: Figures,
}

/// A training with a seed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SeedRow {
    /// The seed.
    pub seed: u64,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A brain's level for a film without events.
#[derive(Clone, Debug, Serialize)]
pub struct Stillness {
    /// The content of the film.
    pub picture: &'static str,
    /// Level of the whole sound without any gain, at least −120.
    pub dbfs: f64,
}

/// A training on a part of the footage.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct GrowthRow {
    /// Seconds of film that it was trained on.
    pub seconds: f64,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}
