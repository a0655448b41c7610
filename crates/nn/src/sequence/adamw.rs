//! The step rule: AdamW (Loshchilov and Hutter 2019, *Decoupled Weight Decay Regularization*, algorithm 2)
//! after clipping the gradient's norm (Pascanu, Mikolov and Bengio 2013, algorithm 1), and the moving average
//! of the weights that predicts (Polyak and Juditsky 1992, in its exponential form).

use crate::kernels::{Elementwise, Panels, Processor, flush_subnormal};
use crate::sequence::layout::in_parallel;

/// Rows of 48 numbers that one thread updates at a time.
const PIECE_ROWS: usize = 256;
/// Guard against division by zero.
const EPSILON: f32 = 1e-8;

/// The constants of one step.
#[derive(Clone, Copy, Debug)]
pub struct AdamWStep {
    /// Factor of the gradient: 1, or below it if the norm is to be clipped.
    pub clip: f32,
    /// β₁ and β₂
    pub betas: [f32; 2],
    /// lr / (1 − β₁ᵗ)
    pub size: f32,
    /// 1 / √(1 − β₂ᵗ)
    pub spread: f32,
    /// 1 − lr · decay
    pub shrink: f32,
    /// 1 − decay of the moving average
    pub follow: f32,
}

/// The state that a step updates, one matrix for each parameter.
pub struct AdamWState<'a> {
    /// w
    pub weights: &'a mut [Panels],
    /// Moving average of w.
    pub average: &'a mut [Panels],
    /// m and v.
    pub moments: &'a mut [Vec<Panels>; 2],
}

impl AdamWStep {
    /// Updates w ← (1 − lr · decay) w − `size` · m / (√v · `spread` + ε), the decay only where `decays` is
    /// true; then average ← average + `follow` (w − average).
    pub fn apply(self, processor: Processor, gradients: &[Panels], decays: &[bool], state: AdamWState<'_>) {
        let [first, second] = state.moments;
        let matrices = state.weights.iter_mut().zip(state.average).zip(first.iter_mut().zip(second));
        let mut pieces = Vec::new();
        for ((((w, e), (m, v)), g), &decays) in matrices.zip(gradients).zip(decays) {
            let step = if decays { self } else { Self { shrink: 1.0, ..self } };
            let changed = chunks(w).zip(chunks(e)).zip(chunks(m).zip(chunks(v)));
            for (((weights, average), (first, second)), gradients) in changed.zip(g.all().chunks(PIECE_ROWS))
            {
                let gradients = gradients.as_flattened();
                pieces.push(AdamWPiece { gradients, weights, average, first, second, step });
            }
        }
        in_parallel(pieces, |piece| processor.vectorise(piece));
    }
}

fn chunks(matrix: &mut Panels) -> impl Iterator<Item = &mut [f32]> {
    matrix.all_mut().chunks_mut(PIECE_ROWS).map(|rows| rows.as_flattened_mut())
}

/// Rows that one thread updates.
struct AdamWPiece<'a> {
    gradients: &'a [f32],
    weights: &'a mut [f32],
    average: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    step: AdamWStep,
}

impl Elementwise for AdamWPiece<'_> {
    #[inline(always)]
    fn run(self) {
        let AdamWStep { clip, betas: [beta_1, beta_2], size, spread, shrink, follow } = self.step;
        let moments = self.first.iter_mut().zip(self.second);
        let weights = self.weights.iter_mut().zip(self.average);
        for (((w, e), (m, v)), g) in weights.zip(moments).zip(self.gradients) {
            let g = clip * *g;
            *m = flush_subnormal(beta_1 * *m + (1.0 - beta_1) * g);
            *v = flush_subnormal(beta_2 * *v + (1.0 - beta_2) * (g * g));
            *w = shrink * *w - size * *m / (v.sqrt() * spread + EPSILON);
            *e += follow * (*w - *e);
        }
    }
}
