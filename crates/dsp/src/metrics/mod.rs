//! Objective metrics of a soundtrack: frame loudness, log-mel spectrum, onsets, the comb at the frame rate,
//! the comparison of two soundtracks, and how one follows what moves.
//!
//! They are defined so that figures can be set beside those of earlier experiments with the same definitions:
//! mono at [`RATE`], transforms of 2048 samples under a symmetric Hann window, 64 mel bands from 30 Hz up.
//! None of them replaces listening.

pub mod bootstrap;
pub mod follow;
pub mod onset_matching;
#[cfg(test)]
mod tests;

pub use bootstrap::{Moments, draws, quantile};

use crate::mel::MelBank;
use crate::stft::PowerSpectrum;
use crate::units::SampleRate;
use crate::window::{Form, Window};

/// The rate in Hz at which [`compare`] expects both sounds.
pub const RATE: u32 = 22_050;
/// Mel bands of [`log_mel`].
pub const BANDS: usize = 64;

/// Samples of a transform.
pub(crate) const TRANSFORM: usize = 2048;
/// Lowest frequency of the mel bands.
pub(crate) const LOWEST_HZ: f64 = 30.0;
/// Mean square at which loudness is cut off: −70 dB.
const MIN_POWER: f64 = 1e-7;
/// Band power at which log-mel is cut off; above the noise of 16-bit sound.
const MIN_BAND_POWER: f64 = 1e-5;
/// Harmonics of the frame rate that count in the comb.
const COMB_HARMONICS: usize = 40;
/// Greatest shift of onsets against each other, in seconds.
const MAX_LAG_SECS: f64 = 0.5;

/// A generated soundtrack beside the film's own. Correlations are Pearson's, −1..1.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Comparison {
    /// Frames that were scored.
    pub frames: usize,
    /// Correlation of the loudness curves.
    pub loudness_r: f64,
    /// Best correlation of the onset-strength curves over shifts of ±0.5 s.
    pub onset_r: f64,
    /// The shift at which it is reached, in frames; positive where the generated sound is late.
    pub onset_lag_frames: i64,
    /// Mean absolute difference of log10 mel power, after the overall levels are made equal.
    pub logmel_l1: f64,
    /// Comb prominence of the generated sound in dB; `None` where it is too short (under 1.5 s).
    pub comb_db: Option<f64>,
    /// The same of the reference.
    pub comb_reference_db: Option<f64>,
    /// Mean frame loudness of the generated sound in dB.
    pub level_db: f64,
    /// The same of the reference.
    pub level_reference_db: f64,
}

/// Compares two mono sounds at [`RATE`], frame by frame at `fps`, over the frames for which `keep` is true
/// (see [`every_fifth_block`]). The comb is measured over the whole sounds. `None` where no frame remains:
/// the first and the last half second are left out of the onset score, because nothing can be shifted in
/// there.
pub fn compare(
    reference: &[f32],
    generated: &[f32],
    fps: f64,
    keep: impl Fn(usize) -> bool,
) -> Option<Comparison> {
    let frames = (reference.len().min(generated.len()) as f64 * fps / f64::from(RATE)) as usize;
    let kept: Vec<usize> = (0..frames).filter(|i| keep(*i)).collect();
    let pick = |curve: &[f64]| kept.iter().map(|i| curve[*i]).collect::<Vec<_>>();
    let loud_reference = pick(&frame_loudness(reference, RATE, fps, frames));
    let loud = pick(&frame_loudness(generated, RATE, fps, frames));
    let (mel_reference, mel) = (log_mel(reference, fps, frames), log_mel(generated, fps, frames));
    let reach = lag_reach(fps);
    let inner: Vec<usize> =
        kept.iter().copied().filter(|i| (reach..frames.saturating_sub(reach)).contains(i)).collect();
    let (lag, onset_r) = best_lag(&onset_strength(&mel_reference), &onset_strength(&mel), &inner, reach)?;
    Some(Comparison {
        frames: kept.len(),
        loudness_r: correlation(&loud_reference, &loud),
        onset_r,
        onset_lag_frames: lag,
        logmel_l1: level_free_distance(&mel_reference, &mel, &kept),
        comb_db: comb_prominence(generated, RATE, fps),
        comb_reference_db: comb_prominence(reference, RATE, fps),
        level_db: mean(&loud),
        level_reference_db: mean(&loud_reference),
    })
}

