//! Film and brain to soundtrack, streaming: pictures on the brain's tick → network → synth → loudness → file.
//!
//! Pictures are decoded, the brain is asked, sound is synthesised, limited and encoded as the film comes. Where the result is
//! to have a certain loudness there is a second pass over the sound: the first measures it into a scratch file, the second
//! applies one gain. Memory stays constant in the film's length: a handful of pictures, one batch of blocks, a few thousand
//! samples, and the ticks for which a mosaic has not decided yet.
//!
//! Tick 0 begins with the first picture, so the soundtrack begins with it, and ends when the last picture ceases to be
//! shown.

mod casting;
pub(crate) mod finish;
mod lender;
mod marks;
mod mosaic;
mod notation;
mod performer;
mod pictures;
pub(crate) mod production;
mod revoice;
mod spectral;
mod stock;
mod weaver;

pub use crate::brain::Matched;
pub use performer::Performer;
pub use pictures::GivenPictures;
pub use production::Output;
pub use revoice::{RevoicePlan, Revoiced, revoice};

use crate::brain::{AnyBrain, BrainConfig, DESCRIPTOR, Ensemble};
use crate::media::{Ffmpeg, SoundCodec};
use crate::score::{Credited, Credits, SourceSound};
use crate::storage;
use crate::task::Task;
use crate::{Error, Kind, Result};
use finish::{Original, Sketch};
use kinophone_dsp::measure::BANDS;
use kinophone_dsp::say::Say;
use kinophone_dsp::synth::mosaic::{MosaicConfig, UnitSound};
use kinophone_dsp::synth::{ShapeConfig, SpectralConfig, SynthConfig, WindowedConfig};
use kinophone_dsp::units::{FrameRate, MediaTime, SampleRate};
use mosaic::Collage;
use pictures::TimedPictures;
use production::{Cast, Order, Played, Production, Stage};
use serde::{Serialize, Serializer};
use spectral::Drawing;
use std::path::{Path, PathBuf};
use stock::{Sounds, Stock};
use weaver::Then;

/// What to render.
#[derive(Clone, Debug)]
pub struct RenderPlan {
    /// The brain file.
    pub brain: PathBuf,
    /// The film to give a soundtrack.
    pub film: PathBuf,
    /// Where it goes. Scores are of a mosaic or of grains.
    pub output: Output,
    /// How the brain's answers become sound.
    pub synth: Asked,
    /// Sounds to play with, instead of those that the brain learned from.
    pub sounds: Option<Library>,
    /// What counts when recorded sound is chosen.
    pub choice: ChoiceConfig,
    /// Seed of what is random in the synth, where none is named.
    pub seed: u64,
    /// Play as if live: with those networks that know nothing of what comes.
    pub live: bool,
    /// How many further ticks are known, live, when the sound of a tick is chosen in a mosaic: [`LIVE_DELAY`], or fewer for a
    /// quicker answer. Not live, the whole film is known.
    pub delay: usize,
    /// How loud the result is.
    pub loudness: Level,
    /// A folder of shards: where the film is among them, its pictures are taken from there and not decoded again.
    pub corpus: Option<PathBuf>,
}

/// A library of sounds: a folder of shards, of sound alone or of films.
#[derive(Clone, Debug, PartialEq)]
pub struct Library {
    /// The folder.
    pub folder: PathBuf,
    /// What of that which the brain says is mapped onto what the library can sound like: its usual loudness and tone become the
    /// library's, and so do their deviations, band by band. For the rest the library is searched for what the film sounded like.
    pub matched: Matched,
}

/// What counts when recorded sound is chosen, beside what suits the brain.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChoiceConfig {
    /// How much likeness in tone counts, 0 to 100: 1 is usual.
    pub tone: f32,
    /// In loudness.
    pub loudness: f32,
    /// In attacks.
    pub onset: f32,
    /// In what is seen, where the sound is a brain's own.
    pub picture: f32,
    /// In pitch, where a film's own sound says it: in [`revoice`]. Brains say nothing of pitches.
    pub pitch: f32,
    /// How much it counts that recordings run on, 0 to 100: 0 jumps in every tick, 1 is usual.
    pub flow: f32,
    /// How many seconds pass before the same moment of a recording is heard again, if another one is nearly as good; 0 to 300.
    pub repeat_after: f32,
    /// How many sounds are heard at once, 1 to 8; together they are as loud as one.
    pub layers: usize,
    /// Whether each shot of the film is played with one recording alone, the one that suits it best. The whole film must be known.
    pub by_shot: bool,
}

