//! A record of the grains that a cloud plays, as clips with envelopes.

use crate::concat::{Clip, EnvelopeFit};
use crate::frames::GrainFamily;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// Follows the grains of a cloud until the levels of all their ticks are known, and then completes them as
/// clips.
#[derive(Default)]
pub(crate) struct GrainRecorder {
    /// Grains that were mixed but not brought to their level yet.
    pub(crate) waiting: VecDeque<RecordedGrain>,
    pub(crate) clips: Vec<Clip>,
}

/// A grain, or a child of one, that is being recorded.
pub(crate) struct RecordedGrain {
    /// Without its envelope.
    clip: Clip,
    fit: EnvelopeFit,
    family: Arc<GrainFamily>,
    member: usize,
    gain: f32,
    /// Frames of it that lie within the source.
    audible: usize,
}

impl RecordedGrain {
    /// Member `member` of a family that plays `clip` with a gain; its source ends `source_frames` frames
    /// after the first that was read.
    pub(crate) fn new(
        clip: Clip,
        (family, member): (&Arc<GrainFamily>, usize),
        gain: f32,
        source_frames: usize,
    ) -> Self {
        let audible = (source_frames.saturating_sub(1) as f64 / clip.speed).ceil() as usize;
        Self { clip, fit: EnvelopeFit::default(), family: family.clone(), member, gain, audible }
    }
}

impl GrainRecorder {
    /// Records that the frames `span` of the output get these levels.
    pub(crate) fn level(&mut self, span: Range<i64>, level: impl Fn(usize) -> f32) {
        let levels: Vec<f32> = (0..(span.end - span.start) as usize).map(level).collect();
        for grain in &mut self.waiting {
            let at = grain.clip.at;
            let end = (at + grain.audible.min(grain.clip.frames as usize) as i64).min(span.end);
            let envelope = grain.family.envelope(grain.member);
            for n in at.max(span.start)..end {
                let t = (n - at) as usize;
                let amplitude = envelope[t] * grain.gain * levels[(n - span.start) as usize];
                grain.fit.push(t as i32, amplitude);
            }
        }
        self.complete(span.end);
    }

    /// Completes the grains that end before frame `end` of the output.
    pub(crate) fn complete(&mut self, end: i64) {
        while self.waiting.front().is_some_and(|grain| grain.clip.at + grain.clip.frames <= end) {
            let Some(RecordedGrain { clip, fit, .. }) = self.waiting.pop_front() else { return };
            let envelope = fit.finish();
            if !envelope.is_empty() {
                self.clips.push(Clip { envelope, ..clip });
            }
        }
    }
}
