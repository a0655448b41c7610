use crate::classic::config::PRESETS;
use crate::classic::trainer::*;
use crate::ledger::Terms;
use crate::media::FilmFacts;
use crate::storage::Overwrite;
use crate::task::{Quiet, Watcher};
use kinophone_dsp::units::{FrameRate, SampleRate, TickGrid};
use kinophone_nn::activation::Activation;
use kinophone_nn::optimizer::Optimizer;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Pictures of 6 × 6 with a bright disc, and sound whose shape follows the disc's place: what a picture determines, a
/// brain can learn.
struct Discs {
    inputs: usize,
    outputs: usize,
    /// Asks to stop after so many fetched rows.
    stop: Option<(AtomicU32, Cancel)>,
}

const SIDE: usize = 6;

impl Discs {
    fn new() -> Self {
        Self { inputs: SIDE * SIDE, outputs: grid().block_len(), stop: None }
    }

    fn row(&self, row: u32, picture: &mut [f32], target: &mut [f32]) {
        let (x, y) = ((row * 7 % 31) as f32 / 31.0, (row * 11 % 29) as f32 / 29.0);
        for (i, pixel) in picture.iter_mut().enumerate() {
            let (dx, dy) = ((i % SIDE) as f32 / SIDE as f32 - x, (i / SIDE) as f32 / SIDE as f32 - y);
            *pixel = (-12.0 * (dx * dx + dy * dy)).exp();
        }
        for (i, sample) in target.iter_mut().enumerate() {
            *sample = 0.5 * x * (0.3 * i as f32).sin() + 0.3 * y * (0.7 * i as f32).cos();
        }
    }
}

impl Rows for Discs {
    fn picture_len(&self) -> usize {
        self.inputs
    }
    fn target_len(&self) -> usize {
        self.outputs
    }
    fn fill(&self, rows: &[u32], pictures: &mut [f32], targets: &mut [f32]) {
        let each = pictures.chunks_exact_mut(self.inputs).zip(targets.chunks_exact_mut(self.outputs));
        for (&row, (picture, target)) in rows.iter().zip(each) {
            self.row(row, picture, target);
            if let Some((left, cancel)) = &self.stop
                && left.fetch_sub(1, Ordering::Relaxed) == 1
            {
                cancel.cancel();
            }
        }
    }
}

fn grid() -> TickGrid {
    TickGrid { tick: FrameRate::new(30, 1).unwrap(), rate: SampleRate::new(1200).unwrap() }
}

fn config(hidden: &[usize]) -> ClassicConfig {
    ClassicConfig::new(grid(), SIDE as u32, hidden)
}

fn quick() -> ClassicTraining {
    ClassicTraining { epochs: 4, batch: 16, ..ClassicTraining::default() }
}

fn ledger() -> Vec<Source> {
    let facts = FilmFacts {
        container: "mp4".into(),
        duration: None,
        bytes: 1,
        picture: None,
        sounds: vec![],
        tags: vec![],
    };
    let (name, blake3) = ("film.mp4".to_owned(), "ab".repeat(32));
    vec![Source { name, blake3, terms: Terms::default(), facts }]
}

fn rows() -> [Vec<u32>; 3] {
    [(0..100).collect(), (100..130).collect(), (130..170).collect()]
}

fn run(
    folder: &Path,
    resume: bool,
    config: &ClassicConfig,
    training: &ClassicTraining,
    examples: &Discs,
    cancel: &Cancel,
) -> Result<ClassicTrained> {
    let [training_rows, validation, held_out] = rows();
    let split = RowSplit { training: &training_rows, validation: &validation, held_out: &held_out };
    let files = RunFiles { run: folder.to_owned(), resume };
    let task = Task { watcher: &Quiet, cancel };
    train(config.clone(), training.clone(), ledger(), examples, split, &files, task)
}

fn simply(config: &ClassicConfig, training: &ClassicTraining) -> ClassicTrained {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), false, config, training, &Discs::new(), &Cancel::default()).unwrap()
}

fn bytes(brain: &ClassicBrain) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("brain");
    brain.save(&path, Overwrite::Refuse).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_brain_and_another_seed_another() {
    let (one, two) = (simply(&config(&[20]), &quick()), simply(&config(&[20]), &quick()));
    assert_eq!(bytes(&one.brain), bytes(&two.brain));
    let other = simply(&config(&[20]), &ClassicTraining { seed: 2, ..quick() });
    assert_ne!(one.brain.layer(0), other.brain.layer(0));
}

