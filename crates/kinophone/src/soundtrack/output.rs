//! A soundtrack from reserved names to finished files.

use crate::media::{self, Encode, Ffmpeg, Film, FilmFacts, PictureFacts, SoundCodec};
use crate::score::{
    ClipEvent, CreditTally, CreditedSource, Credits, Score, ScoreFiles, ScoreHeader, SourceSound,
    sources_folder,
};
use crate::soundtrack::format::{MixFormat, container, extension_is_sound, no_picture};
use crate::soundtrack::original::OriginalSound;
use crate::soundtrack::tags::SoundtrackTags;
use crate::soundtrack::{MixStage, OutputOptions, Soundtrack};
use crate::storage::{self, AtomicFile};
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::{MediaTime, SampleRate};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The longest name of a file on the disks of today.
const MAX_NAME_BYTES: usize = 255;
/// The end of the name of a file of credits.
const CREDITS_ENDING: &str = ".credits.txt";
/// The shortest time by which a soundtrack begins later than the film's own sound that is told, in seconds.
const LEAST_TOLD_SECONDS: f64 = 1e-3;

/// A request for a soundtrack.
#[derive(Clone, Copy)]
pub(crate) struct OutputRequest<'a> {
    /// The film that gets a soundtrack.
    pub(crate) film: &'a Path,
    /// Other files that are read.
    pub(crate) inputs: &'a [&'a Path],
    pub(crate) options: &'a OutputOptions,
}

/// An output whose names are reserved.
pub(crate) struct ReservedOutput<'a> {
    ffmpeg: &'a Ffmpeg,
    request: OutputRequest<'a>,
    file: AtomicFile,
    scores: ScoreFiles,
    extension: String,
    codec: SoundCodec,
    /// The film, where it had to be opened.
    film: Option<Film<'a>>,
    original: Option<OriginalSound>,
}

/// Facts about a soundtrack that are known before the first sample.
pub(crate) struct SoundtrackMeta {
    /// Rate of what is played.
    pub(crate) rate: SampleRate,
    /// Channels of what is played.
    pub(crate) channels: u32,
    /// Channels of the recordings; they may be fewer.
    pub(crate) source_channels: u32,
    /// The loudness to be reached, in LUFS.
    pub(crate) target: Option<f64>,
    /// The way it was made, for the file's own tags.
    pub(crate) made: String,
    /// The recordings that may be played; `None` if none are.
    pub(crate) sources: Option<Vec<CreditedSource>>,
    /// Name of the brain, if one plays.
    pub(crate) brain: Option<String>,
    /// True if recorded sound is filtered after it was put together.
    pub(crate) filtered: bool,
}

/// An output that takes sound.
pub(crate) struct OpenOutput<'a> {
    pub(crate) mix: MixStage<'a>,
    /// The film, where it had to be opened.
    film: Option<Film<'a>>,
    format: MixFormat,
    request: OutputRequest<'a>,
    file: AtomicFile,
    scores: ScoreFiles,
    credits_file: Option<AtomicFile>,
    extension: String,
    codec: SoundCodec,
    original: Option<OriginalSound>,
    /// True if the film's own sound, which is kept, has credits of its own.
    credited_before: bool,
    header: ScoreHeader,
    sources: Vec<CreditedSource>,
    /// The text in the file's tags that the credits replace.
    placeholder: Option<String>,
    /// By how many seconds the film's own sound began earlier, where the output is sound alone.
    begins_later: Option<f64>,
    /// The film's tags that are not kept whole.
    shortened: Vec<&'static str>,
}

/// Record of the recorded sound that was played, on the clock of the soundtrack.
#[derive(Default)]
pub(crate) struct PlayedClips {
    pub(crate) tally: CreditTally,
    /// Empty where no score is written.
    pub(crate) clips: Vec<ClipEvent>,
    /// Length of the soundtrack in seconds, as soon as it is known.
    end: Option<f64>,
}

impl PlayedClips {
    /// Sets the end of the soundtrack.
    pub(crate) fn end_by(&mut self, seconds: f64) {
        self.end = Some(seconds);
    }

