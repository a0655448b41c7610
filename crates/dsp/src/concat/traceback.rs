//! What a mosaic did: its runs as pieces with envelopes.

use crate::concat::clip::{Clip, EnvelopeFit};
use crate::concat::crossfade::Crossfade;

/// Follows a mosaic tick by tick, with the amplitudes that it applies, and hands over every run when its last fade is over.
#[derive(Default)]
pub(crate) struct Traceback {
    /// Amplitudes of the present tick's frames: of its own run, …
    own: Vec<f32>,
    /// … at its beginning of the run that fades out, and at its end of the one that fades in.
    leaving: Vec<f32>,
    coming: Vec<f32>,
    past: Option<(Line, End)>,
    present: Option<Line>,
    next: Option<Line>,
    pub(crate) cuts: Vec<Clip>,
}

/// A run that is being followed.
struct Line {
    /// Its first unit, and the frame of the output in which it begins.
    unit: u32,
    at: i64,
    /// The tick in which it begins.
    tick: i64,
    /// The place in it that sounds then, in frames after the beginning of the unit, and how fast it is read.
    shift: i64,
    speed: f64,
    /// Where its source begins, if that is near: what would be read before is mirrored.
    low: Option<i64>,
    outline: EnvelopeFit,
}

/// The end of a run.
pub(crate) struct End {
    /// The first tick that is not of it.
    pub(crate) tick: i64,
    /// The frame of the output before which it ends by name.
    pub(crate) at: i64,
    /// How many frames there are from its first unit on, where its source ends with it: what would be read beyond is mirrored.
    pub(crate) frames: Option<i64>,
}

impl Traceback {
    /// A run begins with the tick that is played next.
    pub(crate) fn announce(
        &mut self,
        unit: u32,
        (tick, at): (i64, i64),
        (shift, speed): (i64, f64),
        low: Option<i64>,
    ) {
        let line = Line { unit, at, tick, shift, speed, low, outline: EnvelopeFit::default() };
        let place = if self.present.is_none() { &mut self.present } else { &mut self.next };
        *place = Some(line);
    }

    /// A tick is played with these gains.
    pub(crate) fn play(&mut self, gains: impl Iterator<Item = f32>) {
        self.own.clear();
        self.own.extend(gains);
        self.leaving.clear();
        self.coming.clear();
    }

    /// It begins with the second part of a fade, from a run of this gain.
    pub(crate) fn arrive(&mut self, splice: &Crossfade, gain: f32) {
        let weights = (splice.before()..splice.frames()).map(|frame| splice.weights(frame));
        for (own, (out, into)) in self.own.iter_mut().zip(weights) {
            *own *= into;
            self.leaving.push(gain * out);
        }
    }

    /// It ends with the first part of one, to a run of this gain.
    pub(crate) fn leave(&mut self, splice: &Crossfade, gain: f32) {
        let start = self.own.len().saturating_sub(splice.before());
        for (frame, own) in self.own[start..].iter_mut().enumerate() {
            let (out, into) = splice.weights(frame);
            *own *= out;
            self.coming.push(gain * into);
        }
    }

    /// Frame `i` of the tick, in frame `n` of the output, has this gate.
    pub(crate) fn gate(&mut self, i: usize, n: i64, gate: f32) {
        let fades_in = i.checked_sub(self.own.len() - self.coming.len());
        let parts = [
            (self.present.as_mut(), self.own.get(i)),
            (self.past.as_mut().map(|(line, _)| line), self.leaving.get(i)),
            (self.next.as_mut(), fades_in.and_then(|i| self.coming.get(i))),
        ];
        for (line, amplitude) in parts {
            if let (Some(line), Some(amplitude)) = (line, amplitude) {
                line.outline.push((n - line.at) as i32, amplitude * gate);
            }
        }
    }

    /// The tick is over.
    pub(crate) fn close(&mut self) {
        if let Some((line, end)) = self.past.take() {
            line.hand_over(&end, &mut self.cuts);
        }
    }

    /// The present run is over but for its fade.
    pub(crate) fn turn(&mut self, end: End) {
        self.past = self.present.take().map(|line| (line, end));
        self.present = self.next.take();
    }

    /// All is over.
    pub(crate) fn finish(&mut self, end: End) {
        self.turn(end);
        if let Some((line, end)) = self.past.take() {
            line.hand_over(&end, &mut self.cuts);
        }
    }
}

impl Line {
    /// As pieces: the run, and what sounds mirrored before its source begins and after it ends.
    fn hand_over(self, end: &End, cuts: &mut Vec<Clip>) {
        let frames = end.at - self.at;
        let envelope = self.outline.finish();
        // The frame after the beginning in which a place of the source is reached.
        let time = |place: i64| ((place - self.shift) as f64 / self.speed).ceil() as i64;
        let (from, to) = (self.low.map_or(i64::MIN, time), end.frames.map_or(i64::MAX, time));
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
        // A place before the beginning B sounds like 2B − 1 less that place, one after the end E like 2E − 1 less that.
        let tail = |at: i64, border: i64| {
            let place = self.shift as f64 + (at - self.at) as f64 * self.speed;
            let offset = 2 * border - 1 - place.round() as i64;
            Clip { at, frames: 0, ticks: self.tick..self.tick, offset, speed: -self.speed, ..run.clone() }
        };
        let early = tail(self.at, self.low.unwrap_or(0));
        let late = tail(end.at, end.frames.unwrap_or(0));
        let whole = Clip { envelope, ..run };
        let parts = [(early, i64::MIN, from), (whole.clone(), from, to), (late, to, i64::MAX)];
        for (mut part, from, to) in parts {
            part.envelope = whole.between(from, to, part.at - self.at);
            if !part.envelope.is_empty() {
                cuts.push(part);
            }
        }
    }
}
