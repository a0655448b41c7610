//! Comparison with PyTorch: live (where it is installed), and by stored numbers.

use super::*;
use crate::sequence::trainer::tests::constants;
use std::path::Path;

/// Results of PyTorch.
struct Torch {
    outputs: Vec<f32>,
    loss: Vec<f32>,
    gradients: Vec<f32>,
    after: Vec<f32>,
    average: Vec<f32>,
}

const STEPS: usize = 5;
const LR: f32 = 3e-3;

/// Without dropout, and with the lead already in `counted`, as the script knows neither.
fn start(shape: &Architecture, windows: &mut Windows) -> SequenceTrainer {
    for (i, counted) in windows.counted.iter_mut().enumerate() {
        *counted &= i % windows.frames >= 2;
    }
    trainer(shape, |r| (r.input_dropout, r.hidden_dropout) = (0.0, 0.0))
}

fn ask(folder: &Path, trainer: &SequenceTrainer, windows: &Windows) -> Torch {
    let shape = &trainer.architecture;
    let (kind, dilations, causal) = match shape {
        Architecture::Gru { .. } => ("gru", vec![], true),
        Architecture::Tcn { dilations, causal, .. } => ("tcn", dilations.clone(), *causal),
    };
    let weight = |kind| -> Vec<f32> {
        let of = |loss: &Loss| if loss.kind == kind { loss.weight } else { 0.0 };
        losses(shape.outputs()).iter().map(of).collect()
    };
    let settings = serde_json::json!({
        "kind": kind, "dilations": dilations, "causal": causal, "steps": STEPS, "lr": LR,
        "windows": windows.windows, "frames": windows.frames,
        "shapes": trainer.parameters.iter().map(|p| p.shape.clone()).collect::<Vec<_>>(),
        "decays": trainer.parameters.iter().map(|p| p.decays).collect::<Vec<_>>(),
        "square": weight(LossKind::Square), "logistic": weight(LossKind::Logistic),
    });
    std::fs::write(folder.join("settings.json"), settings.to_string()).unwrap();
    let counted: Vec<f32> = windows.counted.iter().map(|&c| f32::from(c)).collect();
    let files = [
        ("parameters", &flat(&trainer.weights)),
        ("inputs", &windows.inputs),
        ("targets", &windows.targets),
        ("counted", &counted),
    ];
    for (name, values) in files {
        std::fs::write(folder.join(format!("{name}.f32")), bytemuck::cast_slice(values)).unwrap();
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sequence/trainer/tests/torch_reference.py");
    let status = std::process::Command::new("python3").arg(script).arg(folder).status().unwrap();
    assert!(status.success());
    let read = |name: &str| -> Vec<f32> {
        let bytes = std::fs::read(folder.join(format!("{name}.f32"))).unwrap();
        bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect()
    };
    Torch {
        outputs: read("outputs"),
        loss: read("loss"),
        gradients: read("gradients"),
        after: read("after"),
        average: read("average"),
    }
}

fn flat(matrices: &[Panels]) -> Vec<f32> {
    matrices.iter().flat_map(Panels::to_rows).collect()
}

/// Largest difference, relative to the largest of `expected`.
fn distance(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().map(|x| f64::from(x.abs())).fold(0.0, f64::max);
    found.iter().zip(expected).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max) / largest
}

/// Root of the mean square of the difference, relative to that of `expected`: Adam moves a weight whose
/// gradient is only rounding as far as any other, so single weights may differ.
fn deviation(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let power = |x: f32| f64::from(x).powi(2);
    let difference: f64 = found.iter().zip(expected).map(|(a, b)| power(a - b)).sum();
    (difference / expected.iter().map(|&x| power(x)).sum::<f64>()).sqrt()
}

/// Distances of outputs, loss, gradients, and of weights and averages after some steps.
fn compare(trainer: &mut SequenceTrainer, windows: &Windows, torch: &Torch) -> [f64; 5] {
    let (frames, inputs, outputs) =
        (windows.frames, trainer.architecture.inputs(), trainer.architecture.outputs());
    let mut out = vec![0.0; torch.outputs.len()];
    let sequences = windows.inputs.chunks(frames * inputs).zip(out.chunks_mut(frames * outputs));
    sequences.for_each(|(x, y)| trainer.net().predict(x, y));
    let found = trainer.propagate(&windows.batch()).unwrap().unwrap();
    let gradients = flat(&trainer.gradients);
    for _ in 0..STEPS {
        trainer.step(&windows.batch(), LR).unwrap();
    }
    // The moves, which are much smaller than the weights, are what is compared.
    let start = flat(&trainer.architecture.initial(trainer.hyper.seed));
    let moves = |after: &[f32]| -> Vec<f32> { after.iter().zip(&start).map(|(a, b)| a - b).collect() };
    [
        distance(&out, &torch.outputs),
        (found.loss / f64::from(torch.loss[0]) - 1.0).abs(),
        distance(&gradients, &torch.gradients),
        deviation(&moves(&flat(&trainer.weights)), &moves(&torch.after)),
        deviation(&moves(&flat(&trainer.average)), &moves(&torch.average)),
    ]
}

