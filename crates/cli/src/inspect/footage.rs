//! The facts of a corpus and of a single shard.

use crate::context::{self, Context};
use crate::doctor::machine::size;
use crate::inspect::brain::terms;
use crate::inspect::facts::Facts;
use crate::inspect::film::channels;
use crate::pictures::Album;
use crate::progress::span;
use kinophone::Result;
use kinophone::dataset::{Corpus, Shard};
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn corpus(folder: &Path, pictures: Option<&Path>, context: &Context) -> Result<Facts> {
    let (corpus, damaged) = Corpus::open(folder, true, context.task().cancel)?;
    let seconds: f64 = corpus.shards.iter().map(seconds).sum();
    let pictures_in_all: usize = corpus.shards.iter().map(Shard::pictures).sum();
    let json = json!({
        "seconds": seconds,
        "pictures": pictures_in_all,
        "shards": corpus.shards.iter().map(as_json).collect::<Vec<_>>(),
        "damaged": damaged.iter().map(|f| crate::report::lossy(f)).collect::<Vec<_>>(),
    });
    for file in &damaged {
        context.warn(&format!("{} is damaged: prepare its film again", file.display()));
    }
    let facts = Facts::new("corpus", folder, json)
        .line("films", corpus.shards.len())
        .line("pictures", pictures_in_all)
        .line("length", span(seconds))
        .line("size", size(crate::cache::bytes_in(folder)))
        .line("damaged", damaged.len());
    let facts =
        corpus.shards.iter().fold(facts, |facts, shard| describe(facts.section(&shard.source().name), shard));
    let Some(folder) = pictures else { return Ok(facts) };
    let mut album = Album::open(folder)?;
    for shard in &corpus.shards {
        let hash: String = shard.source().blake3.chars().take(12).collect();
        album.shard(&format!("{hash}-"), shard)?;
    }
    Ok(facts.drawn(album.files()))
}

pub(super) fn shard(path: &Path, pictures: Option<&Path>) -> Result<Facts> {
    let shard = Shard::open(path)?;
    let facts = Facts::new("shard", path, as_json(&shard))
        .line("size", size(context::existing(path)?.len()))
        .line("film", &shard.source().name);
    let facts = describe(facts, &shard);
    let Some(folder) = pictures else { return Ok(facts) };
    let mut album = Album::open(folder)?;
    album.shard("", &shard)?;
    Ok(facts.drawn(album.files()))
}

fn describe(facts: Facts, shard: &Shard) -> Facts {
    let colour = if shard.colour() { "colour" } else { "grey" };
    let sound = match shard.sound() {
        Some((rate, count, _)) => format!("{rate}, {}", channels(count)),
        None => "none".to_owned(),
    };
    facts
        .line("length", shard.end())
        .line("pictures", format!("{} of {1} x {1}, {colour}", shard.pictures(), shard.size()))
        .line("sound", sound)
        .line("terms", terms(shard.source()))
        .line("blake3", &shard.source().blake3)
}

fn as_json(shard: &Shard) -> Value {
    let sound = shard.sound().map(|(rate, channels, samples)| {
        json!({ "rate": rate, "channels": channels, "samples": samples.len() / channels.max(1) as usize })
    });
    json!({
        "source": shard.source(),
        "pictures": shard.pictures(),
        "picture_size": shard.size(),
        "colour": shard.colour(),
        "seconds": seconds(shard),
        "sound": sound,
    })
}

fn seconds(shard: &Shard) -> f64 {
    shard.end().as_secs_f64()
}
