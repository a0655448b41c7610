//! A brain's model card: what has to be known of it before it is used or passed on, after M. Mitchell et al.,
//! "Model Cards for Model Reporting", FAT* 2019.
//!
//! Everything in it is in the brain's file, but for what it plays to pictures that show nothing or noise:
//! that is found out by playing it.

use crate::brain::Brain;
use crate::classic::ClassicBrain;
use crate::dataset::HoldOut;
use crate::eval::context::{EvalPlayer, Playback};
use crate::eval::figures::rounded;
use crate::eval::film;
use crate::eval::naming::{brain_kind, hold_out_name};
use crate::eval::prose::duration;
use crate::eval::report::{Stillness, TrainingFilm};
use crate::eval::still::{INAUDIBLE_DB, NOISE, stillness};
use crate::media::Ffmpeg;
use crate::model::{Ensemble, LearningCurve, MemberKind};
use crate::task::Task;
use crate::{Error, Result};
use serde::Serialize;
use std::path::Path;

/// Footage in seconds below which the card warns of films unlike the brain's own.
const LITTLE_FOOTAGE_SECS: f64 = 120.0;

/// The model card of a brain.
#[derive(Clone, Debug, Serialize)]
pub struct Card {
    /// Its file's name.
    pub name: String,
    /// Short hash of its content.
    pub id: String,
    /// `ensemble` or `classic`.
    pub kind: &'static str,
    /// The films that it was trained on.
    pub learned_from: Vec<TrainingFilm>,
    /// Seconds of film that it was trained on, without held-out parts.
    pub trained_seconds: Option<f64>,
    /// The training sound that it carries.
    pub sound: Option<CardSound>,
    /// Settings of its training: name and value.
    pub settings: Vec<(String, String)>,
    /// Its scores on film that it was not trained on; empty where nothing was held out.
    pub scores: Vec<CardScore>,
    /// The verdict of its training in prose.
    pub verdict: Option<String>,
    /// The training's estimate of the gain from more footage or longer training.
    #[serde(rename = "prospects")]
    pub learning_curve: Option<LearningCurve>,
    /// Its level for films without events, and for noise.
    pub stillness: Vec<Stillness>,
    /// Its limitations, in sentences.
    pub not_good_for: Vec<String>,
}

/// Training sound in a brain's file.
#[derive(Clone, Debug, Serialize)]
pub struct CardSound {
    /// Its length in seconds.
    pub seconds: f64,
    /// Its sample rate in Hz.
    pub rate: u32,
    /// Number of channels, 1 or 2.
    pub channels: u32,
    /// The terms of the films, each once; what the brain plays is made of their sound.
    pub licences: Vec<String>,
}

/// A figure of the verdict.
#[derive(Clone, Debug, Serialize)]
pub struct CardScore {
    /// The quantity that was compared.
    pub what: &'static str,
    /// The figure.
    pub value: f64,
    /// Lower end of its 95 % interval; `None` where too little was evaluated.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// The level of chance; of errors, that of silence.
    pub by_chance: Option<f64>,
}

/// Makes the card of a brain: reads it, and renders a few short drawn films with it.
pub fn card(ffmpeg: &Ffmpeg, file: &Path, task: Task<'_>) -> Result<Card> {
    let brain = Brain::load(file)?;
    let scratch = tempfile::tempdir().map_err(|e| {
        Error::io("written", std::env::temp_dir(), e)
            .help("TMPDIR names the folder for scratch files: set it to one with room")
    })?;
    let playback = Playback { ffmpeg, scratch: scratch.path(), seed: 0, task };
    let stillness = stillness(&playback, &EvalPlayer::of(file, &brain))?;
    let mut card = Card {
        name: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        id: brain.id().to_owned(),
        kind: brain_kind(&brain),
        learned_from: film::ledger(&brain),
        trained_seconds: film::trained_seconds(&brain),
        sound: None,
        settings: Vec::new(),
        scores: Vec::new(),
        verdict: None,
        learning_curve: None,
        stillness,
        not_good_for: Vec::new(),
    };
    match &brain {
        Brain::Classic(brain) => card.describe_classic(brain),
        Brain::Ensemble(brain) => card.describe_ensemble(brain),
    }
    card.warn(brain.hold_out(), brain.imported().is_some());
    Ok(card)
}

impl Card {
    fn set(&mut self, name: &str, value: impl ToString) {
        self.settings.push((name.to_owned(), value.to_string()));
    }

