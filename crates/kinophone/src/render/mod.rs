//! Film and brain to soundtrack, streaming: pictures on the brain's tick → network → synth → loudness → file.
//!
//! Pictures are decoded, the brain predicts sound, and sound is synthesised, limited and encoded as the film comes. Where the
//! result is to have a certain loudness there is a second pass over the sound: the first measures it into a scratch file, the
//! second applies one gain. Memory stays constant in the film's length: a handful of pictures, one batch of blocks, a few
//! thousand samples, and the ticks for which a mosaic has not decided yet.
//!
//! Tick 0 begins with the first picture, so the soundtrack begins with it, and ends when the last picture ceases to be
//! shown.

mod classic;
mod mosaic;
mod performance;
mod phase_source;
mod pictures;
mod plan;
mod spectral;
mod synth;
mod synth_choice;

pub(crate) use mosaic::MosaicRenderer;
pub use pictures::GivenPictures;
pub(crate) use pictures::TimedPictures;
pub use plan::{LibraryRequest, LoudnessMode, RenderPlan, Rendered};
pub(crate) use spectral::SpectralRenderer;
pub use synth::{ResolvedSynth, SynthRequest};

use crate::Result;
use crate::brain::Brain;
use crate::classic::ClassicRenderer;
use crate::concat::{EngineOptions, LibraryUnits, UnitDatabase, UnitRendering, shot_ticks};
use crate::media::Ffmpeg;
use crate::model::{Ensemble, Follow};
use crate::render::performance::{PlayedPictures, perform};
use crate::render::synth_choice::mosaic_of;
use crate::score::{CreditedSource, SourceSound};
use crate::soundtrack::{
    FinishedSound, OpenOutput, OutputRequest, Renderer, ReservedOutput, SoundtrackMeta, nothing_to_score,
    rounded_ms,
};
use crate::task::Task;
use kinophone_dsp::concat::{MosaicConfig, UnitSound};
use kinophone_dsp::frames::FrameSynthConfig;
use kinophone_dsp::units::MediaTime;
use std::path::Path;

/// Renders `plan`. The output appears whole or not at all; nothing is left behind by an error or an interruption.
pub fn render(ffmpeg: &Ffmpeg, plan: &RenderPlan, task: Task<'_>) -> Result<Rendered> {
    RenderJob { ffmpeg, plan, task }.run(None)
}

/// Renders `plan` to pictures that are at hand. The film is opened only where its picture goes into the output: for a sound
/// file it is but a name.
pub fn render_to(
    ffmpeg: &Ffmpeg,
    plan: &RenderPlan,
    pictures: GivenPictures<'_>,
    task: Task<'_>,
) -> Result<Rendered> {
    RenderJob { ffmpeg, plan, task }.run(Some(pictures))
}

/// A render under way.
struct RenderJob<'a> {
    ffmpeg: &'a Ffmpeg,
    plan: &'a RenderPlan,
    task: Task<'a>,
}

/// Everything that plays in a render.
struct Instrument<'a> {
    brain: &'a Brain,
    synth: &'a ResolvedSynth,
    library: Option<&'a LibraryUnits>,
    database: Option<&'a UnitDatabase<'a>>,
    /// The sound that lends its phases.
    phases: Option<Vec<f32>>,
}

