//! A film's sound on its way into a shard: decoded into a scratch file, measured, freed of a constant offset and scaled.

use crate::dataset::shard::sound::{MAX_EXPONENT, step};
use crate::dataset::shard::write::SoundTrack;
use crate::media::SoundStream;
use crate::{Error, Result};
use kinophone_dsp::units::SampleRate;
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// Samples that are decoded or scaled at a time.
const CHUNK_SAMPLES: usize = 1 << 15;
/// Blocks in which the mean is taken, in parts of a second: long enough for the lowest sounds, short enough to leave silence to itself.
const BLOCKS_A_SECOND: usize = 20;
/// Blocks without which nothing can be said of an offset: a short stroke is lopsided by itself.
const MIN_BLOCKS: usize = 10;
/// The smallest offset that is removed, of the peak.
const MIN_OFFSET_SHARE: f32 = 0.002;
/// Standard errors of the median of the blocks' means from which on an offset is none by chance.
const CERTAIN_ERRORS: f32 = 5.0;
/// Half of the difference of two channels has this many times the power of their mean where they have opposite polarity.
const OPPOSED_POWER_RATIO: f64 = 4.0;

/// Decoded sound in a scratch file, as a shard takes it.
pub(super) struct ScratchSound {
    pub(super) rate: SampleRate,
    pub(super) channels: u32,
    /// Samples a channel.
    pub(super) samples: u64,
    pub(super) exponent: i8,
    pub(super) opposed: bool,
    /// Interleaved samples of 16 bits.
    pub(super) file: NamedTempFile,
    /// Everything that did not decode as it should have, or was changed.
    pub(super) complaints: Vec<String>,
}

impl ScratchSound {
    /// Decodes `stream` into `file`. `proceed` is told how many frames there are by now, and may end it.
    pub(super) fn decode(
        mut stream: SoundStream,
        (rate, channels): (SampleRate, u32),
        file: NamedTempFile,
        proceed: &dyn Fn(u64) -> Result<()>,
    ) -> Result<Self> {
        let mut levels = SoundLevels::new(rate, channels as usize);
        let mut out = BufWriter::with_capacity(1 << 20, file);
        let mut chunk = vec![0f32; CHUNK_SAMPLES];
        loop {
            proceed(levels.frames)?;
            let got = stream.read(&mut chunk)?;
            if got == 0 {
                break;
            }
            levels.add(&mut chunk[..got]);
            let written = out.write_all(bytemuck::cast_slice(&chunk[..got]));
            written.map_err(|e| Error::io("written", out.get_ref().path(), e))?;
        }
        let path = out.get_ref().path().to_owned();
        let mut file = out.into_inner().map_err(|e| Error::io("written", &path, e.into_error()))?;
        let offsets = levels.offsets();
        let exponent = levels.exponent(&offsets);
        scale(
            file.as_file_mut(),
            &path,
            levels.frames * u64::from(channels),
            levels.interleaved(offsets),
            exponent,
        )?;
        let mut complaints = stream.complaints();
        complaints.extend(levels.remarks(&offsets));
        let (samples, opposed) = (levels.frames, levels.are_opposed());
        Ok(Self { rate, channels, samples, exponent, opposed, file, complaints })
    }

    /// The track that goes into a shard.
    pub(super) fn track(&mut self) -> Result<SoundTrack<'_>> {
        let Self { rate, channels, samples, exponent, opposed, .. } = *self;
        let path = self.file.path().to_owned();
        let data = self.file.as_file_mut();
        data.rewind().map_err(|e| Error::io("read", &path, e))?;
        Ok(SoundTrack { rate, channels, samples, exponent, opposed, data })
    }
}

/// Full scale of recordings is below 2 to this power (+24 dBFS), unless a sample is damaged.
const MAX_USUAL_EXPONENT: i8 = 4;

