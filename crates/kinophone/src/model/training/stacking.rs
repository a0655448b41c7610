//! Stacking: what networks say, and what needs no learning, weighed by validation, each quality for itself.
//!
//! The truth is regressed on both, t ≈ a n + b u, on ticks that the networks did not learn, with a, b ≥ 0 (Breiman, "Stacked
//! regressions", Machine Learning 24, 1996, section 2): what contradicts the truth counts nothing, and is not turned round. With few
//! ticks, or with predictions that hardly vary, the weights stay near those of a film that says nothing about itself (a ridge around
//! these), so that chance decides little. All numbers are in deviations of the truth.

use crate::model::controls::{ControlScaler, OUTPUTS};
use crate::model::follow::film_scale::MotionTick;
use crate::model::follow::habits::SoundHabits;
use crate::model::follow::trust::Trust;
use kinophone_dsp::metrics::BANDS;

/// Weights of networks and of what needs no learning, before anything is known of a film.
type Weights = [f64; 2];

const LOUDNESS_PRIOR: Weights = [0.6, 0.2];
const ONSET_PRIOR: Weights = [0.2, 0.05];
const TONE_PRIOR: Weights = [0.5, 0.3];
/// Ticks of validation that weigh as much as the prior, where what is predicted varies as much as the truth: ten seconds.
const PRIOR_TICKS: f64 = 300.0;
/// What needs no learning has a smaller share than this by chance: with a minute of validation, of which each second says something
/// new, the standard error of its weight is an eighth, and the weight of networks that learned something about a third.
const MIN_SHARE: f64 = 0.2;

/// Ticks that the networks of a validation did not learn.
pub(super) struct ValidationTicks<'a> {
    /// True controls, `[ticks, 69]`.
    pub(super) truth: &'a [f32],
    /// Predicted ones.
    pub(super) predicted: &'a [f32],
    /// The motion of their film.
    pub(super) motion: &'a [MotionTick],
}

impl ValidationTicks<'_> {
    /// The trust that the networks deserve.
    pub(super) fn trust(&self, scaler: &ControlScaler) -> Trust {
        Trust { loudness: self.of_loudness(), onsets: self.of_onsets(scaler), tone: self.of_tone() }
    }

    fn of_loudness(&self) -> f32 {
        let loudness = |rows: &[f32]| numbers(rows, ControlScaler::scaled_loudness);
        let motion = self.motion.iter().map(|tick| f64::from(tick.loudness)).collect();
        Stack::of([loudness(self.truth), loudness(self.predicted), motion])
            .share_of_networks(LOUDNESS_PRIOR, PRIOR_TICKS)
    }

    /// Strengths have scales of their own: they are compared in deviations.
    fn of_onsets(&self, scaler: &ControlScaler) -> f32 {
        let motion = self.motion.iter().map(|tick| f64::from(tick.onset)).collect();
        let strengths = [
            numbers(self.truth, ControlScaler::scaled_flux),
            numbers(self.predicted, |row| scaler.onset(row)),
            motion,
        ];
        Stack::of(strengths.map(scaled)).share_of_networks(ONSET_PRIOR, PRIOR_TICKS)
    }

    /// All bands in one regression, each against the tone that goes with the predicted loudness.
    fn of_tone(&self) -> f32 {
        let habits = SoundHabits::fit(
            rows(self.truth).map(|row| (&row[..BANDS], ControlScaler::scaled_loudness(row))),
        );
        let bands = |rows_: &[f32]| {
            rows(rows_).flat_map(|row| row[..BANDS].iter().map(|x| f64::from(*x))).collect::<Vec<f64>>()
        };
        let usual = rows(self.predicted).flat_map(|row| {
            let loudness = ControlScaler::scaled_loudness(row);
            habits.slopes().map(|slope| f64::from(slope * loudness))
        });
        Stack::of([bands(self.truth), bands(self.predicted), usual.collect()])
            .share_of_networks(TONE_PRIOR, PRIOR_TICKS * BANDS as f64)
    }
}

fn rows(controls: &[f32]) -> impl Iterator<Item = &[f32; OUTPUTS]> {
    controls.as_chunks().0.iter()
}

fn numbers(controls: &[f32], number: impl Fn(&[f32; OUTPUTS]) -> f32) -> Vec<f64> {
    rows(controls).map(|row| f64::from(number(row))).collect()
}

