//! Recorded sound chosen and played for what is wanted, tick by tick.

use super::casting::{Allowed, Casting};
use super::finish::Sketch;
use super::notation::Notation;
use super::production::Played;
use super::stock::{Sound, Stock};
use crate::Result;
use kinophone_dsp::measure::BANDS;
use kinophone_dsp::synth::mosaic::{Choice, Chooser, Mosaic, MosaicConfig, Reading, Terms, UnitSound, Units};
use kinophone_dsp::synth::{Aim, Cloud, Cut, GranularConfig, Manner, ShapeConfig, Shaper};
use kinophone_dsp::units::MediaTime;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

/// Units this near to one that another layer plays are not played beside it: they are nearly the same sound.
const APART: u32 = 3;
/// Cents by which a sound that goes on may be out of tune: to retune it costs a splice, and instruments waver by more.
const STEADY_CENTS: f64 = 10.0;
/// Loudness that a layer of silence counts with, in log10 of power.
const NOTHING: f32 = -12.0;

/// Ticks that may wait for the choice on its thread.
const WAITING: usize = 256;

/// How what was chosen becomes sound.
pub(super) enum Then<'a> {
    /// It is joined, and brought nearer to what is wanted.
    Shaped(&'a ShapeConfig),
    /// It is taken apart.
    Grains(&'a GranularConfig),
}

/// When a tick is chosen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// When the best way through the whole film is certain there.
    Exactly,
    /// When so many further ticks are known.
    After(usize),
}

/// What is wanted of a tick.
pub(super) struct Wanted {
    /// Where the stock is searched, weighed as it is: `[dims]`.
    pub(super) target: Box<[f32]>,
    pub(super) loudness_db: f32,
    /// Probability of silence, and whether it closes only what can't be brought down to the wanted loudness.
    pub(super) silence: f32,
    pub(super) soft: bool,
    /// log10 of the bands' powers, and how much they rise over the tick before.
    pub(super) bands: [f32; BANDS],
    pub(super) rise: f32,
    /// Where the next attack is to begin, in frames of the stock after the beginning of the tick, where that is known to the frame:
    /// from half a tick before it on.
    pub(super) attack: Option<i64>,
    /// Which pitch is to be heard, in Hz, where that is sure.
    pub(super) hz: Option<f32>,
    /// How grains are strewn.
    pub(super) manner: Manner,
}

/// Chooses and plays.
///
/// Several layers play at once, as loud together as one would be. The second one finds the best way for the same wishes without
/// what the first one plays, and so on; each waits until the one before has decided.
pub(super) struct Weaver<'a> {
    stock: &'a Stock<'a>,
    config: MosaicConfig,
    when: When,
    /// By how many semitones units are brought to the pitch that is wanted, at most.
    tune: f32,
    /// Where shots are played with one recording each.
    casting: Option<Casting>,
    layers: Vec<Layer<'a>>,
    filter: Option<Box<Shaper>>,
    /// Sum of the layers, as far as all of them have sounded.
    mixed: Vec<f32>,
    out: Vec<f32>,
    played: Played,
    cuts: Vec<Cut>,
    /// Samples handed over so far.
    delivered: usize,
}

struct Layer<'a> {
    chooser: Choosing,
    player: Player<'a>,
    notation: Notation,
    /// The unit that was played last, and how fast.
    before: Option<(u32, f64)>,
    chosen: Vec<u32>,
    /// Of the ticks that are not chosen yet.
    wanted: VecDeque<Open>,
    sound: Vec<f32>,
}

