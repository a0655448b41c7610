//! The commands one after another on a small film: what they print, where they print it, and what is left
//! after Ctrl-C.

mod support;

use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Output;
use support::{kinophone, small_film};

fn run<S: AsRef<OsStr>>(home: &Path, args: &[S]) -> Output {
    kinophone(home).current_dir(home).args(args).output().unwrap()
}

/// Standard output as JSON, after success.
fn answer(home: &Path, line: &str) -> Value {
    let words: Vec<&str> = line.split(' ').chain(["--json"]).collect();
    let output = run(home, &words);
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_film_goes_all_the_way_and_every_step_can_be_inspected() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    small_film(&home.join("film.mp4"), 4);

    let prepared = answer(home, "prepare film.mp4 -o corpus --licence CC0-1.0 --author Me");
    let shard = prepared["films"][0]["shard"].as_str().unwrap().to_owned();
    assert_eq!(
        (&prepared["films"][0]["pictures"], &prepared["films"][0]["skipped"]),
        (&100.into(), &false.into())
    );
    assert_eq!(answer(home, "prepare film.mp4 -o corpus")["films"][0]["skipped"], true);

    let trained = answer(home, "train corpus film.mp4 -o brain --layers 20 --epochs 2 --hold-out none");
    assert_eq!((&trained["epochs"], &trained["interrupted"]), (&2.into(), &false.into()));
    assert!(home.join("brain.run/loss.png").is_file() && home.join("brain.run/metrics.jsonl").is_file());

    let rendered = answer(home, "render brain film.mp4 -o out.mkv --synth granular --density 3");
    assert_eq!(
        (&rendered["synth"]["name"], &rendered["synth"]["density"]),
        (&"granular".into(), &3.0.into())
    );

    for (path, kind) in [
        ("corpus", "corpus"),
        (&shard, "shard"),
        ("brain", "brain"),
        ("film.mp4", "film"),
        ("out.mkv", "film"),
    ] {
        let facts = answer(home, &format!("inspect {path} --pictures look-{kind}"));
        assert_eq!(facts["kind"], kind, "{path}");
        for png in facts["drawn"].as_array().unwrap() {
            assert!(image::open(home.join(png.as_str().unwrap())).unwrap().width() > 100, "{png}");
        }
        assert!(facts["drawn"].as_array().unwrap().len() >= 2);
    }
    let brain = answer(home, "inspect brain");
    assert_eq!(brain["config"]["layers"], serde_json::json!([4096, 20, 735]));
    // The film's terms have travelled; the same film named directly, without them, counted once.
    assert_eq!(brain["ledger"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&brain["ledger"][0]["licence"], &brain["ledger"][0]["author"]),
        (&"CC0-1.0".into(), &"Me".into())
    );
}

#[test]
fn quiet_is_quiet_and_facts_are_printed_all_the_same() {
    let home = tempfile::tempdir().unwrap();
    small_film(&home.path().join("film.mp4"), 2);
    let output = run(home.path(), &["prepare", "film.mp4", "-o", "corpus", "--quiet"]);
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    let output = run(home.path(), &["inspect", "corpus", "--quiet"]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("pictures:  50") && output.stderr.is_empty(), "{said}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_the_brain_and_says_how_to_go_on() {
    use std::process::Command;
    use std::process::Stdio;
    let home = tempfile::tempdir().unwrap();
    small_film(&home.path().join("film.mp4"), 4);
    let mut child = kinophone(home.path())
        .current_dir(home.path())
        .args(["train", "film.mp4", "-o", "brain", "--layers", "20", "--epochs", "1000000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first line of metrics is written when learning is under way.
    let metrics = home.path().join("brain.run/metrics.jsonl");
    while fs::metadata(&metrics).map_or(0, |m| m.len()) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("train --resume film.mp4 -o brain"), "{said}");
    assert_eq!(answer(home.path(), "inspect brain")["kind"], "brain");
    let again =
        run(home.path(), &["train", "film.mp4", "-o", "brain", "--layers", "20", "--epochs", "1000000"]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("exists"), "a brain is not replaced unasked");
}
