//! What every command works with: whom to tell, whether to stop, which ffmpeg.

use crate::args::Global;
use crate::progress::Progress;
use crate::report::Reporter;
use kinophone::media::Ffmpeg;
use kinophone::task::{Cancel, Task, Watcher};
use kinophone::{Error, Kind, Result};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Exit code after Ctrl-C: 128 + SIGINT, as shells count.
pub const INTERRUPTED: u8 = 130;

/// What every command works with.
pub struct Context {
    /// Takes results.
    pub report: Reporter,
    progress: Progress,
    cancel: Cancel,
    ffmpeg: Option<PathBuf>,
}

impl Context {
    /// Listens to Ctrl-C from here on.
    pub fn new(global: &Global) -> Result<Self> {
        let cancel = Cancel::default();
        stop_on_signal(cancel.clone())?;
        Ok(Self {
            report: Reporter::new(global.json, global.quiet),
            progress: Progress::new(global.quiet),
            cancel,
            ffmpeg: global.ffmpeg.clone(),
        })
    }

    /// What the library's long jobs are handed.
    pub fn task(&self) -> Task<'_> {
        Task { watcher: &self.progress, cancel: &self.cancel }
    }

    /// Finds ffmpeg, as late as possible: what can be refused without it needs no ffmpeg.
    pub fn ffmpeg(&self) -> Result<Ffmpeg> {
        Ffmpeg::locate(self.ffmpeg.as_deref())
    }

    /// A fact worth a line.
    pub fn say(&self, text: &str) {
        self.progress.say(text);
    }

    /// Something that the person should know.
    pub fn warn(&self, text: &str) {
        self.progress.warn(text);
    }

    /// Ends the progress display, so that results stand below it.
    pub fn end_progress(&self) {
        self.progress.end();
    }
}

/// The first signal asks the work to stop where its files are whole; the second one ends the process at once.
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
    .map_err(|e| Error::new(Kind::Io, format!("signals can't be received: {e}")).because(e))
}

/// Fails on the first of `films` that can't be one, before hours of work on those ahead of it.
pub fn check_films(films: &[PathBuf]) -> Result<()> {
    films.iter().try_for_each(|film| match existing(film)?.is_dir() {
        true => Err(Error::new(Kind::WrongKind, "is a folder, not a film")
            .at(film)
            .help("name the films inside it, such as FOLDER/*.mp4")),
        false => Ok(()),
    })
}

/// What is there under that name.
pub fn existing(path: &Path) -> Result<std::fs::Metadata> {
    std::fs::metadata(path).map_err(|e| Error::io("read", path, e))
}
