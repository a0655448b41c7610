//! Nearest-neighbour regression: the sound of the training ticks whose pictures look most alike.

use crate::Result;
use crate::model::controls::{OUTPUTS, logistic_outputs, logit};
use kinophone_dsp::neighbors::Points;
use kinophone_nn::tensors::Tensors;

/// Largest number of examples, evenly spread.
const MAX_EXAMPLES: usize = 8_192;
/// Neighbours whose sound is averaged …
const NEIGHBOURS: usize = 32;
/// … each weighing exp(−SHARPNESS d² / e²), where e is the distance of this one.
const SCALE_NEIGHBOUR: usize = 16;
const SHARPNESS: f32 = 3.0;
/// The dimensions in which pictures differ most, by which all memories are compared first.
const HEAD_DIMS: usize = 24;
/// So many of the nearest by these are compared in full at once.
const CANDIDATES: usize = 64;

/// Source of examples: writes the input `[inputs]` and the target `[69]` of one.
pub(crate) type KnnExample<'a> = dyn Fn(usize, &mut [f32], &mut [f32]) + 'a;

/// Nearest neighbours (Cover and Hart, IEEE Trans. Information Theory 13, 1967): the mean of what sounded in those ticks of
/// the training film that look most alike, weighed by likeness.
pub(crate) struct KnnRegressor {
    /// Weight of each input; those of weight 0 are not compared.
    weights: Vec<f32>,
    /// Inputs that are compared, the heaviest first: number and weight.
    order: Vec<(usize, f32)>,
    /// Compared numbers: `[memories, order]`, and of that the first coordinates.
    keys: Vec<f32>,
    head: Points,
    /// Targets: `[memories, 69]`.
    sounds: Vec<f32>,
}

/// Buffers of [`KnnRegressor::predict`].
#[derive(Default)]
pub(crate) struct KnnBuffers {
    keys: Vec<f32>,
    heads: Vec<f32>,
    distances: Vec<f32>,
    ranked: Vec<(f32, u32)>,
}

impl KnnRegressor {
    /// Keeps `count` examples, or some of them.
    pub(crate) fn of(count: usize, weights: Vec<f32>, example: &KnnExample<'_>) -> Self {
        let step = count.div_ceil(MAX_EXAMPLES).max(1);
        let order = order(&weights);
        let (mut keys, mut sounds) = (Vec::new(), Vec::new());
        let (mut x, mut y) = (vec![0.0; weights.len()], [0.0; OUTPUTS]);
        for k in (0..count).step_by(step) {
            example(k, &mut x, &mut y);
            keys.extend(order.iter().map(|(input, weight)| weight * x[*input]));
            sounds.extend(y);
        }
        Self::new(weights, keys, sounds)
    }

    fn new(weights: Vec<f32>, keys: Vec<f32>, sounds: Vec<f32>) -> Self {
        let order = order(&weights);
        let (memories, head) = (sounds.len() / OUTPUTS, HEAD_DIMS.min(order.len()));
        let heads = keys.chunks_exact(order.len().max(1)).flat_map(|row| &row[..head]);
        let head = Points::new(head, memories, &heads.copied().collect::<Vec<_>>());
        Self { weights, order, keys, head, sounds }
    }

    pub(crate) fn memories(&self) -> usize {
        self.sounds.len() / OUTPUTS
    }

    pub(crate) fn save(&self, name: &str, into: &mut Tensors) {
        into.put(&format!("{name}.weights"), &[self.weights.len()], self.weights.clone());
        into.put(&format!("{name}.keys"), &[self.memories(), self.order.len()], self.keys.clone());
        into.put(&format!("{name}.sounds"), &[self.memories(), OUTPUTS], self.sounds.clone());
    }

