//! Hashes of pictures that stay as they are when a film is scaled, encoded anew, brightened or given black
//! borders.
//!
//! Two hashes of 64 bits each, which must agree both: signs of the lowest frequencies of a cosine transform,
//! as in C. Zauner, "Implementation and benchmarking of perceptual image hash functions" (Hagenberg, 2010),
//! section 3.2.1, and the signs of differences between neighbours on a grid of 9 × 8.

use std::sync::LazyLock;

/// Pictures are averaged to a square of so many values a side.
const SIDE: usize = 32;
/// Bits of the two hashes that may differ.
const MAX_DCT_BITS: u32 = 13;
const MAX_GRADIENT_BITS: u32 = 14;
/// Least standard deviation, in levels of 255, of a picture that can be told from others.
const MIN_DEVIATION: f32 = 6.0;
/// Black borders are darker than this level, and than that share of the difference between it and the
/// brightest percent.
const BLACK: f32 = 16.0;
const DARK_SHARE: f32 = 0.12;
/// A line is no border if more than one in so many of its pixels is brighter: single ones are noise of a
/// codec.
const BRIGHT_PIXELS: usize = 50;

/// A grey picture of any size.
#[derive(Clone, Copy, Debug)]
pub struct Grey<'a> {
    width: usize,
    pixels: &'a [u8],
}

impl<'a> Grey<'a> {
    /// A picture of rows of `width` pixels from the top, full range; `None` where these are no whole rows, or
    /// nothing.
    pub fn new(width: usize, pixels: &'a [u8]) -> Option<Self> {
        (width > 0 && !pixels.is_empty() && pixels.len().is_multiple_of(width))
            .then_some(Self { width, pixels })
    }

    fn height(&self) -> usize {
        self.pixels.len() / self.width
    }

    /// The picture without black borders; whole where nothing in it is bright.
    fn content(&self) -> Area {
        let limit = self.dark_limit();
        let (mut columns, mut rows) = (vec![0; self.width], vec![0; self.height()]);
        for (row, pixels) in rows.iter_mut().zip(self.pixels.chunks_exact(self.width)) {
            for (column, pixel) in columns.iter_mut().zip(pixels) {
                let bright = usize::from(*pixel > limit);
                *column += bright;
                *row += bright;
            }
        }
        Area { x: span(&columns, self.height()), y: span(&rows, self.width) }
    }

    /// The level that nothing in a border exceeds. A fixed one would cut the dark parts of dark scenes away.
    fn dark_limit(&self) -> u8 {
        let mut counts = [0usize; 256];
        self.pixels.iter().for_each(|pixel| counts[usize::from(*pixel)] += 1);
        let mut brighter = 0;
        let percentile = (0..256).rev().find(|level| {
            brighter += counts[*level];
            brighter > self.pixels.len() / 100
        });
        let above = (percentile.unwrap_or(0) as f32 - BLACK).max(0.0);
        (BLACK + DARK_SHARE * above) as u8
    }
}

/// From the first to beyond the last line with bright pixels among `length`.
fn span(bright: &[usize], length: usize) -> (f32, f32) {
    let is_content = |count: &usize| count * BRIGHT_PIXELS > length;
    let first = bright.iter().position(is_content).unwrap_or(0);
    let last = bright.iter().rposition(is_content).unwrap_or(bright.len() - 1);
    (first as f32, last as f32 + 1.0)
}

/// A part of a picture, from the left upper corner of its first pixel.
struct Area {
    x: (f32, f32),
    y: (f32, f32),
}

/// The mean over each of `columns × rows` equal parts of an area; pixels are shared where borders cut them.
fn averaged(pixels: &[f32], width: usize, area: &Area, columns: usize, rows: usize) -> Vec<f32> {
    let mut flat = vec![0.0; width * rows];
    for (j, out) in flat.chunks_exact_mut(width).enumerate() {
        for (y, share) in shares(area.y, rows, j, pixels.len() / width) {
            let row = &pixels[y * width..(y + 1) * width];
            out.iter_mut().zip(row).for_each(|(out, pixel)| *out += share * pixel);
        }
    }
    let mut out = vec![0.0; columns * rows];
    for i in 0..columns {
        let cells: Vec<(usize, f32)> = shares(area.x, columns, i, width).collect();
        for (out, row) in out.chunks_exact_mut(columns).zip(flat.chunks_exact(width)) {
            out[i] = cells.iter().map(|&(x, share)| share * row[x]).sum();
        }
    }
    out
}

