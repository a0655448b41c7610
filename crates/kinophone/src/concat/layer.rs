//! One layer of the engine: its selection, its player, and the record of both.

use crate::Result;
use crate::concat::recorder::SelectionCost;
use crate::concat::selection_worker::SelectionWorker;
use crate::concat::unit_rendering::UnitPlayer;
use crate::concat::{
    Lookahead, PendingTick, ScoreRecorder, SelectedTick, Target, UnitDatabase, UnitRendering,
};
use crate::soundtrack::PlayedClips;
use kinophone_dsp::concat::{Clip, MosaicConfig, SelectedUnit, UnitPlayback};
use kinophone_dsp::metrics::BANDS;
use std::collections::VecDeque;

/// Power that a layer of silence counts with, in log10.
pub(crate) const SILENT_POWER: f32 = -12.0;

/// Units this near to one that another layer plays are not played beside it: they are nearly the same sound.
const MIN_UNITS_APART: u32 = 3;
/// Cents by which a sound that goes on may be out of tune: to retune it costs a splice, and instruments waver by more.
const MAX_CENTS_OFF: f64 = 10.0;

/// Selects and plays one unit a tick.
pub(crate) struct EngineLayer<'a> {
    selection: SelectionWorker,
    player: UnitPlayer<'a>,
    recorder: ScoreRecorder,
    /// The unit that was played last, and its speed.
    last: Option<(u32, f64)>,
    /// Ticks played so far.
    ticks: i64,
    /// Units that are decided and not played.
    selected: Vec<u32>,
    /// Ticks that are not decided.
    pending: VecDeque<PendingTick>,
    sound: Vec<f32>,
    clips: Vec<Clip>,
    /// Ticks with which jumps begin, where they are kept.
    jumps: Option<Vec<i64>>,
}

impl<'a> EngineLayer<'a> {
    pub(crate) fn new(
        database: &UnitDatabase<'a>,
        number: usize,
        config: &MosaicConfig,
        rendering: &UnitRendering<'_>,
        (lookahead, recorder): (Lookahead, ScoreRecorder),
    ) -> Result<Self> {
        Ok(Self {
            selection: SelectionWorker::new(&database.units, config, lookahead)?,
            player: UnitPlayer::new(database, number as u64, config, rendering),
            recorder,
            last: None,
            ticks: 0,
            selected: Vec::new(),
            pending: VecDeque::new(),
            sound: Vec::new(),
            clips: Vec::new(),
            jumps: None,
        })
    }

    /// Keeps the ticks with which jumps begin.
    pub(crate) fn with_jumps(self) -> Self {
        Self { jumps: Some(Vec::new()), ..self }
    }

    /// Takes the ticks whose unit does not continue the one before, where they are kept.
    pub(crate) fn take_jumps(&mut self) -> Option<Vec<i64>> {
        self.jumps.take()
    }

    /// Requests a unit for the next tick.
    pub(crate) fn request(&mut self, tick: PendingTick) -> Result<()> {
        self.selection.push(&tick, &mut self.selected)?;
        self.pending.push_back(tick);
        Ok(())
    }

    /// Decides all ticks that were requested.
    pub(crate) fn finish_selection(&mut self) -> Result<()> {
        self.selection.finish(&mut self.selected)
    }

