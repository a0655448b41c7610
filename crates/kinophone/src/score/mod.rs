//! What sounds when in a soundtrack made of recorded sound: every piece of it with its place there and in its source, whose it
//! is, and why it was chosen; as our own JSON, as a table, and for other programs.
//!
//! | extension | for | holds |
//! |---|---|---|
//! | `.json` | [`Score::read`] | everything |
//! | `.csv` | tables | everything but the envelopes |
//! | `.csd` | Csound | everything that sounds: plays like the render, which a test compares |
//! | `.rpp` | Reaper | a track a source, an item a piece, envelopes as those of takes |
//! | `.mid` | sequencers | a track a source, a note a piece: onset, pitch, loudness |
//! | `.edl` | film editors | CMX 3600 at the film's rate: pieces as events, in whole frames |
//!
//! `.csd` and `.rpp` play the sources from a folder beside them, `NAME.sources`.

mod credits;
mod csound;
mod csv;
mod edl;
mod files;
mod midi;
mod reaper;
#[cfg(test)]
mod tests;
mod wav;

pub use credits::{CreditTally, Credits};
pub use files::{ScoreFiles, ScoreFormat, SourceSound};

use crate::ledger::Source;
use crate::{Error, Kind, Result};
use kinophone_dsp::concat::Clip;
use kinophone_dsp::units::{FrameRate, SampleRate};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The layout that this code writes and reads.
const VERSION: u32 = 2;

/// No time in seconds and no gain in dB is larger.
const MAX_NUMBER: f64 = 1e12;

/// What sounds when, and where it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// 2.
    pub version: u32,
    /// Of which soundtrack.
    #[serde(flatten)]
    pub about: ScoreHeader,
    /// Those whose sounds are played.
    pub sources: Vec<CreditedSource>,
    /// In the order of time.
    pub pieces: Vec<ClipEvent>,
}

/// A soundtrack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreHeader {
    /// File name of the film, if there is one.
    pub film: Option<String>,
    /// Name of the brain's content, if one has chosen.
    pub brain: Option<String>,
    /// Length in seconds.
    pub seconds: f64,
    /// Rate at which the pieces are played.
    pub rate: SampleRate,
    /// Channels in which they are played.
    pub channels: u32,
    /// Channels of what was recorded: they may be fewer, where pieces have places from left to right.
    pub source_channels: u32,
    /// Pictures a second of the film, as far as known.
    pub picture_rate: Option<FrameRate>,
    /// Gain of the whole after all pieces, in dB.
    pub gain_db: f64,
    /// Whether the sum of the pieces was filtered then (`--tone`, `--attack`): other programs play it as it was before.
    pub filtered: bool,
    /// The film's own sound lies under it, at this many dB; it is in no piece.
    pub original_db: Option<f64>,
}

/// A source, and its terms as far as they are known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreditedSource {
    /// File name.
    pub name: String,
    /// BLAKE3 of the file.
    pub blake3: String,
    /// Length of the file in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// Title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// A stretch of a source at its place in the soundtrack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClipEvent {
    /// Where it begins in the soundtrack, in seconds. A fade may begin some milliseconds before.
    pub at: f64,
    /// How long it lasts by name, in seconds: in a mosaic until the next one begins. 0 for the tail of a piece, which sounds
    /// backwards where its source ends.
    pub seconds: f64,
    /// Number of its source.
    pub source: usize,
    /// What sounds in the source at `at`, in seconds.
    pub source_at: f64,
    /// Speed of reading: 2 is an octave higher, −1 backwards.
    pub speed: f64,
    /// Its pitch as it sounds, in Hz, where it has one that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pitch_hz: Option<f64>,
    /// −1 left, 0 as recorded, 1 right: the left channel times 1 − pan, the right one times 1 + pan, neither louder than it was.
    pub pan: f32,
    /// Which layer of the soundtrack it belongs to, from 0.
    pub layer: u32,
    /// Its gain in dB: mean square of the envelope.
    pub gain_db: f64,
    /// Its power on the average, in dB: 10 log10 of the mean square.
    pub level_db: f64,
    /// Amplitudes at times in seconds after `at` (before it where negative), in order, with straight lines between them; nothing
    /// before the first and after the last one.
    pub envelope: Vec<[f64; 2]>,
    /// Why this one, where something was looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<SelectionReason>,
}

/// What speaks for a piece. Distances are those by which the nearest one is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SelectionReason {
    /// Squared distance of what was wanted from what it is; the mean over its ticks.
    pub distance: f32,
    /// Whether a jump was paid for to get there, instead of going on with what sounded before.
    pub jump: bool,
    /// Shares of the distance, 0 to 1: of the tone in 64 bands, …
    pub tone: f32,
    /// … of the loudness, …
    pub loudness: f32,
    /// … of how much it begins, …
    pub onset: f32,
    /// … of what the picture looked like when it was recorded, …
    pub picture: f32,
    /// … and of its pitch.
    #[serde(default)]
    pub pitch: f32,
}

impl Score {
    /// Of these pieces, in any order: what lies beyond the end is cut off.
    pub fn new(about: ScoreHeader, sources: Vec<CreditedSource>, mut pieces: Vec<ClipEvent>) -> Self {
        pieces.iter_mut().for_each(|piece| piece.end_by(about.seconds));
        pieces.retain(|piece| piece.at < about.seconds && !piece.envelope.is_empty());
        pieces.sort_by(|a, b| a.at.total_cmp(&b.at));
        Self { version: VERSION, about, sources, pieces }
    }

