//! Visual features: pictures to a few hundred numbers a tick that describe motion and appearance.
//!
//! A [`View`] is a region of the picture, scaled to 64 × 64: the whole, or the part that moves. For picture k, grey G_k, it
//! describes the signed difference D_k = G_k − G_(k−1), the absolute difference |D_k|, the picture G_k itself, or
//! another kind of feature ([`FeatureKind`]), each by its principal components over the training pictures (Turk and Pentland,
//! "Eigenfaces for recognition", 1991), besides the picture's mean and deviation and log(mean |D_k| + 0.001). Every number
//! is scaled to mean 0 and deviation 1 over the training pictures, and clipped to ±5.
//!
//! Differences are taken between the film's own pictures, at whatever rate they come, and stand at the moment when
//! picture k appears; features of G_k stand in the middle of the time for which it is shown. A tick gets both
//! interpolated linearly at its middle (see [`FeatureStream`]).

pub mod config;
pub mod crop;
pub mod pca;
pub mod scale;
pub mod stream;
#[cfg(test)]
mod tests;

use crate::Result;
use crate::model::features::config::{
    FeatureConfig, FeatureKind, MOTION_OFFSET, RegionMode, ViewConfig, embedding_components,
};
use crate::model::features::crop::{Crop, PIXELS, Plane, Region, SIDE, active};
use crate::model::features::scale::FeatureScale;
use kinophone_dsp::stft::PictureSpectrum;
use kinophone_nn::activation::Activation;
use kinophone_nn::layer::Layer;
use kinophone_nn::perceptron::{Perceptron, Workspace};
use kinophone_nn::tensors::Tensors;
use rayon::prelude::*;

/// Numbers stay within ± this many deviations.
pub const CLIP: f32 = 5.0;
/// Numbers of a tick that mean the same in every film, whatever brain looks at it: how much things move ([`change_level`]), how much
/// changes at all, a thumbnail, and the contrast. They are the last of its row.
pub(crate) const GENERAL: usize = CHANGES + THUMBNAIL + 1;
/// Pixels of a thumbnail: 8 × 8 grey levels, 0 to 1.
pub(crate) const THUMBNAIL: usize = 64;
/// The first of these, which belong to the tick in which a picture appears.
const CHANGES: usize = 2;
/// Training pictures, evenly spread, from which components are found.
const SAMPLES: usize = 3000;

/// A region of the picture, described.
struct View {
    config: ViewConfig,
    /// A layer for each kind of feature, `[inputs, count]`.
    projections: Vec<Perceptron>,
}

/// Projections that turn pictures into numbers.
pub struct VisualFeatures {
    views: Vec<View>,
    /// Numbers that make an embedding, and their weights.
    embedding: Vec<(usize, f32)>,
}

/// Two pictures that follow each other.
#[derive(Clone, Copy)]
pub struct FramePair<'a> {
    /// Bytes of the earlier one.
    pub before: &'a [u8],
    /// Bytes of the later one.
    pub now: &'a [u8],
    /// Pixels a side.
    pub side: usize,
    /// RGB instead of grey.
    pub colour: bool,
}

