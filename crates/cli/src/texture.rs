//! `kinophone texture`: a soundtrack of recorded sounds driven by the pictures through a mapping, without a
//! brain.

use crate::args::{KeptTrackArgs, OutputArgs, SeedArgs};
use crate::context::{self, Context};
use crate::pictures::{self, Album};
use crate::report::{self, Failure, Outcome};
use crate::values::loudness;
use crate::wording::duration;
use clap::{Args, ValueEnum};
use kinophone::plot::{Lane, TimelinePlot};
use kinophone::render::LoudnessMode;
use kinophone::sound_library::SoundLibrary;
use kinophone::texture::{self, Mapping, TexturePlan, Textured};
use kinophone::wording::count;
use serde_json::{Value, json};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  A silent film played by strings, its picture untouched:
    kinophone sounds strings/ -o strings.sounds --licence CC0-1.0
    kinophone texture silent.mp4 --sounds strings.sounds -o scored.mp4

  A hit for every movement, flash and cut, with diagrams of the mapping:
    kinophone texture silent.mp4 --sounds drums.sounds -o hits.mkv \\
        --preset percussion --pictures look

  Your own mapping, starting from a built-in one:
    kinophone texture --print-mapping drone > mine.toml
    kinophone texture silent.mp4 --sounds strings.sounds -o mine.mp4 --mapping mine.toml

Containers: .mp4 .mov .mkv .webm .avi, or .wav and .flac for the sound alone.";

/// Options of `texture`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub struct TextureArgs {
    /// The film to give a soundtrack; its own sound is not needed
    #[arg(value_name = "FILM", required_unless_present = "print_mapping")]
    film: Option<PathBuf>,
    /// A library of sounds made by 'kinophone sounds', or a corpus, to take sounds from
    #[arg(long, value_name = "LIBRARY", required_unless_present = "print_mapping")]
    sounds: Option<PathBuf>,
    /// The file to write; its extension decides the container
    #[arg(long, short, value_name = "OUT", required_unless_present = "print_mapping")]
    output: Option<PathBuf>,
    /// Replace existing files
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    mapping: MappingArgs,
    #[command(flatten)]
    result: OutputArgs,
    #[command(flatten)]
    sound: TextureSoundArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Mapping from pictures to sound")]
