//! How good a brain is: its soundtracks beside the films' own, on parts that it never saw, against baselines.
//!
//! A film that the brain learned from is judged on the ten-second blocks that were held out; any other film is judged
//! whole. Each version of a film's sound is compared frame by frame with the film's own ([`kinophone_dsp::metrics`]):
//!
//! | version | is |
//! |---|---|
//! | `ours` | the brain, with the synth that suits it |
//! | `live` | the same with the networks that know nothing of what comes |
//! | `rolled` | ours, moved to other pictures: what the sound's habits alone reach |
//! | `mean` | noise with the mean spectrum of the training sound |
//! | `silence` | nothing |
//! | `classic` | the method of 2015, trained on the same films and split |
//!
//! What comes of it is a [`Report`], and a folder with it as `report.json` and as one page that needs nothing else. None of
//! the figures replaces listening, so the page plays every version.

mod baseline;
mod card;
mod curves;
mod gallery;
mod page;
mod pictures;
mod prose;
mod report;
mod retraining;
mod still;
mod subject;

pub use card::card;
pub use gallery::{Cell, Exhibition, Gallery, exhibit};
pub use report::{Figures, FilmReport, Report, Version};

use crate::brain::Brain;
use crate::dataset::{HoldOut, Shard, downmix};
use crate::eval::curves::{Curves, Kept};
use crate::eval::report::{BrainFacts, HeldOutSpan, Original, SCHEMA};
use crate::eval::subject::Subject;
use crate::media::Ffmpeg;
use crate::plot::Sonogram;
use crate::render::{self, GivenPictures, LoudnessMode, RenderPlan};
use crate::soundtrack::OutputOptions;
use crate::storage::{self, AtomicFolder, Overwrite};
use crate::task::Task;
use crate::{Error, Result};
use kinophone_dsp::metrics::RATE;
use kinophone_dsp::units::{MediaTime, SampleRate};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The file by which a report's folder is known.
const MARK: &str = "report.json";
/// Size of a spectrogram on the page in pixels.
const SONOGRAM: (usize, usize) = (1200, 200);
/// Up to so many seconds every version is heard on the page, beyond them only the original and the brain.
const ALL_HEARD_SECS: f64 = 180.0;
/// Frames that are read at a time.
const CHUNK: usize = 1 << 16;

/// What to judge, and how thoroughly.
#[derive(Clone, Debug)]
pub struct EvalPlan {
    /// The brain file.
    pub brain: PathBuf,
    /// The films; none: those that it learned from.
    pub films: Vec<PathBuf>,
    /// The folder to write. It appears whole or not at all.
    pub output: PathBuf,
    /// Whether an existing report may be replaced. No other folder ever is.
    pub overwrite: Overwrite,
    /// The folder of prepared films; films that were named are prepared into it.
    pub cache: PathBuf,
    /// Seed of the synth.
    pub seed: u64,
    /// How loud all soundtracks are.
    pub loudness: LoudnessMode,
    /// Whether a classic brain is trained to compare with.
    pub classic: bool,
    /// Folds of a cross-validation, 2 to 5.
    pub folds: Option<usize>,
    /// Trainings that differ in the seed alone, this brain included, at least 2.
    pub seeds: Option<usize>,
    /// Whether to train on parts of the footage.
    pub growth: bool,
    /// Whether the soundtracks are kept in the report's folder, as `sound/FILM.VERSION.wav`.
    pub keep_sound: bool,
}

/// Judges a brain, and writes the report.
pub fn evaluate(ffmpeg: &Ffmpeg, how: &EvalPlan, task: Task<'_>) -> Result<Report> {
    storage::check_distinct(&how.output, &[&how.brain])?;
    let folder = AtomicFolder::create(&how.output, how.overwrite, MARK)?;
    let brain = Brain::load(&how.brain)?;
    retraining::check(&brain, how)?;
    let subjects = subject::gather(ffmpeg, &brain, &how.films, &how.cache, task)?;
    let scratch = folder.path().join("work");
    std::fs::create_dir(&scratch).map_err(|e| Error::io("made", &scratch, e))?;
    let bench = EvalContext { ffmpeg, how, brain: &brain, folder: folder.path(), scratch: &scratch, task };
    let report = bench.report(&subjects)?;
    std::fs::remove_dir_all(&scratch).map_err(|e| Error::io("removed", &scratch, e))?;
    page::write_report(&report, folder.path())?;
    folder.commit()?;
    Ok(report)
}

