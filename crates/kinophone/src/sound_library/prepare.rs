//! Recordings into a library.

use crate::Result;
use crate::dataset::{self, PrepareOptions, Prepared};
use crate::media::Ffmpeg;
use crate::sound_library::segmentation::Segmentation;
use crate::task::Task;
use std::path::{Path, PathBuf};

/// Prepares the sound of every recording into the library `folder` (created if missing), as [`dataset::prepare`] does with films.
/// Several are taken in at a time, and one that can't be keeps nothing else from it: the outcomes come in the order of the recordings.
/// Sound that is there already is not decoded again; where it was segmented in another way, its analysis is replaced.
pub fn prepare(
    ffmpeg: &Ffmpeg,
    recordings: &[PathBuf],
    folder: &Path,
    segmentation: Segmentation,
    options: &PrepareOptions,
    task: Task<'_>,
) -> Result<Vec<Result<Prepared>>> {
    let segmentation = segmentation.check()?;
    dataset::prepare_sound(ffmpeg, recordings, folder, options, &segmentation, task)
}
