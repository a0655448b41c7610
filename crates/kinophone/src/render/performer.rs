//! Pictures in, sound out: the brain and the synth on the brain's tick, the same for a file, a preview or a camera.

use crate::brain::Brain;
use kinophone_dsp::synth::{Synth, SynthConfig};
use kinophone_dsp::units::{FrameRate, MediaTime, SampleRate};

/// Pictures for which the brain is asked at once. Large enough for an efficient matrix product, small enough that a
/// few seconds of film are held back at most.
const BATCH: usize = 64;

/// Plays a brain to a succession of pictures.
///
/// Tick `i` shows the picture that is on the screen at its middle, `(i + ½) / tick` after the first picture. A picture
/// that stands for several ticks is asked about once; one that falls between two middles is not asked about at all.
pub struct Performer<'a> {
    brain: &'a Brain,
    synth: Box<dyn Synth>,
    tick: FrameRate,
    rate: SampleRate,
    /// Ticks that have a picture so far.
    ticks: u64,
    /// Pictures waiting for the brain, 0..1, one after another, and for how many ticks each stands.
    waiting: Vec<f32>,
    holds: Vec<u64>,
    blocks: Vec<f32>,
    sound: Vec<f32>,
    /// Samples handed out so far.
    taken: u64,
}

impl<'a> Performer<'a> {
    /// Silent, before the first picture.
    pub fn new(brain: &'a Brain, synth: &SynthConfig) -> Self {
        let config = brain.config();
        Self {
            brain,
            synth: synth.build(config.grid, config.hops),
            tick: config.grid.tick,
            rate: config.grid.rate,
            ticks: 0,
            waiting: Vec::new(),
            holds: Vec::new(),
            blocks: Vec::new(),
            sound: Vec::new(),
            taken: 0,
        }
    }

    /// Ticks that have a picture so far.
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// How many seconds of the synth's sound beyond the end of a tick must be waited for before all of that tick's samples
    /// are ready.
    pub fn latency(&self) -> f64 {
        self.synth.latency() as f64 / f64::from(self.rate.hz())
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
        self.sound.resize(self.synth.ready(), 0.0);
        let got = self.synth.fill(&mut self.sound);
        self.sound.truncate(got);
        self.taken += got as u64;
        &self.sound
    }

    /// After the last picture: the rest, so that all samples together last `length` exactly, cut or filled up with silence
    /// by less than a tick.
    pub fn end(&mut self, length: MediaTime) -> &[f32] {
        self.ask();
        self.synth.finish();
        let before = self.taken;
        self.take();
        let whole = self.rate.sample_at(length).max(0) as u64;
        self.sound.resize(whole.saturating_sub(before) as usize, 0.0);
        &self.sound
    }

    /// Asks the brain about the waiting pictures and hands the blocks to the synth.
    fn ask(&mut self) {
        let len = self.brain.config().grid.block_len() * self.brain.config().hops;
        self.blocks.resize(self.holds.len() * len, 0.0);
        self.brain.predict(&self.waiting, &mut self.blocks);
        for (block, &hold) in self.blocks.chunks_exact(len).zip(&self.holds) {
            for _ in 0..hold {
                self.synth.push(block);
            }
        }
        self.waiting.clear();
        self.holds.clear();
    }
}
