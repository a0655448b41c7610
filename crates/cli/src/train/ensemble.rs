//! Options of `train` for the preset ensemble.

use crate::args;
use clap::{Args, ValueEnum};
use kinophone::model::{EnsembleTraining, FeatureConfig, MemberKind, Region, RegionMode};
use std::ffi::OsString;

/// Side of the pictures that films are prepared with for an ensemble, which crops the moving part out of
/// them.
pub(super) const ENSEMBLE_PICTURE_SIZE: u32 = 128;

const SEE: &str = "\
Visual features, separated by commas [default: motion,appearance]

- motion:      differences between pictures, signed and absolute
- appearance:  the picture itself
- pca:K        K principal components (eigenpictures) of each, 1 to 256, instead of as many as the footage supports
- colour:      the picture's colours; prepares films in colour
- fft2:        the picture's two-dimensional spectrum: textures, regardless of position
- grey:        the picture's plain pixels, 16 x 16
- past:K       the K previous ticks besides the present one, 1 to 16";

#[derive(Debug, Args)]
#[command(next_help_heading = "With the preset ensemble")]
pub(super) struct EnsembleArgs {
    /// Training steps of each network [default: 250]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    steps: Option<u32>,
    /// A film of which nothing is learned, by its file name with or without the extension; can be given several
    /// times. The verdict is then on all of these films, and not on the ten-second blocks that --hold-out keeps of
    /// the others
    #[arg(long, value_name = "NAME")]
    pub(super) hold_out_film: Vec<OsString>,
    /// Train no networks for live use, which halves the training time
    #[arg(long)]
    no_live: bool,
    /// Do not store the training sound in the brain; the spectral synth plays without it
    #[arg(long)]
    no_sound: bool,
    /// Visual features, separated by commas [default: motion,appearance]
    #[arg(long, value_name = "FEATURE,…", value_delimiter = ',', value_parser = feature_word, long_help = SEE)]
    see: Vec<FeatureWord>,
    /// The part of the picture from which features are taken besides the whole: 'auto' finds the moving part,
    /// 'whole' takes no part, X,Y,W,H is a part in shares of width and height, such as 0.25,0,0.5,1 [default:
    /// auto]
    #[arg(long, value_name = "REGION", value_parser = region)]
    region: Option<RegionMode>,
    /// Kinds of members whose predictions are averaged, separated by commas [default: gru,tcn,memory]
    #[arg(long, value_enum, value_name = "KIND,…", value_delimiter = ',')]
    net: Vec<MemberName>,
    /// Number of augmented copies of each film: shifted, scaled, relit, mirrored [default: 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=16))]
    variations: Option<u32>,
}

/// A word of `--see`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FeatureWord {
    Motion,
    Appearance,
    Components(usize),
    Colour,
    Spectrum,
    Grey,
    Past(usize),
}

fn feature_word(text: &str) -> Result<FeatureWord, String> {
    let number = |text: &str, highest: usize| {
        let count = text.parse().ok().filter(|k| (1..=highest).contains(k));
        count.ok_or_else(|| format!("after the colon write a number from 1 to {highest}"))
    };
    match text.split_once(':') {
        Some(("pca", k)) => number(k, 256).map(FeatureWord::Components),
        Some(("past", k)) => number(k, 16).map(FeatureWord::Past),
        None if text == "motion" => Ok(FeatureWord::Motion),
        None if text == "appearance" => Ok(FeatureWord::Appearance),
        None if text == "colour" => Ok(FeatureWord::Colour),
        None if text == "fft2" => Ok(FeatureWord::Spectrum),
        None if text == "grey" => Ok(FeatureWord::Grey),
        _ => Err("write motion, appearance, pca:K, colour, fft2, grey or past:K".to_owned()),
    }
}

/// A region in shares of the picture, at least a hundredth wide and high.
fn region(text: &str) -> Result<RegionMode, String> {
    match text {
        "auto" => return Ok(RegionMode::Auto),
        "whole" => return Ok(RegionMode::Whole),
        _ => {}
    }
    let numbers: Vec<f32> = text.split(',').filter_map(|word| word.trim().parse().ok()).collect();
    let [x, y, w, h] = numbers[..] else {
        return Err("write 'auto', 'whole' or four shares X,Y,W,H".to_owned());
    };
    let region = Region { x, y, w, h };
    if region.is_valid() && w >= 0.01 && h >= 0.01 {
        Ok(RegionMode::Region(region))
    } else {
        Err("X + W and Y + H must be 1 or less, and W and H at least 0.01".to_owned())
    }
}

/// A kind of member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum MemberName {
    /// Recurrent network (gated recurrent units)
    Gru,
    /// Network convolutional over time
    Tcn,
    /// Network without memory
    Mlp,
    /// Nearest neighbours among the training pictures, without a network
    Memory,
}

impl MemberName {
    fn kind(self) -> MemberKind {
        match self {
            Self::Gru => MemberKind::Gru,
            Self::Tcn => MemberKind::Tcn,
            Self::Mlp => MemberKind::Mlp,
            Self::Memory => MemberKind::Memory,
        }
    }
}

impl EnsembleArgs {
    /// `usual`, changed by the options that were given.
    pub(super) fn training(&self, usual: EnsembleTraining) -> EnsembleTraining {
        EnsembleTraining {
            steps: self.steps.unwrap_or(usual.steps),
            live: !self.no_live,
            keep_sound: !self.no_sound,
            features: self.features(),
            members: if self.net.is_empty() { usual.members } else { self.members() },
            variations: self.variations.unwrap_or(usual.variations),
            ..usual
        }
    }

    /// The features that were named, or the usual ones; a number of components or of past ticks alone leaves
    /// those in place.
    pub(super) fn features(&self) -> FeatureConfig {
        let mut features =
            FeatureConfig { region: self.region.unwrap_or(RegionMode::Auto), ..FeatureConfig::default() };
        let is_number =
            |word: &FeatureWord| matches!(word, FeatureWord::Components(_) | FeatureWord::Past(_));
        if !self.see.iter().all(is_number) {
            (features.motion, features.appearance) = (false, false);
        }
        for word in &self.see {
            match word {
                FeatureWord::Motion => features.motion = true,
                FeatureWord::Appearance => features.appearance = true,
                FeatureWord::Components(k) => features.components = Some(*k),
                FeatureWord::Colour => features.colour = true,
                FeatureWord::Spectrum => features.spectrum = true,
                FeatureWord::Grey => features.grey = true,
                FeatureWord::Past(k) => features.past = *k,
            }
        }
        features
    }

    /// The kinds that were named, each once.
    fn members(&self) -> Vec<MemberKind> {
        let mut members: Vec<MemberKind> = Vec::new();
        for kind in self.net.iter().map(|name| name.kind()) {
            if !members.contains(&kind) {
                members.push(kind);
            }
        }
        members
    }

    /// The first option that was given.
    pub(super) fn first_given(&self) -> Option<&'static str> {
        args::first_given(&[
            (self.steps.is_some(), "--steps"),
            (!self.hold_out_film.is_empty(), "--hold-out-film"),
            (self.no_live, "--no-live"),
            (self.no_sound, "--no-sound"),
            (!self.see.is_empty(), "--see"),
            (self.region.is_some(), "--region"),
            (!self.net.is_empty(), "--net"),
            (self.variations.is_some(), "--variations"),
        ])
    }
}
