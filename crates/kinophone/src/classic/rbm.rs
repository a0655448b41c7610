//! Restricted Boltzmann machines, stacked greedily: the pretraining that makes the perceptron a deep belief network.
//!
//! One step of contrastive divergence (CD-1) as Hinton advises in *A Practical Guide to Training Restricted Boltzmann
//! Machines* (UTML TR 2010-003; sections cited below). With v₀ the data (0..1, taken as probabilities):
//!
//! - h₀ = f(v₀ W + c), and a sample s of it (§3.1: the first hidden states must be sampled);
//! - v₁ = f(s Wᵀ + b), not sampled (§3.2); h₁ = f(v₁ W + c), not sampled (§3.1);
//! - ΔW = ⟨v₀ᵀ h₀⟩ − ⟨v₁ᵀ h₁⟩, Δb = ⟨v₀⟩ − ⟨v₁⟩, Δc = ⟨h₀⟩ − ⟨h₁⟩, means over the batch (§3.3, §5).
//!
//! f is the logistic function and s a coin toss for sigmoid units. For ReLU units they are noisy rectified ones (Nair
//! and Hinton 2010, section 2): f(x) = max(0, x), s = max(0, x + N(0, σ(x))). The first machine's visible units are
//! always logistic, as pixels lie in 0..1; those of the others are of the kind of the hidden units that feed them.

use crate::Result;
use kinophone_nn::activation::Activation;
use kinophone_nn::kernels::{
    Elementwise, Panels, Processor, Row, WIDTH, activate, backward, for_tiles, forward, gradient_tile,
};
use kinophone_nn::layer::Layer;
use kinophone_nn::perceptron::{copy_in, copy_out};
use kinophone_nn::tensors::Tensors;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

/// Weights begin normally distributed with this deviation (§8).
const DEVIATION: f32 = 0.01;
/// Pull of the weights towards zero (§10.1), as a part of the step size.
const DECAY: f32 = 2e-4;
/// Share of the epochs that keep the low momentum (§9).
const SETTLING: f32 = 0.25;

/// Step size and momentum of one step.
#[derive(Clone, Copy, Debug)]
pub struct RbmStep {
    /// Step size: 0.05 for logistic hidden units; rectified ones are unbounded and need far less (§7.1).
    pub size: f32,
    /// 0.5 at first, then 0.9 (§9).
    pub momentum: f32,
}

impl RbmStep {
    /// For an epoch, from 0, of that many.
    pub fn at(kind: Activation, epoch: u32, epochs: u32) -> Self {
        let settled = epoch as f32 >= SETTLING * epochs as f32;
        let momentum = if settled { 0.9 } else { 0.5 };
        let size = if kind == Activation::Sigmoid { 0.05 } else { 0.001 };
        // The lasting effect of a step is size / (1 − momentum): the same before and after the change.
        Self { size: if settled { size } else { 2.0 * size }, momentum }
    }
}

/// One machine.
pub struct Rbm {
    visible_kind: Activation,
    hidden_kind: Activation,
    /// W `[visible, hidden]`, b `[1, visible]`, c `[1, hidden]`, and the moving changes of each.
    weights: Panels,
    visible: Panels,
    hidden: Panels,
    moving: [Panels; 3],
    work: RbmBuffers,
    processor: Processor,
}

/// `[batch, …]` each.
struct RbmBuffers {
    v0: Panels,
    h0: Panels,
    sample: Panels,
    v1: Panels,
    /// −h₁: the sign lets both halves of the statistics add up in one tile.
    minus_h1: Panels,
    turned: Panels,
}

impl Rbm {
    /// A new machine. `mean` is the mean of the visible data, from which logistic visible biases begin at log(p / (1
    /// − p)) (§8).
    pub fn new(
        mean: &[f32],
        hidden: usize,
        visible_kind: Activation,
        hidden_kind: Activation,
        seed: [u8; 32],
    ) -> Self {
        let visible = mean.len();
        let layer = Layer::random(visible, hidden, DEVIATION, &mut ChaCha8Rng::from_seed(seed));
        let mut new = Self::empty(visible, hidden, visible_kind, hidden_kind);
        new.weights = Panels::from_rows(visible, hidden, &layer.weights);
        if visible_kind == Activation::Sigmoid {
            let inside = |p: &f32| p.clamp(0.01, 0.99);
            let biases: Vec<f32> = mean.iter().map(inside).map(|p| (p / (1.0 - p)).ln()).collect();
            new.visible = Panels::from_rows(1, visible, &biases);
        }
        new
    }

