//! Options of `train` for the networks of 2015.

use crate::args;
use crate::report::Failure;
use crate::values::{fraction, not_negative, one_of, positive, sample_rate};
use clap::{Args, ValueEnum};
use kinophone::classic::{ClassicTraining, Pretrain};
use kinophone::nn::activation::Activation;
use kinophone::nn::backend::Device;
use kinophone::nn::optimizer::Optimizer;
use kinophone_dsp::units::SampleRate;

/// Step size of Nesterov's momentum where `--lr` is not given. The mean over 735 outputs makes gradients
/// small; the 1e-4 of 2015 needed thousands of minutes.
pub(super) const NESTEROV_LR: f32 = 1e-2;

/// The momentum of 2015, and the customary one.
const MOMENTUM: f32 = 0.9;

#[derive(Debug, Args)]
#[command(next_help_heading = "With the presets of 2015, or --layers")]
pub(super) struct ClassicArgs {
    /// Sizes of the hidden layers instead of a preset, such as 1000,500
    #[arg(long, value_name = "N,N…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(super) layers: Vec<u32>,
    /// Nonlinearity of the hidden layers [default: relu]
    #[arg(long, value_parser = one_of::<Activation>(&["relu", "sigmoid"]))]
    pub(super) activation: Option<Activation>,
    /// Pretraining of the hidden layers: greedy restricted Boltzmann machines make a deep belief network
    /// [default: none]
    #[arg(long, value_parser = one_of::<Pretrain>(&["none", "rbm"]))]
    pretrain: Option<Pretrain>,
    /// Epochs for each Boltzmann machine [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pretrain_epochs: Option<u32>,
    /// Highest number of epochs, passes over the pairs of picture and sound [default: 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    epochs: Option<u32>,
    /// Stop after this many epochs without progress on the validation blocks, and keep the best one; 0 keeps
    /// the last [default: 0]
    #[arg(long, value_name = "N")]
    patience: Option<u32>,
    /// Seconds of black and of white picture with silence that are added to the films [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = not_negative)]
    silence: Option<f32>,
    /// The optimizer [default: adam]
    #[arg(long, value_enum)]
    optimizer: Option<OptimizerName>,
    /// Step size [default: 0.0003 for adam, 0.01 for nesterov]
    #[arg(long, value_name = "X", value_parser = positive)]
    lr: Option<f32>,
    /// Decay of the step size to a hundredth over the planned epochs [default: cosine]
    #[arg(long, value_enum)]
    decay: Option<Decay>,
    /// Momentum of nesterov [default: 0.9]
    #[arg(long, value_name = "X", value_parser = fraction)]
    momentum: Option<f32>,
    /// Pairs per step [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch: Option<u32>,
    /// Sample rate of the predicted sound [default: 22050]
    #[arg(long, value_name = "HZ", value_parser = sample_rate)]
    pub(super) rate: Option<SampleRate>,
    /// Ticks of sound that are predicted at each tick: 1, or 2 for overlap-add [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(super) hops: Option<u8>,
    /// The device that computes; wgpu and cuda need a build with that feature [default: cpu]
    #[arg(long, value_enum)]
    device: Option<DeviceName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OptimizerName {
    /// Adam
    Adam,
    /// Nesterov's momentum
    Nesterov,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Decay {
    /// Along a cosine
    Cosine,
    /// A constant step size
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DeviceName {
    /// The processor
    Cpu,
    /// A graphics card through Vulkan, Metal or DirectX
    Wgpu,
    /// An NVIDIA card
    Cuda,
}

impl DeviceName {
    fn device(self) -> Device {
        match self {
            Self::Cpu => Device::Cpu,
            Self::Wgpu => Device::Wgpu,
            Self::Cuda => Device::Cuda,
        }
    }
}

impl ClassicArgs {
    /// Fails on a momentum without its optimizer.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.momentum.is_some() && self.optimizer != Some(OptimizerName::Nesterov) {
            return Err(Failure::usage(
                "--momentum has no effect on adam",
                "add --optimizer nesterov, or leave --momentum out",
            ));
        }
        Ok(())
    }

    /// `usual`, changed by the options that were given.
    pub(super) fn training(&self, usual: ClassicTraining) -> ClassicTraining {
        let (optimizer, lr) = match self.optimizer {
            None | Some(OptimizerName::Adam) => (Optimizer::Adam, usual.lr),
            Some(OptimizerName::Nesterov) => {
                (Optimizer::Nesterov { momentum: self.momentum.unwrap_or(MOMENTUM) }, NESTEROV_LR)
            }
        };
        ClassicTraining {
            optimizer,
            lr: self.lr.unwrap_or(lr),
            decay: self.decay != Some(Decay::None),
            batch: self.batch.map_or(usual.batch, |batch| batch as usize),
            epochs: self.epochs.unwrap_or(usual.epochs),
            patience: self.patience.unwrap_or(usual.patience),
            pretrain: self.pretrain.unwrap_or(usual.pretrain),
            pretrain_epochs: self.pretrain_epochs.unwrap_or(usual.pretrain_epochs),
            silence_secs: self.silence.unwrap_or(usual.silence_secs),
            device: self.device.map_or(Device::Cpu, DeviceName::device),
            ..usual
        }
    }

    /// The first option that was given, `--colour` included.
    pub(super) fn first_given(&self, colour: bool) -> Option<&'static str> {
        args::first_given(&[
            (self.activation.is_some(), "--activation"),
            (self.pretrain.is_some(), "--pretrain"),
            (self.pretrain_epochs.is_some(), "--pretrain-epochs"),
            (self.epochs.is_some(), "--epochs"),
            (self.patience.is_some(), "--patience"),
            (self.silence.is_some(), "--silence"),
            (self.optimizer.is_some(), "--optimizer"),
            (self.lr.is_some(), "--lr"),
            (self.decay.is_some(), "--decay"),
            (self.batch.is_some(), "--batch"),
            (self.rate.is_some(), "--rate"),
            (self.hops.is_some(), "--hops"),
            (self.device.is_some(), "--device"),
            (colour, "--colour"),
        ])
    }
}

/// The library's defaults, which the help shows.
pub(super) fn usual() -> ClassicTraining {
    ClassicTraining::default()
}