/// What every part of an examination works with.
struct EvalContext<'a> {
    ffmpeg: &'a Ffmpeg,
    how: &'a EvalPlan,
    brain: &'a Brain,
    /// The report's folder under its temporary name.
    folder: &'a Path,
    /// A folder that is removed in the end.
    scratch: &'a Path,
    task: Task<'a>,
}

/// A brain that plays: its file, and what pictures it wants.
struct EvalPlayer {
    file: PathBuf,
    size: u32,
    colour: bool,
}

impl EvalPlayer {
    fn of(file: &Path, brain: &Brain) -> Self {
        Self { file: file.to_owned(), size: brain.size(), colour: brain.colour() }
    }
}

/// Where brains play to pictures that are at hand.
struct Playback<'a> {
    ffmpeg: &'a Ffmpeg,
    /// A folder that is removed in the end.
    scratch: &'a Path,
    seed: u64,
    task: Task<'a>,
}

impl Playback<'_> {
    /// Plays a brain, as if live or not, to a loudness; the sound alone.
    fn render(
        &self,
        player: &EvalPlayer,
        name: &str,
        pictures: GivenPictures<'_>,
        (live, loudness): (bool, LoudnessMode),
        file: &str,
    ) -> Result<PathBuf> {
        let output = self.scratch.join(file);
        let plan = RenderPlan {
            seed: self.seed,
            live,
            loudness,
            ..RenderPlan::new(
                player.file.clone(),
                PathBuf::from(name),
                OutputOptions::alone(output.clone(), Overwrite::Replace),
            )
        };
        render::render_to(self.ffmpeg, &plan, pictures, self.task)?;
        Ok(output)
    }

    /// A soundtrack as the measures want it.
    fn listen_to(&self, file: &Path) -> Result<Vec<f32>> {
        listen(self.ffmpeg, file, self.task)
    }
}

/// A version of a film's sound.
struct EvalTake {
    key: &'static str,
    title: &'static str,
    about: &'static str,
    baseline: bool,
    curves: Curves,
    sonogram: Option<Sonogram>,
    heard: Option<String>,
}

impl EvalContext<'_> {
    fn report(&self, subjects: &[Subject]) -> Result<Report> {
        let classic = self.how.classic.then(|| retraining::train_classic(self, subjects)).transpose()?;
        let films = subjects
            .iter()
            .map(|subject| self.film(subject, classic.as_ref()))
            .collect::<Result<Vec<FilmReport>>>()?;
        let stillness = still::stillness(&self.playback(), &self.player())?;
        let again = retraining::all(self, subjects)?;
        let name = self.how.brain.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let brain = BrainFacts {
            name,
            id: self.brain.id().to_owned(),
            kind: kind_of(self.brain),
            hold_out: name_of(self.brain.hold_out()),
            seed: self.brain.seed(),
            learned_from: subject::ledger(self.brain),
            trained_seconds: subject::trained_seconds(self.brain),
            prospects: subject::prospects(self.brain),
        };
        let mut report = Report {
            schema: SCHEMA,
            kinophone: env!("CARGO_PKG_VERSION").to_owned(),
            made: today(),
            brain,
            words: String::new(),
            films,
            folds: again.folds,
            seeds: again.seeds,
            stillness,
            growth: again.growth,
        };
        report.words = prose::verdict(&report);
        Ok(report)
    }

    fn player(&self) -> EvalPlayer {
        EvalPlayer::of(&self.how.brain, self.brain)
    }

    fn playback(&self) -> Playback<'_> {
        Playback { ffmpeg: self.ffmpeg, scratch: self.scratch, seed: self.how.seed, task: self.task }
    }

    fn fps(&self) -> f64 {
        self.brain.grid().tick.as_f64()
    }

    /// Judges a film in all versions.
    fn film(&self, subject: &Subject, classic: Option<&EvalPlayer>) -> Result<FilmReport> {
        let fps = self.fps();
        let original = self.original(subject)?;
        let reference = Curves::of(&original, fps);
        let mut stage = EvalStage { bench: self, subject, kept: None, versions: Vec::new() };
        let ours = stage.play(&self.player(), false, "ours")?;
        let sound = self.listen(&ours, begin(subject))?;
        let curves = Curves::of(&sound, fps);
        let kept = Kept::new(reference.frames().min(curves.frames()), fps, |block| subject.judges(block));
        let spans = kept.stretches();
        stage.kept = Some(kept);
        stage.add(
            ("ours", "This brain", "its soundtrack of this film", false),
            curves,
            Some(&sound),
            Some(&ours),
        )?;
        if self.has_live() {
            let live = stage.play(&self.player(), true, "live")?;
            stage.add_file(("live", "Live", "the same, knowing nothing of what comes", false), &live)?;
        }
        let rolled = baseline::rolled(&sound, &samples(&spans, fps));
        stage.add(
            ("rolled", "Wrong pictures", "the brain's sound, moved to other pictures", true),
            Curves::of(&rolled, fps),
            Some(&rolled),
            None,
        )?;
        drop((sound, rolled));
        let spectrum = baseline::mean_sound(self.brain, &original);
        let mean = baseline::noise(&spectrum, original.len());
        stage.add(
            ("mean", "Mean sound", "steady noise with the training sound's spectrum", true),
            Curves::of(&mean, fps),
            Some(&mean),
            None,
        )?;
        drop(mean);
        let frames = reference.frames();
        stage.add(("silence", "Silence", "nothing at all", true), Curves::of_silence(frames), None, None)?;
        if let Some(classic) = classic {
            let file = stage.play(classic, false, "classic")?;
            stage.add_file(("classic", "Classic", "a network of 2015, taught the same", true), &file)?;
        }
        stage.finish(&original, &reference)
    }

    fn has_live(&self) -> bool {
        match self.brain {
            Brain::Classic(_) => false,
            Brain::Ensemble(brain) => brain.config().plays(true),
        }
    }

    /// The film's own sound as the measures want it.
    fn original(&self, subject: &Subject) -> Result<Vec<f32>> {
        match &subject.film {
            Some(film) => self.playback().listen_to(film),
            None => Ok(sound_of_shard(&subject.shard)),
        }
    }

    /// A soundtrack as the measures want it, on the film's clock: it begins with the first picture.
    fn listen(&self, file: &Path, begin: MediaTime) -> Result<Vec<f32>> {
        let mut sound = self.playback().listen_to(file)?;
        let late = measure_rate().sample_at(begin).max(0) as usize;
        sound.splice(0..0, std::iter::repeat_n(0.0, late));
        Ok(sound)
    }
}

