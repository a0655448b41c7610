//! What every soundtrack needs, whoever plays it: the names that are written to, the film's picture, the encoder, scores and credits.
//!
//! A production is begun before the work, so that names that can't be written are known at once; it is staged when it is known
//! what plays; and it is completed when all has been played. The output appears last, so where it is the rest is, too.

use crate::media::{self, Encode, Ffmpeg, FilmFacts, PictureFacts, SoundCodec};
use crate::score::{
    ClipEvent, CreditTally, CreditedSource, Credits, Score, ScoreFiles, ScoreHeader, SourceSound,
};
use crate::soundtrack::format::{MixFormat, container, extension_is_sound, folder_of, no_picture};
use crate::soundtrack::mixdown::MixStage;
use crate::soundtrack::original::OriginalSound;
use crate::storage::{self, AtomicFile, Overwrite};
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::{MediaTime, SampleRate};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A soundtrack to be written, and what is written beside it.
#[derive(Clone, Debug)]
pub struct OutputOptions {
    /// The file; its extension decides the container.
    pub file: PathBuf,
    /// Its sound codec; `None`: the container's customary one.
    pub codec: Option<SoundCodec>,
    /// Whether existing files may be replaced.
    pub overwrite: Overwrite,
    /// Mixes the film's own sound under the new one, at this many dB relative to its level in the film.
    pub keep_original_db: Option<f64>,
    /// Which sound track of the film that is, from 0; [`revoice`](crate::revoice) follows it, too.
    pub audio_track: usize,
    /// Scores of what is made of recorded sound: what sounds when, as their extensions say ([`score::Format`](crate::score::ScoreFormat)).
    /// Every piece is kept in memory until the end, some hundred bytes each.
    pub scores: Vec<PathBuf>,
    /// Whether to write whose recorded sounds are played beside the file, as `FILE.credits.txt`. The file's own tags say it in
    /// any case.
    pub credits: bool,
}

impl OutputOptions {
    /// A soundtrack alone, with nothing under it and nothing beside it.
    pub fn alone(file: PathBuf, overwrite: Overwrite) -> Self {
        Self {
            file,
            codec: None,
            overwrite,
            keep_original_db: None,
            audio_track: 0,
            scores: Vec::new(),
            credits: false,
        }
    }
}

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) struct OutputRequest<'a> {
    /// The film that gets a soundtrack.
    pub(crate) film: &'a Path,
    /// What else is read.
    pub(crate) inputs: &'a [&'a Path],
    /// What is written.
    pub(crate) output: &'a OutputOptions,
}

/// A production whose names are reserved.
pub(crate) struct ReservedOutput<'a> {
    ffmpeg: &'a Ffmpeg,
    order: OutputRequest<'a>,
    output: AtomicFile,
    scores: ScoreFiles,
    extension: String,
    codec: SoundCodec,
    /// Of the film, where it had to be opened.
    facts: Option<FilmFacts>,
    original: Option<OriginalSound>,
}

/// Who plays, and how.
pub(crate) struct SoundtrackMeta {
    /// Rate and channels of what is played.
    pub(crate) rate: SampleRate,
    /// See `rate`.
    pub(crate) channels: u32,
    /// Channels of the recordings; they may be fewer.
    pub(crate) source_channels: u32,
    /// The loudness to be reached, in LUFS.
    pub(crate) target: Option<f64>,
    /// What the file's own tags say of how it was made.
    pub(crate) made: String,
    /// Whose recorded sounds are played; `None` if none are.
    pub(crate) sources: Option<Vec<CreditedSource>>,
    /// Name of the brain, if one plays.
    pub(crate) brain: Option<String>,
    /// Whether recorded sound is filtered after it was put together.
    pub(crate) filtered: bool,
}

/// A production that can be played.
pub(crate) struct OpenOutput<'a> {
    /// Takes the sound.
    pub(crate) sketch: MixStage<'a>,
    /// Rates and channels.
    pub(crate) format: MixFormat,
    order: OutputRequest<'a>,
    output: AtomicFile,
    scores: ScoreFiles,
    title: Option<AtomicFile>,
    codec: SoundCodec,
    original: Option<OriginalSound>,
    about: ScoreHeader,
    sources: Vec<CreditedSource>,
    room: Option<String>,
}

/// Who sounds and, where a score is wanted, when.
#[derive(Default)]
pub(crate) struct PlayedClips {
    pub(crate) tally: CreditTally,
    /// Empty where none is wanted.
    pub(crate) pieces: Vec<ClipEvent>,
}

/// What came of it.
pub(crate) struct FinishedOutput {
    pub(crate) codec: SoundCodec,
    /// Integrated loudness before the gain, in LUFS, where there is one; and the gain in dB.
    pub(crate) loudness_before: Option<f64>,
    pub(crate) gain_db: f64,
    pub(crate) credits: Option<Credits>,
}

impl<'a> ReservedOutput<'a> {
    /// Reserves all names, and opens the film where its picture or its sound is `needed` here, or goes into the output.
    pub(crate) fn begin(ffmpeg: &'a Ffmpeg, order: OutputRequest<'a>, needed: bool) -> Result<Self> {
        let inputs: Vec<&Path> = order.inputs.iter().copied().chain([order.film]).collect();
        storage::check_distinct(&order.output.file, &inputs)?;
        for path in &order.output.scores {
            storage::check_distinct(path, &inputs)?;
            storage::check_distinct(path, &[&order.output.file])?;
        }
        let output = AtomicFile::create(&order.output.file, order.output.overwrite)?;
        let scores = ScoreFiles::begin(&order.output.scores, order.output.overwrite)?;
        let (extension, codec) = container(&order.output.file, order.output.codec)?;
        let opened = needed || !extension_is_sound(&extension) || order.output.keep_original_db.is_some();
        let facts = opened.then(|| ffmpeg.probe(order.film)).transpose()?;
        let original = match (order.output.keep_original_db, &facts) {
            (Some(db), Some(facts)) => {
                Some(OriginalSound::find(facts, order.film, order.output.audio_track, db)?)
            }
            _ => None,
        };
        Ok(Self { ffmpeg, order, output, scores, extension, codec, facts, original })
    }

