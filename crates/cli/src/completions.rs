//! `kinophone completions`: a script that completes commands and options in a shell.

use crate::context::Context;
use crate::report::{Failure, Outcome};
use clap::Args;
use clap_complete::Shell;
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  bash, for this user:
    kinophone completions bash > ~/.local/share/bash-completion/completions/kinophone

  zsh, into a folder of $fpath:
    kinophone completions zsh > ~/.zfunc/_kinophone

  fish:
    kinophone completions fish > ~/.config/fish/completions/kinophone.fish";

/// Options of `completions`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// Prints the script for `program`.
pub fn run(
    args: &CompletionsArgs,
    mut program: clap::Command,
    context: &Context,
) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, "kinophone", &mut script);
    let script = String::from_utf8_lossy(&script);
    context
        .report
        .data(|| json!({ "shell": args.shell.to_string(), "script": script }), || script.to_string())?;
    Ok(Outcome::Done)
}
