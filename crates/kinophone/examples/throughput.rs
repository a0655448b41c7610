//! Training speed of a network of 2015: pairs per second through the real trainer, on random pictures and
//! targets, as JSON. `bench/run.py` sets it beside the same network in PyTorch.
//!
//! usage: throughput --net A|B --batch N --opt adam|sgd --seconds S
//! Nets: A 4096-1000-735, B 4096-2000-1500-1000-735 (ReLU).

use kinophone::classic::{ClassicConfig, ClassicTraining, RowSplit, Rows, RunFiles, train};
use kinophone::task::{Cancel, Task, Watcher};
use kinophone_dsp::units::{FrameRate, SampleRate, TickGrid};
use kinophone_nn::optimizer::Optimizer;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Mutex;
use std::time::Instant;

const ROWS: usize = 9000;
const PICTURE: usize = 4096;
const TARGET: usize = 735;
/// Steps before the clock starts, as the peer warms up.
const WARM_UP: u64 = 3;

struct Noise {
    pictures: Vec<f32>,
    targets: Vec<f32>,
}

impl Rows for Noise {
    fn picture_len(&self) -> usize {
        PICTURE
    }
    fn target_len(&self) -> usize {
        TARGET
    }
    fn fill(&self, rows: &[u32], pictures: &mut [f32], targets: &mut [f32]) {
        for (n, &row) in rows.iter().enumerate() {
            let row = row as usize;
            pictures[n * PICTURE..][..PICTURE].copy_from_slice(&self.pictures[row * PICTURE..][..PICTURE]);
            targets[n * TARGET..][..TARGET].copy_from_slice(&self.targets[row * TARGET..][..TARGET]);
        }
    }
}

/// Notes when the first counted step ended and when the latest did; stops the training when the time is up.
struct Clock {
    seconds: f64,
    cancel: Cancel,
    marks: Mutex<Option<(Instant, u64, Instant, u64)>>,
}

impl Watcher for Clock {
    fn stage(&self, _: &str, _: &'static str, _: Option<u64>) {}
    fn advance(&self, done: u64) {
        let now = Instant::now();
        let mut marks = self.marks.lock().unwrap();
        match &mut *marks {
            None if done >= WARM_UP => *marks = Some((now, done, now, done)),
            None => {}
            Some((first, _, last, count)) => {
                (*last, *count) = (now, done);
                if now.duration_since(*first).as_secs_f64() >= self.seconds {
                    self.cancel.cancel();
                }
            }
        }
    }
    fn figure(&self, _: &str) {}
    fn say(&self, _: &str) {}
    fn warn(&self, _: &str) {}
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let option = |name: &str, default: &str| {
        args.iter()
            .position(|a| a == name)
            .and_then(|i| args.get(i + 1))
            .map_or(default.to_owned(), String::clone)
    };
    let hidden: &[usize] = if option("--net", "A") == "B" { &[2000, 1500, 1000] } else { &[1000] };
    let batch: usize = option("--batch", "100").parse().expect("--batch N");
    let optimizer = if option("--opt", "sgd") == "adam" {
        Optimizer::Adam
    } else {
        Optimizer::Nesterov { momentum: 0.9 }
    };
    let seconds: f64 = option("--seconds", "10").parse().expect("--seconds S");

    let mut random = ChaCha8Rng::seed_from_u64(0);
    let noise = Noise {
        pictures: (0..ROWS * PICTURE).map(|_| random.random()).collect(),
        targets: (0..ROWS * TARGET).map(|_| random.random()).collect(),
    };
    let rows: Vec<u32> = (0..ROWS as u32).collect();
    let grid = TickGrid { tick: FrameRate::new(30, 1).unwrap(), rate: SampleRate::new(22_050).unwrap() };
    let config = ClassicConfig::new(grid, 64, hidden);
    let training = ClassicTraining {
        optimizer,
        lr: 1e-3,
        decay: false,
        batch,
        epochs: 100_000,
        patience: 0,
        ..ClassicTraining::default()
    };

    let clock = Clock { seconds, cancel: Cancel::default(), marks: Mutex::new(None) };
    let run = tempfile::tempdir().unwrap();
    let files = RunFiles { run: run.path().to_owned(), resume: false };
    let split = RowSplit { training: &rows[..ROWS - 10], validation: &rows[ROWS - 10..], held_out: &[] };
    let task = Task { watcher: &clock, cancel: &clock.cancel };
    train(config, training, Vec::new(), &noise, split, &files, task).expect("training runs");

    let (first, before, last, after) =
        clock.marks.into_inner().unwrap().expect("more steps than the warm-up");
    let rate = (after - before) as f64 * batch as f64 / last.duration_since(first).as_secs_f64();
    println!("{{\"samples_per_s\": {rate:.1}}}");
}
