//! The units that an engine plays with: the brain's own sound, or a library of sounds.

use crate::concat::onset_pitch_track::PITCH;
use crate::concat::{LibraryUnits, SelectionConfig};
use crate::model::{ControlScaler, DescriptorLayout, Ensemble, TrainingAudio, UnitFeatures};
use crate::score::SourceSound;
use crate::{Error, Kind, Result};
use kinophone_dsp::concat::{AttackTarget, UnitDescriptors, UnitDescriptorsError, UnitSound};
use kinophone_dsp::metrics::BANDS;
use kinophone_dsp::units::{SampleRate, TickGrid};
use std::borrow::Cow;
use std::sync::Arc;

/// Sound in units of a tick, with their descriptors.
pub(crate) struct UnitDatabase<'a> {
    pub(crate) sound: DatabaseSound<'a>,
    /// Weighted descriptors, ready to be searched.
    pub(crate) units: Arc<UnitDescriptors>,
    /// The scaler of the descriptors.
    pub(crate) scaler: &'a ControlScaler,
    /// Descriptors without weights, `[units, dims]`: sound, and of a brain's own sound the picture, of a library perhaps the
    /// pitch.
    descriptors: Cow<'a, [f32]>,
    /// The meaning of those numbers.
    pub(crate) layout: DescriptorLayout,
    /// Factor of each of them.
    factors: Vec<f32>,
}

/// The sound of all units.
#[derive(Clone, Copy)]
pub(crate) enum DatabaseSound<'a> {
    /// The brain's own.
    Own(&'a TrainingAudio),
    /// That of a library.
    Library(&'a LibraryUnits),
}

impl<'a> UnitDatabase<'a> {
    /// The units of the library, or without one of the brain's own sound.
    pub(crate) fn new(
        brain: &'a Ensemble,
        library: Option<&'a LibraryUnits>,
        selection: &SelectionConfig,
    ) -> Result<Self> {
        match (library, brain.training_audio()) {
            (Some(library), _) => Ok(Self::of_library(library, selection, false)),
            (None, Some((audio, features))) => {
                let descriptors = (DescriptorLayout::SOUND_AND_PICTURE, (&*features.descriptors).into());
                let sound = DatabaseSound::Own(audio);
                Self::build(sound, features, brain.controls(), descriptors, selection).map_err(|e| {
                    Error::new(Kind::Damaged, format!("has units that do not fit its sound: {e}"))
                        .help("make or copy the brain again")
                })
            }
            (None, None) => Err(Error::new(Kind::Invalid, "carries no sound to play with")
                .help("add --sounds LIBRARY or --synth spectral, or train it again without --no-sound")),
        }
    }

    /// The units of a library; `pitched` adds the pitch to the descriptors.
    pub(crate) fn of_library(library: &'a LibraryUnits, selection: &SelectionConfig, pitched: bool) -> Self {
        let descriptors = match pitched {
            true => (DescriptorLayout::sound_and_pitch(PITCH), Cow::Owned(library.descriptors_with_pitch())),
            false => (DescriptorLayout::SOUND, Cow::Borrowed(&*library.features().descriptors)),
        };
        let sound = DatabaseSound::Library(library);
        Self::build(sound, library.features(), library.scaler(), descriptors, selection)
            .expect("every tick of a library has descriptors, and there is one")
    }

    fn build(
        sound: DatabaseSound<'a>,
        features: &'a UnitFeatures,
        scaler: &'a ControlScaler,
        (layout, descriptors): (DescriptorLayout, Cow<'a, [f32]>),
        selection: &SelectionConfig,
    ) -> std::result::Result<Self, UnitDescriptorsError> {
        let (dims, factors) = (layout.width(), selection.factors(&layout));
        let rows = descriptors.chunks_exact(dims);
        let weighted: Vec<f32> = rows.flat_map(|row| row.iter().zip(&factors).map(|(x, w)| x * w)).collect();
        let groups: Vec<u32> = (0..features.loudness.len())
            .map(|unit| sound.place(unit).map_or(0, |(source, _)| source as u32))
            .collect();
        let units = UnitDescriptors::new(dims, &weighted, &features.loudness, &sound.continued())?
            .with_groups(&groups)?;
        Ok(Self { sound, units: Arc::new(units), scaler, descriptors, layout, factors })
    }

    /// True if the pitch is among the descriptors.
    pub(crate) fn is_pitched(&self) -> bool {
        !self.layout.pitch.is_empty()
    }

    /// A descriptor times the factors, as units are searched for; it has as many numbers as theirs.
    pub(crate) fn weighted(&self, descriptor: &[f32]) -> Box<[f32]> {
        descriptor.iter().zip(&self.factors).map(|(x, w)| x * w).collect()
    }

    /// The descriptor of a unit, without weights.
    pub(crate) fn descriptor(&self, unit: u32) -> &[f32] {
        &self.descriptors[unit as usize * self.factors.len()..][..self.factors.len()]
    }

    /// The attack with which a unit can begin if there is to be one `at` frames after the beginning of its tick: the nearest
    /// one.
    pub(crate) fn attack(&self, unit: u32, at: i64) -> Option<AttackTarget> {
        let DatabaseSound::Library(library) = self.sound else { return None };
        library.attack(unit as usize, at)
    }

    /// The pitch of a unit in Hz, where it is certain.
    pub(crate) fn certain_hz(&self, unit: u32) -> Option<f32> {
        let DatabaseSound::Library(library) = self.sound else { return None };
        library.certain_hz(unit as usize)
    }

    /// log10 of a unit's power in every band.
    pub(crate) fn bands(&self, unit: u32, out: &mut [f32; BANDS]) {
        self.scaler.unit_bands(self.descriptor(unit), out);
    }
}

impl DatabaseSound<'_> {
    /// The tick of the units at the rate of the sound.
    pub(crate) fn grid(&self) -> TickGrid {
        match self {
            Self::Own(audio) => audio.grid(),
            Self::Library(library) => library.grid(),
        }
    }

    pub(crate) fn rate(&self) -> SampleRate {
        self.grid().rate
    }

    /// The source of a unit, and the tick of that source; `None` where there is no such unit.
    pub(crate) fn place(&self, unit: usize) -> Option<(usize, i64)> {
        match self {
            Self::Own(audio) => audio.place(unit),
            Self::Library(library) => library.place(unit),
        }
    }

    /// A mark for each unit that the next one continues.
    fn continued(&self) -> Vec<bool> {
        match self {
            Self::Own(audio) => audio.config().continued(),
            Self::Library(library) => library.continued(),
        }
    }
}

impl SourceSound for UnitDatabase<'_> {
    fn read(&self, source: usize, first: i64, out: &mut [f32]) {
        match self.sound {
            DatabaseSound::Own(audio) => audio.read_film(source, first, out),
            DatabaseSound::Library(library) => library.read(source, first, out),
        }
    }
}

impl UnitSound for DatabaseSound<'_> {
    fn channels(&self) -> usize {
        match self {
            Self::Own(audio) => audio.channels(),
            Self::Library(library) => library.channels(),
        }
    }

    fn read(&self, unit: u32, offset: i64, out: &mut [f32]) {
        match self {
            Self::Own(audio) => UnitSound::read(audio, unit, offset, out),
            Self::Library(library) => match library.place(unit as usize) {
                Some((source, tick)) => {
                    library.read(source, library.grid().start_sample(tick) + offset, out);
                }
                None => out.fill(0.0),
            },
        }
    }
}
