//! Layout of the descriptors by which units of sound are compared.

use crate::model::features::config::EMBEDDING;
use kinophone_dsp::metrics::BANDS;
use std::ops::Range;

/// Numbers of a descriptor that are of sound alone: the bands, the loudness, the onset.
pub const DESCRIPTOR: usize = BANDS + 2;

/// Numbers of a descriptor of sound and picture.
pub const UNIT: usize = DESCRIPTOR + EMBEDDING;

/// Ranges of a descriptor's numbers, one for each quality by which units are compared. A range is empty where a descriptor says
/// nothing of the quality.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescriptorLayout {
    /// Power in each mel band.
    pub tone: Range<usize>,
    /// Loudness.
    pub loudness: Range<usize>,
    /// Strength of the onset.
    pub onset: Range<usize>,
    /// Embedding of the picture that is shown while the unit sounds.
    pub picture: Range<usize>,
    /// Pitch classes and their confidence.
    pub pitch: Range<usize>,
}

impl DescriptorLayout {
    /// Sound alone: the units of a library.
    pub const SOUND: Self = Self {
        tone: 0..BANDS,
        loudness: BANDS..BANDS + 1,
        onset: BANDS + 1..DESCRIPTOR,
        picture: DESCRIPTOR..DESCRIPTOR,
        pitch: DESCRIPTOR..DESCRIPTOR,
    };

    /// Sound and picture: the units of a brain's own sound.
    pub const SOUND_AND_PICTURE: Self = Self { picture: DESCRIPTOR..UNIT, pitch: UNIT..UNIT, ..Self::SOUND };

    /// Sound and `numbers` of pitch: the units of a library that are compared with sound of known pitch.
    pub const fn sound_and_pitch(numbers: usize) -> Self {
        Self { pitch: DESCRIPTOR..DESCRIPTOR + numbers, ..Self::SOUND }
    }

    /// All ranges in the order tone, loudness, onset, picture, pitch.
    pub fn ranges(&self) -> [Range<usize>; 5] {
        [&self.tone, &self.loudness, &self.onset, &self.picture, &self.pitch].map(Range::clone)
    }

    /// Numbers of a whole descriptor.
    pub fn width(&self) -> usize {
        self.pitch.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_one_another_without_gaps() {
        let layouts = [
            DescriptorLayout::SOUND,
            DescriptorLayout::SOUND_AND_PICTURE,
            DescriptorLayout::sound_and_pitch(13),
        ];
        for layout in layouts {
            let ranges = layout.ranges();
            assert!(ranges[0].start == 0 && ranges.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
        assert_eq!(DescriptorLayout::SOUND.width(), DESCRIPTOR);
        assert_eq!(DescriptorLayout::SOUND_AND_PICTURE.width(), UNIT);
        assert_eq!(DescriptorLayout::sound_and_pitch(13).width(), DESCRIPTOR + 13);
    }
}
