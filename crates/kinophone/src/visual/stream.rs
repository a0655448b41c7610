//! Measures the pictures of a film one by one.

use crate::media::{Decode, Ffmpeg, Picture};
use crate::task::Task;
use crate::visual::cuts::ShotFeatures;
use crate::visual::film::{FrameState, SIDE, VisualMeasures};
use crate::{Error, Kind, Result};
use kinophone_dsp::units::MediaTime;
use std::path::Path;

/// Pixels of a picture.
pub(super) const PIXELS: usize = (SIDE * SIDE) as usize;
/// Largest change of a pixel that may be noise of film and codec.
const NOISE: f32 = 3.0 / 255.0;

/// Measures a film. Errors are those of [`Ffmpeg::decode`], and `Kind::NoPicture` where not a single picture
/// decodes.
pub fn watch(ffmpeg: &Ffmpeg, film: &Path, task: Task<'_>) -> Result<FrameState> {
    let facts = ffmpeg.probe(film)?;
    let rate = facts.picture.as_ref().and_then(|picture| picture.rate);
    let expected = rate.zip(facts.duration).map(|(rate, length)| rate.ticks_in(length));
    let name = film.file_name().unwrap_or_default().to_string_lossy();
    let mut stream = ffmpeg.decode(film, &Decode { size: SIDE, colour: true })?;
    task.watcher.stage(&format!("reading the pictures of {name}"), "pictures", expected);
    let mut measured = VisualStream::default();
    for picture in stream.by_ref() {
        task.cancel.check()?;
        measured.take(&picture?);
        task.watcher.advance(measured.pictures.len() as u64);
    }
    let decoded = stream.finish()?;
    task.warn_of(film, &decoded.complaints);
    let analysis = measured.finish(decoded.end).ok_or_else(|| {
        Error::new(Kind::NoPicture, "has no picture that decodes")
            .at(film)
            .help("give a film with a picture stream")
    })?;
    Ok(FrameState { complaints: decoded.complaints, ..analysis })
}

/// Measures pictures one by one.
#[derive(Default)]
pub(crate) struct VisualStream {
    pictures: Vec<VisualMeasures>,
    features: ShotFeatures,
    /// Grey levels of the last picture.
    last: Vec<f32>,
    grey: Vec<f32>,
}

impl VisualStream {
    /// Adds a picture of [`SIDE`] pixels a side, in colour.
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
        self.features.take(&picture.pixels, &self.grey);
        std::mem::swap(&mut self.last, &mut self.grey);
    }

    /// Amount of change and its centre; `before` where nothing changed.
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

    /// Completes the measures after the last picture; `None` without any.
    pub(crate) fn finish(self, end: MediaTime) -> Option<FrameState> {
        let Self { mut pictures, features, .. } = self;
        let last = pictures.last()?.time;
        let (shots, returns) = features.finish();
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
