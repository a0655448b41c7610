//! Crop: a region of a picture, cut out and scaled to a square.

use serde::{Deserialize, Serialize};

/// Side of a view in pixels.
pub(super) const SIDE: usize = 64;

pub(super) const PIXELS: usize = SIDE * SIDE;

/// A plane of a picture: a function of the colours of a pixel, by the coded values (ITU-R BT.709-6, item 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// Luma, 0..1.
    Grey,
    /// Blue − luma.
    Blue,
    /// Red − luma.
    Red,
}

impl Plane {
    /// In the order in which zoomed pictures have them.
    pub const ALL: [Self; 3] = [Self::Grey, Self::Blue, Self::Red];

    /// Weights of red, green and blue.
    fn weights(self) -> [f32; 3] {
        const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];
        match self {
            Self::Grey => LUMA,
            Self::Blue => [-LUMA[0], -LUMA[1], 1.0 - LUMA[2]],
            Self::Red => [1.0 - LUMA[0], -LUMA[1], -LUMA[2]],
        }
    }
}

/// Part of a picture, in shares of its width and height: 0 is left and top, 1 is right and bottom.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width.
    pub w: f32,
    /// Height.
    pub h: f32,
}

impl Region {
    /// The whole picture.
    pub const WHOLE: Self = Self { x: 0.0, y: 0.0, w: 1.0, h: 1.0 };

    /// Moved by shares of its own width and height and scaled about its middle, as far as the picture reaches.
    pub fn moved(self, right: f32, down: f32, scale: f32) -> Self {
        let axis = |from: f32, length: f32, by: f32| {
            let middle = from + length * (0.5 + by);
            let half = 0.5 * length * scale;
            let (low, high) = ((middle - half).max(0.0), (middle + half).min(1.0));
            (low, high - low)
        };
        let ((x, w), (y, h)) = (axis(self.x, self.w, right), axis(self.y, self.h, down));
        Self { x, y, w, h }
    }

    /// True if it lies within the picture and is not empty.
    pub fn is_valid(&self) -> bool {
        let inside = |from: f32, length: f32| from >= 0.0 && length > 0.0 && from + length <= 1.0 + 1e-6;
        inside(self.x, self.w) && inside(self.y, self.h)
    }
}

/// Input pixels that one output pixel averages along one axis.
struct CropCoverage {
    first: usize,
    weights: Vec<f32>,
}

/// Cuts a region out of square pictures and scales it, by area averaging where it gets smaller and by linear
/// interpolation where it gets larger.
pub struct Crop {
    from: usize,
    channels: usize,
    columns: Vec<CropCoverage>,
    rows: Vec<CropCoverage>,
}

impl Crop {
    /// From pictures of `from` pixels a side (RGB or grey bytes) to `to` pixels a side.
    pub fn new(from: usize, colour: bool, region: Region, to: usize) -> Self {
        let axis = |start: f32, length: f32| (0..to).map(|k| cover(k, to, from, start, length)).collect();
        let channels = if colour { 3 } else { 1 };
        Self { from, channels, columns: axis(region.x, region.w), rows: axis(region.y, region.h) }
    }

    /// The same, seen in a mirror.
    pub fn mirrored(mut self) -> Self {
        self.columns.reverse();
        self
    }

    /// Writes planes of the region one after another into `out` (`planes × to × to`). Grey pictures have no colours: 0.
    pub fn apply_planes(&self, pixels: &[u8], planes: &[Plane], out: &mut [f32]) {
        let size = self.rows.len() * self.columns.len();
        planes
            .iter()
            .zip(out.chunks_exact_mut(size))
            .for_each(|(plane, out)| self.apply(pixels, *plane, out));
    }

    /// Writes a plane of the region, row by row, into `out` (`to × to`).
    pub fn apply(&self, pixels: &[u8], plane: Plane, out: &mut [f32]) {
        if self.channels == 1 && plane != Plane::Grey {
            return out.fill(0.0);
        }
        let colours = plane.weights();
        let mut line = vec![0.0; self.from];
        for (row, out) in self.rows.iter().zip(out.chunks_exact_mut(self.columns.len())) {
            line.fill(0.0);
            let source =
                pixels[row.first * self.from * self.channels..].chunks_exact(self.from * self.channels);
            for (pixels, weight) in source.zip(&row.weights) {
                self.add(pixels, colours, weight / 255.0, &mut line);
            }
            for (out, column) in out.iter_mut().zip(&self.columns) {
                *out = line[column.first..].iter().zip(&column.weights).map(|(x, w)| x * w).sum();
            }
        }
    }

    fn add(&self, pixels: &[u8], colours: [f32; 3], weight: f32, line: &mut [f32]) {
        if self.channels == 1 {
            line.iter_mut().zip(pixels).for_each(|(sum, x)| *sum += weight * f32::from(*x));
            return;
        }
        for (sum, rgb) in line.iter_mut().zip(pixels.chunks_exact(3)) {
            let mixed: f32 = rgb.iter().zip(colours).map(|(x, w)| f32::from(*x) * w).sum();
            *sum += weight * mixed;
        }
    }
}

