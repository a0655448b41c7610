//! The events of an etude.

use kinophone_dsp::units::MediaTime;
use serde::{Deserialize, Serialize};

/// Centres of discs and scratches lie between these, in picture widths, so that little is cut off at the
/// edges.
pub(super) const ACROSS: (f32, f32) = (0.12, 0.88);

/// Appearance and sound of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EtudeShape {
    /// A bar across the picture that sweeps up or down; a tone.
    Line,
    /// A disc that flashes up, shrinks and fades; a struck bar.
    Disc,
    /// Thin vertical strokes; noise.
    Scratch,
    /// The whole picture white; a beep.
    Flash,
}

/// One event: the whole truth about something that is seen and heard. Positions are in units of the picture's
/// width or height, from the left and from the top.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EtudeEvent {
    /// Its appearance and sound.
    pub shape: EtudeShape,
    /// The frame on which it appears.
    pub frame: u64,
    /// Its duration in frames.
    pub frames: u64,
    /// Time at which `frame` begins.
    pub start: MediaTime,
    /// Time at which the first frame without it begins.
    pub end: MediaTime,
    /// Fundamental at its start in Hz; `None` for noise.
    pub pitch_hz: Option<f32>,
    /// Centre, 0..1; of a scratch, the middle of its strokes.
    pub x: f32,
    /// Centre at the start, 0..1.
    pub y: f32,
    /// Centre at the end, 0..1; differs from `y` for lines only.
    pub to_y: f32,
    /// Decides how the strokes of a scratch lie.
    pub look: u64,
}

impl EtudeEvent {
    /// The first frame without it.
    pub fn end_frame(&self) -> u64 {
        self.frame + self.frames
    }

    /// Brightness and loudness at `age`, which runs from 0 at its start to 1 at its end.
    pub(super) fn brightness(&self, age: f64) -> f64 {
        match self.shape {
            // Lines hold and then fade over their last eighth, discs fade from the first moment on.
            EtudeShape::Line => ((1.0 - age) * 8.0).clamp(0.0, 1.0),
            EtudeShape::Disc => 1.0 - age,
            // A scratch is brightest on its first frame and keeps each frame's brightness to the frame's end.
            EtudeShape::Scratch => 0.6_f64.powi((age * self.frames as f64) as i32),
            EtudeShape::Flash => 1.0,
        }
    }

    /// Brightness left of a line at `frame`, `phase` (0..1 within it) under the events over it, 0..1. Picture
    /// and sound give way together: what is new looks and sounds as it does alone, and the line returns while
    /// it fades.
    pub(super) fn dimming(&self, others: &[&EtudeEvent], frame: u64, phase: f64) -> f64 {
        if self.shape != EtudeShape::Line {
            return 1.0;
        }
        let light = |e: &&EtudeEvent| {
            e.brightness((frame - e.frame) as f64 / e.frames as f64 + phase / e.frames as f64)
        };
        let most = others.iter().filter(|e| e.shape != EtudeShape::Line).map(light).fold(0.0, f64::max);
        (1.0 - 1.3 * most).max(0.0)
    }

    /// Vertical position on the event's frame `j`; eases in and out like something heavy.
    pub(super) fn y_at(&self, j: u64) -> f64 {
        let way = if self.frames > 1 { j as f64 / (self.frames - 1) as f64 } else { 0.0 };
        let eased = 0.5 - 0.5 * (std::f64::consts::PI * way).cos();
        f64::from(self.y) + (f64::from(self.to_y) - f64::from(self.y)) * eased
    }
}
