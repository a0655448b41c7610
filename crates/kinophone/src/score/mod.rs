//! Scores of soundtracks made of recorded sound: every clip with its place there and in its source, its author, and the reason
//! for which it was selected; as our own JSON, as a table, and for other programs.
//!
//! | extension | for | holds |
//! |---|---|---|
//! | `.json` | [`Score::read`] | everything |
//! | `.csv` | tables | everything but the envelopes |
//! | `.csd` | Csound | everything that sounds: plays like the render, which a test compares |
//! | `.rpp` | Reaper | a track a source, an item a clip, envelopes as those of takes |
//! | `.mid` | sequencers | a track a source, a note a clip: onset, pitch, loudness |
//! | `.edl` | film editors | CMX 3600 on the film's timecode: clips as events, in whole frames of a rate that editors have |
//!
//! `.csd` and `.rpp` play the sources from a folder beside them, `NAME.sources`.
//!
//! All times of a score are those of its soundtrack, which begins with the film's first picture: nothing sounds before 0, or after
//! its end.

mod credits;
mod csound;
mod csv;
mod edit_rate;
mod edl;
mod files;
mod midi;
mod reaper;
#[cfg(test)]
mod tests;
mod wav;

pub use credits::{CreditTally, Credits};
pub(crate) use files::sources_folder;
pub use files::{ScoreFiles, ScoreFormat};
pub use wav::SourceSound;

use crate::ledger::{Source, Terms};
use crate::media::FilmTimecode;
use crate::{Error, Kind, Result};
use kinophone_dsp::concat::Clip;
use kinophone_dsp::units::{FrameRate, SampleRate};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The format that this code writes and reads.
const VERSION: u32 = 2;

/// The largest time in seconds and gain in dB that a score may hold.
const MAX_NUMBER: f64 = 1e12;

/// A soundtrack as a list of clips.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Version of the format: 2.
    pub version: u32,
    /// The soundtrack.
    #[serde(flatten)]
    pub about: ScoreHeader,
    /// The recordings that may be played.
    pub sources: Vec<CreditedSource>,
    /// The clips, in the order of time.
    #[serde(rename = "pieces")]
    pub clips: Vec<ClipEvent>,
}

/// Facts about a soundtrack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreHeader {
    /// File name of the film, if there is one.
    pub film: Option<String>,
    /// Name of the brain's content, if one was used.
    pub brain: Option<String>,
    /// Length in seconds.
    pub seconds: f64,
    /// Rate at which the clips are played.
    pub rate: SampleRate,
    /// Channels in which they are played.
    pub channels: u32,
    /// Channels of the recordings: they may be fewer, where clips have places from left to right.
    pub source_channels: u32,
    /// Pictures a second of the film, as far as known.
    pub picture_rate: Option<FrameRate>,
    /// Timecode of its first picture, with which the soundtrack begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timecode: Option<FilmTimecode>,
    /// Gain of the sum of the clips, in dB.
    pub gain_db: f64,
    /// True if the sum of the clips was filtered (`--tone`, `--attack`): other programs play it as it was before.
    pub filtered: bool,
    /// Level of the film's own sound under it, in dB, where that is kept; it is in no clip.
    pub original_db: Option<f64>,
}

/// A source, and its terms of use as far as they are known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreditedSource {
    /// File name.
    pub name: String,
    /// BLAKE3 of the file.
    pub blake3: String,
    /// Length of the file in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Whose it is, and its terms.
    #[serde(flatten)]
    pub terms: Terms,
}

/// A stretch of a source at its place in the soundtrack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClipEvent {
    /// Beginning in the soundtrack, in seconds. A fade may begin some milliseconds before.
    pub at: f64,
    /// Nominal length in seconds: in a mosaic until the next one begins. 0 for the tail of a clip, which sounds backwards where
    /// its source ends.
    pub seconds: f64,
    /// Number of its source.
    pub source: usize,
    /// Place in the source that sounds at `at`, in seconds.
    pub source_at: f64,
    /// Speed of reading: 2 is an octave higher, −1 backwards.
    pub speed: f64,
    /// Pitch as it sounds, in Hz, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pitch_hz: Option<f64>,
    /// −1 left, 0 as recorded, 1 right: the left channel times 1 − pan, the right one times 1 + pan, neither louder than it was.
    pub pan: f32,
    /// Layer of the soundtrack, from 0.
    pub layer: u32,
    /// Gain in dB: mean square of the envelope.
    pub gain_db: f64,
    /// Mean power in dB: 10 log10 of the mean square.
    pub level_db: f64,
    /// Amplitudes at times in seconds after `at` (before it where negative), in order, with straight lines between them; nothing
    /// before the first and after the last one.
    pub envelope: Vec<[f64; 2]>,
    /// The reason for the selection, where units were searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<SelectionReason>,
}

