//! The versions of a film's sound, compared with the film's own.

use crate::brain::Brain;
use crate::eval::context::{EvalContext, EvalPlayer, PlaybackMode};
use crate::eval::curves::{self, Curves, EvaluatedFrames, SILENT_DB, frames_with_picture};
use crate::eval::figures::{all_rounded, mean, rounded};
use crate::eval::film::EvalFilm;
use crate::eval::further::{self, Analysed, FineAnalysis};
use crate::eval::report::{FilmReport, FurtherMeasures, HeldOutSpan, Original, Version};
use crate::eval::sound::{concatenated, measure_rate, sample_ranges};
use crate::eval::{baseline, pictures};
use crate::plot::Sonogram;
use crate::render::GivenPictures;
use crate::soundtrack::RenderTrace;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::MediaTime;
use std::path::{Path, PathBuf};

/// Size of a spectrogram on the page in pixels.
const SONOGRAM_SIZE: (usize, usize) = (1200, 200);
/// Longest evaluated part, in seconds, for which the page plays every version; beyond it only the original
/// and the brain.
const ALL_AUDIBLE_SECS: f64 = 180.0;

/// The texts of a version.
struct VersionInfo {
    key: &'static str,
    title: &'static str,
    about: &'static str,
    baseline: bool,
}

const fn brain_info(key: &'static str, title: &'static str, about: &'static str) -> VersionInfo {
    VersionInfo { key, title, about, baseline: false }
}

const fn baseline_info(key: &'static str, title: &'static str, about: &'static str) -> VersionInfo {
    VersionInfo { key, title, about, baseline: true }
}

const OURS: VersionInfo = brain_info("ours", "This brain", "its soundtrack of this film");
const LIVE: VersionInfo = brain_info("live", "Live", "the same without lookahead");
const ROLLED: VersionInfo =
    baseline_info("rolled", "Wrong pictures", "the brain's sound, moved to other pictures");
const MEAN: VersionInfo =
    baseline_info("mean", "Mean sound", "steady noise with the training sound's spectrum");
const SILENCE: VersionInfo = baseline_info("silence", "Silence", "digital silence");
const CLASSIC: VersionInfo =
    baseline_info("classic", "Classic", "a network of 2015, trained on the same films");

/// A version of a film's sound.
struct SoundVersion {
    info: VersionInfo,
    curves: Curves,
    further: FurtherMeasures,
    /// Share by which what moves leads every tick, from the first picture on.
    shares: Vec<f32>,
    sonogram: Option<Sonogram>,
    audio: Option<String>,
}

/// A sound for measurement on the film's clock, the file that it was decoded from, and the trace of its render.
struct MeasuredSound<'a> {
    samples: &'a [f32],
    file: Option<&'a Path>,
    trace: Option<RenderTrace>,
}

impl<'a> MeasuredSound<'a> {
    /// A sound that was not rendered.
    fn made(samples: &'a [f32]) -> Self {
        Self { samples, file: None, trace: None }
    }
}

/// The film's own sound and its motion, with which all versions are compared.
struct FilmAnalysis<'a> {
    reference: &'a Curves,
    fine: FineAnalysis,
    /// Motion of the pictures from the first one on; `None` where the film itself is not at hand.
    motion: Option<Vec<f64>>,
}

/// Evaluates a film in all versions.
pub(crate) fn evaluate_film(
    context: &EvalContext<'_>,
    film: &EvalFilm,
    classic: Option<&EvalPlayer>,
) -> Result<FilmReport> {
    let fps = context.fps();
    let original = context.original(film)?;
    let reference = Curves::of(&original, fps);
    let (file, trace) = play(context, film, &context.player(), &OURS, false)?;
    let sound = context.decode(&file, begin(film))?;
    let curves = Curves::of(&sound, fps);
    let frames = evaluated(film, reference.frames().min(curves.frames()), fps);
    if frames.pick(&reference.loudness).iter().all(|db| *db <= SILENT_DB) {
        context.task.watcher.warn(&format!(
            "{} is silent where it is evaluated: its figures say nothing about the brain",
            film.name
        ));
    }
    let analysis = FilmAnalysis::of(context, film, &original, &reference)?;
    let mut versions = Versions { context, film, frames, analysis, versions: Vec::new() };
    versions.add(OURS, curves, MeasuredSound { samples: &sound, file: Some(&file), trace })?;
    if has_live_members(context.brain) {
        versions.add_played(LIVE, &context.player(), true)?;
    }
    versions.add_baselines(&sound, &original, reference.frames())?;
    if let Some(classic) = classic {
        versions.add_played(CLASSIC, classic, false)?;
    }
    versions.compare(&original)
}

