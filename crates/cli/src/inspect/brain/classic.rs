//! The facts of a network of 2015.

use crate::inspect::facts::Facts;
use crate::inspect::sources::training_films;
use crate::pictures::Album;
use crate::wording::{byte_size, setting};
use kinophone::Result;
use kinophone::classic::{ClassicBrain, ClassicConfig, ClassicTraining, Imported};
use kinophone::nn::optimizer::Optimizer;
use kinophone::wording::count;
use kinophone_dsp::frames::FrameFormat;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn inspect(
    (path, bytes): (&Path, u64),
    brain: &ClassicBrain,
    pictures: Option<&Path>,
) -> Result<Facts> {
    let facts = Facts::new("brain", path, as_json(brain, bytes));
    let facts = network(facts, brain, bytes);
    let facts = match (brain.training(), brain.imported()) {
        (_, Some(import)) => imported(facts, import),
        (Some(settings), None) => training(facts, settings),
        (None, None) => facts,
    };
    let facts = verdict(facts, brain);
    let facts = match brain.imported() {
        Some(_) => facts.section("trained on").line("unknown", "the imported file names no film"),
        None => training_films(facts, brain.ledger()),
    };
    let Some(folder) = pictures else { return Ok(facts) };
    let mut album = Album::open(folder)?;
    album.brain(brain)?;
    Ok(facts.drawn(album.files()))
}

fn as_json(brain: &ClassicBrain, bytes: u64) -> Value {
    json!({
        "id": brain.id(),
        "bytes": bytes,
        "parameters": parameters(&brain.config().layers),
        "config": brain.config(),
        "training": brain.training(),
        "imported": brain.imported(),
        "verdict": brain.verdict(),
        "history": brain.history(),
        "ledger": brain.ledger(),
    })
}

fn network(facts: Facts, brain: &ClassicBrain, bytes: u64) -> Facts {
    let config = brain.config();
    let layers: Vec<String> = config.layers.iter().map(usize::to_string).collect();
    let colour = if config.colour { "colour" } else { "grey" };
    facts
        .line("id", brain.id())
        .line("size", byte_size(bytes))
        .line("layers", layers.join("-"))
        .line("parameters", parameters(&config.layers))
        .line("nonlinearity", setting(&config.activation))
        .line("picture", format!("{0} x {0} {colour}", config.size))
        .line("tick", format!("{} a second", config.grid.tick))
        .line("sound", config.grid.rate)
        .line("predicts", output(config))
        .line("hops", config.hops)
}

/// The network's output at each tick.
fn output(config: &ClassicConfig) -> String {
    let &ClassicConfig { format, grid, hops, .. } = config;
    let samples = format.samples(grid, hops);
    let bins = samples / 2 + 1;
    match format {
        FrameFormat::Pcm => format!("{} a tick", count(samples, "samples")),
        FrameFormat::Stft => format!("{bins} magnitudes a tick, of {samples} samples"),
        FrameFormat::StftPhase => format!("{bins} magnitudes and phases a tick, of {samples} samples"),
    }
}

fn training(facts: Facts, settings: &ClassicTraining) -> Facts {
    let rule = match settings.optimizer {
        Optimizer::Adam => "adam".to_owned(),
        Optimizer::Nesterov { momentum } => format!("nesterov, momentum {momentum}"),
    };
    let decay = if settings.decay { ", falling along a cosine" } else { "" };
    facts
        .section("training")
        .line("optimizer", rule)
        .line("step size", format!("{}{decay}", settings.lr))
        .line("batch", settings.batch)
        .line("highest number of epochs", settings.epochs)
        .maybe("time limit in minutes", settings.minutes)
        .line("pretraining", setting(&settings.pretrain))
        .line("held out", setting(&settings.hold_out))
        .line("silence", format!("{} s of black and of white", settings.silence_secs))
        .line("seed", settings.seed)
        .line("device", settings.device.name())
}

fn imported(facts: Facts, file: &Imported) -> Facts {
    facts
        .section("imported")
        .line("from", &file.name)
        .line("saved by", &file.writer)
        .line("blake3", &file.blake3)
        .line("training", "unknown")
        .line("held out", "unknown")
}

fn verdict(facts: Facts, brain: &ClassicBrain) -> Facts {
    let Some(verdict) = brain.verdict() else { return facts };
    let title = if verdict.held_out { "verdict on held-out blocks" } else { "verdict on validation blocks" };
    facts
        .section(title)
        .line("error", format!("{:.6}", verdict.error))
        .line("error of silence", format!("{:.6}", verdict.error_of_silence))
        .line("error of mean sound", format!("{:.6}", verdict.error_of_mean))
        .line("loudness correlation", format!("{:.2}", verdict.loudness_r))
        .line("summary", &verdict.words)
}

/// Weights and biases.
fn parameters(layers: &[usize]) -> usize {
    layers.windows(2).map(|pair| pair[0] * pair[1] + pair[1]).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_the_classic_brain() {
        assert_eq!(parameters(&[4096, 1000, 735]), 4_096_000 + 1000 + 735_000 + 735);
    }
}
