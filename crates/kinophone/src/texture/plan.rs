//! Plans and results of textures.

use crate::soundtrack::{OutputOptions, Soundtrack};
use crate::texture::mapping::Mapping;
use serde::Serialize;
use std::path::PathBuf;

/// A texture to be made.
#[derive(Clone, Debug)]
pub struct TexturePlan {
    /// The film to give a soundtrack.
    pub film: PathBuf,
    /// The library's folder, to be named in errors.
    pub library: PathBuf,
    /// The output.
    pub output: OutputOptions,
    /// The mapping from pictures to sound.
    pub mapping: Mapping,
    /// The file that it was read from, where it was.
    pub mapping_file: Option<PathBuf>,
    /// Its name, for the file's tags.
    pub mapping_name: String,
    /// True if shots that look alike get a part of the material for themselves; otherwise all play with all of it.
    pub sections: bool,
    /// Seed of random numbers.
    pub seed: u64,
    /// Integrated loudness in LUFS (EBU R 128); `None`: that of the mapping.
    pub loudness: Option<f64>,
}

/// A texture that was made.
#[derive(Clone, Debug, Serialize)]
pub struct Textured {
    /// The soundtrack.
    #[serde(flatten)]
    pub soundtrack: Soundtrack,
    /// Pictures of the film.
    pub pictures: usize,
    /// Grains that were played.
    pub grains: u64,
    /// Onsets that sound.
    pub hits: u64,
    /// Correlation of the soundtrack's loudness (dB, thirty times a second, at least −70) with the measure that drives it,
    /// smoothed as mapped but not bent.
    pub follows: f64,
    /// The film's shots, in order.
    pub shots: Vec<ShotPlayed>,
    /// File names of the library's sources, by their numbers.
    pub sources: Vec<String>,
    /// Curves to be drawn.
    #[serde(skip)]
    pub drawn: DrawnMeasures,
}

/// A shot and the sources that it plays with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShotPlayed {
    /// Its beginning in the soundtrack, in seconds.
    pub at: f64,
    /// Number of its section, from the darkest on.
    pub section: usize,
    /// Numbers of its sources.
    pub sources: Vec<u32>,
}

/// Measures and loudness of a texture, [`CURVE_RATE`](crate::texture::CURVE_RATE) values a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DrawnMeasures {
    /// Every measure by name, brought to 0 to 1.
    pub measures: Vec<(&'static str, Vec<f32>)>,
    /// The loudness that the mapping asks for, in dB.
    pub wanted_db: Vec<f32>,
    /// The soundtrack's loudness before gain and limiter, in dB.
    pub heard_db: Vec<f32>,
    /// Onsets that sound: seconds, and how strong they are.
    pub onsets: Vec<(f64, f32)>,
}
