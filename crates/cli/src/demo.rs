//! `kinophone demo`: two films drawn by Kinophone itself, a brain from the first, a soundtrack for the second.

use crate::args;
use crate::context::Context;
use crate::report::{Failure, Outcome};
use clap::Args;
use kinophone::{Error, Kind};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  The whole way, in about two minutes on two cores:
    kinophone demo

  Elsewhere, with other films:
    kinophone demo -o /tmp/etudes --seed 7

  With longer films, and at most five minutes of training:
    kinophone demo --seconds 180 --minutes 5

It prints what to open.";

/// Options of `demo`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct DemoArgs {
    /// The folder for films, brain and soundtrack, created if missing; what an earlier demo left there is replaced
    #[arg(long, short, value_name = "DIR", default_value = "kinophone-demo")]
    pub output: PathBuf,
    /// Length of the film to learn from, in seconds
    #[arg(long, value_name = "N", default_value_t = 75, value_parser = clap::value_parser!(u32).range(20..=3600))]
    pub seconds: u32,
    /// Train for at most so many minutes
    #[arg(long, value_name = "M", default_value = "1", value_parser = args::positive)]
    pub minutes: f32,
    /// Other films, another brain
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// Draws, learns, renders, and tells what to open.
pub fn run(args: &DemoArgs, _context: &Context) -> Result<Outcome, Failure> {
    std::fs::create_dir_all(&args.output).map_err(|e| Error::io("created", &args.output, e))?;
    Err(Error::new(Kind::Invalid, "the demo is not connected to the etudes yet")
        .help("use train and render")
        .into())
}
