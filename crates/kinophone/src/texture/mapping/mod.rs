//! Mappings from measures of the pictures to properties of the sound: a few lines of TOML, written by people.

mod events;
mod ranges;
mod sections;
#[cfg(test)]
mod tests;

pub use sections::{
    ChoiceMapping, CutMapping, DensityMapping, GrainMapping, LoudnessMapping, OnsetMapping, PanMapping,
    RegisterMapping,
};

use crate::{Error, Kind, Result};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The mappings that Kinophone brings along: names and texts.
pub const PRESETS: [(&str, &str); 4] = [
    ("strings", include_str!("../presets/strings.toml")),
    ("percussion", include_str!("../presets/percussion.toml")),
    ("drone", include_str!("../presets/drone.toml")),
    ("inverse", include_str!("../presets/inverse.toml")),
];

/// A mapping, with every value in its range.
///
/// A line takes a measure, smooths it (`smooth_ms`), brings the film's values (from their 5th to their 95th percentile) to 0 to
/// 1, inverts them (`inverse`), bends them (`curve`, an exponent) and spreads them from `low` to `high`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Purpose of the mapping.
    #[serde(default)]
    pub about: String,
    /// Loudness of the sound.
    pub loudness: LoudnessMapping,
    /// Grains that begin in a second. Without it there is sound at onsets only.
    pub density: Option<DensityMapping>,
    /// Brightness of the material.
    pub brightness: Option<ChoiceMapping>,
    /// Noisiness of the material.
    pub noise: Option<ChoiceMapping>,
    /// Pitch of the material.
    pub register: Option<RegisterMapping>,
    /// Place between left and right.
    pub pan: Option<PanMapping>,
    /// Events that sound.
    pub onsets: Option<OnsetMapping>,
    /// Shape of grains.
    #[serde(default)]
    pub grain: GrainMapping,
    /// Changes at cuts.
    #[serde(default)]
    pub cuts: CutMapping,
}

/// A measure of the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeasureName {
    /// Mean grey level.
    Brightness,
    /// Spread of the grey levels.
    Contrast,
    /// Change from picture to picture.
    Motion,
    /// Place of that change, from the left.
    MotionX,
    /// Place of that change, from the bottom.
    MotionY,
    /// Amount of outline and texture.
    Edges,
    /// Red against blue.
    Warmth,
}

impl MeasureName {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Brightness,
        Self::Contrast,
        Self::Motion,
        Self::MotionX,
        Self::MotionY,
        Self::Edges,
        Self::Warmth,
    ];

    /// The name in mappings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brightness => "brightness",
            Self::Contrast => "contrast",
            Self::Motion => "motion",
            Self::MotionX => "motion-x",
            Self::MotionY => "motion-y",
            Self::Edges => "edges",
            Self::Warmth => "warmth",
        }
    }
}

/// The way from a measure to a number between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MappingLine {
    pub(crate) from: MeasureName,
    pub(crate) inverse: bool,
    pub(crate) curve: f32,
    pub(crate) smooth_ms: f32,
}

impl Mapping {
    /// The mapping that Kinophone brings along under `name`.
    pub fn preset(name: &str) -> Result<Self> {
        let text = PRESETS.iter().find(|(preset, _)| *preset == name).map(|(_, text)| text);
        let text = text.ok_or_else(|| {
            let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
            Error::new(Kind::NotFound, format!("there is no preset '{name}'"))
                .help(format!("choose one of {}, or name a file", names.join(", ")))
        })?;
        Self::parse(text, Path::new(name))
    }

    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        let text = String::from_utf8(text).map_err(|e| {
            Error::new(Kind::WrongKind, "is no text in UTF-8")
                .at(path)
                .because(e)
                .help("name a mapping: kinophone texture --print-mapping strings shows one")
        })?;
        Self::parse(&text, path)
    }

    /// Reads a mapping; errors name line and column, both from 1. `name` is for the error.
    pub fn parse(text: &str, name: &Path) -> Result<Self> {
        toml::from_str(text).map_err(|e: toml::de::Error| {
            let cause = e.message().trim().replace('\n', ", ");
            let place = e.span().map_or(String::new(), |span| line_and_column(text, span.start));
            Error::new(Kind::Invalid, format!("is no mapping{place}: {cause}"))
                .at(name)
                .help("kinophone texture --print-mapping strings shows every name and range")
        })
    }
}

fn line_and_column(text: &str, byte: usize) -> String {
    let before = text.get(..byte).unwrap_or(text);
    let begin = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before[begin..].chars().count() + 1;
    format!(" in line {}, column {column}", before.matches('\n').count() + 1)
}
