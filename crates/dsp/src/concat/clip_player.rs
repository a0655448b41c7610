//! The player of [`Clip`]s.

use crate::concat::UnitSound;
use crate::concat::clip::Clip;
use crate::frames::read_from;
use crate::overlap_add::OverlapAdd;
use std::f32::consts::{FRAC_PI_2, SQRT_2};

/// Frames that interpolation needs before the first one and after the last.
const INTERPOLATION_MARGIN: (i64, usize) = (1, 4);

/// Plays clips: each reads its unit, runs under its envelope, is panned, and is added to the others.
///
/// Frame 0 of the output is frame 0 of the clips. [`ClipPlayer::advance`] declares up to which frame all
/// clips are known; sound that a later clip adds before that is lost. The alternation of calls does not
/// change the output. Memory is that of the longest clip, and of the samples that are ready and were not
/// taken.
///
/// At speed 1 samples are those of the recording. At others they are interpolated as in
/// [`Granular`](crate::frames::Granular), without a filter against aliases: an octave up, the recording's top
/// octave folds.
///
/// Panning keeps the power of sound that is alike on both sides or only on one, as the `StereoPannerNode` of
/// the W3C's Web Audio API does; in the middle sound stays as it was recorded, one channel as loud on both
/// sides. With one channel nothing is panned.
pub struct ClipPlayer<S> {
    sound: S,
    channels: usize,
    /// Interleaved frames of the source, one channel of them, and all channels at their speed, one after the
    /// other.
    source: Vec<f32>,
    one_channel: Vec<f32>,
    at_speed: Vec<f32>,
    mix: OverlapAdd,
}

impl<S: UnitSound> ClipPlayer<S> {
    /// A player with an output of 1 or 2 channels; sound of two is averaged where the output has one.
    pub fn new(sound: S, channels: usize) -> Self {
        Self {
            sound,
            channels: channels.clamp(1, 2),
            source: Vec::new(),
            one_channel: Vec::new(),
            at_speed: Vec::new(),
            mix: OverlapAdd::default(),
        }
    }

    /// Adds a clip.
    pub fn push(&mut self, clip: &Clip) {
        let (Some((from, _)), Some((to, _))) = (clip.envelope.first(), clip.envelope.last()) else { return };
        // The first and the last amplitude may be other than 0: those frames sound, too.
        let frames = (i64::from(*to) - i64::from(*from) + 1).max(0) as usize;
        self.read(clip, i64::from(*from), frames);
        let source_channels = self.at_speed.len() / frames.max(1);
        let gains = pan_gains(clip.pan, source_channels, self.channels);
        let first = (clip.at + i64::from(*from)) * self.channels as i64;
        let (skip, out) = self.mix.at(first, frames * self.channels);
        let begin = skip / self.channels;
        let mut envelope = EnvelopeCursor::new(&clip.envelope);
        for (k, frame) in (begin..).zip(out.chunks_exact_mut(self.channels)) {
            let e = envelope.at(from + k as i32);
            let samples = [self.at_speed[k], self.at_speed[k + frames * (source_channels - 1)]];
            for (y, gains) in frame.iter_mut().zip(&gains) {
                *y += e * (gains[0] * samples[0] + gains[1] * samples[1]);
            }
        }
    }

    /// Declares that no further clip sounds before frame `until`: all frames before it become ready.
    pub fn advance(&mut self, until: i64) {
        self.mix.complete(until.max(0) * self.channels as i64);
    }

    /// Channels of the interleaved output.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Number of samples (frames × channels) that [`ClipPlayer::fill`] can deliver now.
    pub fn ready(&self) -> usize {
        self.mix.ready()
    }

    /// Delivers the next samples, or as many as are ready; returns how many.
    pub fn fill(&mut self, out: &mut [f32]) -> usize {
        self.mix.fill(out)
    }

