//! The evaluation of a brain, and its report.

use crate::brain::Brain;
use crate::eval::context::EvalContext;
use crate::eval::date::today;
use crate::eval::film::{self, EvalFilm};
use crate::eval::naming::{brain_kind, hold_out_name};
use crate::eval::page::{self, Page};
use crate::eval::plan::EvalPlan;
use crate::eval::report::{BrainFacts, FilmReport, Report, SCHEMA};
use crate::eval::still::stillness;
use crate::eval::versions::evaluate_film;
use crate::eval::{prose, retraining};
use crate::media::Ffmpeg;
use crate::storage::{self, AtomicFolder};
use crate::task::Task;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// Evaluates a brain, and writes the report.
pub fn evaluate(ffmpeg: &Ffmpeg, plan: &EvalPlan, task: Task<'_>) -> Result<Report> {
    let inputs: Vec<&Path> = plan.films.iter().chain([&plan.brain]).map(PathBuf::as_path).collect();
    storage::check_distinct(&plan.output, &inputs)?;
    let folder = AtomicFolder::create(&plan.output, plan.overwrite, Page::Report.data_file())?;
    let brain = Brain::load(&plan.brain)?;
    retraining::check(&brain, plan)?;
    let films = film::gather(ffmpeg, &brain, plan, task)?;
    let scratch = folder.path().join("work");
    std::fs::create_dir(&scratch).map_err(|e| Error::io("made", &scratch, e))?;
    let context = EvalContext { ffmpeg, plan, brain: &brain, folder: folder.path(), scratch: &scratch, task };
    let report = report(&context, &films).map_err(|e| folder.named(e))?;
    std::fs::remove_dir_all(&scratch).map_err(|e| Error::io("removed", &scratch, e))?;
    page::write(Page::Report, &report, folder.path()).map_err(|e| folder.named(e))?;
    folder.commit()?;
    Ok(report)
}

fn report(context: &EvalContext<'_>, films: &[EvalFilm]) -> Result<Report> {
    let train = context.plan.classic.then(|| retraining::train_classic(context, films));
    let classic = train.transpose()?;
    let film_reports = films
        .iter()
        .map(|film| evaluate_film(context, film, classic.as_ref()))
        .collect::<Result<Vec<FilmReport>>>()?;
    let stillness = stillness(&context.playback(), &context.player())?;
    let retrainings = retraining::retrain(context, films)?;
    let mut report = Report {
        schema: SCHEMA,
        kinophone: env!("CARGO_PKG_VERSION").to_owned(),
        made: today(),
        brain: brain_facts(context),
        words: String::new(),
        films: film_reports,
        folds: retrainings.folds,
        leave_one_film_out: retrainings.leave_one_film_out,
        seeds: retrainings.seeds,
        stillness,
        growth: retrainings.growth,
    };
    report.words = prose::verdict(&report);
    Ok(report)
}

fn brain_facts(context: &EvalContext<'_>) -> BrainFacts {
    let brain = context.brain;
    BrainFacts {
        name: context.plan.brain.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        id: brain.id().to_owned(),
        kind: brain_kind(brain),
        hold_out: hold_out_name(brain.hold_out()),
        held_out_films: brain.held_out_films().iter().map(|film| film.name.clone()).collect(),
        seed: brain.seed(),
        learned_from: film::ledger(brain),
        trained_seconds: film::trained_seconds(brain),
        learning_curve: film::learning_curve(brain),
    }
}
