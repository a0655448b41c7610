//! The course of a training: pretraining, epochs, validation, early stopping, checkpoints, and the brain at the end.
//!
//! Everything but `--minutes` is a function of configuration, examples and seed: the state between two steps is all
//! in the checkpoint, and random choices follow from seed and place (see [`batches`](crate::classic::batches)). So a run that
//! was interrupted anywhere and resumed makes the same brain, bit for bit, as one left alone.
//!
//! Networks learn on centred pictures (see [`Statistics`]). The finished brain takes pictures as they are: the centre
//! moves into the first layer's biases.

mod checks;
mod pretraining;
mod regression;
#[cfg(test)]
mod tests;

use crate::classic::batches::{Batch, Purpose, Statistics, seed, spread};
use crate::classic::brain::{ClassicBrain, ClassicDescription};
use crate::classic::checkpoint::{Metrics, RunFolder, RunState};
use crate::classic::config::{
    ClassicConfig, ClassicTraining, ClassicVerdict, LossHistory, Origin, Pretrain, RunFiles,
};
use crate::classic::rows::{RowSplit, Rows};
use crate::classic::trainer::checks::{check, fingerprint};
use crate::classic::verdict::{JudgedRows, judge};
use crate::ledger::Source;
use crate::task::{Cancel, Quiet, Task};
use crate::{Kind, Result};
use kinophone_nn::backend::{TrainBackend, train_backend};
use kinophone_nn::layer::{self, Layer};
use kinophone_nn::tensors::Tensors;
use std::time::{Duration, Instant};

/// Outcome of a training.
pub struct ClassicTrained {
    /// The brain: the best by validation loss under `patience`, else the last.
    pub brain: ClassicBrain,
    /// Epochs done in all, resumed ones included.
    pub epochs: u32,
    /// A stop was asked for before the planned end; the brain is usable and the run can be resumed.
    pub interrupted: bool,
}

/// Time between checkpoints.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(30);
/// Time between figures for the person who waits.
const REPORT_INTERVAL: Duration = Duration::from_millis(200);
/// Rows that are judged after Ctrl-C, when the person waits.
const INTERRUPTED_ROWS: usize = 2048;

/// Trains a brain. Ctrl-C (the task's cancel flag) is not an error: it ends with the best brain so far.
pub fn train(
    config: ClassicConfig,
    training: ClassicTraining,
    ledger: Vec<Source>,
    examples: &dyn Rows,
    split: RowSplit<'_>,
    files: &RunFiles,
    task: Task<'_>,
) -> Result<ClassicTrained> {
    check(&config, &training, examples, &split)?;
    let run = RunFolder::open(files)?;
    let data = fingerprint(&ledger, examples, &split);
    let fresh = fresh_state(config, training, data);
    let (state, numbers) = match run.newest(&fresh, task.watcher)? {
        Some((old, numbers)) => (RunState { training: fresh.training, ..old }, Some(numbers)),
        None => {
            if files.resume {
                task.watcher.say("there is no checkpoint to resume from; the training begins anew");
            }
            (fresh, None)
        }
    };
    let metrics = run.metrics(state.metrics_bytes)?;
    let statistics = Statistics::of(examples, &split);
    let now = Instant::now();
    let before = state.seconds;
    let trainer = ClassicTrainer {
        examples,
        split,
        task,
        run,
        metrics,
        statistics,
        state,
        ledger,
        batch: Batch::default(),
        before,
        started: now,
        saved: now,
        reported: now,
    };
    trainer.train(numbers)
}

fn fresh_state(brain: ClassicConfig, training: ClassicTraining, data: String) -> RunState {
    let machine = (training.pretrain == Pretrain::Rbm && brain.layers.len() > 2).then_some(0);
    RunState {
        brain,
        training,
        data,
        machine,
        epoch: 0,
        step: 0,
        error_bits: 0,
        history: LossHistory::default(),
        best: None,
        metrics_bytes: 0,
        seconds: 0.0,
    }
}

/// End of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StageEnd {
    /// As planned, by epochs, patience or minutes.
    Planned,
    /// Interrupted by the cancel flag.
    Interrupted,
}

struct ClassicTrainer<'a> {
    examples: &'a dyn Rows,
    split: RowSplit<'a>,
    task: Task<'a>,
    run: RunFolder,
    metrics: Metrics,
    statistics: Statistics,
    state: RunState,
    ledger: Vec<Source>,
    batch: Batch,
    /// Seconds spent by earlier runs.
    before: f64,
    started: Instant,
    saved: Instant,
    reported: Instant,
}

