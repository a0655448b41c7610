//! Pieces of recorded sound with their place in the output, described so that another program can play them
//! again.

/// A piece of recorded sound at its place in a soundtrack. All frames are of the output's rate, which is that
/// of the sound.
///
/// It sounds from `at` plus the first time of the envelope until `at` plus the last one. The sample of the
/// output in frame `at + t` is the sample that lies `offset + t · speed` frames after the beginning of
/// `unit`, times the envelope at `t`; clips that overlap are added.
#[derive(Clone, Debug, PartialEq)]
pub struct Clip {
    /// Nominal first frame in the output; a fade may lie around it.
    pub at: i64,
    /// Nominal length in frames, until the clip that follows begins. 0 for a mere tail: sound that goes on
    /// backwards where its source ends.
    pub frames: i64,
    /// The unit that it is read from.
    pub unit: u32,
    /// Position in the source that sounds in frame `at`, in frames after the beginning of the unit. Beyond
    /// the unit lies the sound that naturally follows it.
    pub offset: i64,
    /// Reading speed: 2 is an octave higher, −1 backwards.
    pub speed: f64,
    /// −1 left, 0 as recorded, 1 right: the left channel times 1 − pan, the right one times 1 + pan, neither
    /// louder than it was.
    pub pan: f32,
    /// Amplitudes at some frames after `at` (before it where negative), in order, with straight lines between
    /// them.
    pub envelope: Vec<(i32, f32)>,
}

impl Clip {
    /// The amplitude `t` frames after `at`; 0 outside of the envelope.
    pub fn amplitude(&self, t: i32) -> f32 {
        let next = self.envelope.partition_point(|(time, _)| *time <= t);
        match (next.checked_sub(1).and_then(|k| self.envelope.get(k)), self.envelope.get(next)) {
            (Some((from, a)), Some((to, b))) => a + (b - a) * (t - from) as f32 / (to - from) as f32,
            (Some((at, a)), None) if *at == t => *a,
            _ => 0.0,
        }
    }

    /// The part of the envelope for the frames `from..to` after `at`, with times counted from `origin` frames
    /// after `at`.
    pub(crate) fn envelope_between(&self, from: i64, to: i64, origin: i64) -> Vec<(i32, f32)> {
        let (Some((first, _)), Some((last, _))) = (self.envelope.first(), self.envelope.last()) else {
            return Vec::new();
        };
        let (from, to) = (from.max(i64::from(*first)), to.min(i64::from(*last) + 1));
        if from >= to {
            return Vec::new();
        }
        let end = |t: i64| (t as i32, self.amplitude(t as i32));
        let inner =
            self.envelope.iter().copied().filter(|(t, _)| (from + 1..to - 1).contains(&i64::from(*t)));
        let mut part: Vec<(i32, f32)> = std::iter::once(end(from)).chain(inner).collect();
        if to - from > 1 {
            part.push(end(to - 1));
        }
        part.iter_mut().for_each(|(t, _)| *t -= origin as i32);
        part
    }

    /// Mean of the squared envelope: the factor by which it multiplies the power of the sound, 0 to 1 and
    /// more.
    pub fn power(&self) -> f64 {
        let (mut sum, mut frames) = (0.0, 0.0);
        for pair in self.envelope.windows(2) {
            let [(from, a), (to, b)] = [pair[0], pair[1]].map(|(t, x)| (f64::from(t), f64::from(x)));
            sum += (to - from) * (a * a + a * b + b * b) / 3.0;
            frames += to - from;
        }
        if frames > 0.0 { sum / frames } else { 0.0 }
    }
}

/// Greatest deviation of a fitted envelope from the amplitudes, as a share of them: −54 dB.
const RELATIVE_TOLERANCE: f32 = 0.002;
/// Deviation allowed on top of that: −90 dB.
const ABSOLUTE_TOLERANCE: f32 = 3e-5;

/// Fits an envelope of few straight lines to amplitudes that come frame by frame. Each line runs from one
/// given amplitude to another and stays close to all in between.
#[derive(Default)]
pub(crate) struct EnvelopeFit {
    envelope: Vec<(i32, f32)>,
    /// The newest frame; a line from the last point of the envelope may end there.
    newest: Option<(i32, f32)>,
    /// Lowest and highest slope of lines from the last point that stay close to all frames since.
    slopes: (f32, f32),
}

