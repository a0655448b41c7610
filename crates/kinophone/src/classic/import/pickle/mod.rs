//! Reads a pickle, the file of Python's own serialiser, and runs nothing of it.
//!
//! A pickle is a program for a small stack machine. Python's reader calls whatever function the program names; this one
//! writes down what would have been called with what, as plain nodes, and leaves it to others to recognise arrays and
//! networks among them. Protocols 0 to 5 are read, as Python's own `pickletools` documents them; what refers to
//! something outside of the file is refused.
//!
//! A hostile file costs no more than its size: nodes lie in one list and refer to each other by number, so that a node
//! that is referred to a thousand times is there once, nothing is nested in memory, and nothing recurses. The number of
//! instructions is limited, and with it everything that is not a slice of the file itself.

pub mod literals;
pub mod machine;
pub mod node;
pub mod stop;

use crate::Result;
use crate::classic::import::pickle::machine::PickleMachine;
use crate::classic::import::pickle::node::{Id, Node};

/// A pickle as read.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    nodes: Vec<Node<'a>>,
    root: Id,
}

impl<'a> Pickle<'a> {
    /// Follows the instructions in `bytes`. A full name that `known` does not know is an error that says it.
    pub(crate) fn read(bytes: &'a [u8], known: fn(&str) -> bool) -> Result<Self> {
        let (nodes, root) = PickleMachine::new(bytes, known).run()?;
        Ok(Self { nodes, root })
    }

    /// The pickled value.
    pub(crate) fn root(&self) -> Id {
        self.root
    }

    /// The node there.
    pub(crate) fn node(&self, id: Id) -> &Node<'a> {
        &self.nodes[id.0 as usize]
    }

    /// A text, or bytes that are text in Python 2.
    pub(crate) fn text(&self, id: Id) -> Option<&str> {
        match self.node(id) {
            Node::Text(text) => Some(text),
            Node::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The elements of a list or tuple.
    pub(crate) fn elements(&self, id: Id) -> Option<&[Id]> {
        match self.node(id) {
            Node::List(elements) | Node::Tuple(elements) => Some(elements),
            _ => None,
        }
    }

    /// Value of a dictionary under that key; the last one counts, as in Python.
    pub(crate) fn get(&self, id: Id, key: &str) -> Option<Id> {
        let Node::Dict(entries) = self.node(id) else { return None };
        entries.iter().rev().find(|(k, _)| self.text(*k) == Some(key)).map(|(_, value)| *value)
    }

    /// The full name of a class or function.
    pub(crate) fn name(&self, id: Id) -> Option<&str> {
        match self.node(id) {
            Node::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Maker of an object and its arguments, where both are as they should be.
    pub(crate) fn made(&self, id: Id) -> Option<(&str, &[Id])> {
        match self.node(id) {
            Node::Object { maker, args, .. } => Some((self.name(*maker)?, self.elements(*args)?)),
            _ => None,
        }
    }

    /// The class of an object, by its full name. Protocols 0 and 1 make objects by a helper that takes the class.
    pub(crate) fn class(&self, id: Id) -> Option<&str> {
        match self.made(id)? {
            ("copy_reg._reconstructor" | "copyreg._reconstructor", args) => self.name(*args.first()?),
            (class, _) => Some(class),
        }
    }

    /// An object's state.
    pub(crate) fn state(&self, id: Id) -> Option<Id> {
        match self.node(id) {
            Node::Object { state, .. } => *state,
            _ => None,
        }
    }
}
