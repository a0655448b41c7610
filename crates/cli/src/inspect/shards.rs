//! The facts of a library, a corpus and a single shard.

use crate::cache;
use crate::context::{self, Context};
use crate::inspect::facts::Facts;
use crate::inspect::sources::terms;
use crate::pictures::Album;
use crate::report;
use crate::wording::{byte_size, channels, duration};
use kinophone::Result;
use kinophone::dataset::{Corpus, Shard};
use kinophone::sound_library::SoundAnalysis;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The facts of a folder of shards: a library where none of them has pictures, else a corpus.
pub(super) fn folder(folder: &Path, pictures: Option<&Path>, context: &Context) -> Result<Facts> {
    let (corpus, damaged) = Corpus::open(folder, true, context.task().cancel)?;
    let is_library = corpus.shards.iter().all(|shard| shard.pictures() == 0);
    for file in &damaged {
        let remedy = if is_library { "add its source" } else { "prepare its film" };
        context.warn(&format!("{} is damaged: {remedy} again", file.display()));
    }
    let facts = if is_library {
        library(folder, &corpus, &damaged)?
    } else {
        corpus_facts(folder, &corpus, &damaged)
    };
    let Some(drawings) = pictures else { return Ok(facts) };
    let mut album = Album::open(drawings)?;
    for shard in &corpus.shards {
        let hash: String = shard.source().blake3.chars().take(12).collect();
        album.shard(&format!("{hash}-"), shard)?;
    }
    Ok(facts.drawn(album.files()))
}

fn corpus_facts(folder: &Path, corpus: &Corpus, damaged: &[PathBuf]) -> Facts {
    let length: f64 = corpus.shards.iter().map(seconds).sum();
    let pictures: usize = corpus.shards.iter().map(Shard::pictures).sum();
    let json = json!({
        "seconds": length,
        "pictures": pictures,
        "shards": corpus.shards.iter().map(as_json).collect::<Vec<_>>(),
        "damaged": lossy(damaged),
    });
    let facts = Facts::new("corpus", folder, json)
        .line("films", corpus.shards.len())
        .line("pictures", pictures)
        .line("length", duration(length))
        .line("size", byte_size(cache::bytes_in(folder)))
        .line("damaged", damaged.len());
    corpus.shards.iter().fold(facts, |facts, shard| describe(facts.section(&shard.source().name), shard))
}

fn library(folder: &Path, corpus: &Corpus, damaged: &[PathBuf]) -> Result<Facts> {
    let length: f64 = corpus.shards.iter().map(seconds).sum();
    let units = corpus
        .shards
        .iter()
        .map(|shard| Ok(SoundAnalysis::units_of_shard(shard)?.map(|units| units.len())))
        .collect::<Result<Vec<Option<usize>>>>()?;
    let total: usize = units.iter().flatten().sum();
    let source = |(shard, units): (&Shard, &Option<usize>)| json!({ "source": shard.source(), "seconds": seconds(shard), "sound": sound_json(shard), "units": units });
    let json = json!({
        "seconds": length,
        "units": total,
        "sources": corpus.shards.iter().zip(&units).map(source).collect::<Vec<_>>(),
        "damaged": lossy(damaged),
    });
    let facts = Facts::new("library", folder, json)
        .line("sources", corpus.shards.len())
        .line("units", total)
        .line("length", duration(length))
        .line("size", byte_size(cache::bytes_in(folder)))
        .line("damaged", damaged.len());
    Ok(corpus.shards.iter().zip(&units).fold(facts, |facts, (shard, units)| {
        facts
            .section(&shard.source().name)
            .line("length", shard.end())
            .maybe("units", *units)
            .line("sound", describe_sound(shard))
            .line("terms", terms(shard.source()))
            .line("blake3", &shard.source().blake3)
    }))
}

fn lossy(files: &[PathBuf]) -> Vec<String> {
    files.iter().map(|file| report::lossy(file)).collect()
}

/// The facts of a single shard.
pub(super) fn shard(path: &Path, pictures: Option<&Path>) -> Result<Facts> {
    let shard = Shard::open(path)?;
    let facts = Facts::new("shard", path, as_json(&shard))
        .line("size", byte_size(context::metadata(path)?.len()))
        .line(if shard.pictures() == 0 { "source" } else { "film" }, &shard.source().name);
    let facts = describe(facts, &shard);
    let Some(folder) = pictures else { return Ok(facts) };
    let mut album = Album::open(folder)?;
    album.shard("", &shard)?;
    Ok(facts.drawn(album.files()))
}

fn describe(facts: Facts, shard: &Shard) -> Facts {
    let colour = if shard.colour() { "colour" } else { "grey" };
    let pictures = match shard.pictures() {
        0 => "none".to_owned(),
        number => format!("{number} of {0} x {0}, {colour}", shard.size()),
    };
    facts
        .line("length", shard.end())
        .line("pictures", pictures)
        .line("sound", describe_sound(shard))
        .line("terms", terms(shard.source()))
        .line("blake3", &shard.source().blake3)
}

fn describe_sound(shard: &Shard) -> String {
    match shard.sound() {
        Some(sound) => format!("{}, {}", sound.rate, channels(sound.channels)),
        None => "none".to_owned(),
    }
}

fn as_json(shard: &Shard) -> Value {
    json!({
        "source": shard.source(),
        "pictures": shard.pictures(),
        "picture_size": shard.size(),
        "colour": shard.colour(),
        "seconds": seconds(shard),
        "sound": sound_json(shard),
    })
}

fn sound_json(shard: &Shard) -> Option<Value> {
    shard
        .sound()
        .map(|sound| json!({ "rate": sound.rate, "channels": sound.channels, "samples": sound.frames() }))
}

fn seconds(shard: &Shard) -> f64 {
    shard.end().as_secs_f64()
}
