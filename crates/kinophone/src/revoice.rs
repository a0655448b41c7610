//! A film's own sound in the voice of other sounds: every tick of it finds its like in a library.
//!
//! No brain is needed: what is wanted is what the film sounds like (musical mosaicing, as in A. Zils and F. Pachet, DAFx 2001). So
//! attacks come when they come in the film, tones follow its tones as far as the library goes, and loudness is the film's.

use crate::concat::{
    ConcatEngine, LibraryUnits, Lookahead, OnsetPitchTrack, PITCH, PitchSegment, SelectionConfig, Target,
    UnitDatabase, UnitRendering, shot_sources as casting,
};
use crate::dataset::{AudioFeatures, PrepareOptions, Shard};
use crate::media::{Ffmpeg, SoundCodec};
use crate::model::{ControlScaler, DESCRIPTOR, OUTPUTS};
use crate::render::{LibraryRequest, LoudnessMode, rounded_ms, ticks_until};
use crate::score::{CreditedSource, Credits};
use crate::sound_library::{self, Segmentation, SoundAnalysis, analysis_grid};
use crate::soundtrack::{OutputOptions, OutputRequest, ReservedOutput, SoundtrackMeta};
use crate::task::Task;
use crate::{Error, Kind, Result};
use kinophone_dsp::concat::{MosaicConfig, UnitSound};
use kinophone_dsp::granular::GrainModulation;
use kinophone_dsp::metrics::BANDS;
use kinophone_dsp::spectral::BandMatcherConfig;
use kinophone_dsp::units::{MediaTime, SampleRate};
use serde::Serialize;
use std::path::PathBuf;

/// Ticks between two looks at the clock and at who wants to stop.
const STEP: usize = 64;
/// Ticks of what the film sounds like that are read at a time: a minute.
const PART: usize = 1800;
/// Minutes that say what is usual in a film.
const MOST_PARTS: usize = 30;
/// A sound that begins so many ticks before an attack brings its own attack in time for that.
const AHEAD: i64 = 2;

