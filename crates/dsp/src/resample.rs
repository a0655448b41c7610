//! Sample-rate conversion whose delay is removed: output sample k is the input at time k / `to`, exactly.
//!
//! The filter is rubato's FFT resampler: a sinc under a squared Blackman-Harris window, applied by
//! overlap-add of transforms whose two lengths stand in the exact ratio of the rates. Two things are added
//! here. Its delay of half an input transform, floor(n / 2) input samples, is a whole number of output
//! samples only where both lengths are even; therefore they are chosen even. And the stream is cut to the
//! exact length, with no sample of it counted by a float.

use crate::units::SampleRate;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler as _, WindowFunction};

/// Least number of samples of the shorter transform. The pass band then ends at 98 % of the lower Nyquist
/// frequency.
const MIN_TRANSFORM: usize = 1024;
/// Greatest number of samples of the longer transform, unless the rates have so little in common that two
/// units are longer. It bounds the memory at extreme ratios, which then have a softer pass band.
const MAX_TRANSFORM: usize = 1 << 18;

/// Converts interleaved sound from one rate to another, piece by piece, in constant memory.
///
/// n frames at `from` become round(n · to / from) frames at `to`, halves rounded up. [`Resampler::push`]
/// appends the frames that are certain by then, [`Resampler::finish`] the rest; the division of the input
/// into pieces does not change the output. Equal rates copy the sound bit for bit. Input outside of the
/// stream counts as silence.
///
/// ```
/// use kinophone_dsp::resample::Resampler;
/// use kinophone_dsp::units::SampleRate;
///
/// let mut resampler = Resampler::new(SampleRate::new(48_000)?, SampleRate::new(22_050)?);
/// let mut out = Vec::new();
/// for piece in vec![0.25; 48_000].chunks(1000) {
///     resampler.push(piece, &mut out);
/// }
/// resampler.finish(&mut out);
/// assert_eq!(out.len(), 22_050);
/// # Ok::<(), kinophone_dsp::units::UnitError>(())
/// ```
pub struct Resampler {
    from: u64,
    to: u64,
    channels: usize,
    filter: Option<Filter>,
    frames_in: u64,
    frames_out: u64,
}

/// The running filter; absent where the rates are equal.
struct Filter {
    fft: Fft<f32>,
    /// Interleaved input that does not yet fill a transform.
    pending: Vec<f32>,
    output: Vec<f32>,
    /// Output frames still to be dropped, which are the filter's delay.
    skip: usize,
}

impl Resampler {
    /// A resampler of mono sound.
    pub fn new(from: SampleRate, to: SampleRate) -> Self {
        Self::interleaved(from, to, 1)
    }

    /// A resampler of interleaved sound of `channels` channels (0 counts as 1).
    pub fn interleaved(from: SampleRate, to: SampleRate, channels: usize) -> Self {
        let channels = channels.max(1);
        let filter = (from != to).then(|| Filter::new(from.hz() as usize, to.hz() as usize, channels));
        Self {
            from: u64::from(from.hz()),
            to: u64::from(to.hz()),
            channels,
            filter,
            frames_in: 0,
            frames_out: 0,
        }
    }

    /// Takes the next frames and appends those that are ready to `out`. A frame cut in two at the end of
    /// `input` is not completed by the next call: its samples are dropped.
    pub fn push(&mut self, input: &[f32], out: &mut Vec<f32>) {
        let whole = &input[..input.len() - input.len() % self.channels];
        self.frames_in += (whole.len() / self.channels) as u64;
        match &mut self.filter {
            None => out.extend_from_slice(whole),
            Some(filter) => {
                let before = out.len();
                filter.push(whole, self.channels, out);
                self.frames_out += ((out.len() - before) / self.channels) as u64;
            }
        }
    }

    /// Appends the frames that are held back. The resampler is then ready for another stream.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        let total = self.output_len(self.frames_in);
        if let Some(filter) = &mut self.filter {
            // More silence than the filter's delay always brings out the last frame; the excess is cut off.
            let start = out.len();
            while self.frames_out + ((out.len() - start) / self.channels) as u64 <= total {
                filter.push_silence(self.channels, out);
            }
            out.truncate(start + (total - self.frames_out) as usize * self.channels);
            filter.reset();
        }
        (self.frames_in, self.frames_out) = (0, 0);
    }

    /// Number of frames that come out for `frames` put in.
    pub fn output_len(&self, frames: u64) -> u64 {
        let doubled = 2 * u128::from(frames) * u128::from(self.to) + u128::from(self.from);
        (doubled / (2 * u128::from(self.from))) as u64
    }
}

