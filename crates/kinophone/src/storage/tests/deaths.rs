//! A process that dies at any step of `storage` leaves the old state or the new one under every name.
//!
//! A test that calls [`survives`] is started again by itself, as a child that ends without a word before its n-th step, for
//! every n. In the child `storage` writes its bytes by halves, so that it dies within what was one write, too. As this is
//! compiled into the unit tests alone, no program has a door by which it could be told to die.

use super::super::{AtomicFile, AtomicFolder, Overwrite, PREFIX, Step, write_atomically};
use crate::{Kind, Result};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Tells a child the step that it does not live to do, and the folder to work in.
const STEP: &str = "KINOPHONE_TEST_DIES_BEFORE";
const FOLDER: &str = "KINOPHONE_TEST_FOLDER";
/// Exit codes of a child that died, and of one that had nothing left to do.
const DEAD: i32 = 86;
const DONE: i32 = 87;

static REACHED: Mutex<Vec<Step>> = Mutex::new(Vec::new());

fn last_step() -> Option<usize> {
    std::env::var(STEP).ok()?.parse().ok()
}

/// Notes the step, or dies before it.
pub(in super::super) fn reach(step: Step) {
    if let Some(last) = last_step() {
        let mut reached = REACHED.lock().unwrap();
        if reached.len() == last {
            // No destructor runs, and no buffer is written out.
            std::process::exit(DEAD);
        }
        reached.push(step);
    }
}

/// Half of the bytes, in a child.
pub(in super::super) fn portion(bytes: &[u8]) -> &[u8] {
    let half = last_step().is_some() && bytes.len() > 1;
    if half { &bytes[..bytes.len() / 2] } else { bytes }
}

type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// The entries of a folder by name: files with their bytes, and folders.
fn names(folder: &Path) -> BTreeMap<OsString, Tree> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let named = entries.filter(|entry| !entry.file_name().to_string_lossy().starts_with(PREFIX));
    named.map(|entry| (entry.file_name(), tree(&entry.path()))).collect()
}

fn tree(path: &Path) -> Tree {
    if path.is_file() {
        return Tree::from([(PathBuf::new(), Some(fs::read(path).unwrap()))]);
    }
    let mut found = Tree::from([(PathBuf::new(), None)]);
    for entry in fs::read_dir(path).unwrap().map(|entry| entry.unwrap()) {
        let below = tree(&entry.path());
        found
            .extend(below.into_iter().map(|(rest, bytes)| (Path::new(&entry.file_name()).join(rest), bytes)));
    }
    found
}

/// Lets `job` die before each of its steps, in a folder that `before` has filled, and does it again there. Gives its steps.
/// `test` is the full name of the test that calls.
pub(super) fn survives(test: &str, before: fn(&Path), job: fn(&Path) -> Result<()>) -> Vec<Step> {
    if let Some(folder) = std::env::var_os(FOLDER) {
        job(Path::new(&folder)).unwrap();
        println!("\n{:?}", REACHED.lock().unwrap());
        std::process::exit(DONE);
    }
    let folder = || {
        let folder = tempfile::tempdir().unwrap();
        before(folder.path());
        folder
    };
    let (untouched, done) = (folder(), folder());
    job(done.path()).unwrap();
    let (old, new) = (names(untouched.path()), names(done.path()));
    assert_ne!(old, new);
    for step in 0.. {
        let folder = folder();
        let (code, said) = child(test, step, folder.path());
        let left = names(folder.path());
        if code == Some(DONE) {
            assert!(left == new, "undisturbed, it did something else");
            println!("{step} steps: {said}");
            return steps(&said);
        }
        assert_eq!(code, Some(DEAD), "{said}");
        for name in left.keys().chain(old.keys()).chain(new.keys()) {
            let state = left.get(name);
            assert!(state == old.get(name) || state == new.get(name), "step {step}: {name:?} is neither");
        }
        let again = job(folder.path());
        assert!(again.is_ok() || again.is_err_and(|e| e.kind() == Kind::Exists && left == new));
        assert!(names(folder.path()) == new, "step {step}: done again, it is another");
    }
    unreachable!()
}

