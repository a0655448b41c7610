//! Usage errors (exit 2) and failures (exit 1) of the program, as text and as JSON.

mod support;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use std::process::Output;
use support::{kinophone, matches, refuse};

fn run<S: AsRef<OsStr>>(home: &Path, args: &[S]) -> Output {
    kinophone(home).current_dir(home).args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Standard output as JSON: exactly one object.
fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stdout)))
}

#[test]
fn wrong_usage_is_told_and_ends_with_2() {
    let home = tempfile::tempdir().unwrap();
    let lines = [
        "",
        "sing",
        "prepare",
        "prepare film.mp4",
        "prepare film.mp4 -o corpus --size 7",
        "prepare film.mp4 -o corpus --colours",
        "train film.mp4 -o b --layers 10,0",
        "train film.mp4 -o b --preset classic --layers 10",
        "train film.mp4 -o b --tick 0",
        "train film.mp4 -o b --rate 22.05",
        "train film.mp4 -o b --lr nan",
        "train film.mp4 -o b --momentum 0.5",
        "train film.mp4 -o b --hold-out some",
        "train film.mp4 -o b --preset classic --hold-out-film film",
        "train film.mp4 -o b --say stft",
        "train film.mp4 -o b --preset classic --say controls",
        "train film.mp4 -o b --preset classic --say words",
        "render b film.mp4",
        "render b film.mp4 -o out.mp4 --loudness loud",
        "render b film.mp4 -o out.mp4 --keep-original 40",
        "render b film.mp4 -o out.mp4 --pitch 2",
        "render b film.mp4 -o out.mp4 --synth granular --envelope square",
        "render b film.mp4 -o out.mp4 --synth raw --phase rtpghi",
        "render b film.mp4 -o out.mp4 --live --phase griffin-lim",
        "render b film.mp4 -o out.mp4 --audio-track 1",
        "render b film.mp4 -o out.mp4 --delay 3",
        "render b film.mp4 -o out.mp4 --by-shot",
        "render b film.mp4 -o out.mp4 --by-shot --live --sounds s",
        "revoice film.mp4 --sounds s -o out.mp4 --by-shot --delay 3",
        "render b film.mp4 -o out.mp4 --live --delay 31",
        "inspect b -o card.md",
        "eval b film.mp4",
        "eval b -o report --folds 1",
        "eval b -o report --seeds many",
        "gallery b film.mp4 -o gallery --synth violin",
        "completions tcsh",
    ];
    let mut all = String::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let output = run(home.path(), &words);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(output.stdout.is_empty(), "{line} wrote to standard output");
        if !line.is_empty() {
            all += &format!("$ kinophone {line}\n{}\n", stderr(&output));
        }
    }
    matches("usage", &all);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "wrong usage left files behind");
}

#[test]
fn failures_are_one_sentence_and_one_piece_of_advice() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("film.mp4"), "x").unwrap();
    fs::write(home.path().join("brain"), "mine").unwrap();
    fs::create_dir(home.path().join("folder")).unwrap();
    let lines = [
        "prepare film.mp4 missing.mp4 -o corpus",
        "prepare folder -o corpus",
        "train missing.mp4 -o new",
        "train film.mp4 -o brain",
        "train film.mp4 -o folder",
        "train film.mp4 -o no/such/brain",
        "train film.mp4 -o film.mp4 --force",
        "render missing film.mp4 -o out.mp4",
        "render brain missing.mp4 -o out.mp4",
        "render brain folder -o out.mp4",
        "inspect missing",
        "eval missing -o new",
        "eval brain missing.mp4 -o new",
        "eval brain -o folder",
        "eval brain -o no/such/report",
        "gallery missing film.mp4 -o new",
    ];
    let mut all = String::new();
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let output = run(home.path(), &words);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{line}: {said}");
        assert!(output.stdout.is_empty(), "{line} wrote to standard output");
        assert_eq!(said.matches("help:").count(), 1, "{line}: {said}");
        assert!(!said.contains('\u{1b}'), "colours without a terminal: {said}");
        all += &format!("$ kinophone {line}\n{said}\n");
    }
    matches("failures", &all);
    let mut left: Vec<OsString> =
        fs::read_dir(home.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["brain", "film.mp4", "folder"], "failures left files behind");
    assert_eq!(fs::read(home.path().join("brain")).unwrap(), b"mine");
    assert_eq!(fs::read(home.path().join("film.mp4")).unwrap(), b"x");
}

