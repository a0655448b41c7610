//! The program `kinophone`: options in, library calls, results and errors out. The only crate that prints.

#![forbid(unsafe_code)]

mod args;
mod cache;
mod choice;
mod completions;
mod context;
mod credits;
mod demo;
mod doctor;
mod eval;
mod gallery;
mod import;
mod inspect;
mod man;
mod output;
mod pictures;
mod prepare;
mod progress;
mod render;
mod report;
mod revoice;
mod sounds;
mod texture;
mod train;

use crate::args::{Cli, Command};
use crate::context::Context;
use crate::report::{Failure, Outcome};
use clap::Parser;
use std::ffi::OsStr;
use std::process::ExitCode;

fn main() -> ExitCode {
    report::install_bug_hook();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // The options did not parse, so whether errors are wanted as JSON must be read from the raw words.
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
    match cli.command {
        Command::Prepare(args) => prepare::run(&args, &context),
        Command::Sounds(args) => sounds::run(&args, &context),
        Command::Train(args) => train::run(&args, &context),
        Command::Import(args) => import::run(&args, &context),
        Command::Render(args) => render::run(&args, &context),
        Command::Revoice(args) => revoice::run(&args, &context),
        Command::Texture(args) => texture::run(&args, &context),
        Command::Credits(args) => credits::run(&args, &context),
        Command::Eval(args) => eval::run(&args, &context),
        Command::Gallery(args) => gallery::run(&args, &context),
        Command::Inspect(args) => inspect::run(&args, &context),
        Command::Demo(args) => demo::run(&args, &context),
        Command::Doctor(args) => doctor::run(&args, &context),
        Command::Completions(args) => completions::run(&args, &context),
        Command::Man(args) => man::run(&args, &context),
    }
}
