//! A film's measures as curves in time, each between 0 and 1.

use crate::texture::mapping::{MappingLine, MeasureName};
use crate::visual::{FrameState, VisualMeasures};

/// Microseconds from one value to the next.
pub(crate) const STEP: i64 = 20_000;
/// How long a change of picture counts as motion, however long the picture stands: 100 ms.
const MOVES: i64 = 100_000;
/// A film's usual values lie between these percentiles.
const USUAL: (f64, f64) = (0.05, 0.95);
/// A film with less motion than this, 0 to 1, does not move.
const LEAST_MOTION: f32 = 0.01;
/// Motion is on one side if its centre lies so far from the middle.
const LEAST_SIDE: f32 = 0.12;

/// A curve from the film's first picture on.
#[derive(Clone, Debug)]
pub(crate) struct Curve(Vec<f32>);

impl Curve {
    /// What a line of a mapping makes of the film.
    pub(crate) fn of(seen: &FrameState, line: MappingLine) -> Self {
        let Self(mut values) = Self::plain(seen, line.from, line.smooth_ms);
        for x in &mut values {
            let turned = if line.inverse { 1.0 - *x } else { *x };
            *x = turned.powf(line.curve);
        }
        Self(values)
    }

    /// A measure, averaged and brought to 0 to 1.
    pub(crate) fn plain(seen: &FrameState, from: MeasureName, smooth_ms: f32) -> Self {
        let mut values = sampled(seen, from);
        smooth(&mut values, smooth_ms);
        normalise(&mut values, from);
        Self(values)
    }

    /// Its value some microseconds after the first picture, between two values on the line that joins them.
    pub(crate) fn at(&self, micros: i64) -> f32 {
        let place = (micros as f32 / STEP as f32 - 0.5).max(0.0);
        let k = place as usize;
        let last = self.0.last().copied().unwrap_or(0.0);
        let (a, b) = (self.0.get(k).copied().unwrap_or(last), self.0.get(k + 1).copied().unwrap_or(last));
        a + (b - a) * place.fract()
    }
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

/// Means over every step, of what is shown then.
fn sampled(seen: &FrameState, from: MeasureName) -> Vec<f32> {
    let begin = seen.begin();
    let length = (seen.end - begin).0;
    let mut values = vec![0.0; (length as u64).div_ceil(STEP as u64).max(1) as usize];
    for (k, picture) in seen.pictures.iter().enumerate() {
        let shown = if from == MeasureName::Motion { seen.shown(k).0.min(MOVES) } else { seen.shown(k).0 };
        let (start, x) = ((picture.time - begin).0, value(picture, from));
        let (mut at, end) = (start, start + shown);
        while at < end {
            let step = at / STEP;
            let until = ((step + 1) * STEP).min(end);
            if let Some(sum) = values.get_mut(step as usize) {
                // The last step may be shorter.
                let whole = STEP.min(length - step * STEP);
                *sum += x * ((until - at) as f64 / whole as f64) as f32;
            }
            at = until;
        }
    }
    values
}

/// Two running means on end, centred: nothing is moved in time.
fn smooth(values: &mut [f32], millis: f32) {
    let reach = (millis * 1000.0 / STEP as f32 / 4.0).round() as usize;
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

fn normalise(values: &mut [f32], from: MeasureName) {
    let mut sorted = values.to_vec();
    if matches!(from, MeasureName::MotionX | MeasureName::MotionY) {
        sorted.iter_mut().for_each(|x| *x = (*x - 0.5).abs());
        sorted.sort_by(f32::total_cmp);
        let far = percentile(&sorted, USUAL.1).max(LEAST_SIDE);
        values.iter_mut().for_each(|x| *x = (0.5 + (*x - 0.5) / (2.0 * far)).clamp(0.0, 1.0));
        return;
    }
    sorted.sort_by(f32::total_cmp);
    let (mut low, mut high) = (percentile(&sorted, USUAL.0), percentile(&sorted, USUAL.1));
    if from == MeasureName::Motion {
        // What moves all the time moves, however evenly.
        low = low.min(high / 2.0);
        high = high.max(low + LEAST_MOTION);
    } else if high - low < least_range(from) {
        let middle = (low + high) / 2.0;
        (low, high) = (middle - least_range(from) / 2.0, middle + least_range(from) / 2.0);
    }
    values.iter_mut().for_each(|x| *x = ((*x - low) / (high - low)).clamp(0.0, 1.0));
}

/// A measure that varies by less than this does not vary: it is ½.
fn least_range(from: MeasureName) -> f32 {
    match from {
        MeasureName::Edges => 0.02,
        MeasureName::Warmth | MeasureName::Contrast => 0.05,
        _ => 0.08,
    }
}

fn percentile(sorted: &[f32], share: f64) -> f32 {
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}
