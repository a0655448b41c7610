//! A gallery: every film rendered with every brain, in a folder with a page to compare them.

use crate::brain::Brain;
use crate::dataset::{self, PrepareOptions, Shard};
use crate::eval::date::today;
use crate::eval::figures::rounded;
use crate::eval::film::ledger;
use crate::eval::naming::{brain_kind, distinct};
use crate::eval::page::{self, Page};
use crate::eval::pictures;
use crate::eval::report::{FurtherMeasures, TrainingFilm};
use crate::eval::shown_film::ShownFilmAnalysis;
use crate::eval::sound::{self, measure_rate};
use crate::media::Ffmpeg;
use crate::plot::Sonogram;
use crate::render::{self, GivenPictures, LoudnessMode, RenderPlan, ResolvedSynth, SynthRequest};
use crate::soundtrack::OutputOptions;
use crate::storage::{self, AtomicFolder, Overwrite};
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::frames::{
    FrameFormat, FrameSynthConfig, Granular2015Config, GranularConfig, WindowedConfig,
};
use kinophone_dsp::units::MediaTime;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The version of the format of `gallery.json`.
const SCHEMA: u32 = 1;
/// Largest width in pixels of a copy of pictures that browsers do not play.
const MAX_COPY_WIDTH: u32 = 960;
/// Width of a film's poster in pixels.
const POSTER_WIDTH: u32 = 480;
/// Size of a spectrogram on the page in pixels.
const SONOGRAM_SIZE: (usize, usize) = (640, 120);

/// The brains and films of a gallery.
#[derive(Clone, Debug)]
pub struct GalleryPlan {
    /// The brain files.
    pub brains: Vec<PathBuf>,
    /// The films; their own sound is not needed.
    pub films: Vec<PathBuf>,
    /// Names of synths, see `synths_of`; where there are none, each brain's preferred one. A brain uses
    /// those that it supports.
    pub synths: Vec<String>,
    /// The folder to write. It appears whole or not at all.
    pub output: PathBuf,
    /// Replaces or refuses an existing gallery. No other folder is ever replaced.
    pub overwrite: Overwrite,
    /// The folder of prepared films; the films are prepared into it.
    pub cache: PathBuf,
    /// Seed of the synths.
    pub seed: u64,
    /// Loudness of all soundtracks.
    pub loudness: LoudnessMode,
}

/// The data of a gallery, as `gallery.json` has it.
#[derive(Clone, Debug, Serialize)]
pub struct Gallery {
    /// The version of the format.
    pub schema: u32,
    /// Version of this program.
    pub kinophone: String,
    /// The day, such as 2026-11-23, in UTC.
    pub made: String,
    /// The films.
    pub films: Vec<GalleryFilm>,
    /// The brains.
    pub brains: Vec<GalleryBrain>,
    /// Every film with every brain and each of its synths.
    pub cells: Vec<GalleryCell>,
}

/// A film of a gallery.
#[derive(Clone, Debug, Serialize)]
pub struct GalleryFilm {
    /// Its file's name.
    pub name: String,
    /// Its length.
    pub seconds: f64,
    /// One of its pictures as a data URI.
    pub poster: Option<String>,
}

/// A brain of a gallery.
#[derive(Clone, Debug, Serialize)]
pub struct GalleryBrain {
    /// Its file's name.
    pub name: String,
    /// `ensemble` or `classic`.
    pub kind: &'static str,
    /// Its ledger.
    pub learned_from: Vec<TrainingFilm>,
    /// The synths that it uses here.
    pub synths: Vec<String>,
}

/// A film with the sound of a brain.
#[derive(Clone, Debug, Serialize)]
pub struct GalleryCell {
    /// Index among the films.
    pub film: usize,
    /// Index among the brains.
    pub brain: usize,
    /// Name of the synth.
    pub synth: String,
    /// The film, relative to the gallery's folder; letters, digits, dots, dashes and slashes only. `None`
    /// where it could not be made.
    pub file: Option<String>,
    /// The sound as a picture, as a data URI.
    pub spectrogram: Option<String>,
    /// Its length.
    pub seconds: Option<f64>,
    /// True where the brain was trained on parts of the film.
    pub learned: bool,
    /// Its scores over the whole film: how it follows what moves and, where the film has sound, against that. `None` where it could
    /// not be made.
    pub further: Option<FurtherMeasures>,
    /// The reason for which it could not be made.
    pub error: Option<String>,
}

