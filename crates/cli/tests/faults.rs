//! Writing that fails, at every place: a full disk, a broken one, permissions, open files, a killed ffmpeg. Whatever fails
//! when, the program ends with one error and without an output, or with the whole output: never with exit code 0 and less.
//!
//! `support/fault.c` counts the operations that change what is on the disk, in the program and in its ffmpeg, and lets all fail
//! from one of them on. Renames that go to the kernel directly (`rustix`) are not seen by it; `kinophone::storage` tests those.
//! A few places of each command are tried; with KINOPHONE_FAULTS=all, a hundred of each command and fault.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::{Home, ffmpeg, kinophone, small_film};

/// A way to fail: errno (0: the process is killed), and the operations that can.
#[derive(Clone, Copy, Debug)]
struct Fault {
    errno: i32,
    only: &'static str,
}

const FULL: Fault = Fault { errno: 28, only: "" };
const BROKEN: Fault = Fault { errno: 5, only: "" };
const QUOTA: Fault = Fault { errno: 122, only: "" };
const FORBIDDEN: Fault = Fault { errno: 13, only: "names" };
const TOO_MANY_FILES: Fault = Fault { errno: 24, only: "names" };
const KILLED: Fault = Fault { errno: 0, only: "ffmpeg" };
const FULL_FOR_FFMPEG: Fault = Fault { errno: 28, only: "ffmpeg" };

/// The faults, and the places where they are tried, in parts of the operations of a command: the first and the last ones write
/// headers and trailers.
const FAULTS: [(Fault, &[f64]); 7] = [
    (FULL, &[0.0, 1.0]),
    (FULL_FOR_FFMPEG, &[1.0]),
    (KILLED, &[1.0]),
    (BROKEN, &[0.5]),
    (TOO_MANY_FILES, &[0.6]),
    (FORBIDDEN, &[1.0]),
    (QUOTA, &[]),
];

/// Numbers of the operations that are tried.
fn places(operations: u64, parts: &[f64]) -> Vec<u64> {
    let mut places: Vec<u64> = match std::env::var_os("KINOPHONE_FAULTS") {
        Some(_) => {
            (1..=operations).step_by(operations.div_ceil(100).max(1) as usize).chain([operations]).collect()
        }
        None => parts.iter().map(|part| 1 + (part * operations.saturating_sub(1) as f64) as u64).collect(),
    };
    places.retain(|place| (1..=operations).contains(place));
    places.dedup();
    places
}

/// A home with a film, a library, brains, and the shim.
struct Faulty {
    home: Home,
    shim: tempfile::TempDir,
}

impl Faulty {
    fn new() -> Self {
        let (home, shim) = (Home::new(), tempfile::tempdir().unwrap());
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/fault.c");
        let library = shim.path().join("fault.so");
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(library).arg(source).arg("-ldl");
        assert!(cc.status().expect("a C compiler").success());
        small_film(&home.at("film.mp4"), 3);
        ffmpeg(&[
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=330:beep_factor=3",
            "-t",
            "2",
            home.at("a.wav").to_str().unwrap(),
        ]);
        Self { home, shim }
    }

    fn with_library(self) -> Self {
        self.home.succeed("sounds @a.wav -o @lib --quiet");
        self
    }

    fn with_brain(self, name: &str, options: &str) -> Self {
        self.home.succeed(&format!("train @film.mp4 -o @{name} --quiet {options}"));
        self
    }

    /// Runs a command in which operation `at` and all later ones fail; gives their number as well.
    fn run(&self, line: &str, fault: Fault, at: u64) -> (Output, u64) {
        let counter = self.shim.path().join("counter");
        fs::write(&counter, [0; 8]).unwrap();
        let output = kinophone(self.home.0.path())
            .args(self.home.words(line))
            .env("LD_PRELOAD", self.shim.path().join("fault.so"))
            .env("FAULT_UNDER", self.home.0.path())
            .env("FAULT_COUNTER", &counter)
            .env("FAULT_AT", at.to_string())
            .env("FAULT_ERRNO", fault.errno.to_string())
            .env("FAULT_ONLY", fault.only)
            .env("TMPDIR", self.home.0.path())
            .output()
            .unwrap();
        let count = fs::read(&counter).unwrap();
        (output, u64::from_ne_bytes(count.try_into().unwrap()))
    }

