//! Which measure of the pictures drives which property of the sound: a few lines of TOML, written by people.

use crate::visual::VisualEvent;
use crate::{Error, Kind, Result};
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;

/// The mappings that Kinophone brings along: names and texts.
pub const PRESETS: [(&str, &str); 4] = [
    ("strings", include_str!("presets/strings.toml")),
    ("percussion", include_str!("presets/percussion.toml")),
    ("drone", include_str!("presets/drone.toml")),
    ("inverse", include_str!("presets/inverse.toml")),
];

/// A mapping, every range of it checked.
///
/// A line takes a measure, smooths it (`smooth_ms`), brings what the film has of it (from its 5th to its 95th percentile) to 0
/// to 1, turns it round (`inverse`), bends it (`curve`, an exponent) and spreads it from `low` to `high`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What it is for.
    #[serde(default)]
    pub about: String,
    /// How loud it is.
    pub loudness: LoudnessMapping,
    /// How many grains begin in a second. Without it there is sound at onsets only.
    pub density: Option<DensityMapping>,
    /// How bright its material is.
    pub brightness: Option<ChoiceMapping>,
    /// How noisy its material is.
    pub noise: Option<ChoiceMapping>,
    /// How high its material is.
    pub register: Option<RegisterMapping>,
    /// Where it is between left and right.
    pub pan: Option<PanMapping>,
    /// Which events sound.
    pub onsets: Option<OnsetMapping>,
    /// What grains are like.
    #[serde(default)]
    pub grain: GrainMapping,
    /// What happens at cuts.
    #[serde(default)]
    pub cuts: CutMapping,
}

/// What is measured of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeasureName {
    /// Mean grey level.
    Brightness,
    /// Spread of the grey levels.
    Contrast,
    /// How much changes from picture to picture.
    Motion,
    /// Where that is, from the left.
    MotionX,
    /// Where that is, from the bottom.
    MotionY,
    /// How much outline and texture there is.
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

    /// As mappings name it.
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

/// `[loudness]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoudnessMapping {
    /// What drives it.
    pub from: MeasureName,
    /// Turned round.
    #[serde(default)]
    pub inverse: bool,
    /// Exponent: below 1 small values count for more.
    #[serde(default = "one", deserialize_with = "exponent")]
    pub curve: f32,
    /// Over how many milliseconds the measure is averaged.
    #[serde(default = "smooth", deserialize_with = "smoothing")]
    pub smooth_ms: f32,
    /// At 0, in dB below full scale (10 log10 of the mean square).
    #[serde(deserialize_with = "level")]
    pub low_db: f32,
    /// At 1.
    #[serde(deserialize_with = "level")]
    pub high_db: f32,
    /// How far the sound's own swelling is evened out, 0 to 1.
    #[serde(default = "half", deserialize_with = "share")]
    pub even: f32,
}

/// `[density]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DensityMapping {
    /// What drives it.
    pub from: MeasureName,
    /// Turned round.
    #[serde(default)]
    pub inverse: bool,
    /// See [`LoudnessMapping::curve`].
    #[serde(default = "one", deserialize_with = "exponent")]
    pub curve: f32,
    /// See [`LoudnessMapping::smooth_ms`].
    #[serde(default = "smooth", deserialize_with = "smoothing")]
    pub smooth_ms: f32,
    /// Grains a second at 0.
    #[serde(deserialize_with = "grains")]
    pub low: f32,
    /// At 1.
    #[serde(deserialize_with = "grains")]
    pub high: f32,
}

/// `[brightness]` and `[noise]`: which part of the material, 0 its darkest (or purest), 1 its brightest (or noisiest).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceMapping {
    /// What drives it.
    pub from: MeasureName,
    /// Turned round.
    #[serde(default)]
    pub inverse: bool,
    /// See [`LoudnessMapping::curve`].
    #[serde(default = "one", deserialize_with = "exponent")]
    pub curve: f32,
    /// See [`LoudnessMapping::smooth_ms`].
    #[serde(default = "smooth", deserialize_with = "smoothing")]
    pub smooth_ms: f32,
    /// Place among the material at 0.
    #[serde(default, deserialize_with = "share")]
    pub low: f32,
    /// At 1.
    #[serde(default = "one", deserialize_with = "share")]
    pub high: f32,
}