/// The synths that a brain supports, by their names in `kinophone render --synth`, its default first.
fn synths_of(brain: &Brain) -> &'static [&'static str] {
    match brain {
        Brain::Classic(brain) if brain.config().format == FrameFormat::Stft => &["spectral"],
        Brain::Classic(_) => &["windowed", "granular", "raw", "granular-2015"],
        Brain::Ensemble(brain) if brain.training_audio().is_some() => &["mosaic", "spectral", "granular"],
        Brain::Ensemble(_) => &["spectral"],
    }
}

/// Renders every film with every brain, and writes the folder. Where a film fails with a brain, the others
/// are still made; it is an error where all fail.
pub fn make_gallery(ffmpeg: &Ffmpeg, plan: &GalleryPlan, task: Task<'_>) -> Result<Gallery> {
    let inputs: Vec<&Path> = plan.films.iter().chain(&plan.brains).map(PathBuf::as_path).collect();
    storage::check_distinct(&plan.output, &inputs)?;
    let folder = AtomicFolder::create(&plan.output, plan.overwrite, Page::Gallery.data_file())?;
    let brains = plan.brains.iter().map(|file| LoadedBrain::open(file, plan)).collect::<Result<Vec<_>>>()?;
    let scratch = folder.path().join("work");
    std::fs::create_dir(&scratch).map_err(|e| Error::io("made", &scratch, e))?;
    let context = GalleryContext { ffmpeg, plan, folder: folder.path(), scratch: &scratch, task };
    let gallery = context.fill(&brains).map_err(|e| folder.named(e))?;
    std::fs::remove_dir_all(&scratch).map_err(|e| Error::io("removed", &scratch, e))?;
    page::write(Page::Gallery, &gallery, folder.path()).map_err(|e| folder.named(e))?;
    folder.commit()?;
    Ok(gallery)
}

/// A brain with the synths that it uses.
struct LoadedBrain {
    file: PathBuf,
    name: String,
    brain: Brain,
    synths: Vec<&'static str>,
}

impl LoadedBrain {
    fn open(file: &Path, plan: &GalleryPlan) -> Result<Self> {
        let brain = Brain::load(file)?;
        let supported = synths_of(&brain);
        let requested = |name: &&&str| plan.synths.iter().any(|requested| requested == **name);
        let synths: Vec<&str> = if plan.synths.is_empty() {
            supported[..1].to_vec()
        } else {
            supported.iter().filter(requested).copied().collect()
        };
        if synths.is_empty() {
            return Err(Error::new(Kind::Invalid, "supports none of the chosen synths")
                .at(file)
                .help(format!("add one of these to --synth: {}", supported.join(", "))));
        }
        Ok(Self { file: file.to_owned(), name: name_of(file), brain, synths })
    }
}

/// A film of the gallery while it is rendered.
struct ShownFilm {
    name: String,
    /// The film, or a copy of its pictures for browsers.
    playable: PathBuf,
    /// The stem of its files' names.
    stem: String,
    analysis: ShownFilmAnalysis,
}

/// A soundtrack that was rendered for a cell.
struct MadeCell {
    seconds: f64,
    sonogram: Sonogram,
    further: FurtherMeasures,
    learned: bool,
}

/// The surroundings of a gallery: its plan and its folders.
struct GalleryContext<'a> {
    ffmpeg: &'a Ffmpeg,
    plan: &'a GalleryPlan,
    folder: &'a Path,
    scratch: &'a Path,
    task: Task<'a>,
}