/// Measures of sound as it comes.
struct SoundLevels {
    channels: usize,
    frames: u64,
    /// Highest and lowest sample of each channel.
    peaks: [(f32, f32); 2],
    squares: [f64; 2],
    product: f64,
    block_frames: usize,
    /// Frames and sums of the block that has begun.
    begun: usize,
    sums: [f64; 2],
    /// Means of the blocks of each channel.
    means: [Vec<f32>; 2],
    /// Samples that were no numbers.
    invalid: u64,
}

impl SoundLevels {
    fn new(rate: SampleRate, channels: usize) -> Self {
        Self {
            channels,
            frames: 0,
            peaks: [(0.0, 0.0); 2],
            squares: [0.0; 2],
            product: 0.0,
            block_frames: (rate.hz() as usize / BLOCKS_A_SECOND).max(1),
            begun: 0,
            sums: [0.0; 2],
            means: [Vec::new(), Vec::new()],
            invalid: 0,
        }
    }

    /// Takes interleaved samples; those that are no numbers become silence.
    fn add(&mut self, samples: &mut [f32]) {
        for frame in samples.chunks_exact_mut(self.channels) {
            for (c, x) in frame.iter_mut().enumerate() {
                if !x.is_finite() {
                    *x = 0.0;
                    self.invalid += 1;
                }
                let (high, low) = self.peaks[c];
                self.peaks[c] = (high.max(*x), low.min(*x));
                self.squares[c] += f64::from(*x) * f64::from(*x);
                self.sums[c] += f64::from(*x);
            }
            if let [left, right] = frame {
                self.product += f64::from(*left) * f64::from(*right);
            }
            self.frames += 1;
            self.begun += 1;
            if self.begun == self.block_frames {
                for c in 0..self.channels {
                    self.means[c].push((self.sums[c] / self.begun as f64) as f32);
                }
                (self.begun, self.sums) = (0, [0.0; 2]);
            }
        }
    }

    /// Constant offset of each channel, 0 where there is none to speak of: the median of the blocks' means, which sound in a part of
    /// the recording does not move, where their mean agrees and it is more than chance. Tones that do not fit into blocks leave means
    /// of either sign, and so does noise: of five seconds their median is half a thousandth or more.
    fn offsets(&self) -> [f32; 2] {
        std::array::from_fn(|c| {
            let mut means = self.means[c].clone();
            if means.len() < MIN_BLOCKS {
                return 0.0;
            }
            let middle = means.len() / 2;
            let offset = *means.select_nth_unstable_by(middle, f32::total_cmp).1;
            let (high, low) = self.peaks[c];
            let mean = means.iter().map(|mean| f64::from(*mean)).sum::<f64>() / means.len() as f64;
            let is_slight = offset.abs() < MIN_OFFSET_SHARE * high.max(-low);
            let is_doubtful = (mean as f32 - offset).abs() > 0.5 * offset.abs();
            let is_chance = offset.abs() < CERTAIN_ERRORS * median_error(&mut means);
            if is_slight || is_doubtful || is_chance { 0.0 } else { offset }
        })
    }

    /// Offsets of even and odd samples.
    fn interleaved(&self, offsets: [f32; 2]) -> [f32; 2] {
        if self.channels == 1 { [offsets[0]; 2] } else { offsets }
    }

    fn peak(&self, offsets: &[f32; 2]) -> f32 {
        let reach = |(&(high, low), offset): (&(f32, f32), &f32)| (high - offset).max(offset - low);
        self.peaks.iter().zip(offsets).map(reach).fold(0.0, f32::max)
    }

    /// The smallest power of two within which all samples lie.
    fn exponent(&self, offsets: &[f32; 2]) -> i8 {
        let peak = self.peak(offsets);
        if peak == 0.0 {
            return 0;
        }
        let fits = |exponent: &i8| peak <= 2f32.powi(i32::from(*exponent));
        (-MAX_EXPONENT..=MAX_EXPONENT).find(fits).unwrap_or(MAX_EXPONENT)
    }

    fn are_opposed(&self) -> bool {
        let [left, right] = self.squares;
        let (mean, difference) = (left + right + 2.0 * self.product, left + right - 2.0 * self.product);
        self.channels == 2 && difference > OPPOSED_POWER_RATIO * mean
    }

