//! Options of `train` that all networks share.

use crate::train::classic::usual;
use crate::values::{one_of, positive};
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::{Args, ValueEnum};
use kinophone::classic::PRESETS;
use kinophone::dataset::HoldOut;
use kinophone_dsp::frames::FrameFormat;
use kinophone_dsp::units::FrameRate;

/// The only preset that is not a network of 2015.
pub(super) const ENSEMBLE: &str = "ensemble";

#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
pub(super) struct NetworkArgs {
    /// The default brain, an ensemble that predicts descriptors of sound, or one of the four networks of
    /// 2015, named by their hidden layers, which predict samples
    #[arg(long, default_value = ENSEMBLE, conflicts_with = "layers", value_parser = presets())]
    pub(super) preset: String,
    /// Output of the network [default: controls; pcm for the networks of 2015]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(super) say: Option<OutputFormat>,
    /// The ten-second blocks that are held out of the training, so that the brain can be evaluated on them;
    /// fold0 to fold3 and every5th are the five folds of a cross-validation
    #[arg(long, default_value = "every5th", value_parser = one_of::<HoldOut>(&["every5th", "none", "fold0", "fold1", "fold2", "fold3"]))]
    pub(super) hold_out: HoldOut,
    /// Seed of the random numbers: the same seed gives the same brain
    #[arg(long, value_name = "N", default_value_t = usual().seed)]
    pub(super) seed: u64,
    /// Longest training time in minutes; what is learned in a limited time depends on the speed of the
    /// machine [default: no limit]
    #[arg(long, value_name = "M", value_parser = positive)]
    pub(super) minutes: Option<f32>,
    /// Ticks per second: the pictures that the brain takes, such as 30, 24 or 29.97
    #[arg(long, value_name = "FPS", default_value = "30")]
    pub(super) tick: FrameRate,
}

/// The output of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// Descriptors: loudness, 64 bands, onsets, silence. The only format of the preset ensemble
    Controls,
    /// Samples
    Pcm,
    /// Magnitudes of a spectrum, for which 'render --phase' finds phases
    Stft,
    /// Magnitudes and phases of a spectrum per picture, which play like samples
    StftPhase,
}

impl OutputFormat {
    /// The format of a network of 2015; `None` for descriptors.
    pub(super) fn frame_format(self) -> Option<FrameFormat> {
        match self {
            Self::Controls => None,
            Self::Pcm => Some(FrameFormat::Pcm),
            Self::Stft => Some(FrameFormat::Stft),
            Self::StftPhase => Some(FrameFormat::StftPhase),
        }
    }
}

fn presets() -> PossibleValuesParser {
    let ensemble = PossibleValue::new(ENSEMBLE)
        .help("recurrent and convolutional networks and nearest neighbours; plays its own training sound");
    let classic = PRESETS.iter().map(|(name, hidden)| {
        let sizes: Vec<String> = hidden.iter().map(usize::to_string).collect();
        PossibleValue::new(*name).help(sizes.join("-"))
    });
    PossibleValuesParser::new(std::iter::once(ensemble).chain(classic))
}