impl Default for ChoiceConfig {
    fn default() -> Self {
        let (tone, loudness, onset, picture, pitch, flow) = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0);
        Self { tone, loudness, onset, picture, pitch, flow, repeat_after: 0.0, layers: 1, by_shot: false }
    }
}

impl ChoiceConfig {
    /// What a unit costs that was heard a moment ago, in squared distance of descriptors: a few deviations.
    const REPEAT_PRICE: f32 = 4.0;

    /// By which descriptors are multiplied, with the weight of what lies beyond what is heard: distances are of their squares.
    fn weights(&self, dims: usize, beyond: f32) -> Vec<f32> {
        let weight = |dim: usize| match dim {
            0..BANDS => self.tone,
            BANDS => self.loudness,
            d if d < DESCRIPTOR => self.onset,
            _ => beyond,
        };
        (0..dims).map(|dim| weight(dim).max(0.0).sqrt()).collect()
    }

    /// A mosaic's settings with this choice.
    fn applied(&self, config: MosaicConfig, tick: FrameRate) -> MosaicConfig {
        MosaicConfig {
            jump_price: config.jump_price * self.flow,
            stay: config.stay * self.flow,
            repeat_ticks: (f64::from(self.repeat_after) * tick.as_f64()) as u32,
            repeat_price: Self::REPEAT_PRICE,
            ..config
        }
    }
}

/// How loud a soundtrack is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Level {
    /// As an ensemble says it, since it says loudness in dB; a brain of 2015 says samples, whose level depends on how sure it is of
    /// itself, and is brought to −18 LUFS.
    Usual,
    /// As the brain says it.
    AsSaid,
    /// Integrated loudness in LUFS (EBU R 128).
    Lufs(f64),
}

impl RenderPlan {
    /// A film played by a brain as usual.
    pub fn new(brain: PathBuf, film: PathBuf, output: Output) -> Self {
        Self {
            brain,
            film,
            output,
            synth: Asked::Usual,
            sounds: None,
            choice: ChoiceConfig::default(),
            seed: 0,
            live: false,
            delay: LIVE_DELAY,
            loudness: Level::Usual,
            corpus: None,
        }
    }

    fn refuse<T>(&self, what: &str, help: &str) -> Result<T> {
        Err(Error::new(Kind::Invalid, what).at(&self.brain).help(help))
    }
}

/// See [`Level::Usual`].
const USUAL_LUFS: f64 = -18.0;

