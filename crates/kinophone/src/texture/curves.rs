//! Measures of a film as curves in time, each between 0 and 1.

use crate::texture::mapping::{MappingLine, MeasureName};
use crate::visual::{FrameState, VisualMeasures};

/// Values a second of the curves that are handed out.
pub const CURVE_RATE: u32 = 30;
/// Milliseconds over which measures are averaged that drive nothing.
const SMOOTH_MS: f32 = 100.0;
/// Microseconds from one value to the next.
pub(crate) const STEP_MICROS: i64 = 20_000;
/// Microseconds for which a change of picture counts as motion at most, however long the picture stands.
const MAX_MOTION_MICROS: i64 = 100_000;
/// Percentiles of a film's values that become 0 and 1.
const RANGE_SHARES: (f64, f64) = (0.05, 0.95);
/// The least range of motion, 0 to 1: a film with less does not move.
const MIN_MOTION_RANGE: f32 = 0.01;
/// Distance of motion from the middle that counts as one side at least.
const MIN_SIDE: f32 = 0.12;

/// A curve from the film's first picture on.
#[derive(Clone, Debug)]
pub(crate) struct Curve(Vec<f32>);

impl Curve {
    /// The curve of a line of a mapping.
    pub(crate) fn of(frames: &FrameState, line: MappingLine) -> Self {
        let Self(mut values) = Self::plain(frames, line.from, line.smooth_ms);
        for x in &mut values {
            let turned = if line.inverse { 1.0 - *x } else { *x };
            *x = turned.powf(line.curve);
        }
        Self(values)
    }

    /// A measure, averaged and brought to 0 to 1.
    pub(crate) fn plain(frames: &FrameState, from: MeasureName, smooth_ms: f32) -> Self {
        let mut values = sampled(frames, from);
        smooth(&mut values, smooth_ms);
        normalise(&mut values, from);
        Self(values)
    }

    /// The value some microseconds after the first picture, linear between two values.
    pub(crate) fn at(&self, micros: i64) -> f32 {
        let place = (micros as f32 / STEP_MICROS as f32 - 0.5).max(0.0);
        let k = place as usize;
        let last = self.0.last().copied().unwrap_or(0.0);
        let (a, b) = (self.0.get(k).copied().unwrap_or(last), self.0.get(k + 1).copied().unwrap_or(last));
        a + (b - a) * place.fract()
    }
}

/// Every measure of a film by name, brought to 0 to 1 as in mappings, [`CURVE_RATE`] values a second.
pub fn measures(frames: &FrameState) -> Vec<(&'static str, Vec<f32>)> {
    let ticks = ((frames.end - frames.begin()).0 * i64::from(CURVE_RATE) / 1_000_000).max(1) as usize;
    let curve = |from: MeasureName| (from.name(), values(&Curve::plain(frames, from, SMOOTH_MS), ticks));
    MeasureName::ALL.map(curve).into()
}

/// Values of a curve in the middles of ticks.
pub(crate) fn values(curve: &Curve, ticks: usize) -> Vec<f32> {
    (0..ticks as i64).map(|k| curve.at((2 * k + 1) * 500_000 / i64::from(CURVE_RATE))).collect()
}

fn value(p: &VisualMeasures, from: MeasureName) -> f32 {
    match from {
        MeasureName::Brightness => p.brightness,
        MeasureName::Contrast => p.contrast,
        MeasureName::Motion => p.motion,
        MeasureName::MotionX => p.motion_x,
        MeasureName::MotionY => 1.0 - p.motion_y,
        MeasureName::Edges => p.edges,
        MeasureName::Warmth => p.warmth,
    }
}

/// Means of a measure over every step, weighted by how long each picture is shown.
fn sampled(frames: &FrameState, from: MeasureName) -> Vec<f32> {
    let begin = frames.begin();
    let length = (frames.end - begin).0;
    let mut values = vec![0.0; (length as u64).div_ceil(STEP_MICROS as u64).max(1) as usize];
    for (k, picture) in frames.pictures.iter().enumerate() {
        let shown = if from == MeasureName::Motion {
            frames.shown(k).0.min(MAX_MOTION_MICROS)
        } else {
            frames.shown(k).0
        };
        let (start, x) = ((picture.time - begin).0, value(picture, from));
        let (mut at, end) = (start, start + shown);
        while at < end {
            let step = at / STEP_MICROS;
            let until = ((step + 1) * STEP_MICROS).min(end);
            if let Some(sum) = values.get_mut(step as usize) {
                // The last step may be shorter.
                let whole = STEP_MICROS.min(length - step * STEP_MICROS);
                *sum += x * ((until - at) as f64 / whole as f64) as f32;
            }
            at = until;
        }
    }
    values
}

/// Applies two centred running means in succession: nothing is moved in time.
fn smooth(values: &mut [f32], millis: f32) {
    let reach = (millis * 1000.0 / STEP_MICROS as f32 / 4.0).round() as usize;
    if reach == 0 {
        return;
    }
    for _ in 0..2 {
        let mut sums = vec![0f64];
        sums.extend(values.iter().scan(0f64, |sum, x| {
            *sum += f64::from(*x);
            Some(*sum)
        }));
        for (k, y) in values.iter_mut().enumerate() {
            let (from, to) = (k.saturating_sub(reach), (k + reach + 1).min(sums.len() - 1));
            *y = ((sums[to] - sums[from]) / (to - from) as f64) as f32;
        }
    }
}

/// Brings the usual range of a film's values to 0 to 1.
fn normalise(values: &mut [f32], from: MeasureName) {
    let mut sorted = values.to_vec();
    if matches!(from, MeasureName::MotionX | MeasureName::MotionY) {
        sorted.iter_mut().for_each(|x| *x = (*x - 0.5).abs());
        sorted.sort_by(f32::total_cmp);
        let far = percentile(&sorted, RANGE_SHARES.1).max(MIN_SIDE);
        values.iter_mut().for_each(|x| *x = (0.5 + (*x - 0.5) / (2.0 * far)).clamp(0.0, 1.0));
        return;
    }
    sorted.sort_by(f32::total_cmp);
    let (mut low, mut high) = (percentile(&sorted, RANGE_SHARES.0), percentile(&sorted, RANGE_SHARES.1));
    if from == MeasureName::Motion {
        // A film that moves all the time moves, however evenly.
        low = low.min(high / 2.0);
        high = high.max(low + MIN_MOTION_RANGE);
    } else if high - low < min_range(from) {
        let middle = (low + high) / 2.0;
        (low, high) = (middle - min_range(from) / 2.0, middle + min_range(from) / 2.0);
    }
    values.iter_mut().for_each(|x| *x = ((*x - low) / (high - low)).clamp(0.0, 1.0));
}

/// The range below which a measure does not vary: then it is ½.
fn min_range(from: MeasureName) -> f32 {
    match from {
        MeasureName::Edges => 0.02,
        MeasureName::Warmth | MeasureName::Contrast => 0.05,
        _ => 0.08,
    }
}

fn percentile(sorted: &[f32], share: f64) -> f32 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}
