//! Comparison of two soundtracks frame by frame, with intervals.
//!
//! The figures are those of [`kinophone_dsp::metrics::compare`]; here the curves are stored, so that a film's
//! own sound is analysed once for all versions. Intervals are bootstraps over ten-second blocks
//! ([`bootstrap`]).

use crate::eval::figures::mean;
use crate::eval::report::{Chance, Estimate, ReportMeasures};
use kinophone_dsp::metrics::{
    BANDS, Moments, RATE, bootstrap, comb, correlation, draws, frame_loudness, lag_reach, lag_scores,
    level_free_distance, log_mel, onset_strength, quantile,
};
use kinophone_dsp::units::MediaTime;
use std::ops::Range;

/// Length of a block in seconds.
pub(crate) const BLOCK_SECS: f64 = 10.0;
/// Fewest blocks from which an interval is estimated.
const MIN_BLOCKS: usize = 3;
/// Number of time shifts from which the level of chance is taken.
const CHANCE_SHIFTS: usize = 200;
/// Smallest time shift, in seconds, after which predictions belong to other pictures.
const MIN_SHIFT_SECS: f64 = 1.0;
/// Loudness of digital silence, the lower limit of `frame_loudness`.
pub(crate) const SILENT_DB: f64 = -70.0;
/// Log-mel band of digital silence, the lower limit of `log_mel`.
const SILENT_BAND: f64 = -5.0;

/// The measured curves of a sound, frame by frame.
pub(crate) struct Curves {
    pub(crate) loudness: Vec<f64>,
    log_mel: Vec<[f64; BANDS]>,
    pub(crate) onset: Vec<f64>,
    /// Prominence of every harmonic of the frame rate; `None` for silence and for less than a second and a
    /// half.
    pub(crate) comb: Option<Vec<f64>>,
}

impl Curves {
    /// Curves of mono sound at [`RATE`].
    pub(crate) fn of(sound: &[f32], fps: f64) -> Self {
        let frames = (sound.len() as f64 * fps / f64::from(RATE)) as usize;
        let log_mel = log_mel(sound, fps, frames);
        Self {
            loudness: frame_loudness(sound, RATE, fps, frames),
            onset: onset_strength(&log_mel),
            log_mel,
            comb: comb(sound, RATE, fps),
        }
    }

    /// Curves of digital silence.
    pub(crate) fn of_silence(frames: usize) -> Self {
        Self {
            loudness: vec![SILENT_DB; frames],
            log_mel: vec![[SILENT_BAND; BANDS]; frames],
            onset: vec![0.0; frames],
            comb: None,
        }
    }

    /// Number of frames.
    pub(crate) fn frames(&self) -> usize {
        self.loudness.len()
    }

    /// Mean prominence of the comb.
    pub(crate) fn comb_db(&self) -> Option<f64> {
        self.comb.as_ref().map(|rows| mean(rows))
    }
}

/// The frames of `0..total` whose middle does not lie before the first picture, where no brain could have an answer.
pub(crate) fn frames_with_picture(first_picture: MediaTime, total: usize, fps: f64) -> Range<usize> {
    (first_picture.as_secs_f64() * fps - 0.5).ceil().max(0.0) as usize..total
}

/// The frames that are evaluated.
pub(crate) struct EvaluatedFrames {
    pub(crate) fps: f64,
    /// All frames of the film at which there is a picture.
    seen: Range<usize>,
    pub(crate) indices: Vec<usize>,
    /// Ten-second blocks, as ranges of `indices`.
    blocks: Vec<Range<usize>>,
    /// Sets of blocks that are drawn together, see [`bootstrap::draws`]; empty with too few blocks.
    draws: Vec<Vec<usize>>,
}

impl EvaluatedFrames {
    /// The frames of `seen`, at which there is a picture, in the blocks that are `evaluated`.
    pub(crate) fn new(seen: Range<usize>, fps: f64, evaluated: impl Fn(i64) -> bool) -> Self {
        let block = |frame: &usize| (*frame as f64 / fps / BLOCK_SECS).floor() as i64;
        let indices: Vec<usize> = seen.clone().filter(|frame| evaluated(block(frame))).collect();
        let mut blocks: Vec<Range<usize>> = Vec::new();
        for run in indices.chunk_by(|a, b| block(a) == block(b)) {
            let begin = blocks.last().map_or(0, |block| block.end);
            blocks.push(begin..begin + run.len());
        }
        let draws = if blocks.len() < MIN_BLOCKS { Vec::new() } else { draws(blocks.len()) };
        Self { fps, seen, indices, blocks, draws }
    }

