//! Corpora, brains and scores, written through `storage`, survive deaths as it does.

use super::deaths::{assert_synced, survives};
use crate::Result;
use crate::classic::{ClassicBrain, ImportOptions, import};
use crate::dataset::{Shard, ShardWriter, SoundTrack};
use crate::dsp::units::{FrameRate, MediaTime, SampleRate, TickGrid};
use crate::ledger::{Source, Terms};
use crate::media::FilmFacts;
use crate::score::{ClipEvent, CreditedSource, Score, ScoreFiles, ScoreHeader, SourceSound};
use crate::storage::Overwrite;
use std::path::Path;

fn rate() -> SampleRate {
    SampleRate::new(8000).unwrap()
}

/// A shard of ten pictures, all of the same level, and a second of sound.
fn shard(folder: &Path, level: u8) -> Result<()> {
    let facts = FilmFacts {
        container: "mov".to_owned(),
        duration: None,
        bytes: 1,
        picture: None,
        sounds: Vec::new(),
        tags: Vec::new(),
    };
    let (name, blake3) = ("film.mp4".to_owned(), "0".repeat(64));
    let source = Source { name, blake3, terms: Terms::default(), facts };
    let path = folder.join("film.safetensors");
    let mut shard = ShardWriter::create(&path, Overwrite::Replace, 8, false, source)?;
    for k in 0..10 {
        shard.push(MediaTime(100_000 * k), &[level; 64])?;
    }
    let sound = [level; 16_000];
    let mut data = &sound[..];
    let track = SoundTrack::new(rate(), 1, 8000, &mut data);
    shard.finish(MediaTime(1_000_000), Some(track))
}

#[test]
fn a_shard() {
    let before = |folder: &Path| shard(folder, 1).unwrap();
    let steps = survives("storage::tests::writers::a_shard", before, |folder| {
        shard(folder, 2)?;
        Shard::open(&folder.join("film.safetensors"))?.verify()
    });
    assert_synced(&steps);
}

/// Saves a network of theanets as a brain.
fn brain(folder: &Path, network: &str) -> Result<()> {
    let grid = TickGrid { tick: FrameRate::new(1000, 1).unwrap(), rate: rate() };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/theanets").join(network);
    let path = folder.join("a.brain");
    import(&file, &ImportOptions { grid, hidden: None })?.save(&path, Overwrite::Replace)?;
    ClassicBrain::load(&path).map(drop)
}

#[test]
fn a_brain() {
    let before = |folder: &Path| brain(folder, "0.7.3.pkl").unwrap();
    let steps =
        survives("storage::tests::writers::a_brain", before, |folder| brain(folder, "0.6.2-relu.pkl"));
    assert_synced(&steps);
}

struct Ramp;

impl SourceSound for Ramp {
    fn read(&self, source: usize, first: i64, out: &mut [f32]) {
        out.iter_mut()
            .enumerate()
            .for_each(|(i, x)| *x = (first + i as i64) as f32 * 1e-5 + source as f32 * 0.1);
    }
}

/// A score in all formats, two of them with a folder of sounds.
fn scores(folder: &Path, source: &str) -> Result<()> {
    let about = ScoreHeader {
        film: None,
        brain: None,
        seconds: 2.0,
        rate: rate(),
        channels: 1,
        source_channels: 1,
        picture_rate: None,
        timecode: None,
        gain_db: 0.0,
        filtered: false,
        original_db: None,
    };
    let source = CreditedSource {
        name: source.to_owned(),
        blake3: "0".repeat(64),
        seconds: None,
        terms: Terms::default(),
    };
    let piece = ClipEvent {
        at: 0.0,
        seconds: 1.0,
        source: 0,
        source_at: 0.5,
        speed: 1.0,
        pitch_hz: None,
        pan: 0.0,
        layer: 0,
        gain_db: 0.0,
        level_db: -20.0,
        envelope: vec![[0.0, 0.0], [1.0, 1.0]],
        why: None,
    };
    let paths = ["a.json", "a.csv", "a.csd", "b.rpp", "a.mid", "a.edl"].map(|name| folder.join(name));
    let files = ScoreFiles::begin(&paths, Overwrite::Replace)?;
    files.write(&Score::new(about, vec![source], vec![piece]), &Ramp)
}

#[test]
fn scores_and_their_sounds() {
    let before = |folder: &Path| scores(folder, "old.wav").unwrap();
    let steps = survives("storage::tests::writers::scores_and_their_sounds", before, |folder| {
        scores(folder, "new.wav")
    });
    assert_synced(&steps);
}
