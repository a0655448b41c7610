//! What a brain sees: pictures into a few hundred numbers a tick that say what moves, how, and what is there.
//!
//! A [`View`] is a region of the picture, scaled to 64 × 64 and grey: the whole, or the part that moves. For picture k,
//! G_k, it describes the signed difference D_k = G_k − G_(k−1), the absolute difference |D_k|, and the picture G_k itself,
//! each by its principal components over the training pictures (Turk and Pentland, "Eigenfaces for recognition", 1991),
//! besides the picture's mean and deviation and log(mean |D_k| + 0.001). Every number is scaled to mean 0 and deviation 1
//! over the training pictures, and clipped to ±5.
//!
//! Differences are taken between the film's own pictures, at whatever rate they come, and stand at the moment when
//! picture k appears; what describes G_k stands in the middle of the time for which it is shown. A tick sees both
//! interpolated linearly at its middle (see [`Gaze`]).

mod gaze;
mod principal;
mod zoom;

pub use gaze::Gaze;
pub use zoom::Region;

use super::Activation;
use super::fast::{Perceptron, Workspace};
use super::layer::Layer;
use super::tensors::Tensors;
use crate::Result;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use zoom::{Zoom, active};

/// Side of a view in pixels.
const SIDE: usize = 64;
const PIXELS: usize = SIDE * SIDE;
/// Numbers stay within ± this many deviations.
const CLIP: f32 = 5.0;
/// Training pictures, evenly spread, from which components are found.
const SAMPLES: usize = 3000;
/// Components of the signed and of the absolute difference: 32 were measured to be too few, 128 no better.
const OF_MOTION: usize = 64;

/// A number's mean and deviation over the training material.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// Mean.
    pub mean: f32,
    /// Standard deviation, above 0.
    pub deviation: f32,
}

impl Scale {
    /// Of these numbers; deviation 1 where they are all alike.
    pub fn of(numbers: impl Iterator<Item = f32> + Clone) -> Self {
        let n = numbers.clone().count().max(1) as f64;
        let mean = numbers.clone().map(f64::from).sum::<f64>() / n;
        let variance = numbers.map(|x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
        let deviation = variance.sqrt() as f32;
        Self { mean: mean as f32, deviation: if deviation > 1e-6 { deviation } else { 1.0 } }
    }

    /// (x − mean) / deviation
    pub fn scaled(self, x: f32) -> f32 {
        (x - self.mean) / self.deviation
    }

    /// The inverse of [`Scale::scaled`].
    pub fn unscaled(self, z: f32) -> f32 {
        self.mean + z * self.deviation
    }
}

/// The plain facts of a view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewConfig {
    /// The part of the picture.
    pub region: Region,
    /// Components of the signed difference.
    pub signed: usize,
    /// Components of the absolute difference.
    pub absolute: usize,
    /// Components of the picture.
    pub appearance: usize,
    /// Of the picture's mean, its deviation, and the logarithm of its motion.
    pub scales: [Scale; 3],
}

impl ViewConfig {
    fn of_motion(&self) -> usize {
        self.signed + self.absolute + 1
    }

    fn of_appearance(&self) -> usize {
        self.appearance + 2
    }

    /// How many numbers it gives a tick.
    pub fn width(&self) -> usize {
        self.of_motion() + self.of_appearance()
    }
}

/// A region of the picture, described.
struct View {
    config: ViewConfig,
    /// Signed difference, absolute difference, appearance: `[4096, components]` each.
    projections: [Perceptron; 3],
}

/// Everything that turns pictures into numbers.
pub struct Eye {
    views: Vec<View>,
}

/// Two pictures that follow each other.
#[derive(Clone, Copy)]
pub struct Neighbours<'a> {
    /// Bytes of the earlier one.
    pub before: &'a [u8],
    /// Bytes of the later one.
    pub now: &'a [u8],
    /// Pixels a side.
    pub side: usize,
    /// RGB instead of grey.
    pub colour: bool,
}

