//! The end of a child, and the error that this is.

use crate::storage;
use crate::{Error, Kind};
use std::path::PathBuf;
use std::time::Duration;

/// The end of a child.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) ending: Ending,
    /// The lines of its standard error as they came; the middle is missing where there were very many.
    pub(crate) lines: Vec<String>,
    /// The file that it wrote, if it wrote one.
    pub(crate) written: Option<PathBuf>,
}

/// See [`Outcome`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Success,
    /// With its exit code.
    Failed(i32),
    /// By a signal that we did not send.
    Crashed(i32),
    /// Ended by the watchdog after so long.
    Stalled(Duration),
}

/// Words in which ffmpeg says that it could not write, in all versions since 4.4. After the last of a file's packets it says so
/// and returns 0.
const UNWRITTEN: [&str; 5] = [
    "av_interleaved_write_frame(): ",
    "Error muxing a packet",
    "Error submitting a packet to the muxer",
    "Error writing trailer",
    "Error closing file",
];

/// Reasons that lie with the disk, not with what is written.
const REFUSED: [&str; 6] = [
    "Input/output error",
    "File too large",
    "Permission denied",
    "Read-only file system",
    "Too many open files",
    "Stale file handle",
];

/// Its words for a disk without room.
const FULL: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

impl Outcome {
    /// Its complaints, for people: without the program's internals, and at most eight lines.
    pub(crate) fn complaints(&self) -> Vec<String> {
        const SHOWN: usize = 8;
        const EMPTY_WORDS: [&str; 5] = [
            "Conversion failed!",
            "At least one output file",
            "Exiting normally",
            // Times that we lay on the clock ourselves.
            "nut: Application provided invalid, non monotonically",
            "null: Application provided invalid, non monotonically",
        ];
        let mut said: Vec<String> = Vec::new();
        for line in self.lines.iter().map(|line| tidy(line)) {
            if !EMPTY_WORDS.iter().any(|w| line.starts_with(w)) && !said.contains(&line) {
                said.push(line);
            }
        }
        let surplus = said.len().saturating_sub(SHOWN);
        if surplus > 0 {
            said.splice(SHOWN / 2..SHOWN / 2 + surplus, [format!("… {surplus} other complaints …")]);
        }
        said
    }

    /// The error that this ending is, or `None` after success. `doing` completes "ffmpeg failed while …". Where the disk did not
    /// take a file, the error names that file's folder.
    pub(crate) fn error(&self, doing: &str) -> Option<Error> {
        const HELP: &str = "`kinophone doctor` checks ffmpeg, and `kinophone inspect` the film";
        const CRASHED: &str = "`kinophone doctor` checks ffmpeg; another version of it may do better";
        if let Some(error) = self.refused_by_disk() {
            return Some(error);
        }
        let reason = self.complaints().last().map(|line| format!(": {line}")).unwrap_or_default();
        let (kind, what, help) = match self.ending {
            Ending::Success if self.unwritten().is_none() => return None,
            Ending::Success => (Kind::Tool, format!("made ffmpeg fail while {doing}{reason}"), HELP),
            Ending::Failed(code) => {
                (Kind::Tool, format!("made ffmpeg fail (exit code {code}) while {doing}{reason}"), HELP)
            }
            Ending::Crashed(signal) => {
                (Kind::Tool, format!("made ffmpeg crash (signal {signal}) while {doing}{reason}"), CRASHED)
            }
            Ending::Stalled(limit) => (
                Kind::Stalled,
                format!(
                    "made ffmpeg hang: nothing moved for {} s while {doing}, so it was stopped",
                    secs(limit)
                ),
                "is the disk or network folder still there? try again when it is",
            ),
        };
        Some(Error::new(kind, what).help(help))
    }

    /// The line in which ffmpeg said that its file is not whole. Its exit code does not tell.
    fn unwritten(&self) -> Option<&String> {
        let is_unwritten = |line: &&String| UNWRITTEN.iter().any(|words| line.contains(words));
        self.written.as_ref().and_then(|_| self.lines.iter().find(is_unwritten))
    }

    fn refused_by_disk(&self) -> Option<Error> {
        let written = self.written.as_ref()?;
        let error = if self.lines.iter().any(|line| FULL.iter().any(|words| line.contains(words))) {
            Error::new(Kind::DiskFull, "could not be written: the disk is full")
                .help("free some space or choose another disk; no incomplete file was left behind")
        } else {
            let line = self.unwritten()?;
            let reason = REFUSED.iter().find(|reason| line.contains(*reason))?;
            Error::new(Kind::Unwritable, format!("could not be written: {reason}"))
                .help("check the disk, or choose another; no incomplete file was left behind")
        };
        Some(error.at(storage::folder_of(written)))
    }
}

/// "[h264 @ 0x55d0] [dec @ 0x1] no frame!" becomes "dec: no frame!": addresses change from run to run.
fn tidy(line: &str) -> String {
    let (mut rest, mut speaker) = (line.trim(), "");
    while let Some((tag, after)) = rest.strip_prefix('[').and_then(|r| r.split_once("] ")) {
        let Some((name, _)) = tag.split_once(" @ ") else { break };
        (speaker, rest) = (name, after.trim_start());
    }
    if speaker.is_empty() { rest.to_owned() } else { format!("{speaker}: {rest}") }
}

fn secs(limit: Duration) -> String {
    let secs = limit.as_secs_f64();
    if secs < 1.0 { format!("{secs:.1}") } else { format!("{secs:.0}") }
}
