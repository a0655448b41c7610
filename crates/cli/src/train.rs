//! `kinophone train`: trains a brain on films or corpora.

mod args;
mod classic;
mod ensemble;
mod footage;
mod held_out;
mod network;
mod outcome;
#[cfg(test)]
mod tests;

pub use crate::train::args::TrainArgs;

use crate::context::Context;
use crate::report::{Failure, Outcome};
use crate::train::footage::Footage;
use kinophone::classic::{
    ClassicConfig, ClassicTrained, ClassicTraining, DatasetRows, RowOptions, RowSplit, RunFiles,
};
use kinophone::dataset::{Corpus, Shard, TickDataset};
use kinophone::model::{self, EnsembleTraining};
use kinophone::storage::{self, AtomicFile, MissingFolders, Overwrite, Reservation};
use kinophone::{Error, Kind, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Trains and saves a brain. Everything that can be refused is refused before the first film is read.
pub fn run(args: &TrainArgs, context: &Context) -> Result<Outcome, Failure> {
    args.check()?;
    let footage = Footage::of(&args.footage)?;
    let destination = Destination::check(args)?;
    let corpus = footage.open(args, context)?;
    let _made = destination.prepare(args)?;
    if args.is_ensemble() {
        return train_ensemble(args, &destination, corpus, context);
    }
    let files = RunFiles { run: destination.run.clone(), resume: args.resume };
    let trained = train_classic(corpus, args.classic_config()?, args.classic_training(), &files, context)?;
    trained.brain.save(&args.output, destination.overwrite)?;
    context.end_progress();
    outcome::report_classic(&trained, args, &destination.run, context)?;
    Ok(if trained.interrupted { Outcome::Interrupted } else { Outcome::Done })
}

/// Trains an ensemble. It has no checkpoints: a training takes a minute or two, and the same seed gives the
/// same brain.
fn train_ensemble(
    args: &TrainArgs,
    destination: &Destination,
    corpus: Corpus,
    context: &Context,
) -> Result<Outcome, Failure> {
    if args.resume {
        context.note("the preset ensemble has no checkpoints: it starts again, and gives the same brain");
    }
    let held_out_films = held_out::find(args.held_out_films(), &corpus)?;
    let training = EnsembleTraining { held_out_films, ..args.ensemble_training() };
    let options = training.dataset_options(args.grid());
    let dataset = TickDataset::new(corpus, &options, storage::folder_of(&args.output), context.task())?;
    let (brain, interrupted) = model::train(&dataset, training, dataset.sources(), context.task())?;
    brain.save(&args.output, destination.overwrite)?;
    context.end_progress();
    outcome::report_ensemble(&brain, interrupted, args, context)?;
    Ok(if interrupted { Outcome::Interrupted } else { Outcome::Done })
}

/// The files that a training writes: the brain, and the state of its run.
struct Destination {
    run: PathBuf,
    overwrite: Overwrite,
    _reservation: Reservation,
}

impl Destination {
    /// Fails where the brain could not be saved after hours of training.
    fn check(args: &TrainArgs) -> Result<Self> {
        let run = run_folder(&args.output);
        // An interrupted run may replace what it saved itself.
        let continues = args.resume && run.is_dir();
        let overwrite = if args.force || continues { Overwrite::Replace } else { Overwrite::Refuse };
        // A brain may lie among the films, but not in the place of one of them or of a shard.
        let films: Vec<&Path> =
            args.footage.iter().map(PathBuf::as_path).filter(|path| !path.is_dir()).collect();
        storage::check_distinct(&args.output, &films)?;
        if Shard::open(&args.output).is_ok() {
            return Err(Error::new(
                Kind::Unwritable,
                "is a shard of a corpus or library, which a brain can't replace",
            )
            .at(&args.output)
            .help("give the brain another name"));
        }
        drop(AtomicFile::create(&args.output, overwrite)?);
        if !args.is_ensemble() {
            check_run_folder(&run)?;
        }
        Ok(Self { run, overwrite, _reservation: Reservation::of(&args.output)? })
    }

    /// Creates the run folder of a classic training at the last moment before it; `--force` removes the state of an
    /// earlier run. What is returned removes the folder again if nothing gets into it.
    fn prepare(&self, args: &TrainArgs) -> Result<MissingFolders> {
        let made = MissingFolders::note(&self.run);
        if !args.is_ensemble() {
            std::fs::create_dir_all(&self.run).map_err(|e| Error::io("created", &self.run, e))?;
        }
        storage::sweep(&self.run);
        if args.force && !args.resume && self.run.is_dir() {
            remove_run_state(&self.run)?;
        }
        Ok(made)
    }
}

/// `BRAIN.run` beside `BRAIN`.
fn run_folder(brain: &Path) -> PathBuf {
    let mut name = OsString::from(brain);
    name.push(".run");
    PathBuf::from(name)
}

/// Fails where the run folder can't be made beside the brain.
fn check_run_folder(run: &Path) -> Result<()> {
    storage::check_name(run)?;
    if run.exists() && !run.is_dir() {
        return Err(Error::new(Kind::Unwritable, "is a file; checkpoints go into a folder of that name")
            .at(run)
            .help("give the brain another name, or move that file away"));
    }
    Ok(())
}

/// Removes the state of an earlier run, and no other file of the folder.
pub fn remove_run_state(run: &Path) -> Result<()> {
    let failed = |e| Error::io("replaced", run, e);
    for entry in std::fs::read_dir(run).map_err(failed)? {
        let file = entry.map_err(failed)?;
        let name = file.file_name();
        if name == "metrics.jsonl" || name.to_string_lossy().starts_with("checkpoint-") {
            std::fs::remove_file(file.path()).map_err(failed)?;
        }
    }
    Ok(())
}

/// Trains a network of 2015 on `corpus`.
pub fn train_classic(
    corpus: Corpus,
    config: ClassicConfig,
    training: ClassicTraining,
    files: &RunFiles,
    context: &Context,
) -> Result<ClassicTrained> {
    let options = RowOptions::of(&config, &training);
    let ledger = corpus.sources();
    let rows = DatasetRows::new(corpus, &options, &files.run, context.task())?;
    kinophone::classic::train(config, training, ledger, &rows, RowSplit::of(&rows), files, context.task())
}