impl Level {
    /// The loudness to be reached, in LUFS.
    fn target(self, brain: &AnyBrain) -> Option<f64> {
        match (self, brain) {
            (Self::Lufs(lufs), _) => Some(lufs),
            (Self::Usual, AnyBrain::Classic(_)) => Some(USUAL_LUFS),
            (Self::Usual, AnyBrain::Ensemble(_)) | (Self::AsSaid, _) => None,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Rendered {
    /// The file.
    pub output: PathBuf,
    /// Its length in seconds.
    pub seconds: f64,
    /// Ticks for which the brain spoke.
    pub ticks: u64,
    /// How the brain's answers became sound.
    pub synth: Sounding,
    /// Rate of the samples handed to the encoder, in Hz.
    pub rate: SampleRate,
    /// 1, or 2 where a stereo original is kept.
    pub channels: u32,
    /// Live: by how much the end of a tick's sound comes after the end of the tick at most, in milliseconds, without the
    /// time that computing takes.
    pub latency_ms: Option<f64>,
    /// Codec of the sound.
    pub codec: SoundCodec,
    /// Integrated loudness before the gain, in LUFS; `None` where the level was left as it is, or everything lies below the gate
    /// of −70 LUFS.
    pub loudness_before: Option<f64>,
    /// The gain, in dB.
    pub gain_db: f64,
    /// Name of the brain's content.
    pub brain: String,
    /// Pictures came from a shard instead of the film.
    pub from_corpus: bool,
    /// File names of the library's sources, where it played with one.
    pub sounds: Option<Vec<String>>,
    /// Whose recorded sounds are played, if any are.
    pub credits: Option<Credits>,
    /// A mosaic was filtered, so that scores for other programs sound like it was before.
    pub filtered: bool,
    /// What ffmpeg complained about while decoding.
    pub complaints: Vec<String>,
}

/// The sound that is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Asked {
    /// What suits the brain.
    #[default]
    Usual,
    /// A mosaic, as the brain was found to play it best where nothing else is said.
    Mosaic {
        /// See [`ShapeConfig::tone`].
        tone: Option<f32>,
        /// See [`ShapeConfig::attack`].
        attack: Option<f32>,
    },
    /// This, whatever the brain knows.
    Exactly(Sounding),
}

/// How a brain's answers become sound.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum Sounding {
    /// The training sound, tick by tick: for ensembles that carry it.
    Mosaic {
        /// How it is chosen and joined.
        #[serde(flatten)]
        config: MosaicConfig,
        /// How it is filtered then.
        shape: ShapeConfig,
    },
    /// Band powers made audible: for ensembles. Magnitudes, too: for brains of 2015 that say them, whose frames have their own
    /// sizes.
    Spectral {
        /// Its settings.
        #[serde(flatten)]
        config: SpectralConfig,
        /// The sound or film that lends its phases under [`Phase::Lent`](kinophone_dsp::phase::Phase::Lent): up to five minutes of it, without its silent
        /// parts, as a loop. Without one a white noise lends them.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "lossy")]
        lender: Option<PathBuf>,
    },
    /// Blocks of samples through a synth, which has a name of its own: for brains of 2015. Grains are taken out of the training
    /// sound, too: for ensembles that carry it.
    #[serde(untagged)]
    Blocks(SynthConfig),
}

/// How many further ticks the live choice of a mosaic waits for, by default: the fewest with which attacks followed as well as
/// with any (docs/experiments.md).
pub const LIVE_DELAY: usize = 4;

/// A name as text, whatever it is made of.
fn lossy<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(to)
}

/// The ceiling for true peaks, in dBTP, that a listener's player sees.
pub const TRUE_PEAK_CEILING_DB: f64 = -1.0;

/// Renders `plan`. The output appears whole or not at all; nothing is left behind by an error or an interruption.
pub fn render(ffmpeg: &Ffmpeg, plan: &RenderPlan, task: Task<'_>) -> Result<Rendered> {
    Job { ffmpeg, plan, task }.run(None)
}

/// Renders `plan` to pictures that are at hand. The film is opened only where its picture goes into the output: for a sound
/// file it is but a name.
pub fn render_to(
    ffmpeg: &Ffmpeg,
    plan: &RenderPlan,
    pictures: GivenPictures<'_>,
    task: Task<'_>,
) -> Result<Rendered> {
    Job { ffmpeg, plan, task }.run(Some(pictures))
}

/// A render under way.
struct Job<'a> {
    ffmpeg: &'a Ffmpeg,
    plan: &'a RenderPlan,
    task: Task<'a>,
}

