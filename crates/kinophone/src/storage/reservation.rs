//! Names that one process at a time writes to.

use crate::storage::target::{PREFIX, SUFFIX, folder_of, resolved, unwritable};
use crate::{Error, Kind, Result};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// The right to write to a name, until dropped. A second process that wants the same name learns it before its work, and not
/// when its hours of work would replace those of the first.
///
/// It is a lock on a file beside the target, and ends with its process, however that ends. Where files can't be locked, nothing
/// is reserved.
pub struct Reservation {
    path: PathBuf,
    lock: Option<File>,
}

impl Reservation {
    /// Reserves `target`. Fails where another process holds it, or its folder can't be written to.
    pub fn of(target: &Path) -> Result<Self> {
        let place = resolved(target);
        let path = folder_of(&place).join(lock_name(&place));
        if !cfg!(unix) {
            // A locked file can't be removed there.
            return Ok(Self { path, lock: None });
        }
        loop {
            let file = File::options().create(true).truncate(false).write(true).open(&path);
            let file = file.map_err(|e| unwritable(target, e))?;
            match file.try_lock() {
                // Whoever held it may have removed it between our opening and locking it.
                Ok(()) if is_at(&file, &path) => return Ok(Self { path, lock: Some(file) }),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(taken(target)),
                Err(TryLockError::Error(_)) => return Ok(Self { path, lock: None }),
            }
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(_lock) = &self.lock {
            // Still locked, so that nobody else's is removed.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// As long for a long name as for a short one, and a temporary file's name, so that what a killed process left is swept away.
fn lock_name(place: &Path) -> String {
    let name = place.file_name().unwrap_or_default();
    let hash = blake3::hash(name.as_encoded_bytes()).to_hex();
    format!("{PREFIX}{}{SUFFIX}", &hash[..16])
}

/// True if the open file is the one at `path`.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |facts: std::fs::Metadata| (facts.dev(), facts.ino());
    let (open, there) = (file.metadata().map(identity), path.metadata().map(identity));
    matches!((open, there), (Ok(open), Ok(there)) if open == there)
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

fn taken(target: &Path) -> Error {
    Error::new(Kind::Unwritable, "is being written by another kinophone")
        .at(target)
        .help("wait until that has ended, or give another name")
}