    /// Reads `frames` frames of a clip from `from` frames after its beginning on: `at_speed` has its channels
    /// one after the other.
    fn read(&mut self, clip: &Clip, from: i64, frames: usize) {
        let channels = self.sound.channels().max(1);
        let exact = clip.speed == 1.0;
        let position = from as f64 * clip.speed;
        let first = if exact { from } else { position.floor() as i64 - INTERPOLATION_MARGIN.0 };
        let needed = if exact {
            frames
        } else {
            (frames as f64 * clip.speed.abs()).ceil() as usize + INTERPOLATION_MARGIN.1 + 1
        };
        self.source.resize(needed * channels, 0.0);
        self.sound.read(clip.unit, clip.offset + first, &mut self.source);
        self.at_speed.resize(frames * channels, 0.0);
        for (channel, out) in self.at_speed.chunks_exact_mut(frames.max(1)).enumerate() {
            let samples = self.source.iter().skip(channel).step_by(channels);
            if exact {
                out.iter_mut().zip(samples).for_each(|(y, x)| *y = *x);
            } else {
                self.one_channel.clear();
                self.one_channel.extend(samples);
                read_from(position - position.floor(), clip.speed, &self.one_channel, out);
            }
        }
        if channels > 2 {
            self.at_speed.truncate(2 * frames);
        }
    }
}

/// Gains of the channels of a sound in each channel of the output, at a position from −1, left, to 1, right:
/// as much power as in the middle. A sound of one channel is turned over between both, one of two is moved
/// over to one side, as the stereo panner of browsers does ("Web Audio API", W3C 2021, section 1.31.4).
pub fn pan_gains(pan: f32, source_channels: usize, output_channels: usize) -> [[f32; 2]; 2] {
    let pan = if pan.is_nan() { 0.0 } else { pan.clamp(-1.0, 1.0) };
    match (source_channels, output_channels) {
        (1, 1) => [[1.0, 0.0]; 2],
        (1, _) => {
            let angle = (pan + 1.0) / 2.0 * FRAC_PI_2;
            // cos 45° has its rounding: in the middle the sound is the recording's, to the bit.
            let (left, right) =
                if pan == 0.0 { (1.0, 1.0) } else { (SQRT_2 * angle.cos(), SQRT_2 * angle.sin()) };
            [[left, 0.0], [right, 0.0]]
        }
        (_, 1) => [[0.5, 0.5]; 2],
        _ if pan <= 0.0 => {
            let angle = (pan + 1.0) * FRAC_PI_2;
            let (over, stays) = if pan == 0.0 { (0.0, 1.0) } else { (angle.cos(), angle.sin()) };
            [[1.0, over], [0.0, stays]]
        }
        _ => {
            let angle = pan * FRAC_PI_2;
            [[angle.cos(), 0.0], [angle.sin(), 1.0]]
        }
    }
}

/// An envelope that is read in the order of time.
struct EnvelopeCursor<'a> {
    points: &'a [(i32, f32)],
}

impl<'a> EnvelopeCursor<'a> {
    fn new(points: &'a [(i32, f32)]) -> Self {
        Self { points }
    }

