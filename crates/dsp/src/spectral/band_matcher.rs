//! Chosen sound brought nearer to the spectrum and to the attacks that were wanted, tick by tick.

#[cfg(test)]
mod tests;

use crate::frames::{OutOfRange, Setting};
use crate::loudness::amplitude;
use crate::mel_centers::MelPosition;
use crate::metrics::BANDS;
use crate::overlap_add::OverlapAdd;
use crate::stft::Stft;
use crate::units::TickGrid;
use crate::window::Window;
use realfft::num_complex::Complex32;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A frame is the longest power of two of samples that lasts at most so many seconds: 1024 at 44.1 and at 48 kHz. As long as the
/// shortest sound in which the lowest bands can be told apart, and no longer, since a filter is heard before an attack by up to
/// half of it.
const LONGEST_FRAME_SECS: f64 = 0.025;
const SHORTEST_FRAME: usize = 64;

/// What of the present tick's correction lasts into the next one: an accent dies away within three ticks.
const LASTING: f32 = 0.3;

/// log10 of the least band power: where [`log_mel`](crate::metrics::log_mel) is cut off.
const FLOOR: f32 = -5.0;
/// And of the most that is taken seriously.
const CEILING: f32 = 12.0;

/// Settings of [`BandMatcher`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BandMatcherConfig {
    /// How much of the way from the tone that sounds to the tone that is wanted is gone, 0 to 1.
    pub tone: f32,
    /// How much of the way from the attack that sounds to the attack that is wanted is gone, 0 to 1.
    pub attack: f32,
    /// The greatest gain and attenuation of a band in dB, 0 to 24.
    pub most_db: f32,
}

impl Default for BandMatcherConfig {
    /// Measured on five folds of a film of a piano and on a cartoon (docs/experiments.md): half of the way to a tone keeps what
    /// makes a sound lively, and halves the error that a guess adds; attacks are worth most of the way.
    fn default() -> Self {
        Self { tone: 0.5, attack: 0.8, most_db: 12.0 }
    }
}

impl BandMatcherConfig {
    /// Whether every setting lies within its range. What does not is moved to the nearest allowed value where it is used.
    pub fn check(&self) -> Result<(), OutOfRange> {
        self.settings().iter().try_for_each(Setting::check)
    }

    /// Whether it leaves sound as it is.
    pub fn is_off(&self) -> bool {
        self.most_db <= 0.0 || (self.tone <= 0.0 && self.attack <= 0.0)
    }

    fn settings(&self) -> [Setting; 3] {
        let setting = |name, value: f32, high| Setting::new(name, f64::from(value), 0.0, high);
        [
            setting("tone", self.tone, 1.0),
            setting("attack", self.attack, 1.0),
            setting("most_db", self.most_db, 24.0),
        ]
    }

    fn clamped(&self) -> Self {
        let [tone, attack, most_db] = self.settings().map(|setting| setting.clamped() as f32);
        Self { tone, attack, most_db }
    }
}

/// What a tick sounds like without a filter, and what it should sound like.
#[derive(Clone, Debug, PartialEq)]
pub struct BandTarget {
    /// log10 of the power in the bands of [`log_mel`](crate::metrics::log_mel), as the sound will be that is to be filtered.
    pub there: [f32; BANDS],
    /// The same, as it should be.
    pub wanted: [f32; BANDS],
    /// The sum of what every band should rise over the tick before
    /// ([`onset_strength`](crate::metrics::onset_strength)).
    pub rise: f32,
}

