//! A film's own sound, played with other sounds: every tick of it finds the most similar unit in a library.
//!
//! No brain is needed: the target is the film's sound (musical mosaicing, as in A. Zils and F. Pachet, DAFx 2001). So attacks
//! come when they come in the film, pitches follow its pitches as far as the library goes, and loudness is the film's.

mod audio_target;
#[cfg(test)]
mod tests;

use crate::concat::{
    ConcatEngine, EngineOptions, LibraryUnits, Lookahead, SelectionConfig, UnitDatabase, UnitRendering,
    shot_ticks,
};
use crate::dataset::{PrepareOptions, Shard};
use crate::media::Ffmpeg;
use crate::render::{LibraryRequest, LoudnessMode};
use crate::revoice::audio_target::{AudioTarget, scaler_of};
use crate::score::CreditedSource;
use crate::sound_library::{self, Segmentation, SoundAnalysis, analysis_grid};
use crate::soundtrack::{
    FinishedSound, OpenOutput, OutputOptions, OutputRequest, ReservedOutput, Soundtrack, SoundtrackMeta,
    rounded_ms, ticks_until,
};
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::concat::{MosaicConfig, UnitSound};
use kinophone_dsp::spectral::BandMatcherConfig;
use kinophone_dsp::units::{MediaTime, TickGrid};
use serde::Serialize;
use std::path::PathBuf;

/// Ticks from one report of progress to the next, and from one look at the request to stop to the next.
const TICKS_PER_REPORT: usize = 64;

/// A film to be revoiced.
#[derive(Clone, Debug)]
pub struct RevoicePlan {
    /// The film, or a recording.
    pub film: PathBuf,
    /// The sounds to play with.
    pub sounds: LibraryRequest,
    /// The output.
    pub output: OutputOptions,
    /// Weights of unit selection.
    pub selection: SelectionConfig,
    /// By how many semitones sounds are brought to the film's pitches at most, in any octave, 0 to 6; they last as long as
    /// before.
    pub tune: f32,
    /// The filter of the mosaic towards the film's tone and attacks.
    pub shape: BandMatcherConfig,
    /// The part of the film that is known when units are selected. Where attacks and pitches are is known from the whole film in any
    /// case.
    pub lookahead: Lookahead,
    /// Loudness of the result: [`LoudnessMode::Usual`] is as loud as the film.
    pub loudness: LoudnessMode,
    /// A folder of shards, created if missing, where the analysis of the film's sound is kept.
    pub corpus: PathBuf,
}

/// A film that was revoiced.
#[derive(Clone, Debug, Serialize)]
pub struct Revoiced {
    /// The soundtrack.
    #[serde(flatten)]
    pub soundtrack: Soundtrack,
    /// Ticks that were played.
    pub ticks: usize,
    /// As in live use: by how much the end of a tick's sound comes after the end of the tick at most, in milliseconds.
    pub latency_ms: Option<f64>,
    /// Weights of unit selection.
    #[serde(rename = "choice")]
    pub selection: SelectionConfig,
    /// By how many semitones sounds were brought to the film's pitches at most.
    pub tune: f32,
    /// The filter that was used.
    pub shape: BandMatcherConfig,
}

/// Plays `plan`. The output appears whole or not at all. Errors besides those of film, output and library: `Kind::NoSound`
/// for a film without sound, `Kind::Empty` for one that is silent.
pub fn revoice(ffmpeg: &Ffmpeg, plan: &RevoicePlan, task: Task<'_>) -> Result<Revoiced> {
    RevoiceJob { ffmpeg, plan, grid: analysis_grid(), task }.run()
}

/// A film being revoiced.
struct RevoiceJob<'a> {
    ffmpeg: &'a Ffmpeg,
    plan: &'a RevoicePlan,
    grid: TickGrid,
    task: Task<'a>,
}

