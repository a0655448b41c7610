//! Motion of things, apart from that of the camera and of the light.
//!
//! Two pictures are aligned by an affine motion and a constant change of light, found by Gauss–Newton steps from coarse to fine
//! (Bergen et al., "Hierarchical model-based motion estimation", ECCV 1992) with weights that leave out what does not fit
//! (Geman and McClure: Odobez and Bouthemy, "Robust multiresolution estimation of parametric motion models", Journal of Visual
//! Communication and Image Representation 6, 1995). What is left beside it moves by itself. The pictures are smoothed before: means of
//! blocks change with the place of edges within a block, as if something moved.

use crate::visual::film::SIDE;

/// Sides of the pictures that are aligned, from coarse to fine, and steps at each. Finer ones take four times as long and find
/// the edges of things that did not move.
const LEVELS: [(usize, usize); 2] = [(16, 8), (32, 5)];
/// Times that pictures are smoothed before.
const SMOOTHINGS: usize = 2;
/// Parameters: displacements across and down as linear functions of the place, and light.
const PARAMETERS: usize = 7;
/// Change of a pixel that may be noise of film and codec.
const NOISE: f32 = 1.5 / 255.0;
/// Parts of a pixel by which an aligned picture may still be off where the camera moved.
const MISALIGNMENT: f32 = 0.35;
/// Share of a change that is left over where nothing but the camera moves, and from which on all that is left over counts.
const UNFITTING: (f32, f32) = (0.2, 0.5);
/// Pixels of the weights' scale at least.
const MIN_SCALE: f32 = 1.0 / 255.0;
/// Less than this share of a picture that is seen in both says nothing.
const MIN_OVERLAP: f32 = 0.3;

/// Change from one picture to the next, in grey levels of 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct PictureChange {
    /// Mean absolute difference.
    pub(crate) all: f32,
    /// Mean absolute difference that neither a motion of the camera nor a change of light explains.
    pub(crate) things: f32,
    /// Change of light.
    pub(crate) light: f32,
}

/// Finds the change from one picture to the next, [`SIDE`] pixels a side.
pub(crate) struct ChangeMeter {
    levels: Vec<Level>,
    smoothed: [Vec<f32>; 3],
}

/// Pictures of one size, and the gradients of the later one.
struct Level {
    side: usize,
    steps: usize,
    before: Vec<f32>,
    now: Vec<f32>,
    /// Across and down, a pixel.
    gradient: Vec<[f32; 2]>,
}

impl Default for ChangeMeter {
    fn default() -> Self {
        let level = |(side, steps): (usize, usize)| {
            let room = || vec![0.0; side * side];
            Level { side, steps, before: room(), now: room(), gradient: vec![[0.0; 2]; side * side] }
        };
        let room = || vec![0.0; (SIDE * SIDE) as usize];
        Self { levels: LEVELS.into_iter().map(level).collect(), smoothed: [room(), room(), room()] }
    }
}

impl ChangeMeter {
    /// The change between two pictures.
    pub(crate) fn change(&mut self, before: &[f32], now: &[f32]) -> PictureChange {
        let all = mean(before.iter().zip(now).map(|(a, b)| (a - b).abs()));
        if all <= 0.0 {
            return PictureChange::default();
        }
        let mut motion = [0.0; PARAMETERS];
        let [smooth_before, smooth_now, across] = &mut self.smoothed;
        for (picture, smoothed) in [(before, &mut *smooth_before), (now, &mut *smooth_now)] {
            smoothed.copy_from_slice(picture);
            (0..SMOOTHINGS).for_each(|_| smooth(smoothed, across));
        }
        for level in &mut self.levels {
            level.load(smooth_before, smooth_now);
            motion = level.align(motion);
        }
        let finest = &self.levels[LEVELS.len() - 1];
        let still = finest.left_over(&[0.0; PARAMETERS]).unwrap_or(all);
        // Of what the camera moves a part never fits: pictures of this size are too coarse to be shifted by parts of a pixel.
        let things = finest.left_over(&motion).map_or(still, |left| {
            let share = left / still.max(f32::MIN_POSITIVE);
            left.min(still) * ((share - UNFITTING.0) / (UNFITTING.1 - UNFITTING.0)).clamp(0.0, 1.0)
        });
        PictureChange { all, things, light: motion[PARAMETERS - 1] }
    }
}