/// Tells whether a frame lies in block 4, 9, 14 … of ten seconds: those that training leaves out.
pub fn every_fifth_block(fps: f64) -> impl Fn(usize) -> bool {
    move |frame| (frame as f64 / fps / 10.0).floor() as u64 % 5 == 4
}

/// Loudness of frames 0..`frames`: 10 log10 of the mean square of the samples from i / fps to (i + 1) / fps,
/// in dB relative to full scale, at least −70.
pub fn frame_loudness(sound: &[f32], rate: u32, fps: f64, frames: usize) -> Vec<f64> {
    let hop = f64::from(rate) / fps;
    let border = |i: usize| ((i as f64 * hop).round_ties_even() as usize).min(sound.len());
    let power =
        |block: &[f32]| block.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / block.len().max(1) as f64;
    (0..frames).map(|i| 10.0 * power(&sound[border(i)..border(i + 1)]).max(MIN_POWER).log10()).collect()
}

/// log10 of the power in 64 mel bands, `frames × 64`, frame i centred on (i + ½) / fps; `sound` is mono at
/// [`RATE`].
pub fn log_mel(sound: &[f32], fps: f64, frames: usize) -> Vec<[f64; BANDS]> {
    let nyquist = f64::from(RATE) / 2.0;
    let rate = SampleRate::new(RATE).expect("a constant within the range");
    let bank = MelBank::new(rate, TRANSFORM, BANDS, LOWEST_HZ, nyquist);
    let mut spectrum = PowerSpectrum::new(TRANSFORM, Window::Hann, Form::Symmetric);
    let hop = f64::from(RATE) / fps;
    let frame = |i: usize| {
        let centre = ((i as f64 + 0.5) * hop).round_ties_even() as i64;
        let power = spectrum.of(sound, centre - TRANSFORM as i64 / 2);
        let mut bands = [0.0; BANDS];
        bands.iter_mut().zip(bank.apply(power)).for_each(|(b, p)| *b = p.max(MIN_BAND_POWER).log10());
        bands
    };
    (0..frames).map(frame).collect()
}

/// Onset strength of each frame: the sum of the rises of all bands over the frame before; 0 in the first
/// frame.
pub fn onset_strength(log_mel: &[[f64; BANDS]]) -> Vec<f64> {
    let rise = |pair: &[[f64; BANDS]]| pair[0].iter().zip(&pair[1]).map(|(a, b)| (b - a).max(0.0)).sum();
    let first = log_mel.first().map(|_| 0.0);
    first.into_iter().chain(log_mel.windows(2).map(rise)).collect()
}

