//! Options that say what counts when recorded sound is chosen.

use crate::args;
use clap::{Args, ValueEnum};
use kinophone::concat::SelectionConfig;
use kinophone::model::DescriptorMatching;

#[derive(Debug, Args)]
#[command(next_help_heading = "How recorded sound is chosen")]
pub struct ChoiceArgs {
    /// What counts
    #[arg(long, value_enum, default_value_t = Like::Balanced)]
    pub like: Like,
    /// What counts how much, 1 being usual: tone, loudness, onset, picture (for a brain's own sound), pitch (in 'revoice'), flow; such as 'tone=3,flow=0.5'
    #[arg(long, value_name = "NAME=X,…", value_delimiter = ',', value_parser = weight)]
    pub weights: Vec<(Name, f32)>,
    /// Seconds until the same moment of a recording is heard again, if others are nearly as good
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub repeat_after: Option<f32>,
    /// How many sounds are heard at once, as loud together as one
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub superimpose: u8,
    /// Play each shot of the film with one recording alone, the one that suits it best; the film is looked through before
    #[arg(long)]
    pub by_shot: bool,
}

/// The option that says what of a film is searched for in a library as it is.
#[derive(Debug, Args)]
pub struct MatchingArgs {
    /// Look in the library for what the film sounds like, instead of mapping what is usual there onto what is usual here; in all of
    /// it or, as in --unmatched=loudness, in some
    #[arg(
        long,
        requires = "sounds",
        value_enum,
        value_name = "tone,loudness,onset",
        hide_possible_values = true,
        num_args = 0..=1,
        require_equals = true,
        value_delimiter = ',',
        default_missing_value = "tone,loudness,onset"
    )]
    unmatched: Vec<Aspect>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Aspect {
    Tone,
    Loudness,
    Onset,
}

impl MatchingArgs {
    /// What is mapped.
    pub fn matched(&self) -> DescriptorMatching {
        let is = |aspect| !self.unmatched.contains(&aspect);
        DescriptorMatching {
            tone: is(Aspect::Tone),
            loudness: is(Aspect::Loudness),
            onset: is(Aspect::Onset),
        }
    }
}

/// Named choices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Like {
    /// Tone, loudness and attacks alike
    Balanced,
    /// Tone above all
    Tone,
    /// Attacks above all, with many jumps
    Rhythm,
    /// Long stretches of each recording
    Flow,
    /// Pitches above all, in 'revoice'
    Melody,
}

/// What has a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    Tone,
    Loudness,
    Onset,
    Picture,
    Pitch,
    Flow,
}

impl ChoiceArgs {
    /// The named choice, replaced by what was given.
    pub fn config(&self) -> SelectionConfig {
        let usual = SelectionConfig { layers: usize::from(self.superimpose), ..SelectionConfig::default() };
        let mut config = match self.like {
            Like::Balanced => usual,
            Like::Tone => SelectionConfig { tone: 3.0, onset: 0.5, ..usual },
            Like::Rhythm => SelectionConfig { tone: 0.5, onset: 3.0, flow: 0.5, ..usual },
            Like::Flow => SelectionConfig { flow: 5.0, ..usual },
            Like::Melody => SelectionConfig { tone: 0.5, pitch: 4.0, ..usual },
        };
        for (name, weight) in &self.weights {
            let place = match name {
                Name::Tone => &mut config.tone,
                Name::Loudness => &mut config.loudness,
                Name::Onset => &mut config.onset,
                Name::Picture => &mut config.picture,
                Name::Pitch => &mut config.pitch,
                Name::Flow => &mut config.flow,
            };
            *place = *weight;
        }
        config.repeat_after = self.repeat_after.unwrap_or(config.repeat_after);
        config.by_shot = self.by_shot;
        config
    }

    /// Whether pitches are named, which brains don't know.
    pub fn names_pitch(&self) -> bool {
        self.like == Like::Melody || self.weights.iter().any(|(name, _)| *name == Name::Pitch)
    }

    /// The first option that was given, for errors where there is nothing to choose.
    pub fn first_given(&self) -> Option<&'static str> {
        let given = [
            (self.like != Like::Balanced, "--like"),
            (!self.weights.is_empty(), "--weights"),
            (self.repeat_after.is_some(), "--repeat-after"),
            (self.superimpose != 1, "--superimpose"),
            (self.by_shot, "--by-shot"),
        ];
        given.iter().find(|(is, _)| *is).map(|(_, name)| *name)
    }
}

fn weight(text: &str) -> Result<(Name, f32), String> {
    let (name, value) = text.split_once('=').ok_or("write a name and a number, such as tone=2")?;
    let names = [
        ("tone", Name::Tone),
        ("loudness", Name::Loudness),
        ("onset", Name::Onset),
        ("picture", Name::Picture),
        ("pitch", Name::Pitch),
        ("flow", Name::Flow),
    ];
    let found = names.iter().find(|(known, _)| *known == name.trim());
    let (_, name) = found.ok_or("the names are tone, loudness, onset, picture, pitch and flow")?;
    let value = args::number(value.trim()).ok().filter(|x| (0.0..=100.0).contains(x));
    Ok((*name, value.ok_or("write a number from 0 to 100 behind the name")? as f32))
}

fn seconds(text: &str) -> Result<f32, String> {
    let found = args::number(text).ok().filter(|x| (0.0..=300.0).contains(x));
    found.map(|x| x as f32).ok_or_else(|| "write a number from 0 to 300".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_names_and_ranges() {
        assert_eq!(weight("tone=2.5"), Ok((Name::Tone, 2.5)));
        for wrong in ["tone", "tune=1", "tone=-1", "flow=101", "onset=x", "onset=nan"] {
            assert!(weight(wrong).is_err(), "{wrong}");
        }
        assert!(seconds("-1").is_err() && seconds("301").is_err() && seconds("2.5") == Ok(2.5));
    }

    #[test]
    fn what_is_given_replaces_what_is_named() {
        let args = ChoiceArgs {
            like: Like::Tone,
            weights: vec![(Name::Onset, 2.0), (Name::Flow, 0.0)],
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