    /// One of `memories`, at least one, that compares some of `inputs`.
    pub(crate) fn restore(memories: usize, inputs: usize, name: &str, from: &Tensors) -> Result<Self> {
        let weights = from.floats(&format!("{name}.weights"), &[inputs])?.to_vec();
        let keys = from.floats(&format!("{name}.keys"), &[memories, order(&weights).len()])?.to_vec();
        let sounds = from.floats(&format!("{name}.sounds"), &[memories, OUTPUTS])?.to_vec();
        Ok(Self::new(weights, keys, sounds))
    }

    /// Predicts some ticks, `[n, inputs]` to `[n, 69]`.
    pub(crate) fn predict(&self, buffers: &mut KnnBuffers, inputs: &[f32], out: &mut [f32]) {
        let rows = inputs.chunks_exact(self.weights.len());
        let key = rows.flat_map(|row| self.order.iter().map(|(input, weight)| weight * row[*input]));
        buffers.keys.clear();
        buffers.keys.extend(key);
        let (dims, head) = (self.order.len(), self.head.dims());
        buffers.heads.clear();
        buffers.heads.extend(buffers.keys.chunks_exact(dims).flat_map(|key| &key[..head]));
        let ticks = out.len() / OUTPUTS;
        buffers.distances.resize(ticks * self.head.padded(), 0.0);
        self.head.squared_distances(&buffers.heads, &mut buffers.distances);
        let rows = buffers.keys.chunks_exact(dims).zip(buffers.distances.chunks_exact(self.head.padded()));
        for ((key, distances), out) in rows.zip(out.chunks_exact_mut(OUTPUTS)) {
            self.nearest(&key[head..], &distances[..self.memories()], &mut buffers.ranked);
            self.mean(&buffers.ranked, out);
        }
    }

    /// The nearest memories with their squared distances, ascending. Exact: what is farther in the first dimensions alone than
    /// the farthest of as many others in all of them is not among them.
    fn nearest(&self, rest: &[f32], heads: &[f32], ranked: &mut Vec<(f32, u32)>) {
        ranked.clear();
        ranked.extend(heads.iter().copied().zip(0u32..));
        let (wanted, dims) = (NEIGHBOURS.min(ranked.len()), self.order.len());
        let complete = |(head, knn): (f32, u32)| {
            let tail = &self.keys[knn as usize * dims..][dims - rest.len()..dims];
            (head + rest.iter().zip(tail).map(|(a, b)| (a - b).powi(2)).sum::<f32>(), knn)
        };
        if ranked.len() > CANDIDATES {
            ranked.select_nth_unstable_by(CANDIDATES - 1, by_distance);
        }
        let sure = CANDIDATES.min(ranked.len());
        ranked[..sure].iter_mut().for_each(|found| *found = complete(*found));
        ranked[..sure].sort_unstable_by(by_distance);
        let farthest = ranked[wanted - 1].0;
        let mut kept = sure;
        for k in sure..ranked.len() {
            if ranked[k].0 <= farthest {
                ranked[kept] = complete(ranked[k]);
                kept += 1;
            }
        }
        ranked.truncate(kept);
        ranked.sort_unstable_by(by_distance);
        ranked.truncate(wanted);
    }

    fn mean(&self, nearest: &[(f32, u32)], out: &mut [f32]) {
        let reach = nearest.get(SCALE_NEIGHBOUR - 1).or(nearest.last()).map_or(0.0, |(d, _)| *d).max(1e-6);
        let (mut sums, mut total) = ([0.0f32; OUTPUTS], 0.0f32);
        for (distance, knn) in nearest {
            let weight = (-SHARPNESS * distance / reach).exp();
            let sound = &self.sounds[*knn as usize * OUTPUTS..][..OUTPUTS];
            sums.iter_mut().zip(sound).for_each(|(sum, x)| *sum += weight * x);
            total += weight;
        }
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum / total.max(f32::MIN_POSITIVE));
        logistic_outputs().for_each(|k| out[k] = logit(out[k]));
    }
}

/// Equally near ones in the order of their numbers, so that the choice does not depend on the way it is found.
fn by_distance(a: &(f32, u32), b: &(f32, u32)) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
}