/// The cells of part `index` of `parts` of a stretch, with the shares that they have in its mean.
fn shares(
    stretch: (f32, f32),
    parts: usize,
    index: usize,
    length: usize,
) -> impl Iterator<Item = (usize, f32)> {
    let step = (stretch.1 - stretch.0) / parts as f32;
    let (from, to) = (stretch.0 + index as f32 * step, stretch.0 + (index + 1) as f32 * step);
    let cells = from as usize..(to.ceil() as usize).min(length);
    cells.map(move |k| (k, (to.min(k as f32 + 1.0) - from.max(k as f32)).max(0.0) / (to - from)))
}

/// The hashes of a picture. Both 0 stands for a picture that is too dark or flat to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PictureHash {
    /// Signs of the lowest frequencies.
    pub dct: u64,
    /// Signs of differences from left to right.
    pub gradient: u64,
}

impl PictureHash {
    /// Too dark or flat to tell.
    pub const NONE: Self = Self { dct: 0, gradient: 0 };

    /// True unless the picture is too dark or flat to tell.
    pub fn tells(self) -> bool {
        self != Self::NONE
    }

    /// True where both hashes say that two pictures are the same.
    pub fn agrees(self, other: Self) -> bool {
        (self.dct ^ other.dct).count_ones() <= MAX_DCT_BITS
            && (self.gradient ^ other.gradient).count_ones() <= MAX_GRADIENT_BITS
            && self.tells()
            && other.tells()
    }

    /// The hashes of a picture.
    pub fn of(picture: Grey<'_>) -> Self {
        Self::of_square(&square(picture))
    }

    /// The hashes of a picture, and those of it mirrored.
    pub fn with_mirrored(picture: Grey<'_>) -> [Self; 2] {
        let plain = square(picture);
        let mut mirrored = plain.clone();
        mirrored.chunks_exact_mut(SIDE).for_each(<[f32]>::reverse);
        [Self::of_square(&plain), Self::of_square(&mirrored)]
    }

    fn of_square(square: &[f32]) -> Self {
        if deviation(square) < MIN_DEVIATION {
            return Self::NONE;
        }
        Self { dct: dct_signs(square), gradient: gradient_signs(square) }
    }
}

/// The content of a picture as `SIDE × SIDE` means.
fn square(picture: Grey<'_>) -> Vec<f32> {
    let pixels: Vec<f32> = picture.pixels.iter().map(|p| f32::from(*p)).collect();
    averaged(&pixels, picture.width, &picture.content(), SIDE, SIDE)
}

fn deviation(values: &[f32]) -> f32 {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32).sqrt()
}

/// Frequencies a direction of which signs are taken, and one more.
const FREQUENCIES: usize = 9;
/// cos(π (2x + 1) u / 2N) by frequency u: the transform DCT-II of N. Ahmed, T. Natarajan, K. R. Rao,
/// "Discrete cosine transform", IEEE Trans. Computers C-23 (1974), without factors, which change no sign.
static COSINES: LazyLock<[[f32; SIDE]; FREQUENCIES]> = LazyLock::new(|| {
    let angle = |u: usize, x: usize| std::f64::consts::PI * ((2 * x + 1) * u) as f64 / (2 * SIDE) as f64;
    std::array::from_fn(|u| std::array::from_fn(|x| angle(u, x).cos() as f32))
});

