//! Options of `render --synth granular`.

use crate::args;
use crate::values::{not_negative, positive, share};
use clap::Args;
use kinophone_dsp::frames::GranularConfig;
use kinophone_dsp::window::Window;

const DRIVE: &str = "\
Modulation of recorded grains' density, size and spread by the brain's predictions, 0 to 1 [default: 1]

- at a predicted onset: down to 0.35 of the size, up to twice the density, neither jitter nor pitch spread
- while no onset is predicted: up to 1.4 times the size
- in loud passages up to twice the density, in quiet ones down to half

At 0 grains are not modulated; nor are those of brains of 2015, which predict none of this";

#[derive(Debug, Args)]
#[command(next_help_heading = "Grains, with --synth granular")]
pub(super) struct GrainArgs {
    /// Length of a grain in milliseconds
    #[arg(long, value_name = "MS", value_parser = positive)]
    size_ms: Option<f32>,
    /// Grains per tick; may be a fraction
    #[arg(long, value_name = "N", value_parser = positive)]
    density: Option<f32>,
    /// Ticks over which the starts of grains are scattered at random: 0 is a grid, whole numbers leave no
    /// buzz
    #[arg(long, value_name = "TICKS", value_parser = not_negative)]
    jitter: Option<f32>,
    /// Ticks before and after its cause within which a grain may sound
    #[arg(long, value_name = "TICKS", value_parser = positive)]
    spread: Option<f32>,
    /// Envelope of a grain: hann, bartlett, tukey[:TAPER] or gaussian[:SIGMA]
    #[arg(long, value_name = "WINDOW")]
    envelope: Option<Window>,
    /// Speed at which grains are read: 2 is an octave higher
    #[arg(long, value_name = "RATIO", value_parser = positive)]
    pitch: Option<f32>,
    /// Random deviation of the pitch, in semitones
    #[arg(long, value_name = "SEMITONES", value_parser = not_negative)]
    pitch_spread: Option<f32>,
    /// Grains that follow each grain, ever shorter and softer
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=20))]
    children: Option<u32>,
    /// Modulation of recorded grains' density, size and spread by the brain's predictions, 0 to 1 [default:
    /// 1]
    #[arg(long, value_name = "SHARE", value_parser = share, long_help = DRIVE)]
    drive: Option<f32>,
}

impl GrainArgs {
    /// The library's defaults, replaced by the options that were given.
    pub(super) fn config(&self, seed: u64) -> GranularConfig {
        let usual = GranularConfig::default();
        GranularConfig {
            size_ms: self.size_ms.unwrap_or(usual.size_ms),
            density: self.density.unwrap_or(usual.density),
            jitter: self.jitter.unwrap_or(usual.jitter),
            spread_ticks: self.spread.unwrap_or(usual.spread_ticks),
            envelope: self.envelope.unwrap_or(usual.envelope),
            pitch: self.pitch.unwrap_or(usual.pitch),
            pitch_spread: self.pitch_spread.unwrap_or(usual.pitch_spread),
            children: self.children.unwrap_or(usual.children),
            mod_depth: self.drive.unwrap_or(usual.mod_depth),
            seed,
            ..usual
        }
    }

    /// The first option that was given.
    pub(super) fn first_given(&self) -> Option<&'static str> {
        args::first_given(&[
            (self.size_ms.is_some(), "--size-ms"),
            (self.density.is_some(), "--density"),
            (self.jitter.is_some(), "--jitter"),
            (self.spread.is_some(), "--spread"),
            (self.envelope.is_some(), "--envelope"),
            (self.pitch.is_some(), "--pitch"),
            (self.pitch_spread.is_some(), "--pitch-spread"),
            (self.children.is_some(), "--children"),
            (self.drive.is_some(), "--drive"),
        ])
    }
}
