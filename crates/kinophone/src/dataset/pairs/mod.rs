//! Pairs of picture and sound on a brain's tick, split into training, validation and held-out ones.
//!
//! Pair `i` of a film is tick `i` of the grid: the picture that is on the screen at the tick's middle, and the sound of the
//! tick's own span. A tick whose middle lies before the first picture or after the last one has no pair; where the sound
//! has ended, or not begun, it is silence. Taking the middle puts a picture that appears at any time onto the tick whose
//! beginning is nearest, so picture and sound are never further apart than half a tick, however the film's own rate and the
//! tick relate, and the error does not grow.
//!
//! Memory: pictures and sound stay in mapped files, and their pages are given back after every few thousand rows, so that
//! the resident size does not follow the size of the corpus.

pub mod reduce;
pub mod silence;
pub mod sound;
pub mod split;
#[cfg(test)]
mod tests;

use crate::classic::Rows;
use crate::dataset::Corpus;
use crate::dataset::pairs::reduce::Reducer;
use crate::dataset::pairs::sound::{ResampledSound, SoundRequest};
use crate::dataset::shard::Shard;
use crate::task::Task;
use crate::{Error, Kind, Result, storage};
use kinophone_dsp::frames::{FrameCodec, FrameFormat};
use kinophone_dsp::units::TickGrid;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use split::{Split, Splitter, Timeline};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A corpus that takes less than this in memory is never given back while it is in use.
const RESIDENT_BYTES: u64 = 512 << 20;
/// Rows after which pages of a larger corpus are given back. The system maps whole runs of cached pages around each one
/// that is touched, up to 0.8 MB a row as measured on Linux 6.18, hence some 200 MB in all.
const RELEASE_ROWS: usize = 256;

/// Which blocks of ten seconds no training ever sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HoldOut {
    /// Blocks 4, 9, 14 … of every film.
    Every5th,
    /// Blocks 0, 5, 10 …; this and the following with [`HoldOut::Every5th`] are the five folds of a cross-validation.
    Fold0,
    /// Blocks 1, 6, 11 …
    Fold1,
    /// Blocks 2, 7, 12 …
    Fold2,
    /// Blocks 3, 8, 13 …
    Fold3,
    /// Nothing: the brain can't be judged on these films.
    None,
}

impl HoldOut {
    /// Whether block `number` is held out.
    pub fn holds(self, number: i64) -> bool {
        let fold = match self {
            Self::Fold0 => 0,
            Self::Fold1 => 1,
            Self::Fold2 => 2,
            Self::Fold3 => 3,
            Self::Every5th => 4,
            Self::None => return false,
        };
        number.rem_euclid(5) == fold
    }
}

/// How pairs are made.
#[derive(Clone, Debug)]
pub struct PairOptions {
    /// Tick and rate of the brain.
    pub grid: TickGrid,
    /// How many hops of sound a pair holds. 1: `block_len` samples from the tick's `start_sample` on. 2: twice as many,
    /// from `start_sample − block_len / 2` (rounded down) on, which centres them on the tick. They come as they are, under
    /// no window: that is the synth's part.
    pub hops: usize,
    /// What is said of that sound.
    pub say: FrameFormat,
    /// Pictures of the brain: side and colour. Larger or coloured shards are reduced; smaller or grey ones are an error.
    pub size: u32,
    /// See `size`.
    pub colour: bool,
    /// What is held out.
    pub hold_out: HoldOut,
    /// Whether some of the rest is set aside for validation.
    pub validation: bool,
    /// Seconds of black and, again, of white pictures with silence that join the training pairs; 0 for none.
    pub silence_secs: f32,
    /// Seed of the silence examples and of the validation split.
    pub seed: u64,
}

/// All pairs of a corpus. Row numbers are stable for the same corpus and options.
pub struct Pairs {
    films: Vec<PairedFilm>,
    sound: ResampledSound,
    split: Split,
    grid: TickGrid,
    speech: FrameCodec,
    size: u32,
    colour: bool,
    seed: u64,
    /// Rows from here on are silence.
    first_silent: u32,
    /// Pages are given back now and then.
    large: bool,
    filled: AtomicUsize,
}

/// What a thread needs to fill rows.
struct RowBuffers {
    line: Vec<f32>,
    sound: Vec<f32>,
    speech: FrameCodec,
}

impl RowBuffers {
    fn new(speech: &FrameCodec) -> Self {
        Self { line: Vec::new(), sound: Vec::new(), speech: speech.clone() }
    }
}

struct PairedFilm {
    shard: Shard,
    reducer: Reducer,
    line: Timeline,
    /// For every tick from the first one on, the picture it sees.
    shown: Vec<u32>,
}

