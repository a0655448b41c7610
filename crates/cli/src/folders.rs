//! Files that stand in folders, for commands that take folders as well as files.

use crate::context::{self, Context};
use kinophone::{Error, Kind, Result};
use std::path::{Path, PathBuf};

/// A file to be taken in.
pub struct FoundFile {
    /// Its path.
    pub path: PathBuf,
    /// True if it was named itself, and not found in a folder.
    pub named: bool,
}

impl FoundFile {
    /// True if an error of this kind only means that the file does not belong among the others of its folder: notes, pictures, links to
    /// nowhere, files of other people. Where it was named itself, it is an error.
    pub fn may_be_left_out(&self, kind: Kind) -> bool {
        !self.named
            && matches!(
                kind,
                Kind::NoSound
                    | Kind::NoPicture
                    | Kind::WrongKind
                    | Kind::Empty
                    | Kind::NotFound
                    | Kind::Io
                    | Kind::Damaged
            )
    }
}

/// All files that are named, and those in folders that are named and below them, hidden ones left out, in the order of their names. What
/// can't be looked into below a named folder is left out with a warning.
pub fn find_files(sources: &[PathBuf], context: &Context) -> Result<Vec<FoundFile>> {
    let mut found = Vec::new();
    for source in sources {
        if context::metadata(source)?.is_dir() {
            add_below(source, &mut found, context)?;
        } else {
            found.push(FoundFile { path: source.clone(), named: true });
        }
    }
    Ok(found)
}

fn add_below(folder: &Path, found: &mut Vec<FoundFile>, context: &Context) -> Result<()> {
    let failed = |e| Error::io("read", folder, e);
    let entries = std::fs::read_dir(folder).map_err(failed)?.map(|entry| entry.map(|e| e.path()));
    let mut entries = entries.collect::<std::io::Result<Vec<PathBuf>>>().map_err(failed)?;
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        match path.is_dir() {
            _ if hidden => {}
            // A link to a folder may lead back to it.
            true if path.is_symlink() => {
                context.warn(&format!("{} is a link to a folder and is left out", path.display()))
            }
            true => {
                if let Err(error) = add_below(&path, found, context) {
                    context.warn(&format!("{error}; it is left out"));
                }
            }
            false => found.push(FoundFile { path, named: false }),
        }
    }
    Ok(())
}
