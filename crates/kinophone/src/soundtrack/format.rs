//! Rates, channels, containers and codecs.

use crate::media::SoundCodec;
use crate::soundtrack::original::OriginalSound;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::SampleRate;
use std::path::Path;

/// The ceiling for true peaks in the file as it is played, in dBTP.
pub const TRUE_PEAK_CEILING_DB: f64 = -1.0;

/// Rates and channels on the way from the synth to the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MixFormat {
    /// Rate and channels of the synth.
    pub(crate) synth_rate: SampleRate,
    pub(crate) synth_channels: u32,
    /// Rate and channels of the file: those of the synth, or the original's where that is kept and has more.
    pub(crate) rate: SampleRate,
    pub(crate) channels: u32,
}

impl MixFormat {
    /// The format of a synth, beside the film's own sound where that is kept.
    pub(crate) fn beside(
        synth_rate: SampleRate,
        synth_channels: u32,
        original: Option<&OriginalSound>,
    ) -> Self {
        let (rate, channels) = original.map_or((synth_rate, synth_channels), |o| {
            (synth_rate.max(o.request.rate), synth_channels.max(o.request.channels))
        });
        Self { synth_rate, synth_channels, rate, channels }
    }
}

/// The extension in lower case, and a codec that its container takes.
pub(crate) fn container(output: &Path, codec: Option<SoundCodec>) -> Result<(String, SoundCodec)> {
    let extension = output.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let customary = SoundCodec::default_for(&extension).ok_or_else(|| {
        let what = match &*extension {
            "" => "has no extension, which would say what is written".to_owned(),
            other => format!("has the extension '.{other}', which Kinophone does not write"),
        };
        Error::new(Kind::Invalid, what)
            .at(output)
            .help("name the output .mp4, .mov, .mkv, .webm or .avi, or .wav or .flac for the sound alone")
    })?;
    let codec = codec.unwrap_or(customary);
    if !codec.fits(&extension) {
        let [codec, customary] = [codec, customary].map(|codec| format!("{codec:?}").to_lowercase());
        return Err(Error::new(Kind::Invalid, format!("can't hold {codec} sound in a .{extension}"))
            .at(output)
            .help(format!("leave --codec out ({customary} is customary there), or name the output .mkv, which takes every codec")));
    }
    Ok((extension, codec))
}

/// True if files of this extension hold sound alone.
pub(crate) fn extension_is_sound(extension: &str) -> bool {
    matches!(extension, "wav" | "flac")
}

/// The error of a film without a picture.
pub(crate) fn no_picture(film: &Path) -> Error {
    Error::new(Kind::NoPicture, "has no picture to be rendered")
        .at(film)
        .help("give a film with a picture stream; a sound file alone can't be rendered")
}
