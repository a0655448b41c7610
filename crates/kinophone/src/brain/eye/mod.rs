//! What a brain sees: pictures into a few hundred numbers a tick that say what moves, how, and what is there.
//!
//! A [`View`] is a region of the picture, scaled to 64 × 64: the whole, or the part that moves. For picture k, grey G_k, it
//! describes the signed difference D_k = G_k − G_(k−1), the absolute difference |D_k|, the picture G_k itself, or what
//! else it is told to look for ([`Look`]), each by its principal components over the training pictures (Turk and Pentland,
//! "Eigenfaces for recognition", 1991), besides the picture's mean and deviation and log(mean |D_k| + 0.001). Every number
//! is scaled to mean 0 and deviation 1 over the training pictures, and clipped to ±5.
//!
//! Differences are taken between the film's own pictures, at whatever rate they come, and stand at the moment when
//! picture k appears; what describes G_k stands in the middle of the time for which it is shown. A tick sees both
//! interpolated linearly at its middle (see [`Gaze`]).

mod gaze;
mod principal;
mod zoom;

pub use gaze::{Gaze, Variation};
pub use zoom::Region;

use super::Activation;
use super::fast::{Perceptron, Workspace};
use super::layer::Layer;
use super::tensors::Tensors;
use crate::Result;
use kinophone_dsp::spectrum::PictureSpectrum;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use zoom::{Plane, Zoom, active};

/// Side of a view in pixels.
const SIDE: usize = 64;
const PIXELS: usize = SIDE * SIDE;
/// Numbers stay within ± this many deviations.
pub const CLIP: f32 = 5.0;
/// Training pictures, evenly spread, from which components are found.
const SAMPLES: usize = 3000;
/// Components of the signed and of the absolute difference: 32 were measured to be too few, 128 no better.
const OF_MOTION: usize = 64;
/// Components of colour.
const OF_COLOUR: usize = 16;
/// Components of the spectrum.
const OF_SPECTRUM: usize = 64;
/// Numbers by which two pictures are compared: of the first components of the differences and of the picture.
pub const PORTRAIT: usize = 48;
/// How many of these are of a look.
fn in_portrait(look: Look) -> usize {
    match look {
        Look::Signed | Look::Absolute => PORTRAIT / 4,
        Look::Appearance => PORTRAIT / 2,
        _ => 0,
    }
}
/// Is added to the amount of motion before its logarithm is taken.
const LEAST_MOTION: f32 = 1e-3;
/// Side of the plain grey picture.
const PLAIN: usize = 16;

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

/// What is looked for in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Look {
    /// G_k − G_(k−1).
    Signed,
    /// |G_k − G_(k−1)|.
    Absolute,
    /// G_k.
    Appearance,
    /// The colour differences B − Y and R − Y.
    Colour,
    /// Which textures there are and how they lie, wherever they are: log(1 + |F|) of the two-dimensional Fourier transform
    /// F, as tried in 2015.
    Spectrum,
    /// G_k in 16 × 16 pixels, without components.
    Grey,
}

impl Look {
    /// Whether it describes a change between two pictures, and not a picture.
    fn is_motion(self) -> bool {
        matches!(self, Self::Signed | Self::Absolute)
    }

    /// Numbers that it takes out of a view.
    fn inputs(self) -> usize {
        match self {
            Self::Signed | Self::Absolute | Self::Appearance | Self::Grey => PIXELS,
            Self::Colour => 2 * PIXELS,
            Self::Spectrum => SIDE * (SIDE / 2 + 1),
        }
    }
}

/// What an eye is to look for, besides how bright a view is and how much it moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct See {
    /// Differences, signed and absolute.
    pub motion: bool,
    /// The picture.
    pub appearance: bool,
    /// Its colours; for films that were read in colour.
    pub colour: bool,
    /// Its two-dimensional spectrum.
    pub spectrum: bool,
    /// Its pixels, 16 × 16.
    pub grey: bool,
    /// Components of each of these; `None`: 64 of differences, and of the picture as many as the footage can teach.
    pub components: Option<usize>,
    /// How many earlier ticks a network sees beside the present one.
    pub past: usize,
    /// Where.
    pub region: Where,
}

