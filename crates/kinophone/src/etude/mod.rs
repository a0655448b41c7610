//! Etudes: short abstract films that Kinophone draws itself, each shape with its own sound, with the truth about every
//! event. The demo learns from them; the tests measure with them.
//!
//! They follow Oskar Fischinger and Norman McLaren, who drew sound and picture by one rule. White and tinted shapes
//! move on black:
//! - a **line**, a bar that sweeps up or down: a steady tone, the higher the bar, the higher the tone;
//! - a **disc**, which flashes up, shrinks and fades: a struck bar, low on the left and high on the right;
//! - **scratches**, thin vertical strokes for a few frames: a burst of noise, dark on the left and bright on the right;
//! - a **flash**, the whole picture white: a beep of 1 kHz, for measuring synchrony.
//!
//! **Within a frame the sound is a function of that frame's picture alone** (of shapes, positions and brightness), the
//! same function for every seed. That is what lets a network without memory learn one etude and play another: tones
//! are whole multiples of the frame rate, so that their phase starts anew with every frame; what decays in the sound
//! shrinks in the picture; noise is a fixed pattern. An event on frame `k` begins at exactly the sample
//! `floor(k × sound rate / frame rate)`, and where there is no event, every pixel and every sample is zero.
//!
//! Pictures and sound are drawn from the list of events at any position, so their length costs no memory.

mod compose;
mod draw;
mod score;
mod sound;
#[cfg(test)]
mod tests;

pub use score::EtudeScore;
pub use score::score;

use crate::etude::draw::Pictures;
use crate::media::{DrawnFilm, Ffmpeg};
use crate::storage::{Overwrite, write_atomically};
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::{FrameRate, MediaTime, SampleRate, TickGrid};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Centres of discs and scratches lie between these, in picture widths, so that little is cut off at the edges.
const ACROSS: (f32, f32) = (0.12, 0.88);

/// What an etude is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "name")]
pub enum Composition {
    /// Lines, discs and scratches, with black and silence between them.
    Shapes,
    /// White flashes with beeps.
    Flashes {
        /// Frames from one flash to the next, on average; at least 3 × `frames`, so that even irregular ones never touch.
        every: u32,
        /// Frames that a flash lasts.
        frames: u32,
        /// Moves each flash by up to a quarter of `every`, so that a lag of a whole interval can't pass for none.
        irregular: bool,
    },
}

/// Everything that decides an etude; the same configuration gives the same etude, bit for bit on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EtudeConfig {
    /// What it is made of.
    pub composition: Composition,
    /// Length, rounded to whole frames.
    pub length: MediaTime,
    /// Pictures a second, exact.
    pub rate: FrameRate,
    /// Samples a second, at least 8000.
    pub sound_rate: SampleRate,
    /// Width of the picture in pixels, even, 16 to 8192.
    pub width: u32,
    /// Height of the picture in pixels, even, 16 to 8192.
    pub height: u32,
    /// Decides when and where everything happens, never how it looks or sounds.
    pub seed: u64,
}

impl EtudeConfig {
    /// Shapes at 30 pictures a second, 320 × 240, 22 050 Hz.
    pub fn shapes(seconds: u32, seed: u64) -> Self {
        Self {
            composition: Composition::Shapes,
            length: MediaTime::from_secs(i64::from(seconds)),
            rate: FrameRate::new(30, 1).expect("30 is a frame rate"),
            sound_rate: SampleRate::new(22_050).expect("22050 is a sample rate"),
            width: 320,
            height: 240,
            seed,
        }
    }

    /// A flash of one frame about every second at irregular distances, 64 × 64, 48 kHz.
    pub fn flashes(seconds: u32, rate: FrameRate, seed: u64) -> Self {
        let every = (rate.as_f64().round() as u32).max(4);
        Self {
            composition: Composition::Flashes { every, frames: 1, irregular: true },
            rate,
            sound_rate: SampleRate::new(48_000).expect("48000 is a sample rate"),
            width: 64,
            height: 64,
            ..Self::shapes(seconds, seed)
        }
    }

    fn check(&self) -> Result<()> {
        let bad = |what: String, help: &str| Err(Error::new(Kind::Invalid, what).help(help));
        for (name, side) in [("width", self.width), ("height", self.height)] {
            if side % 2 == 1 || !(16..=8192).contains(&side) {
                return bad(
                    format!("a {name} of {side} pixels can't be drawn"),
                    "choose an even number, 16 to 8192",
                );
            }
        }
        if self.sound_rate.hz() < 8000 {
            return bad(
                format!("{} is too low for the sounds of an etude", self.sound_rate),
                "choose 8000 Hz or more",
            );
        }
        if self.rate.ticks_in(self.length) == 0 {
            return bad("an etude without a single picture can't be drawn".to_owned(), "make it longer");
        }
        if let Composition::Flashes { every, frames, .. } = self.composition
            && (frames == 0 || every < frames.saturating_mul(3))
        {
            return bad(
                format!("flashes of {frames} frames every {every} frames can't be told apart"),
                "let a flash last at least one frame and at most a third of the interval",
            );
        }
        Ok(())
    }
}

