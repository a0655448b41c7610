//! `kinophone revoice`: resynthesizes a film's own sound from a library.

use crate::args::{MatchingArgs, OutputArgs, OutputFileArgs, SelectionArgs};
use crate::cache;
use crate::context::{self, Context};
use crate::report::{self, Failure, Outcome};
use crate::values::{loudness, semitones, share};
use crate::wording::duration;
use clap::Args;
use kinophone::concat::Lookahead;
use kinophone::media::AudioTracks;
use kinophone::render::{LibraryRequest, LoudnessMode};
use kinophone::revoice::{RevoicePlan, Revoiced};
use kinophone_dsp::spectral::BandMatcherConfig;
use serde_json::{Value, json};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  The rhythm and the pitches of a film, played by strings:
    kinophone sounds strings/ -o strings.sounds --licence CC0-1.0
    kinophone revoice film.mp4 --sounds strings.sounds -o strings.mp4

  A recording from the sounds of another one, in two layers, with no moment
  repeated within five seconds:
    kinophone revoice speech.wav --sounds rain.sounds -o rain.wav \\
        --superimpose 2 --repeat-after 5

  A melody on instruments that are out of tune with it:
    kinophone revoice song.mp4 --sounds bells.sounds -o bells.wav \\
        --like melody --tune 2

  Sounds as they were recorded, only cut and joined, with a score for Csound:
    kinophone revoice film.mp4 --sounds strings.sounds -o out.wav \\
        --tone 0 --attack 0 --score out.csd

No brain is needed: the target is the film's own sound. To give a film sound
from its pictures, use 'kinophone render' or 'kinophone texture'.";

/// Options of `revoice`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct RevoiceArgs {
    /// The film, or a recording
    #[arg(value_name = "FILM")]
    film: PathBuf,
    /// A library of sounds made by 'kinophone sounds', or a corpus, to take sounds from
    #[arg(long, value_name = "LIBRARY")]
    sounds: PathBuf,
    #[command(flatten)]
    file: OutputFileArgs,
    #[command(flatten)]
    matching: MatchingArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    /// Tune sounds to the film's pitches, in any octave, by reading them faster or slower by at most this
    /// many semitones, 0 to 6; their length stays the same
    #[arg(long, value_name = "SEMITONES", default_value_t = 0.0, value_parser = semitones)]
    tune: f32,
    /// Filtering of the tone towards the film's, 0 to 1: 0 leaves sounds as they were recorded
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share)]
    tone: f32,
    /// Shaping of attacks towards the film's, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.6, value_parser = share)]
    attack: f32,
    /// Select as if live, with this many ticks of lookahead; onsets and pitches are known in advance all the
    /// same [default: the whole film is known]
    #[arg(long, value_name = "TICKS", conflicts_with = "by_shot", value_parser = clap::value_parser!(u8).range(0..=30))]
    delay: Option<u8>,
    /// Loudness of the soundtrack in LUFS (EBU R 128), or 'off' [default: the film's own loudness]
    #[arg(long, value_name = "LUFS|off", allow_negative_numbers = true, value_parser = loudness)]
    loudness: Option<LoudnessMode>,
    #[command(flatten)]
    result: OutputArgs,
    /// Sound track of the film, counted from 0 [default: the marked one, else the first]; 0,1 takes two as left and right
    #[arg(long, value_name = "N[,N]")]
    audio_track: Option<AudioTracks>,
}

/// Resynthesizes the film's sound.
pub fn run(args: &RevoiceArgs, context: &Context) -> Result<Outcome, Failure> {
    context::check_films(std::slice::from_ref(&args.film))?;
    context::metadata(&args.sounds)?;
    args.result.check()?;
    let revoiced = kinophone::revoice::revoice(&context.ffmpeg()?, &args.plan()?, context.task());
    let revoiced = revoiced.map_err(cache::explained)?;
    context.end_progress();
    context.report.result(|| as_json(&revoiced), || as_text(&revoiced))?;
    Ok(Outcome::Done)
}

impl RevoiceArgs {
    fn plan(&self) -> Result<RevoicePlan, Failure> {
        Ok(RevoicePlan {
            film: self.film.clone(),
            sounds: LibraryRequest { folder: self.sounds.clone(), matched: self.matching.matched() },
            output: self.result.options(&self.file.output, self.file.force, self.audio_track.clone()),
            selection: self.selection.config(),
            tune: self.tune,
            shape: BandMatcherConfig { tone: self.tone, attack: self.attack, ..BandMatcherConfig::default() },
            lookahead: self.delay.map_or(Lookahead::WholeFilm, |ticks| Lookahead::Ticks(usize::from(ticks))),
            loudness: self.loudness.unwrap_or(LoudnessMode::Usual),
            corpus: cache::films()?,
        })
    }
}

fn as_json(revoiced: &Revoiced) -> Value {
    let own = json!({
        "ticks": revoiced.ticks,
        "latency_ms": revoiced.latency_ms,
        "choice": revoiced.selection,
        "tune": revoiced.tune,
        "shape": revoiced.shape,
        "credits": revoiced.soundtrack.credits,
    });
    report::of_soundtrack(&revoiced.soundtrack, own)
}

fn as_text(revoiced: &Revoiced) -> String {
    let latency = revoiced.latency_ms.map_or(String::new(), |ms| format!(", {ms:.0} ms behind the film"));
    let mut text = format!(
        "{}: {}{latency}\n",
        report::shown(&revoiced.soundtrack.path),
        duration(revoiced.soundtrack.seconds)
    );
    if let Some(credits) = &revoiced.soundtrack.credits {
        text += &credits.titles();
    }
    text
}
