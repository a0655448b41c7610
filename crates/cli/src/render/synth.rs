//! Options of `render` that choose and set the synth.

use crate::args::{self, SeedArgs};
use crate::values::{follow, share};
use clap::{Args, ValueEnum};
use kinophone::concat::Lookahead;
use kinophone::model::Follow;
use kinophone::render::ResolvedSynth;
use kinophone_dsp::spectral::{Phase, SpectralConfig};
use std::path::{Path, PathBuf};

const PHASE: &str = "\
Source of the phases of a spectrum; needs --synth spectral, or selects it [default: rtpghi]

- rtpghi:       from the gradients of the spectrum, without delay
- griffin-lim:  by 32 iterations over blocks of ten seconds; not with --live
- random-walk:  independent for every frequency: a robot's voice
- FILE:         from any sound or film: its first five minutes, repeated, without silences

A file with one of these names is written with './' before it";

#[derive(Debug, Args)]
#[command(next_help_heading = "Synthesis")]
pub(super) struct SynthArgs {
    /// The synth that plays the brain's predictions [default: mosaic; for brains of 2015 windowed, or
    /// spectral where they predict magnitudes]
    #[arg(long = "synth", value_enum, value_name = "SYNTH")]
    pub(super) name: Option<SynthName>,
    /// Source of the phases of a spectrum; needs --synth spectral, or selects it [default: rtpghi]
    #[arg(long, value_name = "METHOD|FILE", long_help = PHASE)]
    pub(super) phase: Option<PathBuf>,
    /// Filtering of a mosaic's tone towards the predicted one, 0 to 1: 0 leaves sounds as they were recorded
    /// [default: set by the brain, usually 0.5]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(super) tone: Option<f32>,
    /// Shaping of a mosaic's attacks towards the predicted ones, 0 to 1 [default: set by the brain, 0.8 where
    /// it predicts onsets]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(super) attack: Option<f32>,
    /// Share of the sound that follows what moves in the picture instead of what the brain learned: 'auto', which is
    /// as much as the film looks unlike those it knows, or 0 to 1 [default: auto]
    #[arg(long, value_name = "auto|SHARE", value_parser = follow)]
    pub(super) follow: Option<Follow>,
    #[command(flatten)]
    pub(super) seed: SeedArgs,
    /// Render as if live: without knowledge of what follows
    #[arg(long)]
    pub(super) live: bool,
    /// Ticks of lookahead with which the sound of a tick is selected: fewer give a shorter delay, more a
    /// better fit [default: 4]
    #[arg(long, value_name = "TICKS", requires = "live", value_parser = clap::value_parser!(u8).range(0..=30))]
    pub(super) delay: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum SynthName {
    /// Units of the training sound, selected for every tick
    Mosaic,
    /// Predicted band powers or magnitudes made audible, without the training sound
    Spectral,
    /// Predicted blocks end to end, with the buzz of 2015
    Raw,
    /// Predicted blocks by overlap-add, which removes the buzz
    Windowed,
    /// Grains of the training sound, or of predicted blocks, at most a frame from their cause
    Granular,
    /// The grains of 2015, which smear up to 1.4 s
    #[value(name = "granular-2015")]
    Granular2015,
}

impl SynthArgs {
    /// The part of the film that is known.
    pub(super) fn lookahead(&self) -> Lookahead {
        match (self.live, self.delay) {
            (false, _) => Lookahead::WholeFilm,
            (true, None) => Lookahead::LIVE,
            (true, Some(ticks)) => Lookahead::Ticks(usize::from(ticks)),
        }
    }

    /// The method that finds phases, and the file that they are taken from.
    pub(super) fn phase(&self) -> (Phase, Option<&Path>) {
        match self.phase.as_deref() {
            None => (Phase::default(), None),
            Some(name) if name == "rtpghi" => (Phase::Rtpghi, None),
            Some(name) if name == "griffin-lim" => (Phase::GriffinLim, None),
            Some(name) if name == "random-walk" => (Phase::RandomWalk, None),
            Some(file) => (Phase::Borrowed, Some(file)),
        }
    }

    /// The first option that only mosaics have.
    pub(super) fn mosaic_option(&self) -> Option<&'static str> {
        args::first_given(&[(self.tone.is_some(), "--tone"), (self.attack.is_some(), "--attack")])
    }

    /// The spectral synth with these settings.
    pub(super) fn spectral(&self) -> ResolvedSynth {
        let (phase, source) = self.phase();
        let config = SpectralConfig { phase, seed: self.seed.seed, ..SpectralConfig::default() };
        ResolvedSynth::Spectral { config, lender: source.map(Path::to_owned) }
    }
}
