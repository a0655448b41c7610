//! Every brain on every film: a folder of films to compare, and a page that plays them.

use crate::brain::Brain;
use crate::dataset::{self, PrepareOptions, Shard};
use crate::eval::report::LessonFacts;
use crate::eval::{all_names_differ, kind_of, measure_rate, page, pictures, today};
use crate::media::Ffmpeg;
use crate::plot::Sonogram;
use crate::render::{self, GivenPictures, LoudnessMode, RenderPlan, ResolvedSynth, SynthRequest};
use crate::soundtrack::OutputOptions;
use crate::storage::{AtomicFolder, Overwrite};
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::frames::{
    FrameFormat, FrameSynthConfig, Granular2015Config, GranularConfig, WindowedConfig,
};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// The file by which a gallery's folder is known.
pub(crate) const MARK: &str = "gallery.json";
/// The version of the format of [`MARK`].
const SCHEMA: u32 = 1;
/// Pictures that browsers do not play are copied at most so many pixels wide.
const COPY_WIDTH: u32 = 960;
/// Width of a film's poster.
const POSTER_WIDTH: u32 = 480;
/// Size of a spectrogram on the page.
const SONOGRAM: (usize, usize) = (640, 120);

/// What to show.
#[derive(Clone, Debug)]
pub struct Exhibition {
    /// The brain files.
    pub brains: Vec<PathBuf>,
    /// The films; their own sound is not needed.
    pub films: Vec<PathBuf>,
    /// Names of synths, see [`synths_of`]; none: what suits each brain best. A brain plays those that suit it.
    pub synths: Vec<String>,
    /// The folder to write. It appears whole or not at all.
    pub output: PathBuf,
    /// Whether an existing gallery may be replaced. No other folder ever is.
    pub overwrite: Overwrite,
    /// The folder of prepared films; the films are prepared into it.
    pub cache: PathBuf,
    /// Seed of the synths.
    pub seed: u64,
    /// How loud all soundtracks are.
    pub loudness: LoudnessMode,
}

/// What a gallery shows, as `gallery.json` has it.
#[derive(Clone, Debug, Serialize)]
pub struct Gallery {
    /// The version of the format.
    pub schema: u32,
    /// Version of this program.
    pub kinophone: String,
    /// The day, such as 2026-11-23, in UTC.
    pub made: String,
    /// The films.
    pub films: Vec<Screen>,
    /// The brains.
    pub brains: Vec<Artist>,
    /// Every brain on every film with each of its synths.
    pub cells: Vec<Cell>,
}

/// A film of a gallery.
#[derive(Clone, Debug, Serialize)]
pub struct Screen {
    /// Its file's name.
    pub name: String,
    /// Its length.
    pub seconds: f64,
    /// One of its pictures as a data URI.
    pub poster: Option<String>,
}

/// A brain of a gallery.
#[derive(Clone, Debug, Serialize)]
pub struct Artist {
    /// Its file's name.
    pub name: String,
    /// `ensemble` or `classic`.
    pub kind: &'static str,
    /// Its ledger.
    pub learned_from: Vec<LessonFacts>,
    /// With what it plays here.
    pub synths: Vec<String>,
}

/// A film with the sound of a brain.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// Index among the films.
    pub film: usize,
    /// Index among the brains.
    pub brain: usize,
    /// Name of the synth.
    pub synth: String,
    /// The film, relative to the gallery's folder; letters, digits, dots, dashes and slashes only. `None` where it could
    /// not be made.
    pub file: Option<String>,
    /// The sound as a picture, as a data URI.
    pub spectrogram: Option<String>,
    /// Its length.
    pub seconds: Option<f64>,
    /// Why it could not be made.
    pub error: Option<String>,
}

/// The synths that suit a brain by the names that `kinophone render --synth` knows; the one that it plays by default first.
pub fn synths_of(brain: &Brain) -> &'static [&'static str] {
    match brain {
        Brain::Classic(brain) if brain.config().say == FrameFormat::Stft => &["spectral"],
        Brain::Classic(_) => &["windowed", "granular", "raw", "granular-2015"],
        Brain::Ensemble(brain) if brain.training_audio().is_some() => &["mosaic", "spectral", "granular"],
        Brain::Ensemble(_) => &["spectral"],
    }
}

