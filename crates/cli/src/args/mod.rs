//! Groups of options that several commands share. They know the value parsers and the library, and no
//! command.

mod global;
mod library;
mod output;
mod pictures;
mod provenance;
mod selection;
mod sound;

pub use global::GlobalArgs;
pub use library::{LibraryArgs, MatchingArgs};
pub use output::{KeptTrackArgs, OutputArgs, OutputFileArgs, overwrite};
pub use pictures::PictureArgs;
pub use provenance::ProvenanceArgs;
pub use selection::SelectionArgs;
pub use sound::{BrainLoudnessArgs, SeedArgs};

/// The first option that was given, out of pairs of "was given" and its name.
pub fn first_given(options: &[(bool, &'static str)]) -> Option<&'static str> {
    options.iter().find(|(given, _)| *given).map(|(_, name)| *name)
}
