//! A record of the runs that a mosaic plays, as clips with envelopes.

use crate::concat::clip::{Clip, EnvelopeFit};
use crate::concat::crossfade::Crossfade;

/// Follows a mosaic tick by tick, with the amplitudes that it applies, and completes every run as clips when
/// its last fade is over.
#[derive(Default)]
pub(crate) struct ClipRecorder {
    /// Amplitudes of the present tick's frames: of its own run, …
    own: Vec<f32>,
    /// … at its beginning of the run that fades out, and at its end of the one that fades in.
    outgoing: Vec<f32>,
    incoming: Vec<f32>,
    past: Option<(RecordedRun, RunEnd)>,
    present: Option<RecordedRun>,
    next: Option<RecordedRun>,
    pub(crate) clips: Vec<Clip>,
}

/// A run that is being recorded.
struct RecordedRun {
    /// Its first unit, and the frame of the output in which it begins.
    unit: u32,
    at: i64,
    /// The tick in which it begins.
    tick: i64,
    /// The position that sounds then, in frames after the beginning of the unit, and the reading speed.
    shift: i64,
    speed: f64,
    /// Beginning of its source, if that is near: sound before it is mirrored.
    source_begin: Option<i64>,
    envelope: EnvelopeFit,
}

/// The end of a run.
pub(crate) struct RunEnd {
    /// The first tick that is not part of it.
    pub(crate) tick: i64,
    /// The frame of the output before which it nominally ends.
    pub(crate) at: i64,
    /// End of its source in frames after the beginning of its first unit, if that is near: sound beyond it is
    /// mirrored.
    pub(crate) source_end: Option<i64>,
}

impl ClipRecorder {
    /// Records that a run begins with the tick that is played next; `source_begin` is the beginning of its
    /// source, if that is near.
    pub(crate) fn begin_run(
        &mut self,
        unit: u32,
        (tick, at): (i64, i64),
        (shift, speed): (i64, f64),
        source_begin: Option<i64>,
    ) {
        let run =
            RecordedRun { unit, at, tick, shift, speed, source_begin, envelope: EnvelopeFit::default() };
        let place = if self.present.is_none() { &mut self.present } else { &mut self.next };
        *place = Some(run);
    }

    /// Records that a tick is played with these gains.
    pub(crate) fn begin_tick(&mut self, gains: impl Iterator<Item = f32>) {
        self.own.clear();
        self.own.extend(gains);
        self.outgoing.clear();
        self.incoming.clear();
    }

    /// Records that the tick begins with the second part of a fade, from a run of this gain.
    pub(crate) fn fade_in(&mut self, crossfade: &Crossfade, gain: f32) {
        let weights = (crossfade.before()..crossfade.frames()).map(|frame| crossfade.weights(frame));
        for (own, (out, into)) in self.own.iter_mut().zip(weights) {
            *own *= into;
            self.outgoing.push(gain * out);
        }
    }

    /// Records that the tick ends with the first part of a fade, to a run of this gain.
    pub(crate) fn fade_out(&mut self, crossfade: &Crossfade, gain: f32) {
        let start = self.own.len().saturating_sub(crossfade.before());
        for (frame, own) in self.own[start..].iter_mut().enumerate() {
            let (out, into) = crossfade.weights(frame);
            *own *= out;
            self.incoming.push(gain * into);
        }
    }

    /// Records the gate of frame `i` of the tick, which is frame `n` of the output.
    pub(crate) fn gate(&mut self, i: usize, n: i64, gate: f32) {
        let fades_in = i.checked_sub(self.own.len() - self.incoming.len());
        let parts = [
            (self.present.as_mut(), self.own.get(i)),
            (self.past.as_mut().map(|(run, _)| run), self.outgoing.get(i)),
            (self.next.as_mut(), fades_in.and_then(|i| self.incoming.get(i))),
        ];
        for (run, amplitude) in parts {
            if let (Some(run), Some(amplitude)) = (run, amplitude) {
                run.envelope.push((n - run.at) as i32, amplitude * gate);
            }
        }
    }

    /// Records that the tick is over, and with it the fade of the run before.
    pub(crate) fn end_tick(&mut self) {
        if let Some((run, end)) = self.past.take() {
            run.complete(&end, &mut self.clips);
        }
    }

    /// Records that the present run is over but for its fade.
    pub(crate) fn end_run(&mut self, end: RunEnd) {
        self.past = self.present.take().map(|run| (run, end));
        self.present = self.next.take();
    }

    /// Records that the mosaic is over.
    pub(crate) fn finish(&mut self, end: RunEnd) {
        self.end_run(end);
        self.end_tick();
    }
}

impl RecordedRun {
    /// Appends the run, and the sound that is mirrored before its source begins and after it ends, as clips.
    fn complete(self, end: &RunEnd, clips: &mut Vec<Clip>) {
        let frames = end.at - self.at;
        let envelope = self.envelope.finish();
        // The frame after the beginning in which a position of the source is reached.
        let time = |position: i64| ((position - self.shift) as f64 / self.speed).ceil() as i64;
        let (from, to) = (self.source_begin.map_or(i64::MIN, time), end.source_end.map_or(i64::MAX, time));
        let run = Clip {
            at: self.at,
            frames,
            ticks: self.tick..end.tick,
            unit: self.unit,
            offset: self.shift,
            speed: self.speed,
            pan: 0.0,
            envelope: Vec::new(),
        };
        // A position before the beginning B sounds like 2B − 1 less that position, one after the end E like
        // 2E − 1 less it.
        let mirrored = |at: i64, border: i64| {
            let position = self.shift as f64 + (at - self.at) as f64 * self.speed;
            let offset = 2 * border - 1 - position.round() as i64;
            Clip { at, frames: 0, ticks: self.tick..self.tick, offset, speed: -self.speed, ..run.clone() }
        };
        let early = mirrored(self.at, self.source_begin.unwrap_or(0));
        let late = mirrored(end.at, end.source_end.unwrap_or(0));
        let whole = Clip { envelope, ..run };
        let parts = [(early, i64::MIN, from), (whole.clone(), from, to), (late, to, i64::MAX)];
        for (mut part, from, to) in parts {
            part.envelope = whole.envelope_between(from, to, part.at - self.at);
            if !part.envelope.is_empty() {
                clips.push(part);
            }
        }
    }
}