/// A filter whose gains follow what is wanted.
///
/// Units of a mosaic are real sound, and so never quite what was asked for; and wherever a mosaic jumps, the new unit rises over
/// another sound than the one that it followed once: attacks are heard that nobody wanted, and some that were wanted drown.
/// From tick to tick the filter keeps account of what its output sounds like: `base`, the sound that is there with a share of the
/// way to the wanted bands; on it what is left of the last tick's correction; then the sum of the rises over the output's last
/// tick is brought nearer to the wanted one, by taking from all rises in proportion where there is too much, and by lifting all
/// bands alike where there is too little.
///
/// The filter has gains at the tops of the 64 bands, in amplitude straight lines between them and between the middles of ticks,
/// and no phase (overlap-add with a Hann window at both ends, J. Allen and L. Rabiner, "A unified approach to short-time Fourier
/// analysis and synthesis", Proc. IEEE 65, 1977). Gains of 1 give back what was taken, up to rounding.
///
/// Aims are pushed once a tick, sound is added as it comes, and delivered with a delay of one frame ([`BandMatcher::latency`]); the
/// output begins with the sound's first sample and after [`BandMatcher::finish`] has as many as were added. How calls alternate does
/// not matter. Memory is that of a frame and of what is ready and was not taken.
pub struct BandMatcher {
    grid: TickGrid,
    channels: usize,
    config: BandMatcherConfig,
    stft: Stft,
    overlap: Vec<f32>,
    places: Vec<MelPosition>,
    /// Gains of the ticks whose middles lie around the next frame's, and of those that follow.
    gains: VecDeque<[f32; BANDS]>,
    /// Number of the first of those.
    first_gains: i64,
    /// What the last tick sounds like, filtered, and what it would have with nothing left from before.
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
    /// For interleaved sound of `channels` channels at the grid's rate. Settings outside of their ranges are moved to the nearest
    /// allowed value.
    pub fn new(grid: TickGrid, channels: usize, config: &BandMatcherConfig) -> Self {
        let longest = (LONGEST_FRAME_SECS * f64::from(grid.rate.hz())) as usize;
        let size = (1 << longest.max(SHORTEST_FRAME).ilog2()) as usize;
        let stft = Stft::new(size, size / 2, Window::Hann).expect("an even size and a hop of half");
        let bin_hz = f64::from(grid.rate.hz()) / size as f64;
        let channels = channels.max(1);
        Self {
            grid,
            channels,
            config: config.clamped(),
            overlap: stft.overlap_window(),
            places: (0..stft.bins()).map(|k| MelPosition::of(k as f64 * bin_hz)).collect(),
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

    /// Takes what is wanted of the next tick.
    pub fn push(&mut self, aim: &BandTarget) {
        let gains = self.follow(aim);
        self.gains.push_back(gains);
        self.play();
    }

    /// Takes the next samples, whole frames of all channels.
    pub fn add(&mut self, sound: &[f32]) {
        // Once a call, however much is added: on average one move a sample.
        self.sound.drain(..self.head);
        self.head = 0;
        self.sound.extend_from_slice(sound);
        self.added += (sound.len() / self.channels) as i64;
        self.play();
    }

    /// Tells that nothing follows: the last tick's gains hold, and all samples become ready.
    pub fn finish(&mut self) {
        let size = self.stft.size() * self.channels;
        while self.mix.completed() < self.added * self.channels as i64 {
            self.sound.resize((self.head + size).max(self.sound.len()), 0.0);
            self.make_frame();
        }
    }

    /// How many samples (frames × channels) [`BandMatcher::fill`] can deliver now.
    pub fn ready(&self) -> usize {
        self.mix.ready()
    }

    /// Delivers the next `out.len()` interleaved samples or as many as are ready; returns how many it wrote.
    pub fn fill(&mut self, out: &mut [f32]) -> usize {
        self.mix.fill(out)
    }

    /// How many frames beyond a sample must be waited for before it is ready; the aim of a tick must be known when the middle of
    /// the tick before it sounds.
    pub fn latency(&self) -> usize {
        self.stft.size()
    }

    /// Gains in amplitude at the tops of the bands.
    fn follow(&mut self, aim: &BandTarget) -> [f32; BANDS] {
        let BandMatcherConfig { tone, attack, most_db } = self.config;
        let most = most_db / 10.0;
        let there = aim.there.map(audible);
        let base: [f32; BANDS] = std::array::from_fn(|b| {
            there[b] + (tone * (audible(aim.wanted[b]) - there[b])).clamp(-most, most)
        });
        let mut next = base;
        if let Some((before, base_before)) = &self.output {
            (0..BANDS).for_each(|b| next[b] += LASTING * (before[b] - base_before[b]));
            let rises: [f32; BANDS] = std::array::from_fn(|b| (next[b] - before[b]).max(0.0));
            let rise: f32 = rises.iter().sum();
            let missing = attack * (if aim.rise.is_nan() { rise } else { aim.rise.max(0.0) } - rise);
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

    /// Makes all frames whose sound and whose gains are there.
    fn play(&mut self) {
        let size = self.stft.size() * self.channels;
        while self.sound.len() >= self.head + size
            && self.place().0 + 1 < self.first_gains + self.gains.len() as i64
        {
            self.make_frame();
        }
    }

    /// The tick whose middle is the last one before that of the next frame (−1 before the first), and how far it is from there to the
    /// next tick's, 0 to 1.
    fn place(&self) -> (i64, f32) {
        let (num, den) = (i128::from(self.grid.tick.num()), i128::from(self.grid.tick.den()));
        let tick = 2 * i128::from(self.grid.rate.hz()) * den;
        let sample = i128::from(self.frame) * self.stft.hop() as i128;
        let ahead = 2 * sample * num - tick / 2;
        (ahead.div_euclid(tick) as i64, (ahead.rem_euclid(tick) as f64 / tick as f64) as f32)
    }

    fn make_frame(&mut self) {
        let (tick, part) = self.place();
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
        let tops: [f64; BANDS] = std::array::from_fn(|b| f64::from(from[b] + (to[b] - from[b]) * part));
        self.curve.iter_mut().zip(&self.places).for_each(|(gain, place)| *gain = place.on(&tops) as f32);
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
}

/// Within what can be measured; what is no number counts as nothing.
fn audible(log_power: f32) -> f32 {
    if log_power.is_nan() { FLOOR } else { log_power.clamp(FLOOR, CEILING) }
}
