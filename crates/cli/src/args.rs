//! The command line as types: the commands, the options that several of them share, and what a value may be.
//!
//! Values are checked here, while the options are parsed, so that a wrong one is a usage error (exit 2) before any
//! work begins. Names of files are paths and never text: they need not be Unicode.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use kinophone::dataset::PrepareOptions;
use kinophone::render::LoudnessMode;
use serde::de::DeserializeOwned;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  A first try, with films that Kinophone draws itself:
    kinophone demo

  Learn how one film sounds, and let another one sound like it:
    kinophone train piano.mp4 -o piano.brain
    kinophone render piano.brain silent.mp4 -o silent-with-piano.mp4

  Is everything here that Kinophone needs?
    kinophone doctor

A name that begins with a dash goes after '--' or behind './'. Results go to
standard output, everything else to standard error. Exit codes: 0 done,
1 failed, 2 wrong usage, 130 interrupted.";

/// Learns from films how pictures sound, and gives any film a soundtrack.
#[derive(Debug, Parser)]
#[command(name = "kinophone", version, after_long_help = EXAMPLES, max_term_width = 100)]
#[command(arg_required_else_help = true, infer_long_args = false)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Write the result, or the error, to standard output as one JSON object
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress and no notes, only warnings and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// The ffmpeg program to use [default: $KINOPHONE_FFMPEG, else the one in the PATH]
    #[arg(long, global = true, value_name = "PATH")]
    pub ffmpeg: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Turn films into a corpus: small pictures and sound, aligned, one file a film
    Prepare(crate::prepare::PrepareArgs),
    /// Turn recordings and films into a library of sounds to play with
    Sounds(crate::sounds::SoundsArgs),
    /// Learn from films or corpora how pictures sound: a brain
    Train(crate::train::options::TrainArgs),
    /// Make a brain of a network that theanets saved in 2015
    Import(crate::import::ImportArgs),
    /// Give a film the soundtrack that a brain hears in it
    Render(crate::render::RenderArgs),
    /// Give a film's own sound the voice of other sounds
    Revoice(crate::revoice::RevoiceArgs),
    /// Give a film a soundtrack of recorded sounds that follow its picture, without a brain
    Texture(crate::texture::TextureArgs),
    /// Say whose sounds a soundtrack is made of
    Credits(crate::credits::CreditsArgs),
    /// Judge a brain on film that it never saw: figures, and a page to listen to
    Eval(crate::eval::EvalArgs),
    /// Play every brain to every film, on one page to compare
    Gallery(crate::gallery::GalleryArgs),
    /// Print the facts of a brain, corpus, shard or film, and draw them
    Inspect(crate::inspect::InspectArgs),
    /// Draw two short films, learn from one, give the other its sound
    Demo(crate::demo::DemoArgs),
    /// Check what Kinophone needs on this machine
    Doctor(crate::doctor::DoctorArgs),
    /// Print a completion script for a shell
    Completions(crate::completions::CompletionsArgs),
    /// Print or write the manual pages
    Man(crate::man::ManArgs),
}

/// What pictures are made of.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pictures and sound")]
pub struct PictureArgs {
    /// Side of the square pictures in pixels [default: 64; 128 to train the preset ensemble]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(8..=1024))]
    pub size: Option<u32>,
    /// Pictures in colour instead of grey
    #[arg(long, alias = "color")]
    pub colour: bool,
    /// Which sound track of the films, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub audio_track: usize,
}

/// Side of prepared pictures, unless something else is asked for.
pub const SIZE: u32 = 64;

impl PictureArgs {
    /// Options of a preparation without provenance.
    pub fn prepare_options(&self, size: u32, require_sound: bool) -> PrepareOptions {
        PrepareOptions {
            size,
            colour: self.colour,
            audio_track: self.audio_track,
            require_sound,
            licence: None,
            author: None,
            title: None,
            origin: None,
        }
    }
}

/// One of `names`, each of which is how serde writes a variant of `T`.
pub fn choice<T>(names: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).map(|name| {
        serde_json::from_value(serde_json::Value::String(name)).expect("every name listed is a variant's own")
    })
}

/// A finite number above zero.
pub fn positive(text: &str) -> Result<f32, String> {
    number(text).and_then(|x| if x > 0.0 { Ok(x as f32) } else { Err("must be above 0".into()) })
}

/// A finite number, zero or above.
pub fn not_negative(text: &str) -> Result<f32, String> {
    number(text).and_then(|x| if x >= 0.0 { Ok(x as f32) } else { Err("must be 0 or above".into()) })
}

/// A number from 0 to 1.
pub fn share(text: &str) -> Result<f32, String> {
    number(text)
        .and_then(|x| if (0.0..=1.0).contains(&x) { Ok(x as f32) } else { Err("must be from 0 to 1".into()) })
}

/// What `--loudness` means; the bounds: louder than −5 LUFS nothing is that keeps its true peaks, and below −70 LUFS the
/// measure's own gate lies.
pub fn loudness(text: &str) -> Result<LoudnessMode, String> {
    if text.eq_ignore_ascii_case("off") {
        return Ok(LoudnessMode::AsSaid);
    }
    match number(text) {
        Ok(lufs) if (-70.0..=-5.0).contains(&lufs) => Ok(LoudnessMode::Lufs(lufs)),
        _ => Err("write 'off' or a number from -70 to -5".into()),
    }
}

/// A gain that is no accident.
pub fn decibels(text: &str) -> Result<f64, String> {
    number(text)
        .ok()
        .filter(|db| (-80.0..=20.0).contains(db))
        .ok_or_else(|| "write a number from -80 to 20".into())
}

/// From 0 up to, not including, 1.
pub fn fraction(text: &str) -> Result<f32, String> {
    number(text)
        .and_then(|x| if (0.0..1.0).contains(&x) { Ok(x as f32) } else { Err("must be 0 to 1".into()) })
}

/// A finite number.
pub fn number(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(x) if x.is_finite() && x.abs() < f64::from(f32::MAX) => Ok(x),
        _ => Err("is no number".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn numbers_are_finite_and_in_range() {
        for bad in ["nan", "inf", "-inf", "1e400", "", "x"] {
            assert!(number(bad).is_err(), "{bad}");
        }
        assert!(positive("0").is_err() && not_negative("-0.1").is_err());
        assert!(fraction("1").is_err() && fraction("0.999").is_ok());
    }
}
