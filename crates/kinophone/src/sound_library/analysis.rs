//! Analysis of a source's sound: its units, their features, and the features of every tick.
//!
//! Sound is read a minute at a time, with some seconds around it, so memory grows with the analysis of a source (8 kB a second)
//! and not with its sound. One channel of it is analyzed, see [`ShardSound::mix_down`].

#[cfg(test)]
mod tests;

use crate::Result;
use crate::dataset::{AudioFeatures, FLOOR_DB, ShardSound};
use crate::sound_library::mono_source::{AROUND_SECS, MonoSource, analysis_rate};
use crate::sound_library::segmentation::{Segmentation, UnitSpan, segment};
use crate::task::Task;
use kinophone_dsp::mel::MelBank;
use kinophone_dsp::metrics::{BANDS, RATE};
use kinophone_dsp::pitch::{Pitch, PitchFinder};
use kinophone_dsp::stft::PowerSpectrum;
use kinophone_dsp::units::{FrameRate, TickGrid};
use kinophone_dsp::window::{Form, Window};
use rayon::prelude::*;

/// Ticks a second of an analysis: those of all brains unless another tick was asked for.
pub const TICK_HZ: u32 = 30;
/// Seconds that are analyzed at a time, and the seconds around them that are known then.
const PART_SECS: i64 = 60;
/// Samples of the transform behind centroid and flatness, at 22 050 Hz, and of the one behind pitches.
const TRANSFORM: usize = 512;
const PITCH_FRAME: usize = 2048;
/// Bins whose power is below this, relative to a full-scale sine, count as empty: −100 dB.
const SILENCE_POWER: f64 = 1e-10;
/// A unit's mean spectrum and pitch are taken from at most so many frames, spread over it.
const MAX_FRAMES: i64 = 16;

/// A unit of a source's sound, and its features. Places are frames of the source's own rate.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalyzedUnit {
    /// First frame.
    pub first: i64,
    /// Length in frames.
    pub frames: u32,
    /// Place of its attack, in frames after the first; none where it begins without one.
    pub attack: Option<u32>,
    /// 10 log10 of the mean square, at least −70.
    pub loudness_db: f32,
    /// Centre of gravity of the power spectrum up to 11 kHz, in Hz.
    pub centroid_hz: f32,
    /// Geometric over arithmetic mean of the power spectrum, 0 (a tone) to 1 (white noise).
    pub flatness: f32,
    /// Strength of its attack ([`Onset::strength`](kinophone_dsp::onset::Onset::strength)); 0 where it has none.
    pub onset: f32,
    /// Fundamental frequency in Hz, 0 where there is none.
    pub pitch_hz: f32,
    /// Confidence of the pitch, 0 to 1.
    pub confidence: f32,
    /// log10 of the mean power in 64 mel bands.
    pub mel: [f32; BANDS],
}

/// Everything that is known of a source's sound.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SoundAnalysis {
    /// In the order of time, without overlaps; silence belongs to none.
    pub units: Vec<AnalyzedUnit>,
    /// Features of every tick of [`analysis_grid`].
    pub features: AudioFeatures,
}

/// The tick of all analyses.
pub(super) fn analysis_tick() -> FrameRate {
    FrameRate::new(TICK_HZ, 1).expect("a constant within the range")
}

/// The grid of [`SoundAnalysis::features`].
pub fn analysis_grid() -> TickGrid {
    TickGrid { tick: analysis_tick(), rate: analysis_rate() }
}

impl SoundAnalysis {
    /// Segments and analyzes a sound. Tells the watcher of its progress in seconds.
    pub fn of(sound: ShardSound<'_>, segmentation: Segmentation, task: Task<'_>) -> Result<Self> {
        let mut new = Self::default();
        let (rate, mut source) = (sound.rate, MonoSource::new(sound));
        let seconds = rate.time_of(source.frames).as_secs_f64().ceil() as i64;
        let mut at = 0;
        while at < seconds {
            task.cancel.check()?;
            new.analyze_part(&mut source, at, (at + PART_SECS).min(seconds));
            at += PART_SECS;
            task.watcher.advance(at.min(seconds) as u64);
        }
        // The shortest sound is a tick, too, which ends in silence.
        let ticks = analysis_tick().ticks_in(rate.time_of(source.frames)).max(1) as usize;
        new.features.mel.truncate(ticks * BANDS);
        new.features.loudness.truncate(ticks);
        new.features.find_flux();
        let spans = segment(&source, &source.onsets, segmentation);
        let mut parts: Vec<Vec<AnalyzedUnit>> = Vec::new();
        for spans in spans.chunks(1 << 14) {
            task.cancel.check()?;
            parts.push(analyze_units(&source, spans));
        }
        new.units = parts.concat();
        Ok(new)
    }

