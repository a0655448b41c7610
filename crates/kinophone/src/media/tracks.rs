//! Choice among a film's sound tracks.

use crate::media::{FilmFacts, SoundFacts};
use crate::{Error, Kind, Result};
use kinophone_dsp::units::SampleRate;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// Sound tracks to be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AudioTracks {
    /// The one that the film marks as its default, else the first.
    #[default]
    Default,
    /// These, as indices into `FilmFacts::sounds`: one, or several that sound together. Of two tracks the first is the left channel and
    /// the second the right one; more are mixed in equal parts.
    Numbers(Vec<usize>),
}

/// The highest rate at which sound is kept, in Hz.
const MAX_RATE_HZ: u32 = 48_000;
/// The most tracks that can be used together: a field recorder has up to 32.
const MAX_TRACKS: usize = 32;

impl AudioTracks {
    /// One track by its number.
    pub fn one(number: usize) -> Self {
        Self::Numbers(vec![number])
    }

    /// Indices of these tracks; `Kind::NoSound` where the film does not have one of them.
    pub(crate) fn indices(&self, path: &Path, facts: &FilmFacts) -> Result<Vec<usize>> {
        let count = facts.sounds.len();
        let lacking = |what: String, help: String| Err(Error::new(Kind::NoSound, what).at(path).help(help));
        let numbers = match self {
            _ if count == 0 => {
                return lacking("has no sound".to_owned(), "name a film that has sound".to_owned());
            }
            Self::Default => return Ok(vec![facts.default_sound()]),
            Self::Numbers(numbers) => numbers,
        };
        match numbers.iter().find(|number| **number >= count) {
            None => Ok(numbers.clone()),
            Some(number) if count == 1 => lacking(
                format!("has one sound track, number 0, and no number {number}"),
                "leave --audio-track out".to_owned(),
            ),
            Some(number) => lacking(
                format!("has {count} sound tracks and no number {number}"),
                format!("choose with --audio-track among: {}", facts.list_sounds()),
            ),
        }
    }

    /// Facts of these tracks.
    pub(crate) fn facts<'a>(&self, path: &Path, facts: &'a FilmFacts) -> Result<Vec<&'a SoundFacts>> {
        Ok(self.indices(path, facts)?.into_iter().map(|index| &facts.sounds[index]).collect())
    }

    /// Rate and channels in which their sound is kept: at most 48 kHz, and 2 channels. Fails with `Kind::NoSound` where the film
    /// does not have them.
    pub fn format(&self, path: &Path, facts: &FilmFacts) -> Result<(SampleRate, u32)> {
        let tracks = self.facts(path, facts)?;
        let highest = SampleRate::new(MAX_RATE_HZ).expect("48 kHz is in range");
        let rate = tracks.iter().map(|track| track.rate.min(highest)).max().unwrap_or(highest);
        let channels = tracks.iter().map(|track| track.channels.min(2)).max().unwrap_or(1);
        Ok((rate, if tracks.len() == 2 { 2 } else { channels }))
    }

    /// Everything about the choice that a person may not expect, a sentence each: a choice among several, channels without places.
    pub fn remarks(&self, facts: &FilmFacts) -> Vec<String> {
        let mut remarks = Vec::new();
        let indices = match self {
            Self::Default if facts.sounds.is_empty() => return remarks,
            Self::Default => vec![facts.default_sound()],
            Self::Numbers(numbers) => numbers.clone(),
        };
        if *self == Self::Default && facts.sounds.len() > 1 {
            remarks.push(format!(
                "of {} sound tracks number {} is used; choose with --audio-track among: {}",
                facts.sounds.len(),
                indices[0],
                facts.list_sounds()
            ));
        }
        let used = indices.iter().filter_map(|index| facts.sounds.get(*index));
        remarks.extend(used.filter_map(SoundFacts::mixing));
        remarks
    }
}

impl FilmFacts {
    /// Index of the sound track that players choose: the first one marked as default, else the first.
    pub(crate) fn default_sound(&self) -> usize {
        self.sounds.iter().position(|sound| sound.default).unwrap_or(0)
    }

    /// All sound tracks in a line: "0 (aac, stereo, eng); 1 (ac3, 5.1, default)".
    pub fn list_sounds(&self) -> String {
        self.sounds
            .iter()
            .enumerate()
            .map(|(index, sound)| format!("{index} ({sound})"))
            .collect::<Vec<_>>()
            .join("; ")
    }
}

impl SoundFacts {
    /// The way in which its channels are mixed, where that is not the usual one.
    fn mixing(&self) -> Option<String> {
        let channels = self.channels;
        match self.mix() {
            ChannelMix::Usual => None,
            ChannelMix::Omnidirectional => {
                Some(format!("of its {channels} ambisonic channels the omnidirectional one is used"))
            }
            ChannelMix::Alternating => Some(format!(
                "its {channels} channels have no known places: they are mixed in equal parts, the odd ones to the left, the even \
                 ones to the right"
            )),
        }
    }

