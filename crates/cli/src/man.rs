//! `kinophone man`: the manual pages, made from the same definition as the help.

use crate::context::Context;
use crate::report::{self, Failure, Outcome};
use clap::Args;
use kinophone::storage::{MissingFolders, Overwrite, write_atomically};
use kinophone::wording::count;
use kinophone::{Error, Result};
use serde_json::json;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  Read the manual:
    kinophone man | man -l -

  Install the pages of all commands for this user:
    kinophone man -o ~/.local/share/man/man1";

/// Options of `man`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct ManArgs {
    /// Write the pages of all commands into this folder, created if missing, instead of printing the main one
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Prints the main page of `program`, or writes all of them.
pub fn run(args: &ManArgs, program: clap::Command, context: &Context) -> Result<Outcome, Failure> {
    let pages = pages(program)?;
    match &args.output {
        Some(folder) => write(&pages, folder, context)?,
        None => {
            let text = &pages[0].text;
            context.report.data(|| json!({ "page": pages[0].name, "text": text }), || text.clone())?;
        }
    }
    Ok(Outcome::Done)
}

/// A manual page and its file name.
struct Page {
    name: String,
    text: String,
}

/// The main page first, then one per command.
fn pages(program: clap::Command) -> Result<Vec<Page>> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    with_subcommands(&program).into_iter().map(page).collect()
}

/// The command itself, its commands, and theirs.
fn with_subcommands(command: &clap::Command) -> Vec<&clap::Command> {
    let inner = command.get_subcommands().flat_map(with_subcommands);
    std::iter::once(command).chain(inner).collect()
}

fn page(command: &clap::Command) -> Result<Page> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut text = Vec::new();
    clap_mangen::Man::new(command.clone())
        .title(name.to_uppercase())
        .render(&mut text)
        .map_err(|e| Error::io("written", &name, e))?;
    Ok(Page { name: format!("{name}.1"), text: String::from_utf8_lossy(&text).into_owned() })
}

fn write(pages: &[Page], folder: &Path, context: &Context) -> Result<()> {
    let _made = MissingFolders::note(folder);
    std::fs::create_dir_all(folder).map_err(|e| Error::io("created", folder, e))?;
    let mut files = Vec::new();
    for page in pages {
        let file = folder.join(&page.name);
        // Pages are made from the program itself; older ones of the same name are what is to be replaced.
        write_atomically(&file, Overwrite::Replace, page.text.as_bytes())?;
        files.push(file);
    }
    context.report.result(
        || json!({ "files": files.iter().map(|f| report::lossy(f)).collect::<Vec<_>>() }),
        || format!("{} in {}\n", count(files.len(), "manual pages"), folder.display()),
    )
}
