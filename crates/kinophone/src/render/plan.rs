//! TODO module docs

use crate::brain::Brain;
use crate::concat::SelectionConfig;
use crate::media::SoundCodec;
use crate::model::DescriptorMatching;
use crate::render::synth::{ResolvedSynth, SynthRequest};
use crate::score::Credits;
use crate::soundtrack::OutputOptions;
use crate::{Error, Kind, Result};
use kinophone_dsp::units::SampleRate;
use serde::Serialize;
use std::path::PathBuf;

/// What to render.
#[derive(Clone, Debug)]
pub struct RenderPlan {
    /// The brain file.
    pub brain: PathBuf,
    /// The film to give a soundtrack.
    pub film: PathBuf,
    /// Where it goes. Scores are of a mosaic or of grains.
    pub output: OutputOptions,
    /// How the brain's answers become sound.
    pub synth: SynthRequest,
    /// Sounds to play with, instead of those that the brain learned from.
    pub sounds: Option<LibraryRequest>,
    /// What counts when recorded sound is chosen.
    pub choice: SelectionConfig,
    /// Seed of what is random in the synth, where none is named.
    pub seed: u64,
    /// Play as if live: with those networks that know nothing of what comes.
    pub live: bool,
    /// How many further ticks are known, live, when the sound of a tick is chosen in a mosaic: [`LIVE_DELAY`], or fewer for a
    /// quicker answer. Not live, the whole film is known.
    pub delay: usize,
    /// How loud the result is.
    pub loudness: LoudnessMode,
    /// A folder of shards: where the film is among them, its pictures are taken from there and not decoded again.
    pub corpus: Option<PathBuf>,
}

/// A library of sounds: a folder of shards, of sound alone or of films.
#[derive(Clone, Debug, PartialEq)]
pub struct LibraryRequest {
    /// The folder.
    pub folder: PathBuf,
    /// What of that which the brain says is mapped onto what the library can sound like: its usual loudness and tone become the
    /// library's, and so do their deviations, band by band. For the rest the library is searched for what the film sounded like.
    pub matched: DescriptorMatching,
}

/// How loud a soundtrack is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LoudnessMode {
    /// As an ensemble says it, since it says loudness in dB; a brain of 2015 says samples, whose level depends on how sure it is of
    /// itself, and is brought to −18 LUFS.
    Usual,
    /// As the brain says it.
    AsSaid,
    /// Integrated loudness in LUFS (EBU R 128).
    Lufs(f64),
}

impl RenderPlan {
    /// A film played by a brain as usual.
    pub fn new(brain: PathBuf, film: PathBuf, output: OutputOptions) -> Self {
        Self {
            brain,
            film,
            output,
            synth: SynthRequest::Usual,
            sounds: None,
            choice: SelectionConfig::default(),
            seed: 0,
            live: false,
            delay: LIVE_DELAY,
            loudness: LoudnessMode::Usual,
            corpus: None,
        }
    }

    pub(crate) fn refuse<T>(&self, what: &str, help: &str) -> Result<T> {
        Err(Error::new(Kind::Invalid, what).at(&self.brain).help(help))
    }
}

/// See [`LoudnessMode::Usual`].
const USUAL_LUFS: f64 = -18.0;

impl LoudnessMode {
    /// The loudness to be reached, in LUFS.
    pub(crate) fn target(self, brain: &Brain) -> Option<f64> {
        match (self, brain) {
            (Self::Lufs(lufs), _) => Some(lufs),
            (Self::Usual, Brain::Classic(_)) => Some(USUAL_LUFS),
            (Self::Usual, Brain::Ensemble(_)) | (Self::AsSaid, _) => None,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Rendered {
    /// The file.
    pub output: PathBuf,
    /// Its length in seconds.
    pub seconds: f64,
    /// Ticks for which the brain spoke.
    pub ticks: u64,
    /// How the brain's answers became sound.
    pub synth: ResolvedSynth,
    /// Rate of the samples handed to the encoder, in Hz.
    pub rate: SampleRate,
    /// 1, or 2 where a stereo original is kept.
    pub channels: u32,
    /// Live: by how much the end of a tick's sound comes after the end of the tick at most, in milliseconds, without the
    /// time that computing takes.
    pub latency_ms: Option<f64>,
    /// Codec of the sound.
    pub codec: SoundCodec,
    /// Integrated loudness before the gain, in LUFS; `None` where the level was left as it is, or everything lies below the gate
    /// of −70 LUFS.
    pub loudness_before: Option<f64>,
    /// The gain, in dB.
    pub gain_db: f64,
    /// Name of the brain's content.
    pub brain: String,
    /// Pictures came from a shard instead of the film.
    pub from_corpus: bool,
    /// File names of the library's sources, where it played with one.
    pub sounds: Option<Vec<String>>,
    /// Whose recorded sounds are played, if any are.
    pub credits: Option<Credits>,
    /// A mosaic was filtered, so that scores for other programs sound like it was before.
    pub filtered: bool,
    /// What ffmpeg complained about while decoding.
    pub complaints: Vec<String>,
}

/// How many further ticks the live choice of a mosaic waits for, by default: the fewest with which attacks followed as well as
/// with any (docs/experiments.md).
pub const LIVE_DELAY: usize = 4;
