//! The promises of `storage`, and deaths at each of its steps.

pub(super) mod deaths;
mod writers;

use super::*;

#[test]
fn a_dropped_file_leaves_nothing_and_the_old_one_stands() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("a");
    std::fs::write(&target, "old").unwrap();
    let mut file = AtomicFile::create(&target, Overwrite::Replace).unwrap();
    file.write_all(b"half").unwrap();
    drop(file);
    assert_eq!(std::fs::read(&target).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn refuse_refuses_even_a_file_that_appeared_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("a");
    let file = AtomicFile::create(&target, Overwrite::Refuse).unwrap();
    std::fs::write(&target, "other").unwrap();
    assert_eq!(file.commit().unwrap_err().kind(), Kind::Exists);
    assert_eq!(std::fs::read(&target).unwrap(), b"other");
}

#[test]
fn a_folder_appears_whole_and_replaces_only_its_own_kind() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("report");
    let make = |overwrite, text: &str| -> Result<()> {
        let folder = AtomicFolder::create(&target, overwrite, "report.json")?;
        std::fs::create_dir(folder.path().join("sound")).unwrap();
        std::fs::write(folder.path().join("report.json"), text).unwrap();
        assert!(!target.join("sound").join(text).exists());
        folder.commit()
    };
    let said = || std::fs::read_to_string(target.join("report.json")).unwrap();
    make(Overwrite::Refuse, "one").unwrap();
    assert_eq!(make(Overwrite::Refuse, "two").unwrap_err().kind(), Kind::Exists);
    assert_eq!(said(), "one");
    std::fs::write(target.join("sound/old"), "x").unwrap();
    make(Overwrite::Replace, "two").unwrap();
    assert!(said() == "two" && !target.join("sound/old").exists());
    drop(AtomicFolder::create(&target, Overwrite::Replace, "report.json").unwrap());
    assert_eq!(said(), "two");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "something was left beside it");

    std::fs::remove_file(target.join("report.json")).unwrap();
    let refused = make(Overwrite::Replace, "three").unwrap_err();
    assert!(refused.kind() == Kind::Exists && target.join("sound").is_dir(), "{refused}");
    std::fs::remove_dir(target.join("sound")).unwrap();
    make(Overwrite::Replace, "four").unwrap();
    assert_eq!(said(), "four");
}

#[test]
fn output_and_input_are_compared_by_file_not_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let film = dir.path().join("film");
    std::fs::write(&film, "x").unwrap();
    let other = dir.path().join(".").join("film");
    assert_eq!(check_distinct(&other, &[&film]).unwrap_err().kind(), Kind::Unwritable);
    assert!(check_distinct(&dir.path().join("new"), &[&film]).is_ok());
}

#[test]
fn a_folder_that_appeared_meanwhile_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("report");
    for overwrite in [Overwrite::Refuse, Overwrite::Replace] {
        let folder = AtomicFolder::create(&target, overwrite, "report.json").unwrap();
        std::fs::create_dir(&target).unwrap();
        std::fs::write(target.join("diary"), "dear").unwrap();
        assert_eq!(folder.commit().unwrap_err().kind(), Kind::Exists);
        assert_eq!(std::fs::read(target.join("diary")).unwrap(), b"dear");
        std::fs::remove_dir_all(&target).unwrap();
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

/// Makes it look two hours old.
#[cfg(unix)]
fn age(path: &Path) {
    let then = SystemTime::now() - Duration::from_secs(7200);
    File::open(path).unwrap().set_modified(then).unwrap();
}

#[cfg(unix)]
#[test]
fn what_the_dead_left_is_swept_away_and_what_is_in_use_is_not() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    let file = AtomicFile::create(&at("file"), Overwrite::Refuse).unwrap();
    let folder = AtomicFolder::create(&at("folder"), Overwrite::Refuse, "mark").unwrap();
    let held = [file.temporary_path().to_owned(), folder.path().to_owned()];
    let [young, old, full, aside] =
        ["young", "old", "full", "aside"].map(|name| at(&format!("{PREFIX}{name}{SUFFIX}")));
    for folder in [&full, &aside.join(OLD)] {
        std::fs::create_dir_all(folder).unwrap();
    }
    for file in [&young, &old, &full.join("report.json")] {
        std::fs::write(file, "half").unwrap();
    }
    [&held[0], &held[1], &old, &full, &aside].into_iter().for_each(|path| age(path));
    write_atomically(&at("another"), Overwrite::Refuse, b"x").unwrap();
    assert!(!old.exists() && !full.exists());
    assert!([&held[0], &held[1], &young, &aside].iter().all(|path| path.exists()));
    file.commit().unwrap();
    folder.commit().unwrap();
}
