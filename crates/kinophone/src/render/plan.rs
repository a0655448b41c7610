//! Plans and results of renders.

use crate::brain::Brain;
use crate::concat::{Lookahead, SelectionConfig};
use crate::model::{DescriptorMatching, Follow};
use crate::render::synth::{ResolvedSynth, SynthRequest};
use crate::soundtrack::{OutputOptions, RenderTrace, Soundtrack};
use crate::{Error, Kind, Result};
use serde::Serialize;
use std::path::PathBuf;

/// A render to be made.
#[derive(Clone, Debug)]
pub struct RenderPlan {
    /// The brain file.
    pub brain: PathBuf,
    /// The film to give a soundtrack.
    pub film: PathBuf,
    /// The output. Scores are of a mosaic or of grains.
    pub output: OutputOptions,
    /// The synth that makes sound of the brain's predictions.
    pub synth: SynthRequest,
    /// Sounds to play with, instead of those that the brain learned from.
    pub sounds: Option<LibraryRequest>,
    /// Weights of unit selection.
    pub selection: SelectionConfig,
    /// Seed of the synth's random numbers, where none is named.
    pub seed: u64,
    /// The part of the film that is known. With a few ticks, as in live use, the networks that know nothing of what comes predict; in
    /// a mosaic units are selected when so many further ticks are known.
    pub lookahead: Lookahead,
    /// Share of an ensemble's controls that follow what moves.
    pub follow: Follow,
    /// Loudness of the result.
    pub loudness: LoudnessMode,
    /// A folder of shards: where the film is among them, its pictures are taken from there and not decoded again.
    pub corpus: Option<PathBuf>,
    /// Keeps the render's trace, which grows with the film by some bytes a tick.
    pub trace: bool,
}

/// A library of sounds to play with: a folder of shards, of sound alone or of films.
#[derive(Clone, Debug, PartialEq)]
pub struct LibraryRequest {
    /// The folder.
    pub folder: PathBuf,
    /// Descriptors that are mapped onto the library: the usual loudness and tone of the predictions become the library's, and so
    /// do their deviations, band by band. By the others the library is searched for the sound as it was predicted.
    pub matched: DescriptorMatching,
}

/// Loudness of a soundtrack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LoudnessMode {
    /// As an ensemble predicts it, since it predicts loudness in dB; a brain of 2015 predicts samples, whose level depends on how
    /// certain it is, and is brought to −18 LUFS.
    Usual,
    /// As the brain predicts it.
    AsSaid,
    /// Integrated loudness in LUFS (EBU R 128).
    Lufs(f64),
}

impl RenderPlan {
    /// A render with the usual settings.
    pub fn new(brain: PathBuf, film: PathBuf, output: OutputOptions) -> Self {
        Self {
            brain,
            film,
            output,
            synth: SynthRequest::Usual,
            sounds: None,
            selection: SelectionConfig::default(),
            seed: 0,
            lookahead: Lookahead::WholeFilm,
            follow: Follow::Auto,
            loudness: LoudnessMode::Usual,
            corpus: None,
            trace: false,
        }
    }

    /// Refuses the plan because of its brain.
    pub(crate) fn refuse<T>(&self, what: &str, help: &str) -> Result<T> {
        Err(Error::new(Kind::Invalid, what).at(&self.brain).help(help))
    }
}

/// Loudness of brains of 2015, see [`LoudnessMode::Usual`].
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

/// A render that was made.
#[derive(Clone, Debug, Serialize)]
pub struct Rendered {
    /// The soundtrack.
    #[serde(flatten)]
    pub soundtrack: Soundtrack,
    /// Ticks for which the brain predicted sound.
    pub ticks: u64,
    /// The synth that was used.
    pub synth: ResolvedSynth,
    /// Mean share of the sound that follows what moves in the picture, 0 to 1; `None` where nothing does: the brain is of 2015, it was
    /// asked for 0, or it was not asked for and the brain, of an older version, can't tell whether it knows a film.
    pub followed: Option<f64>,
    /// As in live use: by how much the end of a tick's sound comes after the end of the tick at most, in milliseconds, without the
    /// time that computing takes.
    pub latency_ms: Option<f64>,
    /// Name of the brain's content.
    pub brain: String,
    /// True if pictures came from a shard instead of the film.
    pub from_corpus: bool,
    /// File names of the library's sources, where it played with one.
    pub sounds: Option<Vec<String>>,
    /// True if a mosaic was filtered, so that scores for other programs sound as it was before.
    pub filtered: bool,
    /// The trace, where it was asked for.
    #[serde(skip)]
    pub trace: Option<RenderTrace>,
}
