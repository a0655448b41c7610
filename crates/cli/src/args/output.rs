//! Options of the commands that write a soundtrack.

use crate::report::Failure;
use crate::values::{decibels, one_of};
use clap::Args;
use kinophone::media::{AudioTracks, SoundCodec};
use kinophone::score::ScoreFormat;
use kinophone::soundtrack::OutputOptions;
use kinophone::storage::Overwrite;
use std::path::{Path, PathBuf};

const SCORE: &str = "\
Write a score: which part of which source sounds when; may be given several times. The extension decides the format:

- .json: everything, with the reason for each selection; for 'kinophone credits'
- .csv:  a table
- .csd:  Csound, which plays it
- .rpp:  Reaper, one track per source
- .mid:  onsets, pitches and loudness as notes
- .edl:  an edit decision list for film editors

.csd and .rpp play sounds from a folder beside them, NAME.sources";

/// The file that a command writes.
#[derive(Debug, Args)]
pub struct OutputFileArgs {
    /// The file to write; its extension decides the container
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Replace existing files
    #[arg(long)]
    pub force: bool,
}

/// The effect of `--force`.
pub fn overwrite(force: bool) -> Overwrite {
    if force { Overwrite::Replace } else { Overwrite::Refuse }
}

/// The soundtrack and the files beside it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Codec of the sound [default: the usual one of the container]
    #[arg(long, value_parser = one_of::<SoundCodec>(&["aac", "opus", "flac", "pcm"]))]
    codec: Option<SoundCodec>,
    /// Mix the film's own sound into the new one, at this level in dB
    #[arg(long, value_name = "DB", allow_negative_numbers = true, value_parser = decibels)]
    keep_original: Option<f64>,
    /// Write a score: which part of which source sounds when; may be given several times
    #[arg(long, value_name = "FILE", long_help = SCORE)]
    score: Vec<PathBuf>,
    /// Do not write OUT.credits.txt, which names the recordings that are played
    #[arg(long)]
    no_credits: bool,
}

impl OutputArgs {
    /// The library's options for a file; `tracks` are the film's.
    pub fn options(&self, file: &Path, force: bool, tracks: Option<AudioTracks>) -> OutputOptions {
        OutputOptions {
            codec: self.codec,
            keep_original_db: self.keep_original,
            audio_tracks: tracks.unwrap_or_default(),
            scores: self.score.clone(),
            credits: !self.no_credits,
            ..OutputOptions::alone(file.to_owned(), overwrite(force))
        }
    }

    /// Fails where a score's extension names no format.
    pub fn check(&self) -> Result<(), Failure> {
        match self.score.iter().find(|path| ScoreFormat::of(path).is_none()) {
            None => Ok(()),
            Some(path) => Err(Failure::usage(
                format!("{} has no extension of a score", path.display()),
                "name it .json, which 'kinophone credits' reads, .csv, .csd, .rpp, .mid or .edl",
            )),
        }
    }
}

/// The sound track of the film that `--keep-original` mixes in.
#[derive(Debug, Args)]
pub struct KeptTrackArgs {
    /// Sound track of the film to keep, counted from 0 [default: the marked one, else the first]; 0,1 keeps two as left and right
    #[arg(long, value_name = "N[,N]", requires = "keep_original")]
    pub audio_track: Option<AudioTracks>,
}