impl GalleryContext<'_> {
    fn fill(&self, brains: &[LoadedBrain]) -> Result<Gallery> {
        let brain_stems = distinct(brains.iter().map(|brain| plain_stem(&brain.file)).collect());
        let film_stems = distinct(self.plan.films.iter().map(|film| plain_stem(film)).collect());
        let (mut films, mut cells) = (Vec::new(), Vec::new());
        for (number, (film, stem)) in self.plan.films.iter().zip(film_stems).enumerate() {
            let (gallery_film, shown) = self.open_film(film, stem)?;
            films.push(gallery_film);
            cells.extend(self.row((number, film), &shown, brains, &brain_stems)?);
            if shown.playable != *film {
                std::fs::remove_file(&shown.playable)
                    .map_err(|e| Error::io("removed", &shown.playable, e))?;
            }
        }
        if cells.iter().all(|cell: &GalleryCell| cell.file.is_none()) {
            let why = cells.into_iter().find_map(|cell| cell.error).unwrap_or_default();
            return Err(Error::new(Kind::Empty, format!("not one film could be rendered: {why}"))
                .help("try one of them with 'kinophone render'"));
        }
        let gallery_brain = |brain: &LoadedBrain| GalleryBrain {
            name: brain.name.clone(),
            kind: brain_kind(&brain.brain),
            learned_from: ledger(&brain.brain),
            synths: brain.synths.iter().map(|name| (*name).to_owned()).collect(),
        };
        Ok(Gallery {
            schema: SCHEMA,
            kinophone: env!("CARGO_PKG_VERSION").to_owned(),
            made: today(),
            films,
            brains: brains.iter().map(gallery_brain).collect(),
            cells,
        })
    }

    fn open_film(&self, film: &Path, stem: String) -> Result<(GalleryFilm, ShownFilm)> {
        let facts = self.ffmpeg.probe(film)?;
        let Some(picture) = &facts.picture else {
            return Err(Error::new(Kind::NoPicture, "has no picture stream")
                .at(film)
                .help("leave it out: a gallery is made of films and brains"));
        };
        let playable = if picture.plays_in_browsers() {
            film.to_owned()
        } else {
            let copy = self.scratch.join("copy.mp4");
            self.ffmpeg.copy_for_browsers(film, MAX_COPY_WIDTH, &copy, self.task)?;
            copy
        };
        let gallery_film = GalleryFilm {
            name: name_of(film),
            seconds: rounded(facts.duration.unwrap_or_default().as_secs_f64(), 3),
            poster: Some(pictures::poster(self.ffmpeg, film, POSTER_WIDTH, self.task)?),
        };
        let analysis = ShownFilmAnalysis::of(self.ffmpeg, film, !facts.sounds.is_empty(), self.task)?;
        Ok((gallery_film, ShownFilm { name: name_of(film), playable, stem, analysis }))
    }

    /// Renders a film with all brains; their spectrograms share one scale of colours.
    fn row(
        &self,
        (number, film): (usize, &Path),
        shown: &ShownFilm,
        brains: &[LoadedBrain],
        stems: &[String],
    ) -> Result<Vec<GalleryCell>> {
        let mut cells = Vec::new();
        for ((k, brain), stem) in brains.iter().enumerate().zip(stems) {
            for synth in &brain.synths {
                let file = format!("{stem}/{}.{synth}.mp4", shown.stem);
                let made = self.render(film, shown, brain, synth, &file);
                let (made, error) = match made {
                    Ok(made) => (Some(made), None),
                    Err(e) if matches!(e.kind(), Kind::Interrupted | Kind::DiskFull) => return Err(e),
                    Err(e) => {
                        self.task.watcher.warn(&format!("{} with {}: {e}", shown.name, brain.name));
                        (None, Some(e.to_string()))
                    }
                };
                let cell = GalleryCell {
                    film: number,
                    brain: k,
                    synth: (*synth).to_owned(),
                    file: made.is_some().then_some(file),
                    spectrogram: None,
                    seconds: made.as_ref().map(|made| rounded(made.seconds, 3)),
                    learned: made.as_ref().is_some_and(|made| made.learned),
                    further: made.as_ref().map(|made| made.further),
                    error,
                };
                cells.push((cell, made.map(|made| made.sonogram)));
            }
        }
        let loudest = cells
            .iter()
            .filter_map(|(_, sonogram)| sonogram.as_ref())
            .map(Sonogram::loudest)
            .fold(0.0, f32::max);
        cells
            .into_iter()
            .map(|(cell, sonogram)| {
                let spectrogram = sonogram.map(|sonogram| pictures::png(&sonogram, loudest)).transpose()?;
                Ok(GalleryCell { spectrogram, ..cell })
            })
            .collect()
    }

    fn render(
        &self,
        film: &Path,
        shown: &ShownFilm,
        brain: &LoadedBrain,
        synth: &str,
        file: &str,
    ) -> Result<MadeCell> {
        let output = self.folder.join(file);
        let folder = output.parent().unwrap_or(self.folder);
        std::fs::create_dir_all(folder).map_err(|e| Error::io("made", folder, e))?;
        let (size, colour) = (brain.brain.size(), brain.brain.colour());
        let options = PrepareOptions { size, colour, ..PrepareOptions::default() };
        let prepared =
            dataset::prepare(self.ffmpeg, &[film.to_owned()], &self.plan.cache, &options, self.task)?;
        let shard = Shard::open(&prepared[0].shard)?;
        let plan = RenderPlan {
            synth: synth_request(&brain.brain, synth, self.plan.seed),
            seed: self.plan.seed,
            loudness: self.plan.loudness,
            trace: true,
            ..RenderPlan::new(
                brain.file.clone(),
                shown.playable.clone(),
                OutputOptions::alone(output.clone(), Overwrite::Refuse),
            )
        };
        let pictures = GivenPictures::of(&shard, size, colour)?;
        let rendered = render::render_to(self.ffmpeg, &plan, pictures, self.task)?;
        let samples = sound::decode(self.ffmpeg, &output, self.task)?;
        let clock = (shard.time(0).max(MediaTime::ZERO), brain.brain.grid().tick.as_f64());
        let (columns, rows) = SONOGRAM_SIZE;
        Ok(MadeCell {
            seconds: rendered.soundtrack.seconds,
            sonogram: Sonogram::new(&samples, measure_rate(), columns, rows),
            further: shown.analysis.measure(&samples, clock, rendered.trace.as_ref()),
            learned: brain.brain.ledger().iter().any(|source| source.blake3 == shard.source().blake3),
        })
    }
}

