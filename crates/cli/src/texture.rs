//! `kinophone texture`: recorded sound that follows the picture by a mapping, without a brain.

use crate::args::loudness;
use crate::context::{self, Context};
use crate::output::OutputArgs;
use crate::pictures::{self, Album};
use crate::progress::span;
use crate::report::{self, Failure, Outcome};
use clap::{Args, ValueEnum};
use kinophone::plot::{Lane, Timeline};
use kinophone::render::LoudnessMode;
use kinophone::sound_library::SoundLibrary;
use kinophone::texture::{self, Mapping, TexturePlan, Textured};
use serde_json::{Value, json};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  A silent film played by strings, its picture untouched:
    kinophone sounds strings/ -o strings.sounds --licence CC0-1.0
    kinophone texture silent.mp4 --sounds strings.sounds -o scored.mp4

  A hit for every movement, flash and cut, and pictures of what drives what:
    kinophone texture silent.mp4 --sounds drums.sounds -o hits.mkv \\
        --preset percussion --pictures look

  A mapping of one's own, beginning with one of Kinophone's:
    kinophone texture --print-mapping drone > mine.toml
    kinophone texture silent.mp4 --sounds strings.sounds -o mine.mp4 --mapping mine.toml

Containers: .mp4 .mov .mkv .webm .avi, or .wav and .flac for the sound alone.";

/// Options of `texture`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct TextureArgs {
    /// The film to give a soundtrack; its own sound is not needed
    #[arg(value_name = "FILM", required_unless_present = "print_mapping")]
    pub film: Option<PathBuf>,
    /// A library of sounds that 'kinophone sounds' made, or a corpus, to play with
    #[arg(long, value_name = "LIBRARY", required_unless_present = "print_mapping")]
    pub sounds: Option<PathBuf>,
    /// The file to write; its extension decides the container
    #[arg(long, short, value_name = "OUT", required_unless_present = "print_mapping")]
    pub output: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    mapping: MappingArgs,
    #[command(flatten)]
    result: OutputArgs,
    #[command(flatten)]
    sound: SoundArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "From pictures to sound")]
