//! How grains are strewn in one tick, after what a brain says of it.

use crate::frames::GranularConfig;

/// Ranges of the factors.
const DENSITY: [f32; 2] = [0.25, 4.0];
const SIZE: [f32; 2] = [0.25, 2.0];
const SPREAD: [f32; 2] = [0.0, 1.0];

/// Deviations of the onset strength: so far above its mean a tick is all attack, so far below it all calm.
const ATTACK: f32 = 2.0;
const CALM: f32 = 1.0;
/// Decibels above what is usual at which grains are twice as dense, and below it half as dense. Nothing goes further.
const TWICE_DB: f32 = 12.0;
/// Octaves by which grains are denser and shorter where all is attack, and longer where all is calm. Measured (docs/experiments.md):
/// grains of 40 ms become 14 ms long; 10 ms follow onsets hardly better, and leave a tone less of its pitch.
const DENSER: f32 = 1.0;
const SHORTER: f32 = 1.5;
const LONGER: f32 = 0.5;

/// What the settings of grains are multiplied by in one tick: [`Cloud`](crate::granular::cloud::Cloud) goes as far towards it as
/// [`GranularConfig::mod_depth`] says.
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
    /// What suits a tick whose onset strength lies `onset` deviations above its mean, and which is `above_usual_db` louder than
    /// usual. With a = `onset` / 2 and c = −`onset`, each within 0 to 1, and l = `above_usual_db` / 12 within −1 to 1:
    ///
    /// density = 2^(a + l), size = 2^(c/2 − 3a/2), spread = 1 − a.
    ///
    /// So at an attack grains are short, dense and on time; while nothing begins they are long and overlap smoothly; loud passages
    /// are dense, and quiet ones sparse. Where all is usual, the settings are as they are. So they are for what is no number.
    pub fn for_tick(onset: f32, above_usual_db: f32) -> Self {
        let within = |x: f32, low: f32| if x.is_nan() { 0.0 } else { x.clamp(low, 1.0) };
        let (attack, calm) = (within(onset / ATTACK, 0.0), within(-onset / CALM, 0.0));
        let loud = within(above_usual_db / TWICE_DB, -1.0);
        Self {
            density: (DENSER * attack + loud).exp2(),
            size: (LONGER * calm - SHORTER * attack).exp2(),
            spread: 1.0 - attack,
        }
    }

    /// The one with the longest grains, as far as `drive` goes there: in no other does any begin earlier.
    pub(crate) fn longest(drive: f32) -> Self {
        Self { size: SIZE[1], ..Self::default() }.driven(drive)
    }

    /// A share of the way, 0 to 1, from the settings as they are to this manner. Factors outside of their ranges are moved to the
    /// nearest allowed value; what is no number leaves the settings as they are.
    pub(crate) fn driven(self, drive: f32) -> Self {
        let within = |x: f32, [low, high]: [f32; 2]| if x.is_nan() { 1.0 } else { x.clamp(low, high) };
        Self {
            density: within(self.density, DENSITY).powf(drive),
            size: within(self.size, SIZE).powf(drive),
            spread: 1.0 - drive * (1.0 - within(self.spread, SPREAD)),
        }
    }

    /// The settings in this manner.
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
        // Everything that may be said lies within the ranges.
        for onset in -40..=40 {
            for db in -30..=30 {
                let said = GrainModulation::for_tick(onset as f32 / 10.0, db as f32);
                assert_eq!(said.driven(1.0), said);
            }
        }
    }

    #[test]
    fn it_is_gone_to_by_a_share_of_the_way() {
        let manner = GrainModulation { density: 4.0, size: 0.25, spread: 0.5 };
        assert_eq!(manner.driven(0.0), GrainModulation::default());
        assert_eq!(manner.driven(0.5), GrainModulation { density: 2.0, size: 0.5, spread: 0.75 });
        assert_eq!(manner.driven(1.0), manner);
        let far = GrainModulation { density: f32::INFINITY, size: 0.0, spread: -1.0 };
        assert_eq!(far.driven(1.0), GrainModulation { density: 4.0, size: 0.25, spread: 0.0 });
        let none = GrainModulation { density: f32::NAN, size: f32::NAN, spread: f32::NAN };
        assert_eq!(none.driven(1.0), GrainModulation::default());
        let driven = GrainModulation::default().applied(&GranularConfig::default());
        assert_eq!(driven, GranularConfig::default());
    }
}
