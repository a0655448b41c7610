//! Pictures in, sound out, by way of the training sound: the film's ticks find theirs in what the brain learned from, to be
//! joined or to be taken apart into grains.

use super::finish::Sketch;
use super::{Playing, RenderPlan};
use crate::brain::{DESCRIPTOR, Ensemble, Material, OUTPUTS, PORTRAIT, Player, UNIT};
use crate::{Error, Kind, Result};
use kinophone_dsp::synth::mosaic::{Choice, Chooser, Mosaic, MosaicConfig, UnitSound, Units};
use kinophone_dsp::synth::{Cloud, GranularConfig};
use kinophone_dsp::units::MediaTime;
use std::collections::VecDeque;
use std::sync::Arc;

/// Pictures that are looked at together where nobody waits.
const BATCH: usize = 32;

/// Plays an ensemble's material to a succession of pictures.
///
/// What the brain says of a tick is kept as two numbers until its unit in the best way through the material is decided, usually
/// a few seconds later; then it is played. Live, each tick is chosen when a few further ones are known
/// ([`RenderPlan::delay`]).
pub(super) struct Collage<'a> {
    brain: &'a Ensemble,
    player: Player<'a>,
    chooser: Chooser,
    playing: Chosen<'a>,
    /// Live: for how many further ticks a choice waits.
    delay: usize,
    /// End of the last picture.
    shown: MediaTime,
    rows: Vec<f32>,
    chosen: Vec<u32>,
    /// Loudness in dB and probability of silence of the ticks that are not chosen yet.
    levels: VecDeque<(f32, f32)>,
    /// What the pictures of coming ticks look like.
    portraits: VecDeque<f32>,
    sound: Vec<f32>,
    /// Samples handed over so far.
    delivered: usize,
}

/// The chosen ticks at work.
enum Chosen<'a> {
    Joined(Mosaic<&'a Material>),
    Grains(Cloud<&'a Material>),
}

impl Chosen<'_> {
    fn push(&mut self, choice: Choice) {
        match self {
            Self::Joined(mosaic) => mosaic.push(choice),
            Self::Grains(cloud) => cloud.push(choice),
        }
    }

    fn finish(&mut self) {
        match self {
            Self::Joined(mosaic) => mosaic.finish(),
            Self::Grains(cloud) => cloud.finish(),
        }
    }

    /// All samples that are ready, in place of what `sound` held.
    fn take(&mut self, sound: &mut Vec<f32>) {
        let ready = match self {
            Self::Joined(mosaic) => mosaic.ready(),
            Self::Grains(cloud) => cloud.ready(),
        };
        sound.resize(ready, 0.0);
        match self {
            Self::Joined(mosaic) => mosaic.fill(sound),
            Self::Grains(cloud) => cloud.fill(sound),
        };
    }
}

impl<'a> Collage<'a> {
    /// With `grains` the chosen ticks are taken apart into grains, else they are joined.
    pub(super) fn new(
        brain: &'a Ensemble,
        plan: &RenderPlan,
        config: &MosaicConfig,
        grains: Option<&GranularConfig>,
    ) -> Result<Self> {
        let Some((material, known)) = brain.material() else {
            return Err(Error::new(Kind::Invalid, "carries no sound to play with")
                .at(&plan.brain)
                .help("add --synth spectral, or train it again without --no-sound"));
        };
        let continued = material.config().continued();
        let units = Units::new(UNIT, &known.descriptors, &known.loudness, &continued).map_err(|e| {
            Error::new(Kind::Damaged, format!("has units that do not fit its sound: {e}"))
                .at(&plan.brain)
                .help("make or copy the brain again")
        })?;
        let units = Arc::new(units);
        let chooser = match plan.delay {
            _ if !plan.live => Chooser::exact(units.clone(), config),
            0 => Chooser::greedy(units.clone(), config),
            delay => Chooser::lookahead(units.clone(), config, delay),
        };
        let size = brain.config().size as usize;
        let batch = if plan.live { 1 } else { BATCH };
        Ok(Self {
            player: Player::new(brain, size, brain.eye().colour(), 0, plan.live, batch).with_portraits(),
            playing: match grains {
                None => Chosen::Joined(Mosaic::new(material.grid(), units, material, config)),
                Some(grains) => Chosen::Grains(Cloud::new(material.grid(), units, material, grains, config)),
            },
            delay: plan.delay,
            shown: MediaTime::ZERO,
            rows: Vec::new(),
            chosen: Vec::new(),
            levels: VecDeque::new(),
            portraits: VecDeque::new(),
            sound: Vec::new(),
            delivered: 0,
            brain,
            chooser,
        })
    }

    fn choose(&mut self) {
        let (voice, weight) = (self.brain.voice(), self.brain.config().picture);
        self.portraits.extend(self.player.portraits());
        let (mut sounding, mut wanted) = ([0.0; OUTPUTS], [0.0; UNIT]);
        for row in self.rows.chunks_exact(OUTPUTS) {
            voice.sounding(row, &mut sounding);
            voice.wanted(&sounding, &mut wanted[..DESCRIPTOR]);
            let portrait = self.portraits.drain(..PORTRAIT);
            wanted[DESCRIPTOR..].iter_mut().zip(portrait).for_each(|(w, p)| *w = weight * p);
            self.chooser.push(&wanted, &mut self.chosen);
            self.levels.push_back((voice.loudness_db(&sounding), voice.silence(row)));
        }
        self.rows.clear();
    }

    /// Plays the chosen units, and hands over what is ready, up to `most` samples of the whole.
    fn play(&mut self, most: usize, sketch: &mut Sketch<'_>) -> Result<()> {
        let levels = self.levels.drain(..self.chosen.len());
        for (unit, (loudness_db, gate)) in self.chosen.drain(..).zip(levels) {
            self.playing.push(Choice { unit, loudness_db, gate });
        }
        self.playing.take(&mut self.sound);
        let there = self.sound.len().min(most - self.delivered);
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
        let sound = |(m, _): (&Material, _)| m.grid().rate.sample_at(length).max(0) as usize * m.channels();
        let whole = self.brain.material().map_or(0, sound);
        self.play(whole, sketch)?;
        self.playing.finish();
        self.play(whole, sketch)?;
        // Less than a tick.
        sketch.add(&vec![0.0; whole - self.delivered])
    }

    fn ticks(&self) -> u64 {
        self.player.ticks()
    }

    /// What a tick waits for until it is chosen, and then until it sounds.
    fn latency(&self) -> f64 {
        let frames = match &self.playing {
            Chosen::Joined(mosaic) => mosaic.latency(),
            Chosen::Grains(cloud) => cloud.latency(),
        };
        let rate = self.brain.material().map_or(self.brain.config().grid.rate, |(m, _)| m.config().rate);
        self.delay as f64 / self.brain.config().grid.tick.as_f64() + frames as f64 / f64::from(rate.hz())
    }
}