impl EnvelopeFit {
    /// Takes the amplitude of a frame; frames come in order.
    pub(crate) fn push(&mut self, t: i32, amplitude: f32) {
        let (from, start) = *self.envelope.last().unwrap_or(&(t, amplitude));
        if self.envelope.is_empty() {
            return self.add_point(t, amplitude);
        }
        let slope = (amplitude - start) / (t - from) as f32;
        if let Some((t, amplitude)) = self.newest
            && !(self.slopes.0..=self.slopes.1).contains(&slope)
        {
            self.add_point(t, amplitude);
        }
        let (from, start) = *self.envelope.last().unwrap_or(&(from, start));
        let frames = (t - from) as f32;
        let margin = RELATIVE_TOLERANCE * amplitude.abs() + ABSOLUTE_TOLERANCE;
        let (low, high) = ((amplitude - margin - start) / frames, (amplitude + margin - start) / frames);
        self.slopes = (self.slopes.0.max(low), self.slopes.1.min(high));
        self.newest = Some((t, amplitude));
    }

    /// The envelope of all frames.
    pub(crate) fn finish(mut self) -> Vec<(i32, f32)> {
        if let Some((t, amplitude)) = self.newest {
            self.add_point(t, amplitude);
        }
        self.envelope
    }

    fn add_point(&mut self, t: i32, amplitude: f32) {
        self.envelope.push((t, amplitude));
        self.slopes = (f32::NEG_INFINITY, f32::INFINITY);
        self.newest = None;
    }
}

/// The clips as another program would play them: `samples` interleaved samples, with cubic interpolation.
#[cfg(test)]
pub(crate) fn replayed(clips: &[Clip], sound: &impl crate::concat::UnitSound, samples: usize) -> Vec<f32> {
    let channels = sound.channels();
    let mut out = vec![0.0; samples];
    let mut around = vec![0.0; 4 * channels];
    for clip in clips {
        let (Some((from, _)), Some((to, _))) = (clip.envelope.first(), clip.envelope.last()) else {
            continue;
        };
        for t in *from..=*to {
            let n = clip.at + i64::from(t);
            if n < 0 || n as usize >= samples / channels {
                continue;
            }
            let distance = f64::from(t) * clip.speed;
            let x = (distance - distance.floor()) as f32;
            sound.read(clip.unit, clip.offset + distance.floor() as i64 - 1, &mut around);
            for c in 0..channels {
                let [a, b, d, e] = [0, 1, 2, 3].map(|k| around[k * channels + c]);
                let slope = 0.5 * (d - a);
                let y = b + x
                    * (slope + x * (a - 2.5 * b + 2.0 * d - 0.5 * e + x * (1.5 * (b - d) + 0.5 * (e - a))));
                out[n as usize * channels + c] += y * clip.amplitude(t);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(envelope: &[(i32, f32)]) -> Clip {
        Clip { at: 0, frames: 1, unit: 0, offset: 0, speed: 1.0, pan: 0.0, envelope: envelope.to_vec() }
    }

    #[test]
    fn an_envelope_is_piecewise_linear() {
        let clip = clip(&[(-2, 0.0), (2, 1.0), (4, 0.5)]);
        let amplitudes: Vec<f32> = (-3..=5).map(|t| clip.amplitude(t)).collect();
        assert_eq!(amplitudes, [0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 0.75, 0.5, 0.0]);
        // ∫ of the squares: 4/3 over the rise, 2 · 1.75/3 over the fall.
        assert!((clip.power() - (4.0 / 3.0 + 3.5 / 3.0) / 6.0).abs() < 1e-9);
    }

    #[test]
    fn a_fit_of_few_lines_stays_within_its_tolerance() {
        let rise = |t: i32| (t as f32 / 330.0 * std::f32::consts::FRAC_PI_2).sin();
        let shapes: [(&dyn Fn(i32) -> f32, usize); 4] = [
            (&|_| 0.7, 2),
            (&|t| if t < 400 { 0.001 * t as f32 } else { 0.4 }, 3),
            (&|t| if t < 330 { rise(t) } else { 1.0 }, 14),
            (&|t| if t == 500 { 1.0 } else { 0.0 }, 5),
        ];
        for (shape, max_points) in shapes {
            let mut fit = EnvelopeFit::default();
            (0..1000).for_each(|t| fit.push(t, shape(t)));
            let clip = clip(&fit.finish());
            assert!(clip.envelope.len() <= max_points, "{:?}", clip.envelope);
            for t in 0..1000 {
                let (is, should) = (clip.amplitude(t), shape(t));
                assert!(
                    (is - should).abs() <= 1.01 * RELATIVE_TOLERANCE * should + 1.1 * ABSOLUTE_TOLERANCE,
                    "{is}, not {should} at {t}"
                );
            }
        }
        assert_eq!(EnvelopeFit::default().finish(), []);
    }

    #[test]
    fn an_empty_envelope_has_no_power() {
        assert_eq!((clip(&[]).power(), clip(&[(0, 1.0)]).power(), clip(&[]).amplitude(0)), (0.0, 0.0, 0.0));
    }
}
