//! Clips of grains: fades, the loudness that is asked for, and the evening of the recording's own.

use crate::texture::compose::clip::ComposedGrain;
use crate::texture::compose::{ClipCause, ComposedClip, MAX_GAIN_DB, TextureComposer};
use kinophone_dsp::concat::Clip;
use kinophone_dsp::loudness::amplitude;

/// Seconds from one level of a grain's envelope to the next.
const BLOCK_SECONDS: f64 = 0.02;
/// Blocks to either side over which a recording's own level is averaged.
const AVERAGED_BLOCKS: usize = 2;
/// Points of a fade; between them are straight lines.
const FADE_POINTS: i64 = 8;

impl TextureComposer<'_> {
    /// The clip of a grain.
    pub(crate) fn clip_of(&self, grain: &ComposedGrain) -> ComposedClip {
        let length = grain.length();
        let block = self.frames(BLOCK_SECONDS).max(1);
        let source_block = ((block as f64 * grain.speed) as usize).max(1);
        let (powers, _) =
            self.material.powers(grain.source, grain.place, source_block, (length / block + 1) as usize);
        let levels = OwnLevels { mean: mean_db(&powers), powers, even: self.mapping.loudness.even };
        let overlapping: Vec<&ComposedGrain> = self
            .past
            .iter()
            .chain(&self.grains)
            .filter(|other| !other.hit && other.start < grain.end && other.end > grain.start)
            .collect();
        let point = |t: i64| {
            let at = grain.start + t;
            // Grains add in power; where there is but one, its fades are heard.
            let together = overlapping.iter().map(|other| other.fade(at).powi(2)).sum::<f32>().max(1.0);
            let gain = (self.loudness_db(at) - levels.near((t / block) as usize)).min(MAX_GAIN_DB);
            (t as i32, grain.fade(at) * amplitude(f64::from(gain)) as f32 / together.sqrt())
        };
        let clip = Clip {
            at: grain.start,
            frames: length,
            ticks: 0..0,
            unit: grain.unit,
            offset: grain.place - self.material.sounds.units()[grain.unit as usize].first,
            speed: grain.speed,
            pan: grain.pan,
            envelope: times(grain, block).into_iter().map(point).collect(),
        };
        ComposedClip { clip, loudness_db: levels.mean, cause: ClipCause::Grain }
    }
}

/// Times of a grain's envelope: those of its blocks and of its fades.
fn times(grain: &ComposedGrain, block: i64) -> Vec<i64> {
    let length = grain.length();
    let mut times: Vec<i64> = (0..=length / block).map(|k| k * block).collect();
    times.extend((0..=FADE_POINTS).map(|k| k * grain.attack / FADE_POINTS));
    times.extend((0..=FADE_POINTS).map(|k| length - k * grain.release / FADE_POINTS));
    times.retain(|t| (0..=length).contains(t));
    times.sort_unstable();
    times.dedup();
    times
}

/// The levels of a recording under a grain.
struct OwnLevels {
    /// Mean squares of its blocks.
    powers: Vec<f64>,
    /// Mean level in dB.
    mean: f32,
    /// Share of swelling that is evened out, 0 to 1.
    even: f32,
}

impl OwnLevels {
    /// The level near a block in dB, as far as it is evened out.
    fn near(&self, block: usize) -> f32 {
        let Self { powers, mean, even } = self;
        let first = block.saturating_sub(AVERAGED_BLOCKS).min(powers.len() - 1);
        let part = &powers[first..(block + AVERAGED_BLOCKS + 1).min(powers.len())];
        mean + even * (db(part.iter().sum::<f64>() / part.len().max(1) as f64) - mean)
    }
}

fn mean_db(powers: &[f64]) -> f32 {
    db(powers.iter().sum::<f64>() / powers.len() as f64)
}

fn db(power: f64) -> f32 {
    10.0 * power.max(1e-12).log10() as f32
}
