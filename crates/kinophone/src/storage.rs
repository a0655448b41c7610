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

/// Treatment of an existing file of the same name.
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

    /// The temporary path, for another process to write into.
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

/// A folder under construction, of files that appear together; dropped without [`AtomicFolder::commit`] it vanishes.
pub struct AtomicFolder {
    temp: tempfile::TempDir,
    target: PathBuf,
}

impl AtomicFolder {
    /// Opens a temporary folder beside `target`. An existing `target` is an error of [`Kind::Exists`] under
    /// [`Overwrite::Refuse`]; otherwise it may be replaced only where it is empty or holds a file named `mark`, as all folders
    /// of its kind do: no other folder is ever removed.
    pub fn create(target: &Path, overwrite: Overwrite, mark: &str) -> Result<Self> {
        check_folder(target, overwrite, mark)?;
        let beside = folder_of(target);
        if !beside.is_dir() {
            return Err(Error::new(Kind::Unwritable, "can't be written: the folder above it does not exist")
                .at(target)
                .help(format!("create it first: mkdir -p '{}'", beside.display())));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o777));
        }
        let temp = builder.tempdir_in(beside).map_err(|e| unwritable(target, e))?;
        Ok(Self { temp, target: target.to_owned() })
    }

    /// The temporary path of the folder.
    pub fn path(&self) -> &Path {
        self.temp.path()
    }

    /// Gives the folder its name. What was there is moved aside first and removed last, so that a crash in between loses
    /// nothing.
    pub fn commit(self) -> Result<()> {
        let failed = |e| Error::io("written", &self.target, e);
        sync_files(self.temp.path()).map_err(failed)?;
        let old = if self.target.symlink_metadata().is_ok() {
            let aside =
                tempfile::Builder::new().prefix(PREFIX).suffix(SUFFIX).tempdir_in(folder_of(&self.target));
            let aside = aside.map_err(failed)?;
            std::fs::rename(&self.target, aside.path().join("old")).map_err(failed)?;
            Some(aside)
        } else {
            None
        };
        if let Err(e) = std::fs::rename(self.temp.path(), &self.target) {
            if let Some(aside) = &old {
                let _ = std::fs::rename(aside.path().join("old"), &self.target);
            }
            return Err(failed(e));
        }
        // It has another name now: nothing is left to vanish.
        let _ = self.temp.keep();
        sync_folder(folder_of(&self.target)).map_err(|e| Error::io("written", &self.target, e))
    }
}

fn check_folder(target: &Path, overwrite: Overwrite, mark: &str) -> Result<()> {
    let Ok(facts) = target.symlink_metadata() else { return Ok(()) };
    if !facts.is_dir() {
        return Err(Error::new(Kind::Unwritable, "is no folder").at(target).help("give another name"));
    }
    if overwrite == Overwrite::Refuse {
        return Err(exists(target));
    }
    let mut entries = std::fs::read_dir(target).map_err(|e| Error::io("read", target, e))?;
    if target.join(mark).is_file() || entries.next().is_none() {
        return Ok(());
    }
    Err(Error::new(Kind::Exists, format!("is a folder with other things in it (there is no {mark})"))
        .at(target)
        .help("give a new name, or one inside it: what is in a folder that is replaced would be lost"))
}

/// Flushes all files below a folder to the disk.
fn sync_files(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { sync_files(&path)? } else { File::open(&path)?.sync_all()? }
    }
    sync_folder(folder)
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
    fn a_folder_appears_whole_and_replaces_only_its_own_kind() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("report");
        let make = |overwrite, text: &str| -> Result<()> {
            let folder = AtomicFolder::create(&target, overwrite, "report.json")?;
            std::fs::create_dir(folder.path().join("sound")).unwrap();
            std::fs::write(folder.path().join("report.json"), text).unwrap();
            assert!(!target.join("sound").join(text).exists());
            folder.commit()
        };
        let said = || std::fs::read_to_string(target.join("report.json")).unwrap();
        make(Overwrite::Refuse, "one").unwrap();
        assert_eq!(make(Overwrite::Refuse, "two").unwrap_err().kind(), Kind::Exists);
        assert_eq!(said(), "one");
        std::fs::write(target.join("sound/old"), "x").unwrap();
        make(Overwrite::Replace, "two").unwrap();
        assert!(said() == "two" && !target.join("sound/old").exists());
        drop(AtomicFolder::create(&target, Overwrite::Replace, "report.json").unwrap());
        assert_eq!(said(), "two");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "something was left beside it");

        std::fs::remove_file(target.join("report.json")).unwrap();
        let refused = make(Overwrite::Replace, "three").unwrap_err();
        assert!(refused.kind() == Kind::Exists && target.join("sound").is_dir(), "{refused}");
        std::fs::remove_dir(target.join("sound")).unwrap();
        make(Overwrite::Replace, "four").unwrap();
        assert_eq!(said(), "four");
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
