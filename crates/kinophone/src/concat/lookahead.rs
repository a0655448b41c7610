//! TODO module docs

/// When a tick is chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookahead {
    /// When the best way through the whole film is certain there.
    Exactly,
    /// When so many further ticks are known.
    After(usize),
}