/// A film while its versions gather.
struct EvalStage<'a> {
    bench: &'a EvalContext<'a>,
    subject: &'a Subject,
    kept: Option<Kept>,
    versions: Vec<EvalTake>,
}

impl EvalStage<'_> {
    /// Renders a version; it is kept where the person wants it.
    fn play(&self, player: &EvalPlayer, live: bool, key: &str) -> Result<PathBuf> {
        let (bench, subject) = (self.bench, self.subject);
        let pictures = GivenPictures::of(&subject.shard, player.size, player.colour)?;
        let how = (live, bench.how.loudness);
        let file = bench.playback().render(player, &subject.name, pictures, how, &format!("{key}.wav"))?;
        if bench.how.keep_sound {
            bench.keep(&file, begin(subject), &format!("{}.{key}.wav", subject.name))?;
        }
        Ok(file)
    }

    fn add_file(
        &mut self,
        about: (&'static str, &'static str, &'static str, bool),
        file: &Path,
    ) -> Result<()> {
        let sound = self.bench.listen(file, begin(self.subject))?;
        self.add(about, Curves::of(&sound, self.bench.fps()), Some(&sound), Some(file))
    }

    /// `sound` is heard and seen unless it is silence; from `file` it is heard as it was rendered.
    fn add(
        &mut self,
        (key, title, about, baseline): (&'static str, &'static str, &'static str, bool),
        curves: Curves,
        sound: Option<&[f32]>,
        file: Option<&Path>,
    ) -> Result<()> {
        let Some(kept) = &self.kept else { return Ok(()) };
        let EvalContext { ffmpeg, scratch, task, .. } = *self.bench;
        let stretches = stretches(kept);
        let audible = !baseline || kept.seconds() <= ALL_HEARD_SECS;
        let judged = sound.map(|sound| gathered(sound, &samples(&kept.stretches(), kept.fps)));
        let heard = match (file, &judged) {
            _ if !audible => None,
            (Some(file), _) => {
                Some(pictures::audio_of_file(ffmpeg, scratch, file, begin(self.subject), &stretches, task)?)
            }
            (None, Some(judged)) => {
                Some(pictures::audio(ffmpeg, scratch, measure_rate(), 1, |out| out(judged))?)
            }
            (None, None) => None,
        };
        let (columns, rows) = SONOGRAM;
        let sonogram = judged.map(|judged| Sonogram::new(&judged, measure_rate(), columns, rows));
        self.versions.push(EvalTake { key, title, about, baseline, curves, sonogram, heard });
        Ok(())
    }

    /// Compares everything and draws it on one scale of colours.
    fn finish(self, original: &[f32], reference: &Curves) -> Result<FilmReport> {
        let Self { bench, subject, kept, versions } = self;
        let Some(kept) = kept else { return Err(too_short(subject)) };
        let frames = versions.iter().map(|take| take.curves.frames()).min().unwrap_or(0);
        // Versions may differ by less than a frame in length; all are compared over the same frames.
        let kept = Kept::new(frames.min(reference.frames()), kept.fps, |block| subject.judges(block));
        let stretches = stretches(&kept);
        let (columns, rows) = SONOGRAM;
        let judged = gathered(original, &samples(&kept.stretches(), kept.fps));
        let sonogram = Sonogram::new(&judged, measure_rate(), columns, rows);
        drop(judged);
        let loudest = versions
            .iter()
            .filter_map(|take| take.sonogram.as_ref())
            .map(Sonogram::loudest)
            .fold(sonogram.loudest(), f32::max);
        let ours = versions.first().ok_or_else(|| too_short(subject))?;
        let chance = curves::chance(reference, &ours.curves, &kept);
        let made = versions
            .iter()
            .map(|take| version(take, reference, &kept, loudest)?.ok_or_else(|| too_short(subject)))
            .collect::<Result<Vec<_>>>()?;
        let strip =
            pictures::strip(bench.ffmpeg, subject.film.as_deref(), &subject.shard, &stretches, bench.task)?;
        let level = curves::mean(&kept.pick(&reference.loudness));
        Ok(FilmReport {
            name: subject.name.clone(),
            learned: subject.hold_out.is_some(),
            fps: kept.fps,
            seconds: rounded(kept.seconds(), 3),
            chance,
            original: Original {
                audio: pictures::audio_of_shard(bench.ffmpeg, bench.scratch, &subject.shard, &stretches)?,
                spectrogram: pictures::png(&sonogram, loudest)?,
                loudness_db: all_rounded(&kept.pick(&reference.loudness), 2),
                onset: all_rounded(&kept.pick(&reference.onset), 3),
                comb_db: reference.comb_db(),
                level_db: level,
                spectrum_db: reference.comb.iter().flatten().map(|db| rounded(*db, 2)).collect(),
            },
            stretches,
            versions: made,
            strip: Some(strip.uri),
            strip_step: strip.step,
            strip_count: strip.count,
        })
    }
}

fn version(take: &EvalTake, reference: &Curves, kept: &Kept, loudest: f32) -> Result<Option<Version>> {
    let Some(scores) = curves::score(reference, &take.curves, kept) else { return Ok(None) };
    Ok(Some(Version {
        key: take.key.to_owned(),
        title: take.title.to_owned(),
        about: take.about.to_owned(),
        baseline: take.baseline,
        audio: take.heard.clone(),
        spectrogram: take.sonogram.as_ref().map(|sonogram| pictures::png(sonogram, loudest)).transpose()?,
        loudness_db: all_rounded(&kept.pick(&take.curves.loudness), 2),
        onset: all_rounded(&kept.pick(&take.curves.onset), 3),
        measures: scores.measures,
        lags: scores.lags.iter().map(|(lag, r)| (*lag, rounded(*r, 4))).collect(),
        comb: (1..).zip(take.curves.comb.iter().flatten()).map(|(k, db)| (k, rounded(*db, 2))).collect(),
    }))
}

impl EvalContext<'_> {
    /// Copies a soundtrack into the report, laid on the film's clock.
    fn keep(&self, file: &Path, begin: MediaTime, name: &str) -> Result<()> {
        let folder = self.folder.join("sound");
        std::fs::create_dir_all(&folder).map_err(|e| Error::io("made", &folder, e))?;
        let target = folder.join(name);
        if begin <= MediaTime::ZERO {
            std::fs::copy(file, &target).map_err(|e| Error::io("written", &target, e))?;
            return Ok(());
        }
        pictures::lay_on_clock(self.ffmpeg, file, begin, &target, self.task)
    }
}

