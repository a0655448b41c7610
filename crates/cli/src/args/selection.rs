//! Options of the unit selection.

use crate::args;
use crate::values::{number, seconds};
use clap::{Args, ValueEnum};
use kinophone::concat::SelectionConfig;

/// The weights and constraints of the unit selection.
#[derive(Debug, Args)]
#[command(next_help_heading = "Selection of recorded sound")]
pub struct SelectionArgs {
    /// Weights that emphasize one descriptor
    #[arg(long, value_enum, default_value_t = WeightPreset::Balanced)]
    pub like: WeightPreset,
    /// Weights of single descriptors, 1 being usual: tone, loudness, onset, picture (for a brain's own
    /// sound), pitch (in 'revoice'), flow; such as 'tone=3,flow=0.5'
    #[arg(long, value_name = "NAME=X,…", value_delimiter = ',', value_parser = weight)]
    pub weights: Vec<(WeightName, f32)>,
    /// Seconds before the same moment of a recording is played again, if others fit nearly as well
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub repeat_after: Option<f32>,
    /// Number of sounds played at once, together as loud as one
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub superimpose: u8,
    /// Play each shot of the film with a single recording, the one that fits it best; the film is read once
    /// more beforehand
    #[arg(long)]
    pub by_shot: bool,
}

/// Named sets of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WeightPreset {
    /// Tone, loudness and onsets equally
    Balanced,
    /// Tone above all
    Tone,
    /// Onsets above all, with many jumps between recordings
    Rhythm,
    /// Long passages of each recording
    Flow,
    /// Pitches above all, in 'revoice'
    Melody,
}

/// The name of a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightName {
    Tone,
    Loudness,
    Onset,
    Picture,
    Pitch,
    Flow,
}

impl SelectionArgs {
    /// The named weights, replaced by those that were given.
    pub fn config(&self) -> SelectionConfig {
        let usual = SelectionConfig { layers: usize::from(self.superimpose), ..SelectionConfig::default() };
        let mut config = match self.like {
            WeightPreset::Balanced => usual,
            WeightPreset::Tone => SelectionConfig { tone: 3.0, onset: 0.5, ..usual },
            WeightPreset::Rhythm => SelectionConfig { tone: 0.5, onset: 3.0, flow: 0.5, ..usual },
            WeightPreset::Flow => SelectionConfig { flow: 5.0, ..usual },
            WeightPreset::Melody => SelectionConfig { tone: 0.5, pitch: 4.0, ..usual },
        };
        for (name, weight) in &self.weights {
            let target = match name {
                WeightName::Tone => &mut config.tone,
                WeightName::Loudness => &mut config.loudness,
                WeightName::Onset => &mut config.onset,
                WeightName::Picture => &mut config.picture,
                WeightName::Pitch => &mut config.pitch,
                WeightName::Flow => &mut config.flow,
            };
            *target = *weight;
        }
        config.repeat_after = self.repeat_after.unwrap_or(config.repeat_after);
        config.by_shot = self.by_shot;
        config
    }

    /// True where pitch has a weight, which brains do not predict.
    pub fn names_pitch(&self) -> bool {
        self.like == WeightPreset::Melody || self.weights.iter().any(|(name, _)| *name == WeightName::Pitch)
    }

    /// The first option that was given.
    pub fn first_given(&self) -> Option<&'static str> {
        args::first_given(&[
            (self.like != WeightPreset::Balanced, "--like"),
            (!self.weights.is_empty(), "--weights"),
            (self.repeat_after.is_some(), "--repeat-after"),
            (self.superimpose != 1, "--superimpose"),
            (self.by_shot, "--by-shot"),
        ])
    }
}

/// A weight with its name, such as "tone=3".
fn weight(text: &str) -> Result<(WeightName, f32), String> {
    let (name, value) = text.split_once('=').ok_or("write a name and a number, such as tone=2")?;
    let names = [
        ("tone", WeightName::Tone),
        ("loudness", WeightName::Loudness),
        ("onset", WeightName::Onset),
        ("picture", WeightName::Picture),
        ("pitch", WeightName::Pitch),
        ("flow", WeightName::Flow),
    ];
    let found = names.iter().find(|(known, _)| *known == name.trim());
    let (_, name) = found.ok_or("the names are tone, loudness, onset, picture, pitch and flow")?;
    let value = number(value.trim()).ok().filter(|x| (0.0..=100.0).contains(x));
    Ok((*name, value.ok_or("write a number from 0 to 100 after the equals sign")? as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_names_and_ranges() {
        assert_eq!(weight("tone=2.5"), Ok((WeightName::Tone, 2.5)));
        for wrong in ["tone", "tune=1", "tone=-1", "flow=101", "onset=x", "onset=nan"] {
            assert!(weight(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn given_weights_replace_named_ones() {
        let args = SelectionArgs {
            like: WeightPreset::Tone,
            weights: vec![(WeightName::Onset, 2.0), (WeightName::Flow, 0.0)],
            repeat_after: Some(3.0),
            superimpose: 2,
            by_shot: true,
        };
        let expected = SelectionConfig {
            tone: 3.0,
            onset: 2.0,
            flow: 0.0,
            repeat_after: 3.0,
            layers: 2,
            by_shot: true,
            ..SelectionConfig::default()
        };
        assert_eq!(args.config(), expected);
    }
}
