//! Kinds of files, as far as their first bytes tell: for the advice where one of another kind is wanted.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Kind of a file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// A film or a recording; not certainly one that decodes.
    Media,
    /// An image that does not move, or an animated WebP, which ffmpeg does not decode.
    Image,
    Brain,
    Checkpoint,
    /// A film or a recording as `prepare` and `sounds` keep it.
    Shard,
    Score,
    Text,
    /// A folder with shards.
    ShardFolder,
    Folder,
    Other,
}

/// Bytes that are looked at; the description of a file of ours is near its beginning.
const HEAD: u64 = 4096;

impl FileKind {
    /// The kind of what is at `path`; `Other` where nothing can be read.
    pub(crate) fn of(path: &Path) -> Self {
        if path.is_dir() {
            return if holds_shards(path) { Self::ShardFolder } else { Self::Folder };
        }
        let mut head = Vec::new();
        let read = File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
        read.map_or(Self::Other, |_| Self::of_head(&head))
    }

    /// The kind with its article, as in "is a brain, not a film"; `None` where it is not known.
    pub(crate) fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Media => "a film or a recording",
            Self::Image => "an image",
            Self::Brain => "a brain",
            Self::Checkpoint => "a checkpoint of a training",
            Self::Shard => "a shard of a corpus or library",
            Self::Score => "a score",
            Self::Text => "a text",
            Self::ShardFolder => "a corpus or library",
            Self::Folder => "a folder",
            Self::Other => return None,
        })
    }

    fn of_head(head: &[u8]) -> Self {
        let begins = |magic: &[u8]| head.starts_with(magic);
        let fourth = head.get(4..8).unwrap_or_default();
        let form = head.get(8..12).unwrap_or_default();
        if begins(b"RIFF") && form == b"WEBP" || begins(b"\xff\xd8\xff") || begins(b"BM") && head.contains(&0)
        {
            return Self::Image;
        }
        if begins(b"\x89PNG") {
            return if contains(head, b"acTL") { Self::Media } else { Self::Image };
        }
        let boxes: [&[u8]; 5] = [b"ftyp", b"moov", b"mdat", b"wide", b"free"];
        let magics: [&[u8]; 10] = [
            b"\x1a\x45\xdf\xa3",
            b"RIFF",
            b"RF64",
            b"OggS",
            b"fLaC",
            b"ID3",
            b"FLV",
            b"GIF8",
            b"\0\0\x01\xba",
            b"FORM",
        ];
        if boxes.contains(&fourth) || magics.iter().any(|magic| begins(magic)) {
            return Self::Media;
        }
        if head.get(8) == Some(&b'{') && contains(head, b"\"kinophone\"") {
            return Self::ours(head);
        }
        let text = std::str::from_utf8(head).map_or_else(|e| e.valid_up_to() + 4 > head.len(), |_| true);
        let control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
        match text && !head.is_empty() && !head.iter().any(control) {
            true if begins(b"{") && contains(head, b"\"source_channels\"") => Self::Score,
            true => Self::Text,
            false => Self::Other,
        }
    }

    /// A safetensors file with a description of ours: those of brains and checkpoints name their form.
    fn ours(head: &[u8]) -> Self {
        let form = |name: &str| contains(head, format!("\\\"format\\\":\\\"{name}\\\"").as_bytes());
        if form("brain") || form("ensemble") {
            Self::Brain
        } else if form("checkpoint") {
            Self::Checkpoint
        } else {
            Self::Shard
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn holds_shards(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| path.extension().is_some_and(|e| e == "safetensors"))
}
