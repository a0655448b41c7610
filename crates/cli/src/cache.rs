//! The folder of prepared films: films that were named directly are kept there, so that none is decoded
//! twice.
//!
//! `$KINOPHONE_CACHE` where it is set; else `kinophone` in the platform's cache folder: `$XDG_CACHE_HOME` or
//! `~/.cache` on Linux, `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows. It can be deleted; films
//! are then prepared again.

use etcetera::base_strategy::{BaseStrategy, choose_native_strategy};
use kinophone::{Error, Kind, Result};
use std::path::{Path, PathBuf};

/// The environment variable that names another folder.
const VARIABLE: &str = "KINOPHONE_CACHE";

/// The folder of prepared films, a corpus like any other. It need not exist yet.
pub fn films() -> Result<PathBuf> {
    Ok(root()?.join("films"))
}

/// An error in the folder of prepared films, with the way to another one: nobody has named that folder on the command line.
pub fn explained(error: Error) -> Error {
    let concerns = |folder: PathBuf| error.place().is_some_and(|place| place.starts_with(folder));
    let is_writing = matches!(error.kind(), Kind::Unwritable | Kind::DiskFull | Kind::Io | Kind::NotFound);
    if is_writing && films().is_ok_and(concerns) {
        return error.help(format!("set {VARIABLE} to a folder that you may write to, with room in it"));
    }
    error
}

/// Number of bytes of the files directly in `folder`; 0 where it does not exist.
pub fn bytes_in(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.flatten().filter_map(|e| e.metadata().ok()).filter(|m| m.is_file()).map(|m| m.len()).sum()
}

fn root() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os(VARIABLE).filter(|f| !f.is_empty()) {
        return Ok(PathBuf::from(folder));
    }
    let platform = choose_native_strategy().map_err(|e| {
        Error::new(
            Kind::NotFound,
            "your home folder is not known, so neither is the folder for prepared films",
        )
        .help(format!("set {VARIABLE} to a folder that you may write to"))
        .because(e)
    })?;
    Ok(platform.cache_dir().join("kinophone"))
}
