//! `kinophone prepare`: films into a corpus.

use crate::args::PictureArgs;
use crate::context::{self, Context};
use crate::progress::span;
use crate::report::{self, Failure, Outcome};
use clap::Args;
use kinophone::dataset::{self, PrepareOptions, Prepared};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  Two films into one corpus; what is there already is left as it is:
    kinophone prepare piano.mp4 street.mkv -o corpus

  With the terms that travel into every brain that learns from it:
    kinophone prepare bunny.mp4 -o corpus --licence CC-BY-3.0 \\
        --author 'Blender Foundation' --title 'Big Buck Bunny' \\
        --source https://peach.blender.org

  Larger pictures in colour, and the film's second sound track:
    kinophone prepare opera.mkv -o large --size 128 --colour --audio-track 1

A corpus is a folder with one file a film. Copying files between folders
merges corpora; deleting one forgets the film. After Ctrl-C, the same command
goes on where it was.";

/// Options of `prepare`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct PrepareArgs {
    /// Films that ffmpeg can decode
    #[arg(required = true, value_name = "FILM")]
    pub films: Vec<PathBuf>,
    /// The folder of the corpus, created if missing
    #[arg(long, short, value_name = "CORPUS")]
    pub output: PathBuf,
    #[command(flatten)]
    pictures: PictureArgs,
    #[command(flatten)]
    provenance: ProvenanceArgs,
}

#[derive(Debug, Args)]
#[command(
    next_help_heading = "Provenance, written into the corpus or library for everything named in this call"
)]
pub struct ProvenanceArgs {
    /// The licence, best as an SPDX expression such as CC-BY-4.0 [default: what the film's tags say]
    #[arg(long, alias = "license", value_name = "SPDX")]
    licence: Option<String>,
    /// Who made it [default: what the film's tags say]
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// What it is called [default: what the film's tags say]
    #[arg(long)]
    title: Option<String>,
    /// Where it comes from
    #[arg(long, value_name = "URL")]
    source: Option<String>,
}

/// Prepares the films.
pub fn run(args: &PrepareArgs, context: &Context) -> Result<Outcome, Failure> {
    context::check_films(&args.films)?;
    let ffmpeg = context.ffmpeg()?;
    let prepared = dataset::prepare(&ffmpeg, &args.films, &args.output, &args.options(), context.task())?;
    context.end_progress();
    context.report.result(|| as_json(&args.output, &prepared), || as_text(&args.output, &prepared))?;
    Ok(Outcome::Done)
}

impl PrepareArgs {
    fn options(&self) -> PrepareOptions {
        // A silent film is worth preparing for a render; training refuses it.
        let size = self.pictures.size.unwrap_or(crate::args::SIZE);
        self.provenance.added_to(self.pictures.prepare_options(size, false))
    }
}

impl ProvenanceArgs {
    /// The options, on these terms.
    pub fn added_to(&self, options: PrepareOptions) -> PrepareOptions {
        PrepareOptions {
            licence: self.licence.clone(),
            author: self.author.clone(),
            title: self.title.clone(),
            origin: self.source.clone(),
            ..options
        }
    }
}

fn as_json(corpus: &Path, prepared: &[Prepared]) -> Value {
    let films: Vec<Value> = prepared
        .iter()
        .map(|p| {
            json!({
                "film": report::lossy(&p.film),
                "shard": report::lossy(&p.shard),
                "skipped": p.skipped,
                "pictures": p.pictures,
                "seconds": p.seconds,
            })
        })
        .collect();
    json!({ "corpus": report::lossy(corpus), "films": films })
}

fn as_text(corpus: &Path, prepared: &[Prepared]) -> String {
    let mut text = String::new();
    for film in prepared {
        let state = if film.skipped { " (was there already)" } else { "" };
        text +=
            &format!("{}: {} pictures, {}{state}\n", film.film.display(), film.pictures, span(film.seconds));
    }
    let seconds: f64 = prepared.iter().map(|p| p.seconds).sum();
    text + &format!("{}: {} of {} films named\n", corpus.display(), span(seconds), prepared.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn prepared(film: &Path, skipped: bool) -> Prepared {
        Prepared {
            film: film.into(),
            shard: "c/s.safetensors".into(),
            skipped,
            pictures: 3024,
            seconds: 126.0,
        }
    }

    #[test]
    fn results_are_told_by_film_and_in_all() {
        let films = [prepared(Path::new("a.mp4"), false), prepared(Path::new("b.mp4"), true)];
        assert_eq!(
            as_text(Path::new("c"), &films),
            "a.mp4: 3024 pictures, 2 min 06 s\nb.mp4: 3024 pictures, 2 min 06 s (was there already)\n\
             c: 4 min 12 s of 2 films named\n"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_unicode_still_gives_json() {
        use std::os::unix::ffi::OsStrExt;
        let name = Path::new(std::ffi::OsStr::from_bytes(b"\xff.mp4"));
        let value = as_json(Path::new("c"), &[prepared(name, false)]);
        assert_eq!(value["films"][0]["film"], "\u{fffd}.mp4");
    }
}
