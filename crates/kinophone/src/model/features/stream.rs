//! Stream of visual features: pictures in as they come, numbers out tick by tick.

use crate::model::features::crop::{Crop, Region};
use crate::model::features::crop::{PIXELS, SIDE};
use crate::model::features::{
    CHANGES, GENERAL, ViewBuffers, VisualFeatures, brightness, change_level, thumbnail,
};
use crate::visual::motion::{ChangeMeter, PictureChange};
use kinophone_dsp::units::{FrameRate, MediaTime};
use rayon::prelude::*;
use std::collections::VecDeque;

/// Extracts visual features from a succession of pictures.
///
/// Tick i is known once a picture has been shown whose own middle lies at or after (i + ½) / tick: within two pictures of
/// the film. Pictures may be described many at a time; the numbers do not depend on it.
pub struct FeatureStream<'a> {
    features: &'a VisualFeatures,
    tick: FrameRate,
    next: i64,
    crops: Vec<Crop>,
    buffers: Vec<ViewBuffers>,
    /// Cropped pictures that wait to be described: for each view the last one that was, and then those that wait.
    waiting: Vec<Vec<f32>>,
    /// Beginning and end of each waiting picture.
    times: Vec<(MediaTime, MediaTime)>,
    tracks: Vec<RegionTrack>,
    /// Changes from one picture to the next, each with the beginning of the later one, that belong to coming ticks; `None` where nobody
    /// needs them.
    changes: Option<VecDeque<(i64, PictureChange)>>,
    batch: usize,
    /// Contrast and brightness that are added.
    exposure: (f32, f32),
}

/// Change of a film's pictures as if it had been filmed in another way. Training varies it, so that networks learn what does not
/// depend on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Augmentation {
    /// Mirrors the picture.
    pub mirrored: bool,
    /// Moves views by shares of their width and height.
    pub moved: (f32, f32),
    /// Size of views.
    pub scale: f32,
    /// Factor of all brightness.
    pub contrast: f32,
    /// Added to all brightness, of 1.
    pub brightness: f32,
}

impl Augmentation {
    /// The film as it is.
    pub const NONE: Self =
        Self { mirrored: false, moved: (0.0, 0.0), scale: 1.0, contrast: 1.0, brightness: 0.0 };
}

/// Numbers at moments in time.
struct RegionTrack {
    width: usize,
    moments: VecDeque<(i64, Vec<f32>)>,
}

impl<'a> FeatureStream<'a> {
    /// At pictures of `side` pixels, before the first one; the first tick is number `first`. `batch` pictures are
    /// described at a time: 1 for live use, some dozens where nobody waits.
    pub fn new(
        features: &'a VisualFeatures,
        side: usize,
        colour: bool,
        tick: FrameRate,
        first: i64,
        batch: usize,
    ) -> Self {
        let crop = |region: Region| Crop::new(side, colour, region, SIDE);
        let tracks =
            features.views.iter().flat_map(|view| [view.config.of_motion(), view.config.of_appearance()]);
        let tracks = tracks.chain([GENERAL - CHANGES]);
        Self {
            features,
            tick,
            next: first,
            crops: features.views.iter().map(|view| crop(view.config.region)).collect(),
            buffers: features.views.iter().map(|view| view.buffers()).collect(),
            waiting: vec![Vec::new(); features.views.len()],
            times: Vec::new(),
            tracks: tracks.map(|width| RegionTrack { width, moments: VecDeque::new() }).collect(),
            changes: None,
            batch,
            exposure: (1.0, 0.0),
        }
    }

    /// Before the first picture: augments pictures of `side` pixels.
    pub fn augmented(mut self, side: usize, colour: bool, by: Augmentation) -> Self {
        let region = |region: Region| region.moved(by.moved.0, by.moved.1, by.scale);
        let crop = |region: Region| Crop::new(side, colour, region, SIDE);
        self.crops = self.features.views.iter().map(|view| crop(region(view.config.region))).collect();
        if by.mirrored {
            self.crops = self.crops.into_iter().map(Crop::mirrored).collect();
        }
        self.exposure = (by.contrast, by.brightness);
        self
    }

    /// Before the first picture: measures changes, without which those numbers are 0.
    pub(crate) fn with_changes(mut self) -> Self {
        self.changes = Some(VecDeque::new());
        self
    }

    /// Takes a picture that is shown from `begin` until `end`; the ticks that are known by now are added to `rows`, [`VisualFeatures::width`] numbers
    /// each.
    pub fn show(&mut self, pixels: &[u8], begin: MediaTime, end: MediaTime, rows: &mut Vec<f32>) {
        let planes = self.features.planes();
        let cropped: Vec<Vec<f32>> = self
            .crops
            .par_iter()
            .map(|crop| {
                let mut picture = vec![0.0; planes.len() * PIXELS];
                crop.apply_planes(pixels, planes, &mut picture);
                if self.exposure != (1.0, 0.0) {
                    let (contrast, brightness) = self.exposure;
                    picture[..PIXELS]
                        .iter_mut()
                        .for_each(|x| *x = (contrast * *x + brightness).clamp(0.0, 1.0));
                }
                picture
            })
            .collect();
        for (waiting, picture) in self.waiting.iter_mut().zip(cropped) {
            // Nothing has moved in the first picture.
            if waiting.is_empty() {
                waiting.extend_from_slice(&picture);
            }
            waiting.extend(picture);
        }
        self.times.push((begin, end));
        if self.times.len() >= self.batch {
            self.describe();
            self.emit(rows, None);
        }
    }

