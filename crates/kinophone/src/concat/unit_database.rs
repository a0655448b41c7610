//! What a mosaic plays with: the brain's own sound, or a library of sounds.

use crate::concat::onset_pitch_track::{OnsetPitchTrack, PITCH, PitchSegment};
use crate::concat::selection_config::SelectionConfig;
use crate::dataset::AudioFeatures;
use crate::model::{
    ControlScaler, DESCRIPTOR, DescriptorLayout, DescriptorMatching, Ensemble, TrainingAudio, UnitFeatures,
};
use crate::render::RenderPlan;
use crate::score::SourceSound;
use crate::task::Task;
use crate::{Error, Kind, Result, sound_library};
use kinophone_dsp::concat::{AttackTarget, UnitDescriptors, UnitDescriptorsError, UnitSound};
use kinophone_dsp::metrics::BANDS;
use kinophone_dsp::units::{SampleRate, TickGrid};
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

/// Sound to play with, tick by tick, and what is known of it.
pub(crate) struct UnitDatabase<'a> {
    pub(crate) sound: DatabaseSound<'a>,
    pub(crate) units: Arc<UnitDescriptors>,
    /// In whose numbers it is described.
    pub(crate) voice: &'a ControlScaler,
    /// What each unit sounds like and, of a brain's own sound, what is seen there, of a library perhaps its pitch: `[units, dims]`.
    descriptors: Cow<'a, [f32]>,
    /// Which of those numbers describe what.
    pub(crate) layout: DescriptorLayout,
    /// What each of those counts.
    weights: Vec<f32>,
}

