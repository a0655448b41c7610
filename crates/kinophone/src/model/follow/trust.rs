//! Trust in what a brain's networks say of pictures like those of its own film.

use serde::{Deserialize, Serialize};

/// Share of the networks in the controls where the film looks familiar, 0 to 1 for each quality, as validation showed it. The rest
/// is led by what needs no learning: loudness and onsets by what moves, the tone by the loudness.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trust {
    /// The loudness.
    pub loudness: f32,
    /// Strength of onsets.
    pub onsets: f32,
    /// The power of each band apart from the loudness.
    pub tone: f32,
}

impl Trust {
    /// Nothing but the networks.
    pub const FULL: Self = Self { loudness: 1.0, onsets: 1.0, tone: 1.0 };

    /// The shares in a sentence.
    pub fn words(&self) -> String {
        let percent = |share: f32| format!("{:.0} %", 100.0 * share);
        let [attacks, loudness, tone] = [self.onsets, self.loudness, self.tone].map(percent);
        let rest = match *self == Self::FULL {
            true => "",
            false => "; beside that, what moves leads, and the tone goes with the loudness",
        };
        format!(
            "It is trusted with what it learned of attacks by {attacks}, of loudness by {loudness} and of tone by {tone}{rest}."
        )
    }

    /// True if every share is from 0 to 1.
    pub(crate) fn is_possible(&self) -> bool {
        [self.loudness, self.onsets, self.tone].iter().all(|share| (0.0..=1.0).contains(share))
    }
}

impl Default for Trust {
    /// That of older brains, which did not find out.
    fn default() -> Self {
        Self::FULL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_every_share() {
        let trust = Trust { loudness: 0.585, onsets: 1.0, tone: 0.0 };
        assert_eq!(
            trust.words(),
            "It is trusted with what it learned of attacks by 100 %, of loudness by 58 % and of tone by 0 %; beside that, what moves leads, and the tone goes with the loudness."
        );
        assert!(Trust::FULL.words().ends_with("tone by 100 %."));
        assert!(trust.is_possible() && !Trust { tone: 1.1, ..trust }.is_possible());
        assert!(!Trust { tone: f32::NAN, ..trust }.is_possible());
    }
}