    /// Adds what sounds of a clip between the beginning and the end, and keeps it for a score.
    pub(crate) fn add(&mut self, clip: ClipEvent, keep: bool) {
        let Some(clip) = clip.within(self.end.unwrap_or(f64::INFINITY)) else { return };
        self.tally.add(&clip);
        if keep {
            self.clips.push(clip);
        }
    }
}

/// Facts about the sound that are known after the last sample.
pub(crate) struct FinishedSound<'a> {
    /// Length in seconds.
    pub(crate) seconds: f64,
    /// The record of the recordings that were played, and their sound.
    pub(crate) played: Option<PlayedClips>,
    pub(crate) sound: Option<&'a dyn SourceSound>,
    /// Complaints of ffmpeg about the film.
    pub(crate) complaints: Vec<String>,
}

impl<'a> ReservedOutput<'a> {
    /// Reserves all names, and opens the film where its picture or its sound is `needed` here, or goes into the output.
    pub(crate) fn begin(ffmpeg: &'a Ffmpeg, request: OutputRequest<'a>, needed: bool) -> Result<Self> {
        let OutputRequest { film, options, .. } = request;
        let inputs: Vec<&Path> = request.inputs.iter().copied().chain([film]).collect();
        let mut written = vec![options.file.clone()];
        if options.credits {
            written.push(credits_path(&options.file));
        }
        written.extend(options.scores.iter().cloned());
        for (number, path) in written.iter().enumerate() {
            storage::check_distinct(path, &inputs)?;
            let others: Vec<&Path> =
                written[..number].iter().map(PathBuf::as_path).filter(|p| p != path).collect();
            storage::check_distinct(path, &others)?;
        }
        for folder in options.scores.iter().map(|score| sources_folder(score)) {
            storage::check_distinct(&folder, &inputs)?;
        }
        let file = AtomicFile::reserve(&options.file, options.overwrite)?;
        let scores = ScoreFiles::begin(&options.scores, options.overwrite)?;
        let (extension, codec) = container(&options.file, options.codec)?;
        let opened = needed || !extension_is_sound(&extension) || options.keep_original_db.is_some();
        let opened = opened.then(|| ffmpeg.open(film)).transpose()?;
        let original = match (options.keep_original_db, &opened) {
            (Some(db), Some(opened)) => {
                Some(OriginalSound::find(opened.facts(), film, &options.audio_tracks, db)?)
            }
            _ => None,
        };
        Ok(Self { ffmpeg, request, file, scores, extension, codec, film: opened, original })
    }