    fn empty(visible: usize, hidden: usize, visible_kind: Activation, hidden_kind: Activation) -> Self {
        let zeros = || [Panels::zeros(visible, hidden), Panels::zeros(1, visible), Panels::zeros(1, hidden)];
        let [weights, b, c] = zeros();
        let batch = |columns| Panels::zeros(0, columns);
        let work = RbmBuffers {
            v0: batch(visible),
            h0: batch(hidden),
            sample: batch(hidden),
            v1: batch(visible),
            minus_h1: batch(hidden),
            turned: batch(0),
        };
        let processor = Processor::detect();
        Self { visible_kind, hidden_kind, weights, visible: b, hidden: c, moving: zeros(), work, processor }
    }

    /// The layer of a perceptron that does what the machine does from visible to hidden.
    pub fn layer(&self) -> Layer {
        let (inputs, outputs) = (self.weights.rows(), self.weights.columns());
        Layer { inputs, outputs, weights: self.weights.to_rows(), biases: self.hidden.to_rows() }
    }

    /// Hidden means for visible data, both row by row: the data of the next machine.
    pub fn up(&mut self, visible: &[f32]) -> Vec<f32> {
        copy_in(visible, &mut self.work.v0);
        self.infer();
        let mut out = vec![0.0; self.work.h0.rows() * self.weights.columns()];
        copy_out(&self.work.h0, &mut out);
        out
    }

    /// h₀ from v₀.
    fn infer(&mut self) {
        let (processor, kind) = (self.processor, self.hidden_kind);
        forward(processor, &self.work.v0, &self.weights, &self.hidden, &mut self.work.h0, |rows| {
            activate(processor, kind, rows);
        });
    }

    /// One step on a batch of visible data; gives the mean squared error of the reconstruction v₁. `seed` decides the
    /// sample.
    pub fn step(&mut self, visible: &[f32], pace: RbmStep, seed: [u8; 32]) -> f64 {
        copy_in(visible, &mut self.work.v0);
        self.infer();
        sample(&self.work.h0, &mut self.work.sample, self.hidden_kind, seed);
        self.reconstruct();
        self.learn(pace);
        self.work.error()
    }

    /// v₁ from the sample, and −h₁ from v₁.
    fn reconstruct(&mut self) {
        let (processor, visible, hidden) = (self.processor, self.visible_kind, self.hidden_kind);
        let (work, biases) = (&mut self.work, &self.visible);
        backward(processor, &work.sample, &self.weights, &mut work.turned, &mut work.v1, |p, _, rows| {
            let bias = &biases.panel(p)[0];
            for row in rows.iter_mut() {
                for (x, b) in row.iter_mut().zip(bias) {
                    *x += b;
                }
            }
            activate(processor, visible, rows);
        });
        forward(processor, &work.v1, &self.weights, &self.hidden, &mut work.minus_h1, |rows| {
            activate(processor, hidden, rows);
            for x in rows.as_flattened_mut() {
                *x = -*x;
            }
        });
    }

    fn learn(&mut self, pace: RbmStep) {
        let (processor, work) = (self.processor, &self.work);
        let batch = work.v0.rows() as f32;
        let [moving, moving_b, moving_c] = &mut self.moving;
        for_tiles([&mut self.weights, moving], work.v0.rows(), |q, p, [w, m]| {
            let mut sums = [[0.0; WIDTH]; WIDTH];
            let sums = &mut sums[..w.len()];
            gradient_tile(processor, &work.v0, &work.h0, p, q, sums);
            gradient_tile(processor, &work.v1, &work.minus_h1, p, q, sums);
            processor.vectorise(Ascent::new(w, sums, m, pace, batch, DECAY));
        });
        for_tiles([&mut self.visible, moving_b], work.v0.rows(), |p, _, [b, m]| {
            let change = [total(work.v0.panel(p), work.v1.panel(p), -1.0)];
            processor.vectorise(Ascent::new(b, &change, m, pace, batch, 0.0));
        });
        for_tiles([&mut self.hidden, moving_c], work.v0.rows(), |q, _, [c, m]| {
            let change = [total(work.h0.panel(q), work.minus_h1.panel(q), 1.0)];
            processor.vectorise(Ascent::new(c, &change, m, pace, batch, 0.0));
        });
    }

    /// Stores the machine under `prefix`.
    pub fn save(&self, prefix: &str, into: &mut Tensors) {
        let all = [&self.weights, &self.visible, &self.hidden].into_iter().chain(&self.moving);
        for (name, matrix) in NAMES.iter().zip(all) {
            into.put(&format!("{prefix}.{name}"), &[matrix.rows(), matrix.columns()], matrix.to_rows());
        }
    }

