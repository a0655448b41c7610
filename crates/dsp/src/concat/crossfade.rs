//! Crossfades from one run of sound to another without a gap, a bump or a click.

use std::f32::consts::FRAC_PI_2;
use std::iter::zip;

/// Mean square below which sound counts as silence, which correlates with nothing: −90 dB.
const SILENCE_POWER: f64 = 1e-9;
/// Gain of correlation for which a larger shift is taken: below the rounding of its sums, the nearer one is
/// better.
const MIN_CORRELATION_GAIN: f32 = 1e-5;
/// Partial sums of a scalar product, so that it is computed by vectors.
const LANES: usize = 8;

/// A fade of fixed length between two stretches of interleaved sound.
///
/// The incoming sound is moved by up to `reach` frames to where it fits the outgoing best: to the greatest
/// normalised correlation over the fade, on the mean of the channels; of equal ones to the smallest shift.
/// Then, with the correlation ρ that is left, the fades are cos and sin over √(1 + 2ρ cos sin), which is the
/// level that two sounds of equal power have under them: their sum keeps its power, be they the same (ρ = 1:
/// the weights add up to 1) or unrelated (ρ = 0: equal power). ρ is taken no less than 0: for opposite sounds
/// the divisor goes to 0 in the middle of the fade, which would amplify the noise that their cancellation
/// leaves. It is that of all channels together: one fade for all keeps the stereo image, and can be recorded
/// as one envelope ([`Clip`](crate::concat::Clip)).
pub(crate) struct Crossfade {
    channels: usize,
    /// Frames by which incoming sound may be moved where nothing else is asked for.
    max_shift: usize,
    /// cos and sin of every frame.
    fade: Vec<(f32, f32)>,
    /// Frames from the beginning of the present fade to the border of the ticks.
    before: usize,
    /// Frames by which the present incoming sound may be moved, either way.
    reach: usize,
    /// [fade × channels]
    pub(crate) outgoing: Vec<f32>,
    /// [(reach + frames until both the fade and the tick are over + reach) × channels]
    pub(crate) incoming: Vec<f32>,
    /// Frame of `incoming` at which the fade begins.
    start: usize,
    /// ρ.
    correlation: f32,
    mean_outgoing: Vec<f32>,
    mean_incoming: Vec<f32>,
    correlations: Vec<f32>,
}

impl Crossfade {
    /// A fade of `frames` frames (at least 1), with incoming sound that is moved by up to `max_shift`.
    pub(crate) fn new(frames: usize, max_shift: usize, channels: usize) -> Self {
        let angle = |i: usize| (i as f32 + 0.5) / frames as f32 * FRAC_PI_2;
        Self {
            channels,
            max_shift,
            fade: (0..frames).map(|i| (angle(i).cos(), angle(i).sin())).collect(),
            before: frames / 2,
            reach: max_shift,
            outgoing: vec![0.0; frames * channels],
            incoming: Vec::new(),
            start: max_shift,
            correlation: 0.0,
            mean_outgoing: vec![0.0; frames],
            mean_incoming: vec![0.0; frames + 2 * max_shift],
            correlations: vec![0.0; 2 * max_shift + 1],
        }
    }

    /// Begins a fade half of which lies before the border.
    pub(crate) fn begin_centered(&mut self) {
        self.begin(self.frames() / 2, self.max_shift);
    }

    /// Begins a fade that is over, if it can be, `attack` frames after the border (before it where negative),
    /// of sound that must not be moved. It begins at most `room` frames before the border, and never later
    /// than half of it.
    pub(crate) fn begin_before_attack(&mut self, attack: i64, room: usize) {
        let half = self.frames() / 2;
        let before = usize::try_from(self.frames() as i64 - attack).unwrap_or(0);
        self.begin(before.clamp(half, room.max(half)), 0);
    }

    fn begin(&mut self, before: usize, reach: usize) {
        (self.before, self.reach) = (before, reach);
        self.incoming.resize((self.frames().max(before) + 2 * reach) * self.channels, 0.0);
    }

    /// Frames from the beginning of the fade to the border; between its end and the border only the incoming
    /// sound is heard.
    pub(crate) fn before(&self) -> usize {
        self.before
    }

    /// Frames of the fade that lie after the border.
    pub(crate) fn after(&self) -> usize {
        self.frames().saturating_sub(self.before)
    }

    /// Frames by which the incoming sound may be moved, either way.
    pub(crate) fn reach(&self) -> usize {
        self.reach
    }