struct MappingArgs {
    /// Which of Kinophone's mappings
    #[arg(long, value_enum, default_value_t = Preset::Strings)]
    preset: Preset,
    /// A mapping of your own, in TOML, instead
    #[arg(long, value_name = "FILE.toml", conflicts_with = "preset")]
    mapping: Option<PathBuf>,
    /// Print one of Kinophone's mappings, to be changed, and do nothing else
    #[arg(long, value_name = "PRESET", value_enum, conflicts_with_all = ["film", "sounds", "output", "mapping"])]
    print_mapping: Option<Preset>,
    /// Whether shots that look alike get a part of the library for themselves
    #[arg(long, value_enum, value_name = "auto|off", default_value_t = Sections::Auto)]
    sections: Sections,
    /// The same seed gives the same sound
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The result")]
struct SoundArgs {
    /// Loudness of the whole in LUFS (EBU R 128), or 'off' for the levels of the mapping [default: off]
    #[arg(long, value_name = "LUFS|off", allow_negative_numbers = true, value_parser = loudness)]
    loudness: Option<LoudnessMode>,
    /// Which sound track of the film to keep, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0, requires = "keep_original")]
    audio_track: usize,
    /// Draw shots, onsets, measures and the soundtrack's loudness over time into this folder, created if missing
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Preset {
    /// Long lines that swell with motion
    Strings,
    /// A hit for every movement, flash and cut, and silence between them
    Percussion,
    /// One wide sound that hardly moves
    Drone,
    /// Against the picture: loud where it rests, dark where it is bright
    Inverse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sections {
    /// Bright sections have bright sounds, dark ones dark sounds
    Auto,
    /// All shots play with all sounds
    Off,
}

impl Preset {
    fn name(self) -> String {
        self.to_possible_value().map_or(String::new(), |value| value.get_name().to_owned())
    }
}

/// Makes a texture, or prints a mapping.
pub fn run(args: &TextureArgs, context: &Context) -> Result<Outcome, Failure> {
    if let Some(preset) = args.mapping.print_mapping {
        let name = preset.name();
        let text = texture::PRESETS.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text);
        context.report.data(|| json!({ "preset": name, "mapping": text }), || text.to_owned())?;
        return Ok(Outcome::Done);
    }
    let (Some(film), Some(library), Some(output)) = (&args.film, &args.sounds, &args.output) else {
        return Err(Failure::usage("a film, --sounds and -o are needed", "name all three"));
    };
    context::check_films(std::slice::from_ref(film))?;
    let (mapping, mapping_name) = args.mapping.chosen()?;
    context::existing(library)?;
    args.result.check()?;
    let plan = TexturePlan {
        film: film.clone(),
        library: library.clone(),
        output: args.result.output(output, args.force, args.sound.audio_track),
        mapping,
        mapping_name,
        sections: args.mapping.sections == Sections::Auto,
        seed: args.mapping.seed,
        loudness: match args.sound.loudness {
            Some(LoudnessMode::Lufs(lufs)) => Some(lufs),
            _ => None,
        },
    };
    let ffmpeg = context.ffmpeg()?;
    let sounds = SoundLibrary::open(library, context.task())?;
    let made = texture::texture(&ffmpeg, &plan, &sounds, context.task())?;
    let mut drawn = Vec::new();
    if let Some(folder) = &args.sound.pictures {
        let mut album = Album::open(folder)?;
        album.timeline("texture", &timeline(&made, &plan))?;
        drawn.extend(album.files().iter().map(|file| report::lossy(file)));
    }
    context.end_progress();
    context.report.result(|| as_json(&made, &plan, &drawn), || as_text(&made, &plan, &drawn))?;
    Ok(Outcome::Done)
}

impl MappingArgs {
    /// The mapping and its name.
    fn chosen(&self) -> Result<(Mapping, String), Failure> {
        match &self.mapping {
            Some(file) => {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                Ok((Mapping::load(file)?, name))
            }
            None => Ok((Mapping::preset(&self.preset.name())?, self.preset.name())),
        }
    }
}

/// What drives what, for those who want to see it.
fn timeline<'a>(made: &'a Textured, plan: &'a TexturePlan) -> Timeline<'a> {
    let drawn = &made.drawn;
    let db = |x: f32| format!("{x} dB");
    let loudness = &plan.mapping.loudness;
    let (low, high) = (loudness.low_db.min(loudness.high_db), loudness.low_db.max(loudness.high_db));
    let range = ((low - 10.0).max(-70.0), (high + 6.0).min(0.0));
    let mut lanes = vec![Lane {
        name: "loudness",
        range,
        labels: (db(range.0), db(range.1)),
        curves: vec![("wanted", &drawn.wanted_db), ("heard", &drawn.heard_db)],
    }];
    lanes.extend(pictures::lanes(&drawn.measures));
    Timeline {
        title: &plan.mapping_name,
        seconds: made.soundtrack.seconds,
        shots: made.shots.iter().map(|shot| (shot.at, shot.section)).collect(),
        onsets: &drawn.onsets,
        lanes,
    }
}

fn as_json(made: &Textured, plan: &TexturePlan, drawn: &[String]) -> Value {
    let soundtrack = &made.soundtrack;
    json!({
        "output": report::lossy(&soundtrack.path),
        "seconds": soundtrack.seconds,
        "pictures": made.pictures,
        "rate": soundtrack.rate,
        "channels": soundtrack.channels,
        "codec": soundtrack.codec,
        "loudness_before": soundtrack.loudness_before,
        "gain_db": soundtrack.gain_db,
        "grains": made.grains,
        "hits": made.hits,
        "follows": made.follows,
        "shots": made.shots,
        "sources": made.sources,
        "credits": soundtrack.credits,
        "complaints": soundtrack.complaints,
        "mapping": plan.mapping,
        "mapping_name": plan.mapping_name,
        "drawn": drawn,
    })
}

fn as_text(made: &Textured, plan: &TexturePlan, drawn: &[String]) -> String {
    let sections = made.shots.iter().map(|shot| shot.section).max().map_or(1, |most| most + 1);
    let level = match made.soundtrack.loudness_before {
        Some(lufs) => format!(", {lufs:.1} LUFS changed by {:+.1} dB", made.soundtrack.gain_db),
        None => String::new(),
    };
    let mut text = format!(
        "{}: {}, {}: {} grains and {} hits over {} shots in {sections} sections{level}\n",
        made.soundtrack.path.display(),
        span(made.soundtrack.seconds),
        plan.mapping_name,
        made.grains,
        made.hits,
        made.shots.len(),
    );
    drawn.iter().for_each(|file| text += &format!("{file}\n"));
    text
}