/// Output pixel `k` of `to` covers its share of the region, and never less than one pixel of the `from` there are.
fn cover(k: usize, to: usize, from: usize, start: f32, length: f32) -> CropCoverage {
    let place =
        |k: usize| f64::from(start) * from as f64 + f64::from(length) * from as f64 * k as f64 / to as f64;
    let (mut low, mut high) = (place(k), place(k + 1));
    if high - low < 1.0 {
        let middle = (low + high) / 2.0;
        (low, high) = (middle - 0.5, middle + 0.5);
    }
    let last = from as f64;
    let (low, high) = (low.clamp(0.0, last - 1e-6), high.clamp(1e-6, last));
    let first = low.floor() as usize;
    let end = (high.ceil() as usize).min(from);
    let share = |p: usize| (high.min(p as f64 + 1.0) - low.max(p as f64)).max(0.0);
    let total: f64 = (first..end).map(share).sum();
    CropCoverage { first, weights: (first..end).map(|p| (share(p) / total) as f32).collect() }
}

/// The region that moves: where the mean absolute difference of neighbouring pictures, less its median, has all but a
/// twenty-fifth of its mass on each side, with a margin. `map` is `side × side`. The whole picture where nothing moves.
pub fn active(map: &[f32], side: usize) -> Region {
    const EDGE: f32 = 0.04;
    const MARGIN: f32 = 0.05;
    let mut sorted = map.to_vec();
    let median = *sorted.select_nth_unstable_by(map.len() / 2, f32::total_cmp).1;
    let above: Vec<f32> = map.iter().map(|x| (x - median).max(0.0)).collect();
    let columns = (0..side).map(|x| above[x..].iter().step_by(side).sum::<f32>()).collect::<Vec<_>>();
    let rows = above.chunks_exact(side).map(|row| row.iter().sum::<f32>()).collect::<Vec<_>>();
    let span = |mass: &[f32]| {
        let total: f32 = mass.iter().sum();
        let mut sum = 0.0;
        let (mut from, mut to) = (0, side);
        for (k, m) in mass.iter().enumerate() {
            let before = sum;
            sum += m;
            if before <= EDGE * total {
                from = k;
            }
            if sum >= (1.0 - EDGE) * total {
                to = k + 1;
                break;
            }
        }
        let low = (from as f32 / side as f32 - MARGIN).max(0.0);
        let high = (to as f32 / side as f32 + MARGIN).min(1.0);
        (low, high - low)
    };
    if above.iter().all(|x| *x == 0.0) {
        return Region::WHOLE;
    }
    let ((x, w), (y, h)) = (span(&columns), span(&rows));
    Region { x, y, w, h }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(side: usize) -> Vec<u8> {
        (0..side * side).map(|i| ((i % side) * 255 / (side - 1)) as u8).collect()
    }

    #[test]
    fn the_whole_picture_at_its_own_size_is_itself() {
        let pixels: Vec<u8> = (0..64 * 64).map(|i| (i * 7 % 256) as u8).collect();
        let mut out = vec![0.0; 64 * 64];
        Crop::new(64, false, Region::WHOLE, 64).apply(&pixels, Plane::Grey, &mut out);
        for (x, y) in pixels.iter().zip(&out) {
            assert!((f32::from(*x) / 255.0 - y).abs() < 1e-6);
        }
    }

    #[test]
    fn a_region_lies_where_it_is_asked_for_at_any_scale() {
        for (side, to) in [(128, 64), (64, 64), (100, 64), (40, 64)] {
            let region = Region { x: 0.25, y: 0.1, w: 0.5, h: 0.3 };
            let mut out = vec![0.0; to * to];
            Crop::new(side, false, region, to).apply(&ramp(side), Plane::Grey, &mut out);
            let pixel = 0.5 / side as f32;
            for (k, found) in out.iter().enumerate().take(to - 2).skip(2) {
                let place = 0.25 + 0.5 * (k as f32 + 0.5) / to as f32;
                let expected = (place - pixel) / (1.0 - 2.0 * pixel);
                assert!((found - expected).abs() < 0.004, "{side} {k}: {found} {expected}");
            }
        }
    }

    #[test]
    fn grey_in_colour_is_grey() {
        let pixels: Vec<u8> = ramp(32).iter().flat_map(|x| [*x; 3]).collect();
        let (mut one, mut two) = (vec![0.0; 64], vec![0.0; 64]);
        Crop::new(32, true, Region::WHOLE, 8).apply(&pixels, Plane::Grey, &mut one);
        Crop::new(32, false, Region::WHOLE, 8).apply(&ramp(32), Plane::Grey, &mut two);
        assert!(one.iter().zip(&two).all(|(a, b)| (a - b).abs() < 1e-5));
    }

    #[test]
    fn the_moving_part_is_found_with_a_margin() {
        let mut map = vec![0.1; 64 * 64];
        for y in 20..30 {
            for x in 32..48 {
                map[y * 64 + x] = 1.0;
            }
        }
        let region = active(&map, 64);
        assert!(region.is_valid());
        for (found, expected) in [
            (region.x, 0.45),
            (region.w, 0.35),
            (region.y, 20.0 / 64.0 - 0.05),
            (region.h, 10.0 / 64.0 + 0.1),
        ] {
            assert!((found - expected).abs() < 0.02, "{region:?}");
        }
        assert_eq!(active(&[0.3; 64 * 64], 64), Region::WHOLE);
    }
}
