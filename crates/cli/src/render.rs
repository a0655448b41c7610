//! `kinophone render`: a brain and a film into the film with a soundtrack.

use crate::args::{self, loudness};
use crate::cache;
use crate::choice::{ChoiceArgs, MatchingArgs};
use crate::context::{self, Context};
use crate::output::OutputArgs;
use crate::progress::span;
use crate::report::{self, Failure, Outcome};
use clap::{Args, ValueEnum};
use kinophone::concat::Lookahead;
use kinophone::render::{
    self, LibraryRequest, LoudnessMode, RenderPlan, Rendered, ResolvedSynth, SynthRequest,
};
use kinophone::score::ScoreFormat;
use kinophone_dsp::frames::{FrameSynthConfig, Granular2015Config, GranularConfig, WindowedConfig};
use kinophone_dsp::spectral::{Phase, SpectralConfig};
use kinophone_dsp::window::Window;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  A film with the sound that a brain hears in it, its picture untouched:
    kinophone render piano.brain silent.mp4 -o with-piano.mp4

  The sound alone, lossless, with the frame-rate buzz of 2015:
    kinophone render piano.brain silent.mp4 -o buzz.wav --synth raw

  A cloud of long grains, a fifth lower, over the film's own sound at -12 dB:
    kinophone render piano.brain street.mkv -o cloud.mkv --synth granular \\
        --size-ms 60 --density 8 --envelope tukey:0.5 --pitch 0.667 \\
        --keep-original -12

  With other sounds than those that it learned from:
    kinophone sounds strings/ -o strings.sounds --licence CC0-1.0
    kinophone render piano.brain silent.mp4 -o strings.mp4 --sounds strings.sounds

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
    library: LibraryArgs,
    #[command(flatten)]
    choice: ChoiceArgs,
    #[command(flatten)]
    grains: GrainArgs,
    #[command(flatten)]
    result: OutputArgs,
    #[command(flatten)]
    sound: SoundArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "From the brain's blocks to sound")]
struct SynthArgs {
    /// How what the brain says becomes sound [default: mosaic; windowed, or spectral for magnitudes, for brains of 2015]
    #[arg(long, value_enum)]
    synth: Option<SynthName>,
    /// Where the phases of a spectrum come from; needs --synth spectral, or chooses it [default: rtpghi]
    #[arg(long, value_name = "HOW|FILE", long_help = PHASE)]
    phase: Option<PathBuf>,
    /// How far the tone of a mosaic is filtered towards what the brain hears in the picture, 0 to 1: 0 leaves sounds as they were
    /// recorded [default: what suits the brain, mostly 0.5]
    #[arg(long, value_name = "SHARE", value_parser = args::share)]
    tone: Option<f32>,
    /// How far the attacks of a mosaic are brought to those that the brain hears in the picture, 0 to 1 [default: what suits the
    /// brain, 0.8 where it hears them]
    #[arg(long, value_name = "SHARE", value_parser = args::share)]
    attack: Option<f32>,
    /// The same seed gives the same sound
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// As it would sound live: nothing that comes later is known
    #[arg(long)]
    live: bool,
    /// How many further ticks are known when the sound of a tick is chosen: fewer answer sooner, more fit better [default: 4]
    #[arg(long, value_name = "TICKS", requires = "live", value_parser = clap::value_parser!(u8).range(0..=30))]
    delay: Option<u8>,
}

const PHASE: &str = "\
Where the phases of a spectrum come from; needs --synth spectral, or chooses it [default: rtpghi]

- rtpghi:       from the slopes of the spectrum, at once
- griffin-lim:  by 32 iterations over blocks of ten seconds: not with --live
- random-walk:  every frequency goes its own way: a robot's voice
- FILE:         any sound or film lends its own: five minutes at most, in a loop, without silences

A file with one of these names goes behind './'";

const DRIVE: &str = "\
How far density, size and spread of recorded grains follow the brain, 0 to 1 [default: 1]

- where it hears something begin: down to 0.35 of the size, up to twice the density, neither jitter nor spread of pitch
- while nothing begins: up to 1.4 times the size
- loud passages: up to twice the density; quiet ones: down to half

At 0 grains stay as they are, and so do those of brains of 2015, which say none of this";

