//! The films on which a brain is judged, and which parts of them.

use crate::brain::Brain;
use crate::dataset::{self, HoldOut, PrepareOptions, Shard};
use crate::eval::curves::BLOCK_SECS;
use crate::eval::report::LessonFacts;
use crate::ledger::Source;
use crate::media::Ffmpeg;
use crate::model::LearningCurve;
use crate::task::Task;
use crate::{Error, Kind, Result};
use std::path::{Path, PathBuf};

/// A film or a held-out part of one that is shorter than this can't be judged, in seconds: the attacks' score leaves half
/// a second out at either end.
const SHORTEST_SECS: f64 = 1.1;

/// A film that is judged.
pub(crate) struct Subject {
    pub(crate) name: String,
    /// The film itself, where the person named it.
    pub(crate) film: Option<PathBuf>,
    /// Its pictures and its sound.
    pub(crate) shard: Shard,
    /// The rule by which the brain left parts of it out; `None` where it never saw the film.
    pub(crate) hold_out: Option<HoldOut>,
}

impl Subject {
    /// Whether block `number` is judged.
    pub(crate) fn judges(&self, number: i64) -> bool {
        self.hold_out.is_none_or(|rule| rule.holds(number))
    }

    /// Whether enough of it is judged under that rule.
    pub(crate) fn has_enough(&self, rule: Option<HoldOut>) -> bool {
        let end = self.shard.end().as_secs_f64();
        rule.map_or(end, |rule| held_out_of(end, rule)) >= SHORTEST_SECS
    }
}

/// Finds pictures and sound of `films`, or, where none is named, of those that the brain learned from. Every film has
/// something to judge.
pub(crate) fn gather(
    ffmpeg: &Ffmpeg,
    brain: &Brain,
    films: &[PathBuf],
    cache: &Path,
    task: Task<'_>,
) -> Result<Vec<Subject>> {
    let subjects = if films.is_empty() {
        let known = brain.ledger().iter().map(|source| known(brain, source, cache));
        known.collect::<Result<Vec<_>>>()?
    } else {
        films.iter().map(|film| named(ffmpeg, brain, film, cache, task)).collect::<Result<Vec<_>>>()?
    };
    if subjects.is_empty() {
        return Err(Error::new(Kind::Empty, "there is no film to judge the brain on").help("name a film"));
    }
    let subjects = without_doubles(subjects, task);
    let (good, bad): (Vec<Subject>, Vec<Subject>) =
        subjects.into_iter().partition(|subject| subject.has_enough(subject.hold_out));
    for subject in &bad {
        if good.is_empty() {
            return Err(nothing_to_judge(subject));
        }
        task.watcher.warn(&format!("{} is left out: {}", subject.name, reason(subject)));
    }
    Ok(good)
}

/// A film counts once, however often it was named; different films of one name are numbered.
fn without_doubles(subjects: Vec<Subject>, task: Task<'_>) -> Vec<Subject> {
    let mut single: Vec<Subject> = Vec::new();
    for subject in subjects {
        let hash = &subject.shard.source().blake3;
        if single.iter().any(|other| other.shard.source().blake3 == *hash) {
            task.watcher.warn(&format!("{} is named twice and counts once", subject.name));
        } else {
            single.push(subject);
        }
    }
    let names = crate::eval::all_names_differ(single.iter().map(|subject| subject.name.clone()).collect());
    single.into_iter().zip(names).map(|(subject, name)| Subject { name, ..subject }).collect()
}

/// A film of the ledger, from the folder of prepared films.
fn known(brain: &Brain, source: &Source, cache: &Path) -> Result<Subject> {
    let found = dataset::find_hash(cache, &source.blake3, brain.size(), brain.colour())?;
    let Some(shard) = found.filter(|shard| shard.sound().is_some()) else {
        return Err(Error::new(
            Kind::NotFound,
            format!("the brain learned from {}, which is not among the prepared films", source.name),
        )
        .help(format!("name the film: kinophone eval BRAIN {} -o REPORT", source.name)));
    };
    Ok(Subject { name: source.name.clone(), film: None, shard, hold_out: Some(brain.hold_out()) })
}

