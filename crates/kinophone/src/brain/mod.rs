//! Brains: the network that turns a picture into what is to sound, how it learns, and the file it lives in. The only
//! module that names the machine-learning framework.

use crate::Result;
use crate::corpus::{HoldOut, Source};
use crate::storage::Overwrite;
use crate::task::Task;
use kinophone_dsp::units::TickGrid;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Rows of pictures and what they should sound like.
pub trait Examples: Sync {
    /// Numbers in a picture: 4096 for 64 × 64 grey.
    fn picture_len(&self) -> usize;
    /// Numbers in a target: 735 for one hop.
    fn target_len(&self) -> usize;
    /// Writes the pictures (0..1) and the targets (−1..1) of `rows`, one after another.
    fn fill(&self, rows: &[u32], pictures: &mut [f32], targets: &mut [f32]);
}

/// The nonlinearity of hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// max(0, x)
    Relu,
    /// 1 / (1 + e^-x)
    Sigmoid,
}

/// What a brain is, complete: enough to run it without the options that made it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BrainConfig {
    /// Tick and sample rate.
    pub grid: TickGrid,
    /// Side of the square picture.
    pub size: u32,
    /// RGB instead of grey.
    pub colour: bool,
    /// Hops of sound it says a tick: 1 or 2 (2: under a window, to be overlap-added).
    pub hops: usize,
    /// Sizes of all layers, input and output included: [4096, 1000, 735].
    pub layers: Vec<usize>,
    /// Of the hidden layers; the last one is linear.
    pub activation: Activation,
}

/// How a network is pretrained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pretrain {
    /// Not at all.
    None,
    /// Greedy restricted Boltzmann machines, layer by layer.
    Rbm,
}

/// The step rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "name")]
pub enum Optimizer {
    /// Adam (Kingma and Ba 2015), betas 0.9 and 0.999.
    Adam,
    /// Nesterov's momentum.
    Nesterov {
        /// 0.9
        momentum: f32,
    },
}

/// How a brain is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// Step rule.
    pub optimizer: Optimizer,
    /// Step size; the trainer decays it along a cosine where `decay`.
    pub lr: f32,
    /// Cosine decay of `lr` to a hundredth over the planned run.
    pub decay: bool,
    /// Pairs a step.
    pub batch: usize,
    /// At most so many passes over the training pairs.
    pub epochs: u32,
    /// At most so many minutes.
    pub minutes: Option<f32>,
    /// Stop after so many epochs without a better validation loss, and keep the best; 0 never stops early.
    pub patience: u32,
    /// Seed of everything random.
    pub seed: u64,
    /// Before the regression.
    pub pretrain: Pretrain,
    /// Passes over the training pairs for each restricted Boltzmann machine.
    pub pretrain_epochs: u32,
    /// What was held out, for the record.
    pub hold_out: HoldOut,
    /// Seconds of black and of white, for the record.
    pub silence_secs: f32,
    /// "cpu", "wgpu" or "cuda".
    pub device: String,
}

/// A trained (or new) brain.
pub struct Brain {
    _private: (),
}

/// Where a run keeps its state, and how it ends.
pub struct TrainFiles {
    /// Folder of checkpoints, `metrics.jsonl` and `loss.png`; normally `BRAIN.run/`.
    pub run: PathBuf,
    /// Continue from the newest good checkpoint there.
    pub resume: bool,
}

/// How good the brain is, in figures; the mean squared errors are over held-out pairs (validation ones where nothing was
/// held out).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Of the brain.
    pub error: f64,
    /// Of silence.
    pub error_of_silence: f64,
    /// Of the mean training block.
    pub error_of_mean: f64,
    /// Correlation of the loudness curves (dB per tick).
    pub loudness_r: f64,
    /// On held-out pairs, or (false) only on validation pairs.
    pub held_out: bool,
    /// Plain words: how good, against what, and whether more training is likely to help.
    pub words: String,
}

impl Brain {
    /// Reads and checks a brain file: structure, checksum, finite weights.
    pub fn load(path: &Path) -> Result<Self> {
        let _ = path;
        unimplemented!()
    }
    /// Writes it atomically: the same brain gives the same bytes.
    pub fn save(&self, path: &Path, overwrite: Overwrite) -> Result<()> {
        let _ = (path, overwrite);
        unimplemented!()
    }
    /// What it is.
    pub fn config(&self) -> &BrainConfig {
        unimplemented!()
    }
    /// How it was trained.
    pub fn training(&self) -> &TrainConfig {
        unimplemented!()
    }
    /// The films it learned from.
    pub fn ledger(&self) -> &[Source] {
        unimplemented!()
    }
    /// How good it is.
    pub fn verdict(&self) -> Option<&Verdict> {
        unimplemented!()
    }
    /// Short name of its content: BLAKE3 over config and weights, 64 hexadecimal digits.
    pub fn id(&self) -> &str {
        unimplemented!()
    }
    /// Weights of layer `i`: `[inputs, outputs]` row by row, and biases.
    pub fn layer(&self, i: usize) -> (&[f32], &[f32]) {
        let _ = i;
        unimplemented!()
    }
    /// Predicts for several pictures at once: `pictures` holds n × `picture_len` numbers in 0..1, `out` n × output.
    /// The result for one picture does not depend on the others beside it (bit for bit).
    pub fn predict(&self, pictures: &[f32], out: &mut [f32]) {
        let _ = (pictures, out);
        unimplemented!()
    }
}

/// What came of a training.
pub struct Trained {
    /// The brain, the best by validation loss.
    pub brain: Brain,
    /// Epochs done in all, resumed ones included.
    pub epochs: u32,
    /// A stop was asked for before the planned end; the brain is usable and the run can be resumed.
    pub interrupted: bool,
}

/// The rows of each part, see `corpus::Pairs`.
pub struct Split<'a> {
    /// To learn from.
    pub training: &'a [u32],
    /// For early stopping.
    pub validation: &'a [u32],
    /// For the verdict.
    pub held_out: &'a [u32],
}

/// Trains a brain. Ctrl-C (the task's cancel flag) is not an error: it ends with the best brain so far.
pub fn train(
    config: BrainConfig,
    training: TrainConfig,
    ledger: Vec<Source>,
    examples: &dyn Examples,
    split: Split<'_>,
    files: &TrainFiles,
    task: Task<'_>,
) -> Result<Trained> {
    let _ = (config, training, ledger, examples, split, files, task);
    unimplemented!()
}
