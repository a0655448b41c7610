//! Configuration and settings of a classic brain and its training.

use crate::dataset::HoldOut;
use crate::{Error, Kind, Result};
use kinophone_dsp::frames::FrameFormat;
use kinophone_dsp::units::TickGrid;
use kinophone_nn::activation::Activation;
use kinophone_nn::backend::Device;
use kinophone_nn::optimizer::Optimizer;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Configuration of a classic brain, complete: enough to run it without the options that made it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassicConfig {
    /// Tick and sample rate.
    pub grid: TickGrid,
    /// Side of the square picture.
    pub size: u32,
    /// RGB instead of grey.
    pub colour: bool,
    /// Hops of sound in its output for a tick: 1 or 2 (2: under a window, to be overlap-added).
    pub hops: usize,
    /// Meaning of its outputs; samples in older files, which do not have it.
    #[serde(default, rename = "say")]
    pub format: FrameFormat,
    /// Sizes of all layers, input and output included: [4096, 1000, 735].
    pub layers: Vec<usize>,
    /// Activation of the hidden layers; the last one is linear.
    pub activation: Activation,
}

/// The four networks of 2015 by name, with the sizes of their hidden layers.
pub const PRESETS: [(&str, &[usize]); 4] = [
    ("classic", &[1000]),
    ("classic-deep", &[1000, 1000, 1000]),
    ("classic-wide", &[2048, 1000, 1000]),
    ("classic-kungfury", &[2000, 1500, 1000]),
];

/// The hidden layers of a preset.
pub fn preset(name: &str) -> Result<Vec<usize>> {
    let found = PRESETS.iter().find(|(known, _)| *known == name);
    found.map(|(_, hidden)| hidden.to_vec()).ok_or_else(|| {
        let names = PRESETS.map(|(name, _)| name).join(", ");
        Error::new(Kind::Invalid, format!("there is no preset '{name}'"))
            .help(format!("choose one of {names}, or give --layers"))
    })
}

impl ClassicConfig {
    /// A brain for grey pictures of that size that says one hop a tick, with those hidden layers (see [`preset`]) of
    /// rectified units.
    pub fn new(grid: TickGrid, size: u32, hidden: &[usize]) -> Self {
        let mut new = Self {
            grid,
            size,
            colour: false,
            hops: 1,
            format: FrameFormat::Pcm,
            layers: hidden.to_vec(),
            activation: Activation::Relu,
        };
        new.fit();
        new
    }

    /// The same brain for coloured pictures.
    pub fn with_colour(mut self, colour: bool) -> Self {
        self.colour = colour;
        self.refit()
    }

    /// The same brain with that many hops a tick.
    pub fn with_hops(mut self, hops: usize) -> Self {
        self.hops = hops;
        self.refit()
    }

    /// The same brain with that meaning of its outputs.
    pub fn with_format(mut self, format: FrameFormat) -> Self {
        self.format = format;
        self.refit()
    }

    fn refit(mut self) -> Self {
        self.layers = self.layers[1..self.layers.len() - 1].to_vec();
        self.fit();
        self
    }

    fn fit(&mut self) {
        self.layers.insert(0, self.picture_len());
        self.layers.push(self.target_len());
    }

    /// Numbers in a picture, at most `usize::MAX`.
    pub fn picture_len(&self) -> usize {
        let side = self.size as usize;
        side.saturating_mul(side).saturating_mul(if self.colour { 3 } else { 1 })
    }

    /// Numbers of its output for a tick, at most `usize::MAX`.
    pub fn target_len(&self) -> usize {
        self.format.numbers(self.grid, self.hops)
    }
}

/// Pretraining of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pretrain {
    /// Not at all.
    None,
    /// Greedy restricted Boltzmann machines, layer by layer.
    Rbm,
}

/// Settings of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassicTraining {
    /// Step rule.
    pub optimizer: Optimizer,
    /// Largest step size; see `decay`.
    pub lr: f32,
    /// A short rise of `lr`, then cosine decay to a hundredth over the planned run.
    pub decay: bool,
    /// Rows a step.
    pub batch: usize,
    /// At most so many passes over the training rows.
    pub epochs: u32,
    /// At most so many minutes.
    pub minutes: Option<f32>,
    /// Stop after so many epochs without a better validation loss, and keep the best; 0 never stops early and keeps
    /// the last.
    pub patience: u32,
    /// Seed of everything random.
    pub seed: u64,
    /// Before the regression.
    pub pretrain: Pretrain,
    /// Passes over the training rows for each restricted Boltzmann machine.
    pub pretrain_epochs: u32,
    /// Blocks that were held out, for the record.
    pub hold_out: HoldOut,
    /// Seconds of black and of white, for the record.
    pub silence_secs: f32,
    /// Hardware of the regression; pretraining always runs on the CPU.
    pub device: Device,
}

/// The choices of the classic brain: Adam at 0.0003 falling to a hundredth, batches of 100, thirty epochs without
/// early stopping. A network that says waveforms can't predict their phase on new film; stopped where that error is
/// least it would fall nearly silent, so by default it learns its films as long as planned, as in 2015.
impl Default for ClassicTraining {
    fn default() -> Self {
        Self {
            optimizer: Optimizer::Adam,
            lr: 3e-4,
            decay: true,
            batch: 100,
            epochs: 30,
            minutes: None,
            patience: 0,
            seed: 1,
            pretrain: Pretrain::None,
            pretrain_epochs: 10,
            hold_out: HoldOut::Every5th,
            silence_secs: 30.0,
            device: Device::Cpu,
        }
    }
}

/// Origin of a brain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// It learned here, in this way, from the films of its ledger.
    Training(ClassicTraining),
    /// It was taken from a file of another program. That says nothing of its films, nor of what was held out: its ledger is
    /// empty because nobody knows, not because there were none.
    Imported(Imported),
}

/// A file of another program that a brain was taken from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Imported {
    /// Its name, without its folder; lossy where the name is no Unicode.
    pub name: String,
    /// BLAKE3 of its bytes, 64 hexadecimal digits.
    pub blake3: String,
    /// Program that saved it, as far as that is known: "theanets 0.5".
    pub writer: String,
}

/// Place of a run's state.
pub struct RunFiles {
    /// Folder of checkpoints, `metrics.jsonl` and `loss.png`; normally `BRAIN.run/`.
    pub run: PathBuf,
    /// Continue from the newest good checkpoint there.
    pub resume: bool,
}

/// Scores of a brain; the mean squared errors are over held-out rows (validation ones where nothing
/// was held out).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassicVerdict {
    /// Error of the brain.
    pub error: f64,
    /// Error of silence.
    pub error_of_silence: f64,
    /// Error of the mean training block.
    pub error_of_mean: f64,
    /// Correlation of the loudness curves (dB per tick).
    pub loudness_r: f64,
    /// True if measured on held-out rows, else on validation rows.
    pub held_out: bool,
    /// Plain words: how good, against what, and whether more training is likely to help.
    pub words: String,
}

/// The losses of a training, epoch by epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LossHistory {
    /// Losses of the regression.
    pub epochs: Vec<EpochLoss>,
    /// Losses of the pretraining: the mean squared error of the reconstruction, for each machine and epoch.
    pub reconstruction: Vec<Vec<f32>>,
}

/// Mean squared errors of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochLoss {
    /// Loss on the training rows, while they were learned.
    pub training: f32,
    /// Loss on the validation rows, after the epoch; `None` where there are none.
    pub validation: Option<f32>,
}
