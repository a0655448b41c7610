//! Following: how closely a sound goes along with what moves in the picture. No reference sound is needed.
//!
//! Pictures are grey and small, at [`FOLLOW_RATE`] a second. Motion is log(1 + mean absolute difference to the
//! picture before, in 1/255). The definitions are those of `bench/follow.py`, with which earlier experiments
//! were measured, so that figures can be set beside each other. Beyond the ends of a film lie zeros, in
//! decibels, too: even a steady sound has a small correlation there, which its chance shares.

use crate::metrics::{RATE, correlation, frame_loudness, log_mel, mean, onset_strength};

/// Pictures a second.
pub const FOLLOW_RATE: u32 = 30;
/// Pixels of a side of the square pictures.
pub const FOLLOW_SIDE: u32 = 64;

/// Frames over which loudness and motion are averaged: 0.3 s.
const SMOOTHED: usize = 9;
/// Greatest shift of sound and motion against each other, in frames.
const MAX_LAG: usize = 2;
/// Fewest frames from which a figure is made: with fewer there are no shifts for chance.
const MIN_FRAMES: usize = 25;

/// Agreement of a sound with what moves. All figures are Pearson correlations, −1..1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Follow {
    /// Loudness in dB with motion, both averaged over 0.3 s, at the best lag within ±2 frames.
    pub loudness_motion_r: f64,
    /// The mean of that over sounds that are rolled in time by a fifth to four fifths of the film.
    pub loudness_motion_chance: f64,
    /// Onset strength with the rises of motion, at the best lag within ±2 frames.
    pub onset_motion_r: f64,
    /// The mean of that over rolled sounds.
    pub onset_motion_chance: f64,
}

/// Motion of pictures that come one by one.
#[derive(Clone, Debug, Default)]
pub struct PictureMotion {
    before: Vec<u8>,
    motion: Vec<f64>,
}

impl PictureMotion {
    /// Takes the next picture, one byte a pixel; all pictures are of one size.
    pub fn push(&mut self, picture: &[u8]) {
        let differences = self.before.iter().zip(picture).map(|(a, b)| f64::from(a.abs_diff(*b)));
        self.motion.push((differences.sum::<f64>() / picture.len().max(1) as f64).ln_1p());
        self.before.clear();
        self.before.extend_from_slice(picture);
    }

    /// The motion of every picture; 0 for the first one.
    pub fn finish(self) -> Vec<f64> {
        self.motion
    }
}

/// Compares `sound`, mono at [`RATE`], with `motion`, one value a picture at [`FOLLOW_RATE`]; both begin
/// together, and what one of them has longer than the other is left out. `None` for less than 25 pictures.
pub fn follow(motion: &[f64], sound: &[f32]) -> Option<Follow> {
    let fps = f64::from(FOLLOW_RATE);
    let frames = motion.len().min((sound.len() as f64 / f64::from(RATE) * fps) as usize);
    if frames < MIN_FRAMES {
        return None;
    }
    let motion = &motion[..frames];
    let (moved, rises) = (smoothed(motion), rises(motion));
    let loudness = frame_loudness(sound, RATE, fps, frames);
    let onsets = onset_strength(&log_mel(sound, fps, frames));
    let loud = |shift: usize| best_near_lag(&smoothed(&rolled(&loudness, shift)), &moved);
    let begun = |shift: usize| best_near_lag(&rolled(&onsets, shift), &rises);
    let shifts: Vec<usize> = (frames / 5..frames * 4 / 5).step_by((frames / 25).max(1)).collect();
    let chance = |of: &dyn Fn(usize) -> f64| mean(&shifts.iter().map(|s| of(*s)).collect::<Vec<_>>());
    Some(Follow {
        loudness_motion_r: loud(0),
        loudness_motion_chance: chance(&loud),
        onset_motion_r: begun(0),
        onset_motion_chance: chance(&begun),
    })
}

/// The curve rolled by `shift` frames, later ones coming round to the front.
fn rolled(curve: &[f64], shift: usize) -> Vec<f64> {
    let mut rolled = curve.to_vec();
    rolled.rotate_right(shift % curve.len().max(1));
    rolled
}

/// Moving mean over [`SMOOTHED`] frames; beyond the ends lie zeros.
fn smoothed(curve: &[f64]) -> Vec<f64> {
    let half = SMOOTHED / 2;
    let window = |i: usize| &curve[i.saturating_sub(half)..(i + half + 1).min(curve.len())];
    (0..curve.len()).map(|i| window(i).iter().sum::<f64>() / SMOOTHED as f64).collect()
}

/// Rises of a curve over the frame before; 0 in the first frame.
fn rises(curve: &[f64]) -> Vec<f64> {
    let rises = curve.windows(2).map(|pair| (pair[1] - pair[0]).max(0.0));
    std::iter::once(0.0).chain(rises).collect()
}

/// The best correlation of two curves of one length over lags of ±[`MAX_LAG`] frames, over the frames that
/// both still have.
fn best_near_lag(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len();
    let late = (0..=MAX_LAG).map(|lag| correlation(&a[lag..], &b[..n - lag]));
    let early = (1..=MAX_LAG).map(|lag| correlation(&a[..n - lag], &b[lag..]));
    late.chain(early).fold(-1.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn motion_is_the_logarithm_of_the_mean_difference() {
        let mut motion = PictureMotion::default();
        [[0, 0, 0, 0], [0, 4, 0, 0], [8, 0, 0, 0]].iter().for_each(|picture| motion.push(picture));
        let got = motion.finish();
        for (x, y) in got.iter().zip([0.0, 2f64.ln(), 4f64.ln()]) {
            assert!((x - y).abs() < 1e-12, "{got:?}");
        }
    }

    #[test]
    fn a_mean_counts_zeros_beyond_the_ends() {
        // numpy.convolve(numpy.arange(1, 11), numpy.ones(9) / 9, "same")
        let curve: Vec<f64> = (1..=10).map(f64::from).collect();
        let known = [15.0, 21.0, 28.0, 36.0, 45.0, 54.0, 52.0, 49.0, 45.0, 40.0];
        assert!(smoothed(&curve).iter().zip(known).all(|(x, y)| (x - y / 9.0).abs() < 1e-12));
        assert_eq!(rolled(&curve, 3)[..4], [8.0, 9.0, 10.0, 1.0]);
    }

    #[test]
    fn a_sound_that_is_as_loud_as_the_motion_follows_it() {
        let motion: Vec<f64> = (0..300).map(|i| 1.0 + (f64::from(i) * 0.13).sin()).collect();
        let hop = (RATE / FOLLOW_RATE) as usize;
        let sample = |n: usize| {
            let tone = (n as f64 * 0.3).sin();
            (0.5 * tone * 10f64.powf(motion[n / hop] - 2.0)) as f32
        };
        let sound: Vec<f32> = (0..300 * hop).map(sample).collect();
        let got = follow(&motion, &sound).unwrap();
        assert!(got.loudness_motion_r > 0.95 && got.loudness_motion_chance < 0.6, "{got:?}");
        assert_eq!(follow(&motion[..24], &sound), None);
        let silent = follow(&motion, &vec![0.0; sound.len()]).unwrap();
        assert_eq!((silent.onset_motion_r, silent.onset_motion_chance), (0.0, 0.0));
    }
}
