//! Verdict: scores of a brain on rows that it did not learn, in figures and in plain words.

use crate::Result;
use crate::classic::brain::ClassicBrain;
use crate::classic::config::{ClassicConfig, ClassicVerdict, LossHistory};
use crate::classic::rows::Rows;
use crate::task::Task;
use kinophone_dsp::frames::{FrameCodec, FrameFormat};
use rayon::prelude::*;

/// Rows that are judged at a time.
const CHUNK: usize = 256;
/// Loudness below this counts as silence, in dB below full scale.
const FLOOR_DB: f64 = -70.0;
/// Errors within this share of each other are called equal.
const EQUAL: f64 = 0.01;

/// Sums over the rows judged so far.
#[derive(Default)]
struct Sums {
    numbers: f64,
    brain: f64,
    silence: f64,
    mean: f64,
    /// Loudness of each row, said and true, in dB.
    loudness: Vec<(f64, f64)>,
}

/// Rows on which a brain is judged.
pub struct JudgedRows<'a> {
    /// Source of the rows.
    pub examples: &'a dyn Rows,
    /// Their numbers.
    pub rows: &'a [u32],
    /// True if they are held-out ones.
    pub held_out: bool,
    /// Mean target of the training rows.
    pub mean: &'a [f32],
}

/// Judges `brain` against silence and against the mean target. Tells the watcher of its progress in rows.
pub fn judge(brain: &ClassicBrain, judged: &JudgedRows<'_>, task: Task<'_>) -> Result<ClassicVerdict> {
    let &JudgedRows { examples, rows, held_out, mean } = judged;
    let mut sums = Sums::default();
    let mut done = 0;
    let (inputs, outputs) = (examples.picture_len(), examples.target_len());
    let &ClassicConfig { format, grid, hops, .. } = brain.config();
    let codec = FrameCodec::new(format, grid, hops);
    let mean = comparable(&codec, mean.to_vec());
    let (mut pictures, mut targets, mut predicted) = (Vec::new(), Vec::new(), Vec::new());
    for rows in rows.chunks(CHUNK) {
        task.cancel.check()?;
        pictures.resize(rows.len() * inputs, 0.0);
        targets.resize(rows.len() * outputs, 0.0);
        predicted.resize(rows.len() * outputs, 0.0);
        examples.fill(rows, &mut pictures, &mut targets);
        brain.predict(&pictures, &mut predicted);
        predicted = comparable(&codec, predicted);
        targets = comparable(&codec, targets);
        sums.add(&predicted, &targets, &mean);
        done += rows.len() as u64;
        task.watcher.advance(done);
    }
    Ok(sums.verdict(format, held_out, brain.history()))
}

/// Rows as they are compared: as samples where they are samples or stand for them, else as magnitudes.
fn comparable(codec: &FrameCodec, rows: Vec<f32>) -> Vec<f32> {
    if codec.format() != FrameFormat::StftPhase {
        return rows;
    }
    let (numbers, samples) = (codec.numbers(), codec.samples());
    let mut blocks = vec![0.0; rows.len() / numbers * samples];
    rows.par_chunks(numbers)
        .zip(blocks.par_chunks_mut(samples))
        .for_each_init(|| codec.clone(), |codec, (row, block)| codec.decode(row, block));
    blocks
}

impl Sums {
    fn add(&mut self, predicted: &[f32], targets: &[f32], mean: &[f32]) {
        let n = mean.len();
        let distance =
            |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        let power = |a: &[f32]| a.iter().map(|&a| f64::from(a).powi(2)).sum::<f64>();
        let row = |(y, t): (&[f32], &[f32])| [distance(y, t), power(t), distance(mean, t), power(y)];
        let rows: Vec<[f64; 4]> = predicted.par_chunks(n).zip(targets.par_chunks(n)).map(row).collect();
        for [error, silence, to_mean, own] in rows {
            self.numbers += n as f64;
            self.brain += error;
            self.silence += silence;
            self.mean += to_mean;
            self.loudness.push((decibels(own / n as f64), decibels(silence / n as f64)));
        }
    }

    fn verdict(&self, format: FrameFormat, held_out: bool, history: &LossHistory) -> ClassicVerdict {
        let share = |sum: f64| rounded(sum / self.numbers.max(1.0));
        let mut verdict = ClassicVerdict {
            error: share(self.brain),
            error_of_silence: share(self.silence),
            error_of_mean: share(self.mean),
            loudness_r: rounded(correlation(&self.loudness)),
            held_out,
            words: String::new(),
        };
        verdict.words = if self.numbers == 0.0 {
            "It was not judged: no picture was held out.".to_owned()
        } else {
            format!("{} {}", quality(&verdict, format), prospects(history))
        };
        verdict
    }
}

fn decibels(power: f64) -> f64 {
    (10.0 * power.log10()).max(FLOOR_DB)
}

/// Seven significant digits: more than the figure is worth, and few enough to survive being written and read
/// unchanged.
fn rounded(x: f64) -> f64 {
    format!("{x:.6e}").parse().unwrap_or(x)
}

/// Pearson's coefficient; 0 where a side never changes.
fn correlation(pairs: &[(f64, f64)]) -> f64 {
    let n = pairs.len().max(1) as f64;
    let (a, b) = pairs.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let sum = |f: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|(x, y)| f(x - a, y - b)).sum::<f64>();
    let scale = (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt();
    // Constant curves leave rounding errors of about 1e-16 of their squared size (70² dB² and less).
    if scale < 1e-9 * n { 0.0 } else { sum(&|x, y| x * y) / scale }
}

