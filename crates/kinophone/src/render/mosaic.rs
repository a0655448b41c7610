//! Pictures in, sound out, by way of the training sound: the film's ticks find theirs in what the brain learned from, to be
//! joined or to be taken apart into grains.

use super::finish::Sketch;
use super::notation::{Notation, Played};
use super::stock::{Sound, Stock};
use super::{Playing, RenderPlan};
use crate::Result;
use crate::brain::{DESCRIPTOR, Ensemble, OUTPUTS, PORTRAIT, Player, UNIT};
use kinophone_dsp::measure::BANDS;
use kinophone_dsp::synth::mosaic::{Choice, Chooser, Mosaic, MosaicConfig, UnitSound};
use kinophone_dsp::synth::{Aim, Cloud, Cut, GranularConfig, ShapeConfig, Shaper};
use kinophone_dsp::units::MediaTime;
use std::collections::VecDeque;

/// Pictures that are looked at together where nobody waits.
const BATCH: usize = 32;

/// Plays an ensemble's material to a succession of pictures.
///
/// What the brain says of a tick is kept until its unit in the best way through the material is decided, usually a few seconds
/// later; then it is played. Live, each tick is chosen when a few further ones are known ([`RenderPlan::delay`]).
pub(super) struct Collage<'a> {
    brain: &'a Ensemble,
    player: Player<'a>,
    chooser: Chooser,
    config: MosaicConfig,
    stock: &'a Stock<'a>,
    playing: Chosen<'a>,
    /// Live: for how many further ticks a choice waits.
    delay: usize,
    notation: Notation,
    cuts: Vec<Cut>,
    /// End of the last picture.
    shown: MediaTime,
    rows: Vec<f32>,
    chosen: Vec<u32>,
    /// Of the ticks that are not chosen yet.
    wanted: VecDeque<Wanted>,
    /// What the pictures of coming ticks look like.
    portraits: VecDeque<f32>,
    sound: Vec<f32>,
    /// Samples handed over so far.
    delivered: usize,
}

