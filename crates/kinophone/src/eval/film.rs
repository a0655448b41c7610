//! The films on which a brain is evaluated, and the parts of them that are held out.

use crate::brain::Brain;
use crate::dataset::{self, HeldOutFilm, HoldOut, PrepareOptions, Shard};
use crate::eval::curves::BLOCK_SECS;
use crate::eval::figures::rounded;
use crate::eval::naming::distinct;
use crate::eval::plan::EvalPlan;
use crate::eval::report::TrainingFilm;
use crate::ledger::Source;
use crate::media::Ffmpeg;
use crate::model::LearningCurve;
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::MediaTime;
use std::path::{Path, PathBuf};

/// Shortest film, or held-out part of one, that can be evaluated, in seconds: the onset score leaves half a
/// second out at either end.
const MIN_EVALUATED_SECS: f64 = 1.1;

/// A film that is evaluated.
pub(crate) struct EvalFilm {
    pub(crate) name: String,
    /// The film itself, where the user named it.
    pub(crate) path: Option<PathBuf>,
    /// Its pictures and its sound.
    pub(crate) shard: Shard,
    /// The rule by which the training held parts of it out; `None` where the brain was not trained on the
    /// film.
    pub(crate) hold_out: Option<HoldOut>,
}

impl EvalFilm {
    /// True where block `number` is evaluated.
    pub(crate) fn evaluates(&self, number: i64) -> bool {
        self.hold_out.is_none_or(|rule| rule.holds(number))
    }

    /// Seconds from its first picture to its end.
    fn seen_secs(&self) -> f64 {
        (self.shard.end() - self.shard.time(0).max(MediaTime::ZERO)).as_secs_f64()
    }

    /// True where the rule leaves enough to evaluate.
    pub(crate) fn has_enough(&self, rule: Option<HoldOut>) -> bool {
        let end = self.shard.end().as_secs_f64();
        rule.map_or(self.seen_secs(), |rule| held_out_secs(end, rule)) >= MIN_EVALUATED_SECS
    }
}

/// Opens the prepared pictures and sound of `films`, or, where none is named, of those that the brain was
/// trained on and those that were held out of its training as a whole. Films without anything to evaluate are left out with a warning.
pub(crate) fn gather(
    ffmpeg: &Ffmpeg,
    brain: &Brain,
    plan: &EvalPlan,
    task: Task<'_>,
) -> Result<Vec<EvalFilm>> {
    let EvalPlan { films, cache, leave_one_film_out, .. } = plan;
    let found = if films.is_empty() {
        let known = brain.ledger().iter().map(|source| known(brain, source, cache));
        let held_out = brain.held_out_films().iter().map(|film| held_out_film(brain, film, cache));
        known.chain(held_out).collect::<Result<Vec<_>>>()?
    } else {
        films.iter().map(|film| named(ffmpeg, brain, film, cache, task)).collect::<Result<Vec<_>>>()?
    };
    if found.is_empty() {
        return Err(Error::new(Kind::Empty, "there is no film to evaluate the brain on").help("name a film"));
    }
    let found = without_duplicates(found, task);
    let (good, bad): (Vec<EvalFilm>, Vec<EvalFilm>) =
        found.into_iter().partition(|film| film.has_enough(film.hold_out));
    for film in &bad {
        // Brains that are trained without a film are evaluated on all of it.
        if good.is_empty() && !leave_one_film_out {
            return Err(nothing_to_evaluate(film));
        }
        task.watcher.warn(&format!("{} is left out: {}", film.name, reason(film)));
    }
    Ok(good)
}

/// A film counts once, however often it was named; different films of one name are numbered.
fn without_duplicates(films: Vec<EvalFilm>, task: Task<'_>) -> Vec<EvalFilm> {
    let mut single: Vec<EvalFilm> = Vec::new();
    for film in films {
        let hash = &film.shard.source().blake3;
        if single.iter().any(|other| other.shard.source().blake3 == *hash) {
            task.watcher.warn(&format!("{} is named twice and counts once", film.name));
        } else {
            single.push(film);
        }
    }
    let names = distinct(single.iter().map(|film| film.name.clone()).collect());
    single.into_iter().zip(names).map(|(film, name)| EvalFilm { name, ..film }).collect()
}

/// A film of the ledger, from the folder of prepared films.
fn known(brain: &Brain, source: &Source, cache: &Path) -> Result<EvalFilm> {
    let shard = prepared(brain, &source.blake3, cache)?.ok_or_else(|| {
        let what = format!("the brain was trained on {}, which is not among the prepared films", source.name);
        not_prepared(what, &source.name)
    })?;
    Ok(EvalFilm { name: source.name.clone(), path: None, shard, hold_out: Some(brain.hold_out()) })
}

/// A film that was held out as a whole, from the folder of prepared films.
fn held_out_film(brain: &Brain, film: &HeldOutFilm, cache: &Path) -> Result<EvalFilm> {
    let shard = prepared(brain, &film.blake3, cache)?.ok_or_else(|| {
        let what = format!(
            "{} was held out of the brain's training, and is not among the prepared films",
            film.name
        );
        not_prepared(what, &film.name)
    })?;
    Ok(EvalFilm { name: film.name.clone(), path: None, shard, hold_out: None })
}

