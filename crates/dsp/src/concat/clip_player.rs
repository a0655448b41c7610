//! Pieces of recorded sound on a tape: the player of [`Clip`]s.

use crate::concat::UnitSound;
use crate::concat::clip::Clip;
use crate::frames::read_from;
use crate::overlap_add::OverlapAdd;
use std::f32::consts::{FRAC_PI_2, SQRT_2};

/// Frames that reading at a speed of its own needs before the first one and after the last.
const MARGIN: (i64, usize) = (1, 4);

/// Plays cuts: each reads its unit, runs under its envelope, has its place between left and right, and is added to the others.
///
/// Frame 0 of the output is frame 0 of the cuts. [`ClipPlayer::advance`] says up to where all cuts are known; what a later cut adds
/// before that is lost. How calls alternate does not change the output. Memory is that of the longest cut, and of what is
/// ready and was not taken.
///
/// At speed 1 samples are those of the recording. At others they are interpolated as in [`Granular`](crate::frames::Granular), without
/// a filter against aliases: an octave up, what lies in the recording's top octave folds.
///
/// Panning keeps the power of sound that is alike on both sides or only on one, as the `StereoPannerNode` of the W3C's Web
/// Audio API does; in the middle sound stays as it was recorded, one channel as loud on both sides. With one channel nothing
/// is panned.
pub struct ClipPlayer<S> {
    sound: S,
    channels: usize,
    /// Interleaved frames of the source, one channel of them, and all channels at their speed, one after the other.
    source: Vec<f32>,
    line: Vec<f32>,
    voices: Vec<f32>,
    mix: OverlapAdd,
}

impl<S: UnitSound> ClipPlayer<S> {
    /// For an output of 1 or 2 channels; sound of two is averaged where there is but one.
    pub fn new(sound: S, channels: usize) -> Self {
        Self {
            sound,
            channels: channels.clamp(1, 2),
            source: Vec::new(),
            line: Vec::new(),
            voices: Vec::new(),
            mix: OverlapAdd::default(),
        }
    }

    /// Adds a cut.
    pub fn push(&mut self, cut: &Clip) {
        let (Some((from, _)), Some((to, _))) = (cut.envelope.first(), cut.envelope.last()) else { return };
        // The first and the last amplitude may be other than 0: those frames sound, too.
        let frames = (i64::from(*to) - i64::from(*from) + 1).max(0) as usize;
        self.read(cut, i64::from(*from), frames);
        let theirs = self.voices.len() / frames.max(1);
        let gains = Gains::of(cut.pan, theirs, self.channels);
        let place = (cut.at + i64::from(*from)) * self.channels as i64;
        let (skip, out) = self.mix.at(place, frames * self.channels);
        let begin = skip / self.channels;
        let mut slope = Slope::new(&cut.envelope);
        for (k, frame) in (begin..).zip(out.chunks_exact_mut(self.channels)) {
            let e = slope.at(from + k as i32);
            let there = [self.voices[k], self.voices[k + frames * (theirs - 1)]];
            for (y, gains) in frame.iter_mut().zip(&gains.0) {
                *y += e * (gains[0] * there[0] + gains[1] * there[1]);
            }
        }
    }

    /// Tells that no further cut sounds before frame `until`: all frames before it become ready.
    pub fn advance(&mut self, until: i64) {
        self.mix.complete(until.max(0) * self.channels as i64);
    }

    /// Channels of the interleaved output.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// How many samples (frames × channels) [`ClipPlayer::fill`] can deliver now.
    pub fn ready(&self) -> usize {
        self.mix.ready()
    }

    /// Delivers the next samples, or as many as are ready; returns how many.
    pub fn fill(&mut self, out: &mut [f32]) -> usize {
        self.mix.fill(out)
    }

