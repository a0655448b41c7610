//! Settings of the visual features: kinds, components, regions.

use crate::model::features::crop::{PIXELS, Region, SIDE};
use crate::model::features::pca;
use crate::model::features::scale::FeatureScale;
use kinophone_dsp::stft::PictureSpectrum;
use kinophone_nn::layer::Layer;
use serde::{Deserialize, Serialize};

/// Added to the amount of motion before its logarithm is taken.
pub(super) const MOTION_OFFSET: f32 = 1e-3;

/// Side of the plain grey picture.
pub(super) const PLAIN: usize = 16;

/// Components of the signed and of the absolute difference: 32 were measured to be too few, 128 no better.
const OF_MOTION: usize = 64;

/// Components of colour.
const OF_COLOUR: usize = 16;

/// Components of the spectrum.
const OF_SPECTRUM: usize = 64;

/// Kinds of numbers in one view, at most; there are six of them.
const MAX_KINDS: usize = 16;

/// Numbers of one kind, at most; a view has 4096 pixels.
const MAX_COUNT: usize = 1 << 16;

/// Numbers by which two pictures are compared: of the first components of the differences and of the picture.
pub const EMBEDDING: usize = 48;

/// Number of these that are of a kind.
pub(crate) fn embedding_components(kind: FeatureKind) -> usize {
    match kind {
        FeatureKind::Signed | FeatureKind::Absolute => EMBEDDING / 4,
        FeatureKind::Appearance => EMBEDDING / 2,
        _ => 0,
    }
}

/// A kind of visual feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeatureKind {
    /// G_k − G_(k−1).
    Signed,
    /// |G_k − G_(k−1)|.
    Absolute,
    /// G_k.
    Appearance,
    /// The colour differences B − Y and R − Y.
    Colour,
    /// Textures and their directions, wherever they are: log(1 + |F|) of the two-dimensional Fourier transform
    /// F, as tried in 2015.
    Spectrum,
    /// G_k in 16 × 16 pixels, without components.
    Grey,
}

impl FeatureKind {
    /// True if it describes a change between two pictures, and not a picture.
    pub(crate) fn is_motion(self) -> bool {
        matches!(self, Self::Signed | Self::Absolute)
    }

    /// Numbers that it takes out of a view.
    pub(crate) fn inputs(self) -> usize {
        match self {
            Self::Signed | Self::Absolute | Self::Appearance | Self::Grey => PIXELS,
            Self::Colour => 2 * PIXELS,
            Self::Spectrum => SIDE * (SIDE / 2 + 1),
        }
    }
}

/// Visual features to extract, besides how bright a view is and how much it moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureConfig {
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
    /// Earlier ticks that a network is given beside the present one.
    pub past: usize,
    /// Part of the picture.
    pub region: RegionMode,
}

/// Part of the picture from which features are extracted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegionMode {
    /// The part that moves, and the whole.
    Auto,
    /// The whole alone.
    Whole,
    /// This part, and the whole.
    Region(Region),
}

impl Eq for RegionMode {}

impl RegionMode {
    /// Number of views.
    pub(crate) fn views(self) -> u64 {
        if self == Self::Whole { 1 } else { 2 }
    }
}

impl Default for FeatureConfig {
    fn default() -> Self {
        Self {
            motion: true,
            appearance: true,
            colour: false,
            spectrum: false,
            grey: false,
            components: None,
            past: 0,
            region: RegionMode::Auto,
        }
    }
}

impl FeatureConfig {
    /// Kinds with their components, `appearance` being the usual number for pictures.
    pub(crate) fn kinds(&self, appearance: usize) -> Vec<(FeatureKind, usize)> {
        let k = |usual: usize| self.components.unwrap_or(usual);
        let all = [
            (self.motion, FeatureKind::Signed, k(OF_MOTION)),
            (self.motion, FeatureKind::Absolute, k(OF_MOTION)),
            (self.appearance, FeatureKind::Appearance, k(appearance)),
            (self.colour, FeatureKind::Colour, k(OF_COLOUR)),
            (self.spectrum, FeatureKind::Spectrum, k(OF_SPECTRUM)),
            (self.grey, FeatureKind::Grey, PLAIN * PLAIN),
        ];
        all.into_iter().filter(|(wanted, ..)| *wanted).map(|(_, kind, count)| (kind, count)).collect()
    }
}

