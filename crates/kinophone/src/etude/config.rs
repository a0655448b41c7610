//! The configuration of an etude.

use crate::{Error, Kind, Result};
use kinophone_dsp::units::{FrameRate, MediaTime, SampleRate};
use serde::{Deserialize, Serialize};

/// Kind of the events of an etude.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "name")]
pub enum Composition {
    /// Lines, discs and scratches, with black and silence between them.
    Shapes,
    /// White flashes with beeps.
    Flashes {
        /// Frames from one flash to the next, on average; at least 3 × `frames`, so that even irregular ones
        /// never touch.
        every: u32,
        /// Frames that a flash lasts.
        frames: u32,
        /// Moves each flash by up to a quarter of `every`, so that a lag of a whole interval can't pass for
        /// none.
        irregular: bool,
    },
}

/// Everything that decides an etude; the same configuration gives the same etude, bit for bit on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EtudeConfig {
    /// Kind of its events.
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

    pub(super) fn check(&self) -> Result<()> {
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
