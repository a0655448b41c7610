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
    /// True within a warning that does not count.
    passing_over: bool,
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
        let line = std::mem::take(&mut self.line);
        let (level, line) = without_level(String::from_utf8_lossy(&line).trim_end());
        // A warning may have further lines, which have no level.
        self.passing_over = match level.as_deref() {
            Some(level) => level == "warning" && !COUNTED.iter().any(|words| line.contains(words)),
            None => self.passing_over,
        };
        if self.passing_over {
            return;
        }
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

/// The warnings of ffmpeg that count, of packets and of FLAC frames that are missing: all others are of how files are made, or of what we
/// have chosen.
const COUNTED: [&str; 2] = ["corrupt input packet", "number mismatch in adjacent frames"];

/// The level of a line, where ffmpeg was asked to give it, and the line without it. Tags of speakers may stand before it:
/// "[mpegts @ 0x5578] [warning] Packet corrupt".
fn without_level(line: &str) -> (Option<String>, String) {
    let mut at = 0;
    while let Some((tag, rest)) = line[at..].strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        match tag {
            "warning" | "error" | "fatal" | "panic" => {
                return (Some(tag.to_owned()), format!("{}{rest}", &line[..at]));
            }
            _ if tag.contains(" @ ") => at = line.len() - rest.len(),
            _ => break,
        }
    }
    (None, line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_corrupt_packets_are_kept_and_other_warnings_are_not() {
        let kept = |said: &str| {
            let mut complaints = Complaints::keeping(10);
            complaints.take(said.as_bytes());
            complaints.end_line();
            complaints.lines()
        };
        assert_eq!(
            kept("[a @ 0x5] [warning] Packet corrupt\n[warning] a.ts: corrupt input packet in stream 0\n"),
            ["a.ts: corrupt input packet in stream 0"]
        );
        assert_eq!(
            kept(
                "[mkv @ 0x5578] [warning] no parameters\nConsider more\n[flac @ 0x5578] [error] CRC error\nat 3\n"
            ),
            ["[flac @ 0x5578] CRC error", "at 3"]
        );
        assert_eq!(kept("[in @ 0x1] [mp3 @ 0x2] [fatal] no"), ["[in @ 0x1] [mp3 @ 0x2] no"]);
        // Without a level, as where none was asked for; and brackets that are no tags.
        let plain = ["[flac @ 0x5578] CRC error", "Stream #0:0: Audio [warm]", "[Parsed] x", "["];
        assert_eq!(kept(&plain.join("\n")), plain);
    }
}
