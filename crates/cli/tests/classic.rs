//! The classic system on real films: playable results with the source's own picture, no buzz from the better
//! synths, and silence where the picture is black or white.

mod support;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{decode_sound, ffmpeg, packets, packets_md5, shared, succeed};

fn train(home: &Path, film: &Path, brain: &Path, more: &[&str]) {
    let mut args = vec![
        OsStr::new("train"),
        film.as_os_str(),
        OsStr::new("-o"),
        brain.as_os_str(),
        OsStr::new("--quiet"),
    ];
    args.extend(more.iter().map(OsStr::new));
    succeed(home, &args);
}

fn render(home: &Path, brain: &Path, film: &Path, out: &Path, more: &[&str]) {
    let mut args = vec![
        OsStr::new("render"),
        brain.as_os_str(),
        film.as_os_str(),
        OsStr::new("-o"),
        out.as_os_str(),
        OsStr::new("--quiet"),
    ];
    args.extend(more.iter().map(OsStr::new));
    succeed(home, &args);
}

/// When the last packet of a stream ends, in seconds.
fn ends(path: &Path, stream: &str) -> f64 {
    packets(path, stream).into_iter().map(|(begin, length)| begin + length).fold(0.0, f64::max)
}

/// The judge's figures for a soundtrack, against the film's own.
fn judge(shared: &Path, reference: &Path, generated: &Path) -> serde_json::Value {
    let output = Command::new("python3")
        .arg(shared.join("peers/judge.py"))
        .args([reference, generated])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "judge.py needs numpy (scripts/setup --tests): {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_pianos_brain_plays_other_films_over_their_untouched_pictures() {
    let Some(shared) = shared() else { return };
    let home = tempfile::tempdir().unwrap();
    let films = shared.join("data/films");
    let bach = films.join("piano-bach.mp4");
    let brain = home.path().join("bach.brain");
    train(home.path(), &bach, &brain, &["--preset", "classic"]);

    let popeye = ["T00-1", "T01-2", "T02-3", "T03-4"].map(|t| films.join(format!("popeye_sinbad_{t}.mkv")));
    for film in [films.join("piano-furelise.mp4")].iter().chain(&popeye) {
        let name = film.file_name().unwrap().to_str().unwrap();
        let out = home.path().join(name);
        render(home.path(), &brain, film, &out, &[]);
        assert_eq!(packets_md5(film, "v"), packets_md5(&out, "v"), "{name}: the picture was touched");
        let (picture, sound) = (ends(&out, "0:v:0"), ends(&out, "0:a:0"));
        assert!((picture - sound).abs() < 0.042, "{name}: picture ends at {picture} s, sound at {sound} s");
        let energy: f32 = decode_sound(&out, 22_050).iter().map(|x| x * x).sum();
        assert!(energy > 0.0, "{name} is silent");
    }

    // The frame-rate comb: what the better synths are for.
    let comb = |synth: &str| {
        let out = home.path().join(format!("{synth}.wav"));
        render(home.path(), &brain, &bach, &out, &["--synth", synth]);
        let said = judge(&shared, &bach, &out);
        (said["comb_db"].as_f64().unwrap(), said["comb_ref_db"].as_f64().unwrap())
    };
    let (raw, original) = comb("raw");
    for synth in ["windowed", "granular"] {
        let (ours, _) = comb(synth);
        println!("comb of {synth}: {ours:.1} dB, raw {raw:.1} dB, original {original:.1} dB");
        assert!(
            ours <= raw - 20.0 && ours <= original + 6.0,
            "{synth}: {ours} dB against raw {raw}, original {original}"
        );
    }
}

/// Each machine of the stack, learning from the one below, gets better at drawing again what it saw. A step
/// against the gradient makes each of these errors grow.
#[test]
fn pretraining_lowers_the_reconstruction_error_layer_by_layer() {
    let Some(shared) = shared() else { return };
    let home = tempfile::tempdir().unwrap();
    let brain = home.path().join("deep.brain");
    let options = "--layers 300,200,100 --activation sigmoid --pretrain rbm --pretrain-epochs 6 --epochs 1";
    let options: Vec<&str> = options.split(' ').collect();
    train(home.path(), &shared.join("data/films/piano-bach.mp4"), &brain, &options);
    let metrics = std::fs::read_to_string(home.path().join("deep.brain.run/metrics.jsonl")).unwrap();
    let lines = metrics.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut errors = [const { Vec::new() }; 3];
    for line in lines.filter(|line| !line["pretrained_layer"].is_null()) {
        let layer = line["pretrained_layer"].as_u64().unwrap() as usize - 1;
        errors[layer].push(line["reconstruction"].as_f64().unwrap());
    }
    println!("reconstruction errors: {errors:?}");
    for errors in errors {
        assert_eq!(errors.len(), 6);
        assert!(errors[5] < 0.8 * errors[0], "the error did not fall: {errors:?}");
    }
}

#[test]
fn black_and_white_are_quiet() {
    let Some(shared) = shared() else { return };
    let home = tempfile::tempdir().unwrap();
    let brain = home.path().join("bunny.brain");
    let bunny = shared.join("data/films/big-buck-bunny.mp4");
    train(home.path(), &bunny, &brain, &["--preset", "classic"]);
    for colour in ["black", "white"] {
        let film: PathBuf = home.path().join(format!("{colour}.mp4"));
        let source = format!("color={colour}:size=320x240:rate=24");
        ffmpeg(&[
            OsStr::new("-f"),
            OsStr::new("lavfi"),
            OsStr::new("-i"),
            OsStr::new(&source),
            OsStr::new("-t"),
            OsStr::new("10"),
            OsStr::new("-pix_fmt"),
            OsStr::new("yuv420p"),
            film.as_os_str(),
        ]);
        let out = home.path().join(format!("{colour}.wav"));
        render(home.path(), &brain, &film, &out, &["--loudness", "off"]);
        let sound = decode_sound(&out, 22_050);
        let power: f64 = sound.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() / sound.len() as f64;
        let level = 10.0 * power.max(1e-12).log10();
        println!("{colour}: {level:.1} dBFS");
        assert!(level <= -50.0, "{colour} sounds at {level:.1} dBFS");
    }
}