/// `[register]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterMapping {
    /// What drives it.
    pub from: MeasureName,
    /// Turned round.
    #[serde(default)]
    pub inverse: bool,
    /// See [`LoudnessMapping::curve`].
    #[serde(default = "one", deserialize_with = "exponent")]
    pub curve: f32,
    /// See [`LoudnessMapping::smooth_ms`].
    #[serde(default = "smooth", deserialize_with = "smoothing")]
    pub smooth_ms: f32,
    /// Place among the pitches of the material at 0: 0 the lowest.
    #[serde(default, deserialize_with = "share")]
    pub low: f32,
    /// At 1.
    #[serde(default = "one", deserialize_with = "share")]
    pub high: f32,
    /// By how many semitones sound is read slower at 0, and faster at 1.
    #[serde(default, deserialize_with = "semitones")]
    pub transpose: f32,
}

/// `[pan]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanMapping {
    /// What drives it.
    pub from: MeasureName,
    /// Turned round.
    #[serde(default)]
    pub inverse: bool,
    /// See [`LoudnessMapping::curve`].
    #[serde(default = "one", deserialize_with = "exponent")]
    pub curve: f32,
    /// See [`LoudnessMapping::smooth_ms`].
    #[serde(default = "smooth", deserialize_with = "smoothing")]
    pub smooth_ms: f32,
    /// At 0: −1 is left.
    #[serde(default = "left", deserialize_with = "side")]
    pub low: f32,
    /// At 1: 1 is right.
    #[serde(default = "one", deserialize_with = "side")]
    pub high: f32,
}

/// `[onsets]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnsetMapping {
    /// Which events.
    #[serde(deserialize_with = "events", serialize_with = "event_names")]
    pub from: Vec<VisualEvent>,
    /// 0 great ones only, 1 every stir.
    #[serde(default = "half", deserialize_with = "share")]
    pub sensitivity: f32,
    /// Milliseconds from one to the next at least; the stronger one stays.
    #[serde(default = "least", deserialize_with = "millis")]
    pub least_ms: f32,
    /// How loud the weakest is, in dB below full scale over its first tenth of a second.
    #[serde(default = "soft", deserialize_with = "level")]
    pub low_db: f32,
    /// How loud the strongest is.
    #[serde(default = "loud", deserialize_with = "level")]
    pub high_db: f32,
    /// Longest sound of one in milliseconds; it ends sooner where the next attack comes in its recording.
    #[serde(default = "ring", deserialize_with = "millis")]
    pub size_ms: f32,
}

/// `[grain]`
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
    /// How willingly a grain goes on instead of another one beginning, 0 never to 1 as long as it fits at all.
    #[serde(deserialize_with = "share")]
    pub follow: f32,
    /// Seconds for which a place of a recording is not played again, where there is choice.
    #[serde(deserialize_with = "seconds")]
    pub repeat_s: f32,
    /// How much chance there is in the choice, 0 to 1.
    #[serde(deserialize_with = "share")]
    pub chance: f32,
}

impl Default for GrainMapping {
    fn default() -> Self {
        Self { size_ms: 300.0, attack_ms: 40.0, release_ms: 80.0, follow: 0.5, repeat_s: 4.0, chance: 0.2 }
    }
}

/// `[cuts]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CutMapping {
    /// Whether everything that sounds ends with a shot, and the next one plays with other sources.
    pub change: bool,
    /// With how many sources a shot plays at most; 0: with all of its section's.
    #[serde(deserialize_with = "number")]
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