/// What an event looks and sounds like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EtudeShape {
    /// A bar across the picture that sweeps up or down; a tone.
    Line,
    /// A disc that flashes up, shrinks and fades; a struck bar.
    Disc,
    /// Thin vertical strokes; noise.
    Scratch,
    /// The whole picture white; a beep.
    Flash,
}

/// One event: the whole truth about something that is seen and heard. Positions are in units of the picture's width or
/// height, from the left and from the top.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EtudeEvent {
    /// What it looks and sounds like.
    pub shape: EtudeShape,
    /// The frame on which it appears.
    pub frame: u64,
    /// How many frames it lasts.
    pub frames: u64,
    /// When `frame` begins.
    pub start: MediaTime,
    /// When the first frame without it begins.
    pub end: MediaTime,
    /// Fundamental at its start in Hz; `None` for noise.
    pub pitch_hz: Option<f32>,
    /// Centre, 0..1; of a scratch, the middle of its strokes.
    pub x: f32,
    /// Centre at the start, 0..1.
    pub y: f32,
    /// Centre at the end, 0..1; differs from `y` for lines only.
    pub to_y: f32,
    /// Decides how the strokes of a scratch lie.
    pub look: u64,
}

impl EtudeEvent {
    /// The first frame without it.
    pub fn end_frame(&self) -> u64 {
        self.frame + self.frames
    }

    /// Brightness and loudness at `age`, which runs from 0 at its start to 1 at its end.
    fn brightness(&self, age: f64) -> f64 {
        match self.shape {
            // Lines hold and then fade over their last eighth, discs fade from the first moment on.
            EtudeShape::Line => ((1.0 - age) * 8.0).clamp(0.0, 1.0),
            EtudeShape::Disc => 1.0 - age,
            // A scratch is brightest on its first frame and keeps each frame's brightness to the frame's end.
            EtudeShape::Scratch => 0.6_f64.powi((age * self.frames as f64) as i32),
            EtudeShape::Flash => 1.0,
        }
    }

    /// How much of a line is left at `frame`, `phase` (0..1 within it) by what happens over it, 0..1. Picture and sound
    /// give way together: what is new looks and sounds as it does alone, and the line returns while it fades.
    fn dimming(&self, others: &[&EtudeEvent], frame: u64, phase: f64) -> f64 {
        if self.shape != EtudeShape::Line {
            return 1.0;
        }
        let light = |e: &&EtudeEvent| {
            e.brightness((frame - e.frame) as f64 / e.frames as f64 + phase / e.frames as f64)
        };
        let most = others.iter().filter(|e| e.shape != EtudeShape::Line).map(light).fold(0.0, f64::max);
        (1.0 - 1.3 * most).max(0.0)
    }

    /// Vertical position on the event's frame `j`; eases in and out like something heavy.
    fn y_at(&self, j: u64) -> f64 {
        let way = if self.frames > 1 { j as f64 / (self.frames - 1) as f64 } else { 0.0 };
        let eased = 0.5 - 0.5 * (std::f64::consts::PI * way).cos();
        f64::from(self.y) + (f64::from(self.to_y) - f64::from(self.y)) * eased
    }
}

/// A composed etude: its events, and from them its pictures, its sound, its film.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Etude {
    /// What decided it.
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

    /// How many pictures it has.
    pub fn frames(&self) -> u64 {
        self.config.rate.ticks_in(self.config.length)
    }

    /// How many samples it has: those of all its frames.
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

    /// Frames to keep for a film with a variable rate: runs of one to `longest` frames are shown as their first one, but
    /// never across a change of the picture, so that events and sound stay true. Ascending, 0 included.
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

    /// The events that are on the screen on `frame`. An event overlaps a handful of others at most, so the search goes
    /// back from the last one that has started by then no further than the longest event can reach.
    fn events_on(&self, frame: u64) -> Vec<&EtudeEvent> {
        let started = self.events.partition_point(|e| e.frame <= frame);
        let earliest = frame.saturating_sub(compose::longest(&self.config));
        let from = self.events.partition_point(|e| e.frame < earliest);
        self.events[from..started].iter().filter(|e| frame < e.end_frame()).collect()
    }
}
