//! The surroundings of an evaluation: the brain, the folders, and the playback of brains on prepared
//! pictures.

use crate::Result;
use crate::brain::Brain;
use crate::concat::Lookahead;
use crate::eval::film::EvalFilm;
use crate::eval::plan::EvalPlan;
use crate::eval::sound::{self, measure_rate};
use crate::media::Ffmpeg;
use crate::render::{self, GivenPictures, LoudnessMode, RenderPlan};
use crate::soundtrack::{OutputOptions, RenderTrace};
use crate::storage::Overwrite;
use crate::task::Task;
use kinophone_dsp::units::MediaTime;
use std::path::{Path, PathBuf};

/// The surroundings of an evaluation.
pub(crate) struct EvalContext<'a> {
    pub(crate) ffmpeg: &'a Ffmpeg,
    pub(crate) plan: &'a EvalPlan,
    pub(crate) brain: &'a Brain,
    /// The report's folder under its temporary name.
    pub(crate) folder: &'a Path,
    /// A folder that is removed in the end.
    pub(crate) scratch: &'a Path,
    pub(crate) task: Task<'a>,
}

/// A brain that plays: its file, and the pictures that it takes.
pub(crate) struct EvalPlayer {
    pub(crate) file: PathBuf,
    pub(crate) size: u32,
    pub(crate) colour: bool,
}

impl EvalPlayer {
    pub(crate) fn of(file: &Path, brain: &Brain) -> Self {
        Self { file: file.to_owned(), size: brain.size(), colour: brain.colour() }
    }
}

/// The mode in which a brain plays.
#[derive(Clone, Copy)]
pub(crate) struct PlaybackMode {
    /// As if live, without lookahead.
    pub(crate) live: bool,
    pub(crate) loudness: LoudnessMode,
}

/// Playback of brains on pictures that are at hand.
pub(crate) struct Playback<'a> {
    pub(crate) ffmpeg: &'a Ffmpeg,
    /// A folder that is removed in the end.
    pub(crate) scratch: &'a Path,
    pub(crate) seed: u64,
    pub(crate) task: Task<'a>,
}

impl Playback<'_> {
    /// Renders the sound alone of the film `name` into `file`.
    pub(crate) fn render(
        &self,
        player: &EvalPlayer,
        film: (&str, GivenPictures<'_>),
        mode: PlaybackMode,
        file: &str,
    ) -> Result<PathBuf> {
        self.render_traced(player, film, mode, file).map(|(output, _)| output)
    }

    /// Does the same, and gives the render's trace, where the brain's renderer keeps one.
    pub(crate) fn render_traced(
        &self,
        player: &EvalPlayer,
        (name, pictures): (&str, GivenPictures<'_>),
        mode: PlaybackMode,
        file: &str,
    ) -> Result<(PathBuf, Option<RenderTrace>)> {
        let output = self.scratch.join(file);
        let plan = RenderPlan {
            trace: true,
            seed: self.seed,
            lookahead: if mode.live { Lookahead::LIVE } else { Lookahead::WholeFilm },
            loudness: mode.loudness,
            ..RenderPlan::new(
                player.file.clone(),
                PathBuf::from(name),
                OutputOptions::alone(output.clone(), Overwrite::Replace),
            )
        };
        let rendered = render::render_to(self.ffmpeg, &plan, pictures, self.task)?;
        Ok((output, rendered.trace))
    }

    /// Decodes a soundtrack for measurement.
    pub(crate) fn decode(&self, file: &Path) -> Result<Vec<f32>> {
        sound::decode(self.ffmpeg, file, self.task)
    }
}

impl EvalContext<'_> {
    /// The brain that is evaluated.
    pub(crate) fn player(&self) -> EvalPlayer {
        EvalPlayer::of(&self.plan.brain, self.brain)
    }

    pub(crate) fn playback(&self) -> Playback<'_> {
        Playback { ffmpeg: self.ffmpeg, scratch: self.scratch, seed: self.plan.seed, task: self.task }
    }

    /// Frames per second of all curves: the brain's tick.
    pub(crate) fn fps(&self) -> f64 {
        self.brain.grid().tick.as_f64()
    }

    /// The film's own sound for measurement.
    pub(crate) fn original(&self, film: &EvalFilm) -> Result<Vec<f32>> {
        match &film.path {
            Some(path) => self.playback().decode(path),
            None => Ok(sound::of_shard(&film.shard)),
        }
    }

    /// Decodes a soundtrack for measurement, on the film's clock: it begins with the first picture.
    pub(crate) fn decode(&self, file: &Path, begin: MediaTime) -> Result<Vec<f32>> {
        let mut sound = self.playback().decode(file)?;
        let delay = measure_rate().sample_at(begin).max(0) as usize;
        sound.splice(0..0, std::iter::repeat_n(0.0, delay));
        Ok(sound)
    }
}