fn has_live_members(brain: &Brain) -> bool {
    match brain {
        Brain::Classic(_) => false,
        Brain::Ensemble(brain) => brain.config().plays(true),
    }
}

/// Renders a version; keeps it in the report where the plan says so.
fn play(
    context: &EvalContext<'_>,
    film: &EvalFilm,
    player: &EvalPlayer,
    info: &VersionInfo,
    live: bool,
) -> Result<(PathBuf, Option<RenderTrace>)> {
    let pictures = GivenPictures::of(&film.shard, player.size, player.colour)?;
    let mode = PlaybackMode { live, loudness: context.plan.loudness };
    let key = info.key;
    let film_pictures = (&*film.name, pictures);
    let (file, trace) =
        context.playback().render_traced(player, film_pictures, mode, &format!("{key}.wav"))?;
    if context.plan.keep_sound {
        keep(context, &file, begin(film), &format!("{}.{key}.wav", film.name))?;
    }
    Ok((file, trace))
}

/// Copies a soundtrack into the report, shifted to the film's clock.
fn keep(context: &EvalContext<'_>, file: &Path, begin: MediaTime, name: &str) -> Result<()> {
    let folder = context.folder.join("sound");
    std::fs::create_dir_all(&folder).map_err(|e| Error::io("made", &folder, e))?;
    let target = folder.join(name);
    if begin <= MediaTime::ZERO {
        std::fs::copy(file, &target).map_err(|e| Error::io("written", &target, e))?;
        return Ok(());
    }
    pictures::shift_to_clock(context.ffmpeg, file, begin, &target, context.task)
}

/// The versions of a film, in the order of the report.
struct Versions<'a> {
    context: &'a EvalContext<'a>,
    film: &'a EvalFilm,
    frames: EvaluatedFrames,
    analysis: FilmAnalysis<'a>,
    versions: Vec<SoundVersion>,
}