/// How a measure becomes a number between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MappingLine {
    pub(crate) from: MeasureName,
    pub(crate) inverse: bool,
    pub(crate) curve: f32,
    pub(crate) smooth_ms: f32,
}

/// A section of a mapping that is driven by a measure.
macro_rules! driven {
    ($($section:ty),*) => {$(
        impl $section {
            pub(crate) fn line(&self) -> MappingLine {
                let &Self { from, inverse, curve, smooth_ms, .. } = self;
                MappingLine { from, inverse, curve, smooth_ms }
            }
        }
    )*};
}
driven!(LoudnessMapping, DensityMapping, ChoiceMapping, RegisterMapping, PanMapping);

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

    /// Reads a mapping; what is wrong is said with line and column, both from 1. `name` is for the error.
    pub fn parse(text: &str, name: &Path) -> Result<Self> {
        toml::from_str(text).map_err(|e: toml::de::Error| {
            let what = e.message().trim().replace('\n', ", ");
            let place = match e.span() {
                Some(span) => {
                    let before = text.get(..span.start).unwrap_or(text);
                    let begin = before.rfind('\n').map_or(0, |at| at + 1);
                    let column = before[begin..].chars().count() + 1;
                    format!(" in line {}, column {column}", before.matches('\n').count() + 1)
                }
                None => String::new(),
            };
            Error::new(Kind::Invalid, format!("is no mapping{place}: {what}"))
                .at(name)
                .help("kinophone texture --print-mapping strings shows every name and range")
        })
    }
}

fn one() -> f32 {
    1.0
}

fn half() -> f32 {
    0.5
}

fn left() -> f32 {
    -1.0
}

fn smooth() -> f32 {
    150.0
}

fn least() -> f32 {
    80.0
}

fn ring() -> f32 {
    600.0
}

fn soft() -> f32 {
    -34.0
}

fn loud() -> f32 {
    -14.0
}

/// A number from `low` to `high`.
fn within<'de, D: Deserializer<'de>>(from: D, low: f32, high: f32, unit: &str) -> Result<f32, D::Error> {
    let value = f64::deserialize(from)?;
    if (f64::from(low)..=f64::from(high)).contains(&value) {
        Ok(value as f32)
    } else {
        Err(de::Error::custom(format!("{value} is not from {low} to {high}{unit}")))
    }
}

fn exponent<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    within(from, 0.05, 20.0, "")
}

fn smoothing<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    within(from, 0.0, 60_000.0, " milliseconds")
}

fn millis<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    within(from, 1.0, 20_000.0, " milliseconds")
}

fn fade<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    within(from, 1.0, 30.0, " milliseconds")
}

fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    within(from, 0.0, 600.0, " seconds")
}

fn level<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    within(from, -90.0, -3.0, " dB")
}

fn grains<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    within(from, 0.0, 100.0, " grains a second")
}

fn share<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    within(from, 0.0, 1.0, "")
}

fn side<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    within(from, -1.0, 1.0, "")
}

fn semitones<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
    within(from, -24.0, 24.0, " semitones")
}

fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let value = u32::deserialize(from)?;
    if value <= 1000 { Ok(value) } else { Err(de::Error::custom(format!("{value} is not from 0 to 1000"))) }
}

/// As mappings name them.
const EVENTS: [(&str, VisualEvent); 3] =
    [("motion-onsets", VisualEvent::Motion), ("flashes", VisualEvent::Flash), ("cuts", VisualEvent::Cut)];

/// One name, or a list of them.
fn events<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<VisualEvent>, D::Error> {
    struct Names;

    impl<'de> Visitor<'de> for Names {
        type Value = Vec<VisualEvent>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("\"motion-onsets\", \"flashes\", \"cuts\", or a list of these")
        }

        fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
            let names: &[&str] = &["motion-onsets", "flashes", "cuts"];
            let event = EVENTS.iter().find(|(known, _)| *known == name);
            event.map(|(_, event)| vec![*event]).ok_or_else(|| E::unknown_variant(name, names))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(name) = list.next_element::<String>()? {
                all.extend(Names.visit_str::<A::Error>(&name)?);
            }
            Ok(all)
        }
    }

    from.deserialize_any(Names)
}

