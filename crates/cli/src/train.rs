//! `kinophone train`: films or corpora into a brain.

mod footage;
pub(crate) mod options;
pub(crate) mod outcome;

pub use crate::train::options::TrainArgs;

use crate::context::Context;
use crate::report::{Failure, Outcome};
use crate::train::footage::Footage;
use kinophone::classic::{
    self, ClassicConfig, ClassicTrained, ClassicTraining, DatasetRows, RowSplit, RunFiles,
};
use kinophone::dataset::{Corpus, TickDataset};
use kinophone::storage::{self, AtomicFile, Overwrite};
use kinophone::{Error, Result, model};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Trains and saves a brain. Everything that can be refused is refused before the first film is read.
pub fn run(args: &TrainArgs, context: &Context) -> Result<Outcome, Failure> {
    args.check()?;
    let footage = Footage::look(&args.footage)?;
    let place = Place::check(args)?;
    let corpus = footage.open(args, context)?;
    place.prepare(args)?;
    if args.is_ensemble() {
        return ensemble(args, &place, corpus, context);
    }
    let files = RunFiles { run: place.run.clone(), resume: args.resume };
    let trained = learn(corpus, args.brain_config()?, args.train_config(), &files, context)?;
    trained.brain.save(&args.output, place.overwrite)?;
    context.end_progress();
    outcome::tell(&trained, args, &place.run, context)?;
    Ok(if trained.interrupted { Outcome::Interrupted } else { Outcome::Done })
}

/// Trains an ensemble. It has no checkpoints: a training takes a minute or two, and the same seed gives the same brain.
fn ensemble(args: &TrainArgs, place: &Place, corpus: Corpus, context: &Context) -> Result<Outcome, Failure> {
    if args.resume {
        context.say("networks with memory begin anew, and come out the same");
    }
    let ledger = corpus.sources();
    let training = args.ensemble_training();
    let options = training.dataset_options(args.grid());
    let dataset = TickDataset::new(corpus, &options, &place.run, context.task())?;
    let (brain, interrupted) = model::train(&dataset, training, ledger, context.task())?;
    brain.save(&args.output, place.overwrite)?;
    context.end_progress();
    outcome::tell_ensemble(&brain, interrupted, args, context)?;
    Ok(if interrupted { Outcome::Interrupted } else { Outcome::Done })
}

/// Where the brain and the state of its run go.
struct Place {
    run: PathBuf,
    overwrite: Overwrite,
}

impl Place {
    /// Fails where the brain could not be saved after hours of learning.
    fn check(args: &TrainArgs) -> Result<Self> {
        let run = run_folder(&args.output);
        // What an interrupted run saved is its own to replace.
        let goes_on = args.resume && run.is_dir();
        let overwrite = if args.force || goes_on { Overwrite::Replace } else { Overwrite::Refuse };
        let inputs: Vec<&Path> = args.footage.iter().map(PathBuf::as_path).collect();
        storage::check_distinct(&args.output, &inputs)?;
        drop(AtomicFile::create(&args.output, overwrite)?);
        Ok(Self { run, overwrite })
    }

    /// Makes the run folder, at the last moment before learning; `--force` gives up what an earlier run left there.
    fn prepare(&self, args: &TrainArgs) -> Result<()> {
        std::fs::create_dir_all(&self.run).map_err(|e| Error::io("created", &self.run, e))?;
        storage::sweep(&self.run);
        if args.force && !args.resume { forget(&self.run) } else { Ok(()) }
    }
}

/// `BRAIN.run` beside `BRAIN`.
fn run_folder(brain: &Path) -> PathBuf {
    let mut name = OsString::from(brain);
    name.push(".run");
    PathBuf::from(name)
}

/// Removes the state of an earlier run, and no other file that may lie there.
pub fn forget(run: &Path) -> Result<()> {
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

/// Learns from `corpus`, whose rows follow from the configurations.
pub fn learn(
    corpus: Corpus,
    config: ClassicConfig,
    training: ClassicTraining,
    files: &RunFiles,
    context: &Context,
) -> Result<ClassicTrained> {
    let options = config.row_options(&training);
    let ledger = corpus.sources();
    let rows = DatasetRows::new(corpus, &options, &files.run, context.task())?;
    classic::train(config, training, ledger, &rows, RowSplit::of(&rows), files, context.task())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_folder_stands_beside_the_brain() {
        assert_eq!(run_folder(Path::new("a/b.brain")), Path::new("a/b.brain.run"));
    }

    #[test]
    fn only_the_state_of_a_run_is_forgotten() {
        let run = tempfile::tempdir().unwrap();
        for name in ["metrics.jsonl", "checkpoint-12.safetensors", "notes.txt"] {
            std::fs::write(run.path().join(name), "x").unwrap();
        }
        forget(run.path()).unwrap();
        let left: Vec<_> = std::fs::read_dir(run.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["notes.txt"]);
    }
}
