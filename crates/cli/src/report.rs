//! Results to standard output, errors to standard error (or both to standard output as JSON), and exit codes.

use kinophone::{Error, Kind, Result};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use serde_json::{Value, json};
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

/// Exit code after Ctrl-C: 128 + SIGINT, as shells count.
pub const INTERRUPTED: u8 = 130;

/// Advice after a panic.
const BUG: &str = "this is a bug in kinophone, not your mistake: please report it with the command line and the lines above";

/// The end of a command that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was done.
    Done,
    /// The command ran and found problems: `doctor`, or a gallery with films missing.
    Problems,
    /// Stopped by the user, with usable results.
    Interrupted,
}

impl Outcome {
    /// The process's exit code.
    pub fn code(self) -> ExitCode {
        match self {
            Self::Done => ExitCode::SUCCESS,
            Self::Problems => ExitCode::FAILURE,
            Self::Interrupted => ExitCode::from(INTERRUPTED),
        }
    }
}

/// The reason for which a command failed.
#[derive(Debug)]
pub enum Failure {
    /// The work failed.
    Work(Error),
    /// The options contradict each other in a way that the parser does not check.
    Usage(Error),
    /// The program panicked; the hook has printed where.
    Bug,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error.kind() == Kind::Interrupted && error.advice().is_none() {
            return Self::Work(error.help(
                "no incomplete file was left; prepared films are kept, and the same command continues",
            ));
        }
        Self::Work(error)
    }
}

impl Failure {
    /// Options that do not go together; `help` names the ones to change.
    pub fn usage(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage(Error::new(Kind::Invalid, what).help(help))
    }

    fn code(&self) -> u8 {
        match self {
            Self::Work(e) if e.kind() == Kind::Interrupted => INTERRUPTED,
            Self::Usage(_) => 2,
            Self::Work(_) | Self::Bug => 1,
        }
    }
}

/// Writes results: text for people or JSON for programs.
#[derive(Clone, Copy, Debug)]
pub struct Reporter {
    json: bool,
    quiet: bool,
}

impl Reporter {
    /// A reporter according to `--json` and `--quiet`.
    pub fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// Writes the data that was asked for; `--quiet` does not suppress it. Text brings its own line ends.
    pub fn data(&self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) -> Result<()> {
        if self.json { print(&format!("{}\n", json())) } else { print(&text()) }
    }

    /// Writes the outcome of work whose product is a file; `--quiet` suppresses the text.
    pub fn result(&self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) -> Result<()> {
        if self.quiet && !self.json { Ok(()) } else { self.data(json, text) }
    }
}

/// A path for people and for JSON, with replacement characters where it is not Unicode.
pub fn lossy(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Reports why the command failed, and returns the exit code.
pub fn failure(failure: &Failure, json: bool) -> ExitCode {
    if json {
        let _ = print(&format!("{}\n", json!({ "error": as_json(failure) })));
    } else if let Failure::Work(error) | Failure::Usage(error) = failure {
        let _ = io::stderr().write_all(render(error).as_bytes());
    }
    ExitCode::from(failure.code())
}

/// Prints clap's message: help and version to standard output, errors to standard error.
pub fn usage_error(error: &clap::Error, json: bool) -> ExitCode {
    let code = ExitCode::from(error.exit_code() as u8);
    if json && error.use_stderr() {
        let text = error.to_string();
        let (what, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
        let help = rest.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("; ");
        let what = what.trim_start_matches("error:").split_whitespace().collect::<Vec<_>>().join(" ");
        let error = json!({ "kind": "usage", "what": what, "place": null, "help": help });
        let _ = print(&format!("{}\n", json!({ "error": error })));
    } else {
        let _ = error.print();
    }
    code
}

/// Installs a panic hook that reports a bug: a panic is never the user's mistake.
pub fn install_bug_hook() {
    std::panic::set_hook(Box::new(|info| {
        let _ = writeln!(io::stderr(), "kinophone stopped: {info}\n{BUG}");
    }));
}

/// Writes to standard output. A reader that has gone away (`| head`) is not an error.
fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Error::io("written", "standard output", e)),
        _ => Ok(()),
    }
}

fn as_json(failure: &Failure) -> Value {
    match failure {
        Failure::Bug => json!({ "kind": "bug", "what": "kinophone stopped", "place": null, "help": BUG }),
        Failure::Usage(e) => entry("usage", e),
        Failure::Work(e) => entry(name_of(e.kind()), e),
    }
}

fn entry(kind: &str, error: &Error) -> Value {
    json!({
        "kind": kind,
        "what": error.to_string(),
        "place": error.place().map(lossy),
        "help": error.advice(),
    })
}

/// Stable names for programs that read the JSON.
fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::NotFound => "not-found",
        Kind::WrongKind => "wrong-kind",
        Kind::NoPicture => "no-picture",
        Kind::NoSound => "no-sound",
        Kind::Empty => "empty",
        Kind::Damaged => "damaged",
        Kind::Exists => "exists",
        Kind::Unwritable => "unwritable",
        Kind::DiskFull => "disk-full",
        Kind::Tool => "tool",
        Kind::Stalled => "stalled",
        Kind::Invalid => "invalid",
        Kind::Interrupted => "interrupted",
        Kind::Diverged => "diverged",
        Kind::Io => "io",
    }
}

/// An error as miette draws it: the message and the advice. Causes are left out: where they help, the message
/// names them.
fn render(error: &Error) -> String {
    let terminal = io::stderr().is_terminal();
    let theme = match (terminal, no_color()) {
        (true, false) => GraphicalTheme::unicode(),
        (true, true) => GraphicalTheme::unicode_nocolor(),
        (false, _) => GraphicalTheme::none(),
    };
    let mut text = String::new();
    let drawn = GraphicalReportHandler::new_themed(theme)
        .with_wrap_lines(terminal)
        .render_report(&mut text, &DisplayedError(error));
    if drawn.is_err() { format!("{error}\n") } else { text }
}

/// True where colours are switched off, see <https://no-color.org>.
fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
}

#[derive(Debug)]
struct DisplayedError<'a>(&'a Error);

impl fmt::Display for DisplayedError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for DisplayedError<'_> {}

impl Diagnostic for DisplayedError<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.advice().map(|a| Box::new(a) as _)
    }
}
