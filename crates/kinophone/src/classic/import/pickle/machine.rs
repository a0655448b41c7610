//! The stack machine: one instruction after the other, until the one that ends the pickle.

use crate::classic::import::file::malformed;
use crate::classic::import::pickle::literals::{decimal, little_endian, text, unescaped, unquoted};
use crate::classic::import::pickle::node::{Id, Node, shown};
use crate::classic::import::pickle::stop::{PickleStep, PickleStop, wrong};
use crate::{Error, Kind, Result};
use std::borrow::Cow;
use std::collections::HashMap;

/// Instructions that are followed. A network of 2015 takes some hundreds; one that was saved with all of Theano's graphs
/// and compiled functions, some hundred thousand.
const MAX_STEPS: usize = 1 << 22;

/// The stack machine.
pub(crate) struct PickleMachine<'a> {
    bytes: &'a [u8],
    /// Where the instruction that is being followed begins.
    begin: usize,
    at: usize,
    known: fn(&str) -> bool,
    nodes: Vec<Node<'a>>,
    stack: Vec<Id>,
    /// Height of the stack at each mark.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

impl<'a> PickleMachine<'a> {
    pub(crate) fn new(bytes: &'a [u8], known: fn(&str) -> bool) -> Self {
        let (nodes, stack, marks, memo) = Default::default();
        Self { bytes, begin: 0, at: 0, known, nodes, stack, marks, memo }
    }

    /// All nodes, and which of them was pickled.
    pub(crate) fn run(mut self) -> Result<(Vec<Node<'a>>, Id)> {
        match self.follow() {
            Ok(root) => Ok((self.nodes, root)),
            Err(stop) => Err(self.explain(stop)),
        }
    }

    fn follow(&mut self) -> PickleStep<Id> {
        for _ in 0..MAX_STEPS {
            self.begin = self.at;
            match self.byte()? {
                b'.' => return self.pop(),
                code => self.step(code)?,
            }
        }
        wrong(format!("has more than {MAX_STEPS} instructions"))
    }

    /// Python 2 and later begin with a mark of the protocol; without it, a wrong instruction rather means another kind
    /// of file.
    fn explain(&self, stop: PickleStop) -> Error {
        let marked = matches!(self.bytes, [0x80, 0..=5, ..]);
        match stop {
            PickleStop::Stranger(name) => {
                let what = format!("names '{}', which no network needs; nothing was executed", shown(&name));
                Error::new(Kind::WrongKind, what)
                    .help("do not open this file with Python unless you know who made it")
            }
            PickleStop::Outside if marked => {
                Error::new(Kind::WrongKind, "is a pickle that refers to something outside of itself")
                    .help("save the network again by itself, as theanets does")
            }
            PickleStop::Truncated if marked || self.begin > 0 => {
                malformed(format!("is cut off: the pickle has no end ({} bytes)", self.bytes.len()))
            }
            PickleStop::Wrong(what) if marked => {
                malformed(format!("is damaged: byte {} of the pickle {what}", self.begin))
            }
            _ => Error::new(Kind::WrongKind, "is not a pickle")
                .help("name a file that theanets saved in 2015, such as theanet.py.net.pkl"),
        }
    }

    fn step(&mut self, code: u8) -> PickleStep<()> {
        let node = match code {
            b'(' => return self.mark(),
            b'0' => return self.discard(),
            b'1' => return self.popped_to_mark().map(drop),
            b'2' => return self.duplicate(),
            b'N' => Node::None,
            0x88 => Node::Bool(true),
            0x89 => Node::Bool(false),
            b'I' => self.decimal_or_bool()?,
            b'J' => Node::Int(i64::from(i32::from_le_bytes(self.array()?))),
            b'K' => Node::Int(i64::from(self.byte()?)),
            b'M' => Node::Int(i64::from(u16::from_le_bytes(self.array()?))),
            b'L' => self.decimal_long()?,
            0x8a => self.counted(1).map(little_endian)?,
            0x8b => self.counted(4).map(little_endian)?,
            b'F' => self.decimal_float()?,
            b'G' => Node::Float(f64::from_be_bytes(self.array()?)),
            b'S' => Node::Bytes(unquoted(self.line()?)?),
            b'T' | b'B' => Node::Bytes(Cow::Borrowed(self.counted(4)?)),
            b'U' | b'C' => Node::Bytes(Cow::Borrowed(self.counted(1)?)),
            0x8e | 0x96 => Node::Bytes(Cow::Borrowed(self.counted(8)?)),
            b'V' => Node::Text(unescaped(self.line()?)?),
            b'X' => self.counted(4).and_then(text)?,
            0x8c => self.counted(1).and_then(text)?,
            0x8d => self.counted(8).and_then(text)?,
            b']' | 0x8f => Node::List(Vec::new()),
            b'l' | 0x91 => Node::List(self.popped_to_mark()?),
            b')' => Node::Tuple(Vec::new()),
            b't' => Node::Tuple(self.popped_to_mark()?),
            0x85..=0x87 => Node::Tuple(self.popped(usize::from(code - 0x84))?),
            b'}' => Node::Dict(Vec::new()),
            b'd' => Node::Dict(pairs(&self.popped_to_mark()?)?),
            b'a' => return self.append_one(),
            b'e' | 0x90 => return self.append(),
            b's' => return self.set_one(),
            b'u' => return self.set(),
            b'c' => self.named_by_lines()?,
            0x93 => self.named_by_stack()?,
            b'R' | 0x81 => self.made(2)?,
            0x92 => self.made(3)?,
            b'i' => self.made_by_lines()?,
            b'o' => self.made_by_mark()?,
            b'b' => return self.build(),
            b'p' | b'q' | b'r' | 0x94 => return self.remember(code),
            b'g' | b'h' | b'j' => return self.recall(code),
            0x80 => return self.protocol(),
            // A frame only says how much to read at once.
            0x95 => return self.array::<8>().map(drop),
            b'P' | b'Q' | 0x82..=0x84 | 0x97 | 0x98 => return Err(PickleStop::Outside),
            _ => return wrong(format!("is no instruction (0x{code:02x})")),
        };
        self.push(node);
        Ok(())
    }

