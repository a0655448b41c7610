//! Peaks of the spectrum: points that are louder than everything near them in time and pitch.

use super::spectrum::{BANDS, BandSpectrum, Frame, PER_OCTAVE, band_of, bins};
use std::collections::VecDeque;

/// A peak is the loudest within so many frames before and after it, and so many bands above and below.
const FRAMES_AROUND: usize = 6;
const BANDS_AROUND: usize = 8;
/// Frames at hand: those around the one that is decided.
const ROWS: usize = 2 * FRAMES_AROUND + 1;
/// Peaks compete within half a second before and after.
const RIVAL_FRAMES: u32 = 31;
/// Power of a sine at −90 dB of full scale, (Σw / 2)² · 10⁻⁹: what is less is the noise of 16 bits.
const FLOOR: f32 = 512.0 * 512.0 * 1e-9;
/// Loudness that an octave counts more than the one below it, in powers of two: 3 dB. Most sound falls by
/// that and more.
const TILT: f32 = 1.0;

/// A peak.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// Centre, in frames of 16 ms.
    pub time: f64,
    /// Bands of 1/36 octave above 200 Hz.
    pub pitch: f32,
    /// Loudness by which peaks compete: log₂ of the power, and 1 for each octave above 200 Hz.
    pub level: f32,
}

/// Finds peaks in mono sound at 16 kHz, in constant memory.
pub struct PeakFinder {
    spectrum: BandSpectrum,
    maxima: Maxima,
    thinning: Thinning,
}

impl PeakFinder {
    /// Keeps at most `density` peaks within half a second before and after each.
    pub fn new(density: usize) -> Self {
        let thinning = Thinning { density, open: VecDeque::new(), decided: 0 };
        Self { spectrum: BandSpectrum::new(), maxima: Maxima::new(), thinning }
    }

    /// Takes the next samples, and appends the peaks that are certain by then: those that lie 0.7 s back.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<Peak>) {
        let Self { spectrum, maxima, thinning } = self;
        spectrum.push(samples, |frame| maxima.push(&frame, |peak| thinning.push(peak, out)));
    }

    /// Appends the peaks that are held back, and says the number of frames.
    pub fn finish(mut self, out: &mut Vec<Peak>) -> u32 {
        let Self { spectrum, maxima, thinning } = &mut self;
        spectrum.finish(|frame| maxima.push(&frame, |peak| thinning.push(peak, out)));
        let frames = maxima.frames;
        let (silence, power) = ([0.0; BANDS], []);
        for _ in 0..FRAMES_AROUND {
            maxima.push(&Frame { power: &power, bands: &silence }, |peak| thinning.push(peak, out));
        }
        thinning.decide(u32::MAX, out);
        frames
    }
}

/// A point that is the loudest so far.
struct Candidate {
    frame: u32,
    band: usize,
    power: f32,
    pitch: f32,
}

/// Local maxima of time and pitch.
struct Maxima {
    frames: u32,
    /// The bands of the last frames, by frame number modulo [`ROWS`].
    rows: Vec<[f32; BANDS]>,
    /// The same, each the greatest of those around it.
    spread: Vec<[f32; BANDS]>,
    open: VecDeque<Candidate>,
}

/// A maximum, with its frame.
struct Maximum {
    frame: u32,
    peak: Peak,
}

impl Maxima {
    fn new() -> Self {
        let rows = vec![[0.0; BANDS]; ROWS];
        Self { frames: 0, spread: rows.clone(), rows, open: VecDeque::new() }
    }

    fn push(&mut self, frame: &Frame<'_>, each: impl FnMut(Maximum)) {
        let now = self.frames as usize % ROWS;
        self.rows[now].copy_from_slice(frame.bands);
        spread(&self.rows[now], &mut self.spread[now]);
        let beaten = &self.spread[now];
        self.open.retain(|candidate| candidate.power >= beaten[candidate.band]);
        self.add_candidates(now, frame.power);
        self.frames += 1;
        self.decide(each);
    }

    fn add_candidates(&mut self, now: usize, power: &[f32]) {
        let (row, around) = (&self.rows[now], &self.spread[now]);
        let before = (1..=FRAMES_AROUND).map(|k| &self.spread[(now + ROWS - k) % ROWS]);
        for band in 1..BANDS - 1 {
            let loudest = row[band] >= around[band] && row[band] > row[band - 1] && row[band] > FLOOR;
            if loudest && before.clone().all(|earlier| row[band] > earlier[band]) {
                let pitch = refined_pitch(power, band);
                self.open.push_back(Candidate { frame: self.frames, band, power: row[band], pitch });
            }
        }
    }

    /// Hands out the candidates that nothing has beaten in the frames after them.
    fn decide(&mut self, mut each: impl FnMut(Maximum)) {
        while let Some(first) = self.open.front() {
            if first.frame as usize + FRAMES_AROUND >= self.frames as usize {
                return;
            }
            each(self.maximum(first));
            self.open.pop_front();
        }
    }

    fn maximum(&self, found: &Candidate) -> Maximum {
        let at = |k: usize| self.rows[(found.frame as usize + ROWS + k - 1) % ROWS][found.band];
        let time = f64::from(found.frame) + f64::from(vertex(at(0), at(1), at(2)));
        let level = found.power.log2() + TILT / PER_OCTAVE * found.pitch;
        Maximum { frame: found.frame, peak: Peak { time, pitch: found.pitch, level } }
    }
}

