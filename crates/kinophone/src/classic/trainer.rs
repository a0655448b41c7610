//! The course of a training: pretraining, epochs, validation, early stopping, checkpoints, and the brain at the end.
//!
//! Everything but `--minutes` is a function of configuration, examples and seed: the state between two steps is all
//! in the checkpoint, and random choices follow from seed and place (see [`batches`](crate::classic::batches)). So a run that
//! was interrupted anywhere and resumed makes the same brain, bit for bit, as one left alone.
//!
//! Networks learn on centred pictures (see [`Statistics`]). The finished brain takes pictures as they are: the centre
//! moves into the first layer's biases.

#[cfg(test)]
mod tests;

use crate::classic::batches::{Batch, Purpose, Statistics, seed, shuffled, spread};
use crate::classic::brain::{ClassicBrain, ClassicDescription, check_config};
use crate::classic::checkpoint::{Metrics, RunFolder, RunState};
use crate::classic::config::{
    ClassicConfig, ClassicTrained, ClassicTraining, EpochLoss, LossHistory, Origin, Pretrain, RowSplit, Rows,
    RunFiles,
};
use crate::classic::rbm::{Rbm, RbmStep};
use crate::classic::verdict;
use crate::ledger::Source;
use crate::task::{Cancel, Task};
use crate::{Error, Kind, Result};
use kinophone_nn::activation::Activation;
use kinophone_nn::backend::{TrainBackend, train_backend};
use kinophone_nn::layer::{self, Layer};
use kinophone_nn::tensors::Tensors;
use serde_json::json;
use std::time::{Duration, Instant};

/// Rows that are validated at a time.
const VALIDATED: usize = 256;
/// Share of the planned steps in which the step size rises.
const WARM_UP: f64 = 0.05;
/// Time between checkpoints.
const CHECKPOINT: Duration = Duration::from_secs(30);
/// Time between figures for the person who waits.
const FIGURE: Duration = Duration::from_millis(200);
/// Rows that are judged after Ctrl-C, when the person wants to go.
const QUICK: usize = 2048;

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
        told: now,
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

fn check(
    config: &ClassicConfig,
    training: &ClassicTraining,
    examples: &dyn Rows,
    split: &RowSplit<'_>,
) -> Result<()> {
    let invalid = |what: String, help: &str| Err(Error::new(Kind::Invalid, what).help(help));
    if let Err(what) = check_config(config) {
        return invalid(format!("this brain {what}"), "check --layers, --size, --tick and --rate");
    }
    if (config.picture_len(), config.target_len()) != (examples.picture_len(), examples.target_len()) {
        return invalid(
            format!(
                "the examples have {} numbers in and {} out, the brain {} and {}",
                examples.picture_len(),
                examples.target_len(),
                config.picture_len(),
                config.target_len()
            ),
            "make the examples with the brain's own options",
        );
    }
    if !(training.lr > 0.0 && training.lr.is_finite()) {
        return invalid(
            format!("a step size of {} is impossible", training.lr),
            "--lr must be above 0; 0.0003 suits adam",
        );
    }
    if training.batch == 0 {
        return invalid(
            "a batch of no pairs is impossible".into(),
            "--batch must be at least 1; 100 is customary",
        );
    }
    if let kinophone_nn::optimizer::Optimizer::Nesterov { momentum } = training.optimizer
        && !(0.0..1.0).contains(&momentum)
    {
        return invalid(
            format!("a momentum of {momentum} is impossible"),
            "--momentum must be at least 0 and below 1",
        );
    }
    if training.minutes.is_some_and(|m| m.is_nan() || m < 0.0) {
        return invalid("the minutes are no time".into(), "--minutes must be above 0");
    }
    training.device.check()?;
    if split.training.is_empty() {
        return Err(Error::new(Kind::Empty, "there is nothing to learn from: no pair of picture and sound")
            .help("give films that are longer than a few seconds and have sound"));
    }
    Ok(())
}

fn fingerprint(ledger: &[Source], examples: &dyn Rows, split: &RowSplit<'_>) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&serde_json::to_vec(ledger).expect("a ledger is plain data with text keys"));
    for n in [examples.picture_len(), examples.target_len()] {
        hasher.update(&(n as u64).to_le_bytes());
    }
    for rows in [split.training, split.validation, split.held_out] {
        hasher.update(&(rows.len() as u64).to_le_bytes()).update(bytemuck::cast_slice(rows));
    }
    hasher.finalize().to_hex().to_string()
}

