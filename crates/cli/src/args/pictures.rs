//! Options of the commands that prepare films.

use clap::Args;
use kinophone::dataset::PrepareOptions;
use kinophone::media::AudioTracks;

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
    /// Sound track of the films, counted from 0 [default: the marked one, else the first]; 0,1 takes two as left and right
    #[arg(long, value_name = "N[,N]")]
    pub audio_track: Option<AudioTracks>,
}

impl PictureArgs {
    /// Options of a preparation without provenance.
    pub fn prepare_options(&self, size: u32, require_sound: bool) -> PrepareOptions {
        PrepareOptions {
            size,
            colour: self.colour,
            audio_tracks: self.audio_track.clone().unwrap_or_default(),
            require_sound,
            ..PrepareOptions::default()
        }
    }
}