impl Versions<'_> {
    /// Adds the brain's own sound on other pictures, noise with the mean spectrum, and silence.
    fn add_baselines(&mut self, ours: &[f32], original: &[f32], frames: usize) -> Result<()> {
        let fps = self.frames.fps;
        let rolled = baseline::rolled(ours, &sample_ranges(&self.frames.runs(), fps));
        self.add(ROLLED, Curves::of(&rolled, fps), MeasuredSound::made(&rolled))?;
        drop(rolled);
        let spectrum = baseline::mean_sound(self.context.brain, original);
        let mean = baseline::noise(&spectrum, original.len());
        self.add(MEAN, Curves::of(&mean, fps), MeasuredSound::made(&mean))?;
        drop(mean);
        self.add(SILENCE, Curves::of_silence(frames), MeasuredSound::made(&vec![0.0; original.len()]))
    }

    fn add_played(&mut self, info: VersionInfo, player: &EvalPlayer, live: bool) -> Result<()> {
        let (file, trace) = play(self.context, self.film, player, &info, live)?;
        let samples = self.context.decode(&file, begin(self.film))?;
        let curves = Curves::of(&samples, self.context.fps());
        self.add(info, curves, MeasuredSound { samples: &samples, file: Some(&file), trace })
    }

    /// Adds a version. From a file the page plays it as it was rendered; of silence there is nothing to play or to see.
    fn add(&mut self, info: VersionInfo, curves: Curves, sound: MeasuredSound<'_>) -> Result<()> {
        let further = self.further(&curves, &sound);
        let evaluated = (info.key != SILENCE.key)
            .then(|| concatenated(sound.samples, &sample_ranges(&self.frames.runs(), self.frames.fps)));
        let audio = self.audio(&info, sound.file, evaluated.as_deref())?;
        let (columns, rows) = SONOGRAM_SIZE;
        let sonogram = evaluated.map(|samples| Sonogram::new(&samples, measure_rate(), columns, rows));
        let shares = sound.trace.map_or(Vec::new(), |trace| trace.shares);
        self.versions.push(SoundVersion { info, curves, further, shares, sonogram, audio });
        Ok(())
    }

    /// The further measures of a version.
    fn further(&self, curves: &Curves, sound: &MeasuredSound<'_>) -> FurtherMeasures {
        let FilmAnalysis { reference, fine, .. } = &self.analysis;
        let begin = begin(self.film);
        let jumps = sound.trace.as_ref().and_then(|trace| trace.jumps.as_ref());
        let splices: Option<Vec<f64>> =
            jumps.map(|jumps| jumps.iter().map(|secs| secs + begin.as_secs_f64()).collect());
        let measures = further::compared(
            Analysed { curves: reference, fine },
            Analysed { curves, fine: &FineAnalysis::of(sound.samples) },
            &self.frames,
            splices.as_deref(),
        );
        self.analysis.followed(measures, sound.samples, begin)
    }

    /// The evaluated part of a version for the page, where it is audible there.
    fn audio(
        &self,
        info: &VersionInfo,
        file: Option<&Path>,
        evaluated: Option<&[f32]>,
    ) -> Result<Option<String>> {
        let EvalContext { ffmpeg, scratch, task, .. } = *self.context;
        if info.baseline && self.frames.seconds() > ALL_AUDIBLE_SECS {
            return Ok(None);
        }
        let audio = match (file, evaluated) {
            (Some(file), _) => {
                let begin = begin(self.film);
                pictures::audio_of_file(ffmpeg, scratch, (file, begin), &spans(&self.frames), task)?
            }
            (None, Some(samples)) => pictures::audio(ffmpeg, scratch, measure_rate(), 1, |out| out(samples))?,
            (None, None) => return Ok(None),
        };
        Ok(Some(audio))
    }

    /// Compares all versions with the original, and draws their spectrograms on one scale of colours.
    fn compare(self, original: &[f32]) -> Result<FilmReport> {
        let Self { context, film, frames, analysis, versions } = self;
        let reference = analysis.reference;
        let shortest = versions.iter().map(|version| version.curves.frames()).min().unwrap_or(0);
        // Versions may differ by less than a frame in length; all are compared over the same frames.
        let frames = evaluated(film, shortest.min(reference.frames()), frames.fps);
        let spans = spans(&frames);
        let (columns, rows) = SONOGRAM_SIZE;
        let evaluated = concatenated(original, &sample_ranges(&frames.runs(), frames.fps));
        let sonogram = Sonogram::new(&evaluated, measure_rate(), columns, rows);
        drop(evaluated);
        let loudest = versions
            .iter()
            .filter_map(|version| version.sonogram.as_ref())
            .map(Sonogram::loudest)
            .fold(sonogram.loudest(), f32::max);
        let ours = versions.first().ok_or_else(|| too_short(film))?;
        let chance = curves::chance(reference, &ours.curves, &frames);
        let compared = versions
            .iter()
            .map(|version| {
                version.compare(reference, &frames, begin(film), loudest)?.ok_or_else(|| too_short(film))
            })
            .collect::<Result<Vec<_>>>()?;
        let strip = pictures::strip(context.ffmpeg, film.path.as_deref(), &film.shard, &spans, context.task)?;
        Ok(FilmReport {
            name: film.name.clone(),
            learned: film.hold_out.is_some(),
            fps: frames.fps,
            seconds: rounded(frames.seconds(), 3),
            chance,
            original: Original {
                audio: pictures::audio_of_shard(context.ffmpeg, context.scratch, &film.shard, &spans)?,
                spectrogram: pictures::png(&sonogram, loudest)?,
                further: analysis.of_original(original, begin(film), &frames),
                ..original_curves(reference, &frames)
            },
            stretches: spans,
            versions: compared,
            strip: Some(strip.uri),
            strip_step: strip.step,
            strip_count: strip.count,
        })
    }
}

/// The film's own sound without what is heard and seen of it.
fn original_curves(reference: &Curves, frames: &EvaluatedFrames) -> Original {
    Original {
        audio: None,
        spectrogram: String::new(),
        loudness_db: all_rounded(&frames.pick(&reference.loudness), 2),
        onset: all_rounded(&frames.pick(&reference.onset), 3),
        comb_db: reference.comb_db(),
        level_db: mean(&frames.pick(&reference.loudness)),
        spectrum_db: reference.comb.iter().flatten().map(|db| rounded(*db, 2)).collect(),
        further: FurtherMeasures::default(),
    }
}

