//! What a mosaic plays with: the brain's own sound, or a library of sounds.

use super::{Library, RenderPlan};
use crate::brain::{self, DESCRIPTOR, Ensemble, Heard, Material, Stretch, UNIT, Voice};
use crate::corpus::{Corpus, Shard, downmix};
use crate::score::{Credited, SourceSound};
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::resample::Resampler;
use kinophone_dsp::synth::mosaic::Units;
use kinophone_dsp::units::TickGrid;
use std::sync::Arc;

/// Frames of a source that are mixed down and resampled at a time.
const STEP: usize = 1 << 16;

/// Sound to play with, tick by tick, and what is known of it.
pub(super) struct Stock<'a> {
    pub(super) material: &'a Material,
    pub(super) units: Arc<Units>,
    /// What each unit sounds like and, of a brain's own sound, what is seen there: `[units, dims]`.
    pub(super) descriptors: &'a [f32],
    pub(super) dims: usize,
    /// In whose numbers it is described.
    pub(super) voice: &'a Voice,
}

/// A library, heard and described.
pub(super) struct Sounds {
    /// Whose they are.
    pub(super) sources: Vec<Credited>,
    material: Material,
    known: brain::Units,
    voice: Voice,
}

impl<'a> Stock<'a> {
    /// The brain's own, unless there is a library.
    pub(super) fn of(brain: &'a Ensemble, library: Option<&'a Sounds>, plan: &RenderPlan) -> Result<Self> {
        let (material, known, voice, dims) = match (library, brain.material()) {
            (Some(sounds), _) => (&sounds.material, &sounds.known, &sounds.voice, DESCRIPTOR),
            (None, Some((material, known))) => (material, known, brain.voice(), UNIT),
            (None, None) => {
                return Err(Error::new(Kind::Invalid, "carries no sound to play with")
                    .at(&plan.brain)
                    .help("add --sounds LIBRARY or --synth spectral, or train it again without --no-sound"));
            }
        };
        let continued = material.config().continued();
        let units = Units::new(dims, &known.descriptors, &known.loudness, &continued).map_err(|e| {
            Error::new(Kind::Damaged, format!("has units that do not fit its sound: {e}"))
                .at(&plan.brain)
                .help("make or copy the brain again")
        })?;
        Ok(Self { material, units: Arc::new(units), descriptors: &known.descriptors, dims, voice })
    }

    /// By how much a tick of the stock's usual loudness is softer or louder than one of the brain's, in dB.
    pub(super) fn level_db(&self, brain: &Ensemble) -> f32 {
        self.voice.usual_loudness_db() - brain.voice().usual_loudness_db()
    }
}

impl SourceSound for Stock<'_> {
    fn read(&self, source: usize, first: i64, out: &mut [f32]) {
        self.material.read_film(source, first, out);
    }
}

impl Sounds {
    /// Hears a library through: every tick of every source becomes a unit. A source without sound is left out with a warning.
    /// Errors: `Kind::Empty` where there is nothing to be heard, and those of [`Corpus::open`].
    pub(super) fn open(library: &Library, brain: &Ensemble, task: Task<'_>) -> Result<Self> {
        let folder = &library.folder;
        let empty = |what: &str| {
            Error::new(Kind::Empty, what)
                .at(folder)
                .help("fill it first: kinophone sounds FILE|FOLDER... -o LIBRARY")
        };
        let (corpus, _) = match Corpus::open(folder, false, task.cancel) {
            Err(e) if e.kind() == Kind::Empty => return Err(empty("holds no sound")),
            other => other?,
        };
        let grid = brain.config().grid;
        let mut sources = Vec::new();
        task.watcher.stage("listening to the sounds", "sources", Some(corpus.shards.len() as u64));
        for shard in &corpus.shards {
            task.cancel.check()?;
            match hear(shard, grid) {
                Some(heard) => sources.push((shard, heard)),
                None => task.watcher.warn(&format!("{} has no sound and is left out", shard.source().name)),
            }
            shard.release();
            task.watcher.advance(sources.len() as u64);
        }
        // Pauses would make everything else look loud and bright.
        let sounding: Vec<Vec<u32>> = sources
            .iter()
            .map(|(_, heard)| {
                (0..heard.loudness.len() as u32).filter(|t| !heard.is_silent(*t as usize)).collect()
            })
            .collect();
        if sounding.iter().all(Vec::is_empty) {
            return Err(empty("holds nothing but silence"));
        }
        let stretches: Vec<(&Heard, &[u32])> =
            sources.iter().zip(&sounding).map(|((_, heard), ticks)| (heard, &ticks[..])).collect();
        let voice = if library.matched { brain.voice().among(&stretches) } else { brain.voice().clone() };
        let mut known = brain::Units::default();
        for (_, heard) in &sources {
            for tick in 0..heard.loudness.len() {
                let mut descriptor = [0.0; DESCRIPTOR];
                voice.unit(heard, tick, &mut descriptor);
                known.descriptors.extend(descriptor);
                known.loudness.push(heard.loudness[tick]);
            }
        }
        let stretch = |(film, (_, heard)): (usize, &(&Shard, Heard))| Stretch {
            film,
            first_tick: 0,
            ticks: heard.loudness.len() as u32,
        };
        let stretches = sources.iter().enumerate().map(stretch).collect();
        let shards: Vec<&Shard> = sources.iter().map(|(shard, _)| *shard).collect();
        let material = Material::of(&shards, stretches, grid.tick);
        let sources = shards.iter().map(|shard| Credited::from(shard.source())).collect();
        Ok(Self { sources, material, known, voice })
    }
}

/// Describes the whole ticks of a shard's sound; `None` where there is none.
fn hear(shard: &Shard, grid: TickGrid) -> Option<Heard> {
    let (rate, channels, samples) = shard.sound()?;
    let channels = channels as usize;
    let mut resampler = (rate != grid.rate).then(|| Resampler::interleaved(rate, grid.rate, 1));
    let (mut mono, mut sound) = (Vec::new(), Vec::new());
    for part in samples.chunks(STEP * channels) {
        downmix(part, channels, &mut mono);
        match &mut resampler {
            Some(resampler) => resampler.push(&mono, &mut sound),
            None => sound.extend_from_slice(&mono),
        }
    }
    if let Some(mut resampler) = resampler {
        resampler.finish(&mut sound);
    }
    let ticks = grid.tick.ticks_in(rate.time_of((samples.len() / channels) as i64));
    let read = |start: i64, out: &mut [f32]| {
        for (k, x) in out.iter_mut().enumerate() {
            let place = usize::try_from(start + k as i64).ok();
            *x = place.and_then(|place| sound.get(place)).copied().unwrap_or(0.0);
        }
    };
    (ticks > 0).then(|| Heard::listen(grid, 0, ticks as usize, read))
}
