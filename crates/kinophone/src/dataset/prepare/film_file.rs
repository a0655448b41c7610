//! A film's file: its hash, and the certainty that it does not change meanwhile.

use crate::task::Task;
use crate::{Error, Kind, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

/// Bytes hashed at a time: enough for all cores, and little enough to notice a Ctrl-C.
const HASH_CHUNK: usize = 8 << 20;

/// BLAKE3 of the film's bytes in hexadecimal.
pub(super) fn identify(film: &Path, bytes: u64, task: Task<'_>) -> Result<String> {
    let read = |e| Error::io("read", film, e);
    task.watcher.stage(&format!("identifying {}", file_name(film)), "bytes", Some(bytes));
    let mut file = File::open(film).map_err(read)?;
    let (mut hash, mut buffer, mut done) = (blake3::Hasher::new(), Vec::with_capacity(HASH_CHUNK), 0);
    loop {
        buffer.clear();
        Read::by_ref(&mut file).take(HASH_CHUNK as u64).read_to_end(&mut buffer).map_err(read)?;
        if buffer.is_empty() {
            return Ok(hash.finalize().to_hex().to_string());
        }
        hash.update_rayon(&buffer);
        done += buffer.len() as u64;
        task.watcher.advance(done);
        task.cancel.check()?;
    }
}

pub(super) fn file_name(film: &Path) -> String {
    film.file_name().unwrap_or(film.as_os_str()).to_string_lossy().into_owned()
}

/// Size and time of a film's file, by which a change is noticed: a film that is still being copied or downloaded would give a shard whose name
/// belongs to no film.
pub(super) struct FileStamp {
    pub(super) bytes: u64,
    modified: Option<SystemTime>,
}

impl FileStamp {
    /// The film's stamp now. Refuses what is no ordinary file: to open a pipe would wait for a writer for ever.
    pub(super) fn of(film: &Path) -> Result<Self> {
        let facts = std::fs::metadata(film).map_err(|e| Error::io("read", film, e))?;
        let refuse = |kind, what: &str| Err(Error::new(kind, what).at(film).help("name a film"));
        if facts.is_dir() {
            return refuse(Kind::WrongKind, "is a folder, not a film");
        }
        if !facts.is_file() {
            return refuse(Kind::WrongKind, "is a device or a pipe, not a film");
        }
        if facts.len() == 0 {
            return refuse(Kind::Empty, "is empty");
        }
        Ok(Self { bytes: facts.len(), modified: facts.modified().ok() })
    }

    /// Fails where the film has changed since.
    pub(super) fn check(&self, film: &Path) -> Result<()> {
        let now = Self::of(film)?;
        if now.bytes == self.bytes && now.modified == self.modified {
            return Ok(());
        }
        Err(Error::new(Kind::Io, "changed while it was being read")
            .at(film)
            .help("wait until it is complete, then try again"))
    }
}
