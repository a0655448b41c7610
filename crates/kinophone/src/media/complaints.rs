//! The words of a child on its standard error.

use std::collections::VecDeque;

/// The output of a child on its standard error, in bounded memory: the first and the last lines.
#[derive(Default)]
pub(super) struct Complaints {
    /// Number of lines that are kept from the beginning.
    most: usize,
    first: Vec<String>,
    last: VecDeque<String>,
    skipped: u64,
    line: Vec<u8>,
}

impl Complaints {
    const LAST: usize = 8;
    const LINE_BYTES: usize = 500;

    /// Keeps the first `lines` and the last eight.
    pub(super) fn keeping(lines: usize) -> Self {
        Self { most: lines, ..Self::default() }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match byte {
                b'\n' | b'\r' => self.end_line(),
                _ if self.line.len() < Self::LINE_BYTES => self.line.push(byte),
                _ => {}
            }
        }
    }

    pub(super) fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).trim_end().to_owned();
        let again = self.last.back().or(self.first.last()) == Some(&line);
        if line.is_empty() || again || line.contains("Last message repeated") {
            return;
        }
        if self.first.len() < self.most {
            self.first.push(line);
            return;
        }
        if self.last.len() == Self::LAST {
            self.last.pop_front();
            self.skipped += 1;
        }
        self.last.push_back(line);
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let gap = (self.skipped > 0).then(|| format!("… {} lines more …", self.skipped));
        self.first.iter().cloned().chain(gap).chain(self.last.iter().cloned()).collect()
    }
}
