//! The options of `train`, their defaults, and the library's configurations that they make.

use crate::args::{self, PictureArgs, choice};
use crate::report::Failure;
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, ValueEnum};
use kinophone::classic::{ClassicConfig, ClassicTraining, PRESETS, Pretrain};
use kinophone::dataset::HoldOut;
use kinophone::model::{EnsembleTraining, FeatureConfig, MemberKind, Region, RegionMode};
use kinophone::nn::activation::Activation;
use kinophone::nn::optimizer::Optimizer;
use kinophone::{Result, nn};
use kinophone_dsp::frames::FrameFormat;
use kinophone_dsp::units::{FrameRate, SampleRate, TickGrid};
use std::path::PathBuf;

/// Step size of Nesterov's momentum where `--lr` is not given. The mean over 735 outputs makes gradients small; the 1e-4
/// of 2015 needed thousands of minutes.
const NESTEROV_LR: f32 = 1e-2;

/// The preset that is no network of 2015.
const ENSEMBLE: &str = "ensemble";

/// Side of the pictures that films are prepared with for it: it zooms into the part that moves.
const ENSEMBLE_SIZE: u32 = 128;

/// The momentum of 2015, and the customary one.
const MOMENTUM: f32 = 0.9;

const EXAMPLES: &str = "\
Examples:
  A brain from one film:
    kinophone train piano.mp4 -o piano.brain

  With its colours, looking at the middle of the picture and the whole:
    kinophone train cartoon.mkv -o toon.brain --see motion,appearance,colour \\
        --region 0.25,0,0.5,1

  From a corpus and a film, for ten minutes, a deep belief network of 2015:
    kinophone train corpus street.mkv -o city.brain --preset classic-deep \\
        --activation sigmoid --pretrain rbm --minutes 10

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
    ensemble: EnsembleArgs,
    #[command(flatten)]
    learning: LearningArgs,
    #[command(flatten)]
    pub pictures: PictureArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
struct NetworkArgs {
    /// Networks with memory that describe sound, or one of the four networks of 2015 that say samples, by its hidden layers
    #[arg(long, default_value = ENSEMBLE, conflicts_with = "layers", value_parser = presets())]
    preset: String,
    /// What it says of sound [default: controls; pcm for the networks of 2015]
    #[arg(long, value_enum, value_name = "WHAT")]
    say: Option<Said>,
    /// Which ten-second blocks are never learned from, so that the brain can be judged on them; fold0 to fold3 with every5th
    /// are the five of a cross-validation
    #[arg(long, default_value = "every5th", value_parser = choice::<HoldOut>(&["every5th", "none", "fold0", "fold1", "fold2", "fold3"]))]
    hold_out: HoldOut,
    /// The same seed gives the same brain
    #[arg(long, value_name = "N", default_value_t = usual().seed)]
    seed: u64,
    /// At most so many minutes; what is learned in a limited time depends on how fast the machine is [default: no limit]
    #[arg(long, value_name = "M", value_parser = args::positive)]
    minutes: Option<f32>,
    /// Pictures a second that the brain sees, such as 30, 24 or 29.97
    #[arg(long, value_name = "FPS", default_value = "30")]
    tick: FrameRate,
}

/// What a brain says of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Said {
    /// What it is like: loudness, 64 bands, onsets, silence. Networks with memory say this, and nothing else
    Controls,
    /// Samples
    Pcm,
    /// Magnitudes of a spectrum, whose phases 'render --phase' makes
    Stft,
    /// Magnitudes and phases of each picture's spectrum, which play like samples
    StftPhase,
}