/// The sound of all ticks.
#[derive(Clone, Copy)]
pub(crate) enum DatabaseSound<'a> {
    /// The brain's own.
    Own(&'a TrainingAudio),
    /// That of a library.
    Library(&'a LibraryUnits),
}

/// A library, described in ticks of a brain.
pub(crate) struct LibraryUnits {
    library: sound_library::SoundLibrary,
    grid: TickGrid,
    /// Number of each source's first tick, and of all ticks.
    starts: Vec<usize>,
    /// Of each source, at the rate of the library.
    marks: Vec<OnsetPitchTrack>,
    known: UnitFeatures,
    voice: ControlScaler,
}

impl<'a> UnitDatabase<'a> {
    /// The brain's own, unless there is a library.
    pub(crate) fn of(
        brain: &'a Ensemble,
        library: Option<&'a LibraryUnits>,
        plan: &RenderPlan,
    ) -> Result<Self> {
        match (library, brain.training_audio()) {
            (Some(sounds), _) => Ok(Self::of_library(sounds, &plan.choice, false)),
            (None, Some((material, known))) => {
                let layout = DescriptorLayout::SOUND_AND_PICTURE;
                let descriptors = (layout, (&*known.descriptors).into());
                let sound = DatabaseSound::Own(material);
                Self::new(sound, known, brain.controls(), descriptors, &plan.choice).map_err(|e| {
                    Error::new(Kind::Damaged, format!("has units that do not fit its sound: {e}"))
                        .at(&plan.brain)
                        .help("make or copy the brain again")
                })
            }
            (None, None) => Err(Error::new(Kind::Invalid, "carries no sound to play with")
                .at(&plan.brain)
                .help("add --sounds LIBRARY or --synth spectral, or train it again without --no-sound")),
        }
    }

    /// A library; `pitched` adds the pitch to what is said of its units.
    pub(crate) fn of_library(sounds: &'a LibraryUnits, choice: &SelectionConfig, pitched: bool) -> Self {
        let descriptors = match pitched {
            true => (DescriptorLayout::sound_and_pitch(PITCH), Cow::Owned(sounds.descriptors_with_pitch())),
            false => (DescriptorLayout::SOUND, Cow::Borrowed(&*sounds.known.descriptors)),
        };
        Self::new(DatabaseSound::Library(sounds), &sounds.known, &sounds.voice, descriptors, choice)
            .expect("every tick of a library was described, and there is one")
    }

    /// `descriptors` are of the units that are `known`.
    fn new(
        sound: DatabaseSound<'a>,
        known: &'a UnitFeatures,
        voice: &'a ControlScaler,
        (layout, descriptors): (DescriptorLayout, Cow<'a, [f32]>),
        config: &SelectionConfig,
    ) -> std::result::Result<Self, UnitDescriptorsError> {
        let (dims, weights) = (layout.width(), config.weights(&layout));
        let rows = descriptors.chunks_exact(dims);
        let weighed: Vec<f32> = rows.flat_map(|row| row.iter().zip(&weights).map(|(x, w)| x * w)).collect();
        let groups: Vec<u32> =
            (0..known.loudness.len()).map(|unit| sound.place(unit).map_or(0, |at| at.0 as u32)).collect();
        let units = UnitDescriptors::new(dims, &weighed, &known.loudness, &sound.continued())?
            .with_groups(&groups)?;
        Ok(Self { sound, units: Arc::new(units), voice, descriptors, layout, weights })
    }

    /// Whether pitches are said of its units.
    pub(crate) fn is_pitched(&self) -> bool {
        !self.layout.pitch.is_empty()
    }

    /// A description as units are searched for, of as many numbers as they have.
    pub(crate) fn weighed(&self, target: &[f32]) -> Box<[f32]> {
        target.iter().zip(&self.weights).map(|(x, w)| x * w).collect()
    }

    /// What a unit sounds like, and what is seen there.
    pub(crate) fn descriptor(&self, unit: u32) -> &[f32] {
        &self.descriptors[unit as usize * self.weights.len()..][..self.weights.len()]
    }

    /// The attack with which a unit can begin if there is to be one so many frames after the beginning of its tick: the nearest one.
    pub(crate) fn attack(&self, unit: u32, at: i64) -> Option<AttackTarget> {
        let DatabaseSound::Library(sounds) = self.sound else { return None };
        let (source, tick) = sounds.place(unit as usize)?;
        let start = sounds.grid.start_sample(tick);
        sounds.marks[source].attack_near(start + at).map(|found| AttackTarget { at, source: found - start })
    }

    /// The pitch of a unit in Hz, where it is sure.
    pub(crate) fn sure_hz(&self, unit: u32) -> Option<f32> {
        let DatabaseSound::Library(sounds) = self.sound else { return None };
        let (source, tick) = sounds.place(unit as usize)?;
        sounds.marks[source].sure_hz(sounds.middle(tick))
    }

    /// log10 of a unit's power in every band.
    pub(crate) fn bands(&self, unit: u32, out: &mut [f32; BANDS]) {
        self.voice.unit_bands(self.descriptor(unit), out);
    }
}

impl DatabaseSound<'_> {
    /// The tick of the brain at the rate of the sound.
    pub(crate) fn grid(&self) -> TickGrid {
        match self {
            Self::Own(material) => material.grid(),
            Self::Library(sounds) => sounds.grid,
        }
    }

    pub(crate) fn rate(&self) -> SampleRate {
        self.grid().rate
    }

    /// Which source a unit is out of, and which tick of it; `None` where there is no such unit.
    pub(crate) fn place(&self, unit: usize) -> Option<(usize, i64)> {
        match self {
            Self::Own(material) => material.place(unit),
            Self::Library(sounds) => sounds.place(unit),
        }
    }

    /// Whether each unit is continued by the next one.
    fn continued(&self) -> Vec<bool> {
        match self {
            Self::Own(material) => material.config().continued(),
            Self::Library(sounds) => {
                let ticks = sounds.starts.windows(2).map(|pair| pair[1] - pair[0]);
                ticks.flat_map(|ticks| (1..=ticks).map(move |k| k < ticks)).collect()
            }
        }
    }
}

impl SourceSound for UnitDatabase<'_> {
    fn read(&self, source: usize, first: i64, out: &mut [f32]) {
        match self.sound {
            DatabaseSound::Own(material) => material.read_film(source, first, out),
            DatabaseSound::Library(sounds) => sounds.library.read(source, first, out),
        }
    }
}

