//! What a long job tells the outside, and how it is asked to stop. The library never prints.

use crate::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Receives the progress of a job. Calls come often and from any thread: keep them cheap.
pub trait Watcher: Send + Sync {
    /// A stage begins, such as "reading film.mp4". `unit` names what [`Watcher::advance`] counts ("pictures", "epochs",
    /// "ticks"); `total` is `None` where nobody can know.
    fn stage(&self, name: &str, unit: &'static str, total: Option<u64>);
    /// How many units of the stage are done by now (not an increment).
    fn advance(&self, done: u64);
    /// A short figure to show beside the progress, such as "loss 0.0123".
    fn figure(&self, text: &str);
    /// A fact worth a line.
    fn say(&self, text: &str);
    /// Something that the person should know and may want to change.
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
    /// Asks for the stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether a stop was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// `Err(Kind::Interrupted)` once a stop was asked for.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::interrupted()) } else { Ok(()) }
    }
}

/// What every long job is handed: whom to tell, and whether to stop.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// Whom to tell.
    pub watcher: &'a dyn Watcher,
    /// Whether to stop.
    pub cancel: &'a Cancel,
}