/// Which part of the picture an eye looks at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Where {
    /// The part that moves, and the whole.
    Auto,
    /// The whole alone.
    Whole,
    /// This part, and the whole.
    Region(Region),
}

impl Eq for Where {}

impl Default for See {
    fn default() -> Self {
        Self {
            motion: true,
            appearance: true,
            colour: false,
            spectrum: false,
            grey: false,
            components: None,
            past: 0,
            region: Where::Auto,
        }
    }
}

impl See {
    /// With so many components of the picture where nothing is said.
    fn looks(&self, appearance: usize) -> Vec<(Look, usize)> {
        let k = |usual: usize| self.components.unwrap_or(usual);
        let all = [
            (self.motion, Look::Signed, k(OF_MOTION)),
            (self.motion, Look::Absolute, k(OF_MOTION)),
            (self.appearance, Look::Appearance, k(appearance)),
            (self.colour, Look::Colour, k(OF_COLOUR)),
            (self.spectrum, Look::Spectrum, k(OF_SPECTRUM)),
            (self.grey, Look::Grey, PLAIN * PLAIN),
        ];
        all.into_iter().filter(|(wanted, ..)| *wanted).map(|(_, look, count)| (look, count)).collect()
    }
}

/// The plain facts of a view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewConfig {
    /// The part of the picture.
    pub region: Region,
    /// What is looked for, and how many numbers describe it; differences come first.
    pub looks: Vec<(Look, usize)>,
    /// Of the picture's mean, its deviation, and the logarithm of its motion.
    pub scales: [Scale; 3],
}

impl ViewConfig {
    fn sum(&self, motion: bool) -> usize {
        self.looks.iter().filter(|(look, _)| look.is_motion() == motion).map(|(_, count)| count).sum()
    }

    /// How many numbers say how things move, all but the amount.
    pub fn of_differences(&self) -> usize {
        self.sum(true)
    }

    /// How many numbers say how things move, and how much.
    pub fn of_motion(&self) -> usize {
        self.sum(true) + 1
    }

    /// The mean absolute difference from the picture before, 0 to 1, that the number of the amount says.
    pub fn moved(&self, amount: f32) -> f32 {
        self.scales[2].unscaled(amount).exp() - LEAST_MOTION
    }

    /// How many numbers say what is there and how bright.
    pub fn of_appearance(&self) -> usize {
        self.sum(false) + 2
    }

    /// How many numbers it gives a tick: what moves and how much, what is there and how bright.
    pub fn width(&self) -> usize {
        self.of_motion() + self.of_appearance()
    }

    /// Whether it looks at colours.
    pub fn colour(&self) -> bool {
        self.looks.iter().any(|(look, _)| *look == Look::Colour)
    }
}

/// A region of the picture, described.
struct View {
    config: ViewConfig,
    /// A layer for each look, `[inputs, count]`.
    projections: Vec<Perceptron>,
}

