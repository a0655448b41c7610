//! Modulation of grains in one tick by its onset strength and loudness.

use crate::frames::GranularConfig;

/// Ranges of the factors.
const DENSITY_RANGE: [f32; 2] = [0.25, 4.0];
const SIZE_RANGE: [f32; 2] = [0.25, 2.0];
const SPREAD_RANGE: [f32; 2] = [0.0, 1.0];

/// Deviations of the onset strength: so far above its mean a tick is all attack, so far below it all calm.
const ATTACK_DEVIATIONS: f32 = 2.0;
const CALM_DEVIATIONS: f32 = 1.0;
/// Decibels above the usual loudness at which grains are twice as dense, and below it half as dense. Nothing
/// goes further.
const DOUBLE_DENSITY_DB: f32 = 12.0;
/// Octaves by which grains are denser and shorter where all is attack, and longer where all is calm. Measured
/// (docs/experiments.md): grains of 40 ms become 14 ms long; 10 ms follow onsets hardly better, and leave a
/// tone less of its pitch.
const ATTACK_DENSITY_OCTAVES: f32 = 1.0;
const ATTACK_SIZE_OCTAVES: f32 = 1.5;
const CALM_SIZE_OCTAVES: f32 = 0.5;

/// Factors of the settings of grains in one tick. [`Cloud`](crate::granular::Cloud) applies them by the share
/// [`GranularConfig::mod_depth`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GrainModulation {
    /// Grains a tick, 0.25 to 4.
    pub density: f32,
    /// Length of a grain, 0.25 to 2.
    pub size: f32,
    /// Jitter in time and spread of pitch, 0 to 1: 0 is on time and in tune.
    pub spread: f32,
}

impl Default for GrainModulation {
    /// The settings as they are.
    fn default() -> Self {
        Self { density: 1.0, size: 1.0, spread: 1.0 }
    }
}

impl GrainModulation {
    /// The modulation of a tick whose onset strength lies `onset` deviations above its mean, and which is
    /// `above_usual_db` louder than usual. With a = `onset` / 2 and c = −`onset`, each within 0 to 1, and l =
    /// `above_usual_db` / 12 within −1 to 1:
    ///
    /// density = 2^(a + l), size = 2^(c/2 − 3a/2), spread = 1 − a.
    ///
    /// So at an attack grains are short, dense and on time; while nothing begins they are long and overlap
    /// smoothly; loud passages are dense, and quiet ones sparse. Usual ticks leave the settings as they are,
    /// and so does NaN.
    pub fn for_tick(onset: f32, above_usual_db: f32) -> Self {
        let within = |x: f32, low: f32| if x.is_nan() { 0.0 } else { x.clamp(low, 1.0) };
        let (attack, calm) = (within(onset / ATTACK_DEVIATIONS, 0.0), within(-onset / CALM_DEVIATIONS, 0.0));
        let loud = within(above_usual_db / DOUBLE_DENSITY_DB, -1.0);
        Self {
            density: (ATTACK_DENSITY_OCTAVES * attack + loud).exp2(),
            size: (CALM_SIZE_OCTAVES * calm - ATTACK_SIZE_OCTAVES * attack).exp2(),
            spread: 1.0 - attack,
        }
    }

    /// The modulation with the longest grains at that depth: under no other does any begin earlier.
    pub(crate) fn longest(depth: f32) -> Self {
        Self { size: SIZE_RANGE[1], ..Self::default() }.scaled(depth)
    }

    /// The modulation at a depth of 0 (none) to 1. Factors outside of their ranges are moved to the nearest
    /// allowed value; NaN leaves the settings as they are.
    pub(crate) fn scaled(self, depth: f32) -> Self {
        let within = |x: f32, [low, high]: [f32; 2]| if x.is_nan() { 1.0 } else { x.clamp(low, high) };
        Self {
            density: within(self.density, DENSITY_RANGE).powf(depth),
            size: within(self.size, SIZE_RANGE).powf(depth),
            spread: 1.0 - depth * (1.0 - within(self.spread, SPREAD_RANGE)),
        }
    }

    /// The settings under this modulation.
    pub(crate) fn applied(self, config: &GranularConfig) -> GranularConfig {
        GranularConfig {
            density: self.density * config.density,
            size_ms: self.size * config.size_ms,
            jitter: self.spread * config.jitter,
            pitch_spread: self.spread * config.pitch_spread,
            ..config.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attacks_are_short_dense_and_on_time_and_quiet_is_sparse() {
        let usual = GrainModulation::for_tick(0.0, 0.0);
        assert_eq!(usual, GrainModulation::default());
        assert_eq!(GrainModulation::for_tick(f32::NAN, f32::NAN), usual);
        let attack = GrainModulation::for_tick(5.0, 0.0);
        assert!(attack.density == 2.0 && (attack.size - 0.354).abs() < 1e-3 && attack.spread == 0.0);
        let calm = GrainModulation::for_tick(-3.0, 0.0);
        assert!(calm.density == 1.0 && (calm.size - 1.414).abs() < 1e-3 && calm.spread == 1.0);
        assert_eq!(
            [-40.0, -6.0, 6.0, 40.0].map(|db| GrainModulation::for_tick(0.0, db).density),
            [0.5, 0.5f32.sqrt(), 2f32.sqrt(), 2.0]
        );
        // Every modulation of a tick lies within the ranges.
        for onset in -40..=40 {
            for db in -30..=30 {
                let modulation = GrainModulation::for_tick(onset as f32 / 10.0, db as f32);
                assert_eq!(modulation.scaled(1.0), modulation);
            }
        }
    }

    #[test]
    fn its_depth_scales_it() {
        let modulation = GrainModulation { density: 4.0, size: 0.25, spread: 0.5 };
        assert_eq!(modulation.scaled(0.0), GrainModulation::default());
        assert_eq!(modulation.scaled(0.5), GrainModulation { density: 2.0, size: 0.5, spread: 0.75 });
        assert_eq!(modulation.scaled(1.0), modulation);
        let far = GrainModulation { density: f32::INFINITY, size: 0.0, spread: -1.0 };
        assert_eq!(far.scaled(1.0), GrainModulation { density: 4.0, size: 0.25, spread: 0.0 });
        let none = GrainModulation { density: f32::NAN, size: f32::NAN, spread: f32::NAN };
        assert_eq!(none.scaled(1.0), GrainModulation::default());
        let applied = GrainModulation::default().applied(&GranularConfig::default());
        assert_eq!(applied, GranularConfig::default());
    }
}