/// A film of a corpus on the brain's tick: ticks `first_tick..first_tick + ticks` of its clock are rows `first_row` and
/// following.
#[derive(Clone, Copy, Debug)]
pub struct FilmTicks<'a> {
    /// Its number among the films.
    pub number: usize,
    /// Its pictures, and its sound as it was recorded.
    pub shard: &'a Shard,
    /// Row of its first tick.
    pub first_row: u32,
    /// Number of its first tick.
    pub first_tick: i64,
    /// How many ticks.
    pub ticks: u32,
}

impl Pairs {
    /// Resamples the sound to the brain's rate into a scratch file in `scratch`, and lays out the pairs.
    ///
    /// Held-out are whole blocks of ten seconds of each film's clock ([`HoldOut`]). Of the other blocks about every
    /// eighth, drawn by the seed and spread over the corpus, is for validation, and at least one. A corpus of fewer than
    /// three such blocks gives the last fifth of its longest block instead. Pairs within half a second of a held-out or
    /// validation part are in no part at all: their sound and scene reach across the border.
    ///
    /// Errors: `Kind::Empty` without a single pair to learn from, `Kind::NoSound` for a film without sound,
    /// `Kind::Invalid` for pictures smaller or poorer in colour than the brain's and for options out of range.
    pub fn new(corpus: Corpus, options: &PairOptions, scratch: &Path, task: Task<'_>) -> Result<Self> {
        check(&corpus, options)?;
        storage::sweep(scratch);
        let films = lay_out(corpus.shards, options, task)?;
        let pairs = films.iter().map(|film| film.line.ticks).sum();
        let silent = silent_rows(options, pairs)?;
        let wanted: Vec<SoundRequest<'_>> = films.iter().map(|film| film.wanted(options)).collect();
        let sound = ResampledSound::prepare(&wanted, options.grid.rate, scratch, task)?;
        if sound.silent {
            task.watcher.warn("the sound of these films is nothing but digital silence; a brain can only learn to be silent");
        }
        let mut split = split(&films, options);
        if split.training.is_empty() {
            return Err(Error::new(
                Kind::Empty,
                "nothing is left to learn from: all pictures lie in held-out blocks",
            )
            .help("add more film, or hold nothing out: --hold-out none"));
        }
        split.training.extend(pairs..pairs + silent);
        let mapped: u64 = films.iter().map(|f| f.shard.mapped_len()).sum::<u64>() + sound.mapped_len();
        let &PairOptions { grid, size, colour, seed, .. } = options;
        let speech = FrameCodec::new(options.say, grid, options.hops);
        let (large, filled) = (mapped > RESIDENT_BYTES, AtomicUsize::new(0));
        Ok(Self { films, sound, split, grid, speech, size, colour, seed, first_silent: pairs, large, filled })
    }

    /// Rows to learn from, silence included.
    pub fn training(&self) -> &[u32] {
        &self.split.training
    }

    /// Rows for early stopping: whole ten-second blocks out of the training part (in a corpus of under three blocks, the
    /// end of one), never silence. Empty where a corpus has hardly any pairs.
    pub fn validation(&self) -> &[u32] {
        &self.split.validation
    }

    /// Rows that training never sees; empty under [`HoldOut::None`].
    pub fn held_out(&self) -> &[u32] {
        &self.split.held_out
    }

    /// Learns from a part of the training blocks only: whole blocks, spread evenly over the films, that make up `share` (0..1)
    /// of the rows within half a block, and at least one. Held-out and validation blocks stay. It answers how much more
    /// footage helps.
    pub fn learn_from_part(&mut self, share: f64) {
        let block =
            |row: &u32| self.place(*row).map(|(film, tick)| (film, split::block_of(self.grid.tick, tick)));
        let (mut kept, mut owed) = (Vec::new(), 0.0);
        for run in self.split.training.chunk_by(|a, b| block(a) == block(b)) {
            owed += share.clamp(0.0, 1.0) * run.len() as f64;
            if owed >= run.len() as f64 / 2.0 {
                owed -= run.len() as f64;
                kept.extend_from_slice(run);
            }
        }
        if kept.is_empty() {
            let longest =
                self.split.training.chunk_by(|a, b| block(a) == block(b)).max_by_key(|run| run.len());
            kept.extend_from_slice(longest.unwrap_or_default());
        }
        self.split.training = kept;
    }

