//! Targets that follow the sound of a film.

use crate::Result;
use crate::concat::{OnsetPitchTrack, PITCH, PitchSegment, Target, UnitDatabase};
use crate::dataset::{AudioFeatures, Shard};
use crate::model::{ControlScaler, DESCRIPTOR, OUTPUTS};
use crate::sound_library::SoundAnalysis;
use kinophone_dsp::granular::GrainModulation;
use kinophone_dsp::metrics::BANDS;

/// Ticks of audio features that are read at a time: a minute.
const TICKS_PER_PART: usize = 1800;
/// Minutes by which the usual values of a film are found.
const MAX_FITTED_PARTS: usize = 30;
/// A sound that begins this many ticks before an attack brings its own attack in time for that.
const MAX_TICKS_BEFORE_ATTACK: i64 = 2;

/// Fits a scaler to the film: to all of it or, if it is long, to minutes spread over it; `None` where nothing sounds. Only what
/// sounds counts, and a film of equal beeps has hardly any deviation there.
pub(crate) fn scaler_of(shard: &Shard) -> Option<ControlScaler> {
    let parts = SoundAnalysis::tick_count(shard).div_ceil(TICKS_PER_PART);
    let part = |k: usize| {
        let heard = SoundAnalysis::ticks_of_shard(shard, k * TICKS_PER_PART..(k + 1) * TICKS_PER_PART);
        shard.release();
        let sounding: Vec<u32> =
            (0..heard.loudness.len() as u32).filter(|tick| !heard.is_silent(*tick as usize)).collect();
        (heard, sounding)
    };
    let sounding: Vec<usize> = (0..parts).filter(|k| !part(*k).1.is_empty()).collect();
    let fitted = sounding.len().min(MAX_FITTED_PARTS);
    let fitted: Vec<_> = (0..fitted).map(|k| part(sounding[k * sounding.len() / fitted])).collect();
    let stretches: Vec<(&AudioFeatures, &[u32])> =
        fitted.iter().map(|(heard, ticks)| (heard, &ticks[..])).collect();
    (!stretches.is_empty()).then(|| ControlScaler::fit(&stretches).without_tiny_deviations())
}

/// Turns the sound of a film into targets, tick by tick.
pub(crate) struct AudioTarget<'a> {
    shard: &'a Shard,
    scaler: &'a ControlScaler,
    database: &'a UnitDatabase<'a>,
    /// Attacks and pitches of the film's sound, in frames of the database.
    track: OnsetPitchTrack,
    /// Features of the ticks that are at hand, from `first` on.
    heard: AudioFeatures,
    first: usize,
}

impl<'a> AudioTarget<'a> {
    pub(crate) fn new(
        shard: &'a Shard,
        scaler: &'a ControlScaler,
        database: &'a UnitDatabase<'a>,
    ) -> Result<Self> {
        let mut track = OnsetPitchTrack::default();
        let rate = database.sound.rate();
        let own = shard.sound().map_or(rate, |sound| sound.rate);
        for unit in SoundAnalysis::units_of_shard(shard)?.unwrap_or_default() {
            let end = unit.first + i64::from(unit.frames);
            let segment =
                PitchSegment { first: unit.first, end, hz: unit.pitch_hz, confidence: unit.confidence };
            let attack = unit.attack.map(|attack| unit.first + i64::from(attack));
            track.add(rate, own, segment, attack);
        }
        Ok(Self { shard, scaler, database, track, heard: AudioFeatures::default(), first: 0 })
    }

    /// The target of a tick; ticks come in order.
    pub(crate) fn target(&mut self, tick: usize) -> Target {
        self.read(tick);
        let here = tick - self.first;
        let (mut row, mut descriptor) = ([0.0; OUTPUTS], [0.0; DESCRIPTOR + PITCH]);
        if here < self.heard.loudness.len() {
            self.scaler.target(&self.heard, here, &mut row);
            self.scaler.unit(&self.heard, here, &mut descriptor[..DESCRIPTOR]);
        } else {
            self.scaler.target_of_silence(&mut row);
        }
        let loudness_db = self.scaler.loudness_db(&row);
        let silent = self.heard.loudness.get(here).is_none_or(|_| self.heard.is_silent(here));
        let grid = self.database.sound.grid();
        let (start, half) = (grid.start_sample(tick as i64), grid.span(tick as i64) as i64 / 2);
        let dims = if self.database.is_pitched() { DESCRIPTOR + PITCH } else { DESCRIPTOR };
        descriptor[DESCRIPTOR..].copy_from_slice(&self.track.pitch_at(start + half));
        let attack = self.track.attack_from(start - half).map(|attack| attack - start);
        Target {
            descriptor: self.database.weighted(&descriptor[..dims]),
            loudness_db,
            silence: f32::from(silent),
            // Sounds as faint as the film's are sounds, too.
            gate_loud_only: true,
            bands: self.bands(&row, loudness_db),
            rise: self.heard.flux.get(here).copied().unwrap_or(0.0),
            attack: attack.filter(|attack| *attack < MAX_TICKS_BEFORE_ATTACK * 2 * half),
            hz: self.track.certain_hz(start + half),
            // Nothing is taken apart into grains here.
            grains: GrainModulation::default(),
        }
    }

    /// Reads the minute that begins with a tick, unless the tick is at hand. Pictures may go on when the sound is over.
    fn read(&mut self, tick: usize) {
        let at_hand = self.first..self.first + self.heard.loudness.len();
        if !at_hand.contains(&tick) && tick < SoundAnalysis::tick_count(self.shard) {
            self.first = tick;
            self.heard = SoundAnalysis::ticks_of_shard(self.shard, tick..tick + TICKS_PER_PART);
            self.shard.release();
        }
    }

    /// log10 of the powers of the bands at this loudness.
    fn bands(&self, row: &[f32; OUTPUTS], loudness_db: f32) -> [f32; BANDS] {
        let theirs = self.database.scaler;
        let mut bands = [0.0; BANDS];
        theirs.bands(row, &mut bands);
        let level = (loudness_db - theirs.loudness_db(row)) / 10.0;
        bands.iter_mut().for_each(|power| *power += level);
        bands
    }
}
