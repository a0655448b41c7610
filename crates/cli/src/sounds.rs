//! `kinophone sounds`: turns recordings and films into a library of sounds.

use crate::args::ProvenanceArgs;
use crate::context::Context;
use crate::folders::find_files;
use crate::report::{self, Failure, Outcome};
use crate::wording::duration;
use clap::{Args, ValueEnum};
use kinophone::dataset::{PrepareOptions, Prepared};
use kinophone::media::AudioTracks;
use kinophone::sound_library::{self, SegmentBy, Segmentation};
use kinophone::storage::MissingFolders;
use kinophone::wording::count;
use kinophone::{Error, Kind};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  A folder of recordings, with its subfolders:
    kinophone sounds strings/ -o strings.sounds --licence CC-BY-4.0 \\
        --author 'A. Quartet' --source https://example.org/strings

  A recording and the sound of a film; sources that are there already are skipped:
    kinophone sounds rain.wav opera.mkv -o weather.sounds

  Drums with one unit per stroke, or long tones in units of a second:
    kinophone sounds drums/ -o drums.sounds --cut onsets
    kinophone sounds organ/ -o organ.sounds --cut grains --grain-ms 1000

  Then render a film with them:
    kinophone render my.brain silent.mp4 -o out.mp4 --sounds strings.sounds

A library is a folder with one file per source, named by the source's content.
Copying files between folders merges libraries; deleting one removes the source.";

/// Options of `sounds`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct SoundsArgs {
    /// Recordings, films, or folders of them
    #[arg(required = true, value_name = "FILE|FOLDER")]
    sources: Vec<PathBuf>,
    /// The folder of the library, created if missing
    #[arg(long, short, value_name = "LIBRARY")]
    output: PathBuf,
    /// Segmentation of sounds into units
    #[arg(long, value_enum, default_value_t = CutName::Both)]
    cut: CutName,
    /// Length of a grain in milliseconds, 20 to 10000
    #[arg(long, value_name = "MS", default_value_t = 250, value_parser = clap::value_parser!(u32).range(20..=10_000))]
    grain_ms: u32,
    /// Sound track, counted from 0 [default: the marked one, else the first]; 0,1 takes two as left and right
    #[arg(long, value_name = "N[,N]")]
    audio_track: Option<AudioTracks>,
    #[command(flatten)]
    provenance: ProvenanceArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CutName {
    /// From onset to onset
    Onsets,
    /// Segments as long as a grain
    Grains,
    /// From onset to onset; segments longer than two grains are divided
    Both,
}

impl SoundsArgs {
    fn segmentation(&self) -> Segmentation {
        let by = match self.cut {
            CutName::Onsets => SegmentBy::Onsets,
            CutName::Grains => SegmentBy::Grains,
            CutName::Both => SegmentBy::Both,
        };
        Segmentation { by, grain_ms: self.grain_ms }
    }
}

/// Adds the sounds to the library.
pub fn run(args: &SoundsArgs, context: &Context) -> Result<Outcome, Failure> {
    let ffmpeg = context.ffmpeg()?;
    let _made = MissingFolders::note(&args.output);
    let usual = PrepareOptions {
        audio_tracks: args.audio_track.clone().unwrap_or_default(),
        ..PrepareOptions::default()
    };
    let options = args.provenance.added_to(usual);
    let found = find_files(&args.sources, context)?;
    let recordings: Vec<PathBuf> = found.iter().map(|file| file.path.clone()).collect();
    let outcomes = sound_library::prepare(
        &ffmpeg,
        &recordings,
        &args.output,
        args.segmentation(),
        &options,
        context.task(),
    )?;
    let mut added = Vec::new();
    for (file, outcome) in found.iter().zip(outcomes) {
        match outcome {
            Ok(prepared) => added.push(prepared),
            Err(error) if file.may_be_left_out(&error) => {
                context.warn(&format!("{error}; it is left out"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if added.is_empty() {
        let nothing = Error::new(Kind::Empty, "holds no file with sound").at(&args.sources[0]);
        return Err(nothing.help("name recordings or films that ffmpeg can decode").into());
    }
    context.end_progress();
    context.report.result(|| as_json(&args.output, &added), || as_text(&args.output, &added))?;
    Ok(Outcome::Done)
}

fn as_json(library: &Path, added: &[Prepared]) -> Value {
    let sources: Vec<Value> = added
        .iter()
        .map(|p| {
            json!({
                "source": report::lossy(&p.film),
                "shard": report::lossy(&p.shard),
                "skipped": p.skipped,
                "seconds": p.seconds,
            })
        })
        .collect();
    json!({ "library": report::lossy(library), "sources": sources })
}

fn as_text(library: &Path, added: &[Prepared]) -> String {
    let mut text = String::new();
    for source in added {
        let state = if source.skipped { " (was there already)" } else { "" };
        text += &format!("{}: {}{state}\n", report::shown(&source.film), duration(source.seconds));
    }
    let (number, seconds) = Prepared::totals(added);
    text + &format!("{}: {} from {}\n", report::shown(library), duration(seconds), count(number, "sources"))
}
