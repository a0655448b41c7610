//! Visual features and sound of the training films, in memory.

use crate::Result;
use crate::dataset::{AudioFeatures, FilmTicks, TickDataset, TickSpan};
use crate::model::features::stream::{Augmentation, FeatureStream};
use crate::model::features::{GENERAL, VisualFeatures};
use crate::model::follow::film_scale::{FilmScale, MotionTick};
use crate::model::member_streams::blankness;
use crate::task::Task;
use kinophone_dsp::units::FrameRate;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// Pictures or ticks that are processed together.
pub(super) const PICTURE_BATCH: usize = 128;

/// Numbers are kept in 16 bits: ±5 deviations in steps of 0.00015.
pub(super) const QUANTUM: f32 = 5.0 / 32767.0;

/// Pictures after which the pages of a shard are given back.
const RELEASE_PICTURES: usize = 4096;

/// Visual features and sound of a film.
pub(super) struct FilmFeatures {
    /// Visual features of its ticks.
    pub(super) visual: QuantizedFeatures,
    /// The same of augmented pictures.
    pub(super) augmentations: Vec<QuantizedFeatures>,
    /// Features of its sound.
    pub(super) audio: AudioFeatures,
}

impl FilmFeatures {
    /// Extracts the features of all films of a dataset, with as many augmentations of each as are wanted.
    pub(super) fn of_dataset(
        dataset: &TickDataset,
        features: &VisualFeatures,
        augmentations: u32,
        seed: u64,
        task: Task<'_>,
    ) -> Result<Vec<Self>> {
        let pictures: u64 = dataset.films().map(|film| film.shard.pictures() as u64).sum();
        task.watcher.stage("looking", "pictures", Some(pictures * u64::from(1 + augmentations)));
        let (mut films, mut done, grid) = (Vec::new(), 0, dataset.grid());
        for film in dataset.films() {
            let visual = extract(features, grid.tick, &film, Augmentation::NONE, task, &mut done)?;
            let augmentations = (0..augmentations)
                .map(|i| extract(features, grid.tick, &film, augmentation(seed, i), task, &mut done))
                .collect::<Result<Vec<_>>>()?;
            let audio = AudioFeatures::analyze(grid, film.first_tick, film.ticks as usize, |start, out| {
                dataset.read_sound(film.number, start, out);
            });
            films.push(Self { visual, augmentations, audio });
            dataset.release();
        }
        Ok(films)
    }

    /// The motion of all its ticks, on its own scale.
    pub(super) fn motion(&self) -> Vec<MotionTick> {
        let mut scale = FilmScale::new(false);
        let range = self.visual.width - GENERAL..self.visual.width;
        let mut general = [0.0; GENERAL];
        for tick in 0..self.visual.ticks() {
            self.visual.fill(tick, std::slice::from_ref(&range), &mut general);
            scale.push(&general);
        }
        scale.finish();
        std::iter::from_fn(|| scale.next()).collect()
    }
}

/// A random augmentation: shifted, scaled, at another contrast and brightness, and every other one mirrored.
fn augmentation(seed: u64, number: u32) -> Augmentation {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x7a51_a710);
    random.set_stream(u64::from(number));
    let mut context = |by: f32| random.random_range(-by..=by);
    Augmentation {
        moved: (context(0.08), context(0.08)),
        scale: context(0.15).exp(),
        contrast: context(0.25).exp(),
        brightness: context(0.05),
        mirrored: number.is_multiple_of(2),
    }
}

/// Film and number of the pictures of training ticks that have one before them, each once.
pub(super) fn training_pictures(dataset: &TickDataset) -> Vec<(usize, usize)> {
    let mut pictures = Vec::new();
    for (film, tick) in dataset.training().iter().flat_map(TickSpan::places) {
        let picture = (film, dataset.film(film).picture(tick));
        if picture.1 > 0 && pictures.last() != Some(&picture) {
            pictures.push(picture);
        }
    }
    pictures
}

/// Extracts the visual features of a film, from its first tick to its last.
fn extract(
    features: &VisualFeatures,
    tick: FrameRate,
    film: &FilmTicks<'_>,
    augmentation: Augmentation,
    task: Task<'_>,
    done: &mut u64,
) -> Result<QuantizedFeatures> {
    let shard = film.shard;
    let side = shard.size() as usize;
    let mut feature_stream =
        FeatureStream::new(features, side, shard.colour(), tick, film.first_tick, PICTURE_BATCH)
            .with_changes()
            .augmented(side, shard.colour(), augmentation);
    let (mut rows, mut numbers) = (Vec::new(), Vec::new());
    let keep = |rows: &mut Vec<f32>, numbers: &mut Vec<i16>| {
        numbers.extend(QuantizedFeatures::new(features.width(), rows).numbers);
        rows.clear();
    };
    for k in 0..shard.pictures() {
        let end = if k + 1 < shard.pictures() { shard.time(k + 1) } else { shard.end() };
        feature_stream.show(shard.picture(k), shard.time(k), end, &mut rows);
        *done += 1;
        if k % PICTURE_BATCH == PICTURE_BATCH - 1 {
            task.cancel.check()?;
            task.watcher.advance(*done);
            keep(&mut rows, &mut numbers);
        }
        if k % RELEASE_PICTURES == RELEASE_PICTURES - 1 {
            shard.release();
        }
    }
    feature_stream.finish(film.first_tick + i64::from(film.ticks), &mut rows);
    keep(&mut rows, &mut numbers);
    Ok(QuantizedFeatures { width: features.width(), numbers })
}

/// Visual features of a film's ticks in 16 bits.
pub(crate) struct QuantizedFeatures {
    pub(crate) width: usize,
    pub(crate) numbers: Vec<i16>,
}

impl QuantizedFeatures {
    /// Rows of `width` numbers.
    pub(crate) fn new(width: usize, rows: &[f32]) -> Self {
        Self { width, numbers: rows.iter().map(|x| (x / QUANTUM).round() as i16).collect() }
    }

    /// Number of ticks.
    pub(crate) fn ticks(&self) -> usize {
        self.numbers.len() / self.width
    }

    /// A tick's numbers; beyond the last tick those of the last.
    pub(crate) fn row(&self, tick: usize) -> &[i16] {
        &self.numbers[tick.min(self.ticks() - 1) * self.width..][..self.width]
    }

    /// True if a tick's picture shows anything. Blank pictures are silent by rule; all that could be learned from them is that
    /// whatever looks more like them than like the rest of the film is silent, too.
    pub(crate) fn shows(&self, tick: usize) -> bool {
        self.row(tick).last().is_some_and(|contrast| blankness(QUANTUM * f32::from(*contrast)) < 1.0)
    }

    /// Writes some ranges of a tick's numbers one after another into `out`.
    pub(crate) fn fill(&self, tick: usize, ranges: &[Range<usize>], out: &mut [f32]) {
        let row = self.row(tick);
        let numbers = ranges.iter().flat_map(|range| &row[range.clone()]);
        out.iter_mut().zip(numbers).for_each(|(out, x)| *out = QUANTUM * f32::from(*x));
    }
}
