//! Batches of rows: their order, their centring, their means. Everything random follows from the seed and from
//! where the training is, so that a resumed run draws the same numbers without a generator's state being kept.

use crate::classic::rows::{RowSplit, Rows};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// From how many training rows, evenly spread, the means are taken: half an hour of film, which is plenty for a mean.
const MEAN_ROWS: usize = 16_384;
/// From how many the medians, which need all of them at once.
const MEDIAN_ROWS: usize = 1024;
/// Rows that one thread fetches at a time.
const FETCH: usize = 8;

/// Purpose of random numbers; each has its own stream.
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

/// Statistics of up to 16 384 evenly spread training rows.
pub struct Statistics {
    /// Mean picture, 0..1: `[picture_len]`.
    pub picture: Vec<f32>,
    /// Mean target: `[target_len]`.
    pub target: Vec<f32>,
    /// Median picture, which is taken off every picture that the network learns from: `[picture_len]`.
    ///
    /// Centred inputs make learning fast (LeCun et al. 1998, section 4.3). Median and not mean, because the black and
    /// white pictures that teach silence lie far from those of the film: a mean would stand between them. Inputs are
    /// not scaled to deviation 1: neighbouring pixels say nearly the same, so that one step of Adam moves a unit's
    /// sum by as much as thousands of weights together; larger inputs were measured to kill rectified units within an
    /// epoch.
    pub centre: Vec<f32>,
}

impl Statistics {
    /// Means are zeros where there are no rows.
    pub fn of(examples: &dyn Rows, split: &RowSplit<'_>) -> Self {
        let rows = spread(split.training, MEAN_ROWS);
        let mut batch = Batch::default();
        let mut sums = (vec![0.0f64; examples.picture_len()], vec![0.0f64; examples.target_len()]);
        for rows in rows.chunks(256) {
            batch.fetch(examples, rows, &[]);
            add_rows(&mut sums.0, &batch.pictures);
            add_rows(&mut sums.1, &batch.targets);
        }
        let n = rows.len().max(1) as f64;
        let mean = |sums: Vec<f64>| sums.into_iter().map(|s| (s / n) as f32).collect();
        batch.fetch(examples, &spread(split.training, MEDIAN_ROWS), &[]);
        let centre = median_row(&batch.pictures, examples.picture_len());
        Self { picture: mean(sums.0), target: mean(sums.1), centre }
    }
}

/// At most `count` of the rows, evenly spread.
pub fn spread(rows: &[u32], count: usize) -> Vec<u32> {
    rows.iter().copied().step_by(rows.len().div_ceil(count).max(1)).collect()
}

/// The median of each column of rows of `len` numbers.
fn median_row(rows: &[f32], len: usize) -> Vec<f32> {
    let column = |i: usize| median(rows.chunks_exact(len).map(|row| row[i]).collect());
    (0..len).into_par_iter().map(column).collect()
}

/// The middle number (the upper one of two); 0 of none.
fn median(mut numbers: Vec<f32>) -> f32 {
    let middle = numbers.len() / 2;
    if numbers.is_empty() {
        return 0.0;
    }
    *numbers.select_nth_unstable_by(middle, f32::total_cmp).1
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
    /// 0..1 less the centre
    pub pictures: Vec<f32>,
    /// −1..1
    pub targets: Vec<f32>,
}

impl Batch {
    /// Fetches `rows` on all threads, and takes `centre` (which may be empty) off each picture.
    pub fn fetch(&mut self, examples: &dyn Rows, rows: &[u32], centre: &[f32]) {
        let (inputs, outputs) = (examples.picture_len(), examples.target_len());
        self.pictures.resize(rows.len() * inputs, 0.0);
        self.targets.resize(rows.len() * outputs, 0.0);
        let pictures = self.pictures.par_chunks_mut(FETCH * inputs);
        let targets = self.targets.par_chunks_mut(FETCH * outputs);
        rows.par_chunks(FETCH).zip(pictures.zip(targets)).for_each(|(rows, (pictures, targets))| {
            examples.fill(rows, pictures, targets);
            for picture in pictures.chunks_exact_mut(inputs) {
                for (x, centre) in picture.iter_mut().zip(centre) {
                    *x -= centre;
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_row_ignores_outliers() {
        assert_eq!(median_row(&[0.5, 0.2, 0.6, 0.3, 0.0, 1.0, 0.7, 0.1, 0.0, 0.2], 2), [0.5, 0.2]);
        assert_eq!(median_row(&[], 2), [0.0, 0.0]);
    }

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
