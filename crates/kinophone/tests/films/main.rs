//! The library on real films, which are not in the repository.

mod media;
mod prepare;
mod sound;
mod tool;

#[path = "../support/footage.rs"]
mod footage;

use std::process::ExitCode;

fn main() -> ExitCode {
    footage::run([media::trials(), prepare::trials(), sound::trials()].into_iter().flatten().collect())
}
