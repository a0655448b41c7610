//! The true-peak limiter: looks ahead, and passes sound below the ceiling bit for bit.
//!
//! For every frame the detector finds the true peak of the wave between it and the next frame, by
//! interpolation to four times the rate (ITU-R BS.1770-4, annex 2: 48 taps, here a sinc under a Hann window).
//! The gain that each peak allows is held for the reach of the smoothing that follows, then released
//! exponentially, then smoothed by two moving means. Because the hold is as long as the smoothing and the
//! interpolation are wide, the smoothed gain is never above what any peak allows, neither at the peak nor at
//! the samples that make it.

use crate::loudness::{UnsupportedSound, amplitude, check};
use crate::units::SampleRate;
use std::collections::VecDeque;
use std::f64::consts::PI;

/// Points at which the wave is interpolated, for each sample.
const OVERSAMPLING: usize = 4;
/// Samples that make one interpolated point.
const TAPS: usize = 12;
/// Samples on each side of a peak that take part in it.
const REACH: usize = TAPS / 2;
/// Half of the time in which the gain falls before a peak.
const ATTACK_SECS: f64 = 0.0015;
/// Time in which the reduction after a peak falls to 1/e.
const RELEASE_SECS: f64 = 0.05;
/// A reduction below this (0.001 dB) counts as none, so that the sound is left bit for bit again soon after a
/// peak.
const MIN_REDUCTION: f64 = 1e-4;
/// The ceiling is aimed at from below by 0.02 dB: while the gain moves, the wave between the samples may rise
/// above what a constant gain would give.
const MARGIN_DB: f64 = 0.02;

/// Keeps the true peak of a stream at or below a ceiling; all channels get the same gain.
///
/// The output is as long as the input and in time with it: [`Limiter::push`] holds back 3 ms and a few
/// samples, [`Limiter::finish`] delivers them. Where no peak within reach is above the ceiling, samples pass
/// unchanged, bit for bit. Samples that are not finite become 0.
pub struct Limiter {
    channels: usize,
    ceiling: f64,
    release: f64,
    filter: [[f32; OVERSAMPLING]; TAPS],
    /// Samples below this can't make a peak above the ceiling, whatever their neighbours below it are.
    harmless: f32,
    /// Frames for which a sample that is not harmless remains within reach.
    frames_at_risk: usize,
    /// The newest `TAPS` samples of every channel, oldest first.
    recent: Vec<[f32; TAPS]>,
    held: SlidingMax,
    reduction: f64,
    means: [MovingMean; 2],
    /// Interleaved input that waits for its gain.
    waiting: VecDeque<f32>,
    /// Frames of output still to be dropped, because they lie before the first frame of input.
    skip: usize,
    delay: usize,
}

impl Limiter {
    /// A limiter for interleaved sound of 1 or 2 channels; `ceiling_db` relative to full scale, such as −1.
    pub fn new(rate: SampleRate, channels: usize, ceiling_db: f64) -> Result<Self, UnsupportedSound> {
        check(rate, channels)?;
        let hz = f64::from(rate.hz());
        let attack = ((ATTACK_SECS * hz).round() as usize).max(4);
        let hold = REACH + attack - 1;
        let delay = REACH + hold + attack - 1;
        let filter = interpolation_filter();
        let ceiling = amplitude(ceiling_db - MARGIN_DB);
        Ok(Self {
            channels,
            ceiling,
            release: (-1.0 / (RELEASE_SECS * hz)).exp(),
            harmless: (ceiling / greatest_gain(&filter)) as f32,
            frames_at_risk: 0,
            filter,
            recent: vec![[0.0; TAPS]; channels],
            held: SlidingMax::new(2 * hold + 1),
            reduction: 0.0,
            means: [MovingMean::new(attack), MovingMean::new(attack)],
            waiting: VecDeque::new(),
            skip: delay,
            delay,
        })
    }

    /// Takes the next frames and appends those that are ready to `out`. An incomplete frame at the end is
    /// left out.
    pub fn push(&mut self, interleaved: &[f32], out: &mut Vec<f32>) {
        for frame in interleaved.chunks_exact(self.channels) {
            self.waiting.extend(frame.iter().map(|x| if x.is_finite() { *x } else { 0.0 }));
            let gain = self.next_gain();
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            out.extend(self.waiting.drain(..self.channels).map(|x| x * gain));
        }
    }