    /// Reads `frames` frames of a cut from `from` frames after its beginning on: `voices` has its channels one after the other.
    fn read(&mut self, cut: &Clip, from: i64, frames: usize) {
        let channels = self.sound.channels().max(1);
        let exact = cut.speed == 1.0;
        let place = from as f64 * cut.speed;
        let first = if exact { from } else { place.floor() as i64 - MARGIN.0 };
        let needed =
            if exact { frames } else { (frames as f64 * cut.speed.abs()).ceil() as usize + MARGIN.1 + 1 };
        self.source.resize(needed * channels, 0.0);
        self.sound.read(cut.unit, cut.offset + first, &mut self.source);
        self.voices.resize(frames * channels, 0.0);
        for (channel, voice) in self.voices.chunks_exact_mut(frames.max(1)).enumerate() {
            let line = self.source.iter().skip(channel).step_by(channels);
            if exact {
                voice.iter_mut().zip(line).for_each(|(y, x)| *y = *x);
            } else {
                self.line.clear();
                self.line.extend(line);
                read_from(place - place.floor(), cut.speed, &self.line, voice);
            }
        }
        if channels > 2 {
            self.voices.truncate(2 * frames);
        }
    }
}

/// What each of `ours` channels of the output takes of each of `theirs` of the sound at a place from −1, left, to 1, right: as much
/// power as in the middle. A sound of one channel is turned over between both, one of two is moved over to one side, as the stereo
/// panner of browsers does ("Web Audio API", W3C 2021, section 1.31.4).
pub fn pan_gains(pan: f32, theirs: usize, ours: usize) -> [[f32; 2]; 2] {
    Gains::of(pan, theirs, ours).0
}

/// See [`pan_gains`].
struct Gains([[f32; 2]; 2]);

impl Gains {
    fn of(pan: f32, theirs: usize, ours: usize) -> Self {
        let pan = if pan.is_nan() { 0.0 } else { pan.clamp(-1.0, 1.0) };
        // With one channel of sound, both entries of `there` are the same one.
        match (theirs, ours) {
            (1, 1) => Self([[1.0, 0.0]; 2]),
            (1, _) => {
                let angle = (pan + 1.0) / 2.0 * FRAC_PI_2;
                // cos 45° has its rounding: in the middle the sound is the recording's, to the bit.
                let (left, right) =
                    if pan == 0.0 { (1.0, 1.0) } else { (SQRT_2 * angle.cos(), SQRT_2 * angle.sin()) };
                Self([[left, 0.0], [right, 0.0]])
            }
            (_, 1) => Self([[0.5, 0.5]; 2]),
            _ if pan <= 0.0 => {
                let angle = (pan + 1.0) * FRAC_PI_2;
                let (over, stays) = if pan == 0.0 { (0.0, 1.0) } else { (angle.cos(), angle.sin()) };
                Self([[1.0, over], [0.0, stays]])
            }
            _ => {
                let angle = pan * FRAC_PI_2;
                Self([[angle.cos(), 0.0], [angle.sin(), 1.0]])
            }
        }
    }
}

/// An envelope, asked in the order of time.
struct Slope<'a> {
    points: &'a [(i32, f32)],
}