#[test]
fn errors_are_json_where_json_is_wanted() {
    let home = tempfile::tempdir().unwrap();
    let failed = run(home.path(), &["inspect", "missing", "--json"]);
    assert_eq!((failed.status.code(), stderr(&failed).as_str()), (Some(1), ""));
    assert_eq!(
        json(&failed).to_string(),
        r#"{"error":{"kind":"not-found","what":"missing does not exist","place":"missing","help":"check the name and the folder"}}"#
    );
    let wrong = run(home.path(), &["--json", "train", "x.mp4", "-o", "b", "--batch", "0"]);
    assert_eq!((wrong.status.code(), stderr(&wrong).as_str()), (Some(2), ""));
    let error = &json(&wrong)["error"];
    assert_eq!((&error["kind"], &error["place"]), (&"usage".into(), &serde_json::Value::Null));
    assert!(error["what"].as_str().unwrap().starts_with("invalid value '0' for '--batch <N>'"), "{error}");
    let contradiction = run(home.path(), &["train", "x.mp4", "-o", "b", "--momentum", "0.5", "--json"]);
    assert_eq!(contradiction.status.code(), Some(2));
    assert_eq!(json(&contradiction)["error"]["kind"], "usage");
}

#[test]
fn a_name_with_a_leading_dash_needs_a_double_dash() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(run(home.path(), &["inspect", "-x.mp4"]).status.code(), Some(2));
    for words in
        [&["inspect", "--", "-x.mp4"][..], &["inspect", "./-x.mp4"], &["prepare", "-o", "c", "--", "-x.mp4"]]
    {
        let said = refuse(home.path(), words);
        assert!(said.contains("-x.mp4 does not exist"), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn a_name_need_not_be_unicode() {
    use std::os::unix::ffi::OsStrExt;
    let home = tempfile::tempdir().unwrap();
    let name = OsStr::from_bytes(b"caf\xe9.mp4");
    let output = run(home.path(), &[OsStr::new("inspect"), name]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("caf\u{fffd}.mp4 does not exist"), "{}", stderr(&output));
    let output = run(home.path(), &[OsStr::new("train"), name, OsStr::new("-o"), name, OsStr::new("--json")]);
    assert_eq!(json(&output)["error"]["place"], "caf\u{fffd}.mp4");
}

#[cfg(unix)]
#[test]
fn a_folder_that_can_not_be_written_to_is_refused_before_any_work() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let closed = home.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(closed.join("probe"), "x").is_ok() {
        eprintln!("left out: this user may write everywhere");
        return;
    }
    fs::write(home.path().join("film.mp4"), "x").unwrap();
    let said = refuse(
        home.path(),
        &[
            OsStr::new("train"),
            home.path().join("film.mp4").as_os_str(),
            OsStr::new("-o"),
            closed.join("b").as_os_str(),
        ],
    );
    assert!(said.contains("can't be written"), "{said}");
}

#[test]
fn doctor_finds_what_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let well = run(home.path(), &["doctor", "--json"]);
    let (answer, said) = (json(&well), stderr(&well));
    assert_eq!(well.status.code(), Some(0), "{answer} {said}");
    assert_eq!(answer["works"], true);
    let topics: Vec<&str> =
        answer["findings"].as_array().unwrap().iter().map(|f| f["topic"].as_str().unwrap()).collect();
    for topic in [
        "ffmpeg",
        "ffprobe",
        "encoders",
        "decoders",
        "graphics",
        "disk here",
        "film cache",
        "memory",
        "processor",
    ] {
        assert!(topics.contains(&topic), "{topic} is missing in {topics:?}");
    }
    let ill = run(home.path(), &["doctor", "--ffmpeg", "no-such-ffmpeg"]);
    assert_eq!(ill.status.code(), Some(1));
    let said = String::from_utf8(ill.stdout).unwrap();
    assert!(said.contains("PROBLEM  ffmpeg") && said.contains("does not work here"), "{said}");
}
