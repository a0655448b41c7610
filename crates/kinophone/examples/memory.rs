//! Milliseconds per training step of the two standard networks: `steps gru|tcn [repeats] [steps]`, a line a
//! repeat.

use kinophone_nn::sequence::{Architecture, HyperParams, Loss, LossKind, SequenceTrainer, WindowBatch};
use std::time::Instant;

const WINDOWS: usize = 16;
const FRAMES: usize = 128;
const INPUTS: usize = 227;
const OUTPUTS: usize = 69;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |i: usize, default: usize| arguments.get(i).map_or(default, |a| a.parse().unwrap());
    let (repeats, steps) = (number(2, 5), number(3, 50));
    let shape = match arguments.get(1).map(String::as_str) {
        Some("tcn") => Architecture::tcn(INPUTS, OUTPUTS, false),
        _ => Architecture::gru(INPUTS, OUTPUTS),
    };
    let loss = |i| Loss { kind: if i < 60 { LossKind::Square } else { LossKind::Logistic }, weight: 1.0 };
    let losses: Vec<Loss> = (0..OUTPUTS).map(loss).collect();
    let mut trainer = SequenceTrainer::new(&shape, &losses, &HyperParams::new(&shape, 1)).unwrap();
    let numbers = |count: usize| -> Vec<f32> {
        (0..count as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0).collect()
    };
    let inputs = numbers(WINDOWS * FRAMES * INPUTS);
    let mut targets = numbers(WINDOWS * FRAMES * OUTPUTS);
    for frame in targets.chunks_mut(OUTPUTS) {
        frame[60..].iter_mut().for_each(|t| *t = f32::from(*t > 0.0));
    }
    let counted = vec![true; WINDOWS * FRAMES];
    let batch = WindowBatch {
        windows: WINDOWS,
        frames: FRAMES,
        inputs: &inputs,
        targets: &targets,
        counted: &counted,
    };
    for _ in 0..3 {
        trainer.step(&batch, 1e-3).unwrap();
    }
    for _ in 0..repeats {
        let mut times: Vec<f64> = (0..steps)
            .map(|_| {
                let start = Instant::now();
                trainer.step(&batch, 1e-3).unwrap();
                start.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("{:.2} {:.2}", times[steps / 2], times[0]);
    }
}
