//! Films on a brain's tick: spans of ticks for training, validation and judgement, with their sound at the brain's rate.
//!
//! A tick belongs to the picture that is on the screen at its middle, and to the sound of its own span. Ticks whose middle lies before
//! the first picture or after the last one are left out; where the sound has ended, or not begun, it is silence. Taking the middle
//! puts a picture that appears at any time onto the tick whose beginning is nearest, so picture and sound are never further apart
//! than half a tick, however the film's own rate and the tick relate, and the error does not grow.
//!
//! Memory: pictures and sound stay in mapped files, so that the resident size does not follow the size of the corpus as long as
//! their pages are given back now and then ([`TickDataset::release`]).

#[cfg(test)]
mod tests;

use crate::dataset::resampled_sound::{ResampledSound, SoundRequest};
use crate::dataset::shard::Shard;
use crate::dataset::splits::{HeldOutFilm, HoldOut, Split, Splitter, TickSpan, Timeline, block_of};
use crate::dataset::{Corpus, is_held_out};
use crate::ledger::Source;
use crate::task::Task;
use crate::{Error, Kind, Result, storage};
use kinophone_dsp::units::TickGrid;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// A corpus that takes less than this in memory is never given back while it is in use.
const RESIDENT_BYTES: u64 = 512 << 20;

/// Settings of a dataset.
#[derive(Clone, Debug)]
pub struct DatasetOptions {
    /// Tick and rate of the brain.
    pub grid: TickGrid,
    /// Samples of sound that are learned from for each tick, a block or more.
    pub samples: usize,
    /// Smallest side of the pictures; shards with smaller ones are an error.
    pub size: u32,
    /// True if pictures need colour; grey ones are an error then.
    pub colour: bool,
    /// Blocks that are held out.
    pub hold_out: HoldOut,
    /// Films that are held out as a whole; those that are not in the corpus don't matter.
    pub held_out_films: Vec<HeldOutFilm>,
    /// True if some of the rest is set aside for validation.
    pub validation: bool,
    /// Seed of the validation split.
    pub seed: u64,
}

/// A corpus on a grid of ticks. Numbers of films and ticks are stable for the same corpus and options.
pub struct TickDataset {
    films: Vec<DatasetFilm>,
    sound: ResampledSound,
    split: Split,
    grid: TickGrid,
    /// True if pages should be given back now and then.
    large: bool,
}

struct DatasetFilm {
    shard: Shard,
    timeline: Timeline,
    /// True if all of it is held out.
    held_out: bool,
    /// For each tick, the number of its picture.
    pictures: Vec<u32>,
}

/// A film of a dataset: ticks `first_tick..first_tick + ticks` of its clock.
#[derive(Clone, Copy, Debug)]
pub struct FilmTicks<'a> {
    /// Its number among the films.
    pub number: usize,
    /// Its pictures, and its sound as it was recorded.
    pub shard: &'a Shard,
    /// Number of its first tick on the grid.
    pub first_tick: i64,
    /// Number of ticks.
    pub ticks: u32,
    /// True if all of it is held out.
    pub held_out: bool,
    pictures: &'a [u32],
}

impl FilmTicks<'_> {
    /// Number of the picture that is on the screen in the middle of a tick, counted from the film's first one. Panics where there
    /// is no such tick.
    pub fn picture(&self, tick: usize) -> usize {
        self.pictures[tick] as usize
    }
}

