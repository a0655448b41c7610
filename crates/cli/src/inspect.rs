//! `kinophone inspect`: the facts of a brain, corpus, shard or film, and pictures of them.

pub(crate) mod brain;
mod card;
mod facts;
mod film;
mod footage;

use crate::context::{self, Context};
use crate::report::{Failure, Outcome};
use clap::Args;
use kinophone::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  What a brain is, what it learned from, and how good it is:
    kinophone inspect piano.brain

  What a corpus or a film holds, as JSON:
    kinophone inspect corpus --json

  First-layer filters and the loss curve, as PNG:
    kinophone inspect piano.brain --pictures look

  Its model card, to be passed on with it:
    kinophone inspect piano.brain --card -o piano.md";

/// Options of `inspect`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct InspectArgs {
    /// A brain, a corpus (folder), a shard or a film; what it is, is seen from its content
    #[arg(value_name = "BRAIN|CORPUS|SHARD|FILM")]
    pub path: PathBuf,
    /// Draw PNGs into this folder, created if missing
    #[arg(long, value_name = "DIR")]
    pub pictures: Option<PathBuf>,
    /// A brain's model card, as Markdown: what it learned from and on what terms, settings, scores beside chance, what it
    /// plays to black, white and noise, what it is not good for
    #[arg(long, conflicts_with = "pictures")]
    pub card: bool,
    /// Write the card into this file instead of to standard output
    #[arg(long, short, value_name = "FILE.md", requires = "card")]
    pub output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long, requires = "output")]
    pub force: bool,
}

/// Prints the facts; draws.
pub fn run(args: &InspectArgs, context: &Context) -> Result<Outcome, Failure> {
    let folder = args.pictures.as_deref();
    let what = kind_of(&args.path)?;
    if args.card {
        return card::write(args, what, context);
    }
    let facts = match what {
        What::Corpus => footage::corpus(&args.path, folder, context)?,
        What::Shard => footage::shard(&args.path, folder)?,
        What::Brain => brain::inspect(&args.path, folder)?,
        What::Film => film::inspect(&args.path, folder, context)?,
    };
    context.end_progress();
    context.report.data(|| facts.as_json(), || facts.as_text())?;
    Ok(Outcome::Done)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Corpus,
    Shard,
    Brain,
    Film,
}

/// The longest header that is read to tell a brain from a shard; both are far below it.
const LONGEST_HEADER: u64 = 100 << 20;

/// By content, not by name: a folder is a corpus; a safetensors file with a tensor `pictures` a shard, and any other one
/// is handed to the brain's loader, whose error says best what is wrong with it; the rest may be a film.
fn kind_of(path: &Path) -> Result<What> {
    if context::existing(path)?.is_dir() {
        return Ok(What::Corpus);
    }
    Ok(match header(path)? {
        Some(header) if header.get("pictures").is_some() => What::Shard,
        Some(_) => What::Brain,
        None => What::Film,
    })
}

/// The JSON header of a safetensors file: eight bytes of length, little-endian, then an object.
fn header(path: &Path) -> Result<Option<serde_json::Value>> {
    let failed = |e| Error::io("read", path, e);
    if !context::existing(path)?.is_file() {
        // A pipe or a device would block here; the film's reader refuses it.
        return Ok(None);
    }
    let mut file = File::open(path).map_err(failed)?;
    let mut start = [0; 9];
    if file.read_exact(&mut start).is_err() || start[8] != b'{' {
        return Ok(None);
    }
    let length = u64::from_le_bytes(start[..8].try_into().expect("eight of nine bytes"));
    if length > LONGEST_HEADER {
        return Ok(None);
    }
    let mut text = vec![b'{'];
    file.take(length.saturating_sub(1)).read_to_end(&mut text).map_err(failed)?;
    Ok(Some(serde_json::from_slice(&text).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(header: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4]].concat();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn files_are_told_apart_by_content() {
        assert_eq!(kind_of(write(r#"{"pictures":{},"times_us":{}}  "#).path()).unwrap(), What::Shard);
        assert_eq!(kind_of(write(r#"{"layers.0.weight":{}}"#).path()).unwrap(), What::Brain);
        assert_eq!(kind_of(write("{cut").path()).unwrap(), What::Brain);
        assert_eq!(kind_of(write("text").path()).unwrap(), What::Film);
        assert_eq!(kind_of(tempfile::tempdir().unwrap().path()).unwrap(), What::Corpus);
    }

    #[test]
    fn a_header_of_absurd_length_is_not_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [&u64::MAX.to_le_bytes()[..], b"{\"pictures\":1}"].concat()).unwrap();
        assert_eq!(kind_of(file.path()).unwrap(), What::Film);
    }
}
