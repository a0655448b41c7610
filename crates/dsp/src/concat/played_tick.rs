//! A tick as it is played: its unit, the run that it belongs to, gains and gates.

/// A tick whose unit is selected but not played yet.
#[derive(Clone, Copy)]
pub(crate) struct PlayedTick {
    pub(crate) number: i64,
    pub(crate) unit: u32,
    pub(crate) run: PlayedRun,
    pub(crate) gain_db: f32,
    /// Gain at its first border.
    pub(crate) gain_from_db: f32,
    /// If it began with a jump: the gain of the sound that fades out.
    pub(crate) outgoing_gain_db: Option<f32>,
    /// Amplitude of the gate, and of that of the tick before.
    pub(crate) gate: f32,
    pub(crate) gate_before: f32,
}

/// A stretch of units that continue one another.
#[derive(Clone, Copy)]
pub(crate) struct PlayedRun {
    /// Its first unit, and the tick of the output in which it began.
    pub(crate) unit: u32,
    pub(crate) tick: i64,
    /// Frames by which the source is read later than the borders of the units.
    pub(crate) shift: i64,
    pub(crate) speed: f64,
}

impl PlayedRun {
    /// The position that sounds `frames` after the beginning of the run, in frames after the beginning of its
    /// unit.
    pub(crate) fn position(&self, frames: i64) -> f64 {
        self.shift as f64 + frames as f64 * self.speed
    }
}
