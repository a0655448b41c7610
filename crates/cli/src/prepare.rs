//! `kinophone prepare`: turns films into a corpus.

use crate::args::{PictureArgs, ProvenanceArgs};
use crate::context::Context;
use crate::folders::{FoundFile, find_files};
use crate::report::{self, Failure, Outcome};
use crate::wording::duration;
use clap::Args;
use kinophone::dataset::{self, PrepareOptions, Prepared};
use kinophone::media::Ffmpeg;
use kinophone::storage::MissingFolders;
use kinophone::wording::count;
use kinophone::{Error, Kind};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  Two films into one corpus; films that are there already are skipped:
    kinophone prepare piano.mp4 street.mkv -o corpus

  A folder of films, with its subfolders:
    kinophone prepare holidays -o corpus

  With terms that are stored in every brain trained on it:
    kinophone prepare bunny.mp4 -o corpus --licence CC-BY-3.0 \\
        --author 'Blender Foundation' --title 'Big Buck Bunny' \\
        --source https://peach.blender.org

  Larger pictures in colour, and the film's second sound track:
    kinophone prepare opera.mkv -o large --size 128 --colour --audio-track 1

A corpus is a folder with one file per film. Copying files between folders
merges corpora; deleting one removes the film. After Ctrl-C, the same command
continues where it stopped.";

/// Options of `prepare`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct PrepareArgs {
    /// Films that ffmpeg can decode, or folders of them
    #[arg(required = true, value_name = "FILM|FOLDER")]
    films: Vec<PathBuf>,
    /// The folder of the corpus, created if missing
    #[arg(long, short, value_name = "CORPUS")]
    output: PathBuf,
    #[command(flatten)]
    pictures: PictureArgs,
    #[command(flatten)]
    provenance: ProvenanceArgs,
}

/// Prepares the films.
pub fn run(args: &PrepareArgs, context: &Context) -> Result<Outcome, Failure> {
    let films = find_files(&args.films, context)?;
    let ffmpeg = context.ffmpeg()?;
    let _made = MissingFolders::note(&args.output);
    let prepared = prepare_found(&ffmpeg, &films, &args.films, &args.output, &args.options(), context)?;
    context.end_progress();
    context.report.result(|| as_json(&args.output, &prepared), || as_text(&args.output, &prepared))?;
    Ok(Outcome::Done)
}

/// Prepares films one by one. What does not belong among the films of a folder is left out with a warning.
pub fn prepare_found(
    ffmpeg: &Ffmpeg,
    films: &[FoundFile],
    named: &[PathBuf],
    folder: &Path,
    options: &PrepareOptions,
    context: &Context,
) -> Result<Vec<Prepared>, Error> {
    let mut prepared = Vec::new();
    for film in films {
        match dataset::prepare(ffmpeg, std::slice::from_ref(&film.path), folder, options, context.task()) {
            Ok(done) => prepared.extend(done),
            Err(error) if film.may_be_left_out(&error) => {
                context.warn(&format!("{error}; it is left out"));
            }
            Err(error) => return Err(error),
        }
    }
    if prepared.is_empty() {
        let what = "holds no film that can be used";
        return Err(Error::new(Kind::Empty, what)
            .at(&named[0])
            .help("name films, or folders with films in them"));
    }
    Ok(prepared)
}

impl PrepareArgs {
    fn options(&self) -> PrepareOptions {
        // Films without sound are prepared for renderings; training refuses them.
        let size = self.pictures.size.unwrap_or(PrepareOptions::default().size);
        self.provenance.added_to(self.pictures.prepare_options(size, false))
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
        let pictures = count(film.pictures, "pictures");
        text += &format!("{}: {pictures}, {}{state}\n", report::shown(&film.film), duration(film.seconds));
    }
    let (number, seconds) = Prepared::totals(prepared);
    text + &format!("{}: {} from {}\n", report::shown(corpus), duration(seconds), count(number, "films"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(film: &Path, skipped: bool) -> Prepared {
        Prepared {
            film: film.into(),
            shard: Path::new("c").join(film).with_extension("safetensors"),
            skipped,
            pictures: 3024,
            seconds: 126.0,
        }
    }

    #[test]
    fn results_are_listed_by_film_and_in_total() {
        let films = [prepared(Path::new("a.mp4"), false), prepared(Path::new("b.mp4"), true)];
        assert_eq!(
            as_text(Path::new("c"), &films),
            "a.mp4: 3024 pictures, 2 min 06 s\nb.mp4: 3024 pictures, 2 min 06 s (was there already)\n\
             c: 4 min 12 s from 2 films\n"
        );
        // The same film under another name counts once.
        let again = Prepared { film: "c.mp4".into(), ..prepared(Path::new("a.mp4"), true) };
        let [first, second] = films;
        assert!(as_text(Path::new("c"), &[first, second, again]).ends_with("c: 4 min 12 s from 2 films\n"));
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_unicode_still_gives_json() {
        use std::os::unix::ffi::OsStrExt;
        let name = Path::new(std::ffi::OsStr::from_bytes(b"\xff.mp4"));
        let value = as_json(Path::new("c"), &[prepared(name, false)]);
        assert_eq!(value["films"][0]["film"], "\u{fffd}.mp4");
    }
}
