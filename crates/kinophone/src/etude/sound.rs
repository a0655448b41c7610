//! Sound of events, frame by frame: what a frame sounds like depends on what that frame looks like, and on
//! nothing else.
//!
//! Tones are harmonics of the frame rate: `sin(2π n t f)` with whole `n` and frame rate `f` is zero wherever
//! a frame begins and goes through the same values in every frame. So it joins without a click to itself, to
//! silence and to another `n`, and a network that sees one picture at a time can know its phase.

use crate::etude::event::ACROSS;
use crate::etude::{EtudeEvent, EtudeShape};
use kinophone_dsp::units::{FrameRate, TickGrid};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::f64::consts::TAU;

/// Pitches of a line from the bottom of the picture to its top, in Hz; each sounds as the nearest harmonic of
/// the frame rate. At 30 pictures a second they are its harmonics 8, 9, 10, 12, 14, 16, 18, 20: a scale in
/// just intonation.
const LINE_HZ: [f64; 8] = [240.0, 270.0, 300.0, 360.0, 420.0, 480.0, 540.0, 600.0];
/// Pitches of a disc from left to right, in Hz.
const DISC_HZ: [f64; 5] = [180.0, 240.0, 300.0, 360.0, 450.0];
/// Pitch of a flash in Hz; not bound to frames, since nothing is to learn it.
const FLASH_HZ: f64 = 1000.0;

/// Partials as (ratio, amplitude); the ratio is rounded so that it stays a harmonic of the frame rate.
const LINE_PARTIALS: [(f64, f64); 4] = [(1.0, 0.11), (2.0, 0.045), (3.0, 0.02), (4.0, 0.01)];
/// Those of a free bar, as in a marimba or glockenspiel: 1, 2.756, 5.404 (Fletcher and Rossing, The Physics
/// of Musical Instruments, 1998, section 2.15).
const DISC_PARTIALS: [(f64, f64); 3] = [(1.0, 0.38), (2.756, 0.14), (5.404, 0.07)];

/// Amplitude of the noise of a scratch.
const SCRATCH_GAIN: f64 = 0.45;
/// Amplitude of the knock with which a disc begins, and the time in seconds in which it falls to 1/e.
const KNOCK: (f64, f64) = (0.2, 0.004);
/// Amplitude of a flash's beep, and the seconds over which it ends, so that only its beginning is sharp.
const BEEP: (f64, f64) = (0.5, 0.002);

/// Fundamental of an event that begins at `x`, `y`; `None` for noise.
pub(crate) fn pitch_hz(shape: EtudeShape, rate: FrameRate, x: f32, y: f32) -> Option<f32> {
    let harmonic = match shape {
        EtudeShape::Line => line_harmonic(rate, f64::from(y)),
        EtudeShape::Disc => disc_harmonic(rate, x),
        EtudeShape::Scratch => return None,
        EtudeShape::Flash => return Some(FLASH_HZ as f32),
    };
    Some((f64::from(harmonic) * rate.as_f64()) as f32)
}

/// The sound of `events` on `frame`.
pub(crate) fn frame(grid: TickGrid, events: &[&EtudeEvent], frame: u64) -> Vec<f32> {
    let clock = Clock { grid, first: grid.start_sample(frame as i64), frame };
    let mut sum = vec![0.0; grid.span(frame as i64)];
    for event in events {
        for (i, s) in sum.iter_mut().enumerate() {
            *s += match event.shape {
                EtudeShape::Line | EtudeShape::Disc => tone(event, events, &clock, i),
                EtudeShape::Scratch | EtudeShape::Flash => 0.0,
            };
        }
        match event.shape {
            EtudeShape::Disc if frame == event.frame => add_knock(&mut sum, &clock),
            EtudeShape::Scratch => add_scratch(&mut sum, event, &clock),
            EtudeShape::Flash => add_beep(&mut sum, event, &clock),
            EtudeShape::Line | EtudeShape::Disc => {}
        }
    }
    sum.into_iter().map(|s| s as f32).collect()
}

/// The samples of a frame in time.
struct Clock {
    grid: TickGrid,
    first: i64,
    frame: u64,
}

impl Clock {
    /// Position of sample `i` within the frame, in frames (0..1), computed from whole numbers.
    fn phase(&self, i: usize) -> f64 {
        let (num, den) = (u64::from(self.grid.tick.num()), u64::from(self.grid.tick.den()));
        let unit = u64::from(self.grid.rate.hz()) * den;
        let sample = (self.first as u64 + i as u64) % unit;
        (u128::from(sample) * u128::from(num) % u128::from(unit)) as f64 / unit as f64
    }
}

