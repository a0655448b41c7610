//! Training and prediction of both networks.

mod constants;
mod exactness;
mod gradients;
mod reference;
mod torch;

use crate::sequence::loss::LossKind;
use crate::sequence::trainer::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// Every third output is logistic, and weights differ.
fn losses(outputs: usize) -> Vec<Loss> {
    let loss = |i| Loss {
        kind: if i % 3 == 2 { LossKind::Logistic } else { LossKind::Square },
        weight: 0.5 + 0.25 * (i % 4) as f32,
    };
    (0..outputs).map(loss).collect()
}

/// A batch that owns its numbers.
pub struct Windows {
    windows: usize,
    frames: usize,
    inputs: Vec<f32>,
    targets: Vec<f32>,
    counted: Vec<bool>,
}

impl Windows {
    fn new(shape: &Architecture, windows: usize, frames: usize, seed: u64) -> Self {
        let places = windows * frames;
        let mut targets = numbers(places * shape.outputs(), seed + 1);
        for (t, loss) in targets.iter_mut().zip(losses(shape.outputs()).iter().cycle()) {
            if loss.kind == LossKind::Logistic {
                *t = f32::from(*t > 0.0);
            }
        }
        let counted = numbers(places, seed + 2).iter().map(|&x| x > -0.6).collect();
        Self { windows, frames, inputs: numbers(places * shape.inputs(), seed), targets, counted }
    }

    fn batch(&self) -> WindowBatch<'_> {
        let Self { windows, frames, inputs, targets, counted } = self;
        WindowBatch { windows: *windows, frames: *frames, inputs, targets, counted }
    }
}

fn trainer(shape: &Architecture, change: impl Fn(&mut HyperParams)) -> SequenceTrainer {
    let mut hyper = HyperParams::new(shape, 5);
    hyper.lead = 2;
    change(&mut hyper);
    SequenceTrainer::new(shape, &losses(shape.outputs()), &hyper).unwrap()
}

fn tiny() -> [Architecture; 3] {
    let tcn =
        |causal| Architecture::Tcn { inputs: 5, channels: 4, dilations: vec![1, 2, 4], causal, outputs: 3 };
    [Architecture::Gru { inputs: 5, projection: 4, hidden: 3, outputs: 3 }, tcn(true), tcn(false)]
}

/// More than one panel of everything.
fn wide() -> [Architecture; 3] {
    let tcn =
        |causal| Architecture::Tcn { inputs: 100, channels: 52, dilations: vec![1, 4], causal, outputs: 50 };
    [Architecture::Gru { inputs: 100, projection: 50, hidden: 52, outputs: 50 }, tcn(true), tcn(false)]
}

#[test]
fn a_network_learns_one_batch_by_heart() {
    for shape in [
        Architecture::Gru { inputs: 20, projection: 32, hidden: 48, outputs: 6 },
        Architecture::Tcn { inputs: 20, channels: 48, dilations: vec![1, 2, 4], causal: true, outputs: 6 },
        Architecture::Tcn { inputs: 20, channels: 48, dilations: vec![1, 2, 4], causal: false, outputs: 6 },
        Architecture::mlp(20, 6),
    ] {
        let windows = Windows::new(&shape, 4, 20, 1);
        let mut trainer = trainer(&shape, |r| (r.input_dropout, r.hidden_dropout, r.decay) = (0.0, 0.0, 0.0));
        let first = trainer.step(&windows.batch(), 1e-2).unwrap();
        let mut last = first;
        for i in 0..600 {
            last = trainer.step(&windows.batch(), if i < 400 { 1e-2 } else { 1e-3 }).unwrap();
        }
        assert!(last < 0.01 * first, "{shape:?}: {first} -> {last}");
        // The averaged weights have learned it too.
        let x = &windows.inputs[..20 * 20];
        let mut out = vec![0.0; 20 * 6];
        trainer.net().predict(x, &mut out);
        let error = |f: usize| (out[f * 6] - windows.targets[f * 6]).abs();
        let worst = (2..20).filter(|&f| windows.counted[f]).map(error).fold(0.0, f32::max);
        assert!(worst < 0.2, "{shape:?}: {worst}");
    }
}