impl Level {
    /// Scales both pictures down to this level's size.
    fn load(&mut self, before: &[f32], now: &[f32]) {
        shrink(before, &mut self.before, self.side);
        shrink(now, &mut self.now, self.side);
        let (side, last) = (self.side, self.side - 1);
        for y in 0..side {
            for x in 0..side {
                let slope = |a: usize, b: usize| self.now[b] - self.now[a];
                let [left, right] = [y * side + x.saturating_sub(1), y * side + (x + 1).min(last)];
                let [above, below] = [y.saturating_sub(1) * side + x, (y + 1).min(last) * side + x];
                let inner = |at: usize| if at == 0 || at == last { 1.0 } else { 0.5 };
                self.gradient[y * side + x] = [inner(x) * slope(left, right), inner(y) * slope(above, below)];
            }
        }
    }

    /// Displacement of a pixel by a motion, in pixels; its parameters are of a picture from −1 to 1.
    fn displacement(&self, motion: &[f32; PARAMETERS], x: usize, y: usize) -> ([f32; 2], [f32; 2]) {
        let half = self.side as f32 / 2.0;
        let place = [x, y].map(|at| (at as f32 + 0.5) / half - 1.0);
        let along = |a: &[f32]| (a[0] + a[1] * place[0] + a[2] * place[1]) * half;
        ([along(&motion[..3]), along(&motion[3..6])], place)
    }

    /// The earlier picture at a place between pixels; `None` beyond its edges.
    fn sample(&self, x: f32, y: f32) -> Option<f32> {
        let last = (self.side - 1) as f32;
        if !(0.0..=last).contains(&x) || !(0.0..=last).contains(&y) {
            return None;
        }
        let (left, top) = ((x as usize).min(self.side - 2), (y as usize).min(self.side - 2));
        let (fx, fy) = (x - left as f32, y - top as f32);
        let row = |y: usize| {
            let pair = &self.before[y * self.side + left..][..2];
            pair[0] + fx * (pair[1] - pair[0])
        };
        let (upper, lower) = (row(top), row(top + 1));
        Some(upper + fy * (lower - upper))
    }

