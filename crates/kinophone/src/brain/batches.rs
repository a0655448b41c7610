//! Examples into batches: their order, their centring, their means. Everything random follows from the seed and from
//! where the training is, so that a resumed run draws the same numbers without a generator's state being kept.

use super::{Examples, Split};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// From how many training rows, evenly spread, the means are taken: half an hour of film, which is plenty for a mean.
const MEAN_ROWS: usize = 16_384;
/// Rows that one thread fetches at a time.
const FETCH: usize = 8;

/// What a random choice is for; each purpose has its own stream of numbers.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// Order of the training rows in an epoch.
    Order,
    /// Order of the rows in an epoch of pretraining, and sampled hidden states.
    Pretraining,
    /// First weights.
    Weights,
}

/// The seed for one purpose at one place of the training.
pub fn seed(seed: u64, purpose: Purpose, place: [u32; 3]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8] = purpose as u8;
    for (bytes, number) in bytes[12..24].chunks_exact_mut(4).zip(place) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

/// `rows` in the order of one epoch.
pub fn shuffled(rows: &[u32], seed: [u8; 32]) -> Vec<u32> {
    let mut rows = rows.to_vec();
    rows.shuffle(&mut ChaCha8Rng::from_seed(seed));
    rows
}

/// Means over the training rows.
pub struct Means {
    /// `[picture_len]`, 0..1
    pub picture: Vec<f32>,
    /// `[target_len]`
    pub target: Vec<f32>,
}

impl Means {
    /// Of up to 16 384 evenly spread training rows; zeros where there are none.
    pub fn of(examples: &dyn Examples, split: &Split<'_>) -> Self {
        let stride = split.training.len().div_ceil(MEAN_ROWS).max(1);
        let rows: Vec<u32> = split.training.iter().copied().step_by(stride).collect();
        let mut batch = Batch::default();
        let mut sums = (vec![0.0f64; examples.picture_len()], vec![0.0f64; examples.target_len()]);
        for rows in rows.chunks(256) {
            batch.fetch(examples, rows, &[]);
            add_rows(&mut sums.0, &batch.pictures);
            add_rows(&mut sums.1, &batch.targets);
        }
        let n = rows.len().max(1) as f64;
        let mean = |sums: Vec<f64>| sums.into_iter().map(|s| (s / n) as f32).collect();
        Self { picture: mean(sums.0), target: mean(sums.1) }
    }
}

fn add_rows(sums: &mut [f64], rows: &[f32]) {
    for row in rows.chunks_exact(sums.len()) {
        for (sum, &x) in sums.iter_mut().zip(row) {
            *sum += f64::from(x);
        }
    }
}

/// Pictures `[rows, picture_len]` and targets `[rows, target_len]`, reused from step to step.
#[derive(Default)]
pub struct Batch {
    /// Centred where an offset was given.
    pub pictures: Vec<f32>,
    /// −1..1
    pub targets: Vec<f32>,
}

impl Batch {
    /// Fetches `rows` on all threads, and takes `offset` (which may be empty) off each picture.
    pub fn fetch(&mut self, examples: &dyn Examples, rows: &[u32], offset: &[f32]) {
        let (inputs, outputs) = (examples.picture_len(), examples.target_len());
        self.pictures.resize(rows.len() * inputs, 0.0);
        self.targets.resize(rows.len() * outputs, 0.0);
        let pictures = self.pictures.par_chunks_mut(FETCH * inputs);
        let targets = self.targets.par_chunks_mut(FETCH * outputs);
        rows.par_chunks(FETCH).zip(pictures.zip(targets)).for_each(|(rows, (pictures, targets))| {
            examples.fill(rows, pictures, targets);
            for picture in pictures.chunks_exact_mut(inputs) {
                for (x, mean) in picture.iter_mut().zip(offset) {
                    *x -= mean;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_follow_seed_and_place_and_lose_nothing() {
        let rows: Vec<u32> = (0..1000).collect();
        let order = |s, epoch| shuffled(&rows, seed(s, Purpose::Order, [epoch, 0, 0]));
        assert_eq!(order(1, 2), order(1, 2));
        assert_ne!(order(1, 2), order(1, 3));
        assert_ne!(order(1, 2), order(2, 2));
        let mut sorted = order(1, 2);
        sorted.sort_unstable();
        assert_eq!(sorted, rows);
    }
}