    /// All files below the home, with their content.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let (mut files, mut folders) = (BTreeMap::new(), vec![self.home.0.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.clone(), content(&path));
                }
            }
        }
        files
    }

    /// Removes what was not there before.
    fn restore(&self, before: &BTreeMap<PathBuf, Vec<u8>>) {
        for path in self.files().keys().filter(|path| !before.contains_key(*path)) {
            fs::remove_file(path).unwrap();
        }
        for name in ["new", "new.run", "new.sources", "cache", "look"] {
            // Folders that are empty now, at two levels.
            let inner = fs::read_dir(self.home.at(name)).into_iter().flatten().flatten();
            inner.for_each(|entry| drop(fs::remove_dir(entry.path())));
            let _ = fs::remove_dir(self.home.at(name));
        }
    }

    /// Holds a command to the promise at places of every fault.
    fn holds(&self, line: &str) {
        let before = self.files();
        let (mut truth, mut counts) = (None, BTreeMap::new());
        for (fault, parts) in FAULTS {
            let operations = *counts.entry((fault.only, fault.errno == 0)).or_insert_with(|| {
                let (undisturbed, operations) = self.run(line, fault, 0);
                let said = String::from_utf8_lossy(&undisturbed.stderr).into_owned();
                assert!(undisturbed.status.success(), "{line}: {said}");
                let whole = self.files();
                self.restore(&before);
                assert!(*truth.get_or_insert(whole.clone()) == whole, "{line} is not repeatable");
                operations
            });
            let whole = truth.as_ref().expect("it was run undisturbed");
            for at in places(operations, parts) {
                let (output, _) = self.run(line, fault, at);
                let context = format!("{line}: {fault:?} at {at} of {operations}");
                check(&output, &context);
                self.check_files(whole, &before, &output, &context);
                self.restore(&before);
            }
        }
    }

    /// After success all files are there, after failure none of them but whole ones: shards that were finished before.
    fn check_files(
        &self,
        whole: &BTreeMap<PathBuf, Vec<u8>>,
        before: &BTreeMap<PathBuf, Vec<u8>>,
        output: &Output,
        context: &str,
    ) {
        let left = self.files();
        if output.status.success() {
            assert!(left == *whole, "{context}: success with other files: {:?}", left.keys());
            return;
        }
        for (path, bytes) in &left {
            assert!(is_run(path) || whole.get(path) == Some(bytes), "{context}: {} is left", path.display());
        }
        let lost = before.keys().find(|path| !left.contains_key(*path));
        assert!(lost.is_none(), "{context}: {lost:?} is lost");
    }
}

/// What a file holds. Every Matroska file has a random number in it, and the state of a training says how long it took.
fn content(path: &Path) -> Vec<u8> {
    let is = |extension| path.extension().is_some_and(|e| e == extension);
    if is_run(path) {
        return Vec::new();
    }
    if is("mkv") {
        let length = fs::metadata(path).unwrap().len();
        let name = path.to_str().unwrap();
        let hash = ffmpeg(&["-i", name, "-map", "0", "-c", "copy", "-f", "streamhash", "-"]);
        return [&length.to_le_bytes()[..], &hash].concat();
    }
    fs::read(path).unwrap()
}

/// The state of a training, which is kept when it fails, and resumed from.
fn is_run(path: &Path) -> bool {
    path.parent().is_some_and(|folder| folder.ends_with("new.run"))
}

/// One clear error, or success.
fn check(output: &Output, context: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return;
    }
    assert_eq!(output.status.code(), Some(1), "{context}: {said}");
    assert!(!said.contains("panicked") && !said.contains("os error"), "{context}: {said}");
    assert_eq!((said.matches("  x ").count(), said.matches("help:").count()), (1, 1), "{context}: {said}");
}

const CLASSIC: &str = "--layers 20 --epochs 1";
const ENSEMBLE: &str = "--steps 3 --no-live --net tcn --seed 1";