/// How a stage ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StageEnd {
    /// As planned, by epochs, patience or minutes.
    Planned,
    /// By the cancel flag.
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
    told: Instant,
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
        let mut engine = self.engine(&layers)?;
        let mut best = None;
        if let Some(numbers) = &numbers {
            engine.restore(numbers)?;
            best = self.state.best.map(|_| numbers.layers("best", &self.shapes())).transpose()?;
        }
        drop(numbers);
        let end = self.regress(&mut *engine, &mut best)?;
        self.save_regression(&*engine, &best)?;
        let layers = best.unwrap_or_else(|| engine.layers());
        drop(engine);
        self.finish(layers, end)
    }

    fn engine(&self, layers: &[Layer]) -> Result<Box<dyn TrainBackend>> {
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
        self.saved.elapsed() >= CHECKPOINT
    }

    fn save(&mut self, numbers: &Tensors) -> Result<()> {
        self.state.seconds = self.seconds();
        self.run.save(&self.state, numbers)?;
        self.saved = Instant::now();
        Ok(())
    }

    /// Tells of the step just done, not too often.
    fn tell(&mut self, figure: impl FnOnce(&RunState) -> String) {
        if self.told.elapsed() >= FIGURE {
            self.told = Instant::now();
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

    fn verdict(&self, brain: &ClassicBrain, end: StageEnd) -> Result<crate::classic::config::ClassicVerdict> {
        let held_out = !self.split.held_out.is_empty();
        let rows = if held_out { self.split.held_out } else { self.split.validation };
        if end == StageEnd::Planned {
            self.task.watcher.stage("judging", "pairs", None);
            match verdict::judge(
                brain,
                self.examples,
                rows,
                held_out,
                &self.statistics.target,
                self.task.cancel,
            ) {
                Err(e) if e.kind() == Kind::Interrupted => {}
                other => return other,
            }
        }
        let few = spread(rows, QUICK);
        verdict::judge(brain, self.examples, &few, held_out, &self.statistics.target, &Cancel::default())
    }
}

/// The regression.
impl ClassicTrainer<'_> {
    fn regress(&mut self, engine: &mut dyn TrainBackend, best: &mut Option<Vec<Layer>>) -> Result<StageEnd> {
        let total = u64::from(self.state.training.epochs) * u64::from(self.steps_an_epoch());
        self.task.watcher.stage("training", "steps", Some(total));
        while self.state.epoch < self.state.training.epochs && !self.has_stopped() && !self.out_of_time() {
            if self.epoch(engine, best)? == StageEnd::Interrupted {
                return Ok(StageEnd::Interrupted);
            }
        }
        Ok(StageEnd::Planned)
    }

    /// Whether validation has not improved for as long as patience lasts.
    fn has_stopped(&self) -> bool {
        let patience = self.state.training.patience as usize;
        let since = |best: usize| self.state.history.epochs.len() - 1 - best;
        patience > 0 && self.state.best.is_some_and(|best| since(best) >= patience)
    }

    fn epoch(&mut self, engine: &mut dyn TrainBackend, best: &mut Option<Vec<Layer>>) -> Result<StageEnd> {
        let began = Instant::now();
        let first = self.state.step;
        let place = seed(self.state.training.seed, Purpose::Order, [self.state.epoch, 0, 0]);
        let order = shuffled(self.split.training, place);
        let batch = self.state.training.batch;
        for rows in order.chunks(batch).skip(first as usize) {
            if self.task.cancel.is_cancelled() {
                return Ok(StageEnd::Interrupted);
            }
            if self.out_of_time() && self.state.step > 0 {
                break;
            }
            self.step(engine, rows)?;
            if self.due() {
                self.save_regression(engine, best)?;
            }
        }
        let Some(validation) = self.validate(engine)? else { return Ok(StageEnd::Interrupted) };
        let trained = (self.state.step - first) as usize * batch;
        self.close_epoch(validation, trained as f64 / began.elapsed().as_secs_f64())?;
        if self.state.best.is_some_and(|best| best + 1 == self.state.history.epochs.len()) {
            *best = Some(engine.layers());
        }
        Ok(StageEnd::Planned)
    }

    fn step(&mut self, engine: &mut dyn TrainBackend, rows: &[u32]) -> Result<()> {
        self.batch.fetch(self.examples, rows, &self.statistics.centre);
        let error = engine.step(&self.batch.pictures, &self.batch.targets, self.lr())?;
        if !error.is_finite() {
            return Err(Error::diverged("says numbers that are not finite"));
        }
        self.state.error_bits = (self.state.error_sum() + error * rows.len() as f64).to_bits();
        self.state.step += 1;
        self.tell(|state| match state.history.epochs.last().and_then(|e| e.validation) {
            Some(validation) => format!("loss {error:.5}, validation {validation:.5}"),
            None => format!("loss {error:.5}"),
        });
        Ok(())
    }

    /// The step size. Under `decay` it rises from 0 to `lr` in the first twentieth of the planned steps, since Adam's
    /// first steps are blind and can kill rectified units for good (Liu et al. 2020), and falls along half a cosine
    /// to a hundredth of it (Loshchilov and Hutter 2017, equation 5, one cycle).
    fn lr(&self) -> f32 {
        let ClassicTraining { lr, decay, epochs, .. } = self.state.training;
        if !decay {
            return lr;
        }
        let steps = f64::from(self.steps_an_epoch());
        let share = (self.steps_done() as f64 + 0.5) / (steps * f64::from(epochs));
        let rise = (share / WARM_UP).min(1.0);
        let fall = 0.5 * (1.0 + (std::f64::consts::PI * share).cos());
        (f64::from(lr) * rise * (0.01 + 0.99 * fall)) as f32
    }

    /// Mean squared error on the validation rows: `None` when interrupted, `Some(None)` where there are none.
    fn validate(&mut self, engine: &mut dyn TrainBackend) -> Result<Option<Option<f64>>> {
        let mut sum = 0.0;
        for rows in self.split.validation.chunks(VALIDATED) {
            if self.task.cancel.is_cancelled() {
                return Ok(None);
            }
            self.batch.fetch(self.examples, rows, &self.statistics.centre);
            sum += engine.squared_error(&self.batch.pictures, &self.batch.targets)?;
        }
        let numbers = self.split.validation.len() * self.examples.target_len();
        Ok(Some((numbers > 0).then(|| sum / numbers as f64)))
    }

    /// Notes the losses of an epoch, and moves on to the next one. The best epoch is only sought where patience is to
    /// be tried: otherwise the brain is the one at the end.
    fn close_epoch(&mut self, validation: Option<f64>, samples_a_second: f64) -> Result<()> {
        let lr = self.lr();
        let state = &mut self.state;
        let rows = (state.step as usize * state.training.batch).min(self.split.training.len());
        let training = (state.error_sum() / rows.max(1) as f64) as f32;
        let validation = validation.map(|v| v as f32);
        let best = state.best.and_then(|best| state.history.epochs[best].validation);
        if state.training.patience > 0 && validation.is_some_and(|v| best.is_none_or(|best| v < best)) {
            state.best = Some(state.history.epochs.len());
        }
        state.history.epochs.push(EpochLoss { training, validation });
        (state.epoch, state.error_bits) = (state.epoch + 1, 0);
        state.step = 0;
        let steps = self.steps_done();
        let line = json!({
            "epoch": self.state.epoch, "step": steps, "loss": training, "validation": validation, "lr": lr,
            "samples_per_s": samples_a_second.round(), "seconds": self.seconds(),
        });
        self.state.metrics_bytes = self.metrics.add(&line)?;
        self.task.watcher.advance(steps);
        Ok(())
    }

    fn save_regression(&mut self, engine: &dyn TrainBackend, best: &Option<Vec<Layer>>) -> Result<()> {
        let mut numbers = Tensors::default();
        engine.save(&mut numbers)?;
        numbers.put_layers("best", best.as_deref().unwrap_or_default());
        self.save(&numbers)
    }
}

