//! `kinophone render`: plays a brain to a film.

mod grains;
mod synth;
#[cfg(test)]
mod tests;

use crate::args::{BrainLoudnessArgs, KeptTrackArgs, LibraryArgs, OutputArgs, OutputFileArgs, SelectionArgs};
use crate::cache;
use crate::context::{self, Context};
use crate::render::grains::GrainArgs;
use crate::render::synth::{SynthArgs, SynthName};
use crate::report::{self, Failure, Outcome};
use crate::wording::duration;
use clap::Args;
use kinophone::render::{self, RenderPlan, Rendered, ResolvedSynth, SynthRequest};
use kinophone::score::ScoreFormat;
use kinophone_dsp::frames::{FrameSynthConfig, Granular2015Config, WindowedConfig};
use kinophone_dsp::spectral::Phase;
use serde_json::{Value, json};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  A film with the sound that a brain predicts from it, its picture untouched:
    kinophone render piano.brain silent.mp4 -o with-piano.mp4

  The sound alone, lossless, with the frame-rate buzz of 2015:
    kinophone render piano.brain silent.mp4 -o buzz.wav --synth raw

  A cloud of long grains, a fifth lower, over the film's own sound at -12 dB:
    kinophone render piano.brain street.mkv -o cloud.mkv --synth granular \\
        --size-ms 60 --density 8 --envelope tukey:0.5 --pitch 0.667 \\
        --keep-original -12

  With other sounds than those that it was trained on:
    kinophone sounds strings/ -o strings.sounds --licence CC0-1.0
    kinophone render piano.brain silent.mp4 -o strings.mp4 --sounds strings.sounds

Containers: .mp4 .mov .mkv .webm .avi, or .wav and .flac for the sound alone.";

/// Options of `render`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct RenderArgs {
    /// The brain file
    #[arg(value_name = "BRAIN")]
    brain: PathBuf,
    /// The film to give a soundtrack; its own sound is not needed
    #[arg(value_name = "FILM")]
    film: PathBuf,
    #[command(flatten)]
    file: OutputFileArgs,
    #[command(flatten)]
    synth: SynthArgs,
    #[command(flatten)]
    library: LibraryArgs,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    grains: GrainArgs,
    #[command(flatten)]
    result: OutputArgs,
    #[command(flatten)]
    sound: RenderSoundArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
struct RenderSoundArgs {
    #[command(flatten)]
    loudness: BrainLoudnessArgs,
    #[command(flatten)]
    kept: KeptTrackArgs,
}

/// Renders the film.
pub fn run(args: &RenderArgs, context: &Context) -> Result<Outcome, Failure> {
    args.check()?;
    context::metadata(&args.brain)?;
    context::check_films(std::slice::from_ref(&args.film))?;
    if let Some(library) = &args.library.sounds {
        context::metadata(library)?;
    }
    if let Some(source) = args.synth.phase().1 {
        context::check_films(&[source.to_owned()])?;
    }
    let plan = args.plan()?;
    let rendered = render::render(&context.ffmpeg()?, &plan, context.task())?;
    let mut formats = plan.output.scores.iter().filter_map(|path| ScoreFormat::of(path));
    if rendered.filtered && formats.any(ScoreFormat::plays) {
        context.note("the score sounds as before the filter; --tone 0 --attack 0 renders without the filter");
    }
    context.end_progress();
    context.report.result(|| as_json(&rendered), || as_text(&rendered))?;
    Ok(Outcome::Done)
}

impl RenderArgs {
    /// Fails on combinations that the parser does not know of: options that would silently be ignored.
    fn check(&self) -> Result<(), Failure> {
        self.check_synth()?;
        self.check_selection()?;
        if self.synth.live && self.synth.phase().0 == Phase::GriffinLim {
            return Err(Failure::usage(
                "griffin-lim needs the ten seconds that follow, which are not known live",
                "choose another --phase, or leave --live out",
            ));
        }
        self.result.check()
    }

    /// Fails on settings of another synth than the one that was chosen.
    fn check_synth(&self) -> Result<(), Failure> {
        if let Some(option) = self.grains.first_given()
            && self.synth.name != Some(SynthName::Granular)
        {
            return Err(without_effect(option, "without grains", "--synth granular"));
        }
        if self.synth.phase.is_some() && !matches!(self.synth.name, None | Some(SynthName::Spectral)) {
            return Err(without_effect(
                "--phase",
                "with a synth that joins recorded sound",
                "--synth spectral",
            ));
        }
        let is_mosaic =
            self.synth.phase.is_none() && matches!(self.synth.name, None | Some(SynthName::Mosaic));
        match self.synth.mosaic_option() {
            Some(option) if !is_mosaic => {
                Err(without_effect(option, "with a synth that joins no recorded sound", "--synth mosaic"))
            }
            _ => Ok(()),
        }
    }

