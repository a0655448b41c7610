//! Tests that need films which are too large for the repository. Where a film is missing, its test is *ignored*, and the
//! reason is said; in continuous integration it fails.

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The folder with `films`, `edge` and `grains`: `KINOPHONE_FILMS`, else `../shared/data` beside the checkout, else what
/// `scripts/fetch-films` has fetched.
pub fn footage() -> PathBuf {
    if let Some(named) = env::var_os("KINOPHONE_FILMS") {
        return PathBuf::from(named);
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if beside.is_dir() { beside } else { cache().join("kinophone/test-films") }
}

fn cache() -> PathBuf {
    let folder = |name: &str| env::var_os(name).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let home = || folder("HOME").unwrap_or_default().join(".cache");
    folder("XDG_CACHE_HOME").unwrap_or_else(home)
}

/// A file by its path in that folder: "films/crystal.mp4".
pub fn find(name: &str) -> PathBuf {
    footage().join(name)
}

/// A test that needs these files.
pub fn needs(films: &[&str], name: impl Into<String>, test: impl FnOnce() + Send + 'static) -> Trial {
    let missing = films.iter().find(|name| !find(name).exists()).map(|name| (*name).to_owned());
    Trial::ignorable_test(name, move || match missing {
        None => {
            test();
            Ok(Completion::Completed)
        }
        Some(name) => {
            let reason = format!("there is no {name} in {}; see scripts/fetch-films", footage().display());
            if env::var_os("CI").is_some() {
                Err(Failed::from(reason))
            } else {
                Ok(Completion::ignored_with(reason))
            }
        }
    })
}

/// Runs tests, with the arguments that `cargo test` hands on.
pub fn run(trials: Vec<Trial>) -> ExitCode {
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
