//! A filter that brings sound nearer to target spectra and attacks, tick by tick.

#[cfg(test)]
mod tests;

use crate::loudness::amplitude;
use crate::mel_centers::MelPosition;
use crate::metrics::BANDS;
use crate::overlap_add::OverlapAdd;
use crate::setting::{OutOfRange, Setting};
use crate::stft::Stft;
use crate::units::TickGrid;
use crate::window::Window;
use realfft::num_complex::Complex32;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Greatest length of a frame, which is a power of two of samples: 1024 at 44.1 and at 48 kHz. As long as the
/// shortest sound in which the lowest bands can be distinguished, and no longer, since a filter is heard
/// before an attack by up to half of it.
const MAX_FRAME_SECS: f64 = 0.025;
/// Least length of a frame in samples.
const MIN_FRAME: usize = 64;

/// Share of the present tick's correction that lasts into the next one: an accent dies away within three
/// ticks.
const CORRECTION_DECAY: f32 = 0.3;

/// log10 of the least band power: where [`log_mel`](crate::metrics::log_mel) is cut off.
const MIN_LOG_POWER: f32 = -5.0;
/// log10 of the greatest band power that is possible.
const MAX_LOG_POWER: f32 = 12.0;

/// Settings of [`BandMatcher`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BandMatcherConfig {
    /// Share of the difference between the spectrum and its target that is corrected, 0 to 1.
    pub tone: f32,
    /// Share of the difference between the rise of a tick and its target that is corrected, 0 to 1.
    pub attack: f32,
    /// The greatest gain and attenuation of a band in dB, 0 to 24.
    #[serde(rename = "most_db")]
    pub max_db: f32,
}

impl Default for BandMatcherConfig {
    /// Measured on five folds of a film of a piano and on a cartoon (docs/experiments.md): half of the
    /// correction of the spectrum keeps sound lively, and halves the error that a prediction adds; attacks
    /// are worth most of it.
    fn default() -> Self {
        Self { tone: 0.5, attack: 0.8, max_db: 12.0 }
    }
}

impl BandMatcherConfig {
    /// Checks that every setting lies within its range. One that does not is moved to the nearest allowed
    /// value where it is used.
    pub fn check(&self) -> Result<(), OutOfRange> {
        self.settings().iter().try_for_each(Setting::check)
    }

    /// Returns true if these settings leave sound as it is.
    pub fn is_off(&self) -> bool {
        self.max_db <= 0.0 || (self.tone <= 0.0 && self.attack <= 0.0)
    }

    fn settings(&self) -> [Setting; 3] {
        let setting = |name, value: f32, high| Setting::new(name, f64::from(value), 0.0, high);
        [
            setting("tone", self.tone, 1.0),
            setting("attack", self.attack, 1.0),
            setting("max_db", self.max_db, 24.0),
        ]
    }

    fn clamped(&self) -> Self {
        let [tone, attack, max_db] = self.settings().map(|setting| setting.clamped() as f32);
        Self { tone, attack, max_db }
    }
}

/// The spectrum of a tick without the filter, and its target.
#[derive(Clone, Debug, PartialEq)]
pub struct BandTarget {
    /// log10 of the power in the bands of [`log_mel`](crate::metrics::log_mel) of the sound that will be
    /// filtered.
    pub there: [f32; BANDS],
    /// log10 of the power in the bands that the output shall have.
    pub wanted: [f32; BANDS],
    /// The sum of the rises of all bands over the tick before that the output shall have
    /// ([`onset_strength`](crate::metrics::onset_strength)).
    pub rise: f32,
}

