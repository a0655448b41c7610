//! Recorded sound chosen and played for what is wanted, tick by tick.

use crate::Result;
use crate::concat::lookahead::Lookahead;
use crate::concat::recorder::ScoreRecorder;
use crate::concat::selection_worker::SelectionWorker;
use crate::concat::shot_sources::{AllowedSources, ShotSourceSelector};
use crate::concat::target::{PendingTick, Target};
use crate::concat::unit_database::UnitDatabase;
use crate::concat::unit_rendering::{UnitPlayer, UnitRendering};
use crate::soundtrack::{MixStage, PlayedClips};
use kinophone_dsp::concat::{Clip, Mosaic, MosaicConfig, SelectedUnit, UnitPlayback, UnitSound};
use kinophone_dsp::frames::GranularConfig;
use kinophone_dsp::granular::Cloud;
use kinophone_dsp::metrics::BANDS;
use kinophone_dsp::spectral::{BandMatcher, BandTarget};
use kinophone_dsp::units::MediaTime;
use std::collections::VecDeque;

/// Units this near to one that another layer plays are not played beside it: they are nearly the same sound.
const APART: u32 = 3;
/// Cents by which a sound that goes on may be out of tune: to retune it costs a splice, and instruments waver by more.
const STEADY_CENTS: f64 = 10.0;
/// Loudness that a layer of silence counts with, in log10 of power.
const NOTHING: f32 = -12.0;

/// Chooses and plays.
///
/// Several layers play at once, as loud together as one would be. The second one finds the best way for the same wishes without
/// what the first one plays, and so on; each waits until the one before has decided.
pub(crate) struct ConcatEngine<'a> {
    stock: &'a UnitDatabase<'a>,
    config: MosaicConfig,
    when: Lookahead,
    /// By how many semitones units are brought to the pitch that is wanted, at most.
    tune: f32,
    /// Where shots are played with one recording each.
    casting: Option<ShotSourceSelector>,
    layers: Vec<EngineLayer<'a>>,
    filter: Option<Box<BandMatcher>>,
    /// Sum of the layers, as far as all of them have sounded.
    mixed: Vec<f32>,
    out: Vec<f32>,
    played: PlayedClips,
    cuts: Vec<Clip>,
    /// Samples handed over so far.
    delivered: usize,
}

struct EngineLayer<'a> {
    chooser: SelectionWorker,
    player: UnitPlayer<'a>,
    notation: ScoreRecorder,
    /// The unit that was played last, and how fast.
    before: Option<(u32, f64)>,
    chosen: Vec<u32>,
    /// Of the ticks that are not chosen yet.
    wanted: VecDeque<PendingTick>,
    sound: Vec<f32>,
}

impl EngineLayer<'_> {
    /// How fast a unit is read to have the pitch that is wanted, in the nearest octave. While a recording runs on, a few cents
    /// do not change its speed, nor does a moment without a pitch.
    fn speed(&self, unit: u32, wanted: &Target, stock: &UnitDatabase<'_>, tune: f32) -> f64 {
        if tune <= 0.0 {
            return 1.0;
        }
        let present =
            self.before.filter(|(before, _)| stock.units.continues(*before, unit)).map(|(_, speed)| speed);
        let (Some(hz), Some(own)) = (wanted.hz, stock.sure_hz(unit)) else { return present.unwrap_or(1.0) };
        let octaves = f64::from(hz / own).log2();
        let octaves = octaves - octaves.round();
        let speed = if 12.0 * octaves.abs() <= f64::from(tune) { octaves.exp2() } else { 1.0 };
        present.filter(|present| (1200.0 * (speed / present).log2()).abs() <= STEADY_CENTS).unwrap_or(speed)
    }
}