impl Said {
    /// For the networks of 2015; nothing for controls.
    fn of_2015(self) -> Option<FrameFormat> {
        match self {
            Self::Controls => None,
            Self::Pcm => Some(FrameFormat::Pcm),
            Self::Stft => Some(FrameFormat::Stft),
            Self::StftPhase => Some(FrameFormat::StftPhase),
        }
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "With the preset ensemble")]
struct EnsembleArgs {
    /// Steps of each network [default: 250]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    steps: Option<u32>,
    /// No networks for live use, which takes half the time
    #[arg(long)]
    no_live: bool,
    /// The brain does not carry its training sound; the spectral synth plays it all the same
    #[arg(long)]
    no_sound: bool,
    /// What it looks for, separated by commas [default: motion,appearance]
    #[arg(long, value_name = "WHAT,…", value_delimiter = ',', value_parser = sight, long_help = SEE)]
    see: Vec<Sight>,
    /// The part of the picture that it looks at besides the whole: 'auto' finds what moves, 'whole' looks at nothing
    /// else, X,Y,W,H is a part in shares of width and height, such as 0.25,0,0.5,1 [default: auto]
    #[arg(long, value_name = "WHERE", value_parser = region)]
    region: Option<RegionMode>,
    /// Kinds of members whose answers are averaged, separated by commas [default: gru,tcn,memory]
    #[arg(long, value_enum, value_name = "KIND,…", value_delimiter = ',')]
    net: Vec<Net>,
    /// Look at each film in so many other ways, too: moved, scaled, by other light, in a mirror [default: 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=16))]
    variations: Option<u32>,
}

const SEE: &str = "\
What it looks for, separated by commas [default: motion,appearance]

- motion:      differences between pictures, signed and absolute
- appearance:  the picture itself
- pca:K        K components (eigenpictures) of each, 1 to 256, instead of as many as the footage can teach
- colour:      the picture's colours; reads films in colour
- fft2:        the picture's two-dimensional spectrum: textures, wherever they are
- grey:        the picture's plain pixels, 16 x 16
- past:K       besides the present tick the K before it, 1 to 16";

/// A word of `--see`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    Motion,
    Appearance,
    Components(usize),
    Colour,
    Spectrum,
    Grey,
    Past(usize),
}

fn sight(text: &str) -> Result<Sight, String> {
    let number = |text: &str, most: usize| {
        let count = text.parse().ok().filter(|k| (1..=most).contains(k));
        count.ok_or_else(|| format!("after the colon write a number from 1 to {most}"))
    };
    match text.split_once(':') {
        Some(("pca", k)) => number(k, 256).map(Sight::Components),
        Some(("past", k)) => number(k, 16).map(Sight::Past),
        None if text == "motion" => Ok(Sight::Motion),
        None if text == "appearance" => Ok(Sight::Appearance),
        None if text == "colour" => Ok(Sight::Colour),
        None if text == "fft2" => Ok(Sight::Spectrum),
        None if text == "grey" => Ok(Sight::Grey),
        _ => Err("write motion, appearance, pca:K, colour, fft2, grey or past:K".to_owned()),
    }
}

/// In shares of the picture; at least a hundredth wide and high.
fn region(text: &str) -> Result<RegionMode, String> {
    match text {
        "auto" => return Ok(RegionMode::Auto),
        "whole" => return Ok(RegionMode::Whole),
        _ => {}
    }
    let numbers: Vec<f32> = text.split(',').filter_map(|word| word.trim().parse().ok()).collect();
    let [x, y, w, h] = numbers[..] else {
        return Err("write 'auto', 'whole' or four shares X,Y,W,H".to_owned());
    };
    let region = Region { x, y, w, h };
    if region.is_valid() && w >= 0.01 && h >= 0.01 {
        Ok(RegionMode::Region(region))
    } else {
        Err("X + W and Y + H reach 1 at most, and W and H are at least 0.01".to_owned())
    }
}

/// A kind of member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Net {
    /// Recurrent (gated recurrent units)
    Gru,
    /// Convolutional over time
    Tcn,
    /// Without a memory
    Mlp,
    /// No network: what sounded when it looked alike (nearest neighbours)
    Memory,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "With the presets of 2015, or --layers")]
