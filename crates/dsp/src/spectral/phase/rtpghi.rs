//! Real-time phase gradient heap integration.
//!
//! For a Gaussian window the slopes of the phase follow from those of the log magnitude; other windows behave
//! like the Gaussian nearest to them. Integrating the slopes from the loudest bin outwards gives phases that
//! are right up to one constant for every connected part of the spectrogram.
//!
//! Z. Průša and P. L. Søndergaard, "Real-time spectrogram inversion using phase gradient heap integration",
//! DAFx 2016; Z. Průša, P. Balazs and P. L. Søndergaard, "A noniterative method for reconstruction of phase
//! from STFT magnitude", IEEE/ACM TASLP 25 (2017).

use crate::spectral::phase::CausalPhase;
use crate::stft::{BadFrame, Stft};
use crate::tick_rng::TickRng;
use crate::window::Window;
use realfft::num_complex::Complex32;
use std::collections::BinaryHeap;
use std::f32::consts::{PI, TAU};

/// Magnitude, as a part of the loudest in this frame and the one before, below which phases are random (as in
/// DAFx 2016).
const RELATIVE_THRESHOLD: f32 = 1e-6;
/// Least magnitude whose logarithm is taken.
const MIN_MAGNITUDE: f32 = 1e-15;
/// γ / size² of the Gaussian exp(−πt²/γ) nearest to a Hann window of that size (TASLP 2017).
const HANN_GAMMA: f64 = 0.25645;

/// Phases from the slopes of the log magnitude s = ln |X|, one frame at a time, for frames of M samples at a
/// hop of a.
///
/// Along time, a frame further: 2πak/M + aM/(2γ) · (s(k+1, m) − s(k−1, m)). Along frequency, a bin further:
/// −2πτ/M with τ, the distance of an event from the frame's middle in samples, from the slope of s in time:
/// τ = γ/(2πa) · ∂s/∂m. Both are averaged over the two bins of a step.
///
/// Without look-ahead the paper of 2016 takes (3s(m) − 4s(m−1) + s(m−2)) / 2 for that slope, which is the
/// difference s(m) − s(m−1) and half of the second difference on top. Two things are done otherwise here,
/// because at a hop of M/4 that scattered clicks over ten milliseconds. The second difference of an impulse
/// under the Gaussian is known, −2πa²/γ; q, the measured part of it, is kept within 0..1 and says how much
/// the frame looks like an impulse (1 right after an onset). And to the extent of q, τ under a Hann window is
/// that of an impulse under this very window, whose logarithm falls faster than the Gaussian's towards the
/// edges: from r² = w(τ)/w(τ+a), with c = πa/M, tan(πτ/M) = (cos c − 1/r) / sin c. In the frame of an onset
/// itself τ = (M − a)/2: what begins there lies in the samples that no frame saw before.
pub struct Rtpghi {
    seed: u64,
    frame: u64,
    /// aM / 2γ.
    along_time: f32,
    /// γ / (2πaM): slope of s a frame to τ / M.
    along_frequency: f32,
    /// a / M.
    hop: f32,
    is_hann: bool,
    /// 2πak/M, less whole turns.
    advance: Vec<f32>,
    now: Column,
    before: Column,
    /// s, two frames ago.
    earlier: Vec<f32>,
    slope: Vec<f32>,
    done: Vec<bool>,
    heap: BinaryHeap<Node>,
}

/// The bins of one frame.
struct Column {
    magnitude: Vec<f32>,
    log: Vec<f32>,
    /// Advance of the phase along time, a frame.
    growth: Vec<f32>,
    phase: Vec<f32>,
}

/// A bin with a phase, whose neighbours may take theirs from it. The loudest is the greatest; of equals the
/// newer frame, then the lower bin, so that the order does not depend on the heap. One number, because
/// comparing is most of the work: the bits of a magnitude, which grow with it as it is not negative, then the
/// frame, then the bin, reversed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Node(u64);

impl Node {
    fn new(magnitude: f32, is_now: bool, bin: usize) -> Self {
        let place = (u32::from(is_now) << 31) | (0x7fff_ffff - bin as u32);
        Self((u64::from(magnitude.to_bits()) << 32) | u64::from(place))
    }

    fn is_now(self) -> bool {
        self.0 >> 31 & 1 == 1
    }

    fn bin(self) -> usize {
        0x7fff_ffff - (self.0 & 0x7fff_ffff) as usize
    }
}