/// The signs of the 8 × 8 lowest frequencies, the mean replaced by the ninth vertical one.
fn dct_signs(square: &[f32]) -> u64 {
    let mut rows = [[0.0; SIDE]; FREQUENCIES - 1];
    for (u, row) in rows.iter_mut().enumerate() {
        for (value, line) in row.iter_mut().zip(square.chunks_exact(SIDE)) {
            *value = dot(line, &COSINES[u]);
        }
    }
    let coefficient = |v: usize, u: usize| dot(&rows[u], &COSINES[v]);
    let bit = |k: usize| if k == 0 { coefficient(FREQUENCIES - 1, 0) } else { coefficient(k / 8, k % 8) };
    (0..64).fold(0, |bits, k| bits | u64::from(bit(k) > 0.0) << k)
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn gradient_signs(square: &[f32]) -> u64 {
    let whole = Area { x: (0.0, SIDE as f32), y: (0.0, SIDE as f32) };
    let grid = averaged(square, SIDE, &whole, 9, 8);
    let rises = grid.chunks_exact(9).flat_map(|row| row.windows(2).map(|pair| pair[1] > pair[0]));
    rises.enumerate().fold(0, |bits, (k, rises)| bits | u64::from(rises) << k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::synthetic::{HEIGHT, Shots, WIDTH};

    fn hash(width: usize, pixels: &[u8]) -> PictureHash {
        PictureHash::of(Grey::new(width, pixels).unwrap())
    }

    fn distance(a: PictureHash, b: PictureHash) -> (u32, u32) {
        ((a.dct ^ b.dct).count_ones(), (a.gradient ^ b.gradient).count_ones())
    }

    #[test]
    fn scaled_and_brightened_pictures_agree_and_others_do_not() {
        let shots = Shots::new(4, 300.0);
        let mut others = Vec::new();
        for k in 0..60 {
            let picture = shots.at(5.0 * f64::from(k));
            let own = hash(WIDTH, &picture);
            let double: Vec<u8> = (0..4 * WIDTH * HEIGHT)
                .map(|i| picture[i / (4 * WIDTH) * WIDTH + i % (2 * WIDTH) / 2])
                .collect();
            assert!(own.agrees(hash(2 * WIDTH, &double)), "{:?}", distance(own, hash(2 * WIDTH, &double)));
            let bright: Vec<u8> = picture.iter().map(|p| (1.2 * f32::from(*p)) as u8).collect();
            assert!(own.agrees(hash(WIDTH, &bright)));
            others.push(own);
        }
        let pairs =
            others.iter().enumerate().flat_map(|(k, a)| others[..k].iter().map(move |b| a.agrees(*b)));
        assert_eq!(pairs.filter(|agrees| *agrees).count(), 0);
    }

    #[test]
    fn borders_are_cut_off_and_mirrored_pictures_have_the_other_hash() {
        let picture = Shots::new(5, 10.0).at(1.0);
        let black = vec![2; 20 * WIDTH];
        let boxed = [&black[..], &picture, &black].concat();
        assert_eq!(distance(hash(WIDTH, &boxed), hash(WIDTH, &picture)), (0, 0));
        let mut mirrored = picture.clone();
        mirrored.chunks_exact_mut(WIDTH).for_each(<[u8]>::reverse);
        let [plain, other] = PictureHash::with_mirrored(Grey::new(WIDTH, &picture).unwrap());
        assert_eq!((plain, other), (hash(WIDTH, &picture), hash(WIDTH, &mirrored)));
        assert!(!plain.agrees(other));
    }

    #[test]
    fn what_is_dark_flat_or_tiny_tells_nothing_and_breaks_nothing() {
        assert_eq!(hash(40, &[7; 1600]), PictureHash::NONE);
        assert_eq!(hash(40, &[200; 1600]), PictureHash::NONE);
        let noise: Vec<u8> = (0..1600u32).map(|k| (k * 7919 % 9) as u8).collect();
        assert_eq!(hash(40, &noise), PictureHash::NONE);
        assert!(!PictureHash::NONE.agrees(PictureHash::NONE));
        for (width, pixels) in [(1, &[255u8][..]), (1, &[0, 255, 0]), (3, &[0, 255, 255])] {
            let _ = hash(width, pixels);
        }
        assert!(
            Grey::new(3, &[1, 2]).is_none() && Grey::new(0, &[]).is_none() && Grey::new(3, &[]).is_none()
        );
    }

    #[test]
    fn an_average_is_that_of_the_area() {
        let pixels: Vec<f32> = (0..12).map(|k| k as f32).collect();
        let whole = Area { x: (0.0, 4.0), y: (0.0, 3.0) };
        assert_eq!(averaged(&pixels, 4, &whole, 1, 1), [5.5]);
        assert_eq!(averaged(&pixels, 4, &whole, 4, 3), pixels);
        // Columns 0 to 1.5 of row 1: (4 + 5 / 2) / 1.5.
        let part = averaged(&pixels, 4, &Area { x: (0.0, 3.0), y: (1.0, 2.0) }, 2, 1);
        assert!((part[0] - 6.5 / 1.5).abs() < 1e-5 && (part[1] - (2.5 + 6.0) / 1.5).abs() < 1e-5, "{part:?}");
    }
}