struct LearningArgs {
    /// Sizes of the hidden layers instead of a preset, such as 1000,500
    #[arg(long, value_name = "N,N…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=65_536))]
    layers: Vec<u32>,
    /// Nonlinearity of the hidden layers [default: relu]
    #[arg(long, value_parser = choice::<Activation>(&["relu", "sigmoid"]))]
    activation: Option<Activation>,
    /// Pretraining of the hidden layers: greedy restricted Boltzmann machines make a deep belief network [default: none]
    #[arg(long, value_parser = choice::<Pretrain>(&["none", "rbm"]))]
    pretrain: Option<Pretrain>,
    /// Passes over the pictures for each Boltzmann machine [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pretrain_epochs: Option<u32>,
    /// At most so many passes over the pairs of picture and sound [default: 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    epochs: Option<u32>,
    /// Stop after so many epochs without progress on the validation blocks, and keep the best; 0 keeps the last [default: 0]
    #[arg(long, value_name = "N")]
    patience: Option<u32>,
    /// Seconds of black and of white picture with silence that join the films [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = args::not_negative)]
    silence: Option<f32>,
    /// The step rule [default: adam]
    #[arg(long, value_enum)]
    optimizer: Option<Rule>,
    /// Step size [default: 0.0003 for adam, 0.01 for nesterov]
    #[arg(long, value_name = "X", value_parser = args::positive)]
    lr: Option<f32>,
    /// Whether the step size falls to a hundredth over the planned epochs [default: cosine]
    #[arg(long, value_enum)]
    decay: Option<Decay>,
    /// Momentum of nesterov [default: 0.9]
    #[arg(long, value_name = "X", value_parser = args::fraction)]
    momentum: Option<f32>,
    /// Pairs a step [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch: Option<u32>,
    /// Samples a second that the brain says [default: 22050]
    #[arg(long, value_name = "HZ", value_parser = sample_rate)]
    rate: Option<SampleRate>,
    /// Ticks of sound that the brain says at each tick: 1, or 2 for overlap-add [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=2))]
    hops: Option<u8>,
    /// What computes; wgpu and cuda need a build with that feature [default: cpu]
    #[arg(long, value_enum)]
    device: Option<Device>,
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

impl Device {
    fn backend(self) -> nn::backend::Device {
        match self {
            Self::Cpu => nn::backend::Device::Cpu,
            Self::Wgpu => nn::backend::Device::Wgpu,
            Self::Cuda => nn::backend::Device::Cuda,
        }
    }
}

impl TrainArgs {
    /// What parsing alone can't see: options that would be silently ignored.
    pub fn check(&self) -> Result<(), Failure> {
        if self.learning.momentum.is_some() && self.learning.optimizer != Some(Rule::Nesterov) {
            return Err(Failure::usage(
                "--momentum has no meaning for adam",
                "add --optimizer nesterov, or leave --momentum out",
            ));
        }
        let (given, kind, help) = if self.is_ensemble() {
            (
                self.learning.first_given(self.pictures.colour),
                "the networks with memory",
                "add --preset classic",
            )
        } else {
            (self.ensemble.first_given(), "the networks of 2015", "leave the preset out")
        };
        if let Some(option) = given {
            return Err(Failure::usage(
                format!("{option} has no meaning for {kind}"),
                format!("{help}, or leave {option} out"),
            ));
        }
        match (self.is_ensemble(), self.network.say.map(Said::of_2015)) {
            (true, Some(Some(_))) => {
                return Err(Failure::usage(
                    "the networks with memory say controls, and nothing else",
                    "add --preset classic, or leave --say out",
                ));
            }
            (false, Some(None)) => {
                return Err(Failure::usage(
                    "the networks of 2015 can't say controls",
                    "choose --say pcm, stft or stft-phase, or leave the preset out",
                ));
            }
            _ => {}
        }
        let grid = self.grid();
        if u64::from(grid.rate.hz()) * u64::from(grid.tick.den()) < u64::from(grid.tick.num()) {
            return Err(Failure::usage("a tick is shorter than a sample", "raise --rate or lower --tick"));
        }
        Ok(())
    }

    /// Whether networks with memory are wanted, and not one of 2015.
    pub fn is_ensemble(&self) -> bool {
        self.learning.layers.is_empty() && self.network.preset == ENSEMBLE
    }

    /// Side of the pictures that films are prepared with.
    pub fn size(&self) -> u32 {
        self.pictures.size.unwrap_or(if self.is_ensemble() { ENSEMBLE_SIZE } else { args::SIZE })
    }

