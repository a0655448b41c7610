//! A source's sound, cut into units and described: what a library carries in its shards beside the sound.
//!
//! Sound is read a minute at a time, with some seconds around it, so memory grows with what is said of a source (8 kB a second)
//! and not with its sound. Descriptions are of the mean of its channels.

#[cfg(test)]
mod tests;

use crate::dataset::{AudioFeatures, FLOOR_DB, TensorData};
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::mel::MelBank;
use kinophone_dsp::metrics::{BANDS, RATE};
use kinophone_dsp::onset::{Onset, onsets};
use kinophone_dsp::pitch::{Pitch, PitchFinder};
use kinophone_dsp::resample::Resampler;
use kinophone_dsp::stft::PowerSpectrum;
use kinophone_dsp::units::{FrameRate, SampleRate, TickGrid};
use kinophone_dsp::window::{Form, Window};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// The tick at which sound is described, that of all brains unless another was asked for.
pub const TICK_HZ: u32 = 30;
/// What another version says is said again.
const VERSION: u32 = 1;
/// Seconds that are described at a time, and those around them that are known then.
const PART_SECS: i64 = 60;
const AROUND_SECS: i64 = 2;
/// A unit cut at an onset begins so many seconds before it, so that a fade does not touch the attack.
const LEAD_SECS: f64 = 0.003;
/// A unit ends where it has been silent for so many seconds, and the next one begins where it is not silent any more.
const PAUSE_SECS: f64 = 0.05;
/// Highest amplitude of what counts as silence: −66 dB.
const SILENT: f32 = 5e-4;
/// No unit is shorter, in seconds.
const SHORTEST_SECS: f64 = 0.02;
/// Samples of the transform behind centroid and flatness, at 22 050 Hz, and of the one behind pitches.
const TRANSFORM: usize = 512;
const PITCH_FRAME: usize = 2048;
/// Powers of bins below this, relative to a full-scale sine, are none: −100 dB.
const LEAST: f64 = 1e-10;
/// A unit's mean spectrum and pitch are taken from at most so many frames, spread over it.
const MOST_FRAMES: i64 = 16;

/// How sound is cut into units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SegmentBy {
    /// From onset to onset.
    Onsets,
    /// Into pieces of one length.
    Grains,
    /// From onset to onset, and what is longer than twice a grain into pieces of about a grain.
    Both,
}

/// How sound is cut into units, with the length of a grain in milliseconds, 20 to 10 000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segmentation {
    /// Where.
    pub by: SegmentBy,
    /// A grain's length in milliseconds.
    pub grain_ms: u32,
}

impl Default for Segmentation {
    /// At onsets, and into quarters of a second between them.
    fn default() -> Self {
        Self { by: SegmentBy::Both, grain_ms: 250 }
    }
}

/// A stretch of a source that belongs together, and what it sounds like. Places are frames of the source's own rate.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalyzedUnit {
    /// First frame.
    pub first: i64,
    /// How many.
    pub frames: u32,
    /// Where its attack is, in frames after the first; none where it begins without one.
    pub attack: Option<u32>,
    /// 10 log10 of the mean square, at least −70.
    pub loudness_db: f32,
    /// Centre of gravity of the power spectrum up to 11 kHz, in Hz.
    pub centroid_hz: f32,
    /// Geometric over arithmetic mean of the power spectrum, 0 (a tone) to 1 (white noise).
    pub flatness: f32,
    /// How strongly it begins ([`Onset::strength`]); 0 where it has no attack.
    pub onset: f32,
    /// Fundamental frequency in Hz, 0 where there is none, and how sure that is, 0 to 1.
    pub pitch_hz: f32,
    /// See `pitch_hz`.
    pub confidence: f32,
    /// log10 of the mean power in 64 mel bands.
    pub mel: [f32; BANDS],
}

/// Numbers of a unit beside its places, in the order of the file.
const SAID: usize = 6 + BANDS;
/// Numbers of a tick in the file: bands and loudness. Flux follows from the bands.
const HEARD: usize = BANDS + 1;

/// All that is said of a source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SoundAnalysis {
    /// In the order of time, without overlaps; silence belongs to none.
    pub units: Vec<AnalyzedUnit>,
    /// Its ticks.
    pub heard: AudioFeatures,
}