    /// Appends the frames that are held back. The limiter is then ready for another stream.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        self.push(&vec![0.0; self.delay * self.channels], out);
        self.recent.fill([0.0; TAPS]);
        self.frames_at_risk = 0;
        self.held.clear();
        self.reduction = 0.0;
        self.means.iter_mut().for_each(MovingMean::clear);
        self.waiting.clear();
        self.skip = self.delay;
    }

    /// The gain for the frame `delay` frames before the newest one.
    fn next_gain(&mut self) -> f32 {
        let peak = self.newest_peak();
        let reduction = if peak > self.ceiling { 1.0 - self.ceiling / peak } else { 0.0 };
        let held = self.held.push(reduction);
        self.reduction = held.max(self.reduction * self.release);
        if self.reduction < MIN_REDUCTION {
            self.reduction = held;
        }
        let [first, second] = &mut self.means;
        (1.0 - second.push(first.push(self.reduction))) as f32
    }

    /// The true peak from the sample `REACH` before the newest one up to the next; 0 where it can't be above
    /// the ceiling.
    fn newest_peak(&mut self) -> f64 {
        let newest = self.waiting.len() - self.channels;
        self.frames_at_risk = self.frames_at_risk.saturating_sub(1);
        for (c, recent) in self.recent.iter_mut().enumerate() {
            recent.rotate_left(1);
            recent[TAPS - 1] = self.waiting[newest + c];
            if recent[TAPS - 1].abs() >= self.harmless {
                self.frames_at_risk = TAPS;
            }
        }
        if self.frames_at_risk == 0 { 0.0 } else { self.peak_of_recent() }
    }

    fn peak_of_recent(&self) -> f64 {
        let mut peak = 0.0f32;
        for recent in &self.recent {
            let mut wave = [0.0f32; OVERSAMPLING];
            for (x, taps) in recent.iter().zip(&self.filter) {
                wave.iter_mut().zip(taps).for_each(|(sum, h)| *sum += x * h);
            }
            peak = wave.iter().fold(peak, |peak, sample| peak.max(sample.abs()));
        }
        f64::from(peak)
    }
}

/// Σ `filter[k][p]` × sample k gives, from `TAPS` samples, the wave p / 4 of a sample after sample `TAPS` − 1
/// − `REACH`.
fn interpolation_filter() -> [[f32; OVERSAMPLING]; TAPS] {
    let mut filter = [[0.0; OVERSAMPLING]; TAPS];
    for (k, taps) in filter.iter_mut().enumerate() {
        for (p, h) in taps.iter_mut().enumerate() {
            let distance = (TAPS - 1 - REACH) as f64 + p as f64 / OVERSAMPLING as f64 - k as f64;
            let sinc = if distance == 0.0 { 1.0 } else { (PI * distance).sin() / (PI * distance) };
            *h = (sinc * (PI * distance / TAPS as f64).cos().powi(2)) as f32;
        }
    }
    filter
}

/// Greatest amplitude that the interpolation can make of samples of at most 1.
fn greatest_gain(filter: &[[f32; OVERSAMPLING]; TAPS]) -> f64 {
    let gain = |p: usize| filter.iter().map(|taps| f64::from(taps[p].abs())).sum::<f64>();
    (0..OVERSAMPLING).map(gain).fold(1.0, f64::max)
}

/// The maximum of the newest `length` values, each step in constant time on average: candidates in falling
/// order.
struct SlidingMax {
    length: u64,
    count: u64,
    candidates: VecDeque<(u64, f64)>,
}

impl SlidingMax {
    fn new(length: usize) -> Self {
        Self { length: length as u64, count: 0, candidates: VecDeque::with_capacity(length + 1) }
    }

    fn push(&mut self, value: f64) -> f64 {
        while self.candidates.back().is_some_and(|(_, v)| *v <= value) {
            self.candidates.pop_back();
        }
        self.candidates.push_back((self.count, value));
        self.count += 1;
        while self.candidates[0].0 + self.length < self.count {
            self.candidates.pop_front();
        }
        self.candidates[0].1
    }

    fn clear(&mut self) {
        self.candidates.clear();
        self.count = 0;
    }
}

/// The mean of the newest `length` values, zeros before the first.
struct MovingMean {
    values: VecDeque<f64>,
    sum: f64,
    /// Values in a row that were zero: after a whole window of them the sum is set to an exact zero.
    zeros: usize,
}

impl MovingMean {
    fn new(length: usize) -> Self {
        Self { values: vec![0.0; length].into(), sum: 0.0, zeros: length }
    }

    fn push(&mut self, value: f64) -> f64 {
        let oldest = self.values.pop_front().unwrap_or(0.0);
        self.values.push_back(value);
        self.sum += value - oldest;
        self.zeros = if value == 0.0 { self.zeros + 1 } else { 0 };
        if self.zeros >= self.values.len() {
            self.sum = 0.0;
        }
        self.sum / self.values.len() as f64
    }

