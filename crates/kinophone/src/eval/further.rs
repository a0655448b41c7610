//! Further measures of a soundtrack: whether it follows what moves, when sounds begin, how loud it is, how it sounds over time,
//! and how often the ear would notice a jump.
//!
//! | measure | after |
//! |---|---|
//! | following | [`kinophone_dsp::metrics::follow`], over the whole soundtrack |
//! | onset accuracy, average precision | [`kinophone_dsp::metrics::onset_matching`] |
//! | distance of the envelopes | E-L1, see [`envelope_l1`] |
//! | distance of timbre over time | [`PatchStatistics`] |
//! | jumps | [`jumps`] |
//!
//! All but the first compare the evaluated frames with those of the film's own sound. Beside each stands chance: the figure that
//! only one in twenty of the sounds surpasses that are moved in time against the original, by the shifts of
//! [`EvaluatedFrames::shifts`]. For following it is the mean over rolled sounds, as its definition has it; for jumps the share
//! that lies at any place of the same sound. To move a sound in time does not change its distance of timbre: there the yardstick
//! is the distance between the two halves of the film's own sound.

use crate::eval::curves::{Curves, EvaluatedFrames};
use crate::eval::figures::mean;
use crate::eval::report::{FurtherMeasures, MeasuredBesideChance};
use crate::eval::sound::measure_rate;
use crate::eval::timbre::PatchStatistics;
use kinophone_dsp::metrics::follow::follow;
use kinophone_dsp::metrics::onset_matching::{OnsetAgreement, TimedOnset, match_onsets};
use kinophone_dsp::metrics::{BANDS, RATE, log_mel, quantile};
use kinophone_dsp::onset::onsets;
use std::ops::Range;

/// Frames a second of a [`FineAnalysis`], whatever the brain's tick.
const FINE_FPS: f64 = 100.0;
/// Frames before and after a place between which the spectrum's change is measured: their windows of 93 ms hardly overlap.
const CHANGE_REACH: usize = 5;
/// Log-mel power above which a band sounds: that of white noise at about −70 dB. What an encoder leaves of silence is softer.
const AUDIBLE_BAND: f64 = -3.0;
/// Quantile of the film's own changes above which a splice counts as a jump.
const LARGE_CHANGE: f64 = 0.95;
/// Tolerance of an onset in seconds, as in the paper.
const TOLERANCE: f64 = 0.1;
/// The narrow tolerance: a picture at 30 a second.
const NARROW_TOLERANCE: f64 = 1.0 / 30.0;
/// Chance is what one in twenty surpasses.
const CHANCE: f64 = 0.95;

/// The analysis of a sound that is finer than a tick.
pub(crate) struct FineAnalysis {
    log_mel: Vec<[f64; BANDS]>,
    onsets: Vec<TimedOnset>,
}

impl FineAnalysis {
    /// Analyses mono sound at the rate of measurement.
    pub(crate) fn of(sound: &[f32]) -> Self {
        let frames = (sound.len() as f64 * FINE_FPS / f64::from(RATE)) as usize;
        let rate = measure_rate();
        Self {
            log_mel: log_mel(sound, FINE_FPS, frames),
            onsets: onsets(sound, rate).iter().map(|onset| TimedOnset::of(onset, rate)).collect(),
        }
    }

    /// Change of the spectrum around a frame in dB: the mean absolute difference of the bands 50 ms after it and 50 ms before it;
    /// `None` at either end, and where both are silent.
    fn change(&self, frame: usize) -> Option<f64> {
        let before = self.log_mel.get(frame.checked_sub(CHANGE_REACH)?)?;
        let after = self.log_mel.get(frame + CHANGE_REACH)?;
        let sum: f64 = before.iter().zip(after).map(|(a, b)| (a - b).abs()).sum();
        let sounds = before.iter().chain(after).any(|band| *band > AUDIBLE_BAND);
        sounds.then_some(10.0 * sum / BANDS as f64)
    }
}

/// A sound in both analyses.
#[derive(Clone, Copy)]
pub(crate) struct Analysed<'a> {
    pub(crate) curves: &'a Curves,
    pub(crate) fine: &'a FineAnalysis,
}

