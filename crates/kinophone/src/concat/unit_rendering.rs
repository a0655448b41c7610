//! TODO module docs

use crate::concat::unit_database::DatabaseSound;
use kinophone_dsp::concat::{Clip, Mosaic, SelectedUnit, UnitPlayback};
use kinophone_dsp::frames::GranularConfig;
use kinophone_dsp::granular::{Cloud, GrainModulation};
use kinophone_dsp::spectral::BandMatcherConfig;

/// How what was chosen becomes sound.
pub(crate) enum UnitRendering<'a> {
    /// It is joined, and brought nearer to what is wanted.
    Shaped(&'a BandMatcherConfig),
    /// It is taken apart.
    Grains(&'a GranularConfig),
}

/// The chosen ticks at work.
pub(crate) enum UnitPlayer<'a> {
    Joined(Box<Mosaic<DatabaseSound<'a>>>),
    Grains(Box<Cloud<DatabaseSound<'a>>>),
}

impl UnitPlayer<'_> {
    /// A mosaic reads it so, grains are strewn in this manner.
    pub(crate) fn push(&mut self, choice: SelectedUnit, reading: &UnitPlayback, manner: &GrainModulation) {
        match self {
            Self::Joined(mosaic) => mosaic.push_as(choice, reading),
            Self::Grains(cloud) => cloud.push(choice, manner),
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

    pub(crate) fn finish(&mut self) {
        match self {
            Self::Joined(mosaic) => mosaic.finish(),
            Self::Grains(cloud) => cloud.finish(),
        }
    }

    pub(crate) fn take_cuts(&mut self, cuts: &mut Vec<Clip>) {
        match self {
            Self::Joined(mosaic) => mosaic.take_cuts(cuts),
            Self::Grains(cloud) => cloud.take_cuts(cuts),
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
