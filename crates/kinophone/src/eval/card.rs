//! A brain's model card: what has to be known of it before it is used or passed on, after M. Mitchell et al., "Model Cards
//! for Model Reporting", FAT* 2019.
//!
//! Everything in it is in the brain's file, but for what it plays to pictures that show nothing or noise: that is found out
//! by playing it.

use crate::brain::Brain;
use crate::classic::ClassicBrain;
use crate::dataset::HoldOut;
use crate::eval::report::{LessonFacts, Stillness};
use crate::eval::still::{INAUDIBLE_DB, NOISE, stillness};
use crate::eval::{EvalPlayer, Playback, kind_of, length, name_of, subject};
use crate::media::Ffmpeg;
use crate::model::{Ensemble, LearningCurve, MemberKind};
use crate::task::Task;
use crate::{Error, Result};
use serde::Serialize;
use std::path::Path;

/// With less footage than this a brain knows little.
const LITTLE_SECS: f64 = 120.0;

/// What is to be known of a brain.
#[derive(Clone, Debug, Serialize)]
pub struct Card {
    /// Its file's name.
    pub name: String,
    /// Short name of its content.
    pub id: String,
    /// `ensemble` or `classic`.
    pub kind: &'static str,
    /// The films that it learned from.
    pub learned_from: Vec<LessonFacts>,
    /// Seconds of film that it learned from, held-out parts left out.
    pub trained_seconds: Option<f64>,
    /// The training sound that it carries.
    pub sound: Option<Carried>,
    /// How it was made: name and value.
    pub settings: Vec<(String, String)>,
    /// How good it is on film that it did not learn; empty where nothing was held out.
    pub scores: Vec<CardScore>,
    /// The verdict of its training in plain words.
    pub verdict: Option<String>,
    /// Whether more footage or longer training would help.
    pub prospects: Option<LearningCurve>,
    /// What it plays to pictures that show nothing, and to noise.
    pub stillness: Vec<Stillness>,
    /// What it is not good for, in sentences.
    pub not_good_for: Vec<String>,
}

/// Training sound in a brain's file.
#[derive(Clone, Debug, Serialize)]
pub struct Carried {
    /// How much, in seconds.
    pub seconds: f64,
    /// In Hz.
    pub rate: u32,
    /// 1 or 2.
    pub channels: u32,
    /// The terms of the films, each once; what the brain plays is made of their sound.
    pub licences: Vec<String>,
}

/// A figure of the verdict.
#[derive(Clone, Debug, Serialize)]
pub struct CardScore {
    /// What was compared.
    pub what: &'static str,
    /// The figure.
    pub value: f64,
    /// In 95 of 100 cases it lies above; `None` where too little was judged.
    pub low: Option<f64>,
    /// And below this.
    pub high: Option<f64>,
    /// What chance reaches; of errors, what silence does.
    pub by_chance: Option<f64>,
}