/// Interrupted anywhere, in pretraining, between steps, in validation, any number of times: the same bytes in the
/// end.
#[test]
fn an_interrupted_and_resumed_run_gives_the_same_brain() {
    let sigmoid = ClassicConfig { activation: Activation::Sigmoid, ..config(&[12, 9]) };
    let pretrained = ClassicTraining { pretrain: Pretrain::Rbm, pretrain_epochs: 2, ..quick() };
    let patient = ClassicTraining { patience: 2, epochs: 8, lr: 0.05, ..quick() };
    let nesterov = ClassicTraining {
        optimizer: Optimizer::Nesterov { momentum: 0.9 },
        lr: 0.01,
        decay: false,
        ..quick()
    };
    for (config, training) in [(config(&[20]), patient), (sigmoid, pretrained), (config(&[20]), nesterov)] {
        let expected = bytes(&simply(&config, &training).brain);
        for rows_between in [37, 150, 333] {
            let dir = tempfile::tempdir().unwrap();
            let mut times = 0;
            let trained = loop {
                let cancel = Cancel::default();
                // The statistics take 100 rows twice at the start of every run.
                let stop = (AtomicU32::new(200 + rows_between), cancel.clone());
                let examples = Discs { stop: Some(stop), ..Discs::new() };
                let trained = run(dir.path(), times > 0, &config, &training, &examples, &cancel).unwrap();
                times += 1;
                if !trained.interrupted {
                    break trained;
                }
                assert!(times < 200, "no progress");
            };
            assert!(times > 1);
            assert!(bytes(&trained.brain) == expected, "{training:?} every {rows_between}");
            let metrics = std::fs::read_to_string(dir.path().join("metrics.jsonl")).unwrap();
            let losses = metrics.lines().filter(|line| line.contains("validation")).count();
            assert_eq!(losses as u32, trained.epochs);
        }
    }
}

#[test]
fn a_damaged_checkpoint_falls_back_to_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let interrupted = |resume: bool| {
        let cancel = Cancel::default();
        let stop = Some((AtomicU32::new(320), cancel.clone()));
        run(dir.path(), resume, &config(&[20]), &quick(), &Discs { stop, ..Discs::new() }, &cancel).unwrap()
    };
    interrupted(false);
    interrupted(true);
    let newest = dir.path().join("checkpoint-00000002.safetensors");
    let whole = std::fs::read(&newest).unwrap();
    std::fs::write(&newest, &whole[..whole.len() - 1]).unwrap();
    let resumed = run(dir.path(), true, &config(&[20]), &quick(), &Discs::new(), &Cancel::default()).unwrap();
    assert_eq!(bytes(&resumed.brain), bytes(&simply(&config(&[20]), &quick()).brain));
    // A finished run gives its brain again.
    let again = run(dir.path(), true, &config(&[20]), &quick(), &Discs::new(), &Cancel::default()).unwrap();
    assert_eq!(bytes(&again.brain), bytes(&resumed.brain));
}

#[test]
fn a_run_is_only_resumed_as_it_was_begun() {
    let dir = tempfile::tempdir().unwrap();
    let go = |resume, training: &ClassicTraining| {
        run(dir.path(), resume, &config(&[20]), training, &Discs::new(), &Cancel::default())
            .err()
            .map(|e| (e.kind(), e.to_string()))
    };
    assert!(go(false, &quick()).is_none());
    assert_eq!(go(false, &quick()).unwrap().0, Kind::Exists);
    let (kind, text) = go(true, &ClassicTraining { lr: 0.5, ..quick() }).unwrap();
    assert!(kind == Kind::Invalid && text.contains("--lr differs"), "{text}");
    let (kind, text) = go(true, &ClassicTraining { seed: 9, ..quick() }).unwrap();
    assert!(kind == Kind::Invalid && text.contains("--seed differs"), "{text}");
    assert!(go(true, &ClassicTraining { minutes: Some(5.0), ..quick() }).is_none());
}

/// One batch must be learned by heart: a dead or mis-wired network can't. Every preset, at a fiftieth of its size.
#[test]
fn every_preset_overfits_one_batch() {
    for (name, hidden) in PRESETS {
        let small: Vec<usize> = hidden.iter().map(|n| n / 50).collect();
        for activation in [Activation::Relu, Activation::Sigmoid] {
            let config = ClassicConfig { activation, ..config(&small) };
            let training =
                ClassicTraining { epochs: 1500, batch: 16, lr: 5e-3, ..ClassicTraining::default() };
            let rows: Vec<u32> = (0..16).collect();
            let dir = tempfile::tempdir().unwrap();
            let files = RunFiles { run: dir.path().to_owned(), resume: false };
            let split = RowSplit { training: &rows, validation: &rows, held_out: &[] };
            let task = Task { watcher: &Quiet, cancel: &Cancel::default() };
            let trained = train(config, training, ledger(), &Discs::new(), split, &files, task).unwrap();
            let verdict = trained.brain.verdict().unwrap();
            // The error of the mean is the variance of the targets.
            let left = verdict.error / verdict.error_of_mean;
            assert!(left < 0.01, "{name} {activation:?}: {left}");
            assert!(!verdict.held_out && verdict.loudness_r > 0.9, "{verdict:?}");
        }
    }
}

