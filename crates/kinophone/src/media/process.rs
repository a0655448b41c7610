//! One running ffmpeg or ffprobe: the only place that spawns.
//!
//! Every child gets no terminal (`stdin` is ours or nothing), its own process group, so that a Ctrl-C in the
//! terminal reaches us and not it (it would end its file early and call that success), a thread that drains
//! its complaints into bounded memory, and a watchdog that ends it when it neither delivers nor takes
//! anything for the stall limit. It never outlives its [`Process`].

#![allow(clippy::disallowed_methods, reason = "the one place that starts ffmpeg")]

use crate::error::reason;
use crate::media::complaints::Complaints;
pub(crate) use crate::media::outcome::{Ending, Outcome};
use crate::{Error, Kind, Result};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// A program to run, with its arguments and limits.
pub(crate) struct Launch<'a> {
    pub(crate) program: &'a Path,
    pub(crate) args: Vec<OsString>,
    /// True where we write to its standard input; otherwise it has none.
    pub(crate) input: bool,
    /// Longest time for which it may deliver or take nothing.
    pub(crate) stall: Duration,
    /// A file that it writes: growth of that file counts as progress too.
    pub(crate) grows: Option<PathBuf>,
}

/// Lines of standard error that are kept from the beginning: room for the complaints about a film with many faults.
const KEPT_LINES: usize = 400;

/// A running child. Dropping it ends the child.
pub(crate) struct Process {
    shared: Arc<Shared>,
    program: PathBuf,
    complaints: Arc<Mutex<Complaints>>,
    drained: mpsc::Receiver<()>,
}

struct Shared {
    child: Mutex<Running>,
    watch: Mutex<Watch>,
    changed: Condvar,
    limit: Duration,
    grows: Option<PathBuf>,
}

struct Running {
    child: Child,
    /// Once the child was waited for, its number may belong to somebody else.
    reaped: bool,
}

#[derive(Default)]
struct Watch {
    /// Time at which the child is ended unless the call that waits for it returns; `None` while nobody waits.
    deadline: Option<Instant>,
    grown: Option<(u64, SystemTime)>,
    fired: bool,
    over: bool,
}

impl Process {
    /// Starts the child; gives it and our ends of its pipes.
    pub(crate) fn start(
        launch: Launch<'_>,
    ) -> Result<(Self, Option<Guarded<ChildStdin>>, Guarded<ChildStdout>)> {
        Self::start_keeping(launch, KEPT_LINES)
    }

    /// Does the same, and keeps so many lines from the beginning of its standard error.
    fn start_keeping(
        launch: Launch<'_>,
        lines: usize,
    ) -> Result<(Self, Option<Guarded<ChildStdin>>, Guarded<ChildStdout>)> {
        let mut command = Command::new(launch.program);
        command.args(&launch.args).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.stdin(if launch.input { Stdio::piped() } else { Stdio::null() });
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|e| unstartable(launch.program, e))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (stdin, Some(stdout), Some(stderr)) = pipes else {
            return Err(Error::new(Kind::Tool, "could not be connected to")
                .at(launch.program)
                .help("close other programs, and try again"));
        };
        let shared = Arc::new(Shared {
            child: Mutex::new(Running { child, reaped: false }),
            watch: Mutex::default(),
            changed: Condvar::new(),
            limit: launch.stall,
            grows: launch.grows,
        });
        let (complaints, drained) = drain(stderr, lines);
        let dog = Arc::clone(&shared);
        thread::spawn(move || dog.guard());
        let guarded = stdin.map(|pipe| Guarded { pipe, shared: Arc::clone(&shared) });
        let stdout = Guarded { pipe: stdout, shared: Arc::clone(&shared) };
        Ok((Self { shared, program: launch.program.to_owned(), complaints, drained }, guarded, stdout))
    }

    /// Its complaints so far.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let lines = lock(&self.complaints).lines();
        Outcome { ending: Ending::Success, lines, written: None }.complaints()
    }

    /// Waits for the end of the child, whose pipes must have been read or dropped. Calling it again gives the
    /// same.
    pub(crate) fn wait(&mut self) -> Result<Outcome> {
        self.shared.arm();
        let status = self.shared.await_exit();
        self.shared.disarm();
        let status = status.map_err(|e| Error::io("waited for", &self.program, e))?;
        // A grandchild may hold the pipe open for ever: take what has arrived.
        let _ = self.drained.recv_timeout(Duration::from_secs(1));
        let ending = match (lock(&self.shared.watch).fired, status.code(), signal_of(status)) {
            (true, ..) => Ending::Stalled(self.shared.limit),
            (_, Some(0), _) => Ending::Success,
            (_, Some(code), _) => Ending::Failed(code),
            (_, None, signal) => Ending::Crashed(signal.unwrap_or(-1)),
        };
        Ok(Outcome { ending, lines: lock(&self.complaints).lines(), written: self.shared.grows.clone() })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        lock(&self.shared.watch).over = true;
        self.shared.changed.notify_all();
        self.shared.kill();
        let mut running = lock(&self.shared.child);
        if !running.reaped {
            running.reaped = true;
            let _ = running.child.wait();
        }
    }
}

impl Shared {
    fn arm(&self) {
        let mut watch = lock(&self.watch);
        watch.grown = self.growth();
        watch.deadline = Instant::now().checked_add(self.limit);
    }