    /// Which film, counted in the corpus's order among those that are long enough, and which tick a row is; `None` for
    /// silence.
    pub fn place(&self, row: u32) -> Option<(usize, i64)> {
        if row >= self.first_silent {
            return None;
        }
        let film = self.films.partition_point(|film| film.line.first_row <= row) - 1;
        let line = self.films[film].line;
        Some((film, line.first_tick + i64::from(row - line.first_row)))
    }

    /// The films in the order of their rows.
    pub fn reels(&self) -> impl ExactSizeIterator<Item = FilmTicks<'_>> {
        self.films.iter().enumerate().map(|(number, film)| FilmTicks {
            number,
            shard: &film.shard,
            first_row: film.line.first_row,
            first_tick: film.line.first_tick,
            ticks: film.line.ticks,
        })
    }

    /// Fills `out` with mono sound of film `number` at the brain's rate, from sample `start` of the film's clock on; beyond
    /// its ends there is silence.
    pub fn read_sound(&self, number: usize, start: i64, out: &mut [f32]) {
        self.sound.read(number, start, out);
    }

    /// The tick and rate on which the pairs lie.
    pub fn grid(&self) -> TickGrid {
        self.grid
    }

    /// Gives the pages of pictures and sound back to the system.
    pub fn release(&self) {
        self.films.iter().for_each(|film| film.shard.release());
        self.sound.release();
    }

    fn fill_row(&self, row: u32, room: &mut RowBuffers, picture: &mut [f32], target: &mut [f32]) {
        let Some((number, tick)) = self.place(row) else {
            silence::draw(self.seed, row - self.first_silent, self.size as usize, picture);
            return target.fill(0.0);
        };
        let film = &self.films[number];
        let shown = film.shown[(tick - film.line.first_tick) as usize];
        film.reducer.reduce(film.shard.picture(shown as usize), &mut room.line, picture);
        room.sound.resize(room.speech.samples(), 0.0);
        self.sound.read(number, room.speech.first_sample(tick), &mut room.sound);
        room.speech.encode(&room.sound, target);
    }

    /// Gives pages back once enough rows of a large corpus were read. Other threads may read meanwhile: their pages
    /// come back from the file.
    fn account(&self, rows: usize) {
        let before = self.filled.fetch_add(rows, Ordering::Relaxed);
        if self.large && before / RELEASE_ROWS != (before + rows) / RELEASE_ROWS {
            self.release();
        }
    }
}

impl Rows for Pairs {
    fn picture_len(&self) -> usize {
        self.size as usize * self.size as usize * if self.colour { 3 } else { 1 }
    }

    fn target_len(&self) -> usize {
        self.speech.numbers()
    }

    /// Panics where a row is out of range or a buffer is not exactly as long as the rows need.
    fn fill(&self, rows: &[u32], pictures: &mut [f32], targets: &mut [f32]) {
        let (picture, target) = (self.picture_len(), self.target_len());
        assert_eq!(
            (pictures.len(), targets.len()),
            (rows.len() * picture, rows.len() * target),
            "buffer lengths"
        );
        for (rows, (pictures, targets)) in rows
            .chunks(RELEASE_ROWS)
            .zip(pictures.chunks_mut(RELEASE_ROWS * picture).zip(targets.chunks_mut(RELEASE_ROWS * target)))
        {
            rows.par_iter()
                .zip(pictures.par_chunks_exact_mut(picture).zip(targets.par_chunks_exact_mut(target)))
                .for_each_init(
                    || RowBuffers::new(&self.speech),
                    |room, (row, (picture, target))| self.fill_row(*row, room, picture, target),
                );
            self.account(rows.len());
        }
    }
}

impl PairedFilm {
    fn wanted(&self, options: &PairOptions) -> SoundRequest<'_> {
        let last = self.line.first_tick + i64::from(self.line.ticks);
        let &PairOptions { grid, hops, say, .. } = options;
        let end = say.first_sample(grid, hops, last) + say.samples(grid, hops) as i64;
        SoundRequest { shard: &self.shard, samples: usize::try_from(end).unwrap_or(0) }
    }
}

fn check(corpus: &Corpus, options: &PairOptions) -> Result<()> {
    let invalid = |what: String| Err(Error::new(Kind::Invalid, what));
    if corpus.shards.is_empty() {
        return Err(Error::new(Kind::Empty, "there is no film to learn from").help("name a film or a corpus"));
    }
    if !(1..=2).contains(&options.hops) {
        return invalid(format!("a pair can't hold {} hops of sound, only 1 or 2", options.hops));
    }
    if options.size == 0 {
        return invalid("a picture can't have 0 pixels a side".to_owned());
    }
    if !(options.silence_secs >= 0.0 && options.silence_secs.is_finite()) {
        return invalid(format!("{} is no number of seconds of silence", options.silence_secs));
    }
    corpus.shards.iter().try_for_each(|shard| check_shard(shard, options))
}

