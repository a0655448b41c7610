//! A library of sounds in units of a tick.

use crate::concat::onset_pitch_track::{OnsetPitchTrack, PITCH, PitchSegment};
use crate::dataset::{AudioFeatures, SILENT_DB};
use crate::ledger::Source;
use crate::model::{ControlScaler, DESCRIPTOR, DescriptorMatching, UnitFeatures};
use crate::sound_library::SoundLibrary;
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::concat::AttackTarget;
use kinophone_dsp::units::TickGrid;
use std::borrow::Cow;
use std::path::Path;

/// A library whose every tick is a unit, described as a brain's ticks are.
pub(crate) struct LibraryUnits {
    library: SoundLibrary,
    grid: TickGrid,
    /// Number of each source's first tick, and of all ticks.
    starts: Vec<usize>,
    /// Attacks and pitches of each source, at the rate of the library.
    tracks: Vec<OnsetPitchTrack>,
    features: UnitFeatures,
    scaler: ControlScaler,
}

impl LibraryUnits {
    /// Opens a library. Its units have descriptors of `scaler`; in those that are `matched` the same number means what is
    /// usual among these sounds.
    pub(crate) fn open(
        folder: &Path,
        matched: DescriptorMatching,
        scaler: &ControlScaler,
        grid: TickGrid,
        task: Task<'_>,
    ) -> Result<Self> {
        let library = SoundLibrary::open(folder, task)?;
        let features: Vec<Cow<'_, AudioFeatures>> =
            (0..library.sources().len()).map(|source| library.features(source, grid)).collect();
        let scaler = scaler_of(&features, matched, scaler);
        let (described, starts) = described(&features, &scaler);
        drop(features);
        if described.loudness.iter().all(|db| *db < SILENT_DB) {
            return Err(Error::new(Kind::Empty, "holds nothing that can be heard")
                .at(folder)
                .help("add louder recordings: kinophone sounds FILE|FOLDER... -o LIBRARY"));
        }
        let grid = TickGrid { tick: grid.tick, rate: library.rate() };
        let tracks = tracks_of(&library, grid);
        Ok(Self { library, grid, starts, tracks, features: described, scaler })
    }

    /// The recordings.
    pub(crate) fn sources(&self) -> &[Source] {
        self.library.sources()
    }

    /// The tick of the brain at the rate of the library.
    pub(crate) fn grid(&self) -> TickGrid {
        self.grid
    }

    pub(crate) fn channels(&self) -> usize {
        self.library.channels() as usize
    }

    /// Descriptors and loudness of every unit.
    pub(crate) fn features(&self) -> &UnitFeatures {
        &self.features
    }

    /// The scaler of the descriptors.
    pub(crate) fn scaler(&self) -> &ControlScaler {
        &self.scaler
    }

    /// Fills `out` with interleaved samples of a source, from frame `first` on.
    pub(crate) fn read(&self, source: usize, first: i64, out: &mut [f32]) {
        self.library.read(source, first, out);
    }

    /// The source of a unit, and the tick of that source; `None` where there is no such unit.
    pub(crate) fn place(&self, unit: usize) -> Option<(usize, i64)> {
        let source = self.starts.partition_point(|start| *start <= unit).checked_sub(1)?;
        (source + 1 < self.starts.len()).then(|| (source, (unit - self.starts[source]) as i64))
    }

    /// A mark for each unit that the next one continues.
    pub(crate) fn continued(&self) -> Vec<bool> {
        let ticks = self.starts.windows(2).map(|pair| pair[1] - pair[0]);
        ticks.flat_map(|ticks| (1..=ticks).map(move |k| k < ticks)).collect()
    }

    /// The attack of a unit that is nearest to `at` frames after its beginning.
    pub(crate) fn attack(&self, unit: usize, at: i64) -> Option<AttackTarget> {
        let (source, tick) = self.place(unit)?;
        let start = self.grid.start_sample(tick);
        let found = self.tracks[source].attack_near(start + at)?;
        Some(AttackTarget { at, source: found - start })
    }

    /// The pitch of a unit in Hz, where it is certain.
    pub(crate) fn certain_hz(&self, unit: usize) -> Option<f32> {
        let (source, tick) = self.place(unit)?;
        self.tracks[source].certain_hz(self.middle(tick))
    }

    /// The descriptors of every unit, with its pitch: `[units, DESCRIPTOR + PITCH]`.
    pub(crate) fn descriptors_with_pitch(&self) -> Vec<f32> {
        let mut all = Vec::with_capacity(self.features.loudness.len() * (DESCRIPTOR + PITCH));
        for (unit, descriptor) in self.features.descriptors.chunks_exact(DESCRIPTOR).enumerate() {
            let pitch = self
                .place(unit)
                .map_or([0.0; PITCH], |(source, tick)| self.tracks[source].pitch_at(self.middle(tick)));
            all.extend(descriptor.iter().chain(&pitch));
        }
        all
    }

    /// The frame in the middle of a tick.
    fn middle(&self, tick: i64) -> i64 {
        self.grid.start_sample(tick) + self.grid.span(tick) as i64 / 2
    }
}

/// A scaler for these sounds. Silent ticks are left out: pauses would make everything else look loud and bright.
fn scaler_of(
    sources: &[Cow<'_, AudioFeatures>],
    matched: DescriptorMatching,
    scaler: &ControlScaler,
) -> ControlScaler {
    let sounding: Vec<Vec<u32>> = sources
        .iter()
        .map(|features| {
            (0..features.loudness.len() as u32).filter(|t| !features.is_silent(*t as usize)).collect()
        })
        .collect();
    let stretches: Vec<(&AudioFeatures, &[u32])> =
        sources.iter().zip(&sounding).map(|(features, ticks)| (&**features, &ticks[..])).collect();
    scaler.adapted_to(&stretches, matched)
}

/// Descriptors of all ticks, and the number of each source's first one.
fn described(sources: &[Cow<'_, AudioFeatures>], scaler: &ControlScaler) -> (UnitFeatures, Vec<usize>) {
    let (mut units, mut starts) = (UnitFeatures::default(), vec![0]);
    for features in sources {
        for tick in 0..features.loudness.len() {
            let mut descriptor = [0.0; DESCRIPTOR];
            scaler.unit(features, tick, &mut descriptor);
            units.descriptors.extend(descriptor);
            units.loudness.push(features.loudness[tick]);
        }
        starts.push(units.loudness.len());
    }
    (units, starts)
}

fn tracks_of(library: &SoundLibrary, grid: TickGrid) -> Vec<OnsetPitchTrack> {
    let mut tracks: Vec<OnsetPitchTrack> =
        library.sources().iter().map(|_| OnsetPitchTrack::default()).collect();
    for unit in library.units() {
        let end = unit.first + i64::from(unit.frames);
        let pitch = PitchSegment { first: unit.first, end, hz: unit.pitch_hz, confidence: unit.confidence };
        let attack = (unit.onset > 0.0).then(|| unit.first + i64::from(unit.attack));
        tracks[unit.source as usize].add(grid.rate, grid.rate, pitch, attack);
    }
    tracks
}
