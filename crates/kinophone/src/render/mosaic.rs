//! Pictures in, sound out, by way of recorded sound: the film's ticks find theirs in what the brain learned from, or in a library.

use super::finish::Sketch;
use super::production::Played;
use super::stock::Stock;
use super::weaver::{Then, Wanted, Weaver, When};
use super::{Playing, RenderPlan};
use crate::Result;
use crate::brain::{DESCRIPTOR, Ensemble, OUTPUTS, PORTRAIT, Player, UNIT};
use kinophone_dsp::measure::BANDS;
use kinophone_dsp::synth::Manner;
use kinophone_dsp::synth::mosaic::MosaicConfig;
use kinophone_dsp::units::MediaTime;
use std::collections::VecDeque;

/// Pictures that are looked at together where nobody waits.
const BATCH: usize = 32;

/// Plays recorded sound to a succession of pictures.
///
/// What the brain says of a tick is kept until its unit in the best way through the material is decided, usually a few seconds
/// later; then it is played. Live, each tick is chosen when a few further ones are known ([`RenderPlan::delay`]).
pub(super) struct Collage<'a> {
    brain: &'a Ensemble,
    stock: &'a Stock<'a>,
    player: Player<'a>,
    weaver: Weaver<'a>,
    /// End of the last picture.
    shown: MediaTime,
    rows: Vec<f32>,
    /// What the pictures of coming ticks look like.
    portraits: VecDeque<f32>,
}

impl<'a> Collage<'a> {
    /// The chosen ticks are joined and filtered, or taken apart into grains; each shot with one recording alone where it is known with
    /// which ticks shots begin.
    pub(super) fn new(
        brain: &'a Ensemble,
        stock: &'a Stock<'a>,
        plan: &RenderPlan,
        config: &MosaicConfig,
        then: &Then<'_>,
        cuts: Option<Vec<u64>>,
    ) -> Self {
        let when = if plan.live { When::After(plan.delay) } else { When::Exactly };
        let usual_db = brain.voice().usual_loudness_db();
        let keep = !plan.output.scores.is_empty();
        let size = brain.config().size as usize;
        let batch = if plan.live { 1 } else { BATCH };
        Self {
            player: Player::new(brain, size, brain.eye().colour(), 0, plan.live, batch).with_portraits(),
            weaver: Weaver::new(stock, config, then, when, usual_db, plan.choice.layers, keep).by_shot(cuts),
            shown: MediaTime::ZERO,
            rows: Vec::new(),
            portraits: VecDeque::new(),
            brain,
            stock,
        }
    }

    /// Has what the brain said played.
    fn weave(&mut self) {
        let (voice, weight) = (self.brain.voice(), self.brain.config().picture);
        let theirs = self.stock.voice;
        self.portraits.extend(self.player.portraits());
        let (mut sounding, mut target) = ([0.0; OUTPUTS], [0.0; UNIT]);
        for row in self.rows.chunks_exact(OUTPUTS) {
            voice.sounding(row, &mut sounding);
            voice.wanted(&sounding, &mut target[..DESCRIPTOR]);
            let portrait = self.portraits.drain(..PORTRAIT);
            target[DESCRIPTOR..].iter_mut().zip(portrait).for_each(|(w, p)| *w = weight * p);
            let loudness_db = voice.loudness_db(&sounding);
            let mut bands = [0.0; BANDS];
            theirs.bands(&sounding, &mut bands);
            // At the level that is wanted, not the one that is usual among other sounds.
            let level = (loudness_db - theirs.loudness_db(&sounding)) / 10.0;
            bands.iter_mut().for_each(|power| *power += level);
            let onset = voice.onset(&sounding);
            self.weaver.push(Wanted {
                target: self.stock.weighed(&target),
                loudness_db,
                silence: voice.silence(row),
                soft: false,
                bands,
                rise: voice.rise(onset),
                manner: Manner::said(onset, loudness_db - voice.usual_loudness_db()),
                // A brain knows no more than the tick, and no pitches.
                attack: None,
                hz: None,
            });
        }
        self.rows.clear();
    }
}

impl Playing for Collage<'_> {
    fn show(&mut self, pixels: &[u8], until: MediaTime, sketch: &mut Sketch<'_>) -> Result<()> {
        self.player.show(pixels, self.shown, until, &mut self.rows);
        self.shown = until;
        self.weave();
        self.weaver.play(sketch)
    }

    fn end(&mut self, length: MediaTime, sketch: &mut Sketch<'_>) -> Result<()> {
        let ticks = super::ticks_until(self.brain.config().grid.tick, length);
        self.player.finish(ticks, &mut self.rows);
        self.weave();
        self.weaver.finish(length, sketch)
    }

    fn ticks(&self) -> u64 {
        self.player.ticks()
    }

    fn played(&mut self) -> Option<Played> {
        Some(self.weaver.played())
    }

    fn latency(&self) -> f64 {
        self.weaver.latency()
    }
}