    fn remarks(&self, offsets: &[f32; 2]) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.frames > 0 && self.peaks == [(0.0, 0.0); 2] {
            remarks.push("nothing sounds in it".to_owned());
        }
        let exponent = self.exponent(offsets);
        if exponent > MAX_USUAL_EXPONENT {
            remarks.push(format!(
                "its loudest sample lies at {:+.0} dBFS, beside which all that is more than 96 dB fainter is lost",
                20.0 * self.peak(offsets).log10()
            ));
        }
        if self.invalid > 0 {
            remarks.push(format!("{} samples are no numbers and are silent", self.invalid));
        }
        let offset =
            offsets.iter().copied().fold(0.0f32, |most, x| if x.abs() > most.abs() { x } else { most });
        if offset != 0.0 {
            remarks.push(format!("a constant offset of {offset:.4} is taken out of its sound"));
        }
        if self.are_opposed() {
            remarks.push(
                "its two channels have opposite polarity: they are described by their difference".to_owned(),
            );
        }
        remarks
    }
}

/// Standard error of the median of numbers that are distributed normally, as far as their middle half goes.
fn median_error(numbers: &mut [f32]) -> f32 {
    let count = numbers.len();
    let mut quartile =
        |quarter: usize| *numbers.select_nth_unstable_by(count * quarter / 4, f32::total_cmp).1;
    let deviation = (quartile(3) - quartile(1)) / 1.349;
    deviation * (std::f32::consts::FRAC_PI_2 / count as f32).sqrt()
}

