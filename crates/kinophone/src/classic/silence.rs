//! Silence examples: black and white pictures with silence.
//!
//! A network that only ever learned pictures with sound answers a white screen with something loud and a black one with
//! something quiet, but not with silence (the observation of 2015 that asked for half a minute of each in every training set). Exact
//! black and exact white alone would teach two points; films reach black through fades and fog it with grain. So the rows
//! alternate between the dark and the bright side, and of each side
//!
//! - a quarter is constant 0 (or 1);
//! - a quarter has one level from 0 to 8 % (or 92 to 100 %), new in every picture: a fade or a flicker, picture by picture;
//! - a quarter has such a level under noise of up to ±2 % in each pixel, as film grain has it;
//! - a quarter is darkest (brightest) on one side or in the corners and reaches such a level opposite: a gradient or a
//!   vignette, as often one as the other.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Largest distance of a silent picture from black or white.
const DEPTH: f32 = 0.08;
/// Half the width of the noise.
const NOISE: f32 = 0.02;

/// Draws picture `row` (counted from 0 among the silent ones) into `out`, `side × side × channels` numbers from 0 to 1.
/// The same seed and row give the same picture, whatever was drawn before.
pub(crate) fn draw(seed: u64, row: u32, side: usize, out: &mut [f32]) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // Stream 0 of the seed belongs to the split.
    random.set_stream(u64::from(row) + 1);
    let level = random.random_range(0.0..DEPTH);
    match row / 2 % 4 {
        0 => out.fill(0.0),
        1 => out.fill(level),
        2 => out.fill_with(|| (level + random.random_range(-NOISE..NOISE)).max(0.0)),
        _ => shade(&mut random, level, side, out),
    }
    if row % 2 == 1 {
        out.iter_mut().for_each(|pixel| *pixel = 1.0 - *pixel);
    }
}

/// From 0 to `level` along a random direction, or from the centre to the corners.
fn shade(random: &mut ChaCha8Rng, level: f32, side: usize, out: &mut [f32]) {
    let vignette = random.random_bool(0.5);
    let (sin, cos) = random.random_range(0.0..std::f32::consts::TAU).sin_cos();
    let channels = out.len() / (side * side);
    // Positions run from −1 to 1; the farthest corner is √2 away, in any direction.
    let position = |k: usize| (2 * k + 1) as f32 / side as f32 - 1.0;
    for (k, pixel) in out.chunks_exact_mut(channels).enumerate() {
        let (x, y) = (position(k % side), position(k / side));
        let way = if vignette {
            1.0 - (x * x + y * y) / 2.0
        } else {
            (1.0 + (x * cos + y * sin) / std::f32::consts::SQRT_2) / 2.0
        };
        pixel.fill(level * way);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_is_near_black_or_near_white_and_repeatable() {
        for row in 0..400 {
            let (mut one, mut two) = (vec![f32::NAN; 16 * 16], vec![f32::NAN; 16 * 16]);
            draw(7, row, 16, &mut one);
            draw(7, row, 16, &mut two);
            assert_eq!(one, two);
            let depth = DEPTH + NOISE;
            let ok = |p: &f32| {
                if row % 2 == 0 { (0.0..=depth).contains(p) } else { (1.0 - depth..=1.0).contains(p) }
            };
            assert!(one.iter().all(ok), "row {row}");
        }
    }

    #[test]
    fn a_quarter_is_constant_and_all_others_differ() {
        let mut means = Vec::new();
        for row in 0..80 {
            let mut out = vec![0.0; 64];
            draw(1, row, 8, &mut out);
            let constant = out.iter().all(|p| *p == (row % 2) as f32);
            assert_eq!(constant, row / 2 % 4 == 0, "row {row}");
            if !constant {
                means.push(out.iter().sum::<f32>().to_bits());
            }
        }
        let all = means.len();
        means.sort_unstable();
        means.dedup();
        assert_eq!(means.len(), all);
    }
}
