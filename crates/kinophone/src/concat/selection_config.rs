//! TODO module docs

use crate::model::DescriptorLayout;
use kinophone_dsp::concat::MosaicConfig;
use kinophone_dsp::units::FrameRate;
use serde::Serialize;

/// What counts when recorded sound is chosen, beside what suits the brain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SelectionConfig {
    /// How much likeness in tone counts, 0 to 100: 1 is usual.
    pub tone: f32,
    /// In loudness.
    pub loudness: f32,
    /// In attacks.
    pub onset: f32,
    /// In what is seen, where the sound is a brain's own.
    pub picture: f32,
    /// In pitch, where a film's own sound says it: in [`revoice`]. Brains say nothing of pitches.
    pub pitch: f32,
    /// How much it counts that recordings run on, 0 to 100: 0 jumps in every tick, 1 is usual.
    pub flow: f32,
    /// How many seconds pass before the same moment of a recording is heard again, if another one is nearly as good; 0 to 300.
    pub repeat_after: f32,
    /// How many sounds are heard at once, 1 to 8; together they are as loud as one.
    pub layers: usize,
    /// Whether each shot of the film is played with one recording alone, the one that suits it best. The whole film must be known.
    pub by_shot: bool,
}

impl Default for SelectionConfig {
    fn default() -> Self {
        let (tone, loudness, onset, picture, pitch, flow) = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0);
        Self { tone, loudness, onset, picture, pitch, flow, repeat_after: 0.0, layers: 1, by_shot: false }
    }
}

impl SelectionConfig {
    /// What a unit costs that was heard a moment ago, in squared distance of descriptors: a few deviations.
    const REPEAT_PRICE: f32 = 4.0;

    /// Factors by which descriptors are multiplied before their squared distance is taken.
    pub(crate) fn weights(&self, layout: &DescriptorLayout) -> Vec<f32> {
        let weights = [self.tone, self.loudness, self.onset, self.picture, self.pitch];
        let ranges = layout.ranges().into_iter().zip(weights);
        ranges.flat_map(|(range, weight)| range.map(move |_| weight.max(0.0).sqrt())).collect()
    }

    /// A mosaic's settings with this choice.
    pub(crate) fn applied(&self, config: MosaicConfig, tick: FrameRate) -> MosaicConfig {
        MosaicConfig {
            jump_price: config.jump_price * self.flow,
            stay: config.stay * self.flow,
            repeat_ticks: (f64::from(self.repeat_after) * tick.as_f64()) as u32,
            repeat_price: Self::REPEAT_PRICE,
            ..config
        }
    }
}