    /// Takes back what [`Rbm::save`] stored.
    pub fn restore(&mut self, prefix: &str, from: &Tensors) -> Result<()> {
        let all =
            [&mut self.weights, &mut self.visible, &mut self.hidden].into_iter().chain(&mut self.moving);
        for (name, matrix) in NAMES.iter().zip(all) {
            let values = from.floats(&format!("{prefix}.{name}"), &[matrix.rows(), matrix.columns()])?;
            matrix.copy_from_rows(values);
        }
        Ok(())
    }
}

const NAMES: [&str; 6] = ["weight", "visible", "hidden", "moving.weight", "moving.visible", "moving.hidden"];

impl RbmBuffers {
    /// Mean of (v₀ − v₁)².
    fn error(&self) -> f64 {
        let panel = |p: usize| -> f64 {
            let width = self.v0.width_of(p);
            let pairs = self.v0.panel(p).iter().zip(self.v1.panel(p));
            let row =
                |(a, b): (&Row, &Row)| a[..width].iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
            pairs.map(|pair| f64::from(row(pair))).sum()
        };
        let sums: Vec<f64> = (0..self.v0.panels()).into_par_iter().map(panel).collect();
        sums.iter().sum::<f64>() / (self.v0.rows() * self.v0.columns()).max(1) as f64
    }
}

/// Sum over the rows of a + sign · b.
fn total(a: &[Row], b: &[Row], sign: f32) -> Row {
    a.iter().zip(b).fold([0.0; WIDTH], |sum, (a, b)| std::array::from_fn(|i| sum[i] + (a[i] + sign * b[i])))
}

/// Draws hidden states. Each panel has a random stream of its own, so that threads may share the work.
fn sample(means: &Panels, states: &mut Panels, kind: Activation, seed: [u8; 32]) {
    let batch = means.rows();
    states.set_rows(batch);
    states.all_mut().par_chunks_mut(batch.max(1)).enumerate().for_each(|(q, panel)| {
        let mut rng = ChaCha8Rng::from_seed(seed);
        rng.set_stream(q as u64);
        for (states, means) in panel.iter_mut().zip(means.panel(q)) {
            for (state, &mean) in states.iter_mut().zip(means) {
                *state = draw(mean, kind, &mut rng);
            }
        }
    });
}

fn draw(mean: f32, kind: Activation, rng: &mut ChaCha8Rng) -> f32 {
    match kind {
        Activation::Sigmoid => f32::from(rng.random::<f32>() < mean),
        // The variance σ(x) needs x, of which a silent unit shows only that it was negative; σ(0) is its bound.
        Activation::Relu => {
            let noise: f32 = StandardNormal.sample(rng);
            (mean + noise * (1.0 / (1.0 + (-mean).exp())).sqrt()).max(0.0)
        }
    }
}

/// m ← μ m + size · (statistics / batch − decay · w); w ← w + m.
struct Ascent<'a> {
    weights: &'a mut [f32],
    statistics: &'a [f32],
    moving: &'a mut [f32],
    pace: RbmStep,
    batch: f32,
    decay: f32,
}

impl<'a> Ascent<'a> {
    fn new(
        w: &'a mut [Row],
        statistics: &'a [Row],
        m: &'a mut [Row],
        pace: RbmStep,
        batch: f32,
        decay: f32,
    ) -> Self {
        let (weights, moving) = (w.as_flattened_mut(), m.as_flattened_mut());
        Self { weights, statistics: statistics.as_flattened(), moving, pace, batch, decay }
    }
}