/// Renders every brain on every film, and writes the folder. A film that fails with one brain is noted and the rest goes on;
/// it is an error where all fail.
pub fn exhibit(ffmpeg: &Ffmpeg, how: &Exhibition, task: Task<'_>) -> Result<Gallery> {
    let folder = AtomicFolder::create(&how.output, how.overwrite, MARK)?;
    let brains = how.brains.iter().map(|file| Guest::open(file, how)).collect::<Result<Vec<_>>>()?;
    let scratch = folder.path().join("work");
    std::fs::create_dir(&scratch).map_err(|e| Error::io("made", &scratch, e))?;
    let room = GalleryBuffers { ffmpeg, how, folder: folder.path(), scratch: &scratch, task };
    let gallery = room.fill(&brains)?;
    std::fs::remove_dir_all(&scratch).map_err(|e| Error::io("removed", &scratch, e))?;
    page::write_gallery(&gallery, folder.path())?;
    folder.commit()?;
    Ok(gallery)
}

/// A brain that was invited.
struct Guest {
    file: PathBuf,
    name: String,
    brain: Brain,
    synths: Vec<&'static str>,
}

impl Guest {
    fn open(file: &Path, how: &Exhibition) -> Result<Self> {
        let brain = Brain::load(file)?;
        let suitable = synths_of(&brain);
        let wanted = |name: &&&str| how.synths.iter().any(|wanted| wanted == **name);
        let synths: Vec<&str> = if how.synths.is_empty() {
            suitable[..1].to_vec()
        } else {
            suitable.iter().filter(wanted).copied().collect()
        };
        if synths.is_empty() {
            return Err(Error::new(Kind::Invalid, "plays with none of the chosen synths")
                .at(file)
                .help(format!("add one of these to --synth: {}", suitable.join(", "))));
        }
        Ok(Self { file: file.to_owned(), name: name_of(file), brain, synths })
    }
}

/// A film that is shown: what browsers play, and what the brains see.
struct Showing {
    name: String,
    /// The film, or a copy of its pictures for browsers.
    playable: PathBuf,
    /// How its files are called.
    word: String,
}

/// What every part of a gallery works with.
struct GalleryBuffers<'a> {
    ffmpeg: &'a Ffmpeg,
    how: &'a Exhibition,
    folder: &'a Path,
    scratch: &'a Path,
    task: Task<'a>,
}