    /// The film, where it was opened.
    pub(crate) fn film(&self) -> Option<&Film<'a>> {
        self.film.as_ref()
    }

    /// Facts of the film, where it was opened.
    pub(crate) fn facts(&self) -> Option<&FilmFacts> {
        self.film().map(Film::facts)
    }

    /// The film's picture stream, where the film was opened: without one it is refused.
    pub(crate) fn picture(&self) -> Result<Option<&PictureFacts>> {
        let missing = || no_picture(self.request.film);
        self.facts().map(|facts| facts.picture.as_ref().ok_or_else(missing)).transpose()
    }

    /// True if the picture does not go into the output.
    pub(crate) fn is_sound_alone(&self) -> bool {
        extension_is_sound(&self.extension)
    }

    /// True if a score is to be written.
    pub(crate) fn is_scored(&self) -> bool {
        !self.scores.is_empty()
    }

    /// Makes everything ready for the first sample.
    pub(crate) fn open(self, meta: SoundtrackMeta) -> Result<OpenOutput<'a>> {
        let picture = if self.is_sound_alone() { None } else { self.picture()?.cloned() };
        let format = MixFormat::beside(meta.rate, meta.channels, self.original.as_ref());
        let header = self.header(&meta, format);
        let begins_later = self.begins_later();
        let Self { ffmpeg, request, file, scores, extension, codec, film: opened, original } = self;
        let OutputRequest { film, options, .. } = request;
        let credits_file = match (&meta.sources, options.credits) {
            (Some(_), true) => Some(AtomicFile::create(&credits_path(&options.file), options.overwrite)?),
            _ => None,
        };
        let seed = meta.brain.as_deref().unwrap_or_default();
        let placeholder = meta.sources.as_ref().map(|sources| Credits::placeholder(&header, sources, seed));
        let film_tags = if picture.is_some() || original.is_some() { ffmpeg.tags(film)? } else { Vec::new() };
        let kept_tags = if picture.is_some() { &film_tags[..] } else { &[] };
        let own = media::own_tags(&extension);
        let tags = SoundtrackTags::beside(kept_tags, &own, &meta.made, placeholder.as_deref());
        let encode = Encode {
            output: file.temporary_path().to_owned(),
            extension: extension.clone(),
            codec,
            rate: format.rate,
            channels: format.channels,
            picture: picture.map(|picture| (film.to_owned(), picture)),
            tags: tags.known,
            room: tags.room,
        };
        let mix = MixStage::new(ffmpeg, encode, format, meta.target, storage::folder_of(&options.file))?;
        let sources = meta.sources.unwrap_or_default();
        let credited_before =
            original.is_some() && film_tags.iter().any(|(_, text)| Credits::of_tag(text).is_some());
        Ok(OpenOutput {
            mix,
            film: opened,
            format,
            request,
            file,
            scores,
            credits_file,
            extension,
            codec,
            original,
            credited_before,
            header,
            sources,
            placeholder,
            begins_later,
            shortened: tags.shortened,
        })
    }

    /// The seconds by which the film's own sound begins before the picture, where a player of the output can't know of them.
    fn begins_later(&self) -> Option<f64> {
        let facts = self.facts().filter(|_| self.is_sound_alone())?;
        let OutputRequest { film, options, .. } = self.request;
        let sounds = options.audio_tracks.facts(film, facts).ok()?;
        let sound = sounds.iter().map(|sound| sound.start).min()?;
        let later = (facts.picture.as_ref()?.start - sound).as_secs_f64();
        (later >= LEAST_TOLD_SECONDS).then_some(later)
    }

    /// The header of scores and credits, as far as it is known before the first sample.
    fn header(&self, meta: &SoundtrackMeta, format: MixFormat) -> ScoreHeader {
        let OutputRequest { film, options, .. } = self.request;
        let picture = self.facts().and_then(|facts| facts.picture.as_ref());
        ScoreHeader {
            film: Some(film.file_name().unwrap_or_default().to_string_lossy().into_owned()),
            brain: meta.brain.clone(),
            seconds: 0.0,
            rate: format.synth_rate,
            channels: format.synth_channels,
            source_channels: meta.source_channels,
            picture_rate: picture.and_then(|picture| picture.rate),
            timecode: picture.and_then(|picture| picture.timecode.clone()),
            gain_db: 0.0,
            filtered: meta.filtered,
            original_db: options.keep_original_db,
        }
    }
}