/// What the file says of how it came about.
#[derive(PartialEq, Serialize, Deserialize)]
struct AnalysisHeader {
    version: u32,
    tick: FrameRate,
    #[serde(flatten)]
    cutting: Segmentation,
}

impl AnalysisHeader {
    fn of(cutting: Segmentation) -> Self {
        Self { version: VERSION, tick: tick(), cutting }
    }
}

fn tick() -> FrameRate {
    FrameRate::new(TICK_HZ, 1).expect("a constant within the range")
}

/// The grid of [`SoundAnalysis::heard`].
pub fn grid() -> TickGrid {
    TickGrid { tick: tick(), rate: heard_rate() }
}

fn heard_rate() -> SampleRate {
    SampleRate::new(RATE).expect("a constant within the range")
}

/// The name of a description made like this, for comparisons.
pub(crate) fn about(cutting: Segmentation) -> serde_json::Value {
    serde_json::to_value(AnalysisHeader::of(cutting)).expect("numbers and words become JSON")
}

impl SoundAnalysis {
    /// Cuts and describes interleaved `sound`. Tells the watcher of its progress in seconds.
    pub fn of(
        rate: SampleRate,
        channels: u32,
        sound: &[i16],
        cutting: Segmentation,
        task: Task<'_>,
    ) -> Result<Self> {
        let mut new = Self::default();
        let mut mono = Mono::new(rate, channels as usize, sound);
        let seconds = rate.time_of(mono.frames).as_secs_f64().ceil() as i64;
        let mut at = 0;
        while at < seconds {
            task.cancel.check()?;
            new.listen(&mut mono, at, (at + PART_SECS).min(seconds));
            at += PART_SECS;
            task.watcher.advance(at.min(seconds) as u64);
        }
        let ticks = tick().ticks_in(rate.time_of(mono.frames)) as usize;
        new.heard.mel.truncate(ticks * BANDS);
        new.heard.loudness.truncate(ticks);
        new.heard.find_flux();
        let onsets = mono.onsets.clone();
        let places = cut(&mono, &onsets, cutting);
        let mut parts: Vec<Vec<AnalyzedUnit>> = Vec::new();
        for some in places.chunks(1 << 14) {
            task.cancel.check()?;
            parts.push(describe(&mono, some));
        }
        new.units = parts.concat();
        Ok(new)
    }

    fn listen(&mut self, mono: &mut Mono<'_>, from: i64, to: i64) {
        mono.window(from - AROUND_SECS, to + AROUND_SECS);
        let first = from * i64::from(TICK_HZ);
        let ticks = ((to - from) * i64::from(TICK_HZ)) as usize;
        let heard = AudioFeatures::listen(grid(), first, ticks, |start, out| mono.read_heard(start, out));
        self.heard.mel.extend(heard.mel);
        self.heard.loudness.extend(heard.loudness);
        mono.find_onsets(from, to);
    }

    /// Tensors of a shard.
    pub(crate) fn numbers(&self) -> Vec<(&'static str, TensorData)> {
        let places =
            self.units.iter().flat_map(|u| [u.first, i64::from(u.frames), u.attack.map_or(-1, i64::from)]);
        let said = self.units.iter().flat_map(|u| {
            let numbers = [u.loudness_db, u.centroid_hz, u.flatness, u.onset, u.pitch_hz, u.confidence];
            numbers.into_iter().chain(u.mel)
        });
        let heard = self.heard.mel.chunks_exact(BANDS).zip(&self.heard.loudness);
        let heard = heard.flat_map(|(mel, loudness)| mel.iter().chain(std::iter::once(loudness)).copied());
        vec![
            ("ticks", TensorData::F32 { columns: HEARD, values: heard.collect() }),
            ("units.places", TensorData::I64 { columns: 3, values: places.collect() }),
            ("units.said", TensorData::F32 { columns: SAID, values: said.collect() }),
        ]
    }

