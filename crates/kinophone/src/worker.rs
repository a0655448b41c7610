//! Worker threads whose errors and panics reach the thread that started them.

use crate::error::reason;
use crate::{Error, Kind, Result};
use std::any::Any;
use std::thread::JoinHandle;

/// A thread with a result that somebody has to ask for.
#[must_use = "a worker that nobody joins fails unnoticed"]
pub(crate) struct Worker<T> {
    name: &'static str,
    /// `None` once it was joined.
    thread: Option<JoinHandle<Result<T>>>,
}

impl<T: Send + 'static> Worker<T> {
    /// Starts `work` on a thread of its own; `name` completes "the … thread" in errors.
    pub(crate) fn spawn(
        name: &'static str,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<Self> {
        #[cfg(test)]
        let doomed = tests::is_doomed(name);
        let body = move || {
            #[cfg(test)]
            assert!(!doomed, "killed by a test");
            work()
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(body).map_err(|e| {
            Error::new(Kind::Io, format!("the {name} thread could not be started: {}", reason(&e)))
                .help("close other programs, or raise the limit of processes (ulimit -u)")
        })?;
        Ok(Self { name, thread: Some(thread) })
    }

    /// Waits for the end of the thread. A panic becomes an error, and so does a second call.
    pub(crate) fn join(&mut self) -> Result<T> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(panic)) => Err(died(self.name, &*panic)),
            None => Err(died(self.name, &())),
        }
    }

    /// The error of a thread that ended before its time.
    pub(crate) fn failure(&mut self) -> Error {
        self.join().err().unwrap_or_else(|| died(self.name, &()))
    }
}

/// The error of a thread that panicked.
pub(crate) fn died(name: &str, panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    let cause = text.map_or(String::new(), |text| format!(": {text}"));
    Error::new(Kind::Tool, format!("the {name} thread ended unexpectedly{cause}"))
        .help("this is a defect of Kinophone: please report it with the command that you ran")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static DOOMED: Cell<Option<&'static str>> = const { Cell::new(None) };
    }

    /// Runs `test`; workers of this name that it starts on its own thread die at once.
    pub(crate) fn killing<T>(name: &'static str, test: impl FnOnce() -> T) -> T {
        DOOMED.set(Some(name));
        let result = test();
        DOOMED.set(None);
        result
    }

    pub(super) fn is_doomed(name: &str) -> bool {
        DOOMED.get() == Some(name)
    }

    #[test]
    fn results_errors_and_panics_arrive() {
        assert_eq!(Worker::spawn("adding", || Ok(2 + 3)).unwrap().join().unwrap(), 5);
        let mut failing = Worker::<()>::spawn("failing", || Err(Error::interrupted())).unwrap();
        assert_eq!(failing.join().unwrap_err().kind(), Kind::Interrupted);
        let mut dying = Worker::<()>::spawn("dying", || panic!("no {}", "more")).unwrap();
        assert_eq!(dying.join().unwrap_err().to_string(), "the dying thread ended unexpectedly: no more");
        assert_eq!(dying.failure().to_string(), "the dying thread ended unexpectedly");
        let killed = killing("killed", || Worker::spawn("killed", || Ok(1)).unwrap().join());
        assert!(killed.unwrap_err().to_string().contains("killed by a test"));
    }
}
