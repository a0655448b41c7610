//! Options that name a library of sounds and say how it is searched.

use clap::{Args, ValueEnum};
use kinophone::model::DescriptorMatching;
use kinophone::render::LibraryRequest;
use std::path::PathBuf;

/// A library to play instead of the sound that a brain was trained on.
#[derive(Debug, Args)]
#[command(next_help_heading = "Other sounds than those that the brain was trained on")]
pub struct LibraryArgs {
    /// A library of sounds made by 'kinophone sounds', or a corpus, to play instead of the training sound
    #[arg(long, value_name = "LIBRARY")]
    pub sounds: Option<PathBuf>,
    #[command(flatten)]
    matching: MatchingArgs,
}

impl LibraryArgs {
    /// The library as the renderer takes it, where one was named.
    pub fn request(&self) -> Option<LibraryRequest> {
        self.sounds.clone().map(|folder| LibraryRequest { folder, matched: self.matching.matched() })
    }
}

/// The descriptors that are searched for as they are.
#[derive(Debug, Args)]
pub struct MatchingArgs {
    /// Search the library for the target's own values, instead of mapping the target's distribution onto the
    /// library's; for all descriptors or, as in --unmatched=loudness, for some
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
    unmatched: Vec<DescriptorName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DescriptorName {
    Tone,
    Loudness,
    Onset,
}

impl MatchingArgs {
    /// The descriptors whose distribution is mapped onto the library's.
    pub fn matched(&self) -> DescriptorMatching {
        let is_mapped = |name| !self.unmatched.contains(&name);
        DescriptorMatching {
            tone: is_mapped(DescriptorName::Tone),
            loudness: is_mapped(DescriptorName::Loudness),
            onset: is_mapped(DescriptorName::Onset),
        }
    }
}
