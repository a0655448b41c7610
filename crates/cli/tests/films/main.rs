//! The program on real films, which are not in the repository.

mod classic;
mod edge;
mod ensemble;
mod eval;
mod texture;

#[path = "../../../kinophone/tests/support/footage.rs"]
mod footage;
#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

fn main() -> ExitCode {
    let all = [classic::trials(), edge::trials(), ensemble::trials(), eval::trials(), texture::trials()];
    footage::run(all.into_iter().flatten().collect())
}
