//! The error of this crate.

/// A reason why a network could not be built, trained or restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Stored tensors that are missing, have the wrong shape or impossible values. The text completes "the file …".
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

/// The results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