impl<'a> ConcatEngine<'a> {
    /// `usual_db` is what is usual of the loudness that will be wanted: a stock far from it gets more gain. `keep` says whether
    /// pieces are to be remembered, and not only whose they are.
    pub(crate) fn new(
        stock: &'a UnitDatabase<'a>,
        config: &MosaicConfig,
        then: &UnitRendering<'_>,
        when: Lookahead,
        usual_db: f32,
        layers: usize,
        keep: bool,
    ) -> Self {
        let (sound, units) = (stock.sound, &stock.units);
        let most_gain_db = config.most_gain_db + (stock.voice.usual_loudness_db() - usual_db).abs();
        let config = MosaicConfig { most_gain_db, ..config.clone() };
        let layer = |number: usize| EngineLayer {
            chooser: SelectionWorker::new(units, &config, when),
            player: match then {
                UnitRendering::Shaped(_) => UnitPlayer::Joined(Box::new(
                    Mosaic::new(sound.grid(), units.clone(), sound, &config).with_cuts(),
                )),
                UnitRendering::Grains(grains) => {
                    let own = GranularConfig { seed: grains.seed + number as u64, ..(*grains).clone() };
                    let cloud = Cloud::new(sound.grid(), units.clone(), sound, &own, &config);
                    UnitPlayer::Grains(Box::new(cloud.with_cuts()))
                }
            },
            notation: ScoreRecorder::new(matches!(then, UnitRendering::Grains(_)), keep, number as u32),
            before: None,
            chosen: Vec::new(),
            wanted: VecDeque::new(),
            sound: Vec::new(),
        };
        let layers = (0..layers.max(1)).map(layer).collect();
        let filter = match then {
            // Without a filter where it would do nothing: then the sound is the one that was recorded.
            UnitRendering::Shaped(shape) if !shape.is_off() => {
                Some(Box::new(BandMatcher::new(sound.grid(), sound.channels(), shape)))
            }
            _ => None,
        };
        Self {
            stock,
            config,
            when,
            tune: 0.0,
            casting: None,
            layers,
            filter,
            mixed: Vec::new(),
            out: Vec::new(),
            played: PlayedClips::default(),
            cuts: Vec::new(),
            delivered: 0,
        }
    }

    /// Before the first tick: from now on each shot is played with one recording alone, given the ticks with which shots begin.
    pub(crate) fn by_shot(mut self, cuts: Option<Vec<u64>>) -> Self {
        self.casting = cuts.map(ShotSourceSelector::new);
        self
    }

    /// Before the first tick: from now on sounds are read faster or slower, where they are at most so many semitones from the pitch
    /// that is wanted, in any octave.
    pub(crate) fn tuned(mut self, semitones: f32) -> Self {
        self.tune = semitones;
        self
    }

    /// Takes what is wanted of the next tick.
    pub(crate) fn push(&mut self, wanted: Target) {
        match &mut self.casting {
            None => self.begin(wanted, None),
            Some(casting) => {
                let ready = casting.push(wanted, self.stock);
                ready.into_iter().for_each(|(wanted, allowed)| self.begin(wanted, allowed));
            }
        }
    }

    fn begin(&mut self, wanted: Target, allowed: AllowedSources) {
        self.open(0, PendingTick { wanted, allowed, taken: Vec::new(), there: [NOTHING; BANDS] });
    }

    /// Hands over what is ready.
    pub(crate) fn play(&mut self, sketch: &mut MixStage<'_>) -> Result<()> {
        self.sound(usize::MAX, sketch)
    }

    /// After the last tick: the rest, so that all of it lasts `length`.
    pub(crate) fn finish(&mut self, length: MediaTime, sketch: &mut MixStage<'_>) -> Result<()> {
        let rest = self.casting.as_mut().map_or(Vec::new(), |casting| casting.release(self.stock));
        rest.into_iter().for_each(|(wanted, allowed)| self.begin(wanted, allowed));
        for number in 0..self.layers.len() {
            let layer = &mut self.layers[number];
            layer.chooser.finish(&mut layer.chosen);
            self.settle(number);
            self.layers[number].player.finish();
        }
        let sound = self.stock.sound;
        let whole = sound.rate().sample_at(length).max(0) as usize * sound.channels();
        self.sound(whole, sketch)?;
        if let Some(filter) = &mut self.filter {
            filter.finish();
            self.sound(whole, sketch)?;
        }
        // Less than a tick.
        sketch.add(&vec![0.0; whole.saturating_sub(self.delivered)])
    }

