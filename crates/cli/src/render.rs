//! `kinophone render`: a brain and a film into the film with a soundtrack.

use crate::args::{self, choice};
use crate::cache;
use crate::context::{self, Context};
use crate::progress::span;
use crate::report::{self, Failure, Outcome};
use clap::{Args, ValueEnum};
use kinophone::dsp::synth::{Granular2015Config, GranularConfig, SynthConfig, WindowedConfig};
use kinophone::dsp::window::Window;
use kinophone::media::SoundCodec;
use kinophone::render::{self, RenderPlan, Rendered};
use kinophone::storage::Overwrite;
use serde_json::{Value, json};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  A film with the sound that a brain hears in it; the picture is copied untouched:
    kinophone render piano.brain silent.mp4 -o with-piano.mp4

  The sound alone, lossless, with the frame-rate buzz of 2015:
    kinophone render piano.brain silent.mp4 -o buzz.wav --synth raw

  A cloud of long, soft grains, a fifth lower, over the film's own sound at -12 dB:
    kinophone render piano.brain street.mkv -o cloud.mkv --synth granular --size-ms 60 --density 8 \\
        --envelope tukey:0.5 --pitch 0.667 --keep-original -12

Containers: .mp4 .mov .mkv .webm .avi, or .wav and .flac for the sound alone.";

/// Options of `render`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct RenderArgs {
    /// The brain file
    #[arg(value_name = "BRAIN")]
    pub brain: PathBuf,
    /// The film to give a soundtrack; its own sound is not needed
    #[arg(value_name = "FILM")]
    pub film: PathBuf,
    /// The file to write; its extension decides the container
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    synth: SynthArgs,
    #[command(flatten)]
    grains: GrainArgs,
    #[command(flatten)]
    sound: SoundArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "From the brain's blocks to sound")]
struct SynthArgs {
    /// How blocks become sound [default: windowed]
    #[arg(long, value_enum)]
    synth: Option<SynthName>,
    /// The same seed gives the same sound
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Grains, with --synth granular")]
struct GrainArgs {
    /// Length of a grain in milliseconds
    #[arg(long, value_name = "MS", value_parser = args::positive)]
    size_ms: Option<f32>,
    /// Grains a tick; may be a fraction
    #[arg(long, value_name = "N", value_parser = args::positive)]
    density: Option<f32>,
    /// How irregularly grains start, from 0 (a grid) to 1
    #[arg(long, value_name = "X", value_parser = args::not_negative)]
    jitter: Option<f32>,
    /// Envelope of a grain: hann, bartlett, tukey[:TAPER] or gaussian[:SIGMA]
    #[arg(long, value_name = "WINDOW")]
    envelope: Option<Window>,
    /// Speed at which grains are read: 2 is an octave higher
    #[arg(long, value_name = "RATIO", value_parser = args::positive)]
    pitch: Option<f32>,
    /// Random deviation of the pitch, in semitones
    #[arg(long, value_name = "SEMITONES", value_parser = args::not_negative)]
    pitch_spread: Option<f32>,
    /// Grains that follow each grain, ever shorter and softer
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=64))]
    children: Option<u32>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The result")]
struct SoundArgs {
    /// Codec of the sound [default: what suits the container]
    #[arg(long, value_parser = choice::<SoundCodec>(&["aac", "opus", "flac", "pcm"]))]
    codec: Option<SoundCodec>,
    /// Loudness of the whole in LUFS (EBU R 128), or 'off' for the level that the brain says
    #[arg(long, value_name = "LUFS|off", default_value = "-18", allow_negative_numbers = true, value_parser = loudness)]
    loudness: Loudness,
    /// Mix the film's own sound under the new one, at so many dB
    #[arg(long, value_name = "DB", allow_negative_numbers = true, value_parser = decibels)]
    keep_original: Option<f64>,
    /// Which sound track of the film to keep, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0, requires = "keep_original")]
    audio_track: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SynthName {
    /// Blocks end to end, with the buzz of 2015
    Raw,
    /// Overlap-add that removes the buzz
    Windowed,
    /// Grains, none further than a frame from its cause
    Granular,
    /// The grains of 2015, which smear up to 1.4 s
    #[value(name = "granular-2015")]
    Granular2015,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Loudness {
    Off,
    Lufs(f64),
}

/// Renders.
pub fn run(args: &RenderArgs, context: &Context) -> Result<Outcome, Failure> {
    args.check()?;
    context::existing(&args.brain)?;
    context::check_films(std::slice::from_ref(&args.film))?;
    let plan = args.plan()?;
    plan.check()?;
    let rendered = render::render(&context.ffmpeg()?, &plan, context.task())?;
    context.end_progress();
    context.report.result(|| as_json(&rendered), || as_text(&rendered))?;
    Ok(Outcome::Done)
}

impl RenderArgs {
    /// What parsing alone can't see: settings of grains without grains would be silently ignored.
    fn check(&self) -> Result<(), Failure> {
        match self.grains.first_given() {
            Some(option) if self.synth.synth != Some(SynthName::Granular) => Err(Failure::usage(
                format!("{option} has no meaning without grains"),
                format!("add --synth granular, or leave {option} out"),
            )),
            _ => Ok(()),
        }
    }

    fn plan(&self) -> kinophone::Result<RenderPlan> {
        Ok(RenderPlan {
            brain: self.brain.clone(),
            film: self.film.clone(),
            output: self.output.clone(),
            synth: Some(self.synth_config()),
            loudness: match self.sound.loudness {
                Loudness::Off => None,
                Loudness::Lufs(lufs) => Some(lufs),
            },
            keep_original_db: self.sound.keep_original,
            audio_track: self.sound.audio_track,
            codec: self.sound.codec,
            overwrite: if self.force { Overwrite::Replace } else { Overwrite::Refuse },
            corpus: Some(cache::films()?),
        })
    }
}
