//! Numbers and texts as a pickle writes them.

use crate::classic::import::pickle::node::Node;
use crate::classic::import::pickle::stop::{PickleStep, wrong};
use std::borrow::Cow;

pub(crate) fn text<'a>(bytes: &'a [u8]) -> PickleStep<Node<'a>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Node::Text(Cow::Borrowed(text))),
        Err(_) => wrong("has a text that is no Unicode"),
    }
}

pub(crate) fn decimal<'a>(line: &[u8]) -> PickleStep<Node<'a>> {
    let digits = line.strip_prefix(b"-").unwrap_or(line);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return wrong("has a number that can't be");
    }
    let number = std::str::from_utf8(line).ok().and_then(|l| l.parse().ok());
    Ok(number.map_or(Node::Huge, Node::Int))
}

/// Two's complement of any length.
pub(crate) fn little_endian<'a>(bytes: &[u8]) -> Node<'a> {
    let negative = bytes.last().is_some_and(|&b| b >= 0x80);
    let fill = if negative { 0xff } else { 0 };
    let mut number = [fill; 8];
    let (low, high) = bytes.split_at(bytes.len().min(8));
    number[..low.len()].copy_from_slice(low);
    let number = i64::from_le_bytes(number);
    let fits = high.iter().all(|&b| b == fill) && (number < 0) == negative;
    if fits { Node::Int(number) } else { Node::Huge }
}

/// A text of Python 2 as its `repr` writes it: in quotes, with escapes.
pub(crate) fn unquoted(line: &[u8]) -> PickleStep<Cow<'_, [u8]>> {
    let line = line.trim_ascii();
    let inner = match line {
        [first @ (b'\'' | b'"'), inner @ .., last] if first == last => inner,
        _ => return wrong("has a text without quotes"),
    };
    if !inner.contains(&b'\\') {
        return Ok(Cow::Borrowed(inner));
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let [escape, tail @ ..] = rest else { return wrong("has a text that ends in an escape") };
        rest = tail;
        match escape {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'\\' | b'\'' | b'"' => out.push(*escape),
            b'x' => {
                let (digits, tail) = rest.split_at_checked(2).unwrap_or((&[], rest));
                rest = tail;
                out.push(hexadecimal(digits)? as u8);
            }
            _ => return wrong("has a text with an escape that Python does not write"),
        }
    }
    Ok(Cow::Owned(out))
}

/// A text as Python's `raw-unicode-escape` writes it: Latin-1, with \uXXXX and \UXXXXXXXX.
pub(crate) fn unescaped(line: &[u8]) -> PickleStep<Cow<'_, str>> {
    let plain = |b: &u8| b.is_ascii() && *b != b'\\';
    if let (true, Ok(text)) = (line.iter().all(plain), std::str::from_utf8(line)) {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let [first, tail @ ..] = rest {
        rest = tail;
        let width = match (first, rest.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                out.push(char::from(*first));
                continue;
            }
        };
        let (digits, tail) = rest[1..].split_at_checked(width).unwrap_or((&[], rest));
        rest = tail;
        match char::from_u32(hexadecimal(digits)?) {
            Some(letter) => out.push(letter),
            None => return wrong("has a text that is no Unicode"),
        }
    }
    Ok(Cow::Owned(out))
}

fn hexadecimal(digits: &[u8]) -> PickleStep<u32> {
    let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
    match digits.and_then(|d| u32::from_str_radix(d, 16).ok()) {
        Some(number) => Ok(number),
        None => wrong("has an escape without its digits"),
    }
}