struct MappingArgs {
    /// A built-in mapping
    #[arg(long, value_enum, default_value_t = Preset::Strings)]
    preset: Preset,
    /// Your own mapping, a TOML file, instead of a built-in one
    #[arg(long, value_name = "FILE.toml", conflicts_with = "preset")]
    mapping: Option<PathBuf>,
    /// Print a built-in mapping as a starting point for your own, and exit
    #[arg(long, value_name = "PRESET", value_enum, conflicts_with_all = ["film", "sounds", "output", "mapping"])]
    print_mapping: Option<Preset>,
    /// Give each group of similar shots its own part of the library
    #[arg(long, value_enum, value_name = "auto|off", default_value_t = Sections::Auto)]
    sections: Sections,
    #[command(flatten)]
    seed: SeedArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
struct TextureSoundArgs {
    /// Loudness of the soundtrack in LUFS (EBU R 128), or 'off' for the levels of the mapping [default: off]
    #[arg(long, value_name = "LUFS|off", allow_negative_numbers = true, value_parser = loudness)]
    loudness: Option<LoudnessMode>,
    #[command(flatten)]
    kept: KeptTrackArgs,
    /// Draw shots, onsets, measures and the soundtrack's loudness over time into this folder, which is
    /// created if missing
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Preset {
    /// Sustained lines that swell with motion
    Strings,
    /// A hit for every movement, flash and cut, and silence between them
    Percussion,
    /// One wide sound that hardly changes
    Drone,
    /// Opposite to the picture: loud where it is still, dark where it is bright
    Inverse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sections {
    /// Bright sections have bright sounds, dark ones dark sounds
    Auto,
    /// All shots use all sounds
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
        return print_mapping(preset, context);
    }
    let plan = args.plan()?;
    let ffmpeg = context.ffmpeg()?;
    let sounds = SoundLibrary::open(&plan.library, context.task())?;
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

fn print_mapping(preset: Preset, context: &Context) -> Result<Outcome, Failure> {
    let name = preset.name();
    let text = texture::PRESETS.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text);
    context.report.data(|| json!({ "preset": name, "mapping": text }), || text.to_owned())?;
    Ok(Outcome::Done)
}

impl TextureArgs {
    /// The library's plan; fails where an input is missing.
    fn plan(&self) -> Result<TexturePlan, Failure> {
        let (Some(film), Some(library), Some(output)) = (&self.film, &self.sounds, &self.output) else {
            return Err(Failure::usage("a film, --sounds and -o are needed", "name all three"));
        };
        context::check_films(std::slice::from_ref(film))?;
        let (mapping, mapping_name) = self.mapping.load()?;
        context::metadata(library)?;
        self.result.check()?;
        Ok(TexturePlan {
            film: film.clone(),
            library: library.clone(),
            output: self.result.options(output, self.force, self.sound.kept.audio_track.clone()),
            mapping,
            mapping_file: self.mapping.mapping.clone(),
            mapping_name,
            sections: self.mapping.sections == Sections::Auto,
            seed: self.mapping.seed.seed,
            loudness: match self.sound.loudness {
                Some(LoudnessMode::Lufs(lufs)) => Some(lufs),
                _ => None,
            },
        })
    }
}

impl MappingArgs {
    /// The mapping and its name.
    fn load(&self) -> Result<(Mapping, String), Failure> {
        match &self.mapping {
            Some(file) => {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                Ok((Mapping::load(file)?, name))
            }
            None => Ok((Mapping::preset(&self.preset.name())?, self.preset.name())),
        }
    }
}

/// The measures, the loudness that they ask for, and the loudness of the soundtrack, over time.
fn timeline<'a>(made: &'a Textured, plan: &'a TexturePlan) -> TimelinePlot<'a> {
    let drawn = &made.drawn;
    let db = |x: f32| format!("{x} dB");
    let loudness = &plan.mapping.loudness;
    let (low, high) = (loudness.low_db.min(loudness.high_db), loudness.low_db.max(loudness.high_db));
    let range = ((low - 10.0).max(-70.0), (high + 6.0).min(0.0));
    let mut lanes = vec![Lane {
        name: "loudness",
        range,
        labels: (db(range.0), db(range.1)),
        curves: vec![("target", &drawn.wanted_db), ("soundtrack", &drawn.heard_db)],
    }];
    lanes.extend(pictures::lanes(&drawn.measures));
    TimelinePlot {
        title: &plan.mapping_name,
        seconds: made.soundtrack.seconds,
        shots: made.shots.iter().map(|shot| (shot.at, shot.section)).collect(),
        onsets: &drawn.onsets,
        lanes,
    }
}

fn as_json(made: &Textured, plan: &TexturePlan, drawn: &[String]) -> Value {
    let own = json!({
        "pictures": made.pictures,
        "grains": made.grains,
        "hits": made.hits,
        "follows": made.follows,
        "shots": made.shots,
        "sources": made.sources,
        "credits": made.soundtrack.credits,
        "mapping": plan.mapping,
        "mapping_name": plan.mapping_name,
        "drawn": drawn,
    });
    report::of_soundtrack(&made.soundtrack, own)
}

fn as_text(made: &Textured, plan: &TexturePlan, drawn: &[String]) -> String {
    let sections = made.shots.iter().map(|shot| shot.section).max().map_or(1, |most| most + 1);
    let level = match made.soundtrack.loudness_before {
        Some(lufs) => format!(", {lufs:.1} LUFS changed by {:+.1} dB", made.soundtrack.gain_db),
        None => String::new(),
    };
    let mut text = format!(
        "{}: {}, {}: {} and {} over {} in {}{level}\n",
        report::shown(&made.soundtrack.path),
        duration(made.soundtrack.seconds),
        plan.mapping_name,
        count(made.grains, "grains"),
        count(made.hits, "hits"),
        count(made.shots.len(), "shots"),
        count(sections, "sections"),
    );
    drawn.iter().for_each(|file| text += &format!("{file}\n"));
    text
}