/// The synth of that name; the brain's default one with the brain's own settings.
fn synth_request(brain: &Brain, name: &str, seed: u64) -> SynthRequest {
    if synths_of(brain).first() == Some(&name) {
        return SynthRequest::Usual;
    }
    SynthRequest::Exactly(match name {
        "spectral" => ResolvedSynth::spectral(seed),
        "granular" => ResolvedSynth::Blocks(FrameSynthConfig::Granular(GranularConfig {
            seed,
            ..GranularConfig::default()
        })),
        "granular-2015" => ResolvedSynth::Blocks(FrameSynthConfig::Granular2015(Granular2015Config { seed })),
        "windowed" => ResolvedSynth::Blocks(FrameSynthConfig::Windowed(WindowedConfig {
            seed,
            ..WindowedConfig::default()
        })),
        _ => ResolvedSynth::Blocks(FrameSynthConfig::Raw),
    })
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned()
}

/// The stem of a file's name in characters that need no escaping in any URL.
fn plain_stem(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' };
    let word: String = stem.chars().map(plain).collect();
    // No file may be hidden or have the name of the scratch folder.
    match word.trim_matches('-') {
        "" => "untitled".to_owned(),
        "work" => "work-1".to_owned(),
        word => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_names_that_need_no_escaping() {
        for (name, expected) in [
            ("a/My film #1 (50%).mp4", "My-film--1--50"),
            ("..mp4", "untitled"),
            ("work.brain", "work-1"),
            ("caf\u{e9}.brain", "caf"),
        ] {
            assert_eq!(plain_stem(Path::new(name)), expected, "{name}");
        }
    }
}
