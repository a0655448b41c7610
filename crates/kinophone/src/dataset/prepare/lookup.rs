//! Shards of films that were prepared before.

use crate::dataset::open_verified;
use crate::dataset::prepare::film_file::{FileStamp, identify};
use crate::dataset::prepare::options::{PrepareOptions, shard_name};
use crate::dataset::shard::Shard;
use crate::task::Task;
use crate::{Kind, Result};
use std::path::Path;

/// Finds the shard of `film` in `folder` with its sound track 0, if it was prepared there; `None` also where the folder does not
/// exist or the shard is damaged, since the film itself is at hand.
pub fn find(folder: &Path, film: &Path, size: u32, colour: bool, task: Task<'_>) -> Result<Option<Shard>> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let stamp = FileStamp::of(film)?;
    find_hash(folder, &identify(film, stamp.bytes, task)?, size, colour)
}

/// Finds the shard of a film that is known by the BLAKE3 of its bytes alone, such as one in a brain's ledger.
pub fn find_hash(folder: &Path, hash: &str, size: u32, colour: bool) -> Result<Option<Shard>> {
    // A ledger is data: what is no hash must not become the name of a file.
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let options = PrepareOptions { size, colour, ..PrepareOptions::default() };
    match open_verified(&folder.join(shard_name(hash, &options, false))) {
        Ok(shard) => Ok(Some(shard)),
        Err(e) if matches!(e.kind(), Kind::NotFound | Kind::Damaged) => Ok(None),
        Err(e) => Err(e),
    }
}