    /// The difference of each pixel that is seen in both pictures: with its number, its place and the distance it was displaced by.
    fn differences(
        &self,
        motion: &[f32; PARAMETERS],
    ) -> impl Iterator<Item = (usize, f32, [f32; 2], f32)> + '_ {
        let motion = *motion;
        (0..self.side * self.side).filter_map(move |pixel| {
            let (x, y) = (pixel % self.side, pixel / self.side);
            let ([across, down], place) = self.displacement(&motion, x, y);
            let was = self.sample(x as f32 + across, y as f32 + down)?;
            Some((pixel, self.now[pixel] - was - motion[PARAMETERS - 1], place, across.hypot(down)))
        })
    }

    /// The motion that aligns the pictures best, near `motion`.
    fn align(&self, mut motion: [f32; PARAMETERS]) -> [f32; PARAMETERS] {
        let half = self.side as f32 / 2.0;
        for _ in 0..self.steps {
            let usual = mean(self.differences(&motion).map(|(_, difference, ..)| difference.abs()));
            let scale = (1.5 * usual).max(MIN_SCALE);
            let (mut square, mut product) = ([[0.0f32; PARAMETERS]; PARAMETERS], [0.0f32; PARAMETERS]);
            for (pixel, difference, [x, y], _) in self.differences(&motion) {
                let [across, down] = self.gradient[pixel].map(|slope| slope * half);
                let weight = (1.0 + (difference / scale).powi(2)).powi(-2);
                let row = [across, across * x, across * y, down, down * x, down * y, 1.0];
                for i in 0..PARAMETERS {
                    let weighted = weight * row[i];
                    product[i] += weighted * difference;
                    (i..PARAMETERS).for_each(|k| square[i][k] += weighted * row[k]);
                }
            }
            let Some(step) = solve(square, product) else { break };
            motion.iter_mut().zip(step).for_each(|(m, s)| *m += s);
            if step.iter().all(|s| s.abs() < 1e-4) {
                break;
            }
        }
        motion
    }

    /// Mean absolute difference after the alignment, less what noise and a small misalignment may cause; `None` where the pictures
    /// hardly overlap.
    fn left_over(&self, motion: &[f32; PARAMETERS]) -> Option<f32> {
        let (mut sum, mut count) = (0.0, 0usize);
        for (pixel, difference, _, moved) in self.differences(motion) {
            let [across, down] = self.gradient[pixel];
            let slack = NOISE + MISALIGNMENT * moved.min(1.0) * across.hypot(down);
            sum += (difference.abs() - slack).max(0.0);
            count += 1;
        }
        let enough = count as f32 >= MIN_OVERLAP * (self.side * self.side) as f32;
        (enough && motion.iter().all(|m| m.is_finite())).then(|| sum / count as f32)
    }
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), x| (sum + x, count + 1));
    sum / count.max(1) as f32
}

/// Smooths a picture by the binomial weights 1, 4, 6, 4, 1 along rows and columns.
fn smooth(picture: &mut [f32], across: &mut [f32]) {
    const WEIGHTS: [f32; 5] = [0.0625, 0.25, 0.375, 0.25, 0.0625];
    let (side, last) = (SIDE as usize, SIDE as usize - 1);
    for (row, across) in picture.chunks_exact(side).zip(across.chunks_exact_mut(side)) {
        let tap = |x: usize, i: usize| WEIGHTS[i] * row[(x + i).saturating_sub(2).min(last)];
        for x in [0, 1, last - 1, last] {
            across[x] = (0..5).map(|i| tap(x, i)).sum();
        }
        for (across, near) in across[2..].iter_mut().zip(row.windows(5)) {
            *across = near.iter().zip(WEIGHTS).map(|(x, weight)| weight * x).sum();
        }
    }
    for (y, out) in picture.chunks_exact_mut(side).enumerate() {
        out.fill(0.0);
        for (i, weight) in WEIGHTS.into_iter().enumerate() {
            let near = (y + i).saturating_sub(2).min(last) * side;
            out.iter_mut().zip(&across[near..][..side]).for_each(|(out, x)| *out += weight * x);
        }
    }
}

/// Means of blocks of pixels.
fn shrink(picture: &[f32], out: &mut [f32], side: usize) {
    let from = SIDE as usize;
    let block = from / side;
    for (k, out) in out.iter_mut().enumerate() {
        let first = k / side * block * from + k % side * block;
        let rows = (0..block).map(|row| picture[first + row * from..][..block].iter().sum::<f32>());
        *out = rows.sum::<f32>() / (block * block) as f32;
    }
}

