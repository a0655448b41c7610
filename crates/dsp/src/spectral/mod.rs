//! The spectral synth: sound from band powers, a loudness and a probability of silence, or from magnitudes,
//! tick by tick; and the filter of mosaics by bands.

mod band_matcher;
mod envelope;
mod noise_texture;
mod phase;
#[cfg(test)]
mod tests;

pub use band_matcher::{BandMatcher, BandMatcherConfig, BandTarget};
pub use phase::griffin_lim::{GriffinLim, Start};
pub use phase::{Magnitudes, Phase};

use crate::level::{self, LevelMatcher};
use crate::overlap_add::OverlapAdd;
use crate::setting::{OutOfRange, Setting};
use crate::spectral::envelope::{Envelope, NO_POWER};
use crate::spectral::noise_texture::NoiseTexture;
use crate::spectral::phase::CausalPhase;
use crate::spectral::phase::griffin_lim::{GriffinLimBlocks, SoundBlock};
use crate::spectral::phase::rtpghi::Rtpghi;
use crate::spectral::phase::simple::{BorrowedPhase, RandomWalk};
use crate::stft::Stft;
use crate::units::TickGrid;
use crate::window::Window;
use realfft::num_complex::Complex32;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Seconds of a block of Griffin-Lim and of the crossfade to the next one.
const BLOCK_SECS: usize = 10;
const FADE_SECS: usize = 1;

/// The prediction for one tick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpectralFrame<'a> {
    /// log10 of the power in the 64 mel bands of [`log_mel`](crate::metrics::log_mel). Only their relation to
    /// each other counts: the loudness sets the level. Bands that are missing count as silent.
    pub bands: &'a [f32],
    /// 10 log10 of the mean square over the tick, in dB; at −70 ([`SILENCE_DB`]) and below there is no sound
    /// at all.
    pub loudness_db: f32,
    /// Probability of silence, 0 to 1.
    pub silence: f32,
}

/// Loudness in dB at which a tick is silent: where [`frame_loudness`](crate::metrics::frame_loudness) is cut
/// off.
pub const SILENCE_DB: f32 = -70.0;
/// Greatest loudness of a tick, in dB.
const MAX_LOUDNESS_DB: f32 = 20.0;

/// Settings of [`SpectralSynth`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SpectralConfig {
    /// Samples a frame, 128 to 8192; odd ones are rounded down.
    pub transform: u32,
    /// Samples from frame to frame, 16 to 4096, at most a half of `transform`.
    pub hop: u32,
    /// Source of phases. [`Phase::GriffinLim`] has a latency of 10 s.
    pub phase: Phase,
    /// Roughness of a frame's spectrum: that of a noise under the bands (1) or smooth (0). Smooth spectra are
    /// not those of natural sound: they repeat, and buzz.
    pub texture: f32,
    /// Random steps of [`Phase::RandomWalk`], in half turns a frame, 0 to 1.
    pub jitter: f32,
    /// Iterations of [`Phase::GriffinLim`], 1 to 1000.
    pub iterations: u32,
    /// Probability of silence up to which the gate is open, 0 to 0.99. Beyond it the gate closes in
    /// proportion, in dB.
    pub gate_from: f32,
    /// Attenuation where silence is certain, in dB, 0 to 60.
    pub gate_db: f32,
    /// Seed of the texture and of phases.
    pub seed: u64,
}

impl Default for SpectralConfig {
    fn default() -> Self {
        Self {
            transform: 1024,
            hop: 256,
            phase: Phase::Rtpghi,
            texture: 1.0,
            jitter: 0.5,
            iterations: 32,
            gate_from: 0.5,
            gate_db: 60.0,
            seed: 0,
        }
    }
}

impl SpectralConfig {
    /// The settings with their ranges, in the order of the fields.
    pub(crate) fn settings(&self) -> [Setting; 7] {
        [
            Setting::new("transform", f64::from(self.transform), 128.0, 8192.0),
            Setting::new("hop", f64::from(self.hop), 16.0, 4096.0),
            Setting::new("texture", f64::from(self.texture), 0.0, 1.0),
            Setting::new("jitter", f64::from(self.jitter), 0.0, 1.0),
            Setting::new("iterations", f64::from(self.iterations), 1.0, 1000.0),
            Setting::new("gate_from", f64::from(self.gate_from), 0.0, 0.99),
            Setting::new("gate_db", f64::from(self.gate_db), 0.0, 60.0),
        ]
    }