impl Elementwise for Ascent<'_> {
    #[inline(always)]
    fn run(self) {
        let RbmStep { size, momentum } = self.pace;
        let share = 1.0 / self.batch;
        for ((w, s), m) in self.weights.iter_mut().zip(self.statistics).zip(self.moving) {
            *m = momentum * *m + size * (share * *s - self.decay * *w);
            *w += *m;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VISIBLE: usize = 5;
    const HIDDEN: usize = 3;

    fn tiny() -> Rbm {
        let mut machine =
            Rbm::new(&[0.5; VISIBLE], HIDDEN, Activation::Sigmoid, Activation::Sigmoid, [3; 32]);
        let weights: Vec<f32> = (0..VISIBLE * HIDDEN).map(|i| ((i * 7 % 11) as f32 - 5.0) * 0.08).collect();
        machine.weights = Panels::from_rows(VISIBLE, HIDDEN, &weights);
        machine
    }

    fn data() -> Vec<[f64; VISIBLE]> {
        vec![[1., 1., 0., 0., 1.], [1., 1., 1., 0., 0.], [0., 0., 0., 1., 1.], [1., 1., 0., 0., 0.]]
    }

    /// log p(v) of every visible state, by summing over all hidden states in closed form.
    fn log_likelihood(parameters: &[f64]) -> f64 {
        let (w, rest) = parameters.split_at(VISIBLE * HIDDEN);
        let (b, c) = rest.split_at(VISIBLE);
        let minus_energy = |v: &[f64; VISIBLE]| {
            let own: f64 = v.iter().zip(b).map(|(v, b)| v * b).sum();
            let field = |j: usize| c[j] + (0..VISIBLE).map(|i| v[i] * w[i * HIDDEN + j]).sum::<f64>();
            own + (0..HIDDEN).map(|j| field(j).exp().ln_1p()).sum::<f64>()
        };
        let states = (0..1 << VISIBLE).map(|n: u32| std::array::from_fn(|i| f64::from(n >> i & 1)));
        let partition = states.map(|v| minus_energy(&v).exp()).sum::<f64>().ln();
        let data = data();
        data.iter().map(|v| minus_energy(v) - partition).sum::<f64>() / data.len() as f64
    }

    fn parameters(machine: &Rbm) -> Vec<f64> {
        let all = [&machine.weights, &machine.visible, &machine.hidden].map(Panels::to_rows).concat();
        all.into_iter().map(f64::from).collect()
    }

    /// The mean step of contrastive divergence points along the exact gradient of the likelihood, found by
    /// enumeration. A wrong sign in any of the three statistics, or a swap of the two phases, turns a part of it
    /// round.
    #[test]
    fn statistics_point_along_the_gradient_of_the_likelihood() {
        let machine = tiny();
        let start = parameters(&machine);
        let exact: Vec<f64> = (0..start.len())
            .map(|i| {
                let at = |step: f64| {
                    let mut moved = start.clone();
                    moved[i] += step;
                    log_likelihood(&moved)
                };
                (at(1e-5) - at(-1e-5)) / 2e-5
            })
            .collect();
        let found = mean_step();
        for part in [
            0..VISIBLE * HIDDEN,
            VISIBLE * HIDDEN..VISIBLE * HIDDEN + VISIBLE,
            VISIBLE * HIDDEN + VISIBLE..start.len(),
        ] {
            let (a, b) = (&exact[part.clone()], &found[part.clone()]);
            let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
            let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
            assert!(cosine > 0.9, "{part:?}: {cosine}\n{a:?}\n{b:?}");
        }
    }

    /// The change of one step without momentum, averaged over many samples by way of a large batch.
    fn mean_step() -> Vec<f64> {
        let mut machine = tiny();
        let start = parameters(&machine);
        let one: Vec<f32> = data().concat().into_iter().map(|x| x as f32).collect();
        machine.step(&one.repeat(5000), RbmStep { size: 1.0, momentum: 0.0 }, [1; 32]);
        parameters(&machine).iter().zip(&start).map(|(after, before)| after - before).collect()
    }

    #[test]
    fn learning_raises_the_exact_likelihood() {
        let mut machine = tiny();
        let before = log_likelihood(&parameters(&machine));
        let one: Vec<f32> = data().concat().into_iter().map(|x| x as f32).collect();
        for step in 0..200 {
            machine.step(&one.repeat(10), RbmStep { size: 0.1, momentum: 0.5 }, [step; 32]);
        }
        let after = log_likelihood(&parameters(&machine));
        assert!(after > before + 0.5, "{before} -> {after}");
    }

    #[test]
    fn sampled_states_have_the_means_they_should() {
        let means = Panels::from_rows(1, 4, &[0.0, 0.25, 0.5, 1.0]);
        let mut sum = [0.0; 4];
        let mut states = Panels::zeros(0, 4);
        for i in 0..4000u32 {
            let mut seed = [0; 32];
            seed[..4].copy_from_slice(&i.to_le_bytes());
            sample(&means, &mut states, Activation::Sigmoid, seed);
            for (s, x) in sum.iter_mut().zip(states.to_rows()) {
                *s += x / 4000.0;
            }
        }
        assert_eq!((sum[0], (sum[3] - 1.0).abs() < 1e-3), (0.0, true));
        assert!((sum[1] - 0.25).abs() < 0.03 && (sum[2] - 0.5).abs() < 0.03, "{sum:?}");
    }

    #[test]
    fn a_restored_machine_continues_exactly() {
        let (mut one, mut two) = (tiny(), tiny());
        let pace = RbmStep { size: 0.1, momentum: 0.9 };
        let v: Vec<f32> = data().concat().into_iter().map(|x| x as f32).collect();
        one.step(&v, pace, [1; 32]);
        let mut state = Tensors::default();
        one.save("rbm", &mut state);
        two.restore("rbm", &state).unwrap();
        assert_eq!(one.step(&v, pace, [2; 32]), two.step(&v, pace, [2; 32]));
        assert_eq!(parameters(&one), parameters(&two));
    }
}