    /// How an ensemble learns.
    pub fn ensemble_training(&self) -> EnsembleTraining {
        let usual = EnsembleTraining::default();
        EnsembleTraining {
            steps: self.ensemble.steps.unwrap_or(usual.steps),
            minutes: self.network.minutes,
            seed: self.network.seed,
            live: !self.ensemble.no_live,
            keep_sound: !self.ensemble.no_sound,
            hold_out: self.network.hold_out,
            features: self.ensemble.see(),
            members: if self.ensemble.net.is_empty() { usual.members } else { self.ensemble.members() },
            variations: self.ensemble.variations.unwrap_or(usual.variations),
            ..usual
        }
    }

    /// Whether films are read in colour.
    pub fn colour(&self) -> bool {
        self.pictures.colour || self.ensemble.see().colour
    }

    /// What a network of 2015 is.
    pub fn brain_config(&self) -> Result<ClassicConfig> {
        let hidden = match self.learning.layers.as_slice() {
            [] => kinophone::classic::preset(&self.network.preset)?,
            sizes => sizes.iter().map(|&n| n as usize).collect(),
        };
        let plain = ClassicConfig::new(self.grid(), self.size(), &hidden);
        let config =
            plain.with_colour(self.pictures.colour).with_hops(usize::from(self.learning.hops.unwrap_or(1)));
        let config = config.with_say(self.network.say.and_then(Said::of_2015).unwrap_or_default());
        Ok(ClassicConfig { activation: self.learning.activation.unwrap_or(Activation::Relu), ..config })
    }

    /// How it learns.
    pub fn train_config(&self) -> ClassicTraining {
        let (learning, usual) = (&self.learning, usual());
        let (optimizer, lr) = match learning.optimizer {
            None | Some(Rule::Adam) => (Optimizer::Adam, usual.lr),
            Some(Rule::Nesterov) => {
                (Optimizer::Nesterov { momentum: learning.momentum.unwrap_or(MOMENTUM) }, NESTEROV_LR)
            }
        };
        ClassicTraining {
            optimizer,
            lr: learning.lr.unwrap_or(lr),
            decay: learning.decay != Some(Decay::None),
            batch: learning.batch.map_or(usual.batch, |batch| batch as usize),
            epochs: learning.epochs.unwrap_or(usual.epochs),
            minutes: self.network.minutes,
            patience: learning.patience.unwrap_or(usual.patience),
            seed: self.network.seed,
            pretrain: learning.pretrain.unwrap_or(usual.pretrain),
            pretrain_epochs: learning.pretrain_epochs.unwrap_or(usual.pretrain_epochs),
            hold_out: self.network.hold_out,
            silence_secs: learning.silence.unwrap_or(usual.silence_secs),
            device: learning.device.map_or(nn::backend::Device::Cpu, Device::backend),
        }
    }

    /// The tick, and the rate at which sound is said or described.
    pub fn grid(&self) -> TickGrid {
        let usual = SampleRate::new(22_050).expect("22050 is a sample rate");
        TickGrid { tick: self.network.tick, rate: self.learning.rate.unwrap_or(usual) }
    }
}

impl EnsembleArgs {
    /// What is named, or the usual; a number of components or of past ticks alone changes nothing else.
    fn see(&self) -> FeatureConfig {
        let mut see =
            FeatureConfig { region: self.region.unwrap_or(RegionMode::Auto), ..FeatureConfig::default() };
        let number = |sight: &Sight| matches!(sight, Sight::Components(_) | Sight::Past(_));
        if !self.see.iter().all(number) {
            (see.motion, see.appearance) = (false, false);
        }
        for sight in &self.see {
            match sight {
                Sight::Motion => see.motion = true,
                Sight::Appearance => see.appearance = true,
                Sight::Components(k) => see.components = Some(*k),
                Sight::Colour => see.colour = true,
                Sight::Spectrum => see.spectrum = true,
                Sight::Grey => see.grey = true,
                Sight::Past(k) => see.past = *k,
            }
        }
        see
    }

    fn members(&self) -> Vec<MemberKind> {
        let mut members: Vec<MemberKind> = Vec::new();
        for net in &self.net {
            let kind = match net {
                Net::Gru => MemberKind::Gru,
                Net::Tcn => MemberKind::Tcn,
                Net::Mlp => MemberKind::Mlp,
                Net::Memory => MemberKind::Memory,
            };
            if !members.contains(&kind) {
                members.push(kind);
            }
        }
        members
    }

