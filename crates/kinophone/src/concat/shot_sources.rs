//! One recording for each shot.

use crate::Result;
use crate::concat::{AllowedSources, Target, UnitDatabase};
use crate::dataset;
use crate::media::{Ffmpeg, Picture};
use crate::soundtrack::ticks_until;
use crate::task::Task;
use crate::visual::{self, FrameState, VisualStream};
use kinophone_dsp::units::{FrameRate, MediaTime};
use std::path::Path;
use std::sync::Arc;

/// Ticks of a shot that are compared with all units, evenly spread.
const MAX_COMPARED_TICKS: usize = 32;
/// Ticks that decide for a shot, however long it is: a minute of them.
const MAX_WAITING_TICKS: usize = 1800;

/// Gives every shot one recording: the one whose nearest units are the nearest to the targets, on average over the shot.
///
/// Targets are kept until their shot is over, or a minute of it is known.
pub(crate) struct ShotSourceSelector {
    /// Ticks with which shots begin, but the first, ascending.
    shot_ticks: Vec<u64>,
    /// Ticks taken so far.
    ticks: u64,
    waiting: Vec<Target>,
    /// The recording of the present shot, once it is known.
    allowed: AllowedSources,
}

impl ShotSourceSelector {
    /// `shot_ticks` are the ticks with which shots begin, ascending.
    pub(crate) fn new(shot_ticks: Vec<u64>) -> Self {
        Self { shot_ticks, ticks: 0, waiting: Vec::new(), allowed: None }
    }

    /// Takes the target of the next tick, and returns those whose recording is known, with it.
    pub(crate) fn push(
        &mut self,
        target: Target,
        database: &UnitDatabase<'_>,
    ) -> Vec<(Target, AllowedSources)> {
        let mut ready = Vec::new();
        if self.shot_ticks.binary_search(&self.ticks).is_ok() {
            ready = self.release(database);
            self.allowed = None;
        }
        self.ticks += 1;
        self.waiting.push(target);
        if self.allowed.is_some() || self.waiting.len() == MAX_WAITING_TICKS {
            ready.extend(self.release(database));
        }
        ready
    }

    /// Returns the targets that wait: after the last tick of a shot.
    pub(crate) fn release(&mut self, database: &UnitDatabase<'_>) -> Vec<(Target, AllowedSources)> {
        if self.allowed.is_none() && !self.waiting.is_empty() {
            self.allowed = Some(self.best_source(database));
        }
        self.waiting.drain(..).map(|target| (target, self.allowed.clone())).collect()
    }

    /// The recording that suits the waiting targets best; the first of equally good ones.
    fn best_source(&self, database: &UnitDatabase<'_>) -> Arc<[bool]> {
        let mut sums = Vec::new();
        let mut nearest = Vec::new();
        let step = self.waiting.len().div_ceil(MAX_COMPARED_TICKS);
        for target in self.waiting.iter().step_by(step) {
            database.units.nearest_of_groups(&target.descriptor, &mut nearest);
            sums.resize(nearest.len(), 0.0f64);
            sums.iter_mut().zip(&nearest).for_each(|(sum, distance)| *sum += f64::from(*distance));
        }
        let best = sums.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(source, _)| source);
        (0..sums.len()).map(|source| source == best).collect()
    }
}

/// Finds the shots of a film: the ticks with which they begin, but the first. Tick 0 begins at `begin` on the film's clock, or
/// with the first picture. Pictures come from the film's
/// shard in `corpus` where it has them as shots are found by: small and in colour.
pub(crate) fn shot_ticks(
    ffmpeg: &Ffmpeg,
    film: &Path,
    corpus: Option<&Path>,
    begin: Option<MediaTime>,
    tick: FrameRate,
    task: Task<'_>,
) -> Result<Vec<u64>> {
    let frames = match prepared_frames(film, corpus, task)? {
        Some(frames) => frames,
        None => visual::watch(ffmpeg, film, task)?,
    };
    let begin = begin.unwrap_or_else(|| frames.begin());
    let mut ticks: Vec<u64> = frames.cuts().map(|cut| ticks_until(tick, cut - begin).max(0) as u64).collect();
    ticks.dedup();
    ticks.retain(|tick| *tick > 0);
    Ok(ticks)
}

/// The measures of a film whose shard has the pictures that [`visual::watch`] would decode.
fn prepared_frames(film: &Path, corpus: Option<&Path>, task: Task<'_>) -> Result<Option<FrameState>> {
    let Some(corpus) = corpus else { return Ok(None) };
    let Some(shard) = dataset::find(corpus, film, visual::SIDE, true, task)? else { return Ok(None) };
    task.warn_of(film, shard.complaints().pictures.as_slice());
    let mut stream = VisualStream::default();
    for k in 0..shard.pictures() {
        task.cancel.check()?;
        stream.take(&Picture { time: shard.time(k), pixels: shard.picture(k).to_vec() });
        if k % 4096 == 4095 {
            shard.release();
        }
    }
    Ok(stream.finish(shard.end()))
}