    /// After the last picture: adds the ticks up to number `until`, exclusive.
    pub fn finish(&mut self, until: i64, rows: &mut Vec<f32>) {
        self.describe();
        self.emit(rows, Some(until));
    }

    fn describe(&mut self) {
        if self.times.is_empty() {
            return;
        }
        let middles = self.times.iter().map(|(begin, end)| (begin.0 + end.0) / 2);
        let planes = self.features.planes().len();
        // The whole picture is the last view.
        if let (Some(whole), Some(looks)) = (self.waiting.last(), self.tracks.last_mut()) {
            let pictures: Vec<&[f32]> = whole.chunks_exact(planes * PIXELS).map(|p| &p[..PIXELS]).collect();
            if let Some(changes) = &mut self.changes {
                let pairs = pictures.par_windows(2);
                let change = |meter: &mut ChangeMeter, pair: &[&[f32]]| meter.change(pair[0], pair[1]);
                let found: Vec<PictureChange> = pairs.map_init(ChangeMeter::default, change).collect();
                changes.extend(self.times.iter().map(|(begin, _)| begin.0).zip(found));
            }
            let new = pictures[1..].iter();
            let rows: Vec<f32> = new.flat_map(|p| thumbnail(p).chain([brightness(p).1])).collect();
            looks.extend(middles.clone(), &rows);
        }
        for (i, view) in self.features.views.iter().enumerate() {
            let pictures = &mut self.waiting[i];
            let buffers = &mut self.buffers[i];
            let last = pictures.len() - planes * PIXELS;
            let (motion, appearance) =
                view.describe(planes, &pictures[..last], &pictures[planes * PIXELS..], buffers);
            pictures.drain(..last);
            self.tracks[2 * i].extend(self.times.iter().map(|(begin, _)| begin.0), &motion);
            self.tracks[2 * i + 1].extend(middles.clone(), &appearance);
        }
        self.times.clear();
    }

    fn emit(&mut self, rows: &mut Vec<f32>, until: Option<i64>) {
        // A track that has nothing would hold nothing.
        if self.tracks.iter().any(|track| track.moments.is_empty()) {
            return;
        }
        loop {
            let middle = self.tick.middle_of(self.next).0;
            let known = self.tracks.iter().all(|track| track.reaches(middle));
            if until.map_or(!known, |until| self.next >= until) {
                return;
            }
            let (looks, views) = self.tracks.split_last_mut().expect("there is a track of looks");
            views.iter_mut().for_each(|track| track.sample(middle, rows));
            rows.extend(
                self.changes.as_mut().map_or([0.0; CHANGES], |changes| changes_until(changes, middle)),
            );
            looks.sample(middle, rows);
            self.next += 1;
        }
    }
}

/// The levels of all changes before a moment, which are forgotten. A change belongs to the tick whose beginning is nearest, as a
/// whole: spread over two of them, it would begin in neither.
fn changes_until(changes: &mut VecDeque<(i64, PictureChange)>, moment: i64) -> [f32; CHANGES] {
    let mut sums = [0.0; CHANGES];
    while let Some((_, change)) = changes.pop_front_if(|(begin, _)| *begin < moment) {
        sums.iter_mut().zip([change.things, change.all]).for_each(|(sum, x)| *sum += x);
    }
    sums.map(|sum| change_level(sum.min(1.0)))
}

impl RegionTrack {
    fn extend(&mut self, moments: impl Iterator<Item = i64>, rows: &[f32]) {
        self.moments.extend(moments.zip(rows.chunks_exact(self.width).map(<[f32]>::to_vec)));
    }

    fn reaches(&self, moment: i64) -> bool {
        self.moments.back().is_some_and(|(last, _)| *last >= moment)
    }

    /// Adds the numbers at `moment` to `rows`, interpolated; beyond the ends those at the ends. Forgets what came before.
    fn sample(&mut self, moment: i64, rows: &mut Vec<f32>) {
        while self.moments.len() > 1 && self.moments[1].0 <= moment {
            self.moments.pop_front();
        }
        let (from, before) = &self.moments[0];
        match self.moments.get(1) {
            Some((to, after)) if *from < moment => {
                let share = ((moment - from) as f64 / (to - from) as f64) as f32;
                rows.extend(before.iter().zip(after).map(|(a, b)| a + share * (b - a)));
            }
            _ => rows.extend_from_slice(before),
        }
    }
}
