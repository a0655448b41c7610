//! Options of every command that writes a soundtrack.

use crate::args::{choice, decibels};
use crate::report::Failure;
use clap::Args;
use kinophone::media::SoundCodec;
use kinophone::score::ScoreFormat;
use kinophone::soundtrack::OutputOptions;
use kinophone::storage::Overwrite;
use std::path::{Path, PathBuf};

const SCORE: &str = "\
Write down which piece of which source sounds when; may be given several times. The extension says for whom:

- .json: everything, also why each piece was chosen; for 'kinophone credits'
- .csv:  a table
- .csd:  Csound, which plays it
- .rpp:  Reaper, a track a source
- .mid:  onsets, pitches and loudnesses as notes
- .edl:  an edit decision list for film editors

.csd and .rpp play sounds from a folder beside them, NAME.sources";

#[derive(Debug, Args)]
#[command(next_help_heading = "The result")]
pub struct OutputArgs {
    /// Codec of the sound [default: what suits the container]
    #[arg(long, value_parser = choice::<SoundCodec>(&["aac", "opus", "flac", "pcm"]))]
    codec: Option<SoundCodec>,
    /// Mix the film's own sound under the new one, at so many dB
    #[arg(long, value_name = "DB", allow_negative_numbers = true, value_parser = decibels)]
    keep_original: Option<f64>,
    /// Write down which piece of which source sounds when; may be given several times
    #[arg(long, value_name = "FILE", long_help = SCORE)]
    score: Vec<PathBuf>,
    /// Write no OUT.credits.txt, which names the recordings that are played
    #[arg(long)]
    no_credits: bool,
}

impl OutputArgs {
    /// What these options mean for a file; `audio_track` is the film's.
    pub fn output(&self, file: &Path, force: bool, audio_track: usize) -> OutputOptions {
        OutputOptions {
            codec: self.codec,
            keep_original_db: self.keep_original,
            audio_track,
            scores: self.score.clone(),
            credits: !self.no_credits,
            ..OutputOptions::alone(
                file.to_owned(),
                if force { Overwrite::Replace } else { Overwrite::Refuse },
            )
        }
    }

    /// Fails where a score's name does not say for whom it is.
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