impl RevoiceJob<'_> {
    fn run(&self) -> Result<Revoiced> {
        let &Self { ffmpeg, plan, grid, task } = self;
        let request =
            OutputRequest { film: &plan.film, inputs: &[&plan.sounds.folder], options: &plan.output };
        let reserved = ReservedOutput::begin(ffmpeg, request, true)?;
        let shard = self.analysis()?;
        let scaler = scaler_of(&shard).ok_or_else(|| {
            Error::new(Kind::Empty, "has a sound track in which nothing sounds above −60 dB")
                .at(&plan.film)
                .help(
                    "name a film that sounds; silent ones are for 'kinophone render' and 'kinophone texture'",
                )
        })?;
        let library = LibraryUnits::open(&plan.sounds.folder, plan.sounds.matched, &scaler, grid, task)?;
        let database = UnitDatabase::of_library(&library, &plan.selection, plan.selection.pitch > 0.0);
        let Extent { begin, end, complaints } = Extent::of(&reserved, &shard, task)?;
        task.warn_of(&plan.film, &complaints);
        let mut output = reserved.open(self.meta(&library, &database))?;
        output.lay_under(begin)?;
        let mut engine =
            ConcatEngine::new(&database, self.engine_options(scaler.mean_loudness_db(), begin)?)?;
        let targets = AudioTarget::new(&shard, &scaler, &database)?;
        let ticks = output.play(|output| self.play(targets, &mut engine, end, output))?;
        let latency_ms = plan.lookahead.is_live().then(|| rounded_ms(engine.latency()));
        let finished = FinishedSound {
            seconds: (end - begin).as_secs_f64(),
            played: Some(engine.take_played()),
            sound: Some(&database),
            complaints,
        };
        Ok(Revoiced {
            soundtrack: output.finish(finished, task)?,
            ticks,
            latency_ms,
            selection: plan.selection.clone(),
            tune: plan.tune,
            shape: plan.shape.clone(),
        })
    }

    /// The shard with the film's sound: one that is there already, or a new one.
    fn analysis(&self) -> Result<Shard> {
        let &Self { ffmpeg, plan, task, .. } = self;
        let options =
            PrepareOptions { audio_tracks: plan.output.audio_tracks.clone(), ..PrepareOptions::default() };
        let films = std::slice::from_ref(&plan.film);
        let segmentation = Segmentation::default();
        let prepared = sound_library::prepare(ffmpeg, films, &plan.corpus, segmentation, &options, task)?;
        let prepared = prepared.into_iter().collect::<Result<Vec<_>>>()?;
        match prepared.first() {
            Some(prepared) => Shard::open(&prepared.shard),
            None => {
                Err(Error::new(Kind::NoSound, "has no sound").at(&plan.film).help("name a film that sounds"))
            }
        }
    }

    fn meta(&self, library: &LibraryUnits, database: &UnitDatabase<'_>) -> SoundtrackMeta {
        let plan = self.plan;
        let names: Vec<&str> = library.sources().iter().map(|source| &*source.name).collect();
        let channels = database.sound.channels() as u32;
        SoundtrackMeta {
            rate: database.sound.rate(),
            channels,
            source_channels: channels,
            target: match plan.loudness {
                LoudnessMode::Lufs(lufs) => Some(lufs),
                LoudnessMode::Usual | LoudnessMode::AsSaid => None,
            },
            made: format!("after the film's own sound, from these sounds: {}", names.join(", ")),
            sources: Some(library.sources().iter().map(CreditedSource::from).collect()),
            brain: None,
            filtered: !plan.shape.is_off(),
        }
    }

    /// `begin` is that of the soundtrack: the picture may begin later than the sound.
    fn engine_options(&self, usual_db: f32, begin: MediaTime) -> Result<EngineOptions<'_>> {
        let &Self { ffmpeg, plan, task, .. } = self;
        let (tick, corpus) = (self.grid.tick, Some(&*plan.corpus));
        let shots = || shot_ticks(ffmpeg, &plan.film, corpus, Some(MediaTime::ZERO), tick, task);
        Ok(EngineOptions {
            config: plan.selection.applied(MosaicConfig::default(), tick),
            rendering: UnitRendering::Joined(&plan.shape),
            lookahead: plan.lookahead,
            usual_db,
            layers: plan.selection.layers,
            tune: plan.tune,
            shot_ticks: plan.selection.by_shot.then(shots).transpose()?,
            keep_jumps: false,
            keep_clips: !plan.output.scores.is_empty(),
            begin,
        })
    }

    /// Plays all ticks until `end`, and returns how many there are.
    fn play(
        &self,
        mut targets: AudioTarget<'_>,
        engine: &mut ConcatEngine<'_>,
        end: MediaTime,
        output: &mut OpenOutput<'_>,
    ) -> Result<usize> {
        let &Self { plan, task, .. } = self;
        let ticks = ticks_until(self.grid.tick, end).max(0) as usize;
        let name = plan.film.file_name().unwrap_or_default().to_string_lossy();
        task.watcher.stage(&format!("playing {name}"), "ticks", Some(ticks as u64));
        for tick in 0..ticks {
            if tick.is_multiple_of(TICKS_PER_REPORT) {
                task.cancel.check()?;
                task.watcher.advance(tick as u64);
                engine.deliver(&mut output.mix)?;
            }
            engine.push(targets.target(tick))?;
        }
        engine.finish(end, &mut output.mix)?;
        task.watcher.advance(ticks as u64);
        Ok(ticks)
    }
}

/// Beginning and end of a soundtrack on the film's clock.
struct Extent {
    begin: MediaTime,
    end: MediaTime,
    /// Whatever is not as it should be of the pictures.
    complaints: Vec<String>,
}

impl Extent {
    /// Those of the picture as it is there, whatever the container claims, or of the sound where there is no picture.
    fn of(reserved: &ReservedOutput<'_>, shard: &Shard, task: Task<'_>) -> Result<Self> {
        let sound = analysis_grid().tick.time_of(SoundAnalysis::tick_count(shard) as i64);
        let picture = reserved.facts().and_then(|facts| facts.picture.as_ref());
        if picture.is_none() && !reserved.is_sound_alone() {
            reserved.picture()?;
        }
        let begin = picture.map_or(MediaTime::ZERO, |picture| picture.start.max(MediaTime::ZERO));
        let found = reserved.film().map(|film| film.picture_end(task.cancel)).transpose()?.flatten();
        let (end, complaints) = found.unwrap_or((sound, Vec::new()));
        Ok(Self { begin, end: end.max(begin), complaints })
    }
}
