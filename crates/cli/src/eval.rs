//! `kinophone eval`: how good a brain is, as figures and as a page to listen to.

use crate::args::loudness;
use crate::cache;
use crate::context::{self, Context};
use crate::report::{self, Failure, Outcome};
use clap::Args;
use kinophone::eval::{self, EvalPlan, Figures, FilmReport, Report, Version};
use kinophone::render::LoudnessMode;
use kinophone::storage::Overwrite;
use serde_json::{Value, json};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  How good is it, on the parts of its film that it never saw?
    kinophone eval piano.brain -o report

  On another film, beside a network of 2015 trained on the same footage:
    kinophone eval piano.brain other-piano.mp4 -o report --classic

  Every part of the film held out once, and would more footage help?
    kinophone eval piano.brain piano.mp4 -o report --folds 5 --growth

Open report/index.html: it needs no other file and no network. report.json
beside it holds the same figures for programs.";

/// Options of `eval`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct EvalArgs {
    /// The brain file
    #[arg(value_name = "BRAIN")]
    pub brain: PathBuf,
    /// Films to judge it on [default: those that it learned from]. A film that it learned from is judged on its held-out
    /// blocks, any other one whole
    #[arg(value_name = "FILM")]
    pub films: Vec<PathBuf>,
    /// The folder to write: index.html and report.json
    #[arg(long, short, value_name = "REPORT")]
    pub output: PathBuf,
    /// Replace an existing report
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    sound: SoundArgs,
    #[command(flatten)]
    training: TrainingArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Soundtracks")]
struct SoundArgs {
    /// Loudness of all soundtracks in LUFS (EBU R 128), or 'off' for the level that the brain says [default: off for brains that
    /// describe sound, -18 for those of 2015]
    #[arg(long, value_name = "LUFS|off", allow_negative_numbers = true, value_parser = loudness)]
    loudness: Option<LoudnessMode>,
    /// The same seed gives the same sound
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Keep the soundtracks, as REPORT/sound/FILM.VERSION.wav
    #[arg(long)]
    keep_sound: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Further trainings, a minute or more each")]
struct TrainingArgs {
    /// Also train a network of 2015 on the same films and blocks, to compare with
    #[arg(long)]
    classic: bool,
    /// Cross-validation: train so many brains (without members for live use) that each leave other blocks out, 2 to 5
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=5))]
    folds: Option<u8>,
    /// How much is luck: so many trainings that differ in the seed alone, this brain included, 2 to 9
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=9))]
    seeds: Option<u8>,
    /// Would more footage help? Train on a quarter and on half of it
    #[arg(long)]
    growth: bool,
}

/// Judges.
pub fn run(args: &EvalArgs, context: &Context) -> Result<Outcome, Failure> {
    context::existing(&args.brain)?;
    context::check_films(&args.films)?;
    let report = eval::evaluate(&context.ffmpeg()?, &args.examination()?, context.task())?;
    context.end_progress();
    context.report.result(|| as_json(args, &report), || as_text(args, &report))?;
    Ok(Outcome::Done)
}

impl EvalArgs {
    fn examination(&self) -> Result<EvalPlan, Failure> {
        Ok(EvalPlan {
            brain: self.brain.clone(),
            films: self.films.clone(),
            output: self.output.clone(),
            overwrite: if self.force { Overwrite::Replace } else { Overwrite::Refuse },
            cache: cache::films()?,
            seed: self.sound.seed,
            loudness: self.sound.loudness.unwrap_or(LoudnessMode::Usual),
            classic: self.training.classic,
            folds: self.training.folds.map(usize::from),
            seeds: self.training.seeds.map(usize::from),
            growth: self.training.growth,
            keep_sound: self.sound.keep_sound,
        })
    }
}

/// The figures without sound and pictures: those are in the report's folder.
fn as_json(args: &EvalArgs, report: &Report) -> Value {
    let version = |version: &Version| json!({ "key": version.key, "measures": version.measures });
    let film = |film: &FilmReport| {
        json!({
            "name": film.name,
            "learned": film.learned,
            "seconds": film.seconds,
            "chance": film.chance,
            "versions": film.versions.iter().map(version).collect::<Vec<_>>(),
        })
    };
    json!({
        "report": report::lossy(&args.output),
        "words": report.words,
        "films": report.films.iter().map(film).collect::<Vec<_>>(),
        "folds": report.folds,
        "seeds": report.seeds,
        "stillness": report.stillness,
        "growth": report.growth,
    })
}

fn as_text(args: &EvalArgs, report: &Report) -> String {
    let mut text = String::new();
    for film in &report.films {
        let part = if film.learned { "held-out parts" } else { "never seen" };
        text += &format!("{} ({part}, {:.0} s)\n", film.name, film.seconds);
        text += "                   attacks  loudness  timbre  buzz\n";
        for version in &film.versions {
            let m = &version.measures;
            let figures = Figures {
                onset_r: m.onset_r.value,
                loudness_r: m.loudness_r.value,
                logmel_l1: m.logmel_l1.value,
                comb_db: m.comb_db,
            };
            text += &row(&version.title, &figures);
        }
        text.push('\n');
    }
    if let Some(folds) = &report.folds {
        text += &format!("{}{}\n", row(&format!("{} folds, mean", folds.count), &folds.mean), "");
    }
    if let Some(seeds) = &report.seeds {
        text += &format!("{}\n", row(&format!("{} seeds, mean", seeds.rows.len()), &seeds.mean));
    }
    for grown in report.growth.iter().flatten() {
        text += &row(&format!("after {:.0} s", grown.seconds), &grown.figures);
    }
    text += &format!("{}\n\nopen {}\n", report.words, args.output.join("index.html").display());
    text
}

fn row(title: &str, figures: &Figures) -> String {
    let buzz = figures.comb_db.map_or("    –".to_owned(), |db| format!("{db:5.1}"));
    format!(
        "  {title:<16} {:8.2} {:9.2} {:7.2} {buzz}\n",
        figures.onset_r, figures.loudness_r, figures.logmel_l1
    )
}
