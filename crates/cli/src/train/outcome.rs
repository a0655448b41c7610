//! Messages after a training: the verdict, the loss curve, and the next step.

use crate::context::Context;
use crate::train::args::TrainArgs;
use crate::wording::{next_step, shell_word};
use crate::{pictures, report};
use kinophone::Result;
use kinophone::classic::ClassicTrained;
use kinophone::dataset::HoldOut;
use kinophone::model::Ensemble;
use kinophone::plot::{terminal_curve, terminal_curve_plain, write_png};
use kinophone::storage::Overwrite;
use kinophone::wording::count;
use serde_json::{Value, json};
use std::ffi::OsString;
use std::path::Path;

/// Columns and rows of the loss curve, which fits the smallest usual terminal.
const CURVE_SIZE: (usize, usize) = (72, 12);

/// Draws the loss curve beside the checkpoints, prints the result, and names the next step on standard error.
pub fn report_classic(
    trained: &ClassicTrained,
    args: &TrainArgs,
    run: &Path,
    context: &Context,
) -> Result<()> {
    write_png(&pictures::loss_curve(&trained.brain), &run.join("loss.png"), Overwrite::Replace)?;
    context.report.result(|| as_json(trained, args, run), || as_text(trained, args))?;
    if trained.interrupted {
        context.note(&format!("stopped early; to continue: {}", resuming(std::env::args_os())));
    } else {
        context.note(&next_step(&args.output));
    }
    Ok(())
}

/// Prints the result of an ensemble's training, and names the next step on standard error.
pub fn report_ensemble(
    brain: &Ensemble,
    interrupted: bool,
    args: &TrainArgs,
    context: &Context,
) -> Result<()> {
    let json = || {
        json!({
            "brain": report::lossy(&args.output),
            "id": brain.id(),
            "interrupted": interrupted,
            "verdict": brain.verdict(),
            "trust": brain.config().trust,
            "lag": brain.config().lag,
            "prospects": brain.learning_curve(),
            "lacks": brain.shortcomings(),
            "trained_seconds": brain.trained_seconds(),
        })
    };
    let text = || {
        let words = brain.verdict().map_or_else(|| no_verdict(brain), |verdict| &verdict.words);
        let trust = validation_words(brain);
        let curve = brain.learning_curve().map_or(String::new(), |p| format!(" {}", p.words));
        let members = count(brain.config().members.len(), "members");
        format!("{}: {members}\n{words} {trust}{curve}\n", crate::report::shown(&args.output))
    };
    context.report.result(json, text)?;
    if interrupted {
        context.note("stopped early: the brain can be used, but a full training makes a better one");
    } else {
        context.note(&next_step(&args.output));
    }
    Ok(())
}

/// Results of the validation on parts that were set aside.
fn validation_words(brain: &Ensemble) -> String {
    let config = brain.config();
    let late = if config.lag > 0 { "late" } else { "early" };
    let lag = match config.lag {
        0 => String::new(),
        lag => format!(
            " Its attacks came {} too {late}, which is taken out in films.",
            count(lag.unsigned_abs() as usize, "ticks")
        ),
    };
    format!("{}{lag}", config.trust.words())
}

/// The reason for which there is no verdict.
fn no_verdict(brain: &Ensemble) -> &'static str {
    match brain.training().hold_out {
        HoldOut::None => "It was not evaluated: no block was held out of the training.",
        _ => {
            "It was not evaluated: no film is long enough for a held-out block of ten seconds. Train on longer films, or evaluate it on another one with 'kinophone eval'."
        }
    }
}

fn as_json(trained: &ClassicTrained, args: &TrainArgs, run: &Path) -> Value {
    json!({
        "brain": report::lossy(&args.output),
        "id": trained.brain.id(),
        "run": report::lossy(run),
        "epochs": trained.epochs,
        "interrupted": trained.interrupted,
        "verdict": trained.brain.verdict(),
    })
}

fn as_text(trained: &ClassicTrained, args: &TrainArgs) -> String {
    let losses: Vec<f32> =
        trained.brain.history().epochs.iter().map(|e| e.validation.unwrap_or(e.training)).collect();
    let draw = if has_unicode() { terminal_curve } else { terminal_curve_plain };
    let blocks = if trained.brain.history().epochs.iter().any(|e| e.validation.is_some()) {
        "validation"
    } else {
        "training"
    };
    let mut text =
        format!("loss ({blocks})\n{}\n", draw(&losses, CURVE_SIZE.0, CURVE_SIZE.1).trim_end_matches('\n'));
    text += &format!("\n{}: {}\n", crate::report::shown(&args.output), count(trained.epochs, "epochs"));
    if let Some(verdict) = trained.brain.verdict() {
        text += &format!("{}\n", verdict.words);
    }
    text
}

/// True where the locale shows more than ASCII, by POSIX's order of its variables.
fn has_unicode() -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|v| std::env::var_os(v).filter(|v| !v.is_empty()));
    cfg!(windows) || locale.is_some_and(|l| l.to_string_lossy().to_ascii_lowercase().contains("utf"))
}

/// The command line that continues this one.
fn resuming(words: impl Iterator<Item = OsString>) -> String {
    let mut shown: Vec<String> =
        words.filter(|w| w != "--force" && w != "--resume").map(|w| shell_word(&w)).collect();
    // Options end at a bare "--", so --resume goes right after the name of the command.
    let place = shown.iter().position(|w| w == "train").map_or(shown.len(), |i| i + 1);
    shown.insert(place, "--resume".to_owned());
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_continues_can_be_pasted() {
        let words = ["kinophone", "train", "my film's.mp4", "-o", "b", "--force", "--", "-x.mp4"];
        assert_eq!(
            resuming(words.iter().map(OsString::from)),
            r"kinophone train --resume 'my film'\''s.mp4' -o b -- -x.mp4"
        );
    }
}
