//! `kinophone gallery`: renders every film with every brain, on one page.

use crate::args::{BrainLoudnessArgs, SeedArgs, overwrite};
use crate::cache;
use crate::context::{self, Context};
use crate::report::{self, Failure, Outcome};
use clap::Args;
use clap::builder::PossibleValuesParser;
use kinophone::eval::{self, Gallery, GalleryCell, GalleryPlan};
use kinophone::wording::count;
use kinophone::{Error, Result};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  Two brains on a film, side by side:
    kinophone gallery piano.brain water.brain silent.mp4 -o gallery

  With two synths, on three films:
    kinophone gallery piano.brain one.mp4 two.mkv three.mov -o gallery \\
        --synth mosaic,spectral

Open gallery/index.html. The films lie beside it; pictures that browsers do not
play (HEVC, MPEG-2 …) are converted to H.264; all others stay as they are.";

/// Options of `gallery`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct GalleryArgs {
    /// Brains and films, in any order
    #[arg(value_name = "BRAIN|FILM", required = true)]
    files: Vec<PathBuf>,
    /// The folder to write: index.html, gallery.json and the films
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,
    /// Replace an existing gallery
    #[arg(long)]
    force: bool,
    /// Synths to render with; each brain uses those that it supports [default: each brain's preferred synth]
    #[arg(long, value_name = "SYNTH,…", value_delimiter = ',', value_parser = PossibleValuesParser::new(SYNTHS))]
    synth: Vec<String>,
    #[command(flatten)]
    loudness: BrainLoudnessArgs,
    #[command(flatten)]
    seed: SeedArgs,
}

/// The synths of `render`.
const SYNTHS: [&str; 6] = ["mosaic", "spectral", "windowed", "granular", "raw", "granular-2015"];

/// Renders the gallery.
pub fn run(args: &GalleryArgs, context: &Context) -> Result<Outcome, Failure> {
    let (brains, films) = args.sort()?;
    context::check_films(&films)?;
    let plan = GalleryPlan {
        brains,
        films,
        synths: args.synth.clone(),
        output: args.output.clone(),
        overwrite: overwrite(args.force),
        cache: cache::films()?,
        seed: args.seed.seed,
        loudness: args.loudness.mode(),
    };
    let gallery = eval::make_gallery(&context.ffmpeg()?, &plan, context.task()).map_err(cache::explained)?;
    context.end_progress();
    context.report.result(|| as_json(args, &gallery), || as_text(args, &gallery))?;
    let whole = gallery.cells.iter().all(|cell| cell.error.is_none());
    Ok(if whole { Outcome::Done } else { Outcome::Problems })
}

impl GalleryArgs {
    /// The brains and the films among the files.
    fn sort(&self) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Failure> {
        let (mut brains, mut films) = (Vec::new(), Vec::new());
        for file in &self.files {
            if is_brain(file)? { brains.push(file.clone()) } else { films.push(file.clone()) }
        }
        match (brains.is_empty(), films.is_empty()) {
            (true, _) => Err(Failure::usage(
                format!("none of these files is a brain: {}", listed(&films)),
                "name a brain as well, such as piano.brain",
            )),
            (_, true) => Err(Failure::usage(
                format!("none of these files is a film: {}", listed(&brains)),
                "name a film as well",
            )),
            _ => Ok((brains, films)),
        }
    }
}

fn listed(files: &[PathBuf]) -> String {
    files.iter().map(|file| report::lossy(file)).collect::<Vec<_>>().join(", ")
}

/// True for a safetensors file: the length of a header, and the header, which begins with a brace. A damaged
/// brain is recognized by its extension.
fn is_brain(file: &Path) -> Result<bool> {
    if context::metadata(file)?.is_dir() {
        return Ok(false);
    }
    let mut head = [0; 9];
    let read = File::open(file).and_then(|mut file| file.read_exact(&mut head));
    match read {
        Err(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => return Err(Error::io("read", file, e)),
        _ => {}
    }
    Ok(head[8] == b'{' || file.extension().is_some_and(|e| e.eq_ignore_ascii_case("brain")))
}

fn as_json(args: &GalleryArgs, gallery: &Gallery) -> Value {
    let cell = |cell: &GalleryCell| {
        json!({
            "film": gallery.films[cell.film].name,
            "brain": gallery.brains[cell.brain].name,
            "synth": cell.synth,
            "file": cell.file.as_ref().map(|file| report::lossy(&args.output.join(file))),
            "seconds": cell.seconds,
            "learned": cell.learned,
            "further": cell.further,
            "error": cell.error,
        })
    };
    json!({
        "gallery": report::lossy(&args.output),
        "cells": gallery.cells.iter().map(cell).collect::<Vec<_>>(),
    })
}

fn as_text(args: &GalleryArgs, gallery: &Gallery) -> String {
    let failed = gallery.cells.iter().filter(|cell| cell.error.is_some()).count();
    let failed = if failed > 0 { format!(", {failed} could not be made") } else { String::new() };
    format!(
        "{}, {}, {}{failed}\nopen {}\n",
        count(gallery.films.len(), "films"),
        count(gallery.brains.len(), "brains"),
        count(gallery.cells.len(), "soundtracks"),
        report::shown(&args.output.join("index.html"))
    )
}
