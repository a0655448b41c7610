//! The sound that a mapping asks for at a moment of the film.

use crate::texture::curves::Curve;
use crate::texture::mapping::{ChoiceMapping, Mapping};
use crate::texture::material::Ranks;
use crate::visual::FrameState;

/// Cost of a unit without a pitch where one is asked for, in squared distance of ranks.
const UNPITCHED_COST: f32 = 0.08;
/// Weights of noise and loudness beside those of brightness and register.
const NOISE_WEIGHT: f32 = 0.7;
const LOUDNESS_WEIGHT: f32 = 0.2;

/// The measures of a film that drive a mapping.
pub(crate) struct DrivenCurves {
    loudness: Curve,
    density: Option<Curve>,
    brightness: Option<Curve>,
    noise: Option<Curve>,
    register: Option<Curve>,
    pan: Option<Curve>,
}

/// The sound that is asked for: places among the material, 0 to 1, where they are asked for.
pub(crate) struct GrainRequest {
    brightness: Option<f32>,
    noise: Option<f32>,
    register: Option<f32>,
    loudness: f32,
    pub(crate) speed: f64,
    pub(crate) pan: f32,
}

impl DrivenCurves {
    pub(crate) fn new(mapping: &Mapping, frames: &FrameState) -> Self {
        let curve = |line| Curve::of(frames, line);
        Self {
            loudness: curve(mapping.loudness.line()),
            density: mapping.density.as_ref().map(|section| curve(section.line())),
            brightness: mapping.brightness.as_ref().map(|section| curve(section.line())),
            noise: mapping.noise.as_ref().map(|section| curve(section.line())),
            register: mapping.register.as_ref().map(|section| curve(section.line())),
            pan: mapping.pan.as_ref().map(|section| curve(section.line())),
        }
    }

    /// The measure that drives the loudness, 0 to 1.
    pub(crate) fn loudness(&self, micros: i64) -> f32 {
        self.loudness.at(micros)
    }

    /// Grains a second, where there is a density.
    pub(crate) fn density(&self, mapping: &Mapping, micros: i64) -> Option<f32> {
        let (curve, section) = self.density.as_ref().zip(mapping.density.as_ref())?;
        Some(section.at(curve.at(micros)))
    }

    /// The sound that is asked for some microseconds after the first picture.
    pub(crate) fn request(&self, mapping: &Mapping, micros: i64) -> GrainRequest {
        let chosen = |curve: &Option<Curve>, section: &Option<ChoiceMapping>| {
            let (curve, section) = curve.as_ref().zip(section.as_ref())?;
            Some(section.at(curve.at(micros)))
        };
        let register = self.register.as_ref().zip(mapping.register.as_ref());
        let register = register.map(|(curve, section)| (curve.at(micros), section));
        let pan = self.pan.as_ref().zip(mapping.pan.as_ref());
        GrainRequest {
            brightness: chosen(&self.brightness, &mapping.brightness),
            noise: chosen(&self.noise, &mapping.noise),
            register: register.map(|(x, section)| section.at(x)),
            loudness: self.loudness(micros),
            speed: register.map_or(1.0, |(x, section)| {
                let semitones = ((2.0 * x - 1.0) * section.transpose).round();
                2f64.powf(f64::from(semitones) / 12.0)
            }),
            pan: pan.map_or(0.0, |(curve, section)| section.at(curve.at(micros))),
        }
    }
}

impl GrainRequest {
    /// Squared distance of a unit.
    pub(crate) fn cost(&self, ranks: &Ranks) -> f32 {
        let off = |wanted: Option<f32>, is: f32| wanted.map_or(0.0, |wanted| (wanted - is).powi(2));
        let register = match (self.register, ranks.pitch) {
            (Some(_), None) => UNPITCHED_COST,
            (wanted, pitch) => off(wanted, pitch.unwrap_or(0.0)),
        };
        off(self.brightness, ranks.brightness)
            + NOISE_WEIGHT * off(self.noise, ranks.noise)
            + register
            + LOUDNESS_WEIGHT * off(Some(self.loudness), ranks.loudness)
    }
}