/// Everything that turns pictures into numbers.
pub struct Eye {
    views: Vec<View>,
    /// Which of its numbers make a portrait, and what they weigh.
    portrait: Vec<(usize, f32)>,
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
    /// that moves and one of the whole picture, unless told otherwise.
    pub fn fit<'a>(see: &See, count: usize, at: impl Fn(usize) -> Neighbours<'a> + Sync, seed: u64) -> Self {
        let step = count.div_ceil(SAMPLES).max(1);
        let samples: Vec<Neighbours<'a>> = (0..count).step_by(step).map(&at).collect();
        // The more footage, the more of its appearance can be learned without learning it by heart.
        let limited = |share: usize, low: usize, high: usize| (count / share).clamp(low, high);
        let part = match see.region {
            Where::Auto => Some(region(&samples)),
            Where::Whole => None,
            Where::Region(region) => Some(region),
        };
        let part = part.map(|region| View::fit(&samples, region, &see.looks(limited(125, 16, 96)), seed));
        let looks = see.looks(limited(100, 64, 128));
        let whole = View::fit(&samples, Region::WHOLE, &looks, seed.wrapping_add(1));
        Self::new(part.into_iter().chain([whole]).collect())
    }

    fn new(views: Vec<View>) -> Self {
        let mut portrait = Vec::new();
        // Of the whole picture, which is the last view.
        if let Some((whole, others)) = views.split_last() {
            let first: usize = others.iter().map(|view| view.config.width()).sum();
            let (mut motion, mut appearance) = (first, first + whole.config.of_motion());
            for ((look, count), layer) in whole.config.looks.iter().zip(whole.layers()) {
                let place = if look.is_motion() { &mut motion } else { &mut appearance };
                let some = in_portrait(*look).min(*count);
                // A layer divides by the deviation of what it projects on: weights are as long as that is small.
                let deviation = |k: usize| {
                    let square: f32 = layer.weights.iter().skip(k).step_by(*count).map(|w| w * w).sum();
                    if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 }
                };
                let total = (0..some).map(|k| deviation(k).powi(2)).sum::<f32>().sqrt().max(1e-9);
                portrait.extend((0..some).map(|k| (*place + k, deviation(k) / total)));
                *place += count;
            }
        }
        Self { views, portrait }
    }

    /// Which of its numbers make a portrait, and what they weigh.
    pub fn portrayed(&self) -> &[(usize, f32)] {
        &self.portrait
    }

    /// What a tick's numbers look like: distances between portraits are those between pictures, and between their
    /// differences, as far as the first components tell; the mean square of each of the three is 2 between two training
    /// pictures.
    pub fn portrait(&self, row: &[f32], out: &mut [f32]) {
        out.fill(0.0);
        out.iter_mut().zip(&self.portrait).for_each(|(out, (k, weight))| *out = weight * row[*k]);
    }

    /// The facts of all views.
    pub fn config(&self) -> Vec<ViewConfig> {
        self.views.iter().map(|view| view.config.clone()).collect()
    }

    /// Numbers a tick: those of all views, and last the contrast of the whole picture as it is (its standard deviation, 0 to
    /// 0.5), by which no network is led but silence is known.
    pub fn width(&self) -> usize {
        self.views.iter().map(|view| view.config.width()).sum::<usize>() + 1
    }

    /// The eigenpictures of a view, `[side², components]` row by row, of each look that has such.
    pub fn eigenpictures(&self, view: usize) -> Vec<(Look, Vec<f32>)> {
        let view = &self.views[view];
        let looks = view.config.looks.iter().map(|(look, _)| *look).zip(view.layers());
        let drawn = |look: &Look| matches!(look, Look::Signed | Look::Absolute | Look::Appearance);
        looks.filter(|(look, _)| drawn(look)).map(|(look, layer)| (look, layer.weights)).collect()
    }

    /// Whether it looks at colours.
    pub fn colour(&self) -> bool {
        self.views.iter().any(|view| view.config.colour())
    }

    /// Planes of a zoomed picture: grey, and the two colour differences where they are looked at.
    fn planes(&self) -> &'static [Plane] {
        if self.colour() { &Plane::ALL } else { &Plane::ALL[..1] }
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
            let shapes: Vec<_> = config.looks.iter().map(|(look, k)| (look.inputs(), *k)).collect();
            let layers = from.layers(&format!("eye.{i}"), &shapes)?;
            Ok(View::new(config.clone(), layers))
        };
        Ok(Self::new(config.iter().enumerate().map(view).collect::<Result<_>>()?))
    }
}