impl TickDataset {
    /// Resamples the sound to the brain's rate into a scratch file in `scratch`, and lays out the ticks.
    ///
    /// Held-out are whole blocks of ten seconds of each film's clock ([`HoldOut`]). Of the other blocks about every
    /// eighth, drawn by the seed and spread over the corpus, is for validation, and at least one. A corpus of fewer than
    /// three such blocks gives the last fifth of its longest block instead. Ticks within half a second of a held-out or
    /// validation part are in no part at all: their sound and scene reach across the border.
    ///
    /// Films that are held out as a whole come last, so that those that are learned from have the numbers of the ledger
    /// ([`TickDataset::sources`]).
    ///
    /// Errors: `Kind::Empty` without a single tick to learn from, `Kind::NoSound` for a film without sound,
    /// `Kind::Invalid` for pictures smaller or poorer in colour than the brain's.
    pub fn new(mut corpus: Corpus, options: &DatasetOptions, scratch: &Path, task: Task<'_>) -> Result<Self> {
        check(&corpus, options)?;
        storage::sweep(scratch);
        corpus.shards.sort_by_key(|shard| is_held_out(shard, &options.held_out_films));
        let films = lay_out(corpus.shards, options, task)?;
        let requests: Vec<SoundRequest<'_>> = films.iter().map(|film| film.sound_request(options)).collect();
        let sound = ResampledSound::prepare(&requests, options.grid.rate, scratch, task)?;
        if sound.silent {
            task.watcher.warn("the sound of these films is nothing but digital silence; a brain can only learn to be silent");
        }
        let split = split(&films, options);
        if split.training.is_empty() {
            return Err(Error::new(
                Kind::Empty,
                "nothing is left to learn from: all pictures lie in held-out blocks",
            )
            .help("add more film, or hold nothing out: --hold-out none"));
        }
        let mapped: u64 = films.iter().map(|f| f.shard.mapped_len()).sum::<u64>() + sound.mapped_len();
        Ok(Self { films, sound, split, grid: options.grid, large: mapped > RESIDENT_BYTES })
    }

    /// Ticks to learn from, in the order of films and time.
    pub fn training(&self) -> &[TickSpan] {
        &self.split.training
    }

    /// Ticks for early stopping: whole ten-second blocks out of the training part (in a corpus of under three blocks, the
    /// end of one). Empty where a corpus has hardly any ticks.
    pub fn validation(&self) -> &[TickSpan] {
        &self.split.validation
    }

    /// Ticks that training never sees: held-out blocks, and films that are held out as a whole.
    pub fn held_out(&self) -> &[TickSpan] {
        &self.split.held_out
    }

    /// Those of the held-out ticks by which a brain is judged: where films are held out as a whole, these alone, since
    /// whoever leaves films out asks how well a brain does on others; else all.
    pub fn judged(&self) -> &[TickSpan] {
        // Held-out films are the last ones.
        let held_out = &self.split.held_out;
        match held_out.partition_point(|span| !self.films[span.film].held_out) {
            blocks if blocks < held_out.len() => &held_out[blocks..],
            _ => held_out,
        }
    }

    /// Keeps a part of the training blocks only: whole blocks, spread evenly over the films, that make up `share` (0..1)
    /// of the ticks within half a block, and at least one. Held-out and validation blocks stay. It answers how much more
    /// footage helps.
    pub fn keep_training_share(&mut self, share: f64) {
        let tick = self.grid.tick;
        let block = |(film, k): &(usize, usize)| {
            (*film, block_of(tick, self.films[*film].timeline.first_tick + *k as i64))
        };
        let places: Vec<(usize, usize)> = self.split.training.iter().flat_map(TickSpan::places).collect();
        let (mut kept, mut owed) = (Vec::new(), 0.0);
        for run in places.chunk_by(|a, b| block(a) == block(b)) {
            owed += share.clamp(0.0, 1.0) * run.len() as f64;
            if owed >= run.len() as f64 / 2.0 {
                owed -= run.len() as f64;
                run.iter().for_each(|(film, k)| TickSpan::push(&mut kept, *film, *k));
            }
        }
        if kept.is_empty() {
            let longest = places.chunk_by(|a, b| block(a) == block(b)).max_by_key(|run| run.len());
            longest.unwrap_or_default().iter().for_each(|(film, k)| TickSpan::push(&mut kept, *film, *k));
        }
        self.split.training = kept;
    }

    /// The films, those that are too short for a tick left out.
    pub fn films(&self) -> impl ExactSizeIterator<Item = FilmTicks<'_>> {
        (0..self.films.len()).map(|number| self.film(number))
    }

    /// The sources of the films that are learned from, by their numbers: the ledger of a brain. Films that are held out as a whole or
    /// are too short for a tick are not in it.
    pub fn sources(&self) -> Vec<Source> {
        let learned = self.films.iter().filter(|film| !film.held_out);
        learned.map(|film| film.shard.source().clone()).collect()
    }

    /// One film. Panics where there is no such film.
    pub fn film(&self, number: usize) -> FilmTicks<'_> {
        let DatasetFilm { shard, timeline, held_out, pictures } = &self.films[number];
        let &Timeline { first_tick, ticks, .. } = timeline;
        FilmTicks { number, shard, first_tick, ticks, held_out: *held_out, pictures }
    }

    /// Fills `out` with mono sound of film `number` at the brain's rate, from sample `start` of the film's clock on; beyond
    /// its ends there is silence.
    pub fn read_sound(&self, number: usize, start: i64, out: &mut [f32]) {
        self.sound.read(number, start, out);
    }

    /// Tick and rate.
    pub fn grid(&self) -> TickGrid {
        self.grid
    }

    /// True if the corpus is so large that readers should give pages back now and then.
    pub fn is_large(&self) -> bool {
        self.large
    }

    /// Gives the pages of pictures and sound back to the system.
    pub fn release(&self) {
        self.films.iter().for_each(|film| film.shard.release());
        self.sound.release();
    }
}