impl Job<'_> {
    fn run(&self, given: Option<GivenPictures<'_>>) -> Result<Rendered> {
        let &Self { ffmpeg, plan, task } = self;
        let order = Order { film: &plan.film, inputs: &[&plan.brain], output: &plan.output };
        let production = Production::begin(ffmpeg, order, given.is_none())?;
        production.picture()?;
        let brain = AnyBrain::load(&plan.brain)?;
        let sounding = Sounding::of(&brain, plan)?;
        let lent = sounding.lent(ffmpeg, brain.grid().rate, plan, task)?;
        let library = match (&plan.sounds, &brain) {
            (Some(library), AnyBrain::Ensemble(brain)) => {
                let (voice, grid) = (brain.voice(), brain.config().grid);
                Some(Sounds::open(&library.folder, library.matched, voice, grid, task)?)
            }
            _ => None,
        };
        let stock = match &brain {
            AnyBrain::Ensemble(brain) if sounding.takes_sounds() => {
                Some(Stock::of(brain, library.as_ref(), plan)?)
            }
            _ => None,
        };
        if production.is_scored() && stock.is_none() {
            return Err(production::nothing_to_score(&plan.brain));
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
            (true, Some(_)) => Some(casting::cuts(ffmpeg, &plan.film, None, brain.grid().tick, task)?),
            _ => None,
        };
        let mut stage = production.stage(Cast {
            rate,
            channels: channels as u32,
            source_channels: channels as u32,
            target: plan.loudness.target(&brain),
            made: made(plan, &brain, library.as_ref()),
            sources: stock.is_some().then(|| sources.iter().map(Credited::from).collect()),
            brain: Some(brain.id().to_owned()),
            filtered: sounding.is_filtered(),
        })?;
        let mut playing: Box<dyn Playing> = match (&brain, &sounding, &stock) {
            (AnyBrain::Classic(brain), Sounding::Blocks(synth), _) => Box::new(Performer::new(brain, synth)),
            (AnyBrain::Classic(brain), Sounding::Spectral { config, .. }, _) => {
                Box::new(Performer::of_frames(brain, config, lent))
            }
            (AnyBrain::Ensemble(brain), Sounding::Mosaic { config, shape }, Some(stock)) => {
                Box::new(Collage::new(brain, stock, plan, config, &Then::Shaped(shape), cuts))
            }
            (AnyBrain::Ensemble(brain), Sounding::Blocks(SynthConfig::Granular(grains)), Some(stock)) => {
                let config = mosaic_of(brain, &plan.choice);
                Box::new(Collage::new(brain, stock, plan, &config, &Then::Grains(grains), cuts))
            }
            (AnyBrain::Ensemble(brain), Sounding::Spectral { config, .. }, _) => {
                Box::new(Drawing::new(brain, plan, config, lent)?)
            }
            _ => unreachable!("Sounding::of refuses what does not suit the brain"),
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

impl Sounding {
    /// Band powers made audible, with the usual settings.
    pub fn spectral(seed: u64) -> Self {
        Self::Spectral { config: SpectralConfig { seed, ..SpectralConfig::default() }, lender: None }
    }

    /// The sound that lends its phases, if one does, at `rate`.
    fn lent(
        &self,
        ffmpeg: &Ffmpeg,
        rate: SampleRate,
        plan: &RenderPlan,
        task: Task<'_>,
    ) -> Result<Option<Vec<f32>>> {
        let Self::Spectral { lender: Some(file), .. } = self else { return Ok(None) };
        storage::check_distinct(&plan.output.file, &[file])?;
        lender::listen(ffmpeg, file, rate, task).map(Some)
    }

    /// What was asked for, where it suits the brain, or what suits it best.
    fn of(brain: &AnyBrain, plan: &RenderPlan) -> Result<Self> {
        match brain {
            AnyBrain::Classic(_) if plan.live => {
                plan.refuse("needs no other networks to play live", "leave --live out")
            }
            AnyBrain::Classic(brain) => Self::of_classic(brain.config(), plan),
            AnyBrain::Ensemble(brain) => Self::of_ensemble(brain, plan),
        }
    }

    /// Whether recorded sound is filtered after it was put together.
    fn is_filtered(&self) -> bool {
        matches!(self, Self::Mosaic { shape, .. } if !shape.is_off())
    }

    /// Whether it is made of sound that was recorded.
    fn takes_sounds(&self) -> bool {
        matches!(self, Self::Mosaic { .. } | Self::Blocks(_))
    }

    fn of_ensemble(brain: &Ensemble, plan: &RenderPlan) -> Result<Self> {
        if plan.live && !brain.config().plays(true) {
            return plan.refuse(
                "has no networks for live use",
                "leave --live out, or train it again without --no-live",
            );
        }
        match &plan.synth {
            Asked::Usual if brain.material().is_none() && plan.sounds.is_none() => {
                Ok(Self::spectral(plan.seed))
            }
            Asked::Usual => Ok(Self::mosaic(brain, plan, None, None)),
            Asked::Mosaic { tone, attack } => Ok(Self::mosaic(brain, plan, *tone, *attack)),
            Asked::Exactly(Self::Blocks(synth)) if !matches!(synth, SynthConfig::Granular(_)) => plan.refuse(
                "says no samples, so there is nothing for this synth to join",
                "choose --synth mosaic, granular or spectral, or train with --preset classic",
            ),
            Asked::Exactly(sounding) if plan.sounds.is_some() && !sounding.takes_sounds() => plan.refuse(
                "draws sound by itself with this synth, so there is nothing for other sounds to do",
                "choose --synth mosaic or granular, or leave --sounds out",
            ),
            Asked::Exactly(sounding) => Ok(sounding.clone()),
        }
    }

    /// As the brain was found to play it best. Foreign sounds are never the true ones, so they are always filtered; as they rise
    /// in their own ways, bringing all of them to the wanted attacks would cost the loudness: three quarters of the way are enough
    /// (docs/experiments.md).
    fn mosaic(brain: &Ensemble, plan: &RenderPlan, tone: Option<f32>, attack: Option<f32>) -> Self {
        let own = &brain.config().shape;
        let foreign = plan.sounds.is_some() && own.is_off();
        let mut usual = if foreign { ShapeConfig::default() } else { own.clone() };
        if plan.sounds.is_some() {
            usual.attack *= 0.75;
        }
        let shape =
            ShapeConfig { tone: tone.unwrap_or(usual.tone), attack: attack.unwrap_or(usual.attack), ..usual };
        Self::Mosaic { config: mosaic_of(brain, &plan.choice), shape }
    }

    fn of_classic(brain: &BrainConfig, plan: &RenderPlan) -> Result<Self> {
        if plan.sounds.is_some() {
            return plan.refuse(
                "says its sound itself, so there is nothing for other sounds to do",
                "leave --sounds out, or train without --preset",
            );
        }
        match (brain.say, &plan.synth) {
            (Say::Stft, Asked::Usual) => Ok(Self::spectral(plan.seed).fitted(brain)),
            (Say::Stft, Asked::Exactly(spectral @ Self::Spectral { .. })) => {
                Ok(spectral.clone().fitted(brain))
            }
            (Say::Stft, _) => plan.refuse(
                "says magnitudes, which this synth can't play",
                "choose --synth spectral, or train with --say stft-phase",
            ),
            (_, Asked::Usual) => {
                let config = WindowedConfig { seed: plan.seed, ..WindowedConfig::default() };
                Ok(Self::Blocks(SynthConfig::Windowed(config)))
            }
            (_, Asked::Exactly(Self::Blocks(synth))) => Ok(Self::Blocks(synth.clone())),
            (_, _) => plan.refuse(
                "says blocks of samples and does not describe sound",
                "choose another --synth, or train without --preset or with --say stft",
            ),
        }
    }

    /// With the frames of a brain that says magnitudes, four of which overlap.
    fn fitted(mut self, brain: &BrainConfig) -> Self {
        if let Self::Spectral { config, .. } = &mut self {
            let size = brain.say.samples(brain.grid, brain.hops) as u32;
            (config.transform, config.hop) = (size, size / 4);
        }
        self
    }
}

/// How a brain's own sound is chosen.
fn mosaic_of(brain: &Ensemble, choice: &ChoiceConfig) -> MosaicConfig {
    let config = MosaicConfig { jump_price: brain.config().jump, ..MosaicConfig::default() };
    choice.applied(config, brain.config().grid.tick)
}

/// How many ticks have their middle before `length`.
fn ticks_until(tick: FrameRate, length: MediaTime) -> i64 {
    let near = tick.ticks_in(length) as i64;
    if tick.middle_of(near) < length { near + 1 } else { near }
}

/// Rates and channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// What is played at.
    pub(crate) synth_rate: SampleRate,
    pub(crate) synth_channels: u32,
    /// What is written: the rate that is played, or the original's where that is kept and higher.
    pub(crate) rate: SampleRate,
    pub(crate) channels: u32,
}

impl Format {
    /// Of what is played, beside the film's own sound where that is kept.
    pub(crate) fn beside(synth_rate: SampleRate, synth_channels: u32, original: Option<&Original>) -> Self {
        let (rate, channels) = original.map_or((synth_rate, synth_channels), |o| {
            (synth_rate.max(o.rate), synth_channels.max(o.channels))
        });
        Self { synth_rate, synth_channels, rate, channels }
    }
}

/// What is known when all pictures were shown.
struct Heard {
    length: MediaTime,
    ticks: u64,
    from_corpus: bool,
    complaints: Vec<String>,
}

/// Pictures in, sound out.
trait Playing {
    /// Shows a picture from where the last one ended until `until`, counted from the first picture; sound that is ready
    /// goes into the sketch.
    fn show(&mut self, pixels: &[u8], until: MediaTime, sketch: &mut Sketch<'_>) -> Result<()>;
    /// After the last picture: the rest of the sound, so that all of it lasts `length`.
    fn end(&mut self, length: MediaTime, sketch: &mut Sketch<'_>) -> Result<()>;
    /// Ticks that were answered so far.
    fn ticks(&self) -> u64;
    /// Which pieces of recorded sound were played, after the end; `None` where it is made of none.
    fn played(&mut self) -> Option<Played> {
        None
    }
    /// How many seconds beyond the end of a tick must be known before its sound is complete.
    fn latency(&self) -> f64;
}

fn rounded_ms(seconds: f64) -> f64 {
    (seconds * 1e4).round() / 10.0
}

impl Playing for Performer<'_> {
    fn show(&mut self, pixels: &[u8], until: MediaTime, sketch: &mut Sketch<'_>) -> Result<()> {
        Performer::show(self, pixels, until);
        sketch.add(self.take())
    }

    fn end(&mut self, length: MediaTime, sketch: &mut Sketch<'_>) -> Result<()> {
        sketch.add(Performer::end(self, length))
    }

    fn ticks(&self) -> u64 {
        Performer::ticks(self)
    }

    fn latency(&self) -> f64 {
        Performer::latency(self)
    }
}

/// Every picture through the brain into the sketch.
struct Performance<'a> {
    plan: &'a RenderPlan,
    brain: &'a AnyBrain,
    task: Task<'a>,
}

impl Performance<'_> {
    /// `length` is what is to be expected.
    fn play(
        &self,
        mut pictures: TimedPictures<'_>,
        length: Option<MediaTime>,
        playing: &mut dyn Playing,
        stage: &mut Stage<'_>,
    ) -> Result<Heard> {
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
        Ok(Heard { length, ticks, from_corpus, complaints: decoded.complaints })
    }
}