    /// Takes the units that are decided, for [`EngineLayer::play`].
    pub(crate) fn take_selected(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.selected)
    }

    /// Plays the unit that was decided for the first pending tick, and returns that tick as the next layer needs it.
    /// `share_db` is the share of a layer in the loudness, `tune` how many semitones a unit may be retuned by.
    pub(crate) fn play(
        &mut self,
        unit: u32,
        database: &UnitDatabase<'_>,
        config: &MosaicConfig,
        (share_db, tune): (f32, f32),
    ) -> Option<PendingTick> {
        let mut tick = self.pending.pop_front()?;
        let target = &tick.target;
        let loudness_db = target.loudness_db - share_db;
        let too_loud = database.units.loudness_db(unit) - loudness_db > config.max_gain_db;
        let gate = if target.gate_loud_only && !too_loud { 0.0 } else { target.silence };
        let sounding = SelectedUnit { unit, loudness_db, gate };
        self.record(&sounding, target, database, config);
        let speed = self.speed(unit, target, database, tune);
        self.last = Some((unit, speed));
        let attack = target.attack.and_then(|at| database.attack(unit, at));
        self.player.push(sounding, &UnitPlayback { attack, speed }, &target.grains);
        let gain_db = sounding.gain_db(&database.units, config);
        add_bands(&mut tick.bands, unit, gain_db, database);
        tick.taken.push(unit.saturating_sub(MIN_UNITS_APART)..unit.saturating_add(MIN_UNITS_APART + 1));
        Some(tick)
    }

    /// Tells the player that no tick follows.
    pub(crate) fn finish_sound(&mut self) {
        self.player.finish();
    }

    /// Takes sound and clips from the player.
    pub(crate) fn collect(&mut self, database: &UnitDatabase<'_>, played: &mut PlayedClips) {
        self.player.take(&mut self.sound);
        self.player.take_clips(&mut self.clips);
        self.recorder.take(&mut self.clips, database, played);
    }

    /// Samples that were collected and not mixed.
    pub(crate) fn ready(&self) -> usize {
        self.sound.len()
    }

    /// Adds as many collected samples to `mixed` as that has.
    pub(crate) fn mix_into(&mut self, mixed: &mut [f32]) {
        let sound = self.sound.drain(..mixed.len());
        mixed.iter_mut().zip(sound).for_each(|(sum, x)| *sum += x);
    }

    /// Frames beyond the end of a tick that the player must know before that tick sounds.
    pub(crate) fn latency(&self) -> usize {
        self.player.latency()
    }

    fn record(
        &mut self,
        sounding: &SelectedUnit,
        target: &Target,
        database: &UnitDatabase<'_>,
        config: &MosaicConfig,
    ) {
        let SelectedUnit { unit, .. } = *sounding;
        let gate = f64::from(sounding.gate_amplitude(config));
        let gain_db = sounding.gain_db(&database.units, config);
        let loudness_db = f64::from(database.units.loudness_db(unit) + gain_db);
        let cost = self.recorder.keeps_clips().then(|| {
            SelectionCost::between(
                &database.layout,
                &target.descriptor,
                &database.weighted(database.descriptor(unit)),
            )
        });
        let jumped = self.last.is_some_and(|(last, _)| !database.units.continues(last, unit));
        if let Some(jumps) = self.jumps.as_mut().filter(|_| jumped) {
            jumps.push(self.ticks);
        }
        self.recorder.push(SelectedTick {
            tick: self.ticks,
            cost,
            jumped,
            power: gate * gate * 10f64.powf(loudness_db / 10.0),
        });
        self.ticks += 1;
    }

    /// The speed at which a unit has the pitch of the target, in the nearest octave. While a recording runs on, a few cents do
    /// not change its speed, nor does a moment without a pitch.
    fn speed(&self, unit: u32, target: &Target, database: &UnitDatabase<'_>, tune: f32) -> f64 {
        if tune <= 0.0 {
            return 1.0;
        }
        let present =
            self.last.filter(|(last, _)| database.units.continues(*last, unit)).map(|(_, speed)| speed);
        let (Some(hz), Some(own)) = (target.hz, database.certain_hz(unit)) else {
            return present.unwrap_or(1.0);
        };
        let octaves = f64::from(hz / own).log2();
        let octaves = octaves - octaves.round();
        let speed = if 12.0 * octaves.abs() <= f64::from(tune) { octaves.exp2() } else { 1.0 };
        present.filter(|present| (1200.0 * (speed / present).log2()).abs() <= MAX_CENTS_OFF).unwrap_or(speed)
    }
}

/// Adds the powers of a unit to those of the layers before, in log10.
fn add_bands(sums: &mut [f32; BANDS], unit: u32, gain_db: f32, database: &UnitDatabase<'_>) {
    let mut bands = [0.0; BANDS];
    database.bands(unit, &mut bands);
    let gain = gain_db / 10.0;
    for (sum, own) in sums.iter_mut().zip(bands) {
        let own = own + gain;
        *sum = if *sum > SILENT_POWER { (10f32.powf(*sum) + 10f32.powf(own)).log10() } else { own };
    }
}
