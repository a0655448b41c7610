//! Composition of an etude: the list of its events.

use crate::etude::event::ACROSS;
use crate::etude::{Composition, EtudeConfig, EtudeEvent, EtudeShape, sound};
use kinophone_dsp::units::FrameRate;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Seconds of black before the first shape and at least so many after the last one.
const MARGIN_SECS: f64 = 0.5;
/// Seconds of black between two phrases, from and to. Never under 0.3 s, so that "nothing happens" can be
/// measured.
const GAP_SECS: (f64, f64) = (0.4, 0.8);
/// Seconds that a line lasts, from and to.
const LINE_SECS: (f64, f64) = (1.0, 1.7);
/// Seconds that a disc lasts: always the same, so that its size tells its age.
const DISC_SECS: f64 = 0.5;
/// Seconds into a line at which something may happen over it.
const OVER_SECS: f64 = 0.4;
/// Seconds between the beginnings of the discs of a roll; shorter than a disc, so that they overlap.
const ROLL_SECS: f64 = 0.3;
/// A line's centre keeps away from the edges so far, in picture heights.
const LINE_EDGE: f32 = 0.06;

/// Phrases that are drawn from a bag until it is empty; then a new bag is filled. So every kind of event
/// comes equally often in every few seconds, whatever the seed.
const BAG: [Phrase; 9] = [
    Phrase::Line,
    Phrase::Line,
    Phrase::LineUnderDisc,
    Phrase::Disc,
    Phrase::Disc,
    Phrase::Roll,
    Phrase::Scratch,
    Phrase::Scratch,
    Phrase::Scratch,
];

#[derive(Clone, Copy)]
enum Phrase {
    Line,
    LineUnderDisc,
    Disc,
    Roll,
    Scratch,
}

/// The events of an etude, by the order of their start.
pub(crate) fn compose(config: &EtudeConfig) -> Vec<EtudeEvent> {
    let mut composer = EtudeComposer {
        rate: config.rate,
        frames: config.rate.ticks_in(config.length),
        random: ChaCha8Rng::seed_from_u64(config.seed),
        events: Vec::new(),
    };
    match config.composition {
        Composition::Shapes => composer.shapes(),
        Composition::Flashes { every, frames, irregular } => {
            composer.flashes(u64::from(every), u64::from(frames), irregular);
        }
    }
    composer.events.sort_by_key(|e| e.frame);
    composer.events
}

/// No event of such an etude lasts longer than so many frames.
pub(crate) fn longest(config: &EtudeConfig) -> u64 {
    match config.composition {
        Composition::Shapes => frames_in(config.rate, LINE_SECS.1),
        Composition::Flashes { frames, .. } => u64::from(frames),
    }
}

fn frames_in(rate: FrameRate, secs: f64) -> u64 {
    (secs * rate.as_f64()).round().max(1.0) as u64
}

struct EtudeComposer {
    rate: FrameRate,
    frames: u64,
    random: ChaCha8Rng,
    events: Vec<EtudeEvent>,
}

impl EtudeComposer {
    fn shapes(&mut self) {
        let last = self.frames.saturating_sub(frames_in(self.rate, MARGIN_SECS));
        let mut at = frames_in(self.rate, MARGIN_SECS);
        let mut bag = Vec::new();
        loop {
            if bag.is_empty() {
                bag.extend(BAG);
                bag.shuffle(&mut self.random);
            }
            let Some(phrase) = bag.pop() else { return };
            let before = self.events.len();
            let end = self.phrase(phrase, at);
            if end > last {
                self.events.truncate(before);
                return;
            }
            at = end + self.frames_between(GAP_SECS);
        }
    }

    /// Adds the events of a phrase that starts on frame `at`; returns the first frame after it.
    fn phrase(&mut self, phrase: Phrase, at: u64) -> u64 {
        match phrase {
            Phrase::Disc => self.disc(at),
            Phrase::Scratch => self.scratch(at),
            Phrase::Line => {
                let frames = self.frames_between(LINE_SECS);
                self.line(at, frames)
            }
            Phrase::LineUnderDisc => {
                let frames = frames_in(self.rate, LINE_SECS.1);
                let end = self.line(at, frames);
                // The disc ends before the line begins to fade.
                let latest = (frames * 7 / 8).saturating_sub(frames_in(self.rate, DISC_SECS));
                let after = self.random.random_range(frames_in(self.rate, OVER_SECS).min(latest)..=latest);
                self.disc(at + after);
                end
            }
            Phrase::Roll => {
                let beat = frames_in(self.rate, ROLL_SECS);
                (0..3).map(|n| self.disc(at + n * beat)).fold(at, u64::max)
            }
        }
    }

    fn line(&mut self, at: u64, frames: u64) -> u64 {
        let y = self.random.random_range(LINE_EDGE..1.0 - LINE_EDGE);
        // It goes at least a third of the height, away from the nearer edge.
        let far = self.random.random_range(0.33..0.5 - LINE_EDGE);
        let to_y = if y < 0.5 { y + far } else { y - far };
        self.add(EtudeShape::Line, at, frames, (0.5, y, to_y))
    }

    fn disc(&mut self, at: u64) -> u64 {
        let x = self.random.random_range(ACROSS.0..ACROSS.1);
        let y = self.random.random_range(0.28..0.72);
        self.add(EtudeShape::Disc, at, frames_in(self.rate, DISC_SECS), (x, y, y))
    }

    fn scratch(&mut self, at: u64) -> u64 {
        let frames = self.random.random_range(1..=3);
        let x = self.random.random_range(ACROSS.0..ACROSS.1);
        self.add(EtudeShape::Scratch, at, frames, (x, 0.5, 0.5))
    }

    fn flashes(&mut self, every: u64, frames: u64, irregular: bool) {
        let play = if irregular { every / 4 } else { 0 };
        let mut beat = every / 2;
        while beat + play + frames < self.frames {
            let at = beat - play.min(beat) + self.random.random_range(0..=2 * play);
            self.add(EtudeShape::Flash, at, frames, (0.5, 0.5, 0.5));
            beat += every;
        }
    }

    fn frames_between(&mut self, (from, to): (f64, f64)) -> u64 {
        let secs = self.random.random_range(from..=to);
        frames_in(self.rate, secs)
    }

    fn add(&mut self, shape: EtudeShape, frame: u64, frames: u64, (x, y, to_y): (f32, f32, f32)) -> u64 {
        let end = frame + frames;
        self.events.push(EtudeEvent {
            shape,
            frame,
            frames,
            start: self.rate.time_of(frame as i64),
            end: self.rate.time_of(end as i64),
            pitch_hz: sound::pitch_hz(shape, self.rate, x, y),
            x,
            y,
            to_y,
            look: self.random.random(),
        });
        end
    }
}
