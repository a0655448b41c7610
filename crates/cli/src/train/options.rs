//! The options of `train`, their defaults, and the library's configurations that they make.

use crate::args::{self, PictureArgs, choice};
use crate::report::Failure;
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, ValueEnum};
use kinophone::Result;
use kinophone::brain::{self, Activation, BrainConfig, Optimizer, PRESETS, Pretrain, TrainConfig};
use kinophone::corpus::HoldOut;
use kinophone::dsp::units::{FrameRate, SampleRate, TickGrid};
use std::path::PathBuf;

/// Step size of Nesterov's momentum where `--lr` is not given. The mean over 735 outputs makes gradients small; the 1e-4
/// of 2015 needed thousands of minutes.
const NESTEROV_LR: f32 = 1e-2;

/// The momentum of 2015, and the customary one.
const MOMENTUM: f32 = 0.9;

const EXAMPLES: &str = "\
Examples:
  A brain from one film:
    kinophone train piano.mp4 -o piano.brain

  From a corpus and a film, for ten minutes, on top of a deep belief network:
    kinophone train corpus street.mkv -o city.brain --preset classic-deep \\
        --activation sigmoid --pretrain rbm --minutes 10

  The training of 2015 in all its settings:
    kinophone train corpus -o 2015.brain --optimizer nesterov --lr 1e-4 \\
        --momentum 0.9 --batch 10 --decay none --silence 0 --hold-out none

  Go on after Ctrl-C, a crash or a power cut:
    kinophone train piano.mp4 -o piano.brain --resume

Films named directly are prepared once, into $KINOPHONE_CACHE or the cache
folder that 'kinophone doctor' names. The state of the run (checkpoints,
metrics.jsonl, loss.png) is in BRAIN.run beside the brain.";

/// Options of `train`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct TrainArgs {
    /// Corpora (folders), shards (.safetensors) or films, in any mixture
    #[arg(required = true, value_name = "CORPUS|FILM")]
    pub footage: Vec<PathBuf>,
    /// The brain file to write
    #[arg(long, short, value_name = "BRAIN")]
    pub output: PathBuf,
    /// Replace an existing brain, and forget the run that made it
    #[arg(long)]
    pub force: bool,
    /// Go on from the newest checkpoint of this brain's run, where there is one
    #[arg(long)]
    pub resume: bool,
    /// Leave damaged shards out instead of stopping at them
    #[arg(long)]
    pub skip_damaged: bool,
    #[command(flatten)]
    network: NetworkArgs,
    #[command(flatten)]
    learning: LearningArgs,
    #[command(flatten)]
    pub pictures: PictureArgs,
    #[command(flatten)]
    sound: SoundArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
