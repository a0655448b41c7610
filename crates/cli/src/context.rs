//! The surroundings of every command: reporter, progress display, cancellation, ffmpeg.

use crate::args::GlobalArgs;
use crate::progress::Progress;
use crate::report::{INTERRUPTED, Reporter};
use kinophone::media::{Ffmpeg, folder_for_film};
use kinophone::task::{Cancel, Task, Watcher};
use kinophone::{Error, Kind, Result};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The surroundings of every command.
pub struct Context {
    /// Writes the results.
    pub report: Reporter,
    progress: Progress,
    cancel: Cancel,
    ffmpeg: Option<PathBuf>,
}

impl Context {
    /// Creates the context; from here on Ctrl-C stops the work.
    pub fn new(global: &GlobalArgs) -> Result<Self> {
        let cancel = Cancel::default();
        stop_on_signal(cancel.clone())?;
        #[cfg(unix)]
        fail_beyond_file_size()?;
        Ok(Self {
            report: Reporter::new(global.json, global.quiet),
            progress: Progress::new(global.quiet),
            cancel,
            ffmpeg: global.ffmpeg.clone(),
        })
    }

    /// The progress display and the cancellation, as the library's long jobs take them.
    pub fn task(&self) -> Task<'_> {
        Task { watcher: &self.progress, cancel: &self.cancel }
    }

    /// Finds ffmpeg. Called as late as possible: what can be refused without ffmpeg is refused without it.
    pub fn ffmpeg(&self) -> Result<Ffmpeg> {
        Ffmpeg::locate(self.ffmpeg.as_deref())
    }

    /// Shows a fact on a line of its own.
    pub fn note(&self, text: &str) {
        self.progress.say(text);
    }

    /// Shows a warning.
    pub fn warn(&self, text: &str) {
        self.progress.warn(text);
    }

    /// Ends the progress display, so that results stand below it.
    pub fn end_progress(&self) {
        self.progress.end();
    }
}

/// The first signal asks the work to stop where its files are whole; the second one ends the process at once.
#[allow(
    clippy::disallowed_methods,
    reason = "a second signal ends the process while the work is still running"
)]
fn stop_on_signal(cancel: Cancel) -> Result<()> {
    ctrlc::set_handler(move || {
        if cancel.is_cancelled() {
            std::process::exit(i32::from(INTERRUPTED));
        }
        cancel.cancel();
        let _ = writeln!(
            std::io::stderr(),
            "\nstopping at the next safe point; press Ctrl-C again to stop at once"
        );
    })
    .map_err(no_signals)
}

/// Where a limit (`ulimit -f`) ends a file, the write is to fail, which is told and leaves nothing behind; unless somebody takes
/// the signal, it ends the process first.
#[cfg(unix)]
fn fail_beyond_file_size() -> Result<()> {
    let ignored = std::sync::Arc::default();
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, ignored).map(|_| ()).map_err(no_signals)
}

fn no_signals(why: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(Kind::Io, "signals can't be handled")
        .help("close other programs, or raise the limits of this shell (ulimit -a), and try again")
        .because(why)
}

/// Fails on the first of `films` that can't be a film, before hours of work on those before it.
pub fn check_films(films: &[PathBuf]) -> Result<()> {
    films.iter().try_for_each(|film| match metadata(film)?.is_dir() {
        true => Err(folder_for_film(film)),
        false => Ok(()),
    })
}

/// The metadata of a path; fails where nothing exists under that name.
pub fn metadata(path: &Path) -> Result<std::fs::Metadata> {
    std::fs::metadata(path).map_err(|e| Error::io("read", path, e))
}