#[test]
#[ignore = "needs python3 with PyTorch"]
fn a_live_pytorch_finds_the_same() {
    let folder = std::env::temp_dir().join(format!("kinophone-torch-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let standard =
        [Architecture::gru(227, 69), Architecture::tcn(227, 69, true), Architecture::tcn(227, 69, false)];
    for (shapes, size) in [(standard, (16, 128)), (tiny(), (2, 9)), (wide(), (11, 30))] {
        for shape in shapes {
            let mut windows = Windows::new(&shape, size.0, size.1, 1);
            let mut trainer = start(&shape, &mut windows);
            let torch = ask(&folder, &trainer, &windows);
            let found = compare(&mut trainer, &windows, &torch);
            println!(
                "{shape:?}: outputs, loss, gradients, weights, averages {}",
                found.map(|x| format!("{x:.1e}")).join(" ")
            );
            assert!(
                found[..3].iter().all(|&x| x < 1e-5) && found[3..].iter().all(|&x| x < 3e-3),
                "{found:?}"
            );
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Numbers in -0.5..0.5 that need no random generator.
fn spread(count: usize, seed: u32) -> Vec<f32> {
    let number = |i: u32| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0 - 0.5;
    (0..count as u32).map(|i| number(i + 1000 * seed)).collect()
}

/// The cases of `constants`: three outputs, of which the third is logistic.
fn small(shape: &Architecture) -> (SequenceTrainer, Windows) {
    let mut windows = Windows::new(shape, 1, 5, 0);
    windows.counted = vec![false, false, true, false, true];
    windows.inputs = spread(windows.inputs.len(), 1).iter().map(|x| 4.0 * x).collect();
    windows.targets = spread(windows.targets.len(), 2);
    windows.targets.iter_mut().skip(2).step_by(3).for_each(|t| *t = f32::from(*t > 0.0));
    let mut trainer = start(shape, &mut windows);
    for (i, (matrix, parameter)) in trainer.weights.iter_mut().zip(&trainer.parameters).enumerate() {
        matrix.copy_from_rows(&spread(parameter.shape.iter().product(), 3 + i as u32));
    }
    trainer.average = trainer.weights.clone();
    (trainer, windows)
}

fn small_shapes() -> [Architecture; 3] {
    let tcn =
        |causal| Architecture::Tcn { inputs: 3, channels: 2, dilations: vec![1, 2], causal, outputs: 3 };
    [Architecture::Gru { inputs: 3, projection: 2, hidden: 2, outputs: 3 }, tcn(true), tcn(false)]
}

/// The numbers of `constants.rs` are results of PyTorch 2.15; the ignored test below writes them.
#[test]
fn pytorch_found_the_same() {
    for (shape, [outputs, loss, gradients, after]) in small_shapes().iter().zip(constants::FOUND) {
        let (mut trainer, windows) = small(shape);
        let mut out = vec![0.0; outputs.len()];
        trainer.net().predict(&windows.inputs, &mut out);
        assert!(distance(&out, outputs) < 1e-6);
        let found = trainer.propagate(&windows.batch()).unwrap().unwrap();
        assert!((found.loss / f64::from(loss[0]) - 1.0).abs() < 1e-6);
        assert!(distance(&flat(&trainer.gradients), gradients) < 1e-6);
        for _ in 0..STEPS {
            trainer.step(&windows.batch(), LR).unwrap();
        }
        assert!(distance(&flat(&trainer.weights), after) < 1e-5);
    }
}

#[test]
#[ignore = "needs python3 with PyTorch, and writes constants.rs"]
fn write_constants() {
    let folder = std::env::temp_dir().join(format!("kinophone-constants-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut text =
        "//! Outputs, loss, gradients and weights after five steps that PyTorch found, see `torch.rs`.\n\n"
            .to_owned();
    text += "/// For each of the small networks.\n#[rustfmt::skip]\npub const FOUND: [[&[f32]; 4]; 3] = [\n";
    for shape in small_shapes() {
        let (trainer, windows) = small(&shape);
        let torch = ask(&folder, &trainer, &windows);
        let lists = [torch.outputs, torch.loss, torch.gradients, torch.after].map(|values| {
            let lines: Vec<String> = values
                .chunks(7)
                .map(|l| l.iter().map(|x| format!("{x:?}")).collect::<Vec<_>>().join(", "))
                .collect();
            format!("        &[\n            {},\n        ],\n", lines.join(",\n            "))
        });
        text += &format!("    [\n{}    ],\n", lists.concat());
    }
    text += "];\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sequence/trainer/tests/constants.rs");
    std::fs::write(path, text).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
}
