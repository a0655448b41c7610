//! Decisions of the composition.

use kinophone_dsp::concat::Clip;
use std::f32::consts::FRAC_PI_2;

/// The cause of a clip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClipCause {
    /// The density asked for a grain.
    Grain,
    /// An event of the picture.
    Onset,
}

/// A clip that is decided.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ComposedClip {
    pub(crate) clip: Clip,
    /// Mean level of the recording there, in dB, before the envelope.
    pub(crate) loudness_db: f32,
    pub(crate) cause: ClipCause,
}

/// An event of the picture at its frame of the soundtrack, 0 to 1 strong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hit {
    pub(crate) at: i64,
    pub(crate) strength: f32,
}

/// A shot in frames of the soundtrack, and the sources that it plays with.
#[derive(Clone, Debug)]
pub(crate) struct ShotSpan {
    pub(crate) begin: i64,
    pub(crate) end: i64,
    pub(crate) sources: Vec<u32>,
}

/// A grain or a hit.
#[derive(Clone)]
pub(crate) struct ComposedGrain {
    pub(crate) unit: u32,
    pub(crate) source: u32,
    /// Frame of the source that sounds first.
    pub(crate) place: i64,
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// Frames of the fades.
    pub(crate) attack: i64,
    pub(crate) release: i64,
    pub(crate) speed: f64,
    pub(crate) pan: f32,
    /// Its clip, once it is decided.
    pub(crate) composed: Option<ComposedClip>,
    pub(crate) hit: bool,
}

impl ComposedGrain {
    /// Amplitude of the fades, with equal power: the squares of a fade in and a fade out add up to 1.
    pub(crate) fn fade(&self, at: i64) -> f32 {
        let part = |since: i64, length: i64| {
            let x = since as f32 / length.max(1) as f32;
            (x.clamp(0.0, 1.0) * FRAC_PI_2).sin()
        };
        part(at - self.start, self.attack) * part(self.end - at, self.release)
    }

    pub(crate) fn length(&self) -> i64 {
        self.end - self.start
    }
}
