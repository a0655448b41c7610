//! Concatenative synthesis: a film's sound pieced together from the sound that a brain was trained on.
//!
//! The training sound is divided into *units*, one tick each. A network's prediction for a tick of a new film
//! is a target: a row of descriptors, a loudness, and the probability of silence. A [`UnitSelector`] finds
//! the unit for each tick, weighing its distance from the target against the price of a jump; [`Mosaic`]
//! reads the selected units on end, crossfades where they jump, and gives them the predicted loudness.
//! [`UnitDescriptors`] hold all that describes the units; their sound is read through [`UnitSound`]. Played
//! sound can be recorded as [`Clip`]s, which a [`ClipPlayer`] plays again.
//!
//! Unit selection as the cheapest path through all units is from A. Hunt and A. Black, "Unit selection in a
//! concatenative speech synthesis system using a large speech database", ICASSP 1996; for music A. Zils and
//! F. Pachet, "Musical mosaicing", DAFx 2001; live by nearness of descriptors D. Schwarz, G. Beller, B.
//! Verbrugghe and S. Britton, "Real-time corpus-based concatenative synthesis with CataRT", DAFx 2006.
//!
//! | selection | made by | delay | memory beyond the units |
//! |---|---|---|---|
//! | exact | [`UnitSelector::exact`] | until it is decided: seconds, rarely more | O(delay + units near a target) |
//! | with lookahead | [`UnitSelector::lookahead`] | as many ticks as asked for | O(delay + units near a target) |
//! | greedy | [`UnitSelector::greedy`] | none | O(units near a target) |
//!
//! The units of a tick can be limited to some groups, and kept from repeating the units of another layer
//! ([`Constraints`]). Units that sounded a short while ago can cost more ([`MosaicConfig::repeat_ticks`]).

mod clip;
mod clip_player;
mod clip_recorder;
mod crossfade;
mod mosaic;
mod played_tick;
mod run_reader;
mod selector;
#[cfg(test)]
mod tests;
mod units;

pub use clip::Clip;
pub(crate) use clip::EnvelopeFit;
#[cfg(test)]
pub(crate) use clip::replayed;
pub use clip_player::{ClipPlayer, pan_gains};
pub use mosaic::{AttackTarget, Mosaic, UnitPlayback};
pub use selector::{Constraints, UnitSelector};
pub use units::{UnitDescriptors, UnitDescriptorsError};

use crate::loudness::amplitude;
use crate::setting::{OutOfRange, Setting};
use serde::{Deserialize, Serialize};

/// The sound of all units, at the output's rate.
pub trait UnitSound: Send {
    /// Channels of the interleaved samples; at least 1, always the same.
    fn channels(&self) -> usize;

    /// Fills `out`, whole frames of interleaved samples in −1..1, with the sound from `offset` frames after
    /// the first frame of `unit` in its film (before it where negative).
    ///
    /// A run of units that continue one another is read relative to its first unit, so `offset` may lie as
    /// many units beyond `unit` as continue it. [`Mosaic`] reads over no break between units
    /// ([`UnitDescriptors::new`]): there it mirrors the sound at hand. For sound that must not be heard for
    /// any other reason, and for units that do not exist, the reader gives silence: it alone decides.
    fn read(&self, unit: u32, offset: i64, out: &mut [f32]);
}

impl<S: UnitSound + ?Sized> UnitSound for Box<S> {
    fn channels(&self) -> usize {
        (**self).channels()
    }

    fn read(&self, unit: u32, offset: i64, out: &mut [f32]) {
        (**self).read(unit, offset, out);
    }
}

impl<S: UnitSound + Sync + ?Sized> UnitSound for std::sync::Arc<S> {
    fn channels(&self) -> usize {
        (**self).channels()
    }

    fn read(&self, unit: u32, offset: i64, out: &mut [f32]) {
        (**self).read(unit, offset, out);
    }
}

/// Power of the gate's probability that the attenuation follows: below 1 dB of 60 at an undecided ½, 16 dB at
/// 0.8, 32 dB at 0.9.
const GATE_KNEE: i32 = 6;

/// The unit of one tick, with its loudness and gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelectedUnit {
    /// The unit, as a [`UnitSelector`] numbers it.
    pub unit: u32,
    /// Loudness that the tick should have, in dB on the scale of the units' loudness.
    pub loudness_db: f32,
    /// Probability of silence, 0 to 1: 0 leaves the sound as it is, 1 closes it by [`MosaicConfig::gate_db`].
    pub gate: f32,
}

