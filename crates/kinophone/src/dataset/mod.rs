//! Aligned pictures and sound: shards (one file a film), the folder of them, and the ticks that a brain learns from.
//!
//! A corpus is a folder of shards and nothing else: adding a film is writing one file, merging corpora is copying, and
//! there is no index to corrupt. A shard is named by the BLAKE3 of its film:
//!
//! | name | holds |
//! |---|---|
//! | `HASH.safetensors` | 64 × 64 grey pictures and the default sound track |
//! | `HASH-128.safetensors` | 128 × 128 grey |
//! | `HASH-64c.safetensors` | 64 × 64 in colour |
//! | `HASH-128c-track1.safetensors` | 128 × 128 in colour, with sound track 1 |
//! | `HASH-128-track0+1.safetensors` | 128 × 128 grey, with sound tracks 0 and 1 together |
//! | `HASH-sound.safetensors` | the default sound track alone: for a library of sounds |

mod audio_features;
mod picture_reducer;
mod prepare;
mod resampled_sound;
mod shard;
mod splits;
#[cfg(test)]
mod synthetic;
mod tick_dataset;

pub use audio_features::AudioFeatures;
pub(crate) use audio_features::{FLOOR_DB, MIN_BAND_POWER, SILENT_DB};
pub(crate) use picture_reducer::PictureReducer;
pub use prepare::{PrepareOptions, Prepared, find, find_hash, prepare};
pub(crate) use prepare::{SoundDescriber, prepare_sound};
pub use shard::Shard;
pub(crate) use shard::TensorData;
pub use shard::sound::ShardSound;
pub(crate) use shard::sound::{MAX_EXPONENT, step};
pub use shard::write::{ShardWriter, SoundTrack};
pub use splits::{HeldOutFilm, HoldOut, TickSpan};
#[cfg(test)]
pub(crate) use synthetic::SyntheticFilm;
pub use tick_dataset::{DatasetOptions, FilmTicks, TickDataset};

use crate::ledger::Source;
use crate::task::Cancel;
use crate::{Error, Kind, Result};
use std::path::{Path, PathBuf};

/// A folder of shards.
#[derive(Debug)]
pub struct Corpus {
    /// In the order of their file names (which are hashes), so that every machine reads the same order.
    pub shards: Vec<Shard>,
}

impl Corpus {
    /// Opens every `*.safetensors` in `folder`, and reads each once to compare its checksum. A damaged shard is an error
    /// that names it, unless `skip_damaged`: then it goes into the returned list instead. A folder without any shard, or
    /// with damaged ones only, is an error of `Kind::Empty`. Reading takes a while in a large corpus: `cancel` ends it.
    pub fn open(folder: &Path, skip_damaged: bool, cancel: &Cancel) -> Result<(Self, Vec<PathBuf>)> {
        let (mut shards, mut damaged) = (Vec::new(), Vec::new());
        for path in shard_paths(folder)? {
            cancel.check()?;
            match open_verified(&path) {
                Ok(shard) => shards.push(shard),
                Err(e) if e.kind() == Kind::Damaged && skip_damaged => damaged.push(path),
                Err(e) => return Err(e),
            }
        }
        if shards.is_empty() {
            let what = if damaged.is_empty() { "holds no shard" } else { "holds damaged shards only" };
            return Err(Error::new(Kind::Empty, what)
                .at(folder)
                .help("fill it from films first: kinophone prepare FILM... -o FOLDER"));
        }
        Ok((Self { shards }, damaged))
    }

    /// The sources of all shards, in the same order.
    pub fn sources(&self) -> Vec<Source> {
        self.shards.iter().map(|shard| shard.source().clone()).collect()
    }
}

/// True if the shard is of one of those films.
pub(crate) fn is_held_out(shard: &Shard, films: &[HeldOutFilm]) -> bool {
    films.iter().any(|film| film.blake3 == shard.source().blake3)
}

/// Opens a shard and compares its checksum.
fn open_verified(path: &Path) -> Result<Shard> {
    let shard = Shard::open(path)?;
    shard.verify()?;
    Ok(shard)
}

/// True if the folder itself has a shard in it.
pub fn holds_shards(folder: &Path) -> Result<bool> {
    Ok(!shard_paths(folder)?.is_empty())
}

fn shard_paths(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = |e| Error::io("read", folder, e);
    if !std::fs::metadata(folder).map_err(read)?.is_dir() {
        return Err(Error::new(Kind::WrongKind, "is a file, not a corpus")
            .at(folder)
            .help("name the folder that 'kinophone prepare' has filled"));
    }
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        // Hidden files are other programs' business: macOS leaves `._NAME` beside NAME on foreign disks.
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|e| e == "safetensors") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
