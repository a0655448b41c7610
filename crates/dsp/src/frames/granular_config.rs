//! Settings of granular synthesis.

use crate::setting::Setting;
use crate::window::Window;
use serde::{Deserialize, Serialize};

/// Settings of [`Granular`](crate::frames::Granular).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GranularConfig {
    /// Length of a grain in milliseconds, 1 to 2000. Shortened where it would sound beyond `spread_ticks`.
    pub size_ms: f32,
    /// Grains (without children) a tick, 0.01 to 65 536; fractions are kept over several ticks.
    pub density: f32,
    /// Ticks over which the middles of grains are spread, around the middle of their tick, 0 to 64. Whole
    /// numbers from 1 on leave no comb at the tick rate. At most 2 × `spread_ticks`.
    pub jitter: f32,
    /// Shape of every grain.
    pub envelope: Window,
    /// Speed of reading, 1/16 to 16: 2 is an octave up.
    pub pitch: f32,
    /// Semitones, 0 to 48, by which the pitch of each grain is moved up or down at random.
    pub pitch_spread: f32,
    /// Further grains after each grain, 0 to 20: child i has 1 / (i + 1) of its amplitude.
    pub children: u32,
    /// Length of each child relative to its predecessor, 0.1 to 1.
    pub child_shrink: f32,
    /// Ticks before and after its own tick within which a grain sounds, 0.5 to 64.
    pub spread_ticks: f32,
    /// Share, 0 to 1, by which density, size, jitter and spread of pitch follow the
    /// [`GrainModulation`](crate::granular::GrainModulation) of each tick: for
    /// [`Cloud`](crate::granular::Cloud) alone, since blocks come without one.
    #[serde(rename = "drive")]
    pub mod_depth: f32,
    /// Seed of all places and pitches.
    pub seed: u64,
}

impl Default for GranularConfig {
    fn default() -> Self {
        Self {
            size_ms: 40.0,
            density: 8.0,
            jitter: 1.0,
            envelope: Window::Hann,
            pitch: 1.0,
            pitch_spread: 0.0,
            children: 0,
            child_shrink: 0.5,
            spread_ticks: 1.0,
            mod_depth: 1.0,
            seed: 0,
        }
    }
}

impl GranularConfig {
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let setting = |name, value: f32, low, high| Setting::new(name, f64::from(value), low, high);
        vec![
            setting("size_ms", self.size_ms, 1.0, 2000.0),
            setting("density", self.density, 0.01, 65_536.0),
            setting("jitter", self.jitter, 0.0, 64.0),
            setting("pitch", self.pitch, 1.0 / 16.0, 16.0),
            setting("pitch_spread", self.pitch_spread, 0.0, 48.0),
            Setting::new("children", f64::from(self.children), 0.0, 20.0),
            setting("child_shrink", self.child_shrink, 0.1, 1.0),
            setting("spread_ticks", self.spread_ticks, 0.5, 64.0),
            setting("drive", self.mod_depth, 0.0, 1.0),
        ]
    }

    pub(crate) fn clamped(&self) -> Self {
        let allowed: Vec<f64> = self.settings().iter().map(Setting::clamped).collect();
        let [size_ms, density, jitter, pitch, pitch_spread, children, child_shrink, spread_ticks, mod_depth] =
            allowed[..]
        else {
            unreachable!("there are nine settings");
        };
        Self {
            size_ms: size_ms as f32,
            density: density as f32,
            jitter: jitter.min(2.0 * spread_ticks) as f32,
            envelope: self.envelope,
            pitch: pitch as f32,
            pitch_spread: pitch_spread as f32,
            children: children as u32,
            child_shrink: child_shrink as f32,
            spread_ticks: spread_ticks as f32,
            mod_depth: mod_depth as f32,
            seed: self.seed,
        }
    }
}
