//! The renderer of brains of 2015.

use crate::Result;
use crate::classic::ClassicRenderer;
use crate::soundtrack::{MixStage, Renderer};
use kinophone_dsp::units::MediaTime;

impl Renderer for ClassicRenderer<'_> {
    fn push(&mut self, picture: &[u8], until: MediaTime, out: &mut MixStage<'_>) -> Result<()> {
        ClassicRenderer::show(self, picture, until);
        out.add(self.take())
    }

    fn finish(&mut self, length: MediaTime, out: &mut MixStage<'_>) -> Result<()> {
        out.add(ClassicRenderer::end(self, length))
    }

    fn ticks(&self) -> u64 {
        ClassicRenderer::ticks(self)
    }

    fn latency(&self) -> f64 {
        ClassicRenderer::latency(self)
    }
}