impl UnitSound for DatabaseSound<'_> {
    fn channels(&self) -> usize {
        match self {
            Self::Own(material) => material.channels(),
            Self::Library(sounds) => sounds.library.channels() as usize,
        }
    }

    fn read(&self, unit: u32, offset: i64, out: &mut [f32]) {
        match self {
            Self::Own(material) => UnitSound::read(material, unit, offset, out),
            Self::Library(sounds) => match sounds.place(unit as usize) {
                Some((source, tick)) => {
                    sounds.library.read(source, sounds.grid.start_sample(tick) + offset, out);
                }
                None => out.fill(0.0),
            },
        }
    }
}

impl LibraryUnits {
    /// Opens a library, every tick of every source becomes a unit, described in numbers of `voice` or, what is `matched`, in
    /// such that mean by the same numbers what is usual among these sounds.
    pub(crate) fn open(
        folder: &Path,
        matched: DescriptorMatching,
        voice: &ControlScaler,
        grid: TickGrid,
        task: Task<'_>,
    ) -> Result<Self> {
        let library = sound_library::SoundLibrary::open(folder, task)?;
        let heard: Vec<Cow<'_, AudioFeatures>> =
            (0..library.sources().len()).map(|source| library.features(source, grid)).collect();
        // Pauses would make everything else look loud and bright.
        let sounding: Vec<Vec<u32>> = heard
            .iter()
            .map(|heard| (0..heard.loudness.len() as u32).filter(|t| !heard.is_silent(*t as usize)).collect())
            .collect();
        let stretches: Vec<(&AudioFeatures, &[u32])> =
            heard.iter().zip(&sounding).map(|(heard, ticks)| (&**heard, &ticks[..])).collect();
        let voice = voice.among(&stretches, matched);
        let mut known = UnitFeatures::default();
        let mut starts = vec![0];
        for heard in &heard {
            for tick in 0..heard.loudness.len() {
                let mut descriptor = [0.0; DESCRIPTOR];
                voice.unit(heard, tick, &mut descriptor);
                known.descriptors.extend(descriptor);
                known.loudness.push(heard.loudness[tick]);
            }
            starts.push(known.loudness.len());
        }
        drop(heard);
        if known.loudness.is_empty() {
            return Err(Error::new(Kind::Empty, "holds nothing as long as a tick")
                .at(folder)
                .help("add longer recordings: kinophone sounds FILE|FOLDER... -o LIBRARY"));
        }
        let grid = TickGrid { tick: grid.tick, rate: library.rate() };
        let mut marks: Vec<OnsetPitchTrack> =
            library.sources().iter().map(|_| OnsetPitchTrack::default()).collect();
        for unit in library.units() {
            let end = unit.first + i64::from(unit.frames);
            let tone =
                PitchSegment { first: unit.first, end, hz: unit.pitch_hz, confidence: unit.confidence };
            let attack = (unit.onset > 0.0).then(|| unit.first + i64::from(unit.attack));
            marks[unit.source as usize].add(grid.rate, grid.rate, tone, attack);
        }
        Ok(Self { library, grid, starts, marks, known, voice })
    }

    /// Those whose sounds these are.
    pub(crate) fn sources(&self) -> &[crate::ledger::Source] {
        self.library.sources()
    }

    /// What is known of every tick, and its pitch: `[ticks, DESCRIPTOR + PITCH]`.
    fn descriptors_with_pitch(&self) -> Vec<f32> {
        let mut all = Vec::with_capacity(self.known.loudness.len() * (DESCRIPTOR + PITCH));
        for (unit, descriptor) in self.known.descriptors.chunks_exact(DESCRIPTOR).enumerate() {
            let pitch = self
                .place(unit)
                .map_or([0.0; PITCH], |(source, tick)| self.marks[source].pitch_at(self.middle(tick)));
            all.extend(descriptor.iter().chain(&pitch));
        }
        all
    }

    /// The frame in the middle of a tick.
    fn middle(&self, tick: i64) -> i64 {
        self.grid.start_sample(tick) + self.grid.span(tick) as i64 / 2
    }

    fn place(&self, unit: usize) -> Option<(usize, i64)> {
        let source = self.starts.partition_point(|start| *start <= unit).checked_sub(1)?;
        (source + 1 < self.starts.len()).then(|| (source, (unit - self.starts[source]) as i64))
    }
}
