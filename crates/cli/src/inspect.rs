//! `kinophone inspect`: prints and draws the facts of a brain, library, corpus, shard or film.

mod brain;
mod card;
mod facts;
mod film;
mod shards;
mod sources;

use crate::context::Context;
use crate::inspect::card::CardFile;
use crate::kind::{PathKind, kind_of};
use crate::report::{Failure, Outcome};
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  A brain's architecture, training films and verdict:
    kinophone inspect piano.brain

  The facts of a corpus, as JSON:
    kinophone inspect corpus --json

  First-layer filters and the loss curve, as PNG:
    kinophone inspect piano.brain --pictures look

  A model card to publish with the brain:
    kinophone inspect piano.brain --card -o piano.md";

/// Options of `inspect`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct InspectArgs {
    /// A brain, a library or corpus (folder), a shard or a film; recognized by its content
    #[arg(value_name = "BRAIN|FOLDER|SHARD|FILM")]
    path: PathBuf,
    /// Draw PNGs into this folder, which is created if missing
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
    /// Write a brain's model card in Markdown: training films and their terms, settings, scores beside
    /// chance, output for black, white and noise, limitations
    #[arg(long, conflicts_with = "pictures")]
    card: bool,
    /// Write the card into this file instead of to standard output
    #[arg(long, short, value_name = "FILE.md", requires = "card")]
    output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long, requires = "output")]
    force: bool,
}

/// Prints the facts, and draws them where that was asked for.
pub fn run(args: &InspectArgs, context: &Context) -> Result<Outcome, Failure> {
    let pictures = args.pictures.as_deref();
    let kind = kind_of(&args.path)?;
    if args.card {
        let file = CardFile { path: args.output.as_deref(), force: args.force };
        return card::write(&args.path, kind, &file, context);
    }
    let facts = match kind {
        PathKind::Folder => shards::folder(&args.path, pictures, context)?,
        PathKind::Shard => shards::shard(&args.path, pictures)?,
        PathKind::Brain => brain::inspect(&args.path, pictures)?,
        PathKind::Film => film::inspect(&args.path, pictures, context)?,
    };
    context.end_progress();
    context.report.data(|| facts.as_json(), || facts.as_text())?;
    Ok(Outcome::Done)
}
