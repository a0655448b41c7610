//! Rows for the networks of 2015: a picture and the numbers of its tick's sound, with silence examples behind those of the films.
//!
//! Rows are the ticks of a [`TickDataset`], film after film, each with a number of its own; numbers beyond them are pictures of
//! [`silence`]. Pages of a large corpus are given back after every few hundred rows.

#[cfg(test)]
mod tests;

use crate::classic::config::{ClassicConfig, ClassicTraining};
use crate::classic::silence;
use crate::dataset::{Corpus, DatasetOptions, HoldOut, PictureReducer, TickDataset, TickSpan};
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::frames::{FrameCodec, FrameFormat};
use kinophone_dsp::units::TickGrid;
use rayon::prelude::*;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Rows of pictures and what they should sound like.
pub trait Rows: Sync {
    /// Numbers in a picture: 4096 for 64 × 64 grey.
    fn picture_len(&self) -> usize;
    /// Numbers in a target: 735 for one hop.
    fn target_len(&self) -> usize;
    /// Writes the pictures (0..1) and the targets (−1..1) of `rows`, one after another.
    fn fill(&self, rows: &[u32], pictures: &mut [f32], targets: &mut [f32]);
}

/// Rows of each part of a training.
pub struct RowSplit<'a> {
    /// To learn from.
    pub training: &'a [u32],
    /// For early stopping.
    pub validation: &'a [u32],
    /// For the verdict.
    pub held_out: &'a [u32],
}

impl<'a> RowSplit<'a> {
    /// All parts of a dataset's rows.
    pub fn of(rows: &'a DatasetRows) -> Self {
        Self { training: rows.training(), validation: rows.validation(), held_out: rows.held_out() }
    }
}

/// Rows after which pages of a larger corpus are given back. The system maps whole runs of cached pages around each one
/// that is touched, up to 0.8 MB a row as measured on Linux 6.18, hence some 200 MB in all.
const RELEASE_ROWS: usize = 256;

/// Settings of rows.
#[derive(Clone, Debug)]
pub struct RowOptions {
    /// Tick and rate of the brain.
    pub grid: TickGrid,
    /// Hops of sound in a row. 1: `block_len` samples from the tick's `start_sample` on. 2: twice as many,
    /// from `start_sample − block_len / 2` (rounded down) on, which centres them on the tick. They come as they are, under
    /// no window: that is the synth's part.
    pub hops: usize,
    /// Numbers that stand for that sound.
    pub format: FrameFormat,
    /// Side of the brain's pictures. Larger or coloured shards are reduced; smaller or grey ones are an error.
    pub size: u32,
    /// True if the brain's pictures have colour.
    pub colour: bool,
    /// Blocks that are held out.
    pub hold_out: HoldOut,
    /// Seconds of black and, again, of white pictures with silence that join the training rows; 0 for none.
    pub silence_secs: f32,
    /// Seed of the silence examples and of the validation split.
    pub seed: u64,
}

impl RowOptions {
    /// Settings of the rows that such a brain learns from.
    pub fn of(config: &ClassicConfig, training: &ClassicTraining) -> Self {
        Self {
            grid: config.grid,
            hops: config.hops,
            format: config.format,
            size: config.size,
            colour: config.colour,
            hold_out: training.hold_out,
            silence_secs: training.silence_secs,
            seed: training.seed,
        }
    }
}

/// All rows of a corpus. Row numbers are stable for the same corpus and options.
pub struct DatasetRows {
    dataset: TickDataset,
    /// Number of each film's first row.
    first_rows: Vec<u32>,
    reducers: Vec<PictureReducer>,
    training: Vec<u32>,
    validation: Vec<u32>,
    held_out: Vec<u32>,
    codec: FrameCodec,
    size: u32,
    colour: bool,
    seed: u64,
    /// Number of the first row of silence.
    first_silent: u32,
    filled: AtomicUsize,
}

/// Buffers of a thread that fills rows.
struct RowBuffers {
    line: Vec<f32>,
    sound: Vec<f32>,
    codec: FrameCodec,
}

impl RowBuffers {
    fn new(codec: &FrameCodec) -> Self {
        Self { line: Vec::new(), sound: Vec::new(), codec: codec.clone() }
    }
}