impl Layer<'_> {
    /// How fast a unit is read to have the pitch that is wanted, in the nearest octave. While a recording runs on, a few cents
    /// do not change its speed, nor does a moment without a pitch.
    fn speed(&self, unit: u32, wanted: &Wanted, stock: &Stock<'_>, tune: f32) -> f64 {
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

/// A chooser at work.
enum Choosing {
    /// Here: an answer must not wait.
    Here(Box<Chooser>),
    /// On a thread of its own, beside what is played: the exact choice answers late anyway, and always the same.
    Apart { targets: Option<SyncSender<Sought>>, chosen: Receiver<Vec<u32>> },
}

/// What is looked for, what is not to be found, and among which recordings.
type Sought = (Box<[f32]>, Vec<Range<u32>>, Allowed);

impl Choosing {
    fn new(units: &Arc<Units>, config: &MosaicConfig, when: When) -> Self {
        let mut chooser = match when {
            When::Exactly => Chooser::exact(units.clone(), config),
            When::After(0) => return Self::Here(Box::new(Chooser::greedy(units.clone(), config))),
            When::After(delay) => {
                return Self::Here(Box::new(Chooser::lookahead(units.clone(), config, delay)));
            }
        };
        let (targets, coming) = sync_channel::<Sought>(WAITING);
        let (decided, chosen) = channel();
        std::thread::spawn(move || {
            let mut found = Vec::new();
            for (target, taken, allowed) in coming {
                chooser.push_on(&target, &Terms { only: allowed.as_deref(), avoid: &taken }, &mut found);
                // Whoever has gone does not want it any more.
                if !found.is_empty() && decided.send(std::mem::take(&mut found)).is_err() {
                    return;
                }
            }
            chooser.finish(&mut found);
            let _ = decided.send(found);
        });
        Self::Apart { targets: Some(targets), chosen }
    }

    /// Takes a tick, and appends the units of those that are decided.
    fn push(&mut self, open: &Open, found: &mut Vec<u32>) {
        let Open { wanted, taken, allowed, .. } = open;
        match self {
            Self::Here(chooser) => {
                let terms = Terms { only: allowed.as_deref(), avoid: taken };
                chooser.push_on(&wanted.target, &terms, found);
            }
            Self::Apart { targets, chosen } => {
                if let Some(targets) = targets {
                    // It is there until there are no more targets.
                    let _ = targets.send((wanted.target.clone(), taken.clone(), allowed.clone()));
                }
                found.extend(chosen.try_iter().flatten());
            }
        }
    }

    /// After the last tick.
    fn finish(&mut self, found: &mut Vec<u32>) {
        match self {
            Self::Here(chooser) => chooser.finish(found),
            Self::Apart { targets, chosen } => {
                *targets = None;
                found.extend(chosen.iter().flatten());
            }
        }
    }
}

/// A tick that is not decided in all layers.
struct Open {
    wanted: Wanted,
    /// The recordings that may sound.
    allowed: Allowed,
    /// What the layers before play.
    taken: Vec<Range<u32>>,
    /// The powers of what they play.
    there: [f32; BANDS],
}

/// The chosen ticks at work.
enum Player<'a> {
    Joined(Box<Mosaic<Sound<'a>>>),
    Grains(Box<Cloud<Sound<'a>>>),
}

impl Player<'_> {
    /// A mosaic reads it so, grains are strewn in this manner.
    fn push(&mut self, choice: Choice, reading: &Reading, manner: &Manner) {
        match self {
            Self::Joined(mosaic) => mosaic.push_as(choice, reading),
            Self::Grains(cloud) => cloud.push(choice, manner),
        }
    }

    /// Appends all samples that are ready.
    fn take(&mut self, sound: &mut Vec<f32>) {
        let from = sound.len();
        match self {
            Self::Joined(mosaic) => {
                sound.resize(from + mosaic.ready(), 0.0);
                mosaic.fill(&mut sound[from..]);
            }
            Self::Grains(cloud) => {
                sound.resize(from + cloud.ready(), 0.0);
                cloud.fill(&mut sound[from..]);
            }
        }
    }

    fn finish(&mut self) {
        match self {
            Self::Joined(mosaic) => mosaic.finish(),
            Self::Grains(cloud) => cloud.finish(),
        }
    }

    fn take_cuts(&mut self, cuts: &mut Vec<Cut>) {
        match self {
            Self::Joined(mosaic) => mosaic.take_cuts(cuts),
            Self::Grains(cloud) => cloud.take_cuts(cuts),
        }
    }

    /// Frames beyond the end of a tick that must be known before it sounds.
    fn latency(&self) -> usize {
        match self {
            Self::Joined(mosaic) => mosaic.latency(),
            Self::Grains(cloud) => cloud.latency(),
        }
    }
}

impl<'a> Weaver<'a> {
    /// `usual_db` is what is usual of the loudness that will be wanted: a stock far from it gets more gain. `keep` says whether
    /// pieces are to be remembered, and not only whose they are.
    pub(super) fn new(
        stock: &'a Stock<'a>,
        config: &MosaicConfig,
        then: &Then<'_>,
        when: When,
        usual_db: f32,
        layers: usize,
        keep: bool,
    ) -> Self {
        let (sound, units) = (stock.sound, &stock.units);
        let most_gain_db = config.most_gain_db + (stock.voice.usual_loudness_db() - usual_db).abs();
        let config = MosaicConfig { most_gain_db, ..config.clone() };
        let layer = |number: usize| Layer {
            chooser: Choosing::new(units, &config, when),
            player: match then {
                Then::Shaped(_) => Player::Joined(Box::new(
                    Mosaic::new(sound.grid(), units.clone(), sound, &config).with_cuts(),
                )),
                Then::Grains(grains) => {
                    let own = GranularConfig { seed: grains.seed + number as u64, ..(*grains).clone() };
                    let cloud = Cloud::new(sound.grid(), units.clone(), sound, &own, &config);
                    Player::Grains(Box::new(cloud.with_cuts()))
                }
            },
            notation: Notation::new(matches!(then, Then::Grains(_)), keep, number as u32),
            before: None,
            chosen: Vec::new(),
            wanted: VecDeque::new(),
            sound: Vec::new(),
        };
        let layers = (0..layers.max(1)).map(layer).collect();
        let filter = match then {
            // Without a filter where it would do nothing: then the sound is the one that was recorded.
            Then::Shaped(shape) if !shape.is_off() => {
                Some(Box::new(Shaper::new(sound.grid(), sound.channels(), shape)))
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
            played: Played::default(),
            cuts: Vec::new(),
            delivered: 0,
        }
    }

    /// Before the first tick: from now on each shot is played with one recording alone, given the ticks with which shots begin.
    pub(super) fn by_shot(mut self, cuts: Option<Vec<u64>>) -> Self {
        self.casting = cuts.map(Casting::new);
        self
    }

    /// Before the first tick: from now on sounds are read faster or slower, where they are at most so many semitones from the pitch
    /// that is wanted, in any octave.
    pub(super) fn tuned(mut self, semitones: f32) -> Self {
        self.tune = semitones;
        self
    }

    /// Takes what is wanted of the next tick.
    pub(super) fn push(&mut self, wanted: Wanted) {
        match &mut self.casting {
            None => self.begin(wanted, None),
            Some(casting) => {
                let ready = casting.push(wanted, self.stock);
                ready.into_iter().for_each(|(wanted, allowed)| self.begin(wanted, allowed));
            }
        }
    }

    fn begin(&mut self, wanted: Wanted, allowed: Allowed) {
        self.open(0, Open { wanted, allowed, taken: Vec::new(), there: [NOTHING; BANDS] });
    }

    /// Hands over what is ready.
    pub(super) fn play(&mut self, sketch: &mut Sketch<'_>) -> Result<()> {
        self.sound(usize::MAX, sketch)
    }

    /// After the last tick: the rest, so that all of it lasts `length`.
    pub(super) fn finish(&mut self, length: MediaTime, sketch: &mut Sketch<'_>) -> Result<()> {
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
    pub(super) fn played(&mut self) -> Played {
        std::mem::take(&mut self.played)
    }

    /// What a tick waits for until it is chosen in all layers, and then until it sounds, in seconds.
    pub(super) fn latency(&self) -> f64 {
        let grid = self.stock.sound.grid();
        let frames = self.layers[0].player.latency() + self.filter.as_ref().map_or(0, |f| f.latency());
        let delay = match self.when {
            When::Exactly => 0,
            When::After(delay) => delay * self.layers.len(),
        };
        delay as f64 / grid.tick.as_f64() + frames as f64 / f64::from(grid.rate.hz())
    }

    /// Has a layer look for a tick, and plays what it has decided then.
    fn open(&mut self, number: usize, open: Open) {
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
            let choice = Choice { unit, loudness_db, gate };
            layer.notation.push(&choice, stock, &self.config, &wanted.target);
            let speed = layer.speed(unit, wanted, stock, self.tune);
            layer.before = Some((unit, speed));
            let attack = wanted.attack.and_then(|at| stock.attack(unit, at));
            layer.player.push(choice, &Reading { attack, speed }, &wanted.manner);
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
                filter.push(&Aim { there: open.there, wanted: wanted.bands, rise: wanted.rise });
            }
        }
    }

    /// Mixes, filters and hands over what is ready, up to `most` samples of the whole.
    fn sound(&mut self, most: usize, sketch: &mut Sketch<'_>) -> Result<()> {
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
