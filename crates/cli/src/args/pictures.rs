//! Options of the commands that prepare films.

use clap::Args;
use kinophone::dataset::PrepareOptions;

/// The pictures and the sound track that are taken from films.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pictures and sound")]
pub struct PictureArgs {
    /// Side of the square pictures in pixels [default: 64; 128 to train the preset ensemble]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(8..=1024))]
    pub size: Option<u32>,
    /// Prepare pictures in colour instead of grey
    #[arg(long, alias = "color")]
    pub colour: bool,
    /// Sound track of the films, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub audio_track: usize,
}

impl PictureArgs {
    /// Options of a preparation without provenance.
    pub fn prepare_options(&self, size: u32, require_sound: bool) -> PrepareOptions {
        PrepareOptions {
            size,
            colour: self.colour,
            audio_track: self.audio_track,
            require_sound,
            ..PrepareOptions::default()
        }
    }
}
