//! The delay of decisions: with the whole film known, or as in live use.

/// The part of the film that is known when the sound of a tick is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lookahead {
    /// All of it: the units are those of the best path through the whole film.
    #[default]
    WholeFilm,
    /// As in live use: so many further ticks.
    Ticks(usize),
}

impl Lookahead {
    /// Live use by default: the fewest ticks with which attacks followed as well as with any (docs/experiments.md).
    pub const LIVE: Self = Self::Ticks(4);

    /// True if it suits live use.
    pub fn is_live(self) -> bool {
        self != Self::WholeFilm
    }
}