struct NetworkArgs {
    /// One of the four networks of 2015, by its hidden layers; input and output follow from picture, tick and rate
    #[arg(long, default_value = "classic", conflicts_with = "layers", value_parser = presets())]
    preset: String,
    /// Sizes of the hidden layers instead of a preset, such as 1000,500
    #[arg(long, value_name = "N,N…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=65_536))]
    layers: Vec<u32>,
    /// Nonlinearity of the hidden layers
    #[arg(long, default_value = "relu", value_parser = choice::<Activation>(&["relu", "sigmoid"]))]
    activation: Activation,
    /// Pretraining of the hidden layers: greedy restricted Boltzmann machines make a deep belief network
    #[arg(long, default_value = "none", value_parser = choice::<Pretrain>(&["none", "rbm"]))]
    pretrain: Pretrain,
    /// Passes over the pictures for each Boltzmann machine
    #[arg(long, value_name = "N", default_value_t = usual().pretrain_epochs, value_parser = clap::value_parser!(u32).range(1..))]
    pretrain_epochs: u32,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Learning")]
struct LearningArgs {
    /// At most so many passes over the pairs of picture and sound
    #[arg(long, value_name = "N", default_value_t = usual().epochs, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// At most so many minutes [default: no limit]
    #[arg(long, value_name = "M", value_parser = args::positive)]
    minutes: Option<f32>,
    /// Stop after so many epochs without progress on the validation blocks, and keep the best; 0 keeps the last
    #[arg(long, value_name = "N", default_value_t = usual().patience)]
    patience: u32,
    /// Which ten-second blocks are never learned from, so that the brain can be judged on them
    #[arg(long, default_value = "every5th", value_parser = choice::<HoldOut>(&["every5th", "none"]))]
    hold_out: HoldOut,
    /// Seconds of black and of white picture with silence that join the films
    #[arg(long, value_name = "SECONDS", default_value_t = usual().silence_secs, value_parser = args::not_negative)]
    silence: f32,
    /// The step rule
    #[arg(long, value_enum, default_value_t = Rule::Adam)]
    optimizer: Rule,
    /// Step size [default: 0.001 for adam, 0.01 for nesterov]
    #[arg(long, value_name = "X", value_parser = args::positive)]
    lr: Option<f32>,
    /// Whether the step size falls to a hundredth over the planned epochs
    #[arg(long, value_enum, default_value_t = Decay::Cosine)]
    decay: Decay,
    /// Momentum of nesterov [default: 0.9]
    #[arg(long, value_name = "X", value_parser = args::fraction)]
    momentum: Option<f32>,
    /// Pairs a step
    #[arg(long, value_name = "N", default_value_t = usual().batch as u32, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch: u32,
    /// The same seed gives the same brain
    #[arg(long, value_name = "N", default_value_t = usual().seed)]
    seed: u64,
    /// What computes; wgpu and cuda need a build with that feature
    #[arg(long, value_enum, default_value_t = Device::Cpu)]
    device: Device,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Pictures and sound")]
struct SoundArgs {
    /// Pictures a second that the brain sees, such as 30, 24 or 29.97
    #[arg(long, value_name = "FPS", default_value = "30")]
    tick: FrameRate,
    /// Samples a second that the brain says
    #[arg(long, value_name = "HZ", default_value = "22050", value_parser = sample_rate)]
    rate: SampleRate,
    /// Ticks of sound that the brain says at each tick: 1, or 2 for overlap-add
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    hops: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Rule {
    /// Adam
    Adam,
    /// Nesterov's momentum
    Nesterov,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Decay {
    /// It does, along a cosine
    Cosine,
    /// It does not
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Device {
    /// The processor
    Cpu,
    /// A graphics card through Vulkan, Metal or DirectX
    Wgpu,
    /// An NVIDIA card
    Cuda,
}

impl TrainArgs {
    /// What parsing alone can't see.
    pub fn check(&self) -> Result<(), Failure> {
        let grid = self.grid();
        if self.learning.momentum.is_some() && self.learning.optimizer == Rule::Adam {
            return Err(Failure::usage(
                "--momentum has no meaning for adam",
                "add --optimizer nesterov, or leave --momentum out",
            ));
        }
        if u64::from(grid.rate.hz()) * u64::from(grid.tick.den()) < u64::from(grid.tick.num()) {
            return Err(Failure::usage("a tick is shorter than a sample", "raise --rate or lower --tick"));
        }
        Ok(())
    }

    /// What the network is.
    pub fn brain_config(&self) -> Result<BrainConfig> {
        let hidden = match self.network.layers.as_slice() {
            [] => brain::preset(&self.network.preset)?,
            sizes => sizes.iter().map(|&n| n as usize).collect(),
        };
        let plain = BrainConfig::new(self.grid(), self.pictures.size, &hidden);
        let config = plain.with_colour(self.pictures.colour).with_hops(usize::from(self.sound.hops));
        Ok(BrainConfig { activation: self.network.activation, ..config })
    }

    /// How it learns.
    pub fn train_config(&self) -> TrainConfig {
        let learning = &self.learning;
        let (optimizer, lr) = match learning.optimizer {
            Rule::Adam => (Optimizer::Adam, usual().lr),
            Rule::Nesterov => {
                (Optimizer::Nesterov { momentum: learning.momentum.unwrap_or(MOMENTUM) }, NESTEROV_LR)
            }
        };
        TrainConfig {
            optimizer,
            lr: learning.lr.unwrap_or(lr),
            decay: learning.decay == Decay::Cosine,
            batch: learning.batch as usize,
            epochs: learning.epochs,
            minutes: learning.minutes,
            patience: learning.patience,
            seed: learning.seed,
            pretrain: self.network.pretrain,
            pretrain_epochs: self.network.pretrain_epochs,
            hold_out: learning.hold_out,
            silence_secs: learning.silence,
            device: learning.device.to_possible_value().expect("no device is hidden").get_name().to_owned(),
        }
    }

    fn grid(&self) -> TickGrid {
        TickGrid { tick: self.sound.tick, rate: self.sound.rate }
    }
}

/// The library's defaults, which the options show as theirs.
fn usual() -> TrainConfig {
    TrainConfig::default()
}

fn presets() -> PossibleValuesParser {
    PossibleValuesParser::new(PRESETS.map(|(name, hidden)| {
        let sizes: Vec<String> = hidden.iter().map(usize::to_string).collect();
        PossibleValue::new(name).help(sizes.join("-"))
    }))
}

fn sample_rate(text: &str) -> Result<SampleRate, String> {
    let hz = text.trim().parse().map_err(|_| "is no whole number of Hz".to_owned())?;
    SampleRate::new(hz).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn parse(options: &str) -> TrainArgs {
        let words = "kinophone train f.mp4 -o b".split(' ').chain(options.split_whitespace());
        match Cli::try_parse_from(words).unwrap().command {
            Command::Train(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn presets_are_the_networks_of_2015() {
        for (preset, layers) in [
            ("classic", "4096-1000-735"),
            ("classic-deep", "4096-1000-1000-1000-735"),
            ("classic-wide", "4096-2048-1000-1000-735"),
            ("classic-kungfury", "4096-2000-1500-1000-735"),
        ] {
            let config = parse(&format!("--preset {preset}")).brain_config().unwrap();
            let shape: Vec<String> = config.layers.iter().map(usize::to_string).collect();
            assert_eq!(shape.join("-"), layers);
        }
    }

    #[test]
    fn input_and_output_follow_from_the_settings() {
        let config = parse("--layers 20,10 --size 32 --colour --rate 44100 --tick 29.97 --hops 2")
            .brain_config()
            .unwrap();
        assert_eq!(config.layers, [3072, 20, 10, 2 * 1472]);
        assert_eq!(config.grid.tick, FrameRate::new(30_000, 1001).unwrap());
    }

    #[test]
    fn the_training_of_2015_can_be_asked_for() {
        let args =
            parse("--optimizer nesterov --lr 1e-4 --momentum 0.9 --batch 10 --decay none --device wgpu");
        args.check().unwrap();
        let config = args.train_config();
        assert_eq!((config.lr, config.batch, config.decay), (1e-4, 10, false));
        assert_eq!(config.optimizer, Optimizer::Nesterov { momentum: 0.9 });
        assert_eq!(config.device, "wgpu");
    }

    #[test]
    fn what_is_not_given_has_its_default() {
        let (adam, nesterov) = (parse("").train_config(), parse("--optimizer nesterov").train_config());
        assert_eq!((adam.lr, nesterov.lr), (usual().lr, NESTEROV_LR));
        assert_eq!((adam.silence_secs, adam.hold_out, adam.minutes), (30.0, HoldOut::Every5th, None));
        assert_eq!((adam.decay, adam.device.as_str(), adam.pretrain), (true, "cpu", Pretrain::None));
    }

    #[test]
    fn options_without_meaning_are_usage_errors() {
        assert!(matches!(parse("--momentum 0.5").check(), Err(Failure::Usage(_))));
        assert!(matches!(parse("--rate 20 --tick 30").check(), Err(Failure::Usage(_))));
    }
}
