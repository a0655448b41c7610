//! TODO module docs

use crate::media::SoundCodec;
use crate::soundtrack::original::OriginalSound;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::SampleRate;
use std::path::Path;

/// The ceiling for true peaks, in dBTP, that a listener's player sees.
pub const TRUE_PEAK_CEILING_DB: f64 = -1.0;

/// Rates and channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MixFormat {
    /// What is played at.
    pub(crate) synth_rate: SampleRate,
    pub(crate) synth_channels: u32,
    /// What is written: the rate that is played, or the original's where that is kept and higher.
    pub(crate) rate: SampleRate,
    pub(crate) channels: u32,
}

impl MixFormat {
    /// Of what is played, beside the film's own sound where that is kept.
    pub(crate) fn beside(
        synth_rate: SampleRate,
        synth_channels: u32,
        original: Option<&OriginalSound>,
    ) -> Self {
        let (rate, channels) = original.map_or((synth_rate, synth_channels), |o| {
            (synth_rate.max(o.rate), synth_channels.max(o.channels))
        });
        Self { synth_rate, synth_channels, rate, channels }
    }
}

/// The extension in lower case, and a codec that its container takes.
pub(crate) fn container(output: &Path, codec: Option<SoundCodec>) -> Result<(String, SoundCodec)> {
    let extension = output.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let customary = SoundCodec::default_for(&extension).ok_or_else(|| {
        Error::new(Kind::Invalid, format!("has the extension '.{extension}', which Kinophone does not write"))
            .at(output)
            .help("name the output .mp4, .mov, .mkv, .webm or .avi, or .wav or .flac for the sound alone")
    })?;
    let codec = codec.unwrap_or(customary);
    if !codec.fits(&extension) {
        let codec = format!("{codec:?}").to_lowercase();
        return Err(Error::new(Kind::Invalid, format!("can't hold {codec} sound in a .{extension}"))
            .at(output)
            .help(format!("leave --codec out ({customary:?} is customary there), or name the output .mkv, which takes every codec")));
    }
    Ok((extension, codec))
}

pub(crate) fn extension_is_sound(extension: &str) -> bool {
    matches!(extension, "wav" | "flac")
}

pub(crate) fn no_picture(film: &Path) -> Error {
    Error::new(Kind::NoPicture, "has no picture to play to")
        .at(film)
        .help("give a film with a picture stream; a sound file alone can't be rendered")
}

pub(crate) fn folder_of(output: &Path) -> &Path {
    output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