#[test]
fn the_historic_settings_learn_too() {
    let historic = ClassicTraining {
        optimizer: Optimizer::Nesterov { momentum: 0.9 },
        lr: 1e-4,
        decay: false,
        batch: 10,
        epochs: 30,
        ..ClassicTraining::default()
    };
    let trained = simply(&config(&[20]), &historic);
    let losses = &trained.brain.history().epochs;
    assert!(losses[29].training < losses[0].training, "{losses:?}");
}

#[test]
fn pretraining_lowers_the_reconstruction_error_of_every_layer() {
    // Rectified units learn in steps fifty times smaller.
    for (activation, batch, pretrain_epochs) in [(Activation::Sigmoid, 16, 40), (Activation::Relu, 2, 100)] {
        let config = ClassicConfig { activation, ..config(&[30, 20]) };
        let training =
            ClassicTraining { pretrain: Pretrain::Rbm, pretrain_epochs, batch, epochs: 1, ..quick() };
        let trained = simply(&config, &training);
        let errors = &trained.brain.history().reconstruction;
        assert_eq!(errors.len(), 2);
        for (layer, errors) in errors.iter().enumerate() {
            let (first, last) = (errors[0], errors[errors.len() - 1]);
            assert!(last < 0.8 * first, "{activation:?} layer {layer}: {first} -> {last}");
        }
    }
}

#[test]
fn divergence_is_an_error_with_advice() {
    let dir = tempfile::tempdir().unwrap();
    let wild =
        ClassicTraining { optimizer: Optimizer::Nesterov { momentum: 0.9 }, lr: 1e6, epochs: 50, ..quick() };
    let error =
        run(dir.path(), false, &config(&[20]), &wild, &Discs::new(), &Cancel::default()).err().unwrap();
    assert_eq!(error.kind(), Kind::Diverged);
    assert!(error.advice().unwrap().contains("--lr"));
}

#[test]
fn impossible_options_are_refused_before_anything_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let kind = |config: &ClassicConfig, training: &ClassicTraining| {
        run(&folder, false, config, training, &Discs::new(), &Cancel::default()).err().unwrap().kind()
    };
    let good = config(&[20]);
    for bad in [
        ClassicTraining { lr: f32::NAN, ..quick() },
        ClassicTraining { batch: 0, ..quick() },
        ClassicTraining { optimizer: Optimizer::Nesterov { momentum: 1.0 }, ..quick() },
        ClassicTraining { device: kinophone_nn::backend::Device::Cuda, ..quick() },
    ] {
        assert_eq!(kind(&good, &bad), Kind::Invalid, "{bad:?}");
    }
    assert_eq!(kind(&config(&[0]), &quick()), Kind::Invalid);
    assert_eq!(kind(&ClassicConfig::new(grid(), 7, &[20]), &quick()), Kind::Invalid);
    assert!(!folder.exists());
}

#[test]
fn the_watcher_hears_of_progress() {
    #[derive(Default)]
    struct Heard {
        calls: AtomicU32,
        total: AtomicU64,
    }
    impl Watcher for Heard {
        fn stage(&self, name: &str, unit: &'static str, total: Option<u64>) {
            if name == "training" {
                assert_eq!((unit, total), ("steps", Some(28)));
                self.calls.fetch_add(1, Ordering::Relaxed);
            }
            self.total.store(total.unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        fn advance(&self, done: u64) {
            assert!(done <= self.total.load(Ordering::Relaxed));
            self.calls.fetch_add(1, Ordering::Relaxed);
        }
        fn figure(&self, _: &str) {}
        fn say(&self, _: &str) {}
        fn warn(&self, text: &str) {
            panic!("{text}");
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let [training, validation, held_out] = rows();
    let split = RowSplit { training: &training, validation: &validation, held_out: &held_out };
    let heard = Heard::default();
    let files = RunFiles { run: dir.path().to_owned(), resume: false };
    let task = Task { watcher: &heard, cancel: &Cancel::default() };
    train(config(&[20]), quick(), ledger(), &Discs::new(), split, &files, task).unwrap();
    assert!(heard.calls.load(Ordering::Relaxed) >= 5);
}
