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
mod plan;
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
pub use plan::{DrawnMeasures, ShotPlayed, TexturePlan, Textured};

use crate::media::Ffmpeg;
use crate::score::CreditedSource;
use crate::sound_library::SoundLibrary;
use crate::soundtrack::{FinishedSound, OutputRequest, ReservedOutput, SoundtrackMeta};
use crate::task::Task;
use crate::texture::material::{SourcesAsPlayed, TextureMaterial, TextureSounds};
use crate::texture::player::TexturePlayer;
use crate::visual;
use crate::{Error, Kind, Result};
use std::path::{Path, PathBuf};

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
    let inputs: Vec<&Path> = plan.mapping_file.iter().chain([&plan.library]).map(PathBuf::as_path).collect();
    let request = OutputRequest { film: &plan.film, inputs: &inputs, options: &plan.output };
    let reserved = ReservedOutput::begin(ffmpeg, request, true)?;
    reserved.picture()?;
    if TextureMaterial::new(sounds, 1).groups.is_empty() {
        return Err(Error::new(Kind::Empty, "holds nothing but silence")
            .at(&plan.library)
            .help("name a library in which something sounds"));
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
