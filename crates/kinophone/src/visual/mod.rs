//! What a film's pictures show, in a few numbers each: how bright, how moved, how warm; where shots and events begin.
//!
//! Nothing is learned here. A film is looked through once, at 64 × 64 pixels in colour; what is kept are some forty bytes for
//! every picture, and the shots.

mod cuts;
pub(crate) mod onsets;
#[cfg(test)]
mod tests;

pub use onsets::{VisualEvent, VisualOnsets};

use crate::media::{Decode, Ffmpeg, Picture};
use crate::task::Task;
use crate::visual::cuts::ShotFeatures;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::MediaTime;
use std::path::Path;

/// Pixels a side.
pub const SIDE: u32 = 64;
const PIXELS: usize = (SIDE * SIDE) as usize;
/// Changes of a pixel up to this one are noise of film and codec.
const NOISE: f32 = 3.0 / 255.0;

/// One picture in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VisualMeasures {
    /// When it appears on the film's clock.
    pub time: MediaTime,
    /// Mean grey level, 0 to 1 (luma after ITU-R BT.601).
    pub brightness: f32,
    /// Standard deviation of the grey levels, 0 to ½.
    pub contrast: f32,
    /// Mean change of the grey levels since the picture before, 0 to 1, without what may be noise.
    pub motion: f32,
    /// Where that is, 0 left to 1 right; ½ where nothing ever moved.
    pub motion_x: f32,
    /// 0 top to 1 bottom.
    pub motion_y: f32,
    /// Mean steepness of the grey levels, in both directions.
    pub edges: f32,
    /// Mean of red less blue, −1 to 1.
    pub warmth: f32,
}

/// Pictures between two cuts.
#[derive(Clone, Debug, PartialEq)]
pub struct Shot {
    /// Number of its first picture.
    pub first: usize,
    /// Number of the picture after its last one.
    pub end: usize,
    /// Its mean histogram of colours, 4 × 4 × 4: shares that add up to 1.
    pub colours: Vec<f32>,
}

/// A film that was looked through.
#[derive(Clone, Debug)]
pub struct FrameState {
    /// All pictures, in order; at least one.
    pub pictures: Vec<VisualMeasures>,
    /// When the last one ceases to be shown.
    pub end: MediaTime,
    /// All shots, in order, without gaps.
    pub shots: Vec<Shot>,
    /// What ffmpeg complained about.
    pub complaints: Vec<String>,
    /// See [`ShotFeatures`]: to which earlier pictures a picture returns.
    returns: Vec<u16>,
}

impl FrameState {
    /// When the first picture appears.
    pub fn begin(&self) -> MediaTime {
        self.pictures[0].time
    }

    /// When each shot but the first begins, on the film's clock.
    pub fn cuts(&self) -> impl Iterator<Item = MediaTime> + '_ {
        self.shots.iter().skip(1).map(|shot| self.pictures[shot.first].time)
    }

    /// How long picture `k` is shown.
    pub fn shown(&self, k: usize) -> MediaTime {
        self.pictures.get(k + 1).map_or(self.end, |next| next.time) - self.pictures[k].time
    }

    /// The events of a kind, in order, the strongest ones 1. `sensitivity` 0 finds the great ones only, 1 finds every stir.
    pub fn onsets(&self, event: VisualEvent, sensitivity: f32) -> Vec<VisualOnsets> {
        onsets::find(self, event, sensitivity)
    }
}

/// Looks through a film. Errors are those of [`Ffmpeg::decode`], and `Kind::NoPicture` where not a single picture decodes.
pub fn watch(ffmpeg: &Ffmpeg, film: &Path, task: Task<'_>) -> Result<FrameState> {
    let facts = ffmpeg.probe(film)?;
    let rate = facts.picture.as_ref().and_then(|picture| picture.rate);
    let expected = rate.zip(facts.duration).map(|(rate, length)| rate.ticks_in(length));
    let name = film.file_name().unwrap_or_default().to_string_lossy();
    let mut stream = ffmpeg.decode(film, &Decode { size: SIDE, colour: true, sound: None })?;
    task.watcher.stage(&format!("looking through {name}"), "pictures", expected);
    let mut gaze = VisualStream::default();
    for picture in stream.by_ref() {
        task.cancel.check()?;
        gaze.take(&picture?);
        task.watcher.advance(gaze.pictures.len() as u64);
    }
    let decoded = stream.finish()?;
    for complaint in &decoded.complaints {
        task.watcher.warn(&format!("{name}: {complaint}"));
    }
    let seen = gaze.finish(decoded.end).ok_or_else(|| {
        Error::new(Kind::NoPicture, "has no picture that decodes")
            .at(film)
            .help("give a film with a picture stream")
    })?;
    Ok(FrameState { complaints: decoded.complaints, ..seen })
}