impl SoundVersion {
    /// The version for the report; `None` where too little is left to compare.
    fn compare(
        &self,
        reference: &Curves,
        frames: &EvaluatedFrames,
        first: MediaTime,
        loudest: f32,
    ) -> Result<Option<Version>> {
        let Some(scores) = curves::score(reference, &self.curves, frames) else { return Ok(None) };
        Ok(Some(Version {
            key: self.info.key.to_owned(),
            title: self.info.title.to_owned(),
            about: self.info.about.to_owned(),
            baseline: self.info.baseline,
            audio: self.audio.clone(),
            spectrogram: self.sonogram.as_ref().map(|s| pictures::png(s, loudest)).transpose()?,
            loudness_db: all_rounded(&frames.pick(&self.curves.loudness), 2),
            onset: all_rounded(&frames.pick(&self.curves.onset), 3),
            measures: scores.measures,
            further: self.further,
            led: self.led(frames, first),
            lags: scores.lags.iter().map(|(lag, r)| (*lag, rounded(*r, 4))).collect(),
            comb: (1..).zip(self.curves.comb.iter().flatten()).map(|(k, db)| (k, rounded(*db, 2))).collect(),
        }))
    }

    /// Share by which what moves leads every evaluated frame. Ticks count from the first picture, frames from the film's zero.
    fn led(&self, frames: &EvaluatedFrames, first: MediaTime) -> Vec<f64> {
        let Some(last) = self.shares.len().checked_sub(1) else { return Vec::new() };
        let tick = |frame: usize| (frame as f64 + 0.5 - first.as_secs_f64() * frames.fps).max(0.0) as usize;
        frames
            .indices
            .iter()
            .map(|frame| rounded(f64::from(self.shares[tick(*frame).min(last)]), 3))
            .collect()
    }
}

impl<'a> FilmAnalysis<'a> {
    fn of(
        context: &EvalContext<'_>,
        film: &EvalFilm,
        original: &[f32],
        reference: &'a Curves,
    ) -> Result<Self> {
        let motion =
            film.path.as_deref().map(|path| context.ffmpeg.motion(path, context.task)).transpose()?;
        Ok(Self { reference, fine: FineAnalysis::of(original), motion })
    }

    /// Adds how closely a sound on the film's clock follows what moves: from the first picture on.
    fn followed(&self, measures: FurtherMeasures, sound: &[f32], begin: MediaTime) -> FurtherMeasures {
        let Some(motion) = &self.motion else { return measures };
        let first = measure_rate().sample_at(begin).max(0) as usize;
        further::with_following(measures, motion, &sound[first.min(sound.len())..])
    }

    /// The further measures of the film's own sound.
    fn of_original(&self, sound: &[f32], begin: MediaTime, frames: &EvaluatedFrames) -> FurtherMeasures {
        self.followed(further::of_original(&self.fine, frames), sound, begin)
    }
}

/// The evaluated ones of a film's frames.
fn evaluated(film: &EvalFilm, total: usize, fps: f64) -> EvaluatedFrames {
    EvaluatedFrames::new(frames_with_picture(begin(film), total, fps), fps, |block| film.evaluates(block))
}

/// The time of the film's first picture, at which a soundtrack begins.
fn begin(film: &EvalFilm) -> MediaTime {
    film.shard.time(0).max(MediaTime::ZERO)
}

fn too_short(film: &EvalFilm) -> Error {
    let place = film.path.clone().unwrap_or_else(|| PathBuf::from(&film.name));
    Error::new(Kind::Empty, "has too little sound to be evaluated")
        .at(place)
        .help("name a film with ten seconds of sound or more")
}

/// Evaluated spans on the film's clock.
fn spans(frames: &EvaluatedFrames) -> Vec<HeldOutSpan> {
    let at = |frame: usize| rounded(frame as f64 / frames.fps, 6);
    frames.runs().iter().map(|run| HeldOutSpan { from: at(run.start), to: at(run.end) }).collect()
}