/// Inputs that weigh something, the heaviest first.
fn order(weights: &[f32]) -> Vec<(usize, f32)> {
    let mut order: Vec<(usize, f32)> =
        weights.iter().copied().enumerate().filter(|(_, w)| *w > 0.0).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(k: usize, x: &mut [f32], y: &mut [f32]) {
        x.iter_mut()
            .enumerate()
            .for_each(|(i, x)| *x = (((k * 37 + i * 11) * 7919) % 997) as f32 / 500.0 - 1.0);
        y.fill(0.0);
        y[0] = k as f32;
    }

    #[test]
    fn the_nearest_are_found_whatever_the_first_dimensions_say() {
        let (count, inputs) = (700, 60);
        let weights: Vec<f32> =
            (0..inputs).map(|i| if i % 7 == 3 { 0.0 } else { 1.0 / (1.0 + i as f32) }).collect();
        let knn = KnnRegressor::of(count, weights.clone(), &example);
        let (mut x, mut y, mut buffers) = (vec![0.0; inputs], [0.0; OUTPUTS], KnnBuffers::default());
        let mut out = [0.0; OUTPUTS];
        for k in 1000..1040 {
            example(k, &mut x, &mut y);
            knn.predict(&mut buffers, &x, &mut out);
            let distance = |m: usize| {
                let mut there = vec![0.0; inputs];
                example(m, &mut there, &mut [0.0; OUTPUTS]);
                let parts =
                    there.iter().zip(&x).zip(&weights).map(|((a, b), w)| f64::from(w * (a - b)).powi(2));
                parts.sum::<f64>()
            };
            let mut all: Vec<(f64, usize)> = (0..count).map(|m| (distance(m), m)).collect();
            all.sort_by(|a, b| a.partial_cmp(b).unwrap());
            let found: Vec<usize> = buffers.ranked.iter().map(|(_, m)| *m as usize).collect();
            let true_ones: Vec<usize> = all[..NEIGHBOURS].iter().map(|(_, m)| *m).collect();
            assert_eq!(found, true_ones);
            let weight = |d: f64| (-3.0 * d / all[SCALE_NEIGHBOUR - 1].0).exp();
            let sums = all[..NEIGHBOURS]
                .iter()
                .fold((0.0, 0.0), |s, (d, m)| (s.0 + weight(*d) * *m as f64, s.1 + weight(*d)));
            assert!((f64::from(out[0]) - sums.0 / sums.1).abs() < 0.1, "{} {}", out[0], sums.0 / sums.1);
        }
    }

    /// Scenes of 40 ticks that look nearly alike and sound alike; in every second one a note begins.
    #[test]
    fn what_sounded_when_it_looked_alike_is_said() {
        let scene = |k: usize, x: &mut [f32], y: &mut [f32]| {
            example(k / 40, x, &mut [0.0]);
            x.iter_mut().for_each(|x| *x += 1e-3 * (k % 40) as f32);
            y.fill(0.0);
            y[0] = (k / 40) as f32;
            logistic_outputs().for_each(|output| y[output] = (k / 40 % 2) as f32);
        };
        let knn = KnnRegressor::of(400, vec![1.0; 8], &scene);
        let (mut x, mut y, mut out) = ([0.0; 8], [0.0; OUTPUTS], [0.0; OUTPUTS]);
        for k in (5..400).step_by(40) {
            scene(k, &mut x, &mut y);
            knn.predict(&mut KnnBuffers::default(), &x, &mut out);
            assert!((out[0] - y[0]).abs() < 1e-4, "{} instead of {}", out[0], y[0]);
            // A probability of 1 % or 99 %, as a logit.
            let logit = if k / 40 % 2 == 1 { 99.0f32.ln() } else { -99.0f32.ln() };
            assert!(logistic_outputs().all(|output| (out[output] - logit).abs() < 1e-2));
        }
    }
}