    /// Total length in seconds.
    pub(crate) fn seconds(&self) -> f64 {
        self.indices.len() as f64 / self.fps
    }

    /// Runs of consecutive frames.
    pub(crate) fn runs(&self) -> Vec<Range<usize>> {
        self.indices.chunk_by(|a, b| a + 1 == *b).map(|run| run[0]..run[run.len() - 1] + 1).collect()
    }

    /// The evaluated values of a curve.
    pub(crate) fn pick(&self, curve: &[f64]) -> Vec<f64> {
        self.indices.iter().map(|frame| curve[*frame]).collect()
    }

    /// Shifts in frames, in order, after which a sound belongs to other pictures: those from which the level of chance is taken.
    /// Empty where too little is evaluated.
    pub(crate) fn shifts(&self) -> Vec<usize> {
        let (n, least) = (self.indices.len(), (MIN_SHIFT_SECS * self.fps).ceil() as usize);
        if n <= 4 * least {
            return Vec::new();
        }
        let shifts = (0..CHANCE_SHIFTS).map(|k| least + k * (n - 2 * least) / CHANCE_SHIFTS);
        shifts.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    /// The frames whose onsets can be shifted to every lag.
    fn inner(&self) -> impl Fn(&usize) -> bool {
        let reach = lag_reach(self.fps);
        let range = self.seen.start + reach..self.seen.end.saturating_sub(reach);
        move |frame| range.contains(frame)
    }
}

/// The scores of a soundtrack against the original.
pub(crate) struct Scores {
    pub(crate) measures: ReportMeasures,
    pub(crate) lags: Vec<(i64, f64)>,
}

/// Compares two sounds; `None` where no frame remains: the onset score leaves out the first and the last half
/// second.
pub(crate) fn score(reference: &Curves, generated: &Curves, frames: &EvaluatedFrames) -> Option<Scores> {
    let reach = lag_reach(frames.fps);
    let inner: Vec<usize> = frames.indices.iter().copied().filter(frames.inner()).collect();
    if inner.is_empty() {
        return None;
    }
    let lags =
        lag_scores(&reference.onset[..frames.seen.end], &generated.onset[..frames.seen.end], &inner, reach);
    let (lag, onset_r) = best(&lags)?;
    let loudness = (frames.pick(&reference.loudness), frames.pick(&generated.loudness));
    let logmel_l1 = level_free_distance(&reference.log_mel, &generated.log_mel, &frames.indices);
    let measures = ReportMeasures {
        onset_r: estimate(onset_r, resampled_onset_r(reference, generated, frames)),
        loudness_r: estimate(
            correlation(&loudness.0, &loudness.1),
            resampled_loudness_r(reference, generated, frames),
        ),
        logmel_l1: estimate(logmel_l1, resampled_logmel_l1(reference, generated, frames)),
        onset_lag_frames: lag,
        comb_db: generated.comb_db(),
        level_db: mean(&loudness.1),
    };
    Some(Scores { measures, lags })
}

/// The correlations that one in twenty of the time-shifted predictions exceeds.
pub(crate) fn chance(reference: &Curves, generated: &Curves, frames: &EvaluatedFrames) -> Chance {
    let (n, shifts) = (frames.indices.len(), frames.shifts());
    if shifts.is_empty() {
        return Chance { onset_r: None, loudness_r: None };
    }
    let rolled = |truth: &[f64], predicted: &[f64], shift: i64| {
        let shift = shift.rem_euclid(n as i64) as usize;
        correlation(truth, &[&predicted[shift..], &predicted[..shift]].concat())
    };
    let (truth, predicted) = (frames.pick(&reference.onset), frames.pick(&generated.onset));
    let reach = lag_reach(frames.fps) as i64;
    let onsets = shifts.iter().map(|shift| {
        (-reach..=reach).map(|lag| rolled(&truth, &predicted, *shift as i64 + lag)).fold(-1.0, f64::max)
    });
    let onsets = quantile(onsets.collect(), 0.95);
    let (truth, predicted) = (frames.pick(&reference.loudness), frames.pick(&generated.loudness));
    let loudness =
        quantile(shifts.iter().map(|shift| rolled(&truth, &predicted, *shift as i64)).collect(), 0.95);
    Chance { onset_r: Some(onsets), loudness_r: Some(loudness) }
}

/// The best lag, the first of equal ones as in [`kinophone_dsp::metrics::best_lag`]; 0 for a curve that is
/// constant.
fn best(lags: &[(i64, f64)]) -> Option<(i64, f64)> {
    if lags.iter().all(|(_, r)| *r == 0.0) {
        return lags.first().map(|_| (0, 0.0));
    }
    lags.iter().copied().reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// A value with the interval of its bootstrap draws.
fn estimate(value: f64, resampled: Vec<f64>) -> Estimate {
    let interval = bootstrap::interval(resampled);
    Estimate { value, low: interval.map(|ends| ends[0]), high: interval.map(|ends| ends[1]) }
}

/// A curve around 0, so that sums of squares keep their digits.
fn centred(curve: &[f64], frames: &EvaluatedFrames) -> Vec<f64> {
    let mean = mean(&frames.pick(curve));
    curve.iter().map(|x| x - mean).collect()
}

/// Onset correlations at the best lag over the bootstrap draws.
fn resampled_onset_r(reference: &Curves, generated: &Curves, frames: &EvaluatedFrames) -> Vec<f64> {
    if frames.draws.is_empty() {
        return Vec::new();
    }
    let (truth, predicted) = (centred(&reference.onset, frames), centred(&generated.onset, frames));
    let (reach, inner) = (lag_reach(frames.fps), frames.inner());
    let of_block = |block: &Range<usize>| {
        let mut lags = vec![Moments::default(); 2 * reach + 1];
        for frame in frames.indices[block.clone()].iter().filter(|frame| inner(frame)) {
            for (k, lag) in lags.iter_mut().enumerate() {
                lag.add(truth[*frame], predicted[frame + k - reach]);
            }
        }
        lags
    };
    let blocks: Vec<Vec<Moments>> = frames.blocks.iter().map(of_block).collect();
    let drawn = |draw: &Vec<usize>| {
        let at = |lag: usize| draw.iter().fold(Moments::default(), |sum, block| sum.and(blocks[*block][lag]));
        (0..=2 * reach).map(|lag| at(lag).correlation()).fold(-1.0, f64::max)
    };
    frames.draws.iter().map(drawn).collect()
}

/// Loudness correlations over the bootstrap draws.
fn resampled_loudness_r(reference: &Curves, generated: &Curves, frames: &EvaluatedFrames) -> Vec<f64> {
    if frames.draws.is_empty() {
        return Vec::new();
    }
    let (truth, predicted) = (centred(&reference.loudness, frames), centred(&generated.loudness, frames));
    let of_block = |block: &Range<usize>| {
        let mut sum = Moments::default();
        frames.indices[block.clone()].iter().for_each(|frame| sum.add(truth[*frame], predicted[*frame]));
        sum
    };
    let blocks: Vec<Moments> = frames.blocks.iter().map(of_block).collect();
    let sum = |draw: &Vec<usize>| draw.iter().fold(Moments::default(), |sum, block| sum.and(blocks[*block]));
    frames.draws.iter().map(|draw| sum(draw).correlation()).collect()
}

/// Sorted differences of a block with their cumulative sums, from which the mean distance from any level
/// follows in logarithmic time.
struct Differences {
    sorted: Vec<f32>,
    sums: Vec<f64>,
}

impl Differences {
    fn new(mut all: Vec<f32>) -> Self {
        all.sort_by(f32::total_cmp);
        let mut sums = vec![0.0];
        for x in &all {
            sums.push(sums[sums.len() - 1] + f64::from(*x));
        }
        Self { sorted: all, sums }
    }

    fn sum(&self) -> f64 {
        self.sums[self.sorted.len()]
    }

    /// Σ |x − level|
    fn distance(&self, level: f64) -> f64 {
        let below = self.sorted.partition_point(|x| f64::from(*x) < level);
        let (n, low) = (self.sorted.len(), self.sums[below]);
        level * below as f64 - low + (self.sum() - low) - level * (n - below) as f64
    }
}

/// Distances of the spectra over the bootstrap draws.
fn resampled_logmel_l1(reference: &Curves, generated: &Curves, frames: &EvaluatedFrames) -> Vec<f64> {
    if frames.draws.is_empty() {
        return Vec::new();
    }
    let of_block = |block: &Range<usize>| {
        let frames = frames.indices[block.clone()].iter();
        let bands = frames.flat_map(|i| generated.log_mel[*i].iter().zip(&reference.log_mel[*i]));
        Differences::new(bands.map(|(g, r)| (g - r) as f32).collect())
    };
    let blocks: Vec<Differences> = frames.blocks.iter().map(of_block).collect();
    let drawn = |draw: &Vec<usize>| {
        let chosen = || draw.iter().map(|block| &blocks[*block]);
        let n: usize = chosen().map(|block| block.sorted.len()).sum();
        let level = chosen().map(Differences::sum).sum::<f64>() / n as f64;
        chosen().map(|block| block.distance(level)).sum::<f64>() / n as f64
    };
    frames.draws.iter().map(drawn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinophone_dsp::metrics::compare;
    use kinophone_dsp::metrics::every_fifth_block;
    use rand::RngExt;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    /// A sound with a click every `every` samples on a bed of noise that swells.
    fn sound(secs: usize, every: usize, seed: u64) -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        (0..secs * RATE as usize)
            .map(|n| {
                let click = 0.6 * (-((n % every) as f32) / 500.0).exp();
                let swell = 1.0 + (n as f32 / RATE as f32 * 1.7).sin();
                (click + 0.02 * swell) * random.random_range(-1.0..1.0)
            })
            .collect()
    }

    /// Late by two frames, with a noise of its own.
    fn follows(reference: &[f32], noise: f32) -> Vec<f32> {
        let mut random = ChaCha8Rng::seed_from_u64(9);
        (0..reference.len())
            .map(|n| {
                n.checked_sub(1470).map_or(0.0, |n| reference[n]) + noise * random.random_range(-1.0..1.0)
            })
            .collect()
    }

    #[test]
    fn frames_before_the_first_picture_are_left_out() {
        let seen = |us: i64| frames_with_picture(MediaTime(us), 90, 30.0);
        assert_eq!([seen(0), seen(16_000), seen(23_000), seen(2_100_000)], [0..90, 0..90, 1..90, 63..90]);
        let frames = EvaluatedFrames::new(seen(2_100_000), 30.0, |_| true);
        assert_eq!(frames.indices, (63..90).collect::<Vec<_>>());
    }

    #[test]
    fn figures_are_those_of_the_measure_itself() {
        let reference = sound(130, 17_011, 1);
        let generated = follows(&reference, 0.05);
        let (a, b) = (Curves::of(&reference, 30.0), Curves::of(&generated, 30.0));
        for (all, keep) in [(true, None), (false, Some(every_fifth_block(30.0)))] {
            let frames = EvaluatedFrames::new(0..a.frames(), 30.0, |block| all || block % 5 == 4);
            let ours = score(&a, &b, &frames).unwrap().measures;
            let known =
                compare(&reference, &generated, 30.0, |i| keep.as_ref().is_none_or(|k| k(i))).unwrap();
            let pairs = [
                (ours.onset_r.value, known.onset_r),
                (ours.loudness_r.value, known.loudness_r),
                (ours.logmel_l1.value, known.logmel_l1),
                (ours.comb_db.unwrap(), known.comb_db.unwrap()),
                (ours.level_db, known.level_db),
            ];
            assert!(pairs.iter().all(|(x, y)| (x - y).abs() < 1e-12), "{pairs:?}");
            assert_eq!((ours.onset_lag_frames, frames.indices.len()), (known.onset_lag_frames, known.frames));
            // Blocks 4 and 9 alone make no interval.
            assert_eq!(ours.onset_r.low.is_some(), all);
        }
    }

    #[test]
    fn drawing_every_block_once_gives_the_figure_itself() {
        let reference = sound(65, 17_011, 1);
        let generated = follows(&reference, 0.05);
        let (a, b) = (Curves::of(&reference, 30.0), Curves::of(&generated, 30.0));
        let mut frames = EvaluatedFrames::new(0..a.frames(), 30.0, |_| true);
        assert_eq!(frames.blocks.len(), 7);
        frames.draws = vec![(0..7).rev().collect()];
        let m = score(&a, &b, &frames).unwrap().measures;
        for (name, e) in [("onset", m.onset_r), ("loudness", m.loudness_r), ("spectra", m.logmel_l1)] {
            assert!((e.low.unwrap() - e.value).abs() < 1e-6, "{name}: {e:?}");
        }
    }

    #[test]
    fn intervals_hold_the_figure_and_shrink_with_footage() {
        let width = |secs: usize| {
            let reference = sound(secs, 17_011, 1);
            // Some blocks are followed well and others badly, as it happens.
            let mut random = ChaCha8Rng::seed_from_u64(5);
            let noises: Vec<f32> = (0..secs.div_ceil(10)).map(|_| random.random_range(0.0..0.3)).collect();
            let noise = |n: usize| noises[n / (10 * RATE as usize)];
            let generated: Vec<f32> = follows(&reference, 1.0)
                .iter()
                .zip(follows(&reference, 0.0))
                .enumerate()
                .map(|(n, (noisy, clean))| clean + noise(n) * (noisy - clean))
                .collect();
            let (a, b) = (Curves::of(&reference, 30.0), Curves::of(&generated, 30.0));
            let frames = EvaluatedFrames::new(0..a.frames(), 30.0, |_| true);
            let m = score(&a, &b, &frames).unwrap().measures;
            for e in [m.onset_r, m.loudness_r, m.logmel_l1] {
                let (low, high) = (e.low.unwrap(), e.high.unwrap());
                assert!(low < e.value && e.value < high, "{e:?}");
            }
            assert_eq!(m.onset_lag_frames, 2);
            m.onset_r.high.unwrap() - m.onset_r.low.unwrap()
        };
        // Eight times the blocks: about a third of the width.
        let (short, long) = (width(60), width(480));
        assert!(long < 0.65 * short, "{short} {long}");
    }

    #[test]
    fn silence_has_no_correlation_and_a_sound_agrees_with_itself() {
        let reference = Curves::of(&sound(40, 17_011, 1), 30.0);
        let frames = EvaluatedFrames::new(0..reference.frames(), 30.0, |_| true);
        let silence = score(&reference, &Curves::of_silence(reference.frames()), &frames).unwrap().measures;
        let nothing = Estimate { value: 0.0, low: Some(0.0), high: Some(0.0) };
        assert_eq!((silence.onset_r, silence.loudness_r, silence.comb_db), (nothing, nothing, None));
        assert_eq!((silence.level_db, silence.onset_lag_frames), (SILENT_DB, 0));
        let true_silence = Curves::of(&vec![0.0; 40 * RATE as usize], 30.0);
        let made = Curves::of_silence(reference.frames());
        assert!(true_silence.log_mel == made.log_mel && true_silence.loudness == made.loudness);

        let itself = score(&reference, &reference, &frames).unwrap().measures;
        assert!((itself.onset_r.value - 1.0).abs() < 1e-9 && (itself.loudness_r.value - 1.0).abs() < 1e-9);
        assert!(itself.onset_lag_frames == 0 && itself.logmel_l1.value < 1e-12);
    }

    #[test]
    fn chance_is_less_than_what_follows_and_more_than_nothing() {
        let reference = sound(60, 17_011, 1);
        let (a, b) = (Curves::of(&reference, 30.0), Curves::of(&follows(&reference, 0.05), 30.0));
        let frames = EvaluatedFrames::new(0..a.frames(), 30.0, |_| true);
        let (chance, predicted) = (chance(&a, &b, &frames), score(&a, &b, &frames).unwrap().measures);
        let onset = chance.onset_r.unwrap();
        assert!(onset > 0.0 && onset < predicted.onset_r.value, "{chance:?} {:?}", predicted.onset_r);
        let short = EvaluatedFrames::new(0..100, 30.0, |_| true);
        assert_eq!(crate::eval::curves::chance(&a, &b, &short).onset_r, None);
    }

    #[test]
    fn runs_are_consecutive_evaluated_frames() {
        let frames = EvaluatedFrames::new(0..3000, 30.0, |block| block % 5 == 4);
        assert_eq!(frames.runs(), [1200..1500, 2700..3000]);
        assert_eq!((frames.seconds(), frames.blocks.len()), (20.0, 2));
        let all = EvaluatedFrames::new(0..950, 30.0, |_| true);
        let runs = all.runs();
        assert_eq!((runs[0].clone(), runs.len(), all.blocks.len()), (0..950, 1, 4));
    }
}
