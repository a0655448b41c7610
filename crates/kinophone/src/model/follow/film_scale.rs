//! Motion on the scale of its own film: much motion is much for this film.
//!
//! A film's scale is a histogram of all levels of motion that came, and of those of the next minute; live, a mean and a deviation that
//! forget in ten seconds. A tick is answered 70.4 s after it came, live at once.

use crate::model::follow::motion_level::{MotionLevel, MotionLevels};
use std::collections::VecDeque;

/// Ticks that are known ahead, but for live use: a minute. The scale of a shorter film is that of the whole; of a longer one it is that of
/// all that came and of the next minute, so that memory does not grow with the film.
const AHEAD: usize = 1800;
/// Ticks over which the amount of motion is averaged for loudness.
const SMOOTH: usize = 5;
/// Ticks to either side among which a cut stands alone: animation on threes moves in every fourth of them.
const ALONE: usize = 8;
/// A tick moves at most this many times as much (of a level) as any other nearby.
const ABOVE_OTHERS: f32 = 1.15;
/// Levels that are told apart.
const BINS: usize = 1024;
/// Loudness where nothing moves at all, in deviations.
pub(crate) const STILL: f32 = -1.6;
/// Less than this level, a thirtieth of a grey level, is no motion but grain.
const GRAIN: f32 = 0.006;
/// Ticks after which the table of scores is computed again.
const TABLE_TICKS: usize = 30;
/// A rise exceeds all of so many ticks before: pictures at 24 or 25 a second leave out a tick now and then.
const RISE_TICKS: usize = 2;
/// Ranks of the levels that count as the film's stillness and as its strongest motion.
const LOWEST: f32 = 0.02;
const HIGHEST: f32 = 0.95;
/// Steepness of the part of the score that saturates.
const SATURATION: f32 = 2.5;
/// Onsets: rises of the level in deviations, times this, within limits.
const ONSET_GAIN: f32 = 2.0;
const ONSET_LIMITS: (f32, f32) = (-1.0, 4.0);
/// Time in ticks in which a live scale forgets, and that for which its first guess counts.
const LIVE_TICKS: f32 = 300.0;
const LIVE_BEGIN: f32 = 45.0;

/// What a tick's motion asks of its sound, in deviations of the training sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MotionTick {
    /// Loudness, from −1.6 for stillness to about 2.
    pub(crate) loudness: f32,
    /// Strength of an attack, −1 to 4.
    pub(crate) onset: f32,
    /// How much of the motion nearby is that of things, 0 to 1: 0 where the camera alone moves, 1 where nothing does.
    pub(crate) things: f32,
}

/// Scales motion tick by tick.
pub(crate) struct FilmScale {
    live: bool,
    finished: bool,
    incoming: MotionLevels,
    /// Levels of motion, of which the first is that of tick `first`.
    levels: VecDeque<MotionLevel>,
    first: usize,
    /// The next tick that is asked for.
    next: usize,
    /// Ticks of which the scale knows.
    known: usize,
    loudness: Histogram,
    /// Score of each bin.
    scores: Vec<f32>,
    rises: Moments,
    live_loudness: LiveMoments,
    live_rises: LiveMoments,
}

