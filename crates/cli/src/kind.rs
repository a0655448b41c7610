//! The kind of a file, recognized by its content.

use crate::context;
use kinophone::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The kind of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// A folder of shards: a corpus or a library.
    Folder,
    Shard,
    Brain,
    Film,
}

/// Longest header that is read to tell a brain from a shard; both are far below it.
const MAX_HEADER_BYTES: u64 = 100 << 20;

/// Recognizes a path: a folder holds shards; a safetensors file with a tensor `pictures` is a shard; any
/// other safetensors file goes to the brain's loader, whose error describes best what is wrong with it;
/// everything else may be a film.
pub fn kind_of(path: &Path) -> Result<PathKind> {
    if context::metadata(path)?.is_dir() {
        return Ok(PathKind::Folder);
    }
    Ok(match header(path)? {
        Some(header) if header.get("pictures").is_some() => PathKind::Shard,
        Some(_) => PathKind::Brain,
        None => PathKind::Film,
    })
}

/// The JSON header of a safetensors file: eight bytes of length, little-endian, then an object.
fn header(path: &Path) -> Result<Option<serde_json::Value>> {
    let failed = |e| Error::io("read", path, e);
    if !context::metadata(path)?.is_file() {
        // Reading a pipe or a device would block; the film's reader refuses them.
        return Ok(None);
    }
    let mut file = File::open(path).map_err(failed)?;
    let mut start = [0; 9];
    if file.read_exact(&mut start).is_err() || start[8] != b'{' {
        return Ok(None);
    }
    let length = u64::from_le_bytes(start[..8].try_into().expect("eight of nine bytes"));
    if length > MAX_HEADER_BYTES {
        return Ok(None);
    }
    let mut text = vec![b'{'];
    file.take(length.saturating_sub(1)).read_to_end(&mut text).map_err(failed)?;
    Ok(Some(serde_json::from_slice(&text).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(header: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4]].concat();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn files_are_recognized_by_content() {
        assert_eq!(kind_of(write(r#"{"pictures":{},"times_us":{}}  "#).path()).unwrap(), PathKind::Shard);
        assert_eq!(kind_of(write(r#"{"layers.0.weight":{}}"#).path()).unwrap(), PathKind::Brain);
        assert_eq!(kind_of(write("{cut").path()).unwrap(), PathKind::Brain);
        assert_eq!(kind_of(write("text").path()).unwrap(), PathKind::Film);
        assert_eq!(kind_of(tempfile::tempdir().unwrap().path()).unwrap(), PathKind::Folder);
    }

    #[test]
    fn a_header_of_absurd_length_is_not_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [&u64::MAX.to_le_bytes()[..], b"{\"pictures\":1}"].concat()).unwrap();
        assert_eq!(kind_of(file.path()).unwrap(), PathKind::Film);
    }
}
