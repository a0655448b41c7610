//! Tests of the options of `render`.

use super::*;
use crate::cli::{Cli, Command};
use clap::Parser;
use kinophone::media::AudioTracks;
use kinophone::render::LoudnessMode;
use kinophone_dsp::frames::GranularConfig;
use kinophone_dsp::window::Window;

fn parse(options: &str) -> RenderArgs {
    let words = "kinophone render b f.mp4 -o out.mkv".split(' ').chain(options.split_whitespace());
    match Cli::try_parse_from(words).unwrap().command {
        Command::Render(args) => args,
        other => panic!("{other:?}"),
    }
}

#[test]
fn grains_are_the_defaults_with_what_was_given() {
    let args = parse(
        "--synth granular --size-ms 60 --density 0.5 --envelope tukey:0.25 --children 3 --drive 0.5 --seed 4",
    );
    let Ok(SynthRequest::Exactly(ResolvedSynth::Blocks(FrameSynthConfig::Granular(config)))) =
        args.synth_request()
    else {
        panic!("no grains")
    };
    let expected = GranularConfig {
        size_ms: 60.0,
        density: 0.5,
        envelope: Window::Tukey { taper: 0.25 },
        children: 3,
        mod_depth: 0.5,
        seed: 4,
        ..GranularConfig::default()
    };
    assert_eq!(config, expected);
}

#[test]
fn grain_options_without_grains_and_values_beyond_their_range_are_usage_errors() {
    for options in ["--pitch 2", "--drive 0", "--synth raw --size-ms 3", "--synth granular-2015 --children 2"]
    {
        assert!(matches!(parse(options).check(), Err(Failure::Usage(_))), "{options}");
    }
    let far = parse("--synth granular --pitch 1000");
    far.check().unwrap();
    assert!(matches!(far.synth_request(), Err(Failure::Usage(_))));
}

#[test]
fn phases_come_from_a_method_or_a_file() {
    let phase = |options: &str| match parse(options).synth_request() {
        Ok(SynthRequest::Exactly(ResolvedSynth::Spectral { config, lender })) => {
            (config.phase, config.seed, lender)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(phase("--synth spectral --seed 3"), (Phase::Rtpghi, 3, None));
    assert_eq!(phase("--phase griffin-lim"), (Phase::GriffinLim, 0, None));
    assert_eq!(phase("--phase random-walk --live"), (Phase::RandomWalk, 0, None));
    let lender = Some(PathBuf::from("./rtpghi"));
    assert_eq!(phase("--phase ./rtpghi --synth spectral"), (Phase::Borrowed, 0, lender));
    for wrong in ["--phase x --synth mosaic", "--phase rtpghi --synth raw", "--phase griffin-lim --live"] {
        assert!(matches!(parse(wrong).check(), Err(Failure::Usage(_))), "{wrong}");
    }
}

#[test]
fn tone_and_attack_are_for_mosaics() {
    let request = |options: &str| parse(options).synth_request().unwrap();
    assert_eq!(request("--tone 0"), SynthRequest::Mosaic { tone: Some(0.0), attack: None });
    assert_eq!(request("--synth mosaic --attack 1"), SynthRequest::Mosaic { tone: None, attack: Some(1.0) });
    assert_eq!(request("--synth mosaic"), SynthRequest::Mosaic { tone: None, attack: None });
    for wrong in ["--tone 0.5 --synth granular", "--attack 0 --phase rtpghi", "--synth raw --tone 1"] {
        assert!(matches!(parse(wrong).check(), Err(Failure::Usage(_))), "{wrong}");
    }
}

#[test]
fn nothing_given_leaves_the_synth_to_the_library() {
    let plan = parse("--loudness off --keep-original -12 --audio-track 1").plan().unwrap();
    assert_eq!(
        (plan.synth, plan.loudness, plan.output.keep_original_db, plan.output.audio_tracks),
        (SynthRequest::Usual, LoudnessMode::AsSaid, Some(-12.0), AudioTracks::one(1))
    );
    assert_eq!(parse("").plan().unwrap().loudness, LoudnessMode::Usual);
}
