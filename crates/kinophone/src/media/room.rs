//! Text in a file's tags that is known only when all of its sound is: room is left for it, and filled at the end.
//!
//! The alternative is to have ffmpeg copy the whole file once more, which takes as long again as writing it, and may move times
//! by what containers round. Every container that we write keeps a tag's bytes in one piece and as they are; a test reads each.

use crate::media::process::{self, Ending};
use crate::media::{Ffmpeg, input};
use crate::{Error, Kind, Result};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Bytes that are searched at once.
const STEP: usize = 1 << 20;

/// Writes `text` over the first place in the file where `room` stands. Both are of one length.
pub(crate) fn fill(path: &Path, room: &str, text: &str) -> Result<()> {
    let failed = |e| Error::io("written", path, e);
    assert_eq!(room.len(), text.len(), "what fills a room is as long as it");
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
    let room = room.as_bytes();
    let (mut window, mut begins) = (Vec::new(), 0u64);
    loop {
        let got = Read::by_ref(&mut file).take(STEP as u64).read_to_end(&mut window).map_err(failed)?;
        if let Some(place) = window.windows(room.len()).position(|bytes| bytes == room) {
            file.seek(SeekFrom::Start(begins + place as u64)).map_err(failed)?;
            return file.write_all(text.as_bytes()).map_err(failed);
        }
        if got == 0 {
            return Err(Error::new(Kind::Tool, "did not get the tag that ffmpeg was given for it")
                .at(path)
                .help("choose another container, or another version of ffmpeg"));
        }
        let done = window.len().saturating_sub(room.len() - 1);
        window.drain(..done);
        begins += done as u64;
    }
}

/// All tags of a file, whole.
pub(crate) fn tags(ffmpeg: &Ffmpeg, path: &Path) -> Result<Vec<(String, String)>> {
    input::check(path)?;
    let mut args = input::common();
    args.extend(input::words(&["-nostdin", "-v", "error"]));
    args.extend(input::guards());
    args.extend([OsString::from("-i"), input::url(path)?]);
    args.extend(input::words(&["-f", "ffmetadata", "pipe:1"]));
    let (text, outcome) = process::run(&ffmpeg.program, args, ffmpeg.stall, 1 << 20)?;
    if outcome.ending != Ending::Success {
        return Err(input::refusal(path, &outcome));
    }
    Ok(file_tags(&String::from_utf8_lossy(&text)))
}

/// The tags of the file itself, out of ffmpeg's metadata as text. A backslash says that the next character is meant as it is,
/// a line break within a value as well: only a line that begins without one can be a comment or the head of a section.
pub(crate) fn file_tags(text: &str) -> Vec<(String, String)> {
    let mut tags = Vec::new();
    let mut rest = text;
    // Sections of streams and chapters come after the file's own tags.
    while !rest.is_empty() && !rest.starts_with('[') {
        let (line, after) = rest.split_at(line_end(rest));
        if !line.starts_with(';') {
            tags.extend(tag(line));
        }
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    tags
}

/// The place of the first line break that no backslash stands before, or the end.
fn line_end(text: &str) -> usize {
    let mut escaped = false;
    for (place, c) in text.char_indices() {
        if c == '\n' && !escaped {
            return place;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

/// `key=value`, in which a backslash says that the next character is meant as it is.
fn tag(line: &str) -> Option<(String, String)> {
    let (mut key, mut text) = (None, String::new());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next()),
            '=' if key.is_none() => key = Some(std::mem::take(&mut text)),
            c => text.push(c),
        }
    }
    Some((key?, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_they_were_meant() {
        let read = |line: &str| tag(line).unwrap();
        assert_eq!(
            read(r#"copyright={"a":"b\=c\;d\\e"}"#),
            ("copyright".into(), r#"{"a":"b=c;d\e"}"#.into())
        );
        assert_eq!(read("a\\=b=c=d"), ("a=b".into(), "c=d".into()));
        assert_eq!(tag("no tag"), None);
    }

    /// As ffmpeg writes the tags of a film whose description has lines that look like something else.
    #[test]
    fn a_line_of_a_value_is_no_section_and_no_comment() {
        let text = ";FFMETADATA1\ntitle=a\ndescription=one\\\n[CHAPTER]\\\n\\;no remark\\\nx\\=y\\\\\ncopyright=z\n\
                    [STREAM]\ncopyright=other\n";
        let read = file_tags(text);
        let own = [("title", "a"), ("description", "one\n[CHAPTER]\n;no remark\nx=y\\"), ("copyright", "z")];
        assert_eq!(read, own.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn room_is_found_wherever_it_is_and_nothing_else_changes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f");
        let room = "the room";
        for before in [0, 5, STEP - 4, STEP, 3 * STEP - 1] {
            let bytes = |text: &str| [&vec![b't'; before][..], text.as_bytes(), b"the rest"].concat();
            std::fs::write(&file, bytes(room)).unwrap();
            fill(&file, room, "the text").unwrap();
            assert!(std::fs::read(&file).unwrap() == bytes("the text"), "{before}");
            assert_eq!(fill(&file, room, "the text").unwrap_err().kind(), Kind::Tool);
        }
    }
}