impl Filter {
    fn new(from: usize, to: usize, channels: usize) -> Self {
        let common = greatest_common_divisor(from, to);
        let (unit_in, unit_out) = (from / common, to / common);
        let least = MIN_TRANSFORM.div_ceil(unit_in.min(unit_out));
        let units = least.min(MAX_TRANSFORM / unit_in.max(unit_out)).next_multiple_of(2).max(2);
        let window = WindowFunction::BlackmanHarris2;
        let fft = Fft::new_custom(from, to, units * unit_in, 1, channels, window, FixedSync::Both)
            .expect("rates and chunk are above zero, which is all that rubato asks for");
        let output = vec![0.0; fft.output_frames_max() * channels];
        let skip = fft.output_delay();
        Self { fft, pending: Vec::new(), output, skip }
    }

    fn push(&mut self, input: &[f32], channels: usize, out: &mut Vec<f32>) {
        let chunk = self.fft.input_frames_next() * channels;
        let mut rest = input;
        while self.pending.len() + rest.len() >= chunk {
            let (now, later) = rest.split_at(chunk - self.pending.len());
            self.pending.extend_from_slice(now);
            rest = later;
            self.process(channels, out);
        }
        self.pending.extend_from_slice(rest);
    }

    /// Completes the pending input with silence to one transform.
    fn push_silence(&mut self, channels: usize, out: &mut Vec<f32>) {
        self.pending.resize(self.fft.input_frames_next() * channels, 0.0);
        self.process(channels, out);
    }

    fn process(&mut self, channels: usize, out: &mut Vec<f32>) {
        let frames = self.fft.output_frames_next();
        let input = InterleavedSlice::new(&self.pending[..], channels, self.fft.input_frames_next());
        let output = InterleavedSlice::new_mut(&mut self.output[..], channels, frames);
        let (input, mut output) = input.ok().zip(output.ok()).expect("both buffers have the asked length");
        self.fft
            .process_into_buffer(&input, &mut output, None::<&Indexing>)
            .expect("both buffers have the asked length");
        self.pending.clear();
        let dropped = self.skip.min(frames);
        self.skip -= dropped;
        out.extend_from_slice(&self.output[dropped * channels..frames * channels]);
    }

    fn reset(&mut self) {
        self.fft.reset();
        self.pending.clear();
        self.skip = self.fft.output_delay();
    }
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tick_rng::TickRng;
    use std::f64::consts::PI;

    const RATIOS: [(u32, u32); 5] =
        [(48_000, 22_050), (44_100, 22_050), (8000, 22_050), (22_050, 48_000), (11_025, 44_100)];

    fn convert(from: u32, to: u32, x: &[f32]) -> Vec<f32> {
        let mut resampler = Resampler::new(SampleRate::new(from).unwrap(), SampleRate::new(to).unwrap());
        let mut y = Vec::new();
        resampler.push(x, &mut y);
        resampler.finish(&mut y);
        y
    }

    fn sine(rate: u32, hz: f64, n: usize) -> Vec<f32> {
        (0..n).map(|k| (2.0 * PI * hz * k as f64 / f64::from(rate)).sin() as f32).collect()
    }

    #[test]
    fn an_impulse_stays_at_its_time() {
        for (from, to) in RATIOS {
            for at in [0usize, 1, 500, 9_999, 12_345] {
                let mut x = vec![0.0; 16_000];
                x[at] = 1.0;
                let y = convert(from, to, &x);
                let expected = at as f64 * f64::from(to) / f64::from(from);
                // At the very start half of the response lies before the stream, so only its top is compared.
                if at >= 500 {
                    let sum: f64 = y.iter().map(|v| f64::from(*v)).sum();
                    let centroid =
                        y.iter().enumerate().map(|(k, v)| k as f64 * f64::from(*v)).sum::<f64>() / sum;
                    assert!(
                        (centroid - expected).abs() < 0.02,
                        "{from}->{to} at {at}: {centroid} for {expected}"
                    );
                }
                let top = (0..y.len()).max_by(|a, b| y[*a].total_cmp(&y[*b])).unwrap();
                assert!((top as f64 - expected).abs() <= 0.5 + 1e-9, "{from}->{to}: {top} for {expected}");
            }
        }
    }

