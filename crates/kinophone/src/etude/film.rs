//! An etude as a film: its pictures and its sound from its events.

use crate::etude::config::EtudeConfig;
use crate::etude::event::EtudeEvent;
use crate::etude::{compose, draw, sound};
use crate::media::{DrawnFilm, Ffmpeg};
use crate::storage::{Overwrite, write_atomically};
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::TickGrid;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A composed etude: its events, and from them its pictures, its sound, its film.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Etude {
    /// Its configuration.
    pub config: EtudeConfig,
    /// All events by the order of their start.
    pub events: Vec<EtudeEvent>,
}

impl Etude {
    /// Composes an etude. Fails with [`Kind::Invalid`] where the configuration can't be drawn.
    pub fn new(config: EtudeConfig) -> Result<Self> {
        config.check()?;
        let events = compose::compose(&config);
        Ok(Self { config, events })
    }

    /// Number of pictures.
    pub fn frames(&self) -> u64 {
        self.config.rate.ticks_in(self.config.length)
    }

    /// Number of samples: those of all its frames.
    pub fn samples(&self) -> u64 {
        self.grid().start_sample(self.frames() as i64) as u64
    }

    /// The grid that ties its frames to its samples.
    pub fn grid(&self) -> TickGrid {
        TickGrid { tick: self.config.rate, rate: self.config.sound_rate }
    }

    /// Draws one picture: `width × height × 3` bytes RGB, rows from the top.
    pub fn picture(&self, frame: u64) -> Vec<u8> {
        draw::picture(&self.config, &self.events_on(frame), frame)
    }

    /// All pictures, one after another, drawn as they are taken.
    pub fn pictures(&self) -> Pictures<'_> {
        Pictures::new(self)
    }

    /// The sound of one frame: as many samples as [`TickGrid::span`] says, mono, within ±1.
    pub fn sound_of(&self, frame: u64) -> Vec<f32> {
        sound::frame(self.grid(), &self.events_on(frame), frame)
    }

    /// The whole sound, mono, within ±1. Four bytes a sample: 159 MB for half an hour at 22 050 Hz.
    pub fn sound(&self) -> Vec<f32> {
        let mut whole = Vec::with_capacity(self.samples() as usize);
        for frame in 0..self.frames() {
            whole.extend_from_slice(&self.sound_of(frame));
        }
        whole
    }

    /// Frames to keep for a film with a variable rate: runs of one to `longest` frames are shown as their
    /// first one, but never across a change of the picture, so that events and sound stay true. Ascending, 0
    /// included.
    pub fn variable_frames(&self, longest: u64, seed: u64) -> Vec<u64> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut kept = Vec::new();
        let mut next = 0;
        for frame in 0..self.frames() {
            let black = self.events_on(frame).is_empty();
            let was_black = frame > 0 && self.events_on(frame - 1).is_empty();
            if frame >= next || !(black && was_black) {
                kept.push(frame);
                next = frame + random.random_range(1..=longest.max(1));
            }
        }
        kept
    }

    /// Encodes it as a film; the file's extension decides container and codecs, see [`Ffmpeg::draw`].
    pub fn write(&self, ffmpeg: &Ffmpeg, film: &Path, task: Task<'_>) -> Result<()> {
        let EtudeConfig { width, height, rate, sound_rate, .. } = self.config;
        let plan = DrawnFilm { output: film.to_owned(), width, height, rate, sound_rate };
        ffmpeg.draw(&plan, &mut self.pictures(), &self.sound(), task)
    }

    /// Writes the truth, configuration and events, as JSON.
    pub fn write_truth(&self, path: &Path, overwrite: Overwrite) -> Result<()> {
        let mut json = serde_json::to_vec_pretty(self)
            .map_err(|e| Error::new(Kind::Io, "could not be put into JSON").at(path).because(e))?;
        json.push(b'\n');
        write_atomically(path, overwrite, &json)
    }

    /// The events that are on the screen on `frame`. An event overlaps a handful of others at most, so the
    /// search goes back from the last one that has started by then no further than the longest event can
    /// reach.
    pub(super) fn events_on(&self, frame: u64) -> Vec<&EtudeEvent> {
        let started = self.events.partition_point(|e| e.frame <= frame);
        let earliest = frame.saturating_sub(compose::longest(&self.config));
        let from = self.events.partition_point(|e| e.frame < earliest);
        self.events[from..started].iter().filter(|e| frame < e.end_frame()).collect()
    }
}

/// The pictures of an etude one after another; made by [`Etude::pictures`].
pub struct Pictures<'a> {
    etude: &'a Etude,
    next: u64,
}

impl<'a> Pictures<'a> {
    pub(crate) fn new(etude: &'a Etude) -> Self {
        Self { etude, next: 0 }
    }
}

impl Iterator for Pictures<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        (self.next < self.etude.frames()).then(|| {
            self.next += 1;
            self.etude.picture(self.next - 1)
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.etude.frames() - self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Pictures<'_> {}