    fn clear(&mut self) {
        *self = Self::new(self.values.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loudness::meter::Meter;
    use crate::tick_rng::TickRng;

    const CEILING: f64 = -1.0;

    fn limited(rate: u32, channels: usize, x: &[f32]) -> Vec<f32> {
        let mut limiter = Limiter::new(SampleRate::new(rate).unwrap(), channels, CEILING).unwrap();
        let mut y = Vec::new();
        limiter.push(x, &mut y);
        limiter.finish(&mut y);
        y
    }

    fn true_peak(rate: u32, channels: usize, x: &[f32]) -> f64 {
        let mut meter = Meter::new(SampleRate::new(rate).unwrap(), channels).unwrap();
        meter.push(x);
        meter.true_peak().unwrap()
    }

    fn nasty(rate: u32) -> Vec<(&'static str, Vec<f32>)> {
        let n = rate as usize;
        let mut rng = TickRng::new(1, 0);
        let square = (0..n).map(|k| if k / 50 % 2 == 0 { 1.0 } else { -1.0 }).collect();
        let between = (0..n).map(|k| 1.4 * (PI / 2.0 * k as f64 + PI / 4.0).sin() as f32).collect();
        let clicks = (0..n).map(|k| if k % 1777 == 0 { 3.98 } else { 0.0 }).collect();
        let noise = (0..n).map(|_| rng.between(-4.0, 4.0) as f32).collect();
        let alternating = (0..n).map(|k| if k % 2 == 0 { 2.0 } else { -2.0 }).collect();
        let bursts = (0..n)
            .map(|k| (if k / 3000 % 2 == 0 { 0.05 } else { 6.0 }) * (0.7 * k as f64).sin() as f32)
            .collect();
        vec![
            ("square", square),
            ("between", between),
            ("clicks", clicks),
            ("noise", noise),
            ("alternating", alternating),
            ("bursts", bursts),
        ]
    }

    #[test]
    fn no_true_peak_is_above_the_ceiling() {
        for rate in [22_050, 48_000] {
            for (name, x) in nasty(rate) {
                let y = limited(rate, 1, &x);
                assert_eq!(y.len(), x.len());
                let peak = true_peak(rate, 1, &y);
                assert!(peak <= CEILING + 0.05, "{name} at {rate} Hz reaches {peak} dB");
                // It may not be pressed down for nothing either.
                assert!(peak >= CEILING - 0.3, "{name} at {rate} Hz only reaches {peak} dB");
            }
        }
    }

    #[test]
    fn sound_below_the_ceiling_passes_bit_for_bit() {
        let mut rng = TickRng::new(2, 0);
        let x: Vec<f32> = (0..20_000).map(|_| rng.between(-0.4, 0.4) as f32).collect();
        assert_eq!(limited(48_000, 2, &x), x);
        let mut with_click = x.clone();
        with_click[4000] = 3.0;
        let y = limited(22_050, 1, &with_click);
        // Before the attack, and half a second after the click, nothing is touched; in between, gain only
        // falls.
        assert_eq!(y[..3900], with_click[..3900]);
        assert_eq!(y[15_000..], with_click[15_000..]);
        assert!(y.iter().zip(&with_click).all(|(a, b)| a.abs() <= b.abs() && a * b >= 0.0));
    }

    #[test]
    fn both_channels_get_the_same_gain() {
        let x: Vec<f32> =
            (0..8000).map(|k| if k % 2 == 0 { 2.0 * (k as f32 * 0.05).sin() } else { 0.25 }).collect();
        let y = limited(48_000, 2, &x);
        assert!(true_peak(48_000, 2, &y) <= CEILING + 0.05);
        for k in (0..8000).step_by(2).filter(|k| x[*k].abs() > 0.1) {
            assert!((y[k] / x[k] - y[k + 1] / x[k + 1]).abs() < 1e-5);
        }
    }

    #[test]
    fn pieces_change_nothing_and_bad_samples_become_silence() {
        let mut x = nasty(22_050).remove(3).1;
        (x[100], x[200], x[300]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
        let whole = limited(22_050, 1, &x);
        let mut limiter = Limiter::new(SampleRate::new(22_050).unwrap(), 1, CEILING).unwrap();
        for _ in 0..2 {
            let mut pieces = Vec::new();
            x.chunks(331).for_each(|piece| limiter.push(piece, &mut pieces));
            limiter.finish(&mut pieces);
            assert_eq!(pieces, whole);
        }
        assert!(whole.iter().all(|v| v.is_finite()) && whole[200] == 0.0);
    }
}
