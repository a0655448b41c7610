//! `kinophone eval`: evaluates a brain, as figures and as a page to listen to.

use crate::args::{BrainLoudnessArgs, SeedArgs, overwrite};
use crate::cache;
use crate::context::{self, Context};
use crate::report::{self, Failure, Outcome};
use clap::Args;
use kinophone::eval::{
    self, EvalPlan, Figures, FilmReport, FurtherMeasures, MeasuredBesideChance, Report, Version,
};
use kinophone::wording::count;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Columns of the titles of versions.
const TITLE_WIDTH: usize = 16;

const EXAMPLES: &str = "\
Examples:
  On the held-out parts of the film that it was trained on:
    kinophone eval piano.brain -o report

  On another film, beside a network of 2015 trained on the same footage:
    kinophone eval piano.brain other-piano.mp4 -o report --classic

  Every part of the film held out once, and an estimate of the gain from more
  footage:
    kinophone eval piano.brain piano.mp4 -o report --folds 5 --growth

  Every film that it was trained on left out once, to see how well a brain of
  such films does on another one:
    kinophone eval pianos.brain -o report --leave-one-film-out

Open report/index.html, which needs no other file and no network. report.json
beside it holds the same figures for programs.";

/// Options of `eval`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct EvalArgs {
    /// The brain file
    #[arg(value_name = "BRAIN")]
    brain: PathBuf,
    /// Films to evaluate it on [default: those that it was trained on, and those that were held out as a whole]. A
    /// film that it was trained on is evaluated on its held-out blocks, any other one as a whole
    #[arg(value_name = "FILM")]
    films: Vec<PathBuf>,
    /// The folder to write: index.html and report.json
    #[arg(long, short, value_name = "REPORT")]
    output: PathBuf,
    /// Replace an existing report
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    sound: EvalSoundArgs,
    #[command(flatten)]
    training: TrainingArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Soundtracks")]
struct EvalSoundArgs {
    #[command(flatten)]
    loudness: BrainLoudnessArgs,
    #[command(flatten)]
    seed: SeedArgs,
    /// Keep the soundtracks, as REPORT/sound/FILM.VERSION.wav
    #[arg(long)]
    keep_sound: bool,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Further trainings, of a minute or more each")]
struct TrainingArgs {
    /// Also train a network of 2015 on the same films and blocks, for comparison
    #[arg(long)]
    classic: bool,
    /// Number of folds of a cross-validation, 2 to 5: one brain (without members for live use) is trained per
    /// fold
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=5))]
    folds: Option<u8>,
    /// For each film that the brain was trained on, train another one on all others, and evaluate it on the whole
    /// of that film
    #[arg(long)]
    leave_one_film_out: bool,
    /// Number of trainings that differ in the seed alone, this brain included, 2 to 9: their spread is due to
    /// chance
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=9))]
    seeds: Option<u8>,
    /// Also train on a quarter and on half of the footage, to estimate the gain from more of it
    #[arg(long)]
    growth: bool,
}

/// Evaluates the brain.
pub fn run(args: &EvalArgs, context: &Context) -> Result<Outcome, Failure> {
    context::metadata(&args.brain)?;
    context::check_films(&args.films)?;
    let report =
        eval::evaluate(&context.ffmpeg()?, &args.plan()?, context.task()).map_err(cache::explained)?;
    context.end_progress();
    context.report.result(|| as_json(args, &report), || as_text(args, &report))?;
    Ok(Outcome::Done)
}

impl EvalArgs {
    fn plan(&self) -> Result<EvalPlan, Failure> {
        Ok(EvalPlan {
            brain: self.brain.clone(),
            films: self.films.clone(),
            output: self.output.clone(),
            overwrite: overwrite(self.force),
            cache: cache::films()?,
            seed: self.sound.seed.seed,
            loudness: self.sound.loudness.mode(),
            classic: self.training.classic,
            folds: self.training.folds.map(usize::from),
            leave_one_film_out: self.training.leave_one_film_out,
            seeds: self.training.seeds.map(usize::from),
            growth: self.training.growth,
            keep_sound: self.sound.keep_sound,
        })
    }
}

