//! TODO module docs

use crate::model::controls::OUTPUTS;
use crate::model::inference::blankness;
use crate::model::training::{TICKS, WINDOWS};
use kinophone_nn::sequence::WindowBatch;
use std::ops::Range;

/// Numbers are kept in 16 bits: ±5 deviations in steps of 0.00015.
pub(crate) const STEP: f32 = 5.0 / 32767.0;

/// Windows to learn from.
pub(crate) struct TrainingWindows {
    inputs: usize,
    x: Vec<f32>,
    y: Vec<f32>,
    counted: Vec<bool>,
}

impl TrainingWindows {
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

/// Rows of the eye in 16 bits.
pub(crate) struct QuantizedFeatures {
    pub(crate) width: usize,
    pub(crate) numbers: Vec<i16>,
}

impl QuantizedFeatures {
    pub(crate) fn new(width: usize, rows: &[f32]) -> Self {
        Self { width, numbers: rows.iter().map(|x| (x / STEP).round() as i16).collect() }
    }

    pub(crate) fn ticks(&self) -> usize {
        self.numbers.len() / self.width
    }

    pub(crate) fn row(&self, tick: usize) -> &[i16] {
        &self.numbers[tick.min(self.ticks() - 1) * self.width..][..self.width]
    }

    /// Whether a tick's picture shows anything. What does not is silent by rule, so that nothing is to be learned from it but that
    /// whatever looks more like it than like the rest of the film is silent, too.
    pub(crate) fn shows(&self, tick: usize) -> bool {
        self.row(tick).last().is_some_and(|contrast| blankness(STEP * f32::from(*contrast)) < 1.0)
    }

    pub(crate) fn fill(&self, tick: usize, sees: &[Range<usize>], out: &mut [f32]) {
        let row = self.row(tick);
        let numbers = sees.iter().flat_map(|range| &row[range.clone()]);
        out.iter_mut().zip(numbers).for_each(|(out, x)| *out = STEP * f32::from(*x));
    }
}