/// Solves a symmetric system of which the upper half is given, by Cholesky's decomposition; `None` where it has no single solution.
fn solve(
    mut square: [[f32; PARAMETERS]; PARAMETERS],
    mut product: [f32; PARAMETERS],
) -> Option<[f32; PARAMETERS]> {
    // A plain picture determines no motion: it is taken for still.
    let trace: f32 = (0..PARAMETERS - 1).map(|i| square[i][i]).sum();
    (0..PARAMETERS).for_each(|i| square[i][i] += 1e-3 * trace / PARAMETERS as f32 + 1e-6);
    for i in 0..PARAMETERS {
        for k in 0..i {
            let factor = square[k][i] / square[k][k];
            product[i] -= factor * product[k];
            let row = square[k];
            square[i][i..].iter_mut().zip(&row[i..]).for_each(|(x, y)| *x -= factor * y);
        }
        if square[i][i].is_nan() || square[i][i] <= 0.0 {
            return None;
        }
    }
    for i in (0..PARAMETERS).rev() {
        let rest: f32 = (i + 1..PARAMETERS).map(|k| square[i][k] * product[k]).sum();
        product[i] = (product[i] - rest) / square[i][i];
    }
    product.iter().all(|x| x.is_finite()).then_some(product)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A smooth scene without end, brighter by `light`, seen from a camera at a place.
    fn scene([x, y]: [f32; 2], zoom: f32, light: f32) -> Vec<f32> {
        let pixel = |k: usize| {
            let (px, py) = ((k % 64) as f32 - 31.5, (k / 64) as f32 - 31.5);
            let (u, v) = (zoom * px + x, zoom * py + y);
            let waves = (0.21 * u).sin() * (0.17 * v).cos() + (0.09 * u + 0.13 * v).sin() + (0.4 * v).cos();
            0.5 + 0.12 * waves + light
        };
        (0..64 * 64).map(pixel).collect()
    }

    /// Puts a square of 10 pixels on a picture.
    fn with_square(mut picture: Vec<f32>, at: usize) -> Vec<f32> {
        (20..30).for_each(|y| picture[y * 64 + at..][..10].fill(0.95));
        picture
    }

    fn change(before: &[f32], now: &[f32]) -> PictureChange {
        ChangeMeter::default().change(before, now)
    }

    #[test]
    fn a_camera_that_moves_moves_no_things() {
        let still = scene([0.0; 2], 1.0, 0.0);
        assert_eq!(change(&still, &still), PictureChange::default());
        for (at, zoom) in [([2.0, 0.0], 1.0), ([-3.5, 2.2], 1.0), ([0.0, 0.0], 1.04), ([1.5, -2.5], 0.97)] {
            let found = change(&still, &scene(at, zoom, 0.0));
            assert!(found.all > 0.015 && found.things < 0.04 * found.all, "{at:?} {zoom}: {found:?}");
        }
    }

    #[test]
    fn light_moves_no_things() {
        let found = change(&scene([0.0; 2], 1.0, 0.0), &scene([0.5, 0.0], 1.0, 0.1));
        assert!(found.all > 0.08 && found.things < 0.003, "{found:?}");
        assert!((found.light - 0.1).abs() < 0.005, "{found:?}");
    }

    #[test]
    fn things_move_as_much_before_a_moving_camera_as_before_a_still_one() {
        let before = with_square(scene([0.0; 2], 1.0, 0.0), 20);
        let still = change(&before, &with_square(scene([0.0; 2], 1.0, 0.0), 26));
        let moving = change(&before, &with_square(scene([2.0, 1.0], 1.0, 0.0), 26));
        assert!(still.things > 0.6 * still.all, "{still:?}");
        assert!((moving.things / still.things - 1.0).abs() < 0.25, "{moving:?} {still:?}");
    }

    #[test]
    fn pictures_that_have_nothing_in_common_are_all_change() {
        let noise = |seed: u32| -> Vec<f32> {
            (0..4096u32)
                .map(|k| (k.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 13 & 255) as f32 / 255.0)
                .collect()
        };
        let found = change(&scene([0.0; 2], 1.0, 0.0), &noise(7));
        assert!(found.things > 0.08, "{found:?}");
        // Plain pictures determine no motion, and are no reason to fail.
        let found = change(&[0.2; 4096], &[0.8; 4096]);
        assert!(found.things < 0.02 && (found.light - 0.6).abs() < 0.02, "{found:?}");
        let found = change(&[f32::NAN; 4096], &[0.8; 4096]);
        assert!(found.things.is_nan() || found.things >= 0.0);
    }
}