/// A film with sound from the folder of prepared films.
fn prepared(brain: &Brain, blake3: &str, cache: &Path) -> Result<Option<Shard>> {
    let found = dataset::find_hash(cache, blake3, brain.size(), brain.colour())?;
    Ok(found.filter(|shard| shard.sound().is_some()))
}

fn not_prepared(what: String, film: &str) -> Error {
    Error::new(Kind::NotFound, what).help(format!("name the film: kinophone eval BRAIN {film} -o REPORT"))
}

fn named(ffmpeg: &Ffmpeg, brain: &Brain, film: &Path, cache: &Path, task: Task<'_>) -> Result<EvalFilm> {
    let options = PrepareOptions {
        size: brain.size(),
        colour: brain.colour(),
        require_sound: true,
        ..PrepareOptions::default()
    };
    let silent = |e: Error| match e.kind() {
        Kind::NoSound => Error::new(Kind::NoSound, "has no sound to compare the brain's with")
            .at(film)
            .help("name a film with sound; a silent one can be given a soundtrack with 'kinophone render'"),
        _ => e,
    };
    let prepared = dataset::prepare(ffmpeg, &[film.to_owned()], cache, &options, task).map_err(silent)?;
    let shard = Shard::open(&prepared[0].shard)?;
    let learned = brain.ledger().iter().any(|source| source.blake3 == shard.source().blake3);
    let name = film.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(EvalFilm { name, path: Some(film.to_owned()), shard, hold_out: learned.then(|| brain.hold_out()) })
}

/// The reason for which a film is left out; completes "the film is left out: …".
fn reason(film: &EvalFilm) -> &'static str {
    match film.hold_out {
        _ if film.seen_secs() < MIN_EVALUATED_SECS => "it is too short to be evaluated",
        Some(HoldOut::None) => "the brain was trained on all of it",
        Some(_) => "it has no block of ten seconds that was held out",
        None => "it is too short to be evaluated",
    }
}

fn nothing_to_evaluate(film: &EvalFilm) -> Error {
    let place = film.path.clone().unwrap_or_else(|| PathBuf::from(&film.name));
    let error = |what: &str| Error::new(Kind::Empty, what).at(place);
    match film.hold_out {
        Some(HoldOut::None) if film.has_enough(None) => error(
            "was learned whole by this brain, so nothing says how well it does on what it does not know",
        )
        .help("name a film that it never saw, or train it again without --hold-out none"),
        Some(_) if film.has_enough(None) => error(
            "is too short to have a part that this brain did not learn from: no block of ten seconds of it was held out",
        )
        .help("name a film that it never saw, or train it again on a minute or more"),
        _ => error("shows pictures for about a second or less, too short to evaluate a brain on")
            .help("name a film of ten seconds or more"),
    }
}

/// Opens the shards of all films that the brain was trained on: from `films`, or from the folder of prepared
/// films.
pub(crate) fn training_shards(brain: &Brain, films: &[EvalFilm], cache: &Path) -> Result<Vec<Shard>> {
    let open = |source: &Source| {
        let at_hand = films.iter().find(|film| film.shard.source().blake3 == source.blake3);
        match at_hand {
            Some(film) => Shard::open(film.shard.path()),
            None => known(brain, source, cache).map(|film| film.shard).map_err(|e| {
                e.help(format!(
                    "further trainings need all films that the brain was trained on: name {} too",
                    source.name
                ))
            }),
        }
    };
    brain.ledger().iter().map(open).collect()
}

/// Seconds of film that a brain was trained on: from its file, or from the lengths of its films.
pub(crate) fn trained_seconds(brain: &Brain) -> Option<f64> {
    let recorded = match brain {
        Brain::Classic(_) => None,
        Brain::Ensemble(brain) => brain.trained_seconds(),
    };
    let without_held_out = |source: &Source| {
        let seconds = source.facts.duration?.as_secs_f64();
        Some(seconds - held_out_secs(seconds, brain.hold_out()))
    };
    let estimated =
        || brain.ledger().iter().map(without_held_out).sum::<Option<f64>>().filter(|seconds| *seconds > 0.0);
    recorded.or_else(estimated).map(|seconds| rounded(seconds, 1))
}

/// Seconds that a rule holds out of a film of that length.
fn held_out_secs(seconds: f64, rule: HoldOut) -> f64 {
    let blocks = (seconds / BLOCK_SECS).ceil() as i64;
    let of_block = |block: i64| (seconds - block as f64 * BLOCK_SECS).min(BLOCK_SECS);
    (0..blocks).filter(|block| rule.holds(*block)).map(of_block).sum()
}

/// The training's estimate of the gain from more footage.
pub(crate) fn learning_curve(brain: &Brain) -> Option<LearningCurve> {
    match brain {
        Brain::Classic(_) => None,
        Brain::Ensemble(brain) => brain.learning_curve().cloned(),
    }
}

/// The ledger for the report.
pub(crate) fn ledger(brain: &Brain) -> Vec<TrainingFilm> {
    let film = |source: &Source| TrainingFilm {
        film: source.name.clone(),
        seconds: source.facts.duration.map(|length| rounded(length.as_secs_f64(), 2)),
        terms: source.terms.clone(),
    };
    brain.ledger().iter().map(film).collect()
}