/// The figures without sound and pictures, which are in the report's folder.
fn as_json(args: &EvalArgs, report: &Report) -> Value {
    let version = |version: &Version| json!({ "key": version.key, "measures": version.measures, "further": version.further });
    let film = |film: &FilmReport| {
        json!({
            "name": film.name,
            "learned": film.learned,
            "seconds": film.seconds,
            "chance": film.chance,
            "original": film.original.further,
            "versions": film.versions.iter().map(version).collect::<Vec<_>>(),
        })
    };
    json!({
        "report": report::lossy(&args.output),
        "words": report.words,
        "films": report.films.iter().map(film).collect::<Vec<_>>(),
        "folds": report.folds,
        "leave_one_film_out": report.leave_one_film_out,
        "seeds": report.seeds,
        "stillness": report.stillness,
        "growth": report.growth,
    })
}

fn as_text(args: &EvalArgs, report: &Report) -> String {
    let mut text = String::new();
    for film in &report.films {
        let part = if film.learned { "held-out parts" } else { "not trained on" };
        text += &format!("{} ({part}, {:.0} s)\n", film.name, film.seconds);
        text += "                     onsets  loudness  timbre  buzz  follow  hits  jumps\n";
        for version in &film.versions {
            text += &row(&version.title, &Figures::from(&version.measures), &version.further);
        }
        text.push('\n');
    }
    if let Some(folds) = &report.folds {
        text +=
            &format!("{}{}\n", mean_row(&format!("{}, mean", count(folds.count, "folds")), &folds.mean), "");
    }
    if let Some(left_out) = &report.leave_one_film_out {
        text += "each film, by a brain trained without it\n";
        text += &left_out.rows.iter().map(|film| film_row(&film.film, &film.figures)).collect::<String>();
        text += &format!(
            "{}\n",
            mean_row(&format!("{}, mean", count(left_out.rows.len(), "films")), &left_out.mean)
        );
    }
    if let Some(seeds) = &report.seeds {
        text +=
            &format!("{}\n", mean_row(&format!("{}, mean", count(seeds.rows.len(), "seeds")), &seeds.mean));
    }
    for grown in report.growth.iter().flatten() {
        text += &mean_row(&format!("after {:.0} s", grown.seconds), &grown.figures);
    }
    text += &format!("{}\n\nopen {}\n", report.words, report::shown(&args.output.join("index.html")));
    text
}

/// The row of a film. A long name has a line of its own, so that the figures stay in their columns.
fn film_row(name: &str, figures: &Figures) -> String {
    match name.chars().count() {
        0..=TITLE_WIDTH => mean_row(name, figures),
        _ => format!("  {name}\n{}", mean_row("", figures)),
    }
}

/// A version's row: the four figures, loudness with motion, the share of onsets that are hit, and that of splices that are jumps.
fn row(title: &str, figures: &Figures, further: &FurtherMeasures) -> String {
    let correlation = further.loudness_motion_r.map_or("–".to_owned(), |r| format!("{:.2}", r.value));
    let percent = |share: Option<MeasuredBesideChance>| {
        share.map_or("–".to_owned(), |share| format!("{:.0} %", 100.0 * share.value))
    };
    let (hits, jumps) = (percent(further.onset_accuracy), percent(further.jumps));
    let row = mean_row(title, figures);
    format!("{} {correlation:>7} {hits:>5} {jumps:>6}\n", row.trim_end_matches('\n'))
}

/// A row of the four figures alone.
fn mean_row(title: &str, figures: &Figures) -> String {
    let buzz = figures.comb_db.map_or("    –".to_owned(), |db| format!("{db:5.1}"));
    format!(
        "  {title:<TITLE_WIDTH$} {:8.2} {:9.2} {:7.2} {buzz}\n",
        figures.onset_r, figures.loudness_r, figures.logmel_l1
    )
}
