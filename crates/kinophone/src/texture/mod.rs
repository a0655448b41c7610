//! Textures: a film's pictures play recorded sound, without a brain and without learning.
//!
//! What the pictures show ([`crate::visual`]) drives what sounds by a [`Mapping`]: loudness, density, tone, register, place, onsets,
//! and the change of material at cuts. The film is looked through once; then its sound is made from beginning to end, out of
//! grains that are chosen by their descriptors (D. Schwarz, G. Beller, B. Verbrugghe and S. Britton, "Real-time corpus-based
//! concatenative synthesis with CataRT", DAFx 2006) and hits whose attacks lie on the sample of their picture.
//!
//! Of the film some dozen numbers are kept for every picture and every fiftieth of a second, of the sound nothing but what plays.

mod compose;
mod curves;
mod mapping;
mod material;
mod sections;
#[cfg(test)]
mod tests;

pub use mapping::Mapping;
pub use mapping::PRESETS;

use crate::media::{Ffmpeg, SoundCodec};
use crate::score::{ClipEvent, CreditedSource, Credits, SourceSound};
use crate::sound_library::SoundLibrary;
use crate::soundtrack::{OutputOptions, OutputRequest, PlayedClips, ReservedOutput, SoundtrackMeta};
use crate::task::Task;
use crate::texture::compose::{Hit, HitReason, Made, Span, TextureComposer};
use crate::texture::curves::{Curve, STEP};
use crate::texture::mapping::MeasureName;
use crate::texture::material::{TextureMaterial, TextureSounds, UnitReader};
use crate::visual::{self, FrameState, VisualOnsets};
use crate::{Error, Kind, Result};
use kinophone_dsp::concat::ClipPlayer;
use kinophone_dsp::metrics::correlation;
use kinophone_dsp::units::{MediaTime, SampleRate};
use serde::Serialize;
use std::path::PathBuf;

/// Values a second of the curves that are handed out.
pub const CURVE_RATE: u32 = 30;
/// Over how many milliseconds measures are averaged that are but looked at.
const SMOOTH_MS: f32 = 100.0;
/// The softest loudness, in dB.
const FLOOR_DB: f32 = -70.0;

/// A texture to be made.
#[derive(Clone, Debug)]
pub struct TexturePlan {
    /// The film to give a soundtrack.
    pub film: PathBuf,
    /// The library's folder, to be named in errors.
    pub library: PathBuf,
    /// Where it goes.
    pub output: OutputOptions,
    /// What drives what.
    pub mapping: Mapping,
    /// Its name, for the file's tags.
    pub mapping_name: String,
    /// Whether shots that look alike get a part of the material for themselves; otherwise all play with all of it.
    pub sections: bool,
    /// Decides what chance decides.
    pub seed: u64,
    /// Integrated loudness in LUFS (EBU R 128); `None`: as the mapping says.
    pub loudness: Option<f64>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Textured {
    /// The file.
    pub output: PathBuf,
    /// Its length in seconds.
    pub seconds: f64,
    /// Pictures that were looked at.
    pub pictures: usize,
    /// Rate of the samples handed to the encoder, in Hz.
    pub rate: SampleRate,
    /// 1 or 2.
    pub channels: u32,
    /// Codec of the sound.
    pub codec: SoundCodec,
    /// Integrated loudness before the gain, in LUFS, where there is one.
    pub loudness_before: Option<f64>,
    /// The gain, in dB.
    pub gain_db: f64,
    /// Grains that were played.
    pub grains: u64,
    /// Onsets that sound.
    pub hits: u64,
    /// Correlation of the soundtrack's loudness (dB, thirty times a second, at least −70) with the measure that drives it,
    /// smoothed as mapped but not bent.
    pub follows: f64,
    /// The film's shots, in order.
    pub shots: Vec<ShotPlayed>,
    /// File names of the library's sources, by their numbers.
    pub sources: Vec<String>,
    /// Curves to be drawn.
    #[serde(skip)]
    pub drawn: DrawnMeasures,
    /// Whose sounds are played.
    pub credits: Option<Credits>,
    /// What ffmpeg complained about while decoding.
    pub complaints: Vec<String>,
}

/// A shot and what it plays with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShotPlayed {
    /// Where it begins in the soundtrack, in seconds.
    pub at: f64,
    /// Number of its section, from the darkest on.
    pub section: usize,
    /// Numbers of its sources.
    pub sources: Vec<u32>,
}

