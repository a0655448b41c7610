//! The offer to open a page in the desktop's browser. Nothing opens without a yes.

#![allow(clippy::disallowed_methods, reason = "starts the desktop's opener of pages")]

use std::env;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Asks whether to open `page`, and opens it after a yes. Does nothing where nobody can answer or no desktop is there.
pub fn offer(page: &Path) {
    let answers = io::stdin().is_terminal() && io::stdout().is_terminal() && io::stderr().is_terminal();
    let Some(opener) = opener().filter(|_| answers) else { return };
    if asked(&mut io::stdin().lock(), &mut io::stderr())
        && let Err(e) = open(&opener, page)
    {
        let _ = writeln!(io::stderr(), "{} did not start: {e}", opener.display());
    }
}

/// The program that opens files as the desktop does.
fn opener() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    if cfg!(target_os = "macos") {
        on_path("open")
    } else if cfg!(unix) && (set("DISPLAY") || set("WAYLAND_DISPLAY")) {
        on_path("xdg-open")
    } else {
        None
    }
}

fn on_path(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Asks, and takes nothing but a yes for one.
fn asked(from: &mut impl BufRead, to: &mut impl Write) -> bool {
    let question = write!(to, "\nOpen the report in your browser? [y/N] ").and_then(|()| to.flush());
    let mut answer = String::new();
    question.is_ok()
        && from.read_line(&mut answer).is_ok()
        && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}

/// Starts the opener and leaves it alone: some wait until the browser is closed.
fn open(opener: &Path, page: &Path) -> io::Result<()> {
    // A full path can't be taken for an option.
    let page = std::path::absolute(page)?;
    let mut command = Command::new(opener);
    command.arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_a_yes() {
        for (answer, yes) in [
            ("y\n", true),
            ("Yes\r\n", true),
            ("\n", false),
            ("", false),
            ("n\n", false),
            ("yellow\n", false),
        ] {
            let mut said = Vec::new();
            assert_eq!(asked(&mut answer.as_bytes(), &mut said), yes, "{answer:?}");
            assert!(String::from_utf8(said).unwrap().ends_with("[y/N] "));
        }
    }
}
