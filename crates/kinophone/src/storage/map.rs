//! Files mapped into memory.

use crate::{Error, Kind, Result};
use memmap2::Mmap;
use std::fs::File;
use std::path::Path;

/// Maps an ordinary file for reading. Another program that truncates the file meanwhile ends this one (the
/// operating system answers a read beyond the end with a signal); Kinophone never changes a file in place
/// that it maps. Fails with [`Kind::NotFound`], and with [`Kind::WrongKind`] for what is no file.
pub fn map_file(path: &Path) -> Result<Mmap> {
    let read = |e| Error::io("read", path, e);
    // Asked before opening: to open a pipe would wait for a writer for ever.
    if !std::fs::metadata(path).map_err(read)?.is_file() {
        return Err(Error::new(Kind::WrongKind, "is not an ordinary file").at(path).help("name a file"));
    }
    let file = File::open(path).map_err(read)?;
    // SAFETY: the map is only read. That no other program changes the file in place meanwhile can't be
    // ensured; the description above names this risk, and nothing of Kinophone's own does it.
    unsafe { Mmap::map(&file) }.map_err(read)
}