fn event_names<S: serde::Serializer>(events: &[VisualEvent], to: S) -> Result<S::Ok, S::Error> {
    let name = |event: &VisualEvent| EVENTS.iter().find(|(_, known)| known == event).map(|(name, _)| *name);
    to.collect_seq(events.iter().filter_map(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let error = Mapping::parse(text, Path::new("mine.toml")).unwrap_err();
        assert!(error.advice().is_some());
        error.to_string()
    }

    #[test]
    fn presets_are_mappings_and_differ() {
        let presets: Vec<Mapping> = PRESETS.iter().map(|(name, _)| Mapping::preset(name).unwrap()).collect();
        assert!(presets.iter().all(|preset| !preset.about.is_empty()));
        assert!(presets.windows(2).all(|pair| pair[0] != pair[1]));
        assert!(Mapping::preset("brass").unwrap_err().to_string().contains("'brass'"));
    }

    #[test]
    fn what_is_left_out_is_usual() {
        let text = "[loudness]\nfrom = \"motion\"\nlow_db = -50\nhigh_db = -14.5\n[onsets]\nfrom = [\"cuts\", \"flashes\"]\n";
        let mapping = Mapping::parse(text, Path::new("mine.toml")).unwrap();
        assert_eq!((mapping.loudness.curve, mapping.loudness.smooth_ms), (1.0, 150.0));
        assert_eq!((mapping.loudness.low_db, mapping.loudness.high_db), (-50.0, -14.5));
        assert_eq!(mapping.onsets.unwrap().from, [VisualEvent::Cut, VisualEvent::Flash]);
        assert_eq!((mapping.grain, mapping.cuts), (GrainMapping::default(), CutMapping::default()));
        assert!(mapping.density.is_none());
        let one = text.replace("[\"cuts\", \"flashes\"]", "\"motion-onsets\"");
        let mapping = Mapping::parse(&one, Path::new("mine.toml")).unwrap();
        assert_eq!(mapping.onsets.unwrap().from, [VisualEvent::Motion]);
    }

    #[test]
    fn what_is_wrong_is_said_with_line_and_column() {
        let loud = "[loudness]\nfrom = \"motion\"\nlow_db = -50\nhigh_db = -14\n";
        let cases = [
            (
                "[loudness]\nfrom = \"colour\"\nlow_db = -50\nhigh_db = -14\n".to_owned(),
                "line 2, column 8",
                "colour",
            ),
            (loud.replace("-50", "  -500"), "line 3, column 12", "-500 is not from -90 to -3 dB"),
            (loud.replace("-50", "nan"), "line 3, column 10", "NaN"),
            (loud.replace("-50", "\"soft\""), "line 3, column 10", "soft"),
            (format!("{loud}speed = 3\n"), "line 5, column 1", "speed"),
            (format!("{loud}[loudnes]\n"), "line 5, column 2", "loudnes"),
            (format!("{loud}[onsets]\nfrom = \"claps\"\n"), "line 6, column 8", "claps"),
            (format!("{loud}[onsets]\nfrom = [\"cuts\", \"claps\"]\n"), "line 6", "claps"),
            (format!("{loud}[cuts]\nsources = -1\n"), "line 6, column 11", "-1"),
            (format!("{loud}[grain]\nsize_ms = 0.5\n"), "line 6, column 11", "0.5 is not from 1 to 20000"),
            (format!("# ä\n{loud}[grain\n"), "line 6", ""),
            (String::new(), "", "loudness"),
        ];
        for (text, place, what) in cases {
            let said = refused(&text);
            assert!(said.contains(place) && said.contains(what), "{text}\n{said}");
        }
    }
}
