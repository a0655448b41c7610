//! Folders that work makes for its results, where none come.

use std::path::{Path, PathBuf};

/// Folders that did not exist before the work. Those of them that are empty after it are removed when this is dropped: failed
/// work leaves no empty folders behind.
pub struct MissingFolders(Vec<PathBuf>);

impl MissingFolders {
    /// Notes which of `folder` and those above it are missing.
    pub fn note(folder: &Path) -> Self {
        let missing = |folder: &&Path| !folder.as_os_str().is_empty() && folder.symlink_metadata().is_err();
        Self(folder.ancestors().take_while(missing).map(Path::to_owned).collect())
    }
}

impl Drop for MissingFolders {
    fn drop(&mut self) {
        for folder in &self.0 {
            // Fails where something is in it, and where it was never made.
            let _ = std::fs::remove_dir(folder);
        }
    }
}
