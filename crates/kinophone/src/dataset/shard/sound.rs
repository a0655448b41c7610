//! A shard's sound: 16-bit samples, and what is needed to hear them.
//!
//! Sound is scaled by a power of two that its peak nearly fills, so that neither faint recordings lose their last bits nor recordings in
//! floating point their peaks; 16-bit sound stays as it is, to the bit.

use kinophone_dsp::units::SampleRate;

/// The largest scale of sound: 2 to this power, either way.
pub(crate) const MAX_EXPONENT: i8 = 24;

/// Sound of a film or a recording.
#[derive(Clone, Copy, Debug)]
pub struct ShardSound<'a> {
    /// Frames a second.
    pub rate: SampleRate,
    /// 1 or 2.
    pub channels: u32,
    /// Interleaved, in steps of [`ShardSound::step`]; frame 0 is time 0.
    pub samples: &'a [i16],
    /// Samples of 16 bits fill ±2 to this power.
    pub exponent: i8,
    /// True if its two channels have opposite polarity, so that their mean would be silence.
    pub opposed: bool,
}

impl ShardSound<'_> {
    /// Value of one step of its samples, 1/32768 where they fill ±1.
    pub fn step(&self) -> f32 {
        step(self.exponent)
    }

    /// Frames in all.
    pub fn frames(&self) -> usize {
        self.samples.len() / self.channels as usize
    }

    /// One channel of some interleaved samples of this sound, in place of what `mono` held: the mean of its channels, or half of their
    /// difference where they have opposite polarity.
    pub fn mix_down(&self, samples: &[i16], mono: &mut Vec<f32>) {
        mono.clear();
        let (step, samples) = (self.step(), samples.iter().map(|sample| f32::from(*sample)));
        if self.channels == 1 {
            return mono.extend(samples.map(|sample| sample * step));
        }
        let second = if self.opposed { -1.0 } else { 1.0 };
        let mut samples = samples;
        while let (Some(left), Some(right)) = (samples.next(), samples.next()) {
            mono.push((left + second * right) * 0.5 * step);
        }
    }
}

/// See [`ShardSound::step`].
pub(crate) fn step(exponent: i8) -> f32 {
    2f32.powi(i32::from(exponent) - 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_averaged_or_subtracted() {
        let rate = SampleRate::new(48_000).unwrap();
        let samples: &[i16] = &[16_384, 0, -32_768, -32_768];
        let sound = ShardSound { rate, channels: 2, samples, exponent: 0, opposed: false };
        let mut mono = Vec::new();
        sound.mix_down(samples, &mut mono);
        assert_eq!(mono, [0.25, -1.0]);
        ShardSound { exponent: 3, opposed: true, ..sound }.mix_down(samples, &mut mono);
        assert_eq!(mono, [2.0, 0.0]);
        ShardSound { channels: 1, exponent: -10, ..sound }.mix_down(&samples[..1], &mut mono);
        assert_eq!(mono, [0.5 / 1024.0]);
    }
}