impl Eye {
    /// Learns from `count` training pictures, of which it asks for some by number, what to look at: one view of the part
    /// that moves and one of the whole picture.
    pub fn fit<'a>(count: usize, at: impl Fn(usize) -> Neighbours<'a> + Sync, seed: u64) -> Self {
        let step = count.div_ceil(SAMPLES).max(1);
        let samples: Vec<Neighbours<'a>> = (0..count).step_by(step).map(&at).collect();
        // The more footage, the more of its appearance can be learned without learning it by heart.
        let limited = |share: usize, low: usize, high: usize| (count / share).clamp(low, high);
        let moving = View::fit(&samples, region(&samples), limited(125, 16, 96), seed);
        let whole = View::fit(&samples, Region::WHOLE, limited(100, 64, 128), seed.wrapping_add(1));
        Self { views: vec![moving, whole] }
    }

    /// The facts of all views.
    pub fn config(&self) -> Vec<ViewConfig> {
        self.views.iter().map(|view| view.config.clone()).collect()
    }

    /// Numbers a tick, over all views.
    pub fn width(&self) -> usize {
        self.views.iter().map(|view| view.config.width()).sum()
    }

    /// The eigenpictures of a view, `[side², components]` row by row: of the signed and of the absolute difference, and of
    /// the appearance.
    pub fn eigenpictures(&self, view: usize) -> [Vec<f32>; 3] {
        self.views[view].layers().map(|layer| layer.weights)
    }

    /// Side of a view in pixels.
    pub fn side(&self) -> usize {
        SIDE
    }

    /// Stores the projections.
    pub fn save(&self, into: &mut Tensors) {
        for (i, view) in self.views.iter().enumerate() {
            into.put_layers(&format!("eye.{i}"), &view.layers());
        }
    }

    /// Takes back what [`Eye::save`] stored and [`Eye::config`] said.
    pub fn restore(config: &[ViewConfig], from: &Tensors) -> Result<Self> {
        let view = |(i, config): (usize, &ViewConfig)| {
            let shapes = [config.signed, config.absolute, config.appearance].map(|k| (PIXELS, k));
            let layers = from.layers(&format!("eye.{i}"), &shapes)?;
            Ok(View::new(config.clone(), layers))
        };
        Ok(Self { views: config.iter().enumerate().map(view).collect::<Result<_>>()? })
    }
}

/// The region that moves.
fn region(samples: &[Neighbours<'_>]) -> Region {
    let sums = samples
        .par_chunks(64)
        .map(|samples| {
            let mut sum = vec![0.0f32; PIXELS];
            for sample in samples {
                let (before, now) = sample.zoomed(Region::WHOLE);
                sum.iter_mut().zip(before.iter().zip(&now)).for_each(|(sum, (a, b))| *sum += (b - a).abs());
            }
            sum
        })
        .collect::<Vec<_>>();
    let mut map = vec![0.0; PIXELS];
    for sum in sums {
        map.iter_mut().zip(sum).for_each(|(m, s)| *m += s);
    }
    active(&map, SIDE)
}

impl Neighbours<'_> {
    fn zoomed(&self, region: Region) -> (Vec<f32>, Vec<f32>) {
        let zoom = Zoom::new(self.side, self.colour, region, SIDE);
        let mut pair = (vec![0.0; PIXELS], vec![0.0; PIXELS]);
        zoom.apply(self.before, &mut pair.0);
        zoom.apply(self.now, &mut pair.1);
        pair
    }
}

/// What a projection is of.
#[derive(Clone, Copy)]
enum Stream {
    Signed,
    Absolute,
    Appearance,
}

const STREAMS: [Stream; 3] = [Stream::Signed, Stream::Absolute, Stream::Appearance];

impl Stream {
    /// From zoomed pictures; all slices have one length.
    fn take(self, before: &[f32], now: &[f32], out: &mut [f32]) {
        let pairs = out.iter_mut().zip(before.iter().zip(now));
        match self {
            Self::Signed => pairs.for_each(|(out, (a, b))| *out = b - a),
            Self::Absolute => pairs.for_each(|(out, (a, b))| *out = (b - a).abs()),
            Self::Appearance => pairs.for_each(|(out, (_, b))| *out = *b),
        }
    }
}

impl View {
    fn new(config: ViewConfig, layers: Vec<Layer>) -> Self {
        let projection = |layer: &Layer| Perceptron::new(std::slice::from_ref(layer), Activation::Relu);
        let projections = std::array::from_fn(|i| projection(&layers[i]));
        Self { config, projections }
    }