impl RenderJob<'_> {
    fn run(&self, given: Option<GivenPictures<'_>>) -> Result<Rendered> {
        let &Self { ffmpeg, plan, task } = self;
        let library = plan.sounds.iter().map(|library| library.folder.as_path());
        let inputs: Vec<&Path> = library.chain([plan.brain.as_path()]).collect();
        let request = OutputRequest { film: &plan.film, inputs: &inputs, options: &plan.output };
        let reserved = ReservedOutput::begin(ffmpeg, request, given.is_none())?;
        reserved.picture()?;
        let brain = Brain::load(&plan.brain)?;
        let synth = ResolvedSynth::of(&brain, plan)?;
        if let Brain::Ensemble(brain) = &brain
            && plan.follow == Follow::Auto
            && !brain.knows_its_films()
        {
            task.watcher.warn(&format!(
                "{} was trained by an older version and can't tell whether it knows a film: it plays as it learned; --follow 1 lets what moves lead, or train it again",
                plan.brain.file_name().unwrap_or_default().to_string_lossy()
            ));
        }
        let phases = synth.phase_source(ffmpeg, brain.grid().rate, plan, task)?;
        let library = self.library(&brain)?;
        let database = match &brain {
            Brain::Ensemble(brain) if synth.plays_recordings() => Some(
                UnitDatabase::new(brain, library.as_ref(), &plan.selection).map_err(|e| e.at(&plan.brain))?,
            ),
            _ => None,
        };
        if reserved.is_scored() && database.is_none() {
            return Err(nothing_to_score(&plan.brain));
        }
        let (library, database) = (library.as_ref(), database.as_ref());
        let instrument = Instrument { brain: &brain, synth: &synth, library, database, phases };
        let (soundtrack, mut played) = self.play(reserved, instrument, given)?;
        Ok(Rendered {
            ticks: played.ticks,
            followed: played.followed.map(|share| (share * 1e3).round() / 1e3),
            filtered: synth.is_filtered(),
            synth,
            latency_ms: plan.lookahead.is_live().then(|| rounded_ms(played.latency)),
            brain: brain.id().to_owned(),
            from_corpus: played.from_corpus,
            trace: played.trace.take(),
            sounds: library
                .map(|library| library.sources().iter().map(|source| source.name.clone()).collect()),
            soundtrack,
        })
    }

    /// The library that an ensemble plays with, if one is named.
    fn library(&self, brain: &Brain) -> Result<Option<LibraryUnits>> {
        let (Some(library), Brain::Ensemble(brain)) = (&self.plan.sounds, brain) else { return Ok(None) };
        let grid = brain.config().grid;
        LibraryUnits::open(&library.folder, library.matched, brain.controls(), grid, self.task).map(Some)
    }

    /// Plays into the output, and completes it.
    fn play(
        &self,
        reserved: ReservedOutput<'_>,
        instrument: Instrument<'_>,
        given: Option<GivenPictures<'_>>,
    ) -> Result<(crate::soundtrack::Soundtrack, PlayedPictures)> {
        let &Self { ffmpeg, plan, task } = self;
        let (brain, database) = (instrument.brain, instrument.database);
        let film_length = reserved.facts().and_then(|facts| facts.duration);
        let meta = self.meta(&instrument);
        let mut renderer = self.renderer(instrument)?;
        let mut output = reserved.open(meta)?;
        let mut played = output.play(|output: &mut OpenOutput<'_>| {
            let (pictures, length) = match given {
                Some(given) => {
                    let end = given.end;
                    (TimedPictures::Given(given), Some(end))
                }
                None => (TimedPictures::open(ffmpeg, plan, brain.size(), brain.colour(), task)?, film_length),
            };
            let expected = length.map(|length| brain.grid().tick.ticks_in(length));
            perform(&plan.film, pictures, expected, &mut *renderer, output, task)
        })?;
        let finished = FinishedSound {
            seconds: played.length.as_secs_f64(),
            played: renderer.take_played(),
            sound: database.map(|database| database as &dyn SourceSound),
            complaints: std::mem::take(&mut played.complaints),
        };
        drop(renderer);
        Ok((output.finish(finished, task)?, played))
    }

    fn meta(&self, instrument: &Instrument<'_>) -> SoundtrackMeta {
        let Instrument { brain, synth, library, database, .. } = *instrument;
        let (rate, channels) = database.map_or((brain.grid().rate, 1), |database| {
            (database.sound.rate(), database.sound.channels() as u32)
        });
        let sources = library.map_or(brain.ledger(), LibraryUnits::sources);
        SoundtrackMeta {
            rate,
            channels,
            source_channels: channels,
            target: self.plan.loudness.target(brain),
            made: made(self.plan, brain, library),
            sources: database.is_some().then(|| sources.iter().map(CreditedSource::from).collect()),
            brain: Some(brain.id().to_owned()),
            filtered: synth.is_filtered(),
        }
    }

    /// The renderer of a brain and a synth.
    fn renderer<'a>(&self, instrument: Instrument<'a>) -> Result<Box<dyn Renderer + 'a>> {
        let Instrument { brain, synth, database, phases, .. } = instrument;
        Ok(match (brain, synth, database) {
            (Brain::Classic(brain), ResolvedSynth::Blocks(synth), _) => {
                Box::new(ClassicRenderer::new(brain, synth))
            }
            (Brain::Classic(brain), ResolvedSynth::Spectral { config, .. }, _) => {
                Box::new(ClassicRenderer::of_frames(brain, config, phases))
            }
            (Brain::Ensemble(brain), ResolvedSynth::Spectral { config, .. }, _) => {
                Box::new(SpectralRenderer::new(brain, self.plan, config, phases)?)
            }
            (Brain::Ensemble(brain), ResolvedSynth::Mosaic { config, shape }, Some(database)) => {
                self.mosaic(brain, database, config.clone(), UnitRendering::Joined(shape))?
            }
            (
                Brain::Ensemble(brain),
                ResolvedSynth::Blocks(FrameSynthConfig::Granular(grains)),
                Some(database),
            ) => {
                let config = mosaic_of(brain, &self.plan.selection);
                self.mosaic(brain, database, config, UnitRendering::Grains(grains))?
            }
            _ => unreachable!("ResolvedSynth::of refuses what does not suit the brain"),
        })
    }

    fn mosaic<'a>(
        &self,
        brain: &'a Ensemble,
        database: &'a UnitDatabase<'a>,
        config: MosaicConfig,
        rendering: UnitRendering<'_>,
    ) -> Result<Box<dyn Renderer + 'a>> {
        let &Self { ffmpeg, plan, task } = self;
        let tick = brain.config().grid.tick;
        let by_shot = plan.selection.by_shot;
        let shots = || shot_ticks(ffmpeg, &plan.film, plan.corpus.as_deref(), None, tick, task);
        let options = EngineOptions {
            config,
            rendering,
            lookahead: plan.lookahead,
            usual_db: brain.controls().mean_loudness_db(),
            layers: plan.selection.layers,
            tune: 0.0,
            shot_ticks: by_shot.then(shots).transpose()?,
            keep_clips: !plan.output.scores.is_empty(),
            keep_jumps: plan.trace,
            begin: MediaTime::ZERO,
        };
        let asked = matches!(plan.synth, SynthRequest::Mosaic { attack: Some(_), .. });
        let knows_attacks = asked || brain.config().shape.attack > 0.0;
        Ok(Box::new(MosaicRenderer::new(brain, database, options, plan.follow, knows_attacks)?))
    }
}

/// The way a render was made, for the file's own tags: by which brain, from which films and sounds.
pub(crate) fn made(plan: &RenderPlan, brain: &Brain, library: Option<&LibraryUnits>) -> String {
    let name = plan.brain.file_name().unwrap_or_default().to_string_lossy();
    let films: Vec<&str> = brain.ledger().iter().map(|s| s.name.as_str()).collect();
    let learned = match brain.imported() {
        Some(file) => format!("was imported from {}, which does not say from what it learned", file.name),
        None => format!("learned from: {}", films.join(", ")),
    };
    let sounds = library.map_or(String::new(), |library| {
        let names: Vec<&str> = library.sources().iter().map(|source| &*source.name).collect();
        format!("; from these sounds: {}", names.join(", "))
    });
    format!("with the brain {name} ({}), which {learned}{sounds}", &brain.id()[..16])
}