    fn first_given(&self) -> Option<&'static str> {
        let given = [
            (self.steps.is_some(), "--steps"),
            (self.no_live, "--no-live"),
            (self.no_sound, "--no-sound"),
            (!self.see.is_empty(), "--see"),
            (self.region.is_some(), "--region"),
            (!self.net.is_empty(), "--net"),
            (self.variations.is_some(), "--variations"),
        ];
        given.iter().find(|(is, _)| *is).map(|(_, name)| *name)
    }
}

impl LearningArgs {
    fn first_given(&self, colour: bool) -> Option<&'static str> {
        let given = [
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
        ];
        given.iter().find(|(is, _)| *is).map(|(_, name)| *name)
    }
}

/// The library's defaults, which the options show as theirs.
fn usual() -> ClassicTraining {
    ClassicTraining::default()
}

fn presets() -> PossibleValuesParser {
    let ensemble = PossibleValue::new(ENSEMBLE)
        .help("recurrent and convolutional, on what moves; plays its own training sound");
    let classic = PRESETS.iter().map(|(name, hidden)| {
        let sizes: Vec<String> = hidden.iter().map(usize::to_string).collect();
        PossibleValue::new(*name).help(sizes.join("-"))
    });
    PossibleValuesParser::new(std::iter::once(ensemble).chain(classic))
}

/// A rate in whole Hz.
pub fn sample_rate(text: &str) -> Result<SampleRate, String> {
    let hz = text.trim().parse().map_err(|_| "is no whole number of Hz".to_owned())?;
    SampleRate::new(hz).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;
    use crate::args::Command;
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
        for (say, last) in [("pcm", 735), ("stft", 513), ("stft-phase", 736)] {
            let config = parse(&format!("--preset classic --say {say}")).brain_config().unwrap();
            assert_eq!(config.layers, [4096, 1000, last]);
        }
    }

    #[test]
    fn the_training_of_2015_can_be_asked_for() {
        let args = parse(
            "--preset classic --optimizer nesterov --lr 1e-4 --momentum 0.9 --batch 10 --decay none --device wgpu",
        );
        args.check().unwrap();
        let config = args.train_config();
        assert_eq!((config.lr, config.batch, config.decay), (1e-4, 10, false));
        assert_eq!(config.optimizer, Optimizer::Nesterov { momentum: 0.9 });
        assert_eq!(config.device, nn::backend::Device::Wgpu);
    }

    #[test]
    fn what_is_not_given_has_its_default() {
        let (adam, nesterov) = (parse("").train_config(), parse("--optimizer nesterov").train_config());
        assert_eq!((adam.lr, nesterov.lr), (usual().lr, NESTEROV_LR));
        assert_eq!((adam.silence_secs, adam.hold_out, adam.minutes), (30.0, HoldOut::Every5th, None));
        assert_eq!(
            (adam.decay, adam.device, adam.pretrain),
            (true, nn::backend::Device::Cpu, Pretrain::None)
        );
    }

    #[test]
    fn options_without_meaning_are_usage_errors() {
        assert!(matches!(parse("--momentum 0.5").check(), Err(Failure::Usage(_))));
        assert!(matches!(parse("--preset classic --rate 20 --tick 30").check(), Err(Failure::Usage(_))));
        for wrong in ["--say pcm", "--say stft", "--preset classic --say controls"] {
            assert!(matches!(parse(wrong).check(), Err(Failure::Usage(_))), "{wrong}");
        }
        assert!(parse("--say controls").check().is_ok());
        for wrong in ["--epochs 3", "--colour", "--preset classic --no-live", "--layers 20 --steps 7"] {
            assert!(matches!(parse(wrong).check(), Err(Failure::Usage(_))), "{wrong}");
        }
        for right in
            ["", "--steps 9 --no-sound --tick 25", "--layers 20 --epochs 3", "--preset classic-deep --colour"]
        {
            assert!(parse(right).check().is_ok(), "{right}");
        }
    }
}
