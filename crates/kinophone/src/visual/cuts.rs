//! Shot boundaries.
//!
//! Two pictures differ by the geometric mean of how their colours differ (half the sum of absolute
//! differences of two histograms) and how their layout does (mean absolute difference of 8 × 8 blocks of
//! grey): motion moves blocks and keeps colours, a change of light does the opposite, a cut changes both. A
//! cut is a difference that
//!
//! - lasts: *every* picture of the [`REACH`] before it differs from *every* one of the [`REACH`] after it, so that a flash, which
//!   returns to the same picture, is none;
//! - stands out from the differences around it, so that fast motion is none (the adaptive threshold of A. Hanjalic,
//!   "Shot-boundary detection: unraveled and resolved?", IEEE Trans. Circuits and Systems for Video Technology 12, 2002).
//!
//! Dissolves and fades are not cuts.

use crate::visual::film::{SIDE, Shot};
use std::collections::VecDeque;

/// Pictures on either side that are compared: a fifth of a second, mostly.
const REACH: usize = 6;
/// Pictures back to which one is compared.
const BACK: usize = 2 * REACH - 1;
/// The least difference that may be a cut, on a scale from 0 to 1.
const MIN_DIFFERENCE: f64 = 0.1;
/// Factor by which a cut exceeds the usual differences around it.
const THRESHOLD_FACTOR: f64 = 1.5;
/// Number of pictures to either side that count as around it.
const AROUND: usize = 12;
/// Blocks across.
const BLOCKS: usize = 8;
/// Levels of each colour, and bins in all.
const LEVELS: usize = 4;
const BINS: usize = LEVELS * LEVELS * LEVELS;
/// A mean difference of the layout beyond which nothing can be more different.
const MAX_LAYOUT_DIFFERENCE: f32 = 0.25;
/// A picture returns to an earlier one if it differs from that by less than this share of what it differs
/// from its predecessor by.
const RETURNED: f32 = 0.25;

/// The features by which pictures are compared.
#[derive(Clone)]
struct ShotFeature {
    colours: [f32; BINS],
    layout: [f32; BLOCKS * BLOCKS],
}

/// Features from which cuts are found: two numbers for every picture, and its likeness to those shortly
/// before.
#[derive(Default)]
pub(crate) struct ShotFeatures {
    /// The last pictures, the newest at the front.
    recent: VecDeque<ShotFeature>,
    /// Differences of the newest pictures from those before them; `[i][a]`: picture `i` counted backwards,
    /// from `a + 1` before it.
    rows: VecDeque<[f32; BACK]>,
    /// Difference of each picture from its predecessor.
    steps: Vec<f32>,
    /// The least difference over each picture's beginning, [`REACH`] to both sides.
    lasting: Vec<f32>,
    /// Bit `a`: returns to the picture `a` before it.
    returns: Vec<u16>,
    /// ColourSums of the colours so far, at every possible beginning of a shot.
    sums: ColourSums,
}

/// ColourSums of histograms, kept only where a shot may begin.
#[derive(Default)]
struct ColourSums {
    now: Vec<f64>,
    at: Vec<(usize, Vec<f64>)>,
}

impl ShotFeatures {
    /// The next picture: its bytes in colour, and its grey levels.
    pub(crate) fn take(&mut self, pixels: &[u8], grey: &[f32]) {
        let sign = ShotFeature { colours: histogram(pixels), layout: layout(grey) };
        let mut row = [f32::INFINITY; BACK];
        row.iter_mut().zip(&self.recent).for_each(|(d, other)| *d = sign.differs(other));
        let step = if self.recent.is_empty() { 0.0 } else { row[0] };
        if f64::from(step) > MIN_DIFFERENCE {
            self.sums.mark(self.steps.len());
        }
        self.sums.add(&sign.colours);
        self.steps.push(step);
        let near = |a: &usize| row[a - 1] < RETURNED * row[0];
        self.returns.push((2..=BACK).filter(near).fold(0, |mask, a| mask | 1 << a));
        self.recent.push_front(sign);
        self.recent.truncate(BACK);
        self.rows.push_front(row);
        self.rows.truncate(REACH);
        if self.rows.len() == REACH {
            self.judge(REACH - 1);
        }
    }

    /// Computes the lasting difference at the beginning of the picture `after` before the newest.
    fn judge(&mut self, after: usize) {
        let mut least = f32::INFINITY;
        for b in 0..=after {
            // The picture `after − b` before the newest, `b` after the one in question.
            let row = &self.rows[after - b];
            least = (b..(b + REACH).min(BACK)).fold(least, |least, a| least.min(row[a]));
        }
        let lasting = if least.is_finite() { least } else { 0.0 };
        if f64::from(lasting) < MIN_DIFFERENCE {
            self.sums.forget(self.lasting.len());
        }
        self.lasting.push(lasting);
    }