    /// What is known of the film, where it was opened.
    pub(crate) fn facts(&self) -> Option<&FilmFacts> {
        self.facts.as_ref()
    }

    /// The film's picture stream, where the film was opened: without one it is refused.
    pub(crate) fn picture(&self) -> Result<Option<&PictureFacts>> {
        let missing = || no_picture(self.order.film);
        self.facts.as_ref().map(|facts| facts.picture.as_ref().ok_or_else(missing)).transpose()
    }

    /// Whether the picture does not go into the output.
    pub(crate) fn is_sound_alone(&self) -> bool {
        extension_is_sound(&self.extension)
    }

    /// Whether a score is wanted.
    pub(crate) fn is_scored(&self) -> bool {
        !self.scores.is_empty()
    }

    /// Makes everything ready for the first sample.
    pub(crate) fn stage(self, cast: SoundtrackMeta) -> Result<OpenOutput<'a>> {
        let picture = if self.is_sound_alone() { None } else { self.picture()?.cloned() };
        let Self { ffmpeg, order, output, scores, extension, codec, original, facts } = self;
        let title = match (&cast.sources, order.output.credits) {
            (Some(_), true) => {
                Some(AtomicFile::create(&credits_of(&order.output.file), order.output.overwrite)?)
            }
            _ => None,
        };
        let format = MixFormat::beside(cast.rate, cast.channels, original.as_ref());
        let about = ScoreHeader {
            film: Some(order.film.file_name().unwrap_or_default().to_string_lossy().into_owned()),
            brain: cast.brain.clone(),
            seconds: 0.0,
            rate: format.synth_rate,
            channels: format.synth_channels,
            source_channels: cast.source_channels,
            picture_rate: facts.and_then(|facts| facts.picture).and_then(|picture| picture.rate),
            gain_db: 0.0,
            filtered: cast.filtered,
            original_db: order.output.keep_original_db,
        };
        let seed = cast.brain.as_deref().unwrap_or_default();
        let room = cast.sources.as_ref().map(|sources| Credits::room(&about, sources, seed));
        let kinophone = format!("Kinophone {}", env!("CARGO_PKG_VERSION"));
        let encode = Encode {
            output: output.temporary_path().to_owned(),
            extension,
            codec,
            rate: format.rate,
            channels: format.channels,
            picture: picture.map(|picture| (order.film.to_owned(), picture)),
            tags: vec![
                ("comment".into(), format!("Sound made by {kinophone} {}", cast.made)),
                ("encoded_by".into(), kinophone),
            ],
            room: room.clone(),
        };
        let sketch = MixStage::new(ffmpeg, encode, format, cast.target, folder_of(&order.output.file))?;
        let sources = cast.sources.unwrap_or_default();
        Ok(OpenOutput { sketch, format, order, output, scores, title, codec, original, about, sources, room })
    }
}

impl OpenOutput<'_> {
    /// From now on the film's own sound is heard, too, where that is wanted; its sample at `begin` meets our first.
    pub(crate) fn lay_under(&mut self, begin: MediaTime) -> Result<()> {
        match &self.original {
            Some(original) => self.sketch.lay_under(self.order.film, original, begin),
            None => Ok(()),
        }
    }

    /// An error as the person knows it: the output has a name of its own.
    pub(crate) fn named(&self, error: Error) -> Error {
        named(error, &self.output, &self.order.output.file)
    }

    /// After the last sample, `seconds` after the first one: gain, encoder, tags, scores, credits. `sound` reads what was `played`.
    pub(crate) fn complete(
        self,
        seconds: f64,
        played: Option<PlayedClips>,
        sound: Option<&dyn SourceSound>,
        task: Task<'_>,
    ) -> Result<FinishedOutput> {
        let Self { sketch, order, output, scores, title, codec, mut about, sources, room, .. } = self;
        let named = |e: Error| named(e, &output, &order.output.file);
        let (loudness_before, gain_db) = sketch.write(task).map_err(named)?;
        (about.seconds, about.gain_db) = (seconds, gain_db);
        let credits = played.as_ref().map(|played| played.tally.credits(&about, &sources));
        if let (Some(credits), Some(room)) = (&credits, &room) {
            media::fill_room(output.temporary_path(), room, &credits.tag(room)).map_err(named)?;
        }
        if let (Some(played), Some(sound), false) = (played, sound, scores.is_empty()) {
            scores.write(&Score::new(about, sources, played.pieces), sound)?;
        }
        if let (Some(mut title), Some(credits)) = (title, &credits) {
            let place = credits_of(&order.output.file);
            title.write_all(credits.titles().as_bytes()).map_err(|e| Error::io("written", &place, e))?;
            title.commit()?;
        }
        output.commit()?;
        Ok(FinishedOutput { codec, loudness_before, gain_db, credits })
    }
}

fn named(error: Error, output: &AtomicFile, name: &Path) -> Error {
    if error.place() == Some(output.temporary_path()) { error.at(name) } else { error }
}

/// Where the credits of an output are written.
fn credits_of(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".credits.txt");
    PathBuf::from(name)
}

/// A score without recorded sound.
pub(crate) fn nothing_to_score(place: &Path) -> Error {
    Error::new(Kind::Invalid, "plays no recorded sound this way, so there is no score to write")
        .at(place)
        .help("choose --synth mosaic or granular, or leave --score out")
}
