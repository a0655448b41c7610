//! What a report says, as `report.json` has it. Every number is finite or null; times are in seconds.

use crate::model::LearningCurve;
use serde::Serialize;

/// The version of the format.
pub const SCHEMA: u32 = 1;

/// Everything that is known of a brain after it was judged.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Version of this program.
    pub kinophone: String,
    /// The day, such as 2026-11-23, in UTC.
    pub made: String,
    /// The brain.
    pub brain: BrainFacts,
    /// The verdict, a paragraph of plain words.
    pub words: String,
    /// The films on which it was judged.
    pub films: Vec<FilmReport>,
    /// Cross-validation, where it was asked for.
    pub folds: Option<Folds>,
    /// The same brain from other seeds, where they were asked for.
    pub seeds: Option<Seeds>,
    /// What it says to films in which nothing is to be heard.
    pub stillness: Vec<Stillness>,
    /// How it gets better with footage, where that was asked for.
    pub growth: Option<Vec<GrowthRow>>,
}

/// A brain by its facts.
#[derive(Clone, Debug, Serialize)]
pub struct BrainFacts {
    /// Its file's name.
    pub name: String,
    /// Short name of its content.
    pub id: String,
    /// `ensemble` or `classic`.
    pub kind: &'static str,
    /// What was held out, such as `every5th`.
    pub hold_out: String,
    /// The seed of its training; `None` for brains of 2015.
    pub seed: Option<u64>,
    /// Its ledger.
    pub learned_from: Vec<LessonFacts>,
    /// Seconds of film that it learned from, held-out parts left out. Where the brain's file does not say it, this follows from
    /// the lengths of its films, to within the margins beside held-out blocks; `None` where those are unknown, too.
    pub trained_seconds: Option<f64>,
    /// Whether more footage or longer training would help, as its training found out.
    pub prospects: Option<LearningCurve>,
}

/// A film of the ledger.
#[derive(Clone, Debug, Serialize)]
pub struct LessonFacts {
    /// Its file's name.
    pub film: String,
    /// Its whole length, where the container says it.
    pub seconds: Option<f64>,
    /// As the ledger has it.
    pub licence: Option<String>,
    /// As the ledger has it.
    pub author: Option<String>,
    /// As the ledger has it.
    pub title: Option<String>,
    /// As the ledger has it.
    pub origin: Option<String>,
}

/// A film, judged. "Judged" frames are its held-out blocks where the brain learned from it, else all.
#[derive(Clone, Debug, Serialize)]
pub struct FilmReport {
    /// Its file's name.
    pub name: String,
    /// Whether the brain learned from other parts of it.
    pub learned: bool,
    /// Frames a second: the brain's tick.
    pub fps: f64,
    /// Seconds that were judged.
    pub seconds: f64,
    /// Where they lie in the film.
    pub stretches: Vec<HeldOutSpan>,
    /// What chance reaches.
    pub chance: Chance,
    /// Its own sound.
    pub original: Original,
    /// What the brain and the baselines say.
    pub versions: Vec<Version>,
    /// Pictures side by side, each 128 pixels wide, as a data URI.
    pub strip: Option<String>,
    /// Seconds from one picture of the strip to the next.
    pub strip_step: f64,
    /// How many pictures it has.
    pub strip_count: usize,
}

/// A judged part of a film.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HeldOutSpan {
    /// Its beginning on the film's clock.
    pub from: f64,
    /// Its end.
    pub to: f64,
}

/// What one in twenty of the predictions moved in time by a second or more exceeds: a brain that knows nothing of the
/// picture but the sound's habits gets there.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Chance {
    /// Of the attacks, at the best lag like the measure itself; `None` where too little was judged.
    pub onset_r: Option<f64>,
    /// Of the loudness.
    pub loudness_r: Option<f64>,
}

/// A film's own sound.
#[derive(Clone, Debug, Serialize)]
pub struct Original {
    /// The judged stretches end to end, as a data URI.
    pub audio: Option<String>,
    /// The same as a picture.
    pub spectrogram: String,
    /// Loudness of every judged frame in dB.
    pub loudness_db: Vec<f64>,
    /// Onset strength of every judged frame.
    pub onset: Vec<f64>,
    /// Comb prominence of the whole sound in dB.
    pub comb_db: Option<f64>,
    /// Mean frame loudness in dB.
    pub level_db: f64,
    /// Prominence in dB of each harmonic of the frame rate, the first one first.
    pub spectrum_db: Vec<f64>,
}

/// A soundtrack beside the original.
#[derive(Clone, Debug, Serialize)]
pub struct Version {
    /// A stable name.
    pub key: String,
    /// For people.
    pub title: String,
    /// One line.
    pub about: String,
    /// Whether it is there to be beaten.
    pub baseline: bool,
    /// See [`Original`].
    pub audio: Option<String>,
    /// See [`Original`].
    pub spectrogram: Option<String>,
    /// See [`Original`].
    pub loudness_db: Vec<f64>,
    /// See [`Original`].
    pub onset: Vec<f64>,
    /// How it compares.
    pub measures: ReportMeasures,
    /// Onset correlation by shift in frames.
    pub lags: Vec<(i64, f64)>,
    /// Harmonic of the frame rate and its prominence in dB.
    pub comb: Vec<(usize, f64)>,
}

/// How a soundtrack compares with the original; see [`kinophone_dsp::metrics::Comparison`].
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
    /// Over all judged frames.
    pub value: f64,
    /// Lower end; `None` with fewer than three blocks.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
}

/// The four figures by which trainings are compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// See [`ReportMeasures`].
    pub onset_r: f64,
    /// See [`ReportMeasures`].
    pub loudness_r: f64,
    /// See [`ReportMeasures`].
    pub logmel_l1: f64,
    /// See [`ReportMeasures`].
    pub comb_db: Option<f64>,
}

/// A cross-validation over the brain's own films, by its networks for films: those for live use are left out.
#[derive(Clone, Debug, Serialize)]
pub struct Folds {
    /// How many.
    pub count: usize,
    /// One a fold.
    pub rows: Vec<FoldRow>,
    /// Mean of the rows.
    pub mean: Figures,
    /// Lower end of the 95 % interval of the mean.
    pub low: Figures,
    /// Upper end.
    pub high: Figures,
}

/// A training that left a fold out, judged on it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct FoldRow {
    /// Blocks with this number modulo five were held out.
    pub fold: u32,
    /// What came of it.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Trainings that differ in the seed alone.
#[derive(Clone, Debug, Serialize)]
pub struct Seeds {
    /// One a seed, the brain's own first.
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
    /// What came of it.
    #[serde(flatten)]
    pub figures: Figures,
}

/// What a brain says to a film in which nothing is to be heard.
#[derive(Clone, Debug, Serialize)]
pub struct Stillness {
    /// What the film shows.
    pub picture: &'static str,
    /// Level of the whole sound, not made louder, at least −120.
    pub dbfs: f64,
}

/// A training on a part of the footage.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct GrowthRow {
    /// Seconds of film that it learned from.
    pub seconds: f64,
    /// What came of it.
    #[serde(flatten)]
    pub figures: Figures,
}