/// The reason for which a clip was selected. Distances are those by which the nearest unit is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SelectionReason {
    /// Squared distance between target and unit; the mean over its ticks.
    pub distance: f32,
    /// True if it began with a jump, instead of continuing the clip before.
    pub jump: bool,
    /// Shares of the distance, 0 to 1: of the tone in 64 bands, …
    pub tone: f32,
    /// … of the loudness, …
    pub loudness: f32,
    /// … of how strongly it begins, …
    pub onset: f32,
    /// … of the picture that it was recorded with, …
    pub picture: f32,
    /// … and of its pitch.
    #[serde(default)]
    pub pitch: f32,
}

impl Score {
    /// A score of clips in any order, cut off at the beginning and the end of the soundtrack.
    pub fn new(about: ScoreHeader, sources: Vec<CreditedSource>, clips: Vec<ClipEvent>) -> Self {
        let within = |clip: ClipEvent| clip.within(about.seconds);
        let mut clips: Vec<ClipEvent> = clips.into_iter().filter_map(within).collect();
        clips.sort_by(|a, b| a.at.total_cmp(&b.at));
        Self { version: VERSION, about, sources, clips }
    }

    /// The credits of the sources: the largest share of the energy first. All shares together are 1, or 0 in a silent soundtrack.
    pub fn credits(&self) -> Credits {
        let mut tally = CreditTally::default();
        self.clips.iter().for_each(|clip| tally.add(clip));
        tally.credits(&self.about, &self.sources)
    }

    /// The score as JSON, one line a clip.
    pub fn json(&self) -> String {
        let to_json = |clip: &ClipEvent| serde_json::to_string(clip).expect("numbers and words become JSON");
        let head = Self {
            version: self.version,
            about: self.about.clone(),
            sources: self.sources.clone(),
            clips: Vec::new(),
        };
        let head = serde_json::to_string_pretty(&head).expect("numbers and words become JSON");
        let clips: Vec<String> = self.clips.iter().map(to_json).collect();
        let head = head.trim_end().trim_end_matches('}').trim_end().trim_end_matches("[]");
        format!("{head}[\n{}\n]}}\n", clips.join(",\n"))
    }

    /// Reads a score that was written as JSON.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        let damaged = |what: String| {
            Error::new(Kind::Damaged, what)
                .at(path)
                .help("name the .json that 'kinophone render --score' wrote")
        };
        #[derive(Deserialize)]
        struct VersionOnly {
            version: u32,
        }
        let version: VersionOnly =
            serde_json::from_slice(&bytes).map_err(|e| damaged(format!("is no score: {e}")))?;
        if version.version != VERSION {
            return Err(damaged(format!("was written by another Kinophone (format {})", version.version)));
        }
        let score: Self = serde_json::from_slice(&bytes).map_err(|e| damaged(format!("is no score: {e}")))?;
        if score.clips.iter().any(|clip| clip.source >= score.sources.len()) {
            return Err(damaged("names a source that it does not list".to_owned()));
        }
        if score.about.seconds.abs() > MAX_NUMBER || !score.clips.iter().all(ClipEvent::is_possible) {
            return Err(damaged("holds a number that no soundtrack has".to_owned()));
        }
        Ok(score)
    }

    /// Differences between the render and what other programs play, a sentence each.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.about.filtered {
            notes.push("The render was filtered afterwards; --tone 0 --attack 0 leaves that out, and sounds like this.".into());
        }
        if let Some(db) = self.about.original_db {
            notes
                .push(format!("The film's own sound lies under the render, at {db} dB, and is not in here."));
        }
        notes
    }

    /// The name of a source.
    fn name(&self, source: usize) -> &str {
        self.sources.get(source).map_or("", |source| &source.name)
    }

    /// The numbers of the sources that sound.
    fn sounding_sources(&self) -> Vec<usize> {
        let sounds = |source: &usize| self.clips.iter().any(|clip| clip.source == *source);
        (0..self.sources.len()).filter(sounds).collect()
    }
}