impl FilmScale {
    pub(crate) fn new(live: bool) -> Self {
        Self {
            live,
            finished: false,
            incoming: MotionLevels::new(live),
            levels: VecDeque::new(),
            first: 0,
            next: 0,
            known: 0,
            loudness: Histogram::default(),
            scores: Vec::new(),
            rises: Moments::default(),
            live_loudness: LiveMoments::new(0.2, 0.1),
            live_rises: LiveMoments::new(0.02, 0.03),
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// Takes the general numbers of the next tick.
    pub(crate) fn push(&mut self, general: &[f32]) {
        self.incoming.push(general);
        self.take_levels();
    }

    pub(crate) fn finish(&mut self) {
        self.finished = true;
        self.take_levels();
    }

    fn take_levels(&mut self) {
        while let Some(level) = self.incoming.next(self.finished || self.live) {
            self.levels.push_back(level);
        }
    }

    fn received(&self) -> usize {
        self.first + self.levels.len()
    }

    /// Ticks that can be asked for.
    pub(crate) fn ready(&self) -> usize {
        let ahead = if self.live || self.finished { 0 } else { AHEAD + SMOOTH + ALONE };
        (self.received() - self.next).saturating_sub(ahead)
    }

    /// The next tick; `None` where too little is known.
    pub(crate) fn next(&mut self) -> Option<MotionTick> {
        if self.ready() == 0 {
            return None;
        }
        let tick = self.next;
        self.next += 1;
        let scaled = if self.live { self.live_tick(tick) } else { self.film_tick(tick) };
        let gone = self.next.saturating_sub(SMOOTH + ALONE).saturating_sub(self.first);
        self.levels.drain(..gone);
        self.first += gone;
        Some(scaled)
    }

    fn film_tick(&mut self, tick: usize) -> MotionTick {
        let until = (tick + AHEAD).min(self.received() - 1);
        while self.known <= until {
            self.loudness.add(self.smooth(self.known));
            self.rises.add(self.rise(self.known));
            self.known += 1;
        }
        if tick.is_multiple_of(TABLE_TICKS) || self.scores.is_empty() {
            self.scores = self.loudness.scores();
        }
        let level = self.smooth(tick);
        MotionTick {
            loudness: if level > GRAIN { self.scores[bin(level)].max(STILL) } else { STILL },
            onset: onset(self.rises.scaled(self.rise(tick))),
            things: self.at(tick).map_or(1.0, |level| level.things),
        }
    }

    fn live_tick(&mut self, tick: usize) -> MotionTick {
        let count = SMOOTH.min(tick + 1);
        let held = |t: usize| self.level(t).max(self.level(t.saturating_sub(1)));
        let level = (0..count).map(|back| held(tick - back)).sum::<f32>() / count as f32;
        let rise = self.rise(tick);
        self.live_loudness.add(level);
        self.live_rises.add(rise);
        let score = self.live_loudness.scaled(level).clamp(STILL, -STILL);
        let loudness = if level > GRAIN { score } else { STILL };
        let things = self.at(tick).map_or(1.0, |level| level.things);
        MotionTick { loudness, onset: onset(self.live_rises.scaled(rise)), things }
    }

    /// The level of a tick; before the first and after the last nothing moves.
    fn level(&self, tick: usize) -> f32 {
        self.at(tick).map_or(0.0, |level| level.level)
    }

    fn at(&self, tick: usize) -> Option<&MotionLevel> {
        tick.checked_sub(self.first).and_then(|at| self.levels.get(at))
    }

    /// The level of a tick, a cut left out: it stands out from all others nearby.
    fn uncut(&self, tick: usize) -> f32 {
        let near = (tick.saturating_sub(ALONE)..=tick + ALONE).filter(|other| other.abs_diff(tick) > 1);
        let most = near.map(|other| self.level(other)).fold(0.0, f32::max);
        self.level(tick).min(ABOVE_OTHERS * most)
    }

    /// The level around a tick, held from one picture to the next and averaged.
    fn smooth(&self, tick: usize) -> f32 {
        let near = |reach: usize, tick: usize| tick.saturating_sub(reach)..=tick + reach;
        let held = |tick: usize| near(1, tick).map(|t| self.uncut(t)).fold(0.0, f32::max);
        let count = near(SMOOTH / 2, tick).count();
        near(SMOOTH / 2, tick).map(held).sum::<f32>() / count as f32
    }

    /// Rise of the level over that of the ticks before.
    fn rise(&self, tick: usize) -> f32 {
        let before = (1..=RISE_TICKS).filter_map(|back| tick.checked_sub(back));
        let before = before.map(|tick| self.level(tick)).fold(0.0, f32::max);
        (self.level(tick) - before).max(0.0)
    }
}

fn onset(deviations: f32) -> f32 {
    (ONSET_GAIN * deviations).clamp(ONSET_LIMITS.0, ONSET_LIMITS.1)
}

/// The deviation below which a share of a normal distribution lies, within 0.1 of it (by the logistic distribution of the same
/// variance near its middle).
fn normal_score(share: f32) -> f32 {
    let share = share.clamp(0.01, 0.99);
    (share / (1.0 - share)).ln() / 1.702
}

/// Levels counted in bins.
#[derive(Default)]
struct Histogram {
    counts: Vec<u32>,
    total: u32,
}

impl Histogram {
    fn add(&mut self, level: f32) {
        self.counts.resize(BINS, 0);
        self.counts[bin(level)] += 1;
        self.total += 1;
    }

    /// The score of every level, in deviations: half of it by its rank among all, so that the whole range is used whatever the film;
    /// half by what it is of the strongest, from which most of what clearly moves is about as loud.
    fn scores(&self) -> Vec<f32> {
        let total = self.total.max(1) as f32;
        let quantile = |share: f32| {
            let mut below = 0;
            let reached = |count: &u32| {
                below += *count;
                below as f32 >= share * total
            };
            self.counts.iter().position(reached).unwrap_or(BINS - 1) as f32
        };
        let (low, high) = (quantile(LOWEST), quantile(HIGHEST));
        let relative = |bin: usize| (SATURATION * (bin as f32 - low) / (high - low).max(1.0)).max(0.0).tanh();
        let weighted = |number: &dyn Fn(usize) -> f32| {
            self.counts.iter().enumerate().map(|(bin, count)| *count as f32 * number(bin)).sum::<f32>()
                / total
        };
        let mean = weighted(&relative);
        let deviation = weighted(&|bin| (relative(bin) - mean).powi(2)).sqrt().max(0.1);
        let mut below = 0.0;
        let score = |(bin, count): (usize, &u32)| {
            let rank = (below + 0.5 * *count as f32) / total;
            below += *count as f32;
            0.5 * (normal_score(rank) + (relative(bin) - mean) / deviation)
        };
        self.counts.iter().enumerate().map(score).collect()
    }
}

fn bin(level: f32) -> usize {
    ((level * BINS as f32) as usize).min(BINS - 1)
}

/// Mean and deviation of all numbers so far.
#[derive(Default)]
struct Moments {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, x: f32) {
        self.count += 1.0;
        self.sum += f64::from(x);
        self.squares += f64::from(x).powi(2);
    }

    fn scaled(&self, x: f32) -> f32 {
        let mean = self.sum / self.count.max(1.0);
        let deviation = (self.squares / self.count.max(1.0) - mean.powi(2)).max(0.0).sqrt().max(1e-3);
        ((f64::from(x) - mean) / deviation) as f32
    }
}

/// Mean and deviation that forget.
struct LiveMoments {
    mean: f32,
    variance: f32,
    count: f32,
}

impl LiveMoments {
    fn new(mean: f32, deviation: f32) -> Self {
        Self { mean, variance: deviation * deviation, count: LIVE_BEGIN }
    }

