//! The facts of a brain: what it is, how it learned, from what, how good it is.

use crate::context;
use crate::doctor::machine::size;
use crate::inspect::facts::Facts;
use crate::pictures::Album;
use kinophone::Result;
use kinophone::brain::Brain;
use kinophone::classic::{ClassicBrain, ClassicConfig, ClassicTraining, Imported};
use kinophone::ledger::Source;
use kinophone::model::{Ensemble, EnsembleConfig, MemberConfig, PredictorConfig};
use kinophone::nn::optimizer::Optimizer;
use kinophone::nn::sequence::Architecture;
use kinophone_dsp::frames::FrameFormat;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn inspect(path: &Path, pictures: Option<&Path>) -> Result<Facts> {
    let bytes = context::existing(path)?.len();
    let brain = match Brain::load(path)? {
        Brain::Classic(brain) => brain,
        Brain::Ensemble(brain) => return ensemble(path, bytes, &brain, pictures),
    };
    let facts = Facts::new("brain", path, as_json(&brain, bytes));
    let facts = network(facts, &brain, bytes);
    let facts = match (brain.training(), brain.imported()) {
        (_, Some(file)) => import(facts, file),
        (Some(training), None) => learning(facts, training),
        (None, None) => facts,
    };
    let facts = verdict(facts, &brain);
    let facts = match brain.imported() {
        Some(_) => facts.section("learned from").line("unknown", "the imported file names no film"),
        None => brain.ledger().iter().fold(facts.section("learned from"), source),
    };
    let Some(folder) = pictures else { return Ok(facts) };
    let mut album = Album::open(folder)?;
    album.brain(&brain)?;
    Ok(facts.drawn(album.files()))
}

fn ensemble(path: &Path, bytes: u64, brain: &Ensemble, pictures: Option<&Path>) -> Result<Facts> {
    let config = brain.config();
    let json = json!({
        "id": brain.id(),
        "bytes": bytes,
        "config": config,
        "training": brain.training(),
        "verdict": brain.verdict(),
        "prospects": brain.prospects(),
        "lacks": brain.lacks(),
        "trained_seconds": brain.trained_seconds(),
        "ledger": brain.ledger(),
    });
    let facts = Facts::new("brain", path, json)
        .line("id", brain.id())
        .line("size", size(bytes))
        .line("members", members(config))
        .line("tick", format!("{} a second", config.grid.tick))
        .line(
            "pictures",
            format!("{0} x {0} {1}", config.size, if brain.features().colour() { "colour" } else { "grey" }),
        );
    let facts = config.views.iter().fold(facts, |facts, view| {
        let percent = |x: f32| (100.0 * x).round();
        let r = view.region;
        let place = format!(
            "{} to {} % across, {} to {} % down; {} components",
            percent(r.x),
            percent(r.x + r.w),
            percent(r.y),
            percent(r.y + r.h),
            view.kinds.iter().map(|(_, count)| count).sum::<usize>()
        );
        facts.line("looks at", place)
    });
    let sound = match &config.training_audio {
        Some(m) => format!("{} units at {}, {} channels", m.units(), m.rate, m.channels),
        None => "none".to_owned(),
    };
    let training = brain.training();
    let facts = facts
        .line("sound to play", sound)
        .line("filter of a mosaic", format!("tone {}, attack {}", config.shape.tone, config.shape.attack))
        .section("training")
        .line("steps", training.steps)
        .maybe("minutes at most", training.minutes)
        .maybe("film", brain.trained_seconds().map(|seconds| format!("{seconds:.0} s")))
        .line("held out", word(&training.hold_out))
        .line("seed", training.seed);
    let facts = brain.lacks().iter().fold(facts, |facts, lack| facts.line("too little", lack));
    let facts = match brain.verdict() {
        Some(verdict) => facts
            .section("verdict on held-out blocks")
            .line("attacks, correlation", with_range(verdict.onset_r, verdict.onset_range))
            .line("by chance", format!("{:.2}", verdict.onset_by_chance))
            .line("loudness, correlation", with_range(verdict.loudness_r, verdict.loudness_range))
            .line("by chance", format!("{:.2}", verdict.loudness_by_chance))
            .line("in words", &verdict.words),
        None => facts,
    };
    let facts = match brain.prospects() {
        Some(prospects) => facts.section("would more help").line("in words", &prospects.words),
        None => facts,
    };
    let facts = brain.ledger().iter().fold(facts.section("learned from"), source);
    let Some(folder) = pictures else { return Ok(facts) };
    let mut album = Album::open(folder)?;
    album.eye(brain)?;
    Ok(facts.drawn(album.files()))
}