    /// Finds ticks and onsets from second `from` to second `to`.
    fn analyze_part(&mut self, source: &mut MonoSource<'_>, from: i64, to: i64) {
        source.advance_window(from - AROUND_SECS, to + AROUND_SECS);
        let first = from * i64::from(TICK_HZ);
        let ticks = ((to - from) * i64::from(TICK_HZ)) as usize;
        let read = |start: i64, out: &mut [f32]| source.read_resampled(start, out);
        let features = AudioFeatures::analyze(analysis_grid(), first, ticks, read);
        self.features.mel.extend(features.mel);
        self.features.loudness.extend(features.loudness);
        source.find_onsets(from, to);
    }
}

/// Finds the features of units, on all cores.
fn analyze_units(source: &MonoSource<'_>, spans: &[UnitSpan]) -> Vec<AnalyzedUnit> {
    let rate = source.rate;
    let size = if rate.hz() > 30_000 { 2 * TRANSFORM } else { TRANSFORM };
    let frame = if rate.hz() > 30_000 { 2 * PITCH_FRAME } else { PITCH_FRAME };
    let bank = MelBank::new(rate, size, BANDS, 30.0, f64::from(rate.hz().min(RATE)) / 2.0);
    let analyzers =
        || (PowerSpectrum::new(size, Window::Hann, Form::Periodic), PitchFinder::new(rate, frame));
    let one = |(spectrum, pitches): &mut (PowerSpectrum, PitchFinder), span: &UnitSpan| {
        let around = frame as i64;
        let first = span.first - around;
        let sound = source.samples(first, span.end + around);
        let own = &sound[around as usize..(span.end - first) as usize];
        let mean = own.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / own.len().max(1) as f64;
        let power = mean_power(spectrum, &sound, around, span.end - first, size);
        let pitch = pitch(pitches, &sound, around, span.end - first, frame);
        let bin_hz = f64::from(rate.hz()) / size as f64;
        let audible = ((f64::from(RATE) / 2.0 / bin_hz) as usize).min(power.len());
        let (centroid_hz, flatness) = shape(&power[..audible], bin_hz, spectrum.full_scale());
        let mut mel = [0.0; BANDS];
        // As powers of the transform that ticks are described with, whose window has four times the samples at 22 050 Hz.
        let scale = (2048.0 / size as f64).powi(2);
        mel.iter_mut().zip(bank.apply(&power)).for_each(|(m, p)| *m = (scale * p).max(1e-5).log10() as f32);
        let attack = span.onset.map(|onset| (onset.at as i64 - span.first).max(0) as u32);
        AnalyzedUnit {
            first: span.first,
            frames: (span.end - span.first) as u32,
            attack: attack.map(|at| at.min((span.end - span.first - 1) as u32)),
            loudness_db: (10.0 * mean.log10()).max(f64::from(FLOOR_DB)) as f32,
            centroid_hz,
            flatness,
            onset: span.onset.map_or(0.0, |onset| onset.strength),
            pitch_hz: pitch.hz as f32,
            confidence: pitch.confidence as f32,
            mel,
        }
    };
    spans.par_iter().map_init(analyzers, one).collect()
}

/// Middles of at most [`MAX_FRAMES`] frames of `size` from `from` to `to`, at least one.
fn middles(from: i64, to: i64, size: i64) -> impl Iterator<Item = i64> {
    let count = ((to - from) / size).clamp(1, MAX_FRAMES);
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

/// The most confident of the pitches within a unit.
fn pitch(finder: &mut PitchFinder, sound: &[f32], from: i64, to: i64, frame: usize) -> Pitch {
    let frame = frame as i64;
    let found = middles(from, to, frame).map(|middle| finder.of(sound, middle - frame / 2));
    found.fold(Pitch::default(), |best, next| if next.confidence > best.confidence { next } else { best })
}

/// Centre of gravity in Hz and flatness of a power spectrum, without its constant part.
fn shape(power: &[f64], bin_hz: f64, full_scale: f64) -> (f32, f32) {
    let bins = || power.iter().enumerate().skip(1).map(|(k, p)| (k as f64 * bin_hz, *p));
    let sum: f64 = bins().map(|(_, p)| p).sum();
    if sum.is_nan() || sum <= SILENCE_POWER * full_scale {
        return (0.0, 0.0);
    }
    let centroid = bins().map(|(hz, p)| hz * p).sum::<f64>() / sum;
    let count = (power.len() - 1) as f64;
    let logs: f64 = bins().map(|(_, p)| (p.max(SILENCE_POWER * full_scale)).ln()).sum();
    ((centroid) as f32, ((logs / count).exp() / (sum / count)).clamp(0.0, 1.0) as f32)
}
