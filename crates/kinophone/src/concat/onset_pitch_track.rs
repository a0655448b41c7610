//! Where in a recording attacks and tones are, to the frame: what the ticks by which sound is chosen do not say.

use kinophone_dsp::units::SampleRate;

/// Numbers by which a pitch is found: one for each pitch class, and the register.
pub(crate) const PITCH: usize = 13;
const CLASSES: usize = 12;
/// A repetition is a pitch from this confidence on, wholly so from the other one on: voices and strings have 0.8 and more, noise 0.3.
const UNSURE: f32 = 0.5;
const SURE: f32 = 0.8;
/// What an octave counts: a third of what another pitch class does, √2.
const OCTAVE: f32 = 0.5;
/// The register is counted from here, the middle of most music, in Hz.
const MIDDLE_HZ: f32 = 440.0;

/// The attacks and the tones of one recording, in frames of one rate.
#[derive(Debug, Default)]
pub(crate) struct OnsetPitchTrack {
    /// Ascending.
    attacks: Vec<i64>,
    /// In the order of time, without overlaps.
    tones: Vec<PitchSegment>,
}

/// A stretch with a pitch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PitchSegment {
    pub(crate) first: i64,
    pub(crate) end: i64,
    pub(crate) hz: f32,
    pub(crate) confidence: f32,
}

impl OnsetPitchTrack {
    /// Adds a unit of the recording, later than those before, in frames at the rate `own`; these marks are in frames at `rate`.
    pub(crate) fn add(&mut self, rate: SampleRate, own: SampleRate, tone: PitchSegment, attack: Option<i64>) {
        let here = |frame: i64| rate.frame_of(frame, own);
        self.attacks.extend(attack.map(here));
        if tone.hz > 0.0 && tone.confidence > UNSURE {
            self.tones.push(PitchSegment { first: here(tone.first), end: here(tone.end), ..tone });
        }
    }

    /// The attack that is nearest to a frame.
    pub(crate) fn attack_near(&self, frame: i64) -> Option<i64> {
        let next = self.attacks.partition_point(|at| *at < frame);
        let around = next.saturating_sub(1)..self.attacks.len().min(next + 1);
        self.attacks[around].iter().copied().min_by_key(|at| (at - frame).abs())
    }

    /// The first attack from a frame on.
    pub(crate) fn attack_from(&self, frame: i64) -> Option<i64> {
        self.attacks.get(self.attacks.partition_point(|at| *at < frame)).copied()
    }

    /// The tone that sounds in a frame.
    fn tone_at(&self, frame: i64) -> Option<&PitchSegment> {
        let next = self.tones.partition_point(|tone| tone.end <= frame);
        self.tones.get(next).filter(|tone| tone.first <= frame)
    }

    /// The pitch in a frame in Hz, where it is sure.
    pub(crate) fn sure_hz(&self, frame: i64) -> Option<f32> {
        self.tone_at(frame).filter(|tone| tone.confidence >= SURE).map(|tone| tone.hz)
    }

    /// How the pitch in a frame is found: all zeros where there is none.
    ///
    /// The pitch class is a point on one of twelve circles' quarters, from one class (1, 0) to the next (0, 1), so that pitches
    /// are the further apart the more cents lie between them, up to a semitone and no further: a wrong note is wrong however near it is.
    /// Octaves are the same class in another register. All of it fades to nothing where the pitch is unsure.
    pub(crate) fn pitch_at(&self, frame: i64) -> [f32; PITCH] {
        let mut pitch = [0.0; PITCH];
        let Some(tone) = self.tone_at(frame) else { return pitch };
        let sure = ((tone.confidence - UNSURE) / (SURE - UNSURE)).min(1.0);
        let octaves = (tone.hz / MIDDLE_HZ).log2();
        let class = octaves.rem_euclid(1.0) * CLASSES as f32;
        let (below, beyond) = (class as usize % CLASSES, class.fract() * std::f32::consts::FRAC_PI_2);
        pitch[below] = sure * beyond.cos();
        pitch[(below + 1) % CLASSES] = sure * beyond.sin();
        pitch[CLASSES] = sure * OCTAVE * octaves;
        pitch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(hz: u32) -> SampleRate {
        SampleRate::new(hz).unwrap()
    }

    fn marks(tones: &[(i64, i64, f32, f32)]) -> OnsetPitchTrack {
        let mut marks = OnsetPitchTrack::default();
        for (first, end, hz, confidence) in tones.iter().copied() {
            let tone = PitchSegment { first, end, hz, confidence };
            marks.add(rate(44_100), rate(22_050), tone, Some(first + 5));
        }
        marks
    }

    #[test]
    fn marks_are_found_at_their_places() {
        let marks = marks(&[
            (0, 100, 220.0, 0.9),
            (100, 200, 0.0, 0.0),
            (300, 400, 330.0, 0.95),
            (400, 500, 500.0, 0.4),
        ]);
        assert_eq!(
            [0, 199, 200, 599, 600, 799, 800].map(|f| marks.tone_at(f).map_or(0.0, |t| t.hz)),
            [220.0, 220.0, 0.0, 0.0, 330.0, 330.0, 0.0]
        );
        assert_eq!(marks.attacks, [10, 210, 610, 810]);
        assert_eq!([-50, 110, 111, 5000].map(|f| marks.attack_near(f)), [10, 10, 210, 810].map(Some));
        assert_eq!([10, 11, 811].map(|f| marks.attack_from(f)), [Some(10), Some(210), None]);
        assert_eq!(
            (OnsetPitchTrack::default().attack_near(3), OnsetPitchTrack::default().pitch_at(3)),
            (None, [0.0; PITCH])
        );
    }

    /// Semitones and more are as far as anything, cents nearer, octaves nearer than another note, and what is unsure in between.
    #[test]
    fn pitches_are_apart_as_they_sound() {
        let pitch = |hz: f32, confidence: f32| marks(&[(0, 100, hz, confidence)]).pitch_at(7);
        let apart = |a: [f32; PITCH], b: [f32; PITCH]| -> f32 {
            a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
        };
        let from = |cents: f32| apart(pitch(440.0, 0.95), pitch(440.0 * (cents / 1200.0).exp2(), 0.95));
        assert!(from(0.0) == 0.0 && from(10.0) < 0.2 && from(50.0) < 0.8, "{} {}", from(10.0), from(50.0));
        for cents in [100.0, 200.0, 600.0, -100.0, -500.0, 700.0] {
            assert!((from(cents) - 2f32.sqrt()).abs() < 0.05, "{cents} cents: {}", from(cents));
        }
        assert!((from(1200.0) - OCTAVE).abs() < 1e-3 && (from(-1200.0) - OCTAVE).abs() < 1e-3);
        let nothing = apart(pitch(440.0, 0.95), [0.0; PITCH]);
        assert!((nothing - 1.0).abs() < 1e-5 && apart(pitch(440.0, 0.65), [0.0; PITCH]) < 0.6);
    }
}