/// The shift within ±`reach` frames at which `generated` follows `reference` best, and the correlation there,
/// over the frames named in `kept`. Positive shifts mean that `generated` is late. `None` where `kept` is
/// empty or names a frame less than `reach` from an end.
pub fn best_lag(reference: &[f64], generated: &[f64], kept: &[usize], reach: usize) -> Option<(i64, f64)> {
    let frames = reference.len().min(generated.len());
    let inside = kept.iter().all(|i| *i >= reach && *i + reach < frames);
    if kept.is_empty() || !inside {
        return None;
    }
    // The first of equal scores wins, so that the answer does not depend on rounding in an iterator's order.
    lag_scores(reference, generated, kept, reach)
        .into_iter()
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// The correlations among which [`best_lag`] chooses: every shift from −`reach` to `reach` frames, with its
/// own. Panics where `kept` names a frame less than `reach` from an end.
pub fn lag_scores(reference: &[f64], generated: &[f64], kept: &[usize], reach: usize) -> Vec<(i64, f64)> {
    let fixed: Vec<f64> = kept.iter().map(|i| reference[*i]).collect();
    let reach = reach as i64;
    let score = |lag: i64| {
        let shifted: Vec<f64> = kept.iter().map(|i| generated[(*i as i64 + lag) as usize]).collect();
        (lag, correlation(&fixed, &shifted))
    };
    (-reach..=reach).map(score).collect()
}

/// Greatest shift of onsets against each other, in frames: half a second.
pub fn lag_reach(fps: f64) -> usize {
    (MAX_LAG_SECS * fps).round_ties_even() as usize
}

/// Mean prominence in dB of the first 40 harmonics of the frame rate (fewer where they reach the Nyquist
/// frequency) over the spectrum 3 to 12 Hz beside them. White noise shows 2 to 5 dB, blocks written end to
/// end 25 to 45.
///
/// The power spectrum is a mean over frames of 131 072 samples (32 768 for shorter sounds); `None` below
/// that.
pub fn comb_prominence(sound: &[f32], rate: u32, fps: f64) -> Option<f64> {
    comb(sound, rate, fps).map(|rows| mean(&rows))
}

/// The prominences whose mean [`comb_prominence`] is: of the first harmonic, the second, and so on.
pub fn comb(sound: &[f32], rate: u32, fps: f64) -> Option<Vec<f64>> {
    let size = if sound.len() >= 1 << 17 { 1 << 17 } else { 1 << 15 };
    if sound.len() < size {
        return None;
    }
    let power = mean_power(sound, size);
    let bin_hz = f64::from(rate) / size as f64;
    let reach = ((1.0 / bin_hz) as usize).max(2);
    let prominence = |k: usize| {
        let centre = (k as f64 * fps / bin_hz).round_ties_even() as usize;
        let beside_below = power.get(centre.saturating_sub(12 * reach)..centre.saturating_sub(3 * reach))?;
        let beside_above = power.get(centre + 3 * reach..centre + 12 * reach)?;
        let peak = power[centre.saturating_sub(reach)..=centre + reach].iter().copied().fold(0.0, f64::max);
        Some(10.0 * (peak / (median([beside_below, beside_above].concat()) + 1e-20)).log10())
    };
    let rows: Vec<f64> = (1..=COMB_HARMONICS).map_while(prominence).collect();
    // Digital silence has no spectrum: log10(0) may not stand as a figure.
    (!rows.is_empty() && rows.iter().all(|row| row.is_finite())).then_some(rows)
}

fn mean_power(sound: &[f32], size: usize) -> Vec<f64> {
    let mut spectrum = PowerSpectrum::new(size, Window::Hann, Form::Symmetric);
    let frames = sound.len() / size;
    let mut mean = vec![0.0; size / 2 + 1];
    for m in 0..frames {
        let power = spectrum.of(sound, (m * size) as i64);
        mean.iter_mut().zip(power).for_each(|(sum, p)| *sum += p / frames as f64);
    }
    mean
}

/// Mean absolute difference of log10 mel power over the frames named in `kept`, after the overall levels are
/// made equal.
pub fn level_free_distance(reference: &[[f64; BANDS]], generated: &[[f64; BANDS]], kept: &[usize]) -> f64 {
    let differences: Vec<f64> =
        kept.iter().flat_map(|i| generated[*i].iter().zip(&reference[*i]).map(|(g, r)| g - r)).collect();
    let shift = mean(&differences);
    mean(&differences.iter().map(|d| (d - shift).abs()).collect::<Vec<_>>())
}

/// Pearson's correlation of two curves of equal length; 0 where one of them is constant.
pub fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        (ab, aa, bb) = (ab + x * y, aa + x * x, bb + y * y);
    }
    ab / ((aa * bb).sqrt() + 1e-12)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    (values[(n - 1) / 2] + values[n / 2]) / 2.0
}