/// A filter whose band gains follow a target.
///
/// Units of a mosaic are real sound, and so never quite their target; and wherever a mosaic jumps, the new
/// unit rises over another sound than the one that it followed in its source: attacks are heard without a
/// target, and others drown. From tick to tick the filter tracks the spectrum of its output: `base`, the
/// sound with a share of the correction towards the target; on it the rest of the last tick's correction;
/// then the sum of the rises over the output's last tick is brought nearer to its target, by reducing all
/// rises in proportion where there is too much, and by lifting all bands alike where there is too little.
///
/// The filter has gains at the centres of the 64 bands, in amplitude straight lines between them and between
/// the middles of ticks, and no phase (overlap-add with a Hann window at both ends, J. Allen and L. Rabiner,
/// "A unified approach to short-time Fourier analysis and synthesis", Proc. IEEE 65, 1977). Gains of 1 give
/// the input back, up to rounding.
///
/// Targets are pushed once a tick, sound is added as it comes, and delivered with a delay of one frame
/// ([`BandMatcher::latency`]); the output begins with the sound's first sample and after
/// [`BandMatcher::finish`] has as many as were added. The alternation of calls does not matter. Memory is
/// that of a frame and of the samples that are ready and were not taken.
pub struct BandMatcher {
    grid: TickGrid,
    channels: usize,
    config: BandMatcherConfig,
    stft: Stft,
    overlap: Vec<f32>,
    bins: Vec<MelPosition>,
    /// Gains of the ticks whose middles lie around the next frame's, and of those that follow.
    gains: VecDeque<[f32; BANDS]>,
    /// Number of the first of those.
    first_gains: i64,
    /// The spectrum of the last tick's output, and that without the rest of earlier corrections.
    output: Option<([f32; BANDS], [f32; BANDS])>,
    /// Interleaved sound, and where in it the next frame begins.
    sound: Vec<f32>,
    head: usize,
    /// Frames of sound that were added.
    added: i64,
    /// Number of the next frame, centred on as many hops.
    frame: i64,
    curve: Vec<f32>,
    spectrum: Vec<Complex32>,
    mix: OverlapAdd,
}

impl BandMatcher {
    /// A filter of interleaved sound of `channels` channels at the grid's rate. Settings outside of their
    /// ranges are moved to the nearest allowed value.
    pub fn new(grid: TickGrid, channels: usize, config: &BandMatcherConfig) -> Self {
        let longest = (MAX_FRAME_SECS * f64::from(grid.rate.hz())) as usize;
        let size = (1 << longest.max(MIN_FRAME).ilog2()) as usize;
        let stft = Stft::new(size, size / 2, Window::Hann).expect("an even size and a hop of half");
        let bin_hz = f64::from(grid.rate.hz()) / size as f64;
        let channels = channels.max(1);
        Self {
            grid,
            channels,
            config: config.clamped(),
            overlap: stft.overlap_window(),
            bins: (0..stft.bins()).map(|k| MelPosition::of(k as f64 * bin_hz)).collect(),
            gains: VecDeque::new(),
            first_gains: 0,
            output: None,
            // The first frame is centred on sample 0.
            sound: vec![0.0; size / 2 * channels],
            head: 0,
            added: 0,
            frame: 0,
            curve: vec![0.0; stft.bins()],
            spectrum: vec![Complex32::default(); stft.bins()],
            mix: OverlapAdd::default(),
            stft,
        }
    }

    /// Takes the target of the next tick.
    pub fn push(&mut self, target: &BandTarget) {
        let gains = self.next_gains(target);
        self.gains.push_back(gains);
        self.make_frames();
    }

    /// Takes the next samples, whole frames of all channels.
    pub fn add(&mut self, sound: &[f32]) {
        // Once a call, however much is added: on average one move a sample.
        self.sound.drain(..self.head);
        self.head = 0;
        self.sound.extend_from_slice(sound);
        self.added += (sound.len() / self.channels) as i64;
        self.make_frames();
    }

    /// Declares that nothing follows: the last tick's gains hold, and all samples become ready.
    pub fn finish(&mut self) {
        let size = self.stft.size() * self.channels;
        while self.mix.completed() < self.added * self.channels as i64 {
            self.sound.resize((self.head + size).max(self.sound.len()), 0.0);
            self.make_frame();
        }
    }

    /// Number of samples (frames × channels) that [`BandMatcher::fill`] can deliver now.
    pub fn ready(&self) -> usize {
        self.mix.ready()
    }

    /// Delivers the next `out.len()` interleaved samples or as many as are ready; returns how many it wrote.
    pub fn fill(&mut self, out: &mut [f32]) -> usize {
        self.mix.fill(out)
    }

    /// Frames beyond a sample that must be waited for before it is ready; the target of a tick must be known
    /// when the middle of the tick before it sounds.
    pub fn latency(&self) -> usize {
        self.stft.size()
    }

