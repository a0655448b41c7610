//! Entry points of the fuzz targets in `fuzz/`.
//!
//! Each takes the bytes of one file, reads them as the program does, and uses whatever was accepted. They return
//! nothing: an error is a right answer to bytes that are wrong, and a panic is the finding. The feature `fuzzing`, which
//! nothing but the fuzz targets enables, also switches off the comparison of checksums in tensor files, as no mutation
//! would get past it.

use crate::brain::Brain;
use crate::classic::{self, ClassicBrain, ImportOptions};
use crate::dataset::Shard;
use crate::dsp::units::{FrameRate, MediaTime, SampleRate, TickGrid};
use crate::media::nut::NutReader;
use crate::media::room;
use crate::model::{Ensemble, EnsembleStream, Follow, InferenceOptions};
use crate::score::{Credits, Score};
use crate::sound_library::SoundAnalysis;
use crate::texture::Mapping;
use std::path::Path;

/// Side of the pictures that are shown to a brain.
const SIDE: usize = 8;

/// Opens a shard and reads everything in it.
pub fn shard(bytes: &[u8]) {
    let Ok(shard) = with_file(bytes, Shard::open) else { return };
    // A wrong checksum is no reason to stop: everything else must hold without it.
    let _ = shard.verify();
    for k in 0..shard.pictures() {
        let shown = shard.picture_at(shard.time(k));
        assert!(shown == k && !shard.picture(k).is_empty(), "picture {k} is not where its time says");
    }
    if let Some(sound) = shard.sound() {
        assert!(sound.samples.len().is_multiple_of(sound.channels as usize), "sound ends within a frame");
    }
    let _ = (SoundAnalysis::units_of_shard(&shard), SoundAnalysis::of_shard(&shard));
    SoundAnalysis::ticks_of_shard(&shard, 0..SoundAnalysis::tick_count(&shard));
    shard.release();
}

/// Loads a brain of either kind and shows it two pictures.
pub fn tensor_file(bytes: &[u8]) {
    match with_file(bytes, Brain::load) {
        Ok(Brain::Classic(brain)) => predict(&brain),
        Ok(Brain::Ensemble(brain)) => play(&brain),
        Err(_) => {}
    }
}

fn predict(brain: &ClassicBrain) {
    let layers = &brain.config().layers;
    let mut sound = vec![0.0; layers[layers.len() - 1]];
    brain.predict(&vec![0.5; layers[0]], &mut sound);
}

fn play(brain: &Ensemble) {
    for live in [false, true] {
        let options = InferenceOptions { live, batch: 1, follow: Follow::Auto };
        let mut stream = EnsembleStream::new(brain, SIDE, false, 0, options).with_embeddings();
        let mut rows = Vec::new();
        for k in 0..2 {
            let pixels = [100 * k; SIDE * SIDE];
            let begin = MediaTime(40_000 * i64::from(k));
            stream.show(&pixels, begin, begin + MediaTime(40_000), &mut rows);
        }
        stream.finish(3, &mut rows);
        let _ = stream.embeddings().count();
    }
    if let Some((sound, _)) = brain.training_audio() {
        let mut out = vec![0.0; 16 * sound.config().channels as usize];
        for unit in [0, sound.config().units().saturating_sub(1), usize::MAX] {
            let _ = sound.place(unit);
            sound.read(unit, -3, &mut out);
        }
        sound.read_film(0, 5, &mut out);
    }
}

/// Reads every packet of a NUT stream.
pub fn nut(bytes: &[u8]) {
    let mut packet = Vec::new();
    let mut reader = NutReader::new(bytes);
    while let Ok(Some(_)) = reader.next(&mut packet) {}
}

/// Imports a network of 2015 with the smallest block that a tick can have, 8 samples, and with the usual one.
pub fn pickle(bytes: &[u8]) {
    for (fps, hz) in [(1000, 8_000), (30, 22_050)] {
        let (Ok(tick), Ok(rate)) = (FrameRate::new(fps, 1), SampleRate::new(hz)) else { return };
        let options = ImportOptions { grid: TickGrid { tick, rate }, hidden: None };
        if let Ok(brain) = with_file(bytes, |path| classic::import(path, &options)) {
            predict(&brain);
        }
    }
}

/// Reads a score, sums up its credits and writes it again.
pub fn score(bytes: &[u8]) {
    let Ok(score) = with_file(bytes, Score::read) else { return };
    show(&score.credits());
    let _ = score.csv();
    let again = Score::new(score.about, score.sources, score.clips);
    assert!(
        with_file(again.json().as_bytes(), Score::read).is_ok(),
        "a score that was written can't be read"
    );
}

/// Reads a mapping of `kinophone texture` and writes it again.
pub fn mapping(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(mapping) = Mapping::parse(text, Path::new("mapping.toml")) else { return };
    let json = serde_json::to_string(&mapping).expect("numbers and words become JSON");
    assert!(
        serde_json::from_str::<Mapping>(&json).is_ok(),
        "a mapping that was written can't be read: {json}"
    );
}

/// Reads credits out of a file's tags, as ffmpeg prints them, and fills the room that a file has for such a tag.
pub fn tags(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for (_, value) in room::file_tags(&text) {
        let Some(credits) = Credits::of_tag(&value) else { continue };
        show(&credits);
        for width in [0, value.len(), 2 * value.len()] {
            let tag = credits.tag(&" ".repeat(width));
            assert!(tag.len() >= width && Credits::of_tag(&tag).is_some(), "a tag that can't be read: {tag}");
        }
    }
    fill_room(bytes);
}

/// The first byte is the length of what is looked for in the rest, which ends with it.
fn fill_room(bytes: &[u8]) {
    let Some((&length, file)) = bytes.split_first() else { return };
    let Some(at) = file.len().checked_sub(usize::from(length)).filter(|_| length > 0) else { return };
    let Ok(wanted) = std::str::from_utf8(&file[at..]) else { return };
    let text = "~".repeat(wanted.len());
    let filled = with_file(file, |path| {
        room::fill(path, wanted, &text).expect("the file ends with it");
        std::fs::read(path).expect("the file was just written")
    });
    let first = file.windows(wanted.len()).position(|window| window == wanted.as_bytes()).unwrap_or(at);
    let mut expected = file.to_vec();
    expected[first..first + text.len()].copy_from_slice(text.as_bytes());
    assert!(filled == expected, "something else than the room was written");
}

fn show(credits: &Credits) {
    let _ = (credits.titles(), credits.markdown(), credits.tag(&" ".repeat(500)));
}

/// Calls `read` with a file of these bytes.
fn with_file<T>(bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    let file = tempfile::NamedTempFile::new().expect("there is a folder for temporary files");
    std::fs::write(file.path(), bytes).expect("there is room for a temporary file");
    read(file.path())
}
