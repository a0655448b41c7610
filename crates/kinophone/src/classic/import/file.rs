//! The file of a network, uncompressed.

use crate::{Error, Kind, Result};
use flate2::read::GzDecoder;
use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The largest file that is read, and the largest content of a compressed one. The largest network of 2015 takes 49 MB, and
/// twice that as double precision; the oldest protocol can need thrice as much.
pub(super) const MAX_BYTES: u64 = 1 << 30;

/// Compressed weights take a half or more of their size; beyond this a file is made to fill the memory.
pub(super) const MAX_EXPANSION: u64 = 50;

pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let failed = |e| Error::io("read", path, e);
    let meta = std::fs::metadata(path).map_err(failed)?;
    if meta.is_dir() {
        return Err(failed(std::io::ErrorKind::IsADirectory.into()));
    }
    if !meta.is_file() {
        return Err(
            Error::new(Kind::WrongKind, "is no ordinary file").help("name a file that theanets saved")
        );
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
    match bytes.len() as u64 {
        0 => Err(malformed("is empty")),
        1..=MAX_BYTES => Ok(bytes),
        _ => Err(too_large()),
    }
}

/// The content of a gzip file, known by its first bytes; of any other file, the file.
pub(super) fn uncompressed(bytes: &[u8]) -> Result<Cow<'_, [u8]>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let most = MAX_BYTES.min((1 << 24) + MAX_EXPANSION * bytes.len() as u64);
    let mut content = Vec::new();
    GzDecoder::new(bytes)
        .take(most + 1)
        .read_to_end(&mut content)
        .map_err(|e| malformed("is damaged or cut off: it can't be uncompressed").because(e))?;
    if content.len() as u64 > most { Err(too_large()) } else { Ok(Cow::Owned(content)) }
}

pub(super) fn too_large() -> Error {
    Error::new(Kind::WrongKind, "is larger than any network of 2015").help("name a file that theanets saved")
}

/// A file that is not as its own beginning promises; the words complete "FILE …".
pub(super) fn malformed(what: impl Into<String>) -> Error {
    Error::new(Kind::Damaged, what).help("copy the file again from where it was saved")
}
