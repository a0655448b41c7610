//! Loops over single numbers: nonlinearities and step rules. Plain Rust that the compiler vectorises for each
//! instruction set (see [`Processor::vectorise`]); fused multiply-adds are not used, so every processor gives
//! the same bits.

use crate::activation::Activation;
use crate::kernels::panels::Row;
use crate::kernels::processor::{Elementwise, Processor};

/// Applies the nonlinearity in place.
pub fn activate(processor: Processor, activation: Activation, rows: &mut [Row]) {
    let numbers = rows.as_flattened_mut();
    match activation {
        Activation::Relu => processor.vectorise(Relu { numbers }),
        Activation::Sigmoid => processor.vectorise(Sigmoid { numbers }),
    }
}

/// Multiplies `gradients` (with respect to a layer's output) by the slope of the nonlinearity, which for both
/// kinds follows from the `outputs` alone: 1 where ReLU's output is positive, y (1 − y) for the sigmoid.
pub fn slope(processor: Processor, activation: Activation, outputs: &[Row], gradients: &mut [Row]) {
    let (outputs, gradients) = (outputs.as_flattened(), gradients.as_flattened_mut());
    match activation {
        Activation::Relu => processor.vectorise(ReluSlope { outputs, gradients }),
        Activation::Sigmoid => processor.vectorise(SigmoidSlope { outputs, gradients }),
    }
}

struct Relu<'a> {
    numbers: &'a mut [f32],
}

impl Elementwise for Relu<'_> {
    #[inline(always)]
    fn run(self) {
        for x in self.numbers {
            // Not `max`, which would turn NaN into 0 and hide that learning diverged.
            *x = if *x < 0.0 { 0.0 } else { *x };
        }
    }
}

struct Sigmoid<'a> {
    numbers: &'a mut [f32],
}

impl Elementwise for Sigmoid<'_> {
    #[inline(always)]
    fn run(self) {
        for x in self.numbers {
            *x = 1.0 / (1.0 + exponential(-*x));
        }
    }
}

struct ReluSlope<'a> {
    outputs: &'a [f32],
    gradients: &'a mut [f32],
}

impl Elementwise for ReluSlope<'_> {
    #[inline(always)]
    fn run(self) {
        for (g, y) in self.gradients.iter_mut().zip(self.outputs) {
            *g = if *y > 0.0 { *g } else { 0.0 };
        }
    }
}

struct SigmoidSlope<'a> {
    outputs: &'a [f32],
    gradients: &'a mut [f32],
}

impl Elementwise for SigmoidSlope<'_> {
    #[inline(always)]
    fn run(self) {
        for (g, y) in self.gradients.iter_mut().zip(self.outputs) {
            *g *= *y * (1.0 - *y);
        }
    }
}

/// e^x within two units in the last place, for x clamped to ±80 (the sigmoid has saturated long before). The
/// standard library's would differ between systems and would not vectorise. Method: x = n ln 2 + r with |r| ≤
/// ln 2 / 2, Taylor's series of degree 7 for e^r (remainder below 6e-9), and 2^n put together from its bits;
/// ln 2 is split in two so that r is exact (Cody and Waite, Software Manual for the Elementary Functions,
/// 1980, chapter 6).
#[inline(always)]
fn exponential(x: f32) -> f32 {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Adding and subtracting 1.5 · 2^23 rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    let x = if x > 80.0 { 80.0 } else { x };
    let x = if x < -80.0 { -80.0 } else { x };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let mut series = 1.0 / 5040.0;
    for divisor in [720.0, 120.0, 24.0, 6.0, 2.0, 1.0, 1.0f32] {
        series = series * r + 1.0 / divisor;
    }
    let power = f32::from_bits(shifted.to_bits().wrapping_shl(23).wrapping_add(0x3f80_0000));
    series * power
}

/// The constants of one step, see [`Optimizer`](crate::optimizer::Optimizer).
#[derive(Clone, Copy, Debug)]
pub enum OptimizerStep {
    /// Adam (Kingma and Ba 2015, algorithm 1, with the two bias corrections drawn together as at the end of
    /// section 2): m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; w ← w − `size` · m / (√v + `epsilon`).
    Adam {
        /// lr · √(1 − β₂ᵗ) / (1 − β₁ᵗ)
        size: f32,
        /// 1e-8 · √(1 − β₂ᵗ)
        epsilon: f32,
    },
    /// Nesterov's momentum as in Sutskever et al. 2013, in the form that PyTorch and burn share (dampening
    /// 0): m ← μ m + g; w ← w − lr · (g + μ m).
    Nesterov {
        /// lr
        size: f32,
        /// μ
        momentum: f32,
    },
}