impl GalleryBuffers<'_> {
    fn fill(&self, brains: &[Guest]) -> Result<Gallery> {
        let brain_words = all_names_differ(brains.iter().map(|guest| word(&guest.file)).collect());
        let film_words = all_names_differ(self.how.films.iter().map(|film| word(film)).collect());
        let (mut films, mut cells) = (Vec::new(), Vec::new());
        for (number, (film, word)) in self.how.films.iter().zip(film_words).enumerate() {
            let (screen, showing) = self.screen(film, word)?;
            films.push(screen);
            cells.extend(self.row(number, film, &showing, brains, &brain_words)?);
            if showing.playable != *film {
                std::fs::remove_file(&showing.playable)
                    .map_err(|e| Error::io("removed", &showing.playable, e))?;
            }
        }
        if cells.iter().all(|cell: &Cell| cell.file.is_none()) {
            let why = cells.into_iter().find_map(|cell| cell.error).unwrap_or_default();
            return Err(Error::new(Kind::Empty, format!("not one film could be rendered: {why}"))
                .help("try one of them with 'kinophone render'"));
        }
        let artist = |guest: &Guest| Artist {
            name: guest.name.clone(),
            kind: kind_of(&guest.brain),
            learned_from: crate::eval::subject::ledger(&guest.brain),
            synths: guest.synths.iter().map(|name| (*name).to_owned()).collect(),
        };
        Ok(Gallery {
            schema: SCHEMA,
            kinophone: env!("CARGO_PKG_VERSION").to_owned(),
            made: today(),
            films,
            brains: brains.iter().map(artist).collect(),
            cells,
        })
    }

    fn screen(&self, film: &Path, word: String) -> Result<(Screen, Showing)> {
        let facts = self.ffmpeg.probe(film)?;
        let Some(picture) = &facts.picture else {
            return Err(Error::new(Kind::NoPicture, "has no picture to play to")
                .at(film)
                .help("name films with a picture stream"));
        };
        let playable = if picture.plays_in_browsers() {
            film.to_owned()
        } else {
            let copy = self.scratch.join("copy.mp4");
            self.ffmpeg.copy_for_browsers(film, COPY_WIDTH, &copy, self.task)?;
            copy
        };
        let screen = Screen {
            name: name_of(film),
            seconds: crate::eval::rounded(facts.duration.unwrap_or_default().as_secs_f64(), 3),
            poster: Some(pictures::poster(self.ffmpeg, film, POSTER_WIDTH, self.task)?),
        };
        Ok((screen, Showing { name: name_of(film), playable, word }))
    }

    /// A film with all brains; spectrograms share one scale of colours.
    fn row(
        &self,
        number: usize,
        film: &Path,
        showing: &Showing,
        brains: &[Guest],
        words: &[String],
    ) -> Result<Vec<Cell>> {
        let mut cells = Vec::new();
        for ((k, guest), word) in brains.iter().enumerate().zip(words) {
            for synth in &guest.synths {
                let file = format!("{word}/{}.{synth}.mp4", showing.word);
                let made = self.render(film, showing, guest, synth, &file);
                let (made, error) = match made {
                    Ok(made) => (Some(made), None),
                    Err(e) if matches!(e.kind(), Kind::Interrupted | Kind::DiskFull) => return Err(e),
                    Err(e) => {
                        self.task.watcher.warn(&format!("{} with {}: {e}", showing.name, guest.name));
                        (None, Some(e.to_string()))
                    }
                };
                let cell = Cell {
                    film: number,
                    brain: k,
                    synth: (*synth).to_owned(),
                    file: made.is_some().then_some(file),
                    spectrogram: None,
                    seconds: made.as_ref().map(|(seconds, _)| crate::eval::rounded(*seconds, 3)),
                    error,
                };
                cells.push((cell, made.map(|(_, sonogram)| sonogram)));
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
                Ok(Cell { spectrogram, ..cell })
            })
            .collect()
    }

    fn render(
        &self,
        film: &Path,
        showing: &Showing,
        guest: &Guest,
        synth: &str,
        file: &str,
    ) -> Result<(f64, Sonogram)> {
        let output = self.folder.join(file);
        let folder = output.parent().unwrap_or(self.folder);
        std::fs::create_dir_all(folder).map_err(|e| Error::io("made", folder, e))?;
        let (size, colour) = (guest.brain.size(), guest.brain.colour());
        let options = PrepareOptions { size, colour, ..PrepareOptions::default() };
        let prepared =
            dataset::prepare(self.ffmpeg, &[film.to_owned()], &self.how.cache, &options, self.task)?;
        let shard = Shard::open(&prepared[0].shard)?;
        let plan = RenderPlan {
            synth: sounding(&guest.brain, synth, self.how.seed),
            seed: self.how.seed,
            loudness: self.how.loudness,
            ..RenderPlan::new(
                guest.file.clone(),
                showing.playable.clone(),
                OutputOptions::alone(output.clone(), Overwrite::Refuse),
            )
        };
        let pictures = GivenPictures::of(&shard, size, colour)?;
        let rendered = render::render_to(self.ffmpeg, &plan, pictures, self.task)?;
        let sound = crate::eval::listen(self.ffmpeg, &output, self.task)?;
        let (columns, rows) = SONOGRAM;
        Ok((rendered.seconds, Sonogram::new(&sound, measure_rate(), columns, rows)))
    }
}

/// The synth that the brain plays by default knows the brain's own settings.
fn sounding(brain: &Brain, name: &str, seed: u64) -> SynthRequest {
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

/// A name that any server and any browser takes as it is.
fn word(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or(file.as_os_str()).to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' };
    let word: String = stem.chars().map(plain).collect();
    // Nothing may be called like our own files, or be hidden.
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
            assert_eq!(word(Path::new(name)), expected, "{name}");
        }
    }
}