fn check_shard(shard: &Shard, options: &PairOptions) -> Result<()> {
    let name = &shard.source().name;
    let error = |kind, what: String| Error::new(kind, what).at(shard.path());
    if shard.pictures() == 0 {
        let what = format!("holds the sound of {name} alone, so there is no picture to learn from");
        return Err(
            error(Kind::NoPicture, what).help("play with it: kinophone render BRAIN FILM --sounds LIBRARY")
        );
    }
    if shard.size() < options.size {
        let what = format!(
            "has pictures of {name} with {} pixels a side, the brain wants {}",
            shard.size(),
            options.size
        );
        return Err(error(Kind::Invalid, what).help(format!("prepare the film with --size {}", options.size)));
    }
    if options.colour && !shard.colour() {
        let what = format!("has grey pictures of {name}, the brain wants colour");
        return Err(error(Kind::Invalid, what).help("prepare the film with --colour"));
    }
    if shard.sound().is_none() {
        let what = format!("has no sound of {name}, so nothing can be learned from it");
        return Err(
            error(Kind::NoSound, what).help("learn from films with sound; a silent film can be rendered")
        );
    }
    Ok(())
}

/// Gives every shard its rows. Shards too short for a tick are left out with a warning.
fn lay_out(shards: Vec<Shard>, options: &PairOptions, task: Task<'_>) -> Result<Vec<PairedFilm>> {
    let (mut films, mut rows, mut known) = (Vec::new(), 0u32, HashMap::new());
    for shard in shards {
        let fresh = known.len();
        let film = *known.entry(shard.source().blake3.clone()).or_insert(fresh);
        let ticks = options.grid.tick.ticks_in(shard.end());
        let most = u64::from(u32::MAX - rows);
        let too_many = || {
            Error::new(Kind::Invalid, "has more ticks than can be numbered")
                .at(shard.path())
                .help("use fewer films")
        };
        if ticks >= most {
            return Err(too_many());
        }
        let (first_tick, shown) = pictures_of_ticks(&shard, options.grid);
        if shown.is_empty() {
            let name = &shard.source().name;
            task.watcher.warn(&format!("{name} is shorter than a tick and is left out"));
            continue;
        }
        let line = Timeline { film, first_row: rows, first_tick, ticks: shown.len() as u32 };
        rows = rows.checked_add(line.ticks).ok_or_else(too_many)?;
        let reducer = Reducer::new(shard.size(), shard.colour(), options.size, options.colour);
        films.push(PairedFilm { shard, reducer, line, shown });
    }
    if films.is_empty() {
        return Err(Error::new(Kind::Empty, "no film is as long as one tick").help("learn from longer films"));
    }
    Ok(films)
}

/// The first tick from 0 on whose middle sees a picture, and what each tick from there on sees.
fn pictures_of_ticks(shard: &Shard, grid: TickGrid) -> (i64, Vec<u32>) {
    let begin = shard.time(0);
    // A tick earlier than the nearest one, so that the search is short and rounding does no harm.
    let near = i64::try_from(grid.tick.ticks_in(begin)).map_or(0, |tick| (tick - 1).max(0));
    let first = (near..).find(|i| grid.tick.middle_of(*i) >= begin).unwrap_or(near);
    let mut shown = Vec::new();
    let mut picture = 0;
    for tick in first.. {
        let middle = grid.tick.middle_of(tick);
        if middle >= shard.end() {
            break;
        }
        while picture + 1 < shard.pictures() && shard.time(picture + 1) <= middle {
            picture += 1;
        }
        shown.push(picture as u32);
    }
    (first, shown)
}

fn silent_rows(options: &PairOptions, pairs: u32) -> Result<u32> {
    let rows = 2.0 * (f64::from(options.silence_secs) * options.grid.tick.as_f64()).round();
    if rows > f64::from(u32::MAX - pairs) {
        return Err(Error::new(
            Kind::Invalid,
            format!("{} seconds of silence are too many", options.silence_secs),
        )
        .help("30 are enough"));
    }
    Ok(rows as u32)
}

fn split(films: &[PairedFilm], options: &PairOptions) -> Split {
    let timelines: Vec<Timeline> = films.iter().map(|film| film.line).collect();
    let &PairOptions { grid, hops, say, hold_out, validation, seed, .. } = options;
    let reach = grid.rate.time_of(say.samples(grid, hops) as i64);
    Splitter { timelines: &timelines, tick: grid.tick, reach, hold_out, validation, seed }.split()
}
