//! The options of `train`, and the library's configurations that they make.

use crate::args::PictureArgs;
use crate::report::Failure;
use crate::train::classic::{ClassicArgs, usual};
use crate::train::ensemble::{ENSEMBLE_PICTURE_SIZE, EnsembleArgs};
use crate::train::network::{ENSEMBLE, NetworkArgs, OutputFormat};
use clap::Args;
use kinophone::Result;
use kinophone::classic::{ClassicConfig, ClassicTraining, preset};
use kinophone::dataset::PrepareOptions;
use kinophone::model::EnsembleTraining;
use kinophone::nn::activation::Activation;
use kinophone_dsp::units::{SampleRate, TickGrid};
use std::ffi::OsString;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  A brain from one film:
    kinophone train piano.mp4 -o piano.brain

  With colours, from the middle of the picture and the whole of it:
    kinophone train cartoon.mkv -o toon.brain --see motion,appearance,colour \\
        --region 0.25,0,0.5,1

  From a folder of films but one, on which the brain is judged:
    kinophone train films -o pianos.brain --hold-out-film furelise

  From a corpus and a film, for ten minutes, a deep belief network of 2015:
    kinophone train corpus street.mkv -o city.brain --preset classic-deep \\
        --activation sigmoid --pretrain rbm --minutes 10

Films named directly are prepared once, into $KINOPHONE_CACHE or the cache
folder that 'kinophone doctor' names. The state of the run (checkpoints,
metrics.jsonl, loss.png) is in BRAIN.run beside the brain; after Ctrl-C, a
crash or a power cut, the same command line with --resume continues it.";

/// Options of `train`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct TrainArgs {
    /// Corpora (folders), shards (.safetensors) or films, in any combination
    #[arg(required = true, value_name = "CORPUS|FILM")]
    pub footage: Vec<PathBuf>,
    /// The brain file to write
    #[arg(long, short, value_name = "BRAIN")]
    pub output: PathBuf,
    /// Replace an existing brain, and discard the run that made it
    #[arg(long)]
    pub force: bool,
    /// Continue from the newest checkpoint of this brain's run, where there is one
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
    classic: ClassicArgs,
    #[command(flatten)]
    pub(crate) pictures: PictureArgs,
}

impl TrainArgs {
    /// Fails on combinations that the parser does not know of: options that would silently be ignored.
    pub fn check(&self) -> Result<(), Failure> {
        self.classic.check()?;
        self.check_preset()?;
        self.check_format()?;
        let grid = self.grid();
        if u64::from(grid.rate.hz()) * u64::from(grid.tick.den()) < u64::from(grid.tick.num()) {
            return Err(Failure::usage("a tick is shorter than a sample", "raise --rate or lower --tick"));
        }
        Ok(())
    }

    /// Fails on options of the other kind of networks.
    fn check_preset(&self) -> Result<(), Failure> {
        let (given, kind, help) = if self.is_ensemble() {
            (self.classic.first_given(self.pictures.colour), "the preset ensemble", "add --preset classic")
        } else {
            (self.ensemble.first_given(), "the networks of 2015", "leave the preset out")
        };
        let Some(option) = given else { return Ok(()) };
        Err(Failure::usage(
            format!("{option} has no effect on {kind}"),
            format!("{help}, or leave {option} out"),
        ))
    }

    /// Fails on an output format that the network does not have.
    fn check_format(&self) -> Result<(), Failure> {
        match (self.is_ensemble(), self.network.say.map(OutputFormat::frame_format)) {
            (true, Some(Some(_))) => Err(Failure::usage(
                "the preset ensemble predicts controls, and nothing else",
                "add --preset classic, or leave --say out",
            )),
            (false, Some(None)) => Err(Failure::usage(
                "the networks of 2015 do not predict controls",
                "choose --say pcm, stft or stft-phase, or leave the preset out",
            )),
            _ => Ok(()),
        }
    }

    /// True for the preset ensemble, false for a network of 2015.
    pub fn is_ensemble(&self) -> bool {
        self.classic.layers.is_empty() && self.network.preset == ENSEMBLE
    }

    /// Options with which films are prepared.
    pub fn prepare_options(&self) -> PrepareOptions {
        PrepareOptions { colour: self.colour(), ..self.pictures.prepare_options(self.size(), true) }
    }

    /// Side of the pictures that films are prepared with.
    pub(crate) fn size(&self) -> u32 {
        let usual = if self.is_ensemble() { ENSEMBLE_PICTURE_SIZE } else { PrepareOptions::default().size };
        self.pictures.size.unwrap_or(usual)
    }

    /// True where films are prepared in colour.
    fn colour(&self) -> bool {
        self.pictures.colour || self.ensemble.features().colour
    }

    /// The training of an ensemble.
    pub fn ensemble_training(&self) -> EnsembleTraining {
        self.ensemble.training(EnsembleTraining {
            minutes: self.network.minutes,
            seed: self.network.seed,
            hold_out: self.network.hold_out,
            ..EnsembleTraining::default()
        })
    }

    /// Names of the films that are held out as a whole.
    pub(crate) fn held_out_films(&self) -> &[OsString] {
        &self.ensemble.hold_out_film
    }

    /// The architecture of a network of 2015.
    pub fn classic_config(&self) -> Result<ClassicConfig> {
        let hidden = match self.classic.layers.as_slice() {
            [] => preset(&self.network.preset)?,
            sizes => sizes.iter().map(|&n| n as usize).collect(),
        };
        let config = ClassicConfig::new(self.grid(), self.size(), &hidden)
            .with_colour(self.pictures.colour)
            .with_hops(usize::from(self.classic.hops.unwrap_or(1)))
            .with_format(self.network.say.and_then(OutputFormat::frame_format).unwrap_or_default());
        Ok(ClassicConfig { activation: self.classic.activation.unwrap_or(Activation::Relu), ..config })
    }

    /// The training of a network of 2015.
    pub fn classic_training(&self) -> ClassicTraining {
        self.classic.training(ClassicTraining {
            minutes: self.network.minutes,
            seed: self.network.seed,
            hold_out: self.network.hold_out,
            ..usual()
        })
    }

    /// The tick, and the sample rate of the sound that is predicted or described.
    pub fn grid(&self) -> TickGrid {
        let usual = SampleRate::new(22_050).expect("22050 is a sample rate");
        TickGrid { tick: self.network.tick, rate: self.classic.rate.unwrap_or(usual) }
    }
}
