//! Finds numpy's arrays among the nodes of a pickle.
//!
//! An array is what `numpy.core.multiarray._reconstruct` would have made, with the state (version, shape, type, whether
//! columns come first, bytes); its type is a `numpy.dtype` of a code such as 'f4' with a state whose second member is the
//! order of bytes. numpy 2 says `numpy._core`. The bytes are bytes, or what Python 3 writes for them in the protocols of
//! Python 2: a text to be encoded as Latin-1.

use crate::classic::import::file::malformed;
use crate::classic::import::pickle::Pickle;
use crate::classic::import::pickle::node::{Id, Node, shown};
use crate::{Error, Kind, Result};
use std::borrow::Cow;

/// Axes of an array whose shape is worth naming; weights have two.
const MAX_AXES: usize = 4;

/// An array of floating-point numbers.
pub(crate) struct Array<'a> {
    /// Length along each axis.
    pub(crate) shape: Vec<usize>,
    kind: Float,
    big_endian: bool,
    /// The first axis is the one that varies fastest.
    columns_first: bool,
    bytes: Cow<'a, [u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Float {
    Single,
    Double,
}

impl<'a> Array<'a> {
    /// The array there, with as many bytes as its shape says; `what` names it in an error.
    pub(crate) fn at(pickle: &'a Pickle<'_>, id: Id, what: &str) -> Result<Self> {
        let no_array = || malformed(format!("has {what} that is no array"));
        let state = state(pickle, id).ok_or_else(no_array)?;
        // The version came with numpy 1.0.
        let [shape, kind, columns_first, bytes] = *state.last_chunk().ok_or_else(no_array)?;
        let (kind, big_endian) = number_type(pickle, kind, what)?;
        let lengths = pickle.elements(shape).ok_or_else(no_array)?;
        let lengths =
            lengths.iter().take(MAX_AXES + 1).map(|&n| whole(pickle, n)).collect::<Option<Vec<_>>>();
        let shape = lengths
            .filter(|s| s.len() <= MAX_AXES)
            .ok_or_else(|| malformed(format!("has {what} of a shape that can't be")))?;
        let columns_first = matches!(pickle.node(columns_first), Node::Bool(true) | Node::Int(1));
        let bytes = bytes_at(pickle, bytes).ok_or_else(no_array)?;
        let array = Self { shape, kind, big_endian, columns_first, bytes };
        if array.expected_bytes() != Some(array.bytes.len()) {
            let (shape, got) = (&array.shape, array.bytes.len());
            return Err(malformed(format!("has {what} in the shape {shape:?}, but {got} bytes for it")));
        }
        Ok(array)
    }

    fn expected_bytes(&self) -> Option<usize> {
        self.shape.iter().try_fold(self.width(), |bytes, &n| bytes.checked_mul(n))
    }

    fn width(&self) -> usize {
        match self.kind {
            Float::Single => 4,
            Float::Double => 8,
        }
    }

    /// Bytes of the file that it takes.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The numbers, row by row, for one axis or two.
    pub(crate) fn rows(&self) -> Vec<f64> {
        let numbers: Vec<f64> = self.bytes.chunks_exact(self.width()).map(|b| self.number(b)).collect();
        match self.shape[..] {
            [rows, columns] if self.columns_first => {
                (0..rows * columns).map(|i| numbers[i / columns + i % columns * rows]).collect()
            }
            _ => numbers,
        }
    }

    fn number(&self, bytes: &[u8]) -> f64 {
        const FIT: &str = "as many bytes as the type has";
        match (self.kind, self.big_endian) {
            (Float::Single, false) => f64::from(f32::from_le_bytes(bytes.try_into().expect(FIT))),
            (Float::Single, true) => f64::from(f32::from_be_bytes(bytes.try_into().expect(FIT))),
            (Float::Double, false) => f64::from_le_bytes(bytes.try_into().expect(FIT)),
            (Float::Double, true) => f64::from_be_bytes(bytes.try_into().expect(FIT)),
        }
    }
}

/// True if there is an array, of whatever type.
pub(crate) fn is_array(pickle: &Pickle<'_>, id: Id) -> bool {
    state(pickle, id).is_some()
}

/// A whole number from zero, as Python or numpy has it.
pub(crate) fn whole(pickle: &Pickle<'_>, id: Id) -> Option<usize> {
    if let Node::Int(n) = pickle.node(id) {
        return usize::try_from(*n).ok();
    }
    let ("numpy.core.multiarray.scalar" | "numpy._core.multiarray.scalar", [kind, bytes]) =
        pickle.made(id)?
    else {
        return None;
    };
    let (code, big_endian) = code(pickle, *kind)?;
    let bytes = bytes_at(pickle, *bytes)?;
    let significant = |i: usize| if big_endian { bytes.len() - 1 - i } else { i };
    if !code.starts_with(['i', 'u']) || !(1..=8).contains(&bytes.len()) {
        return None;
    }
    let number = (0..bytes.len()).fold(0u64, |n, i| n | u64::from(bytes[significant(i)]) << (8 * i));
    let negative = code.starts_with('i') && bytes[significant(bytes.len() - 1)] >= 0x80;
    if negative { None } else { usize::try_from(number).ok() }
}

/// The members of an array's state.
fn state<'p>(pickle: &'p Pickle<'_>, id: Id) -> Option<&'p [Id]> {
    match pickle.made(id)?.0 {
        "numpy.core.multiarray._reconstruct" | "numpy._core.multiarray._reconstruct" => {
            pickle.elements(pickle.state(id)?)
        }
        _ => None,
    }
}

fn number_type(pickle: &Pickle<'_>, id: Id, what: &str) -> Result<(Float, bool)> {
    let (code, big_endian) =
        code(pickle, id).ok_or_else(|| malformed(format!("has {what} of no known type")))?;
    match code {
        "f4" => Ok((Float::Single, big_endian)),
        "f8" => Ok((Float::Double, big_endian)),
        other => {
            let objects = if other.starts_with('O') { ", which is objects of Python" } else { "" };
            let what = format!("has {what} of the type '{}'{objects}", shown(other));
            Err(Error::new(Kind::WrongKind, what)
                .help("save the network with weights of the type float32 or float64"))
        }
    }
}

/// A type's code, such as "f4", and whether its first byte is the most significant one.
fn code<'p>(pickle: &'p Pickle<'_>, id: Id) -> Option<(&'p str, bool)> {
    let ("numpy.dtype", [code, ..]) = pickle.made(id)? else { return None };
    let order = pickle
        .state(id)
        .and_then(|s| pickle.elements(s))
        .and_then(|s| s.get(1))
        .and_then(|o| pickle.text(*o));
    Some((pickle.text(*code)?, order == Some(">")))
}

fn bytes_at<'p>(pickle: &'p Pickle<'_>, id: Id) -> Option<Cow<'p, [u8]>> {
    if let Node::Bytes(bytes) = pickle.node(id) {
        return Some(Cow::Borrowed(bytes));
    }
    match pickle.made(id)? {
        ("_codecs.encode", [text, ..]) => {
            let Node::Text(text) = pickle.node(*text) else { return None };
            text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<u8>>>().map(Cow::Owned)
        }
        ("__builtin__.bytes" | "builtins.bytes", []) => Some(Cow::Borrowed(&[])),
        _ => None,
    }
}