/// Makes the card of a brain: reads it, and plays it to a few short films that are drawn.
pub fn card(ffmpeg: &Ffmpeg, file: &Path, task: Task<'_>) -> Result<Card> {
    let brain = Brain::load(file)?;
    let scratch = tempfile::tempdir().map_err(|e| Error::io("made", std::env::temp_dir(), e))?;
    let playback = Playback { ffmpeg, scratch: scratch.path(), seed: 0, task };
    let stillness = stillness(&playback, &EvalPlayer::of(file, &brain))?;
    let mut card = Card {
        name: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        id: brain.id().to_owned(),
        kind: kind_of(&brain),
        learned_from: subject::ledger(&brain),
        trained_seconds: subject::trained_seconds(&brain),
        sound: None,
        settings: Vec::new(),
        scores: Vec::new(),
        verdict: None,
        prospects: None,
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
            self.set("minutes at most", minutes);
        }
        self.set("seed", training.seed);
        self.set("held out", name_of(training.hold_out));
        self.set("ticks a second", config.grid.tick);
        let colour = if brain.features().colour() { "colour" } else { "grey" };
        self.set("pictures", format!("{0} x {0}, {colour}", config.size));
        self.sound = config.training_audio.as_ref().map(|material| Carried {
            seconds: crate::eval::rounded(material.units() as f64 / config.grid.tick.as_f64(), 1),
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
            self.verdict = Some(v.words.clone());
        }
        self.prospects = brain.prospects().cloned();
        self.not_good_for
            .extend(brain.lacks().iter().map(|lack| format!("Much at all: of its films, {lack}.")));
        if !config.plays(true) {
            self.not_good_for.push("Live use: it has no members for that.".to_owned());
        }
        self.not_good_for.push(
            "Melodies and words: it says when something sounds, how loud and how bright, and hardly which note."
                .to_owned(),
        );
    }

    fn describe_classic(&mut self, brain: &ClassicBrain) {
        let config = brain.config();
        let layers: Vec<String> = config.layers.iter().map(usize::to_string).collect();
        self.set("layers", layers.join("-"));
        match (brain.training(), brain.imported()) {
            (Some(training), _) => {
                self.set("epochs at most", training.epochs);
                self.set("step size", training.lr);
                self.set("seed", training.seed);
                self.set("held out", name_of(training.hold_out));
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
                score("error of the wave, against silence", v.error, Some(v.error_of_silence)),
                score("loudness, correlation", v.loudness_r, None),
            ];
            self.verdict = Some(v.words.clone());
        }
        self.not_good_for.push(
            "Fidelity: it says the wave of each picture directly, which a picture rarely determines."
                .to_owned(),
        );
    }

    fn licences(&self) -> Vec<String> {
        let mut licences: Vec<String> = self
            .learned_from
            .iter()
            .map(|film| film.licence.clone().unwrap_or_else(|| format!("unknown ({})", film.film)))
            .collect();
        licences.sort();
        licences.dedup();
        licences
    }

    /// What follows from the figures.
    fn warn(&mut self, rule: HoldOut, imported: bool) {
        let mut warnings = Vec::new();
        for score in self.scores.iter().filter(|score| score.what.ends_with("correlation")) {
            if score.by_chance.is_some_and(|chance| score.low.unwrap_or(score.value) <= chance) {
                let what = score.what.split(',').next().unwrap_or_default();
                warnings.push(format!(
                    "Anything that needs its {what} on time: on film that it did not learn it may be no better than chance."
                ));
            }
        }
        if self.verdict.is_none() && !imported {
            warnings.push(match rule {
                HoldOut::None => {
                    "Comparisons: nothing was held out, so nobody can say how good it is on its films."
                        .to_owned()
                }
                _ => "Comparisons: its films were too short to hold a part out, so it was not judged."
                    .to_owned(),
            });
        }
        let still = |film: &&Stillness| film.picture != NOISE && film.dbfs > INAUDIBLE_DB;
        for film in self.stillness.iter().filter(still) {
            warnings.push(format!("Silence: shown {}, it sounds at {:.0} dBFS.", film.picture, film.dbfs));
        }
        if self.trained_seconds.is_some_and(|seconds| seconds < LITTLE_SECS) {
            let learned = length(self.trained_seconds.unwrap_or_default());
            warnings.push(format!("Films unlike its own: it learned from no more than {learned}."));
        } else {
            warnings.push("Films unlike its own.".to_owned());
        }
        if imported || self.learned_from.iter().any(|film| film.licence.is_none()) {
            warnings
                .push("Publishing, unasked: the terms of what it learned from are not all known.".to_owned());
        }
        self.not_good_for.extend(warnings);
    }

    /// As Markdown (CommonMark with tables).
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n", escaped(&self.name));
        text += match self.kind {
            "ensemble" => "A brain of Kinophone: several members that hear in pictures what moves.\n",
            _ => {
                "A brain of Kinophone: a network that says the sound of one picture at a time, as in 2015.\n"
            }
        };
        text += &self.films_as_markdown();
        text += &self.sound_as_markdown();
        text += "\n## Settings\n\n| setting | value |\n|---|---|\n";
        for (name, value) in &self.settings {
            text += &format!("| {name} | {} |\n", escaped(value));
        }
        text += &self.scores_as_markdown();
        text += "\n## Where nothing is to be heard\n\nPlayed to it as films of eight seconds, without any gain; below −60 dBFS nobody hears it.\n\n| picture | level |\n|---|---|\n";
        for film in &self.stillness {
            text += &format!("| {} | {:.0} dBFS |\n", film.picture, film.dbfs);
        }
        text += "\n## Not good for\n\n";
        for warning in &self.not_good_for {
            text += &format!("- {}\n", escaped(warning));
        }
        text += &format!("\nFingerprint: `{}`\n", self.id);
        text
    }

    fn films_as_markdown(&self) -> String {
        let mut text = "\n## Learned from\n\n".to_owned();
        if self.learned_from.is_empty() {
            return text + "Unknown: the file that it was taken from names no film.\n";
        }
        text += "| film | length | title | author | licence | from |\n|---|---|---|---|---|---|\n";
        let known = |words: &Option<String>| words.as_deref().map_or("unknown".to_owned(), escaped);
        for film in &self.learned_from {
            let seconds = film.seconds.map_or("unknown".to_owned(), length);
            text += &format!(
                "| {} | {seconds} | {} | {} | {} | {} |\n",
                escaped(&film.film),
                known(&film.title),
                known(&film.author),
                known(&film.licence),
                known(&film.origin)
            );
        }
        if let Some(seconds) = self.trained_seconds {
            text += &format!("\n{} of this, the held-out parts left out.\n", length(seconds));
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
            length(sound.seconds),
            sound.rate,
            licences.join("; ")
        )
    }

    fn scores_as_markdown(&self) -> String {
        let mut text = "\n## On film that it did not learn\n\n".to_owned();
        if !self.scores.is_empty() {
            text += "| score | value | in 95 of 100 cases | by chance |\n|---|---|---|---|\n";
        }
        for score in &self.scores {
            let range = match (score.low, score.high) {
                (Some(low), Some(high)) => format!("{low:.2} to {high:.2}"),
                _ => "not known".to_owned(),
            };
            let chance = score.by_chance.map_or("not known".to_owned(), figure);
            text += &format!("| {} | {} | {range} | {chance} |\n", score.what, figure(score.value));
        }
        let unjudged = "It was not judged.";
        text += if self.scores.is_empty() { "" } else { "\n" };
        text += self.verdict.as_deref().unwrap_or(unjudged);
        text += "\n";
        if let Some(prospects) = &self.prospects {
            text += &format!("\n{}\n", prospects.words);
        }
        text
    }
}

/// Correlations with two digits, errors of waves, which are small, with as many that count.
fn figure(x: f64) -> String {
    if x != 0.0 && x.abs() < 0.005 { format!("{x:.1e}") } else { format!("{x:.2}") }
}

fn kind_word(kind: MemberKind) -> &'static str {
    match kind {
        MemberKind::Gru => "recurrent network",
        MemberKind::Tcn => "network convolutional over time",
        MemberKind::Mlp => "network without memory",
        MemberKind::Memory => "recollection",
    }
}

/// Words that others chose, so that they are but words in a table or a list.
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
