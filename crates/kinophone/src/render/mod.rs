//! Film and brain to soundtrack, streaming: pictures on the brain's tick → network → synth → loudness → file.
//!
//! Pictures are decoded, the brain is asked, sound is synthesised, limited and encoded as the film comes. Where the result is
//! to have a certain loudness there is a second pass over the sound: the first measures it into a scratch file, the second
//! applies one gain. Memory stays constant in the film's length: a handful of pictures, one batch of blocks, a few thousand
//! samples, and the ticks for which a mosaic has not decided yet.
//!
//! Tick 0 begins with the first picture, so the soundtrack begins with it, and ends when the last picture ceases to be
//! shown.

mod mosaic;
mod phase_source;
mod pictures;
mod plan;
mod spectral;
mod synth;

pub(crate) use mosaic::MosaicRenderer;
pub use pictures::GivenPictures;
pub(crate) use pictures::TimedPictures;
pub use plan::{LIVE_DELAY, LibraryRequest, LoudnessMode, RenderPlan, Rendered};
pub(crate) use spectral::SpectralRenderer;
pub use synth::{ResolvedSynth, SynthRequest};

use crate::Result;
use crate::brain::Brain;
use crate::classic::ClassicRenderer;
use crate::concat::{LibraryUnits, UnitDatabase, UnitRendering, shot_sources};
use crate::media::Ffmpeg;
use crate::render::synth::mosaic_of;
use crate::score::{CreditedSource, SourceSound};
use crate::soundtrack::{
    MixStage, OpenOutput, OutputRequest, Renderer, ReservedOutput, SoundtrackMeta, no_picture, output,
};
use crate::task::Task;
use kinophone_dsp::concat::UnitSound;
use kinophone_dsp::frames::FrameSynthConfig;
use kinophone_dsp::units::{FrameRate, MediaTime};

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

impl RenderJob<'_> {
    fn run(&self, given: Option<GivenPictures<'_>>) -> Result<Rendered> {
        let &Self { ffmpeg, plan, task } = self;
        let order = OutputRequest { film: &plan.film, inputs: &[&plan.brain], output: &plan.output };
        let production = ReservedOutput::begin(ffmpeg, order, given.is_none())?;
        production.picture()?;
        let brain = Brain::load(&plan.brain)?;
        let sounding = ResolvedSynth::of(&brain, plan)?;
        let lent = sounding.lent(ffmpeg, brain.grid().rate, plan, task)?;
        let library = match (&plan.sounds, &brain) {
            (Some(library), Brain::Ensemble(brain)) => {
                let (voice, grid) = (brain.controls(), brain.config().grid);
                Some(LibraryUnits::open(&library.folder, library.matched, voice, grid, task)?)
            }
            _ => None,
        };
        let stock = match &brain {
            Brain::Ensemble(brain) if sounding.takes_sounds() => {
                Some(UnitDatabase::of(brain, library.as_ref(), plan)?)
            }
            _ => None,
        };
        if production.is_scored() && stock.is_none() {
            return Err(output::nothing_to_score(&plan.brain));
        }
        let sources = match &library {
            Some(library) => library.sources(),
            None => brain.ledger(),
        };
        let (rate, channels) = stock
            .as_ref()
            .map_or((brain.grid().rate, 1), |stock| (stock.sound.rate(), stock.sound.channels()));
        let length = production.facts().and_then(|facts| facts.duration);
        let cuts = match (plan.choice.by_shot, &stock) {
            (true, Some(_)) => Some(shot_sources::cuts(ffmpeg, &plan.film, None, brain.grid().tick, task)?),
            _ => None,
        };
        let mut stage = production.stage(SoundtrackMeta {
            rate,
            channels: channels as u32,
            source_channels: channels as u32,
            target: plan.loudness.target(&brain),
            made: made(plan, &brain, library.as_ref()),
            sources: stock.is_some().then(|| sources.iter().map(CreditedSource::from).collect()),
            brain: Some(brain.id().to_owned()),
            filtered: sounding.is_filtered(),
        })?;
        let mut playing: Box<dyn Renderer> = match (&brain, &sounding, &stock) {
            (Brain::Classic(brain), ResolvedSynth::Blocks(synth), _) => {
                Box::new(ClassicRenderer::new(brain, synth))
            }
            (Brain::Classic(brain), ResolvedSynth::Spectral { config, .. }, _) => {
                Box::new(ClassicRenderer::of_frames(brain, config, lent))
            }
            (Brain::Ensemble(brain), ResolvedSynth::Mosaic { config, shape }, Some(stock)) => {
                Box::new(MosaicRenderer::new(brain, stock, plan, config, &UnitRendering::Shaped(shape), cuts))
            }
            (
                Brain::Ensemble(brain),
                ResolvedSynth::Blocks(FrameSynthConfig::Granular(grains)),
                Some(stock),
            ) => {
                let config = mosaic_of(brain, &plan.choice);
                Box::new(MosaicRenderer::new(
                    brain,
                    stock,
                    plan,
                    &config,
                    &UnitRendering::Grains(grains),
                    cuts,
                ))
            }
            (Brain::Ensemble(brain), ResolvedSynth::Spectral { config, .. }, _) => {
                Box::new(SpectralRenderer::new(brain, plan, config, lent)?)
            }
            _ => unreachable!("ResolvedSynth::of refuses what does not suit the brain"),
        };
        let performance = Performance { plan, brain: &brain, task };
        let heard = match given {
            Some(given) => {
                let length = Some(given.end);
                performance.play(TimedPictures::Given(given), length, &mut *playing, &mut stage)
            }
            None => {
                let pictures = TimedPictures::open(ffmpeg, plan, brain.size(), brain.colour(), task)?;
                performance.play(pictures, length, &mut *playing, &mut stage)
            }
        };
        let heard = heard.map_err(|e| stage.named(e))?;
        let latency_ms = plan.live.then(|| rounded_ms(playing.latency()));
        let seconds = heard.length.as_secs_f64();
        let played = playing.played();
        drop(playing);
        let format = stage.format;
        let sound = stock.as_ref().map(|stock| stock as &dyn SourceSound);
        let completed = stage.complete(seconds, played, sound, task)?;
        Ok(Rendered {
            output: plan.output.file.clone(),
            seconds,
            ticks: heard.ticks,
            filtered: sounding.is_filtered(),
            synth: sounding,
            rate: format.rate,
            channels: format.channels,
            latency_ms,
            codec: completed.codec,
            loudness_before: completed.loudness_before,
            gain_db: completed.gain_db,
            brain: brain.id().to_owned(),
            from_corpus: heard.from_corpus,
            sounds: library
                .map(|library| library.sources().iter().map(|source| source.name.clone()).collect()),
            credits: completed.credits,
            complaints: heard.complaints,
        })
    }
}