/// The further measures of a sound against the film's own, without following. `splices` are the places in seconds on the film's
/// clock at which recordings were joined, where they are known.
pub(crate) fn compared(
    reference: Analysed<'_>,
    generated: Analysed<'_>,
    frames: &EvaluatedFrames,
    splices: Option<&[f64]>,
) -> FurtherMeasures {
    let at = |tolerance: f64| onset_agreement(reference.fine, generated.fine, frames, tolerance);
    let ([onset_accuracy, onset_ap], [onset_accuracy_33ms, onset_ap_33ms]) =
        (at(TOLERANCE), at(NARROW_TOLERANCE));
    let joined = splices.map(|splices| jumps(reference.fine, generated.fine, frames, splices));
    FurtherMeasures {
        onset_accuracy,
        onset_ap,
        onset_accuracy_33ms,
        onset_ap_33ms,
        envelope_l1: envelope_l1(&reference.curves.loudness, &generated.curves.loudness, frames),
        timbre_db: timbre(reference.fine, generated.fine, frames),
        splices: joined.map(|(splices, _)| splices),
        jumps: joined.and_then(|(_, jumps)| jumps),
        ..FurtherMeasures::default()
    }
}

/// The further measures of the film's own sound: the distance of timbre between its halves.
pub(crate) fn of_original(fine: &FineAnalysis, frames: &EvaluatedFrames) -> FurtherMeasures {
    let half = frames.indices.len() / 2;
    let [first, second] = [&frames.indices[..half], &frames.indices[half..]].map(|indices| {
        let runs = indices.chunk_by(|a, b| a + 1 == *b).map(|run| run[0]..run[run.len() - 1] + 1);
        PatchStatistics::of(&fine.log_mel, &fine_runs(&runs.collect::<Vec<_>>(), frames.fps))
    });
    let distance = first.zip(second).and_then(|(first, second)| first.distance_db(&second));
    FurtherMeasures { timbre_db: distance.map(MeasuredBesideChance::alone), ..FurtherMeasures::default() }
}

/// Adds how closely a sound follows the motion of the film's pictures. Both begin with the first picture.
pub(crate) fn with_following(measures: FurtherMeasures, motion: &[f64], sound: &[f32]) -> FurtherMeasures {
    let Some(found) = follow(motion, sound) else { return measures };
    let beside = |value, chance| Some(MeasuredBesideChance { value, chance: Some(chance) });
    FurtherMeasures {
        loudness_motion_r: beside(found.loudness_motion_r, found.loudness_motion_chance),
        onset_motion_r: beside(found.onset_motion_r, found.onset_motion_chance),
        ..measures
    }
}

/// Accuracy and average precision of the onsets in the evaluated frames.
fn onset_agreement(
    reference: &FineAnalysis,
    generated: &FineAnalysis,
    frames: &EvaluatedFrames,
    tolerance: f64,
) -> [Option<MeasuredBesideChance>; 2] {
    let (truth, found) = (evaluated(&reference.onsets, frames), evaluated(&generated.onsets, frames));
    let Some(here) = match_onsets(&truth, &found, tolerance) else { return [None; 2] };
    let shifts = frames.shifts();
    let moved: Vec<OnsetAgreement> = shifts
        .iter()
        .filter_map(|shift| {
            let found = moved(&found, *shift as f64 / frames.fps, frames.seconds());
            match_onsets(&truth, &found, tolerance)
        })
        .collect();
    let figures: [fn(&OnsetAgreement) -> f64; 2] = [|a| a.accuracy, |a| a.average_precision];
    figures.map(|of| {
        let chance = (!moved.is_empty()).then(|| quantile(moved.iter().map(of).collect(), CHANCE));
        Some(MeasuredBesideChance { value: of(&here), chance })
    })
}

/// The onsets in the evaluated frames, at their times in those frames laid end to end.
fn evaluated(onsets: &[TimedOnset], frames: &EvaluatedFrames) -> Vec<TimedOnset> {
    let (mut found, mut begin) = (Vec::new(), 0.0);
    for run in frames.runs() {
        let (from, to) = (run.start as f64 / frames.fps, run.end as f64 / frames.fps);
        let inside = onsets.iter().filter(|onset| (from..to).contains(&onset.secs));
        found.extend(inside.map(|onset| TimedOnset { secs: onset.secs - from + begin, ..*onset }));
        begin += to - from;
    }
    found
}

/// Onsets moved by so many seconds; those beyond the end come round to the beginning.
fn moved(onsets: &[TimedOnset], by: f64, length: f64) -> Vec<TimedOnset> {
    let round = |onset: &TimedOnset| TimedOnset { secs: (onset.secs + by) % length, ..*onset };
    let mut moved: Vec<TimedOnset> = onsets.iter().map(round).collect();
    moved.sort_by(|a, b| a.secs.total_cmp(&b.secs));
    moved
}