    /// Finds where the incoming sound fits the outgoing best; returns by how many frames later than asked it
    /// shall be read (negative: earlier). Both must have been filled in: `outgoing` with the frames of the
    /// fade, `incoming` with those from `reach` before to `reach` after it.
    pub(crate) fn align(&mut self) -> i64 {
        let channels = self.channels;
        mean_of_channels(&self.outgoing, channels, &mut self.mean_outgoing);
        mean_of_channels(&self.incoming, channels, &mut self.mean_incoming);
        let frames = self.frames();
        let moving = &self.mean_incoming[..frames + 2 * self.reach];
        correlate(&self.mean_outgoing, moving, &mut self.correlations[..=2 * self.reach]);
        self.start = self.reach;
        for distance in 1..=self.reach {
            for start in [self.reach - distance, self.reach + distance] {
                if self.correlations[start] > self.correlations[self.start] + MIN_CORRELATION_GAIN {
                    self.start = start;
                }
            }
        }
        let aligned = &self.incoming[self.start * channels..][..self.outgoing.len()];
        self.correlation = joint_correlation(&self.outgoing, aligned, channels);
        self.shift()
    }

    /// The shift that [`Crossfade::align`] found.
    pub(crate) fn shift(&self) -> i64 {
        self.start as i64 - self.reach as i64
    }

    /// Turns the frames before the border, `own`, which hold the outgoing sound with its gain, into the
    /// fade's first part; `gain` is the incoming sound's.
    pub(crate) fn fade_out(&self, own: &mut [f32], gain: f32) {
        let other = &self.incoming[self.start * self.channels..];
        let (c, n) = (self.channels, self.before());
        for (i, (own, other)) in zip(own.chunks_exact_mut(c), other.chunks_exact(c)).take(n).enumerate() {
            let (out, into) = self.weights(i);
            zip(own, other).for_each(|(y, x)| *y = *y * out + x * gain * into);
        }
    }

    /// Turns the frames after the border, `own`, which hold the incoming sound with its gain, into the fade's
    /// second part; `gain` is the outgoing sound's.
    pub(crate) fn fade_in(&self, own: &mut [f32], gain: f32) {
        let (c, n) = (self.channels, self.before());
        let other = &self.outgoing[n.min(self.frames()) * c..];
        for (i, (own, other)) in zip(own.chunks_exact_mut(c), other.chunks_exact(c)).enumerate() {
            let (out, into) = self.weights(n + i);
            zip(own, other).for_each(|(y, x)| *y = *y * into + x * gain * out);
        }
    }

    /// Length of the fade in frames.
    pub(crate) fn frames(&self) -> usize {
        self.fade.len()
    }

    /// Weights of the outgoing and the incoming sound; after the fade the incoming one is alone.
    pub(crate) fn weights(&self, frame: usize) -> (f32, f32) {
        let Some((cos, sin)) = self.fade.get(frame) else { return (0.0, 1.0) };
        let level = (1.0 + 2.0 * self.correlation * cos * sin).sqrt();
        (cos / level, sin / level)
    }
}

fn mean_of_channels(interleaved: &[f32], channels: usize, mean: &mut [f32]) {
    for (mean, frame) in zip(mean, interleaved.chunks_exact(channels)) {
        *mean = frame.iter().sum::<f32>() / channels as f32;
    }
}

/// Normalised correlation of `fixed` with every stretch of `moving` of its length, in order.
fn correlate(fixed: &[f32], moving: &[f32], correlations: &mut [f32]) {
    let n = fixed.len();
    let square = |x: f32| f64::from(x) * f64::from(x);
    let fixed_energy: f64 = fixed.iter().map(|x| square(*x)).sum();
    let mut energy: f64 = moving[..n].iter().map(|x| square(*x)).sum();
    for (start, correlation) in correlations.iter_mut().enumerate() {
        *correlation = normalised(scalar_product(fixed, &moving[start..start + n]), fixed_energy, energy, n);
        energy += moving.get(start + n).map_or(0.0, |x| square(*x)) - square(moving[start]);
    }
}

/// The correlation of all channels together, no less than 0.
fn joint_correlation(a: &[f32], b: &[f32], channels: usize) -> f32 {
    let (mut product, mut energy_a, mut energy_b) = (0.0, 0.0, 0.0);
    for (x, y) in zip(a, b).map(|(x, y)| (f64::from(*x), f64::from(*y))) {
        product += x * y;
        energy_a += x * x;
        energy_b += y * y;
    }
    normalised(product as f32, energy_a, energy_b, a.len() / channels).clamp(0.0, 1.0)
}

fn normalised(product: f32, energy_a: f64, energy_b: f64, n: usize) -> f32 {
    if energy_a.min(energy_b) < SILENCE_POWER * n as f64 {
        return 0.0;
    }
    (f64::from(product) / (energy_a * energy_b).sqrt()) as f32
}

fn scalar_product(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0f32; LANES];
    for (a, b) in zip(a, b) {
        for k in 0..LANES {
            sums[k] += a[k] * b[k];
        }
    }
    sums.iter().sum::<f32>() + zip(a_rest, b_rest).map(|(a, b)| a * b).sum::<f32>()
}