fn tone(event: &EtudeEvent, events: &[&EtudeEvent], clock: &Clock, i: usize) -> f64 {
    let phase = clock.phase(i);
    let j = clock.frame - event.frame;
    let age = (j as f64 + phase) / event.frames as f64;
    let light = event.brightness(age) * event.dimming(events, clock.frame, phase);
    let rate = clock.grid.tick;
    let nyquist = f64::from(clock.grid.rate.hz()) / 2.0;
    let partial = |n: u32, (ratio, gain): (f64, f64)| {
        let harmonic = (f64::from(n) * ratio).round();
        if harmonic * rate.as_f64() < nyquist { gain * (TAU * harmonic * phase).sin() } else { 0.0 }
    };
    match event.shape {
        EtudeShape::Line => {
            let n = line_harmonic(rate, event.y_at(j));
            light * LINE_PARTIALS.iter().map(|&p| partial(n, p)).sum::<f64>()
        }
        _ => {
            let n = disc_harmonic(rate, event.x);
            // Struck things fall exponentially; the square of the light is as steep at first and ends in
            // exact silence.
            light * light * DISC_PARTIALS.iter().map(|&p| partial(n, p)).sum::<f64>()
        }
    }
}

fn add_knock(sum: &mut [f64], clock: &Clock) {
    let rate = f64::from(clock.grid.rate.hz());
    let (gain, fall) = KNOCK;
    let noise = noise(1, sum.len());
    let len = sum.len() as f64;
    for (i, (s, noise)) in sum.iter_mut().zip(noise).enumerate() {
        let i = i as f64;
        *s += gain * noise * (-i / rate / fall).exp() * (1.0 - i / len);
    }
}

fn add_scratch(sum: &mut [f64], event: &EtudeEvent, clock: &Clock) {
    let colour = step(across(event.x), 2) as u64;
    let light = event.brightness((clock.frame - event.frame) as f64 / event.frames as f64);
    let len = sum.len() as f64;
    let noise = noise(colour, sum.len());
    for (i, (s, noise)) in sum.iter_mut().zip(noise).enumerate() {
        *s += SCRATCH_GAIN * light * noise * (1.0 - i as f64 / len);
    }
}

fn add_beep(sum: &mut [f64], event: &EtudeEvent, clock: &Clock) {
    let rate = f64::from(clock.grid.rate.hz());
    let start = clock.grid.start_sample(event.frame as i64);
    let end = clock.grid.start_sample(event.end_frame() as i64);
    let (gain, fade) = BEEP;
    for (i, s) in sum.iter_mut().enumerate() {
        // In the middle of the first sample, so that not even that one is silent.
        let since = (clock.first + i as i64 - start) as f64 + 0.5;
        let left = (end - clock.first - i as i64) as f64 / rate / fade;
        let ending = 0.5 - 0.5 * (TAU * 0.5 * left.min(1.0)).cos();
        *s += gain * ending * (TAU * FLASH_HZ * since / rate).sin();
    }
}

/// Noise of one frame, the same in every etude: dark (0) or bright (1), within ±1.
fn noise(colour: u64, len: usize) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(colour);
    let mut last = 0.0;
    (0..len)
        .map(|_| {
            let white: f64 = random.random_range(-1.0..1.0);
            // A low pass with one pole, or the difference of neighbours; the factors make both about equally
            // loud.
            let coloured = if colour == 0 { last + 0.4 * (white - last) } else { 0.5 * (white - last) };
            last = if colour == 0 { coloured } else { white };
            coloured * [1.5, 1.2][colour as usize]
        })
        .map(|n: f64| n.clamp(-1.0, 1.0))
        .collect()
}

fn line_harmonic(rate: FrameRate, y: f64) -> u32 {
    nearest_harmonic(LINE_HZ[step(1.0 - y, LINE_HZ.len())], rate)
}

fn disc_harmonic(rate: FrameRate, x: f32) -> u32 {
    nearest_harmonic(DISC_HZ[step(across(x), DISC_HZ.len())], rate)
}

/// Position of `x` between the leftmost and the rightmost centre, 0..1.
fn across(x: f32) -> f64 {
    f64::from((x - ACROSS.0) / (ACROSS.1 - ACROSS.0))
}

fn nearest_harmonic(hz: f64, rate: FrameRate) -> u32 {
    (hz / rate.as_f64()).round().max(1.0) as u32
}

/// Index of the step, of `steps` equal ones between 0 and 1, that contains `position`.
fn step(position: f64, steps: usize) -> usize {
    ((position * steps as f64) as usize).min(steps - 1)
}