impl Rtpghi {
    /// Phases of frames of `size` samples at `hop` under `window`; random phases come from `seed`.
    pub fn new(size: usize, hop: usize, window: Window, seed: u64) -> Result<Self, BadFrame> {
        let bins = Stft::new(size, hop, window)?.bins();
        let (m, a, gamma) = (size as f64, hop as f64, gamma(window, size));
        Ok(Self {
            seed,
            frame: 0,
            along_time: (a * m / (2.0 * gamma)) as f32,
            along_frequency: (gamma / (a * m) / std::f64::consts::TAU) as f32,
            hop: (a / m) as f32,
            is_hann: window == Window::Hann,
            advance: turns(size, hop),
            now: Column::new(bins),
            before: Column::new(bins),
            earlier: vec![MIN_MAGNITUDE.ln(); bins],
            slope: vec![0.0; bins],
            done: vec![false; bins],
            heap: BinaryHeap::with_capacity(2 * bins),
        })
    }

    /// Computes phases as [`CausalPhase::next`] does, with the magnitudes of the frame after this one, which
    /// make the slope in time the central difference (s(m+1) − s(m−1)) / 2: where a frame of delay does no
    /// harm.
    pub fn next_before(&mut self, magnitudes: &[f32], following: &[f32], spectrum: &mut [Complex32]) {
        self.begin(magnitudes);
        let half = self.along_frequency / 2.0;
        for ((slope, next), before) in self.slope.iter_mut().zip(following).zip(&self.before.log) {
            *slope = -TAU * (half * (next.max(MIN_MAGNITUDE).ln() - before)).clamp(-0.5, 0.5);
        }
        self.integrate();
        self.deliver(spectrum);
    }

    /// Takes the magnitudes; the present frame becomes the one before.
    fn begin(&mut self, magnitudes: &[f32]) {
        std::mem::swap(&mut self.earlier, &mut self.before.log);
        std::mem::swap(&mut self.before, &mut self.now);
        // The logarithms went round in a circle: `before` has now's, `earlier` has before's.
        let now = &mut self.now;
        now.magnitude
            .iter_mut()
            .zip(magnitudes)
            .for_each(|(to, x)| *to = if x.is_finite() { x.max(0.0) } else { 0.0 });
        now.log.iter_mut().zip(&now.magnitude).for_each(|(s, x)| *s = x.max(MIN_MAGNITUDE).ln());
        let last = now.log.len() - 1;
        for k in 0..=last {
            // The spectrum of a real signal is even about its first and its last bin.
            let (below, above) = (if k == 0 { 1 } else { k - 1 }, if k == last { last - 1 } else { k + 1 });
            now.growth[k] = self.advance[k] + self.along_time * (now.log[above] - now.log[below]);
        }
    }

    /// Computes the slopes along frequency, from this frame and those before.
    fn compute_slopes(&mut self) {
        let began = self.threshold().ln();
        // 1 / second difference of an impulse: −γ / 2πa².
        let per_curve = -self.along_frequency / self.hop;
        let ((sin, cos), half_hop) = ((PI * self.hop).sin_cos(), self.hop / 2.0);
        for (k, slope) in self.slope.iter_mut().enumerate() {
            let (now, before, earlier) = (self.now.log[k], self.before.log[k], self.earlier[k]);
            let rise = now - before;
            // τ / M.
            let distance = if before <= began {
                0.5 - half_hop
            } else {
                let curve = now - 2.0 * before + earlier;
                let impulse = if earlier <= began { 1.0 } else { (curve * per_curve).clamp(0.0, 1.0) };
                let steady = (self.along_frequency * rise).clamp(-0.5, 0.5);
                let struck = match (impulse > 0.0, self.is_hann) {
                    (true, true) => ((cos - (-0.5 * rise).exp()) / sin).atan() / PI,
                    _ => (steady - half_hop).clamp(-0.5, 0.5),
                };
                steady + (struck - steady) * impulse
            };
            *slope = -TAU * distance;
        }
    }

    fn threshold(&self) -> f32 {
        let loudest = |column: &Column| column.magnitude.iter().copied().fold(0.0, f32::max);
        (RELATIVE_THRESHOLD * loudest(&self.now).max(loudest(&self.before))).max(MIN_MAGNITUDE)
    }

