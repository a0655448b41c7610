//! The command line as a type: the commands with their options.

use crate::args::GlobalArgs;
use crate::completions::CompletionsArgs;
use crate::credits::CreditsArgs;
use crate::demo::DemoArgs;
use crate::doctor::DoctorArgs;
use crate::eval::EvalArgs;
use crate::gallery::GalleryArgs;
use crate::import::ImportArgs;
use crate::inspect::InspectArgs;
use crate::ledger::LedgerArgs;
use crate::man::ManArgs;
use crate::prepare::PrepareArgs;
use crate::render::RenderArgs;
use crate::revoice::RevoiceArgs;
use crate::sounds::SoundsArgs;
use crate::texture::TextureArgs;
use crate::train::TrainArgs;
use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  A first try, on films that Kinophone draws itself:
    kinophone demo

  Train a brain on one film, and let it play to another one:
    kinophone train piano.mp4 -o piano.brain
    kinophone render piano.brain silent.mp4 -o silent-with-piano.mp4

  Check that this machine has what Kinophone needs:
    kinophone doctor

A file name that begins with a dash is written after '--' or with './' before
it. Results go to standard output, everything else to standard error. Exit
codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted.";

/// Learns from films how pictures sound, and gives any film a soundtrack.
#[derive(Debug, Parser)]
#[command(name = "kinophone", version, after_long_help = EXAMPLES, max_term_width = 100)]
#[command(arg_required_else_help = true, infer_long_args = false)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Turn films into a corpus: small pictures and aligned sound, one file per film
    Prepare(PrepareArgs),
    /// Turn recordings and films into a library of sounds
    Sounds(SoundsArgs),
    /// Train a brain on films or corpora
    Train(TrainArgs),
    /// Import a network that theanets saved in 2015 as a brain
    Import(ImportArgs),
    /// Give a film the soundtrack that a brain predicts from its pictures
    Render(RenderArgs),
    /// Resynthesize a film's own sound from other sounds
    Revoice(RevoiceArgs),
    /// Give a film a soundtrack of recorded sounds driven by its pictures, without a brain
    Texture(TextureArgs),
    /// List the sources that a soundtrack is made of
    Credits(CreditsArgs),
    /// Show, complete and check whose pictures and sounds something is made of
    Ledger(LedgerArgs),
    /// Evaluate a brain on film that it was not trained on: figures, and a page to listen to
    Eval(EvalArgs),
    /// Render every film with every brain, on one page to compare
    Gallery(GalleryArgs),
    /// Print the facts of a brain, library, corpus, shard or film, and draw them
    Inspect(InspectArgs),
    /// Draw two short films, train a brain on one, render the other with it
    Demo(DemoArgs),
    /// Check that this machine has what Kinophone needs
    Doctor(DoctorArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print or write the manual pages
    Man(ManArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }
}