impl ClassicTrainer<'_> {
    fn train(mut self, mut numbers: Option<Tensors>) -> Result<ClassicTrained> {
        let mut layers = self.first_layers();
        if self.state.training.pretrain == Pretrain::Rbm {
            let end = self.pretrain(&mut layers, numbers.as_ref())?;
            if end == StageEnd::Interrupted {
                return self.finish(layers, StageEnd::Interrupted);
            }
            if self.state.machine.take().is_some() {
                (self.state.epoch, self.state.step, self.state.error_bits) = (0, 0, 0);
                numbers = None;
            }
        }
        let mut backend = self.backend(&layers)?;
        let mut best = None;
        if let Some(numbers) = &numbers {
            backend.restore(numbers)?;
            best = self.state.best.map(|_| numbers.layers("best", &self.shapes())).transpose()?;
        }
        drop(numbers);
        let end = self.regress(&mut *backend, &mut best)?;
        self.save_regression(&*backend, &best)?;
        let layers = best.unwrap_or_else(|| backend.layers());
        drop(backend);
        self.finish(layers, end)
    }

    fn backend(&self, layers: &[Layer]) -> Result<Box<dyn TrainBackend>> {
        let (activation, training) = (self.state.brain.activation, &self.state.training);
        Ok(train_backend(training.device, layers, activation, training.optimizer)?)
    }

    /// New layers, for centred pictures.
    fn first_layers(&self) -> Vec<Layer> {
        let seed = seed(self.state.training.seed, Purpose::Weights, [0; 3]);
        layer::initial(&self.state.brain.layers, self.state.brain.activation, &self.statistics.target, seed)
    }

    fn shapes(&self) -> Vec<(usize, usize)> {
        self.state.brain.layers.windows(2).map(|pair| (pair[0], pair[1])).collect()
    }

    fn steps_an_epoch(&self) -> u32 {
        self.split.training.len().div_ceil(self.state.training.batch) as u32
    }

    /// Steps done of the present stage.
    fn steps_done(&self) -> u64 {
        u64::from(self.state.epoch) * u64::from(self.steps_an_epoch()) + u64::from(self.state.step)
    }

    fn seconds(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }

    fn out_of_time(&self) -> bool {
        self.state.training.minutes.is_some_and(|minutes| self.seconds() >= 60.0 * f64::from(minutes))
    }

    fn due(&self) -> bool {
        self.saved.elapsed() >= CHECKPOINT_INTERVAL
    }

    fn save(&mut self, numbers: &Tensors) -> Result<()> {
        self.state.seconds = self.seconds();
        self.run.save(&self.state, numbers)?;
        self.saved = Instant::now();
        Ok(())
    }

    /// Reports the step just done, not too often.
    fn report(&mut self, figure: impl FnOnce(&RunState) -> String) {
        if self.reported.elapsed() >= REPORT_INTERVAL {
            self.reported = Instant::now();
            self.task.watcher.advance(self.steps_done());
            self.task.watcher.figure(&figure(&self.state));
        }
    }

    fn finish(self, mut layers: Vec<Layer>, end: StageEnd) -> Result<ClassicTrained> {
        layers[0].shift(&self.statistics.centre);
        let about = ClassicDescription {
            config: self.state.brain.clone(),
            origin: Origin::Training(self.state.training.clone()),
            ledger: self.ledger.clone(),
            verdict: None,
            history: self.state.history.clone(),
        };
        let judged = ClassicBrain::new(about.clone(), &layers)?;
        let verdict = self.verdict(&judged, end)?;
        let brain = ClassicBrain::new(ClassicDescription { verdict: Some(verdict), ..about }, &layers)?;
        let epochs = self.state.history.epochs.len() as u32;
        Ok(ClassicTrained { brain, epochs, interrupted: end == StageEnd::Interrupted })
    }

    /// Scores on held-out rows, or else on validation rows; after an interruption on some of them only.
    fn verdict(&self, brain: &ClassicBrain, end: StageEnd) -> Result<ClassicVerdict> {
        let held_out = !self.split.held_out.is_empty();
        let rows = if held_out { self.split.held_out } else { self.split.validation };
        let (examples, mean) = (self.examples, &self.statistics.target[..]);
        if end == StageEnd::Planned {
            self.task.watcher.stage("judging", "rows", Some(rows.len() as u64));
            match judge(brain, &JudgedRows { examples, rows, held_out, mean }, self.task) {
                Err(e) if e.kind() == Kind::Interrupted => {}
                other => return other,
            }
        }
        let rows = &spread(rows, INTERRUPTED_ROWS);
        let task = Task { watcher: &Quiet, cancel: &Cancel::default() };
        judge(brain, &JudgedRows { examples, rows, held_out, mean }, task)
    }
}
