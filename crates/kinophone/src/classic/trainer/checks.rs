//! Checks before a training, and the fingerprint of its data.

use crate::classic::brain::check_config;
use crate::classic::config::{ClassicConfig, ClassicTraining};
use crate::classic::rows::{RowSplit, Rows};
use crate::ledger::Source;
use crate::{Error, Kind, Result};
use kinophone_nn::optimizer::Optimizer;

/// Refuses settings and rows with which no training is possible.
pub(super) fn check(
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
                "the rows have {} numbers in and {} out, the brain {} and {}",
                examples.picture_len(),
                examples.target_len(),
                config.picture_len(),
                config.target_len()
            ),
            "make the rows with the brain's own options",
        );
    }
    check_settings(training)?;
    training.device.check()?;
    if split.training.is_empty() {
        return Err(Error::new(
            Kind::Empty,
            "there is nothing to learn from: no tick with picture and sound",
        )
        .help("give films that are longer than a few seconds and have sound"));
    }
    Ok(())
}

fn check_settings(training: &ClassicTraining) -> Result<()> {
    let invalid = |what: String, help: &str| Err(Error::new(Kind::Invalid, what).help(help));
    if !(training.lr > 0.0 && training.lr.is_finite()) {
        return invalid(
            format!("a step size of {} is impossible", training.lr),
            "--lr must be above 0; 0.0003 suits adam",
        );
    }
    if training.batch == 0 {
        return invalid(
            "a batch of no rows is impossible".into(),
            "--batch must be at least 1; 100 is customary",
        );
    }
    if let Optimizer::Nesterov { momentum } = training.optimizer
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
    Ok(())
}

/// BLAKE3 of the ledger and of all row numbers, by which a run to be resumed is recognized.
pub(super) fn fingerprint(ledger: &[Source], examples: &dyn Rows, split: &RowSplit<'_>) -> String {
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
