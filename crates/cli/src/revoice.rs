//! `kinophone revoice`: a film's own sound in the voice of other sounds.

use crate::args::{self, loudness};
use crate::cache;
use crate::choice::{ChoiceArgs, MatchingArgs};
use crate::context::{self, Context};
use crate::output::OutputArgs;
use crate::progress::span;
use crate::report::{self, Failure, Outcome};
use clap::Args;
use kinophone::concat::Lookahead;
use kinophone::render::{LibraryRequest, LoudnessMode};
use kinophone::revoice::{RevoicePlan, Revoiced};
use kinophone_dsp::spectral::BandMatcherConfig;
use serde_json::{Value, json};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  The rhythm and the tones of a film, played by strings:
    kinophone sounds strings/ -o strings.sounds --licence CC0-1.0
    kinophone revoice film.mp4 --sounds strings.sounds -o strings.mp4

  A recording out of another one, two layers, no moment twice within five seconds:
    kinophone revoice speech.wav --sounds rain.sounds -o rain.wav \\
        --superimpose 2 --repeat-after 5

  A melody on instruments that are not in tune with it:
    kinophone revoice song.mp4 --sounds bells.sounds -o bells.wav \\
        --like melody --tune 2

  As it was recorded, only cut and joined, with a score for Csound:
    kinophone revoice film.mp4 --sounds strings.sounds -o out.wav \\
        --tone 0 --attack 0 --score out.csd

No brain is needed: what is wanted is what the film sounds like. To play to pictures
use 'kinophone render' or 'kinophone texture'.";

/// Options of `revoice`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct RevoiceArgs {
    /// The film, or a recording
    #[arg(value_name = "FILM")]
    pub film: PathBuf,
    /// A library of sounds that 'kinophone sounds' made, or a corpus, to play with
    #[arg(long, value_name = "LIBRARY")]
    sounds: PathBuf,
    /// The file to write; its extension decides the container
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Replace existing files
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    matching: MatchingArgs,
    #[command(flatten)]
    choice: ChoiceArgs,
    /// Bring sounds to the film's pitches by reading them faster or slower, by at most so many semitones, in any octave, 0 to 6: they
    /// last as long as before
    #[arg(long, value_name = "SEMITONES", default_value_t = 0.0, value_parser = semitones)]
    tune: f32,
    /// How far the tone is filtered towards the film's, 0 to 1: 0 leaves sounds as they were recorded
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = args::share)]
    tone: f32,
    /// How far attacks are brought to the film's, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.6, value_parser = args::share)]
    attack: f32,
    /// Choose as if live: so many further ticks are known, besides where attacks and pitches are [default: the whole film is]
    #[arg(long, value_name = "TICKS", conflicts_with = "by_shot", value_parser = clap::value_parser!(u8).range(0..=30))]
    delay: Option<u8>,
    /// Loudness of the whole in LUFS (EBU R 128) [default: as loud as the film]
    #[arg(long, value_name = "LUFS|off", allow_negative_numbers = true, value_parser = loudness)]
    loudness: Option<LoudnessMode>,
    #[command(flatten)]
    result: OutputArgs,
    /// Which sound track of the film, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    audio_track: usize,
}

/// Revoices.
pub fn run(args: &RevoiceArgs, context: &Context) -> Result<Outcome, Failure> {
    context::check_films(std::slice::from_ref(&args.film))?;
    context::existing(&args.sounds)?;
    args.result.check()?;
    let revoiced = kinophone::revoice::revoice(&context.ffmpeg()?, &args.plan()?, context.task())?;
    context.end_progress();
    context.report.result(|| as_json(&revoiced), || as_text(&revoiced))?;
    Ok(Outcome::Done)
}

impl RevoiceArgs {
    fn plan(&self) -> Result<RevoicePlan, Failure> {
        Ok(RevoicePlan {
            film: self.film.clone(),
            sounds: LibraryRequest { folder: self.sounds.clone(), matched: self.matching.matched() },
            output: self.result.output(&self.output, self.force, self.audio_track),
            selection: self.choice.config(),
            tune: self.tune,
            shape: BandMatcherConfig { tone: self.tone, attack: self.attack, ..BandMatcherConfig::default() },
            lookahead: self.delay.map_or(Lookahead::WholeFilm, |ticks| Lookahead::Ticks(usize::from(ticks))),
            loudness: self.loudness.unwrap_or(LoudnessMode::Usual),
            corpus: cache::films()?,
        })
    }
}

fn semitones(text: &str) -> Result<f32, String> {
    let found = args::number(text)?;
    if (0.0..=6.0).contains(&found) { Ok(found as f32) } else { Err("must be from 0 to 6".into()) }
}

fn as_json(revoiced: &Revoiced) -> Value {
    let soundtrack = &revoiced.soundtrack;
    json!({
        "output": report::lossy(&soundtrack.path),
        "seconds": soundtrack.seconds,
        "ticks": revoiced.ticks,
        "rate": soundtrack.rate,
        "channels": soundtrack.channels,
        "latency_ms": revoiced.latency_ms,
        "codec": soundtrack.codec,
        "loudness_before": soundtrack.loudness_before,
        "gain_db": soundtrack.gain_db,
        "choice": revoiced.selection,
        "tune": revoiced.tune,
        "shape": revoiced.shape,
        "credits": soundtrack.credits,
    })
}

fn as_text(revoiced: &Revoiced) -> String {
    let latency = revoiced.latency_ms.map_or(String::new(), |ms| format!(", {ms:.0} ms behind the film"));
    let mut text = format!(
        "{}: {}{latency}\n",
        report::lossy(&revoiced.soundtrack.path),
        span(revoiced.soundtrack.seconds)
    );
    if let Some(credits) = &revoiced.soundtrack.credits {
        text += &credits.titles();
    }
    text
}
