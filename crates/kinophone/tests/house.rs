//! The rules of ARCHITECTURE.md that a compiler does not check: imports go one way, one module each talks to ffmpeg, to
//! the learning framework and to the terminal.

use std::fs;
use std::path::{Path, PathBuf};

/// Every Rust source under `crates/`, relative to it, without its comments and without its test modules.
fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|e| e == "rs") && !is_test(&entry) {
                let text = fs::read_to_string(&entry).unwrap();
                let code: String = text
                    .lines()
                    .take_while(|line| !line.starts_with("#[cfg(test)]"))
                    .filter(|line| !line.trim_start().starts_with("//"))
                    .map(|line| format!("{line}\n"))
                    .collect();
                files.push((entry.strip_prefix(&root).unwrap().to_owned(), code));
            }
        }
    }
    assert!(files.len() > 20, "the sources were not found");
    files
}

/// Test modules in files of their own, and synthetic data for them.
fn is_test(path: &Path) -> bool {
    path.components().any(|c| ["tests", "tests.rs", "synthetic.rs"].iter().any(|t| c.as_os_str() == *t))
}

fn assert_only_in(needles: &[&str], allowed: &[&str], why: &str) {
    for (path, code) in sources() {
        let in_tests =
            path.components().any(|c| ["tests", "benches", "examples"].iter().any(|t| c.as_os_str() == *t));
        if in_tests || allowed.iter().any(|a| path.starts_with(a)) {
            continue;
        }
        for (number, line) in code.lines().enumerate() {
            assert!(
                !needles.iter().any(|n| line.contains(n)),
                "{}:{}: {why}: {line}",
                path.display(),
                number + 1
            );
        }
    }
}

#[test]
fn only_media_starts_programs() {
    assert_only_in(
        &["process::Command", "Command::new("],
        &["kinophone/src/media", "cli/src/doctor.rs", "cli/src/doctor"],
        "only media runs ffmpeg (doctor looks for other programs)",
    );
}

#[test]
fn only_brain_names_the_learning_framework() {
    assert_only_in(
        &["burn::", "faer::", "use burn", "use faer"],
        &["kinophone/src/brain"],
        "only brain names the framework",
    );
}

#[test]
fn only_the_program_prints() {
    assert_only_in(
        &["println!", "eprintln!", "print!(", "eprint!(", "dbg!("],
        &["cli"],
        "only the program prints",
    );
}

#[test]
fn signal_processing_knows_nothing_above_it() {
    for (path, code) in sources() {
        if path.starts_with("dsp/src") {
            for forbidden in ["kinophone::", "std::fs", "std::net", "std::thread", "std::time", "unsafe "] {
                assert!(!code.contains(forbidden), "{} uses {forbidden}", path.display());
            }
        }
    }
}

#[test]
fn modules_of_the_library_import_one_way() {
    // module, modules that it must not name
    let rules: [(&str, &[&str]); 11] = [
        ("sounds", &["brain", "render", "score", "look", "texture", "plot", "etude", "judge"]),
        ("media", &["corpus", "brain", "render", "score", "plot", "etude", "judge"]),
        ("corpus", &["render", "score", "plot", "etude", "judge"]),
        ("score", &["media", "brain", "render", "plot", "etude", "judge"]),
        ("brain", &["media", "render", "score", "plot", "etude", "judge"]),
        ("plot", &["media", "corpus", "brain", "render", "etude", "judge"]),
        ("render", &["plot", "etude", "judge"]),
        ("look", &["corpus", "brain", "render", "plot", "etude", "judge"]),
        ("texture", &["brain", "plot", "etude", "judge"]),
        ("etude", &["judge"]),
        ("judge", &["etude"]),
    ];
    for (path, code) in sources() {
        for (module, forbidden) in rules {
            if path.starts_with(format!("kinophone/src/{module}")) {
                for other in forbidden {
                    let edge = format!("crate::{other}");
                    assert!(!code.contains(&edge), "{} names {edge}", path.display());
                }
            }
        }
    }
}

#[test]
fn the_public_promise_is_kept_everywhere() {
    for (path, code) in sources() {
        let in_tests =
            path.components().any(|c| ["tests", "benches", "examples"].iter().any(|t| c.as_os_str() == *t));
        for leftover in ["todo!(", "unimplemented!("] {
            assert!(in_tests || !code.contains(leftover), "{} still has {leftover}", path.display());
        }
    }
}
