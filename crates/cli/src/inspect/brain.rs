//! The facts of a brain: architecture, training, sources, verdict.

mod classic;
mod ensemble;

use crate::context;
use crate::inspect::facts::Facts;
use kinophone::Result;
use kinophone::brain::Brain;
use std::path::Path;

pub(super) fn inspect(path: &Path, pictures: Option<&Path>) -> Result<Facts> {
    let bytes = context::metadata(path)?.len();
    match Brain::load(path)? {
        Brain::Classic(brain) => classic::inspect((path, bytes), &brain, pictures),
        Brain::Ensemble(brain) => ensemble::inspect((path, bytes), &brain, pictures),
    }
}
