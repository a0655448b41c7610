//! Steps at which the tests of `storage` let a process die. In the program passing one does nothing at all.

/// An operation that changes what is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A temporary file or folder is made.
    Create,
    /// Bytes are written into a temporary file.
    Write,
    /// A file or a folder is flushed to the disk.
    Sync,
    /// A file or a folder gets its real name.
    Rename,
    /// A folder that was replaced is removed.
    Remove,
}

/// Is called before each step.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn reach(_: Step) {}

/// The part of `bytes` that goes to the disk as one step.
#[cfg(not(test))]
#[inline(always)]
pub(super) fn portion(bytes: &[u8]) -> &[u8] {
    bytes
}

#[cfg(test)]
pub(super) use super::tests::deaths::{portion, reach};
