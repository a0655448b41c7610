//! Sound and pictures with known truth, drawn from seeds.

use super::landmarks::{Landmark, LandmarkExtractor, SoundQuery, SoundQueryBuilder};

/// Numbers from a seed: G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators",
/// OOPSLA 2014, figure 17.
pub(super) struct Draw(pub(super) u64);

impl Draw {
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in 0..1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Seconds of notes that begin and fade at drawn times and pitches, over a little noise.
pub(super) fn music(seed: u64, seconds: usize) -> Vec<f32> {
    let mut draw = Draw(seed);
    let mut sound: Vec<f32> = (0..seconds * 16_000).map(|_| 1e-3 * (draw.unit() - 0.5) as f32).collect();
    for _ in 0..seconds * 12 {
        let start = (draw.unit() * sound.len() as f64) as usize;
        let hz = 220.0 * (4.0 * draw.unit()).exp2();
        let (level, decay) = (0.05 + 0.1 * draw.unit(), 1500.0 + 6000.0 * draw.unit());
        for (n, y) in sound[start..].iter_mut().take(24_000).enumerate() {
            let turn = std::f64::consts::TAU * hz / 16_000.0 * n as f64;
            let attack = (n as f64 / 200.0).min(1.0);
            *y += (level * attack * (-(n as f64) / decay).exp() * turn.sin()) as f32;
        }
    }
    sound
}

/// Adds noise of so many dB below the sound.
pub(super) fn noisy(sound: &[f32], db: f64, seed: u64) -> Vec<f32> {
    let mut draw = Draw(seed);
    let power = sound.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / sound.len() as f64;
    // Uniform noise in ±a has the power a² / 3.
    let most = (3.0 * power * 10f64.powf(-db / 10.0)).sqrt();
    sound.iter().map(|x| x + (most * (2.0 * draw.unit() - 1.0)) as f32).collect()
}

/// The sound played so many times as fast, pitch and all; by a Hann-windowed sinc of 32 samples.
pub(super) fn stretched(sound: &[f32], speed: f64) -> Vec<f32> {
    let frames = (sound.len() as f64 / speed) as usize;
    let pass = (1.0 / speed).min(1.0);
    let at = |time: f64| {
        let middle = time.floor() as i64;
        let tap = |k: i64| {
            let x = time - k as f64;
            let angle = std::f64::consts::PI * x * pass;
            let sinc = if angle.abs() < 1e-9 { 1.0 } else { angle.sin() / angle };
            let window = 0.5 + 0.5 * (std::f64::consts::PI * x / 17.0).cos();
            let sample = usize::try_from(k).ok().and_then(|k| sound.get(k)).copied().unwrap_or(0.0);
            f64::from(sample) * sinc * window * pass
        };
        (middle - 15..=middle + 16).map(tap).sum::<f64>() as f32
    };
    (0..frames).map(|n| at(n as f64 * speed)).collect()
}

pub(super) fn landmarks(sound: &[f32]) -> Vec<Landmark> {
    let (mut extractor, mut out) = (LandmarkExtractor::default(), Vec::new());
    extractor.push(sound, &mut out);
    extractor.finish(&mut out);
    out
}

pub(super) fn query(sound: &[f32]) -> SoundQuery {
    let mut builder = SoundQueryBuilder::default();
    builder.push(sound);
    builder.finish()
}

/// Width and height of drawn pictures.
pub(super) const WIDTH: usize = 96;
pub(super) const HEIGHT: usize = 64;

/// A film of shots of two to four seconds, in each of which waves of light move slowly.
pub(super) struct Shots {
    /// End of each shot, in seconds, and its waves: frequencies across and down, phase, its change a second,
    /// height.
    shots: Vec<(f64, Vec<[f64; 5]>)>,
}

impl Shots {
    pub(super) fn new(seed: u64, seconds: f64) -> Self {
        let mut draw = Draw(seed);
        let (mut shots, mut end) = (Vec::new(), 0.0);
        while end < seconds {
            end += 2.0 + 2.0 * draw.unit();
            let mut wave = || {
                let frequency = |d: &mut Draw| 4.0 * draw_signed(d);
                [
                    frequency(&mut draw),
                    frequency(&mut draw),
                    6.3 * draw.unit(),
                    draw_signed(&mut draw),
                    6.0 + 12.0 * draw.unit(),
                ]
            };
            shots.push((end, (0..8).map(|_| wave()).collect()));
        }
        Self { shots }
    }

    /// The picture on the screen at a time.
    pub(super) fn at(&self, time: f64) -> Vec<u8> {
        let number = self.shots.partition_point(|(end, _)| *end <= time).min(self.shots.len() - 1);
        let waves = &self.shots[number].1;
        let light = |k: usize| {
            let (x, y) = ((k % WIDTH) as f64 / WIDTH as f64, (k / WIDTH) as f64 / HEIGHT as f64);
            let wave = |w: &[f64; 5]| {
                w[4] * (std::f64::consts::TAU * (w[0] * x + w[1] * y) / 2.0 + w[2] + w[3] * time).sin()
            };
            (128.0 + waves.iter().map(wave).sum::<f64>()) as u8
        };
        (0..WIDTH * HEIGHT).map(light).collect()
    }
}

fn draw_signed(draw: &mut Draw) -> f64 {
    2.0 * draw.unit() - 1.0
}