    /// The settings within their ranges, in the order of the fields.
    fn clamped(&self) -> [f64; 7] {
        self.settings().map(|setting| setting.clamped())
    }

    /// Checks that every setting lies within its range.
    pub fn check(&self) -> Result<(), OutOfRange> {
        self.settings().iter().try_for_each(Setting::check)?;
        Setting::new("hop", f64::from(self.hop), 16.0, f64::from(self.transform / 2)).check()
    }
}

/// Synthesises sound whose spectrum follows bands, or the magnitudes of frames, and whose loudness is exactly
/// as given, tick by tick.
///
/// The frame of a tick holds at its middle; frame m, centred on sample m · hop, has the density interpolated
/// between the two middles beside it, linearly in the logarithm, at a position computed from integers. The
/// density times the magnitudes of a noise's frame (see [`SpectralConfig::texture`]) gets phases and is
/// overlapped; then every tick is brought to its loudness.
///
/// It has the methods of a [`FrameSynth`](crate::frames::FrameSynth), with a [`SpectralFrame`] instead of
/// blocks: sample 0 of the output is the first of tick 0, the whole has `start_sample(ticks)` samples, `fill`
/// allocates nothing, and the alternation of calls does not matter. With phases other than Griffin-Lim's the
/// latency is half a frame and 2½ ticks.
pub struct SpectralSynth {
    grid: TickGrid,
    stft: Stft,
    envelope: Envelope,
    texture: NoiseTexture,
    inversion: Inversion,
    level: LevelMatcher,
    gate_from: f64,
    gate_db: f64,
    /// Synthesis window: the window over N and over the sum of the squared windows that meet there.
    overlap: Vec<f32>,
    /// ln of the power in every bin at the middles of the last two ticks.
    before: Vec<f32>,
    now: Vec<f32>,
    /// Mean squares of the ticks that are not delivered yet.
    targets: VecDeque<f64>,
    ticks: i64,
    /// Number of the next frame. Frames begin before 0, so that all that meet at sample 0 are there.
    frame: i64,
    first_frame: i64,
    magnitudes: Vec<f32>,
    spectrum: Vec<Complex32>,
    raw: OverlapAdd,
    /// Position before which nothing more is added to `raw`.
    raw_complete: i64,
    out: OverlapAdd,
    latency: usize,
}

/// The source of phases of a synth.
enum Inversion {
    Causal(Box<dyn CausalPhase>),
    Blocks(Box<GriffinLimBlocks>),
}

impl Inversion {
    /// The source of phases for frames of `size` samples at `hop`, at `rate` samples a second, and the number
    /// of samples that it holds back.
    fn new(
        config: &SpectralConfig,
        [size, hop]: [usize; 2],
        rate: usize,
        phase_source: Option<Vec<f32>>,
    ) -> (Self, usize) {
        let [_, _, _, jitter, iterations, _, _] = config.clamped();
        let (seed, expect) = (config.seed, "a transform of these sizes exists");
        let causal = |phase: Box<dyn CausalPhase>| (Self::Causal(phase), 0);
        match config.phase {
            Phase::Rtpghi => causal(Box::new(Rtpghi::new(size, hop, Window::Hann, seed).expect(expect))),
            Phase::RandomWalk => causal(Box::new(RandomWalk::new(size, hop, jitter as f32, seed))),
            Phase::Borrowed => {
                let sound = phase_source.unwrap_or_else(|| noise_texture::noise(seed, rate));
                causal(Box::new(BorrowedPhase::new(sound, size, hop, Window::Hann).expect(expect)))
            }
            Phase::GriffinLim => {
                let method = GriffinLim { iterations: iterations as u32, seed, ..GriffinLim::default() };
                let lengths = [BLOCK_SECS * rate, FADE_SECS * rate];
                let blocks = GriffinLimBlocks::new(method, [size, hop], Window::Hann, lengths).expect(expect);
                let held = blocks.held() * hop;
                (Self::Blocks(Box::new(blocks)), held)
            }
        }
    }
}