    /// Fails on settings of the unit selection where nothing is selected, or not by them.
    fn check_selection(&self) -> Result<(), Failure> {
        if self.selection.by_shot && self.synth.live {
            return Err(Failure::usage(
                "--by-shot needs the whole film, which is not known live",
                "leave --live or --by-shot out",
            ));
        }
        if self.selection.by_shot && self.library.sounds.is_none() {
            return Err(Failure::usage(
                "--by-shot selects among the recordings of a library",
                "add --sounds LIBRARY, or leave --by-shot out",
            ));
        }
        let selects = matches!(self.synth.name, None | Some(SynthName::Mosaic | SynthName::Granular));
        if let Some(option) = self.selection.first_given()
            && (self.synth.phase.is_some() || !selects)
        {
            return Err(without_effect(
                option,
                "with a synth that selects no recorded sound",
                "--synth mosaic or granular",
            ));
        }
        if self.selection.names_pitch() {
            return Err(Failure::usage(
                "brains predict no pitch",
                "leave pitch and --like melody out; 'kinophone revoice' follows the pitches of a film's own sound",
            ));
        }
        Ok(())
    }

    /// The synth that was asked for; fails where its settings are out of range.
    fn synth_request(&self) -> Result<SynthRequest, Failure> {
        let SynthArgs { tone, attack, .. } = self.synth;
        let seed = self.synth.seed.seed;
        let config = match self.synth.name {
            None if self.synth.phase.is_some() => return Ok(SynthRequest::Exactly(self.synth.spectral())),
            None if self.synth.mosaic_option().is_none() => return Ok(SynthRequest::Usual),
            None | Some(SynthName::Mosaic) => return Ok(SynthRequest::Mosaic { tone, attack }),
            Some(SynthName::Spectral) => return Ok(SynthRequest::Exactly(self.synth.spectral())),
            Some(SynthName::Windowed) => {
                FrameSynthConfig::Windowed(WindowedConfig { seed, ..WindowedConfig::default() })
            }
            Some(SynthName::Raw) => FrameSynthConfig::Raw,
            Some(SynthName::Granular) => FrameSynthConfig::Granular(self.grains.config(seed)),
            Some(SynthName::Granular2015) => FrameSynthConfig::Granular2015(Granular2015Config { seed }),
        };
        match config.check() {
            Ok(()) => Ok(SynthRequest::Exactly(ResolvedSynth::Blocks(config))),
            Err(e) => {
                let help = format!("choose a value from {} to {}", e.low, e.high);
                Err(Failure::usage(format!("{e} (--{})", e.name.replace('_', "-")), help))
            }
        }
    }

    fn plan(&self) -> Result<RenderPlan, Failure> {
        let output =
            self.result.options(&self.file.output, self.file.force, self.sound.kept.audio_track.clone());
        Ok(RenderPlan {
            synth: self.synth_request()?,
            sounds: self.library.request(),
            selection: self.selection.config(),
            lookahead: self.synth.lookahead(),
            follow: self.synth.follow.unwrap_or_default(),
            seed: self.synth.seed.seed,
            loudness: self.sound.loudness.mode(),
            corpus: Some(cache::films()?),
            ..RenderPlan::new(self.brain.clone(), self.film.clone(), output)
        })
    }
}

/// A usage error: `option` is ignored under the circumstances, unless `remedy` is added.
fn without_effect(option: &str, circumstances: &str, remedy: &str) -> Failure {
    Failure::usage(
        format!("{option} has no effect {circumstances}"),
        format!("add {remedy}, or leave {option} out"),
    )
}

fn as_json(rendered: &Rendered) -> Value {
    let own = json!({
        "ticks": rendered.ticks,
        "synth": rendered.synth,
        "followed": rendered.followed,
        "latency_ms": rendered.latency_ms,
        "brain": rendered.brain,
        "from_corpus": rendered.from_corpus,
        "sounds": rendered.sounds,
        "credits": rendered.soundtrack.credits.as_ref().map(|credits| &credits.credits),
    });
    report::of_soundtrack(&rendered.soundtrack, own)
}

fn as_text(rendered: &Rendered) -> String {
    let soundtrack = &rendered.soundtrack;
    let level = match soundtrack.loudness_before {
        Some(lufs) => format!("the brain's {lufs:.1} LUFS changed by {:+.1} dB", soundtrack.gain_db),
        None => format!("level changed by {:+.1} dB", soundtrack.gain_db),
    };
    let followed = match rendered.followed.map(|share| (100.0 * share).round()) {
        Some(percent) if percent > 0.0 => format!(", {percent:.0} % led by what moves"),
        _ => String::new(),
    };
    let latency = rendered.latency_ms.map_or(String::new(), |ms| format!(", {ms:.0} ms behind the picture"));
    format!(
        "{}: {}{followed}{latency}, {level}\n",
        report::shown(&soundtrack.path),
        duration(soundtrack.seconds)
    )
}