    /// Whose sounds these are: the largest share of the energy first. All shares together are 1, or 0 in a silent soundtrack.
    pub fn credits(&self) -> Credits {
        let mut tally = CreditTally::default();
        self.pieces.iter().for_each(|piece| tally.add(piece));
        tally.credits(&self.about, &self.sources)
    }

    /// As JSON, one line a piece.
    pub fn json(&self) -> String {
        let to_json =
            |piece: &ClipEvent| serde_json::to_string(piece).expect("numbers and words become JSON");
        let head = Self {
            version: self.version,
            about: self.about.clone(),
            sources: self.sources.clone(),
            pieces: Vec::new(),
        };
        let head = serde_json::to_string_pretty(&head).expect("numbers and words become JSON");
        let pieces: Vec<String> = self.pieces.iter().map(to_json).collect();
        let head = head.trim_end().trim_end_matches('}').trim_end().trim_end_matches("[]");
        format!("{head}[\n{}\n]}}\n", pieces.join(",\n"))
    }

    /// As a table, see [`csv`](self).
    pub fn csv(&self) -> String {
        csv::csv(self)
    }

    /// Reads what was written as JSON.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        let damaged = |what: String| {
            Error::new(Kind::Damaged, what)
                .at(path)
                .help("name the .json that 'kinophone render --score' wrote")
        };
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let version: Version =
            serde_json::from_slice(&bytes).map_err(|e| damaged(format!("is no score: {e}")))?;
        if version.version != VERSION {
            return Err(damaged(format!("was written by another Kinophone (format {})", version.version)));
        }
        let score: Self = serde_json::from_slice(&bytes).map_err(|e| damaged(format!("is no score: {e}")))?;
        if score.pieces.iter().any(|piece| piece.source >= score.sources.len()) {
            return Err(damaged("names a source that it does not list".to_owned()));
        }
        if score.about.seconds.abs() > MAX_NUMBER || !score.pieces.iter().all(ClipEvent::is_possible) {
            return Err(damaged("holds a number that no soundtrack has".to_owned()));
        }
        Ok(score)
    }

    /// What a program that plays the pieces can't know, a sentence each.
    fn reservations(&self) -> Vec<String> {
        let mut said = Vec::new();
        if self.about.filtered {
            said.push("The render was filtered afterwards; --tone 0 --attack 0 leaves that out, and sounds like this.".into());
        }
        if let Some(db) = self.about.original_db {
            said.push(format!("The film's own sound lies under the render, at {db} dB, and is not in here."));
        }
        said
    }

    /// A source's name.
    fn name(&self, source: usize) -> &str {
        self.sources.get(source).map_or("", |source| &source.name)
    }

    /// The numbers of the sources that sound.
    fn heard(&self) -> Vec<usize> {
        let sounds = |source: &usize| self.pieces.iter().any(|piece| piece.source == *source);
        (0..self.sources.len()).filter(sounds).collect()
    }
}

impl ClipEvent {
    /// A piece that a player has played, out of material whose power was `loudness_db` on the average (10 log10 of the mean
    /// square). `source_frame` is what sounds in the source in frame [`Clip::at`]; frames are of `rate`.
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

    /// From when until when it sounds, its fades included, in seconds of the soundtrack.
    pub fn span(&self) -> (f64, f64) {
        let time = |point: Option<&[f64; 2]>| self.at + point.map_or(0.0, |point| point[0]);
        (time(self.envelope.first()), time(self.envelope.last()))
    }

    /// Whether its numbers can be calculated with: JSON can hold larger ones.
    fn is_possible(&self) -> bool {
        let why = self.why.unwrap_or_default();
        let single = [self.pan, why.distance, why.tone, why.loudness, why.onset, why.picture, why.pitch];
        let double = [self.at, self.seconds, self.source_at, self.speed, self.gain_db, self.level_db];
        let mut double = double.iter().chain(self.envelope.iter().flatten());
        single.iter().all(|x| x.is_finite()) && double.all(|x| x.abs() <= MAX_NUMBER)
    }

    /// Whether it is the tail of another piece.
    fn is_tail(&self) -> bool {
        self.seconds <= 0.0
    }

    /// Cuts off what lies beyond an end.
    fn end_by(&mut self, end: f64) {
        self.seconds = self.seconds.min(end - self.at).max(0.0);
        let last = end - self.at;
        let Some(beyond) = self.envelope.iter().position(|point| point[0] >= last) else { return };
        let cut = beyond.checked_sub(1).and_then(|k| self.envelope.get(k)).map(|from| {
            let to = self.envelope[beyond];
            let share = (last - from[0]) / (to[0] - from[0]);
            [last, from[1] + (to[1] - from[1]) * share]
        });
        self.envelope.truncate(beyond);
        self.envelope.extend(cut);
    }
}

impl From<&Source> for CreditedSource {
    fn from(source: &Source) -> Self {
        Self {
            name: source.name.clone(),
            blake3: source.blake3.clone(),
            seconds: source.facts.duration.map(|length| length.as_secs_f64()),
            title: source.title.clone(),
            author: source.author.clone(),
            licence: source.licence.clone(),
            origin: source.origin.clone(),
        }
    }
}

fn rounded(x: f64, steps: f64) -> f64 {
    (x * steps).round() / steps
}