#[derive(Debug, Args)]
#[command(next_help_heading = "Other sounds than those that the brain learned from")]
struct LibraryArgs {
    /// A library of sounds that 'kinophone sounds' made, or a corpus, to play with
    #[arg(long, value_name = "LIBRARY")]
    sounds: Option<PathBuf>,
    #[command(flatten)]
    matching: MatchingArgs,
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
    /// Ticks over which grains start at random: 0 is a grid, whole numbers leave no buzz
    #[arg(long, value_name = "TICKS", value_parser = args::not_negative)]
    jitter: Option<f32>,
    /// Ticks before and after its cause within which a grain may sound
    #[arg(long, value_name = "TICKS", value_parser = args::positive)]
    spread: Option<f32>,
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
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=20))]
    children: Option<u32>,
    /// How far density, size and spread of recorded grains follow the brain, 0 to 1 [default: 1]
    #[arg(long, value_name = "SHARE", value_parser = args::share, long_help = DRIVE)]
    drive: Option<f32>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The result")]
struct SoundArgs {
    /// Loudness of the whole in LUFS (EBU R 128), or 'off' for the level that the brain says [default: off for brains that
    /// describe sound, -18 for those of 2015]
    #[arg(long, value_name = "LUFS|off", allow_negative_numbers = true, value_parser = loudness)]
    loudness: Option<LoudnessMode>,
    /// Which sound track of the film to keep, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0, requires = "keep_original")]
    audio_track: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SynthName {
    /// The training sound, tick by tick
    Mosaic,
    /// Band powers or magnitudes made audible: what the brain says, without its training sound
    Spectral,
    /// Blocks end to end, with the buzz of 2015
    Raw,
    /// Overlap-add that removes the buzz
    Windowed,
    /// Grains of the training sound, or of blocks, none further than a frame from its cause
    Granular,
    /// The grains of 2015, which smear up to 1.4 s
    #[value(name = "granular-2015")]
    Granular2015,
}

/// Renders.
pub fn run(args: &RenderArgs, context: &Context) -> Result<Outcome, Failure> {
    args.check()?;
    context::existing(&args.brain)?;
    context::check_films(std::slice::from_ref(&args.film))?;
    if let Some(library) = &args.library.sounds {
        context::existing(library)?;
    }
    if let Some(lender) = args.synth.phase().1 {
        context::check_films(&[lender.to_owned()])?;
    }
    let plan = args.plan()?;
    let rendered = render::render(&context.ffmpeg()?, &plan, context.task())?;
    if rendered.filtered
        && plan.output.scores.iter().filter_map(|path| ScoreFormat::of(path)).any(ScoreFormat::plays)
    {
        context.say("the score sounds as it was before the filter: --tone 0 --attack 0 leaves that out");
    }
    context.end_progress();
    context.report.result(|| as_json(&rendered), || as_text(&rendered))?;
    Ok(Outcome::Done)
}

impl RenderArgs {
    /// What parsing alone can't see: settings of grains without grains would be silently ignored.
    fn check(&self) -> Result<(), Failure> {
        if let Some(option) = self.grains.first_given()
            && self.synth.synth != Some(SynthName::Granular)
        {
            return Err(Failure::usage(
                format!("{option} has no meaning without grains"),
                format!("add --synth granular, or leave {option} out"),
            ));
        }
        if self.synth.phase.is_some() && !matches!(self.synth.synth, None | Some(SynthName::Spectral)) {
            return Err(Failure::usage(
                "--phase has no meaning for a synth that joins sounds",
                "add --synth spectral, or leave --phase out",
            ));
        }
        if let Some(option) = self.synth.of_mosaics()
            && (self.synth.phase.is_some() || !matches!(self.synth.synth, None | Some(SynthName::Mosaic)))
        {
            return Err(Failure::usage(
                format!("{option} has no meaning for a synth that joins no sounds"),
                format!("add --synth mosaic, or leave {option} out"),
            ));
        }
        if self.choice.by_shot && (self.synth.live || self.library.sounds.is_none()) {
            let (what, how) = match self.synth.live {
                true => (
                    "--by-shot looks through the whole film, which is not known live",
                    "leave --live or --by-shot out",
                ),
                false => (
                    "--by-shot chooses among recordings of a library",
                    "add --sounds LIBRARY, or leave --by-shot out",
                ),
            };
            return Err(Failure::usage(what, how));
        }
        let chooses = matches!(self.synth.synth, None | Some(SynthName::Mosaic | SynthName::Granular));
        if let Some(option) = self.choice.first_given()
            && (self.synth.phase.is_some() || !chooses)
        {
            return Err(Failure::usage(
                format!("{option} has no meaning for a synth that chooses no recorded sound"),
                format!("add --synth mosaic or granular, or leave {option} out"),
            ));
        }
        if self.choice.names_pitch() {
            return Err(Failure::usage(
                "no brain knows which pitch is to sound",
                "leave pitch and --like melody out; 'kinophone revoice' follows the pitches of a film's own sound",
            ));
        }
        if self.synth.live && self.synth.phase().0 == Phase::GriffinLim {
            return Err(Failure::usage(
                "griffin-lim looks ten seconds ahead, which nobody can live",
                "choose another --phase, or leave --live out",
            ));
        }
        self.result.check()
    }

