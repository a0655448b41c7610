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
    /// True if an error only means that the file does not belong among the others of its folder: notes, pictures, links to nowhere, files
    /// of other people. Where it was named itself, it is an error, and so is what concerns any other file, such as the output.
    pub fn may_be_left_out(&self, error: &Error) -> bool {
        use Kind::{Damaged, Empty, Io, NoPicture, NoSound, NotFound, WrongKind};
        let strange =
            matches!(error.kind(), NoSound | NoPicture | WrongKind | Empty | NotFound | Io | Damaged);
        !self.named && strange && error.place() == Some(&self.path)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_in_a_folder_are_left_out_and_failures_of_the_output_are_not() {
        let found = |named| FoundFile { path: "folder/notes.txt".into(), named };
        let about = |place: &str, kind| Error::new(kind, "is odd").at(Path::new(place));
        let stranger = about("folder/notes.txt", Kind::WrongKind);
        assert!(found(false).may_be_left_out(&stranger) && !found(true).may_be_left_out(&stranger));
        for kind in [Kind::Io, Kind::Damaged, Kind::NotFound] {
            assert!(!found(false).may_be_left_out(&about("library/a.safetensors", kind)), "{kind:?}");
        }
        for kind in [Kind::DiskFull, Kind::Interrupted, Kind::Tool] {
            assert!(!found(false).may_be_left_out(&about("folder/notes.txt", kind)), "{kind:?}");
        }
    }
}
