//! Confidence intervals of a figure over blocks of frames.
//!
//! Percentile bootstraps (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13). Frames
//! of one block depend on each other, blocks hardly do, so whole blocks are drawn with replacement and the
//! figure is made anew from all their frames.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Number of draws.
const RESAMPLES: usize = 1000;

/// The blocks of each of 1000 draws with replacement from `blocks` blocks; always the same for the same
/// number.
pub fn draws(blocks: usize) -> Vec<Vec<usize>> {
    let mut random = ChaCha8Rng::seed_from_u64(0xb10c5);
    (0..RESAMPLES).map(|_| (0..blocks).map(|_| random.random_range(0..blocks)).collect()).collect()
}

/// The values between which a figure lies in 95 of 100 draws; `None` without draws.
pub fn interval(resampled: Vec<f64>) -> Option<[f64; 2]> {
    (!resampled.is_empty()).then(|| [0.025, 0.975].map(|share| quantile(resampled.clone(), share)))
}

/// The quantile at `share`, 0 to 1, with linear interpolation between the values beside it. Panics without
/// values.
pub fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let position = share * (values.len() - 1) as f64;
    let (below, part) = (position as usize, position.fract());
    let above = (below + 1).min(values.len() - 1);
    values[below] * (1.0 - part) + values[above] * part
}

/// Sums from which a correlation follows, so that blocks can be drawn without their frames. Curves should lie
/// around 0, or the sums of squares lose digits.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    n: f64,
    x: f64,
    y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

impl Moments {
    /// Takes a frame of both curves.
    pub fn add(&mut self, x: f64, y: f64) {
        *self = self.and(Self { n: 1.0, x, y, xx: x * x, yy: y * y, xy: x * y });
    }

    /// The sums over the frames of both.
    pub fn and(self, other: Self) -> Self {
        Self {
            n: self.n + other.n,
            x: self.x + other.x,
            y: self.y + other.y,
            xx: self.xx + other.xx,
            yy: self.yy + other.yy,
            xy: self.xy + other.xy,
        }
    }

    /// The [`correlation`](crate::metrics::correlation) of the two curves; 0 where one of them is constant.
    pub fn correlation(self) -> f64 {
        let n = self.n.max(1.0);
        let (xx, yy) = (self.xx - self.x * self.x / n, self.yy - self.y * self.y / n);
        let scale = (xx.max(0.0) * yy.max(0.0)).sqrt();
        if scale > 1e-9 { (self.xy - self.x * self.y / n) / scale } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_blocks_give_the_correlation_of_all() {
        let x: Vec<f64> = (0..100).map(|i| (f64::from(i) * 0.7).sin()).collect();
        let y: Vec<f64> = (0..100).map(|i| (f64::from(i) * 0.7).sin() + (f64::from(i) * 2.3).cos()).collect();
        let of = |range: std::ops::Range<usize>| {
            let mut sum = Moments::default();
            range.for_each(|i| sum.add(x[i], y[i]));
            sum
        };
        let found = of(0..30).and(of(30..100)).correlation();
        assert!((found - crate::metrics::correlation(&x, &y)).abs() < 1e-12);
        assert_eq!(Moments::default().correlation(), 0.0);
    }

    #[test]
    fn draws_are_of_all_blocks_and_always_the_same() {
        let drawn = draws(4);
        assert_eq!((drawn.len(), drawn.clone()), (1000, draws(4)));
        assert!((0..4).all(|block| drawn.iter().flatten().any(|b| *b == block)));
        assert!(drawn.iter().all(|draw| draw.len() == 4 && draw.iter().all(|block| *block < 4)));
    }

    #[test]
    fn an_interval_leaves_a_fortieth_on_either_side() {
        let [low, high] = interval((0..=1000).map(f64::from).collect()).unwrap();
        assert!((low - 25.0).abs() < 1e-9 && (high - 975.0).abs() < 1e-9);
        assert_eq!(interval(Vec::new()), None);
    }
}
