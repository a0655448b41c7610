//! Options of every command.

use clap::Args;
use std::path::PathBuf;

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// Write the result, or the error, to standard output as one JSON object
    #[arg(long, global = true)]
    pub json: bool,
    /// Show no progress and no notes, only warnings and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// The ffmpeg program to use [default: $KINOPHONE_FFMPEG, else the one in the PATH]
    #[arg(long, global = true, value_name = "PATH")]
    pub ffmpeg: Option<PathBuf>,
}