    /// Way in which its channels become one or two.
    pub(crate) fn mix(&self) -> ChannelMix {
        match &self.layout {
            Some(layout) if layout.starts_with("ambisonic") => ChannelMix::Omnidirectional,
            Some(_) if self.channels <= 8 => ChannelMix::Usual,
            None if self.channels <= 2 => ChannelMix::Usual,
            _ => ChannelMix::Alternating,
        }
    }
}

/// See [`SoundFacts::mix`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelMix {
    /// By the places of the loudspeakers, as ffmpeg does.
    Usual,
    /// The first channel of an ambisonic sound alone, which holds what comes from everywhere.
    Omnidirectional,
    /// Channels without places, such as those of a field recorder, which come in pairs: odd ones to the left, even ones to the right.
    Alternating,
}

impl fmt::Display for SoundFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.codec)?;
        match (&self.layout, self.channels) {
            (Some(layout), _) => write!(f, "{}", layout.escape_debug())?,
            (None, 1) => write!(f, "mono")?,
            (None, 2) => write!(f, "stereo")?,
            (None, channels) => write!(f, "{channels} channels")?,
        }
        for text in self.language.iter().chain(&self.title) {
            write!(f, ", {}", text.escape_debug())?;
        }
        if self.default { write!(f, ", default") } else { Ok(()) }
    }
}

impl FromStr for AudioTracks {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let number = |word: &str| {
            word.trim()
                .parse()
                .map_err(|_| format!("'{word}' is no number of a sound track; write 1, or 0,1"))
        };
        let mut numbers = text.split(',').map(number).collect::<std::result::Result<Vec<usize>, _>>()?;
        if numbers.len() > MAX_TRACKS {
            return Err(format!("at most {MAX_TRACKS} sound tracks can be used together"));
        }
        let all = numbers.len();
        let mut seen = std::collections::BTreeSet::new();
        numbers.retain(|number| seen.insert(*number));
        if numbers.len() < all {
            return Err("a sound track is named twice".to_owned());
        }
        Ok(Self::Numbers(numbers))
    }
}

impl fmt::Display for AudioTracks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => write!(f, "default"),
            Self::Numbers(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
                write!(f, "{}", numbers.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinophone_dsp::units::MediaTime;

    fn sound(channels: u32, layout: Option<&str>, default: bool) -> SoundFacts {
        SoundFacts {
            stream: 0,
            codec: "aac".to_owned(),
            rate: SampleRate::new(48_000).unwrap(),
            channels,
            layout: layout.map(str::to_owned),
            start: MediaTime::ZERO,
            language: None,
            title: None,
            default,
        }
    }

    fn film(sounds: Vec<SoundFacts>) -> FilmFacts {
        FilmFacts { container: "mov".into(), duration: None, bytes: 1, picture: None, sounds, tags: vec![] }
    }

    #[test]
    fn the_marked_track_is_the_default_and_several_are_said() {
        let film = film(vec![sound(1, Some("mono"), false), sound(2, Some("stereo"), true)]);
        let path = Path::new("film.mp4");
        assert_eq!(AudioTracks::Default.indices(path, &film).unwrap(), [1]);
        assert_eq!(
            AudioTracks::Default.remarks(&film),
            [
                "of 2 sound tracks number 1 is used; choose with --audio-track among: 0 (aac, mono); 1 (aac, stereo, default)"
            ]
        );
        assert_eq!("0,1".parse::<AudioTracks>().unwrap().indices(path, &film).unwrap(), [0, 1]);
        assert!(AudioTracks::one(0).remarks(&film).is_empty());
        assert_eq!(AudioTracks::one(2).indices(path, &film).unwrap_err().kind(), Kind::NoSound);
        for text in ["", "a", "0,0", "-1", "0;1"] {
            assert!(text.parse::<AudioTracks>().is_err(), "{text}");
        }
    }

    #[test]
    fn channels_without_places_are_mixed_alike_and_said() {
        let mix = |channels, layout| sound(channels, layout, false).mix();
        assert_eq!(mix(6, Some("5.1")), ChannelMix::Usual);
        assert_eq!(mix(6, None), ChannelMix::Alternating);
        assert_eq!(mix(2, None), ChannelMix::Usual);
        assert_eq!(mix(16, Some("hexadecagonal")), ChannelMix::Alternating);
        assert_eq!(mix(4, Some("ambisonic 1")), ChannelMix::Omnidirectional);
        let remarks = AudioTracks::Default.remarks(&film(vec![sound(10, None, false)]));
        assert!(remarks[0].starts_with("its 10 channels have no known places"), "{remarks:?}");
    }
}