impl SpectralSynth {
    /// A synth for ticks and samples of `grid`. [`Phase::Borrowed`] takes the phases of `phase_source`, a
    /// sound at the grid's rate, as a loop, or of a white noise. Settings outside of their ranges are moved
    /// to the nearest allowed value.
    pub fn new(grid: TickGrid, config: &SpectralConfig, phase_source: Option<Vec<f32>>) -> Self {
        let [transform, hop, amount, _, _, gate_from, gate_db] = config.clamped();
        let size = transform as usize / 2 * 2;
        let hop = (hop as usize).min(size / 2);
        let (rate, seed) = (grid.rate.hz() as usize, config.seed);
        let stft = Stft::new(size, hop, Window::Hann).expect("an even size and a hop of at most half");
        let (inversion, held) = Inversion::new(config, [size, hop], rate, phase_source);
        let first_frame = -((size / 2).div_ceil(hop) as i64);
        Self {
            grid,
            envelope: Envelope::new(grid.rate, size),
            texture: NoiseTexture::new(size, hop, amount as f32, seed),
            inversion,
            gate_from,
            gate_db,
            level: LevelMatcher::new(grid, 1),
            overlap: stft.overlap_window(),
            before: vec![0.0; stft.bins()],
            now: vec![0.0; stft.bins()],
            targets: VecDeque::new(),
            ticks: 0,
            frame: first_frame,
            first_frame,
            magnitudes: vec![0.0; stft.bins()],
            spectrum: vec![Complex32::default(); stft.bins()],
            raw: OverlapAdd::default(),
            raw_complete: 0,
            out: OverlapAdd::default(),
            latency: size / 2 + 5 * grid.block_len() / 2 + 2 + held,
            stft,
        }
    }

    /// Takes the prediction for the next tick.
    pub fn push(&mut self, frame: SpectralFrame<'_>) {
        std::mem::swap(&mut self.before, &mut self.now);
        self.envelope.log_power(frame.bands, &mut self.now);
        self.play(frame.loudness_db, frame.silence);
    }

    /// Takes the magnitudes of a frame of [`SpectralConfig::transform`] samples under a Hann window in the
    /// middle of the next tick, `[transform / 2 + 1]`, of which only their relation to each other counts, and
    /// its loudness as in [`SpectralFrame`]. Magnitudes that are missing, below 0 or no numbers count as 0.
    pub fn push_magnitudes(&mut self, magnitudes: &[f32], loudness_db: f32) {
        std::mem::swap(&mut self.before, &mut self.now);
        let given = magnitudes.iter().copied().chain(std::iter::repeat(0.0));
        for (power, magnitude) in self.now.iter_mut().zip(given) {
            *power = (2.0 * magnitude.max(0.0).ln()).clamp(NO_POWER, -NO_POWER);
        }
        self.play(loudness_db, 0.0);
    }

    /// Plays up to the middle of the tick whose spectrum is the present one.
    fn play(&mut self, loudness_db: f32, silence: f32) {
        if self.ticks == 0 {
            self.before.copy_from_slice(&self.now);
        }
        self.targets.push_back(self.target(loudness_db, silence));
        self.ticks += 1;
        while let Some(part) = self.next_frame_position() {
            self.make_frame(part);
        }
        self.deliver(false);
    }

    /// Declares that no tick follows: the last one's bands hold to the end, and all samples become ready.
    pub fn finish(&mut self) {
        let end = self.grid.start_sample(self.ticks);
        let reach = self.first_frame.abs() * self.stft.hop() as i64;
        while self.ticks > 0 && self.frame * (self.stft.hop() as i64) <= end + reach {
            self.make_frame(1.0);
        }
        if let Inversion::Blocks(blocks) = &mut self.inversion
            && let Some(block) = blocks.finish()
        {
            self.add_block(block);
        }
        self.raw_complete = end;
        self.deliver(true);
    }

    /// Number of samples that [`SpectralSynth::fill`] can deliver now.
    pub fn ready(&self) -> usize {
        self.out.ready()
    }

    /// Delivers the next `out.len()` samples or as many as are ready; returns how many it wrote.
    pub fn fill(&mut self, out: &mut [f32]) -> usize {
        self.out.fill(out)
    }

