//! Training of an ensemble: features and sound of all films, calibration on a part set aside, members, verdict, assembly.

mod assembly;
pub mod calibration;
pub mod config;
pub mod data_checks;
mod film_features;
pub(crate) mod lag;
pub mod learning_curve;
mod member_plan;
mod members;
mod prediction;
pub mod sampling;
mod stacking;
pub mod step_budget;
mod trainer;
pub mod validation;

use crate::dataset::TickDataset;
use crate::ledger::Source;
use crate::model::ensemble::Ensemble;
use crate::model::training::calibration::calibration_networks;
use crate::model::training::config::EnsembleTraining;
use crate::model::training::member_plan::planned_members;
use crate::model::training::step_budget::StepBudget;
use crate::model::training::trainer::EnsembleTrainer;
use crate::task::Task;
use crate::{Error, Kind, Result};
use std::time::Instant;

/// Trains an ensemble on a dataset at 22 050 Hz. Ctrl-C (the task's cancel flag) ends it with what was learned so
/// far, once there is something; `true` says so.
pub fn train(
    dataset: &TickDataset,
    training: EnsembleTraining,
    ledger: Vec<Source>,
    task: Task<'_>,
) -> Result<(Ensemble, bool)> {
    let begun = Instant::now();
    let trainer = EnsembleTrainer::prepare(dataset, training, task)?;
    let configs = planned_members(&trainer.training, &trainer.features);
    if configs.is_empty() {
        let what = "there is nothing to learn with: a memory compares motion and appearance, and neither is looked for";
        return Err(Error::new(Kind::Invalid, what)
            .help("add motion or appearance to --see, or a network to --net, such as tcn"));
    }
    let networks = configs.iter().filter(|config| config.is_network()).count() as f64
        + calibration_networks(&trainer.spans);
    let mut step_budget = StepBudget::new(trainer.training.steps, trainer.training.minutes, begun, networks);
    let calibration = trainer.calibrate(&configs, &mut step_budget)?;
    let configs = calibration.suitable(configs);
    let mut members = Vec::new();
    for (i, config) in configs.iter().enumerate() {
        // Whoever interrupts gets what has been learned by then: at least the first member.
        if task.cancel.is_cancelled() && !members.is_empty() {
            break;
        }
        let stage = format!("training member {} of {}", i + 1, configs.len());
        let budget = step_budget.next(f64::from(config.is_network()));
        members.push(trainer.train_member(&stage, i, config, &trainer.spans, budget)?.0);
    }
    let interrupted = task.cancel.is_cancelled();
    Ok((trainer.finish(members, calibration, ledger), interrupted))
}
