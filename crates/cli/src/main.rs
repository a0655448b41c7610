//! The program `kinophone`: parses options, calls the library, and reports results and errors. The only crate
//! that prints.

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr))]
#![forbid(unsafe_code)]

mod args;
mod cache;
mod cli;
mod completions;
mod context;
mod credits;
mod demo;
mod doctor;
mod eval;
mod folders;
mod gallery;
mod import;
mod inspect;
mod kind;
mod ledger;
mod man;
mod pictures;
mod prepare;
mod progress;
mod render;
mod report;
mod revoice;
mod sounds;
mod texture;
mod train;
mod values;
mod wording;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::report::{Failure, Outcome};
use clap::{CommandFactory, Parser};
use std::ffi::OsStr;
use std::process::ExitCode;

fn main() -> ExitCode {
    report::install_bug_hook();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // The options did not parse, so `--json` has to be looked for among the raw arguments.
        Err(e) => {
            return report::usage_error(&e, std::env::args_os().any(|word| word == OsStr::new("--json")));
        }
    };
    let json = cli.global.json;
    let result = std::panic::catch_unwind(|| run(cli)).unwrap_or(Err(Failure::Bug));
    match result {
        Ok(outcome) => outcome.code(),
        Err(failure) => report::failure(&failure, json),
    }
}

fn run(cli: Cli) -> Result<Outcome, Failure> {
    let context = Context::new(&cli.global)?;
    let kept = kept(&cli.command);
    let result = match cli.command {
        Command::Prepare(args) => prepare::run(&args, &context),
        Command::Sounds(args) => sounds::run(&args, &context),
        Command::Train(args) => train::run(&args, &context),
        Command::Import(args) => import::run(&args, &context),
        Command::Render(args) => render::run(&args, &context),
        Command::Revoice(args) => revoice::run(&args, &context),
        Command::Texture(args) => texture::run(&args, &context),
        Command::Credits(args) => credits::run(&args, &context),
        Command::Ledger(args) => ledger::run(&args, &context),
        Command::Eval(args) => eval::run(&args, &context),
        Command::Gallery(args) => gallery::run(&args, &context),
        Command::Inspect(args) => inspect::run(&args, &context),
        Command::Demo(args) => demo::run(&args, &context),
        Command::Doctor(args) => doctor::run(&args, &context),
        Command::Completions(args) => completions::run(&args, Cli::command(), &context),
        Command::Man(args) => man::run(&args, Cli::command(), &context),
    };
    result.map_err(|failure| failure.with_kept(kept))
}

/// Everything that stays when the user ends a command, in a clause.
fn kept(command: &Command) -> &'static str {
    match command {
        Command::Prepare(_) | Command::Sounds(_) | Command::Train(_) => {
            "no incomplete file was left; prepared films are kept, and the same command continues"
        }
        _ => "no incomplete file was left; the same command begins anew",
    }
}
