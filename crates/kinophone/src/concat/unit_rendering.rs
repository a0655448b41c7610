//! The players that make sound of selected units.

use crate::concat::unit_database::{DatabaseSound, UnitDatabase};
use kinophone_dsp::concat::{Clip, Mosaic, MosaicConfig, SelectedUnit, UnitPlayback};
use kinophone_dsp::frames::GranularConfig;
use kinophone_dsp::granular::{Cloud, GrainModulation};
use kinophone_dsp::spectral::BandMatcherConfig;

/// The way from selected units to sound.
pub(crate) enum UnitRendering<'a> {
    /// Units are joined, and filtered towards their targets.
    Joined(&'a BandMatcherConfig),
    /// Units are taken apart into grains.
    Grains(&'a GranularConfig),
}

/// A player of selected units.
pub(crate) enum UnitPlayer<'a> {
    Joined(Box<Mosaic<DatabaseSound<'a>>>),
    Grains(Box<Cloud<DatabaseSound<'a>>>),
}

impl<'a> UnitPlayer<'a> {
    /// `layer` makes the random numbers of its grains differ from those of other layers.
    pub(crate) fn new(
        database: &UnitDatabase<'a>,
        layer: u64,
        config: &MosaicConfig,
        rendering: &UnitRendering<'_>,
    ) -> Self {
        let (sound, units) = (database.sound, database.units.clone());
        match rendering {
            UnitRendering::Joined(_) => {
                Self::Joined(Box::new(Mosaic::new(sound.grid(), units, sound, config).with_clips()))
            }
            UnitRendering::Grains(grains) => {
                let own = GranularConfig { seed: grains.seed + layer, ..(*grains).clone() };
                Self::Grains(Box::new(Cloud::new(sound.grid(), units, sound, &own, config).with_clips()))
            }
        }
    }

    /// Takes the unit of the next tick: a mosaic plays it by `playback`, a cloud by `grains`.
    pub(crate) fn push(&mut self, selected: SelectedUnit, playback: &UnitPlayback, grains: &GrainModulation) {
        match self {
            Self::Joined(mosaic) => mosaic.push_as(selected, playback),
            Self::Grains(cloud) => cloud.push(selected, grains),
        }
    }

    /// Appends all samples that are ready.
    pub(crate) fn take(&mut self, sound: &mut Vec<f32>) {
        let from = sound.len();
        match self {
            Self::Joined(mosaic) => {
                sound.resize(from + mosaic.ready(), 0.0);
                mosaic.fill(&mut sound[from..]);
            }
            Self::Grains(cloud) => {
                sound.resize(from + cloud.ready(), 0.0);
                cloud.fill(&mut sound[from..]);
            }
        }
    }

    /// Tells that no unit follows.
    pub(crate) fn finish(&mut self) {
        match self {
            Self::Joined(mosaic) => mosaic.finish(),
            Self::Grains(cloud) => cloud.finish(),
        }
    }

    /// Appends the clips that were completed.
    pub(crate) fn take_clips(&mut self, clips: &mut Vec<Clip>) {
        match self {
            Self::Joined(mosaic) => mosaic.take_clips(clips),
            Self::Grains(cloud) => cloud.take_clips(clips),
        }
    }

    /// Frames beyond the end of a tick that must be known before it sounds.
    pub(crate) fn latency(&self) -> usize {
        match self {
            Self::Joined(mosaic) => mosaic.latency(),
            Self::Grains(cloud) => cloud.latency(),
        }
    }
}