/// What becomes of chosen ticks.
pub(super) enum Then<'a> {
    /// They are joined, and brought nearer to what is wanted.
    Shaped(&'a ShapeConfig),
    /// They are taken apart.
    Grains(&'a GranularConfig),
}

/// What the brain says of a tick.
struct Wanted {
    /// What is looked for, where that is written down.
    target: Option<Box<[f32]>>,
    loudness_db: f32,
    silence: f32,
    /// log10 of the bands' powers, and how much they rise over the tick before.
    bands: [f32; BANDS],
    rise: f32,
}

/// The chosen ticks at work.
enum Chosen<'a> {
    /// Without a filter where it would do nothing: then the sound is the one that was recorded.
    Joined(Box<Mosaic<Sound<'a>>>, Option<Box<Shaper>>),
    Grains(Box<Cloud<Sound<'a>>>),
}

impl Chosen<'_> {
    /// Plays `choice`; `aim` says how it sounds and should sound.
    fn push(&mut self, choice: Choice, aim: impl FnOnce() -> Aim) {
        match self {
            Self::Joined(mosaic, shaper) => {
                mosaic.push(choice);
                if let Some(shaper) = shaper {
                    shaper.push(&aim());
                }
            }
            Self::Grains(cloud) => cloud.push(choice),
        }
    }

    /// All samples that are ready, in place of what `sound` held.
    fn take(&mut self, sound: &mut Vec<f32>) {
        match self {
            Self::Joined(mosaic, shaper) => {
                sound.resize(mosaic.ready(), 0.0);
                mosaic.fill(sound);
                if let Some(shaper) = shaper {
                    shaper.add(sound);
                    sound.resize(shaper.ready(), 0.0);
                    shaper.fill(sound);
                }
            }
            Self::Grains(cloud) => {
                sound.resize(cloud.ready(), 0.0);
                cloud.fill(sound);
            }
        }
    }

    /// The same after the last choice: all that is left.
    fn finish(&mut self, sound: &mut Vec<f32>) {
        match self {
            Self::Joined(mosaic, None) => mosaic.finish(),
            Self::Joined(mosaic, Some(shaper)) => {
                mosaic.finish();
                sound.resize(mosaic.ready(), 0.0);
                mosaic.fill(sound);
                shaper.add(sound);
                shaper.finish();
            }
            Self::Grains(cloud) => cloud.finish(),
        }
        self.take(sound);
    }

    /// The pieces that were completed.
    fn take_cuts(&mut self, cuts: &mut Vec<Cut>) {
        match self {
            Self::Joined(mosaic, _) => mosaic.take_cuts(cuts),
            Self::Grains(cloud) => cloud.take_cuts(cuts),
        }
    }

    /// Frames beyond the end of a tick that must be known before it sounds.
    fn latency(&self) -> usize {
        match self {
            Self::Joined(mosaic, shaper) => {
                mosaic.latency() + shaper.as_ref().map_or(0, |shaper| shaper.latency())
            }
            Self::Grains(cloud) => cloud.latency(),
        }
    }
}

impl<'a> Collage<'a> {
    /// The chosen ticks are joined and filtered, or taken apart into grains.
    pub(super) fn new(
        brain: &'a Ensemble,
        stock: &'a Stock<'a>,
        plan: &RenderPlan,
        config: &MosaicConfig,
        then: Then<'_>,
    ) -> Self {
        let (sound, units) = (stock.sound, &stock.units);
        // What is usual in one may be far from usual in the other.
        let most_gain_db = config.most_gain_db + stock.level_db(brain).abs();
        let config = &MosaicConfig { most_gain_db, ..config.clone() };
        let chooser = match plan.delay {
            _ if !plan.live => Chooser::exact(units.clone(), config),
            0 => Chooser::greedy(units.clone(), config),
            delay => Chooser::lookahead(units.clone(), config, delay),
        };
        let size = brain.config().size as usize;
        let batch = if plan.live { 1 } else { BATCH };
        let notation = Notation::new(matches!(then, Then::Grains(_)), !plan.scores.is_empty());
        Self {
            player: Player::new(brain, size, brain.eye().colour(), 0, plan.live, batch).with_portraits(),
            playing: match then {
                Then::Shaped(shape) => Chosen::Joined(
                    Box::new(Mosaic::new(sound.grid(), units.clone(), sound, config).with_cuts()),
                    (!shape.is_off()).then(|| Box::new(Shaper::new(sound.grid(), sound.channels(), shape))),
                ),
                Then::Grains(grains) => Chosen::Grains(Box::new(
                    Cloud::new(sound.grid(), units.clone(), sound, grains, config).with_cuts(),
                )),
            },
            config: config.clone(),
            stock,
            delay: plan.delay,
            notation,
            cuts: Vec::new(),
            shown: MediaTime::ZERO,
            rows: Vec::new(),
            chosen: Vec::new(),
            wanted: VecDeque::new(),
            portraits: VecDeque::new(),
            sound: Vec::new(),
            delivered: 0,
            brain,
            chooser,
        }
    }

    fn choose(&mut self) {
        let (voice, weight) = (self.brain.voice(), self.brain.config().picture);
        let &Stock { voice: theirs, dims, .. } = self.stock;
        self.portraits.extend(self.player.portraits());
        let (mut sounding, mut wanted) = ([0.0; OUTPUTS], [0.0; UNIT]);
        for row in self.rows.chunks_exact(OUTPUTS) {
            voice.sounding(row, &mut sounding);
            voice.wanted(&sounding, &mut wanted[..DESCRIPTOR]);
            let portrait = self.portraits.drain(..PORTRAIT);
            wanted[DESCRIPTOR..].iter_mut().zip(portrait).for_each(|(w, p)| *w = weight * p);
            self.chooser.push(&wanted[..dims], &mut self.chosen);
            let (loudness_db, silence) = (voice.loudness_db(&sounding), voice.silence(row));
            let mut bands = [0.0; BANDS];
            theirs.bands(&sounding, &mut bands);
            // At the level that is wanted, not the one that is usual among other sounds.
            let level = (loudness_db - theirs.loudness_db(&sounding)) / 10.0;
            bands.iter_mut().for_each(|power| *power += level);
            let rise = voice.rise(voice.onset(&sounding));
            let target = self.notation.keeps().then(|| wanted[..dims].into());
            self.wanted.push_back(Wanted { target, loudness_db, silence, bands, rise });
        }
        self.rows.clear();
    }

    /// Plays the chosen units, and hands over what is ready, up to `most` samples of the whole.
    fn play(&mut self, most: usize, sketch: &mut Sketch<'_>) -> Result<()> {
        let (stock, config) = (self.stock, &self.config);
        let wanted = self.wanted.drain(..self.chosen.len());
        for (unit, wanted) in self.chosen.drain(..).zip(wanted) {
            let choice = Choice { unit, loudness_db: wanted.loudness_db, gate: wanted.silence };
            self.notation.push(&choice, stock, config, wanted.target.as_deref());
            self.playing.push(choice, || {
                let mut there = [0.0; BANDS];
                stock.voice.unit_bands(&stock.descriptors[unit as usize * stock.dims..], &mut there);
                let gain = choice.gain_db(&stock.units, config) / 10.0;
                there.iter_mut().for_each(|power| *power += gain);
                Aim { there, wanted: wanted.bands, rise: wanted.rise }
            });
        }
        self.playing.take(&mut self.sound);
        self.write_down();
        self.hand_over(most, sketch)
    }

    fn write_down(&mut self) {
        self.playing.take_cuts(&mut self.cuts);
        self.notation.take(&mut self.cuts, self.stock);
    }

    fn hand_over(&mut self, most: usize, sketch: &mut Sketch<'_>) -> Result<()> {
        let there = self.sound.len().min(most.saturating_sub(self.delivered));
        self.delivered += there;
        sketch.add(&self.sound[..there])
    }
}

impl Playing for Collage<'_> {
    fn show(&mut self, pixels: &[u8], until: MediaTime, sketch: &mut Sketch<'_>) -> Result<()> {
        self.player.show(pixels, self.shown, until, &mut self.rows);
        self.shown = until;
        self.choose();
        self.play(usize::MAX, sketch)
    }

    fn end(&mut self, length: MediaTime, sketch: &mut Sketch<'_>) -> Result<()> {
        let ticks = super::ticks_until(self.brain.config().grid.tick, length);
        self.player.finish(ticks, &mut self.rows);
        self.choose();
        self.chooser.finish(&mut self.chosen);
        let sound = self.stock.sound;
        let whole = sound.rate().sample_at(length).max(0) as usize * sound.channels();
        self.play(whole, sketch)?;
        self.playing.finish(&mut self.sound);
        self.write_down();
        self.hand_over(whole, sketch)?;
        // Less than a tick.
        sketch.add(&vec![0.0; whole.saturating_sub(self.delivered)])
    }

    fn ticks(&self) -> u64 {
        self.player.ticks()
    }

    fn played(&mut self) -> Option<Played> {
        Some(self.notation.finish())
    }

    /// What a tick waits for until it is chosen, and then until it sounds.
    fn latency(&self) -> f64 {
        let frames = self.playing.latency();
        let rate = self.stock.sound.rate();
        self.delay as f64 / self.brain.config().grid.tick.as_f64() + frames as f64 / f64::from(rate.hz())
    }
}
