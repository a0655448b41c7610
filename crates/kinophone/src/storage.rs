//! Files that appear whole or not at all.
//!
//! A new file is written beside its destination under a temporary name, flushed to the disk, then renamed. A crash or
//! a kill leaves the old state or the new one, and at worst a `.kinophone-*.part` file that the next run removes.

use crate::{Error, Kind, Result};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const PREFIX: &str = ".kinophone-";
const SUFFIX: &str = ".part";

/// Whether a file of that name may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// An existing file is an error of [`Kind::Exists`].
    Refuse,
    /// An existing file is replaced, at the moment the new one is whole.
    Replace,
}

/// A file under construction; dropped without [`AtomicFile::commit`] it vanishes.
pub struct AtomicFile {
    temp: tempfile::NamedTempFile,
    target: PathBuf,
    overwrite: Overwrite,
}

impl AtomicFile {
    /// Opens a temporary file in the folder of `target`. Fails at once where the target exists (under
    /// [`Overwrite::Refuse`]), is a folder, or can't be written, so that no long job runs for nothing.
    pub fn create(target: &Path, overwrite: Overwrite) -> Result<Self> {
        check_target(target, overwrite)?;
        let temp = temporary(folder_of(target)).map_err(|e| unwritable(target, e))?;
        Ok(Self { temp, target: target.to_owned(), overwrite })
    }

    /// Where the bytes are for now, for another process to write into.
    pub fn temporary_path(&self) -> &Path {
        self.temp.path()
    }

    /// Flushes to the disk and renames.
    pub fn commit(self) -> Result<()> {
        let Self { temp, target, overwrite } = self;
        // Another process may have replaced the temporary file's content by name, never the file itself: sync what is there.
        temp.as_file().sync_all().map_err(|e| Error::io("written", &target, e))?;
        let moved = match overwrite {
            Overwrite::Replace => temp.persist(&target),
            Overwrite::Refuse => temp.persist_noclobber(&target),
        };
        match moved {
            Ok(_) => sync_folder(folder_of(&target)).map_err(|e| Error::io("written", &target, e)),
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Err(exists(&target)),
            Err(e) => Err(Error::io("written", &target, e.error)),
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temp.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.temp.flush()
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.temp.seek(to)
    }
}

/// Writes a whole small file at once.
pub fn write_atomically(target: &Path, overwrite: Overwrite, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(target, overwrite)?;
    file.write_all(bytes).map_err(|e| Error::io("written", target, e))?;
    file.commit()
}

/// A scratch file in `folder` that vanishes when dropped, and at the latest with the next [`sweep`].
pub fn scratch(folder: &Path) -> Result<tempfile::NamedTempFile> {
    temporary(folder).map_err(|e| unwritable(folder, e))
}

/// Removes temporary files that a killed run left in `folder`: those untouched for an hour, so that a live process
/// beside us keeps its own. Failures are ignored; the files do no harm.
pub fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours = name.to_string_lossy().starts_with(PREFIX) && name.to_string_lossy().ends_with(SUFFIX);
        let age = entry
            .metadata()
            .and_then(|m| m.modified())
            .ok()
            .and_then(|t| SystemTime::now().duration_since(t).ok());
        if ours && age.is_some_and(|a| a > Duration::from_secs(3600)) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Fails where `target` can't become a file: it exists (unless it may be replaced), is a folder, or its folder is missing.
pub fn check_target(target: &Path, overwrite: Overwrite) -> Result<()> {
    if target.is_dir() {
        return Err(Error::new(Kind::Unwritable, "is a folder").at(target).help("name a file inside it"));
    }
    if overwrite == Overwrite::Refuse && target.symlink_metadata().is_ok() {
        return Err(exists(target));
    }
    if !folder_of(target).is_dir() {
        return Err(Error::new(Kind::Unwritable, "can't be written: its folder does not exist")
            .at(target)
            .help(format!("create it first: mkdir -p '{}'", folder_of(target).display())));
    }
    Ok(())
}

/// Fails where `output` is one of the `inputs`, by whatever name: the result would destroy its own source.
pub fn check_distinct(output: &Path, inputs: &[&Path]) -> Result<()> {
    let Ok(out) = output.canonicalize() else { return Ok(()) };
    for input in inputs {
        if input.canonicalize().is_ok_and(|i| i == out) {
            return Err(Error::new(Kind::Unwritable, "is both the input and the output")
                .at(output)
                .help("give the output another name"));
        }
    }
    Ok(())
}

fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    {
        // tempfile's default is readable by the owner alone; results are ordinary files, narrowed by the umask.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

fn folder_of(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    // Windows has no fsync for folders; its rename is journalled.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn exists(target: &Path) -> Error {
    Error::new(Kind::Exists, "exists already").at(target).help("give another name, or --force to replace it")
}

fn unwritable(target: &Path, cause: io::Error) -> Error {
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::io("written", target, cause),
        _ => Error::new(Kind::Unwritable, format!("can't be written: {cause}"))
            .at(target)
            .help("choose a folder that exists and that you may write to")
            .because(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_file_leaves_nothing_and_the_old_one_stands() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a");
        std::fs::write(&target, "old").unwrap();
        let mut file = AtomicFile::create(&target, Overwrite::Replace).unwrap();
        file.write_all(b"half").unwrap();
        drop(file);
        assert_eq!(std::fs::read(&target).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn refuse_refuses_even_a_file_that_appeared_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a");
        let file = AtomicFile::create(&target, Overwrite::Refuse).unwrap();
        std::fs::write(&target, "other").unwrap();
        assert_eq!(file.commit().unwrap_err().kind(), Kind::Exists);
        assert_eq!(std::fs::read(&target).unwrap(), b"other");
    }

    #[test]
    fn output_and_input_are_compared_by_file_not_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let film = dir.path().join("film");
        std::fs::write(&film, "x").unwrap();
        let other = dir.path().join(".").join("film");
        assert_eq!(check_distinct(&other, &[&film]).unwrap_err().kind(), Kind::Unwritable);
        assert!(check_distinct(&dir.path().join("new"), &[&film]).is_ok());
    }
}
