//! `kinophone import`: makes a brain from a network of 2015.

use crate::args::overwrite;
use crate::context::Context;
use crate::report::{self, Failure, Outcome};
use crate::values::{one_of, sample_rate};
use crate::wording::next_step;
use clap::Args;
use kinophone::classic::{self, ClassicBrain, ImportOptions, Nonlinearity};
use kinophone::nn::activation::Activation;
use kinophone::storage::{self, AtomicFile};
use kinophone_dsp::units::{FrameRate, SampleRate, TickGrid};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  A brain of 2015, rendered as it was then:
    kinophone import theanet.py.net.pkl -o 2015.brain
    kinophone render 2015.brain film.mp4 -o film-2015.mp4 --synth raw

  One whose file does not name its nonlinearity, for sound at 44 100 Hz:
    kinophone import old.pkl.gz -o old.brain --activation tanh --rate 44100

Files that theanets saved (versions up to 0.7, compressed or not) are read
without executing anything in them. They do not name the films that a network
was trained on; 'kinophone inspect' says so.";

/// Options of `import`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ImportArgs {
    /// A network as theanets saved it, such as theanet.py.net.pkl
    #[arg(value_name = "PICKLE")]
    pub file: PathBuf,
    /// The brain file to write
    #[arg(long, short, value_name = "BRAIN")]
    pub output: PathBuf,
    /// Replace an existing brain
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    assumed: AssumedArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Settings that such files do not contain")]
struct AssumedArgs {
    /// Nonlinearity of the hidden layers, where the file does not name it [default: logistic, as it was then]
    #[arg(long, value_parser = one_of::<Nonlinearity>(&["logistic", "relu", "tanh", "linear"]))]
    activation: Option<Nonlinearity>,
    /// Sample rate of the predicted sound
    #[arg(long, value_name = "HZ", value_parser = sample_rate, default_value = "22050")]
    rate: SampleRate,
    /// Frame rate of the films that it was trained on
    #[arg(long, value_name = "FPS", default_value = "30")]
    fps: FrameRate,
}

/// Reads the network and writes the brain.
pub fn run(args: &ImportArgs, context: &Context) -> Result<Outcome, Failure> {
    let overwrite = overwrite(args.force);
    storage::check_distinct(&args.output, &[&args.file])?;
    drop(AtomicFile::create(&args.output, overwrite)?);
    let grid = TickGrid { tick: args.assumed.fps, rate: args.assumed.rate };
    let brain = classic::import(&args.file, &ImportOptions { grid, hidden: args.assumed.activation })?;
    brain.save(&args.output, overwrite)?;
    context.report.result(|| as_json(&args.output, &brain), || as_text(&args.output, &brain))?;
    context.note(&next_step(&args.output));
    Ok(Outcome::Done)
}

fn as_json(path: &Path, brain: &ClassicBrain) -> Value {
    json!({
        "brain": report::lossy(path),
        "id": brain.id(),
        "config": brain.config(),
        "imported": brain.imported(),
    })
}

fn as_text(path: &Path, brain: &ClassicBrain) -> String {
    let config = brain.config();
    let layers: Vec<String> = config.layers.iter().map(usize::to_string).collect();
    let units = match config.activation {
        _ if layers.len() == 2 => "no hidden layers",
        Activation::Relu => "rectified units",
        Activation::Sigmoid => "logistic units",
    };
    let writer = brain.imported().map_or("", |file| &file.writer);
    format!(
        "{}: {}, {units}, saved by {writer}\nThe films that it was trained on are not known.\n",
        report::shown(path),
        layers.join("-")
    )
}