/// The region that moves.
fn region(samples: &[Neighbours<'_>]) -> Region {
    let sums = samples
        .par_chunks(64)
        .map(|samples| {
            let mut sum = vec![0.0f32; PIXELS];
            for sample in samples {
                let (before, now) = sample.zoomed(Region::WHOLE, &Plane::ALL[..1]);
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
    fn zoomed(&self, region: Region, planes: &[Plane]) -> (Vec<f32>, Vec<f32>) {
        let zoom = Zoom::new(self.side, self.colour, region, SIDE);
        let zoomed = |pixels: &[u8]| {
            let mut out = vec![0.0; planes.len() * PIXELS];
            zoom.apply_planes(pixels, planes, &mut out);
            out
        };
        (zoomed(self.before), zoomed(self.now))
    }
}

impl Look {
    /// What it is of, from zoomed pictures of some planes.
    fn take(self, before: &[f32], now: &[f32], spectrum: &mut Option<PictureSpectrum>, out: &mut [f32]) {
        let grey = || now[..PIXELS].iter().zip(&before[..PIXELS]);
        match self {
            Self::Signed => out.iter_mut().zip(grey()).for_each(|(out, (b, a))| *out = b - a),
            Self::Absolute => out.iter_mut().zip(grey()).for_each(|(out, (b, a))| *out = (b - a).abs()),
            Self::Appearance | Self::Grey => out.copy_from_slice(&now[..PIXELS]),
            Self::Colour => out.copy_from_slice(&now[PIXELS..]),
            // Planned by the first picture that needs it.
            Self::Spectrum => {
                spectrum.get_or_insert_with(|| PictureSpectrum::new(SIDE)).log_magnitude(&now[..PIXELS], out)
            }
        }
    }

    /// The layer that makes `count` numbers of `rows`.
    fn layer(self, rows: &[f32], count: usize, seed: u64) -> Layer {
        match self {
            Self::Grey => plain(rows),
            _ => principal::components(rows, self.inputs(), count, seed),
        }
    }
}

/// Means of 4 × 4 pixels, each scaled to mean 0 and deviation 1 over the rows.
fn plain(rows: &[f32]) -> Layer {
    const STEP: usize = SIDE / PLAIN;
    let outputs = PLAIN * PLAIN;
    let mut layer =
        Layer { inputs: PIXELS, outputs, weights: vec![0.0; PIXELS * outputs], biases: vec![0.0; outputs] };
    for k in 0..outputs {
        let (x, y) = (k % PLAIN * STEP, k / PLAIN * STEP);
        let pixels = || (0..STEP * STEP).map(|i| (y + i / STEP) * SIDE + x + i % STEP);
        let mean = |row: &[f32]| pixels().map(|p| row[p]).sum::<f32>() / (STEP * STEP) as f32;
        let scale = Scale::of(rows.chunks_exact(PIXELS).map(mean));
        for p in pixels() {
            layer.weights[p * outputs + k] = 1.0 / ((STEP * STEP) as f32 * scale.deviation);
        }
        layer.biases[k] = -scale.mean / scale.deviation;
    }
    layer
}

impl View {
    fn new(config: ViewConfig, layers: Vec<Layer>) -> Self {
        let projection = |layer: &Layer| Perceptron::new(std::slice::from_ref(layer), Activation::Relu);
        let projections = layers.iter().map(projection).collect();
        Self { config, projections }
    }

    fn fit(samples: &[Neighbours<'_>], region: Region, looks: &[(Look, usize)], seed: u64) -> Self {
        let mut layers = Vec::new();
        // One look at a time: three thousand pictures are 50 MB.
        for (look, count) in looks {
            let inputs = look.inputs();
            let planes = if *look == Look::Colour { &Plane::ALL[..] } else { &Plane::ALL[..1] };
            let mut rows = vec![0.0; samples.len() * inputs];
            rows.par_chunks_exact_mut(inputs).zip(samples).for_each_init(
                || None,
                |spectrum, (row, sample)| {
                    let (before, now) = sample.zoomed(region, planes);
                    look.take(&before, &now, spectrum, row);
                },
            );
            layers.push(look.layer(&rows, *count, seed));
        }
        let globals: Vec<[f32; 3]> = samples
            .par_iter()
            .map(|sample| {
                let (before, now) = sample.zoomed(region, &Plane::ALL[..1]);
                globals(&before, &now)
            })
            .collect();
        let scales = std::array::from_fn(|i| Scale::of(globals.iter().map(|g| g[i])));
        Self::new(ViewConfig { region, looks: looks.to_vec(), scales }, layers)
    }

    fn layers(&self) -> Vec<Layer> {
        self.projections.iter().map(|p| p.layers()[0].layer()).collect()
    }

    fn room(&self) -> Room {
        Room {
            taken: Vec::new(),
            out: Vec::new(),
            spectrum: None,
            workspaces: self.projections.iter().map(Perceptron::workspace).collect(),
        }
    }

    /// Describes zoomed pictures `[n, planes × 4096]`, each with the one before it: `[n, of_motion]` and
    /// `[n, of_appearance]`. A row's result depends on that row alone, bit for bit.
    fn describe(&self, planes: usize, before: &[f32], now: &[f32], room: &mut Room) -> (Vec<f32>, Vec<f32>) {
        let size = planes * PIXELS;
        let n = now.len() / size;
        let (wide, tall) = (self.config.of_motion(), self.config.of_appearance());
        let (mut motion, mut appearance) = (vec![0.0; n * wide], vec![0.0; n * tall]);
        let mut offsets = [0, 0];
        for (i, (look, count)) in self.config.looks.iter().enumerate() {
            let inputs = look.inputs();
            room.taken.resize(n * inputs, 0.0);
            if *look == Look::Spectrum && room.spectrum.is_none() {
                room.spectrum = Some(PictureSpectrum::new(SIDE));
            }
            let spectrum = &room.spectrum;
            let pictures = before.par_chunks_exact(size).zip(now.par_chunks_exact(size));
            room.taken.par_chunks_exact_mut(inputs).zip(pictures).for_each_init(
                || spectrum.clone(),
                |spectrum, (out, (before, now))| look.take(before, now, spectrum, out),
            );
            room.out.resize(n * count, 0.0);
            self.projections[i].predict(&mut room.workspaces[i], &room.taken, &mut room.out);
            let (rows, stride, offset) = match look.is_motion() {
                true => (&mut motion, wide, &mut offsets[0]),
                false => (&mut appearance, tall, &mut offsets[1]),
            };
            for (row, said) in rows.chunks_exact_mut(stride).zip(room.out.chunks_exact(*count)) {
                row[*offset..][..*count].copy_from_slice(said);
            }
            *offset += count;
        }
        let pictures = before.chunks_exact(size).zip(now.chunks_exact(size));
        for ((before, now), (motion, appearance)) in
            pictures.zip(motion.chunks_exact_mut(wide).zip(appearance.chunks_exact_mut(tall)))
        {
            let globals = globals(&before[..PIXELS], &now[..PIXELS]);
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
    taken: Vec<f32>,
    out: Vec<f32>,
    spectrum: Option<PictureSpectrum>,
    workspaces: Vec<Workspace>,
}

/// Mean and deviation of a picture, and the logarithm of its mean absolute difference from the one before.
fn globals(before: &[f32], now: &[f32]) -> [f32; 3] {
    let (mean, deviation) = brightness(now);
    let moved = now.iter().zip(before).map(|(a, b)| (a - b).abs()).sum::<f32>() / now.len() as f32;
    [mean, deviation, (moved + LEAST_MOTION).ln()]
}

/// Mean and standard deviation.
fn brightness(picture: &[f32]) -> (f32, f32) {
    let n = picture.len() as f32;
    let mean = picture.iter().sum::<f32>() / n;
    let variance = picture.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n;
    (mean, variance.sqrt())
}

#[cfg(test)]
mod tests;
