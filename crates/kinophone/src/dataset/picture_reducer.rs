//! Reduction of a shard's pictures to those of a brain: smaller by area averaging, grey by luma, numbers from 0 to 1.

/// The luma weights of red, green and blue, applied to the coded values (ITU-R BT.709-6, item 3.2).
const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];
/// A byte as a number from 0 to 1.
const SCALE: f32 = 1.0 / 255.0;

/// Pixels that one pixel of the result averages along one axis: from `first` on, with weights that sum to 1.
struct PixelCoverage {
    first: usize,
    weights: Vec<f32>,
}

/// Turns pictures of one side and colour into those of another.
pub(crate) struct PictureReducer {
    from: usize,
    channels: usize,
    to_grey: bool,
    covers: Vec<PixelCoverage>,
}

impl PictureReducer {
    /// From `from` pixels a side to `to`, not more; `colour` says what the shard has and `to_colour` what is wanted,
    /// which is never colour out of grey.
    pub(crate) fn new(from: u32, colour: bool, to: u32, to_colour: bool) -> Self {
        let covers = (0..to).map(|k| cover(k, from, to)).collect();
        Self {
            from: from as usize,
            channels: if colour { 3 } else { 1 },
            to_grey: colour && !to_colour,
            covers,
        }
    }

    /// Writes the picture `pixels` (bytes, rows from the top, RGB interleaved) to `out` in the same order. `line` is room
    /// to work in, reused from call to call.
    pub(crate) fn reduce(&self, pixels: &[u8], line: &mut Vec<f32>, out: &mut [f32]) {
        if self.covers.len() == self.from && !self.to_grey {
            return to_unit(pixels, out);
        }
        let width = self.from * self.channels;
        for (cover, out) in self.covers.iter().zip(out.chunks_exact_mut(out.len() / self.covers.len())) {
            line.clear();
            line.resize(width, 0.0);
            let rows = pixels[cover.first * width..].chunks_exact(width);
            for (row, weight) in rows.zip(&cover.weights) {
                let weight = weight * SCALE;
                line.iter_mut().zip(row).for_each(|(sum, byte)| *sum += weight * f32::from(*byte));
            }
            self.reduce_line(line, out);
        }
    }

    fn reduce_line(&self, line: &[f32], out: &mut [f32]) {
        let average = |cover: &PixelCoverage, channel: usize| -> f32 {
            let pixels = line[cover.first * self.channels..].iter().skip(channel).step_by(self.channels);
            pixels.zip(&cover.weights).map(|(value, weight)| value * weight).sum()
        };
        if self.to_grey {
            for (out, cover) in out.iter_mut().zip(&self.covers) {
                *out = (0..3).map(|channel| LUMA[channel] * average(cover, channel)).sum();
            }
        } else {
            for (out, cover) in out.chunks_exact_mut(self.channels).zip(&self.covers) {
                out.iter_mut().enumerate().for_each(|(channel, out)| *out = average(cover, channel));
            }
        }
    }
}

/// Bytes to numbers from 0 to 1.
fn to_unit(bytes: &[u8], out: &mut [f32]) {
    out.iter_mut().zip(bytes).for_each(|(out, byte)| *out = f32::from(*byte) * SCALE);
}

/// Pixel `k` of `to` spans `k·from/to` to `(k+1)·from/to` of the original pixels; the weights are the lengths of the
/// overlaps, counted in whole units of `1/to` pixel.
fn cover(k: u32, from: u32, to: u32) -> PixelCoverage {
    let (start, end) = (u64::from(k) * u64::from(from), u64::from(k + 1) * u64::from(from));
    let to = u64::from(to);
    let pixels = start / to..end.div_ceil(to);
    let overlap = |pixel: u64| end.min((pixel + 1) * to) - start.max(pixel * to);
    let weights = pixels.clone().map(|pixel| overlap(pixel) as f32 / from as f32).collect();
    PixelCoverage { first: pixels.start as usize, weights }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reduced(reducer: &PictureReducer, pixels: &[u8], len: usize) -> Vec<f32> {
        let mut out = vec![f32::NAN; len];
        reducer.reduce(pixels, &mut Vec::new(), &mut out);
        out
    }

    #[test]
    fn three_pixels_into_two_share_the_middle_one() {
        let pixels = [255, 0, 0, 0, 0, 0, 0, 0, 255];
        let out = reduced(&PictureReducer::new(3, false, 2, false), &pixels, 4);
        // A corner pixel is a whole one of the one and a half squared that each result covers: 1 / 2.25.
        let corner = 1.0 / 2.25;
        for (got, want) in out.iter().zip([corner, 0.0, 0.0, corner]) {
            assert!((got - want).abs() < 1e-6, "{out:?}");
        }
    }

    #[test]
    fn averaging_keeps_the_mean_at_any_ratio() {
        for (from, to) in [(128, 64), (100, 64), (65, 64), (7, 3), (64, 1)] {
            let pixels: Vec<u8> = (0..from * from).map(|k| (k * 37 % 251) as u8).collect();
            let out = reduced(&PictureReducer::new(from, false, to, false), &pixels, (to * to) as usize);
            let mean = |sum: f64, n: u32| sum / f64::from(n * n);
            let before = mean(pixels.iter().map(|p| f64::from(*p) / 255.0).sum(), from);
            let after = mean(out.iter().map(|p| f64::from(*p)).sum(), to);
            assert!((before - after).abs() < 1e-5, "{from} to {to}: {before} {after}");
        }
    }

    #[test]
    fn colour_becomes_luma_or_stays_in_its_channels() {
        let pixels: Vec<u8> = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255].to_vec();
        let grey = reduced(&PictureReducer::new(2, true, 2, false), &pixels, 4);
        for (got, want) in grey.iter().zip([0.2126, 0.7152, 0.0722, 1.0]) {
            assert!((got - want).abs() < 1e-6, "{grey:?}");
        }
        let colour = reduced(&PictureReducer::new(2, true, 1, true), &pixels, 3);
        assert!(colour.iter().all(|c| (c - 0.5).abs() < 1e-6), "{colour:?}");
    }

    #[test]
    fn bytes_of_the_same_size_are_only_scaled() {
        let out = reduced(&PictureReducer::new(2, false, 2, false), &[0, 51, 102, 255], 4);
        assert!((out[1] - 0.2).abs() < 1e-7 && (out[2] - 0.4).abs() < 1e-7 && out[0] == 0.0);
        assert!((out[3] - 1.0).abs() < 1e-7);
    }
}