    fn add(&mut self, x: f32) {
        self.count = (self.count + 1.0).min(LIVE_TICKS);
        let rate = 1.0 / self.count;
        self.mean += rate * (x - self.mean);
        self.variance += rate * ((x - self.mean).powi(2) - self.variance);
    }

    fn scaled(&self, x: f32) -> f32 {
        (x - self.mean) / self.variance.sqrt().max(1e-3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinophone_dsp::metrics::correlation;

    /// The numbers of a film of which things and all change by these levels.
    fn scaled(live: bool, levels: &[(f32, f32)]) -> Vec<MotionTick> {
        let mut scale = FilmScale::new(live);
        let mut ticks = Vec::new();
        for (things, all) in levels {
            scale.push(&[*things, *all]);
            assert!(scale.levels.len() <= AHEAD + 2 * (SMOOTH + ALONE) + 2, "memory grows with the film");
            ticks.extend(std::iter::from_fn(|| scale.next()));
        }
        assert!(!live || ticks.len() == levels.len());
        scale.finish();
        ticks.extend(std::iter::from_fn(|| scale.next()));
        assert_eq!(ticks.len(), levels.len());
        ticks
    }

    fn moving(levels: impl Iterator<Item = f32>) -> Vec<(f32, f32)> {
        levels.map(|level| (level, level)).collect()
    }

    fn loudness(ticks: &[MotionTick]) -> Vec<f64> {
        ticks.iter().map(|tick| f64::from(tick.loudness)).collect()
    }

    #[test]
    fn much_motion_is_much_for_its_film() {
        for (most, length) in [(0.6, 900), (0.25, 900), (0.4, 9000)] {
            let wave = |k: usize| most * (0.5 - 0.5 * (k as f32 / 40.0).cos());
            for live in [false, true] {
                let ticks = scaled(live, &moving((0..length).map(wave)));
                let levels: Vec<f64> = (0..length).map(|k| f64::from(wave(k))).collect();
                let r = correlation(&loudness(&ticks[300..]), &levels[300..]);
                assert!(r > if live { 0.85 } else { 0.93 }, "{most} {length} {live}: {r}");
                let (low, high) =
                    ticks.iter().fold((9f32, -9f32), |(l, h), t| (l.min(t.loudness), h.max(t.loudness)));
                assert!(low < -1.0 && high > 1.0, "{most} {live}: {low} to {high}");
            }
        }
    }

    #[test]
    fn stillness_and_noise_are_still() {
        for level in [0.0, 0.005] {
            for live in [false, true] {
                let ticks = scaled(live, &moving((0..400).map(|_| level)));
                assert!(
                    ticks[200..].iter().all(|t| t.loudness <= STILL + 0.5 && t.onset <= 0.0),
                    "{level} {live}"
                );
            }
        }
        // Numbers that are none.
        assert!(
            scaled(false, &[(f32::NAN, 0.1); 40])
                .iter()
                .all(|t| t.loudness.is_finite() && t.onset.is_finite())
        );
    }

    #[test]
    fn cuts_and_cameras_are_no_things() {
        let cut = scaled(false, &moving((0..400).map(|k| if k == 200 { 0.8 } else { 0.004 })));
        assert!(cut.iter().all(|t| t.loudness < STILL + 0.5), "{:?}", &cut[195..205]);
        // The camera moves in the first half; in the second things do, and the whole changes less.
        let film: Vec<(f32, f32)> =
            (0..600).map(|k| if k < 300 { (0.0, 0.4) } else { (0.35, 0.36) }).collect();
        let ticks = scaled(false, &film);
        let mean = |range: std::ops::Range<usize>| {
            let length = range.len() as f32;
            ticks[range].iter().map(|t| t.loudness).sum::<f32>() / length
        };
        assert!(mean(310..590) > mean(10..290) + 0.5, "{} {}", mean(310..590), mean(10..290));
    }

    #[test]
    fn a_beginning_is_an_onset_at_any_frame_rate() {
        // A picture every tick, four of five ticks (24 or 25 a second), and every other one.
        for (name, shown) in
            [("30", [true; 10]), ("24", [true, true, true, true, false, true, true, true, true, false])]
        {
            let level = |k: usize| if k % 100 >= 50 && shown[k % 10] { 0.3 } else { 0.0 };
            let ticks = scaled(false, &moving((0..1000).map(level)));
            for (k, tick) in ticks.iter().enumerate() {
                let begins = k % 100 == 50;
                assert!(if begins { tick.onset > 3.0 } else { tick.onset <= 0.0 }, "{name} {k}: {tick:?}");
            }
        }
    }

    #[test]
    fn nothing_that_comes_later_changes_what_is_live() {
        let levels = moving((0..600).map(|k| 0.3 + 0.2 * ((k * k) as f32 / 977.0).sin()));
        assert_eq!(scaled(true, &levels)[..400], scaled(true, &levels[..400]));
    }

    #[test]
    fn normal_scores_are_those_of_a_normal_distribution() {
        for (share, deviation) in [(0.5, 0.0), (0.841, 1.0), (0.159, -1.0), (0.977, 2.0), (0.023, -2.0)] {
            assert!((normal_score(share) - deviation).abs() < 0.21, "{share}: {}", normal_score(share));
        }
    }
}
