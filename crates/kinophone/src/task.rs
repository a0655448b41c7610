//! Progress and cancellation of long jobs. The library never prints.

use crate::{Error, Result};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Receives the progress of a job. Calls come often and from any thread: keep them cheap.
pub trait Watcher: Send + Sync {
    /// Begins a stage, such as "reading film.mp4". `unit` names what [`Watcher::advance`] counts ("pictures",
    /// "epochs", "ticks"); `total` is `None` where it is unknown.
    fn stage(&self, name: &str, unit: &'static str, total: Option<u64>);
    /// Sets the number of units of the stage that are done by now (not an increment).
    fn advance(&self, done: u64);
    /// Sets a short figure to show beside the progress, such as "loss 0.0123".
    fn figure(&self, text: &str);
    /// Reports a fact worth a line.
    fn say(&self, text: &str);
    /// Reports something that the user should know and may want to change.
    fn warn(&self, text: &str);
}

/// Ignores everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Watcher for Quiet {
    fn stage(&self, _: &str, _: &'static str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn figure(&self, _: &str) {}
    fn say(&self, _: &str) {}
    fn warn(&self, _: &str) {}
}

/// A flag that asks every job holding a copy to stop at its next safe point.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Requests the stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// True once a stop was requested.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// `Err(Kind::Interrupted)` once a stop was requested.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::interrupted()) } else { Ok(()) }
    }
}

/// The progress display and the cancellation of a long job.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// Receives the progress.
    pub watcher: &'a dyn Watcher,
    /// Requests the stop.
    pub cancel: &'a Cancel,
}

impl Task<'_> {
    /// Says what is not as it should be of a file that is used all the same: the first thing, and how many others there are.
    pub(crate) fn warn_of(&self, file: &Path, complaints: &[String]) {
        if let Some(complaint) = gist(complaints) {
            let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
            self.watcher.warn(&format!("{name} is not as it should be, what is there is used: {complaint}"));
        }
    }
}

/// The first of several complaints, and how many others there are.
pub(crate) fn gist(complaints: &[String]) -> Option<String> {
    let (first, others) = complaints.split_first()?;
    Some(if others.is_empty() { first.clone() } else { format!("{first} (and {} more)", others.len()) })
}