/// What drives what, thirty values a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DrawnMeasures {
    /// Every measure by name, brought to 0 to 1.
    pub measures: Vec<(&'static str, Vec<f32>)>,
    /// The loudness that was wanted, in dB.
    pub wanted_db: Vec<f32>,
    /// The soundtrack's, before gain and limiter.
    pub heard_db: Vec<f32>,
    /// Onsets that sound: seconds, and how strong they are.
    pub onsets: Vec<(f64, f32)>,
}

/// Gives `plan.film` a soundtrack of `library`. The output appears whole or not at all. Errors besides those of the film, the
/// output and the library: `Kind::Empty` where nothing in the library sounds.
pub fn texture(
    ffmpeg: &Ffmpeg,
    plan: &TexturePlan,
    library: &SoundLibrary,
    task: Task<'_>,
) -> Result<Textured> {
    let sources = library.sources().iter().map(CreditedSource::from).collect();
    TextureJob { ffmpeg, plan, task, sounds: library, sources }.run()
}

/// Every measure of a film by name, brought to 0 to 1 as mappings have it, [`CURVE_RATE`] values a second.
pub fn measures(seen: &FrameState) -> Vec<(&'static str, Vec<f32>)> {
    let ticks = ((seen.end - seen.begin()).0 * i64::from(CURVE_RATE) / 1_000_000).max(1) as usize;
    let curve = |from: MeasureName| (from.name(), values(&Curve::plain(seen, from, SMOOTH_MS), ticks));
    MeasureName::ALL.map(curve).into()
}

/// A curve's values in the middles of ticks.
fn values(curve: &Curve, ticks: usize) -> Vec<f32> {
    (0..ticks as i64).map(|k| curve.at((2 * k + 1) * 500_000 / i64::from(CURVE_RATE))).collect()
}

/// A texture under way.
struct TextureJob<'a> {
    ffmpeg: &'a Ffmpeg,
    plan: &'a TexturePlan,
    task: Task<'a>,
    sounds: &'a dyn TextureSounds,
    sources: Vec<CreditedSource>,
}

/// What was played, before the file is complete.
struct TexturePerformed {
    textured: Textured,
    played: PlayedClips,
}

