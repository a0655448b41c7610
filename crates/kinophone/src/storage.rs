//! Files that appear whole or not at all.
//!
//! A new file is written beside its destination under a temporary name, flushed to the disk, then renamed; a new folder
//! changes places with the old one in one step. A crash or a kill leaves the old state or the new one, and at worst a
//! `.kinophone-*.part` file or folder. Whatever is written into the same folder an hour later removes that.

mod failpoint;
mod map;
mod missing_folders;
mod reservation;
mod target;

pub use map::map_file;
pub use missing_folders::MissingFolders;
pub use reservation::Reservation;
pub use target::{Overwrite, check_distinct, check_name, check_target, folder_of};

use crate::{Error, Kind, Result};
use failpoint::{Step, reach};
use std::fs::{File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use target::{PREFIX, SUFFIX, exists, resolved, unwritable};

/// A folder that was moved aside, inside the temporary one.
const OLD: &str = "old";
/// Age from which a temporary file without an owner is removed.
const ABANDONED: Duration = Duration::from_secs(3600);

/// A file under construction; dropped without [`AtomicFile::commit`] it vanishes.
pub struct AtomicFile {
    temp: tempfile::NamedTempFile,
    /// The name that was asked for; errors are about it.
    target: PathBuf,
    /// The place that is written to, see [`target::resolved`].
    place: PathBuf,
    overwrite: Overwrite,
    _reservation: Option<Reservation>,
}

impl AtomicFile {
    /// Opens a temporary file in the folder of `target`. Fails at once where the target exists (under
    /// [`Overwrite::Refuse`]), is a folder, or can't be written, so that no long job runs for nothing.
    pub fn create(target: &Path, overwrite: Overwrite) -> Result<Self> {
        let place = resolved(target);
        check_target(target, overwrite)?;
        check_target(&place, overwrite).map_err(|e| e.at(target))?;
        let folder = folder_of(&place);
        sweep(folder);
        let temp = temporary(folder).map_err(|e| unwritable(target, e))?;
        Ok(Self { temp, target: target.to_owned(), place, overwrite, _reservation: None })
    }

    /// Does the same for the result of a long job, whose name nobody else may write to meanwhile.
    pub fn reserve(target: &Path, overwrite: Overwrite) -> Result<Self> {
        let file = Self::create(target, overwrite)?;
        Ok(Self { _reservation: Some(Reservation::of(target)?), ..file })
    }

    /// The temporary path, for another process to write into.
    pub fn temporary_path(&self) -> &Path {
        self.temp.path()
    }

    /// Flushes to the disk and renames.
    pub fn commit(self) -> Result<()> {
        let Self { temp, target, place, overwrite, _reservation } = self;
        // Another process may have replaced the temporary file's content by name, never the file itself: sync what is there.
        reach(Step::Sync);
        temp.as_file().sync_all().map_err(|e| Error::io("written", &target, e))?;
        if matches!(overwrite, Overwrite::Replace) {
            keep_permissions(temp.path(), &place).map_err(|e| Error::io("written", &target, e))?;
        }
        reach(Step::Rename);
        let moved = match overwrite {
            Overwrite::Replace => temp.persist(&place),
            Overwrite::Refuse => temp.persist_noclobber(&place),
        };
        match moved {
            Ok(_) => sync_folder(folder_of(&place)).map_err(|e| Error::io("written", &target, e)),
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Err(exists(&target)),
            Err(e) => Err(Error::io("written", &target, e.error)),
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        reach(Step::Write);
        self.temp.write(failpoint::portion(bytes))
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
    overwrite: Overwrite,
    mark: &'static str,
    /// Says to [`sweep`] that someone works in it.
    _lock: Option<File>,
    _reservation: Reservation,
}

impl AtomicFolder {
    /// Opens a temporary folder beside `target`. An existing `target` is an error of [`Kind::Exists`] under
    /// [`Overwrite::Refuse`]; otherwise it may be replaced only where it is empty or holds a file named `mark`, as all folders
    /// of its kind do: no other folder is ever removed.
    pub fn create(target: &Path, overwrite: Overwrite, mark: &'static str) -> Result<Self> {
        let target = &resolved(target);
        check_folder(target, overwrite, mark)?;
        let beside = folder_of(target);
        if !beside.is_dir() {
            return Err(Error::new(Kind::Unwritable, "can't be written: the folder above it does not exist")
                .at(target)
                .help(format!("create it first: mkdir -p '{}'", beside.display())));
        }
        sweep(beside);
        let temp = temporary_folder(beside).map_err(|e| unwritable(target, e))?;
        let lock = lock(temp.path());
        let reservation = Reservation::of(target)?;
        Ok(Self { temp, target: target.to_owned(), overwrite, mark, _lock: lock, _reservation: reservation })
    }

    /// The temporary path of the folder.
    pub fn path(&self) -> &Path {
        self.temp.path()
    }

    /// An error about something in the temporary folder, with the name that it would have had.
    pub fn named(&self, error: Error) -> Error {
        let inner = error.place().and_then(|place| place.strip_prefix(self.path()).ok());
        match inner.map(|inner| self.target.join(inner)) {
            Some(place) => error.at(place),
            None => error,
        }
    }

    /// Gives the folder its name, and removes the one that had it before. Fails as [`AtomicFolder::create`] does where a
    /// folder that may not be replaced has appeared meanwhile.
    pub fn commit(self) -> Result<()> {
        let Self { temp, target, overwrite, mark, _lock, _reservation } = self;
        let failed = |e| Error::io("written", &target, e);
        sync_files(temp.path()).map_err(failed)?;
        check_folder(&target, overwrite, mark)?;
        let old = if target.symlink_metadata().is_ok() {
            replace_folder(temp, &target).map_err(failed)?
        } else {
            reach(Step::Rename);
            std::fs::rename(temp.path(), &target).map_err(failed)?;
            // It has another name now: nothing is left to vanish.
            let _ = temp.keep();
            None
        };
        sync_folder(folder_of(&target)).map_err(failed)?;
        reach(Step::Remove);
        // What could not be removed of it does no harm.
        drop(old);
        Ok(())
    }
}

/// Puts `new` where `target` is, and hands back what was there, to be removed. In one step where the file system can; else
/// the old folder is moved aside first, and a death in between leaves it whole in there.
fn replace_folder(new: tempfile::TempDir, target: &Path) -> io::Result<Option<tempfile::TempDir>> {
    reach(Step::Rename);
    if exchange(new.path(), target).is_ok() {
        return Ok(Some(new));
    }
    let aside = temporary_folder(folder_of(target))?;
    let old = aside.path().join(OLD);
    std::fs::rename(target, &old)?;
    if let Err(e) = std::fs::rename(new.path(), target) {
        if std::fs::rename(&old, target).is_err() {
            let _ = aside.keep();
        }
        return Err(e);
    }
    let _ = new.keep();
    Ok(Some(aside))
}

/// Lets two names change places, in one step.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn check_folder(target: &Path, overwrite: Overwrite, mark: &str) -> Result<()> {
    check_name(target)?;
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
        if path.is_dir() {
            sync_files(&path)?;
        } else {
            reach(Step::Sync);
            File::open(&path)?.sync_all()?;
        }
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

/// Removes temporary files and folders that a killed run left in `folder`: those untouched for an hour that no process
/// holds. Failures are ignored; what is left does no harm.
pub fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let ours = name.to_string_lossy().starts_with(PREFIX) && name.to_string_lossy().ends_with(SUFFIX);
        if ours && is_abandoned(&entry) {
            let path = entry.path();
            let _ = match entry.file_type() {
                // The only copy, where a process died between two renames.
                Ok(kind) if kind.is_dir() && path.join(OLD).exists() => continue,
                Ok(kind) if kind.is_dir() => std::fs::remove_dir_all(path),
                _ => std::fs::remove_file(path),
            };
        }
    }
}

fn is_abandoned(entry: &std::fs::DirEntry) -> bool {
    let modified = entry.metadata().and_then(|m| m.modified());
    let age = modified.ok().and_then(|t| SystemTime::now().duration_since(t).ok());
    age.is_some_and(|age| age > ABANDONED) && !is_held(&entry.path())
}

/// Gives a file that replaces another the other's permissions: what was private stays private.
fn keep_permissions(temp: &Path, place: &Path) -> io::Result<()> {
    let Ok(before) = std::fs::metadata(place) else { return Ok(()) };
    // Disks without permissions refuse to change them, and have nothing to change.
    if std::fs::metadata(temp)?.permissions() == before.permissions() {
        return Ok(());
    }
    std::fs::set_permissions(temp, before.permissions())
}

fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    reach(Step::Create);
    let temp = builder(0o666).tempfile_in(folder)?;
    if cfg!(unix) {
        // Where it can't be locked, its age protects it from being swept away.
        let _ = temp.as_file().try_lock();
    }
    Ok(temp)
}

fn temporary_folder(beside: &Path) -> io::Result<tempfile::TempDir> {
    reach(Step::Create);
    builder(0o777).tempdir_in(beside)
}

/// tempfile's default is readable by the owner alone; results are ordinary files, narrowed by the umask.
fn builder(mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = mode;
    builder
}

/// Locks a temporary folder for as long as the file that is returned is open. Locks of Windows would keep other processes
/// from writing, and folders can't be opened there.
fn lock(path: &Path) -> Option<File> {
    let file = cfg!(unix).then(|| File::open(path).ok()).flatten()?;
    file.try_lock().ok().map(|()| file)
}

/// True if a process holds a temporary file or folder.
fn is_held(path: &Path) -> bool {
    let open = || cfg!(unix).then(|| File::open(path).ok()).flatten();
    open().is_some_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    reach(Step::Sync);
    // Windows has no fsync for folders; its rename is journalled.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests;