    fn describe_ensemble(&mut self, brain: &Ensemble) {
        let (config, training) = (brain.config(), brain.training());
        let playing = |live: bool| config.members.iter().filter(|m| m.usage.includes(live)).count();
        let kinds: Vec<&str> = training.members.iter().map(|kind| kind_word(*kind)).collect();
        self.set("members", format!("{} for films, {} for live use", playing(false), playing(true)));
        self.set("kinds", kinds.join(", "));
        self.set("steps", training.steps);
        if let Some(minutes) = training.minutes {
            self.set("time limit in minutes", minutes);
        }
        self.set("seed", training.seed);
        self.set("held out", hold_out_name(training.hold_out));
        if !training.held_out_films.is_empty() {
            let names: Vec<&str> = training.held_out_films.iter().map(|film| &film.name[..]).collect();
            self.set("films held out", names.join(", "));
        }
        self.set("ticks a second", config.grid.tick);
        let colour = if brain.features().colour() { "colour" } else { "grey" };
        self.set("pictures", format!("{0} x {0}, {colour}", config.size));
        self.sound = config.training_audio.as_ref().map(|material| CardSound {
            seconds: rounded(material.units() as f64 / config.grid.tick.as_f64(), 1),
            rate: material.rate.hz(),
            channels: material.channels,
            licences: self.licences(),
        });
        if let Some(v) = brain.verdict() {
            let score = |what, value, range: Option<[f64; 2]>, chance| CardScore {
                what,
                value,
                low: range.map(|ends| ends[0]),
                high: range.map(|ends| ends[1]),
                by_chance: Some(chance),
            };
            self.scores = vec![
                score("attacks, correlation", v.onset_r, v.onset_range, v.onset_by_chance),
                score("loudness, correlation", v.loudness_r, v.loudness_range, v.loudness_by_chance),
            ];
            self.verdict = Some(format!("{} {}", v.words, config.trust.words()));
        }
        self.learning_curve = brain.learning_curve().cloned();
        self.not_good_for
            .extend(brain.shortcomings().iter().map(|lack| format!("Much at all: of its films, {lack}.")));
        if !config.plays(true) {
            self.not_good_for.push("Live use: it has no members for it.".to_owned());
        }
        self.not_good_for.push(
            "Melodies and words: it predicts onsets, loudness and tone, and hardly any pitch.".to_owned(),
        );
    }

    fn describe_classic(&mut self, brain: &ClassicBrain) {
        let config = brain.config();
        let layers: Vec<String> = config.layers.iter().map(usize::to_string).collect();
        self.set("layers", layers.join("-"));
        match (brain.training(), brain.imported()) {
            (Some(training), _) => {
                self.set("highest number of epochs", training.epochs);
                self.set("step size", training.lr);
                self.set("seed", training.seed);
                self.set("held out", hold_out_name(training.hold_out));
            }
            (None, Some(file)) => self.set("imported from", format!("{} ({})", file.name, file.writer)),
            (None, None) => {}
        }
        self.set("ticks a second", config.grid.tick);
        self.set(
            "pictures",
            format!("{0} x {0}, {1}", config.size, if config.colour { "colour" } else { "grey" }),
        );
        if let Some(v) = brain.verdict() {
            let score = |what, value, by_chance| CardScore { what, value, low: None, high: None, by_chance };
            self.scores = vec![
                score("error of the waveform, against silence", v.error, Some(v.error_of_silence)),
                score("loudness, correlation", v.loudness_r, None),
            ];
            self.verdict = Some(v.words.clone());
        }
        self.not_good_for.push(
            "Fidelity: it predicts the waveform of each picture directly, which a picture rarely determines."
                .to_owned(),
        );
    }

    fn licences(&self) -> Vec<String> {
        let mut licences: Vec<String> = self
            .learned_from
            .iter()
            .map(|film| film.terms.licence.clone().unwrap_or_else(|| format!("unknown ({})", film.film)))
            .collect();
        licences.sort();
        licences.dedup();
        licences
    }

    /// Adds the limitations that follow from the figures.
    fn warn(&mut self, rule: HoldOut, imported: bool) {
        let mut warnings = Vec::new();
        for score in self.scores.iter().filter(|score| score.what.ends_with("correlation")) {
            if score.by_chance.is_some_and(|chance| score.low.unwrap_or(score.value) <= chance) {
                let what = score.what.split(',').next().unwrap_or_default();
                warnings.push(format!(
                    "Anything that needs its {what} on time: on film that it was not trained on it may be no better than chance."
                ));
            }
        }
        if self.verdict.is_none() && !imported {
            warnings.push(match rule {
                HoldOut::None => {
                    "Comparisons: nothing was held out, so its quality on its own films is unknown."
                        .to_owned()
                }
                _ => "Comparisons: its films were too short to hold a part out, so it was not evaluated."
                    .to_owned(),
            });
        }
        let still = |film: &&Stillness| film.picture != NOISE && film.dbfs > INAUDIBLE_DB;
        for film in self.stillness.iter().filter(still) {
            warnings.push(format!("Silence: shown {}, it sounds at {:.0} dBFS.", film.picture, film.dbfs));
        }
        if self.trained_seconds.is_some_and(|seconds| seconds < LITTLE_FOOTAGE_SECS) {
            let learned = duration(self.trained_seconds.unwrap_or_default());
            warnings.push(format!("Films unlike its own: it was trained on no more than {learned}."));
        } else {
            warnings.push("Films unlike its own.".to_owned());
        }
        if imported || self.learned_from.iter().any(|film| film.terms.licence.is_none()) {
            warnings.push(
                "Publishing without inquiry: not all terms of its training films are known.".to_owned(),
            );
        }
        self.not_good_for.extend(warnings);
    }