    fn disarm(&self) {
        lock(&self.watch).deadline = None;
    }

    /// The watchdog. It looks a few times per limit instead of being woken for every read: a stall is found
    /// at most a quarter of the limit late.
    fn guard(&self) {
        let nap = (self.limit / 4).clamp(Duration::from_millis(5), Duration::from_secs(1));
        let mut watch = lock(&self.watch);
        while !watch.over && !watch.fired {
            watch = self.changed.wait_timeout(watch, nap).unwrap_or_else(PoisonError::into_inner).0;
            if watch.deadline.is_none_or(|deadline| Instant::now() < deadline) {
                continue;
            }
            let grown = self.growth();
            if grown != watch.grown {
                watch.grown = grown;
                watch.deadline = Instant::now().checked_add(self.limit);
            } else if !watch.over {
                watch.fired = true;
                self.kill();
            }
        }
    }

    fn growth(&self) -> Option<(u64, SystemTime)> {
        let facts = std::fs::metadata(self.grows.as_ref()?).ok()?;
        Some((facts.len(), facts.modified().ok()?))
    }

    fn kill(&self) {
        let mut running = lock(&self.child);
        if running.reaped {
            return;
        }
        // The whole group: a wrapper script's own child would otherwise live on and hold our pipes open.
        #[cfg(unix)]
        {
            let group = rustix::process::Pid::from_child(&running.child);
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = running.child.kill();
    }

    fn await_exit(&self) -> io::Result<ExitStatus> {
        let mut nap = Duration::from_micros(200);
        loop {
            {
                let mut running = lock(&self.child);
                if let Some(status) = running.child.try_wait()? {
                    running.reaped = true;
                    return Ok(status);
                }
            }
            thread::sleep(nap);
            nap = (nap * 2).min(Duration::from_millis(20));
        }
    }
}

/// A pipe to or from a child; each call on it runs under the watchdog.
pub(crate) struct Guarded<P> {
    pipe: P,
    shared: Arc<Shared>,
}

impl<P> Guarded<P> {
    fn watched<T>(&mut self, call: impl FnOnce(&mut P) -> T) -> T {
        self.shared.arm();
        let result = call(&mut self.pipe);
        self.shared.disarm();
        result
    }
}

impl<P: Read> Read for Guarded<P> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.watched(|pipe| pipe.read(out))
    }
}

impl<P: Write> Write for Guarded<P> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.watched(|pipe| pipe.write(bytes))
    }
    fn flush(&mut self) -> io::Result<()> {
        self.watched(Write::flush)
    }
}

/// Runs a child to its end and gives its standard output, of which at most `most` bytes are kept.
pub(crate) fn run(
    program: &Path,
    args: Vec<OsString>,
    stall: Duration,
    most: u64,
) -> Result<(Vec<u8>, Outcome)> {
    let (mut process, _, mut stdout) =
        Process::start(Launch { program, args, input: false, stall, grows: None })?;
    let mut output = Vec::new();
    (&mut stdout).take(most).read_to_end(&mut output).map_err(|e| Error::io("read from", program, e))?;
    // What is beyond the limit is thrown away, so that the child does not wait for us for ever.
    io::copy(&mut stdout, &mut io::sink()).map_err(|e| Error::io("read from", program, e))?;
    Ok((output, process.wait()?))
}

/// Runs a child for what it says on standard error, of which the first `lines` are kept.
pub(crate) fn listen(program: &Path, args: Vec<OsString>, stall: Duration, lines: usize) -> Result<Outcome> {
    let launch = Launch { program, args, input: false, stall, grows: None };
    let (mut process, _, mut stdout) = Process::start_keeping(launch, lines)?;
    io::copy(&mut stdout, &mut io::sink()).map_err(|e| Error::io("read from", program, e))?;
    process.wait()
}

fn drain(
    mut stderr: impl Read + Send + 'static,
    lines: usize,
) -> (Arc<Mutex<Complaints>>, mpsc::Receiver<()>) {
    let complaints = Arc::new(Mutex::new(Complaints::keeping(lines)));
    let (done, drained) = mpsc::channel();
    let kept = Arc::clone(&complaints);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = stderr.read(&mut buffer) {
            lock(&kept).take(&buffer[..n]);
        }
        lock(&kept).end_line();
        let _ = done.send(());
    });
    (complaints, drained)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves these plain values usable.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unstartable(program: &Path, cause: io::Error) -> Error {
    let help = match cause.kind() {
        io::ErrorKind::ArgumentListTooLong => {
            "the command line for it is too long: give the files shorter names or a shorter path"
        }
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::ExecutableFileBusy => {
            "name a working ffmpeg with --ffmpeg or in KINOPHONE_FFMPEG"
        }
        // No room for another process, file or page: the program itself is all right.
        _ => {
            "close other programs or raise the limits of this shell (ulimit -u, ulimit -n), and try again; `kinophone doctor` checks ffmpeg"
        }
    };
    Error::new(Kind::Tool, format!("could not be started: {}", reason(&cause)))
        .at(program)
        .help(help)
        .because(cause)
}

fn signal_of(status: ExitStatus) -> Option<i32> {
    #[cfg(unix)]
    return std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    return status.code();
}
