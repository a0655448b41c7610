//! Pictures in, sound out, by way of the training sound: the film's ticks find theirs in what the brain learned from, to be
//! joined or to be taken apart into grains.

use super::finish::Sketch;
use super::{Playing, RenderPlan};
use crate::brain::{DESCRIPTOR, Ensemble, Material, OUTPUTS, PORTRAIT, Player, UNIT};
use crate::{Error, Kind, Result};
use kinophone_dsp::synth::mosaic::{Choice, Chooser, Mosaic, MosaicConfig, Units};
use kinophone_dsp::synth::{Cloud, GranularConfig};
use kinophone_dsp::units::MediaTime;
use std::collections::VecDeque;
use std::sync::Arc;

/// Pictures that are looked at together where nobody waits.
const BATCH: usize = 32;
/// Ticks that are played at a time.
const CHUNK: usize = 64;

/// Plays an ensemble's material to a succession of pictures.
///
/// What the brain says of a tick is kept as a few numbers until the film ends; then the best way through the material is
/// known, and is played. Live, each tick is chosen at once.
pub(super) struct Collage<'a> {
    brain: &'a Ensemble,
    material: &'a Material,
    units: Arc<Units>,
    config: MosaicConfig,
    /// Where the chosen sound is taken apart into grains.
    grains: Option<GranularConfig>,
    player: Player<'a>,
    chooser: Chooser,
    /// End of the last picture.
    shown: MediaTime,
    rows: Vec<f32>,
    chosen: Vec<u32>,
    /// Loudness in dB and probability of silence, tick by tick.
    levels: Vec<(f32, f32)>,
    /// What the pictures of coming ticks look like.
    portraits: VecDeque<f32>,
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
        let chooser = if plan.live {
            Chooser::greedy(units.clone(), config)
        } else {
            Chooser::exact(units.clone(), config)
        };
        let size = brain.config().size as usize;
        let batch = if plan.live { 1 } else { BATCH };
        Ok(Self {
            player: Player::new(brain, size, brain.eye().colour(), 0, plan.live, batch).with_portraits(),
            config: config.clone(),
            grains: grains.cloned(),
            shown: MediaTime::ZERO,
            rows: Vec::new(),
            chosen: Vec::new(),
            levels: Vec::new(),
            portraits: VecDeque::new(),
            brain,
            material,
            units,
            chooser,
        })
    }

    fn choose(&mut self) {
        let (voice, weight) = (self.brain.voice(), self.brain.config().picture);
        self.portraits.extend(self.player.portraits());
        let mut wanted = [0.0; UNIT];
        for row in self.rows.chunks_exact(OUTPUTS) {
            voice.wanted(row, &mut wanted[..DESCRIPTOR]);
            let portrait = self.portraits.drain(..PORTRAIT);
            wanted[DESCRIPTOR..].iter_mut().zip(portrait).for_each(|(w, p)| *w = weight * p);
            self.chosen.extend(self.chooser.push(&wanted));
            self.levels.push((voice.loudness_db(row), voice.silence(row)));
        }
        self.rows.clear();
    }

    fn chosen(&self) -> Chosen<'a> {
        let (grid, units) = (self.material.grid(), self.units.clone());
        match &self.grains {
            None => Chosen::Joined(Mosaic::new(grid, units, self.material, &self.config)),
            Some(grains) => Chosen::Grains(Cloud::new(grid, units, self.material, grains, &self.config)),
        }
    }

    fn sound(&self, frames: usize, sketch: &mut Sketch) -> Result<()> {
        let mut chosen = self.chosen();
        let (mut left, mut sound) = (frames * self.material.config().channels as usize, Vec::new());
        let mut deliver = |chosen: &mut Chosen<'_>| {
            chosen.take(&mut sound);
            let there = sound.len().min(left);
            left -= there;
            sketch.add(&sound[..there])
        };
        for (i, (unit, (loudness_db, gate))) in self.chosen.iter().zip(&self.levels).enumerate() {
            chosen.push(Choice { unit: *unit, loudness_db: *loudness_db, gate: *gate });
            if i % CHUNK == CHUNK - 1 {
                deliver(&mut chosen)?;
            }
        }
        chosen.finish();
        deliver(&mut chosen)?;
        // Less than a tick.
        sketch.add(&vec![0.0; left])
    }
}

impl Playing for Collage<'_> {
    fn show(&mut self, pixels: &[u8], until: MediaTime, _: &mut Sketch) -> Result<()> {
        self.player.show(pixels, self.shown, until, &mut self.rows);
        self.shown = until;
        self.choose();
        Ok(())
    }

    fn end(&mut self, length: MediaTime, sketch: &mut Sketch) -> Result<()> {
        let ticks = super::ticks_until(self.brain.config().grid.tick, length);
        self.player.finish(ticks, &mut self.rows);
        self.choose();
        self.chosen.extend(self.chooser.finish());
        let frames = self.material.grid().rate.sample_at(length).max(0) as usize;
        self.sound(frames, sketch)
    }

    fn ticks(&self) -> u64 {
        self.player.ticks()
    }
}