    fn push(&mut self, node: Node<'a>) {
        let id = self.add(node);
        self.stack.push(id);
    }

    /// At most two nodes an instruction, so that their number fits.
    fn add(&mut self, node: Node<'a>) -> Id {
        self.nodes.push(node);
        Id((self.nodes.len() - 1) as u32)
    }

    /// The topmost value, above the last mark.
    fn pop(&mut self) -> PickleStep<Id> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(id) if self.stack.len() >= floor => Ok(id),
            _ => wrong("takes from an empty stack"),
        }
    }

    fn popped(&mut self, count: usize) -> PickleStep<Vec<Id>> {
        let mut ids = (0..count).map(|_| self.pop()).collect::<PickleStep<Vec<_>>>()?;
        ids.reverse();
        Ok(ids)
    }

    fn popped_to_mark(&mut self) -> PickleStep<Vec<Id>> {
        match self.marks.pop() {
            Some(mark) if mark <= self.stack.len() => Ok(self.stack.split_off(mark)),
            _ => wrong("asks for a mark that was not set"),
        }
    }

    fn mark(&mut self) -> PickleStep<()> {
        self.marks.push(self.stack.len());
        Ok(())
    }

    /// Takes the topmost value or, where there is none above it, the mark.
    fn discard(&mut self) -> PickleStep<()> {
        if self.marks.last() == Some(&self.stack.len()) {
            self.marks.pop();
            return Ok(());
        }
        self.pop().map(drop)
    }

    fn duplicate(&mut self) -> PickleStep<()> {
        let top = self.top()?;
        self.stack.push(top);
        Ok(())
    }

    fn top(&self) -> PickleStep<Id> {
        self.stack.last().copied().map_or_else(|| wrong("looks at an empty stack"), Ok)
    }

    fn append_one(&mut self) -> PickleStep<()> {
        let value = self.pop()?;
        self.extend(&[value])
    }

    fn append(&mut self) -> PickleStep<()> {
        let values = self.popped_to_mark()?;
        self.extend(&values)
    }

    /// Puts values at the end of the list on the stack. What an object of a class of its own does with them is not known;
    /// no part of a network is such an object.
    fn extend(&mut self, values: &[Id]) -> PickleStep<()> {
        let list = self.top()?;
        match &mut self.nodes[list.0 as usize] {
            Node::List(elements) => elements.extend(values),
            Node::Object { .. } => {}
            _ => return wrong("appends to what is no list"),
        }
        Ok(())
    }

    fn set_one(&mut self) -> PickleStep<()> {
        let entry = self.popped(2)?;
        self.insert(&entry)
    }

    fn set(&mut self) -> PickleStep<()> {
        let entries = self.popped_to_mark()?;
        self.insert(&entries)
    }

    fn insert(&mut self, values: &[Id]) -> PickleStep<()> {
        let (dict, values) = (self.top()?, pairs(values)?);
        match &mut self.nodes[dict.0 as usize] {
            Node::Dict(entries) => entries.extend(values),
            Node::Object { .. } => {}
            _ => return wrong("sets a key of what is no dictionary"),
        }
        Ok(())
    }

    fn named_by_lines(&mut self) -> PickleStep<Node<'a>> {
        let (module, name) = (self.line()?, self.line()?);
        match (std::str::from_utf8(module), std::str::from_utf8(name)) {
            (Ok(module), Ok(name)) => self.named(module, name),
            _ => wrong("names something in no readable letters"),
        }
    }

    fn named_by_stack(&mut self) -> PickleStep<Node<'a>> {
        let ids = self.popped(2)?;
        match [ids[0], ids[1]].map(|id| self.nodes[id.0 as usize].clone()) {
            [Node::Text(module), Node::Text(name)] => self.named(&module, &name),
            _ => wrong("names something by what is no text"),
        }
    }

    fn named(&self, module: &str, name: &str) -> PickleStep<Node<'a>> {
        let name = format!("{module}.{name}");
        if (self.known)(&name) {
            return Ok(Node::Name(Cow::Owned(name)));
        }
        Err(PickleStop::Stranger(name))
    }

    /// From a maker, its arguments and perhaps its named arguments, which are passed over.
    fn made(&mut self, parts: usize) -> PickleStep<Node<'a>> {
        let parts = self.popped(parts)?;
        Ok(Node::Object { maker: parts[0], args: parts[1], state: None })
    }

    fn made_by_lines(&mut self) -> PickleStep<Node<'a>> {
        let name = self.named_by_lines()?;
        let args = Node::Tuple(self.popped_to_mark()?);
        Ok(Node::Object { maker: self.add(name), args: self.add(args), state: None })
    }

    fn made_by_mark(&mut self) -> PickleStep<Node<'a>> {
        let mut args = self.popped_to_mark()?;
        if args.is_empty() {
            return wrong("makes an object of no class");
        }
        let maker = args.remove(0);
        Ok(Node::Object { maker, args: self.add(Node::Tuple(args)), state: None })
    }

    fn build(&mut self) -> PickleStep<()> {
        let (given, object) = (self.pop()?, self.top()?);
        match &mut self.nodes[object.0 as usize] {
            Node::Object { state, .. } => *state = Some(given),
            _ => return wrong("gives a state to what is no object"),
        }
        Ok(())
    }

    fn remember(&mut self, code: u8) -> PickleStep<()> {
        let key = match code {
            0x94 => self.memo.len() as u64,
            _ => self.key(code)?,
        };
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn recall(&mut self, code: u8) -> PickleStep<()> {
        let key = self.key(code)?;
        match self.memo.get(&key) {
            Some(&id) => self.stack.push(id),
            None => return wrong(format!("recalls value {key}, which was not remembered")),
        }
        Ok(())
    }

    fn key(&mut self, code: u8) -> PickleStep<u64> {
        Ok(match code {
            b'q' | b'h' => u64::from(self.byte()?),
            b'r' | b'j' => u64::from(u32::from_le_bytes(self.array()?)),
            _ => match decimal(self.line()?)? {
                Node::Int(key) if key >= 0 => key as u64,
                _ => return wrong("has a number that can't be"),
            },
        })
    }

    fn protocol(&mut self) -> PickleStep<()> {
        match self.byte()? {
            0..=5 => Ok(()),
            newer => wrong(format!("asks for protocol {newer}; 0 to 5 are known")),
        }
    }

    fn decimal_or_bool(&mut self) -> PickleStep<Node<'a>> {
        match self.line()? {
            b"00" => Ok(Node::Bool(false)),
            b"01" => Ok(Node::Bool(true)),
            line => decimal(line),
        }
    }

    /// Python 2 ends its long numbers with an L.
    fn decimal_long(&mut self) -> PickleStep<Node<'a>> {
        let line = self.line()?;
        decimal(line.strip_suffix(b"L").unwrap_or(line))
    }

    fn decimal_float(&mut self) -> PickleStep<Node<'a>> {
        let line = std::str::from_utf8(self.line()?).ok();
        line.and_then(|l| l.trim().parse().ok())
            .map_or_else(|| wrong("has a number that can't be"), |x| Ok(Node::Float(x)))
    }

    fn byte(&mut self) -> PickleStep<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn array<const N: usize>(&mut self) -> PickleStep<[u8; N]> {
        self.take(N).map(|bytes| bytes.try_into().expect("as many as were asked for"))
    }

    fn take(&mut self, count: usize) -> PickleStep<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..count).ok_or(PickleStop::Truncated)?;
        self.at += count;
        Ok(taken)
    }

    /// Bytes behind their number, which is little-endian in `width` bytes.
    fn counted(&mut self, width: usize) -> PickleStep<&'a [u8]> {
        let mut number = [0; 8];
        number[..width].copy_from_slice(self.take(width)?);
        let count = usize::try_from(u64::from_le_bytes(number)).map_err(|_| PickleStop::Truncated)?;
        self.take(count)
    }

    /// Up to the end of the line, which is passed over.
    fn line(&mut self) -> PickleStep<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|&b| b == b'\n').ok_or(PickleStop::Truncated)?;
        self.at += length + 1;
        Ok(&rest[..length])
    }
}

fn pairs(ids: &[Id]) -> PickleStep<Vec<(Id, Id)>> {
    if ids.len() % 2 == 1 {
        return wrong("has a key without a value");
    }
    Ok(ids.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}
