//! Sampling: windows of ticks that networks learn from, drawn at random and augmented.

use crate::dataset::TickSpan;
use crate::model::controls::OUTPUTS;
use crate::model::features::CLIP;
use crate::model::member::MemberConfig;
use crate::model::training::film_features::QuantizedFeatures;
use crate::model::training::trainer::EnsembleTrainer;
use kinophone_nn::sequence::WindowBatch;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// Windows a step, and ticks a window.
pub(super) const WINDOWS: usize = 16;

pub(super) const TICKS: usize = 128;

/// Share of windows in which the scene is shifted throughout: the numbers that describe the picture are moved by numbers of this
/// deviation, so that networks learn to rely on motion where they do not know the scene.
const SHIFTED_SHARE: f32 = 0.3;
const SHIFT_DEVIATION: f32 = 1.5;

/// A batch of windows to learn from.
pub(crate) struct TrainingWindows {
    inputs: usize,
    x: Vec<f32>,
    y: Vec<f32>,
    counted: Vec<bool>,
}

impl TrainingWindows {
    /// Windows of zeros, for networks of so many inputs.
    pub(crate) fn new(inputs: usize) -> Self {
        let ticks = WINDOWS * TICKS;
        Self {
            inputs,
            x: vec![0.0; ticks * inputs],
            y: vec![0.0; ticks * OUTPUTS],
            counted: vec![false; ticks],
        }
    }

    /// A tick's input, its target, and whether its error counts.
    pub(crate) fn at(&mut self, window: usize, tick: usize) -> (&mut [f32], &mut [f32], &mut bool) {
        let place = window * TICKS + tick;
        let x = &mut self.x[place * self.inputs..][..self.inputs];
        (x, &mut self.y[place * OUTPUTS..][..OUTPUTS], &mut self.counted[place])
    }

    /// The windows as a network takes them.
    pub(crate) fn batch(&self) -> WindowBatch<'_> {
        WindowBatch {
            windows: WINDOWS,
            frames: TICKS,
            inputs: &self.x,
            targets: &self.y,
            counted: &self.counted,
        }
    }
}

impl EnsembleTrainer<'_> {
    /// Writes a member's inputs for a tick into `x`.
    pub(super) fn fill_inputs(
        &self,
        visual: &QuantizedFeatures,
        config: &MemberConfig,
        tick: usize,
        x: &mut [f32],
    ) {
        for (back, x) in x.chunks_exact_mut(config.width()).enumerate() {
            visual.fill((tick + config.ahead).saturating_sub(back), &config.ranges, x);
        }
    }

    /// Fills a batch with windows out of the training ticks.
    pub(super) fn draw_windows(
        &self,
        config: &MemberConfig,
        spans: &[TickSpan],
        (seed, step): (u64, u32),
        windows: &mut TrainingWindows,
    ) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(1 + u64::from(step));
        let total: usize = spans.iter().map(|span| span.ticks.len()).sum();
        for window in 0..WINDOWS {
            let Some(span) = span_at(spans, random.random_range(0..total)) else { continue };
            let first = span.ticks.start + random.random_range(0..=span.ticks.len().saturating_sub(TICKS));
            let visual = match random.random_range(0..=self.training.variations as usize) {
                0 => &self.films[span.film].visual,
                i => &self.films[span.film].augmentations[i - 1],
            };
            let shift =
                (random.random::<f32>() < SHIFTED_SHARE).then(|| self.scene_shift(config, &mut random));
            for k in 0..TICKS {
                let tick = first + k;
                let there = tick < span.ticks.end;
                let (x, y, counts) = windows.at(window, k);
                *counts = there && visual.shows(tick);
                self.fill_inputs(visual, config, tick, x);
                if let Some(shift) = &shift {
                    let by = shift.iter().cycle();
                    x.iter_mut().zip(by).for_each(|(x, by)| *x = (*x + by).clamp(-CLIP, CLIP));
                }
                if there {
                    self.scaler.target(&self.films[span.film].audio, tick, y);
                } else {
                    y.fill(0.0);
                }
            }
        }
    }

    /// Random numbers by which a member's inputs about the scene are shifted, those about motion not.
    fn scene_shift(&self, config: &MemberConfig, random: &mut ChaCha8Rng) -> Vec<f32> {
        let mut moved = Vec::new();
        for view in self.features.config() {
            moved.extend(vec![0.0; view.of_motion()]);
            let by = (0..view.of_appearance()).map(|_| -> f32 { StandardNormal.sample(random) });
            moved.extend(by.map(|x| SHIFT_DEVIATION * x));
        }
        config.ranges.iter().flat_map(|range| &moved[range.clone()]).copied().collect()
    }
}

/// The span in which a tick lies, counted over all spans.
fn span_at(spans: &[TickSpan], mut tick: usize) -> Option<&TickSpan> {
    spans.iter().find(|span| match tick.checked_sub(span.ticks.len()) {
        Some(rest) => {
            tick = rest;
            false
        }
        None => true,
    })
}