impl TextureJob<'_> {
    fn run(self) -> Result<Textured> {
        let &Self { ffmpeg, plan, task, sounds, .. } = &self;
        let order = OutputRequest { film: &plan.film, inputs: &[], output: &plan.output };
        let production = ReservedOutput::begin(ffmpeg, order, true)?;
        production.picture()?;
        if TextureMaterial::new(sounds, 1).groups.is_empty() {
            return Err(Error::new(Kind::Empty, "holds nothing but silence")
                .at(&plan.library)
                .help("fill it first: kinophone sounds FILE|FOLDER... -o LIBRARY"));
        }
        let seen = visual::watch(ffmpeg, &plan.film, task)?;
        let channels = if plan.mapping.pan.is_some() { 2 } else { sounds.channels().clamp(1, 2) };
        let mut stage = production.stage(SoundtrackMeta {
            rate: sounds.rate(),
            channels,
            source_channels: sounds.channels(),
            target: plan.loudness,
            made: self.made(),
            sources: Some(self.sources.clone()),
            brain: None,
            filtered: false,
        })?;
        stage.lay_under(seen.begin())?;
        let mut add = |sound: &[f32]| stage.sketch.add(sound);
        let performed = self.play(&seen, channels, &mut add);
        let TexturePerformed { mut textured, played } = performed.map_err(|e| stage.named(e))?;
        stage.sketch.end().map_err(|e| stage.named(e))?;
        let format = stage.format;
        let sound = TextureSources { sounds, channels: channels as usize };
        let completed = stage.complete(textured.seconds, Some(played), Some(&sound), task)?;
        (textured.rate, textured.channels) = (format.rate, format.channels);
        textured.codec = completed.codec;
        (textured.loudness_before, textured.gain_db) = (completed.loudness_before, completed.gain_db);
        textured.credits = completed.credits;
        Ok(textured)
    }

    /// What the file's own tags say of how it was made.
    fn made(&self) -> String {
        let names: Vec<&str> = self.sources.iter().map(|source| &*source.name).collect();
        let mapping = &self.plan.mapping_name;
        format!("after the picture, with the mapping {mapping}, from these sounds: {}", names.join(", "))
    }

    /// The whole soundtrack, handed to `add` as it comes.
    fn play(
        &self,
        seen: &FrameState,
        channels: u32,
        add: &mut dyn FnMut(&[f32]) -> Result<()>,
    ) -> Result<TexturePerformed> {
        let &Self { plan, task, sounds, .. } = self;
        let (rate, mapping) = (sounds.rate(), &plan.mapping);
        let stage = TextureStage { seen, rate };
        let (labels, sections) =
            if plan.sections { sections::find(seen) } else { (vec![0; seen.shots.len()], 1) };
        let material = TextureMaterial::new(sounds, sections);
        let spans = cast(&stage, &material, &labels, sections, plan);
        let hits = stage.hits(mapping);
        let length = stage.frame(seen.end);

        let name = plan.film.file_name().unwrap_or_default().to_string_lossy();
        task.watcher.stage(&format!("playing {name}"), "seconds", Some(length as u64 / u64::from(rate.hz())));
        let mut composer = TextureComposer::new(&material, mapping, seen, length, plan.seed);
        let mut tape = ClipPlayer::new(UnitReader(sounds), channels as usize);
        let mut heard = TextureSound::new(rate, channels as usize);
        let (mut sound, mut played) = (Vec::new(), PlayedClips::default());
        let (mut grains, mut struck) = (0, 0);
        let mut drain =
            |tape: &mut ClipPlayer<_>, composer: &mut TextureComposer<'_>, until: i64| -> Result<()> {
                while let Some(made) = composer.take() {
                    match made.why {
                        HitReason::Grain => grains += 1,
                        HitReason::Onset => struck += 1,
                    }
                    tape.push(&made.cut);
                    let piece = piece(&made, sounds);
                    played.tally.add(&piece);
                    if !plan.output.scores.is_empty() {
                        played.pieces.push(piece);
                    }
                }
                tape.advance(until);
                sound.resize(tape.ready(), 0.0);
                tape.fill(&mut sound);
                heard.take(&sound);
                add(&sound)
            };
        let mut coming = &hits[..];
        for span in &spans {
            let (mut at, mut step) = (span.begin, stage.micros(span.begin) / STEP + 1);
            while at < span.end {
                task.cancel.check()?;
                let until = stage.frame(seen.begin() + MediaTime(step * STEP)).clamp(at + 1, span.end);
                let now = coming.partition_point(|hit| hit.at < until);
                composer.step(span, until, &coming[..now]);
                coming = &coming[now..];
                let known = composer.known();
                drain(&mut tape, &mut composer, known.min(length))?;
                task.watcher.advance(at as u64 / u64::from(rate.hz()));
                (at, step) = (until, step + 1);
            }
        }
        composer.finish();
        drain(&mut tape, &mut composer, length)?;

        // A hit comes before grains that begin within the fade before its attack.
        played.pieces.sort_by(|a, b| a.at.total_cmp(&b.at));
        let ticks = (length as u64 * u64::from(CURVE_RATE) / u64::from(rate.hz())) as usize;
        let loudness = &mapping.loudness;
        let wanted = values(&Curve::of(seen, loudness.line()), ticks);
        let heard_db = heard.curve(ticks);
        let measure = values(&Curve::plain(seen, loudness.from, loudness.smooth_ms), ticks);
        let [a, b] = [&heard_db, &measure].map(|x| x.iter().map(|x| f64::from(*x)).collect::<Vec<_>>());
        let second = |frame: i64| frame as f64 / f64::from(rate.hz());
        let textured = Textured {
            output: plan.output.file.clone(),
            seconds: (seen.end - seen.begin()).as_secs_f64(),
            pictures: seen.pictures.len(),
            rate,
            channels,
            codec: SoundCodec::Pcm,
            loudness_before: None,
            gain_db: 0.0,
            grains,
            hits: struck,
            follows: correlation(&a, &b),
            shots: spans
                .into_iter()
                .zip(&labels)
                .map(|(span, label)| ShotPlayed {
                    at: second(span.begin),
                    section: *label,
                    sources: span.sources,
                })
                .collect(),
            sources: self.sources.iter().map(|source| source.name.clone()).collect(),
            drawn: DrawnMeasures {
                measures: measures(seen),
                wanted_db: wanted
                    .iter()
                    .map(|x| loudness.low_db + (loudness.high_db - loudness.low_db) * x)
                    .collect(),
                heard_db,
                onsets: hits.iter().map(|hit| (second(hit.at), hit.strength)).collect(),
            },
            credits: None,
            complaints: seen.complaints.clone(),
        };
        Ok(TexturePerformed { textured, played })
    }
}

