//! A film's pictures in frames of the soundtrack.

use crate::texture::compose::Hit;
use crate::texture::mapping::Mapping;
use crate::visual::{FrameState, VisualEvent, VisualOnsets};
use kinophone_dsp::units::{MediaTime, SampleRate};

/// A film's pictures on the soundtrack, which begins with the first of them.
pub(crate) struct FilmTimeline<'a> {
    pub(crate) frames: &'a FrameState,
    pub(crate) rate: SampleRate,
}

impl FilmTimeline<'_> {
    /// The frame nearest to a time on the film's clock.
    pub(crate) fn frame(&self, time: MediaTime) -> i64 {
        let micros = i128::from((time - self.frames.begin()).0);
        ((micros * i128::from(self.rate.hz()) + 500_000).div_euclid(1_000_000)) as i64
    }

    /// Microseconds after the first picture.
    pub(crate) fn micros(&self, frame: i64) -> i64 {
        (i128::from(frame) * 1_000_000 / i128::from(self.rate.hz())) as i64
    }

    /// Seconds after the first picture.
    pub(crate) fn seconds(&self, frame: i64) -> f64 {
        frame as f64 / f64::from(self.rate.hz())
    }

    /// The events that sound, none too close upon another.
    pub(crate) fn hits(&self, mapping: &Mapping) -> Vec<Hit> {
        let Some(section) = &mapping.onsets else { return Vec::new() };
        let found = |event: &VisualEvent| self.frames.onsets(*event, section.sensitivity);
        let mut onsets: Vec<VisualOnsets> = section.from.iter().flat_map(found).collect();
        onsets.sort_by(|a, b| a.picture.cmp(&b.picture).then(b.strength.total_cmp(&a.strength)));
        let apart = (f64::from(section.least_ms) * f64::from(self.rate.hz()) / 1000.0) as i64;
        let mut hits: Vec<Hit> = Vec::new();
        for onset in onsets {
            let at = self.frame(self.frames.pictures[onset.picture].time);
            let hit = Hit { at, strength: onset.strength };
            match hits.last_mut() {
                Some(last) if hit.at - last.at < apart.max(1) => {
                    if hit.strength > last.strength {
                        *last = hit;
                    }
                }
                _ => hits.push(hit),
            }
        }
        hits
    }
}
