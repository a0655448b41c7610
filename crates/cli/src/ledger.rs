//! `kinophone ledger`: whose pictures and sounds something is made of, shown, completed and checked.

mod carried;
mod check;
mod edit;
mod import;
mod show;

use crate::context::Context;
use crate::report::{Failure, Outcome};
use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  What is known of a brain's films, completed in an editor (or with --csv in a
  spreadsheet):
    kinophone ledger show piano.brain --toml > piano.toml
    kinophone ledger import piano.toml piano.brain

  What licences ask together, what is free where, and the words of attribution:
    kinophone ledger check piano.brain --country US,DE

  One fact, at once:
    kinophone ledger edit piano.brain --source piano.mp4 --licence CC-BY-4.0

A ledger lists files, each with title, author, licence (an SPDX expression such
as CC-BY-SA-4.0), origin and date of retrieval, and the works in it, with rights
of their own: the film, the composition, the recording. Nothing is guessed:
what nobody said is unknown, and where two contradict each other both stay.";

/// Options of `ledger`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES, arg_required_else_help = true)]
pub struct LedgerArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the ledger of brains, corpora, libraries, soundtracks, scores or ledger files
    Show(show::ShowArgs),
    /// Check what licences ask together and which works are free where, and write the attribution
    Check(check::CheckArgs),
    /// Change what the ledger of a brain, corpus, library or ledger file says of a source
    Edit(edit::EditArgs),
    /// Complete brains, corpora, libraries or ledger files by what a ledger file says
    Import(import::ImportArgs),
}

/// Does what was asked.
pub fn run(args: &LedgerArgs, context: &Context) -> Result<Outcome, Failure> {
    match &args.action {
        Action::Show(args) => show::run(args, context),
        Action::Check(args) => check::run(args, context),
        Action::Edit(args) => edit::run(args, context),
        Action::Import(args) => import::run(args, context),
    }
}
