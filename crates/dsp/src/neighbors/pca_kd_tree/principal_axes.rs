//! The mean of points and the directions in which they differ most.

use std::iter::zip;

/// Steps of the power method. Axes that have not settled make searches slower, not wrong.
const POWER_ITERATIONS: usize = 12;

/// A mean, and some axes from it: of length 1, orthogonal to one another; zeros where there are not so many.
#[derive(Clone, Debug)]
pub(super) struct PrincipalAxes {
    pub(super) mean: Vec<f64>,
    axes: Vec<Vec<f64>>,
}

impl PrincipalAxes {
    /// `count` axes of `points` of `dims` coordinates: the power method with several vectors that are kept
    /// orthogonal to one another (Gram and Schmidt, twice).
    pub(super) fn new(dims: usize, count: usize, points: &[&[f32]]) -> Self {
        let mut mean = vec![0.0; dims];
        for point in points {
            for (m, x) in zip(&mut mean, *point) {
                *m += f64::from(*x) / points.len() as f64;
            }
        }
        // Any start will do that is not orthogonal to an axis that is looked for.
        let start = |i: usize| (0..dims).map(|k| ((i + 1) as f64 * (k as f64 + 0.5)).sin()).collect();
        let mut found = Self { mean, axes: (0..count).map(start).collect() };
        let mut from_mean = vec![0.0; dims];
        for _ in 0..POWER_ITERATIONS {
            let mut turned = vec![vec![0.0; dims]; count];
            for point in points {
                found.relative(point, &mut from_mean);
                for (turned, axis) in zip(&mut turned, &found.axes) {
                    add(turned, dot(axis, &from_mean), &from_mean);
                }
            }
            orthonormalize(&mut turned);
            found.axes = turned;
        }
        found
    }

    /// Writes the projections of a point on the axes to `projection`, and to its last entry the distance from
    /// the space that they span. `from_mean` is filled with the point relative to the mean.
    pub(super) fn project(&self, point: &[f32], from_mean: &mut [f64], projection: &mut [f32]) {
        self.relative(point, from_mean);
        let mut residual = from_mean.to_vec();
        for (along, axis) in zip(&mut *projection, &self.axes) {
            let length = dot(axis, from_mean);
            add(&mut residual, -length, axis);
            *along = length as f32;
        }
        if let Some(last) = projection.last_mut() {
            *last = norm(&residual) as f32;
        }
    }

    fn relative(&self, point: &[f32], from_mean: &mut [f64]) {
        for (to, (x, mean)) in zip(from_mean, zip(point, &self.mean)) {
            *to = f64::from(*x) - mean;
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    zip(a, b).map(|(a, b)| a * b).sum()
}

pub(super) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// `to` += `factor` · `vector`.
fn add(to: &mut [f64], factor: f64, vector: &[f64]) {
    zip(to, vector).for_each(|(to, x)| *to += factor * x);
}

/// Makes each axis of length 1 and orthogonal to those before; zeros where nothing is left of it.
fn orthonormalize(axes: &mut [Vec<f64>]) {
    for i in 0..axes.len() {
        let (before, rest) = axes.split_at_mut(i);
        let axis = &mut rest[0];
        let whole = norm(axis);
        for _ in 0..2 {
            for other in &*before {
                let along = dot(other, axis);
                add(axis, -along, other);
            }
        }
        let length = norm(axis);
        let remains = length.is_finite() && length > 1e-9 * whole;
        axis.iter_mut().for_each(|x| *x = if remains { *x / length } else { 0.0 });
    }
}