/// What to revoice.
#[derive(Clone, Debug)]
pub struct RevoicePlan {
    /// The film, or a recording.
    pub film: PathBuf,
    /// The sounds to play with.
    pub sounds: LibraryRequest,
    /// Where the result goes.
    pub output: OutputOptions,
    /// What counts when sound is chosen.
    pub choice: SelectionConfig,
    /// By how many semitones sounds are brought to the film's pitches at most, in any octave, 0 to 6; they last as long as before.
    pub tune: f32,
    /// How the mosaic is filtered towards the film's tone and attacks.
    pub shape: BandMatcherConfig,
    /// Choose as if live: so many further ticks are known; `None`: all are. Where attacks and pitches are is known from the whole film in
    /// any case.
    pub delay: Option<usize>,
    /// How loud the result is: [`LoudnessMode::Usual`] is as loud as the film.
    pub loudness: LoudnessMode,
    /// A folder of shards, created if missing, where the film's sound is kept once it was listened to.
    pub corpus: PathBuf,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Revoiced {
    /// The file.
    pub output: PathBuf,
    /// Its length in seconds.
    pub seconds: f64,
    /// Ticks that found their like.
    pub ticks: usize,
    /// Rate of the samples handed to the encoder, in Hz.
    pub rate: SampleRate,
    /// 1 or 2.
    pub channels: u32,
    /// As live: by how much the end of a tick's sound comes after the end of the tick at most, in milliseconds.
    pub latency_ms: Option<f64>,
    /// Codec of the sound.
    pub codec: SoundCodec,
    /// Integrated loudness before the gain, in LUFS, where there is one.
    pub loudness_before: Option<f64>,
    /// The gain, in dB.
    pub gain_db: f64,
    /// What counted.
    pub choice: SelectionConfig,
    /// By how many semitones sounds were brought to the film's pitches at most.
    pub tune: f32,
    /// How it was filtered.
    pub shape: BandMatcherConfig,
    /// Whose sounds are played.
    pub credits: Option<Credits>,
}

/// Plays `plan`. The output appears whole or not at all. Errors besides those of film, output and library: `Kind::NoSound` for a film
/// without sound, `Kind::Empty` for one that is silent.
pub fn revoice(ffmpeg: &Ffmpeg, plan: &RevoicePlan, task: Task<'_>) -> Result<Revoiced> {
    let order = OutputRequest { film: &plan.film, inputs: &[], output: &plan.output };
    let production = ReservedOutput::begin(ffmpeg, order, true)?;
    let grid = analysis_grid();
    let shard = listen(ffmpeg, plan, task)?;
    let voice = voice_of(&shard).ok_or_else(|| {
        Error::new(Kind::Empty, "has a sound track in which nothing sounds")
            .at(&plan.film)
            .help("name a film that sounds; silent ones are for 'kinophone render' and 'kinophone texture'")
    })?;
    let sounds = LibraryUnits::open(&plan.sounds.folder, plan.sounds.matched, &voice, grid, task)?;
    let stock = UnitDatabase::of_library(&sounds, &plan.choice, plan.choice.pitch > 0.0);
    let (begin, end) = extent(&production, &shard)?;
    let names: Vec<&str> = sounds.sources().iter().map(|source| &*source.name).collect();
    let mut stage = production.stage(SoundtrackMeta {
        rate: stock.sound.rate(),
        channels: stock.sound.channels() as u32,
        source_channels: stock.sound.channels() as u32,
        target: match plan.loudness {
            LoudnessMode::Lufs(lufs) => Some(lufs),
            LoudnessMode::Usual | LoudnessMode::AsSaid => None,
        },
        made: format!("after the film's own sound, from these sounds: {}", names.join(", ")),
        sources: Some(sounds.sources().iter().map(CreditedSource::from).collect()),
        brain: None,
        filtered: !plan.shape.is_off(),
    })?;
    stage.lay_under(begin)?;
    let cuts = match plan.choice.by_shot {
        true => Some(casting::cuts(ffmpeg, &plan.film, Some(MediaTime::ZERO), grid.tick, task)?),
        false => None,
    };

    let config = plan.choice.applied(MosaicConfig::default(), grid.tick);
    let when = plan.delay.map_or(Lookahead::Exactly, Lookahead::After);
    let then = UnitRendering::Shaped(&plan.shape);
    let usual_db = voice.usual_loudness_db();
    let mut weaver = ConcatEngine::new(
        &stock,
        &config,
        &then,
        when,
        usual_db,
        plan.choice.layers,
        !plan.output.scores.is_empty(),
    )
    .by_shot(cuts)
    .tuned(plan.tune);
    let ticks = ticks_until(grid.tick, end).max(0) as usize;
    let name = plan.film.file_name().unwrap_or_default().to_string_lossy();
    task.watcher.stage(&format!("playing {name}"), "ticks", Some(ticks as u64));
    let mut echo = AudioTarget::new(&shard, &voice, &stock)?;
    // The film may begin to be seen later than to be heard.
    let skip = stock.sound.rate().sample_at(begin).max(0) as usize * stock.sound.channels();
    let mut played = |stage: &mut crate::soundtrack::OpenOutput<'_>| -> Result<()> {
        stage.sketch.skip(skip);
        for tick in 0..ticks {
            if tick.is_multiple_of(STEP) {
                task.cancel.check()?;
                task.watcher.advance(tick as u64);
                weaver.play(&mut stage.sketch)?;
            }
            weaver.push(echo.wanted(tick));
        }
        weaver.finish(end, &mut stage.sketch)?;
        stage.sketch.end()
    };
    played(&mut stage).map_err(|e| stage.named(e))?;
    task.watcher.advance(ticks as u64);
    let latency_ms = plan.delay.map(|_| rounded_ms(weaver.latency()));
    let pieces = weaver.played();
    drop(weaver);
    let format = stage.format;
    let seconds = (end - begin).as_secs_f64();
    let completed = stage.complete(seconds, Some(pieces), Some(&stock), task)?;
    Ok(Revoiced {
        output: plan.output.file.clone(),
        seconds,
        ticks,
        rate: format.rate,
        channels: format.channels,
        latency_ms,
        codec: completed.codec,
        loudness_before: completed.loudness_before,
        gain_db: completed.gain_db,
        choice: plan.choice.clone(),
        tune: plan.tune,
        shape: plan.shape.clone(),
        credits: completed.credits,
    })
}

/// What the film sounds like: known already, or listened to now and kept.
fn listen(ffmpeg: &Ffmpeg, plan: &RevoicePlan, task: Task<'_>) -> Result<Shard> {
    let options = PrepareOptions { audio_track: plan.output.audio_track, ..PrepareOptions::default() };
    let films = std::slice::from_ref(&plan.film);
    let segmentation = Segmentation::default();
    let prepared = sound_library::prepare(ffmpeg, films, &plan.corpus, segmentation, &options, task)?;
    match prepared.first() {
        Some(prepared) => Shard::open(&prepared.shard),
        None => Err(Error::new(Kind::NoSound, "has no sound").at(&plan.film).help("name a film that sounds")),
    }
}

