//! The errors of this crate.

/// An error in building, training or restoring a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Stored tensors that are missing, have the wrong shape or impossible values. The text completes "the
    /// file …".
    #[error("{0}")]
    Damaged(String),
    /// Settings or buffers that do not fit together.
    #[error("{0}")]
    Invalid(String),
    /// Training produced numbers that are not finite.
    #[error("learning produced numbers that are not finite")]
    Diverged,
    /// A device that is missing, or that failed.
    #[error("{0}")]
    Device(String),
}

/// A result with this crate's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;