    #[test]
    fn lengths_are_exact() {
        for (from, to) in RATIOS {
            for n in [0u64, 1, 2, 3, 479, 480, 4096, 30_001] {
                let exact = (n as f64 * f64::from(to) / f64::from(from) + 0.5).floor() as usize;
                assert_eq!(convert(from, to, &vec![0.1; n as usize]).len(), exact, "{n} at {from}->{to}");
            }
        }
    }

    #[test]
    fn sines_keep_amplitude_and_phase() {
        for (from, to) in RATIOS {
            let lower = f64::from(from.min(to));
            for share in [0.01, 0.1, 0.3, 0.45] {
                let hz = share * lower;
                let y = convert(from, to, &sine(from, hz, from as usize));
                let expected = sine(to, hz, to as usize);
                let inner = 4000..to as usize - 4000;
                let worst = inner.map(|k| (y[k] - expected[k]).abs()).fold(0.0, f32::max);
                // 0.1 dB are 0.0116; a shift by a hundredth of a sample at the highest pitch would be 0.028.
                assert!(worst < 1e-3, "{from}->{to} at {hz} Hz: {worst}");
            }
        }
    }

    #[test]
    fn frequencies_that_cannot_be_represented_are_gone() {
        for (from, to, hz) in
            [(48_000, 22_050, 11_100.0), (48_000, 22_050, 20_000.0), (44_100, 22_050, 15_000.0)]
        {
            let y = convert(from, to, &sine(from, hz, from as usize));
            let rest = y[4000..to as usize - 4000].iter().fold(0.0f32, |a, v| a.max(v.abs()));
            assert!(rest < 1e-4, "{hz} Hz at {from}->{to} leaves {rest}");
        }
        // Upwards: images of a tone may not appear above the old Nyquist frequency.
        let y = convert(8000, 22_050, &sine(8000, 3000.0, 8000));
        let expected = sine(22_050, 3000.0, 22_050);
        let rest = (4000..18_000).map(|k| (y[k] - expected[k]).abs()).fold(0.0, f32::max);
        assert!(rest < 1e-4, "images leave {rest}");
    }

    #[test]
    fn pieces_and_channels_change_nothing() {
        let mut rng = TickRng::new(3, 0);
        let stereo: Vec<f32> = (0..40_000).map(|_| rng.between(-1.0, 1.0) as f32).collect();
        let rates = (SampleRate::new(48_000).unwrap(), SampleRate::new(22_050).unwrap());
        let mut whole = Vec::new();
        let mut resampler = Resampler::interleaved(rates.0, rates.1, 2);
        resampler.push(&stereo, &mut whole);
        resampler.finish(&mut whole);

        let (mut pieces, mut rest) = (Vec::new(), &stereo[..]);
        while !rest.is_empty() {
            let (now, later) = rest.split_at((2 * (rng.between(0.0, 900.0) as usize)).min(rest.len()));
            resampler.push(now, &mut pieces);
            rest = later;
        }
        resampler.finish(&mut pieces);
        assert_eq!(whole, pieces);

        let left: Vec<f32> = stereo.iter().step_by(2).copied().collect();
        let mono = convert(48_000, 22_050, &left);
        assert!(whole.iter().step_by(2).eq(mono.iter()));
    }

    #[test]
    fn extreme_ratios_keep_length_and_level() {
        for (from, to) in [(1, 48_000), (48_000, 7), (44_100, 44_101), (3, 768_000)] {
            let n = (from as usize * 4).max(8);
            let y = convert(from, to, &vec![0.5; n]);
            assert_eq!(
                y.len(),
                (n as f64 * f64::from(to) / f64::from(from)).round() as usize,
                "{from}->{to}"
            );
            assert!((y[y.len() / 2] - 0.5).abs() < 0.05, "{from}->{to}: {}", y[y.len() / 2]);
        }
    }

    #[test]
    fn equal_rates_copy() {
        let x = sine(22_050, 440.0, 1000);
        assert_eq!(convert(22_050, 22_050, &x), x);
    }
}