impl OpenOutput<'_> {
    /// Mixes the film's own sound under what follows, where that is wanted; its sample at `begin` meets our first.
    pub(crate) fn lay_under(&mut self, begin: MediaTime) -> Result<()> {
        match (&self.original, &self.film) {
            (Some(original), Some(film)) => self.mix.lay_under(film, original, begin),
            _ => Ok(()),
        }
    }

    /// Has `player` add all of the sound, from the first sample to the last.
    pub(crate) fn play<T>(&mut self, player: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let result = player(self).and_then(|result| self.mix.end().map(|()| result));
        result.map_err(|e| named(e, &self.file, &self.request.options.file))
    }

    /// Completes the soundtrack after the last sample: gain, encoder, tags, scores, credits.
    pub(crate) fn finish(self, finished: FinishedSound<'_>, task: Task<'_>) -> Result<Soundtrack> {
        let Self {
            mut mix,
            film,
            format,
            request,
            file,
            scores,
            codec,
            mut header,
            sources,
            begins_later,
            ..
        } = self;
        let path = &request.options.file;
        let named = |e: Error| named(e, &file, path);
        let FinishedSound { seconds, played, sound, mut complaints } = finished;
        if let (Some(original), Some(film)) = (&self.original, &film) {
            let name = request.film.file_name().unwrap_or_default().to_string_lossy();
            for remark in original.request.tracks.remarks(film.facts()) {
                task.watcher.warn(&format!("{name}: {remark}"));
            }
            let kept = mix.take_complaints();
            task.warn_of(request.film, &kept);
            complaints.extend(kept);
        }
        let (loudness_before, gain_db) = mix.write(task).map_err(named)?;
        (header.seconds, header.gain_db) = (seconds, gain_db);
        let credits = played.as_ref().map(|played| played.tally.credits(&header, &sources));
        if let (Some(credits), Some(placeholder)) = (&credits, &self.placeholder) {
            let tag = credits.tag(placeholder);
            media::fill_room(file.temporary_path(), placeholder, &tag).map_err(named)?;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(film) = film.filter(|_| !extension_is_sound(&self.extension)) {
            let losses = film.losses(file.temporary_path(), &name, &self.extension);
            losses.map_err(named)?.iter().for_each(|lost| task.watcher.warn(lost));
        }
        for tag in &self.shortened {
            let what =
                format!("{name} carries only the beginning of the film's tag {tag}, in which ours stands");
            task.watcher.warn(&format!("{what}; a .mkv keeps all of it"));
        }
        if self.credited_before {
            let kept =
                "the film's own sound, which is kept, has credits of its own that are not among those of";
            task.watcher.warn(&format!("{kept} {name}: `kinophone credits` of the film has them"));
        }
        if let Some(seconds) = begins_later {
            task.watcher.say(&format!(
                "the soundtrack begins with the first picture, {} after the film's own sound",
                interval(seconds)
            ));
        }
        if let (Some(played), Some(sound), false) = (played, sound, scores.is_empty()) {
            if let Some(note) = scores.edl_note(&header) {
                task.watcher.warn(&note);
            }
            scores.write(&Score::new(header, sources, played.clips), sound)?;
        }
        if let (Some(mut file), Some(credits)) = (self.credits_file, &credits) {
            let written = file.write_all(credits.titles().as_bytes());
            written.map_err(|e| Error::io("written", credits_path(path), e))?;
            file.commit()?;
        }
        file.commit()?;
        let MixFormat { rate, channels, .. } = format;
        let path = path.clone();
        Ok(Soundtrack { path, seconds, rate, channels, codec, loudness_before, gain_db, credits, complaints })
    }
}

/// A short time in words.
fn interval(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", 1000.0 * seconds) } else { format!("{seconds:.1} s") }
}

/// An error about the temporary file, with the name that the output will have.
fn named(error: Error, file: &AtomicFile, name: &Path) -> Error {
    if error.place() == Some(file.temporary_path()) { error.at(name) } else { error }
}

/// The file beside an output that has its credits. Where the output's name leaves no room for the ending, it is cut.
fn credits_path(output: &Path) -> PathBuf {
    let name = output.file_name().unwrap_or_default();
    let most = MAX_NAME_BYTES - CREDITS_ENDING.len();
    if name.len() <= most {
        let mut path = output.as_os_str().to_owned();
        path.push(CREDITS_ENDING);
        return PathBuf::from(path);
    }
    let name = name.to_string_lossy();
    output.with_file_name(format!("{}{CREDITS_ENDING}", &name[..name.floor_char_boundary(most)]))
}

/// The error of a score that is asked for where no recorded sound is played.
pub(crate) fn nothing_to_score(place: &Path) -> Error {
    Error::new(Kind::Invalid, "plays no recorded sound this way, so there is no score to write")
        .at(place)
        .help("choose --synth mosaic or granular, or leave --score out")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_have_a_name_that_fits_the_disk() {
        let path = |name: &str| credits_path(Path::new(name)).to_str().unwrap().to_owned();
        assert_eq!(path("a/b.mp4"), "a/b.mp4.credits.txt");
        for name in ["n".repeat(243), "n".repeat(244), "é".repeat(127)] {
            let path = path(&format!("a/{name}"));
            assert!(path.len() <= 257 && path.ends_with(".credits.txt"), "{path}");
        }
    }
}
