//! Shards with known content, for tests.

use crate::dataset::shard::Shard;
use crate::dataset::shard::write::{ShardWriter, SoundTrack};
use crate::ledger::{Source, Terms};
use crate::media::FilmFacts;
use crate::storage::Overwrite;
use kinophone_dsp::units::{MediaTime, SampleRate};
use std::path::{Path, PathBuf};

/// A film that never was.
pub(crate) struct SyntheticFilm {
    pub(crate) name: String,
    pub(crate) size: u32,
    pub(crate) colour: bool,
    /// When each picture appears, in microseconds.
    pub(crate) times: Vec<i64>,
    pub(crate) end: i64,
    /// The byte of which picture `k` is made.
    pub(crate) level: fn(usize) -> u8,
    pub(crate) rate: u32,
    pub(crate) channels: u32,
    /// Interleaved; `None` for a silent film.
    pub(crate) sound: Option<Vec<i16>>,
}

impl SyntheticFilm {
    /// `seconds` of 2 × 2 grey pictures at 10 a second, picture `k` of level `k` modulo 256, with mono sound at 1 kHz
    /// whose sample `s` is `s` modulo 1000.
    pub(crate) fn plain(name: &str, seconds: f64) -> Self {
        Self {
            name: name.to_owned(),
            size: 2,
            colour: false,
            times: (0..(seconds * 10.0).round() as i64).map(|k| k * 100_000).collect(),
            end: (seconds * 1e6) as i64,
            level: |k| k as u8,
            rate: 1000,
            channels: 1,
            sound: Some((0..(seconds * 1000.0) as i64).map(|s| (s % 1000) as i16).collect()),
        }
    }

    pub(crate) fn source(&self) -> Source {
        Source {
            name: self.name.clone(),
            blake3: blake3::hash(self.name.as_bytes()).to_hex().to_string(),
            terms: Terms {
                licence: Some("CC0-1.0".to_owned()),
                author: Some("Ärger \"quoted\" \\ 名".to_owned()),
                origin: Some("https://example.org/film".to_owned()),
                ..Terms::default()
            },
            facts: FilmFacts {
                container: "mov".to_owned(),
                duration: Some(MediaTime(self.end)),
                bytes: 123,
                picture: None,
                sounds: Vec::new(),
                tags: vec![("title".to_owned(), "a\nb".to_owned())],
            },
        }
    }

    /// Writes the shard into `folder` under a name made of the film's.
    pub(crate) fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join(format!("{}.safetensors", self.name));
        let mut writer =
            ShardWriter::create(&path, Overwrite::Replace, self.size, self.colour, self.source()).unwrap();
        let len = (self.size * self.size) as usize * if self.colour { 3 } else { 1 };
        for (k, time) in self.times.iter().enumerate() {
            writer.push(MediaTime(*time), &vec![(self.level)(k); len]).unwrap();
        }
        let bytes: Vec<u8> = self.sound.iter().flatten().flat_map(|s| s.to_le_bytes()).collect();
        let mut data = &bytes[..];
        let track = self.sound.as_ref().map(|sound| {
            let rate = SampleRate::new(self.rate).unwrap();
            SoundTrack::new(rate, self.channels, sound.len() as u64 / u64::from(self.channels), &mut data)
        });
        writer.finish(MediaTime(self.end), track).unwrap();
        path
    }

    pub(crate) fn open(&self, folder: &Path) -> Shard {
        Shard::open(&self.write(folder)).unwrap()
    }
}