impl VisualFeatures {
    /// Learns the projections from `count` training pictures, of which it asks for some by number: one view of the part that moves
    /// and one of the whole picture, unless set otherwise. Tells `advance` how many views are done.
    pub fn fit<'a>(
        config: &FeatureConfig,
        count: usize,
        at: impl Fn(usize) -> FramePair<'a> + Sync,
        seed: u64,
        advance: &dyn Fn(u64),
    ) -> Self {
        let step = count.div_ceil(SAMPLES).max(1);
        let samples: Vec<FramePair<'a>> = (0..count).step_by(step).map(&at).collect();
        // The more footage, the more of its appearance can be learned without learning it by heart.
        let limited = |share: usize, low: usize, high: usize| (count / share).clamp(low, high);
        let part = match config.region {
            RegionMode::Auto => Some(region(&samples)),
            RegionMode::Whole => None,
            RegionMode::Region(region) => Some(region),
        };
        let part = part.map(|region| View::fit(&samples, region, &config.kinds(limited(125, 16, 96)), seed));
        advance(part.iter().len() as u64);
        let kinds = config.kinds(limited(100, 64, 128));
        let whole = View::fit(&samples, Region::WHOLE, &kinds, seed.wrapping_add(1));
        advance(config.region.views());
        Self::new(part.into_iter().chain([whole]).collect())
    }

    fn new(views: Vec<View>) -> Self {
        let mut embedding = Vec::new();
        // Of the whole picture, which is the last view.
        if let Some((whole, others)) = views.split_last() {
            let first: usize = others.iter().map(|view| view.config.width()).sum();
            let (mut motion, mut appearance) = (first, first + whole.config.of_motion());
            for ((kind, count), layer) in whole.config.kinds.iter().zip(whole.layers()) {
                let place = if kind.is_motion() { &mut motion } else { &mut appearance };
                let some = embedding_components(*kind).min(*count);
                // A layer divides by the deviation of what it projects on: weights are as long as that is small.
                let deviation = |k: usize| {
                    let square: f32 = layer.weights.iter().skip(k).step_by(*count).map(|w| w * w).sum();
                    if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 }
                };
                let total = (0..some).map(|k| deviation(k).powi(2)).sum::<f32>().sqrt().max(1e-9);
                embedding.extend((0..some).map(|k| (*place + k, deviation(k) / total)));
                *place += count;
            }
        }
        Self { views, embedding }
    }

    /// Numbers that make an embedding, and their weights.
    pub fn embedding_weights(&self) -> &[(usize, f32)] {
        &self.embedding
    }

    /// Embedding of a tick's picture: distances between embeddings are those between pictures, and between their
    /// differences, as far as the first components go; the mean square of each of the three is 2 between two training
    /// pictures.
    pub fn embedding(&self, row: &[f32], out: &mut [f32]) {
        out.fill(0.0);
        out.iter_mut().zip(&self.embedding).for_each(|(out, (k, weight))| *out = weight * row[*k]);
    }

    /// Settings and scales of all views.
    pub fn config(&self) -> Vec<ViewConfig> {
        self.views.iter().map(|view| view.config.clone()).collect()
    }

    /// Numbers a tick: those of all views, and the general ones of the whole picture, which no network is given. The last is the
    /// contrast as it is (standard deviation, 0 to 0.5), by which silence is known.
    pub fn width(&self) -> usize {
        self.views.iter().map(|view| view.config.width()).sum::<usize>() + GENERAL
    }

    /// The eigenpictures of a view, `[side², components]` row by row, of each kind of feature that has such.
    pub fn eigenpictures(&self, view: usize) -> Vec<(FeatureKind, Vec<f32>)> {
        let view = &self.views[view];
        let kinds = view.config.kinds.iter().map(|(kind, _)| *kind).zip(view.layers());
        let drawn = |kind: &FeatureKind| {
            matches!(kind, FeatureKind::Signed | FeatureKind::Absolute | FeatureKind::Appearance)
        };
        kinds.filter(|(kind, _)| drawn(kind)).map(|(kind, layer)| (kind, layer.weights)).collect()
    }

    /// True if it uses colours.
    pub fn colour(&self) -> bool {
        self.views.iter().any(|view| view.config.colour())
    }

    /// Planes of a cropped picture: grey, and the two colour differences where they are used.
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

    /// Restores the projections that [`VisualFeatures::save`] stored, with their settings.
    pub fn restore(config: &[ViewConfig], from: &Tensors) -> Result<Self> {
        let view = |(i, config): (usize, &ViewConfig)| {
            let shapes: Vec<_> = config.kinds.iter().map(|(kind, k)| (kind.inputs(), *k)).collect();
            let layers = from.layers(&format!("eye.{i}"), &shapes)?;
            Ok(View::new(config.clone(), layers))
        };
        Ok(Self::new(config.iter().enumerate().map(view).collect::<Result<_>>()?))
    }
}

