//! `kinophone import`: a network of 2015 into a brain.

use crate::args::choice;
use crate::context::Context;
use crate::report::{self, Failure, Outcome};
use crate::train::options::sample_rate;
use crate::train::outcome::word;
use clap::Args;
use kinophone::classic::{self, ClassicBrain, ImportOptions, Nonlinearity};
use kinophone::nn::activation::Activation;
use kinophone::storage::{self, AtomicFile, Overwrite};
use kinophone_dsp::units::{FrameRate, SampleRate, TickGrid};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  A brain of 2015, played as it was then:
    kinophone import theanet.py.net.pkl -o 2015.brain
    kinophone render 2015.brain film.mp4 -o film-2015.mp4 --synth raw

  One whose file does not say its nonlinearity, for sound at 44 100 Hz:
    kinophone import old.pkl.gz -o old.brain --activation tanh --rate 44100

Files that theanets saved (versions up to 0.7, compressed or not) are read
without executing anything in them. They do not say from which films a network
learned; 'kinophone inspect' tells so.";

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
    unsaid: UnsaidArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "What such files do not say")]
struct UnsaidArgs {
    /// Nonlinearity of the hidden layers, where the file does not name it [default: logistic, as it was then]
    #[arg(long, value_parser = choice::<Nonlinearity>(&["logistic", "relu", "tanh", "linear"]))]
    activation: Option<Nonlinearity>,
    /// Samples a second that it says
    #[arg(long, value_name = "HZ", value_parser = sample_rate, default_value = "22050")]
    rate: SampleRate,
    /// Pictures a second of the films that it learned from
    #[arg(long, value_name = "FPS", default_value = "30")]
    fps: FrameRate,
}

/// Reads the network and writes the brain.
pub fn run(args: &ImportArgs, context: &Context) -> Result<Outcome, Failure> {
    let overwrite = if args.force { Overwrite::Replace } else { Overwrite::Refuse };
    storage::check_distinct(&args.output, &[&args.file])?;
    drop(AtomicFile::create(&args.output, overwrite)?);
    let grid = TickGrid { tick: args.unsaid.fps, rate: args.unsaid.rate };
    let brain = classic::import(&args.file, &ImportOptions { grid, hidden: args.unsaid.activation })?;
    brain.save(&args.output, overwrite)?;
    context.report.result(|| as_json(&args.output, &brain), || as_text(&args.output, &brain))?;
    context.say(&format!("next: kinophone render {} FILM -o OUT.mp4", word(args.output.as_os_str())));
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
        "{}: {}, {units}, saved by {writer}\nFrom which films it learned is not known.\n",
        path.display(),
        layers.join("-")
    )
}