/// A film's pictures on the soundtrack.
struct TextureStage<'a> {
    seen: &'a FrameState,
    rate: SampleRate,
}

impl TextureStage<'_> {
    /// The frame that sounds with a time, the nearest one: the soundtrack begins with the first picture.
    fn frame(&self, time: MediaTime) -> i64 {
        let micros = i128::from((time - self.seen.begin()).0);
        ((micros * i128::from(self.rate.hz()) + 500_000).div_euclid(1_000_000)) as i64
    }

    fn micros(&self, frame: i64) -> i64 {
        (i128::from(frame) * 1_000_000 / i128::from(self.rate.hz())) as i64
    }

    /// The events that sound, none too close upon another.
    fn hits(&self, mapping: &Mapping) -> Vec<Hit> {
        let Some(mapped) = &mapping.onsets else { return Vec::new() };
        let found = |event: &visual::onsets::VisualEvent| self.seen.onsets(*event, mapped.sensitivity);
        let mut onsets: Vec<VisualOnsets> = mapped.from.iter().flat_map(found).collect();
        onsets.sort_by(|a, b| a.picture.cmp(&b.picture).then(b.strength.total_cmp(&a.strength)));
        let least = (f64::from(mapped.least_ms) * f64::from(self.rate.hz()) / 1000.0) as i64;
        let mut hits: Vec<Hit> = Vec::new();
        for onset in onsets {
            let hit =
                Hit { at: self.frame(self.seen.pictures[onset.picture].time), strength: onset.strength };
            match hits.last_mut() {
                Some(last) if hit.at - last.at < least.max(1) => {
                    if hit.strength > last.strength {
                        *last = hit;
                    }
                }
                _ => hits.push(hit),
            }
        }
        hits
    }
}

