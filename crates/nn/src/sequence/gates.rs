//! The nonlinear part of a gated recurrent unit, for the rows of one frame and the columns of one panel.
//!
//! The candidate's tanh is 2 σ(2x) − 1, so that all nonlinearities are the one logistic function of
//! [`activate`]; its error is at most two units in the last place of 1.

use crate::activation::Activation::Sigmoid;
use crate::kernels::{Elementwise, Processor, Row, activate};

/// The gates of a unit: sums before [`Gates::pass`], gates after it.
pub struct Gates<'a> {
    /// r
    pub reset: &'a mut [Row],
    /// z
    pub update: &'a mut [Row],
    /// W_in x + b_in, then n
    pub candidate: &'a mut [Row],
    /// W_hn h + b_hn
    pub recurrent: &'a [Row],
}

impl Gates<'_> {
    /// Computes the gates and `after` = (1 − z) n + z `before`.
    pub fn pass(self, processor: Processor, before: &[Row], after: &mut [Row]) {
        activate(processor, Sigmoid, self.reset);
        activate(processor, Sigmoid, self.update);
        processor.vectorise(Candidate {
            candidate: self.candidate.as_flattened_mut(),
            reset: self.reset.as_flattened(),
            recurrent: self.recurrent.as_flattened(),
        });
        activate(processor, Sigmoid, self.candidate);
        processor.vectorise(Blend {
            candidate: self.candidate.as_flattened_mut(),
            update: self.update.as_flattened(),
            before: before.as_flattened(),
            after: after.as_flattened_mut(),
        });
    }
}

/// n ← 2 (n + r ∘ recurrent), the argument of the logistic function.
struct Candidate<'a> {
    candidate: &'a mut [f32],
    reset: &'a [f32],
    recurrent: &'a [f32],
}

impl Elementwise for Candidate<'_> {
    #[inline(always)]
    fn run(self) {
        for ((n, r), u) in self.candidate.iter_mut().zip(self.reset).zip(self.recurrent) {
            *n = 2.0 * (*n + *r * *u);
        }
    }
}

/// n ← 2n − 1 and `after` = n + z (before − n).
struct Blend<'a> {
    candidate: &'a mut [f32],
    update: &'a [f32],
    before: &'a [f32],
    after: &'a mut [f32],
}

impl Elementwise for Blend<'_> {
    #[inline(always)]
    fn run(self) {
        let states = self.before.iter().zip(self.after);
        for ((n, z), (before, after)) in self.candidate.iter_mut().zip(self.update).zip(states) {
            *n = 2.0 * *n - 1.0;
            *after = *n + *z * (*before - *n);
        }
    }
}

/// The backward pass of the gates: gates before it, gradients with respect to their sums after it.
pub struct GateSlopes<'a> {
    /// r
    pub reset: &'a mut [f32],
    /// z
    pub update: &'a mut [f32],
    /// n
    pub candidate: &'a mut [f32],
    /// W_hn h + b_hn
    pub recurrent: &'a mut [f32],
    /// The state before.
    pub before: &'a [f32],
    /// Gradient with respect to the state after, in; with respect to the state before by way of z alone, out.
    pub gradient: &'a mut [f32],
}

impl Elementwise for GateSlopes<'_> {
    #[inline(always)]
    fn run(self) {
        let sums = self.reset.iter_mut().zip(self.update).zip(self.candidate).zip(self.recurrent);
        for ((((r, z), n), u), (before, gradient)) in sums.zip(self.before.iter().zip(self.gradient)) {
            let (reset, update, candidate, after) = (*r, *z, *n, *gradient);
            let sum = after * (1.0 - update) * (1.0 - candidate * candidate);
            *z = after * (*before - candidate) * update * (1.0 - update);
            *r = sum * *u * reset * (1.0 - reset);
            *n = sum;
            *u = sum * reset;
            *gradient = after * update;
        }
    }
}
