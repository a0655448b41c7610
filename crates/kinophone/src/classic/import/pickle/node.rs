//! Values of a pickle.

use std::borrow::Cow;

/// A node's place in a [`Pickle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Id(pub(super) u32);

/// A value, as far as it is known without running anything.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node<'a> {
    None,
    Bool(bool),
    Int(i64),
    /// A whole number beyond 64 bits: seeds of random generators have such, sizes don't.
    Huge,
    Float(f64),
    /// Bytes, or a text of Python 2.
    Bytes(Cow<'a, [u8]>),
    Text(Cow<'a, str>),
    /// A list or a set.
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A class or function, by its full name: "numpy.dtype".
    Name(Cow<'a, str>),
    /// Object that calling `maker` (as a rule a [`Node::Name`]) with `args` would have made, had it been called, and the state that
    /// it would have been given afterwards.
    Object {
        maker: Id,
        args: Id,
        state: Option<Id>,
    },
}

/// A name from a file for a message: no control characters, not endless.
pub(crate) fn shown(name: &str) -> String {
    let short: String = name.chars().take(60).collect();
    let dots = if short.len() < name.len() { "…" } else { "" };
    format!("{}{dots}", short.escape_debug())
}