/// The mean absolute difference of the two sounds' envelopes over the evaluated frames: of the root mean square of each frame, full
/// scale being 1, at the brain's tick. It is E-L1 of Chung, Lee and Nam, "T-Foley: A Controllable Waveform-Domain Diffusion Model
/// for Temporal-Event-Guided Foley Sound Synthesis", ICASSP 2024, section 4.2, there with windows of 512 samples. Frames below
/// −70 dB count as −70 dB. 0 is the same; lower is better.
fn envelope_l1(
    reference: &[f64],
    generated: &[f64],
    frames: &EvaluatedFrames,
) -> Option<MeasuredBesideChance> {
    let inside = |i: &&usize| **i < reference.len().min(generated.len());
    let envelope = |loudness: &[f64]| -> Vec<f64> {
        frames.indices.iter().filter(inside).map(|i| 10f64.powf(loudness[*i] / 20.0)).collect()
    };
    let (truth, mut ours) = (envelope(reference), envelope(generated));
    if truth.is_empty() {
        return None;
    }
    let distance =
        |ours: &[f64]| mean(&truth.iter().zip(ours).map(|(a, b)| (a - b).abs()).collect::<Vec<_>>());
    let value = distance(&ours);
    let (mut moved, mut before) = (Vec::new(), 0);
    for shift in frames.shifts() {
        ours.rotate_right((shift - before) % truth.len());
        before = shift;
        moved.push(distance(&ours));
    }
    let chance = (!moved.is_empty()).then(|| quantile(moved, 1.0 - CHANCE));
    Some(MeasuredBesideChance { value, chance })
}

fn timbre(
    reference: &FineAnalysis,
    generated: &FineAnalysis,
    frames: &EvaluatedFrames,
) -> Option<MeasuredBesideChance> {
    let runs = fine_runs(&frames.runs(), frames.fps);
    let [reference, generated] = [reference, generated].map(|fine| PatchStatistics::of(&fine.log_mel, &runs));
    Some(MeasuredBesideChance::alone(reference?.distance_db(&generated?)?))
}

/// Jumps: the number of splices that sound, and the share of them at which the spectrum changes more than at 95 of 100 places of
/// the film's own sound, so that the ear may notice. A mosaic that joins its recordings as smoothly as the film goes on reaches
/// 0.05; splices at attacks, where the sound changes anyhow, count as well. Chance is the share of such changes at any place of the
/// same sound.
fn jumps(
    reference: &FineAnalysis,
    generated: &FineAnalysis,
    frames: &EvaluatedFrames,
    splices: &[f64],
) -> (usize, Option<MeasuredBesideChance>) {
    let runs = fine_runs(&frames.runs(), frames.fps);
    let all = |fine: &FineAnalysis| -> Vec<f64> {
        runs.iter().flat_map(Clone::clone).filter_map(|frame| fine.change(frame)).collect()
    };
    let places = splices.iter().map(|secs| (secs * FINE_FPS) as usize);
    let inside = places.filter(|place| runs.iter().any(|run| run.contains(place)));
    let at_splices: Vec<f64> = inside.filter_map(|place| generated.change(place)).collect();
    let (own, anywhere) = (all(reference), all(generated));
    if own.is_empty() || at_splices.is_empty() {
        return (at_splices.len(), None);
    }
    let limit = quantile(own, LARGE_CHANGE);
    let share = |changes: &[f64]| {
        changes.iter().filter(|change| **change > limit).count() as f64 / changes.len() as f64
    };
    let found = MeasuredBesideChance { value: share(&at_splices), chance: Some(share(&anywhere)) };
    (at_splices.len(), Some(found))
}

