//! Pictures in, sound out: a brain of 2015 and the synth on the brain's tick, the same for a file, a preview or a camera.

use crate::classic::brain::ClassicBrain;
use kinophone_dsp::frames::{FrameCodec, FrameSynth, FrameSynthConfig};
use kinophone_dsp::spectral::{SpectralConfig, SpectralSynth};
use kinophone_dsp::units::{FrameRate, MediaTime, SampleRate};

/// Pictures for which the brain is asked at once. Large enough for an efficient matrix product, small enough that a
/// few seconds of film are held back at most.
const BATCH: usize = 64;

/// Plays a brain to a succession of pictures.
///
/// Tick `i` shows the picture that is on the screen at its middle, `(i + ½) / tick` after the first picture. A picture
/// that stands for several ticks is asked about once; one that falls between two middles is not asked about at all.
pub struct ClassicRenderer<'a> {
    brain: &'a ClassicBrain,
    speech: FrameCodec,
    machine: ClassicSynth,
    tick: FrameRate,
    rate: SampleRate,
    /// Ticks that have a picture so far.
    ticks: u64,
    /// Pictures waiting for the brain, 0..1, one after another, and for how many ticks each stands.
    waiting: Vec<f32>,
    holds: Vec<u64>,
    rows: Vec<f32>,
    block: Vec<f32>,
    sound: Vec<f32>,
    /// Samples handed out so far.
    taken: u64,
}

/// Synth that makes sound of the network's output.
enum ClassicSynth {
    /// Samples, or magnitudes and phases.
    Blocks(Box<dyn FrameSynth>),
    /// Magnitudes.
    Frames(Box<SpectralSynth>),
}

impl<'a> ClassicRenderer<'a> {
    /// Silent, before the first picture. For brains that say samples, or magnitudes and phases.
    pub fn new(brain: &'a ClassicBrain, synth: &FrameSynthConfig) -> Self {
        let config = brain.config();
        Self::with(brain, ClassicSynth::Blocks(synth.build(config.grid, config.hops)))
    }

    /// Silent, before the first picture. For brains that say magnitudes; `synth` has frames of as many samples as theirs, and
    /// phases from `lender`, at the brain's rate, where it wants them lent.
    pub fn of_frames(brain: &'a ClassicBrain, synth: &SpectralConfig, lender: Option<Vec<f32>>) -> Self {
        Self::with(
            brain,
            ClassicSynth::Frames(Box::new(SpectralSynth::new(brain.config().grid, synth, lender))),
        )
    }

    fn with(brain: &'a ClassicBrain, machine: ClassicSynth) -> Self {
        let config = brain.config();
        Self {
            brain,
            speech: FrameCodec::new(config.format, config.grid, config.hops),
            machine,
            tick: config.grid.tick,
            rate: config.grid.rate,
            ticks: 0,
            waiting: Vec::new(),
            holds: Vec::new(),
            rows: Vec::new(),
            block: Vec::new(),
            sound: Vec::new(),
            taken: 0,
        }
    }

    /// Ticks that have a picture so far.
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// Seconds of the synth's sound beyond the end of a tick must be waited for before all of that tick's samples
    /// are ready.
    pub fn latency(&self) -> f64 {
        let samples = match &self.machine {
            ClassicSynth::Blocks(synth) => synth.latency(),
            ClassicSynth::Frames(synth) => synth.latency(),
        };
        samples as f64 / f64::from(self.rate.hz())
    }

    /// Shows a picture (bytes as decoded) from where the last one ended until `until`, counted from the first picture.
    pub fn show(&mut self, pixels: &[u8], until: MediaTime) {
        let begin = self.ticks;
        while self.tick.middle_of(self.ticks as i64) < until {
            self.ticks += 1;
        }
        if self.ticks > begin {
            self.waiting.extend(pixels.iter().map(|&p| f32::from(p) * (1.0 / 255.0)));
            self.holds.push(self.ticks - begin);
        }
        if self.holds.len() == BATCH {
            self.ask();
        }
    }

    /// All samples that are ready.
    pub fn take(&mut self) -> &[f32] {
        self.sound.clear();
        self.sound.resize(self.machine.ready(), 0.0);
        let got = self.machine.fill(&mut self.sound);
        self.sound.truncate(got);
        self.taken += got as u64;
        &self.sound
    }

    /// After the last picture: the rest, so that all samples together last `length` exactly, cut or filled up with silence
    /// by less than a tick.
    pub fn end(&mut self, length: MediaTime) -> &[f32] {
        self.ask();
        self.machine.finish();
        let before = self.taken;
        self.take();
        let whole = self.rate.sample_at(length).max(0) as u64;
        self.sound.resize(whole.saturating_sub(before) as usize, 0.0);
        &self.sound
    }

    /// Asks the brain about the waiting pictures and hands what it says to the synth.
    fn ask(&mut self) {
        let numbers = self.speech.numbers();
        self.rows.resize(self.holds.len() * numbers, 0.0);
        self.brain.predict(&self.waiting, &mut self.rows);
        for (row, &hold) in self.rows.chunks_exact_mut(numbers).zip(&self.holds) {
            match &mut self.machine {
                ClassicSynth::Blocks(synth) => {
                    self.block.resize(self.speech.samples(), 0.0);
                    self.speech.decode(row, &mut self.block);
                    (0..hold).for_each(|_| synth.push(&self.block));
                }
                ClassicSynth::Frames(synth) => {
                    let loudness_db = self.speech.magnitudes(row);
                    (0..hold).for_each(|_| synth.push_magnitudes(row, loudness_db));
                }
            }
        }
        self.waiting.clear();
        self.holds.clear();
    }
}

impl ClassicSynth {
    fn ready(&self) -> usize {
        match self {
            Self::Blocks(synth) => synth.ready(),
            Self::Frames(synth) => synth.ready(),
        }
    }

    fn fill(&mut self, out: &mut [f32]) -> usize {
        match self {
            Self::Blocks(synth) => synth.fill(out),
            Self::Frames(synth) => synth.fill(out),
        }
    }

    fn finish(&mut self) {
        match self {
            Self::Blocks(synth) => synth.finish(),
            Self::Frames(synth) => synth.finish(),
        }
    }
}