fn named(ffmpeg: &Ffmpeg, brain: &Brain, film: &Path, cache: &Path, task: Task<'_>) -> Result<Subject> {
    let options = PrepareOptions {
        size: brain.size(),
        colour: brain.colour(),
        require_sound: true,
        ..PrepareOptions::default()
    };
    let silent = |e: Error| match e.kind() {
        Kind::NoSound => {
            Error::new(Kind::NoSound, "has no sound, so there is nothing to compare a brain's with")
                .at(film)
                .help(
                    "name a film with sound; a silent one can be given a soundtrack with 'kinophone render'",
                )
        }
        _ => e,
    };
    let prepared = dataset::prepare(ffmpeg, &[film.to_owned()], cache, &options, task).map_err(silent)?;
    let shard = Shard::open(&prepared[0].shard)?;
    let learned = brain.ledger().iter().any(|source| source.blake3 == shard.source().blake3);
    let name = film.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Subject { name, film: Some(film.to_owned()), shard, hold_out: learned.then(|| brain.hold_out()) })
}

/// The words complete "the film is left out: …" and "the film …".
fn reason(subject: &Subject) -> &'static str {
    match subject.hold_out {
        _ if subject.shard.end().as_secs_f64() < SHORTEST_SECS => "it is too short to be judged",
        Some(HoldOut::None) => "the brain learned from all of it",
        Some(_) => "it has no block of ten seconds that was held out",
        None => "it is too short to be judged",
    }
}

fn nothing_to_judge(subject: &Subject) -> Error {
    let place = subject.film.clone().unwrap_or_else(|| PathBuf::from(&subject.name));
    let error = |what: &str| Error::new(Kind::Empty, what).at(place);
    match subject.hold_out {
        Some(HoldOut::None) if subject.has_enough(None) => error(
            "was learned whole by this brain, so nothing says how well it does on what it does not know",
        )
        .help("name a film that it never saw, or train it again without --hold-out none"),
        Some(_) if subject.has_enough(None) => error(
            "is too short to have a part that this brain did not learn from: no block of ten seconds of it was held out",
        )
        .help("name another film, or train the brain again with --hold-out fold0"),
        _ => error("is about a second long or shorter, too short to judge a brain on")
            .help("name a film of ten seconds or more"),
    }
}

/// Opens everything that the brain learned from: from among `subjects`, or from the folder of prepared films.
pub(crate) fn lessons(brain: &Brain, subjects: &[Subject], cache: &Path) -> Result<Vec<Shard>> {
    let open = |source: &Source| {
        let at_hand = subjects.iter().find(|subject| subject.shard.source().blake3 == source.blake3);
        match at_hand {
            Some(subject) => Shard::open(subject.shard.path()),
            None => known(brain, source, cache).map(|subject| subject.shard).map_err(|e| {
                e.help(format!(
                    "to train again, all films are needed that the brain learned from: name {} too",
                    source.name
                ))
            }),
        }
    };
    brain.ledger().iter().map(open).collect()
}

/// Seconds of film that a brain learned from: as its file has it, or by the lengths of its films.
pub(crate) fn trained_seconds(brain: &Brain) -> Option<f64> {
    let said = match brain {
        Brain::Classic(_) => None,
        Brain::Ensemble(brain) => brain.trained_seconds(),
    };
    let learned = |source: &Source| {
        let seconds = source.facts.duration?.as_secs_f64();
        Some(seconds - held_out_of(seconds, brain.hold_out()))
    };
    let estimated =
        || brain.ledger().iter().map(learned).sum::<Option<f64>>().filter(|seconds| *seconds > 0.0);
    said.or_else(estimated).map(|seconds| crate::eval::rounded(seconds, 1))
}

/// How much of a film of that length a rule holds out, in seconds.
fn held_out_of(seconds: f64, rule: HoldOut) -> f64 {
    let blocks = (seconds / BLOCK_SECS).ceil() as i64;
    let of_block = |block: i64| (seconds - block as f64 * BLOCK_SECS).min(BLOCK_SECS);
    (0..blocks).filter(|block| rule.holds(*block)).map(of_block).sum()
}

/// What the training found out about more of it.
pub(crate) fn prospects(brain: &Brain) -> Option<LearningCurve> {
    match brain {
        Brain::Classic(_) => None,
        Brain::Ensemble(brain) => brain.prospects().cloned(),
    }
}

/// The ledger for the report.
pub(crate) fn ledger(brain: &Brain) -> Vec<LessonFacts> {
    let lesson = |source: &Source| LessonFacts {
        film: source.name.clone(),
        seconds: source.facts.duration.map(|length| crate::eval::rounded(length.as_secs_f64(), 2)),
        licence: source.licence.clone(),
        author: source.author.clone(),
        title: source.title.clone(),
        origin: source.origin.clone(),
    };
    brain.ledger().iter().map(lesson).collect()
}