/// Adam's decay of the mean.
pub const BETA_1: f32 = 0.9;
/// Adam's decay of the mean square.
pub const BETA_2: f32 = 0.999;
/// Adam's guard against division by zero.
pub const EPSILON: f32 = 1e-8;

impl OptimizerStep {
    /// Adam's step number `t`, from 1.
    pub fn adam(lr: f32, t: u64) -> Self {
        let t = i32::try_from(t).unwrap_or(i32::MAX);
        let second = (1.0 - f64::from(BETA_2).powi(t)).sqrt();
        let size = f64::from(lr) * second / (1.0 - f64::from(BETA_1).powi(t));
        Self::Adam { size: size as f32, epsilon: (f64::from(EPSILON) * second) as f32 }
    }

    /// Updates `weights` and moments by their `gradients`. `second` may be empty under Nesterov's rule.
    pub fn apply(
        self,
        processor: Processor,
        weights: &mut [Row],
        gradients: &[Row],
        first: &mut [Row],
        second: &mut [Row],
    ) {
        let weights = weights.as_flattened_mut();
        let (gradients, first) = (gradients.as_flattened(), first.as_flattened_mut());
        match self {
            Self::Adam { size, epsilon } => {
                let second = second.as_flattened_mut();
                processor.vectorise(AdamStep { weights, gradients, first, second, size, epsilon });
            }
            Self::Nesterov { size, momentum } => {
                processor.vectorise(NesterovStep { weights, gradients, first, size, momentum });
            }
        }
    }
}

struct AdamStep<'a> {
    weights: &'a mut [f32],
    gradients: &'a [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    size: f32,
    epsilon: f32,
}

impl Elementwise for AdamStep<'_> {
    #[inline(always)]
    fn run(self) {
        let moments = self.first.iter_mut().zip(self.second);
        for ((w, g), (m, v)) in self.weights.iter_mut().zip(self.gradients).zip(moments) {
            *m = flush_subnormal(BETA_1 * *m + (1.0 - BETA_1) * *g);
            *v = flush_subnormal(BETA_2 * *v + (1.0 - BETA_2) * (*g * *g));
            *w -= self.size * *m / (v.sqrt() + self.epsilon);
        }
    }
}

struct NesterovStep<'a> {
    weights: &'a mut [f32],
    gradients: &'a [f32],
    first: &'a mut [f32],
    size: f32,
    momentum: f32,
}

impl Elementwise for NesterovStep<'_> {
    #[inline(always)]
    fn run(self) {
        for ((w, g), m) in self.weights.iter_mut().zip(self.gradients).zip(self.first) {
            *m = flush_subnormal(self.momentum * *m + *g);
            *w -= self.size * (*g + self.momentum * *m);
        }
    }
}

/// Zero instead of a number below 1e-36: moments of parameters that no longer learn decay into the subnormal
/// numbers, on which processors are a hundred times slower.
#[inline(always)]
pub(crate) fn flush_subnormal(x: f32) -> f32 {
    if x.abs() < 1e-36 { 0.0 } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::panels::WIDTH;

    #[test]
    fn the_exponential_is_right_to_two_units_in_the_last_place() {
        for i in -80_000..=80_000 {
            let x = i as f32 / 1000.0;
            let exact = f64::from(x).exp();
            let error = (f64::from(exponential(x)) - exact).abs() / exact;
            assert!(error < 2.4e-7, "e^{x}: {error:e}");
        }
        assert!(exponential(f32::NAN).is_nan());
    }

    #[test]
    fn every_processor_gives_the_same_bits() {
        let row: Row = std::array::from_fn(|i| (i as f32 - 20.0) * 0.37);
        let expected: Vec<Vec<Row>> = vec![both(Processor::Portable, row)];
        for processor in Processor::all() {
            assert_eq!(both(processor, row), expected[0], "{processor:?}");
        }
    }

    fn both(processor: Processor, row: Row) -> Vec<Row> {
        let mut sigmoid = [row];
        activate(processor, Activation::Sigmoid, &mut sigmoid);
        let (mut w, mut m, mut v) = ([row], [[0.1; WIDTH]], [[0.2; WIDTH]]);
        OptimizerStep::adam(1e-3, 3).apply(processor, &mut w, &[row], &mut m, &mut v);
        OptimizerStep::Nesterov { size: 0.1, momentum: 0.9 }.apply(
            processor,
            &mut w,
            &[row],
            &mut m,
            &mut [],
        );
        vec![sigmoid[0], w[0], m[0], v[0]]
    }

    #[test]
    fn nan_is_not_hidden_by_a_nonlinearity() {
        for activation in [Activation::Relu, Activation::Sigmoid] {
            let mut rows = [[f32::NAN; WIDTH]];
            activate(Processor::detect(), activation, &mut rows);
            assert!(rows[0][0].is_nan());
        }
    }
}
