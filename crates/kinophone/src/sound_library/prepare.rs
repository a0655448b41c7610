//! Recordings into a library.

use crate::Result;
use crate::dataset::{self, PrepareOptions, Prepared};
use crate::media::Ffmpeg;
use crate::sound_library::segmentation::Segmentation;
use crate::task::Task;
use std::path::{Path, PathBuf};

/// Prepares the sound of every recording into the library `folder` (created if missing), as [`dataset::prepare`] does with films.
/// Sound that is there already is not decoded again; where it was segmented in another way, its analysis is replaced.
pub fn prepare(
    ffmpeg: &Ffmpeg,
    recordings: &[PathBuf],
    folder: &Path,
    segmentation: Segmentation,
    options: &PrepareOptions,
    task: Task<'_>,
) -> Result<Vec<Prepared>> {
    let segmentation = segmentation.check()?;
    dataset::prepare_sound(ffmpeg, recordings, folder, options, &segmentation, task)
}