/// Runs of ticks as runs of frames of the fine analysis.
fn fine_runs(runs: &[Range<usize>], fps: f64) -> Vec<Range<usize>> {
    let at = |frame: usize| (frame as f64 / fps * FINE_FPS).round() as usize;
    runs.iter().map(|run| at(run.start)..at(run.end)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECS: usize = 40;

    fn noise(n: usize, mut state: u32) -> Vec<f32> {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1u32 << 24) as f32 - 0.5
        };
        (0..n).map(|_| next()).collect()
    }

    /// Strokes of noise at these times in seconds over nothing.
    fn strokes(times: &[f64]) -> Vec<f32> {
        let noise = noise(SECS * RATE as usize, 1);
        let mut sound = vec![0.0; noise.len()];
        for secs in times {
            let first = (secs * f64::from(RATE)) as usize;
            for n in first..(first + 4000).min(sound.len()) {
                sound[n] += noise[n] * (-((n - first) as f32) / 800.0).exp();
            }
        }
        sound
    }

    fn all_frames() -> EvaluatedFrames {
        EvaluatedFrames::new(0..SECS * 30, 30.0, |_| true)
    }

    fn measured(reference: &[f32], generated: &[f32], frames: &EvaluatedFrames) -> FurtherMeasures {
        let curves = [reference, generated].map(|sound| Curves::of(sound, 30.0));
        let fine = [reference, generated].map(FineAnalysis::of);
        let at = |k: usize| Analysed { curves: &curves[k], fine: &fine[k] };
        compared(at(0), at(1), frames, None)
    }

    /// Strokes at irregular times, half of which the other sound has 60 ms late and the rest not at all.
    #[test]
    fn onsets_are_hit_by_as_many_as_are_near() {
        let times: Vec<f64> =
            (0..40).map(|k| 0.7 + 0.93 * f64::from(k) + 0.05 * f64::from(k * k % 7)).collect();
        let late: Vec<f64> = times.iter().step_by(2).map(|secs| secs + 0.06).collect();
        let got = measured(&strokes(&times), &strokes(&late), &all_frames());
        let (wide, narrow) = (got.onset_accuracy.unwrap(), got.onset_accuracy_33ms.unwrap());
        assert_eq!((wide.value, narrow.value, got.onset_ap.unwrap().value), (0.5, 0.0, 0.5));
        assert!(wide.chance.unwrap() < 0.4, "{wide:?}");
        assert_eq!((got.jumps, got.splices), (None, None));
    }

    #[test]
    fn a_sound_is_as_near_to_itself_as_can_be() {
        let sound = strokes(&[1.0, 3.3, 4.1, 9.0, 13.7, 22.2, 31.0]);
        let got = measured(&sound, &sound, &all_frames());
        let (envelope, timbre) = (got.envelope_l1.unwrap(), got.timbre_db.unwrap());
        assert_eq!((got.onset_accuracy_33ms.unwrap().value, got.onset_ap_33ms.unwrap().value), (1.0, 1.0));
        assert!(envelope.value == 0.0 && envelope.chance.unwrap() > 0.0 && timbre.value < 1e-3, "{got:?}");
        // Moved in time it is as near in timbre.
        let mut moved = sound.clone();
        moved.rotate_right(17 * RATE as usize);
        let moved = measured(&sound, &moved, &all_frames());
        assert!(moved.timbre_db.unwrap().value < 1.0 && moved.envelope_l1.unwrap().value > 0.0, "{moved:?}");
    }

    /// Steady frames of 0.5 and 0.25: a mean square of a² gives an envelope of a.
    #[test]
    fn the_distance_of_envelopes_is_that_of_amplitudes() {
        let level = |amplitude: f64| vec![20.0 * amplitude.log10(); SECS * 30];
        let got = envelope_l1(&level(0.5), &level(0.25), &all_frames()).unwrap();
        assert!((got.value - 0.25).abs() < 1e-12 && (got.chance.unwrap() - 0.25).abs() < 1e-12, "{got:?}");
    }

    /// A mosaic that leaps between two tones at every second splice, beside a film whose sound never leaps.
    #[test]
    fn splices_at_which_the_spectrum_leaps_are_jumps() {
        let tone = |n: usize, hz: f64| (std::f64::consts::TAU * hz * n as f64 / f64::from(RATE)).sin() as f32;
        let noise = noise(SECS * RATE as usize, 7);
        let reference: Vec<f32> = (0..noise.len()).map(|n| 0.3 * tone(n, 440.0) + 0.02 * noise[n]).collect();
        let leaps = |n: usize| [440.0, 1100.0][n / (2 * RATE as usize) % 2];
        let generated: Vec<f32> =
            (0..noise.len()).map(|n| 0.3 * tone(n, leaps(n)) + 0.02 * noise[n]).collect();
        let splices: Vec<f64> = (1..SECS).map(|k| k as f64).collect();
        let (reference, generated) = (FineAnalysis::of(&reference), FineAnalysis::of(&generated));
        let (count, found) = jumps(&reference, &generated, &all_frames(), &splices);
        let found = found.unwrap();
        assert_eq!(count, 39);
        // 19 of 39, and of those where nothing happens no more than of the film's own.
        assert!((0.45..0.6).contains(&found.value) && found.chance.unwrap() < 0.2, "{found:?}");
        // Held-out blocks know the splices within them alone.
        let held_out = EvaluatedFrames::new(0..SECS * 30, 30.0, |block| block == 1);
        assert_eq!(jumps(&reference, &generated, &held_out, &splices).0, 10);
    }
}