/// Settings and scales of a view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewConfig {
    /// The part of the picture.
    pub region: Region,
    /// Kinds of features, and the number of components of each; differences come first.
    #[serde(rename = "looks")]
    pub kinds: Vec<(FeatureKind, usize)>,
    /// Scales of the picture's mean, its deviation, and the logarithm of its motion.
    pub scales: [FeatureScale; 3],
}

impl ViewConfig {
    /// True if its counts are such as a training gives, so that sums of them can't overflow.
    pub(crate) fn has_possible_counts(&self) -> bool {
        self.kinds.len() <= MAX_KINDS && self.kinds.iter().all(|(_, count)| (1..=MAX_COUNT).contains(count))
    }

    fn sum(&self, motion: bool) -> usize {
        self.kinds.iter().filter(|(kind, _)| kind.is_motion() == motion).map(|(_, count)| count).sum()
    }

    /// Numbers that describe motion, all but the amount.
    pub fn of_differences(&self) -> usize {
        self.sum(true)
    }

    /// Numbers that describe motion and its amount.
    pub fn of_motion(&self) -> usize {
        self.sum(true) + 1
    }

    /// Mean absolute difference from the picture before, 0 to 1, from the number of the amount.
    pub fn moved(&self, amount: f32) -> f32 {
        self.scales[2].unscaled(amount).exp() - MOTION_OFFSET
    }

    /// Numbers that describe the picture and its brightness.
    pub fn of_appearance(&self) -> usize {
        self.sum(false) + 2
    }

    /// Numbers a tick: motion and its amount, the picture and its brightness.
    pub fn width(&self) -> usize {
        self.of_motion() + self.of_appearance()
    }

    /// True if it uses colours.
    pub fn colour(&self) -> bool {
        self.kinds.iter().any(|(kind, _)| *kind == FeatureKind::Colour)
    }
}

impl FeatureKind {
    /// Writes its inputs from cropped pictures of some planes.
    pub(crate) fn take(
        self,
        before: &[f32],
        now: &[f32],
        spectrum: &mut Option<PictureSpectrum>,
        out: &mut [f32],
    ) {
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

    /// The layer that makes `count` components of `rows`.
    pub(crate) fn layer(self, rows: &[f32], count: usize, seed: u64) -> Layer {
        match self {
            Self::Grey => plain(rows),
            _ => pca::components(rows, self.inputs(), count, seed),
        }
    }
}

/// Means of 4 × 4 pixels, each scaled to mean 0 and deviation 1 over the rows.
pub(super) fn plain(rows: &[f32]) -> Layer {
    const STEP: usize = SIDE / PLAIN;
    let outputs = PLAIN * PLAIN;
    let mut layer =
        Layer { inputs: PIXELS, outputs, weights: vec![0.0; PIXELS * outputs], biases: vec![0.0; outputs] };
    for k in 0..outputs {
        let (x, y) = (k % PLAIN * STEP, k / PLAIN * STEP);
        let pixels = || (0..STEP * STEP).map(|i| (y + i / STEP) * SIDE + x + i % STEP);
        let mean = |row: &[f32]| pixels().map(|p| row[p]).sum::<f32>() / (STEP * STEP) as f32;
        let scale = FeatureScale::of(rows.chunks_exact(PIXELS).map(mean));
        for p in pixels() {
            layer.weights[p * outputs + k] = 1.0 / ((STEP * STEP) as f32 * scale.deviation);
        }
        layer.biases[k] = -scale.mean / scale.deviation;
    }
    layer
}
