//! The trainer: everything that training needs, in memory.

use crate::dataset::{FilmTicks, TickDataset, TickSpan};
use crate::model::controls::ControlScaler;
use crate::model::features::{FramePair, VisualFeatures};
use crate::model::training::config::EnsembleTraining;
use crate::model::training::data_checks::FootageStats;
use crate::model::training::film_features::{FilmFeatures, training_pictures};
use crate::task::Task;
use crate::{Error, Kind, Result};

/// Features of all films, and how they are to be learned.
pub(super) struct EnsembleTrainer<'a> {
    pub(super) dataset: &'a TickDataset,
    pub(super) training: EnsembleTraining,
    pub(super) task: Task<'a>,
    pub(super) features: VisualFeatures,
    pub(super) scaler: ControlScaler,
    pub(super) films: Vec<FilmFeatures>,
    /// Training ticks.
    pub(super) spans: Vec<TickSpan>,
    /// Shortcomings of the films, in clauses.
    pub(super) shortcomings: Vec<String>,
}

impl<'a> EnsembleTrainer<'a> {
    /// Learns the visual features and the scales of the sound, and extracts the features of all films.
    pub(super) fn prepare(
        dataset: &'a TickDataset,
        training: EnsembleTraining,
        task: Task<'a>,
    ) -> Result<Self> {
        let features = fit_features(dataset, &training, task)?;
        task.cancel.check()?;
        let films = FilmFeatures::of_dataset(dataset, &features, training.variations, training.seed, task)?;
        let spans = dataset.training().to_vec();
        let shortcomings = FootageStats::of(&features.config()[0], &films, &spans).shortcomings();
        if !shortcomings.is_empty() {
            task.watcher
                .warn(&format!("there is little to learn from these films: {}", shortcomings.join("; ")));
        }
        let ticks: Vec<Vec<u32>> = (0..films.len())
            .map(|film| {
                let own = spans.iter().filter(|span| span.film == film);
                own.flat_map(|span| span.ticks.clone()).map(|tick| tick as u32).collect()
            })
            .collect();
        let scaler = ControlScaler::fit(
            &films.iter().zip(&ticks).map(|(film, ticks)| (&film.audio, &ticks[..])).collect::<Vec<_>>(),
        );
        Ok(Self { dataset, training, task, features, scaler, films, spans, shortcomings })
    }
}

/// Learns from the training pictures which visual features to extract.
fn fit_features(
    dataset: &TickDataset,
    training: &EnsembleTraining,
    task: Task<'_>,
) -> Result<VisualFeatures> {
    let films: Vec<FilmTicks<'_>> = dataset.films().collect();
    let pictures = training_pictures(dataset);
    if pictures.is_empty() {
        return Err(Error::new(
            Kind::Empty,
            "there is nothing to learn from: no two pictures follow each other",
        )
        .help("give films that are longer than a few seconds"));
    }
    let pair = |i: usize| {
        let (film, k) = pictures[i];
        let shard = films[film].shard;
        FramePair {
            before: shard.picture(k - 1),
            now: shard.picture(k),
            side: shard.size() as usize,
            colour: shard.colour(),
        }
    };
    let views = training.features.region.views();
    task.watcher.stage("learning what to look at", "views", Some(views));
    let advance = |done| task.watcher.advance(done);
    Ok(VisualFeatures::fit(&training.features, pictures.len(), pair, training.seed, &advance))
}