/// What is usual in the film, from all of it or, if it is long, from minutes spread over it; `None` where nothing sounds.
fn voice_of(shard: &Shard) -> Option<ControlScaler> {
    let parts = SoundAnalysis::tick_count(shard).div_ceil(PART);
    let part = |k: usize| {
        let heard = SoundAnalysis::ticks_of_shard(shard, k * PART..(k + 1) * PART);
        shard.release();
        let sounding: Vec<u32> =
            (0..heard.loudness.len() as u32).filter(|tick| !heard.is_silent(*tick as usize)).collect();
        (heard, sounding)
    };
    let sounding: Vec<usize> = (0..parts).filter(|k| !part(*k).1.is_empty()).collect();
    let asked = sounding.len().min(MOST_PARTS);
    let asked: Vec<_> = (0..asked).map(|k| part(sounding[k * sounding.len() / asked])).collect();
    let stretches: Vec<(&AudioFeatures, &[u32])> =
        asked.iter().map(|(heard, ticks)| (heard, &ticks[..])).collect();
    (!stretches.is_empty()).then(|| ControlScaler::fit(&stretches))
}

/// When the soundtrack begins and ends on the film's clock: with its picture, or with its sound where there is none to be seen.
fn extent(production: &ReservedOutput<'_>, shard: &Shard) -> Result<(MediaTime, MediaTime)> {
    let grid = analysis_grid();
    let sound = grid.tick.time_of(SoundAnalysis::tick_count(shard) as i64);
    let facts = production.facts();
    let picture = facts.and_then(|facts| facts.picture.as_ref());
    if picture.is_none() && !production.is_sound_alone() {
        production.picture()?;
    }
    let begin = picture.map_or(MediaTime::ZERO, |picture| picture.start.max(MediaTime::ZERO));
    let length = picture.and_then(|_| facts.and_then(|facts| facts.duration));
    Ok((begin, length.unwrap_or(sound).max(begin)))
}

/// What is wanted: what was heard.
struct AudioTarget<'a> {
    shard: &'a Shard,
    voice: &'a ControlScaler,
    stock: &'a UnitDatabase<'a>,
    /// Of the film's sound, in frames of the stock.
    marks: OnsetPitchTrack,
    /// Those ticks that are at hand.
    heard: AudioFeatures,
    from: usize,
}

impl<'a> AudioTarget<'a> {
    fn new(shard: &'a Shard, voice: &'a ControlScaler, stock: &'a UnitDatabase<'a>) -> Result<Self> {
        let mut marks = OnsetPitchTrack::default();
        let own = shard.sound().map_or(stock.sound.rate(), |(rate, ..)| rate);
        for unit in SoundAnalysis::units_of_shard(shard)?.unwrap_or_default() {
            let end = unit.first + i64::from(unit.frames);
            let tone =
                PitchSegment { first: unit.first, end, hz: unit.pitch_hz, confidence: unit.confidence };
            let attack = unit.attack.map(|attack| unit.first + i64::from(attack));
            marks.add(stock.sound.rate(), own, tone, attack);
        }
        Ok(Self { shard, voice, stock, marks, heard: AudioFeatures::default(), from: 0 })
    }

    fn wanted(&mut self, tick: usize) -> Target {
        let at_hand = self.from..self.from + self.heard.loudness.len();
        // Pictures may go on when the sound is over.
        if !at_hand.contains(&tick) && tick < SoundAnalysis::tick_count(self.shard) {
            self.from = tick;
            self.heard = SoundAnalysis::ticks_of_shard(self.shard, tick..tick + PART);
            self.shard.release();
        }
        let theirs = self.stock.voice;
        let (mut row, mut target) = ([0.0; OUTPUTS], [0.0; DESCRIPTOR + PITCH]);
        let here = tick - self.from;
        if here < self.heard.loudness.len() {
            self.voice.target(&self.heard, here, &mut row);
            self.voice.unit(&self.heard, here, &mut target[..DESCRIPTOR]);
        } else {
            self.voice.target_of_silence(&mut row);
        }
        let loudness_db = self.voice.loudness_db(&row);
        let mut bands = [0.0; BANDS];
        theirs.bands(&row, &mut bands);
        let level = (loudness_db - theirs.loudness_db(&row)) / 10.0;
        bands.iter_mut().for_each(|power| *power += level);
        let silent = self.heard.loudness.get(here).is_none_or(|_| self.heard.is_silent(here));
        let grid = self.stock.sound.grid();
        let (start, half) = (grid.start_sample(tick as i64), grid.span(tick as i64) as i64 / 2);
        let known = if self.stock.is_pitched() { DESCRIPTOR + PITCH } else { DESCRIPTOR };
        target[DESCRIPTOR..].copy_from_slice(&self.marks.pitch_at(start + half));
        let attack = self.marks.attack_from(start - half).map(|attack| attack - start);
        Target {
            target: self.stock.weighed(&target[..known]),
            loudness_db,
            silence: f32::from(silent),
            // What is as quiet as the film may be heard: faint sounds are sounds, too.
            soft: true,
            bands,
            rise: self.heard.flux.get(here).copied().unwrap_or(0.0),
            attack: attack.filter(|attack| *attack < AHEAD * 2 * half),
            hz: self.marks.sure_hz(start + half),
            // Nothing is taken apart into grains here.
            manner: GrainModulation::default(),
        }
    }
}