/// For each band the greatest value within [`BANDS_AROUND`] bands, by doubling the width.
fn spread(row: &[f32; BANDS], out: &mut [f32; BANDS]) {
    const PADDED: usize = BANDS + 2 * BANDS_AROUND;
    let mut most = [0.0f32; PADDED];
    most[BANDS_AROUND..BANDS_AROUND + BANDS].copy_from_slice(row);
    for width in [1, 2, 4, 8] {
        for k in 0..PADDED - width {
            most[k] = greater(most[k], most[k + width]);
        }
    }
    // Each now covers 16 bands from its own on; 17 are wanted.
    for (band, out) in out.iter_mut().enumerate() {
        *out = greater(most[band], most[band + 1]);
    }
}

fn greater(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The pitch of the loudest bin of a band, refined by a parabola through the logarithms of three powers: J.
/// O. Smith, "Spectral Audio Signal Processing" (2011), "Quadratic Interpolation of Spectral Peaks".
fn refined_pitch(power: &[f32], band: usize) -> f32 {
    let Some(bin) = bins(band).max_by(|a, b| power[*a].total_cmp(&power[*b])) else { return band as f32 };
    let offset = vertex(power[bin - 1], power[bin], power[bin + 1]);
    band_of(bin as f32 + offset).clamp(0.0, (BANDS - 1) as f32)
}

/// The place of the maximum of a parabola through the logarithms of three powers, relative to the middle one:
/// −0.5 to 0.5.
fn vertex(left: f32, middle: f32, right: f32) -> f32 {
    let log = |power: f32| power.max(f32::MIN_POSITIVE).ln();
    let (left, middle, right) = (log(left), log(middle), log(right));
    let bend = left - 2.0 * middle + right;
    if bend < 0.0 { (0.5 * (left - right) / bend).clamp(-0.5, 0.5) } else { 0.0 }
}

/// Keeps the loudest peaks of every second.
struct Thinning {
    density: usize,
    /// Maxima that compete, in the order of frames.
    open: VecDeque<Maximum>,
    /// Number of those, from the front, that are decided.
    decided: usize,
}

impl Thinning {
    fn push(&mut self, next: Maximum, out: &mut Vec<Peak>) {
        let frame = next.frame;
        self.decide(frame, out);
        self.open.push_back(next);
    }

    /// Decides on maxima whose rivals all lie before `frame`, and forgets those that are nobody's rivals any
    /// more.
    fn decide(&mut self, frame: u32, out: &mut Vec<Peak>) {
        while let Some(next) = self.open.get(self.decided).filter(|next| next.frame + RIVAL_FRAMES < frame) {
            if self.is_kept(next) {
                out.push(next.peak);
            }
            self.decided += 1;
        }
        let oldest = self.open.get(self.decided).map_or(frame, |next| next.frame);
        while self.open.front().is_some_and(|first| first.frame + RIVAL_FRAMES < oldest) {
            self.open.pop_front();
            self.decided -= 1;
        }
    }

    /// Of maxima that are equally loud the lower one of the earlier ones comes first.
    fn is_kept(&self, own: &Maximum) -> bool {
        let place = |m: &Maximum| (m.frame, m.peak.pitch);
        let is_louder = |rival: &&Maximum| {
            let equal = rival.peak.level == own.peak.level && place(rival) < place(own);
            rival.frame.abs_diff(own.frame) <= RIVAL_FRAMES && (rival.peak.level > own.peak.level || equal)
        };
        self.open.iter().filter(is_louder).take(self.density).count() < self.density
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::synthetic::{music, noisy};

    fn peaks(sound: &[f32], piece: usize) -> Vec<Peak> {
        let (mut finder, mut peaks) = (PeakFinder::new(10), Vec::new());
        sound.chunks(piece).for_each(|piece| finder.push(piece, &mut peaks));
        assert_eq!(finder.finish(&mut peaks) as usize, sound.len() / 256 + 1);
        peaks
    }

    #[test]
    fn a_burst_is_one_peak_at_its_place_and_pitch() {
        // A burst of 1000 Hz around sample 16 000, frame 62.5; 36 · log2(5) = 83.6 bands.
        let burst = |n: usize| (-0.5 * ((n as f64 - 16_000.0) / 900.0).powi(2)).exp();
        let turn = std::f64::consts::TAU * 1000.0 / 16_000.0;
        let sound: Vec<f32> = (0..32_000).map(|n| (burst(n) * (turn * n as f64).sin()) as f32).collect();
        let loudest = peaks(&sound, 1000).into_iter().max_by(|a, b| a.level.total_cmp(&b.level)).unwrap();
        assert!((loudest.time - 62.5).abs() < 0.05, "{loudest:?}");
        assert!((loudest.pitch - 83.59).abs() < 0.1, "{loudest:?}");
    }

    #[test]
    fn pieces_and_loudness_do_not_matter_and_there_are_ten_a_second() {
        let sound = noisy(&music(1, 20), 30.0, 2);
        let whole = peaks(&sound, sound.len());
        assert_eq!(peaks(&sound, 333), whole);
        let quiet: Vec<f32> = sound.iter().map(|x| 0.25 * x).collect();
        let quiet = peaks(&quiet, 4096);
        let same =
            |(a, b): (&Peak, &Peak)| (a.time - b.time).abs() < 1e-3 && (a.pitch - b.pitch).abs() < 1e-3;
        assert!(quiet.len() == whole.len() && quiet.iter().zip(&whole).all(same));
        assert!((100..=220).contains(&whole.len()), "{}", whole.len());
    }

    #[test]
    fn silence_and_what_is_no_sound_have_no_peaks() {
        assert!(peaks(&[0.0; 20_000], 512).is_empty());
        assert!(peaks(&[f32::NAN; 20_000], 512).is_empty());
        assert!(peaks(&[f32::INFINITY; 20_000], 512).is_empty());
        assert!(peaks(&[], 512).is_empty());
    }
}