    /// Samples beyond the end of a tick that must be waited for before all of that tick's samples are ready.
    pub fn latency(&self) -> usize {
        self.latency
    }

    /// Back to the state before the first push.
    pub fn reset(&mut self) {
        (self.ticks, self.frame) = (0, self.first_frame);
        self.targets.clear();
        self.texture.reset();
        self.level.reset();
        match &mut self.inversion {
            Inversion::Causal(phase) => phase.reset(),
            Inversion::Blocks(blocks) => blocks.reset(),
        }
        self.raw.reset();
        self.raw_complete = 0;
        self.out.reset();
    }

    /// The mean square of a tick of this loudness behind a gate at this probability of silence. NaN is
    /// silent.
    fn target(&self, loudness_db: f32, silence: f32) -> f64 {
        if loudness_db.is_nan() || silence.is_nan() || loudness_db <= SILENCE_DB {
            return 0.0;
        }
        let closed = ((f64::from(silence) - self.gate_from) / (1.0 - self.gate_from)).clamp(0.0, 1.0);
        10f64.powf((f64::from(loudness_db.min(MAX_LOUDNESS_DB)) - closed * self.gate_db) / 10.0)
    }

    /// Position of the next frame between the middle of the last tick but one and that of the last, 0 to 1;
    /// `None` where it lies beyond the last one's.
    fn next_frame_position(&self) -> Option<f32> {
        let (num, den) = (i128::from(self.grid.tick.num()), i128::from(self.grid.tick.den()));
        let unit = 2 * i128::from(self.grid.rate.hz()) * den;
        // Twice (sample · num / (rate · den) − ½ − (tick − 1)) over the common denominator.
        let sample = i128::from(self.frame) * self.stft.hop() as i128;
        let beyond = 2 * sample * num - unit / 2 - i128::from(self.ticks - 2) * unit;
        (beyond <= unit).then(|| (beyond as f64 / unit as f64).clamp(0.0, 1.0) as f32)
    }

    fn make_frame(&mut self, part: f32) {
        for ((magnitude, from), to) in self.magnitudes.iter_mut().zip(&self.before).zip(&self.now) {
            *magnitude = (0.5 * (from + (to - from) * part)).exp();
        }
        self.texture.roughen(&mut self.stft, &mut self.spectrum, &mut self.magnitudes);
        match &mut self.inversion {
            Inversion::Causal(phase) => {
                phase.next(&self.magnitudes, &mut self.spectrum);
                let hop = self.stft.hop() as i64;
                let first = self.frame * hop - (self.stft.size() / 2) as i64;
                self.raw.add(first, self.stft.synthesise(&mut self.spectrum), &self.overlap);
                self.raw_complete = first + hop;
            }
            Inversion::Blocks(blocks) => {
                if let Some(block) = blocks.push(&self.magnitudes) {
                    self.add_block(block);
                }
            }
        }
        self.frame += 1;
    }

    fn add_block(&mut self, block: SoundBlock) {
        let start = self.first_frame * self.stft.hop() as i64;
        self.raw.add(start + block.first as i64, &block.samples, &block.envelope);
        self.raw_complete = start + block.complete as i64;
    }

    /// Brings every tick to its level once the tick after it has sounded, too.
    fn deliver(&mut self, is_last: bool) {
        let ticks = self.ticks;
        while let Some(target) = self.targets.front().copied() {
            let tick = ticks - self.targets.len() as i64;
            let (start, end) = (self.grid.start_sample(tick), self.grid.start_sample(tick + 1));
            let following = self.targets.get(1).copied();
            let end_of_following = self.grid.start_sample(tick + 1 + i64::from(following.is_some()));
            if self.raw_complete < end_of_following || (following.is_none() && !is_last) {
                break;
            }
            let next = following.map(|target| {
                let (_, sound) = self.raw.at(end, (end_of_following - end) as usize);
                level::gain(sound, target)
            });
            let (_, sound) = self.raw.at(start, (end - start) as usize);
            self.level.apply(sound, target, next);
            let (_, out) = self.out.at(start, sound.len());
            out.copy_from_slice(sound);
            self.out.complete(end);
            self.raw.complete(end);
            self.raw.drop_ready();
            self.targets.pop_front();
        }
    }
}
