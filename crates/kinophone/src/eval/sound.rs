//! Sounds at the rate at which they are measured.

use crate::Result;
use crate::dataset::Shard;
use crate::media::Ffmpeg;
use crate::task::Task;
use kinophone_dsp::metrics::RATE;
use kinophone_dsp::resample::Resampler;
use kinophone_dsp::units::SampleRate;
use std::ops::Range;
use std::path::Path;

/// Number of frames that are read at a time.
pub(crate) const CHUNK_FRAMES: usize = 1 << 16;

/// The rate at which sounds are measured.
pub(crate) fn measure_rate() -> SampleRate {
    SampleRate::new(RATE).expect("a constant within the range")
}

/// Decodes a file's sound for measurement.
pub(crate) fn decode(ffmpeg: &Ffmpeg, file: &Path, task: Task<'_>) -> Result<Vec<f32>> {
    let mut stream = ffmpeg.decode_for_measures(file)?;
    let (mut sound, mut part) = (Vec::new(), vec![0.0; CHUNK_FRAMES]);
    loop {
        task.cancel.check()?;
        match stream.read(&mut part)? {
            0 => return Ok(sound),
            got => sound.extend_from_slice(&part[..got]),
        }
    }
}

/// Converts a shard's sound for measurement. Its channels are added up at the level at which ffmpeg does it,
/// see [`Ffmpeg::decode_for_measures`].
pub(crate) fn of_shard(shard: &Shard) -> Vec<f32> {
    let Some(own) = shard.sound() else { return Vec::new() };
    let mut resampler = Resampler::new(own.rate, measure_rate());
    let (mut sound, mut mixed, channels) = (Vec::new(), Vec::new(), own.channels as usize);
    let gain = (channels as f32).sqrt();
    for samples in own.samples.chunks(CHUNK_FRAMES * channels) {
        own.mix_down(samples, &mut mixed);
        mixed.iter_mut().for_each(|x| *x *= gain);
        resampler.push(&mixed, &mut sound);
    }
    resampler.finish(&mut sound);
    sound
}

/// The samples of runs of frames.
pub(crate) fn sample_ranges(runs: &[Range<usize>], fps: f64) -> Vec<Range<usize>> {
    let at = |frame: usize| (frame as f64 * f64::from(RATE) / fps).round() as usize;
    runs.iter().map(|run| at(run.start)..at(run.end)).collect()
}

/// Parts of a sound end to end.
pub(crate) fn concatenated(sound: &[f32], parts: &[Range<usize>]) -> Vec<f32> {
    let part = |range: &Range<usize>| &sound[range.start.min(sound.len())..range.end.min(sound.len())];
    parts.iter().flat_map(part).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_sound_lie_end_to_end() {
        let sound: Vec<f32> = (0..10).map(|n| n as f32).collect();
        assert_eq!(concatenated(&sound, &[1..3, 8..12]), [1.0, 2.0, 8.0, 9.0]);
        assert_eq!(sample_ranges(&[0..15, 30..60], 30.0), [0..11_025, 22_050..44_100]);
    }
}
