//! Which recording a shot is played with.

use crate::concat::target::Target;
use crate::concat::unit_database::UnitDatabase;
use crate::media::Ffmpeg;
use crate::task::Task;
use crate::{Result, visual};
use kinophone_dsp::units::{FrameRate, MediaTime};
use std::path::Path;
use std::sync::Arc;

/// Ticks of a shot that are compared with all units, evenly spread.
const ASKED: usize = 32;
/// What is wanted for so many ticks decides for a shot, however long it is: a minute.
const MOST: usize = 1800;

/// Which recordings may sound in a tick: a mark for each; `None`: all.
pub(crate) type AllowedSources = Option<Arc<[bool]>>;

/// Gives every shot one recording: the one in which the nearest to what is wanted is nearest, on average over the shot. What is wanted
/// of a shot's ticks is kept until the shot is over, or a minute of it is known.
pub(crate) struct ShotSourceSelector {
    /// Ticks with which shots begin, but the first, ascending.
    cuts: Vec<u64>,
    /// Ticks that were taken.
    ticks: u64,
    waiting: Vec<Target>,
    /// That of the present shot, once it is known.
    cast: AllowedSources,
}

impl ShotSourceSelector {
    /// `cuts` are ticks with which shots begin, ascending.
    pub(crate) fn new(cuts: Vec<u64>) -> Self {
        Self { cuts, ticks: 0, waiting: Vec::new(), cast: None }
    }

    /// Takes what is wanted of the next tick, and hands over those ticks whose recording is known, with it.
    pub(crate) fn push(&mut self, wanted: Target, stock: &UnitDatabase<'_>) -> Vec<(Target, AllowedSources)> {
        let mut ready = Vec::new();
        if self.cuts.binary_search(&self.ticks).is_ok() {
            ready = self.release(stock);
            self.cast = None;
        }
        self.ticks += 1;
        self.waiting.push(wanted);
        if self.cast.is_some() || self.waiting.len() == MOST {
            ready.extend(self.release(stock));
        }
        ready
    }

    /// After the last tick of a shot: the rest.
    pub(crate) fn release(&mut self, stock: &UnitDatabase<'_>) -> Vec<(Target, AllowedSources)> {
        if self.cast.is_none() && !self.waiting.is_empty() {
            self.cast = Some(self.suiting(stock));
        }
        self.waiting.drain(..).map(|wanted| (wanted, self.cast.clone())).collect()
    }

    /// The recording that suits what waits, the first of equally good ones.
    fn suiting(&self, stock: &UnitDatabase<'_>) -> Arc<[bool]> {
        let mut sums = Vec::new();
        let mut nearest = Vec::new();
        for wanted in self.waiting.iter().step_by(self.waiting.len().div_ceil(ASKED)) {
            stock.units.nearest_of_groups(&wanted.target, &mut nearest);
            sums.resize(nearest.len(), 0.0f64);
            sums.iter_mut().zip(&nearest).for_each(|(sum, distance)| *sum += f64::from(*distance));
        }
        let best = sums.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(group, _)| group);
        (0..sums.len()).map(|group| group == best).collect()
    }
}

/// Looks through a film for its shots: the ticks with which they begin, but the first. Tick 0 begins at `begin` on the film's clock, or
/// with the first picture.
pub(crate) fn cuts(
    ffmpeg: &Ffmpeg,
    film: &Path,
    begin: Option<MediaTime>,
    tick: FrameRate,
    task: Task<'_>,
) -> Result<Vec<u64>> {
    let seen = visual::watch(ffmpeg, film, task)?;
    let begin = begin.unwrap_or_else(|| seen.begin());
    let mut ticks: Vec<u64> =
        seen.cuts().map(|cut| crate::render::ticks_until(tick, cut - begin).max(0) as u64).collect();
    ticks.dedup();
    ticks.retain(|tick| *tick > 0);
    Ok(ticks)
}
