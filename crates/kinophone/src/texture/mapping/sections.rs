//! The sections of a mapping.

use crate::texture::mapping::events;
use crate::texture::mapping::ranges::{
    apart, count, exponent, fade, grains, half, left, level, loud, millis, one, ring, seconds, semitones,
    share, side, smooth, smoothing, soft,
};
use crate::texture::mapping::{MappingLine, MeasureName};
use crate::visual::VisualEvent;
use serde::{Deserialize, Serialize};

/// Sections that a measure drives from one value to another; the fields that they have in common come first.
macro_rules! driven {
    ($($(#[doc = $doc:literal])* $section:ident($low:ident..$high:ident) {
        $($(#[$attribute:meta])* pub $field:ident: f32,)*
    })*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $section {
            /// The measure that drives it.
            pub from: MeasureName,
            /// True if the measure is inverted.
            #[serde(default)]
            pub inverse: bool,
            /// Exponent of the measure: below 1 small values count for more.
            #[serde(default = "one", deserialize_with = "exponent")]
            pub curve: f32,
            /// Milliseconds over which the measure is averaged.
            #[serde(default = "smooth", deserialize_with = "smoothing")]
            pub smooth_ms: f32,
            $($(#[$attribute])* pub $field: f32,)*
        }

        impl $section {
            pub(crate) fn line(&self) -> MappingLine {
                let &Self { from, inverse, curve, smooth_ms, .. } = self;
                MappingLine { from, inverse, curve, smooth_ms }
            }

            /// The value for a measure between 0 and 1.
            pub(crate) fn at(&self, x: f32) -> f32 {
                self.$low + (self.$high - self.$low) * x
            }
        }
    )*};
}

driven! {
    /// The section `[loudness]`.
    LoudnessMapping(low_db..high_db) {
        /// Loudness at 0, in dB below full scale (10 log10 of the mean square).
        #[serde(deserialize_with = "level")]
        pub low_db: f32,
        /// Loudness at 1.
        #[serde(deserialize_with = "level")]
        pub high_db: f32,
        /// Share of the sound's own swelling that is evened out, 0 to 1.
        #[serde(default = "half", deserialize_with = "share")]
        pub even: f32,
    }

    /// The section `[density]`.
    DensityMapping(low..high) {
        /// Grains a second at 0.
        #[serde(deserialize_with = "grains")]
        pub low: f32,
        /// Grains a second at 1.
        #[serde(deserialize_with = "grains")]
        pub high: f32,
    }

    /// The sections `[brightness]` and `[noise]`: a part of the material, 0 its darkest (or purest), 1 its brightest (or
    /// noisiest).
    ChoiceMapping(low..high) {
        /// Place among the material at 0.
        #[serde(default, deserialize_with = "share")]
        pub low: f32,
        /// Place among the material at 1.
        #[serde(default = "one", deserialize_with = "share")]
        pub high: f32,
    }

    /// The section `[register]`.
    RegisterMapping(low..high) {
        /// Place among the pitches of the material at 0: 0 is the lowest.
        #[serde(default, deserialize_with = "share")]
        pub low: f32,
        /// Place among the pitches of the material at 1.
        #[serde(default = "one", deserialize_with = "share")]
        pub high: f32,
        /// By how many semitones sound is read slower at 0, and faster at 1.
        #[serde(default, deserialize_with = "semitones")]
        pub transpose: f32,
    }

    /// The section `[pan]`.
    PanMapping(low..high) {
        /// Place at 0: −1 is left.
        #[serde(default = "left", deserialize_with = "side")]
        pub low: f32,
        /// Place at 1: 1 is right.
        #[serde(default = "one", deserialize_with = "side")]
        pub high: f32,
    }
}

/// The section `[onsets]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnsetMapping {
    /// The kinds of events.
    #[serde(deserialize_with = "events::read", serialize_with = "events::write")]
    pub from: Vec<VisualEvent>,
    /// 0 finds great events only, 1 every stir.
    #[serde(default = "half", deserialize_with = "share")]
    pub sensitivity: f32,
    /// Milliseconds from one event to the next at least; the stronger one stays.
    #[serde(default = "apart", deserialize_with = "millis")]
    pub least_ms: f32,
    /// Loudness of the weakest, in dB below full scale over its first tenth of a second.
    #[serde(default = "soft", deserialize_with = "level")]
    pub low_db: f32,
    /// Loudness of the strongest.
    #[serde(default = "loud", deserialize_with = "level")]
    pub high_db: f32,
    /// Longest sound of one in milliseconds; it ends sooner where the next attack comes in its recording.
    #[serde(default = "ring", deserialize_with = "millis")]
    pub size_ms: f32,
}

impl OnsetMapping {
    /// Loudness of an event of this strength, 0 to 1, in dB.
    pub(crate) fn level_db(&self, strength: f32) -> f32 {
        self.low_db + (self.high_db - self.low_db) * strength
    }
}

/// The section `[grain]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrainMapping {
    /// Length in milliseconds, fades included.
    #[serde(deserialize_with = "millis")]
    pub size_ms: f32,
    /// Fade in.
    #[serde(deserialize_with = "millis")]
    pub attack_ms: f32,
    /// Fade out.
    #[serde(deserialize_with = "millis")]
    pub release_ms: f32,
    /// Tendency of a grain to go on instead of another one beginning: 0 never, 1 as long as it fits at all.
    #[serde(deserialize_with = "share")]
    pub follow: f32,
    /// Seconds for which a place of a recording is not played again, where there is choice.
    #[serde(deserialize_with = "seconds")]
    pub repeat_s: f32,
    /// Share of chance in the choice, 0 to 1.
    #[serde(deserialize_with = "share")]
    pub chance: f32,
}

impl Default for GrainMapping {
    fn default() -> Self {
        Self { size_ms: 300.0, attack_ms: 40.0, release_ms: 80.0, follow: 0.5, repeat_s: 4.0, chance: 0.2 }
    }
}

/// The section `[cuts]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CutMapping {
    /// True if everything that sounds ends with a shot, and the next one plays with other sources.
    pub change: bool,
    /// Sources of a shot at most; 0: all of its section's.
    #[serde(deserialize_with = "count")]
    pub sources: u32,
    /// Milliseconds of the fades at a cut.
    #[serde(deserialize_with = "fade")]
    pub fade_ms: f32,
}

impl Default for CutMapping {
    fn default() -> Self {
        Self { change: true, sources: 2, fade_ms: 12.0 }
    }
}