fn quality(v: &ClassicVerdict, format: FrameFormat) -> String {
    let what = if format == FrameFormat::Stft { "spectrum" } else { "waveform" };
    let place = match v.held_out {
        true => "On film that it never saw",
        false => "On film that only decided when to stop (none was held out)",
    };
    let best = v.error_of_silence.min(v.error_of_mean);
    let judgement = if best <= 0.0 {
        "there is nothing but silence to compare it with".to_owned()
    } else if v.error < (1.0 - EQUAL) * best {
        format!(
            "its {what} is better than both baselines: it removes {} of the error of silence and {} of that of the mean sound",
            percent(1.0 - v.error / v.error_of_silence),
            percent(1.0 - v.error / v.error_of_mean)
        )
    } else if v.error <= (1.0 + EQUAL) * v.error_of_silence {
        format!("its {what} is no better than silence")
    } else {
        let farther = percent(v.error / v.error_of_silence - 1.0);
        format!(
            "its {what} is farther from the truth than silence, by {farther}: it repeats what it learned, in the wrong places"
        )
    };
    format!("{place}, {judgement}. {}", loudness(v.loudness_r))
}

/// Whole percents; adding 0 turns −0 into 0.
fn percent(share: f64) -> String {
    format!("{:.0} %", (100.0 * share).round() + 0.0)
}

fn loudness(r: f64) -> String {
    let words = match r {
        r if r >= 0.6 => "follows the film's well",
        r if r >= 0.3 => "follows the film's loosely",
        r if r >= 0.1 => "barely follows the film's",
        _ => "does not follow the film's",
    };
    format!("Its loudness {words} (correlation {r:.2}).")
}

/// Likely gain from more training, judged by the losses so far.
fn prospects(history: &LossHistory) -> String {
    let validation: Vec<f32> = history.epochs.iter().filter_map(|e| e.validation).collect();
    let training: Vec<f32> = history.epochs.iter().map(|e| e.training).collect();
    if validation.len() < 3 {
        return "It has trained too briefly to tell whether more training would help; it probably would."
            .to_owned();
    }
    let best =
        (0..validation.len()).fold(0, |best, i| if validation[i] < validation[best] { i } else { best });
    let recent = validation.len() - validation.len().div_ceil(5);
    let falling = training[recent - 1] > 1.02 * training[training.len() - 1];
    if best >= recent && validation[best] < 0.99 * validation[recent - 1] {
        "The validation error was still falling: more training is likely to help.".to_owned()
    } else if best < recent && validation[validation.len() - 1] > 1.01 * validation[best] {
        format!(
            "The validation error was best after epoch {} and rose since: more training only learns these films by heart; more footage would help.",
            best + 1
        )
    } else if falling {
        "It still learns its own films better, but not others: more training makes it repeat them more closely, and only more footage makes it more general.".to_owned()
    } else {
        "More training is unlikely to help; more footage may.".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classic::config::EpochLoss;

    fn judged(predicted: &[f32], truth: &[f32], n: usize) -> ClassicVerdict {
        let mut sums = Sums::default();
        sums.add(predicted, truth, &vec![0.1; n]);
        sums.verdict(FrameFormat::Pcm, true, &LossHistory::default())
    }

    #[test]
    fn figures_are_what_they_say() {
        let truth: Vec<f32> = (0..400).map(|i| 0.1 + (i / 10) as f32 * 0.01 * [1.0, -1.0][i % 2]).collect();
        let half: Vec<f32> = truth.iter().map(|x| x / 2.0).collect();
        let v = judged(&half, &truth, 10);
        assert!((v.error / v.error_of_silence - 0.25).abs() < 1e-6, "{v:?}");
        let mean = truth.iter().map(|x| f64::from(x - 0.1).powi(2)).sum::<f64>() / 400.0;
        assert!((v.error_of_mean / mean - 1.0).abs() < 1e-6);
        assert!(v.loudness_r > 0.999_999);
        assert!(v.words.contains("75 %"), "{}", v.words);
    }

    #[test]
    fn silence_and_worse_are_called_by_name() {
        let truth: Vec<f32> = (0..400).map(|i| [0.5, -0.5][i % 2]).collect();
        assert!(judged(&[0.0; 400], &truth, 10).words.contains("no better than silence"));
        let inverse: Vec<f32> = truth.iter().map(|x| -x).collect();
        assert!(judged(&inverse, &truth, 10).words.contains("farther from the truth than silence, by 300 %"));
        assert_eq!(judged(&[0.0; 400], &truth, 10).loudness_r, 0.0);
    }

    #[test]
    fn prospects_follow_the_losses() {
        let history = |validation: &[f32], training: &[f32]| LossHistory {
            epochs: validation
                .iter()
                .zip(training)
                .map(|(&v, &t)| EpochLoss { training: t, validation: Some(v) })
                .collect(),
            reconstruction: Vec::new(),
        };
        let down: Vec<f32> = (0..10).map(|i| 1.0 / (i + 1) as f32).collect();
        let up: Vec<f32> = (0..10).map(|i| 1.0 + i as f32 * 0.1).collect();
        assert!(prospects(&history(&down, &down)).contains("still falling"));
        assert!(prospects(&history(&up, &down)).contains("after epoch 1"));
        assert!(prospects(&history(&[1.0; 10], &[1.0; 10])).contains("unlikely"));
    }
}