    fn fit(samples: &[Neighbours<'_>], region: Region, appearance: usize, seed: u64) -> Self {
        let sizes = [OF_MOTION, OF_MOTION, appearance];
        let mut layers = Vec::new();
        // One stream at a time: three thousand pictures are 50 MB.
        for (stream, size) in STREAMS.into_iter().zip(sizes) {
            let mut rows = vec![0.0; samples.len() * PIXELS];
            rows.par_chunks_exact_mut(PIXELS).zip(samples).for_each(|(row, sample)| {
                let (before, now) = sample.zoomed(region);
                stream.take(&before, &now, row);
            });
            layers.push(principal::components(&rows, PIXELS, size, seed));
        }
        let globals: Vec<[f32; 3]> = samples
            .par_iter()
            .map(|sample| {
                let (before, now) = sample.zoomed(region);
                globals(&before, &now)
            })
            .collect();
        let scales = std::array::from_fn(|i| Scale::of(globals.iter().map(|g| g[i])));
        let config = ViewConfig { region, signed: OF_MOTION, absolute: OF_MOTION, appearance, scales };
        Self::new(config, layers)
    }

    fn layers(&self) -> [Layer; 3] {
        self.projections.each_ref().map(|p| p.layers()[0].layer())
    }

    fn room(&self) -> Room {
        Room {
            streams: Vec::new(),
            out: Vec::new(),
            workspaces: self.projections.each_ref().map(Perceptron::workspace),
        }
    }

    /// Describes zoomed pictures `[n, 4096]`, each with the one before it: `[n, of_motion]` and `[n, of_appearance]`. A
    /// row's result depends on that row alone, bit for bit.
    fn describe(&self, before: &[f32], now: &[f32], room: &mut Room) -> (Vec<f32>, Vec<f32>) {
        let n = now.len() / PIXELS;
        let (wide, tall) = (self.config.of_motion(), self.config.of_appearance());
        let (mut motion, mut appearance) = (vec![0.0; n * wide], vec![0.0; n * tall]);
        room.streams.resize(now.len(), 0.0);
        for (i, stream) in STREAMS.into_iter().enumerate() {
            let chunks = room
                .streams
                .par_chunks_mut(PIXELS)
                .zip(before.par_chunks(PIXELS).zip(now.par_chunks(PIXELS)));
            chunks.for_each(|(out, (before, now))| stream.take(before, now, out));
            let projection = &self.projections[i];
            let width = projection.layers()[0].weights.columns();
            room.out.resize(n * width, 0.0);
            projection.predict(&mut room.workspaces[i], &room.streams, &mut room.out);
            let (rows, stride, offset) = match stream {
                Stream::Signed => (&mut motion, wide, 0),
                Stream::Absolute => (&mut motion, wide, self.config.signed),
                Stream::Appearance => (&mut appearance, tall, 0),
            };
            for (row, said) in rows.chunks_exact_mut(stride).zip(room.out.chunks_exact(width)) {
                row[offset..][..width].copy_from_slice(said);
            }
        }
        let pictures = before.chunks_exact(PIXELS).zip(now.chunks_exact(PIXELS));
        for ((before, now), (motion, appearance)) in
            pictures.zip(motion.chunks_exact_mut(wide).zip(appearance.chunks_exact_mut(tall)))
        {
            let globals = globals(before, now);
            let [mean, deviation, moved] = std::array::from_fn(|i| self.config.scales[i].scaled(globals[i]));
            (appearance[tall - 2], appearance[tall - 1], motion[wide - 1]) = (mean, deviation, moved);
        }
        for x in motion.iter_mut().chain(&mut appearance) {
            *x = x.clamp(-CLIP, CLIP);
        }
        (motion, appearance)
    }
}

/// What [`View::describe`] works in.
struct Room {
    streams: Vec<f32>,
    out: Vec<f32>,
    workspaces: [Workspace; 3],
}

/// Mean and deviation of a picture, and the logarithm of its mean absolute difference from the one before.
fn globals(before: &[f32], now: &[f32]) -> [f32; 3] {
    let n = now.len() as f32;
    let mean = now.iter().sum::<f32>() / n;
    let variance = now.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n;
    let moved = now.iter().zip(before).map(|(a, b)| (a - b).abs()).sum::<f32>() / n;
    [mean, variance.sqrt(), (moved + 1e-3).ln()]
}

#[cfg(test)]
mod tests;
