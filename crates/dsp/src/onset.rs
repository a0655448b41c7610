//! Onset detection, to the sample.
//!
//! First roughly: the spectral flux of log band powers, at its local maxima above a moving mean (S. Böck, F.
//! Krebs and M. Schedl, "Evaluating the online capabilities of onset detection methods", ISMIR 2012, sections
//! 2 and 3), each band compared with the highest of its neighbours then, so that a vibrato is no rise (S.
//! Böck and G. Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013). Then exactly:
//! the first sample around such a maximum that stands out from the sound before it.

use crate::mel::MelBank;
use crate::stft::PowerSpectrum;
use crate::units::SampleRate;
use crate::window::{Form, Window};

/// Length of a frame, about; the next one begins a quarter of it later.
const FRAME_SECS: f64 = 0.023;
/// Mel bands whose rises are measured.
const BANDS: usize = 40;
/// Lowest frequency of the bands.
const LOWEST_HZ: f64 = 30.0;
/// Level above which band powers are compared, in dB below those of a full-scale sine: softer sound rises
/// unnoticed.
const FLOOR_DB: f64 = -70.0;
/// Frames over which a rise is measured.
const LAG_FRAMES: usize = 2;
/// Frames before and after a maximum of which it is the highest.
const MAXIMUM_FRAMES: usize = 3;
/// Factor of the moving mean above which a maximum counts, …
const MEAN_FACTOR: f32 = 2.0;
/// … and the part that is added, in log10 of power a band: noisy sound fluctuates as much.
const MEAN_OFFSET: f32 = 0.15;
/// Frames of the moving mean before and after a maximum.
const MEAN_BEFORE: usize = 20;
const MEAN_AFTER: usize = 12;
/// Least time between two onsets.
const MIN_GAP_SECS: f64 = 0.05;
/// Time before and after the middle of a frame in which its onset is searched for.
const SEARCH_BEFORE_SECS: f64 = 0.012;
const SEARCH_AFTER_SECS: f64 = 0.024;
/// Time before that in which the previous sound is measured.
const PREVIOUS_SECS: f64 = 0.02;
/// Share of a sound's highest amplitude, or of its rise above the previous sound, at which it begins.
const BEGINNING_SHARE: f32 = 0.2;

/// The beginning of a sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Onset {
    /// Its first sample that stands out.
    pub at: usize,
    /// Mean rise of a band at its frame, in log10 of power: about 0.1 for the softest, 1 for a stroke out of
    /// silence.
    pub strength: f32,
}

/// The onsets of a mono signal, in order. A sound that is there from the first sample on begins there.
pub fn onsets(signal: &[f32], rate: SampleRate) -> Vec<Onset> {
    let hz = f64::from(rate.hz());
    let size = 1 << ((FRAME_SECS * hz) as usize).max(64).ilog2();
    let hop = size / 4;
    let flux = flux(signal, rate, size, hop);
    let gap = (MIN_GAP_SECS * hz) as usize;
    let mut found: Vec<Onset> = Vec::new();
    for frame in 0..flux.len() {
        let near = &flux[frame.saturating_sub(MAXIMUM_FRAMES)..(frame + MAXIMUM_FRAMES + 1).min(flux.len())];
        let far = &flux[frame.saturating_sub(MEAN_BEFORE)..(frame + MEAN_AFTER + 1).min(flux.len())];
        let mean = far.iter().sum::<f32>() / far.len() as f32;
        let strength = flux[frame];
        if strength < MEAN_FACTOR * mean + MEAN_OFFSET || near.iter().any(|x| *x > strength) {
            continue;
        }
        let at = beginning(signal, hz, middle(frame, hop));
        match found.last_mut() {
            Some(last) if at < last.at + gap => {
                if strength > last.strength {
                    last.strength = strength;
                }
            }
            _ => found.push(Onset { at, strength }),
        }
    }
    found
}

/// Middle of a frame: the first ones lie before the signal, so that sound at its beginning is a rise.
fn middle(frame: usize, hop: usize) -> i64 {
    (frame as i64 - LAG_FRAMES as i64) * hop as i64
}

