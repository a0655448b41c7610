//! Regression of targets on pictures: epochs, step size, validation, early stopping.

use crate::classic::batches::{Purpose, seed, shuffled};
use crate::classic::config::{ClassicTraining, EpochLoss};
use crate::classic::trainer::{ClassicTrainer, StageEnd};
use crate::{Error, Result};
use kinophone_nn::backend::TrainBackend;
use kinophone_nn::layer::Layer;
use kinophone_nn::tensors::Tensors;
use serde_json::json;
use std::time::Instant;

/// Rows that are validated at a time.
const VALIDATION_ROWS: usize = 256;
/// Share of the planned steps in which the step size rises.
const WARM_UP_SHARE: f64 = 0.05;

impl ClassicTrainer<'_> {
    /// Trains the network from where its state is to the planned end.
    pub(super) fn regress(
        &mut self,
        backend: &mut dyn TrainBackend,
        best: &mut Option<Vec<Layer>>,
    ) -> Result<StageEnd> {
        let total = u64::from(self.state.training.epochs) * u64::from(self.steps_an_epoch());
        self.task.watcher.stage("training", "steps", Some(total));
        while self.state.epoch < self.state.training.epochs && !self.has_stopped() && !self.out_of_time() {
            if self.epoch(backend, best)? == StageEnd::Interrupted {
                return Ok(StageEnd::Interrupted);
            }
        }
        Ok(StageEnd::Planned)
    }

    /// True if validation has not improved for as long as patience lasts.
    fn has_stopped(&self) -> bool {
        let patience = self.state.training.patience as usize;
        let since = |best: usize| self.state.history.epochs.len() - 1 - best;
        patience > 0 && self.state.best.is_some_and(|best| since(best) >= patience)
    }

    /// Trains for the rest of an epoch, and validates.
    fn epoch(&mut self, backend: &mut dyn TrainBackend, best: &mut Option<Vec<Layer>>) -> Result<StageEnd> {
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
            self.step(backend, rows)?;
            if self.due() {
                self.save_regression(backend, best)?;
            }
        }
        let Some(validation) = self.validate(backend)? else { return Ok(StageEnd::Interrupted) };
        let trained = (self.state.step - first) as usize * batch;
        self.close_epoch(validation, trained as f64 / began.elapsed().as_secs_f64())?;
        if self.state.best.is_some_and(|best| best + 1 == self.state.history.epochs.len()) {
            *best = Some(backend.layers());
        }
        Ok(StageEnd::Planned)
    }

    /// One step on a batch of rows.
    fn step(&mut self, backend: &mut dyn TrainBackend, rows: &[u32]) -> Result<()> {
        self.batch.fetch(self.examples, rows, &self.statistics.centre);
        let error = backend.step(&self.batch.pictures, &self.batch.targets, self.step_size())?;
        if !error.is_finite() {
            return Err(Error::diverged("predicts numbers that are not finite"));
        }
        self.state.error_bits = (self.state.error_sum() + error * rows.len() as f64).to_bits();
        self.state.step += 1;
        self.report(|state| match state.history.epochs.last().and_then(|e| e.validation) {
            Some(validation) => format!("loss {error:.5}, validation {validation:.5}"),
            None => format!("loss {error:.5}"),
        });
        Ok(())
    }

    /// The step size. Under `decay` it rises from 0 to `lr` in the first twentieth of the planned steps, since Adam's
    /// first steps are blind and can kill rectified units for good (Liu et al. 2020), and falls along half a cosine
    /// to a hundredth of it (Loshchilov and Hutter 2017, equation 5, one cycle).
    fn step_size(&self) -> f32 {
        let ClassicTraining { lr, decay, epochs, .. } = self.state.training;
        if !decay {
            return lr;
        }
        let steps = f64::from(self.steps_an_epoch());
        let share = (self.steps_done() as f64 + 0.5) / (steps * f64::from(epochs));
        let rise = (share / WARM_UP_SHARE).min(1.0);
        let fall = 0.5 * (1.0 + (std::f64::consts::PI * share).cos());
        (f64::from(lr) * rise * (0.01 + 0.99 * fall)) as f32
    }

    /// Mean squared error on the validation rows: `None` when interrupted, `Some(None)` where there are none.
    fn validate(&mut self, backend: &mut dyn TrainBackend) -> Result<Option<Option<f64>>> {
        let mut sum = 0.0;
        for rows in self.split.validation.chunks(VALIDATION_ROWS) {
            if self.task.cancel.is_cancelled() {
                return Ok(None);
            }
            self.batch.fetch(self.examples, rows, &self.statistics.centre);
            sum += backend.squared_error(&self.batch.pictures, &self.batch.targets)?;
        }
        let numbers = self.split.validation.len() * self.examples.target_len();
        Ok(Some((numbers > 0).then(|| sum / numbers as f64)))
    }

    /// Records the losses of an epoch, and moves on to the next one. The best epoch is kept only where there is
    /// patience: otherwise the brain is the one at the end.
    fn close_epoch(&mut self, validation: Option<f64>, samples_a_second: f64) -> Result<()> {
        let lr = self.step_size();
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

    /// Writes a checkpoint of the regression.
    pub(super) fn save_regression(
        &mut self,
        backend: &dyn TrainBackend,
        best: &Option<Vec<Layer>>,
    ) -> Result<()> {
        let mut numbers = Tensors::default();
        backend.save(&mut numbers)?;
        numbers.put_layers("best", best.as_deref().unwrap_or_default());
        self.save(&numbers)
    }
}
