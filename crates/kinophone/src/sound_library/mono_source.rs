//! A source's sound mixed down to one channel, for analysis.

use crate::dataset::ShardSound;
use kinophone_dsp::metrics::RATE;
use kinophone_dsp::onset::{Onset, onsets};
use kinophone_dsp::resample::Resampler;
use kinophone_dsp::units::SampleRate;

pub(super) const AROUND_SECS: i64 = 2;

/// The rate at which ticks are analyzed.
pub(super) fn analysis_rate() -> SampleRate {
    SampleRate::new(RATE).expect("a constant within the range")
}

/// One channel of a source (see [`ShardSound::mix_down`]), at its own rate and, a window at a time, at 22 050 Hz.
pub(super) struct MonoSource<'a> {
    pub(super) rate: SampleRate,
    pub(super) sound: ShardSound<'a>,
    pub(super) frames: i64,
    resampler: Option<Resampler>,
    /// Frames of the sound that went into the resampler.
    taken: i64,
    /// Samples at 22 050 Hz, of which the first is number `start`.
    window: Vec<f32>,
    start: i64,
    pub(super) onsets: Vec<Onset>,
}

impl<'a> MonoSource<'a> {
    pub(super) fn new(sound: ShardSound<'a>) -> Self {
        let rate = sound.rate;
        let resampler = (rate != analysis_rate()).then(|| Resampler::interleaved(rate, analysis_rate(), 1));
        Self {
            rate,
            sound,
            frames: sound.frames() as i64,
            resampler,
            taken: 0,
            window: Vec::new(),
            start: 0,
            onsets: Vec::new(),
        }
    }

    /// Samples from `first` to `end` at the source's rate; silence beyond its ends.
    pub(super) fn samples(&self, first: i64, end: i64) -> Vec<f32> {
        let (from, to) = (first.clamp(0, self.frames), end.clamp(0, self.frames));
        let channels = self.sound.channels as usize;
        let mut there = Vec::new();
        self.sound.mix_down(
            &self.sound.samples[from as usize * channels..to.max(from) as usize * channels],
            &mut there,
        );
        let mut samples = vec![0.0; (from - first).clamp(0, end - first) as usize];
        samples.extend(there);
        samples.resize((end - first) as usize, 0.0);
        samples
    }

    /// Moves the window to the seconds `from` to `to`, which only grow from call to call.
    pub(super) fn advance_window(&mut self, from: i64, to: i64) {
        let hz = i64::from(RATE);
        let passed = (from * hz - self.start).clamp(0, self.window.len() as i64);
        self.window.drain(..passed as usize);
        self.start += passed;
        let end = to * hz;
        while self.start + (self.window.len() as i64) < end && self.taken <= self.frames {
            let next = (self.taken + i64::from(self.rate.hz())).min(self.frames);
            let part = self.samples(self.taken, next);
            match &mut self.resampler {
                None => self.window.extend(part),
                Some(resampler) => {
                    resampler.push(&part, &mut self.window);
                    if next == self.frames {
                        resampler.finish(&mut self.window);
                    }
                }
            }
            self.taken = if next == self.frames { next + 1 } else { next };
        }
    }

    /// Fills `out` with samples at 22 050 Hz from the window, silence beyond it.
    pub(super) fn read_resampled(&self, first: i64, out: &mut [f32]) {
        for (k, x) in out.iter_mut().enumerate() {
            let place = usize::try_from(first + k as i64 - self.start).ok();
            *x = place.and_then(|place| self.window.get(place)).copied().unwrap_or(0.0);
        }
    }

    /// Finds the onsets from second `from` on and before second `to`.
    pub(super) fn find_onsets(&mut self, from: i64, to: i64) {
        let hz = i64::from(self.rate.hz());
        let first = ((from - AROUND_SECS) * hz).max(0);
        let sound = self.samples(first, ((to + AROUND_SECS) * hz).min(self.frames));
        let own = (from * hz - first) as usize..(to * hz - first) as usize;
        let found = onsets(&sound, self.rate).into_iter().filter(|onset| own.contains(&onset.at));
        self.onsets.extend(found.map(|onset| Onset { at: onset.at + first as usize, ..onset }));
    }
}
