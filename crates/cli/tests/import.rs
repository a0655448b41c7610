//! Networks of 2015 become brains that play: whatever protocol, precision and order they were saved in,
//! sample for sample what numpy computes from the same weights and pictures.

mod support;

use safetensors::SafeTensors;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{decode_sound, ffmpeg, kinophone, matches, refuse, succeed};

/// Networks, and what they say to the pictures of `film.mp4` there, 90 pictures at 30 a second.
fn networks(home: &Path) {
    let film = home.join("film.mp4");
    let words = "-f lavfi -i testsrc2=size=128x96:rate=30 -frames:v 90 -c:v libx264 -preset ultrafast -pix_fmt yuv420p";
    let words: Vec<&OsStr> = words.split(' ').map(OsStr::new).chain([film.as_os_str()]).collect();
    ffmpeg(&words);
    let corpus = home.join("corpus");
    succeed(home, &[OsStr::new("prepare"), film.as_os_str(), OsStr::new("-o"), corpus.as_os_str()]);
    let shard = std::fs::read_dir(corpus).unwrap().next().unwrap().unwrap().path();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/networks.py");
    let output = Command::new("python3").args([script.as_path(), home, &shard]).output().unwrap();
    assert!(
        output.status.success(),
        "networks.py needs numpy and safetensors (scripts/setup --tests): {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Files in `folder` that begin with that word, in order.
fn files(folder: &Path, begin: &str) -> Vec<PathBuf> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let wanted = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with(begin);
    let mut found: Vec<PathBuf> = names.filter(wanted).collect();
    found.sort();
    found
}

fn import(home: &Path, file: &Path, brain: &Path, more: &[&str]) -> serde_json::Value {
    let words = ["import", file.to_str().unwrap(), "-o", brain.to_str().unwrap(), "--json", "--force"];
    serde_json::from_slice(&succeed(home, &[&words, more].concat()).stdout).unwrap()
}

/// All numbers of a brain.
fn weights(brain: &Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(brain).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let names = ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"];
    assert_eq!(tensors.len(), names.len());
    names.iter().map(|name| tensors.tensor(name).unwrap().data().to_vec()).collect()
}

#[test]
fn a_network_of_2015_plays_what_it_said_then() {
    let home = tempfile::tempdir().unwrap();
    networks(home.path());
    let brain = home.path().join("2015.brain");
    let good = files(home.path(), "good-");
    assert!(good.len() >= 30, "{} files", good.len());
    let mut first = None;
    for file in &good {
        let said = import(home.path(), file, &brain, &[]);
        assert_eq!(said["config"]["layers"], serde_json::json!([4096, 20, 735]));
        assert_eq!(said["config"]["activation"], "sigmoid");
        assert_eq!(said["imported"]["name"], file.file_name().unwrap().to_str().unwrap());
        // To the bit, whatever file they came from.
        let numbers = weights(&brain);
        assert!(*first.get_or_insert_with(|| numbers.clone()) == numbers, "{}", file.display());
    }

    // Raw blocks at their own level, with 24 bits.
    let (film, out) = (home.path().join("film.mp4"), home.path().join("out.flac"));
    let words = ["render", brain.to_str().unwrap(), film.to_str().unwrap(), "-o", out.to_str().unwrap()];
    succeed(home.path(), &[&words[..], &["--synth", "raw", "--loudness", "off"]].concat());
    let said = std::fs::read(home.path().join("said.f32")).unwrap();
    let said: Vec<f32> = said.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let heard = decode_sound(&out, 22_050);
    assert_eq!((heard.len(), said.len()), (90 * 735, 90 * 735));
    let power = said.iter().map(|x| x * x).sum::<f32>() / said.len() as f32;
    let worst = heard.iter().zip(&said).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    println!("greatest difference {worst:e}, level {:.1} dBFS", 10.0 * power.log10());
    assert!(power > 0.003 && said.iter().all(|x| x.abs() < 0.7), "a fair comparison has sound and no peaks");
    assert!(worst < 1e-5, "{worst}");

    // The soundtrack and the facts say what is known, and that the films are not.
    let tags = ffmpeg(&["-i", out.to_str().unwrap(), "-f", "ffmetadata", "-"]);
    let tags = String::from_utf8(tags).unwrap();
    assert!(
        tags.contains("was imported from good-python3-4.net.pkl, which does not say from what it learned"),
        "{tags}"
    );
    let inspect = |more: &[&str]| {
        let said = succeed(home.path(), &[&["inspect", brain.to_str().unwrap()], more].concat()).stdout;
        String::from_utf8(said).unwrap()
    };
    let facts = inspect(&[]);
    for line in [
        "saved by:      theanets 0.4",
        "held out:      unknown",
        "training:      unknown",
        "the imported file names no film",
    ] {
        assert!(facts.contains(line), "{line}:\n{facts}");
    }
    let facts: serde_json::Value = serde_json::from_str(&inspect(&["--json"])).unwrap();
    assert_eq!((&facts["training"], &facts["ledger"]), (&serde_json::Value::Null, &serde_json::json!([])));
    assert_eq!(facts["imported"]["writer"], "theanets 0.4");
    let drawn = home.path().join("drawn");
    inspect(&["--pictures", drawn.to_str().unwrap()]);
    assert!(drawn.join("filters.png").exists() && !drawn.join("loss.png").exists());
}

#[test]
fn what_can_not_be_imported_is_said() {
    let home = tempfile::tempdir().unwrap();
    networks(home.path());
    let bad = files(home.path(), "bad-");
    assert!(bad.len() >= 20, "{} files", bad.len());
    let mut all = String::new();
    let run = |words: &[&str]| refuse(home.path(), words).replace(&format!("{}/", home.path().display()), "");
    for file in &bad {
        let (file, name) = (file.to_str().unwrap(), file.file_name().unwrap().to_str().unwrap());
        let said = run(&["import", file, "-o", home.path().join("new.brain").to_str().unwrap()]);
        all += &format!("$ kinophone import {name} -o new.brain\n{said}\n");
    }
    let (good, brain) = (home.path().join("good-2-f4.net.pkl"), home.path().join("new.brain"));
    let said = home.path().join("good-2-object.net.pkl");
    assert!(!brain.exists() && !home.path().join("executed").exists());
    for (file, options) in [(&good, "--rate 44100"), (&good, "--fps 25"), (&said, "--activation relu")] {
        let words = ["import", file.to_str().unwrap(), "-o", brain.to_str().unwrap()];
        let options: Vec<&str> = options.split(' ').collect();
        let name = file.file_name().unwrap().to_str().unwrap();
        all += &format!(
            "$ kinophone import {name} -o new.brain {}\n{}\n",
            options.join(" "),
            run(&[&words[..], &options].concat())
        );
    }
    matches("import-refusals", &all);

    // What is there stays, unless it is to be replaced; the file itself never is.
    std::fs::write(&brain, "mine").unwrap();
    let words = ["import", good.to_str().unwrap(), "-o", brain.to_str().unwrap()];
    assert!(run(&words).contains("exists already"));
    assert_eq!(std::fs::read(&brain).unwrap(), b"mine");
    succeed(home.path(), &[&words[..], &["--force"]].concat());
    let before = std::fs::read(&good).unwrap();
    run(&["import", good.to_str().unwrap(), "-o", good.to_str().unwrap(), "--force"]);
    assert_eq!(std::fs::read(&good).unwrap(), before);
}

#[test]
fn what_the_file_does_not_say_can_be_said() {
    let home = tempfile::tempdir().unwrap();
    networks(home.path());
    let (file, brain) = (home.path().join("good-2-f4.net.pkl"), home.path().join("new.brain"));
    for (given, activation, hidden) in [("relu", "relu", 20), ("tanh", "sigmoid", 20), ("linear", "relu", 40)]
    {
        let said = import(home.path(), &file, &brain, &["--activation", given]);
        assert_eq!(said["config"]["activation"], activation);
        assert_eq!(said["config"]["layers"], serde_json::json!([4096, hidden, 735]));
    }
    let said = import(home.path(), &file, &brain, &["--rate", "44100", "--fps", "60"]);
    assert_eq!(said["config"]["grid"], serde_json::json!({"tick": "60/1", "rate": 44100}));
    let wrong =
        kinophone(home.path()).args(["import", "x", "-o", "y", "--activation", "softplus"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}
