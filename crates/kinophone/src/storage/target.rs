//! Names to be written to: what they lead to, and what is known against them before any work.

use crate::error::reason;
use crate::{Error, Kind, Result};
use std::io;
use std::path::{Path, PathBuf};

/// Names of whatever is only there during the work. They do not grow with the target's.
pub(super) const PREFIX: &str = ".kinophone-";
pub(super) const SUFFIX: &str = ".part";

/// The longest chain of symbolic links that is followed, as in Linux.
const MAX_LINKS: usize = 40;

/// Treatment of an existing file of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// An existing file is an error of [`Kind::Exists`].
    Refuse,
    /// An existing file is replaced, at the moment the new one is whole.
    Replace,
}

/// The place that is written to by the name `target`: where that is a symbolic link, what it leads to, whether that exists
/// yet or not. A link is somebody's decision on where a file lies; to rename over it would undo it.
pub(super) fn resolved(target: &Path) -> PathBuf {
    let mut place = target.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(link) = std::fs::read_link(&place) else { break };
        place = folder_of(&place).join(link);
    }
    place
}

/// Fails where `target` can't become a file: it exists (unless it may be replaced), is a folder or a device, has a name that is
/// too long, or its folder is missing.
pub fn check_target(target: &Path, overwrite: Overwrite) -> Result<()> {
    let there = target.symlink_metadata();
    let followed = target.metadata();
    match (&there, &followed) {
        (_, Ok(facts)) if facts.is_dir() => {
            return Err(Error::new(Kind::Unwritable, "is a folder").at(target).help("name a file inside it"));
        }
        (_, Ok(facts)) if !facts.is_file() => {
            return Err(Error::new(Kind::Unwritable, "is a device, pipe or socket, not a file")
                .at(target)
                .help("name a file; it appears whole when the work is done"));
        }
        (Ok(_), _) if overwrite == Overwrite::Refuse => return Err(exists(target)),
        _ => {}
    }
    if !folder_of(target).is_dir() {
        return Err(Error::new(Kind::Unwritable, "can't be written: its folder does not exist")
            .at(target)
            .help(format!("create it first: mkdir -p '{}'", folder_of(target).display())));
    }
    match there {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(unwritable(target, e)),
        _ => Ok(()),
    }
}

/// Fails where a name is longer than its disk allows. What is written beside a file has a longer name than the file.
pub fn check_name(path: &Path) -> Result<()> {
    match path.symlink_metadata() {
        Err(e) if e.kind() == io::ErrorKind::InvalidFilename => Err(unwritable(path, e)),
        _ => Ok(()),
    }
}

/// Fails where writing `output` would destroy one of the `inputs`: it is one of them, by whatever name, or holds or lies in one that is a
/// folder.
pub fn check_distinct(output: &Path, inputs: &[&Path]) -> Result<()> {
    let Ok(out) = output.canonicalize() else { return Ok(()) };
    let refused = |what: String| {
        Err(Error::new(Kind::Unwritable, what).at(output).help("give the output another name"))
    };
    for input in inputs {
        let Ok(place) = input.canonicalize() else { continue };
        if place == out || is_same_file(&place, &out) {
            return refused("is both the input and the output".to_owned());
        }
        let shown = input.display();
        if place.starts_with(&out) {
            return refused(format!("holds the input {shown}, which would be lost with it"));
        }
        if out.starts_with(&place) {
            return refused(format!("lies in {shown}, which is an input"));
        }
    }
    Ok(())
}

/// True for two names of one file.
#[cfg(unix)]
fn is_same_file(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| std::fs::metadata(path).map(|facts| (facts.dev(), facts.ino())).ok();
    identity(a).is_some() && identity(a) == identity(b)
}

#[cfg(not(unix))]
fn is_same_file(_: &Path, _: &Path) -> bool {
    false
}

/// The folder that a file lies in.
pub fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

pub(super) fn exists(target: &Path) -> Error {
    Error::new(Kind::Exists, "exists already").at(target).help("give another name, or --force to replace it")
}

pub(super) fn unwritable(target: &Path, cause: io::Error) -> Error {
    let (what, help) = match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            return Error::io("written", target, cause);
        }
        io::ErrorKind::InvalidFilename => {
            ("has a name that is too long for the disk".to_owned(), "give a shorter name")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::NotFound => (
            format!("can't be written: {}", reason(&cause)),
            "choose a folder that exists and that you may write to",
        ),
        _ => return Error::io("written", target, cause),
    };
    Error::new(Kind::Unwritable, what).at(target).help(help).because(cause)
}
