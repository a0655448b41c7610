//! Phases by iteration: the fast Griffin-Lim algorithm, over a whole sound or block by block.

use crate::spectral::phase::Magnitudes;
use crate::spectral::phase::rtpghi::Rtpghi;
use crate::spectral::phase::simple::with_magnitude;
use crate::stft::{BadFrame, Spectrogram, Stft};
use crate::tick_rng::TickRng;
use crate::window::Window;
use realfft::num_complex::Complex32;
use std::f64::consts::TAU;

/// Fast Griffin-Lim: N. Perraudin, P. Balazs and P. L. Søndergaard, "A fast Griffin-Lim algorithm", WASPAA
/// 2013: c(n) = P₁(P₂(t(n−1))), t(n) = c(n) + α (c(n) − c(n−1)), where P₂ sets the magnitudes and P₁ goes
/// through the nearest signal and back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GriffinLim {
    /// Number of iterations; at least 1.
    pub iterations: u32,
    /// Momentum, 0 (Griffin and Lim 1984) to 1.
    pub alpha: f32,
    /// Seed of random phases.
    pub seed: u64,
}

/// The phases that the iteration starts from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start<'a> {
    /// Random, uniform, one for every bin.
    Random,
    /// From `Rtpghi` with a look-ahead of one frame, for frames under this window.
    Gradient(Window),
    /// Those of a spectrogram of the same shape.
    Given(&'a Spectrogram),
}

impl Default for GriffinLim {
    /// 32 iterations at the α = 0.99 of the paper.
    fn default() -> Self {
        Self { iterations: 32, alpha: 0.99, seed: 0 }
    }
}

impl GriffinLim {
    /// The signal of `samples` samples whose frames under `stft` have nearly these magnitudes. `stft` must
    /// have as many bins.
    pub fn run(
        &self,
        stft: &mut Stft,
        magnitudes: &Magnitudes,
        samples: usize,
        start: Start<'_>,
    ) -> Vec<f32> {
        let mut estimate = match start {
            Start::Random => self.random(magnitudes),
            Start::Gradient(window) => gradient(magnitudes, stft, window, self.seed),
            Start::Given(given) => given.clone(),
        };
        let mut before: Option<Spectrogram> = None;
        let mut signal = Vec::new();
        for left in (0..self.iterations.max(1)).rev() {
            for (x, magnitude) in estimate.data.iter_mut().zip(&magnitudes.data) {
                *x = with_magnitude(*x, *magnitude);
            }
            signal = stft.inverse(&estimate, samples);
            if left == 0 {
                break;
            }
            let consistent = stft.forward(&signal);
            let frames = estimate.data.iter_mut().zip(&consistent.data);
            match &before {
                None => frames.for_each(|(t, c)| *t = *c),
                Some(before) => {
                    frames.zip(&before.data).for_each(|((t, c), b)| *t = *c + (*c - *b) * self.alpha)
                }
            }
            before = Some(consistent);
        }
        signal
    }

    fn random(&self, magnitudes: &Magnitudes) -> Spectrogram {
        let mut rng = TickRng::new(self.seed, 0);
        let data =
            magnitudes.data.iter().map(|m| Complex32::from_polar(*m, rng.between(0.0, TAU) as f32)).collect();
        Spectrogram { bins: magnitudes.bins, data }
    }
}

fn gradient(magnitudes: &Magnitudes, stft: &Stft, window: Window, seed: u64) -> Spectrogram {
    let mut source =
        Rtpghi::new(stft.size(), stft.hop(), window, seed).expect("a transform of these sizes is there");
    let silence = vec![0.0; magnitudes.bins];
    let mut data = vec![Complex32::default(); magnitudes.data.len()];
    let following = magnitudes.frames().skip(1).chain(std::iter::once(&silence[..]));
    for ((frame, next), spectrum) in
        magnitudes.frames().zip(following).zip(data.chunks_exact_mut(magnitudes.bins))
    {
        source.next_before(frame, next, spectrum);
    }
    Spectrogram { bins: magnitudes.bins, data }
}

/// [`GriffinLim`] over a sound of any length in bounded memory: in blocks that overlap, joined by crossfades.
///
/// One [`Rtpghi`] runs through the whole sound and gives every block its start, so that two blocks agree
/// about the phases where they overlap, and their sum is a linear fade between two sounds that are nearly the
/// same. At an end that is no end of the sound half a frame is thrown away, because the frames there reach
/// beyond the block.
pub struct GriffinLimBlocks {
    method: GriffinLim,
    stft: Stft,
    start: Rtpghi,
    /// Frames a block.
    block: usize,
    /// Frames thrown away at an inner end.
    margin: usize,
    /// Frames of a crossfade.
    fade: usize,
    magnitudes: Vec<f32>,
    phases: Vec<Complex32>,
    /// Number of the first frame that is held.
    first: usize,
}

