//! The engine of concatenative synthesis: targets in, sound out.

use crate::Result;
use crate::concat::layer::{EngineLayer, SILENT_POWER};
use crate::concat::{
    AllowedSources, Lookahead, PendingTick, ScoreRecorder, ShotSourceSelector, Target, UnitDatabase,
    UnitRendering,
};
use crate::soundtrack::{MixStage, PlayedClips};
use kinophone_dsp::concat::{MosaicConfig, UnitSound};
use kinophone_dsp::metrics::BANDS;
use kinophone_dsp::spectral::{BandMatcher, BandTarget};
use kinophone_dsp::units::MediaTime;

/// Settings of a [`ConcatEngine`].
pub(crate) struct EngineOptions<'a> {
    pub(crate) config: MosaicConfig,
    pub(crate) rendering: UnitRendering<'a>,
    pub(crate) lookahead: Lookahead,
    /// The usual loudness of the targets: a database far from it gets more gain.
    pub(crate) usual_db: f32,
    /// Units that sound at once, 1 or more.
    pub(crate) layers: usize,
    /// By how many semitones units are brought to the pitch of their targets at most.
    pub(crate) tune: f32,
    /// The ticks with which shots begin, but the first, where each shot is played with one recording.
    pub(crate) shot_ticks: Option<Vec<u64>>,
    /// True if clips are kept for a score, and not only tallied for credits.
    pub(crate) keep_clips: bool,
    /// True if the places of jumps are kept.
    pub(crate) keep_jumps: bool,
    /// Time of the ticks at which the soundtrack begins: what sounds before it is left out.
    pub(crate) begin: MediaTime,
}

/// Selects and plays units.
///
/// Several layers sound at once, together as loud as one would be. The second one finds the best path for the same targets
/// without what the first one plays, and so on; each waits until the one before has decided.
pub(crate) struct ConcatEngine<'a> {
    database: &'a UnitDatabase<'a>,
    config: MosaicConfig,
    lookahead: Lookahead,
    tune: f32,
    shot_sources: Option<ShotSourceSelector>,
    layers: Vec<EngineLayer<'a>>,
    filter: Option<Box<BandMatcher>>,
    /// Sum of the layers, as far as all of them have sounded.
    mixed: Vec<f32>,
    filtered: Vec<f32>,
    played: PlayedClips,
    /// Samples before the beginning of the soundtrack.
    left_out: usize,
    /// Samples that are done, those that are left out among them.
    delivered: usize,
}

impl<'a> ConcatEngine<'a> {
    pub(crate) fn new(database: &'a UnitDatabase<'a>, options: EngineOptions<'_>) -> Result<Self> {
        let EngineOptions { config, rendering, lookahead, usual_db, tune, shot_ticks, .. } = options;
        let keep_jumps = options.keep_jumps && matches!(rendering, UnitRendering::Joined(_));
        let sound = database.sound;
        let max_gain_db = config.max_gain_db + (database.scaler.mean_loudness_db() - usual_db).abs();
        let config = MosaicConfig { max_gain_db, ..config };
        let begin = sound.rate().sample_at(options.begin).max(0);
        let recorder = |number: usize| {
            let grains = matches!(rendering, UnitRendering::Grains(_));
            ScoreRecorder::new(grains, options.keep_clips, number as u32, begin)
        };
        let layer = |number: usize| {
            let layer =
                EngineLayer::new(database, number, &config, &rendering, (lookahead, recorder(number)))?;
            Ok(if keep_jumps { layer.with_jumps() } else { layer })
        };
        let layers = (0..options.layers.max(1)).map(layer).collect::<Result<_>>()?;
        let filter = match rendering {
            // Without a filter where it would do nothing: then the sound is the one that was recorded.
            UnitRendering::Joined(shape) if !shape.is_off() => {
                Some(Box::new(BandMatcher::new(sound.grid(), sound.channels(), shape)))
            }
            _ => None,
        };
        Ok(Self {
            database,
            config,
            lookahead,
            tune,
            shot_sources: shot_ticks.map(ShotSourceSelector::new),
            layers,
            filter,
            mixed: Vec::new(),
            filtered: Vec::new(),
            played: PlayedClips::default(),
            left_out: begin as usize * sound.channels(),
            delivered: 0,
        })
    }

    /// Takes the target of the next tick.
    pub(crate) fn push(&mut self, target: Target) -> Result<()> {
        match &mut self.shot_sources {
            None => self.select(target, None),
            Some(shot_sources) => {
                let ready = shot_sources.push(target, self.database);
                ready.into_iter().try_for_each(|(target, allowed)| self.select(target, allowed))
            }
        }
    }