/// The extension in lower case, and a codec that its container takes.
pub(crate) fn container(output: &Path, codec: Option<SoundCodec>) -> Result<(String, SoundCodec)> {
    let extension = output.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let customary = SoundCodec::default_for(&extension).ok_or_else(|| {
        Error::new(Kind::Invalid, format!("has the extension '.{extension}', which Kinophone does not write"))
            .at(output)
            .help("name the output .mp4, .mov, .mkv, .webm or .avi, or .wav or .flac for the sound alone")
    })?;
    let codec = codec.unwrap_or(customary);
    if !codec.fits(&extension) {
        let codec = format!("{codec:?}").to_lowercase();
        return Err(Error::new(Kind::Invalid, format!("can't hold {codec} sound in a .{extension}"))
            .at(output)
            .help(format!("leave --codec out ({customary:?} is customary there), or name the output .mkv, which takes every codec")));
    }
    Ok((extension, codec))
}

pub(crate) fn extension_is_sound(extension: &str) -> bool {
    matches!(extension, "wav" | "flac")
}

/// What the file's own tags say of which brain made it from which films and sounds.
fn made(plan: &RenderPlan, brain: &AnyBrain, library: Option<&Sounds>) -> String {
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

pub(crate) fn no_picture(film: &Path) -> Error {
    Error::new(Kind::NoPicture, "has no picture to play to")
        .at(film)
        .help("give a film with a picture stream; a sound file alone can't be rendered")
}

pub(crate) fn folder_of(output: &Path) -> &Path {
    output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