impl DatasetRows {
    /// Makes the dataset, with a scratch file in `scratch`, and numbers its ticks. Errors are those of [`TickDataset::new`], and
    /// `Kind::Invalid` for options out of range.
    pub fn new(corpus: Corpus, options: &RowOptions, scratch: &Path, task: Task<'_>) -> Result<Self> {
        check(options)?;
        let &RowOptions { grid, hops, format, size, colour, hold_out, seed, .. } = options;
        let samples = format.samples(grid, hops);
        let ticks = DatasetOptions {
            grid,
            samples,
            size,
            colour,
            hold_out,
            held_out_films: Vec::new(),
            validation: true,
            seed,
        };
        let dataset = TickDataset::new(corpus, &ticks, scratch, task)?;
        let (mut first_rows, mut first_silent) = (Vec::new(), 0);
        for film in dataset.films() {
            first_rows.push(first_silent);
            first_silent += film.ticks;
        }
        let rows = |spans: &[TickSpan]| -> Vec<u32> {
            let places = spans.iter().flat_map(TickSpan::places);
            places.map(|(film, tick)| first_rows[film] + tick as u32).collect()
        };
        let mut training = rows(dataset.training());
        training.extend(first_silent..last_silent(options, first_silent)?);
        let (validation, held_out) = (rows(dataset.validation()), rows(dataset.held_out()));
        let reducer = |film: crate::dataset::FilmTicks<'_>| {
            PictureReducer::new(film.shard.size(), film.shard.colour(), size, colour)
        };
        let (reducers, codec) = (dataset.films().map(reducer).collect(), FrameCodec::new(format, grid, hops));
        let filled = AtomicUsize::new(0);
        Ok(Self {
            dataset,
            first_rows,
            reducers,
            training,
            validation,
            held_out,
            codec,
            size,
            colour,
            seed,
            first_silent,
            filled,
        })
    }

    /// Rows to learn from, silence included.
    pub fn training(&self) -> &[u32] {
        &self.training
    }

    /// Rows for early stopping ([`TickDataset::validation`]), never silence.
    pub fn validation(&self) -> &[u32] {
        &self.validation
    }

    /// Rows that training never sees; empty under [`HoldOut::None`].
    pub fn held_out(&self) -> &[u32] {
        &self.held_out
    }

    /// Film of a row and its tick, counted from the film's first one; `None` for silence.
    fn place(&self, row: u32) -> Option<(usize, usize)> {
        let film = self.first_rows.partition_point(|first| *first <= row) - 1;
        (row < self.first_silent).then(|| (film, (row - self.first_rows[film]) as usize))
    }

    fn fill_row(&self, row: u32, buffers: &mut RowBuffers, picture: &mut [f32], target: &mut [f32]) {
        let Some((number, tick)) = self.place(row) else {
            silence::draw(self.seed, row - self.first_silent, self.size as usize, picture);
            return target.fill(0.0);
        };
        let film = self.dataset.film(number);
        let pixels = film.shard.picture(film.picture(tick));
        self.reducers[number].reduce(pixels, &mut buffers.line, picture);
        buffers.sound.resize(buffers.codec.samples(), 0.0);
        let first = buffers.codec.first_sample(film.first_tick + tick as i64);
        self.dataset.read_sound(number, first, &mut buffers.sound);
        buffers.codec.encode(&buffers.sound, target);
    }

    /// Gives pages back once enough rows of a large corpus were read. Other threads may read meanwhile: their pages
    /// come back from the file.
    fn account(&self, rows: usize) {
        let before = self.filled.fetch_add(rows, Ordering::Relaxed);
        if self.dataset.is_large() && before / RELEASE_ROWS != (before + rows) / RELEASE_ROWS {
            self.dataset.release();
        }
    }
}

impl Rows for DatasetRows {
    fn picture_len(&self) -> usize {
        self.size as usize * self.size as usize * if self.colour { 3 } else { 1 }
    }

    fn target_len(&self) -> usize {
        self.codec.numbers()
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
                    || RowBuffers::new(&self.codec),
                    |buffers, (row, (picture, target))| self.fill_row(*row, buffers, picture, target),
                );
            self.account(rows.len());
        }
    }
}

fn check(options: &RowOptions) -> Result<()> {
    let invalid = |what: String| Err(Error::new(Kind::Invalid, what));
    if !(1..=2).contains(&options.hops) {
        return invalid(format!("a row can't hold {} hops of sound, only 1 or 2", options.hops));
    }
    if options.size == 0 {
        return invalid("a picture can't have 0 pixels a side".to_owned());
    }
    if !(options.silence_secs >= 0.0 && options.silence_secs.is_finite()) {
        return invalid(format!("{} is no number of seconds of silence", options.silence_secs));
    }
    Ok(())
}

/// Number after the last row of silence.
fn last_silent(options: &RowOptions, first: u32) -> Result<u32> {
    let rows = 2.0 * (f64::from(options.silence_secs) * options.grid.tick.as_f64()).round();
    if rows > f64::from(u32::MAX - first) {
        let what = format!("{} seconds of silence are too many", options.silence_secs);
        return Err(Error::new(Kind::Invalid, what).help("30 are enough"));
    }
    Ok(first + rows as u32)
}
