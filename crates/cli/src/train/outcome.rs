//! What is said after a training: the verdict, the loss curve, and what to do next.

use crate::context::Context;
use crate::train::options::TrainArgs;
use crate::{pictures, report};
use kinophone::Result;
use kinophone::classic::ClassicTrained;
use kinophone::dataset::HoldOut;
use kinophone::model::Ensemble;
use kinophone::plot::{terminal_curve, terminal_curve_plain, write_png};
use kinophone::storage::Overwrite;
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Size of the loss curve in characters: it fits the smallest usual terminal.
const CURVE: (usize, usize) = (72, 12);

/// Draws the loss curve beside the checkpoints, prints the result, and on standard error what to do with it.
pub fn tell(trained: &ClassicTrained, args: &TrainArgs, run: &Path, context: &Context) -> Result<()> {
    write_png(&pictures::loss_curve(&trained.brain), &run.join("loss.png"), Overwrite::Replace)?;
    context.report.result(|| as_json(trained, args, run), || as_text(trained, args))?;
    if trained.interrupted {
        context.say(&format!("stopped early; to go on: {}", resuming(std::env::args_os())));
    } else {
        context.say(&format!("next: kinophone render {} FILM -o OUT.mp4", word(args.output.as_os_str())));
    }
    Ok(())
}

/// The same for an ensemble.
pub fn tell_ensemble(brain: &Ensemble, interrupted: bool, args: &TrainArgs, context: &Context) -> Result<()> {
    let json = || {
        json!({
            "brain": report::lossy(&args.output),
            "id": brain.id(),
            "interrupted": interrupted,
            "verdict": brain.verdict(),
            "prospects": brain.prospects(),
            "lacks": brain.lacks(),
            "trained_seconds": brain.trained_seconds(),
        })
    };
    let text = || {
        let words = brain.verdict().map_or_else(|| unjudged(brain), |verdict| &verdict.words);
        let prospects = brain.prospects().map_or(String::new(), |p| format!(" {}", p.words));
        let members = brain.config().members.len();
        format!("{}: {members} members\n{words}{prospects}\n", args.output.display())
    };
    context.report.result(json, text)?;
    if interrupted {
        context.say("stopped early: the brain plays, but less well than it could");
    } else {
        context.say(&format!("next: kinophone render {} FILM -o OUT.mp4", word(args.output.as_os_str())));
    }
    Ok(())
}

/// Why there is no verdict.
fn unjudged(brain: &Ensemble) -> &'static str {
    match brain.training().hold_out {
        HoldOut::None => {
            "It was not judged: nothing was held out, so nobody can say how good it is on these films."
        }
        _ => {
            "It was not judged: no film is long enough to have a block of ten seconds that was held out. Learn from longer films, or judge it on another one with 'kinophone eval'."
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
    let judged = if trained.brain.history().epochs.iter().any(|e| e.validation.is_some()) {
        "validation"
    } else {
        "training"
    };
    let mut text = format!("loss ({judged})\n{}\n", draw(&losses, CURVE.0, CURVE.1).trim_end_matches('\n'));
    text += &format!("\n{}: {} epochs\n", args.output.display(), trained.epochs);
    if let Some(verdict) = trained.brain.verdict() {
        text += &format!("{}\n", verdict.words);
    }
    text
}

/// Whether the locale shows more than ASCII, by POSIX's order of its variables.
fn has_unicode() -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|v| std::env::var_os(v).filter(|v| !v.is_empty()));
    cfg!(windows) || locale.is_some_and(|l| l.to_string_lossy().to_ascii_lowercase().contains("utf"))
}

/// The command line that continues this one.
fn resuming(words: impl Iterator<Item = OsString>) -> String {
    let mut shown: Vec<String> =
        words.filter(|w| w != "--force" && w != "--resume").map(|w| word(&w)).collect();
    // Options end at a bare "--", so --resume goes right behind the name of the command.
    let place = shown.iter().position(|w| w == "train").map_or(shown.len(), |i| i + 1);
    shown.insert(place, "--resume".to_owned());
    shown.join(" ")
}

/// A word as a POSIX shell wants it.
pub fn word(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "-_./,:=+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_to_go_on_with_can_be_pasted() {
        let words = ["kinophone", "train", "my film's.mp4", "-o", "b", "--force", "--", "-x.mp4"];
        assert_eq!(
            resuming(words.iter().map(OsString::from)),
            r"kinophone train --resume 'my film'\''s.mp4' -o b -- -x.mp4"
        );
    }
}