/// Numbers of mean 0 and deviation 1.
fn scaled(mut numbers: Vec<f64>) -> Vec<f64> {
    let count = numbers.len().max(1) as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let deviation = (numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt().max(1e-6);
    numbers.iter_mut().for_each(|x| *x = (*x - mean) / deviation);
    numbers
}

/// Sums of products over ticks: of a truth t, what networks say n, and what needs no learning u.
struct Stack {
    nn: f64,
    nu: f64,
    uu: f64,
    tn: f64,
    tu: f64,
}

impl Stack {
    /// Sums over columns of a truth, of what networks say, and of what needs no learning.
    fn of(columns: [Vec<f64>; 3]) -> Self {
        let [t, n, u] = columns.map(|mut column| {
            let mean = column.iter().sum::<f64>() / column.len().max(1) as f64;
            column.iter_mut().for_each(|x| *x -= mean);
            column
        });
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        Self {
            nn: product(&n, &n),
            nu: product(&n, &u),
            uu: product(&u, &u),
            tn: product(&t, &n),
            tu: product(&t, &u),
        }
    }

    /// a / (a + b) of the weights a, b ≥ 0 that minimize |t − a n − b u|² + r |(a, b) − prior|².
    fn share_of_networks(&self, prior: Weights, ridge: f64) -> f32 {
        let (nn, uu) = (self.nn + ridge, self.uu + ridge);
        let (tn, tu) = (self.tn + ridge * prior[0], self.tu + ridge * prior[1]);
        let determinant = nn * uu - self.nu * self.nu;
        let (a, b) = ((tn * uu - tu * self.nu) / determinant, (tu * nn - tn * self.nu) / determinant);
        let (a, b) = match (a < 0.0, b < 0.0) {
            (true, _) => (0.0, (tu / uu).max(0.0)),
            (_, true) => ((tn / nn).max(0.0), 0.0),
            _ => (a, b),
        };
        let unlearned = if a + b > 0.0 { b / (a + b) } else { 1.0 };
        if unlearned < MIN_SHARE { 1.0 } else { (1.0 - unlearned) as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    /// Normal numbers.
    fn random(seed: u64, count: usize) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| StandardNormal.sample(&mut random)).collect()
    }

    fn mixed(parts: &[(f64, &[f64])]) -> Vec<f64> {
        (0..parts[0].1.len()).map(|k| parts.iter().map(|(weight, part)| weight * part[k]).sum()).collect()
    }

    fn share(t: &[f64], n: &[f64], u: &[f64]) -> f32 {
        Stack::of([t.to_vec(), n.to_vec(), u.to_vec()]).share_of_networks(LOUDNESS_PRIOR, PRIOR_TICKS)
    }

    #[test]
    fn networks_have_the_share_that_they_earn() {
        let [a, b, noise] = [1, 2, 3].map(|seed| random(seed, 20_000));
        // t = 0.6 n + 0.4 u and noise: their weights, within what 20 000 ticks and the prior leave open.
        let truth = mixed(&[(0.6, &a), (0.4, &b), (0.7, &noise)]);
        assert!((share(&truth, &a, &b) - 0.6).abs() < 0.02, "{}", share(&truth, &a, &b));
        // What says nothing, or the opposite, has no share.
        assert!(share(&b, &noise, &b) < 0.03 && share(&a, &a, &noise) == 1.0);
        let opposite = mixed(&[(-1.0, &a)]);
        assert_eq!((share(&a, &opposite, &a), share(&a, &a, &opposite)), (0.0, 1.0));
    }

    #[test]
    fn few_ticks_decide_little() {
        let unknown = share(&[], &[], &[]);
        assert!((unknown - 0.75).abs() < 1e-6, "{unknown}");
        let [a, b] = [1, 2].map(|seed| random(seed, 30));
        assert!((share(&b, &a, &b) - unknown).abs() < 0.2, "{}", share(&b, &a, &b));
    }

    #[test]
    fn each_quality_is_judged_for_itself() {
        let scaler = ControlScaler::fit(&[]);
        let motion = |k: usize| MotionTick { loudness: (k as f32 * 0.1).sin(), onset: 0.0, things: 1.0 };
        let motion: Vec<MotionTick> = (0..3000).map(motion).collect();
        // Loudness goes with the motion and not with what was predicted; the bands, apart from it, as predicted.
        let rows = |loudness: &dyn Fn(usize) -> f32| -> Vec<f32> {
            let row = |k: usize| {
                let mut row = [0.0; OUTPUTS];
                row[..BANDS].fill((k as f32 * 0.037).cos());
                row[BANDS] = loudness(k);
                row
            };
            (0..3000).flat_map(row).collect()
        };
        let truth = rows(&|k| motion[k].loudness);
        let predicted = rows(&|k| (k as f32 * 0.23).cos());
        let trust = ValidationTicks { truth: &truth, predicted: &predicted, motion: &motion }.trust(&scaler);
        assert!(trust.loudness < 0.12 && trust.tone > 0.7, "{trust:?}");
    }
}