impl DatasetFilm {
    fn sound_request(&self, options: &DatasetOptions) -> SoundRequest<'_> {
        let last = self.timeline.first_tick + i64::from(self.timeline.ticks);
        let end = options.grid.start_sample(last) + options.samples as i64;
        SoundRequest { shard: &self.shard, samples: usize::try_from(end).unwrap_or(0) }
    }
}

fn check(corpus: &Corpus, options: &DatasetOptions) -> Result<()> {
    if corpus.shards.is_empty() {
        return Err(Error::new(Kind::Empty, "there is no film to learn from").help("name a film or a corpus"));
    }
    corpus.shards.iter().try_for_each(|shard| check_shard(shard, options))
}

fn check_shard(shard: &Shard, options: &DatasetOptions) -> Result<()> {
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

/// Lays out the ticks of every shard. Shards too short for a tick are left out with a warning.
fn lay_out(shards: Vec<Shard>, options: &DatasetOptions, task: Task<'_>) -> Result<Vec<DatasetFilm>> {
    let grid = options.grid;
    let (mut films, mut total, mut known) = (Vec::new(), 0u32, HashMap::new());
    for shard in shards {
        let fresh = known.len();
        let film = *known.entry(shard.source().blake3.clone()).or_insert(fresh);
        let ticks = grid.tick.ticks_in(shard.end());
        let too_many = || {
            Error::new(Kind::Invalid, "has more ticks than can be numbered")
                .at(shard.path())
                .help("use fewer films")
        };
        if ticks >= u64::from(u32::MAX - total) {
            return Err(too_many());
        }
        let (first_tick, pictures) = pictures_of_ticks(&shard, grid);
        if pictures.is_empty() {
            let name = &shard.source().name;
            task.watcher.warn(&format!("{name} is shorter than a tick and is left out"));
            continue;
        }
        let timeline = Timeline { film, first_tick, ticks: pictures.len() as u32 };
        total = total.checked_add(timeline.ticks).ok_or_else(too_many)?;
        let held_out = is_held_out(&shard, &options.held_out_films);
        films.push(DatasetFilm { shard, timeline, held_out, pictures });
    }
    if films.is_empty() {
        return Err(Error::new(Kind::Empty, "no film is as long as one tick").help("learn from longer films"));
    }
    Ok(films)
}

/// The first tick from 0 on whose middle sees a picture, and the picture of each tick from there on.
fn pictures_of_ticks(shard: &Shard, grid: TickGrid) -> (i64, Vec<u32>) {
    let begin = shard.time(0);
    // A tick earlier than the nearest one, so that the search is short and rounding does no harm.
    let near = i64::try_from(grid.tick.ticks_in(begin)).map_or(0, |tick| (tick - 1).max(0));
    let first = (near..).find(|i| grid.tick.middle_of(*i) >= begin).unwrap_or(near);
    let mut pictures = Vec::new();
    let mut picture = 0;
    for tick in first.. {
        let middle = grid.tick.middle_of(tick);
        if middle >= shard.end() {
            break;
        }
        while picture + 1 < shard.pictures() && shard.time(picture + 1) <= middle {
            picture += 1;
        }
        pictures.push(picture as u32);
    }
    (first, pictures)
}

fn split(films: &[DatasetFilm], options: &DatasetOptions) -> Split {
    let timelines: Vec<Timeline> = films.iter().map(|film| film.timeline).collect();
    let held_out_films: BTreeSet<usize> =
        films.iter().filter(|film| film.held_out).map(|film| film.timeline.film).collect();
    let &DatasetOptions { grid, samples, hold_out, validation, seed, .. } = options;
    Splitter {
        timelines: &timelines,
        tick: grid.tick,
        reach: grid.rate.time_of(samples as i64),
        hold_out,
        held_out_films: &held_out_films,
        validation,
        seed,
    }
    .split()
}
