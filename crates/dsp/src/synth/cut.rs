//! What a synth that plays recorded sound did, said so that another program can do it again.

/// A piece of recorded sound at its place in a soundtrack. All frames are of the output's rate, which is that of the sound.
///
/// It sounds from `at` plus the first time of the envelope until `at` plus the last one. The sample of the output in frame
/// `at + t` is what lies `offset + t · speed` frames after the beginning of `unit`, times the envelope at `t`; pieces that
/// overlap are added.
#[derive(Clone, Debug, PartialEq)]
pub struct Cut {
    /// The frame of the output in which it begins by name; a fade may lie around that.
    pub at: i64,
    /// How many frames it lasts by name, until what follows it begins.
    pub frames: i64,
    /// The unit that it is read from.
    pub unit: u32,
    /// The place that sounds in frame `at`, in frames after the beginning of the unit. What lies beyond the unit is what
    /// naturally follows it.
    pub offset: i64,
    /// Speed of reading: 2 is an octave higher.
    pub speed: f64,
    /// −1 left, 0 as recorded, 1 right.
    pub pan: f32,
    /// Amplitudes at some frames after `at` (before it where negative), in order, with straight lines between them.
    pub envelope: Vec<(i32, f32)>,
}

impl Cut {
    /// The amplitude `t` frames after `at`; 0 outside of the envelope.
    pub fn amplitude(&self, t: i32) -> f32 {
        let next = self.envelope.partition_point(|(time, _)| *time <= t);
        match (next.checked_sub(1).and_then(|k| self.envelope.get(k)), self.envelope.get(next)) {
            (Some((from, a)), Some((to, b))) => a + (b - a) * (t - from) as f32 / (to - from) as f32,
            (Some((at, a)), None) if *at == t => *a,
            _ => 0.0,
        }
    }

    /// Mean of the squared envelope over all of it, 0 to 1 and more: what its power is multiplied by.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(envelope: &[(i32, f32)]) -> Cut {
        Cut { at: 0, frames: 1, unit: 0, offset: 0, speed: 1.0, pan: 0.0, envelope: envelope.to_vec() }
    }

    #[test]
    fn an_envelope_is_straight_lines() {
        let cut = cut(&[(-2, 0.0), (2, 1.0), (4, 0.5)]);
        let amplitudes: Vec<f32> = (-3..=5).map(|t| cut.amplitude(t)).collect();
        assert_eq!(amplitudes, [0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 0.75, 0.5, 0.0]);
        // ∫ of the squares: 4/3 over the rise, 2 · 1.75/3 over the fall.
        assert!((cut.power() - (4.0 / 3.0 + 3.5 / 3.0) / 6.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_has_no_power() {
        assert_eq!((cut(&[]).power(), cut(&[(0, 1.0)]).power(), cut(&[]).amplitude(0)), (0.0, 0.0, 0.0));
    }
}
