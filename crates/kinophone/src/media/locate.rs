//! Location of ffmpeg, and the check of its version.

use crate::media::Ffmpeg;
use crate::media::process::{self, Ending};
use crate::{Error, Kind, Result};
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The oldest version that the arguments in this module are written for (Debian 11, Ubuntu 22.04).
const OLDEST: (u32, u32) = (4, 4);
/// Printing a version takes milliseconds; a program that needs longer is no ffmpeg.
const PATIENCE: Duration = Duration::from_secs(20);
/// See [`Ffmpeg::with_stall_limit`].
const STALL: Duration = Duration::from_secs(60);

pub(crate) fn locate(explicit: Option<&Path>) -> Result<Ffmpeg> {
    let program =
        match explicit.map(Path::to_owned).or_else(|| env::var_os("KINOPHONE_FFMPEG").map(PathBuf::from)) {
            Some(named) => named_program(&named)?,
            None => on_path("ffmpeg").ok_or_else(missing)?,
        };
    examine(program, PATIENCE.min(STALL))
}

/// Runs `program -version`.
pub(crate) fn examine(program: PathBuf, patience: Duration) -> Result<Ffmpeg> {
    let (said, outcome) = process::run(&program, vec![OsString::from("-version")], patience, 1 << 16)?;
    if let Some(error) =
        (outcome.ending != Ending::Success).then(|| outcome.error("telling its version")).flatten()
    {
        return Err(Error::new(error.kind(), "is no working ffmpeg")
            .at(program)
            .help(advice())
            .because(error));
    }
    let said = String::from_utf8_lossy(&said);
    let version = said.strip_prefix("ffmpeg version ").and_then(|rest| rest.split_whitespace().next());
    let Some(version) = version.map(str::to_owned) else {
        return Err(Error::new(Kind::Tool, "is not the ffmpeg program").at(program).help(advice()));
    };
    let number = number_of(&version, &said);
    if number < OLDEST {
        return Err(Error::new(Kind::Tool, format!("is ffmpeg {version}; 4.4 or newer is needed"))
            .at(program)
            .help(advice()));
    }
    let ffprobe = companion(&program);
    Ok(Ffmpeg { program, version, number, ffprobe, stall: STALL, exact: false })
}

/// (major, minor) out of "5.1.9-0+deb12u1" or "n7.1". Builds between releases call themselves
/// "N-118193-g5f38c82536" or by date; for them the version of libavutil tells (FFmpeg's doc/APIchanges: 56.70
/// is 4.4, 57.28 is 5.1, 58 is 6, 59 is 7, 60 is 8).
fn number_of(version: &str, said: &str) -> (u32, u32) {
    let mut parts = version.trim_start_matches(['n', 'v']).split(['.', '-', '+']).map(str::parse);
    if let (Some(Ok(major @ 0..1000)), Some(Ok(minor))) = (parts.next(), parts.next()) {
        return (major, minor);
    }
    let libavutil = said.lines().find_map(|line| line.trim().strip_prefix("libavutil")).unwrap_or_default();
    let mut parts =
        libavutil.split('/').next().unwrap_or_default().split('.').map(|part| part.trim().parse());
    match (parts.next(), parts.next()) {
        (Some(Ok(..56)), _) => (0, 0),
        (Some(Ok(56)), Some(Ok(minor))) => (4, if minor >= 70 { 4 } else { 3 }),
        (Some(Ok(57)), Some(Ok(minor))) => (5, u32::from(minor >= 28)),
        (Some(Ok(major @ 58..1000)), _) => (major - 52, 0),
        // An unknown build is taken for a new one: it will say itself what it does not understand.
        _ => (99, 0),
    }
}

fn named_program(named: &Path) -> Result<PathBuf> {
    if named.is_file() {
        return std::path::absolute(named).map_err(|e| Error::io("found", named, e));
    }
    // A bare name such as "ffmpeg7" means a program on the PATH.
    let bare = named.components().count() == 1 && !named.exists();
    bare.then(|| on_path(named)).flatten().ok_or_else(|| {
        Error::new(Kind::Tool, "is no program")
            .at(named)
            .help("give the path of ffmpeg itself, or leave it out")
    })
}

/// ffprobe is looked for beside ffmpeg first, so that both are of one version.
fn companion(ffmpeg: &Path) -> Option<PathBuf> {
    let beside = ffmpeg.with_file_name(format!("ffprobe{}", env::consts::EXE_SUFFIX));
    if beside.is_file() { Some(beside) } else { on_path("ffprobe") }
}

fn on_path(name: impl AsRef<OsStr>) -> Option<PathBuf> {
    let mut file = name.as_ref().to_owned();
    if Path::new(&file).extension().is_none() {
        file.push(env::consts::EXE_SUFFIX);
    }
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(&file)).find(|path| path.is_file())
}

fn missing() -> Error {
    Error::new(Kind::Tool, "ffmpeg is not installed (it is not on the PATH)").help(advice())
}

fn advice() -> &'static str {
    if cfg!(target_os = "macos") {
        "install it: brew install ffmpeg — or name it with --ffmpeg or in KINOPHONE_FFMPEG"
    } else if cfg!(windows) {
        "install it: winget install Gyan.FFmpeg — or name it with --ffmpeg or in KINOPHONE_FFMPEG"
    } else {
        "install it: sudo apt install ffmpeg (or your system's way) — or name it with --ffmpeg or in KINOPHONE_FFMPEG"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_kinds_of_builds_are_understood() {
        for (version, said, number) in [
            ("5.1.9-0+deb12u1", "", (5, 1)),
            ("4.4", "", (4, 4)),
            ("n7.1-dev-12", "", (7, 1)),
            ("4.2.2-static", "", (4, 2)),
            ("N-118193-g5f38c82536", "x\nlibavutil      59. 47.100 / 59. 47.100\n", (7, 0)),
            ("2021-01-01-git-abcdef", "libavutil      56. 63.100 / 56. 63.100", (4, 3)),
            ("2022-08-01-git-abcdef", "libavutil      57. 28.100 / 57. 28.100", (5, 1)),
            ("unknown", "", (99, 0)),
        ] {
            assert_eq!(number_of(version, said), number, "{version}");
        }
    }

    #[test]
    fn the_installed_ffmpeg_is_found() {
        let ffmpeg = locate(None).unwrap();
        assert!(ffmpeg.program().is_file());
        assert!(!ffmpeg.version().is_empty() && ffmpeg.number >= OLDEST);
    }
}
