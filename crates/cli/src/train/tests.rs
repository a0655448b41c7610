//! Tests of the options of `train` and of its run folder.

use crate::cli::{Cli, Command};
use crate::report::Failure;
use crate::train::classic::{NESTEROV_LR, usual};
use crate::train::{TrainArgs, remove_run_state, run_folder};
use clap::Parser;
use kinophone::classic::Pretrain;
use kinophone::dataset::HoldOut;
use kinophone::nn::backend::Device;
use kinophone::nn::optimizer::Optimizer;
use kinophone_dsp::units::FrameRate;
use std::path::Path;

fn parse(options: &str) -> TrainArgs {
    let words = "kinophone train f.mp4 -o b".split(' ').chain(options.split_whitespace());
    match Cli::try_parse_from(words).unwrap().command {
        Command::Train(args) => args,
        other => panic!("{other:?}"),
    }
}

#[test]
fn presets_are_the_networks_of_2015() {
    for (preset, layers) in [
        ("classic", "4096-1000-735"),
        ("classic-deep", "4096-1000-1000-1000-735"),
        ("classic-wide", "4096-2048-1000-1000-735"),
        ("classic-kungfury", "4096-2000-1500-1000-735"),
    ] {
        let config = parse(&format!("--preset {preset}")).classic_config().unwrap();
        let layers_of: Vec<String> = config.layers.iter().map(usize::to_string).collect();
        assert_eq!(layers_of.join("-"), layers);
    }
}

#[test]
fn input_and_output_follow_from_the_settings() {
    let config = parse("--layers 20,10 --size 32 --colour --rate 44100 --tick 29.97 --hops 2")
        .classic_config()
        .unwrap();
    assert_eq!(config.layers, [3072, 20, 10, 2 * 1472]);
    assert_eq!(config.grid.tick, FrameRate::new(30_000, 1001).unwrap());
    for (say, last) in [("pcm", 735), ("stft", 513), ("stft-phase", 736)] {
        let config = parse(&format!("--preset classic --say {say}")).classic_config().unwrap();
        assert_eq!(config.layers, [4096, 1000, last]);
    }
}

#[test]
fn the_training_of_2015_can_be_asked_for() {
    let args = parse(
        "--preset classic --optimizer nesterov --lr 1e-4 --momentum 0.9 --batch 10 --decay none --device wgpu",
    );
    args.check().unwrap();
    let config = args.classic_training();
    assert_eq!((config.lr, config.batch, config.decay), (1e-4, 10, false));
    assert_eq!(config.optimizer, Optimizer::Nesterov { momentum: 0.9 });
    assert_eq!(config.device, Device::Wgpu);
}

#[test]
fn omitted_options_have_their_defaults() {
    let (adam, nesterov) = (parse("").classic_training(), parse("--optimizer nesterov").classic_training());
    assert_eq!((adam.lr, nesterov.lr), (usual().lr, NESTEROV_LR));
    assert_eq!((adam.silence_secs, adam.hold_out, adam.minutes), (30.0, HoldOut::Every5th, None));
    assert_eq!((adam.decay, adam.device, adam.pretrain), (true, Device::Cpu, Pretrain::None));
}

#[test]
fn options_without_effect_are_usage_errors() {
    assert!(matches!(parse("--momentum 0.5").check(), Err(Failure::Usage(_))));
    assert!(matches!(parse("--preset classic --rate 20 --tick 30").check(), Err(Failure::Usage(_))));
    for wrong in ["--say pcm", "--say stft", "--preset classic --say controls"] {
        assert!(matches!(parse(wrong).check(), Err(Failure::Usage(_))), "{wrong}");
    }
    assert!(parse("--say controls").check().is_ok());
    for wrong in [
        "--epochs 3",
        "--colour",
        "--preset classic --no-live",
        "--layers 20 --steps 7",
        "--preset classic --hold-out-film f",
    ] {
        assert!(matches!(parse(wrong).check(), Err(Failure::Usage(_))), "{wrong}");
    }
    for right in
        ["", "--steps 9 --no-sound --tick 25", "--layers 20 --epochs 3", "--preset classic-deep --colour"]
    {
        assert!(parse(right).check().is_ok(), "{right}");
    }
}

#[test]
fn the_run_folder_stands_beside_the_brain() {
    assert_eq!(run_folder(Path::new("a/b.brain")), Path::new("a/b.brain.run"));
}

#[test]
fn only_the_state_of_a_run_is_removed() {
    let run = tempfile::tempdir().unwrap();
    for name in ["metrics.jsonl", "checkpoint-12.safetensors", "notes.txt"] {
        std::fs::write(run.path().join(name), "x").unwrap();
    }
    remove_run_state(run.path()).unwrap();
    let left: Vec<_> = std::fs::read_dir(run.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["notes.txt"]);
}
