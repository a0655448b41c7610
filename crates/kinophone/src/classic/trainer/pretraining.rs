//! Pretraining: restricted Boltzmann machines, stacked greedily.

use crate::classic::batches::{Purpose, seed, shuffled, spread};
use crate::classic::rbm::{Rbm, RbmStep};
use crate::classic::trainer::{ClassicTrainer, StageEnd};
use crate::{Error, Result};
use kinophone_nn::activation::Activation;
use kinophone_nn::layer::Layer;
use kinophone_nn::tensors::Tensors;
use serde_json::json;

/// Rows from which the mean output of a machine is taken.
const MEAN_ROWS: usize = 2048;

impl ClassicTrainer<'_> {
    /// Trains the machines that are still untrained, and puts all of them into the hidden `layers`.
    pub(super) fn pretrain(&mut self, layers: &mut [Layer], numbers: Option<&Tensors>) -> Result<StageEnd> {
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
            if index >= current && self.train_machine(&mut stack)? == StageEnd::Interrupted {
                return Ok(StageEnd::Interrupted);
            }
            layers[index] = stack[index].layer();
            if index == 0 {
                // The machines take pictures as they are; the regression takes them centred.
                let back: Vec<f32> = self.statistics.centre.iter().map(|x| -x).collect();
                layers[0].shift(&back);
            }
        }
        Ok(StageEnd::Planned)
    }

    /// A new machine above the `stack`. The statistics from which its biases begin are not computed where it will be
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
        let rows = spread(self.split.training, MEAN_ROWS);
        self.batch.fetch(self.examples, &rows, &[]);
        let up = propagate(stack, &self.batch.pictures);
        let size = up.len() / rows.len();
        let mean = |i: usize| up[i..].iter().step_by(size).sum::<f32>() / rows.len() as f32;
        (0..size).map(mean).collect()
    }

    /// Trains the topmost machine of the stack.
    fn train_machine(&mut self, stack: &mut [Rbm]) -> Result<StageEnd> {
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

    /// One step of the topmost machine on a batch of rows.
    fn machine_step(&mut self, stack: &mut [Rbm], rows: &[u32]) -> Result<()> {
        let index = stack.len() - 1;
        let training = &self.state.training;
        let step = RbmStep::at(self.state.brain.activation, self.state.epoch, training.pretrain_epochs);
        let place =
            seed(training.seed, Purpose::Pretraining, [index as u32, self.state.epoch, self.state.step]);
        self.batch.fetch(self.examples, rows, &[]);
        let (machine, below) = stack.split_last_mut().expect("a machine is being trained");
        let visible = propagate(below, &self.batch.pictures);
        let error = machine.step(&visible, step, place);
        if !error.is_finite() {
            return Err(Error::diverged("reconstructs numbers that are not finite")
                .help("pretrain with --activation sigmoid"));
        }
        self.state.error_bits = (self.state.error_sum() + error * rows.len() as f64).to_bits();
        self.state.step += 1;
        self.report(|_| format!("reconstruction error {error:.5}"));
        Ok(())
    }

    /// Records the error of an epoch, and moves on to the next one.
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

    /// Writes a checkpoint of the pretraining.
    fn save_stack(&mut self, stack: &[Rbm]) -> Result<()> {
        let mut numbers = Tensors::default();
        for (index, machine) in stack.iter().enumerate() {
            machine.save(&prefix(index), &mut numbers);
        }
        self.save(&numbers)
    }
}

/// Prefix of a machine's tensors in a checkpoint.
fn prefix(index: usize) -> String {
    format!("machines.{index}")
}

/// Outputs of the topmost machine of a stack for some pictures.
fn propagate(stack: &mut [Rbm], pictures: &[f32]) -> Vec<f32> {
    stack.iter_mut().fold(pictures.to_vec(), |x, machine| machine.up(&x))
}