/// A file's sound as the measures want it.
fn listen(ffmpeg: &Ffmpeg, file: &Path, task: Task<'_>) -> Result<Vec<f32>> {
    let mut stream = ffmpeg.decode_for_measures(file, 0)?;
    let (mut sound, mut part) = (Vec::new(), vec![0.0; CHUNK]);
    loop {
        task.cancel.check()?;
        match stream.read(&mut part)? {
            0 => return Ok(sound),
            got => sound.extend_from_slice(&part[..got]),
        }
    }
}

/// "20 seconds", "2 min 05 s".
fn length(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    if whole < 100 {
        format!("{whole} second{}", if whole == 1 { "" } else { "s" })
    } else {
        format!("{} min {:02} s", whole / 60, whole % 60)
    }
}

/// The names, with a number behind each that was there before.
fn all_names_differ(names: Vec<String>) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for name in names {
        let numbered = (1..).map(|n| if n == 1 { name.clone() } else { format!("{name}-{n}") });
        // On most systems of our users names that differ in case alone are one name.
        let free = |n: &String| !taken.iter().any(|t| t.eq_ignore_ascii_case(n));
        let found = numbered.into_iter().find(free).unwrap_or_default();
        taken.push(found);
    }
    taken
}

/// When the film's first picture appears: there a soundtrack begins.
fn begin(subject: &Subject) -> MediaTime {
    subject.shard.time(0).max(MediaTime::ZERO)
}

