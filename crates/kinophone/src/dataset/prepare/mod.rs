//! Films into a corpus.

#[cfg(test)]
mod tests;

use crate::dataset::open_verified;
use crate::dataset::shard::header::MAX_SIZE;
use crate::dataset::shard::write::{ShardWriter, SoundTrack};
use crate::dataset::shard::{Shard, TensorData, map_file};
use crate::ledger::Source;
use crate::media::{Decode, DecodeSound, Decoded, Ffmpeg, FilmFacts, PictureStream, SoundTo};
use crate::sound_library::{Segmentation, SoundAnalysis, analysis as described};
use crate::storage::{self, Overwrite};
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::SampleRate;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The size whose shards carry no size in their names.
const DEFAULT_SIZE: u32 = 64;
/// The highest rate of sound that is kept, in Hz.
const HIGHEST: u32 = 48_000;
/// Bytes hashed at a time: enough for all cores, and little enough to notice a Ctrl-C.
const HASH_STEP: usize = 8 << 20;

/// How films are prepared.
#[derive(Clone, Debug)]
pub struct PrepareOptions {
    /// Side of the square pictures, 64 by default, at most 1024.
    pub size: u32,
    /// RGB instead of grey.
    pub colour: bool,
    /// Which sound track, from 0.
    pub audio_track: usize,
    /// A film without sound is an error (for training) instead of a shard without sound.
    pub require_sound: bool,
    /// Sound without pictures, cut into units and described, for a library of sounds; then a source needs none.
    pub sound_alone: Option<Segmentation>,
    /// Provenance given by the person, applied to every film of the call; what is not given comes from the film's tags.
    pub licence: Option<String>,
    /// See `licence`.
    pub author: Option<String>,
    /// See `licence`.
    pub title: Option<String>,
    /// See `licence`; no tag stands in for it.
    pub origin: Option<String>,
}

impl Default for PrepareOptions {
    /// 64 × 64 grey, sound track 0 where there is one, no provenance beyond the film's tags.
    fn default() -> Self {
        Self {
            size: DEFAULT_SIZE,
            colour: false,
            audio_track: 0,
            require_sound: false,
            sound_alone: None,
            licence: None,
            author: None,
            title: None,
            origin: None,
        }
    }
}

/// What came of one film.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Prepared {
    /// The film as named.
    pub film: PathBuf,
    /// Its shard.
    pub shard: PathBuf,
    /// It was there already.
    pub skipped: bool,
    /// Pictures in the shard.
    pub pictures: usize,
    /// Length in seconds.
    pub seconds: f64,
}

/// Prepares every film into `folder` (created if missing), in order, and stops at the first error; what was prepared
/// before stays. A film whose whole shard is there already (same hash, size, colour and sound track) is skipped, a
/// damaged one is replaced. A shard appears whole or not at all; several processes may work on one folder.
pub fn prepare(
    ffmpeg: &Ffmpeg,
    films: &[PathBuf],
    folder: &Path,
    options: &PrepareOptions,
    task: Task<'_>,
) -> Result<Vec<Prepared>> {
    if !(1..=MAX_SIZE).contains(&options.size) {
        return Err(Error::new(Kind::Invalid, format!("pictures can't have {} pixels a side", options.size))
            .help(format!("choose --size from 1 to {MAX_SIZE}")));
    }
    make_folder(folder)?;
    storage::sweep(folder);
    films.iter().map(|film| PrepareJob { ffmpeg, film, folder, options, task }.run()).collect()
}

/// One film's way into the corpus.
struct PrepareJob<'a> {
    ffmpeg: &'a Ffmpeg,
    film: &'a Path,
    folder: &'a Path,
    options: &'a PrepareOptions,
    task: Task<'a>,
}