#[test]
fn frames_that_are_not_counted_have_no_part() {
    for shape in tiny() {
        let mut windows = Windows::new(&shape, 3, 12, 4);
        let learn = |windows: &Windows| {
            let mut trainer = trainer(&shape, |_| ());
            (trainer.step(&windows.batch(), 1e-2).unwrap(), trainer.save())
        };
        let before = learn(&windows);
        for place in 0..36 {
            if !windows.counted[place] || place % 12 < 2 {
                windows.targets[place * 3..][..3].fill(f32::NAN);
            }
        }
        assert_eq!(learn(&windows), before);
        windows.targets[5 * 3] += if windows.counted[5] { 1.0 } else { 0.0 };
        windows.targets[6 * 3] += if windows.counted[6] { 1.0 } else { 0.0 };
        assert_ne!(learn(&windows), before);
        windows.counted.fill(false);
        let mut trainer = trainer(&shape, |_| ());
        let start = trainer.save();
        assert_eq!((trainer.step(&windows.batch(), 1e-2).unwrap(), trainer.steps()), (0.0, 1));
        assert_eq!(trainer.save()[..start.len() - 1], start[..start.len() - 1]);
    }
}

#[test]
fn a_step_that_diverges_is_refused_and_changes_nothing() {
    for shape in tiny() {
        let mut windows = Windows::new(&shape, 2, 9, 4);
        windows.inputs[30] = f32::NAN;
        let mut trainer = trainer(&shape, |r| r.input_dropout = 0.0);
        let start = trainer.save();
        assert_eq!(trainer.step(&windows.batch(), 1e-2).unwrap_err(), Error::Diverged);
        assert_eq!(trainer.save(), start);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for shape in tiny() {
        let windows = Windows::new(&shape, 2, 9, 4);
        let mut trainer = trainer(&shape, |_| ());
        let short = WindowBatch { inputs: &windows.inputs[1..], ..windows.batch() };
        assert!(matches!(trainer.step(&short, 1e-2), Err(Error::Invalid(_))));
        assert!(SequenceTrainer::new(&shape, &losses(2), &HyperParams::new(&shape, 1)).is_err());
        let start = trainer.save();
        for i in 0..start.len() {
            let mut other = start.clone();
            other[i].name.push('x');
            assert!(matches!(trainer.restore(&other), Err(Error::Damaged(_))));
            let mut other = start.clone();
            other[i].shape.push(1);
            assert!(matches!(trainer.restore(&other), Err(Error::Damaged(_))));
            let mut other = start.clone();
            other[i].values.pop();
            assert!(matches!(trainer.restore(&other), Err(Error::Damaged(_))));
            let mut other = start.clone();
            other[i].values[0] = f32::NAN;
            assert!(matches!(trainer.restore(&other), Err(Error::Damaged(_))));
        }
        assert_eq!(trainer.save(), start);
    }
    let blocks =
        |dilations| Architecture::Tcn { inputs: 1, channels: 1, dilations, causal: true, outputs: 1 }.check();
    assert!(blocks(vec![]).is_ok() && blocks(vec![0]).is_err() && blocks(vec![1; 64]).is_err());
    assert!(Architecture::gru(0, 1).check().is_err());
}

/// Noise of 0.1 after dropout of 0.35 on zeros: variance 0.01 / 0.65.
#[test]
fn noise_has_the_deviation_asked_for() {
    let shape = Architecture::gru(100, 3);
    let mut windows = Windows::new(&shape, 4, 50, 4);
    windows.inputs.fill(0.0);
    let mut trainer = trainer(&shape, |r| r.noise = 0.1);
    trainer.propagate(&windows.batch()).unwrap().unwrap();
    let squares: f32 = trainer.x.to_rows().iter().map(|x| x * x).sum();
    let variance = squares / windows.inputs.len() as f32;
    assert!((variance / (0.01 / 0.65) - 1.0).abs() < 0.05, "{variance}");
}
