//! Textures: a film's pictures play recorded sound, without a brain and without learning.
//!
//! Measures of the pictures ([`crate::visual`]) drive the sound by a [`Mapping`]: loudness, density, tone, register, place, onsets,
//! and the change of material at cuts. The film is looked through once; then its sound is made from beginning to end, out of
//! grains that are chosen by their descriptors (D. Schwarz, G. Beller, B. Verbrugghe and S. Britton, "Real-time corpus-based
//! concatenative synthesis with CataRT", DAFx 2006) and hits whose attacks lie on the sample of their picture.
//!
//! Some dozen numbers are kept for every picture of the film and every fiftieth of a second, and only the sound that plays.

mod compose;
mod curves;
mod loudness_curve;
mod mapping;
mod material;
mod player;
mod sections;
mod shots;
#[cfg(test)]
mod tests;
mod timeline;

pub use curves::{CURVE_RATE, measures};
pub use mapping::{
    ChoiceMapping, CutMapping, DensityMapping, GrainMapping, LoudnessMapping, Mapping, MeasureName,
    OnsetMapping, PRESETS, PanMapping, RegisterMapping,
};

use crate::media::Ffmpeg;
use crate::score::CreditedSource;
use crate::sound_library::SoundLibrary;
use crate::soundtrack::{
    FinishedSound, OutputOptions, OutputRequest, ReservedOutput, Soundtrack, SoundtrackMeta,
};
use crate::task::Task;
use crate::texture::material::{SourcesAsPlayed, TextureMaterial, TextureSounds};
use crate::texture::player::TexturePlayer;
use crate::visual;
use crate::{Error, Kind, Result};
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

/// Measures and loudness of a texture, [`CURVE_RATE`] values a second.
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

/// Gives `plan.film` a soundtrack of `library`. The output appears whole or not at all. Errors besides those of the film, the
/// output and the library: `Kind::Empty` where nothing in the library sounds.
pub fn texture(
    ffmpeg: &Ffmpeg,
    plan: &TexturePlan,
    library: &SoundLibrary,
    task: Task<'_>,
) -> Result<Textured> {
    let sources: Vec<CreditedSource> = library.sources().iter().map(CreditedSource::from).collect();
    let sounds: &dyn TextureSounds = library;
    let request = OutputRequest { film: &plan.film, inputs: &[], options: &plan.output };
    let reserved = ReservedOutput::begin(ffmpeg, request, true)?;
    reserved.picture()?;
    if TextureMaterial::new(sounds, 1).groups.is_empty() {
        return Err(Error::new(Kind::Empty, "holds nothing but silence")
            .at(&plan.library)
            .help("fill it first: kinophone sounds FILE|FOLDER... -o LIBRARY"));
    }
    let frames = visual::watch(ffmpeg, &plan.film, task)?;
    let channels = if plan.mapping.pan.is_some() { 2 } else { sounds.channels().clamp(1, 2) };
    let names: Vec<String> = sources.iter().map(|source| source.name.clone()).collect();
    let mut output = reserved.open(SoundtrackMeta {
        rate: sounds.rate(),
        channels,
        source_channels: sounds.channels(),
        target: plan.loudness,
        made: made(plan, &names),
        sources: Some(sources),
        brain: None,
        filtered: false,
    })?;
    output.lay_under(frames.begin())?;
    let player = TexturePlayer { plan, sounds, frames: &frames, channels, task };
    let played = output.play(|output| player.play(&mut |sound| output.mix.add(sound)))?;
    let finished = FinishedSound {
        seconds: (frames.end - frames.begin()).as_secs_f64(),
        played: Some(played.clips),
        sound: Some(&SourcesAsPlayed { sounds, channels: channels as usize }),
        complaints: frames.complaints.clone(),
    };
    Ok(Textured {
        soundtrack: output.finish(finished, task)?,
        pictures: frames.pictures.len(),
        grains: played.grains,
        hits: played.hits,
        follows: played.follows,
        shots: played.shots,
        sources: names,
        drawn: played.drawn,
    })
}

/// The way a texture was made, for the file's own tags.
fn made(plan: &TexturePlan, sources: &[String]) -> String {
    let mapping = &plan.mapping_name;
    format!("after the picture, with the mapping {mapping}, from these sounds: {}", sources.join(", "))
}
