//! Scores as files.

use crate::score::wav::SourceSound;
use crate::score::{Score, ScoreHeader, csound, edl, midi, reaper, wav};
use crate::storage::{AtomicFile, AtomicFolder, Overwrite};
use crate::{Error, Kind, Result};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Format of a score, by its extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreFormat {
    /// Kinophone's own format.
    Json,
    /// A table.
    Csv,
    /// A piece for Csound.
    Csound,
    /// A project of Reaper's.
    Reaper,
    /// A MIDI file.
    Midi,
    /// An edit decision list, CMX 3600.
    Edl,
}

impl ScoreFormat {
    /// The format of an extension; `None` for any other extension.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_string_lossy().to_lowercase().as_str() {
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "csd" => Some(Self::Csound),
            "rpp" => Some(Self::Reaper),
            "mid" => Some(Self::Midi),
            "edl" => Some(Self::Edl),
            _ => None,
        }
    }

    /// True if it plays the sources' sound, from a folder beside it.
    pub fn plays(self) -> bool {
        matches!(self, Self::Csound | Self::Reaper)
    }
}

/// The files of one score, begun before the work, so that names that can't be written are known at once. Those that play share
/// a folder of sources where they have a name in common.
pub struct ScoreFiles {
    files: Vec<(AtomicFile, PathBuf, ScoreFormat)>,
    folders: Vec<(AtomicFolder, PathBuf)>,
}

impl ScoreFiles {
    /// Reserves all names. Errors: `Kind::Invalid` for an extension of no format, and those of [`AtomicFile::create`] and
    /// [`AtomicFolder::create`].
    pub fn begin(paths: &[PathBuf], overwrite: Overwrite) -> Result<Self> {
        let (mut files, mut folders) = (Vec::new(), Vec::<(AtomicFolder, PathBuf)>::new());
        for (number, path) in paths.iter().enumerate() {
            if paths[..number].contains(path) {
                continue;
            }
            let format = ScoreFormat::of(path).ok_or_else(|| {
                Error::new(Kind::Invalid, "has no extension of a score")
                    .at(path)
                    .help("name it .json, .csv, .csd, .rpp, .mid or .edl")
            })?;
            files.push((AtomicFile::reserve(path, overwrite)?, path.clone(), format));
            let folder = sources_folder(path);
            if format.plays() && !folders.iter().any(|(_, other)| *other == folder) {
                folders.push((AtomicFolder::create(&folder, overwrite, wav::LIST)?, folder));
            }
        }
        Ok(Self { files, folders })
    }

    /// True if there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// A remark on the times in an edit decision list, where one is written.
    pub(crate) fn edl_note(&self, about: &ScoreHeader) -> Option<String> {
        let lists = self.files.iter().any(|(.., format)| *format == ScoreFormat::Edl);
        lists.then(|| edl::note(about)).flatten().map(|note| format!("edit decision list: {note}"))
    }

    /// Writes all of them; folders appear before the files that need them.
    pub fn write(self, score: &Score, sound: &dyn SourceSound) -> Result<()> {
        let Self { mut files, folders } = self;
        for (folder, _) in &folders {
            wav::write(score, sound, folder.path())?;
        }
        for (file, path, format) in &mut files {
            let folder = sources_folder(path);
            let folder = folder.file_name().unwrap_or_default().to_string_lossy();
            let bytes = match format {
                ScoreFormat::Json => score.json().into_bytes(),
                ScoreFormat::Csv => score.csv().into_bytes(),
                ScoreFormat::Csound => csound::csd(score, &folder, path).into_bytes(),
                ScoreFormat::Reaper => reaper::rpp(score, &folder).into_bytes(),
                ScoreFormat::Midi => midi::mid(score),
                ScoreFormat::Edl => edl::edl(score).into_bytes(),
            };
            file.write_all(&bytes).map_err(|e| Error::io("written", &*path, e))?;
        }
        folders.into_iter().try_for_each(|(folder, _)| folder.commit())?;
        files.into_iter().try_for_each(|(file, ..)| file.commit())
    }
}

/// The folder of sources beside a score: `NAME.sources`.
///
/// Csound reads some characters as code even within quotes, and knows no way to write them; Reaper has none for quotes. A name
/// that has any of them lends the folder the rest of it, with a number that keeps it apart from other names.
pub(crate) fn sources_folder(score: &Path) -> PathBuf {
    let stem = score.file_stem().unwrap_or_default();
    let coded = |c: char| {
        c.is_control() || matches!(c, '$' | '{' | '}' | '"' | '\\' | '`' | char::REPLACEMENT_CHARACTER)
    };
    let name = stem.to_string_lossy();
    if !name.contains(coded) {
        return score.with_extension("sources");
    }
    let number = blake3::hash(stem.as_encoded_bytes()).to_hex();
    score.with_file_name(format!("{}-{}.sources", name.replace(coded, "_"), &number[..8]))
}