/// Who plays in which shot: sources of the group that belongs to its section, others than in the shot before where there is
/// choice. Long recordings are chosen more often.
fn cast(
    stage: &TextureStage<'_>,
    material: &TextureMaterial<'_>,
    labels: &[usize],
    sections: usize,
    plan: &TexturePlan,
) -> Vec<Span> {
    let (seen, cuts) = (stage.seen, &plan.mapping.cuts);
    let groups = material.groups.len();
    let mut before: Vec<u32> = Vec::new();
    let cast = |(shot, label): (usize, &usize)| {
        // As many steps from dark to bright as there are groups.
        let group =
            if sections > 1 { (label * (groups - 1) + (sections - 1) / 2) / (sections - 1) } else { 0 };
        let all = &material.groups[group];
        let wanted = if cuts.change && cuts.sources > 0 { cuts.sources as usize } else { all.len() };
        let mut sources = all.clone();
        if wanted < all.len() {
            // Keys of weighted sampling without replacement (P. Efraimidis and P. Spirakis, 2006).
            let key = |source: &u32| {
                let x = f64::from(compose::chance(plan.seed, shot as u64, u64::from(*source))).max(1e-9);
                let old = if before.contains(source) { 100.0 } else { 1.0 };
                -x.ln() * old / material.plenty(*source).max(1e-3)
            };
            sources.sort_by(|a, b| key(a).total_cmp(&key(b)));
            sources.truncate(wanted);
            sources.sort_unstable();
        }
        before.clone_from(&sources);
        let at = |picture: usize| seen.pictures.get(picture).map_or(seen.end, |p| p.time);
        let shot = &seen.shots[shot];
        Span { begin: stage.frame(at(shot.first)), end: stage.frame(at(shot.end)), sources }
    };
    labels.iter().enumerate().map(cast).collect()
}

/// A cut where it sounds, as scores have it.
fn piece(made: &Made, sounds: &dyn TextureSounds) -> ClipEvent {
    let unit = sounds.units()[made.cut.unit as usize];
    let there = unit.first + made.cut.offset;
    let mut piece =
        ClipEvent::of(&made.cut, unit.source as usize, there, sounds.rate(), made.loudness_db, None);
    if unit.pitch_hz > 0.0 && unit.confidence > material::SURE {
        piece.pitch_hz = Some(f64::from(unit.pitch_hz) * made.cut.speed);
    }
    piece
}

/// The library's sources with the channels of the soundtrack.
struct TextureSources<'a> {
    sounds: &'a dyn TextureSounds,
    channels: usize,
}

impl SourceSound for TextureSources<'_> {
    fn read(&self, source: usize, first: i64, out: &mut [f32]) {
        let own = self.sounds.channels().max(1) as usize;
        if own == self.channels {
            return self.sounds.read(source, first, out);
        }
        let mut there = vec![0.0; out.len() / self.channels * own];
        self.sounds.read(source, first, &mut there);
        for (frame, own) in out.chunks_exact_mut(self.channels).zip(there.chunks_exact(own)) {
            frame.iter_mut().enumerate().for_each(|(c, x)| *x = own[c.min(own.len() - 1)]);
        }
    }
}

/// The loudness of what was played.
struct TextureSound {
    hz: u64,
    channels: usize,
    frames: u64,
    /// Sum of squares and number of samples of every thirtieth of a second.
    sums: Vec<(f64, u32)>,
}

impl TextureSound {
    fn new(rate: SampleRate, channels: usize) -> Self {
        Self { hz: u64::from(rate.hz()), channels, frames: 0, sums: Vec::new() }
    }

    /// Mixed down, as one who measures a file does.
    fn take(&mut self, sound: &[f32]) {
        for frame in sound.chunks_exact(self.channels) {
            let tick = (self.frames * u64::from(CURVE_RATE) / self.hz) as usize;
            if self.sums.len() <= tick {
                self.sums.resize(tick + 1, (0.0, 0));
            }
            let mono = frame.iter().sum::<f32>() / self.channels as f32;
            self.sums[tick].0 += f64::from(mono).powi(2);
            self.sums[tick].1 += 1;
            self.frames += 1;
        }
    }

    fn curve(&self, ticks: usize) -> Vec<f32> {
        let db = |(sum, samples): &(f64, u32)| {
            (10.0 * (sum / f64::from((*samples).max(1))).max(1e-12).log10() as f32).max(FLOOR_DB)
        };
        let mut curve: Vec<f32> = self.sums.iter().take(ticks).map(db).collect();
        curve.resize(ticks, FLOOR_DB);
        curve
    }
}
