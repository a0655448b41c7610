//! Scaling of numbers to mean 0 and deviation 1.

use serde::{Deserialize, Serialize};

/// A number's mean and deviation over the training material.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureScale {
    /// Mean.
    pub mean: f32,
    /// Standard deviation, above 0.
    pub deviation: f32,
}

impl FeatureScale {
    /// Scale of these numbers; deviation 1 where they are all alike.
    pub fn of(numbers: impl Iterator<Item = f32> + Clone) -> Self {
        let n = numbers.clone().count().max(1) as f64;
        let mean = numbers.clone().map(f64::from).sum::<f64>() / n;
        let variance = numbers.map(|x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
        let deviation = variance.sqrt() as f32;
        Self { mean: mean as f32, deviation: if deviation > 1e-6 { deviation } else { 1.0 } }
    }

    /// (x − mean) / deviation
    pub fn scaled(self, x: f32) -> f32 {
        (x - self.mean) / self.deviation
    }

    /// The inverse of [`FeatureScale::scaled`].
    pub fn unscaled(self, z: f32) -> f32 {
        self.mean + z * self.deviation
    }
}