    /// What [`SoundAnalysis::numbers`] stored; `frames` is the length of the sound. Fails with a clause that says what is wrong.
    pub(crate) fn from_numbers(
        numbers: Vec<(String, TensorData)>,
        frames: i64,
    ) -> std::result::Result<Self, String> {
        let mut new = Self::default();
        let (mut places, mut said) = (Vec::new(), Vec::new());
        for (name, numbers) in numbers {
            match (&*name, numbers) {
                ("ticks", ticks @ TensorData::F32 { columns: HEARD, .. }) => new.heard = heard(ticks),
                ("units.places", TensorData::I64 { columns: 3, values }) => places = values,
                ("units.said", TensorData::F32 { columns: SAID, values }) => said = values,
                _ => return Err(format!("has an unknown tensor {name}")),
            }
        }
        if places.len() / 3 != said.len() / SAID {
            return Err("describes other units than it has".to_owned());
        }
        for (place, said) in places.chunks_exact(3).zip(said.chunks_exact(SAID)) {
            let (first, length, attack) = (place[0], place[1], place[2]);
            let inside = first >= 0 && (1..=frames).contains(&length) && first <= frames - length;
            if !inside || !(-1..length).contains(&attack) || said.iter().any(|x| !x.is_finite()) {
                return Err("has an impossible unit".to_owned());
            }
            let mut mel = [0.0; BANDS];
            mel.copy_from_slice(&said[6..]);
            new.units.push(AnalyzedUnit {
                first,
                frames: u32::try_from(length).map_err(|_| "has an endless unit".to_owned())?,
                attack: u32::try_from(attack).ok(),
                loudness_db: said[0],
                centroid_hz: said[1],
                flatness: said[2],
                onset: said[3],
                pitch_hz: said[4],
                confidence: said[5],
                mel,
            });
        }
        Ok(new)
    }
}

/// The ticks that these numbers say; the first one's flux is 0.
pub(crate) fn heard(ticks: TensorData) -> AudioFeatures {
    let mut heard = AudioFeatures::default();
    if let TensorData::F32 { columns: HEARD, values } = ticks {
        for tick in values.chunks_exact(HEARD) {
            heard.mel.extend(&tick[..BANDS]);
            heard.loudness.push(tick[BANDS]);
        }
        heard.find_flux();
    }
    heard
}

/// A cutting from what a person wrote.
impl Segmentation {
    /// Fails where the length is beyond its range.
    pub fn check(self) -> Result<Self> {
        if (20..=10_000).contains(&self.grain_ms) {
            return Ok(self);
        }
        Err(Error::new(Kind::Invalid, format!("grains can't last {} ms", self.grain_ms))
            .help("choose a length from 20 to 10000 ms"))
    }
}

/// A source's channels mixed down, at its own rate and, a window at a time, at 22 050 Hz.
struct Mono<'a> {
    rate: SampleRate,
    channels: usize,
    sound: &'a [i16],
    frames: i64,
    resampler: Option<Resampler>,
    /// Frames of the sound that went into the resampler.
    taken: i64,
    /// Samples at 22 050 Hz from `start` on.
    window: Vec<f32>,
    start: i64,
    onsets: Vec<Onset>,
}

impl<'a> Mono<'a> {
    fn new(rate: SampleRate, channels: usize, sound: &'a [i16]) -> Self {
        let resampler = (rate != heard_rate()).then(|| Resampler::interleaved(rate, heard_rate(), 1));
        let frames = (sound.len() / channels.max(1)) as i64;
        Self {
            rate,
            channels: channels.max(1),
            sound,
            frames,
            resampler,
            taken: 0,
            window: Vec::new(),
            start: 0,
            onsets: Vec::new(),
        }
    }

    /// Samples from `first` to `end` at the source's rate; silence beyond its ends.
    fn own(&self, first: i64, end: i64) -> Vec<f32> {
        let scale = 1.0 / (32768.0 * self.channels as f32);
        let sample = |frame: i64| {
            if !(0..self.frames).contains(&frame) {
                return 0.0;
            }
            let at = frame as usize * self.channels;
            self.sound[at..at + self.channels].iter().map(|s| f32::from(*s)).sum::<f32>() * scale
        };
        (first..end).map(sample).collect()
    }

    /// Brings the window to the seconds `from` to `to`, which only grow from call to call.
    fn window(&mut self, from: i64, to: i64) {
        let hz = i64::from(RATE);
        let drop = (from * hz - self.start).clamp(0, self.window.len() as i64);
        self.window.drain(..drop as usize);
        self.start += drop;
        let end = to * hz;
        while self.start + (self.window.len() as i64) < end && self.taken <= self.frames {
            let next = (self.taken + i64::from(self.rate.hz())).min(self.frames);
            let part = self.own(self.taken, next);
            match &mut self.resampler {
                None => self.window.extend(part),
                Some(resampler) => {
                    resampler.push(&part, &mut self.window);
                    if next == self.frames {
                        resampler.finish(&mut self.window);
                    }
                }
            }
            self.taken = if next == self.frames { next + 1 } else { next };
        }
    }