/// Takes pictures in, one by one.
#[derive(Default)]
pub(crate) struct VisualStream {
    pictures: Vec<VisualMeasures>,
    signs: ShotFeatures,
    /// Grey levels of the last picture.
    last: Vec<f32>,
    grey: Vec<f32>,
}

impl VisualStream {
    /// A picture of [`SIDE`] pixels a side, in colour.
    pub(crate) fn take(&mut self, picture: &Picture) {
        let colours =
            || picture.pixels.chunks_exact(3).map(|c| [c[0], c[1], c[2]].map(|x| f32::from(x) / 255.0));
        self.grey.clear();
        self.grey.extend(colours().map(|[r, g, b]| 0.299 * r + 0.587 * g + 0.114 * b));
        let mean = |sum: f32| sum / PIXELS as f32;
        let brightness = mean(self.grey.iter().sum());
        let variance = mean(self.grey.iter().map(|x| (x - brightness).powi(2)).sum());
        let before = self.pictures.last().map_or([0.5; 2], |p| [p.motion_x, p.motion_y]);
        let (motion, [motion_x, motion_y]) = self.motion(before);
        self.pictures.push(VisualMeasures {
            time: picture.time,
            brightness,
            contrast: variance.sqrt(),
            motion,
            motion_x,
            motion_y,
            edges: edges(&self.grey),
            warmth: mean(colours().map(|[r, _, b]| r - b).sum()),
        });
        self.signs.take(&picture.pixels, &self.grey);
        std::mem::swap(&mut self.last, &mut self.grey);
    }

    /// How much changed, and where; `before` where nothing did.
    fn motion(&self, before: [f32; 2]) -> (f32, [f32; 2]) {
        let (mut sum, mut at) = (0.0, [0.0; 2]);
        for (k, (now, was)) in self.grey.iter().zip(&self.last).enumerate() {
            let change = (now - was).abs();
            if change > NOISE {
                sum += change;
                at[0] += change * (k % SIDE as usize) as f32;
                at[1] += change * (k / SIDE as usize) as f32;
            }
        }
        let place = |a: f32| (a / sum + 0.5) / SIDE as f32;
        (sum / PIXELS as f32, if sum > 0.0 { at.map(place) } else { before })
    }

    /// After the last picture; `None` without any.
    pub(crate) fn finish(self, end: MediaTime) -> Option<FrameState> {
        let Self { mut pictures, signs, .. } = self;
        let last = pictures.last()?.time;
        let (shots, returns) = signs.finish();
        // A cut changes the picture and moves nothing.
        for shot in shots.iter().skip(1) {
            let after = pictures.get(shot.first + 1).map_or(f32::INFINITY, |p| p.motion);
            pictures[shot.first].motion = pictures[shot.first - 1].motion.min(after);
        }
        Some(FrameState {
            pictures,
            end: end.max(last + MediaTime(1)),
            shots,
            complaints: Vec::new(),
            returns,
        })
    }
}

/// Mean of the differences between neighbours to the right and below.
fn edges(grey: &[f32]) -> f32 {
    let side = SIDE as usize;
    let mut sum = 0.0;
    for (y, row) in grey.chunks_exact(side).enumerate() {
        sum += row.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum::<f32>();
        if let Some(below) = grey.get((y + 1) * side..(y + 2) * side) {
            sum += row.iter().zip(below).map(|(a, b)| (a - b).abs()).sum::<f32>();
        }
    }
    sum / (2 * side * (side - 1)) as f32
}