/// "0.46 (0.35 to 0.55 in 95 of 100 cases)".
fn with_range(value: f64, range: Option<[f64; 2]>) -> String {
    let range =
        range.map_or(String::new(), |[low, high]| format!(" ({low:.2} to {high:.2} in 95 of 100 cases)"));
    format!("{value:.2}{range}")
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
        .line("size", size(bytes))
        .line("layers", layers.join("-"))
        .line("parameters", parameters(&config.layers))
        .line("nonlinearity", word(&config.activation))
        .line("picture", format!("{0} x {0} {colour}", config.size))
        .line("tick", format!("{} a second", config.grid.tick))
        .line("sound", config.grid.rate)
        .line("says", said(config))
        .line("hops", config.hops)
}

/// What its numbers stand for.
fn said(config: &ClassicConfig) -> String {
    let &ClassicConfig { say, grid, hops, .. } = config;
    let samples = say.samples(grid, hops);
    let bins = samples / 2 + 1;
    match say {
        FrameFormat::Pcm => format!("{samples} samples a tick"),
        FrameFormat::Stft => format!("{bins} magnitudes a tick, of {samples} samples"),
        FrameFormat::StftPhase => format!("{bins} magnitudes and phases a tick, of {samples} samples"),
    }
}

fn learning(facts: Facts, training: &ClassicTraining) -> Facts {
    let rule = match training.optimizer {
        Optimizer::Adam => "adam".to_owned(),
        Optimizer::Nesterov { momentum } => format!("nesterov, momentum {momentum}"),
    };
    let decay = if training.decay { ", falling along a cosine" } else { "" };
    facts
        .section("training")
        .line("optimizer", rule)
        .line("step size", format!("{}{decay}", training.lr))
        .line("batch", training.batch)
        .line("epochs at most", training.epochs)
        .maybe("minutes at most", training.minutes)
        .line("pretraining", word(&training.pretrain))
        .line("held out", word(&training.hold_out))
        .line("silence", format!("{} s of black and of white", training.silence_secs))
        .line("seed", training.seed)
        .line("device", training.device.name())
}

fn import(facts: Facts, file: &Imported) -> Facts {
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
    let judged = if verdict.held_out { "verdict on held-out blocks" } else { "verdict on validation blocks" };
    facts
        .section(judged)
        .line("error", format!("{:.6}", verdict.error))
        .line("error of silence", format!("{:.6}", verdict.error_of_silence))
        .line("error of mean sound", format!("{:.6}", verdict.error_of_mean))
        .line("loudness correlation", format!("{:.2}", verdict.loudness_r))
        .line("in words", &verdict.words)
}

/// A film and its terms on one line.
fn source(facts: Facts, source: &Source) -> Facts {
    facts.line(&source.name[..], terms(source))
}

/// "CC-BY-3.0, Blender Foundation, https://…" or that nothing is known.
pub(super) fn terms(source: &Source) -> String {
    let title = source.title.as_ref().map(|t| format!("'{t}'"));
    let known: Vec<&str> = [&title, &source.author, &source.licence, &source.origin]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    if known.is_empty() { "terms unknown".to_owned() } else { known.join(", ") }
}

/// "gru, tcn, memory of 3000 ticks; for live use: …".
fn members(config: &EnsembleConfig) -> String {
    let kind = |member: &MemberConfig| match &member.predictor {
        PredictorConfig::Net(shape) => kind_of(shape),
        PredictorConfig::Memory { ticks } => format!("memory of {ticks} ticks"),
    };
    let names = |live: bool| {
        let own = config.members.iter().filter(|member| member.usage.includes(live));
        own.map(kind).collect::<Vec<_>>().join(", ")
    };
    let live = names(true);
    let live = if live.is_empty() { "none".to_owned() } else { live };
    format!("{}; for live use: {live}", names(false))
}

/// Weights and biases.
fn parameters(layers: &[usize]) -> usize {
    layers.windows(2).map(|pair| pair[0] * pair[1] + pair[1]).sum()
}

fn kind_of(shape: &Architecture) -> String {
    match shape {
        Architecture::Gru { .. } => "gru",
        Architecture::Tcn { dilations, .. } if dilations.is_empty() => "mlp",
        Architecture::Tcn { .. } => "tcn",
    }
    .to_owned()
}

/// A setting as it is written in options and files.
fn word(setting: &impl serde::Serialize) -> String {
    serde_json::to_value(setting).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinophone::classic::Pretrain;

    #[test]
    fn parameters_of_the_classic_brain() {
        assert_eq!(parameters(&[4096, 1000, 735]), 4_096_000 + 1000 + 735_000 + 735);
        assert_eq!(word(&Pretrain::Rbm), "rbm");
    }
}