    /// All shots, and the marks of returning pictures.
    pub(crate) fn finish(mut self) -> (Vec<Shot>, Vec<u16>) {
        let pictures = self.steps.len();
        for after in (0..(REACH - 1).min(self.rows.len())).rev() {
            self.judge(after);
        }
        let cuts = (1..pictures).filter(|k| self.is_cut(*k));
        let mut begins: Vec<usize> = std::iter::once(0).chain(cuts).collect();
        begins.push(pictures);
        let shots = begins.windows(2).map(|pair| Shot {
            first: pair[0],
            end: pair[1],
            colours: self.sums.mean(pair[0], pair[1], pictures),
        });
        (shots.collect(), self.returns)
    }

    fn is_cut(&self, k: usize) -> bool {
        let lasting = f64::from(self.lasting[k]);
        if lasting < MIN_DIFFERENCE {
            return false;
        }
        let step = self.steps[k];
        let beside = |reach: usize| {
            let (from, to) = (k.saturating_sub(reach).max(1), (k + reach + 1).min(self.steps.len()));
            self.steps[from..k].iter().chain(&self.steps[k + 1..to])
        };
        if beside(3).any(|other| *other > step) {
            return false;
        }
        let mut around: Vec<f32> = beside(AROUND).copied().collect();
        around.sort_by(|a, b| b.total_cmp(a));
        // The upper quarter: animation on twos and telecine show many pictures twice.
        around.truncate(around.len().div_ceil(4));
        let usual = around.iter().map(|d| f64::from(*d)).sum::<f64>() / around.len().max(1) as f64;
        lasting > MIN_DIFFERENCE + THRESHOLD_FACTOR * usual
    }
}

impl ColourSums {
    fn mark(&mut self, picture: usize) {
        self.at.push((picture, self.now.clone()));
    }

    /// No shot begins there: most marks go soon.
    fn forget(&mut self, picture: usize) {
        if let Some(k) = self.at.iter().rposition(|(at, _)| *at == picture) {
            self.at.remove(k);
        }
    }

    fn add(&mut self, colours: &[f32; BINS]) {
        self.now.resize(BINS, 0.0);
        self.now.iter_mut().zip(colours).for_each(|(sum, x)| *sum += f64::from(*x));
    }

    fn until(&self, picture: usize, all: usize) -> Vec<f64> {
        match self.at.binary_search_by_key(&picture, |(at, _)| *at) {
            Ok(k) => self.at[k].1.clone(),
            Err(_) if picture == all => self.now.clone(),
            Err(_) => vec![0.0; BINS],
        }
    }

    /// Mean histogram of the pictures from `first` until `end`, of `all`.
    fn mean(&self, first: usize, end: usize, all: usize) -> Vec<f32> {
        let (from, to) = (self.until(first, all), self.until(end, all));
        to.iter().zip(&from).map(|(b, a)| ((b - a) / (end - first).max(1) as f64) as f32).collect()
    }
}

impl ShotFeature {
    /// 0 for the same picture, up to 1.
    fn differs(&self, other: &Self) -> f32 {
        let sum = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| (x - y).abs()).sum::<f32>();
        let colours = sum(&self.colours, &other.colours) / 2.0;
        let layout = sum(&self.layout, &other.layout) / (BLOCKS * BLOCKS) as f32;
        (colours * (layout / MAX_LAYOUT_DIFFERENCE).min(1.0)).sqrt()
    }
}

/// Shares of colours; a pixel between two levels belongs to both in part, so that a breath of light moves no
/// whole area.
fn histogram(pixels: &[u8]) -> [f32; BINS] {
    let mut bins = [0.0; BINS];
    let share = 1.0 / (pixels.len() / 3).max(1) as f32;
    for pixel in pixels.chunks_exact(3) {
        let levels = [0, 1, 2].map(|c| {
            let level = f32::from(pixel[c]) / 255.0 * (LEVELS - 1) as f32;
            let low = (level as usize).min(LEVELS - 2);
            (low, level - low as f32)
        });
        for corner in 0..8 {
            let (mut bin, mut weight) = (0, share);
            for (c, (low, part)) in levels.iter().enumerate() {
                let up = corner >> c & 1;
                bin = bin * LEVELS + low + up;
                weight *= if up == 1 { *part } else { 1.0 - part };
            }
            bins[bin] += weight;
        }
    }
    bins
}

fn layout(grey: &[f32]) -> [f32; BLOCKS * BLOCKS] {
    let (side, block) = (SIDE as usize, SIDE as usize / BLOCKS);
    let mut blocks = [0.0; BLOCKS * BLOCKS];
    for (k, x) in grey.iter().enumerate() {
        blocks[k / side / block * BLOCKS + k % side / block] += x / (block * block) as f32;
    }
    blocks
}