    /// The synth asked for, with its settings in their ranges.
    fn asked(&self) -> Result<SynthRequest, Failure> {
        let SynthArgs { seed, tone, attack, .. } = self.synth;
        let config = match self.synth.synth {
            None if self.synth.phase.is_some() => return Ok(SynthRequest::Exactly(self.synth.spectral())),
            None if self.synth.of_mosaics().is_none() => return Ok(SynthRequest::Usual),
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
        let output = self.result.output(&self.output, self.force, self.sound.audio_track);
        Ok(RenderPlan {
            synth: self.asked()?,
            sounds: self
                .library
                .sounds
                .clone()
                .map(|folder| LibraryRequest { folder, matched: self.library.matching.matched() }),
            selection: self.choice.config(),
            lookahead: self.synth.lookahead(),
            seed: self.synth.seed,
            loudness: self.sound.loudness.unwrap_or(LoudnessMode::Usual),
            corpus: Some(cache::films()?),
            ..RenderPlan::new(self.brain.clone(), self.film.clone(), output)
        })
    }
}

impl SynthArgs {
    /// How much of the film is known.
    fn lookahead(&self) -> Lookahead {
        match (self.live, self.delay) {
            (false, _) => Lookahead::WholeFilm,
            (true, None) => Lookahead::LIVE,
            (true, Some(ticks)) => Lookahead::Ticks(usize::from(ticks)),
        }
    }

    /// How phases are found, and the file that lends them.
    fn phase(&self) -> (Phase, Option<&Path>) {
        match self.phase.as_deref() {
            None => (Phase::default(), None),
            Some(name) if name == "rtpghi" => (Phase::Rtpghi, None),
            Some(name) if name == "griffin-lim" => (Phase::GriffinLim, None),
            Some(name) if name == "random-walk" => (Phase::RandomWalk, None),
            Some(file) => (Phase::Lent, Some(file)),
        }
    }

    fn of_mosaics(&self) -> Option<&'static str> {
        let given = [(self.tone.is_some(), "--tone"), (self.attack.is_some(), "--attack")];
        given.iter().find(|(is, _)| *is).map(|(_, name)| *name)
    }

    fn spectral(&self) -> ResolvedSynth {
        let (phase, lender) = self.phase();
        let config = SpectralConfig { phase, seed: self.seed, ..SpectralConfig::default() };
        ResolvedSynth::Spectral { config, lender: lender.map(Path::to_owned) }
    }
}

impl GrainArgs {
    /// The library's defaults, replaced by what was given.
    fn config(&self, seed: u64) -> GranularConfig {
        let usual = GranularConfig::default();
        GranularConfig {
            size_ms: self.size_ms.unwrap_or(usual.size_ms),
            density: self.density.unwrap_or(usual.density),
            jitter: self.jitter.unwrap_or(usual.jitter),
            spread_ticks: self.spread.unwrap_or(usual.spread_ticks),
            envelope: self.envelope.unwrap_or(usual.envelope),
            pitch: self.pitch.unwrap_or(usual.pitch),
            pitch_spread: self.pitch_spread.unwrap_or(usual.pitch_spread),
            children: self.children.unwrap_or(usual.children),
            drive: self.drive.unwrap_or(usual.drive),
            seed,
            ..usual
        }
    }

    fn first_given(&self) -> Option<&'static str> {
        let given = [
            (self.size_ms.is_some(), "--size-ms"),
            (self.density.is_some(), "--density"),
            (self.jitter.is_some(), "--jitter"),
            (self.spread.is_some(), "--spread"),
            (self.envelope.is_some(), "--envelope"),
            (self.pitch.is_some(), "--pitch"),
            (self.pitch_spread.is_some(), "--pitch-spread"),
            (self.children.is_some(), "--children"),
            (self.drive.is_some(), "--drive"),
        ];
        given.iter().find(|(is, _)| *is).map(|(_, name)| *name)
    }
}

fn as_json(rendered: &Rendered) -> Value {
    let soundtrack = &rendered.soundtrack;
    json!({
        "output": report::lossy(&soundtrack.path),
        "seconds": soundtrack.seconds,
        "ticks": rendered.ticks,
        "synth": rendered.synth,
        "rate": soundtrack.rate,
        "channels": soundtrack.channels,
        "latency_ms": rendered.latency_ms,
        "codec": soundtrack.codec,
        "loudness_before": soundtrack.loudness_before,
        "gain_db": soundtrack.gain_db,
        "brain": rendered.brain,
        "from_corpus": rendered.from_corpus,
        "sounds": rendered.sounds,
        "credits": soundtrack.credits.as_ref().map(|credits| &credits.credits),
        "complaints": soundtrack.complaints,
    })
}