fn too_short(subject: &Subject) -> Error {
    let place = subject.film.clone().unwrap_or_else(|| PathBuf::from(&subject.name));
    Error::new(crate::Kind::Empty, "has too little sound to be judged")
        .at(place)
        .help("name a film with ten seconds of sound or more")
}

/// Judged stretches on the film's clock.
fn stretches(kept: &Kept) -> Vec<HeldOutSpan> {
    let at = |frame: usize| rounded(frame as f64 / kept.fps, 6);
    kept.stretches().iter().map(|run| HeldOutSpan { from: at(run.start), to: at(run.end) }).collect()
}

/// The samples of runs of frames.
fn samples(runs: &[Range<usize>], fps: f64) -> Vec<Range<usize>> {
    let at = |frame: usize| (frame as f64 * f64::from(RATE) / fps).round() as usize;
    runs.iter().map(|run| at(run.start)..at(run.end)).collect()
}

/// Parts of a sound end to end.
fn gathered(sound: &[f32], parts: &[Range<usize>]) -> Vec<f32> {
    let part = |range: &Range<usize>| &sound[range.start.min(sound.len())..range.end.min(sound.len())];
    parts.iter().flat_map(part).copied().collect()
}

/// A shard's sound as the measures want it. Its channels are added up at the level at which ffmpeg does it, see
/// [`Ffmpeg::decode_for_measures`].
fn sound_of_shard(shard: &Shard) -> Vec<f32> {
    let Some((rate, channels, samples)) = shard.sound() else { return Vec::new() };
    let mut resampler = kinophone_dsp::resample::Resampler::new(rate, measure_rate());
    let (mut sound, mut mixed, channels) = (Vec::new(), Vec::new(), channels as usize);
    let gain = (channels as f32).sqrt();
    for frames in samples.chunks(CHUNK * channels) {
        downmix(frames, channels, &mut mixed);
        mixed.iter_mut().for_each(|x| *x *= gain);
        resampler.push(&mixed, &mut sound);
    }
    resampler.finish(&mut sound);
    sound
}

fn measure_rate() -> SampleRate {
    SampleRate::new(RATE).expect("a constant within the range")
}

fn kind_of(brain: &Brain) -> &'static str {
    match brain {
        Brain::Classic(_) => "classic",
        Brain::Ensemble(_) => "ensemble",
    }
}

/// As the option is written.
fn name_of(rule: HoldOut) -> String {
    serde_json::to_value(rule).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Digits that nobody reads would double the page.
fn rounded(x: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (x * scale).round() / scale
}

fn all_rounded(values: &[f64], digits: i32) -> Vec<f64> {
    values.iter().map(|x| rounded(*x, digits)).collect()
}

/// The date in UTC, by Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn today() -> String {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    date_of((seconds / 86_400) as i64)
}

fn date_of(days: i64) -> String {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    // Years begin in March here.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    format!("{:04}-{month:02}-{day:02}", year + 400 * era + i64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        for (days, date) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_780, "2026-11-23"),
            (-1, "1969-12-31"),
        ] {
            assert_eq!(date_of(days), date);
        }
    }

    #[test]
    fn lengths_are_told_in_words() {
        assert_eq!([1.0, 99.7, 125.0].map(length), ["1 second", "1 min 40 s", "2 min 05 s"]);
    }

    #[test]
    fn names_that_are_there_already_are_numbered() {
        let names = ["a", "b", "A", "a-2", "a"].map(str::to_owned).to_vec();
        assert_eq!(all_names_differ(names), ["a", "b", "A-2", "a-2-2", "a-3"]);
    }

    #[test]
    fn parts_of_a_sound_lie_end_to_end() {
        let sound: Vec<f32> = (0..10).map(|n| n as f32).collect();
        assert_eq!(gathered(&sound, &[1..3, 8..12]), [1.0, 2.0, 8.0, 9.0]);
        assert_eq!(samples(&[0..15, 30..60], 30.0), [0..11_025, 22_050..44_100]);
    }
}