/// A block of a sound, to be added to those before.
#[derive(Clone, Debug, PartialEq)]
pub struct SoundBlock {
    /// Position of the first sample: 0 is the middle of the first frame.
    pub first: usize,
    /// The samples.
    pub samples: Vec<f32>,
    /// Factors of the samples.
    pub envelope: Vec<f32>,
    /// Position before which nothing more will be added.
    pub complete: usize,
}

impl GriffinLimBlocks {
    /// Blocks of about `block` samples, faded over about `fade`, with frames of `size` samples at `hop` under
    /// `window`.
    pub fn new(
        method: GriffinLim,
        [size, hop]: [usize; 2],
        window: Window,
        [block, fade]: [usize; 2],
    ) -> Result<Self, BadFrame> {
        let (margin, fade) = ((size / 2).div_ceil(hop), (fade / hop).max(1));
        Ok(Self {
            method,
            stft: Stft::new(size, hop, window)?,
            start: Rtpghi::new(size, hop, window, method.seed)?,
            block: (block / hop).max(2 * (1 + 2 * margin + fade)),
            margin,
            fade,
            magnitudes: Vec::new(),
            phases: Vec::new(),
            first: 0,
        })
    }

    /// Greatest number of frames that are held before a block comes out.
    pub fn held(&self) -> usize {
        self.block + 1
    }

    /// Takes the magnitudes of the next frame; returns a block whenever one is full.
    pub fn push(&mut self, magnitudes: &[f32]) -> Option<SoundBlock> {
        if !self.magnitudes.is_empty() {
            self.add_phases(magnitudes);
        }
        self.magnitudes.extend_from_slice(magnitudes);
        // One frame more than a block, so that a last block always has something new.
        (self.frames() > self.block).then(|| self.make(false))
    }

    /// The rest of the sound, up to the middle of the last frame; nothing where no frame came.
    pub fn finish(&mut self) -> Option<SoundBlock> {
        if self.magnitudes.is_empty() {
            return None;
        }
        self.add_phases(&vec![0.0; self.stft.bins()]);
        Some(self.make(true))
    }

    /// Back to the state before the first frame.
    pub fn reset(&mut self) {
        crate::spectral::phase::CausalPhase::reset(&mut self.start);
        self.magnitudes.clear();
        self.phases.clear();
        self.first = 0;
    }

    fn frames(&self) -> usize {
        self.magnitudes.len() / self.stft.bins()
    }

    /// Computes the phases of the last frame that is held, now that the one after it is known.
    fn add_phases(&mut self, following: &[f32]) {
        let bins = self.stft.bins();
        let from = self.phases.len();
        self.phases.resize(from + bins, Complex32::default());
        let last = &self.magnitudes[self.magnitudes.len() - bins..];
        self.start.next_before(last, following, &mut self.phases[from..]);
    }

    fn make(&mut self, is_last: bool) -> SoundBlock {
        let (bins, hop) = (self.stft.bins(), self.stft.hop());
        let frames = if is_last { self.frames() } else { self.block };
        let magnitudes = Magnitudes { bins, data: self.magnitudes[..frames * bins].to_vec() };
        let start = Spectrogram { bins, data: self.phases[..frames * bins].to_vec() };
        let length = (frames - 1) * hop;
        let samples = self.method.run(&mut self.stft, &magnitudes, length, Start::Given(&start));
        let (margin, fade) = (self.margin * hop, self.fade * hop);
        let ramp = |n: usize| ((n as f32 + 0.5 - margin as f32) / fade as f32).clamp(0.0, 1.0);
        let is_first = self.first == 0;
        let envelope = (0..length)
            .map(|n| {
                let (rise, fall) = (if is_first { 1.0 } else { ramp(n) }, ramp(length - 1 - n));
                if is_last { rise } else { rise * fall }
            })
            .collect();
        let first = self.first * hop;
        let complete = first + if is_last { length } else { length - margin - fade };
        if is_last {
            self.reset();
        } else {
            let next = self.block - (1 + 2 * self.margin + self.fade);
            self.first += next;
            self.magnitudes.drain(..next * bins);
            self.phases.drain(..next * bins);
        }
        SoundBlock { first, samples, envelope, complete }
    }
}