    /// Which pieces were played.
    pub(crate) fn played(&mut self) -> PlayedClips {
        std::mem::take(&mut self.played)
    }

    /// What a tick waits for until it is chosen in all layers, and then until it sounds, in seconds.
    pub(crate) fn latency(&self) -> f64 {
        let grid = self.stock.sound.grid();
        let frames = self.layers[0].player.latency() + self.filter.as_ref().map_or(0, |f| f.latency());
        let delay = match self.when {
            Lookahead::Exactly => 0,
            Lookahead::After(delay) => delay * self.layers.len(),
        };
        delay as f64 / grid.tick.as_f64() + frames as f64 / f64::from(grid.rate.hz())
    }

    /// Has a layer look for a tick, and plays what it has decided then.
    fn open(&mut self, number: usize, open: PendingTick) {
        let layer = &mut self.layers[number];
        layer.chooser.push(&open, &mut layer.chosen);
        layer.wanted.push_back(open);
        self.settle(number);
    }

    /// Plays what a layer has decided, and hands its ticks on to the next layer.
    fn settle(&mut self, number: usize) {
        let (stock, share_db) = (self.stock, 10.0 * (self.layers.len() as f32).log10());
        let chosen = std::mem::take(&mut self.layers[number].chosen);
        for unit in chosen {
            let layer = &mut self.layers[number];
            let Some(mut open) = layer.wanted.pop_front() else { break };
            let wanted = &open.wanted;
            let loudness_db = wanted.loudness_db - share_db;
            let too_loud = stock.units.loudness_db(unit) - loudness_db > self.config.most_gain_db;
            let gate = if wanted.soft && !too_loud { 0.0 } else { wanted.silence };
            let choice = SelectedUnit { unit, loudness_db, gate };
            layer.notation.push(&choice, stock, &self.config, &wanted.target);
            let speed = layer.speed(unit, wanted, stock, self.tune);
            layer.before = Some((unit, speed));
            let attack = wanted.attack.and_then(|at| stock.attack(unit, at));
            layer.player.push(choice, &UnitPlayback { attack, speed }, &wanted.manner);
            let mut there = [0.0; BANDS];
            stock.bands(unit, &mut there);
            let gain = choice.gain_db(&stock.units, &self.config) / 10.0;
            for (sum, own) in open.there.iter_mut().zip(there) {
                let own = own + gain;
                *sum = if *sum > NOTHING { (10f32.powf(*sum) + 10f32.powf(own)).log10() } else { own };
            }
            if number + 1 < self.layers.len() {
                open.taken.push(unit.saturating_sub(APART)..unit.saturating_add(APART + 1));
                self.open(number + 1, open);
            } else if let Some(filter) = &mut self.filter {
                filter.push(&BandTarget { there: open.there, wanted: wanted.bands, rise: wanted.rise });
            }
        }
    }

    /// Mixes, filters and hands over what is ready, up to `most` samples of the whole.
    fn sound(&mut self, most: usize, sketch: &mut MixStage<'_>) -> Result<()> {
        for layer in &mut self.layers {
            layer.player.take(&mut layer.sound);
            layer.player.take_cuts(&mut self.cuts);
            layer.notation.take(&mut self.cuts, self.stock, &mut self.played);
        }
        let ready = self.layers.iter().map(|layer| layer.sound.len()).min().unwrap_or(0);
        self.mixed.clear();
        self.mixed.resize(ready, 0.0);
        for layer in &mut self.layers {
            self.mixed.iter_mut().zip(layer.sound.drain(..ready)).for_each(|(sum, x)| *sum += x);
        }
        let sound = match &mut self.filter {
            None => &self.mixed,
            Some(filter) => {
                filter.add(&self.mixed);
                self.out.resize(filter.ready(), 0.0);
                filter.fill(&mut self.out);
                &self.out
            }
        };
        let there = sound.len().min(most.saturating_sub(self.delivered));
        self.delivered += there;
        sketch.add(&sound[..there])
    }
}