impl SelectedUnit {
    /// Gain in dB from the unit's loudness to the tick's, within its limits; 0 dB where that is no number.
    pub fn gain_db(&self, units: &UnitDescriptors, config: &MosaicConfig) -> f32 {
        let gain = self.loudness_db - units.loudness_db(self.unit);
        if gain.is_nan() { 0.0 } else { gain.clamp(-config.max_gain_db, config.max_gain_db) }
    }

    /// Amplitude of the gate.
    pub fn gate_amplitude(&self, config: &MosaicConfig) -> f32 {
        let silence = if self.gate.is_nan() { 0.0 } else { self.gate.clamp(0.0, 1.0) };
        to_amplitude(-config.gate_db * silence.powi(GATE_KNEE))
    }
}

fn to_amplitude(db: f32) -> f32 {
    amplitude(f64::from(db)) as f32
}

/// Settings of [`UnitSelector`] and [`Mosaic`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MosaicConfig {
    /// Price of a jump in the exact selection and with lookahead, in squared distance of descriptors, 0 to 1
    /// 000 000. At 0 every tick takes its nearest unit.
    pub jump_price: f32,
    /// Squared distance by which the continuing unit may be worse than the best before the greedy selection
    /// jumps, 0 to 1 000 000.
    pub stay: f32,
    /// Length of the fade at a jump in milliseconds, 1 to 50; at most a tick.
    pub fade_ms: f32,
    /// Milliseconds, 0 to 20, by which the new sound may be moved at a jump, either way, to fit the old; at
    /// most half a tick.
    pub shift_ms: f32,
    /// Greatest gain and greatest attenuation towards the predicted loudness in dB, 0 to 40.
    pub max_gain_db: f32,
    /// Attenuation in dB where silence is certain, 0 to 120.
    pub gate_db: f32,
    /// Ticks, 0 to 9000, within which a unit that sounded costs more if it sounds again; at 0 repetition is
    /// free. Only decisions count: a unit that was given out for one of so many ticks before the one whose
    /// target is pushed.
    pub repeat_ticks: u32,
    /// Additional cost of such a unit, in squared distance of descriptors, 0 to 1 000 000.
    pub repeat_price: f32,
}

impl Default for MosaicConfig {
    fn default() -> Self {
        Self {
            jump_price: 1.0,
            stay: 0.5,
            fade_ms: 15.0,
            shift_ms: 5.0,
            max_gain_db: 12.0,
            gate_db: 60.0,
            repeat_ticks: 0,
            repeat_price: 1.0,
        }
    }
}

impl MosaicConfig {
    /// Checks that every setting lies within its range. One that does not is moved to the nearest allowed
    /// value where it is used.
    pub fn check(&self) -> Result<(), OutOfRange> {
        self.settings().iter().try_for_each(Setting::check)
    }

    fn settings(&self) -> [Setting; 8] {
        let setting = |name, value: f32, low, high| Setting::new(name, f64::from(value), low, high);
        [
            setting("jump_price", self.jump_price, 0.0, 1e6),
            setting("stay", self.stay, 0.0, 1e6),
            setting("fade_ms", self.fade_ms, 1.0, 50.0),
            setting("shift_ms", self.shift_ms, 0.0, 20.0),
            setting("max_gain_db", self.max_gain_db, 0.0, 40.0),
            setting("gate_db", self.gate_db, 0.0, 120.0),
            Setting::new("repeat_ticks", f64::from(self.repeat_ticks), 0.0, 9000.0),
            setting("repeat_price", self.repeat_price, 0.0, 1e6),
        ]
    }

    pub(crate) fn clamped(&self) -> Self {
        let [jump_price, stay, fade_ms, shift_ms, max_gain_db, gate_db, repeat_ticks, repeat_price] =
            self.settings().map(|setting| setting.clamped());
        let [jump_price, stay, fade_ms, shift_ms, max_gain_db, gate_db, repeat_price] =
            [jump_price, stay, fade_ms, shift_ms, max_gain_db, gate_db, repeat_price].map(|x| x as f32);
        let repeat_ticks = repeat_ticks as u32;
        Self { jump_price, stay, fade_ms, shift_ms, max_gain_db, gate_db, repeat_ticks, repeat_price }
    }
}