/// Turns `samples` numbers of 32 bits in a file into half as many bytes at its beginning: 16 bits, less the offset of their channel.
fn scale(file: &mut File, path: &Path, samples: u64, offsets: [f32; 2], exponent: i8) -> Result<()> {
    let failed = |e| Error::io("written", path, e);
    let (per_step, mut done) = (1.0 / step(exponent), 0);
    let mut floats = vec![0f32; CHUNK_SAMPLES];
    while done < samples {
        let count = (samples - done).min(CHUNK_SAMPLES as u64) as usize;
        file.seek(SeekFrom::Start(4 * done)).map_err(failed)?;
        file.read_exact(bytemuck::cast_slice_mut(&mut floats[..count])).map_err(failed)?;
        let scaled: Vec<i16> = floats[..count]
            .iter()
            .enumerate()
            .map(|(k, x)| ((x - offsets[k % 2]) * per_step).round().clamp(-32768.0, 32767.0) as i16)
            .collect();
        file.seek(SeekFrom::Start(2 * done)).map_err(failed)?;
        file.write_all(bytemuck::cast_slice(&scaled)).map_err(failed)?;
        done += count as u64;
    }
    file.set_len(2 * samples).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const HZ: u32 = 8000;

    /// Levels of sound of one or two channels, given as functions of the second.
    fn levels(seconds: f64, channels: &[&dyn Fn(f64) -> f64]) -> SoundLevels {
        let mut levels = SoundLevels::new(SampleRate::new(HZ).unwrap(), channels.len());
        let frames = (seconds * f64::from(HZ)) as usize;
        let mut samples: Vec<f32> = (0..frames)
            .flat_map(|k| channels.iter().map(move |channel| channel(k as f64 / f64::from(HZ)) as f32))
            .collect();
        samples.chunks_mut(1000 * channels.len()).for_each(|part| levels.add(part));
        levels
    }

    fn tone(t: f64) -> f64 {
        0.3 * (TAU * 220.0 * t).sin()
    }

    #[test]
    fn an_offset_is_found_beside_sound_and_none_where_there_is_none() {
        let plucked = |t: f64| tone(t) * (-3.0 * (t % 1.0)).exp() + 0.02;
        let left = levels(5.0, &[&plucked, &|t| if t < 2.5 { tone(t) } else { 0.0 }]).offsets();
        assert!((left[0] - 0.02).abs() < 5e-4 && left[1] == 0.0, "{left:?}");
        // A lopsided stroke that dies away, long or short, is no offset.
        for seconds in [0.3, 4.0] {
            let stroke = |t: f64| (0.8 * (TAU * 50.0 * t).sin() + 0.2) * (-12.0 * t).exp();
            assert_eq!(levels(seconds, &[&stroke]).offsets()[0], 0.0, "{seconds}");
        }
        // Half a period is left over in each block.
        assert_eq!(levels(3.05, &[&|t| 0.3 * (TAU * 330.0 * t).sin()]).offsets(), [0.0; 2]);
        assert_eq!(levels(3.0, &[&|_| 0.0]).offsets(), [0.0; 2]);
    }

    #[test]
    fn the_mean_of_noise_is_no_offset() {
        use rand::{RngExt, SeedableRng};
        for seed in 0..30 {
            let noise = |offset: f64| {
                let random = std::cell::RefCell::new(rand_chacha::ChaCha8Rng::seed_from_u64(seed));
                levels(3.0, &[&|_| random.borrow_mut().random_range(-0.3..0.3) + offset]).offsets()[0]
            };
            assert_eq!(noise(0.0), 0.0, "{seed}");
            assert!((noise(0.02) - 0.02).abs() < 0.007, "{}", noise(0.02));
        }
    }

    #[test]
    fn the_scale_is_the_smallest_that_holds_the_peak() {
        for (peak, exponent) in [(1.0, 0), (0.6, 0), (0.5, -1), (3.0, 2), (3e-4, -11), (0.0, 0)] {
            let sound = levels(1.0, &[&|t: f64| if t < 0.5 { -peak } else { 0.0 }]);
            assert_eq!(sound.exponent(&[0.0; 2]), exponent, "{peak}");
        }
        // The offset that is taken out counts.
        assert_eq!(levels(1.0, &[&|t| 0.1 + 0.5 * tone(t)]).exponent(&[0.1, 0.0]), -2);
    }

    #[test]
    fn opposite_polarity_is_found_and_width_is_not() {
        assert!(levels(1.0, &[&tone, &|t| -tone(t)]).are_opposed());
        assert!(levels(1.0, &[&tone, &|t| -0.5 * tone(t)]).are_opposed());
        assert!(!levels(1.0, &[&tone, &|t| tone(1.5 * t)]).are_opposed());
        assert!(!levels(1.0, &[&tone, &|_| 0.0]).are_opposed());
        assert!(!levels(1.0, &[&|_| 0.0, &|_| 0.0]).are_opposed());
        assert!(!levels(1.0, &[&tone]).are_opposed());
    }

    #[test]
    fn sound_of_16_bits_stays_as_it_is_and_other_sound_keeps_16_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound");
        let written = |floats: &[f32], offsets: [f32; 2], exponent: i8| -> Vec<i16> {
            let open = File::options().read(true).write(true).create(true).truncate(true).open(&path);
            let mut file = open.unwrap();
            file.write_all(bytemuck::cast_slice(floats)).unwrap();
            scale(&mut file, &path, floats.len() as u64, offsets, exponent).unwrap();
            let bytes = std::fs::read(&path).unwrap();
            bytes.as_chunks().0.iter().map(|b| i16::from_le_bytes(*b)).collect()
        };
        // More than one chunk, so that the bytes written must not reach those still to be read.
        let whole: Vec<i16> = (0..CHUNK_SAMPLES + 5000).map(|k| (k * 7919 % 65_536) as u16 as i16).collect();
        let floats: Vec<f32> = whole.iter().map(|x| f32::from(*x) / 32_768.0).collect();
        assert_eq!(written(&floats, [0.0; 2], 0), whole);
        let halves: Vec<f32> = floats.iter().map(|x| x / 2.0).collect();
        assert_eq!(written(&halves, [0.0; 2], -1), whole);
        assert_eq!(written(&[3.0, -3.0, 9.0], [0.0; 2], 2), [24_576, -24_576, 32_767]);
        assert_eq!(written(&[0.25, 0.5, 0.25, 0.5], [0.25, 0.5], 0), [0; 4]);
    }
}