    fn read_heard(&self, first: i64, out: &mut [f32]) {
        for (k, x) in out.iter_mut().enumerate() {
            let place = usize::try_from(first + k as i64 - self.start).ok();
            *x = place.and_then(|place| self.window.get(place)).copied().unwrap_or(0.0);
        }
    }

    /// Those that begin from second `from` on and before second `to`.
    fn find_onsets(&mut self, from: i64, to: i64) {
        let hz = i64::from(self.rate.hz());
        let first = ((from - AROUND_SECS) * hz).max(0);
        let sound = self.own(first, ((to + AROUND_SECS) * hz).min(self.frames));
        let own = (from * hz - first) as usize..(to * hz - first) as usize;
        let found = onsets(&sound, self.rate).into_iter().filter(|onset| own.contains(&onset.at));
        self.onsets.extend(found.map(|onset| Onset { at: onset.at + first as usize, ..onset }));
    }
}

/// Where a unit is, before it is described.
#[derive(Clone, Copy)]
struct UnitSpan {
    first: i64,
    end: i64,
    onset: Option<Onset>,
}

/// Cuts what is not silent.
fn cut(mono: &Mono<'_>, onsets: &[Onset], cutting: Segmentation) -> Vec<UnitSpan> {
    let hz = f64::from(mono.rate.hz());
    let (lead, shortest) = ((LEAD_SECS * hz) as i64, (SHORTEST_SECS * hz) as i64);
    let grain = (f64::from(cutting.grain_ms) / 1000.0 * hz) as i64;
    let mut places = Vec::new();
    for (begin, end) in sounding(mono, (PAUSE_SECS * hz) as i64) {
        let from = onsets.partition_point(|onset| (onset.at as i64) < begin);
        let to = onsets.partition_point(|onset| (onset.at as i64) < end);
        let own = if cutting.by == SegmentBy::Grains { &[] } else { &onsets[from..to] };
        let mut borders = vec![(begin, None)];
        for onset in own {
            let first = (onset.at as i64 - lead).max(begin);
            match borders.last_mut() {
                Some(last) if first - last.0 < shortest => {
                    if last.1.is_none() {
                        last.1 = Some(*onset);
                    }
                }
                _ => borders.push((first, Some(*onset))),
            }
        }
        for (k, (first, onset)) in borders.iter().enumerate() {
            let end = borders.get(k + 1).map_or(end, |next| next.0);
            let pieces = match cutting.by {
                SegmentBy::Onsets => 1,
                SegmentBy::Both if end - first < 2 * grain => 1,
                SegmentBy::Both | SegmentBy::Grains => ((end - first + grain / 2) / grain).max(1),
            };
            let border = |piece: i64| first + (end - first) * piece / pieces;
            places.extend((0..pieces).map(|piece| UnitSpan {
                first: border(piece),
                end: border(piece + 1),
                onset: if piece == 0 { *onset } else { None },
            }));
        }
    }
    places
}

/// From where to where there is sound, with pauses of at most `pause` frames in it.
fn sounding(mono: &Mono<'_>, pause: i64) -> Vec<(i64, i64)> {
    let least = (SILENT * 32768.0) as i16;
    let mut runs: Vec<(i64, i64)> = Vec::new();
    for (frame, samples) in mono.sound.chunks_exact(mono.channels).enumerate() {
        if samples.iter().all(|s| s.unsigned_abs() < least.unsigned_abs()) {
            continue;
        }
        let frame = frame as i64;
        match runs.last_mut() {
            Some(last) if frame - last.1 <= pause => last.1 = frame + 1,
            _ => runs.push((frame, frame + 1)),
        }
    }
    // What dies away is heard a little longer, but not into the next run.
    let ends: Vec<i64> = runs.iter().skip(1).map(|run| run.0).chain([mono.frames]).collect();
    runs.iter_mut().zip(ends).for_each(|(run, next)| run.1 = (run.1 + pause / 2).min(next));
    runs
}

