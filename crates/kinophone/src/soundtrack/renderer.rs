//! The interface of everything that plays to pictures.

use crate::Result;
use crate::soundtrack::{MixStage, PlayedClips};
use kinophone_dsp::units::{FrameRate, MediaTime};

/// The course of a render, as far as a renderer knows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RenderTrace {
    /// Share by which every tick's sound follows what moves, 0 to 1; empty where nothing can.
    pub shares: Vec<f32>,
    /// Places, in seconds from the beginning of the soundtrack, at which a mosaic's unit does not continue the one before;
    /// `None` where sound is not made of units that follow each other.
    pub jumps: Option<Vec<f64>>,
}

/// Turns a succession of pictures into sound.
pub(crate) trait Renderer {
    /// Takes a picture that is shown from where the last one ended until `until`, counted from the first picture; sound that is
    /// ready goes to `out`.
    fn push(&mut self, picture: &[u8], until: MediaTime, out: &mut MixStage<'_>) -> Result<()>;

    /// Hands over the rest of the sound after the last picture, so that all of it lasts `length`.
    fn finish(&mut self, length: MediaTime, out: &mut MixStage<'_>) -> Result<()>;

    /// Ticks that came so far.
    fn ticks(&self) -> u64;

    /// Mean share of the sound that follows what moves in the picture; `None` where nothing can.
    fn followed(&self) -> Option<f64> {
        None
    }

    /// Seconds beyond the end of a tick that must be known before its sound is complete.
    fn latency(&self) -> f64;

    /// Takes the trace, after the end; `None` where none was asked for.
    fn take_trace(&mut self) -> Option<RenderTrace> {
        None
    }

    /// Takes the record of the recorded sound that was played, after the end; `None` where the sound is made of none.
    fn take_played(&mut self) -> Option<PlayedClips> {
        None
    }
}

/// The number of ticks whose middle lies before `length`.
pub(crate) fn ticks_until(tick: FrameRate, length: MediaTime) -> i64 {
    let near = tick.ticks_in(length) as i64;
    if tick.middle_of(near) < length { near + 1 } else { near }
}

/// Milliseconds, to a tenth.
pub(crate) fn rounded_ms(seconds: f64) -> f64 {
    (seconds * 1e4).round() / 10.0
}
