//! The facts of a brain: architecture, training, sources, verdict.

mod classic;
mod ensemble;

use crate::context;
use crate::inspect::facts::Facts;
use kinophone::Result;
use kinophone::brain::Brain;
use std::path::Path;

/// A brain's file: its path and its size in bytes.
struct BrainFile<'a> {
    path: &'a Path,
    bytes: u64,
}

pub(super) fn inspect(path: &Path, pictures: Option<&Path>) -> Result<Facts> {
    let file = BrainFile { path, bytes: context::metadata(path)?.len() };
    match Brain::load(path)? {
        Brain::Classic(brain) => classic::inspect(&file, &brain, pictures),
        Brain::Ensemble(brain) => ensemble::inspect(&file, &brain, pictures),
    }
}