fn as_text(rendered: &Rendered) -> String {
    let soundtrack = &rendered.soundtrack;
    let level = match soundtrack.loudness_before {
        Some(lufs) => format!("the brain's {lufs:.1} LUFS changed by {:+.1} dB", soundtrack.gain_db),
        None => format!("level changed by {:+.1} dB", soundtrack.gain_db),
    };
    let latency = rendered.latency_ms.map_or(String::new(), |ms| format!(", {ms:.0} ms behind the picture"));
    format!("{}: {}{latency}, {level}\n", soundtrack.path.display(), span(soundtrack.seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;
    use crate::args::Command;
    use clap::Parser;

    fn parse(options: &str) -> RenderArgs {
        let words = "kinophone render b f.mp4 -o out.mkv".split(' ').chain(options.split_whitespace());
        match Cli::try_parse_from(words).unwrap().command {
            Command::Render(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn grains_are_the_defaults_with_what_was_given() {
        let args = parse(
            "--synth granular --size-ms 60 --density 0.5 --envelope tukey:0.25 --children 3 --drive 0.5 --seed 4",
        );
        let Ok(SynthRequest::Exactly(ResolvedSynth::Blocks(FrameSynthConfig::Granular(config)))) =
            args.asked()
        else {
            panic!("no grains")
        };
        let expected = GranularConfig {
            size_ms: 60.0,
            density: 0.5,
            envelope: Window::Tukey { taper: 0.25 },
            children: 3,
            drive: 0.5,
            seed: 4,
            ..GranularConfig::default()
        };
        assert_eq!(config, expected);
    }

    #[test]
    fn grain_options_without_grains_and_values_beyond_their_range_are_usage_errors() {
        for options in
            ["--pitch 2", "--drive 0", "--synth raw --size-ms 3", "--synth granular-2015 --children 2"]
        {
            assert!(matches!(parse(options).check(), Err(Failure::Usage(_))), "{options}");
        }
        let far = parse("--synth granular --pitch 1000");
        far.check().unwrap();
        assert!(matches!(far.asked(), Err(Failure::Usage(_))));
    }

    #[test]
    fn phases_have_names_or_are_lent() {
        let phase = |options: &str| match parse(options).asked() {
            Ok(SynthRequest::Exactly(ResolvedSynth::Spectral { config, lender })) => {
                (config.phase, config.seed, lender)
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(phase("--synth spectral --seed 3"), (Phase::Rtpghi, 3, None));
        assert_eq!(phase("--phase griffin-lim"), (Phase::GriffinLim, 0, None));
        assert_eq!(phase("--phase random-walk --live"), (Phase::RandomWalk, 0, None));
        let lender = Some(PathBuf::from("./rtpghi"));
        assert_eq!(phase("--phase ./rtpghi --synth spectral"), (Phase::Lent, 0, lender));
        for wrong in ["--phase x --synth mosaic", "--phase rtpghi --synth raw", "--phase griffin-lim --live"]
        {
            assert!(matches!(parse(wrong).check(), Err(Failure::Usage(_))), "{wrong}");
        }
    }

    #[test]
    fn tone_and_attack_are_for_mosaics() {
        let asked = |options: &str| parse(options).asked().unwrap();
        assert_eq!(asked("--tone 0"), SynthRequest::Mosaic { tone: Some(0.0), attack: None });
        assert_eq!(
            asked("--synth mosaic --attack 1"),
            SynthRequest::Mosaic { tone: None, attack: Some(1.0) }
        );
        assert_eq!(asked("--synth mosaic"), SynthRequest::Mosaic { tone: None, attack: None });
        for wrong in ["--tone 0.5 --synth granular", "--attack 0 --phase rtpghi", "--synth raw --tone 1"] {
            assert!(matches!(parse(wrong).check(), Err(Failure::Usage(_))), "{wrong}");
        }
    }

    #[test]
    fn nothing_given_leaves_the_synth_to_the_library() {
        let plan = parse("--loudness off --keep-original -12 --audio-track 1").plan().unwrap();
        assert_eq!(
            (plan.synth, plan.loudness, plan.output.keep_original_db, plan.output.audio_track),
            (SynthRequest::Usual, LoudnessMode::AsSaid, Some(-12.0), 1)
        );
        assert_eq!(parse("").plan().unwrap().loudness, LoudnessMode::Usual);
    }

    #[test]
    fn levels_have_sensible_ranges() {
        assert!(loudness("-4").is_err() && loudness("loud").is_err() && loudness("nan").is_err());
        assert_eq!(loudness("OFF"), Ok(LoudnessMode::AsSaid));
        assert!(args::decibels("21").is_err() && args::decibels("-12.5").is_ok());
    }
}
