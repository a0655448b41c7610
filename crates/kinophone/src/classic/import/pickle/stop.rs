//! Reasons to stop reading a pickle.

/// Why reading stopped.
pub(crate) enum PickleStop {
    /// The file ends too early.
    Truncated,
    /// An instruction that can't be, in words that complete "it …".
    Wrong(String),
    /// A name that is not known.
    Stranger(String),
    /// An instruction for something outside of the file.
    Outside,
}

pub(crate) type PickleStep<T> = std::result::Result<T, PickleStop>;

pub(crate) fn wrong<T>(what: impl Into<String>) -> PickleStep<T> {
    Err(PickleStop::Wrong(what.into()))
}