/// How many ticks have their middle before `length`.
pub(crate) fn ticks_until(tick: FrameRate, length: MediaTime) -> i64 {
    let near = tick.ticks_in(length) as i64;
    if tick.middle_of(near) < length { near + 1 } else { near }
}

/// What is known when all pictures were shown.
struct PlayedPictures {
    length: MediaTime,
    ticks: u64,
    from_corpus: bool,
    complaints: Vec<String>,
}

pub(crate) fn rounded_ms(seconds: f64) -> f64 {
    (seconds * 1e4).round() / 10.0
}

impl Renderer for ClassicRenderer<'_> {
    fn show(&mut self, pixels: &[u8], until: MediaTime, sketch: &mut MixStage<'_>) -> Result<()> {
        ClassicRenderer::show(self, pixels, until);
        sketch.add(self.take())
    }

    fn end(&mut self, length: MediaTime, sketch: &mut MixStage<'_>) -> Result<()> {
        sketch.add(ClassicRenderer::end(self, length))
    }

    fn ticks(&self) -> u64 {
        ClassicRenderer::ticks(self)
    }

    fn latency(&self) -> f64 {
        ClassicRenderer::latency(self)
    }
}

/// Every picture through the brain into the sketch.
struct Performance<'a> {
    plan: &'a RenderPlan,
    brain: &'a Brain,
    task: Task<'a>,
}

impl Performance<'_> {
    /// `length` is what is to be expected.
    fn play(
        &self,
        mut pictures: TimedPictures<'_>,
        length: Option<MediaTime>,
        playing: &mut dyn Renderer,
        stage: &mut OpenOutput<'_>,
    ) -> Result<PlayedPictures> {
        let &Self { plan, brain, task, .. } = self;
        let from_corpus = pictures.are_prepared();
        let name = plan.film.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let expected = length.map(|length| brain.grid().tick.ticks_in(length));
        task.watcher.stage(&format!("playing {name}"), "ticks", expected);

        let mut first = None;
        let mut held: Option<Vec<u8>> = None;
        while let Some(picture) = pictures.next()? {
            task.cancel.check()?;
            let begin = *first.get_or_insert(picture.time);
            if held.is_none() {
                stage.lay_under(begin)?;
            }
            if let Some(previous) = held.replace(picture.pixels) {
                playing.show(&previous, picture.time - begin, &mut stage.sketch)?;
                task.watcher.advance(playing.ticks());
            }
        }
        let decoded = pictures.finish()?;
        let (Some(begin), Some(last)) = (first, held) else { return Err(no_picture(&plan.film)) };
        let length = decoded.end - begin;
        playing.show(&last, length, &mut stage.sketch)?;
        playing.end(length, &mut stage.sketch)?;
        stage.sketch.end()?;
        let ticks = playing.ticks();
        task.watcher.advance(ticks);
        for complaint in &decoded.complaints {
            task.watcher.warn(&format!("{name}: {complaint}"));
        }
        Ok(PlayedPictures { length, ticks, from_corpus, complaints: decoded.complaints })
    }
}

/// What the file's own tags say of which brain made it from which films and sounds.
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