impl PrepareJob<'_> {
    fn run(&self) -> Result<Prepared> {
        let stamp = FileStamp::of(self.film)?;
        let hash = identify(self.film, stamp.bytes, self.task)?;
        let path = self.folder.join(shard_name(&hash, self.options));
        let overwrite = match open_verified(&path) {
            Ok(shard) => match self.options.sound_alone {
                Some(cutting) if shard.described() != Some(&described::about(cutting)) => {
                    self.describe_again(&shard, cutting)?;
                    return Ok(self.report(&shard, false));
                }
                _ => return self.skip(&shard),
            },
            Err(e) if e.kind() == Kind::NotFound => Overwrite::Refuse,
            Err(e) if e.kind() == Kind::Damaged => {
                self.task.watcher.warn(&format!("{e}; it is prepared again"));
                Overwrite::Replace
            }
            Err(e) => return Err(e),
        };
        match self.write(&path, overwrite, hash, &stamp) {
            // Another process was quicker.
            Err(e) if e.kind() == Kind::Exists => self.skip(&open_verified(&path)?),
            Err(e) => Err(e),
            Ok(()) => Ok(self.report(&Shard::open(&path)?, false)),
        }
    }

    fn write(&self, path: &Path, overwrite: Overwrite, hash: String, stamp: &FileStamp) -> Result<()> {
        if let Some(cutting) = self.options.sound_alone {
            return self.write_sound(path, overwrite, hash, stamp, cutting);
        }
        let facts = self.ffmpeg.probe(self.film)?;
        let with_sound = self.choose_sound(&facts)?;
        let total = expected_pictures(&facts);
        self.task.watcher.stage(&format!("reading {}", self.name()), "pictures", total);
        let scratch = storage::scratch(self.folder)?;
        let track = self.options.audio_track;
        let sound = with_sound.then(|| SoundTo { track, file: scratch.path().to_owned() });
        let how = Decode { size: self.options.size, colour: self.options.colour, sound };
        let stream = self.ffmpeg.decode(self.film, &how)?;
        let source = self.source(hash, facts);
        let mut shard = ShardWriter::create(path, overwrite, self.options.size, self.options.colour, source)?;
        let decoded = self.copy_pictures(stream, &mut shard)?;
        self.warn_of(&decoded, with_sound);
        stamp.check(self.film)?;
        if with_sound && self.options.require_sound && !has_sound(&decoded) {
            return Err(self.no_sound());
        }
        self.finish(shard, &decoded, scratch.path())
    }

    fn write_sound(
        &self,
        path: &Path,
        overwrite: Overwrite,
        hash: String,
        stamp: &FileStamp,
        cutting: Segmentation,
    ) -> Result<()> {
        let facts = self.ffmpeg.probe(self.film)?;
        self.choose_sound(&facts)?;
        let track = self.options.audio_track;
        let Some(format) = facts.sounds.get(track) else { return Err(self.no_sound()) };
        let rate = SampleRate::new(format.rate.hz().min(HIGHEST)).unwrap_or(format.rate);
        let channels = format.channels.min(2);
        let total = facts.duration.map(|length| length.as_secs_f64() as u64);
        self.task.watcher.stage(&format!("listening to {}", self.name()), "seconds", total);
        let mut stream = self.ffmpeg.decode_sound(self.film, &DecodeSound { track, rate, channels })?;
        let mut scratch = BufWriter::with_capacity(1 << 20, storage::scratch(self.folder)?);
        let (mut samples, mut written) = (vec![0f32; 1 << 15], 0);
        loop {
            self.task.cancel.check()?;
            let got = stream.read(&mut samples)?;
            if got == 0 {
                break;
            }
            let bytes = samples[..got].iter().flat_map(|x| to_i16(*x).to_le_bytes()).collect::<Vec<u8>>();
            scratch.write_all(&bytes).map_err(|e| Error::io("written", path, e))?;
            written += got as u64 / u64::from(channels);
            self.task.watcher.advance(written / u64::from(rate.hz()));
        }
        stamp.check(self.film)?;
        if written == 0 {
            return Err(self.no_sound());
        }
        let mut scratch = scratch.into_inner().map_err(|e| Error::io("written", path, e.into_error()))?;
        let sound = map_file(scratch.path())?;
        let described = self.describe(rate, channels, bytemuck::cast_slice(&sound), cutting)?;
        let data = scratch.as_file_mut();
        data.rewind().map_err(|e| Error::io("read", path, e))?;
        let shard = ShardWriter::create(path, overwrite, 1, false, self.source(hash, facts))?;
        let track = SoundTrack { rate, channels, samples: written, data };
        shard.finish_with(rate.time_of(written as i64), Some(track), Some(described))
    }

    /// Cuts and describes a source of a library in another way; its sound and its terms stay.
    fn describe_again(&self, shard: &Shard, cutting: Segmentation) -> Result<()> {
        let (rate, channels, samples) = shard.sound().ok_or_else(|| self.no_sound())?;
        let described = self.describe(rate, channels, samples, cutting)?;
        let writer = ShardWriter::create(shard.path(), Overwrite::Replace, 1, false, shard.source().clone())?;
        let mut data: &[u8] = bytemuck::cast_slice(samples);
        let samples = samples.len() as u64 / u64::from(channels);
        writer.finish_with(
            shard.end(),
            Some(SoundTrack { rate, channels, samples, data: &mut data }),
            Some(described),
        )
    }

    fn describe(
        &self,
        rate: SampleRate,
        channels: u32,
        samples: &[i16],
        cutting: Segmentation,
    ) -> Result<(serde_json::Value, Vec<(&'static str, TensorData)>)> {
        let seconds = rate.time_of(samples.len() as i64 / i64::from(channels)).as_secs_f64();
        self.task.watcher.stage(&format!("describing {}", self.name()), "seconds", Some(seconds as u64));
        let described = SoundAnalysis::of(rate, channels, samples, cutting.check()?, self.task)?;
        Ok((described::about(cutting), described.numbers()))
    }

    fn copy_pictures(&self, mut stream: PictureStream, shard: &mut ShardWriter) -> Result<Decoded> {
        let mut done = 0;
        for picture in stream.by_ref() {
            let picture = picture?;
            shard.push(picture.time, &picture.pixels)?;
            done += 1;
            self.task.watcher.advance(done);
            self.task.cancel.check()?;
        }
        stream.finish()
    }

    fn finish(&self, shard: ShardWriter, decoded: &Decoded, sound: &Path) -> Result<()> {
        let Some((rate, channels, samples)) = decoded.sound.filter(|_| has_sound(decoded)) else {
            return shard.finish(decoded.end, None);
        };
        let mut data = File::open(sound).map_err(|e| Error::io("read", sound, e))?;
        shard.finish(decoded.end, Some(SoundTrack { rate, channels, samples, data: &mut data }))
    }

    /// Whether sound is to be decoded. A film without any is allowed unless the task needs it; a track that the film
    /// does not have is an error.
    fn choose_sound(&self, facts: &FilmFacts) -> Result<bool> {
        let wanted = self.options.audio_track;
        match facts.sounds.len() {
            0 if self.options.require_sound => Err(self.no_sound()),
            0 => Ok(false),
            count if wanted < count => Ok(true),
            count => {
                Err(Error::new(Kind::Invalid, format!("has no sound track {wanted}, only {count} in all"))
                    .at(self.film)
                    .help(format!("choose one with --audio-track: {}", tracks(facts))))
            }
        }
    }

    fn skip(&self, shard: &Shard) -> Result<Prepared> {
        if self.options.require_sound && shard.sound().is_none() {
            return Err(self.no_sound());
        }
        if self.differs_in_provenance(shard.source()) {
            self.task.watcher.warn(&format!(
                "{} is in the corpus already under other terms, which stay; to change them, delete {} and prepare it again",
                self.name(),
                shard.path().display()
            ));
        }
        Ok(self.report(shard, true))
    }

    fn differs_in_provenance(&self, source: &Source) -> bool {
        let options = self.options;
        let pairs = [
            (&options.licence, &source.licence),
            (&options.author, &source.author),
            (&options.title, &source.title),
            (&options.origin, &source.origin),
        ];
        pairs.into_iter().any(|(given, there)| given.is_some() && given != there)
    }

    fn report(&self, shard: &Shard, skipped: bool) -> Prepared {
        Prepared {
            film: self.film.to_owned(),
            shard: shard.path().to_owned(),
            skipped,
            pictures: shard.pictures(),
            seconds: shard.end().as_secs_f64(),
        }
    }

    fn source(&self, blake3: String, facts: FilmFacts) -> Source {
        let options = self.options;
        let given = |given: &Option<String>, tags: &[&str]| given.clone().or_else(|| tag(&facts, tags));
        Source {
            name: self.name(),
            blake3,
            licence: given(&options.licence, &["license", "licence", "copyright"]),
            author: given(&options.author, &["artist", "author", "album_artist"]),
            title: given(&options.title, &["title"]),
            origin: options.origin.clone(),
            facts,
        }
    }

    fn warn_of(&self, decoded: &Decoded, with_sound: bool) {
        if let [first, others @ ..] = &decoded.complaints[..] {
            let more =
                if others.is_empty() { String::new() } else { format!(" (and {} more)", others.len()) };
            let name = self.name();
            self.task
                .watcher
                .warn(&format!("{name} does not decode cleanly, what does is used: {first}{more}"));
        }
        if with_sound && !has_sound(decoded) {
            self.task.watcher.warn(&format!("{} has a sound track of which nothing decodes", self.name()));
        }
    }

    fn name(&self) -> String {
        file_name(self.film)
    }

    fn no_sound(&self) -> Error {
        if self.options.sound_alone.is_some() {
            return Error::new(Kind::NoSound, "has no sound to take in")
                .at(self.film)
                .help("name recordings, or films with a sound track");
        }
        Error::new(Kind::NoSound, "has no sound, so nothing can be learned from it").at(self.film).help(
            "learn from films with sound; a silent film can be given a soundtrack with 'kinophone render'",
        )
    }
}