    fn integrate(&mut self) {
        let threshold = self.threshold();
        let mut rng = TickRng::new(self.seed, self.frame);
        self.frame += 1;
        let mut left = 0;
        self.heap.clear();
        for k in 0..self.done.len() {
            self.done[k] = self.now.magnitude[k] <= threshold;
            if self.done[k] {
                self.now.phase[k] = rng.between(0.0, f64::from(TAU)) as f32;
            } else {
                left += 1;
            }
            // A bin that has its phase already needs none from the frame before.
            if !self.done[k] && self.before.magnitude[k] > threshold {
                self.heap.push(Node::new(self.before.magnitude[k], false, k));
            }
        }
        while left > 0 {
            let Some(node) = self.heap.pop() else {
                self.start_region(&mut rng);
                left -= 1;
                continue;
            };
            let bin = node.bin();
            if !node.is_now() {
                let growth = (self.before.growth[bin] + self.now.growth[bin]) / 2.0;
                left -= usize::from(self.settle(bin, self.before.phase[bin] + growth));
                continue;
            }
            let phase = self.now.phase[bin];
            if bin + 1 < self.done.len() {
                let step = (self.slope[bin] + self.slope[bin + 1]) / 2.0;
                left -= usize::from(self.settle(bin + 1, phase + step));
            }
            if bin > 0 {
                let step = (self.slope[bin] + self.slope[bin - 1]) / 2.0;
                left -= usize::from(self.settle(bin - 1, phase - step));
            }
        }
    }

    /// Sets the phase of `bin`, unless it has one; returns true if it did.
    fn settle(&mut self, bin: usize, phase: f32) -> bool {
        if self.done[bin] {
            return false;
        }
        self.done[bin] = true;
        // Kept small, so that no precision is lost over a long sound.
        self.now.phase[bin] = phase.rem_euclid(TAU);
        let is_surrounded =
            (bin == 0 || self.done[bin - 1]) && self.done.get(bin + 1).is_none_or(|done| *done);
        if !is_surrounded {
            self.heap.push(Node::new(self.now.magnitude[bin], true, bin));
        }
        true
    }

    /// Starts the loudest bin without a phase at a random one.
    fn start_region(&mut self, rng: &mut TickRng) {
        let magnitude = &self.now.magnitude;
        let loudest = (0..self.done.len())
            .filter(|k| !self.done[*k])
            .max_by(|a, b| magnitude[*a].total_cmp(&magnitude[*b]))
            .expect("a bin is left");
        self.settle(loudest, rng.between(0.0, f64::from(TAU)) as f32);
    }

    fn deliver(&self, spectrum: &mut [Complex32]) {
        for (k, x) in spectrum.iter_mut().enumerate() {
            // From the middle of the frame, which the slopes refer to, to its first sample: πk.
            let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
            *x = Complex32::from_polar(self.now.magnitude[k], self.now.phase[k]) * sign;
        }
    }
}

impl CausalPhase for Rtpghi {
    fn next(&mut self, magnitudes: &[f32], spectrum: &mut [Complex32]) {
        self.begin(magnitudes);
        self.compute_slopes();
        self.integrate();
        self.deliver(spectrum);
    }

    fn reset(&mut self) {
        self.frame = 0;
        self.earlier.fill(MIN_MAGNITUDE.ln());
        for column in [&mut self.now, &mut self.before] {
            column.magnitude.fill(0.0);
            column.log.fill(MIN_MAGNITUDE.ln());
            column.growth.fill(0.0);
            column.phase.fill(0.0);
        }
    }
}

impl Column {
    fn new(bins: usize) -> Self {
        let zeros = || vec![0.0; bins];
        Self { magnitude: zeros(), log: vec![MIN_MAGNITUDE.ln(); bins], growth: zeros(), phase: zeros() }
    }
}

/// 2πak/M for every bin k, less whole turns, from integers, so that it is as exact at the last bin as at the
/// first.
pub(crate) fn turns(size: usize, hop: usize) -> Vec<f32> {
    let turn = |k: usize| (hop * k % size) as f64 / size as f64;
    (0..=size / 2).map(|k| (turn(k) * std::f64::consts::TAU) as f32).collect()
}

/// γ of the Gaussian exp(−πt²/γ), t in samples, nearest to `window` over `size` samples. A Gaussian's is
/// exact: 2πσ²M². Bartlett and Tukey take that of a Gaussian with the same second moment as the window,
/// scaled so that the rule meets the published value for Hann.
fn gamma(window: Window, size: usize) -> f64 {
    let squared = (size as f64).powi(2);
    match window {
        Window::Hann => HANN_GAMMA * squared,
        Window::Gaussian { sigma } => std::f64::consts::TAU * f64::from(sigma).powi(2) * squared,
        Window::Bartlett | Window::Tukey { .. } => {
            HANN_GAMMA * squared * spread(window) / spread(Window::Hann)
        }
    }
}

/// Variance of the position within a window, in window lengths squared.
fn spread(window: Window) -> f64 {
    const POINTS: u32 = 1000;
    let (mut sum, mut weight) = (0.0, 0.0);
    for k in 0..=POINTS {
        let x = f64::from(k) / f64::from(POINTS);
        sum += window.at(x) * (x - 0.5).powi(2);
        weight += window.at(x);
    }
    sum / weight
}
