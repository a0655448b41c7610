//! The losses that training minimises.

use crate::activation::Activation::Sigmoid;
use crate::error::{Error, Result};
use crate::kernels::{Elementwise, Panels, Processor, Row, WIDTH, ZERO, activate};
use crate::sequence::layout::{Layout, TickBlock};
use serde::{Deserialize, Serialize};

/// A distance of an output from its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LossKind {
    /// (y − t)²
    Square,
    /// Binary cross-entropy of the probability σ(y), with t in 0..1: max(y, 0) − y t + ln(1 + e^−|y|).
    Logistic,
}

/// The part of one output in the loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// The distance.
    #[serde(rename = "measure")]
    pub kind: LossKind,
    /// Factor, 0 or more; outputs of weight 0 are not learned.
    pub weight: f32,
}

/// The loss of all outputs: Σ weight · distance over counted frames and outputs / number of counted frames.
pub struct Losses {
    /// Weights of the outputs with a kind of loss, 0 for the others: a row for each panel.
    square: Vec<Row>,
    logistic: Vec<Row>,
    outputs: usize,
    processor: Processor,
}

impl Losses {
    /// Losses with one entry for each output.
    pub fn new(processor: Processor, losses: &[Loss]) -> Result<Self> {
        if losses.iter().any(|loss| !(loss.weight.is_finite() && loss.weight >= 0.0)) {
            return Err(Error::Invalid("weights of losses must be 0 or more".to_owned()));
        }
        let of = |kind| {
            let weight = |loss: &Loss| if loss.kind == kind { loss.weight } else { 0.0 };
            let row = |losses: &[Loss]| {
                let mut row = ZERO;
                row.iter_mut().zip(losses).for_each(|(w, loss)| *w = weight(loss));
                row
            };
            losses.chunks(WIDTH).map(row).collect()
        };
        let (square, logistic) = (of(LossKind::Square), of(LossKind::Logistic));
        Ok(Self { square, logistic, outputs: losses.len(), processor })
    }

    /// Replaces the outputs by the gradient with respect to them, zero where `counted` is false, and returns
    /// the loss. Targets `[windows, frames, outputs]`, counted `[windows, frames]`, `count` frames in all.
    pub fn compare(
        &self,
        layout: &Layout,
        out: &mut Panels,
        targets: &[f32],
        counted: &[bool],
        count: usize,
    ) -> f64 {
        let scale = 1.0 / count as f32;
        let frames = layout.frames;
        let sums = layout.map_blocks([out], |TickBlock { span, parts: [panels] }| {
            let mut sum = 0.0;
            for (q, rows) in panels.into_iter().enumerate() {
                for (row, (window, frame)) in rows.iter_mut().zip(span.places()) {
                    let place = window * frames + frame;
                    if counted[place] {
                        let targets = &targets[place * self.outputs..][..self.outputs];
                        sum += self.compare_row(q, row, &targets[q * WIDTH..], scale);
                    } else {
                        *row = ZERO;
                    }
                }
            }
            sum
        });
        sums.iter().sum::<f64>() / count as f64
    }

    /// Does so for panel `q` of one frame.
    fn compare_row(&self, q: usize, y: &mut Row, targets: &[f32], scale: f32) -> f64 {
        let mut t = ZERO;
        let width = targets.len().min(WIDTH);
        t[..width].copy_from_slice(&targets[..width]);
        let (square, logistic) = (&self.square[q], &self.logistic[q]);
        let mut probability = [*y];
        let mut sum = 0.0;
        if logistic.iter().any(|&w| w > 0.0) {
            activate(self.processor, Sigmoid, &mut probability);
            for ((y, t), w) in y.iter().zip(&t).zip(logistic).filter(|(_, w)| **w > 0.0) {
                sum += f64::from(*w) * f64::from(y.max(0.0) - y * t + (-y.abs()).exp().ln_1p());
            }
        }
        let mut squares = ZERO;
        let (probability, targets, squares_of) = (&probability[0], &t, &mut squares);
        let slopes =
            LossSlopes { outputs: y, probability, targets, square, logistic, scale, squares: squares_of };
        self.processor.vectorise(slopes);
        sum + squares.iter().map(|&x| f64::from(x)).sum::<f64>()
    }
}

/// y ← (2 w (y − t) + v (σ(y) − t)) · scale, and w (y − t)².
struct LossSlopes<'a> {
    outputs: &'a mut Row,
    probability: &'a Row,
    targets: &'a Row,
    square: &'a Row,
    logistic: &'a Row,
    scale: f32,
    squares: &'a mut Row,
}

impl Elementwise for LossSlopes<'_> {
    #[inline(always)]
    fn run(self) {
        for i in 0..WIDTH {
            let error = self.outputs[i] - self.targets[i];
            let logistic_error = self.probability[i] - self.targets[i];
            self.squares[i] = self.square[i] * error * error;
            self.outputs[i] = self.scale * (2.0 * self.square[i] * error + self.logistic[i] * logistic_error);
        }
    }
}