/// The shard of `film` in `folder` with its sound track 0, if it was prepared there; `None` also where the folder does not
/// exist or the shard is damaged, since the film itself is at hand.
pub fn find(folder: &Path, film: &Path, size: u32, colour: bool, task: Task<'_>) -> Result<Option<Shard>> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let stamp = FileStamp::of(film)?;
    find_hash(folder, &identify(film, stamp.bytes, task)?, size, colour)
}

/// The same of a film that is known by the BLAKE3 of its bytes alone, such as one in a brain's ledger.
pub fn find_hash(folder: &Path, hash: &str, size: u32, colour: bool) -> Result<Option<Shard>> {
    // A ledger is data: what is no hash must not become the name of a file.
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let options = PrepareOptions { size, colour, ..PrepareOptions::default() };
    match open_verified(&folder.join(shard_name(hash, &options))) {
        Ok(shard) => Ok(Some(shard)),
        Err(e) if matches!(e.kind(), Kind::NotFound | Kind::Damaged) => Ok(None),
        Err(e) => Err(e),
    }
}

/// BLAKE3 of the film's bytes in hexadecimal.
fn identify(film: &Path, bytes: u64, task: Task<'_>) -> Result<String> {
    let read = |e| Error::io("read", film, e);
    task.watcher.stage(&format!("identifying {}", file_name(film)), "bytes", Some(bytes));
    let mut file = File::open(film).map_err(read)?;
    let (mut hash, mut buffer, mut done) = (blake3::Hasher::new(), Vec::with_capacity(HASH_STEP), 0);
    loop {
        buffer.clear();
        Read::by_ref(&mut file).take(HASH_STEP as u64).read_to_end(&mut buffer).map_err(read)?;
        if buffer.is_empty() {
            return Ok(hash.finalize().to_hex().to_string());
        }
        hash.update_rayon(&buffer);
        done += buffer.len() as u64;
        task.watcher.advance(done);
        task.cancel.check()?;
    }
}