/// Describes units, on all cores.
fn describe(mono: &Mono<'_>, places: &[UnitSpan]) -> Vec<AnalyzedUnit> {
    let rate = mono.rate;
    let size = if rate.hz() > 30_000 { 2 * TRANSFORM } else { TRANSFORM };
    let frame = if rate.hz() > 30_000 { 2 * PITCH_FRAME } else { PITCH_FRAME };
    let bank = MelBank::new(rate, size, BANDS, 30.0, f64::from(rate.hz().min(RATE)) / 2.0);
    let room = || (PowerSpectrum::new(size, Window::Hann, Form::Periodic), PitchFinder::new(rate, frame));
    let one = |(spectrum, pitches): &mut (PowerSpectrum, PitchFinder), place: &UnitSpan| {
        let around = frame as i64;
        let first = place.first - around;
        let sound = mono.own(first, place.end + around);
        let own = &sound[around as usize..(place.end - first) as usize];
        let mean = own.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / own.len().max(1) as f64;
        let power = mean_power(spectrum, &sound, around, place.end - first, size);
        let pitch = pitch(pitches, &sound, around, place.end - first, frame);
        let bin_hz = f64::from(rate.hz()) / size as f64;
        let audible = ((f64::from(RATE) / 2.0 / bin_hz) as usize).min(power.len());
        let (centroid_hz, flatness) = shape(&power[..audible], bin_hz, spectrum.full_scale());
        let mut mel = [0.0; BANDS];
        // As powers of the transform that ticks are described with, whose window has four times the samples at 22 050 Hz.
        let scale = (2048.0 / size as f64).powi(2);
        mel.iter_mut().zip(bank.apply(&power)).for_each(|(m, p)| *m = (scale * p).max(1e-5).log10() as f32);
        let attack = place.onset.map(|onset| (onset.at as i64 - place.first).max(0) as u32);
        AnalyzedUnit {
            first: place.first,
            frames: (place.end - place.first) as u32,
            attack: attack.map(|at| at.min((place.end - place.first - 1) as u32)),
            loudness_db: (10.0 * mean.log10()).max(f64::from(FLOOR_DB)) as f32,
            centroid_hz,
            flatness,
            onset: place.onset.map_or(0.0, |onset| onset.strength),
            pitch_hz: pitch.hz as f32,
            confidence: pitch.confidence as f32,
            mel,
        }
    };
    places.par_iter().map_init(room, one).collect()
}

/// Middles of at most [`MOST_FRAMES`] frames of `size` from `from` to `to`, at least one.
fn middles(from: i64, to: i64, size: i64) -> impl Iterator<Item = i64> {
    let count = ((to - from) / size).clamp(1, MOST_FRAMES);
    (0..count).map(move |k| from + (2 * k + 1) * (to - from) / (2 * count))
}

fn mean_power(spectrum: &mut PowerSpectrum, sound: &[f32], from: i64, to: i64, size: usize) -> Vec<f64> {
    let mut mean = vec![0.0; size / 2 + 1];
    let mut frames = 0.0;
    for middle in middles(from, to, size as i64 / 2) {
        let power = spectrum.of(sound, middle - size as i64 / 2);
        mean.iter_mut().zip(power).for_each(|(m, p)| *m += p);
        frames += 1.0;
    }
    mean.iter_mut().for_each(|m| *m /= frames);
    mean
}

/// The surest of the pitches within a unit.
fn pitch(finder: &mut PitchFinder, sound: &[f32], from: i64, to: i64, frame: usize) -> Pitch {
    let frame = frame as i64;
    let found = middles(from, to, frame).map(|middle| finder.of(sound, middle - frame / 2));
    found.fold(Pitch::default(), |best, next| if next.confidence > best.confidence { next } else { best })
}

/// Centre of gravity in Hz and flatness of a power spectrum, without its constant part.
fn shape(power: &[f64], bin_hz: f64, full_scale: f64) -> (f32, f32) {
    let bins = || power.iter().enumerate().skip(1).map(|(k, p)| (k as f64 * bin_hz, *p));
    let sum: f64 = bins().map(|(_, p)| p).sum();
    if sum.is_nan() || sum <= LEAST * full_scale {
        return (0.0, 0.0);
    }
    let centroid = bins().map(|(hz, p)| hz * p).sum::<f64>() / sum;
    let count = (power.len() - 1) as f64;
    let logs: f64 = bins().map(|(_, p)| (p.max(LEAST * full_scale)).ln()).sum();
    ((centroid) as f32, ((logs / count).exp() / (sum / count)).clamp(0.0, 1.0) as f32)
}