    /// Hands over what is ready.
    pub(crate) fn deliver(&mut self, out: &mut MixStage<'_>) -> Result<()> {
        self.deliver_until(usize::MAX, out)
    }

    /// Hands over the rest after the last tick, so that the soundtrack ends at `end`, a time of the ticks.
    pub(crate) fn finish(&mut self, end: MediaTime, out: &mut MixStage<'_>) -> Result<()> {
        let database = self.database;
        let sound = database.sound;
        let frames = sound.rate().sample_at(end).max(0) as usize;
        let begin = self.left_out / sound.channels();
        self.played.end_by(frames.saturating_sub(begin) as f64 / f64::from(sound.rate().hz()));
        let rest = self.shot_sources.as_mut().map_or(Vec::new(), |selector| selector.release(database));
        rest.into_iter().try_for_each(|(target, allowed)| self.select(target, allowed))?;
        for number in 0..self.layers.len() {
            self.layers[number].finish_selection()?;
            self.play_selected(number)?;
            self.layers[number].finish_sound();
        }
        let samples = frames * sound.channels();
        self.deliver_until(samples, out)?;
        if let Some(filter) = &mut self.filter {
            filter.finish();
            self.deliver_until(samples, out)?;
        }
        // Less than a tick.
        out.add(&vec![0.0; samples.saturating_sub(self.delivered.max(self.left_out))])
    }

    /// Takes the record of what was played.
    pub(crate) fn take_played(&mut self) -> PlayedClips {
        std::mem::take(&mut self.played)
    }

    /// Takes the ticks, in order, whose unit does not continue the one before in some layer; `None` where they were not kept, or
    /// grains are played.
    pub(crate) fn take_jumps(&mut self) -> Option<Vec<i64>> {
        let layers = self.layers.iter_mut().map(EngineLayer::take_jumps);
        let mut jumps = layers.collect::<Option<Vec<_>>>()?.concat();
        jumps.sort_unstable();
        jumps.dedup();
        Some(jumps)
    }

    /// Seconds from the end of a tick until its sound is complete, without the time that computing takes.
    pub(crate) fn latency(&self) -> f64 {
        let grid = self.database.sound.grid();
        let frames = self.layers[0].latency() + self.filter.as_ref().map_or(0, |filter| filter.latency());
        let ticks = match self.lookahead {
            Lookahead::WholeFilm => 0,
            Lookahead::Ticks(ticks) => ticks * self.layers.len(),
        };
        ticks as f64 / grid.tick.as_f64() + frames as f64 / f64::from(grid.rate.hz())
    }

    fn select(&mut self, target: Target, allowed: AllowedSources) -> Result<()> {
        self.request(0, PendingTick { target, allowed, taken: Vec::new(), bands: [SILENT_POWER; BANDS] })
    }

    /// Has a layer select for a tick, and plays what it has decided by then.
    fn request(&mut self, number: usize, tick: PendingTick) -> Result<()> {
        self.layers[number].request(tick)?;
        self.play_selected(number)
    }

    /// Plays what a layer has decided, and hands those ticks on to the next layer.
    fn play_selected(&mut self, number: usize) -> Result<()> {
        let share_db = 10.0 * (self.layers.len() as f32).log10();
        for unit in self.layers[number].take_selected() {
            let layer = &mut self.layers[number];
            let Some(tick) = layer.play(unit, self.database, &self.config, (share_db, self.tune)) else {
                break;
            };
            if number + 1 < self.layers.len() {
                self.request(number + 1, tick)?;
            } else if let Some(filter) = &mut self.filter {
                let PendingTick { target, bands, .. } = tick;
                filter.push(&BandTarget { there: bands, wanted: target.bands, rise: target.rise });
            }
        }
        Ok(())
    }

    /// Mixes, filters and hands over what is ready, up to sample `end` of the whole.
    fn deliver_until(&mut self, end: usize, out: &mut MixStage<'_>) -> Result<()> {
        for layer in &mut self.layers {
            layer.collect(self.database, &mut self.played);
        }
        let ready = self.layers.iter().map(EngineLayer::ready).min().unwrap_or(0);
        self.mixed.clear();
        self.mixed.resize(ready, 0.0);
        self.layers.iter_mut().for_each(|layer| layer.mix_into(&mut self.mixed));
        let sound = match &mut self.filter {
            None => &self.mixed,
            Some(filter) => {
                filter.add(&self.mixed);
                self.filtered.resize(filter.ready(), 0.0);
                filter.fill(&mut self.filtered);
                &self.filtered
            }
        };
        let samples = sound.len().min(end.saturating_sub(self.delivered));
        let before = self.left_out.saturating_sub(self.delivered).min(samples);
        self.delivered += samples;
        out.add(&sound[before..samples])
    }
}