fn file_name(film: &Path) -> String {
    film.file_name().unwrap_or(film.as_os_str()).to_string_lossy().into_owned()
}

/// By what a film under change is noticed: one that is still being copied or downloaded would give a shard whose name
/// belongs to no film.
struct FileStamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl FileStamp {
    /// Also refuses what is no ordinary file: to open a pipe would wait for a writer for ever.
    fn of(film: &Path) -> Result<Self> {
        let facts = std::fs::metadata(film).map_err(|e| Error::io("read", film, e))?;
        let refuse = |kind, what: &str| Err(Error::new(kind, what).at(film).help("name a film"));
        if facts.is_dir() {
            return refuse(Kind::WrongKind, "is a folder, not a film");
        }
        if !facts.is_file() {
            return refuse(Kind::WrongKind, "is a device or a pipe, not a film");
        }
        if facts.len() == 0 {
            return refuse(Kind::Empty, "is empty");
        }
        Ok(Self { bytes: facts.len(), modified: facts.modified().ok() })
    }

    fn check(&self, film: &Path) -> Result<()> {
        let now = Self::of(film)?;
        if now.bytes == self.bytes && now.modified == self.modified {
            return Ok(());
        }
        Err(Error::new(Kind::Io, "changed while it was being read")
            .at(film)
            .help("wait until it is complete, then try again"))
    }
}

/// The name of a film's shard, see the table in the [module's description](super).
fn shard_name(hash: &str, options: &PrepareOptions) -> String {
    let mut name = hash.to_owned();
    if options.sound_alone.is_some() {
        name += "-sound";
    } else if options.size != DEFAULT_SIZE || options.colour {
        name += &format!("-{}{}", options.size, if options.colour { "c" } else { "" });
    }
    if options.audio_track != 0 {
        name += &format!("-track{}", options.audio_track);
    }
    name + ".safetensors"
}

fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            Error::new(Kind::Unwritable, "is a file, or lies under one; a corpus is a folder")
                .at(folder)
                .help("give the corpus another name")
        }
        _ => Error::io("made", folder, e),
    })
}

fn has_sound(decoded: &Decoded) -> bool {
    decoded.sound.is_some_and(|(_, _, samples)| samples > 0)
}

fn to_i16(x: f32) -> i16 {
    (x * 32768.0).round().clamp(-32768.0, 32767.0) as i16
}

fn expected_pictures(facts: &FilmFacts) -> Option<u64> {
    let rate = facts.picture.as_ref()?.rate?;
    Some(rate.ticks_in(facts.duration?))
}

fn tag(facts: &FilmFacts, names: &[&str]) -> Option<String> {
    let find = |name: &&str| facts.tags.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    names.iter().find_map(find).map(|(_, value)| value.clone())
}

fn tracks(facts: &FilmFacts) -> String {
    let line = |(k, sound): (usize, &crate::media::SoundFacts)| {
        let language = sound.language.as_deref().map(|l| format!(", {l}")).unwrap_or_default();
        format!("{k} ({}, {} channels{language})", sound.codec, sound.channels)
    };
    facts.sounds.iter().enumerate().map(line).collect::<Vec<_>>().join("; ")
}
