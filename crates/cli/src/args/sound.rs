//! Options of the commands that render with a brain or draw random numbers.

use crate::values::loudness;
use clap::Args;
use kinophone::render::LoudnessMode;

/// The loudness of what a brain plays.
#[derive(Debug, Args)]
pub struct BrainLoudnessArgs {
    /// Loudness of the soundtrack in LUFS (EBU R 128), or 'off' for the level that the brain predicts
    /// [default: off for brains that predict descriptors, -18 for those of 2015]
    #[arg(long, value_name = "LUFS|off", allow_negative_numbers = true, value_parser = loudness)]
    loudness: Option<LoudnessMode>,
}

impl BrainLoudnessArgs {
    /// The loudness that was asked for, or the one that suits the brain.
    pub fn mode(&self) -> LoudnessMode {
        self.loudness.unwrap_or(LoudnessMode::Usual)
    }
}

/// The seed of everything that is drawn at random.
#[derive(Clone, Copy, Debug, Args)]
pub struct SeedArgs {
    /// Seed of the random numbers: the same seed gives the same sound
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}