impl<'a> Slope<'a> {
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
                let place = (1000 * i64::from(unit) + offset + k as i64) as f64;
                frame.iter_mut().enumerate().for_each(|(c, x)| *x = self.at(place, c));
            }
        }
    }

    fn cut(at: i64, unit: u32, speed: f64, pan: f32, envelope: &[(i32, f32)]) -> Clip {
        Clip { at, frames: 1, ticks: 0..1, unit, offset: 7, speed, pan, envelope: envelope.to_vec() }
    }

    fn cuts() -> Vec<Clip> {
        vec![
            cut(0, 3, 1.0, 0.0, &[(-40, 0.0), (10, 1.0), (300, 0.25), (301, 0.0)]),
            cut(100, 1, 1.5, 0.0, &[(0, 0.5), (700, 0.5)]),
            cut(130, 2, 0.5, 0.0, &[(-20, 0.0), (0, 1.0), (1, 0.2), (90, 0.9), (400, 0.0)]),
        ]
    }

    /// What the definition of a cut says, frame by frame, of one channel.
    fn direct(cuts: &[Clip], sound: &Waves, channel: usize, frames: usize) -> Vec<f32> {
        let at = |n: usize| {
            let sample = |cut: &Clip| {
                let t = n as i64 - cut.at;
                let place = f64::from(1000 * cut.unit) + cut.offset as f64 + t as f64 * cut.speed;
                cut.amplitude(t as i32) * sound.at(place, channel)
            };
            cuts.iter().map(sample).sum()
        };
        (0..frames).map(at).collect()
    }

    fn all<S: UnitSound>(tape: &mut ClipPlayer<S>, cuts: &[Clip], frames: i64) -> Vec<f32> {
        cuts.iter().for_each(|cut| tape.push(cut));
        tape.advance(frames);
        let mut out = vec![0.0; tape.ready()];
        tape.fill(&mut out);
        out
    }

    #[test]
    fn a_tape_is_the_sum_of_its_cuts() {
        for channels in [1, 2] {
            let waves = || Waves { channels, period: 61.7 };
            let sound = all(&mut ClipPlayer::new(waves(), channels), &cuts(), 1000);
            assert_eq!(sound.len(), 1000 * channels);
            for channel in 0..channels {
                let wanted = direct(&cuts(), &waves(), channel, 1000);
                for (n, wanted) in wanted.iter().enumerate() {
                    let off = (sound[n * channels + channel] - wanted).abs();
                    // What interpolation by cubics leaves of a wave of 62 samples.
                    assert!(off < 2e-3, "{off} at {n}");
                }
            }
        }
    }

    #[test]
    fn at_its_own_speed_the_recording_is_read_to_the_bit() {
        let waves = Waves { channels: 2, period: 5.0 };
        let one = [cut(10, 0, 1.0, 0.0, &[(0, 1.0), (9, 1.0)])];
        let sound = all(&mut ClipPlayer::new(waves, 2), &one, 40);
        let waves = Waves { channels: 2, period: 5.0 };
        let wanted: Vec<f32> =
            (7..17).flat_map(|n| [waves.at(f64::from(n), 0), waves.at(f64::from(n), 1)]).collect();
        assert_eq!(sound[20..40], wanted);
        assert!(sound[..20].iter().chain(&sound[40..]).all(|x| *x == 0.0));
    }

    #[test]
    fn how_it_is_cut_into_calls_changes_nothing() {
        let wanted = all(&mut ClipPlayer::new(Waves { channels: 2, period: 9.0 }, 2), &cuts(), 1000);
        let mut tape = ClipPlayer::new(Waves { channels: 2, period: 9.0 }, 2);
        let (mut sound, mut part) = (Vec::new(), [0.0; 34]);
        for cut in cuts() {
            tape.advance(cut.at + i64::from(cut.envelope[0].0));
            tape.push(&cut);
            while tape.ready() >= part.len() {
                tape.fill(&mut part);
                sound.extend(part);
            }
        }
        tape.advance(1000);
        let mut rest = vec![0.0; tape.ready()];
        tape.fill(&mut rest);
        sound.extend(rest);
        assert_eq!(sound, wanted);
    }

    #[test]
    fn panning_keeps_the_power() {
        let power = |sound: &[f32], side: usize| {
            sound.iter().skip(side).step_by(2).map(|x| f64::from(x * x)).sum::<f64>()
        };
        for channels in [1, 2] {
            for pan in [-1.0, -0.5, 0.0, 0.3, 1.0] {
                let one = [cut(0, 0, 1.0, pan, &[(0, 1.0), (4999, 1.0)])];
                let sound = all(&mut ClipPlayer::new(Waves { channels, period: 50.0 }, 2), &one, 5000);
                let (left, right) = (power(&sound, 0), power(&sound, 1));
                assert!(((left + right) / 5000.0 - 1.0).abs() < 1e-3, "{channels}, {pan}: {left} + {right}");
                assert!((right - left) * f64::from(pan) >= 0.0, "{pan}: {left}, {right}");
            }
        }
    }
}