    /// As Markdown (CommonMark with tables).
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n", escaped(&self.name));
        text += match self.kind {
            "ensemble" => {
                "A brain of Kinophone: an ensemble that predicts sound from the motion in pictures.\n"
            }
            _ => {
                "A brain of Kinophone: a network that predicts the sound of one picture at a time, as in 2015.\n"
            }
        };
        text += &self.films_as_markdown();
        text += &self.sound_as_markdown();
        text += "\n## Settings\n\n| setting | value |\n|---|---|\n";
        for (name, value) in &self.settings {
            text += &format!("| {name} | {} |\n", escaped(value));
        }
        text += &self.scores_as_markdown();
        text += "\n## Level without events\n\nFor films of eight seconds, without any gain; below −60 dBFS it is inaudible.\n\n| picture | level |\n|---|---|\n";
        for film in &self.stillness {
            text += &format!("| {} | {:.0} dBFS |\n", film.picture, film.dbfs);
        }
        text += "\n## Limitations\n\n";
        for warning in &self.not_good_for {
            text += &format!("- {}\n", escaped(warning));
        }
        text += &format!("\nFingerprint: `{}`\n", self.id);
        text
    }

    fn films_as_markdown(&self) -> String {
        let mut text = "\n## Trained on\n\n".to_owned();
        if self.learned_from.is_empty() {
            return text + "Unknown: the imported file names no film.\n";
        }
        text += "| film | length | title | author | licence | from |\n|---|---|---|---|---|---|\n";
        let known = |words: &Option<String>| words.as_deref().map_or("unknown".to_owned(), escaped);
        for film in &self.learned_from {
            let seconds = film.seconds.map_or("unknown".to_owned(), duration);
            text += &format!(
                "| {} | {seconds} | {} | {} | {} | {} |\n",
                escaped(&film.film),
                known(&film.terms.title),
                known(&film.terms.author),
                known(&film.terms.licence),
                known(&film.terms.origin)
            );
        }
        if let Some(seconds) = self.trained_seconds {
            text += &format!("\n{} of this, without the held-out parts.\n", duration(seconds));
        }
        text
    }

    fn sound_as_markdown(&self) -> String {
        let Some(sound) = &self.sound else {
            return "\nIt carries no sound of these films.\n".to_owned();
        };
        let channels = if sound.channels == 1 { "mono" } else { "stereo" };
        let licences: Vec<String> = sound.licences.iter().map(|licence| escaped(licence)).collect();
        format!(
            "\nIt carries {} of their sound ({} Hz, {channels}) and plays with it: the file, and every soundtrack that it makes, \
             contain parts of it. Licence: {}.\n",
            duration(sound.seconds),
            sound.rate,
            licences.join("; ")
        )
    }

    fn scores_as_markdown(&self) -> String {
        let mut text = "\n## Scores on film that it was not trained on\n\n".to_owned();
        if !self.scores.is_empty() {
            text += "| score | value | in 95 of 100 cases | by chance |\n|---|---|---|---|\n";
        }
        for score in &self.scores {
            let range = match (score.low, score.high) {
                (Some(low), Some(high)) => format!("{low:.2} to {high:.2}"),
                _ => "unknown".to_owned(),
            };
            let chance = score.by_chance.map_or("unknown".to_owned(), figure);
            text += &format!("| {} | {} | {range} | {chance} |\n", score.what, figure(score.value));
        }
        let no_verdict = "It was not evaluated.";
        text += if self.scores.is_empty() { "" } else { "\n" };
        text += self.verdict.as_deref().unwrap_or(no_verdict);
        text += "\n";
        if let Some(curve) = &self.learning_curve {
            text += &format!("\n{}\n", curve.words);
        }
        text
    }
}

/// A figure with two decimals; small errors of waveforms with two significant digits.
fn figure(x: f64) -> String {
    if x != 0.0 && x.abs() < 0.005 { format!("{x:.1e}") } else { format!("{x:.2}") }
}

fn kind_word(kind: MemberKind) -> &'static str {
    match kind {
        MemberKind::Gru => "recurrent network",
        MemberKind::Tcn => "network convolutional over time",
        MemberKind::Mlp => "network without memory",
        MemberKind::Memory => "nearest neighbours",
    }
}

/// Foreign text with Markdown's special characters escaped.
fn escaped(words: &str) -> String {
    let mut text = String::new();
    for letter in words.chars() {
        match letter {
            _ if letter.is_control() => text.push(' '),
            '\\' | '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '#' | '&' => text.extend(['\\', letter]),
            _ => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_words_stay_words() {
        assert_eq!(escaped("a|b\n# [x](y) <i>"), r"a\|b \# \[x\](y) \<i\>");
        assert_eq!(
            (figure(0.456), figure(0.000_123), figure(0.0)),
            ("0.46".into(), "1.2e-4".to_owned(), "0.00".into())
        );
    }
}