fn child(test: &str, step: usize, folder: &Path) -> (Option<i32>, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(STEP, step.to_string())
        .env(FOLDER, folder)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (output.status.code(), said.concat())
}

fn steps(said: &str) -> Vec<Step> {
    let list = said.lines().find_map(|line| line.strip_prefix('[')?.strip_suffix(']')).unwrap();
    let all = [Step::Create, Step::Write, Step::Sync, Step::Rename, Step::Remove];
    list.split(", ").map(|word| *all.iter().find(|step| format!("{step:?}") == word).unwrap()).collect()
}

/// After a power failure, too: what was written is on the disk before it gets its name, and the name before anybody
/// relies on it.
pub(super) fn assert_synced(steps: &[Step]) {
    let (mut written, mut named) = (false, false);
    for step in steps {
        match step {
            Step::Write => written = true,
            Step::Sync => (written, named) = (false, false),
            Step::Rename => {
                assert!(!written, "renamed before it was on the disk: {steps:?}");
                named = true;
            }
            Step::Remove => assert!(!named, "removed before the new one was on the disk: {steps:?}"),
            Step::Create => {}
        }
    }
    assert!(!written && !named, "the end was not flushed: {steps:?}");
}

/// Text of so many bytes that it takes several writes.
fn text(word: &str) -> Vec<u8> {
    word.repeat(100).into_bytes()
}

fn nothing(_: &Path) {}

#[test]
fn a_new_file() {
    let steps = survives("storage::tests::deaths::a_new_file", nothing, |folder| {
        write_atomically(&folder.join("a"), Overwrite::Refuse, &text("new"))
    });
    assert_synced(&steps);
    let mut kinds = steps.clone();
    kinds.dedup();
    assert_eq!(kinds, [Step::Create, Step::Write, Step::Sync, Step::Rename, Step::Sync]);
    assert!(steps.len() > 10, "{steps:?}");
}

#[test]
fn a_file_that_replaces_another() {
    let before = |folder: &Path| fs::write(folder.join("a"), text("old")).unwrap();
    let steps = survives("storage::tests::deaths::a_file_that_replaces_another", before, |folder| {
        write_atomically(&folder.join("a"), Overwrite::Replace, &text("new"))
    });
    assert_synced(&steps);
}

/// Files written by other processes do not pass through `storage`, but their naming does.
#[test]
fn a_file_that_another_process_fills() {
    let before = |folder: &Path| fs::write(folder.join("a"), text("old")).unwrap();
    let steps = survives("storage::tests::deaths::a_file_that_another_process_fills", before, |folder| {
        let file = AtomicFile::create(&folder.join("a"), Overwrite::Replace)?;
        fs::write(file.temporary_path(), text("new")).unwrap();
        file.commit()
    });
    assert_eq!(steps, [Step::Create, Step::Sync, Step::Rename, Step::Sync]);
}

/// A folder as reports are: files of its own, files that `storage` writes, and folders in it.
fn report(folder: &Path, overwrite: Overwrite, word: &str) -> Result<()> {
    let folder = AtomicFolder::create(&folder.join("report"), overwrite, "report.json")?;
    fs::create_dir(folder.path().join("sound")).unwrap();
    fs::write(folder.path().join("sound").join(word), word).unwrap();
    let mut file = AtomicFile::create(&folder.path().join("report.json"), Overwrite::Refuse)?;
    file.write_all(&text(word)).unwrap();
    file.commit()?;
    folder.commit()
}

#[test]
fn a_new_folder() {
    let steps = survives("storage::tests::deaths::a_new_folder", nothing, |folder| {
        report(folder, Overwrite::Refuse, "new")
    });
    assert_synced(&steps);
}

#[test]
fn a_folder_that_replaces_another() {
    let before = |folder: &Path| report(folder, Overwrite::Refuse, "old").unwrap();
    let steps = survives("storage::tests::deaths::a_folder_that_replaces_another", before, |folder| {
        report(folder, Overwrite::Replace, "new")
    });
    assert_synced(&steps);
    assert_eq!(steps[steps.len() - 3..], [Step::Rename, Step::Sync, Step::Remove]);
}