#[test]
fn corpora_and_libraries() {
    let home = Faulty::new();
    home.holds("prepare @film.mp4 -o @new --quiet");
    // It is not the film's fault.
    let (output, _) = home.run("prepare @film.mp4 -o @new", FULL, 4);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("/new") && said.contains("the disk is full") && !said.contains("film.mp4 could"),
        "{said}"
    );
    home.holds("sounds @film.mp4 @a.wav -o @new --quiet");
}

#[test]
fn trainings() {
    let home = Faulty::new();
    home.holds(&format!("train @film.mp4 -o @new {CLASSIC} --quiet"));
    home.holds(&format!("train @film.mp4 -o @new {ENSEMBLE} --quiet"));
}

#[test]
fn renders() {
    let home = Faulty::new().with_library().with_brain("tiny", CLASSIC).with_brain("brain", ENSEMBLE);
    home.holds("render @tiny @film.mp4 -o @new.mp4 --quiet");
    home.holds("render @tiny @film.mp4 -o @new.mkv --loudness -20 --quiet");
    home.holds("render @tiny @film.mp4 -o @new.flac --quiet");
    home.holds(
        "render @brain @film.mp4 -o @new.wav --sounds @lib --score @new.csd --score @new.json --quiet",
    );
}

#[test]
fn revoices_and_textures() {
    let home = Faulty::new().with_library();
    home.holds("revoice @film.mp4 --sounds @lib -o @new.mp4 --quiet");
    home.holds("texture @film.mp4 --sounds @lib -o @new.mov --quiet");
    let [film, old] = ["film.mp4", "old.avi"].map(|name| home.home.at(name).to_str().unwrap().to_owned());
    ffmpeg(&["-i", &film, "-c:v", "mpeg4", "-bf", "0", "-c:a", "pcm_s16le", &old]);
    home.holds("texture @old.avi --sounds @lib -o @new.avi --quiet");
}

#[test]
fn reports_and_cards() {
    let home = Faulty::new().with_brain("brain", ENSEMBLE);
    small_film(&home.home.at("other.mp4"), 2);
    home.holds("eval @brain @other.mp4 -o @new --keep-sound --quiet");
    home.holds("inspect @brain --card -o @new.md --quiet");
}

#[test]
fn galleries() {
    let home = Faulty::new().with_brain("tiny", CLASSIC);
    home.holds("gallery @tiny @film.mp4 -o @new --quiet");
}

#[test]
fn imports() {
    let home = Faulty::new();
    home.home.succeed("prepare @film.mp4 -o @corpus --quiet");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/networks.py");
    let shard = support::shards(&home.home.at("corpus")).remove(0);
    let mut python = Command::new("python3");
    python.arg(script).args([home.home.0.path(), &shard]);
    assert!(
        python.status().unwrap().success(),
        "networks.py needs numpy and safetensors (scripts/setup --tests)"
    );
    let names = fs::read_dir(home.home.0.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut good: Vec<PathBuf> =
        names.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("good-")).collect();
    good.sort();
    fs::rename(&good[0], home.home.at("old.pkl")).unwrap();
    home.holds("import @old.pkl -o @new --quiet");
}

/// A demo takes long, and makes what the other commands make; so only its first steps are tried, unless all are asked for.
#[test]
fn demos() {
    let home = Faulty::new();
    let before = home.files();
    let line = "demo -o @new --seconds 20 --quiet";
    let late = || {
        let (_, operations) = home.run(line, FULL, 0);
        home.restore(&before);
        [0.5, 0.9, 1.0].map(|part| (part * operations as f64) as u64)
    };
    let late = std::env::var_os("KINOPHONE_FAULTS").map(|_| late());
    for at in [1, 2, 5, 12].into_iter().chain(late.into_iter().flatten()) {
        let (output, _) = home.run(line, FULL, at);
        let context = format!("{line}: at {at}");
        assert!(!output.status.success(), "{context}");
        check(&output, &context);
        assert!(home.files() == before, "{context}: {:?}", home.files().keys());
    }
}
