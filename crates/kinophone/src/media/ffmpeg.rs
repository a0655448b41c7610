//! The ffmpeg program and the limits under which it runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// A located, version-checked ffmpeg program and the limits under which it runs.
#[derive(Clone, Debug)]
pub struct Ffmpeg {
    pub(super) program: PathBuf,
    pub(super) version: String,
    /// Major and minor version.
    pub(super) number: (u32, u32),
    pub(super) ffprobe: Option<PathBuf>,
    pub(super) stall: Duration,
    pub(super) exact: bool,
}

impl Ffmpeg {
    /// The program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Its version as it prints it: "5.1.9-0+deb12u1".
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The ffprobe that is used with it.
    pub fn ffprobe(&self) -> Option<&Path> {
        self.ffprobe.as_deref()
    }

    /// Reads facts from ffmpeg's messages, as where there is no ffprobe.
    pub fn without_ffprobe(mut self) -> Self {
        self.ffprobe = None;
        self
    }

    /// Replaces the watchdog's limit (default 60 s): how long ffmpeg may deliver or take nothing before it is
    /// ended.
    pub fn with_stall_limit(mut self, limit: Duration) -> Self {
        self.stall = limit;
        self
    }

    /// Decodes with the codec's loop filter (default: without). The filter smooths block edges that an area
    /// average of 64×64 hardly sees, and takes a fifth of the time; but leaving it out lets errors gather
    /// between key frames. Measured on Big Buck Bunny (720p H.264) at 64×64: grey levels differ by 0.7 of 255
    /// in the mean, in one frame of a hundred by 3.3 in the mean over the picture, and single pixels by up to
    /// 59.
    pub fn with_exact_pictures(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }
}