    /// The gains of the next tick in amplitude at the centres of the bands.
    fn next_gains(&mut self, target: &BandTarget) -> [f32; BANDS] {
        let BandMatcherConfig { tone, attack, max_db } = self.config;
        let most = max_db / 10.0;
        let there = target.there.map(measurable);
        let base: [f32; BANDS] = std::array::from_fn(|b| {
            there[b] + (tone * (measurable(target.wanted[b]) - there[b])).clamp(-most, most)
        });
        let mut next = base;
        if let Some((before, base_before)) = &self.output {
            (0..BANDS).for_each(|b| next[b] += CORRECTION_DECAY * (before[b] - base_before[b]));
            let rises: [f32; BANDS] = std::array::from_fn(|b| (next[b] - before[b]).max(0.0));
            let rise: f32 = rises.iter().sum();
            let missing = attack * (if target.rise.is_nan() { rise } else { target.rise.max(0.0) } - rise);
            if missing < 0.0 {
                (0..BANDS).for_each(|b| next[b] += missing * rises[b] / rise);
            } else {
                next.iter_mut().for_each(|x| *x += missing / BANDS as f32);
            }
            (0..BANDS).for_each(|b| next[b] = next[b].clamp(there[b] - most, there[b] + most));
        }
        self.output = Some((next, base));
        std::array::from_fn(|b| amplitude(10.0 * f64::from(next[b] - there[b])) as f32)
    }

    /// Makes all frames whose sound and whose gains are known.
    fn make_frames(&mut self) {
        let size = self.stft.size() * self.channels;
        while self.sound.len() >= self.head + size
            && self.next_position().0 + 1 < self.first_gains + self.gains.len() as i64
        {
            self.make_frame();
        }
    }

    /// The tick whose middle is the last one before that of the next frame (−1 before the first), and the
    /// part of the way from there to the next tick's, 0 to 1.
    fn next_position(&self) -> (i64, f32) {
        let (num, den) = (i128::from(self.grid.tick.num()), i128::from(self.grid.tick.den()));
        let tick = 2 * i128::from(self.grid.rate.hz()) * den;
        let sample = i128::from(self.frame) * self.stft.hop() as i128;
        let ahead = 2 * sample * num - tick / 2;
        (ahead.div_euclid(tick) as i64, (ahead.rem_euclid(tick) as f64 / tick as f64) as f32)
    }

    fn make_frame(&mut self) {
        self.update_curve();
        let (size, hop, channels) = (self.stft.size(), self.stft.hop(), self.channels);
        let middle = self.frame * hop as i64;
        let first = (middle - hop as i64) * channels as i64;
        for channel in 0..channels {
            let own = self.sound[self.head + channel..].iter().step_by(channels).copied();
            self.stft.analyse(own, &mut self.spectrum);
            self.spectrum.iter_mut().zip(&self.curve).for_each(|(x, gain)| *x *= gain);
            let filtered = self.stft.synthesise(&mut self.spectrum);
            let (skip, out) = self.mix.at(first, size * channels);
            let skip = skip / channels;
            let own = out.iter_mut().skip(channel).step_by(channels);
            for ((y, x), window) in own.zip(&filtered[skip..]).zip(&self.overlap[skip..]) {
                *y += x * window;
            }
        }
        self.head += hop * channels;
        self.frame += 1;
        self.mix.complete(middle.min(self.added) * channels as i64);
    }

    /// Computes the gains of all bins for the next frame.
    fn update_curve(&mut self) {
        let (tick, part) = self.next_position();
        // Gains that no later frame needs.
        while self.gains.len() > 1 && self.first_gains < tick {
            self.gains.pop_front();
            self.first_gains += 1;
        }
        let last = self.gains.len().saturating_sub(1) as i64;
        let at = |tick: i64| {
            self.gains.get((tick - self.first_gains).clamp(0, last) as usize).copied().unwrap_or([1.0; BANDS])
        };
        let (from, to) = (at(tick), at(tick + 1));
        let centers: [f64; BANDS] = std::array::from_fn(|b| f64::from(from[b] + (to[b] - from[b]) * part));
        self.curve
            .iter_mut()
            .zip(&self.bins)
            .for_each(|(gain, bin)| *gain = bin.interpolate(&centers) as f32);
    }
}

/// The power within the range that can be measured; NaN counts as silence.
fn measurable(log_power: f32) -> f32 {
    if log_power.is_nan() { MIN_LOG_POWER } else { log_power.clamp(MIN_LOG_POWER, MAX_LOG_POWER) }
}
