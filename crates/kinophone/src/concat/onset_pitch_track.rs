//! Attacks and pitches of a recording at their frames, which the ticks by which units are selected do not have.

use kinophone_dsp::units::SampleRate;

/// Size of the descriptor of a pitch: a number for each pitch class, and the register.
pub(crate) const PITCH: usize = 13;
const CLASSES: usize = 12;
/// A repetition counts as a pitch from this confidence on, and fully from the other one on: voices and strings have 0.8 and
/// more, noise 0.3.
const MIN_CONFIDENCE: f32 = 0.5;
const CERTAIN_CONFIDENCE: f32 = 0.8;
/// Distance of an octave: a third of that of another pitch class, √2.
const OCTAVE_DISTANCE: f32 = 0.5;
/// Zero of the register, the middle of most music, in Hz.
const MIDDLE_HZ: f32 = 440.0;

/// The attacks and the pitched segments of one recording, in frames of one rate.
#[derive(Debug, Default)]
pub(crate) struct OnsetPitchTrack {
    /// Ascending.
    attacks: Vec<i64>,
    /// In the order of time, without overlaps.
    segments: Vec<PitchSegment>,
}

/// A segment with one pitch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PitchSegment {
    pub(crate) first: i64,
    pub(crate) end: i64,
    pub(crate) hz: f32,
    pub(crate) confidence: f32,
}

impl OnsetPitchTrack {
    /// Adds a segment, later than those before, and its attack, in frames at the rate `own`; the track is in frames at `rate`.
    pub(crate) fn add(
        &mut self,
        rate: SampleRate,
        own: SampleRate,
        segment: PitchSegment,
        attack: Option<i64>,
    ) {
        let here = |frame: i64| rate.frame_of(frame, own);
        self.attacks.extend(attack.map(here));
        if segment.hz > 0.0 && segment.confidence > MIN_CONFIDENCE {
            let (first, end) = (here(segment.first), here(segment.end));
            self.segments.push(PitchSegment { first, end, ..segment });
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

    /// The segment that sounds in a frame.
    fn segment_at(&self, frame: i64) -> Option<&PitchSegment> {
        let next = self.segments.partition_point(|segment| segment.end <= frame);
        self.segments.get(next).filter(|segment| segment.first <= frame)
    }

    /// The pitch in a frame in Hz, where it is certain.
    pub(crate) fn certain_hz(&self, frame: i64) -> Option<f32> {
        let certain = |segment: &&PitchSegment| segment.confidence >= CERTAIN_CONFIDENCE;
        self.segment_at(frame).filter(certain).map(|segment| segment.hz)
    }

    /// The descriptor of the pitch in a frame: all zeros where there is none.
    ///
    /// The pitch class is a point on one of twelve quarter circles, from one class (1, 0) to the next (0, 1), so that the
    /// distance of two pitches grows with the cents between them, up to a semitone and no further: a wrong note is wrong however
    /// near it is. Octaves are the same class in another register. The descriptor fades to zeros as confidence falls.
    pub(crate) fn pitch_at(&self, frame: i64) -> [f32; PITCH] {
        let mut pitch = [0.0; PITCH];
        let Some(segment) = self.segment_at(frame) else { return pitch };
        let certainty =
            ((segment.confidence - MIN_CONFIDENCE) / (CERTAIN_CONFIDENCE - MIN_CONFIDENCE)).min(1.0);
        let octaves = (segment.hz / MIDDLE_HZ).log2();
        let class = octaves.rem_euclid(1.0) * CLASSES as f32;
        let (below, beyond) = (class as usize % CLASSES, class.fract() * std::f32::consts::FRAC_PI_2);
        pitch[below] = certainty * beyond.cos();
        pitch[(below + 1) % CLASSES] = certainty * beyond.sin();
        pitch[CLASSES] = certainty * OCTAVE_DISTANCE * octaves;
        pitch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(hz: u32) -> SampleRate {
        SampleRate::new(hz).unwrap()
    }

    fn track(segments: &[(i64, i64, f32, f32)]) -> OnsetPitchTrack {
        let mut track = OnsetPitchTrack::default();
        for (first, end, hz, confidence) in segments.iter().copied() {
            let segment = PitchSegment { first, end, hz, confidence };
            track.add(rate(44_100), rate(22_050), segment, Some(first + 5));
        }
        track
    }

    #[test]
    fn attacks_and_segments_are_found_by_their_frames() {
        let track = track(&[
            (0, 100, 220.0, 0.9),
            (100, 200, 0.0, 0.0),
            (300, 400, 330.0, 0.95),
            (400, 500, 500.0, 0.4),
        ]);
        assert_eq!(
            [0, 199, 200, 599, 600, 799, 800].map(|f| track.segment_at(f).map_or(0.0, |t| t.hz)),
            [220.0, 220.0, 0.0, 0.0, 330.0, 330.0, 0.0]
        );
        assert_eq!(track.attacks, [10, 210, 610, 810]);
        assert_eq!([-50, 110, 111, 5000].map(|f| track.attack_near(f)), [10, 10, 210, 810].map(Some));
        assert_eq!([10, 11, 811].map(|f| track.attack_from(f)), [Some(10), Some(210), None]);
        assert_eq!(
            (OnsetPitchTrack::default().attack_near(3), OnsetPitchTrack::default().pitch_at(3)),
            (None, [0.0; PITCH])
        );
    }

    /// A semitone is as far as any interval, cents are nearer, an octave is nearer than another note, an uncertain pitch between.
    #[test]
    fn distances_of_pitches_follow_the_interval() {
        let pitch = |hz: f32, confidence: f32| track(&[(0, 100, hz, confidence)]).pitch_at(7);
        let apart = |a: [f32; PITCH], b: [f32; PITCH]| -> f32 {
            a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
        };
        let from = |cents: f32| apart(pitch(440.0, 0.95), pitch(440.0 * (cents / 1200.0).exp2(), 0.95));
        assert!(from(0.0) == 0.0 && from(10.0) < 0.2 && from(50.0) < 0.8, "{} {}", from(10.0), from(50.0));
        for cents in [100.0, 200.0, 600.0, -100.0, -500.0, 700.0] {
            assert!((from(cents) - 2f32.sqrt()).abs() < 0.05, "{cents} cents: {}", from(cents));
        }
        assert!(
            (from(1200.0) - OCTAVE_DISTANCE).abs() < 1e-3 && (from(-1200.0) - OCTAVE_DISTANCE).abs() < 1e-3
        );
        let nothing = apart(pitch(440.0, 0.95), [0.0; PITCH]);
        assert!((nothing - 1.0).abs() < 1e-5 && apart(pitch(440.0, 0.65), [0.0; PITCH]) < 0.6);
    }
}