/// The region that moves.
fn region(samples: &[FramePair<'_>]) -> Region {
    let sums = samples
        .par_chunks(64)
        .map(|samples| {
            let mut sum = vec![0.0f32; PIXELS];
            for sample in samples {
                let (before, now) = sample.cropped(Region::WHOLE, &Plane::ALL[..1]);
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

impl FramePair<'_> {
    fn cropped(&self, region: Region, planes: &[Plane]) -> (Vec<f32>, Vec<f32>) {
        let crop = Crop::new(self.side, self.colour, region, SIDE);
        let cropped = |pixels: &[u8]| {
            let mut out = vec![0.0; planes.len() * PIXELS];
            crop.apply_planes(pixels, planes, &mut out);
            out
        };
        (cropped(self.before), cropped(self.now))
    }
}

impl View {
    fn new(config: ViewConfig, layers: Vec<Layer>) -> Self {
        let projection = |layer: &Layer| Perceptron::new(std::slice::from_ref(layer), Activation::Relu);
        let projections = layers.iter().map(projection).collect();
        Self { config, projections }
    }

    fn fit(samples: &[FramePair<'_>], region: Region, kinds: &[(FeatureKind, usize)], seed: u64) -> Self {
        let mut layers = Vec::new();
        // One kind at a time: three thousand pictures are 50 MB.
        for (kind, count) in kinds {
            let inputs = kind.inputs();
            let planes = if *kind == FeatureKind::Colour { &Plane::ALL[..] } else { &Plane::ALL[..1] };
            let mut rows = vec![0.0; samples.len() * inputs];
            rows.par_chunks_exact_mut(inputs).zip(samples).for_each_init(
                || None,
                |spectrum, (row, sample)| {
                    let (before, now) = sample.cropped(region, planes);
                    kind.take(&before, &now, spectrum, row);
                },
            );
            layers.push(kind.layer(&rows, *count, seed));
        }
        let globals: Vec<[f32; 3]> = samples
            .par_iter()
            .map(|sample| {
                let (before, now) = sample.cropped(region, &Plane::ALL[..1]);
                globals(&before, &now)
            })
            .collect();
        let scales = std::array::from_fn(|i| FeatureScale::of(globals.iter().map(|g| g[i])));
        Self::new(ViewConfig { region, kinds: kinds.to_vec(), scales }, layers)
    }

    fn layers(&self) -> Vec<Layer> {
        self.projections.iter().map(|p| p.layers()[0].layer()).collect()
    }

    fn buffers(&self) -> ViewBuffers {
        ViewBuffers {
            taken: Vec::new(),
            out: Vec::new(),
            spectrum: None,
            workspaces: self.projections.iter().map(Perceptron::workspace).collect(),
        }
    }

    /// Extracts the features of cropped pictures `[n, planes × 4096]`, each with the one before it: `[n, of_motion]` and
    /// `[n, of_appearance]`. A row's result depends on that row alone, bit for bit.
    fn describe(
        &self,
        planes: usize,
        before: &[f32],
        now: &[f32],
        buffers: &mut ViewBuffers,
    ) -> (Vec<f32>, Vec<f32>) {
        let size = planes * PIXELS;
        let n = now.len() / size;
        let (wide, tall) = (self.config.of_motion(), self.config.of_appearance());
        let (mut motion, mut appearance) = (vec![0.0; n * wide], vec![0.0; n * tall]);
        let mut offsets = [0, 0];
        for (i, (kind, count)) in self.config.kinds.iter().enumerate() {
            let inputs = kind.inputs();
            buffers.taken.resize(n * inputs, 0.0);
            if *kind == FeatureKind::Spectrum && buffers.spectrum.is_none() {
                buffers.spectrum = Some(PictureSpectrum::new(SIDE));
            }
            let spectrum = &buffers.spectrum;
            let pictures = before.par_chunks_exact(size).zip(now.par_chunks_exact(size));
            buffers.taken.par_chunks_exact_mut(inputs).zip(pictures).for_each_init(
                || spectrum.clone(),
                |spectrum, (out, (before, now))| kind.take(before, now, spectrum, out),
            );
            buffers.out.resize(n * count, 0.0);
            self.projections[i].predict(&mut buffers.workspaces[i], &buffers.taken, &mut buffers.out);
            let (rows, stride, offset) = match kind.is_motion() {
                true => (&mut motion, wide, &mut offsets[0]),
                false => (&mut appearance, tall, &mut offsets[1]),
            };
            for (row, said) in rows.chunks_exact_mut(stride).zip(buffers.out.chunks_exact(*count)) {
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

/// Buffers of [`View::describe`].
struct ViewBuffers {
    taken: Vec<f32>,
    out: Vec<f32>,
    spectrum: Option<PictureSpectrum>,
    workspaces: Vec<Workspace>,
}

/// Mean and deviation of a picture, and the logarithm of its mean absolute difference from the one before.
fn globals(before: &[f32], now: &[f32]) -> [f32; 3] {
    let (mean, deviation) = brightness(now);
    let moved = now.iter().zip(before).map(|(a, b)| (a - b).abs()).sum::<f32>() / now.len() as f32;
    [mean, deviation, (moved + MOTION_OFFSET).ln()]
}

/// The thumbnail of a picture.
fn thumbnail(picture: &[f32]) -> impl Iterator<Item = f32> + '_ {
    const BLOCK: usize = SIDE / 8;
    (0..THUMBNAIL).map(|k| {
        let first = k / 8 * BLOCK * SIDE + k % 8 * BLOCK;
        let rows = (0..BLOCK).map(|row| picture[first + row * SIDE..][..BLOCK].iter().sum::<f32>());
        rows.sum::<f32>() / (BLOCK * BLOCK) as f32
    })
}

/// The thumbnail among the general numbers of a tick.
pub(crate) fn thumbnail_of(general: &[f32]) -> &[f32] {
    &general[CHANGES..][..THUMBNAIL]
}

/// A mean change of grey levels, 0 to 1, as a level from 0 to 1: log(1 + 255 x) / log 256, so that a quarter of a grey level
/// is 0.04 and a cut about 0.7.
fn change_level(change: f32) -> f32 {
    (255.0 * change).ln_1p() / 256f32.ln()
}

/// Mean and standard deviation.
fn brightness(picture: &[f32]) -> (f32, f32) {
    let n = picture.len() as f32;
    let mean = picture.iter().sum::<f32>() / n;
    let variance = picture.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n;
    (mean, variance.sqrt())
}