/// Mean rise of the bands, a number a frame.
fn flux(signal: &[f32], rate: SampleRate, size: usize, hop: usize) -> Vec<f32> {
    let bank = MelBank::new(rate, size, BANDS, LOWEST_HZ, f64::from(rate.hz()) / 2.0);
    let mut spectrum = PowerSpectrum::new(size, Window::Hann, Form::Periodic);
    let floor = spectrum.full_scale() * 10f64.powf(FLOOR_DB / 10.0);
    let frames = signal.len().div_ceil(hop) + LAG_FRAMES;
    let mut before = vec![[floor.log10() as f32; BANDS]; LAG_FRAMES];
    let mut flux = Vec::with_capacity(frames);
    for frame in 0..frames {
        let power = spectrum.of(signal, middle(frame, hop) - size as i64 / 2);
        let mut bands = [0.0f32; BANDS];
        bands.iter_mut().zip(bank.apply(power)).for_each(|(b, p)| *b = p.max(floor).log10() as f32);
        let earlier = std::mem::replace(&mut before[frame % LAG_FRAMES], bands);
        // Where the signal is cut off all bands rise.
        let at = middle(frame, hop);
        if at > size as i64 / 2 && at > signal.len() as i64 - size as i64 / 2 {
            flux.push(0.0);
            continue;
        }
        let highest = |b: usize| {
            earlier[b.saturating_sub(1)..(b + 2).min(BANDS)].iter().copied().fold(f32::MIN, f32::max)
        };
        let rise: f32 = bands.iter().enumerate().map(|(b, now)| (now - highest(b)).max(0.0)).sum();
        flux.push(rise / BANDS as f32);
    }
    flux
}

/// The first sample around `middle` that stands out.
fn beginning(signal: &[f32], hz: f64, middle: i64) -> usize {
    let sample = |secs: f64| (middle + (secs * hz) as i64).clamp(0, signal.len() as i64) as usize;
    let (previous, from, to) =
        (sample(-SEARCH_BEFORE_SECS - PREVIOUS_SECS), sample(-SEARCH_BEFORE_SECS), sample(SEARCH_AFTER_SECS));
    let loudest = |part: &[f32]| part.iter().fold(0.0f32, |loudest, x| loudest.max(x.abs()));
    let (before, peak) = (loudest(&signal[previous..from]), loudest(&signal[from..to]));
    let threshold = if peak > before { before + BEGINNING_SHARE * (peak - before) } else { peak };
    let first = signal[from..to].iter().position(|x| x.abs() >= threshold.max(f32::MIN_POSITIVE));
    from + first.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::TAU;

    fn rate(hz: u32) -> SampleRate {
        SampleRate::new(hz).unwrap()
    }

    #[test]
    fn clicks_are_found_to_the_sample_and_nothing_else() {
        for hz in [22_050, 44_100, 48_000] {
            let places = [0usize, 5000, 12_345, 20_001, 29_999];
            let mut signal = vec![0.0; 40_000];
            for at in places {
                signal[at] = 0.5;
            }
            let found: Vec<usize> = onsets(&signal, rate(hz)).iter().map(|o| o.at).collect();
            assert_eq!(found, places, "{hz}");
        }
    }

    #[test]
    fn strokes_are_found_over_what_sounds_on() {
        let hz = 44_100;
        let places = [8000usize, 20_000, 33_333, 60_000];
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let mut signal: Vec<f32> = (0..80_000)
            .map(|i| 0.05 * (TAU * 110.0 * i as f32 / hz as f32).sin() + 0.002 * noise())
            .collect();
        for at in places {
            for k in 0..12_000 {
                let t = k as f32 / hz as f32;
                signal[at + k] += 0.4 * (-t * 40.0).exp() * (TAU * 700.0 * t).cos();
            }
        }
        let found = onsets(&signal, rate(hz));
        // The drone begins, too.
        let strokes: Vec<usize> = found.iter().map(|o| o.at).filter(|at| *at > 2000).collect();
        assert_eq!(strokes.len(), places.len(), "{found:?}");
        for (at, place) in strokes.iter().zip(places) {
            assert!(at.abs_diff(place) <= 2, "{at} instead of {place}");
        }
    }

    #[test]
    fn steady_sound_and_silence_have_no_onsets_but_the_first() {
        let tone: Vec<f32> = (0..44_100).map(|i| 0.3 * (TAU * 440.0 * i as f32 / 44_100.0).sin()).collect();
        let found = onsets(&tone, rate(44_100));
        assert!(found.len() == 1 && found[0].at < 20, "{found:?}");
        assert!(onsets(&[0.0; 10_000], rate(44_100)).is_empty() && onsets(&[], rate(44_100)).is_empty());
    }
}