impl ClipEvent {
    /// The event of a clip, out of material whose mean power was `loudness_db` (10 log10 of the mean square). `source_frame` is
    /// the frame of the source that sounds in frame [`Clip::at`]; frames are of `rate`.
    pub fn of(
        cut: &Clip,
        source: usize,
        source_frame: i64,
        rate: SampleRate,
        loudness_db: f32,
        why: Option<SelectionReason>,
    ) -> Self {
        let time = |frames: i64| rounded(frames as f64 / f64::from(rate.hz()), 1e9);
        let gain_db = 10.0 * cut.power().max(1e-12).log10();
        Self {
            at: time(cut.at),
            seconds: time(cut.frames),
            source,
            source_at: time(source_frame),
            speed: cut.speed,
            pitch_hz: None,
            pan: cut.pan,
            layer: 0,
            gain_db: rounded(gain_db, 100.0),
            level_db: rounded((gain_db + f64::from(loudness_db)).max(-120.0), 100.0),
            envelope: cut
                .envelope
                .iter()
                .map(|(t, amplitude)| [time(i64::from(*t)), rounded(f64::from(*amplitude), 1e6)])
                .collect(),
            why,
        }
    }

    /// Beginning and end of its sound, fades included, in seconds of the soundtrack.
    pub fn span(&self) -> (f64, f64) {
        let time = |point: Option<&[f64; 2]>| self.at + point.map_or(0.0, |point| point[0]);
        (time(self.envelope.first()), time(self.envelope.last()))
    }

    /// True if its numbers can be calculated with: JSON can hold larger ones.
    fn is_possible(&self) -> bool {
        let why = self.why.unwrap_or_default();
        let single = [self.pan, why.distance, why.tone, why.loudness, why.onset, why.picture, why.pitch];
        let double = [self.at, self.seconds, self.source_at, self.speed, self.gain_db, self.level_db];
        let mut double = double.iter().chain(self.envelope.iter().flatten());
        single.iter().all(|x| x.is_finite()) && double.all(|x| x.abs() <= MAX_NUMBER)
    }

    /// True if it is the tail of another clip.
    fn is_tail(&self) -> bool {
        self.seconds <= 0.0
    }

    /// The part of it that sounds between 0 and `end`; `None` where that is nothing.
    pub(crate) fn within(mut self, end: f64) -> Option<Self> {
        self.begin_by(0.0);
        self.end_by(end);
        (self.at < end && !self.envelope.is_empty()).then_some(self)
    }

    /// Cuts off its sound before a beginning.
    fn begin_by(&mut self, begin: f64) {
        let late = begin - self.at;
        if late > 0.0 {
            self.at = begin;
            self.seconds = (self.seconds - late).max(0.0);
            self.source_at = rounded(self.source_at + late * self.speed, 1e9);
            self.envelope.iter_mut().for_each(|point| point[0] = rounded(point[0] - late, 1e9));
        }
        let first = begin - self.at;
        let inside = self.envelope.partition_point(|point| point[0] < first);
        if inside > 0 {
            let cut = self.envelope.get(inside).map(|_| self.point_between(inside, first));
            self.envelope.splice(..inside, cut.filter(|cut| cut[0] < self.envelope[inside][0]));
        }
    }

    /// Cuts off its sound at an end.
    fn end_by(&mut self, end: f64) {
        self.seconds = self.seconds.min(end - self.at).max(0.0);
        let last = end - self.at;
        let Some(beyond) = self.envelope.iter().position(|point| point[0] >= last) else { return };
        let cut = (beyond > 0).then(|| self.point_between(beyond, last));
        self.envelope.truncate(beyond);
        self.envelope.extend(cut);
    }

    /// The point of the envelope at `time`, which lies between those before and at `next`.
    fn point_between(&self, next: usize, time: f64) -> [f64; 2] {
        let (from, to) = (self.envelope[next - 1], self.envelope[next]);
        let share = (time - from[0]) / (to[0] - from[0]);
        [time, from[1] + (to[1] - from[1]) * share]
    }
}

impl From<&Source> for CreditedSource {
    fn from(source: &Source) -> Self {
        Self {
            name: source.name.clone(),
            blake3: source.blake3.clone(),
            seconds: source.facts.duration.map(|length| length.as_secs_f64()),
            terms: source.terms.clone(),
        }
    }
}

fn rounded(x: f64, steps: f64) -> f64 {
    (x * steps).round() / steps
}