    /// See [`Clip::amplitude`].
    fn at(&mut self, t: i32) -> f32 {
        while let [_, (to, _), _, ..] = self.points
            && *to <= t
        {
            self.points = &self.points[1..];
        }
        match self.points {
            [(from, a), (to, b), ..] if (*from..=*to).contains(&t) => {
                a + (b - a) * (t - from) as f32 / (to - from).max(1) as f32
            }
            [(at, a)] if *at == t => *a,
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    /// A sine of a given period in frames on the left, its cosine on the right, of endless length.
    struct Waves {
        channels: usize,
        period: f64,
    }

    impl Waves {
        fn at(&self, frame: f64, channel: usize) -> f32 {
            (2.0 * PI * frame / self.period + channel as f64 * PI / 2.0).sin() as f32
        }
    }

    impl UnitSound for Waves {
        fn channels(&self) -> usize {
            self.channels
        }

        fn read(&self, unit: u32, offset: i64, out: &mut [f32]) {
            for (k, frame) in out.chunks_exact_mut(self.channels).enumerate() {
                let position = (1000 * i64::from(unit) + offset + k as i64) as f64;
                frame.iter_mut().enumerate().for_each(|(c, x)| *x = self.at(position, c));
            }
        }
    }

    fn clip(at: i64, unit: u32, speed: f64, pan: f32, envelope: &[(i32, f32)]) -> Clip {
        Clip { at, frames: 1, unit, offset: 7, speed, pan, envelope: envelope.to_vec() }
    }

    fn clips() -> Vec<Clip> {
        vec![
            clip(0, 3, 1.0, 0.0, &[(-40, 0.0), (10, 1.0), (300, 0.25), (301, 0.0)]),
            clip(100, 1, 1.5, 0.0, &[(0, 0.5), (700, 0.5)]),
            clip(130, 2, 0.5, 0.0, &[(-20, 0.0), (0, 1.0), (1, 0.2), (90, 0.9), (400, 0.0)]),
        ]
    }

    /// One channel by the definition of a clip, frame by frame.
    fn direct(clips: &[Clip], sound: &Waves, channel: usize, frames: usize) -> Vec<f32> {
        let at = |n: usize| {
            let sample = |clip: &Clip| {
                let t = n as i64 - clip.at;
                let position = f64::from(1000 * clip.unit) + clip.offset as f64 + t as f64 * clip.speed;
                clip.amplitude(t as i32) * sound.at(position, channel)
            };
            clips.iter().map(sample).sum()
        };
        (0..frames).map(at).collect()
    }

    fn all<S: UnitSound>(player: &mut ClipPlayer<S>, clips: &[Clip], frames: i64) -> Vec<f32> {
        clips.iter().for_each(|clip| player.push(clip));
        player.advance(frames);
        let mut out = vec![0.0; player.ready()];
        player.fill(&mut out);
        out
    }

    #[test]
    fn the_output_is_the_sum_of_the_clips() {
        for channels in [1, 2] {
            let waves = || Waves { channels, period: 61.7 };
            let sound = all(&mut ClipPlayer::new(waves(), channels), &clips(), 1000);
            assert_eq!(sound.len(), 1000 * channels);
            for channel in 0..channels {
                let expected = direct(&clips(), &waves(), channel, 1000);
                for (n, expected) in expected.iter().enumerate() {
                    let error = (sound[n * channels + channel] - expected).abs();
                    // The error of cubic interpolation for a wave of 62 samples.
                    assert!(error < 2e-3, "{error} at {n}");
                }
            }
        }
    }

    #[test]
    fn at_speed_one_the_recording_is_read_to_the_bit() {
        let waves = Waves { channels: 2, period: 5.0 };
        let one = [clip(10, 0, 1.0, 0.0, &[(0, 1.0), (9, 1.0)])];
        let sound = all(&mut ClipPlayer::new(waves, 2), &one, 40);
        let waves = Waves { channels: 2, period: 5.0 };
        let expected: Vec<f32> =
            (7..17).flat_map(|n| [waves.at(f64::from(n), 0), waves.at(f64::from(n), 1)]).collect();
        assert_eq!(sound[20..40], expected);
        assert!(sound[..20].iter().chain(&sound[40..]).all(|x| *x == 0.0));
    }

    #[test]
    fn the_alternation_of_calls_changes_nothing() {
        let expected = all(&mut ClipPlayer::new(Waves { channels: 2, period: 9.0 }, 2), &clips(), 1000);
        let mut player = ClipPlayer::new(Waves { channels: 2, period: 9.0 }, 2);
        let (mut sound, mut part) = (Vec::new(), [0.0; 34]);
        for clip in clips() {
            player.advance(clip.at + i64::from(clip.envelope[0].0));
            player.push(&clip);
            while player.ready() >= part.len() {
                player.fill(&mut part);
                sound.extend(part);
            }
        }
        player.advance(1000);
        let mut rest = vec![0.0; player.ready()];
        player.fill(&mut rest);
        sound.extend(rest);
        assert_eq!(sound, expected);
    }

    #[test]
    fn panning_keeps_the_power() {
        let power = |sound: &[f32], side: usize| {
            sound.iter().skip(side).step_by(2).map(|x| f64::from(x * x)).sum::<f64>()
        };
        for channels in [1, 2] {
            for pan in [-1.0, -0.5, 0.0, 0.3, 1.0] {
                let one = [clip(0, 0, 1.0, pan, &[(0, 1.0), (4999, 1.0)])];
                let sound = all(&mut ClipPlayer::new(Waves { channels, period: 50.0 }, 2), &one, 5000);
                let (left, right) = (power(&sound, 0), power(&sound, 1));
                assert!(((left + right) / 5000.0 - 1.0).abs() < 1e-3, "{channels}, {pan}: {left} + {right}");
                assert!((right - left) * f64::from(pan) >= 0.0, "{pan}: {left}, {right}");
            }
        }
    }
}
