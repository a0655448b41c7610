//! Sound analyses as tables of a shard: how a library keeps what its sounds are like.
//!
//! | table | numbers a row | of |
//! |---|---|---|
//! | `ticks` | 64 bands and the loudness | every 30th of a second |
//! | `units.places` | first frame, frames, frame of the attack or −1 | each unit |
//! | `units.said` | loudness, centroid, flatness, onset, pitch, its confidence, 64 bands | each unit |

use crate::Result;
use crate::dataset::{AudioFeatures, Shard, ShardSound, SoundDescriber, TensorData};
use crate::sound_library::analysis::{AnalyzedUnit, SoundAnalysis, analysis_tick};
use crate::sound_library::segmentation::Segmentation;
use crate::task::Task;
use kinophone_dsp::metrics::BANDS;
use kinophone_dsp::units::FrameRate;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Version of the analysis; shards with another one are analyzed again.
const VERSION: u32 = 2;
/// Numbers of a unit beside its place.
const UNIT_COLUMNS: usize = 6 + BANDS;
/// Numbers of a tick: bands and loudness. Flux follows from the bands.
const TICK_COLUMNS: usize = BANDS + 1;

/// Parameters of an analysis, as a shard's header keeps them.
#[derive(PartialEq, Serialize, Deserialize)]
struct AnalysisHeader {
    version: u32,
    tick: FrameRate,
    #[serde(flatten)]
    segmentation: Segmentation,
}

/// A library's shards carry the analysis of their sound.
impl SoundDescriber for Segmentation {
    fn parameters(&self) -> serde_json::Value {
        let header = AnalysisHeader { version: VERSION, tick: analysis_tick(), segmentation: *self };
        serde_json::to_value(header).expect("numbers and words become JSON")
    }

    fn describe(&self, sound: ShardSound<'_>, task: Task<'_>) -> Result<Vec<(&'static str, TensorData)>> {
        Ok(SoundAnalysis::of(sound, self.check()?, task)?.to_tables())
    }
}

impl SoundAnalysis {
    /// Reads the analysis that a shard carries; `None` where it carries none.
    pub fn of_shard(shard: &Shard) -> Result<Option<Self>> {
        Self::from_tables_of(shard, shard.tables())
    }

    /// Reads the units of the analysis that a shard carries, without its ticks; `None` where it carries none.
    pub fn units_of_shard(shard: &Shard) -> Result<Option<Vec<AnalyzedUnit>>> {
        let names = ["units.places", "units.said"];
        let tables =
            names.iter().filter_map(|name| Some(((*name).to_owned(), shard.table(name, 0..usize::MAX)?)));
        Ok(Self::from_tables_of(shard, tables.collect())?.map(|analysis| analysis.units))
    }

    /// Reads some ticks of the analysis that a shard carries, as far as there are such.
    pub fn ticks_of_shard(shard: &Shard, ticks: Range<usize>) -> AudioFeatures {
        // Flux is the rise over the tick before.
        let from = ticks.start.saturating_sub(1);
        let mut features = shard.table("ticks", from..ticks.end).map(tick_features).unwrap_or_default();
        let extra = (ticks.start - from).min(features.loudness.len());
        features.mel.drain(..extra * BANDS);
        features.loudness.drain(..extra);
        features.flux.drain(..extra);
        features
    }

    /// Number of ticks in the analysis that a shard carries.
    pub fn tick_count(shard: &Shard) -> usize {
        shard.table_rows("ticks")
    }

    fn from_tables_of(shard: &Shard, tables: Vec<(String, TensorData)>) -> Result<Option<Self>> {
        let (Some(_), Some(sound)) = (shard.sound_parameters(), shard.sound()) else {
            return Ok(None);
        };
        Self::from_tables(tables, sound.frames() as i64).map(Some).map_err(|what| shard.damaged(what))
    }

    /// Tables of a shard.
    pub(crate) fn to_tables(&self) -> Vec<(&'static str, TensorData)> {
        let places =
            self.units.iter().flat_map(|u| [u.first, i64::from(u.frames), u.attack.map_or(-1, i64::from)]);
        let units = self.units.iter().flat_map(|u| {
            let numbers = [u.loudness_db, u.centroid_hz, u.flatness, u.onset, u.pitch_hz, u.confidence];
            numbers.into_iter().chain(u.mel)
        });
        let ticks = self.features.mel.chunks_exact(BANDS).zip(&self.features.loudness);
        let ticks = ticks.flat_map(|(mel, loudness)| mel.iter().chain(std::iter::once(loudness)).copied());
        vec![
            ("ticks", TensorData::F32 { columns: TICK_COLUMNS, values: ticks.collect() }),
            ("units.places", TensorData::I64 { columns: 3, values: places.collect() }),
            ("units.said", TensorData::F32 { columns: UNIT_COLUMNS, values: units.collect() }),
        ]
    }

    /// Reads what [`SoundAnalysis::to_tables`] wrote; `frames` is the length of the sound. Fails with a clause that says what is
    /// wrong.
    fn from_tables(tables: Vec<(String, TensorData)>, frames: i64) -> std::result::Result<Self, String> {
        let mut new = Self::default();
        let (mut places, mut units) = (Vec::new(), Vec::new());
        for (name, table) in tables {
            match (&*name, table) {
                ("ticks", ticks @ TensorData::F32 { columns: TICK_COLUMNS, .. }) => {
                    new.features = tick_features(ticks);
                }
                ("units.places", TensorData::I64 { columns: 3, values }) => places = values,
                ("units.said", TensorData::F32 { columns: UNIT_COLUMNS, values }) => units = values,
                _ => return Err(format!("has an unknown tensor {name}")),
            }
        }
        if places.len() / 3 != units.len() / UNIT_COLUMNS {
            return Err("describes other units than it has".to_owned());
        }
        let rows = places.chunks_exact(3).zip(units.chunks_exact(UNIT_COLUMNS));
        new.units = rows
            .map(|(place, numbers)| unit(place, numbers, frames))
            .collect::<std::result::Result<_, _>>()?;
        Ok(new)
    }
}

/// A unit from its rows in both tables, checked against the length of the sound.
fn unit(place: &[i64], numbers: &[f32], frames: i64) -> std::result::Result<AnalyzedUnit, String> {
    let (first, length, attack) = (place[0], place[1], place[2]);
    let inside = first >= 0 && (1..=frames).contains(&length) && first <= frames - length;
    if !inside || !(-1..length).contains(&attack) || numbers.iter().any(|x| !x.is_finite()) {
        return Err("has an impossible unit".to_owned());
    }
    let mut mel = [0.0; BANDS];
    mel.copy_from_slice(&numbers[6..]);
    Ok(AnalyzedUnit {
        first,
        frames: u32::try_from(length).map_err(|_| "has an endless unit".to_owned())?,
        attack: u32::try_from(attack).ok(),
        loudness_db: numbers[0],
        centroid_hz: numbers[1],
        flatness: numbers[2],
        onset: numbers[3],
        pitch_hz: numbers[4],
        confidence: numbers[5],
        mel,
    })
}

/// Features of the ticks in a table; the first one's flux is 0.
fn tick_features(table: TensorData) -> AudioFeatures {
    let mut features = AudioFeatures::default();
    if let TensorData::F32 { columns: TICK_COLUMNS, values } = table {
        for tick in values.chunks_exact(TICK_COLUMNS) {
            features.mel.extend(&tick[..BANDS]);
            features.loudness.push(tick[BANDS]);
        }
        features.find_flux();
    }
    features
}
