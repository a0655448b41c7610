//! Results to standard output, errors to standard error (or both to standard output as JSON), and exit codes.

use crate::wording::{visible, visible_line};
use kinophone::soundtrack::Soundtrack;
use kinophone::{Error, Kind, Result};
use serde_json::{Value, json};
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
        Self::Work(error)
    }
}

impl Failure {
    /// Options that do not go together; `help` names the ones to change.
    pub fn usage(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage(Error::new(Kind::Invalid, what).help(help))
    }

    /// Adds what was kept to the error of a command that the user ended, where it did not say so itself.
    pub fn with_kept(self, kept: &str) -> Self {
        match self {
            Self::Work(error) if error.kind() == Kind::Interrupted && error.advice().is_none() => {
                Self::Work(error.help(kept))
            }
            other => other,
        }
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
        if self.json { print(&format!("{}\n", json())) } else { print(&visible(&text())) }
    }

    /// Writes a file's text that was asked for, to the letter where it goes into a file; a terminal gets nothing that it would obey.
    pub fn file(&self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) -> Result<()> {
        match self.json || io::stdout().is_terminal() {
            true => self.data(json, text),
            false => print(&text()),
        }
    }

    /// Writes the outcome of work whose product is a file; `--quiet` suppresses the text.
    pub fn result(&self, json: impl FnOnce() -> Value, text: impl FnOnce() -> String) -> Result<()> {
        if self.quiet && !self.json {
            return Ok(());
        }
        self.data(json, text).map_err(|e| match is_closed(&e) {
            true => Error::new(Kind::Io, "standard output was closed before the result was told")
                .help("the work is done, and its files are whole"),
            false => e,
        })
    }
}

/// A path for people and for JSON, with replacement characters where it is not Unicode.
pub fn lossy(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A soundtrack as data, with the fields of `own` behind those that all soundtracks have.
pub fn of_soundtrack(soundtrack: &Soundtrack, own: Value) -> Value {
    let mut data = json!({
        "output": lossy(&soundtrack.path),
        "seconds": soundtrack.seconds,
        "rate": soundtrack.rate,
        "channels": soundtrack.channels,
        "codec": soundtrack.codec,
        "loudness_before": soundtrack.loudness_before,
        "gain_db": soundtrack.gain_db,
        "complaints": soundtrack.complaints,
    });
    append(&mut data, own);
    data
}

/// Appends the fields of one JSON object to another.
pub fn append(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

/// A path for people, on one line whatever is in it.
pub fn shown(path: &Path) -> String {
    visible_line(&path.to_string_lossy())
}

/// Reports why the command failed, and returns the exit code.
pub fn failure(failure: &Failure, json: bool) -> ExitCode {
    if matches!(failure, Failure::Work(error) if is_closed(error)) {
        // Whoever has read enough of the data (`| head`) wants no message; but not all of it was delivered.
    } else if json {
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
    } else if error.use_stderr()
        && std::env::args_os().any(|word| word != *visible_line(&word.to_string_lossy()))
    {
        let _ = io::stderr().write_all(visible(&error.to_string()).as_bytes());
    } else if error.print().is_err() {
        // Help that was not delivered whole.
        return ExitCode::FAILURE;
    }
    code
}

/// Installs a panic hook that reports a bug: a panic is never the user's mistake.
pub fn install_bug_hook() {
    std::panic::set_hook(Box::new(|info| {
        let _ = writeln!(io::stderr(), "kinophone stopped: {info}\n{BUG}");
    }));
}

/// Writes to standard output.
fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|e| Error::io("written", "standard output", e))
}

/// True for the error of a standard output whose reader has gone away.
fn is_closed(error: &Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
        && error.place() == Some(Path::new("standard output"))
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

/// The message and, indented below it, the advice. Causes are left out: where they help, the message has them.
fn render(error: &Error) -> String {
    let terminal = io::stderr().is_terminal();
    let (red, cyan, off) =
        if terminal && !no_color() { ("\x1b[31m", "\x1b[36m", "\x1b[0m") } else { ("", "", "") };
    let mark = if terminal { "×" } else { "x" };
    let advice = error
        .advice()
        .map_or(String::new(), |advice| format!("  {cyan}help:{off} {}\n", visible_line(advice)));
    format!("  {red}{mark}{off} {}\n{advice}", visible_line(&error.to_string()))
}

/// True where colours are switched off, see <https://no-color.org>.
fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
}
