//! Gains that bring every tick to its power, without clicks.

use crate::units::TickGrid;

/// Length of the slope between two gains, at most half a tick.
const RAMP_SECS: f64 = 0.008;
/// Greatest factor by which the gain within a tick may exceed the plain one to make up for slopes: 12 dB.
const MAX_MAKE_UP: f64 = 4.0;
/// Mean square of sound that counts as none; far below the quietest bands.
const SILENCE_POWER: f64 = 1e-24;

/// Gains that bring each tick to its mean square.
///
/// Between two ticks the gain is the lower one of the two: the slopes lie within the louder tick, raised
/// cosines of [`RAMP_SECS`], so a quiet tick beside a loud one stays as quiet as it should be. In between the
/// louder tick's gain is raised until its mean square, slopes included, is right: with g = c·m + s, m and s
/// given, Σ (g x)² = target is a quadratic equation for c.
pub(crate) struct LevelMatcher {
    ramp: Vec<f64>,
    before: Option<f64>,
}

impl LevelMatcher {
    /// A matcher for interleaved sound of `channels` channels; the gains of the samples of one frame hardly
    /// differ.
    pub(crate) fn new(grid: TickGrid, channels: usize) -> Self {
        let rate = f64::from(grid.rate.hz());
        let length = channels * ((RAMP_SECS * rate) as usize).min((grid.block_len() - 1) / 2);
        let rise = |n: usize| 0.5 - 0.5 * (std::f64::consts::PI * (n as f64 + 0.5) / length as f64).cos();
        Self { ramp: (0..length).map(rise).collect(), before: None }
    }

    /// Brings the `sound` of a tick to the mean square `target`; `next` is the plain [`gain`] of the tick
    /// after it.
    pub(crate) fn apply(&mut self, sound: &mut [f32], target: f64, next: Option<f64>) {
        let gain = self.gains(sound, target, next);
        for (n, x) in sound.iter_mut().enumerate() {
            *x = (f64::from(*x) * gain(n)) as f32;
        }
    }

    /// The gain of every sample that brings the `sound` of a tick to the mean square `target`; see
    /// [`LevelMatcher::apply`].
    pub(crate) fn gains(
        &mut self,
        sound: &[f32],
        target: f64,
        next: Option<f64>,
    ) -> impl Fn(usize) -> f64 + use<'_> {
        let plain = gain(sound, target);
        let left = self.before.unwrap_or(plain).min(plain);
        let right = next.unwrap_or(plain).min(plain);
        self.before = Some(plain);
        let length = sound.len();
        let ramp = &self.ramp;
        let slope = move |n: usize| {
            let rise = |n: usize| ramp.get(n).copied().unwrap_or(1.0);
            let (up, down) = (rise(n), rise(length - 1 - n));
            (up + down - 1.0, left * (1.0 - up) + right * (1.0 - down))
        };
        let (mut mm, mut ms, mut ss) = (0.0, 0.0, 0.0);
        for (n, x) in sound.iter().enumerate() {
            let ((m, s), power) = (slope(n), f64::from(*x).powi(2));
            mm += m * m * power;
            ms += m * s * power;
            ss += s * s * power;
        }
        let missing = target * length as f64 - ss;
        let root = (ms * ms + mm * missing).max(0.0).sqrt();
        let middle = if mm > 0.0 { (root - ms) / mm } else { plain };
        let middle = middle.clamp(plain, MAX_MAKE_UP * plain);
        move |n| {
            let (m, s) = slope(n);
            middle * m + s
        }
    }

    pub(crate) fn reset(&mut self) {
        self.before = None;
    }
}

/// The one gain that brings `sound` to the mean square `target`; 0 for silence.
pub(crate) fn gain(sound: &[f32], target: f64) -> f64 {
    let power = sound.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / sound.len().max(1) as f64;
    if power > SILENCE_POWER { (target / power).sqrt() } else { 0.0 }
}
