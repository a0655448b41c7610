//! TODO module docs

use crate::Result;
use crate::soundtrack::mixdown::MixStage;
use crate::soundtrack::output::PlayedClips;
use kinophone_dsp::units::MediaTime;

/// Pictures in, sound out.
pub(crate) trait Renderer {
    /// Shows a picture from where the last one ended until `until`, counted from the first picture; sound that is ready
    /// goes into the sketch.
    fn show(&mut self, pixels: &[u8], until: MediaTime, sketch: &mut MixStage<'_>) -> Result<()>;
    /// After the last picture: the rest of the sound, so that all of it lasts `length`.
    fn end(&mut self, length: MediaTime, sketch: &mut MixStage<'_>) -> Result<()>;
    /// Ticks that were answered so far.
    fn ticks(&self) -> u64;
    /// Which pieces of recorded sound were played, after the end; `None` where it is made of none.
    fn played(&mut self) -> Option<PlayedClips> {
        None
    }
    /// How many seconds beyond the end of a tick must be known before its sound is complete.
    fn latency(&self) -> f64;
}
