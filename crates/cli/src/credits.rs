//! `kinophone credits`: lists the sources that a soundtrack is made of.

use crate::context::{self, Context};
use crate::report::{Failure, Outcome};
use clap::Args;
use kinophone::score::{Credits, Score};
use kinophone::{Error, Kind};
use serde_json::json;
use std::io::Read;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  The text of an end title, from the film itself:
    kinophone credits out.mp4

  A table for a web page, with the times of every source, from its score:
    kinophone render my.brain film.mp4 -o out.mp4 --sounds voices.sounds --score out.json
    kinophone credits out.json --markdown > credits.md

  All of it as JSON, for programs:
    kinophone credits out.json --json

Shares are shares of the sound's energy, with the gain of each clip included.";

/// Options of `credits`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct CreditsArgs {
    /// A soundtrack that Kinophone made of recorded sound, or its score (.json), which has the times as well
    #[arg(value_name = "OUT|SCORE")]
    file: PathBuf,
    /// Print a table in Markdown
    #[arg(long)]
    markdown: bool,
}

/// Prints the credits.
pub fn run(args: &CreditsArgs, context: &Context) -> Result<Outcome, Failure> {
    context::metadata(&args.file)?;
    let credits = read(&args.file, context)?;
    let text = || if args.markdown { credits.markdown() } else { credits.titles() };
    let json = || {
        json!({
            "film": credits.film,
            "seconds": credits.seconds,
            "credits": credits.credits,
            "left_out": credits.left_out,
        })
    };
    context.report.data(json, text)?;
    Ok(Outcome::Done)
}

/// Reads the credits from a score, or from a film's own tags.
pub fn read(file: &Path, context: &Context) -> kinophone::Result<Credits> {
    if is_text(file)? {
        return Score::read(file).map(|score| score.credits());
    }
    let tags = context.ffmpeg()?.tags(file)?;
    tags.iter().find_map(|(_, text)| Credits::of_tag(text)).ok_or_else(|| {
        Error::new(Kind::Invalid, "names no sources of its sound")
            .at(file)
            .help("name an unchanged soundtrack that Kinophone made of recorded sound, or its score")
    })
}

/// True where the file begins as text, which no film does.
fn is_text(file: &Path) -> kinophone::Result<bool> {
    let mut head = Vec::new();
    let opened = std::fs::File::open(file).and_then(|file| file.take(64).read_to_end(&mut head));
    opened.map_err(|e| Error::io("read", file, e))?;
    Ok(head.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')))
}
