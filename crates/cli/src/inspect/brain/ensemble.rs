//! The facts of an ensemble.

use crate::inspect::facts::Facts;
use crate::inspect::sources::training_films;
use crate::pictures::Album;
use crate::wording::{byte_size, channels, setting};
use kinophone::Result;
use kinophone::model::{Ensemble, EnsembleConfig, MemberConfig, PredictorConfig};
use kinophone::nn::sequence::Architecture;
use kinophone::wording::count;
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn inspect(
    (path, bytes): (&Path, u64),
    brain: &Ensemble,
    pictures: Option<&Path>,
) -> Result<Facts> {
    let facts = Facts::new("brain", path, as_json(brain, bytes));
    let facts = architecture(facts, brain, bytes);
    let facts = training(facts, brain);
    let facts = verdict(facts, brain);
    let facts = training_films(facts, brain.ledger());
    let Some(folder) = pictures else { return Ok(facts) };
    let mut album = Album::open(folder)?;
    album.eigenpictures(brain)?;
    Ok(facts.drawn(album.files()))
}

fn as_json(brain: &Ensemble, bytes: u64) -> Value {
    json!({
        "id": brain.id(),
        "bytes": bytes,
        "config": brain.config(),
        "training": brain.training(),
        "verdict": brain.verdict(),
        "prospects": brain.learning_curve(),
        "lacks": brain.shortcomings(),
        "trained_seconds": brain.trained_seconds(),
        "ledger": brain.ledger(),
    })
}

fn architecture(facts: Facts, brain: &Ensemble, bytes: u64) -> Facts {
    let config = brain.config();
    let colour = if brain.features().colour() { "colour" } else { "grey" };
    let facts = facts
        .line("id", brain.id())
        .line("size", byte_size(bytes))
        .line("members", members(config))
        .line("tick", format!("{} a second", config.grid.tick))
        .line("pictures", format!("{0} x {0} {colour}", config.size));
    let facts = views(facts, config);
    let sound = match &config.training_audio {
        Some(m) => format!("{} at {}, {}", count(m.units(), "units"), m.rate, channels(m.channels)),
        None => "none".to_owned(),
    };
    facts
        .line("training sound", sound)
        .line("mosaic filter", format!("tone {}, attack {}", config.shape.tone, config.shape.attack))
}

/// The regions of the picture from which features are taken.
fn views(facts: Facts, config: &EnsembleConfig) -> Facts {
    let percent = |x: f32| (100.0 * x).round();
    config.views.iter().fold(facts, |facts, view| {
        let r = view.region;
        let region = format!(
            "{} to {} % across, {} to {} % down; {}",
            percent(r.x),
            percent(r.x + r.w),
            percent(r.y),
            percent(r.y + r.h),
            count(view.kinds.iter().map(|(_, count)| count).sum::<usize>(), "components")
        );
        facts.line("region", region)
    })
}

fn training(facts: Facts, brain: &Ensemble) -> Facts {
    let training = brain.training();
    let facts = facts
        .section("training")
        .line("steps", training.steps)
        .maybe("time limit in minutes", training.minutes)
        .maybe("film", brain.trained_seconds().map(|seconds| format!("{seconds:.0} s")))
        .line("held out", setting(&training.hold_out))
        .maybe("films held out", films_held_out(brain))
        .line("seed", training.seed);
    let facts = brain.shortcomings().iter().fold(facts, |facts, lack| facts.line("too little", lack));
    let (trust, lag) = (brain.config().trust, brain.config().lag);
    let percent = |share: f32| format!("{:.0} %", 100.0 * share);
    let [onsets, loudness, tone] = [trust.onsets, trust.loudness, trust.tone].map(percent);
    facts
        .section("trust in its networks")
        .line("onsets", onsets)
        .line("loudness", loudness)
        .line("tone", tone)
        .maybe("lag", (lag != 0).then(|| count(lag, "ticks")))
}

fn verdict(facts: Facts, brain: &Ensemble) -> Facts {
    let facts = match brain.verdict() {
        Some(verdict) => facts
            .section(match brain.training().held_out_films.len() {
                0 => "verdict on held-out blocks",
                _ => "verdict on held-out films",
            })
            .line("onsets, correlation", with_range(verdict.onset_r, verdict.onset_range))
            .line("by chance", format!("{:.2}", verdict.onset_by_chance))
            .line("loudness, correlation", with_range(verdict.loudness_r, verdict.loudness_range))
            .line("by chance", format!("{:.2}", verdict.loudness_by_chance))
            .line("summary", &verdict.words),
        None => facts,
    };
    match brain.learning_curve() {
        Some(curve) => facts.section("gain from more footage").line("summary", &curve.words),
        None => facts,
    }
}

/// Names of the films that were held out as a whole; `None` where there are none.
fn films_held_out(brain: &Ensemble) -> Option<String> {
    let films = &brain.training().held_out_films;
    let names: Vec<&str> = films.iter().map(|film| &film.name[..]).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// "0.46 (0.35 to 0.55 in 95 of 100 cases)".
fn with_range(value: f64, range: Option<[f64; 2]>) -> String {
    let range =
        range.map_or(String::new(), |[low, high]| format!(" ({low:.2} to {high:.2} in 95 of 100 cases)"));
    format!("{value:.2}{range}")
}

/// "gru, tcn, memory of 3000 ticks; for live use: …".
fn members(config: &EnsembleConfig) -> String {
    let kind = |member: &MemberConfig| match &member.predictor {
        PredictorConfig::Net(architecture) => network_name(architecture).to_owned(),
        PredictorConfig::Memory { ticks } => format!("memory of {}", count(*ticks, "ticks")),
    };
    let names = |live: bool| {
        let used = config.members.iter().filter(|member| member.usage.includes(live));
        used.map(kind).collect::<Vec<_>>().join(", ")
    };
    let live = names(true);
    let live = if live.is_empty() { "none".to_owned() } else { live };
    format!("{}; for live use: {live}", names(false))
}

fn network_name(architecture: &Architecture) -> &'static str {
    match architecture {
        Architecture::Gru { .. } => "gru",
        Architecture::Tcn { dilations, .. } if dilations.is_empty() => "mlp",
        Architecture::Tcn { .. } => "tcn",
    }
}