/// The pretraining.
impl ClassicTrainer<'_> {
    /// Learns the machines that are still to learn, and puts all of them into the hidden `layers`.
    fn pretrain(&mut self, layers: &mut [Layer], numbers: Option<&Tensors>) -> Result<StageEnd> {
        let hidden = layers.len() - 1;
        let Some(current) = self.state.machine else { return Ok(StageEnd::Planned) };
        let mut stack: Vec<Rbm> = Vec::new();
        for index in 0..hidden {
            let kept = numbers.filter(|_| index <= current);
            let mut machine = self.machine(&mut stack, index, kept.is_some());
            if let Some(numbers) = kept {
                machine.restore(&prefix(index), numbers)?;
            }
            stack.push(machine);
            if index >= current && self.learn_machine(&mut stack)? == StageEnd::Interrupted {
                return Ok(StageEnd::Interrupted);
            }
            layers[index] = stack[index].layer();
            if index == 0 {
                // The machines see pictures as they are; the regression will see them centred.
                let back: Vec<f32> = self.statistics.centre.iter().map(|x| -x).collect();
                layers[0].shift(&back);
            }
        }
        Ok(StageEnd::Planned)
    }

    /// A new machine above the `stack`. The statistics from which its biases begin are not sought where it will be
    /// `restored`.
    fn machine(&mut self, stack: &mut [Rbm], index: usize, restored: bool) -> Rbm {
        let kind = self.state.brain.activation;
        let sizes = &self.state.brain.layers;
        let (visible, hidden) = (sizes[index], sizes[index + 1]);
        let visible_kind = if index == 0 { Activation::Sigmoid } else { kind };
        let mean = match index {
            _ if restored => vec![0.5; visible],
            0 => self.statistics.picture.clone(),
            _ => self.mean_below(stack),
        };
        let seed = seed(self.state.training.seed, Purpose::Weights, [1 + index as u32, 0, 0]);
        Rbm::new(&mean, hidden, visible_kind, kind, seed)
    }

    /// Mean output of the topmost machine, over some training rows.
    fn mean_below(&mut self, stack: &mut [Rbm]) -> Vec<f32> {
        let rows = spread(self.split.training, QUICK);
        self.batch.fetch(self.examples, &rows, &[]);
        let up = rise(stack, &self.batch.pictures);
        let size = up.len() / rows.len();
        let mean = |i: usize| up[i..].iter().step_by(size).sum::<f32>() / rows.len() as f32;
        (0..size).map(mean).collect()
    }

    /// Learns the topmost machine of the stack.
    fn learn_machine(&mut self, stack: &mut [Rbm]) -> Result<StageEnd> {
        let index = stack.len() - 1;
        let (steps, epochs) = (self.steps_an_epoch(), self.state.training.pretrain_epochs);
        if self.state.machine != Some(index) {
            (self.state.machine, self.state.epoch) = (Some(index), 0);
            (self.state.step, self.state.error_bits) = (0, 0);
        }
        let name = format!("pretraining layer {} of {}", index + 1, self.state.brain.layers.len() - 2);
        self.task.watcher.stage(&name, "steps", Some(u64::from(epochs) * u64::from(steps)));
        while self.state.epoch < epochs {
            let place = seed(
                self.state.training.seed,
                Purpose::Pretraining,
                [index as u32, self.state.epoch, u32::MAX],
            );
            let order = shuffled(self.split.training, place);
            for rows in order.chunks(self.state.training.batch).skip(self.state.step as usize) {
                if self.task.cancel.is_cancelled() {
                    self.save_stack(stack)?;
                    return Ok(StageEnd::Interrupted);
                }
                self.machine_step(stack, rows)?;
                if self.due() {
                    self.save_stack(stack)?;
                }
            }
            self.close_machine_epoch(index)?;
        }
        Ok(StageEnd::Planned)
    }

    fn machine_step(&mut self, stack: &mut [Rbm], rows: &[u32]) -> Result<()> {
        let index = stack.len() - 1;
        let training = &self.state.training;
        let pace = RbmStep::at(self.state.brain.activation, self.state.epoch, training.pretrain_epochs);
        let place =
            seed(training.seed, Purpose::Pretraining, [index as u32, self.state.epoch, self.state.step]);
        self.batch.fetch(self.examples, rows, &[]);
        let (machine, below) = stack.split_last_mut().expect("a machine is being learned");
        let visible = rise(below, &self.batch.pictures);
        let error = machine.step(&visible, pace, place);
        if !error.is_finite() {
            return Err(Error::diverged("reconstructs numbers that are not finite")
                .help("pretrain with --activation sigmoid"));
        }
        self.state.error_bits = (self.state.error_sum() + error * rows.len() as f64).to_bits();
        self.state.step += 1;
        self.tell(|_| format!("reconstruction error {error:.5}"));
        Ok(())
    }

    fn close_machine_epoch(&mut self, index: usize) -> Result<()> {
        let error = (self.state.error_sum() / self.split.training.len() as f64) as f32;
        let seconds = self.seconds();
        let state = &mut self.state;
        state.history.reconstruction.resize(index + 1, Vec::new());
        state.history.reconstruction[index].push(error);
        (state.epoch, state.step, state.error_bits) = (state.epoch + 1, 0, 0);
        let line = json!({
            "pretrained_layer": index + 1, "epoch": state.epoch, "reconstruction": error, "seconds": seconds,
        });
        state.metrics_bytes = self.metrics.add(&line)?;
        Ok(())
    }

    fn save_stack(&mut self, stack: &[Rbm]) -> Result<()> {
        let mut numbers = Tensors::default();
        for (index, machine) in stack.iter().enumerate() {
            machine.save(&prefix(index), &mut numbers);
        }
        self.save(&numbers)
    }
}

fn prefix(index: usize) -> String {
    format!("machines.{index}")
}

/// Pictures through all machines of a stack.
fn rise(stack: &mut [Rbm], pictures: &[f32]) -> Vec<f32> {
    stack.iter_mut().fold(pictures.to_vec(), |x, machine| machine.up(&x))
}
